"""The absolute loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import products_below, sum_below
from .base import BoundedLoss, Formulas, auxiliaries_only

__all__ = ["AbsoluteLoss"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class AbsoluteLoss(BoundedLoss):
    r"""Absolute loss :math:`\|f - y\|_1`, with no 1/n.

    Dual objective :math:`v^T y` with :math:`|v_i| \le 1`. Where :math:`f_i = y_i`, as for many samples at an optimum,
    every :math:`v_i \in [-1, 1]` is a subgradient: the dual vector of an optimum comes from the solver, not from the
    outputs. For the same reason :func:`convex_core.beta_max`, which takes 0 there, is an upper bound on the smallest
    beta that gives the zero network if some targets are zero.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = AbsoluteLoss(), np.array([3.0, -4.0])
    >>> loss.value(np.zeros(2), y), loss.dual_value(np.sign(y), y), loss.dual_value(y, y)
    (7.0, 7.0, -inf)
    """

    #: Short name, as on the command line.
    name: ClassVar[str] = "absolute"

    @property
    def formulas(self) -> Formulas:
        """``sum(|f - y|)``."""
        return Formulas(r"\|f - y\|_1", "cp.norm(f - y, 1)", "np.sum(np.abs(f - y))")

    #: No: the slope jumps at f = y.
    smooth: ClassVar[bool] = False

    def value(self, f: _Array, y: _Array) -> float:
        """``sum(|f - y|)``."""
        return float(np.abs(f - y).sum())

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """``sign(f - y)``, 0 at the kink."""
        return np.sign(f - y)

    def curvature(self, y: _Array) -> float:
        """1/s for the root mean square s of y: the slope changes by the order of one over the scale of the targets."""
        return 1.0 / self.units(y)[0]

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """``-1 <= v <= 1``."""
        return np.clip(v, -1.0, 1.0)

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        """``w - clip(w - y, -step, step)``."""
        near: _Array = w - np.clip(w - y, -step, step)
        return near

    def dual_value(self, v: _Array, y: _Array) -> float:
        """``v.y``; -inf unless -1 <= v <= 1."""
        return sum_below(*products_below(v, y)) if np.abs(v).max() <= 1.0 else -np.inf

    def units(self, y: _Array) -> tuple[float, float]:
        """Root mean square of y, for both."""
        s = float(np.linalg.norm(y) / np.sqrt(len(y))) or 1.0
        return s, s

    def form(self, y: _Array) -> LossForm:
        """Auxiliaries t: ``sum(t)`` with ``-t <= z <= t`` and z = f - y."""
        n = len(y)
        P, q = auxiliaries_only(n, np.ones(n))
        eye = sparse.eye_array(n)
        A = sparse.csc_matrix(sparse.block_array([[eye, -eye], [-eye, -eye]]))
        return LossForm(y, P, q, A, np.zeros(2 * n), (("nonnegative", 2 * n),))

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """``norm(f - y, 1)``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        return cp.norm(f - y, 1)
