r"""A loss with a weight for each sample, on outputs (n, q): :math:`\sum_s \omega_s\, \ell(f_s, y_s)`.

A weight of two is the sample twice. The conjugate of :math:`\omega \ell` at :math:`-v` is :math:`\omega\,
\ell^*(-v / \omega)`, so that a dual vector is kept for one unit of weight, V (n, q), and enters prices as
:math:`\omega V`.
"""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..losses import Loss, SoftmaxLoss, SquaredLoss

__all__ = ["ProximalLoss", "WeightedLoss"]

_Array = NDArray[np.float64]
# halvings of the interval in which the best constant output lies
_HALVINGS = 100


class ProximalLoss(Loss, Protocol):
    """A loss that the solver for lists can take."""

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        """``argmin_f step * loss(f, y) + |f - w|^2 / 2``; `step` is a number, or one for each entry."""
        ...

    def balanced(self, V: _Array, Y: _Array, weight: _Array) -> _Array:
        """A feasible vector like V (n, q) with ``weight @ V = 0``."""
        ...


class WeightedLoss:
    """`loss` of the outputs (n, q) at the targets `Y` (n, q) with the weights `weight` (n,).

    Raises
    ------
    InputError
        If the loss has no proximal map, or does not take the targets.

    Examples
    --------
    >>> twice = WeightedLoss(SquaredLoss(), np.array([[1.0], [0.0]]), np.array([2.0, 1.0]))
    >>> twice.value(np.zeros((2, 1))), twice.constant()
    (1.0, array([0.66666667]))
    """

    def __init__(self, loss: Loss, Y: _Array, weight: _Array) -> None:
        missing = [name for name in ("prox", "balanced") if not hasattr(loss, name)]
        if missing:
            raise InputError(f"loss: got {loss.name} without {' and '.join(missing)}, expected a loss that has them")
        if Y.shape[1] == 1 and isinstance(loss, SoftmaxLoss):
            raise InputError("loss: got softmax with one output, expected at least two")
        loss.check_targets(Y.ravel())
        self.loss = cast(ProximalLoss, loss)
        self.Y, self.weight = Y, weight
        self.squared = isinstance(loss, SquaredLoss)
        # a loss adds up its samples itself: those of one weight at a time
        kinds, which = np.unique(weight, return_inverse=True)
        self._groups: list[tuple[float, Any]] = (
            [(float(kinds[0]), slice(None))]
            if len(kinds) == 1
            else [(float(kind), np.flatnonzero(which == k)) for k, kind in enumerate(kinds)]
        )

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.Y)

    @property
    def q(self) -> int:
        """Number of outputs."""
        return int(self.Y.shape[1])

    def value(self, F: _Array) -> float:
        """Sum of the weighted losses."""
        return float(sum(w * self.loss.value(F[i].ravel(), self.Y[i].ravel()) for w, i in self._groups))

    def gradient(self, F: _Array) -> _Array:
        """A (sub)gradient for one unit of weight, (n, q)."""
        return self.loss.gradient(F.ravel(), self.Y.ravel()).reshape(F.shape)

    def prox(self, F: _Array, rho: float) -> _Array:
        """``argmin_Z value(Z) + rho |Z - F|^2 / 2``."""
        step = np.repeat(self.weight / rho, self.q)
        return self.loss.prox(F.ravel(), self.Y.ravel(), step).reshape(F.shape)

    def feasible(self, V: _Array, *, balanced: bool) -> _Array:
        """The nearest V with a finite dual value; with `balanced`, one with ``weight @ V = 0``."""
        inside = self.loss.feasible(V.ravel(), self.Y.ravel()).reshape(V.shape)
        if not balanced:
            return inside
        level = self.loss.balanced(inside, self.Y, self.weight)
        return self.loss.feasible(level.ravel(), self.Y.ravel()).reshape(V.shape)

    def dual_value(self, V: _Array) -> float:
        """Dual objective of ``weight * V``; each sum is rounded down."""
        return float(sum(w * self.loss.dual_value(V[i].ravel(), self.Y[i].ravel()) for w, i in self._groups))

    def dual_scale(self, V: _Array, tau: float, beta: float) -> float:
        """The factor with which V is feasible for beta, and best where the loss is squared."""
        root = np.sqrt(self.weight)[:, None]
        return self.loss.dual_scale((root * V).ravel(), (root * self.Y).ravel(), tau, beta)

    def constant(self) -> _Array:
        """Outputs (q,) of the best constant."""
        total = float(self.weight.sum())
        if self.squared:
            return np.asarray(self.weight @ self.Y / total)
        if isinstance(self.loss, SoftmaxLoss):
            return np.log(np.maximum(self.weight @ self.Y / total, 1e-9))
        low = np.minimum(self.Y.min(axis=0), -40.0)
        high = np.maximum(self.Y.max(axis=0), 40.0)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            rises = self.weight @ self.gradient(np.broadcast_to(middle, self.Y.shape)) < 0.0
            low, high = np.where(rises, middle, low), np.where(rises, high, middle)
        middle = 0.5 * (low + high)
        # losses with kinks have their best constant at a target: beside it targets that are all alike are not met
        nearest = np.take_along_axis(self.Y, np.abs(self.Y - middle).argmin(axis=0)[None], axis=0)[0]
        met = np.abs(nearest - middle) <= 1e-12 * np.maximum(1.0, np.abs(nearest))
        return np.asarray(np.where(met, nearest, middle))

    def first_dual(self, *, free: bool) -> _Array:
        """A dual vector of the network without filters: the better of two, with the best constant and with zero."""
        best = self.feasible(-self.gradient(np.zeros(self.Y.shape)), balanced=free)
        if not free:
            return best
        other = self.feasible(-self.gradient(np.broadcast_to(self.constant(), self.Y.shape)), balanced=True)
        return max(best, other, key=self.dual_value)
