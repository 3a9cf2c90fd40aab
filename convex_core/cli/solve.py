"""``solve``: the certified global optimum of a training problem."""

from __future__ import annotations

import argparse
import math
from typing import Any

from ..contracts.files import write_text
from ..data import save_dataset, saved_as
from ..errors import InputError
from ..export.model import save_model
from ..export.script import cvxpy_script, some_cell, whole_cvxpy_script
from ..presentation.text import aligned
from ..solution import solve
from .inputs import accuracies, check_outputs, describe, make_dataset, make_problem, search_options
from .onnx_file import check_installed, write_asked
from .output import running

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Solve, write what is asked for, and report."""
    if args.script is None and args.script_cells is not None:
        raise InputError(f"script-cells: got {args.script_cells!r} without --script, expected a file to write")
    check_outputs(
        reads=(args.data,),
        out=args.out,
        save_data=None if args.save_data is None else str(saved_as(args.save_data)),
        script=args.script,
        onnx=args.onnx,
    )
    check_installed(args)
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    whole = None
    if args.script is not None:  # too many cells, or too much data, are found out before any time is spent on solving
        if args.script_cells == "all":
            whole = whole_cvxpy_script(problem)
        else:
            cvxpy_script(problem, some_cell(problem), complete=False)
    with running() as (progress, cancel):
        solution = solve(
            problem,
            **search_options(args),
            time_limit=args.time_limit,
            cancel=cancel,
            progress=progress,
        )
    if args.out is not None:
        save_model(args.out, solution)
    if args.save_data is not None:
        save_dataset(dataset, args.save_data)
    if args.script is not None:
        write_text(args.script, solution.to_script() if whole is None else whole, "script")
    exported, said = write_asked(args, solution.network)
    found = accuracies(dataset, problem, solution.network)
    result = {**solution.to_dict(), **found, **exported, **describe(dataset)}
    lines = [("data", dataset.description), *solution.lines(), *said]
    lines += [
        (name.replace("_", " "), f"{share:.1%}")
        for name, share in found.items()
        if share is not None and math.isfinite(share)
    ]
    return result, aligned(lines)
