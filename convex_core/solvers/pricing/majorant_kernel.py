"""Kernels: the maximum of a linear function over a simplicial cone and the unit ball, and the best mixture of two."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.gram_schmidt import orthogonalise
from ...numerics.jit import NONE, ZERO, njit

__all__ = ["least_majorant", "least_mixture"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

# change of the share that ends the search for a mixture
_SAME_SHARE = 1e-3


@njit(borrowing=True, inner=True)
def _missed(Q: _Array, phi: _Array, b: _Array, passive: _Index, k: int, scale: float) -> tuple[float, int]:
    """A bound on ``max phi . x`` by how much b misses phi, and the vertex outside of the first k where it does most."""
    h = len(phi)
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
    return math.sqrt(norm) + math.sqrt(short), enter


@njit(borrowing=True, inner=True)
def least_majorant(
    Q: _Array, phi: _Array, enough: float, b: _Array, x: _Array, E: _Array, T: _Array, z: _Array, trial: _Array,
    passive: _Index, k: int,
) -> tuple[float, int]:  # fmt: skip
    """Shortest b (h,) with ``Q @ b >= phi``; answers a sound bound on ``max phi . x, x >= 0, |Q.T x| <= 1``.

    This is least-distance programming (Lawson and Hanson, ch. 23): b = Q.T x with x >= 0. The vertices in use, which
    are the first of `passive`, are kept orthonormal in `E`, so thin cones do no harm; how many they are is the second
    part of the answer. With `k` > 0 they are those of another phi, with its x, and `E` and `T` as that answer left
    them. Stops early once the bound is at most `enough`.
    """
    h = Q.shape[0]
    scale = 0.0
    for p in range(h):
        scale = max(scale, abs(phi[p]))
    if k == 0:
        for t in range(h):
            b[t] = 0.0
            x[t] = 0.0
    ready = k  # of the vertices in use the first are orthonormal in E
    known = k > 0
    for _ in range(4 * h + 8):
        if not known:
            bound, enter = _missed(Q, phi, b, passive, k, scale)
            if enter < 0 or bound <= enough:
                return bound, k
            passive[k] = enter
            x[enter] = 0.0
            k += 1
        known = False
        while True:
            i = ready
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
            ready = k
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
                    ready = min(ready, kept)
            k = kept
            if k == 0:
                break
        for t in range(h):
            d = 0.0
            for i in range(k):
                d += x[passive[i]] * Q[passive[i], t]
            b[t] = d
    bound, _ = _missed(Q, phi, b, passive, k, scale)
    return bound, k


@njit(borrowing=True, inner=True)
def least_mixture(
    Q: _Array, base: _Array, first: _Array, delta: _Array, norm: float, enough: float, steps: int,
    b: _Array, x: _Array, phi: _Array, E: _Array, T: _Array, z: _Array, trial: _Array, passive: _Index, k: int,
) -> tuple[float, float, int]:  # fmt: skip
    r"""The share :math:`\lambda \in [0, 1]` for which ``base + first + share * delta`` has the shortest majorant.

    Answers its bound as :func:`least_majorant` does, `share`, and how many vertices are in use; b and x are about those
    of the mixture. At first b, x, E, T, passive and k are those of share 0, whose bound is `norm`. Half the square of
    the bound is convex in the share, with the derivative ``x . delta``, and quadratic while the vertices in use stay
    the same: Newton's method within bounds on the share, which takes `steps` at most.
    """
    h = Q.shape[0]
    share = 0.0
    low = 0.0
    high = 1.0
    last = 0.0
    for _ in range(steps):
        slope = 0.0
        for p in range(h):
            slope += x[p] * delta[p]
        if slope <= 0.0:
            if last >= 1.0:
                break
            low = last
        else:
            high = last
        curvature = 0.0
        for i in range(k):
            d = delta[passive[i]]
            for m in range(i):
                d -= T[m, i] * z[m]
            z[i] = d / T[i, i]
            curvature += z[i] * z[i]
        trying = last - slope / curvature if curvature > 0.0 else high
        if trying >= high:
            trying = 1.0 if high == 1.0 else 0.5 * (low + high)
        elif trying <= low:
            trying = 0.5 * (low + high)
        if abs(trying - last) < _SAME_SHARE:
            break
        last = trying
        for p in range(h):
            phi[p] = base[p] + first[p] + last * delta[p]
        bound, k = least_majorant(Q, phi, enough, b, x, E, T, z, trial, passive, k)
        if bound < norm:
            norm = bound
            share = last
        if bound <= enough:
            break
    return norm, share, k
