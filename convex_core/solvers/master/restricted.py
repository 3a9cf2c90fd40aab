"""The restricted master: the convex program over the blocks generated so far."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record
from ...errors import SizeError
from ...losses import Loss, SquaredLoss
from ...losses.free_part import FreePart
from ...penalties import L2Penalty, NuclearPenalty, Penalty
from ...program import Blocks
from ...progress import Budget
from ...status import Status
from ..backends.lazy_rows import solve_with_lazy_rows
from .matrix_prox import MatrixProx
from .proximal_gradient import proximal_gradient
from .proximal_newton import CurvedLoss, proximal_newton
from .semismooth import NewtonState, semismooth_newton

__all__ = ["MasterSolution", "RestrictedMaster"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MasterSettings:
    """Tuning of the restricted master."""

    finest: float = 1e-11  # best error, relative to beta, that Newton's method is asked for
    coarsest: float = 1e-3  # worst error, relative to beta, that is taken from it
    restart: float = 0.1  # share of sigma with which the next solve starts: its blocks must be able to move
    # sigma with which the first solve from given blocks starts, in units of one over the largest squared gate matrix
    warm: float = 1e7
    # error, relative to beta, that this solve is asked for: the blocks are near, and a proof may follow at once
    first_accuracy: float = 1e-4
    # against the clock, share of the time left that the program of the only cell gets before its bound is looked at
    share: float = 0.7
    idle: int = 2  # rounds running in which a block is zero before it is dropped


SETTINGS = MasterSettings()


@record
@dataclass(frozen=True, slots=True)
class MasterSolution:
    """Solution of the restricted master: blocks C (B, p) and their norms (B,), dual vector v (n,).

    Where it is not the solution because there was no time for that, `stopped` says so.
    """

    C: _Array
    sizes: _Array
    dual: _Array
    stopped: Status | None = None


@dataclass(slots=True)
class RestrictedMaster:
    """The blocks generated so far and the solution over them, from which the next one starts.

    With a smooth loss and the Euclidean penalty it is solved by Newton's method, with the nuclear norm and no cones by
    proximal gradient steps and then by that; otherwise, or where Newton's method does not settle, by Clarabel. Then
    cone rows enter only when they are violated: a cell in R^p has about 2(p - 1) facets, whatever the number of rows.
    """

    blocks: Blocks
    y: _Array
    beta: float
    loss: Loss
    penalty: Penalty
    start: NewtonState = field(init=False)
    directions: _Array = field(init=False)
    stated: NDArray[np.bool_] = field(init=False)
    idle: NDArray[np.int64] = field(init=False)
    build_seconds: float = 0.0
    tol: float = 1e-9
    accuracy: float = SETTINGS.coarsest
    newton: bool = field(init=False)
    cut: bool = False  # whether the last solve ended before it was as accurate as it was asked for

    def __post_init__(self) -> None:
        B = len(self.blocks)
        self.start = NewtonState(np.zeros((B, self.blocks.rows.shape[1])), -self.loss.gradient(0.0 * self.y, self.y))
        self.directions = np.zeros((B, self.blocks.rows.shape[1]))
        self.stated = np.zeros(self.blocks.sides.shape, dtype=bool)
        self.idle = np.zeros(B, dtype=np.int64)
        self.newton = self._smooth

    @property
    def _smooth(self) -> bool:
        """Whether there is a method of our own for this loss and penalty."""
        squared = isinstance(self.loss, FreePart) and isinstance(self.loss.inner, SquaredLoss)
        if self._matrices:
            return self.loss.smooth
        return (squared or hasattr(self.loss, "hessian_times")) and isinstance(self.penalty, L2Penalty)

    @property
    def _matrices(self) -> bool:
        """Whether blocks are matrices without cones."""
        return isinstance(self.penalty, NuclearPenalty) and not len(self.blocks.rows)

    def add(self, columns: Blocks, directions: _Array) -> int:
        """Add the blocks of `columns` that are not here yet; answer how many were new."""
        have = set(self.blocks.keys())
        fresh = np.zeros(len(columns), dtype=bool)
        for i, key in enumerate(columns.keys()):
            fresh[i] = key not in have
            have.add(key)
        count = int(np.count_nonzero(fresh))
        if not count:
            return 0
        self.newton = self._smooth
        added = columns.take(fresh)
        self.blocks = self.blocks.extended(added)
        self.directions = np.concatenate([self.directions, directions[fresh]])
        self.stated = np.concatenate([self.stated, np.zeros(added.sides.shape, dtype=bool)])
        self.idle = np.concatenate([self.idle, np.zeros(count, dtype=np.int64)])
        self.start = replace(self.start, C=np.concatenate([self.start.C, np.zeros((count, added.G.shape[2]))]))
        return count

    def begin(self, blocks: Blocks, C: _Array, dual: _Array) -> MasterSolution:
        """Start from `blocks` with the values `C` (B, p) and the dual vector `dual` (n,)."""
        sizes = self.penalty.norm(C)
        self.add(blocks, C / sizes[:, None])
        largest = blocks.largest_gate
        self.start = NewtonState(C, dual, SETTINGS.warm / largest if largest > 0.0 else 0.0)
        self.accuracy = SETTINGS.first_accuracy
        return MasterSolution(C, sizes, dual)

    def expect(self, accuracy: float) -> None:
        """Solve from now on to about `accuracy`, relative to beta: finer than what pricing finds violated."""
        self.accuracy = min(max(accuracy, SETTINGS.finest), SETTINGS.coarsest)

    def tighten(self) -> bool:
        """Ask for more accuracy from now on; False when there is none left to ask for."""
        if self.cut:  # it goes on
            return True
        if self.newton and self.accuracy > SETTINGS.finest:
            self.accuracy = SETTINGS.finest
            return True
        if self.newton:  # let the conic solver speak
            self.newton = False
            return True
        if self.tol < 2e-12:
            return False
        self.tol *= 1e-1
        return True

    def solve(self, budget: Budget) -> MasterSolution:
        """Solve over the present blocks."""
        self.cut = False
        own = self.start
        if self.newton:
            # one cell is priced in a moment, and no column that comes with the price helps as much as the bound
            part = budget.part(SETTINGS.share) if self._matrices and budget.paced else budget
            own = self._own_answer(part)
            self.cut = self._matrices and own.error > self.accuracy and part.stop() is not None
            if own.error <= SETTINGS.coarsest or part.stop() is not None:
                # the next one is much like this one: a smaller sigma lets its blocks move
                self.start = replace(own, sigma=SETTINGS.restart * own.sigma)
                return self._from_state(own)
        try:
            answer = self._solve_conic(budget)
        except SizeError:
            if not self._smooth:
                raise
            return self._from_state(own)
        unsolved = not np.isfinite(answer.C).all()
        return replace(self._from_state(own), stopped=answer.stopped) if unsolved and self._smooth else answer

    def _from_state(self, state: NewtonState) -> MasterSolution:
        """The blocks and the dual vector of `state`."""
        return MasterSolution(state.C, self.penalty.norm(state.C), state.dual)

    def _own_answer(self, budget: Budget) -> NewtonState:
        """By the methods that are written for the loss and the norm, each from where the one before ended."""
        blocks, y, loss = self.blocks, self.y, self.loss
        if isinstance(loss, FreePart) and isinstance(loss.inner, SquaredLoss):
            # that of what is orthogonal to the free part
            blocks = replace(blocks, G=loss.centred(blocks.G.swapaxes(0, 1)).swapaxes(0, 1))
            y, loss = loss.centred(y), loss.inner
        start, near, maps = self.start, None, None
        if isinstance(self.penalty, NuclearPenalty):
            maps = MatrixProx(blocks, self.beta, budget, self.penalty.shape)
            start = near = proximal_gradient(maps, y, loss, start, tol=self.accuracy, budget=budget)
            if near.error <= self.accuracy or budget.stop() is not None or not hasattr(loss, "hessian_times"):
                return near
        if isinstance(loss, SquaredLoss):  # its Hessian never changes
            answer = semismooth_newton(blocks, y, self.beta, start, maps=maps, tol=self.accuracy, budget=budget)
        else:
            curved = cast(CurvedLoss, loss)
            answer = proximal_newton(blocks, y, self.beta, curved, start, maps=maps, tol=self.accuracy, budget=budget)
        return answer if near is None or answer.error < near.error else near

    def _solve_conic(self, budget: Budget) -> MasterSolution:
        """Solve by Clarabel, adding violated cone rows until there are none."""
        self._state_nearest()
        answer, built = solve_with_lazy_rows(
            self.blocks,
            self.y,
            self.beta,
            self.stated,
            loss=self.loss,
            penalty=self.penalty,
            tol=self.tol,
            budget=budget,
        )
        self.build_seconds += built
        dual = answer.dual
        if not np.isfinite(answer.C).all():  # stopped before its first iterate
            return MasterSolution(answer.C, np.full(len(answer.C), np.nan), 0.0 * self.y, answer.stopped)
        if dual is None:
            dual = -self.loss.gradient(np.einsum("bnp,bp->n", self.blocks.G, answer.C), self.y)
        return MasterSolution(answer.C, self.penalty.norm(answer.C), dual)

    def _state_nearest(self) -> None:
        """State the rows nearest to the direction of each block that has none stated."""
        new = np.flatnonzero(~self.stated.any(axis=1))
        directions, rows, sides = self.directions[new], self.blocks.rows, self.blocks.sides[new]
        distance = np.where(sides != 0, np.abs(directions @ rows.T), np.inf)
        nearest = np.argsort(distance, axis=1)[:, : 8 * rows.shape[1]]
        stated = np.zeros_like(sides, dtype=bool)
        np.put_along_axis(stated, nearest, True, axis=1)
        self.stated[new] = stated & (sides != 0)

    def retire(self, sizes: _Array) -> None:
        """Drop the blocks that have been zero for some rounds running; the norms of all are now `sizes` (B,)."""
        zero = sizes <= 1e-7 * sizes.max(initial=0.0)
        self.idle = np.where(zero, self.idle + 1, 0)
        keep = self.idle < SETTINGS.idle
        self.blocks = self.blocks.take(keep)
        self.directions = self.directions[keep]
        self.stated = self.stated[keep]
        self.idle = self.idle[keep]
        self.start = replace(self.start, C=self.start.C[keep])
