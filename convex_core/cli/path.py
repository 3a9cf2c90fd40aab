"""``path``: certified optima from the zero network down to a small beta."""

from __future__ import annotations

import argparse
from typing import Any

from ..path import Path, solve_path
from ..solvers.select import MAX_PATTERNS
from .inputs import describe, make_dataset, make_problem
from .output import aligned, number, running, table

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
            tol=args.tol,
            method=args.method,
            time_limit=args.time_limit,
            max_rounds=args.max_rounds,
            seed=args.seed,
            max_patterns=MAX_PATTERNS if args.max_patterns is None else args.max_patterns,
            cancel=cancel,
            progress=progress,
        )
    described = describe(dataset, problem)
    del described["beta"]
    first = path[0]
    result = {
        "beta_max": path.beta_max,
        "beta_max_scope": path.beta_max_scope.value,
        "betas": path.betas,
        "objective": path.objective,
        "lower_bound": path.lower_bound,
        "relative_gap": path.relative_gap,
        "active_filters": path.alive,
        "filter_norms": path.filter_norms,
        "filters": [s.network.filters for s in path],
        "weights": [s.network.weights for s in path],
        "point_status": [s.status.value for s in path],
        "point_seconds": [s.seconds.total for s in path],
        "scope": path.scope.value,
        "status": path.status.value,
        "exactness": first.exactness.value,
        "patterns": first.patterns,
        "patterns_bound": first.patterns_bound,
        "points_requested": len(path.requested),
        "seconds": path.seconds,
        "method": first.method,
        "tol": args.tol,
        **described,
    }
    return result, _text(path, dataset.description)


def _text(path: Path, description: str) -> str:
    head = aligned(
        [
            ("data", description),
            ("beta max", f"{number(path.beta_max, 10)} ({path.beta_max_scope}): the zero network from here on"),
            ("scope", f"{path.scope}: {path.scope.text}"),
            ("status", f"{path.status}: {path.status.text}"),
            ("points", f"{len(path)} of {len(path.requested)}"),
            ("seconds", f"{path.seconds:.2f}"),
        ]
    )
    rows = [
        (
            number(s.problem.beta, 6),
            number(s.network_objective, 10),
            number(s.lower_bound, 10),
            number(s.relative_gap, 3),
            str(s.active_filters),
            f"{s.seconds.total:.2f}",
        )
        for s in path
    ]
    return f"{head}\n\n{table(('beta', 'objective', 'lower bound', 'relative gap', 'filters', 'seconds'), rows)}"
