r"""The restricted master by a semismooth Newton method: squared loss, warm starts.

The program over the blocks at hand and its dual are

.. math::
   \min_{c_b \in K_b} \tfrac12 \Big\|\sum_b G_b c_b - y\Big\|^2 + \beta \sum_b \|c_b\|
   \qquad\text{and}\qquad
   \max_v \; v^T y - \tfrac12 \|v\|^2 \;\text{ s.t. }\; \|P_{K_b}(G_b^T v)\| \le \beta .

The augmented Lagrangian method on the dual minimises, over v, the smooth and strongly convex

.. math::
   \phi(v) = \tfrac12\|v\|^2 - v^T y + \frac1{2\sigma} \sum_b \|\operatorname{prox}_b(c_b + \sigma G_b^T v)\|^2 ,
   \qquad \nabla\phi(v) = v - y + \sum_b G_b \operatorname{prox}_b(c_b + \sigma G_b^T v) ,

with the proximal map of :mod:`.cone_prox`, or of :mod:`.matrix_prox` where the norm is the nuclear one, then sets
:math:`c_b \leftarrow \operatorname{prox}_b(\cdot)`. Its Hessian :math:`I + \sigma \sum_b G_b F_b F_b^T G_b^T` has a
term for each nonzero block only, however many blocks there are, and is never singular, however many copies of one
direction there are. For :math:`v = y - \sum_b G_b c_b` the distance of :math:`c_b` from
:math:`\operatorname{prox}_b(c_b + \sigma G_b^T v)` says how far block b is from optimal, so zero blocks are checked
like the others.

Source: Li, Sun and Toh, "A highly efficient semismooth Newton augmented Lagrangian method for solving Lasso problems",
SIAM J. Optim. 28(1), 2018; here with cones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.linalg import lapack

from ...contracts.records import record
from ...errors import Interrupted
from ...numerics.cone_projection import cone_scratch
from ...numerics.short_rows import halves, in_parts
from ...numerics.threads import at_once
from ...program.blocks import Blocks
from ...progress import Budget
from .cone_prox import cone_prox
from .matrix_prox import MatrixProx

__all__ = ["BlockProx", "NewtonState", "ProximalMaps", "block_error", "semismooth_newton"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class NewtonSettings:
    """Tuning of Newton's method."""

    start: float = 300.0  # sigma of a cold start, in units of one over the largest squared gate matrix
    growth: float = 10.0  # factor by which sigma grows
    end: float = 1e13  # sigma beyond which more is of no use, in the same units
    slow: float = 0.05  # share of the error: sigma grows while a step leaves more
    # share of the error: while a step leaves more, blocks on the wall of another one are merged into it
    stuck: float = 0.5
    wall: float = 1e-12  # how far from the wall such a block may be, in units of its largest entry: rounding
    parallel: float = 0.99  # cosine between two blocks above which one may be merged into the other
    inexact: float = 0.3  # phi is minimised until what is missing is this share of the step in the blocks
    outer: int = 60  # updates of the blocks
    steps: int = 60  # Newton steps of one minimisation
    between_looks: int = 20_000_000  # multiplications for a step of the projections between two looks at the budget
    # size of the Newton system from which it is factorised by numpy, which lets other threads run meanwhile
    large: int = 400
    # entries of the matrix of all blocks from which two threads multiply it: 16 MB, more than caches hold
    halved: int = 1 << 21


SETTINGS = NewtonSettings()


@record
@dataclass(frozen=True, slots=True)
class NewtonState:
    """Where the method starts, and what it answers.

    Attributes
    ----------
    C : (B, p) float64
        Blocks in their cones; zero blocks are exactly zero.
    dual : (n,) float64
        Dual vector; of an answer, ``y - sum_b G[b] @ C[b]``.
    sigma : float
        Penalty parameter of the augmented Lagrangian; 0: as small as useful.
    error : float
        Largest distance of a block from optimal, over beta.
    """

    C: _Array
    dual: _Array
    sigma: float = 0.0
    error: float = np.inf


class BlockProx:
    """Proximal maps of all blocks, each started from the rows that carried it before."""

    def __init__(self, blocks: Blocks, beta: float, budget: Budget) -> None:
        B, n, p = blocks.G.shape
        self.budget = budget
        self.together = max(1, SETTINGS.between_looks // max(1, p * p * len(blocks.rows)))
        self.gate = blocks.largest_gate
        self.J = blocks.G.transpose(1, 0, 2).reshape(n, B * p)
        self.G = blocks.G
        self.columns = np.ascontiguousarray(blocks.rows.T)
        self.sides = np.ascontiguousarray(blocks.sides)
        self.beta = beta
        self.passive = np.zeros((B, p), np.int64)
        self.lam = np.zeros((B, p))
        self.held = np.zeros(B, np.int64)
        self.C = np.zeros((B, p))
        self.F = np.zeros((B, p, p))
        self.width = np.zeros(B, np.int64)
        self.bases, self.vectors, _, self.d = cone_scratch(p, len(blocks.rows))

    def prox(self, Z: _Array, sigma: float) -> _Array:
        """Fill `C` with the proximal map of `Z`, `F` and `width` with its derivative.

        Raises
        ------
        Interrupted
            If it is time to stop, between large blocks: a map of all of them can take seconds.
        """
        for first in range(0, len(Z), self.together):
            if first:
                self.budget.check("some blocks have no proximal map")
            b = slice(first, first + self.together)
            cone_prox(
                Z[b], self.columns, self.sides[b], sigma * self.beta, self.passive[b], self.lam[b], self.held[b],
                self.C[b], self.F[b], self.width[b], self.bases, self.vectors, self.d,
            )  # fmt: skip
        return self.C

    def factor(self) -> _Array:
        """``G_b F_b`` of the nonzero blocks, side by side (n, q)."""
        live = np.flatnonzero(self.width)
        F, counts = self.F[live], np.arange(self.F.shape[1]) < self.width[live, None]
        kept = np.empty((np.count_nonzero(counts), self.G.shape[1]))

        def fill(part: slice) -> None:
            columns = F @ self.G[live, part].transpose(0, 2, 1)  # (blocks, p, samples), the first `width` of each count
            kept[:, part] = columns[counts]

        in_parts(fill, self.G.shape[1], F.shape[0] * F.shape[1])
        return kept.T

    def turned(self, D: _Array) -> _Array:
        """The derivative applied to `D` (B, p)."""
        inside = np.arange(self.F.shape[1]) < self.width[:, None]  # columns beyond the width are left from before
        out: _Array = np.einsum("bkp,bk->bp", self.F, np.einsum("bkp,bp->bk", self.F, D) * inside)
        return out


#: what the method needs of either
ProximalMaps = BlockProx | MatrixProx


def semismooth_newton(
    blocks: Blocks,
    y: _Array,
    beta: float,
    start: NewtonState,
    *,
    maps: ProximalMaps | None = None,
    tol: float,
    budget: Budget,
) -> NewtonState:
    """Solve the program over `blocks` from `start`; the best point found, converged or not.

    Parameters
    ----------
    blocks : Blocks
        Blocks of the program.
    y, beta
        Targets and regularisation.
    start : NewtonState
        Blocks, dual vector and sigma to start from.
    maps : BlockProx or MatrixProx, optional
        Proximal maps of the blocks at `beta`; those of the Euclidean norm on their cones unless given.
    tol : float
        Error at which to stop, relative to beta.
    budget : Budget
        Asked at every step whether to stop.
    """
    B, _, p = blocks.G.shape
    cones = BlockProx(blocks, beta, budget) if maps is None else maps
    J, gate = cones.J, cones.gate
    if gate == 0.0:  # no block says anything
        return NewtonState(np.zeros((B, p)), y.copy(), 0.0, 0.0)
    C, v = start.C, start.dual
    sigma = max(start.sigma, SETTINGS.start / gate)
    best = NewtonState(np.zeros((B, p)), y.copy(), sigma)
    moved, stale = np.inf, 0
    try:
        for _ in range(SETTINGS.outer):
            before = moved
            v, gradient, moved, missing = _minimise(cones, J, y, C, v, sigma, tol, budget)
            C = cones.C.copy()
            if missing > 0.1 * moved and missing < 0.1:
                # The outputs of C miss y - v by rounding, which sigma magnifies. A last Newton step for both makes them
                # agree; C leaves the proximal map by that rounding, which is divided by sigma.
                step = _newton_step(cones, sigma, gradient)
                C += sigma * cones.turned(pulled(step, J).reshape(B, p))
            dual = y - pushed(J, C.ravel())
            error = block_error(cones, C, pulled(dual, J).reshape(B, p))
            if error < 0.5 * best.error:
                best, stale = NewtonState(C, dual, sigma, error), 0
            elif moved < missing or moved <= SETTINGS.slow * before or sigma * gate > SETTINGS.end:
                stale += 1  # at rounding level
            if best.error <= tol or stale == 2 or budget.stop() is not None:
                break
            if moved > SETTINGS.slow * before:
                sigma *= SETTINGS.growth
            if moved > SETTINGS.stuck * before:
                C = _merged(blocks, C)
    except Interrupted:  # between two blocks of a map: what was best before counts
        pass
    return best


def pulled(v: _Array, J: Any) -> _Array:
    """``v @ J`` of a vector (n,) and a matrix (n, q), dense or not; each thread takes half of a large one."""
    top, *bottom = at_once(lambda rows: v[rows] @ J[rows], halves(len(J))) if _large(J) else [v @ J]
    product: _Array = sum(bottom, top)
    return product


def pushed(J: Any, c: _Array) -> _Array:
    """``J @ c`` of a matrix (n, q), dense or not, and a vector (q,); each thread takes half of a large one."""
    product: _Array = np.concatenate(at_once(lambda rows: J[rows] @ c, halves(len(J)))) if _large(J) else J @ c
    return product


def _large(J: Any) -> bool:
    return isinstance(J, np.ndarray) and J.size > SETTINGS.halved


def _merged(blocks: Blocks, C: _Array) -> _Array:
    """Blocks `C` (B, p) where none lies in the cone of another one that would answer it with the same outputs.

    Such a block is on a wall between two cells. Its sum with the other one has the same outputs and, by the triangle
    inequality, no larger norm; but where the two are nearly parallel so little that steps would take for ever.
    """
    live = np.flatnonzero(C.any(axis=1))
    unit = C[live] / np.linalg.norm(C[live], axis=1)[:, None]
    near = unit @ unit.T > SETTINGS.parallel
    np.fill_diagonal(near, False)
    one, other = live[np.array(np.nonzero(near))]
    small = SETTINGS.wall * np.abs(C[one]).max(axis=1, initial=0.0)
    inside = (blocks.sides[other] * (C @ blocks.rows.T)[one]).min(axis=1, initial=0.0) >= -small
    merged, changed = C.copy(), np.zeros(len(C), dtype=bool)
    for b, k in zip(one[inside], other[inside], strict=True):
        same = (
            np.abs((blocks.G[k] - blocks.G[b]) @ C[b]) <= SETTINGS.wall * np.abs(C[b]).max() * np.abs(blocks.G[k]).max()
        )
        if same.all() and not changed[b] and merged[k].any():
            merged[k] += merged[b]
            merged[b] = 0.0
            changed[[b, k]] = True
    return merged


def _minimise(
    cones: ProximalMaps, J: _Array, y: _Array, C: _Array, v: _Array, sigma: float, tol: float, budget: Budget
) -> tuple[_Array, _Array, float, float]:
    """Minimise phi from `v`; answer v, its gradient, the blocks' step and the missing gradient, both over beta."""
    B, p = C.shape
    beta = cones.beta
    Z = C + sigma * pulled(v, J).reshape(B, p)
    new = cones.prox(Z, sigma)
    value = 0.5 * float(v @ v) - float(v @ y) + 0.5 / sigma * float(np.vdot(new, new))
    at_rounding, former = False, np.inf
    for step_number in range(SETTINGS.steps + 1):
        gradient = v - y + pushed(J, new.ravel())
        missing = float(np.sqrt(np.square(pulled(gradient, J).reshape(B, p)).sum(axis=1).max())) / beta
        moved = _distance(new, C, sigma * beta)
        done = missing <= max(SETTINGS.inexact * moved, 0.3 * tol)
        # phi is flatter than it can be evaluated long before its gradient is: then steps go on while that falls
        if (
            done
            or (at_rounding and missing > 0.5 * former)
            or step_number == SETTINGS.steps
            or budget.stop() is not None
        ):
            break
        former = missing
        step = _newton_step(cones, sigma, gradient)
        slope = float(gradient @ step)
        turn = sigma * pulled(step, J).reshape(B, p)
        length, last = 1.0, value
        while True:
            trial = v + length * step
            new = cones.prox(Z + length * turn, sigma)
            value = 0.5 * float(trial @ trial) - float(trial @ y) + 0.5 / sigma * float(np.vdot(new, new))
            if value <= last + 1e-4 * length * slope + 1e-14 * abs(last) or length < 1e-8:
                break
            length *= 0.5
        at_rounding = last - value <= 1e-14 * abs(last)
        v, Z = trial, Z + length * turn
    return v, gradient, moved, missing


def block_error(cones: ProximalMaps, C: _Array, product: _Array) -> float:
    """Largest distance of a block from optimal over beta; a nonzero one is measured at its own size."""
    size = np.sqrt(np.square(C).sum(axis=1))
    unit = C / np.where(size > 0.0, size, 1.0)[:, None]
    return _distance(cones.prox(unit + product / cones.beta, 1.0 / cones.beta), unit, 1.0)


def _distance(new: _Array, C: _Array, unit: float) -> float:
    """Largest step of a block, in units of `unit`."""
    return float(np.sqrt(np.square(new - C).sum(axis=1).max())) / max(unit, np.finfo(np.float64).tiny)


def _newton_step(cones: ProximalMaps, sigma: float, gradient: _Array) -> _Array:
    """``-(I + sigma W W^T)^-1 gradient`` with the factor W, by the smaller of the two Gram matrices."""
    if isinstance(cones, MatrixProx):
        step, near = cones.step(sigma, gradient, lambda r: r)
        if near:
            return step
    W = cones.factor()
    n, q = W.shape
    if q == 0:
        return -gradient
    H = W @ W.T if q >= n else W.T @ W
    # sigma may be so large that the identity is lost to rounding: then what is left of it keeps H positive
    ridge = max(1.0 / sigma, 1e-14 * float(np.trace(H)))
    H.flat[:: len(H) + 1] += ridge
    solved: _Array
    if len(H) > SETTINGS.large:
        L = np.linalg.cholesky(H)
        half = linalg.solve_triangular(L, gradient if q >= n else W.T @ gradient, lower=True, check_finite=False)
        solved = linalg.solve_triangular(L, half, lower=True, trans=1, check_finite=False, overwrite_b=True)
        return solved / -sigma if q >= n else W @ solved - gradient
    # LAPACK itself: the wrappers around it take longer than systems of this size
    _, solved, failed = lapack.dposv(H.T, gradient if q >= n else W.T @ gradient, overwrite_a=True)
    if failed:
        raise linalg.LinAlgError(f"the Newton system of size {len(H)} is not positive definite")
    return solved / -sigma if q >= n else W @ solved - gradient
