"""Clarabel over some of the cone rows; those that its answer violates are stated and it is asked again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...losses import Loss
from ...penalties import Penalty
from ...program import Blocks, ConeRows, assemble
from ...progress import Budget
from .clarabel import ConicSolution, solve_clarabel

__all__ = ["solve_with_lazy_rows"]

_Array = NDArray[np.float64]

# a cone row counts as violated below -_VIOLATED * ||c||
_VIOLATED = 1e-9


def solve_with_lazy_rows(
    blocks: Blocks,
    y: _Array,
    beta: float,
    stated: NDArray[np.bool_],
    *,
    loss: Loss,
    penalty: Penalty,
    tol: float,
    budget: Budget,
) -> tuple[ConicSolution, float]:
    """Solve until no row of a nonzero block is violated; also the seconds that were not Clarabel's own.

    The entries of `stated` (B, M) that were added stay set. Rows that follow from stated ones still enter where the
    solver's tolerance, carried over by a thin cone, leaves them violated.
    """
    seconds = 0.0
    begin = budget.seconds
    while True:
        rows = ConeRows(*np.nonzero(stated))
        program = assemble(blocks, y, beta, rows, loss=loss, penalty=penalty)
        answer = solve_clarabel(program, tol=tol, budget=budget)
        seconds += answer.seconds
        if not np.isfinite(answer.C).all():  # stopped before its first iterate
            break
        size = penalty.norm(answer.C)
        active = size > 1e-8 * size.max(initial=0.0)
        slack = blocks.sides * (answer.C @ blocks.rows.T)
        violated = (slack < -_VIOLATED * size[:, None]) & ~stated & active[:, None]
        if not violated.any():
            break
        # the worst p rows of each block are enough to move it; the rest usually follow
        worst = np.argsort(np.where(violated, slack, np.inf), axis=1)[:, : blocks.rows.shape[1]]
        entering = np.zeros_like(violated)
        np.put_along_axis(entering, worst, True, axis=1)
        stated |= violated & entering
        if budget.stop() is not None:
            break
    return replace(answer, seconds=seconds), budget.seconds - begin - seconds
