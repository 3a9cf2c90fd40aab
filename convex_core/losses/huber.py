"""The Huber loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..contracts.validation import positive_number
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import products_below, sum_below
from .base import BoundedLoss, Formulas

__all__ = ["HuberLoss"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class HuberLoss(BoundedLoss):
    r"""Huber loss :math:`\sum_i h(f_i - y_i)`, quadratic near zero and linear beyond :math:`\delta`, with no 1/n.

    .. math:: h(r) = \tfrac12 r^2 \text{ if } |r| \le \delta, \qquad \delta |r| - \tfrac12 \delta^2 \text{ otherwise.}

    Dual objective :math:`v^T y - \tfrac12\|v\|^2` with :math:`|v_i| \le \delta`. With a huge :math:`\delta` it is the
    squared loss; as :math:`\delta \to 0`, the loss over :math:`\delta` is the absolute loss.

    Parameters
    ----------
    delta : float
        Where the quadratic part ends, > 0, in units of the targets.

    Raises
    ------
    InputError
        If delta is not a positive number.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = HuberLoss(delta=1.0), np.array([0.5, 3.0])
    >>> loss.value(np.zeros(2), y), loss.dual_value(np.array([0.5, 1.0]), y)
    (2.625, 2.625)
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", positive_number(self.delta, "delta"))

    #: Short name, as on the command line.
    name: ClassVar[str] = "huber"

    @property
    def options(self) -> dict[str, float]:
        """Delta."""
        return {"delta": self.delta}

    @property
    def formulas(self) -> Formulas:
        """``sum(h(f - y))``; CVXPY's own huber is twice as large."""
        d = f"{self.delta!r}"
        return Formulas(
            rf"\sum_s h_{{{self.delta:g}}}(f_s - y_s)",
            f"0.5 * cp.sum(cp.huber(f - y, {d}))",
            f"np.sum(np.where(np.abs(f - y) <= {d}, 0.5 * (f - y) ** 2, {d} * np.abs(f - y) - 0.5 * {d} ** 2))",
        )

    #: Yes.
    smooth: ClassVar[bool] = True

    def value(self, f: _Array, y: _Array) -> float:
        """``sum(h(f - y))``, as ``c r - c^2 / 2`` with r = |f - y| and c = min(r, delta)."""
        residual = np.abs(f - y)
        near = np.minimum(residual, self.delta)
        return float((near * (residual - 0.5 * near)).sum())

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """``clip(f - y, -delta, delta)``."""
        return np.clip(f - y, -self.delta, self.delta)

    def curvature(self, y: _Array) -> float:
        """1, or delta / s for a delta below the root mean square s of y, like delta times the absolute loss."""
        return min(1.0, self.delta / _scale(y))

    def hessian_times(self, f: _Array, y: _Array, A: _Array) -> _Array:
        """`A` (n, r) with zeros where the loss is linear."""
        return np.where((np.abs(f - y) < self.delta)[:, None], A, 0.0)

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """``-delta <= v <= delta``."""
        return np.clip(v, -self.delta, self.delta)

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        """``w - step clip((w - y) / (1 + step), -delta, delta)``."""
        near: _Array = w - step * np.clip((w - y) / (1.0 + step), -self.delta, self.delta)
        return near

    def dual_value(self, v: _Array, y: _Array) -> float:
        """``v.y - 0.5 ||v||^2``; -inf unless -delta <= v <= delta."""
        if np.abs(v).max() > self.delta:
            return -np.inf
        return sum_below(*products_below(v, y), *products_below(-0.5 * v, v))

    def units(self, y: _Array) -> tuple[float, float]:
        """Root mean square s of y, and ``s * min(s, delta)``."""
        s = _scale(y)
        return s, max(s * min(s, self.delta), np.finfo(np.float64).tiny)

    def form(self, y: _Array) -> LossForm:
        """Auxiliaries (a, t): ``0.5 ||a||^2 + delta sum(t)`` with ``-t <= z - a <= t`` and z = f - y."""
        n = len(y)
        eye = sparse.eye_array(n)
        P = sparse.csc_matrix(sparse.block_diag([sparse.csc_matrix((n, n)), eye, sparse.csc_matrix((n, n))]))
        q = np.concatenate([np.zeros(2 * n), np.full(n, self.delta)])
        A = sparse.csc_matrix(sparse.block_array([[eye, -eye, -eye], [-eye, eye, -eye]]))
        return LossForm(y, P, q, A, np.zeros(2 * n), (("nonnegative", 2 * n),))

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """``0.5 * sum(huber(f - y, delta))``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        return 0.5 * cp.sum(cp.huber(f - y, self.delta))


def _scale(y: _Array) -> float:
    """Root mean square, 1 for zero."""
    return float(np.linalg.norm(y) / np.sqrt(len(y))) or 1.0
