r"""The iteration that solves a program over a list, with both bounds as it goes.

.. math:: \min_{C, b} \; \ell(G C + 1 b^T, Y) + \beta \sum_i \nu(C_i)

Alternating directions of multipliers (Boyd et al., Foundations and Trends in Machine Learning 3, 2011), over-relaxed:
least squares for C, the proximal map of the norm for its copy Z, and, but for the squared loss, the proximal map of the
loss for the outputs F. A free b is the mean of the residual, since the columns are centred.

**Both bounds for free.** Z is a network: the bound from above. For the squared loss the residual :math:`V = Y - G C` of
the least squares, *not* that of Z, is a dual vector that is nearly feasible: its prices are
:math:`\rho (C - Z + U)`, known already. For other losses the multiplier of the outputs is a subgradient, hence in the
domain of the conjugate. Scaled until no price exceeds beta, either one gives a bound from below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..progress import Budget
from ..solvers.dual_bound import relative_gap
from ..status import Status
from .designs import Design
from .norms import ListNorm
from .weighted import WeightedLoss

__all__ = ["State", "Tuning", "iterate"]

_Array = NDArray[np.floating]
_Double = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tuning:
    """Constants of the iteration.

    Attributes
    ----------
    relax : float
        Over-relaxation, in (1, 2).
    every : int
        Iterations between the first looks at the bounds.
    rarer : float
        Growth of the iterations from one look to the next one; a change of rho is considered every second time, so that
        it stays as it is ever longer, as the proof of convergence asks for.
    most : int
        Iterations after which it ends.
    first : float
        First rho over the mean eigenvalue of G G^T.
    unbalanced : float
        Ratio of the two residuals from which rho is changed.
    least : float
        Smallest rho over that of the outputs and the mean eigenvalue of G G^T, which a Cholesky factor in double
        precision bears with thousands of rows.
    """

    relax: float = 1.6
    every: int = 5
    rarer: float = 1.05
    most: int = 50_000
    first: float = 0.05
    unbalanced: float = 2.5
    least: float = 1e-10


@dataclass(slots=True)
class State:
    """Where an iteration ended, for the next one to begin.

    Attributes
    ----------
    Z : (P, h, R, q)
        The best weights.
    b : (q,)
        Output biases, zero where there are none.
    V : (n, q) or None
        The best dual vector for one unit of weight; None where the columns are not kept.
    C : (N, q)
        The least squares whose residual is V, with the squared loss.
    last, U : (N, q)
        Weights and scaled multipliers of the last iteration.
    F, Uf : (n, q) or None
        Outputs and their scaled multipliers, likewise.
    rho, rho_f : float
        Penalties of the two splits.
    upper, lower : float
        Bounds on the program's value, computed as the iteration goes.
    iterations : int
        Number of them.
    status : Status
        How it ended.
    """

    Z: _Array
    b: _Double
    V: _Double | None
    C: _Array
    last: _Array
    U: _Array
    F: _Double | None
    Uf: _Double | None
    rho: float
    rho_f: float
    upper: float
    lower: float
    iterations: int
    status: Status

    @property
    def gap(self) -> float:
        """``(upper - lower) / upper``."""
        return relative_gap(self.upper, self.lower)


def iterate(
    design: Design,
    loss: WeightedLoss,
    norm: ListNorm,
    beta: float,
    shape: tuple[int, int, int],
    *,
    free: bool,
    tol: float,
    budget: Budget,
    start: State | None = None,
    tuning: Tuning | None = None,
    seen: Callable[[_Array, _Double, float, float], None] | None = None,
) -> State:
    """Iterate until the relative gap is at most `tol`.

    Parameters
    ----------
    design : Design
        Columns: for the squared loss times the root of the weights and less their weighted mean, for another loss less
        their mean (the latter only where the biases are free).
    loss : WeightedLoss
        With the targets.
    norm : ListNorm
        Of the weights of an entry.
    beta : float
        Regularisation.
    shape : (int, int, int)
        Entries, weights of each, regions.
    free : bool
        Whether there are free output biases.
    tol : float
        Relative gap.
    budget : Budget
        Asked every few iterations; the answer is valid whenever it ends.
    start : State, optional
        Of a problem that is not far, with as many columns.
    tuning : Tuning, optional
        Constants.
    seen : callable, optional
        Gets the best weights (N, q) and biases so far and both bounds, at each look at them.
    """
    run = _Run(design, loss, norm, beta, shape, free, tuning or Tuning(), start)
    return run.until(tol, budget, seen)


class _Run:
    def __init__(
        self,
        design: Design,
        loss: WeightedLoss,
        norm: ListNorm,
        beta: float,
        shape: tuple[int, int, int],
        free: bool,
        tuning: Tuning,
        start: State | None,
    ) -> None:
        self.design, self.loss, self.norm, self.beta, self.free, self.tuning = design, loss, norm, beta, free, tuning
        self.shape = (*shape, loss.q)
        self.split = not loss.squared
        self.mean = loss.constant() if free else np.zeros(loss.q)
        kind = design.kind
        if loss.squared:
            # as the columns: less the weighted mean, times the root of the weights
            self.W = np.sqrt(loss.weight)[:, None] * (loss.Y - self.mean)
        V = loss.first_dual(free=free)
        self.V: _Double | None = V
        if start is None:
            self.Z = np.zeros((design.N, loss.q), kind)
            self.U = np.zeros_like(self.Z)
            self.rho = tuning.first * (design.level or 1.0)
        else:
            self.Z, self.U, self.rho = start.last.astype(kind), start.U.astype(kind), start.rho
        self.rho_f = 1.0
        self.b = self.mean
        if self.split:
            self._begin_outputs(start, V)
        self.C = self.Z
        self.best = np.zeros((design.N, loss.q), kind)
        self.best_b = self.mean
        constant = np.broadcast_to(self.mean, loss.Y.shape)
        self.upper = loss.value(constant)
        self.lower = 0.0
        self.ready = False

    def _begin_outputs(self, start: State | None, V: _Double) -> None:
        loss, design = self.loss, self.design
        if start is not None and start.F is not None and start.Uf is not None and len(start.F) == loss.n:
            self.F, self.Uf, self.rho_f = start.F, start.Uf, start.rho_f
            return
        price = float(self.norm.dual(design.back(loss.weight[:, None] * V).reshape(self.shape)).max())
        share = self.beta / price if price > 0.0 else 1.0
        curvature = loss.loss.curvature(loss.Y.ravel()) * float(loss.weight.mean())
        self.rho_f = curvature * float(np.clip(2.0 * share, 6e-3, 0.2))
        if start is None:
            self.rho = 0.3 * (design.level or 1.0) * self.rho_f
            self.F = np.zeros(loss.Y.shape) + self.mean
        else:
            self.F = design.outputs(self.Z) + start.b
            V = -loss.gradient(self.F)
        self.Uf = -loss.weight[:, None] * V / self.rho_f

    def until(self, tol: float, budget: Budget, seen: Callable[[_Array, _Double, float, float], None] | None) -> State:
        """The loop."""
        tuning, every = self.tuning, self.tuning.every
        status = Status.ITERATION_LIMIT
        done = looks = 0
        following = 1
        for k in range(1, tuning.most + 1):
            look = k == following
            residuals = self._iterate(look)
            done = k
            if not look:
                continue
            following = max(k - k % every + every, int(tuning.rarer * k))
            self._bounds()
            budget.report("solve", f"iteration {k}", upper=self.upper, lower=self.lower, round=k)
            if seen is not None:
                seen(self.best, self.best_b, self.upper, self.lower)
            if self.upper - self.lower <= tol * self.upper:
                status = Status.OPTIMAL
                break
            stop = budget.stop()
            if stop is not None:
                status = stop
                break
            looks += 1
            if looks > 1 and looks % 2:
                self._balance(*residuals)
        return State(
            self.best.reshape(self.shape), self.best_b, self.V, self.C, self.Z, self.U,
            self.F if self.split else None, self.Uf if self.split else None, self.rho, self.rho_f,
            self.upper, self.lower, done, status,
        )  # fmt: skip

    def _iterate(self, look: bool) -> tuple[float, float]:
        """One iteration; for each split the primal over the dual residual, both relative, where they are looked at."""
        design, relax = self.design, self.tuning.relax
        kappa = self.rho / self.rho_f
        if not self.ready:
            design.factor(kappa)
            self.ready = True
        T = self.Z - self.U
        if self.split:
            target = self.F - self.Uf
            self.b = target.mean(axis=0) if self.free else self.mean
            W = target - self.b
        else:
            W = self.W
        step = design.step(W, T)
        self.step, self.T = step, T
        before = self.Z
        relaxed = relax * step.C + (1 - relax) * before
        moved = relaxed + self.U
        shaped = moved.reshape(self.shape)
        self.Z = self.norm.prox(shaped, self.beta / self.rho).reshape(before.shape)
        self.U = moved - self.Z
        weights = _ratio(step.C, self.Z, before, self.U) if look else 1.0
        if not self.split or step.outputs is None:
            return weights, 1.0
        old, outputs = self.F, step.outputs + self.b
        target = relax * outputs + (1 - relax) * old + self.Uf
        self.F = self.loss.prox(target, self.rho_f)
        self.Uf = target - self.F
        # outputs that stay at kinks of the loss, all of them, say nothing about their penalty
        if not look or np.array_equal(self.F, old):
            return weights, 1.0
        return weights, _ratio(outputs, self.F, old, self.Uf)

    def _bounds(self) -> None:
        """Both bounds at the last iteration; the best of each are kept."""
        loss, beta = self.loss, self.beta
        penalty = beta * self.norm.value(self.Z.reshape(self.shape))
        if self.split:
            assert self.Uf is not None
            V = loss.feasible(-self.rho_f * self.Uf / loss.weight[:, None], balanced=self.free)
            products = self.design.back(loss.weight[:, None] * V).astype(np.float64)
            tau = float(self.norm.dual(products.reshape(self.shape)).max(initial=0.0))
            V = loss.dual_scale(V, tau, beta) * V
            lower = loss.dual_value(V)
            outputs = self.design.outputs(self.Z)
            upper = loss.value(outputs + self.b) + penalty
            b = self.b
        else:
            products, VW, VV, half = self.design.squares(self.step, self.T, self.Z, self.W)
            tau = float(self.norm.dual(products.reshape(self.shape)).max(initial=0.0))
            scale = min(beta / tau if tau > 0.0 else math.inf, VW / VV if VV > 0.0 else 0.0)
            scale = max(scale, 0.0)
            lower = scale * VW - 0.5 * scale * scale * VV
            upper = half + penalty
            b = self.mean
            V = None
        if lower > self.lower:
            self.lower, self.C = lower, self.step.C
            if self.split:
                self.V = V
            elif self.step.residual is not None:
                self.V = self.step.residual / np.sqrt(loss.weight)[:, None]
            else:
                self.V = None
        if upper < self.upper:
            self.upper, self.best, self.best_b = upper, self.Z, b

    def _balance(self, weights: float, outputs: float) -> None:
        """Another penalty for each split whose one residual is far above the other."""
        factor, factor_f = self._factor(weights), self._factor(outputs)
        # weights that all stay at zero ask for less penalty for ever: no less than a factor of the columns bears
        least = self.tuning.least * (self.design.level or 1.0) * self.rho_f * factor_f
        factor = max(factor, least / self.rho)
        self.rho *= factor
        self.rho_f *= factor_f
        self.U = self.U / self.design.kind.type(factor)
        if self.split:
            self.Uf = self.Uf / factor_f
        self.ready = self.ready and factor == factor_f

    def _factor(self, ratio: float) -> float:
        if 1.0 / self.tuning.unbalanced < ratio < self.tuning.unbalanced:
            return 1.0
        return float(np.clip(math.sqrt(ratio), 0.25, 4.0))


def _ratio(solved: _Array, copy: _Array, before: _Array, multiplier: _Array) -> float:
    """The primal residual over the dual one, both relative."""
    primal = _norm(solved - copy) / max(_norm(solved), _norm(copy), 1e-30)
    dual = _norm(copy - before) / max(_norm(multiplier), 1e-30)
    return primal / max(dual, 1e-30)


def _norm(A: _Array) -> float:
    return float(np.linalg.norm(A))
