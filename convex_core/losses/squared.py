"""The squared loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import products_below, sum_below
from .base import Formulas, Targets

__all__ = ["SquaredLoss"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class SquaredLoss(Targets):
    r"""Squared loss :math:`\tfrac12\|f - y\|_2^2`, with no 1/n.

    Dual objective :math:`\tfrac12\|y\|^2 - \tfrac12\|v - y\|^2` for every v; at the optimum :math:`v = y - f`.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = SquaredLoss(), np.array([3.0, 4.0])
    >>> loss.value(np.zeros(2), y), loss.dual_value(y, y)
    (12.5, 12.5)
    """

    #: Short name, as on the command line.
    name: ClassVar[str] = "squared"

    @property
    def formulas(self) -> Formulas:
        """``0.5 * ||f - y||^2``."""
        return Formulas(r"\tfrac12 \|f - y\|_2^2", "0.5 * cp.sum_squares(f - y)", "0.5 * np.sum((f - y) ** 2)")

    #: Yes.
    smooth: ClassVar[bool] = True

    def value(self, f: _Array, y: _Array) -> float:
        """``0.5 * ||f - y||^2``."""
        residual = f - y
        return 0.5 * float(residual @ residual)

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """``f - y``."""
        return f - y

    def curvature(self, y: _Array) -> float:
        """1."""
        return 1.0

    def hessian_times(self, f: _Array, y: _Array, A: _Array) -> _Array:
        """`A` (n, r)."""
        return A

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """`v` itself: the conjugate is finite everywhere."""
        return v

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        """``(w + step y) / (1 + step)``."""
        near: _Array = (w + step * y) / (1.0 + step)
        return near

    def balanced(self, V: _Array, Y: _Array, weight: _Array) -> _Array:
        """``V`` less the weighted mean of each column (n, q), so that ``weight @ V`` is zero."""
        centred: _Array = V - weight @ V / weight.sum()
        return centred

    def dual_value(self, v: _Array, y: _Array) -> float:
        """``v.y - 0.5 ||v||^2``, which is ``0.5 ||y||^2 - 0.5 ||v - y||^2`` without the cancellation."""
        return sum_below(*products_below(v, y), *products_below(-0.5 * v, v))

    def dual_scale(self, v: _Array, y: _Array, tau: float, beta: float) -> float:
        """``clip(v.y / ||v||^2, -beta/tau, beta/tau)``, the exact maximiser along the line of `v`."""
        square = float(v @ v)
        if square == 0.0:
            return 0.0
        best = float(v @ y) / square
        limit = np.inf if tau <= 0.0 else beta / tau
        return float(np.clip(best, -limit, limit))

    def units(self, y: _Array) -> tuple[float, float]:
        """Root mean square s of y, and s^2."""
        s = float(np.linalg.norm(y) / np.sqrt(len(y))) or 1.0
        return s, max(s * s, np.finfo(np.float64).tiny)

    def form(self, y: _Array) -> LossForm:
        """``0.5 ||z||^2`` with z = f - y: no auxiliaries, no rows."""
        n = len(y)
        return LossForm(
            y, sparse.csc_matrix(sparse.eye_array(n)), np.zeros(n), sparse.csc_matrix((0, n)), np.zeros(0), ()
        )

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """``0.5 * sum_squares(f - y)``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        return 0.5 * cp.sum_squares(f - y)
