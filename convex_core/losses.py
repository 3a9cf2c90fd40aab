r"""Convex losses, their gradients and their conjugate duals.

The training problem and its dual are

.. math::
   \min_f \; \ell(f, y) + \beta\, \gamma(f)
   \qquad\text{and}\qquad
   \max_v \; -\ell^*(-v) \quad \text{s.t.}\quad \tau(v) = \max_{\text{atoms } \varphi} |v^T \varphi| \le \beta .

A loss is one class here; nothing else in the library knows its formula.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .conic_forms import LossForm

__all__ = ["Loss", "SquaredLoss"]

_Vector = NDArray[np.float64]


class Loss(Protocol):
    """What a loss must say; solvers and certificates ask nothing else."""

    @property
    def name(self) -> str:
        """Short name, as on the command line."""
        ...

    def value(self, f: _Vector, y: _Vector) -> float:
        """Loss of the outputs `f` (n,) at the targets `y` (n,)."""
        ...

    def gradient(self, f: _Vector, y: _Vector) -> _Vector:
        """Gradient with respect to `f`, shape (n,) (or (s, n) for a stack of outputs)."""
        ...

    def dual_value(self, v: _Vector, y: _Vector) -> float:
        r"""Dual objective :math:`-\ell^*(-v)`; a lower bound on the optimum when `v` is dual feasible."""
        ...

    def dual_scale(self, v: _Vector, y: _Vector, tau: float, beta: float) -> float:
        """The scalar `alpha` with `alpha * v` dual feasible (``|alpha| * tau <= beta``) and the best value."""
        ...

    def unit(self, y: _Vector) -> float:
        """A unit s > 0 with ``loss(s f, s y) = s^2 loss(f, y)`` in which y is of order one; 1 if there is none."""
        ...

    def form(self, y: _Vector) -> LossForm:
        """Epigraph for conic solvers."""
        ...


@dataclass(frozen=True, slots=True)
class SquaredLoss:
    r"""Squared loss :math:`\tfrac12\|f - y\|_2^2`, with no 1/n.

    Dual objective :math:`\tfrac12\|y\|^2 - \tfrac12\|v - y\|^2`; at the optimum :math:`v = y - f`.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = SquaredLoss(), np.array([3.0, 4.0])
    >>> loss.value(np.zeros(2), y), loss.dual_value(y, y)
    (12.5, 12.5)
    """

    @property
    def name(self) -> str:
        """Short name, as on the command line."""
        return "squared"

    def value(self, f: _Vector, y: _Vector) -> float:
        """``0.5 * ||f - y||^2``."""
        residual = f - y
        return 0.5 * float(residual @ residual)

    def gradient(self, f: _Vector, y: _Vector) -> _Vector:
        """``f - y``."""
        return f - y

    def dual_value(self, v: _Vector, y: _Vector) -> float:
        """``v.y - 0.5 ||v||^2``, which is ``0.5 ||y||^2 - 0.5 ||v - y||^2`` without the cancellation."""
        return float(v @ y - 0.5 * (v @ v))

    def dual_scale(self, v: _Vector, y: _Vector, tau: float, beta: float) -> float:
        """``clip(v.y / ||v||^2, -beta/tau, beta/tau)``, the exact maximiser along the line of `v`."""
        square = float(v @ v)
        if square == 0.0:
            return 0.0
        best = float(v @ y) / square
        limit = np.inf if tau <= 0.0 else beta / tau
        return float(np.clip(best, -limit, limit))

    def unit(self, y: _Vector) -> float:
        """Root mean square of y; the squared loss is homogeneous of degree two."""
        return float(np.linalg.norm(y) / np.sqrt(len(y))) or 1.0

    def form(self, y: _Vector) -> LossForm:
        """``0.5 ||z||^2`` with z = f - y: no auxiliaries, no rows."""
        n = len(y)
        return LossForm(
            y, sparse.csc_matrix(sparse.eye_array(n)), np.zeros(n), sparse.csc_matrix((0, n)), np.zeros(0), ()
        )
