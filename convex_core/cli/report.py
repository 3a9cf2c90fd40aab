"""``report``: a solved problem as a page for people and as JSON that computes everything again."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from ..errors import InputError, Interrupted
from ..path import Path as BetaPath
from ..path import solve_path
from ..presentation.text import aligned
from ..problem import Problem
from ..progress import Budget, limits
from ..reports import check_page_size, ending, make_report
from ..solution import solve
from .inputs import check_outputs, dataset_options, make_dataset, make_problem, search_options
from .output import running

__all__ = ["run"]

# share of the time that the solution has where a path follows
_SOLUTION = 0.3


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Solve, write the page and the JSON beside it, and say what was written."""
    page = Path(args.out) if ending(args.out, "out") == ".html" else None
    numbers = Path(args.out).with_suffix(".json")
    check_outputs(reads=(args.data,), out=None if page is None else str(page), json_of_out=str(numbers))
    if args.path is not None and args.path < 2:
        raise InputError(f"path: got {args.path}, expected at least 2 points")
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    if page is not None:
        check_page_size(problem)
    with running() as (progress, cancel):
        budget = Budget(time_limit=args.time_limit, cancel=cancel, progress=progress, max_rounds=args.max_rounds)
        own = limits(budget if args.path is None else budget.part(_SOLUTION))
        solution = solve(problem, **search_options(args), **own)
        path = None if args.path is None else _path(problem, args, budget)
    report = make_report(solution, dataset=dataset, options=dataset_options(args), path=path, link=args.link)
    files = [file for file in (page, numbers) if file is not None]
    for file in files:
        report.save(file)
    result = {**solution.to_dict(), "files": [str(file) for file in files], "seal": report.to_dict()["seal"]}
    lines = [
        *solution.lines(),
        ("written", " and ".join(map(str, files))),
        ("check", shlex.join(["convex-core", "verify", str(files[0])])),
    ]
    return result, aligned(lines)


def _path(problem: Problem, args: argparse.Namespace, budget: Budget) -> BetaPath | None:
    """The path in the time that is left; none if not even its first point was finished."""
    try:
        return solve_path(problem, points=args.path, **search_options(args), **limits(budget))
    except Interrupted:
        return None
