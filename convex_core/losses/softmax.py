"""The softmax cross-entropy, of several outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import logsumexp, softmax, wrightomega

from ..contracts.records import record
from ..errors import InputError
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import UNIT_ROUNDOFF
from .base import BoundedLoss, Formulas, auxiliaries_only, entropies_below

__all__ = ["SoftmaxLoss"]

_Array = NDArray[np.float64]

# a probability below -_OUTSIDE, or a sum as far from 1, is no rounding
_OUTSIDE = 1e-9
# Newton steps, far more than are ever needed
_PROX_ITERATIONS = 80
# a Newton step after which nothing is left but rounding
_LAST_STEP = 1e-7
# squared Newton decrements for one unit of weight: below the first whole steps converge, below the second the next one
# is the last
_WHOLE_STEPS, _LAST_DECREMENT = 1e-8, 1e-15
# a probability of zero, where a logarithm is taken
_LEAST = 1e-300


@record
@dataclass(frozen=True, slots=True)
class SoftmaxLoss(BoundedLoss):
    r"""Softmax cross-entropy :math:`\sum_s \big(\log \sum_o e^{f_{so}} - y_s^T f_s\big)` of one-hot targets, no 1/n.

    Outputs and targets are flat, (n * q,), sample by sample; q is the length over the number of ones.

    Dual objective: the sum of the entropies :math:`-\sum_{so} p_{so} \log p_{so}` of :math:`P = Y - V`, whose rows are
    in the simplex; at the optimum they are the softmax of the outputs.

    Examples
    --------
    >>> import numpy as np
    >>> loss, y = SoftmaxLoss(), np.array([1.0, 0.0, 0.0, 0.0, 0.0, 1.0])
    >>> f = np.array([0.0, 0.0, 0.0, 1000.0, 0.0, 0.0])
    >>> round(loss.value(f, y), 6), loss.gradient(f, y).round(3)
    (1001.098612, array([-0.667,  0.333,  0.333,  1.   ,  0.   , -1.   ]))
    """

    #: Short name, as on the command line.
    name: ClassVar[str] = "softmax"

    @property
    def formulas(self) -> Formulas:
        """``sum(log(sum(exp(f), over outputs))) - y.f``."""
        return Formulas(
            r"\sum_s \Big(\log \sum_o e^{f_{so}} - y_s^T f_s\Big)",
            'cp.sum(cp.log_sum_exp(cp.reshape(f, (n, q), order="C"), axis=1)) - y @ f',
            "np.sum(np.logaddexp.reduce(f.reshape(n, q), axis=1)) - y @ f",
        )

    #: Yes.
    smooth: ClassVar[bool] = True

    def check_targets(self, y: _Array) -> None:
        """One-hot rows of at least two entries."""
        ones = int(np.count_nonzero(y))
        fits = ones > 0 and len(y) % ones == 0 and len(y) >= 2 * ones
        if not fits or ((rows := y.reshape(ones, -1)).max(axis=1) != 1.0).any() or (rows.sum(axis=1) != 1.0).any():
            raise InputError(
                f"y: got {ones} nonzero entries among {len(y)} with the softmax loss, expected a one-hot row of at "
                "least 2 entries for each sample"
            )

    def value(self, f: _Array, y: _Array) -> float:
        """``sum(logsumexp(f)) - y.f``, as ``logsumexp(f - f_label)``, which does not cancel."""
        F, Y = _rows(f, y), _rows(y, y)
        own = np.einsum("so,so->s", F, Y)
        return float(logsumexp(F - own[:, None], axis=1).sum())

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """``softmax(f) - y``."""
        slope: _Array = softmax(_rows(f, y), axis=-1).reshape(f.shape) - y
        return slope

    def curvature(self, y: _Array) -> float:
        """1/2, where two outputs share all the probability."""
        return 0.5

    def hessian_times(self, f: _Array, y: _Array, A: _Array) -> _Array:
        """``diag(p) A - p (p^T A)`` sample by sample, for `A` (n q, r) and the probabilities p of `f`."""
        P = softmax(_rows(f, y), axis=1)[..., None]
        rows = A.reshape(*P.shape[:2], -1)
        moved = P * rows
        product: _Array = (moved - P * moved.sum(axis=1, keepdims=True)).reshape(A.shape)
        return product

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """``y - P`` with the rows of P projected on the simplex; exactly, so that the rows of v have the sum zero."""
        own = y != 0.0
        V = _rows(v, y)
        inside = (np.where(own, v, -v) >= 0.0).reshape(V.shape).all(axis=1) & (v[own] <= 1.0)
        inside &= np.abs(V.sum(axis=1)) <= V.shape[1] * UNIT_ROUNDOFF * np.abs(V).sum(axis=1)
        P = -V  # of the other outputs; what is small there is not lost beside 1
        P[~inside] = _onto_simplex(_rows(y - v, y)[~inside])
        return _sum_to_zero(P, own.reshape(V.shape)).ravel()

    def prox(self, w: _Array, y: _Array, step: float | _Array) -> _Array:
        r"""``w + step (y - p)`` with ``p = softmax(f)``; `step` is one number for each row.

        With :math:`\log p_o = f_o - c` it is :math:`t p_o + \log(t p_o) = w_o + t y_o + \log t - c`, so that
        :math:`t p_o` is Wright's omega function of the right-hand side, and c is where the probabilities have the sum
        1. That sum is convex and falls with c: Newton's method from the left rises to it and never steps over.
        """
        W, Y = _rows(w, y), _rows(y, y)
        t = _rows(np.broadcast_to(np.asarray(step, dtype=np.float64), w.shape), y)[:, :1]
        known = W + t * Y + np.log(t)
        c = known.max(axis=1, keepdims=True) - t - np.log(t)  # there one probability is 1 already
        # what is left is at most half the square of the last step; with large steps t rounding is more than that
        near_enough = np.maximum(_LAST_STEP, 1e-14 * np.abs(known).max(axis=1, keepdims=True))
        for _ in range(_PROX_ITERATIONS):
            tp = wrightomega(known - c)
            move = (tp.sum(axis=1, keepdims=True) - t) / (tp / (1.0 + tp)).sum(axis=1, keepdims=True)
            c = c + move
            if (np.abs(move) <= near_enough).all():
                break
        near: _Array = W + t * Y - wrightomega(known - c)
        return near.ravel()

    def balanced(self, V: _Array, Y: _Array, weight: _Array) -> _Array:
        """``weight @ V`` is zero after ``P = Y - V`` (n, q) has been multiplied by a factor for each output.

        The factors are ``exp(b)`` for the output biases b that fit best beside ``log P``, by Newton's method
        with halved steps. What is left of ``weight @ V`` is rounding.
        """
        F = np.log(np.maximum(Y - V, _LEAST))
        b = np.zeros(Y.shape[1])
        total = float(weight.sum())

        def value(b: _Array) -> float:
            return float(weight @ (logsumexp(F + b, axis=1) - ((F + b) * Y).sum(axis=1)))

        for _ in range(_PROX_ITERATIONS):
            P = softmax(F + b, axis=1)
            slope = weight @ (P - Y)
            hessian = np.diag(weight @ P) - (P * weight[:, None]).T @ P
            # one direction, all biases alike, changes nothing; a class without probability hardly anything
            level = max(float(np.trace(hessian)), 1e-300) / len(b)
            move = np.linalg.solve(hessian + level * (1.0 / len(b) + 1e-12 * np.eye(len(b))), slope)
            decrement = float(slope @ move)
            length = 1.0
            if decrement > _WHOLE_STEPS * total:
                now = value(b)
                while length > 1e-10 and value(b - length * move) > now - 1e-4 * length * decrement:
                    length *= 0.5
            b = b - length * move
            if decrement <= _LAST_DECREMENT * total:
                break
        balanced: _Array = Y - softmax(F + b, axis=1)
        return balanced

    def dual_value(self, v: _Array, y: _Array) -> float:
        """Sum of the entropies of the rows of ``P = y - v``; -inf unless they are in the simplex.

        For a `v` that is there only to rounding it is the value of :meth:`feasible`.
        """
        P = _rows(y - v, y)
        if (P < -_OUTSIDE).any() or (np.abs(P.sum(axis=1) - 1.0) > _OUTSIDE).any():
            return -np.inf
        exact = self.feasible(v, y)
        own = y != 0.0
        return entropies_below(-exact[~own], exact[own])

    def form(self, y: _Array) -> LossForm:
        r"""Auxiliaries t (n) and e (n q): ``sum(t)`` with :math:`e^{f_{so} - t_s} \le e_{so}`, their sum at most 1.

        One exponential cone for each entry of f.
        """
        N = len(y)
        n = len(_rows(y, y))
        q = N // n
        P, cost = auxiliaries_only(N, np.concatenate([np.ones(n), np.zeros(N)]))
        cost[:N] = -y
        i = np.arange(N)
        sample, e = i // q, N + n + i
        # rows 0 .. n - 1: 1 - sum(e); then 3 rows for each entry: (f - t, 1, e), as s = b - A x
        first = n + 3 * i
        rows = np.concatenate([sample, first, first, first + 2])
        columns = np.concatenate([e, i, N + sample, e])
        values = np.concatenate([np.ones(N), -np.ones(N), np.ones(N), -np.ones(N)])
        A = sparse.csc_matrix((values, (rows, columns)), shape=(n + 3 * N, 2 * N + n))
        b = np.concatenate([np.ones(n), np.tile([0.0, 1.0, 0.0], N)])
        return LossForm(np.zeros(N), P, cost, A, b, (("nonnegative", n), *((("exponential", 3),) * N)))

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """``sum(log_sum_exp(f)) - y.f``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        F = cp.reshape(f, _rows(y, y).shape, order="C")
        return cp.sum(cp.log_sum_exp(F, axis=1)) - y @ f


def _rows(flat: _Array, y: _Array) -> _Array:
    """A vector (n * q,), or a stack of them, with a row for each one in `y`."""
    n = max(1, int(np.count_nonzero(y)))
    return flat.reshape(*flat.shape[:-1], n, y.shape[-1] // n)


def _onto_simplex(P: _Array) -> _Array:
    """Each row (n, q) projected on the simplex: a threshold is taken off, so that the positive parts sum to 1."""
    falling = -np.sort(-P, axis=1)
    excess = (np.cumsum(falling, axis=1) - 1.0) / np.arange(1, P.shape[1] + 1)
    support = np.count_nonzero(falling > excess, axis=1)
    threshold = np.take_along_axis(excess, support[:, None] - 1, axis=1)
    return np.maximum(P - threshold, 0.0)


def _sum_to_zero(P: _Array, own: NDArray[np.bool_]) -> _Array:
    r"""Rows (n, q) with ``-P`` at the other outputs and their sum at the output of the label, without any rounding.

    The probabilities of a row become multiples of :math:`2^{-53}` times a power of two that is above their sum, so
    that every partial sum is a double.
    """
    others = np.where(own, 0.0, np.maximum(P, 0.0))
    _, exponent = np.frexp(others.shape[1] * others.max(axis=1))
    unit = np.ldexp(1.0, np.maximum(exponent - 53, -1074))[:, None]
    others = np.floor(others / unit) * unit
    above = others.sum(axis=1) - 1.0  # by rounding only
    rows = np.flatnonzero(above > 0.0)
    others[rows, others[rows].argmax(axis=1)] -= above[rows]
    exact: _Array = np.where(own, others.sum(axis=1, keepdims=True), -others)
    return exact
