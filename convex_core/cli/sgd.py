"""``sgd``: the same problem by mini-batch SGD, from several initialisations."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from ..export.text import aligned, number, table
from ..model_io import save_network
from ..progress import Budget
from ..sgd import train_sgd
from .inputs import accuracies, check_outputs, describe, make_dataset, make_problem
from .output import running

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Train, write the best network if asked to, and report."""
    check_outputs(reads=(args.data,), out=args.out)
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    with running() as (progress, cancel):
        budget = Budget(time_limit=args.time_limit, cancel=cancel, progress=progress)
        trained = train_sgd(
            problem,
            m=args.m,
            seeds=args.seeds,
            learning_rate=args.learning_rate,
            schedule=args.schedule,
            momentum=args.momentum,
            batch_size=args.batch_size,
            iterations=args.iterations,
            init_scale=args.init_scale,
            record_every=args.record_every,
            budget=budget,
        )
        total = budget.seconds
    best = trained.best_networks[trained.best]
    if args.out is not None:
        loss = problem.loss
        save_network(
            args.out, best, beta=problem.beta, objective=problem.objective(best), loss=loss.name, **loss.options
        )
    result = {
        "objective": float(trained.best_objective[trained.best]),
        "best_seed": trained.seeds[trained.best],
        "seeds": trained.seeds,
        "best_objective": trained.best_objective,
        "final_objective": trained.objective[:, -1],
        "diverged": trained.diverged,
        "status": trained.status.value,
        "history": {
            "iterations": trained.iterations,
            "seconds": trained.seconds,
            "objective": trained.objective,
        },
        "settings": asdict(trained.settings),
        "seconds": {"train": trained.seconds[-1], "total": total},
        **accuracies(dataset, best),
        **describe(dataset),
        **problem.to_dict(),
    }
    head = aligned(
        [
            ("data", dataset.description),
            (
                "steps",
                f"{trained.iterations[-1]:,} of batch {trained.settings.batch_size}, {trained.settings.m} filters",
            ),
            ("status", f"{trained.status}: {trained.status.text}"),
            ("seconds", f"{trained.seconds[-1]:.2f} of training, {total:.2f} in all"),
        ]
    )
    rows = [
        (str(seed), number(low, 10), number(last, 10), f"{rate:.3g}", "yes" if gone else "no")
        for seed, low, last, rate, gone in zip(
            trained.seeds,
            trained.best_objective,
            trained.objective[:, -1],
            trained.settings.learning_rate,
            trained.diverged,
            strict=True,
        )
    ]
    return result, f"{head}\n\n{table(('seed', 'best objective', 'last objective', 'step size', 'diverged'), rows)}"
