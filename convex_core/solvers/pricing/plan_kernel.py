"""Kernel: a plan by which concave rows pay for convex ones, for the proofs of :mod:`.transport_kernel`."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import ZERO, njit

__all__ = ["transport_plan"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]


@njit(borrowing=True, fastmath={"reassoc", "contract"})
def transport_plan(
    X: _Array, a: _Array, Y: _Array, c: _Array, partner: _Index, plan: _Array, start: _Index, entry: _Index,
    gain: float, rounds: int, moved: _Array, before: _Array, r: _Array, flat: _Array,
) -> None:  # fmt: skip
    r"""Lower ``sum_i ||a_i x_i - sum_j plan_ij y_j||`` by accelerated projected gradients of its smoothed form.

    Parameters
    ----------
    X, a, Y, c
        Unit convex rows (m, h) with their weights (m,), unit concave rows (q, h) with theirs (q,).
    partner : (m, K)
        Concave rows that may pay for each convex row, -1 behind the last.
    plan : (m, K)
        What they pay: to begin with, and improved in place. Columns sum to at most c.
    start, entry : (q + 1,), (E,)
        Positions in the flat plan of what each concave row pays.
    gain : float
        Largest eigenvalue of ``Y.T Y``.
    rounds : int
        Steps for each of three levels of smoothing.
    moved, before, r : (m, K), (m, K), (h,)
        Work arrays.
    flat : (m K,)
        The memory of `plan`.
    """
    m, h = X.shape
    K = partner.shape[1]
    typical = 0.0
    for i in range(m):
        typical += a[i]
    typical /= max(m, 1)
    for level in (0.3, 0.05, 0.01):
        width = level * typical
        for i in range(m):
            for k in range(K):
                moved[i, k] = plan[i, k]
        pace = 1.0
        for _round in range(rounds):
            for i in range(m):
                for t in range(h):
                    r[t] = a[i] * X[i, t]
                for k in range(K):
                    j = partner[i, k]
                    before[i, k] = plan[i, k]
                    if j >= 0:
                        for t in range(h):
                            r[t] -= moved[i, k] * Y[j, t]
                size = width * width
                for t in range(h):
                    size += r[t] * r[t]
                step = width / (gain * math.sqrt(size))
                for k in range(K):
                    j = partner[i, k]
                    if j >= 0:
                        along = 0.0
                        for t in range(h):
                            along += r[t] * Y[j, t]
                        plan[i, k] = moved[i, k] + step * along
            # the projection of each column on {p >= 0, sum p <= c}, by Michelot's method
            for j in range(len(c)):
                level_of = 0.0
                active = start[j + 1] - start[j]
                while active > 0:
                    total = 0.0
                    count = ZERO
                    for s in range(start[j], start[j + 1]):
                        if flat[entry[s]] > level_of:
                            total += flat[entry[s]]
                            count += 1
                    if count == 0 or (level_of == 0.0 and total <= c[j]):
                        break
                    raised = (total - c[j]) / count
                    if count == active and level_of > 0.0 and raised <= level_of:
                        break
                    if raised <= level_of:
                        break
                    level_of = raised
                    active = count
                for s in range(start[j], start[j + 1]):
                    d = flat[entry[s]] - level_of
                    flat[entry[s]] = d if d > 0.0 else 0.0
            new = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * pace * pace))
            for i in range(m):
                for k in range(K):
                    moved[i, k] = plan[i, k] + (pace - 1.0) / new * (plan[i, k] - before[i, k])
            pace = new
