"""``solve``: the certified global optimum of a training problem."""

from __future__ import annotations

import argparse
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import OPTIONS
from ..data import save_dataset, saved_as
from ..errors import InputError
from ..files import write_text
from ..model_io import save_model
from ..neurons import random_neurons
from ..problem import Problem
from ..program.script import cvxpy_script, whole_cvxpy_script
from ..solve import Solution, solve
from ..solvers.select import MAX_PATTERNS
from .inputs import accuracies, check_outputs, describe, make_dataset, make_problem
from .output import aligned, number, running

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
    )
    dataset = make_dataset(args)
    problem = make_problem(dataset, args)
    whole = None
    if args.script is not None:  # too many cells, or too much data, are found out before any time is spent on solving
        if args.script_cells == "all":
            whole = whole_cvxpy_script(problem)
        else:
            cvxpy_script(problem, _some_cell(problem), complete=False)
    with running() as (progress, cancel):
        solution = solve(
            problem,
            method=args.method,
            tol=args.tol,
            time_limit=args.time_limit,
            seed=args.seed,
            max_patterns=MAX_PATTERNS if args.max_patterns is None else args.max_patterns,
            cancel=cancel,
            progress=progress,
        )
    if args.out is not None:
        save_model(args.out, solution)
    if args.save_data is not None:
        save_dataset(dataset, args.save_data)
    if args.script is not None:
        write_text(args.script, _used_cells(solution) if whole is None else whole, "script")
    seconds = solution.seconds
    result = {
        "objective": solution.objective,
        "lower_bound": solution.lower_bound,
        "relative_gap": solution.relative_gap,
        "scope": solution.scope.value,
        "status": solution.status.value,
        "exactness": solution.exactness.value,
        "patterns": solution.patterns,
        "patterns_bound": solution.patterns_bound,
        "active_filters": solution.active_filters,
        "network_objective": solution.network_objective,
        "rounds": solution.rounds,
        "seconds": {
            "patterns": seconds.patterns,
            "build": seconds.build,
            "solve": seconds.solve,
            "certify": seconds.certify,
            "total": seconds.total,
        },
        "method": solution.method,
        "tol": args.tol,
        **accuracies(dataset, solution.network),
        **describe(dataset, problem),
    }
    return result, _text(solution, result, dataset.description)


def _used_cells(solution: Solution) -> str:
    """The script over the cells of the solution; the zero network has none, and any one says that it is zero."""
    used = solution.active if len(solution.active) else _some_cell(solution.problem)
    return cvxpy_script(solution.problem, used, complete=False)


def _some_cell(problem: Problem) -> NDArray[np.bool_]:
    """The code of the cell of one random neuron, (1, N)."""
    architecture = problem.architecture
    neuron = architecture.project(random_neurons(architecture, 1, np.random.default_rng(0)))
    return architecture.codes(problem.patches, neuron)


def _text(solution: Solution, result: dict[str, Any], description: str) -> str:
    seconds = solution.seconds
    patterns = "not listed" if solution.patterns is None else f"{solution.patterns:,}"
    lines = [
        ("data", description),
        ("network", _network_text(result)),
        ("objective", f"{number(solution.objective, 10)} convex, {number(solution.network_objective, 10)} network"),
        ("lower bound", f"{number(solution.lower_bound, 10)} ({solution.scope}: {solution.scope.text})"),
        ("relative gap", f"{number(solution.relative_gap, 3)} (asked for {result['tol']:g})"),
        ("status", f"{solution.status}: {solution.status.text}"),
        ("exactness", f"{solution.exactness}: {solution.exactness.text}"),
        ("patterns", f"{patterns} (bound {solution.patterns_bound:,})"),
        ("active filters", str(solution.active_filters)),
        ("method", f"{solution.method}, {solution.rounds} rounds"),
        (
            "seconds",
            f"{seconds.total:.2f} (patterns {seconds.patterns:.2f}, build {seconds.build:.2f}, "
            f"solve {seconds.solve:.2f}, certify {seconds.certify:.2f})",
        ),
    ]
    for name in ("train_accuracy", "test_accuracy"):
        if result[name] is not None and math.isfinite(result[name]):
            lines.append((name.replace("_", " "), f"{result[name]:.1%}"))
    return aligned(lines)


def _network_text(result: dict[str, Any]) -> str:
    sizes = " x ".join(map(str, result["filter_shape"]))
    stride = " x ".join(map(str, result["stride"]))
    options = "".join(f", {name.replace('_', ' ')} {result[name]}" for name in OPTIONS if name in result)
    bias = "" if result["bias"] == "none" else f" with a {result['bias']} bias"
    return (
        f"{result['architecture']} CNN{options}, filters {sizes}{bias}, stride {stride}, {result['padding']} padding, "
        f"{result['patches']} patches, beta {result['beta']:g}"
    )
