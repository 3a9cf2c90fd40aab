r"""Kernel: second moments of directions, the bound of :mod:`.moments`: its plan and widths, moved in turn.

For one output sign, with :math:`a, c > 0`,

.. math:: 2 f(u) \le g(u) = \sum_i a_i |x_i^T u| - \sum_j c_j |y_j^T u| .

A plan :math:`\pi \ge 0`, signs :math:`\sigma = \pm 1` and what is left :math:`s_j \ge 0` with
:math:`\sum_i \pi_{ij} + s_j \le c_j`, widths :math:`w > 0` and vectors :math:`\|p_j\| \le 1` give, on the unit ball,

.. math:: g(u) \le \tfrac12 \sum_i w_i + u^T Q u, \qquad
          Q = \sum_i \frac{r_i r_i^T}{2 w_i} - \sum_j s_j \frac{y_j p_j^T + p_j y_j^T}{2}, \qquad
          r_i = a_i x_i - \sum_j \sigma_{ij} \pi_{ij} y_j ,

because :math:`|r^T u| \le (w + (r^T u)^2 / w) / 2` and :math:`|y^T u| \ge |y^T u| |p^T u|`. A row that pays
:math:`\delta_j` more than :math:`c_j` adds :math:`\delta_j \|y_j\|`. The maximum over the ball
is half the sum of the widths plus the largest eigenvalue of Q, if that is positive.

The dual of that maximum are moments U, positive semidefinite with trace 1. At the best parameters
:math:`w_i = (r_i^T U r_i)^{1/2}` and :math:`p_j = U y_j / \|U y_j\|`; the plan takes projected gradient steps; and U
moves a little towards the moments that are worst for these parameters, smoothed by the logarithm of their determinant.
Steps against the last moments alone oscillate.

Over a cone :math:`n_k^T u \ge 0`, with :math:`t^T u` in place of :math:`|t^T u|`, any :math:`\rho \ge 0` may be used:
there

.. math:: t^T u = \Big(t + \sum_k \rho_k n_k\Big)^T u - \sum_k \rho_k |n_k^T u| ,

so every normal is one more concave row, as heavy as is good, for which the row t pays. What a row has along the normals
then cancels in t. The weight follows the price that a unit of it has with those who use it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import njit

__all__ = ["move_moments"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

# a width is at least this share of its residual's row: narrower ones win nothing, and magnify rounding
_NARROW = 1e-5
# share of a row that its residual is taken to be longer, in the steps of the plan: they stay bounded
_SOFT = 1e-3
# the least weight by which a normal's own share is moved, relative to a convex row's: one that has none can begin
_GRAIN = 1e-3
# sweeps of Jacobi's method at most, and steps of Newton's for the multiplier of the trace
_TURNS, _TRIALS = 12, 20
# steps between two looks at whether the bound will be enough: not if it falls by less than this share of what it takes
_REVIEW, _HOPE = 20, 0.6
_FAST = {"reassoc", "contract"}


@njit(borrowing=True, inner=True)
def _diagonalise(A: _Array, E: _Array, work: _Array) -> None:
    """Turn the symmetric A (h, h) into a diagonal matrix, in place; the rows of E become eigenvectors.

    They are orthonormal before: those of a matrix like A save most of the work.
    """
    h = len(A)
    size = 0.0
    for s in range(h):
        for t in range(h):
            part = 0.0
            for k in range(h):
                part += A[t, k] * E[s, k]
            work[s, t] = part
    for s in range(h):
        for t in range(s + 1):
            part = 0.0
            for k in range(h):
                part += work[s, k] * E[t, k]
            A[s, t] = part
            A[t, s] = part
            size += (1.0 if s == t else 2.0) * part * part
    for _sweep in range(_TURNS):
        off = 0.0
        for i in range(h):
            for j in range(i):
                off += A[i, j] * A[i, j]
        if off <= 1e-28 * size:
            break
        for i in range(1, h):
            for j in range(i):
                if A[i, j] * A[i, j] <= 1e-32 * size:
                    continue
                # the rotation that makes entry (i, j) zero (Golub and Van Loan, section 8.5)
                ratio = (A[j, j] - A[i, i]) / (2.0 * A[i, j])
                tangent = 1.0 / (abs(ratio) + math.sqrt(1.0 + ratio * ratio))
                if ratio < 0.0:
                    tangent = -tangent
                cosine = 1.0 / math.sqrt(1.0 + tangent * tangent)
                sine = tangent * cosine
                for k in range(h):
                    left, right = A[k, i], A[k, j]
                    A[k, i] = cosine * left - sine * right
                    A[k, j] = sine * left + cosine * right
                for k in range(h):
                    left, right = A[i, k], A[j, k]
                    A[i, k] = cosine * left - sine * right
                    A[j, k] = sine * left + cosine * right
                    left, right = E[i, k], E[j, k]
                    E[i, k] = cosine * left - sine * right
                    E[j, k] = sine * left + cosine * right


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _quadratic(U: _Array, r: _Array) -> float:
    """``r.T U r``."""
    total = 0.0
    for t in range(len(r)):
        part = 0.0
        for k in range(len(r)):
            part += U[t, k] * r[k]
        total += part * r[t]
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _residual(
    X: _Array, a: _Array, Y: _Array, c: _Array, normals: int, partner: _Index, side: _Array, plan: _Array, i: int,
    r: _Array,
) -> None:  # fmt: skip
    """Write what is left of the convex row i, after what the plan pays, into r (h,); the last row is t."""
    for t in range(len(r)):
        r[t] = a[i] * X[i, t]
    for k in range(partner.shape[1]):
        if plan[i, k] > 0.0:
            j = partner[i, k]
            for t in range(len(r)):
                r[t] -= side[i, k] * plan[i, k] * Y[j, t]
    if i == len(a) - 1:
        for j in range(len(c) - normals, len(c)):
            for t in range(len(r)):
                r[t] += c[j] * Y[j, t]


@njit(borrowing=True, fastmath=_FAST)
def move_moments(
    X: _Array, a: _Array, Y: _Array, c: _Array, normals: int, partner: _Index, side: _Array, start: _Index,
    entry: _Index, plan: _Array, left: _Array, U: _Array, best_c: _Array, best_plan: _Array, best_left: _Array,
    best_U: _Array, steps: int, enough: float, pace: float, blur: float, last_blur: float, flat: _Array,
    length: _Array, flat_length: _Array, R: _Array, moved: _Array, size: _Array, Q: _Array, E: _Array, worst: _Array,
) -> float:  # fmt: skip
    """Take `steps` steps; the answer is the least bound on g met, as computed, and `best_...` are its parameters.

    Parameters
    ----------
    X, a, Y, c
        Unit convex rows (m, h) with their weights (m,), unit concave rows (q, h) with theirs (q,). The last convex
        row is t, and the last `normals` concave rows have weights that are free.
    partner, side : (m, K)
        Concave rows that may pay for each convex row, and the signs of the products of the two.
    start, entry : (q + 1,), (m K,)
        Positions in the flat plan of what each concave row pays.
    plan, left : (m, K), (q,)
        What they pay, and what is left of them; where the steps begin, and where they end.
    U : (h, h)
        Moments, likewise.
    best_c, best_plan, best_left, best_U
        As `c` and the three before.
    steps, enough, pace, blur, last_blur
        How many at most; a bound that ends them, early too where it is out of reach; the share of the way that U goes
        in each; the smoothing in the first and the last, relative.
    flat, flat_length : (m K,)
        The memory of `plan` and `length`.
    length, R, moved, size, Q, E, worst : (m, K), (m, h), (q, h), (4, q), (h, h), (h, h), (h, h)
        Work arrays.
    """
    m, h = X.shape
    K = partner.shape[1]
    q = len(c)
    grain = 0.0
    for i in range(m):
        grain += _GRAIN * a[i] / m
    best = np.inf
    before = np.inf
    for t in range(h):
        for k in range(h):
            E[t, k] = 1.0 if t == k else 0.0
    for j in range(q):
        size[2, j] = 0.0
    for step in range(steps):
        smooth = blur * (last_blur / blur) ** (step / max(1, steps - 1))
        for j in range(q):
            long = 0.0
            wide = 0.0
            for t in range(h):
                part = 0.0
                for k in range(h):
                    part += U[t, k] * Y[j, k]
                moved[j, t] = part
                long += part * part
                wide += part * Y[j, t]
            size[0, j] = math.sqrt(long)
            size[1, j] = max(wide, 0.0)
        width = 1.0
        # (1) a step of the plan in a metric in which it is safe, with the residuals of the last bound
        for i in range(m):
            if step == 0:
                _residual(X, a, Y, c, normals, partner, side, plan, i, R[i])
            width = math.sqrt(max(_quadratic(U, R[i]), 0.0) + (_SOFT * a[i]) ** 2)
            gain = 1e-300
            for k in range(K):
                gain += size[1, partner[i, k]]
            reach = 2.0 * width / gain
            for k in range(K):
                j = partner[i, k]
                along = 0.0
                for t in range(h):
                    along += moved[j, t] * R[i, t]
                length[i, k] = reach
                plan[i, k] += reach * 0.5 * side[i, k] * along / width
        # weights of the normals: what a unit more is worth to those who use it, less what t pays for it
        for j in range(q - normals, q):
            if step > 0:
                along = 0.0
                for t in range(h):
                    along += moved[j, t] * R[m - 1, t]
                steep = normals * size[1, j] / width + 2.0 / max(size[3, j], 1e-300)
                c[j] = max(c[j] + 0.5 * (2.0 * size[2, j] - along / width) / steep, 0.0)
        # the plan's projection on what there is, in that metric, by Newton's method on the multiplier
        for j in range(q):
            own = 2.0 * (c[j] if j < q - normals else max(c[j], grain))
            rest = left[j] + own * 0.5 * size[0, j]
            # from the multiplier of the step before: where that is too high, a step of Newton's method on this convex
            # function leads to one that is too low, and from there on it grows; without a weight all high ones do
            price = size[2, j] if c[j] > 0.0 else 0.0
            slope = 0.0
            for _round in range(50):
                total = 0.0
                slope = 0.0
                if rest > price * own:
                    total += rest - price * own
                    slope += own
                for s in range(start[j], start[j + 1]):
                    above = flat[entry[s]] - price * flat_length[entry[s]]
                    if above > 0.0:
                        total += above
                        slope += flat_length[entry[s]]
                if price > 0.0 and slope == 0.0:
                    price = 0.0
                    continue
                if abs(total - c[j]) <= 1e-13 * c[j] or (price == 0.0 and total <= c[j]) or slope == 0.0:
                    break
                price = max(price + (total - c[j]) / slope, 0.0)
            size[2, j] = price
            size[3, j] = slope
            left[j] = max(rest - price * own, 0.0)
            total = left[j]
            for s in range(start[j], start[j + 1]):
                above = max(flat[entry[s]] - price * flat_length[entry[s]], 0.0)
                flat[entry[s]] = above
                total += above
            if total > c[j]:
                left[j] *= c[j] / total
                for s in range(start[j], start[j + 1]):
                    flat[entry[s]] *= c[j] / total
        # (2) the bound of these parameters
        half = 0.0
        for t in range(h):
            for k in range(h):
                Q[t, k] = 0.0
        for i in range(m):
            _residual(X, a, Y, c, normals, partner, side, plan, i, R[i])
            width = max(math.sqrt(max(_quadratic(U, R[i]), 0.0)), _NARROW * a[i])
            half += 0.5 * width
            for t in range(h):
                for k in range(t + 1):
                    Q[t, k] += R[i, t] * R[i, k] / (2.0 * width)
        for j in range(q):
            if left[j] > 0.0 and size[0, j] > 0.0:
                share = 0.5 * left[j] / size[0, j]
                for t in range(h):
                    for k in range(t + 1):
                        Q[t, k] -= share * (Y[j, t] * moved[j, k] + Y[j, k] * moved[j, t])
        for t in range(h):
            for k in range(t):
                Q[k, t] = Q[t, k]
        _diagonalise(Q, E, worst)
        top = Q[0, 0]
        for t in range(1, h):
            top = max(top, Q[t, t])
        value = half + max(top, 0.0)
        if value < best:
            best = value
            for j in range(q):
                best_c[j] = c[j]
                best_left[j] = left[j]
            for i in range(m):
                for k in range(K):
                    best_plan[i, k] = plan[i, k]
            for t in range(h):
                for k in range(h):
                    best_U[t, k] = U[t, k]
        if best <= enough:
            break
        if step == 0:
            before = best
        elif step % _REVIEW == 0 and enough > -np.inf:
            if (before - best) * (steps - step) < _HOPE * _REVIEW * (best - enough):
                break
            before = best
        # (3) the worst moments: smooth (level I - Q)^-1, with trace 1
        smooth *= value
        if smooth <= 0.0:
            break
        # where the trace is 1 its reciprocal is, a concave function of the level: Newton's method comes from below
        level = top + smooth
        for _trial in range(_TRIALS):
            total = 0.0
            slope = 0.0
            for t in range(h):
                part = smooth / max(level - Q[t, t], smooth)
                total += part
                slope += part * part
            if total <= 1.0 + 1e-12:
                break
            level += smooth * total * (total - 1.0) / slope
        for t in range(h):
            for k in range(h):
                worst[t, k] = 0.0
        for s in range(h):
            share = smooth / max(level - Q[s, s], smooth)
            for t in range(h):
                for k in range(h):
                    worst[t, k] += share * E[s, t] * E[s, k]
        for t in range(h):
            for k in range(h):
                U[t, k] += pace * (worst[t, k] - U[t, k])
    return best
