"""Kernel: the maximum of a linear function over a simplicial cone and the unit ball."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.gram_schmidt import orthogonalise
from ...numerics.jit import NONE, ZERO, njit

__all__ = ["least_majorant"]

_Array = NDArray[np.float64]


@njit(borrowing=True, inner=True)
def least_majorant(
    Q: _Array,
    phi: _Array,
    enough: float,
    b: _Array,
    x: _Array,
    E: _Array,
    T: _Array,
    z: _Array,
    trial: _Array,
    passive: NDArray[np.int64],
) -> float:
    """Shortest b (h,) with ``Q @ b >= phi``; answers a sound bound on ``max phi . x, x >= 0, |Q.T x| <= 1``.

    This is least-distance programming (Lawson and Hanson, ch. 23): b = Q.T x with x >= 0. The vertices in use are
    kept orthonormal in `E`, so thin cones do no harm. Stops early once the bound is at most `enough`.
    """
    h = Q.shape[0]
    k = ZERO
    for t in range(h):
        b[t] = 0.0
        x[t] = 0.0
    scale = 0.0
    for p in range(h):
        scale = max(scale, abs(phi[p]))
    for _ in range(4 * h + 8):
        enter = NONE
        worst = 1e-14 * scale
        short = 0.0
        norm = 0.0
        for p in range(h):
            d = phi[p]
            for t in range(h):
                d -= Q[p, t] * b[t]
            if d > 0.0:
                short += d * d
            if d > worst:
                taken = False
                for i in range(k):
                    if passive[i] == p:
                        taken = True
                if not taken:
                    worst = d
                    enter = p
            norm += b[p] * b[p]
        # b misses phi by `short` in all, and |x| <= 1 on the unit ball
        bound = math.sqrt(norm) + math.sqrt(short)
        if enter < 0 or bound <= enough:
            return bound
        passive[k] = enter
        x[enter] = 0.0
        k += 1
        while True:
            i = ZERO
            while i < k:
                p = passive[i]
                for t in range(h):
                    E[i, t] = Q[p, t]
                if not orthogonalise(E, T, i, 1e-13):  # a vertex in the span of the others
                    x[p] = 0.0
                    for m in range(i, k - 1):
                        passive[m] = passive[m + 1]
                    k -= 1
                    continue
                i += 1
            # q_i . b = phi_i for the vertices in use: T.T z = phi, then T trial = z
            for i in range(k):
                d = phi[passive[i]]
                for m in range(i):
                    d -= T[m, i] * z[m]
                z[i] = d / T[i, i]
            for i in range(k - 1, -1, -1):
                d = z[i]
                for m in range(i + 1, k):
                    d -= T[i, m] * trial[m]
                trial[i] = d / T[i, i]
            step = 1.0
            leave = NONE
            for i in range(k):
                if trial[i] <= 0.0:
                    gap = x[passive[i]] - trial[i]
                    ratio = x[passive[i]] / gap if gap > 0.0 else 0.0
                    if leave < 0 or ratio < step:
                        step = min(step, ratio)
                        leave = i
            if leave < 0:
                for i in range(k):
                    x[passive[i]] = trial[i]
                break
            for i in range(k):
                x[passive[i]] += step * (trial[i] - x[passive[i]])
            x[passive[leave]] = 0.0
            kept = ZERO
            for i in range(k):
                if x[passive[i]] > 0.0:
                    passive[kept] = passive[i]
                    kept += 1
                else:
                    x[passive[i]] = 0.0
            k = kept
            if k == 0:
                break
        for t in range(h):
            d = 0.0
            for i in range(k):
                d += x[passive[i]] * Q[passive[i], t]
            b[t] = d
    norm = 0.0
    short = 0.0
    for p in range(h):
        d = phi[p]
        for t in range(h):
            d -= Q[p, t] * b[t]
        if d > 0.0:
            short += d * d
        norm += b[p] * b[p]
    return math.sqrt(norm) + math.sqrt(short)
