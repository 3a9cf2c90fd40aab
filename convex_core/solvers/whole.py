"""The whole convex program in one piece, over every pattern of a pricer, by one of two independent routes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .._records import record
from ..errors import SizeError
from ..problem import Problem
from ..program import Blocks, facet_rows
from ..progress import Budget
from ..status import Status
from .cvxpy_backend import solve_cvxpy
from .lazy_rows import solve_with_lazy_rows
from .pricing import EnumeratedPricer

__all__ = ["MAX_WHOLE_ENTRIES", "WholeSolution", "solve_whole"]

_Array = NDArray[np.float64]

#: most nonzeros of the assembled constraint matrix; beyond, an interior-point factorisation takes many minutes
MAX_WHOLE_ENTRIES = 20_000_000


@record
@dataclass(frozen=True, slots=True)
class WholeSolution:
    """Blocks of the program over every pattern, judged by nobody yet."""

    C: _Array
    blocks: Blocks
    dual: _Array | None
    outputs: _Array
    status: Status
    solver_status: str
    build_seconds: float
    solve_seconds: float


def _all_blocks(pricer: EnumeratedPricer) -> Blocks:
    """Both blocks of every pattern of `pricer`."""
    factory = pricer.factory
    M, p = factory.cone_rows.shape
    n = factory.patches.shape[1]
    entries = 2 * len(pricer.patterns) * (M + n) * p
    if entries > MAX_WHOLE_ENTRIES:
        raise SizeError(
            f"patterns: got {len(pricer.patterns)}, whose whole program would hold {entries:,} coefficients, "
            f"expected at most {MAX_WHOLE_ENTRIES:,}; the method column-generation needs only a few of them",
            predicted=entries,
            limit=MAX_WHOLE_ENTRIES,
        )
    active = pricer.patterns.active()
    sign = np.repeat(np.array([1, -1], dtype=np.int8), len(active))
    return factory.blocks(np.concatenate([active, active]), sign)


def solve_whole(
    problem: Problem, pricer: EnumeratedPricer, *, backend: str, tol: float, budget: Budget
) -> WholeSolution:
    """Solve over every block at once.

    Parameters
    ----------
    problem : Problem
        The training problem.
    pricer : EnumeratedPricer
        Lists the patterns.
    backend : {"clarabel", "cvxpy"}
        Direct Clarabel over the facets of every cell, or a vectorised CVXPY model over all cone rows (built
        independently, solved by Clarabel).
    tol : float
        Solver tolerance.
    budget : Budget
        Time limit and cancel flag.

    Raises
    ------
    SizeError
        If the program would hold more than :data:`MAX_WHOLE_ENTRIES` coefficients.
    """
    begin = budget.seconds
    blocks = _all_blocks(pricer)
    budget.report("solve", f"{len(blocks):,} blocks in one {backend} program")
    if backend == "cvxpy":
        answer, build = solve_cvxpy(blocks, problem, tol=tol, budget=budget)
    else:
        stated = facet_rows(blocks)
        listed = budget.seconds - begin
        answer, build = solve_with_lazy_rows(
            blocks,
            problem.y,
            problem.beta,
            stated,
            loss=problem.loss,
            penalty=problem.architecture.penalty,
            tol=tol,
            budget=budget,
        )
        build += listed
    if not np.isfinite(answer.C).all():  # stopped before its first iterate
        answer = replace(answer, C=np.zeros_like(answer.C), dual=None)
    f = pricer.factory.outputs(blocks, answer.C)
    stopped = budget.stop()
    status = Status.OPTIMAL if answer.solved else stopped or Status.STALLED
    return WholeSolution(answer.C, blocks, answer.dual, f, status, answer.solver_status, build, answer.seconds)
