"""The restricted master: the convex program over the blocks generated so far."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..losses import Loss, SquaredLoss
from ..penalties import L2Penalty, Penalty
from ..program import Blocks, ConeRows, assemble
from ..progress import Budget
from ..recovery import independent_atoms
from .clarabel_backend import solve_clarabel
from .polish import polish

__all__ = ["MasterSolution", "RestrictedMaster"]

_Array = NDArray[np.float64]

# a cone row counts as violated below -_VIOLATED * ||c||
_VIOLATED = 1e-9


@dataclass(frozen=True, slots=True)
class MasterSolution:
    """Solution of the restricted master: blocks C (B, p) and dual vector v (n,)."""

    C: _Array
    dual: _Array


@dataclass(slots=True)
class RestrictedMaster:
    """The blocks generated so far, the cone rows stated for each, and the solver state.

    Cone rows enter only when they are violated: a cell in R^p has about 2(p - 1) facets, whatever the number of rows.
    """

    blocks: Blocks
    y: _Array
    beta: float
    loss: Loss
    penalty: Penalty
    stated: NDArray[np.bool_] = field(init=False)
    idle: NDArray[np.int64] = field(init=False)
    build_seconds: float = 0.0
    solve_seconds: float = 0.0
    tol: float = 1e-9
    zero: float = 1e-6
    polishing: bool = True

    def __post_init__(self) -> None:
        self.stated = np.zeros(self.blocks.sides.shape, dtype=bool)
        self.idle = np.zeros(len(self.blocks), dtype=np.int64)

    def add(self, columns: Blocks, directions: _Array) -> int:
        """Add the blocks of `columns` that are not here yet; answer how many were new."""
        have = set(self.blocks.keys())
        fresh: list[int] = []
        for i, key in enumerate(columns.keys()):
            if key not in have:
                have.add(key)
                fresh.append(i)
        if not fresh:
            return 0
        self.polishing = True
        chosen = np.array(fresh)
        M, p = columns.rows.shape
        stated = np.zeros((len(fresh), M), dtype=bool)
        nearest = np.argsort(np.abs(directions[chosen] @ columns.rows.T), axis=1)[:, : 8 * p]
        np.put_along_axis(stated, nearest, True, axis=1)
        self.blocks = self.blocks.extended(columns.take(chosen))
        self.stated = np.concatenate([self.stated, stated])
        self.idle = np.concatenate([self.idle, np.zeros(len(fresh), dtype=np.int64)])
        return len(fresh)

    def tighten(self) -> bool:
        """Ask for more accuracy from now on; False when there is none left to ask for."""
        if self.polishing:  # it may have settled without a block that belongs: let the conic solver speak for itself
            self.polishing = False
            return True
        if self.zero <= 1e-11:
            return False
        self.tol = max(self.tol * 1e-1, 1e-12)
        self.zero *= 1e-2
        return True

    def solve(self, budget: Budget) -> MasterSolution:
        """Solve over the present blocks, adding violated cone rows until there are none."""
        while True:
            begin = time.perf_counter()
            block, row = np.nonzero(self.stated)
            program = assemble(
                self.blocks, self.y, self.beta, ConeRows(block, row), loss=self.loss, penalty=self.penalty
            )
            built = time.perf_counter()
            answer = solve_clarabel(program, tol=self.tol, budget=budget)
            self.build_seconds += built - begin
            self.solve_seconds += time.perf_counter() - built
            size = self.penalty.norm(answer.C)
            alive = size > 1e-8 * size.max(initial=0.0)
            slack = self.blocks.sides * (answer.C @ self.blocks.rows.T)
            violated = (slack < -_VIOLATED * size[:, None]) & ~self.stated & alive[:, None]
            if not violated.any():
                break
            # the worst p rows of each block are enough to move it; the rest usually follow
            p = self.blocks.rows.shape[1]
            worst = np.argsort(np.where(violated, slack, np.inf), axis=1)[:, :p]
            entering = np.zeros_like(violated)
            np.put_along_axis(entering, worst, True, axis=1)
            self.stated |= violated & entering
            if budget.stop() is not None:
                break
        C, dual = answer.C, answer.dual
        if dual is None:
            dual = -self.loss.gradient(np.einsum("bnp,bp->n", self.blocks.G, C), self.y)
        if self.polishing and isinstance(self.loss, SquaredLoss) and isinstance(self.penalty, L2Penalty):
            begin = time.perf_counter()
            better = polish(self.blocks, self._sparse(C), self.y, self.beta)
            if better is not None:
                C = better.C
                dual = self.y - np.einsum("bnp,bp->n", self.blocks.G, C)
            self.solve_seconds += time.perf_counter() - begin
        return MasterSolution(C, dual)

    def _sparse(self, C: _Array) -> _Array:
        """Blocks with linearly independent outputs, close to `C`.

        A direction on the border of a cell belongs to every cell around it, and an interior-point method spreads it
        over all of them; Newton's method needs one copy.
        """
        size = self.penalty.norm(C)
        alive = np.flatnonzero(size > self.zero * size.max(initial=0.0))
        unit = C[alive] / size[alive, None]
        Phi = np.einsum("bnp,bp->nb", self.blocks.G[alive], unit)
        keep, kept = independent_atoms(Phi, size[alive], relative_zero=1e-5)
        out = np.zeros_like(C)
        out[alive[keep]] = kept[:, None] * unit[keep]
        return out

    def retire(self, C: _Array, rounds: int = 2) -> None:
        """Drop the blocks that have been zero for `rounds` rounds running."""
        size = self.penalty.norm(C)
        zero = size <= 1e-7 * size.max(initial=0.0)
        self.idle = np.where(zero, self.idle + 1, 0)
        keep = self.idle < rounds
        self.blocks = self.blocks.take(keep)
        self.stated = self.stated[keep]
        self.idle = self.idle[keep]
