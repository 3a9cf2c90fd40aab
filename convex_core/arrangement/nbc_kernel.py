"""Compiled kernels of the no-broken-circuit enumeration; :mod:`.nbc` says what they compute and why.

A node of the search at depth d is a residual matrix ``T[d] (k, width)``: one column per row of the
arrangement, then the objective in column n, then zero columns up to a multiple of 16 (short loops vectorise
without a remainder). Its first ``q = k - d`` rows are coordinates modulo the rows chosen so far; the others
are the coordinates on the chosen rows, smallest index first. ``E[d]`` and ``F[d]`` bound the errors of the
two parts, ``L[d]`` marks the loops: rows that depend on the chosen ones, and the padding. ``stats`` is
(largest zero, smallest nonzero) of :class:`.reads.Reads`. All scratch memory comes from the caller
(:func:`.nbc.workspace`): allocations and slices are what makes numba slow to compile.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._numba import njit
from .reads import EPS

__all__ = ["FAR", "subtree"]

# numba types the arguments when it compiles; array types would only repeat what is said above
_Array = Any
_OPTIONS: dict[str, Any] = {"fastmath": {"nnan", "nsz", "contract"}, "error_model": "numpy"}
#: pseudo-angle of a column that is no line
FAR = 100.0
_TINY = 1e-290
_HUGE = 1e290


@njit(**_OPTIONS)
def _read(value: float, bound: float, stats: _Array) -> bool:
    """Record one zero test; True if read as zero."""
    ratio = value / (bound + _TINY)
    if ratio <= 1.0:
        stats[0] = max(stats[0], ratio)
        return True
    stats[1] = min(stats[1], ratio)
    return False


@njit(**_OPTIONS)
def _pivot(T: _Array, E: _Array, F: _Array, L: _Array, d: int, i: int, real: _Array, stats: _Array) -> bool:
    """Choose row `i` at depth `d`: eliminate it into depth d + 1. False if a smaller row becomes a loop."""
    k, width = T.shape[1], T.shape[2]
    q = k - d
    o = d + 1
    p = 0
    for t in range(1, q):
        if abs(T[d, t, i]) > abs(T[d, p, i]):
            p = t
    size = abs(T[d, p, i])
    inverse = 1.0 / T[d, p, i]
    reach = 0.0
    for t in range(q, k):
        reach = max(reach, abs(T[d, t, i]))
    for j in range(width):
        T[o, q - 1, j] = T[d, p, j] * inverse
        real[0, j] = 0.0
        real[1, j] = 0.0
    row = 0
    for t in range(k):
        if t == p:
            continue
        if t == q:
            row += 1
        f = T[d, t, i]
        part = 0 if t < q else 1
        for j in range(width):
            v = T[d, t, j] - T[o, q - 1, j] * f
            T[o, row, j] = v
            real[part, j] = max(real[part, j], abs(v))
        row += 1
    ei = E[d, i]
    fi = F[d, i]
    least = _HUGE
    most = 0.0
    for j in range(width):
        a = abs(T[o, q - 1, j])
        e = E[d, j] + a * ei
        m = 1.25 * e * abs(inverse) + 4 * EPS * a
        bound = 2.5 * e + 4 * EPS * (real[0, j] + a * size)
        E[o, j] = bound
        F[o, j] = m * (1.0 + reach + fi) + F[d, j] + a * fi + 4 * EPS * (real[1, j] + a * reach)
        L[o, j] = L[d, j]
        least = min(least, _HUGE if L[d, j] or j == i else real[0, j])
        most = max(most, bound)
    L[o, i] = 1
    if least < most * stats[1]:  # some test may be a zero or a new extreme: look at each
        for j in range(width):
            if not L[o, j] and _read(real[0, j], E[o, j], stats):
                if j < i:
                    return False
                L[o, j] = 1
        for j in range(width):
            if L[o, j]:
                E[o, j] = 0.0
                for t in range(q - 1):
                    T[o, t, j] = 0.0
    E[o, i] = 0.0
    F[o, i] = 0.0
    for t in range(q - 1):
        T[o, t, i] = 0.0
    return True


@njit(**_OPTIONS)
def _angles(T: _Array, E: _Array, L: _Array, d: int, real: _Array, up: _Array) -> float:
    """Measure the lines of the residual plane by pseudo-angles in [0, 2] from row 0; return the worst bound.

    real[0] receives the angle, real[1] its error bound, `up` whether a line was not turned round.
    """
    x0 = T[d, 0, 0]
    y0 = T[d, 1, 0]
    most = 0.0
    for j in range(T.shape[2]):
        x = T[d, 0, j]
        y = T[d, 1, j]
        g = x0 * y - y0 * x
        h = x * x0 + y * y0
        u = h / (abs(h) + abs(g) + _TINY)
        tol = 2.0 * E[d, j] / (abs(x) + abs(y) + _TINY) + 8 * EPS
        real[0, j] = (1.0 - u if g > 0 else 1.0 + u) + (FAR if L[d, j] else 0.0)
        real[1, j] = tol
        up[j] = g > 0
        most = max(most, tol)
    return most


@njit(**_OPTIONS)
def _sort(key: _Array, ints: _Array, m: int) -> None:
    """Sort ints[0, :m] by key: insertion sort in blocks, then bottom-up merges."""
    block = 24
    for lo in range(0, m, block):
        for a in range(lo + 1, min(lo + block, m)):
            item = ints[0, a]
            b = a - 1
            while b >= lo and key[0, ints[0, b]] > key[0, item]:
                ints[0, b + 1] = ints[0, b]
                b -= 1
            ints[0, b + 1] = item
    width = block
    while width < m:
        for a in range(m):
            ints[1, a] = ints[0, a]
        for lo in range(0, m, 2 * width):
            a, middle, hi = lo, min(lo + width, m), min(lo + 2 * width, m)
            b = middle
            for c in range(lo, hi):
                if b >= hi or (a < middle and key[0, ints[1, a]] <= key[0, ints[1, b]]):
                    ints[0, c] = ints[1, a]
                    a += 1
                else:
                    ints[0, c] = ints[1, b]
                    b += 1
        width *= 2


@njit(**_OPTIONS)
def _groups(real: _Array, ints: _Array, top: int, stats: _Array) -> tuple[int, int]:
    """Sort the rows 1..top-1 not parallel to row 0 by angle and group the parallel ones.

    Returns the numbers of rows m and of groups. ints[0, :m] are the rows in order, ints[2, j] the group of
    row j (-1: parallel to row 0), ints[3, g] the smallest row of group g.
    """
    ints[2, 0] = -1
    m = 0
    for j in range(1, top):
        ints[2, j] = -1
        angle = min(real[0, j], 2.0 - real[0, j])
        bound = real[1, j] + real[1, 0]
        if angle > bound * stats[1] or not _read(angle, bound, stats):
            ints[0, m] = j
            m += 1
    _sort(real, ints, m)
    groups = 0
    for a in range(m):
        j = ints[0, a]
        new = True
        if a > 0:
            b = ints[0, a - 1]
            angle = real[0, j] - real[0, b]
            bound = real[1, j] + real[1, b]
            new = angle > bound * stats[1] or not _read(angle, bound, stats)
        if new:
            ints[3, groups] = j
            groups += 1
        ints[2, j] = groups - 1
        ints[3, groups - 1] = min(ints[3, groups - 1], j)
    return m, groups


@njit(**_OPTIONS)
def _place(real: _Array, ints: _Array, top: int, n: int, m: int, groups: int, most: float, stats: _Array) -> None:
    """Place the rows top..n among the groups: ints[2, j] = g in group g, -1 with row 0; ints[4, j] otherwise.

    ints[4, j] = g says that line j lies between groups g - 1 and g, and then ints[2, j] = -2. Column n, the
    objective, is generic: it must not be parallel to any row.
    """
    width = real.shape[1]
    for j in range(width):
        ints[5, j] = 0
    least = 2.0
    for j in range(top, n + 1):
        least = min(least, min(real[0, j], abs(2.0 - real[0, j])))
    if m <= 48:
        for a in range(m):
            mark = real[0, ints[0, a]]
            for j in range(width):
                ints[5, j] += real[0, j] > mark
            for j in range(top, n + 1):
                least = min(least, abs(real[0, j] - mark))
    else:
        for j in range(top, n + 1):
            lo, hi = 0, m
            while lo < hi:
                middle = (lo + hi) >> 1
                if real[0, ints[0, middle]] < real[0, j]:
                    lo = middle + 1
                else:
                    hi = middle
            ints[5, j] = lo
            if lo > 0:
                least = min(least, abs(real[0, j] - real[0, ints[0, lo - 1]]))
            if lo < m:
                least = min(least, abs(real[0, j] - real[0, ints[0, lo]]))
    doubtful = least < 2.0 * most * stats[1]
    for j in range(top, n + 1):
        if real[0, j] >= FAR:
            continue
        lo = ints[5, j]
        ints[4, j] = ints[2, ints[0, lo]] if lo < m else groups
        ints[2, j] = -2
        if not doubtful:
            continue
        if _read(min(real[0, j], 2.0 - real[0, j]), real[1, j] + real[1, 0], stats):
            ints[2, j] = -1
        for a in range(max(lo - 1, 0), min(lo + 1, m)):
            b = ints[0, a]
            if _read(abs(real[0, b] - real[0, j]), real[1, j] + real[1, b], stats):
                ints[2, j] = ints[2, b]
    if ints[2, n] != -2:
        stats[1] = 0.0


@njit(**_OPTIONS)
def _loops(T: _Array, F: _Array, L: _Array, d: int, n: int, words: _Array, stats: _Array) -> None:
    """Mark the loops by their first nonzero coordinate t: words[2t - 2] all, words[2t - 1] the positive."""
    k = T.shape[1]
    one = np.uint64(1)
    for t in range(2, 2 * k):
        for w in range(words.shape[1]):
            words[t, w] = np.uint64(0)
    for j in range(n):
        if L[d, j]:
            t = 2
            while t < k and _read(abs(T[d, t, j]), F[d, j], stats):
                t += 1
            if t == k:  # no coordinate at all: the zero tests contradict each other
                stats[1] = 0.0
                continue
            bit = one << np.uint64(j & 63)
            words[2 * t - 2, j >> 6] |= bit
            if T[d, t, j] > 0:
                words[2 * t - 1, j >> 6] |= bit


@njit(**_OPTIONS)
def _cross(T: _Array, E: _Array, d: int, a: int, b: int) -> tuple[float, float]:
    """Take the 2 x 2 determinant of the residual columns a and b, and a bound on its error."""
    sa = abs(T[d, 0, a]) + abs(T[d, 1, a])
    sb = abs(T[d, 0, b]) + abs(T[d, 1, b])
    return T[d, 0, a] * T[d, 1, b] - T[d, 1, a] * T[d, 0, b], E[d, a] * sb + E[d, b] * sa + 4 * EPS * sa * sb


@njit(**_OPTIONS)
def _toggle(ints: _Array, slot: int, words: _Array) -> None:
    """Flip the bits of the rows in a slot."""
    j = ints[0, slot]
    while j >= 0:
        words[0, j >> 6] ^= np.uint64(1) << np.uint64(j & 63)
        j = ints[1, j]


@njit(**_OPTIONS)
def _emit(
    T: _Array, E: _Array, F: _Array, L: _Array, d: int, n: int, top: int, groups: int,
    out: _Array, pos: int, ints: _Array, real: _Array, up: _Array, words: _Array, stats: _Array,
) -> None:  # fmt: skip
    """Write one pattern per group: turn through the residual plane and flip each row as it is passed."""
    k = T.shape[1]
    W = out.shape[1]
    one = np.uint64(1)
    objective = ints[4, n]
    for w in range(W):
        words[0, w] = np.uint64(0)
    for s in range(2 * groups + 1):
        ints[0, s] = -1
    for j in range(n):
        if L[d, j]:
            continue
        g = ints[2, j]
        if g == -1:
            positive = (real[0, j] < 1.0) == up[j] or j == 0
        else:
            positive = not up[j]
            slot = 2 * ints[4, j] if g == -2 else 2 * g + 1
            ints[1, j] = ints[0, slot]
            ints[0, slot] = j
        if positive:
            words[0, j >> 6] |= one << np.uint64(j & 63)
    _loops(T, F, L, d, n, words, stats)
    for g in range(groups):
        _toggle(ints, 2 * g, words)
        passed = objective <= g
        if passed:
            _toggle(ints, 2 * g + 1, words)
        for w in range(W):
            out[pos, w] = words[0, w]
        b = ints[3, g]
        d0, e0 = _cross(T, E, d, 0, b)
        d1, e1 = _cross(T, E, d, n, b)
        d2, e2 = _cross(T, E, d, 0, n)
        for t in range(2, k):
            u, v, z = T[d, t, n] * d0, T[d, t, 0] * d1, T[d, t, b] * d2
            value = u - v - z
            bound = abs(d0) * F[d, n] + abs(T[d, t, n]) * e0 + abs(d1) * F[d, 0] + abs(T[d, t, 0]) * e1
            bound += abs(d2) * F[d, b] + abs(T[d, t, b]) * e2 + 8 * EPS * (abs(u) + abs(v) + abs(z))
            if abs(value) < bound * stats[1]:
                stats[1] = abs(value) / bound
            if (value > 0) == (d1 > 0):
                for w in range(W):
                    out[pos, w] |= words[2 * t - 1, w]
            else:
                for w in range(W):
                    out[pos, w] |= words[2 * t - 2, w] & ~words[2 * t - 1, w]
        pos += 1
        if not passed:
            _toggle(ints, 2 * g + 1, words)


@njit(**_OPTIONS)
def subtree(
    T: _Array, E: _Array, F: _Array, L: _Array, n: int, path: _Array, base: int, lo: int, hi: int, fill: bool,
    limit: int, out: _Array, real: _Array, ints: _Array, up: _Array, words: _Array, stats: _Array, flag:
    _Array,
) -> int:  # fmt: skip
    """Find the no-broken-circuit bases {0 < ... < i < path[0, base-1] < ... < path[0, 0]}, lo <= i < hi.

    T[0], E[0], F[0] and L[0] hold a truncation to rank k >= 2, path[0, :base] the rows chosen beforehand.
    Writes the patterns to `out` when `fill`, else only counts them. Returns their number, or -1 when
    ``flag[0]`` was set meanwhile; stops early once the number exceeds `limit`.
    """
    k = T.shape[1]
    pos = 0
    d = 0
    path[1, 0] = path[0, 0] if base > 0 else hi - 1
    while d >= 0 and pos <= limit:
        if flag[0]:
            return -1
        if k - d == 2:
            top = path[0, d - 1] if d > 0 else n
            most = _angles(T, E, L, d, real, up)
            m, groups = _groups(real, ints, top, stats)
            if fill:
                _place(real, ints, top, n, m, groups, most, stats)
                _emit(T, E, F, L, d, n, top, groups, out, pos, ints, real, up, words, stats)
            pos += groups
            d -= 1
            continue
        i = path[1, d]
        least = k - d - 1
        if d < base:
            least = max(least, path[0, d])
        elif d == base:
            least = max(least, lo)
        if i < least:
            d -= 1
            continue
        path[1, d] = i - 1
        if not L[d, i] and _pivot(T, E, F, L, d, i, real, stats):
            path[0, d] = i
            d += 1
            path[1, d] = i - 1
            if d < base:
                path[1, d] = path[0, d]
            elif d == base:
                path[1, d] = min(i, hi) - 1
    return pos
