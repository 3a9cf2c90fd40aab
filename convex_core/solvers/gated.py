r"""Gated ReLU: the convex program without its cone rows, and the way back to a ReLU network.

With the gates of every cell free of their filters the program

.. math:: \min_{c} \; \ell\Big(\sum_b G_b c_b,\; y\Big) + \beta \sum_b \|c_b\|

has fewer constraints than the ReLU program, so its value is a lower bound (Mishkin, Sahiner and Pilanci 2022,
arXiv 2202.01331). Each block is then split inside the cone of its cell,

.. math:: \min_{a, b} \; \|a\| + \|b\| \quad \text{s.t. } a - b = c,\; a, b \in \text{cone},

which has a solution whenever the cone has an interior. The ReLU network of the blocks a (same output sign) and b
(opposite sign) has the same outputs, and its penalty gives an upper bound.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..numerics.interior_point import NotBegunError, minimise
from ..penalties import Penalty
from ..problem import Problem
from ..program import Blocks, CellFactory
from ..progress import Budget
from .column_generation import generate_columns
from .incumbent import Incumbent
from .pricing.enumerated import EnumeratedPricer
from .rounds import Run

__all__ = ["decompose", "solve_gated"]

_Array = NDArray[np.float64]
# tolerance of the conic solver that splits a block
_SPLITTING = 1e-10


class _GatedCells(CellFactory):
    """The cells of a problem without their cones."""

    def __init__(self, cells: CellFactory) -> None:
        super().__init__(cells.architecture, cells.patches)
        self.cone_rows = np.zeros((0, self.p))

    def sides(self, active: NDArray[np.bool_]) -> NDArray[np.int8]:
        """Nothing bounds a block."""
        return np.zeros((len(active), 0), dtype=np.int8)

    def outputs(self, blocks: Blocks, C: _Array) -> _Array:
        """The gates are those of the cell, whatever the block."""
        total: _Array = np.einsum("bnp,bp->n", blocks.G, C)
        return total


def solve_gated(
    problem: Problem, pricer: EnumeratedPricer, *, tol: float, budget: Budget, incumbent: Incumbent | None = None
) -> Run:
    """Solve the gated program over the cells of `pricer` to the relative gap `tol`, and split its blocks.

    Parameters
    ----------
    problem : Problem
        The training problem.
    pricer : EnumeratedPricer
        Lists the cells.
    tol : float
        Relative gap of the gated program.
    budget : Budget
        Time limit, cancel flag and progress callback; blocks for which no time is left are not split, and left out.
    incumbent : Incumbent, optional
        Told of the networks whose neurons are the blocks as they are, and of every round.

    Returns
    -------
    Run
        Bounds, dual vector and rounds of the gated program, whose `lower` is a bound on every ReLU network; the blocks
        are those of a ReLU network with the same outputs, and nothing is proved of `dual` over their cells.
    """
    cells = pricer.factory
    free = EnumeratedPricer(_GatedCells(cells), pricer.patterns)
    run = generate_columns(problem, free, tol=tol, budget=budget, incumbent=incumbent, exact=False)
    inside = cells.blocks(run.blocks.active, run.blocks.sign)
    penalty = problem.architecture.penalty
    pairs = []
    for c, sides in zip(run.C, inside.sides, strict=True):
        late = budget.stop() is not None
        pairs.append((0.0 * c, 0.0 * c) if late else decompose(penalty, c, sides[:, None] * inside.rows, budget=budget))
    with_sign = np.array([a for a, _ in pairs]).reshape(-1, cells.p)
    against = np.array([b for _, b in pairs]).reshape(-1, cells.p)
    other = cells.blocks(run.blocks.active, (-run.blocks.sign).astype(np.int8))
    C, blocks = np.concatenate([with_sign, against]), inside.extended(other)
    active = penalty.norm(C) > 1e-9 * penalty.norm(C).max(initial=0.0)
    return replace(run, C=C[active], blocks=blocks.take(active), tau=math.inf)


def decompose(penalty: Penalty, c: _Array, normals: _Array, *, budget: Budget | None = None) -> tuple[_Array, _Array]:
    r"""Write c as a - b with a and b in the cone ``normals @ x >= 0`` and :math:`\|a\| + \|b\|` least.

    Parameters
    ----------
    penalty : Penalty
        The norm.
    c : (p,)
        Any vector.
    normals : (M, p)
        Rows of a cone with interior points; rows of zeros state nothing.
    budget : Budget, optional
        Asked at every iteration whether to stop, with parts that are not there yet.

    Examples
    --------
    >>> from convex_core.penalties import L2Penalty
    >>> a, b = decompose(L2Penalty(), np.array([1.0, -2.0]), np.eye(2))
    >>> np.allclose(a, [1.0, 0.0], atol=1e-6), np.allclose(b, [0.0, 2.0], atol=1e-6)
    (True, True)
    """
    p = len(c)
    unit = float(np.abs(c).max(initial=0.0))
    if unit == 0.0:
        return np.zeros(p), np.zeros(p)
    rows = sparse.csc_matrix(normals[np.any(normals != 0.0, axis=1)])
    form = penalty.form(p)
    aux, M = len(form.q), rows.shape[0]
    nothing = sparse.csc_matrix((p, aux))
    identity = sparse.eye_array(p)
    cone = sparse.hstack([sparse.csc_matrix((M, aux)), -rows])
    A = sparse.csc_matrix(
        sparse.vstack(
            [
                sparse.hstack([nothing, identity, nothing, -identity]),
                sparse.block_diag([cone, cone]),
                sparse.block_diag([form.A, form.A]),
            ]
        )
    )
    b = np.zeros(A.shape[0])
    b[:p] = c / unit
    q = np.tile(np.concatenate([form.q, np.zeros(p)]), 2)
    budget = Budget() if budget is None else budget
    answer = None
    with suppress(NotBegunError):
        answer = minimise(
            sparse.csc_matrix((len(q), len(q))),
            q,
            A,
            b,
            (("zero", p), ("nonnegative", 2 * M), *(form.cones * 2)),
            tol=_SPLITTING,
            stop=lambda: budget.stop() is not None,
            remaining=budget.remaining,
        )
    if answer is None:
        return np.zeros(p), np.zeros(p)
    x = unit * answer.x
    width = aux + p
    return x[aux:width], x[width + aux :]
