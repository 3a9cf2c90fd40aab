"""``sgd``: the same problem by mini-batch SGD or Adam, from several initialisations, or by all of them, tuned."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from ..data import Dataset
from ..errors import InputError
from ..export.model import save_network
from ..networks.network import Network
from ..numerics.jit import clock
from ..presentation.text import aligned, number, table
from ..problem import Problem
from ..progress import Limits
from ..training.sgd import (
    LEARNING_RATES,
    OPTIMISERS,
    Comparison,
    Optimiser,
    SGDResult,
    TunedRun,
    compare_optimisers,
    train_sgd,
)
from .inputs import accuracies, check_outputs, describe, make_dataset, make_problem
from .onnx_file import check_installed, write_asked
from .output import running

__all__ = ["run"]

_ALL = "all"
_MOMENTUM = 0.9


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Train, write the best network if asked to, and report."""
    check_outputs(reads=(args.data,), out=args.out, onnx=args.onnx)
    check_installed(args)
    choices = (*get_args(Optimiser), _ALL)
    if args.optimiser not in choices:
        raise InputError(f"--optimizer: got {args.optimiser!r}, expected one of {', '.join(choices)}")
    every = args.optimiser == _ALL
    for key, value, wanted in (
        ("learning-rate", args.learning_rate, args.learning_rate is None or not every),
        ("learning-rates", args.learning_rates, args.learning_rates is None or every),
        ("momentum", args.momentum, args.momentum == _MOMENTUM or not every),
    ):
        if not wanted:
            other = "one optimizer alone" if every else f"--optimizer {_ALL}"
            raise InputError(f"--{key}: got {value} with --optimizer {args.optimiser}, expected it only with {other}")
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    with running() as (progress, cancel):
        begin = clock()
        stopping: Limits = {"time_limit": args.time_limit, "cancel": cancel, "progress": progress}
        options = {
            "m": args.m,
            "seeds": args.seeds,
            "schedule": args.schedule,
            "batch_size": args.batch_size,
            "iterations": args.iterations,
            "init_scale": args.init_scale,
            "record_every": args.record_every,
        }
        if every:
            rates = LEARNING_RATES if args.learning_rates is None else args.learning_rates
            comparison = compare_optimisers(problem, learning_rates=rates, **options, **stopping)
            trained = comparison.runs[comparison.best].result
        else:
            trained = train_sgd(
                problem,
                optimiser=args.optimiser,
                learning_rate=args.learning_rate,
                momentum=args.momentum,
                **options,
                **stopping,
            )
        total = clock() - begin
    best = trained.best_networks[trained.best]
    if args.out is not None:
        loss = problem.loss
        save_network(
            args.out, best, beta=problem.beta, objective=problem.objective(best), loss=loss.name, **loss.options
        )
    exported, said = write_asked(args, best)
    result = {**_numbers(trained, dataset, problem, best, total), **exported}
    spent = trained.cpu_seconds[-1]
    if every:
        # each optimiser has seconds of its own, all of its step sizes together
        result["optimisers"] = [_tuned(run) for run in comparison.runs]
        result["optimiser"] = comparison.runs[comparison.best].optimiser
        result["status"] = comparison.status.value
        spent = sum(float(run.result.cpu_seconds[-1]) for run in comparison.runs)
    head = aligned(
        [
            ("data", dataset.description),
            (
                "steps",
                f"{trained.iterations[-1]:,} of batch {trained.settings.batch_size}, {trained.settings.m} filters",
            ),
            ("status", f"{trained.status}: {trained.status.text}"),
            (
                "seconds",
                f"{trained.seconds[-1]:.2f} of training ({spent:.2f} of processors), {total:.2f} in all",
            ),
            *said,
        ]
    )
    return result, f"{head}\n\n{_comparison(comparison) if every else _seeds(trained)}"


def _numbers(trained: SGDResult, dataset: Dataset, problem: Problem, best: Network, total: float) -> dict[str, Any]:
    return {
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
            "cpu_seconds": trained.cpu_seconds,
            "objective": trained.objective,
        },
        "settings": asdict(trained.settings),
        "seconds": {"train": trained.seconds[-1], "cpu": trained.cpu_seconds[-1], "total": total},
        **accuracies(dataset, problem, best),
        **describe(dataset),
        **problem.to_dict(),
    }


def _tuned(run: TunedRun) -> dict[str, Any]:
    return {
        "optimiser": run.optimiser,
        "name": run.name,
        "momentum": OPTIMISERS[run.optimiser][2],
        "learning_rates": run.learning_rates,
        "objective": run.objective,
        "learning_rate": run.learning_rate,
        "at_edge": run.at_edge,
        "best_objective": run.best_objective,
        "best_seed": run.result.seeds[run.result.best],
        "steps": run.steps,
        "seconds": run.result.seconds[-1],
        "cpu_seconds": run.result.cpu_seconds[-1],
        "history": {"iterations": run.result.iterations, "objective": run.result.objective},
    }


def _seeds(trained: SGDResult) -> str:
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
    return table(("seed", "best objective", "last objective", "step size", "diverged"), rows)


def _comparison(comparison: Comparison) -> str:
    rows = [
        (
            run.name,
            number(run.best_objective, 10),
            str(run.result.seeds[run.result.best]),
            number(float(np.median(run.result.best_objective)), 10),
            f"{run.learning_rate:g}{', at the edge' if run.at_edge else ''}",
            f"{run.steps:,}",
            f"{run.result.seconds[-1]:.2f}",
            f"{run.result.cpu_seconds[-1]:.2f}",
        )
        for run in comparison.runs
    ]
    rates = ", ".join(f"{rate:g}" for rate in comparison.runs[0].learning_rates)
    settings = comparison.settings
    seeds = ", ".join(map(str, settings.seeds))
    heads = ("optimiser", "best objective", "seed", "median seed", "step size", "steps", "seconds", "cpu seconds")
    return (
        f"Each tuned over the step sizes {rates}, from the seeds {seeds}: for each of them "
        f"{settings.iterations:,} steps, the best chosen on the training objective.\n\n{table(heads, rows)}"
    )
