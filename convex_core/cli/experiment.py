"""``experiment``: one of the talk's experiments, convex programs against SGD."""

from __future__ import annotations

import argparse
import json
import math
from typing import Any

from ..contracts.files import write_text
from ..experiments import run_experiment
from ..presentation.text import aligned, jsonable, number, table
from .inputs import check_outputs
from .output import running

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Run, write what is asked for, and report."""
    check_outputs(out=args.out, html=args.html)
    with running() as (progress, cancel):
        result = run_experiment(
            args.name,
            seed=args.seed,
            seeds=args.seeds,
            beta=args.beta,
            iterations=args.iterations,
            quick=args.quick,
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    found = result.to_dict()
    if args.out is not None:
        write_text(args.out, json.dumps(jsonable(found), allow_nan=False, indent=1), "out")
    if args.html is not None:
        from ..figures.experiment import experiment_page  # plotly is slow to import: only this option pays for it

        write_text(args.html, experiment_page(result), "html")
    head = aligned(
        [
            ("experiment", result.plan.title),
            ("data", result.data),
            ("stated", "; ".join(result.plan.stated)),
            ("our choices", "; ".join(result.plan.chosen)),
            ("ended", "complete" if result.stopped is None else result.stopped.text),
            ("seconds", f"{result.seconds:.1f}"),
        ]
    )
    rows = [
        (
            arm.plan.label,
            number(s.objective, 8),
            number(s.network_objective, 8),
            number(s.lower_bound, 8),
            s.scope.value,
            s.exactness.value,
            f"{s.seconds.total:.2f}",
            "-" if arm.test_accuracy is None else f"{arm.test_accuracy:.1%}",
        )
        for arm in result.arms
        for s in (arm.solution,)
    ]
    header = ("program", "convex", "network", "lower bound", "scope", "exactness", "seconds", "test")
    text = f"{head}\n\n{table(header, rows)}"
    training = result.training
    if training is not None:
        ends = [
            (
                str(seed),
                number(float(training.objective[s, -1]), 8),
                "-" if training.test_accuracy is None else f"{training.test_accuracy[s, -1]:.1%}",
            )
            for s, seed in enumerate(training.seeds)
        ]
        spent = training.seconds[-1] if math.isfinite(training.seconds[-1]) else 0.0
        title = f"SGD, {training.iterations[-1]:,} steps in {spent:.1f} s for all seeds"
        text += f"\n\n{title}\n{table(('seed', 'objective', 'test'), ends)}"
    return found, text
