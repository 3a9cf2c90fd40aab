"""The whole convex program in one piece, over every pattern of a pricer, by one of two independent routes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import SizeError
from ..problem import Problem
from ..program import Blocks, facet_rows
from ..progress import Budget
from ..status import Status
from .backends.cvxpy import solve_cvxpy
from .backends.lazy_rows import solve_with_lazy_rows
from .pricing.enumerated import EnumeratedPricer
from .rounds import Run

__all__ = ["MAX_WHOLE_ENTRIES", "solve_whole"]

_Array = NDArray[np.float64]

#: most nonzeros of the assembled constraint matrix; beyond, an interior-point factorisation takes many minutes
MAX_WHOLE_ENTRIES = 20_000_000


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


def solve_whole(problem: Problem, pricer: EnumeratedPricer, *, backend: str, tol: float, budget: Budget) -> Run:
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
    return Run(
        C=answer.C,
        blocks=blocks,
        dual=-problem.loss.gradient(f, problem.y) if answer.dual is None else answer.dual,
        tau=math.inf,
        upper=problem.loss.value(f, problem.y)
        + problem.beta * float(problem.architecture.penalty.norm(answer.C).sum()),
        lower=-math.inf,
        status=Status.OPTIMAL if answer.solved else budget.stop() or answer.stopped or Status.STALLED,
        history=(),
        build_seconds=build,
        solve_seconds=answer.seconds,
        price_seconds=0.0,
    )
