"""The hinge loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import sum_below
from .base import BoundedLoss, Formulas, auxiliaries_only, labels

__all__ = ["HingeLoss"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class HingeLoss(BoundedLoss):
    r"""Hinge loss :math:`\sum_i \max(0, 1 - y_i f_i)` for labels -1 and +1, with no 1/n.

    Dual objective :math:`\sum_i s_i` with :math:`v_i = y_i s_i` and :math:`0 \le s_i \le 1`. Where
    :math:`y_i f_i = 1`, as for many samples at an optimum, every :math:`s_i \in [0, 1]` is a subgradient: the dual
    vector of an optimum comes from the solver, not from the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = HingeLoss(), np.array([1.0, -1.0])
    >>> loss.value(np.array([3.0, 1.0]), y), loss.dual_value(0.5 * y, y), loss.dual_value(2.0 * y, y)
    (2.0, 1.0, -inf)
    """

    #: Short name, as on the command line.
    name: ClassVar[str] = "hinge"

    @property
    def formulas(self) -> Formulas:
        """``sum(max(0, 1 - y f))``."""
        return Formulas(
            r"\sum_s \max(0,\, 1 - y_s f_s)",
            "cp.sum(cp.pos(1.0 - cp.multiply(y, f)))",
            "np.sum(np.maximum(0.0, 1.0 - y * f))",
        )

    #: No: the slope jumps at y f = 1.
    smooth: ClassVar[bool] = False

    def check_targets(self, y: _Array) -> None:
        """Labels -1 and +1 only."""
        labels(y, self.name)

    def value(self, f: _Array, y: _Array) -> float:
        """``sum(max(0, 1 - y f))``."""
        return float(np.maximum(0.0, 1.0 - y * f).sum())

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """``-y`` where y f < 1, else 0 (at the kink y f = 1 too)."""
        return np.where(y * f < 1.0, -y, 0.0)

    def curvature(self, y: _Array) -> float:
        """1: the slope changes by one, and the targets are one."""
        return 1.0

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """``0 <= y v <= 1``."""
        return y * np.clip(y * v, 0.0, 1.0)

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        """``w + y clip(1 - y w, 0, step)``: as far towards the kink as the step goes."""
        near: _Array = w + y * np.clip(1.0 - y * w, 0.0, step)
        return near

    def dual_value(self, v: _Array, y: _Array) -> float:
        """``y.v``; -inf unless 0 <= y v <= 1."""
        s = y * v
        return sum_below(s) if s.min() >= 0.0 and s.max() <= 1.0 else -np.inf

    def form(self, y: _Array) -> LossForm:
        """Auxiliaries t >= 0: ``sum(t)`` with ``t >= 1 - y f``."""
        n = len(y)
        P, q = auxiliaries_only(n, np.ones(n))
        i = np.arange(n)
        # rows i: -t <= 0, rows n + i: -y f - t <= -1
        rows, columns = np.concatenate([i, n + i, n + i]), np.concatenate([n + i, i, n + i])
        values = np.concatenate([-np.ones(n), -y, -np.ones(n)])
        A = sparse.csc_matrix((values, (rows, columns)), shape=(2 * n, 2 * n))
        return LossForm(np.zeros(n), P, q, A, np.concatenate([np.zeros(n), -np.ones(n)]), (("nonnegative", 2 * n),))

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """``sum(pos(1 - y f))``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        return cp.sum(cp.pos(1.0 - cp.multiply(y, f)))
