"""``path``: certified optima from the zero network down to a small beta."""

from __future__ import annotations

import argparse
from typing import Any

from ..path import solve_path
from ..presentation.text import aligned
from .inputs import describe, make_dataset, make_problem, search_options
from .output import running

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Solve the path and report every point."""
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    with running() as (progress, cancel):
        path = solve_path(
            problem,
            betas=args.betas,
            points=args.points,
            smallest=args.smallest,
            refine=args.refine,
            **search_options(args),
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    result = {**path.to_dict(), "tol": args.tol, **describe(dataset)}
    return result, f"{aligned([('data', dataset.description)])}\n{path.summary()}"
