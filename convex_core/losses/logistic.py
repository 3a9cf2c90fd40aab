"""The logistic loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, wrightomega

from ..contracts.records import record
from ..numerics.conic_forms import LossForm
from .base import BoundedLoss, Formulas, auxiliaries_only, entropies_below, labels

__all__ = ["LogisticLoss"]

_Array = NDArray[np.float64]
# Newton steps, far more than are ever needed
_PROX_ITERATIONS = 80
# a Newton step in the output after which what is left, at most an eighth of its square, is rounding
_LAST_OUTPUT_STEP = 1e-7


@record
@dataclass(frozen=True, slots=True)
class LogisticLoss(BoundedLoss):
    r"""Logistic loss :math:`\sum_i \log(1 + e^{-y_i f_i})` for labels -1 and +1, with no 1/n.

    Dual objective :math:`-\sum_i [s_i \log s_i + (1 - s_i) \log(1 - s_i)]` with :math:`v_i = y_i s_i` and
    :math:`0 \le s_i \le 1`; at the optimum :math:`s_i = 1 / (1 + e^{y_i f_i})`.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = LogisticLoss(), np.array([1.0, -1.0])
    >>> f = np.array([0.0, 1000.0])
    >>> round(loss.value(f, y), 6), loss.gradient(f, y)
    (1000.693147, array([-0.5,  1. ]))
    >>> round(loss.dual_value(0.5 * y, y), 6)
    1.386294
    """

    #: Short name, as on the command line.
    name: ClassVar[str] = "logistic"

    @property
    def formulas(self) -> Formulas:
        """``sum(log(1 + exp(-y f)))``."""
        return Formulas(
            r"\sum_s \log\big(1 + e^{-y_s f_s}\big)",
            "cp.sum(cp.logistic(-cp.multiply(y, f)))",
            "np.sum(np.logaddexp(0.0, -y * f))",
        )

    #: Yes.
    smooth: ClassVar[bool] = True

    def check_targets(self, y: _Array) -> None:
        """Labels -1 and +1 only."""
        labels(y, self.name)

    def value(self, f: _Array, y: _Array) -> float:
        """``sum(log(1 + exp(-y f)))`` without overflow."""
        return float(np.logaddexp(0.0, -y * f).sum())

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """``-y / (1 + exp(y f))``."""
        slope: _Array = -y * expit(-y * f)
        return slope

    def curvature(self, y: _Array) -> float:
        """1/4, at f = 0."""
        return 0.25

    def hessian_times(self, f: _Array, y: _Array, A: _Array) -> _Array:
        """``s (1 - s)`` times each row of `A` (n, r), ``s = 1 / (1 + exp(f))``."""
        product: _Array = (expit(f) * expit(-f))[:, None] * A
        return product

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """``0 <= y v <= 1``."""
        return y * np.clip(y * v, 0.0, 1.0)

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        r"""``w + y x`` with ``x = step / (1 + exp(y w + x))``, by Newton's method for the logarithm of x.

        With the step t, :math:`\log x + \log(1 + e^{yw + x}) = \log t` rises and is convex in :math:`\log x`: from the
        right Newton's method falls to the root and never steps over. The second logarithm is at least 0 and at least
        :math:`yw + x`; with these in its place x is t, and Wright's omega function of :math:`\log t - yw`. The smaller
        one of them is on the right, and at most twice the root.
        """
        margin = y * w
        target = np.log(step)
        free = target - margin
        logarithm = np.minimum(target, free - wrightomega(free))  # log omega(z) = z - omega(z)
        for _ in range(_PROX_ITERATIONS):
            x = np.exp(logarithm)
            m = margin + x
            move = (logarithm + np.logaddexp(0.0, m) - target) / (1.0 + x * expit(m))
            logarithm = logarithm - move
            if (np.abs(move) * x <= _LAST_OUTPUT_STEP * (1.0 + _LAST_OUTPUT_STEP * x)).all():
                break
        # exp makes the rounding of a large logarithm that of x times it: a last step for the margin m takes it away
        m = margin + np.exp(logarithm)
        s = expit(-m)
        m = m - (m - margin - step * s) / (1.0 + step * s * (1.0 - s))
        near: _Array = y * m
        return near

    def dual_value(self, v: _Array, y: _Array) -> float:
        """Sum of the entropies of the probabilities ``s = y v``; -inf unless 0 <= s <= 1."""
        s = y * v
        return -np.inf if s.min() < 0.0 or s.max() > 1.0 else entropies_below(s, s)

    def form(self, y: _Array) -> LossForm:
        r"""Auxiliaries (t, u): ``sum(t)`` with :math:`e^{-y f - t} \le u` and :math:`e^{-t} \le 1 - u`.

        Their sum says :math:`e^{-t} (1 + e^{-y f}) \le 1`. Two exponential cones a sample.
        """
        n = len(y)
        P, q = auxiliaries_only(n, np.concatenate([np.ones(n), np.zeros(n)]))
        i = np.arange(n)
        f, t, u = i, n + i, 2 * n + i
        # rows 6 i .. 6 i + 5: (-y f - t, 1, u) and (-t, 1, 1 - u), as s = b - A x
        rows = np.concatenate([6 * i, 6 * i, 6 * i + 2, 6 * i + 3, 6 * i + 5])
        values = np.concatenate([y, np.ones(n), -np.ones(n), np.ones(n), np.ones(n)])
        A = sparse.csc_matrix((values, (rows, np.concatenate([f, t, u, t, u]))), shape=(6 * n, 3 * n))
        b = np.tile([0.0, 1.0, 0.0, 0.0, 1.0, 1.0], n)
        return LossForm(np.zeros(n), P, q, A, b, (("exponential", 3),) * (2 * n))

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """``sum(logistic(-y f))``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        return cp.sum(cp.logistic(-cp.multiply(y, f)))
