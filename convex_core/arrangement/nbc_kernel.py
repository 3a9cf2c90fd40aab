"""Compiled kernels of the no-broken-circuit enumeration; :mod:`.nbc` says what they compute and why.

A node of the search at depth d is an array ``T[d] (k + 3, width)``: one column per row of the arrangement, then the
objective in column n, then empty columns up to a multiple of 8, so that short loops vectorise with little remainder.

    rows 0 .. q - 1     coordinates modulo the rows chosen so far, q = k - d
    rows q .. k - 1     coordinates on the chosen rows, smallest index first
    rows k, k + 1       bounds on the errors of the two parts
    row  k + 2          1 for loops (rows that depend on the chosen ones) and empty columns, else 0

Scratch memory comes from the caller: ``real (6, width)``, ``ints (2, width)``, ``words (2 k, W)``. ``stats`` is the
largest zero and the smallest nonzero of :class:`.reads.Reads`; a test that cannot change them is not recorded.

Written for numba's compile time, which grows with the number of expressions: no slices, no allocations, no wrappers
around inner functions, few arrays. Written for vector loops: each writes to one or two arrays, and none takes a
minimum over floats, which LLVM leaves scalar.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .._numba import njit
from .reads import EPS

__all__ = ["NOTHING_READ", "subtree"]

# numba types the arguments when it compiles; array types would only repeat what is said above
_Array = Any
_OUTER: dict[str, Any] = {
    "fastmath": {"nnan", "nsz", "contract"},
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
}
_INNER = {**_OUTER, "no_cpython_wrapper": True}
_TINY = 1e-290
_HUGE = 1e290
#: initial value of stats[1]: finite, as the kernels are compiled for numbers that are never nan
NOTHING_READ = 1e300
#: added to the angle of a column that is no line
_FAR = 100.0


@njit(**_INNER)
def _read(value: float, bound: float, stats: _Array) -> bool:
    """Record one zero test; True if read as zero."""
    ratio = value / (bound + _TINY)
    zero = ratio <= 1.0
    if zero:
        if ratio > stats[0]:
            stats[0] = ratio
    elif ratio < stats[1]:
        stats[1] = ratio
    return zero


@njit(**_INNER)
def _pivot(T: _Array, d: int, i: int, k: int, real: _Array, stats: _Array) -> bool:
    """Choose row `i` at depth `d`: eliminate it into depth d + 1. False if a smaller row becomes a loop."""
    q = k - d
    o = d + 1
    p = 0
    for t in range(1, q):
        if abs(T[d, t, i]) > abs(T[d, p, i]):
            p = t
    # a smaller row parallel to row i is a broken circuit: cheap to suspect, then tested in full
    slope = T[d, 0, i] / T[d, 1, i]
    suspects = 0
    for j in range(i):
        suspects += abs(T[d, 0, j] - slope * T[d, 1, j]) <= 1e-6 * abs(T[d, 0, j])
    for j in range(i if suspects > 0 else 0):
        if abs(T[d, 0, j] - slope * T[d, 1, j]) <= 1e-6 * abs(T[d, 0, j]):
            m = T[d, p, j] / T[d, p, i]
            gap = 0.0
            for t in range(q):
                gap = max(gap, abs(T[d, t, j] - m * T[d, t, i]))
            bound = 2.5 * (T[d, k, j] + abs(m) * T[d, k, i])
            if gap <= bound:
                _read(gap, bound, stats)
                return False
    inverse = 1.0 / T[d, p, i]
    for j in range(T.shape[2]):
        T[o, q - 1, j] = T[d, p, j] * inverse
        real[0, j] = 0.0
        real[1, j] = 0.0
    row = 0
    reach = 0.0
    for t in range(k):
        if t == p:
            continue
        f = T[d, t, i]
        part = 0
        if t >= q:
            part = 1
            row = t
            reach = max(reach, abs(f))
        for j in range(T.shape[2]):
            v = T[d, t, j] - T[o, q - 1, j] * f
            T[o, row, j] = v
            real[part, j] = max(real[part, j], abs(v))
        row += 1
    ei = T[d, k, i]
    fi = T[d, k + 1, i]
    size = abs(T[d, p, i])
    for j in range(T.shape[2]):
        T[o, k, j] = T[d, k, j] + abs(T[o, q - 1, j]) * ei
    # errors of the multipliers, and what they do to the coordinates
    stretch = 1.25 * abs(inverse) * (1.0 + reach + fi)
    round_off = 4 * EPS * (1.0 + 2.0 * reach + fi) + fi
    for j in range(T.shape[2]):
        a = abs(T[o, q - 1, j])
        T[o, k + 1, j] = stretch * T[o, k, j] + round_off * a + T[d, k + 1, j] + 4 * EPS * real[1, j]
    limit = stats[1]
    doubtful = 0
    for j in range(T.shape[2]):
        bound = 2.5 * T[o, k, j] + 4 * EPS * (real[0, j] + abs(T[o, q - 1, j]) * size)
        T[o, k, j] = bound
        T[o, k + 2, j] = T[d, k + 2, j]
        doubtful += real[0, j] + T[d, k + 2, j] * _HUGE <= bound * limit
    T[o, k + 2, i] = 1.0
    if doubtful > 1:  # besides row i, some test may be a zero or a new extreme: look at each
        for j in range(T.shape[2]):
            bound = T[o, k, j]
            if T[o, k + 2, j] == 0.0 and real[0, j] <= bound * stats[1] and _read(real[0, j], bound, stats):
                if j < i:
                    return False
                T[o, k + 2, j] = 1.0
    for j in range(T.shape[2]):
        if T[o, k + 2, j] > 0.0:  # exact zeros stay exact
            T[o, k, j] = 0.0
            for t in range(q - 1):
                T[o, t, j] = 0.0
    T[o, k + 1, i] = 0.0
    return True


@njit(**_INNER)
def _groups(T: _Array, d: int, k: int, top: int, real: _Array, ints: _Array, stats: _Array) -> int:
    """Sort the lines of the residual plane below `top` by angle and group the parallel ones; count the groups.

    Writes for every column j: real[0, j] a pseudo-angle in (0, 2] from row 0, real[1, j] its error bound, real[2, j]
    the determinant with row 0, real[3, j] the size, real[4, j] and real[5, j] the angle less and plus twice the bound;
    for every group g: ints[1, g] its smallest row. Rows parallel to row 0 are in no group.
    """
    x0 = T[d, 0, 0]
    y0 = T[d, 1, 0]
    for j in range(T.shape[2]):
        real[2, j] = x0 * T[d, 1, j] - y0 * T[d, 0, j]
        real[3, j] = abs(T[d, 0, j]) + abs(T[d, 1, j])
    for j in range(T.shape[2]):
        g = real[2, j]
        h = x0 * T[d, 0, j] + y0 * T[d, 1, j]
        u = h / (abs(h) + abs(g) + _TINY)
        real[0, j] = 1.0 + (u if g <= 0.0 else -u) + _FAR * T[d, k + 2, j]
    for j in range(T.shape[2]):
        real[1, j] = 2.0 * T[d, k, j] / (real[3, j] + _TINY) + 8 * EPS
    for j in range(T.shape[2]):  # the angles that a border must exceed for the line to be passed, or if parallel not
        real[4, j] = real[0, j] - 2.0 * real[1, j]
        real[5, j] = real[0, j] + 2.0 * real[1, j]
    m = 0
    for j in range(1, top):
        angle = min(real[0, j], 2.0 - real[0, j])
        bound = real[1, j] + real[1, 0]
        if angle > bound * stats[1] or not _read(angle, bound, stats):
            ints[0, m] = j
            m += 1
    gap = 1
    while gap < m // 3:
        gap = 3 * gap + 1
    while gap > 0:  # Shell sort: short to compile, and m is small for most nodes
        for a in range(gap, m):
            j = ints[0, a]
            angle = real[0, j]
            while a >= gap and real[0, ints[0, a - gap]] > angle:
                ints[0, a] = ints[0, a - gap]
                a -= gap
            ints[0, a] = j
        gap //= 3
    groups = 0
    for a in range(m):
        j = ints[0, a]
        if a > 0:
            b = ints[0, a - 1]
            angle = real[0, j] - real[0, b]
            bound = real[1, j] + real[1, b]
            if angle <= bound * stats[1] and _read(angle, bound, stats):
                ints[1, groups - 1] = min(ints[1, groups - 1], j)
                continue
        ints[1, groups] = j
        groups += 1
    return groups


@njit(**_INNER)
def _prepare(T: _Array, d: int, k: int, n: int, top: int, real: _Array, words: _Array, stats: _Array) -> None:
    """Collect what the patterns of a residual plane share.

    words[0] marks the lines turned round when folded to an angle, words[1] all rows, words[2t - 2] the loops whose
    first nonzero coordinate is t, words[2t - 1] those among them where it is positive.
    """
    for w in range(words.shape[1]):
        for t in range(2, 2 * k):
            words[t, w] = 0
        bits = np.uint64(0)
        for j in range(w << 6, min((w << 6) + 64, T.shape[2])):
            bits |= np.uint64(real[2, j] + T[d, k + 2, j] <= 0.0) << np.uint64(j & 63)
        words[1, w] = ~np.uint64(0)
        if (w << 6) + 64 > n:
            words[1, w] = (np.uint64(1) << np.uint64(n & 63)) - np.uint64(1)
        words[0, w] = bits
    for j in range(n):
        if T[d, k + 2, j] > 0.0:
            t = 2
            while t < k:
                value = abs(T[d, t, j])
                bound = T[d, k + 1, j]
                if value > bound * stats[1] or not _read(value, bound, stats):
                    bit = np.uint64(1) << np.uint64(j & 63)
                    words[2 * t - 2, j >> 6] |= bit
                    if T[d, t, j] > 0.0:
                        words[2 * t - 1, j >> 6] |= bit
                    break
                t += 1
            if t == k:  # no coordinate at all: the zero tests contradict each other
                stats[1] = 0.0
    for j in range(top, n + 1):  # whether a row is parallel to row 0 shows in its angle; here it is only recorded
        value = min(real[0, j], abs(2.0 - real[0, j]))
        bound = real[1, j] + real[1, 0]
        if value <= bound * stats[1] and value > bound * stats[0]:
            _read(value, bound, stats)


@njit(**_INNER)
def _emit(
    T: _Array, d: int, k: int, n: int, top: int, groups: int, out: _Array, pos: int,
    real: _Array, ints: _Array, words: _Array, stats: _Array,
) -> None:  # fmt: skip
    """Write one pattern per group g: the lines at smaller angles are passed, row by row a comparison and a bit."""
    size = real[3, n]
    d2 = real[2, n]
    e2 = T[d, k, 0] * size + T[d, k, n] * real[3, 0] + 12 * EPS * real[3, 0] * size
    rn = 0.0
    r0 = 0.0
    for t in range(2, k):
        rn = max(rn, abs(T[d, t, n]))
        r0 = max(r0, abs(T[d, t, 0]))
    for g in range(groups):
        b = ints[1, g]
        angle = real[0, b]
        own = real[1, b]
        zero = stats[0]
        nonzero = stats[1]
        doubtful = 0
        for j in range(T.shape[2]):  # all rows: a vector loop without a ragged end
            value = abs(real[0, j] - angle)
            bound = real[1, j] + own
            doubtful += (value <= bound * nonzero) & (value > bound * zero)
        if doubtful > 0:
            for j in range(top, n):
                _read(abs(real[0, j] - angle), real[1, j] + own, stats)
            # the objective is generic: parallel to no row
            stats[1] = min(stats[1], abs(real[0, n] - angle) / (real[1, n] + own))
        d0 = real[2, b]
        d1 = T[d, 0, n] * T[d, 1, b] - T[d, 1, n] * T[d, 0, b]
        least = _HUGE
        rb = 0.0
        turned = np.uint64(0)  # one bit per t: rank 64 would mean more than 2^64 patterns
        for t in range(2, k):
            cb = T[d, t, b]
            value = T[d, t, n] * d0 - T[d, t, 0] * d1 - cb * d2
            least = min(least, abs(value))
            rb = max(rb, abs(cb))
            turned |= np.uint64((value > 0.0) != (d1 > 0.0)) << np.uint64(t & 63)
        # errors of the determinants and of the coordinates they multiply
        e0 = T[d, k, 0] * real[3, b] + T[d, k, b] * real[3, 0] + 12 * EPS * real[3, 0] * real[3, b]
        e1 = T[d, k, n] * real[3, b] + T[d, k, b] * size + 12 * EPS * size * real[3, b]
        bound = rn * e0 + r0 * e1 + rb * e2
        bound += abs(d0) * T[d, k + 1, n] + abs(d1) * T[d, k + 1, 0] + abs(d2) * T[d, k + 1, b]
        if least < bound * stats[1]:
            stats[1] = least / bound
        # a row parallel to the group is passed if the objective is, whatever its rounding
        passed = real[0, n] < angle
        border = angle + 2.0 * own if passed else angle - 2.0 * own
        side = 4 if passed else 5
        for w in range(out.shape[1]):
            bits = np.uint64(0)
            for j in range(w << 6, min((w << 6) + 64, T.shape[2])):
                bits |= np.uint64(real[side, j] < border) << np.uint64(j & 63)
            bits = (bits ^ words[0, w]) & words[1, w]
            for t in range(2, k):
                flip = np.uint64(0) - ((turned >> np.uint64(t & 63)) & np.uint64(1))
                bits |= words[2 * t - 1, w] ^ (words[2 * t - 2, w] & flip)
            out[pos, w] = bits
        out[pos, 0] |= np.uint64(1)  # row 0 is positive even where the bounds are too wide to tell
        pos += 1


@njit(**_OUTER)
def subtree(
    T: _Array, n: int, path: _Array, base: int, lo: int, hi: int, fill: bool, limit: int, out: _Array,
    real: _Array, ints: _Array, words: _Array, stats: _Array, flag: _Array,
) -> int:  # fmt: skip
    """Find the no-broken-circuit bases {0 < ... < i < path[0, base-1] < ... < path[0, 0]}, lo <= i < hi.

    T[0] holds a truncation to rank k >= 2, path[0, :base] the rows chosen beforehand. Writes the patterns to `out`
    when `fill`, else only counts them. Returns their number, or -1 when ``flag[0]`` was set meanwhile; stops early
    once the number exceeds `limit`.
    """
    k = T.shape[1] - 3
    pos: Any = np.int64(0)  # not the literal 0, for which numba would compile everything a second time
    d: Any = np.int64(0)
    path[1, 0] = path[0, 0] if base > 0 else hi - 1
    while d >= 0 and pos <= limit:
        if flag[0]:
            return -1
        if k - d == 2:
            top = path[0, d - 1] if d > 0 else n
            groups = _groups(T, d, k, top, real, ints, stats)
            if fill and groups > 0:
                _prepare(T, d, k, n, top, real, words, stats)
                _emit(T, d, k, n, top, groups, out, pos, real, ints, words, stats)
            pos += groups
            d -= 1
            continue
        i = path[1, d]
        least = k - d - 1
        if d < base:
            least = path[0, d]
        elif d == base:
            least = max(least, lo)
        if i < least:
            d -= 1
            continue
        path[1, d] = i - 1
        if T[d, k + 2, i] == 0.0 and _pivot(T, d, i, k, real, stats):
            path[0, d] = i
            d += 1
            path[1, d] = i - 1
            if d < base:
                path[1, d] = path[0, d]
            elif d == base:
                path[1, d] = min(i, hi) - 1
    return int(pos)
