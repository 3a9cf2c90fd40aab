"""Compiled kernels of the no-broken-circuit enumeration; :mod:`.nbc` says what they compute and why.

A node of the search at depth d is an array ``T[d] (k + 2, width)``: one column per row of the arrangement, then the
objective in column n, then empty columns up to a multiple of 8, so that short loops vectorise with little remainder.

    rows 0 .. q - 1     coordinates modulo the rows chosen so far, q = k - d; exactly 0 for loops, which depend on them
    row  k              bounds on their errors; exactly 0 for loops and empty columns
    row  k + 1          coefficients on the row chosen at this depth

Counting needs only the columns below the row chosen last, which shortens every loop. Scratch memory comes from the
caller:

    real (3, width)     per column of a residual plane: angle, bound on its error, determinant with row 0
    ints (3, width)     columns in order of their angles; the smallest row of every group of parallel lines; whether a
                        column is a line below the row chosen last
    words (2 k + 1, W)  2 t, 2 t + 1: the loops made by choice t, and those with a positive coefficient on it;
                        2 k - 2: lines turned round when folded to an angle; 2 k - 1: all rows; 2 k: rows at smaller
                        angles than the present group
    small (7, k)        coordinates on the chosen rows and their error bounds, of the objective, of row 0 and of a
                        line; then the inverses of the pivots
    path (2, depths)    row chosen at each depth, and the next to try
    stats (3,)          the largest zero and the smallest nonzero of :class:`.reads.Reads`; a test that cannot change
                        them is not recorded. Last the smallest ratio of the numbers that are nonzero by theory: apart,
                        since below 1 it would hide zeros from the tests that ask first whether they change anything,
                        and counting, which reads fewer numbers, has to find as many patterns as listing

Written for numba's compile time, which grows with the number of expressions and loops: no slices, no allocations, no
wrappers around inner functions. Written for vector loops: each writes to one or two rows, none takes a minimum over
floats, which LLVM leaves scalar, and none starts at a signed variable, which might be an index to wrap around.
"""

from __future__ import annotations

from typing import Any, cast

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
    "no_rewrites": True,
}
# part of the compiled and cached outer function, so optimised once and not stored by themselves
_INNER = {**_OUTER, "no_cpython_wrapper": True, "forceinline": True, "cache": False}
_TINY = 1e-290
# not the literal 0, for which numba would compile everything a second time
_ZERO: int = cast(int, np.int64(0))
#: initial value of stats[1:]: finite, as the kernels are compiled for numbers that are never nan
NOTHING_READ = 1e300
#: angle of a column that is no line: larger than any other
_FAR = 100.0
#: from this many lines below the row chosen last on, all columns are sorted before patterns are written: comparing
#: each column with each group costs about a nanosecond a bit, sorting them about 50 for each column
_WIDE = 64


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
def _pivot(
    T: _Array, d: int, i: int, k: int, n: int, stop: int, real: _Array, words: _Array, small: _Array, stats: _Array
) -> bool:
    """Choose row `i` at depth `d`: eliminate it into depth d + 1. False if a smaller row becomes a loop."""
    q = k - d
    o = d + 1
    p = 0
    for t in range(1, q):
        if abs(T[d, t, i]) > abs(T[d, p, i]):
            p = t
    size = abs(T[d, p, i])
    inverse = 1.0 / T[d, p, i]
    row = 0
    keep = 0.0
    for t in range(q):
        if t != p:
            f = T[d, t, i] * inverse
            for j in range(stop):
                v = T[d, t, j] - T[d, p, j] * f
                T[o, row, j] = v
                largest = real[0, j] * keep
                real[0, j] = abs(v) if abs(v) > largest else largest
            row += 1
            keep = 1.0
    ei = T[d, k, i]
    small[6, d] = abs(inverse)
    limit = stats[1]
    doubtful = 0
    for j in range(stop):
        m = T[d, p, j] * inverse
        bound = 2.5 * (T[d, k, j] + abs(m) * ei) + 4 * EPS * (real[0, j] + abs(m) * size)
        T[o, k, j] = bound
        T[d, k + 1, j] = m
        doubtful += real[0, j] < bound * limit
    for w in range(words.shape[1]):
        words[2 * d, w] = 0
        words[2 * d + 1, w] = 0
    # besides row i, some test may be a zero or a new extreme: look at each
    last = n if stop > n else stop
    for j in range(0 if doubtful > 1 else i, last if doubtful > 1 else i + 1):
        if j == i or (real[0, j] < T[o, k, j] * stats[1] and _read(real[0, j], T[o, k, j], stats)):
            if j < i:
                return False
            T[o, k, j] = 0.0  # exact zeros stay exact
            for t in range(q - 1):
                T[o, t, j] = 0.0
            bit = 1 << (j & 63)
            words[2 * d, j >> 6] |= bit
            if T[d, k + 1, j] > 0.0:
                words[2 * d + 1, j >> 6] |= bit
    return True


@njit(**_INNER)
def _groups(
    T: _Array, d: int, k: int, top: int, stop: int, wide: bool, real: _Array, ints: _Array, stats: _Array
) -> int:
    """Sort the lines of the residual plane below `top` by angle and group the parallel ones; count the groups.

    Angles are pseudo-angles in (0, 2] from row 0; rows parallel to row 0 are in no group. If `wide`, all columns are
    sorted.
    """
    x0 = T[d, 0, 0]
    y0 = T[d, 1, 0]
    for j in range(stop):
        g = x0 * T[d, 1, j] - y0 * T[d, 0, j]
        h = x0 * T[d, 0, j] + y0 * T[d, 1, j]
        u = h / (abs(h) + abs(g) + _TINY)
        real[2, j] = g
        real[0, j] = (1.0 if T[d, k, j] > 0.0 else _FAR) + (u if g <= 0.0 else -u)
    for j in range(stop):
        real[1, j] = 2.0 * T[d, k, j] / (abs(T[d, 0, j]) + abs(T[d, 1, j]) + _TINY) + 8 * EPS
    m = 0
    for j in range(stop if wide else top):
        angle = real[0, j] if real[0, j] < 1.0 else 2.0 - real[0, j]
        bound = real[1, j] + real[1, 0]
        line = 0 < j < top and (angle > bound * stats[1] or not _read(angle, bound, stats))
        ints[2, j] = line
        if line or wide:
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
    b = -1
    for a in range(m):
        j = ints[0, a]
        if not ints[2, j]:
            continue
        if b >= 0:
            angle = real[0, j] - real[0, b]
            bound = real[1, j] + real[1, b]
            b = j
            if angle <= bound * stats[1] and _read(angle, bound, stats):
                if j < ints[1, groups - 1]:
                    ints[1, groups - 1] = j
                continue
        b = j
        ints[1, groups] = j
        groups += 1
    return groups


@njit(**_INNER)
def _emit(
    T: _Array, d: int, k: int, n: int, top: int, groups: int, wide: bool, out: _Array, pos: int, path: _Array,
    real: _Array, ints: _Array, words: _Array, small: _Array, stats: _Array,
) -> None:  # fmt: skip
    """Write one pattern per group g: the lines at smaller angles are passed, row by row a comparison and a bit.

    If `wide`, the columns are in order of their angles, and from group to group those in between become passed; a
    group with other columns so near that a test may be a zero or a new extreme is compared with each.

    With c the objective, v_0 row 0 and v_b the line of the group, c = (d1 v_0 + d2 v_b) / d0 in the plane; so the
    coefficients of c on the rows chosen before are A - (d1 B + d2 C) / d0, where A, B, C are those of c, v_0, v_b.
    """
    x0 = T[d, 0, 0]
    y0 = T[d, 1, 0]
    xn = T[d, 0, n]
    yn = T[d, 1, n]
    for w in range(words.shape[1]):
        bits = 0
        for j in range(w << 6, min((w << 6) + 64, T.shape[2])):
            bits |= ((real[2, j] <= 0.0) & (T[d, k, j] > 0.0)) << (j & 63)
        words[2 * k - 2, w] = bits
        words[2 * k - 1, w] = -1
        words[2 * k, w] = 0
    if n & 63:
        words[2 * k - 1, n >> 6] = (1 << (n & 63)) - 1
    p = 0  # columns passed so far, if wide
    error = 0.0
    for j in range(T.shape[2] if wide else 0):
        if real[0, j] < _FAR / 2:
            error = real[1, j] if real[1, j] > error else error
    size0 = abs(x0) + abs(y0)
    size = abs(xn) + abs(yn)
    d2 = real[2, n]
    e2 = T[d, k, 0] * size + T[d, k, n] * size0 + 12 * EPS * size0 * size
    for g in range(-2, groups):
        # first the objective and row 0, to which angle 0 and angle 2 belong
        b = n if g == -2 else (0 if g == -1 else ints[1, g])
        slot = 4 if g >= 0 else (0 if g == -2 else 2)
        for t in range(d - 1, -1, -1):  # coordinates on the chosen rows by back substitution
            value = T[t, k + 1, b]
            bound = T[t + 1, k, b] * small[6, t]
            for s in range(t + 1, d):
                f = T[t, k + 1, path[0, s]]
                c = small[slot, s]
                e = small[slot + 1, s]
                value -= c * f
                bound += e * abs(f) + abs(c) * (T[t + 1, k, path[0, s]] * small[6, t] + 8 * EPS * abs(f))
            small[slot, t] = value
            small[slot + 1, t] = bound
        angle = real[0, b]
        own = real[1, b]
        if g == -2:
            angle = 0.0
            own = real[1, 0]
        zero = stats[0]
        nonzero = stats[1]
        # in general position the lines below top differ from each other as neighbours do, which was tested
        start = np.uint64(top & -8 if g < 0 or groups == top - 1 else 0)
        doubtful = 0
        alone = False
        if wide and g >= 0:
            while ints[0, p] != b:
                j = ints[0, p]
                words[2 * k, j >> 6] |= 1 << (j & 63)
                p += 1
            near = error * (2.0 * nonzero if nonzero > 2.0 else 4.0)
            alone = real[0, ints[0, p + 1]] - angle > near and (p == 0 or angle - real[0, ints[0, p - 1]] > near)
        for j in range(np.uint64(T.shape[2]) if alone else start, np.uint64(T.shape[2])):
            value = abs(real[0, j] - angle)
            bound = real[1, j] + own
            doubtful += (value <= bound * nonzero) & (value > bound * zero)
        if doubtful > 0:
            for j in range(top, n):
                _read(abs(real[0, j] - angle), real[1, j] + own, stats)
            # the objective is generic: parallel to no row
            value = abs(real[0, n] - angle)
            bound = real[1, n] + own
            if value < bound * stats[2]:
                stats[2] = value / bound
        if g < 0:
            continue
        d0 = real[2, b]
        xb = T[d, 0, b]
        yb = T[d, 1, b]
        sizeb = abs(xb) + abs(yb)
        d1 = xn * yb - yn * xb
        # errors of the determinants
        e0 = T[d, k, 0] * sizeb + T[d, k, b] * size0 + 12 * EPS * size0 * sizeb
        e1 = T[d, k, n] * sizeb + T[d, k, b] * size + 12 * EPS * size * sizeb
        turned = 0  # one bit per t: rank 64 would mean more than 2^64 patterns
        for t in range(d):
            value = small[0, t] * d0 - small[2, t] * d1 - small[4, t] * d2
            bound = abs(small[0, t]) * e0 + abs(small[2, t]) * e1 + abs(small[4, t]) * e2
            bound += abs(d0) * small[1, t] + abs(d1) * small[3, t] + abs(d2) * small[5, t]
            if abs(value) < bound * stats[2]:
                stats[2] = abs(value) / bound
            turned |= ((value > 0.0) != (d1 > 0.0)) << t
        # a row parallel to the group is passed if the objective is, whatever its rounding
        passed = real[0, n] < angle
        tilt = -2.0 if passed else 2.0
        border = angle - tilt * own
        if alone and passed:
            words[2 * k, b >> 6] |= 1 << (b & 63)
        for w in range(out.shape[1]):
            bits = words[2 * k, w] if alone else 0
            for j in range(w << 6, w << 6 if alone else min((w << 6) + 64, T.shape[2])):
                bits |= (real[0, j] + tilt * real[1, j] < border) << (j & 63)
            bits = (bits ^ words[2 * k - 2, w]) & words[2 * k - 1, w]
            for t in range(d):
                flip = -((turned >> t) & 1)
                bits |= words[2 * t + 1, w] ^ (words[2 * t, w] & flip)
            out[pos, w] = bits
        out[pos, 0] |= 1  # row 0 is positive even where the bounds are too wide to tell
        pos += 1


@njit(**_OUTER)
def subtree(
    T: _Array, n: int, path: _Array, base: int, lo: int, hi: int, fill: bool, limit: int, out: _Array,
    real: _Array, ints: _Array, words: _Array, small: _Array, stats: _Array, flag: _Array,
) -> int:  # fmt: skip
    """Find the no-broken-circuit bases {0 < ... < i < path[0, base-1] < ... < path[0, 0]}, lo <= i < hi.

    T[0] holds a truncation to rank k >= 2, path[0, :base] the rows chosen beforehand. Writes the patterns to `out`
    when `fill`, else only counts them. Returns their number, or -1 when ``flag[0]`` was set meanwhile; stops early
    once the number exceeds `limit`.
    """
    k = T.shape[1] - 2
    pos = _ZERO
    d = _ZERO
    path[1, 0] = path[0, 0] if base > 0 else hi - 1
    while d >= 0 and pos <= limit:
        if flag[0]:
            return -1
        if k - d == 2:
            top = path[0, d - 1] if d > 0 else n
            wide = fill and top >= _WIDE
            groups = _groups(T, d, k, top, T.shape[2] if fill else (top + 7) & -8, wide, real, ints, stats)
            if fill:  # a list is never longer than the count that sized it, whatever a doubtful number is read as
                groups = groups if groups < out.shape[0] - pos else out.shape[0] - pos
            if fill and groups > 0:
                _emit(T, d, k, n, top, groups, wide, out, pos, path, real, ints, words, small, stats)
            pos += groups
            d -= 1
            continue
        i = path[1, d]
        least = k - d - 1
        if d < base:
            least = path[0, d]
        elif d == base and lo > least:
            least = lo
        if i < least:
            d -= 1
            continue
        path[1, d] = i - 1
        if T[d, k, i] > 0.0 and _pivot(T, d, i, k, n, T.shape[2] if fill else (i + 8) & -8, real, words, small, stats):
            path[0, d] = i
            d += 1
            path[1, d] = i - 1
            if d < base:
                path[1, d] = path[0, d]
            elif d == base:
                path[1, d] = (i if i < hi else hi) - 1
    return pos
