r"""The restricted master by a semismooth Newton method: smooth losses of any coupling, warm starts.

As :mod:`.semismooth`, for a loss that is not the squared one. The outputs f are variables of their own beside the
blocks, and the proximal method of multipliers minimises over v the smooth and convex

.. math::
   \phi(v) = \frac1{2\sigma} \sum_b \|\operatorname{prox}_b(c_b + \sigma G_b^T v)\|^2
       - \min_f \Big\{ \ell(f, y) + v^T f + \frac1{2\tau} \|f - f_k\|^2 \Big\} ,

   \nabla\phi(v) = \sum_b G_b \operatorname{prox}_b(c_b + \sigma G_b^T v)
       - \operatorname{prox}_{\tau\ell}(f_k - \tau v) ,

then moves c and f to the two proximal maps. With the Hessian H of the loss the one of :math:`\phi` is
:math:`\tau (I + \tau H)^{-1} + \sigma \sum_b G_b F_b F_b^T G_b^T`; its inverse needs products with
:math:`I + \tau H` alone, and a matrix of the size of the nonzero blocks, however many outputs a sample has; of blocks
that are matrices, which have many more directions, one of the size of the outputs. For the vector
:math:`-\nabla\ell` of the outputs of the blocks the distance of a block from its proximal map says how far it is from
optimal.

Source: Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
Math. Oper. Res. 1(2), 1976, for the outer method; the inner one as in :mod:`.semismooth`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...errors import Interrupted
from ...program.blocks import Blocks
from ...progress import Budget
from .matrix_prox import MatrixProx
from .semismooth import BlockProx, NewtonState, ProximalMaps, block_error

__all__ = ["CurvedLoss", "proximal_newton"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CurvedNewtonSettings:
    """Tuning of the method for smooth losses."""

    start: float = 300.0  # sigma of a cold start, in units of one over the largest squared gate matrix
    curved: float = 10.0  # tau of a cold start, in units of one over the curvature of the loss
    growth: float = 5.0  # factor by which both grow after each step of the outer method
    end: float = 1e10  # sigma where they end, in units of one over the largest squared gate matrix
    warm: float = 25.0  # where a warm start begins at most, in units of a cold one
    outer: int = 40  # steps of the outer method
    done: float = 0.5  # an error below this share of the best one is progress
    stale: int = 2  # steps without any at the largest sigma after which more are of no use
    inexact: float = 0.1  # phi is minimised until its gradient is this share of the step in the outputs
    finest: float = 1e-2  # and no further than this share of the tolerance
    steps: int = 40  # Newton steps of one minimisation
    armijo: float = 1e-4  # share of the expected decrease that a step must bring
    shortest: float = 1e-8  # step length below which there is no descent left
    rounding: float = 1e-14  # differences of phi, and shifts of Newton's matrix, that are rounding
    falling: float = 0.5  # where phi is flat a step must leave at most this share of the gradient


SETTINGS = CurvedNewtonSettings()


class CurvedLoss(Protocol):
    """A smooth loss with a proximal map and a second derivative."""

    def value(self, f: _Array, y: _Array) -> float:
        """Loss of the outputs `f` at `y`."""
        ...

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """Slope at `f`."""
        ...

    def curvature(self, y: _Array) -> float:
        """Largest second derivative."""
        ...

    def prox(self, w: _Array, y: _Array, step: Any) -> _Array:
        """``argmin_f step * loss(f, y) + |f - w|^2 / 2``."""
        ...

    def hessian_times(self, f: _Array, y: _Array, A: _Array) -> _Array:
        """Second derivative at the outputs `f` (n,) times `A` (n, r)."""
        ...


def proximal_newton(
    blocks: Blocks,
    y: _Array,
    beta: float,
    loss: CurvedLoss,
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
    y, beta, loss
        Targets, regularisation and loss.
    start : NewtonState
        Blocks, dual vector and sigma to start from.
    maps : BlockProx or MatrixProx, optional
        Proximal maps of the blocks at `beta`; those of the Euclidean norm on their cones unless given.
    tol : float
        Error at which to stop, relative to beta.
    budget : Budget
        Asked at every step whether to stop.
    """
    B, n, p = blocks.G.shape
    cones = BlockProx(blocks, beta, budget) if maps is None else maps
    J, gate = cones.J, cones.gate
    nothing = NewtonState(np.zeros((B, p)), -loss.gradient(np.zeros(n), y))
    if gate == 0.0:  # no block says anything
        return replace(nothing, sigma=0.0, error=0.0)
    C, v = start.C, start.dual
    f = J @ C.ravel()
    first = SETTINGS.start / gate
    # blocks that joined must be able to move: a start that is known already does not begin where the last one ended
    sigma = min(max(start.sigma, first), SETTINGS.warm * first)
    share = SETTINGS.curved / max(loss.curvature(y), np.finfo(np.float64).tiny) / first
    best, stale = replace(nothing, sigma=sigma), 0
    try:
        for _ in range(SETTINGS.outer):
            v, f = _minimise(cones, J, y, loss, C, f, v, sigma, share * sigma, tol, budget)
            C = cones.C.copy()
            dual = -loss.gradient(J @ C.ravel(), y)
            error = block_error(cones, C, (dual @ J).reshape(B, p))
            if error < SETTINGS.done * best.error:
                best, stale = NewtonState(C, dual, sigma, error), 0
            elif sigma * gate >= SETTINGS.end:
                stale += 1
            if best.error <= tol or stale == SETTINGS.stale or budget.stop() is not None:
                break
            sigma = min(SETTINGS.growth * sigma, SETTINGS.end / gate)
    except Interrupted:  # between two blocks of a map: what was best before counts
        pass
    return best


def _minimise(
    cones: ProximalMaps,
    J: Any,
    y: _Array,
    loss: CurvedLoss,
    C: _Array,
    before: _Array,
    v: _Array,
    sigma: float,
    tau: float,
    tol: float,
    budget: Budget,
) -> tuple[_Array, _Array]:
    """Minimise phi from `v`; answer v and the outputs, while the blocks stay in `cones`."""
    shape = C.shape

    def at(v: _Array) -> tuple[float, _Array, _Array]:
        new = cones.prox(C + sigma * (v @ J).reshape(shape), sigma)
        f = loss.prox(before - tau * v, y, tau)
        inside = loss.value(f, y) + float(v @ f) + 0.5 / tau * float(np.square(f - before).sum())
        return 0.5 / sigma * float(np.vdot(new, new)) - inside, f, J @ new.ravel() - f

    value, f, gradient = at(v)
    size = 1.0 + float(np.linalg.norm(f))
    for _ in range(SETTINGS.steps):
        missing = float(np.linalg.norm(gradient))
        near = max(SETTINGS.inexact * float(np.linalg.norm(f - before)), SETTINGS.finest * tol * size)
        if missing <= near or budget.stop() is not None:
            break
        step = _newton_step(cones, f, y, loss, sigma, tau, gradient)
        slope = float(gradient @ step)
        rounding = SETTINGS.rounding * (1.0 + abs(value))
        length = 1.0
        while True:
            trial = at(v + length * step)
            if trial[0] <= value + SETTINGS.armijo * length * slope + rounding or length < SETTINGS.shortest:
                break
            length *= 0.5
        flat = value - trial[0] <= rounding
        v = v + length * step
        value, f, gradient = trial
        # phi is flatter than it can be evaluated long before its gradient is: then steps go on while that falls
        if length < SETTINGS.shortest or (flat and float(np.linalg.norm(gradient)) > SETTINGS.falling * missing):
            break
    return v, f


def _newton_step(
    cones: ProximalMaps, f: _Array, y: _Array, loss: CurvedLoss, sigma: float, tau: float, gradient: _Array
) -> _Array:
    """``-(tau (I + tau H)^-1 + sigma W W^T)^-1 gradient`` by Woodbury's formula, or with I + tau H drawn out."""

    def spread(A: _Array) -> _Array:
        return A + tau * loss.hessian_times(f, y, A)

    if isinstance(cones, MatrixProx):
        step, near = cones.step(sigma, gradient, lambda r: spread(r[:, None])[:, 0] / tau)
        if near:
            return step
    W = cones.factor()
    n, q = W.shape
    if isinstance(cones, MatrixProx) and q > n:
        M = sigma * spread(W @ W.T)  # the transpose of the product, of two symmetric matrices, with I + tau H behind
        M.flat[:: n + 1] += tau
        weights = linalg.solve(M, gradient, transposed=True, check_finite=False)
        return -spread(weights[:, None])[:, 0]
    g = spread(gradient[:, None])[:, 0]
    if q == 0:
        return -g / tau
    DW = spread(W)
    M = W.T @ DW
    M.flat[:: len(M) + 1] += max(tau / sigma, SETTINGS.rounding * float(np.trace(M)))
    inner = linalg.solve(M, W.T @ g, assume_a="pos", check_finite=False)
    full: _Array = (DW @ inner - g) / tau
    return full
