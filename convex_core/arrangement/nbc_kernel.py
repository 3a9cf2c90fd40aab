"""Compiled kernels of the no-broken-circuit enumeration; :mod:`.nbc` says what they compute and why.

A node of the search at depth d is an array ``T[d] (k + 2, width)``: one column per row of the arrangement, then the
objective in column n, then empty columns up to a multiple of 8, so that short loops vectorise with little remainder.

    rows 0 .. q - 1     coordinates modulo the rows chosen so far, q = k - d; exactly 0 for loops, which depend on them
    rows q .. k - 1     coefficients on the rows chosen so far, the latest first
    row  k              bounds on the errors of the coordinates; exactly 0 for loops and empty columns
    row  k + 1          bounds on the errors of the coefficients

Counting needs only the coordinates, and only the columns below the row chosen last, which shortens every loop. Scratch
memory comes from the caller:

    real (3, width)     in a residual plane, per column: angle, bound on its error, determinant with row 0
    ints (2, width)     lines below the row chosen last, in order of their angles; the smallest of each parallel group
    words (2 k - 3, W)  2 t, 2 t + 1: loops made by choice t with a positive coefficient on it, and with another; last
                        the lines turned round when folded to an angle
    path (4, k - 1)     row chosen at each depth, the next to try, the smallest to try, and one more than the largest
    stats (3,)          the largest zero and the smallest nonzero of :class:`.reads.Reads`; a test that cannot change
                        them is not recorded. Last the smallest ratio of the numbers that are nonzero by theory: apart,
                        since below 1 it would hide zeros from the tests that ask first whether they change anything,
                        and counting, which reads fewer numbers, has to find as many patterns as listing

Written for numba's compile time, which grows with the number of expressions and loops: no allocations, no wrappers
around inner functions, arrays of one or two dimensions, and no literal 0 where a loop begins to count, as its type
would change and all types be inferred once more. Written for vector loops: each writes to few rows, none takes a
minimum over floats, which LLVM leaves scalar, and none starts at a signed variable, which might be an index to wrap
around.
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
    "borrowing": True,
}
# part of the compiled and cached outer function, so optimised once and not stored by themselves
_INNER = {**_OUTER, "no_cpython_wrapper": True, "forceinline": True, "cache": False}
_TINY = 1e-290
_ZERO: int = cast(int, np.int64(0))
_NO_BITS, _ONE, _WORD = np.uint64(0), np.uint64(1), np.uint64(64)
#: initial value of stats[1:]: finite, as the kernels are compiled for numbers that are never nan
NOTHING_READ = 1e300
#: angle of a column that is no line: larger than any other
_FAR = 100.0


@njit(**_INNER)
def _read(value: float, bound: float, stats: _Array) -> bool:
    """Record one zero test, unless it changes nothing; True if read as zero, False where the bound is 0."""
    if value >= bound * stats[1]:
        return False
    if value <= bound * stats[0]:
        return True
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
    A: _Array, B: _Array, d: int, i: int, k: int, n: int, stop: int, fill: bool, size: _Array, largest: _Array,
    words: _Array, stats: _Array,
) -> bool:  # fmt: skip
    """Choose row `i` at depth `d`: eliminate it from A = T[d] into B = T[d + 1]. False if a smaller row becomes a loop.

    The last coordinate takes the place of the one that row `i` is eliminated by, the coefficients on row `i` that of
    the last coordinate. `size` and `largest` (width,) are scratch: the largest coordinate and coefficient.
    """
    q = k - d
    p = _ZERO
    for t in range(1, q):
        if abs(A[t, i]) > abs(A[p, i]):
            p = t
    inverse = 1.0 / A[p, i]
    for t in range(q - 1):
        s = q - 1 if t == p else t
        f = A[s, i] * inverse
        keep = 0.0 if t == 0 else 1.0
        for j in range(stop):
            v = A[s, j] - A[p, j] * f
            B[t, j] = v
            old = size[j] * keep
            size[j] = abs(v) if abs(v) > old else old
    unit = abs(A[p, i])
    error = A[k, i]
    limit = stats[1]
    doubtful = _ZERO
    for j in range(stop):
        m = A[p, j] * inverse
        bound = 2.5 * (A[k, j] + abs(m) * error) + 4 * EPS * (size[j] + abs(m) * unit)
        B[k, j] = bound
        B[q - 1, j] = m
        doubtful += size[j] < bound * limit
    if fill:
        most = 0.0
        for t in range(q, k):
            f = A[t, i]
            most = abs(f) if abs(f) > most else most
            keep = 0.0 if t == q else 1.0
            for j in range(stop):
                v = A[t, j] - B[q - 1, j] * f
                B[t, j] = v
                old = largest[j] * keep
                largest[j] = abs(v) if abs(v) > old else old
        keep = 0.0 if q == k else 1.0
        own = A[k + 1, i]
        for j in range(stop):
            m = abs(B[q - 1, j])
            bound = abs(inverse) * (A[k, j] + m * error) + 4 * EPS * m
            old = A[k + 1, j] + m * own + most * bound + 4 * EPS * (largest[j] * keep + m * most)
            B[k + 1, j] = bound if bound > old else old
        for w in range(words.shape[1]):
            words[2 * d, w] = _NO_BITS
            words[2 * d + 1, w] = _NO_BITS
    # besides row i, some test may be a zero or a new extreme: look at each
    last = n if stop > n else stop
    for j in range(0 if doubtful > 1 else i, last if doubtful > 1 else i + 1):
        if j == i or _read(size[j], B[k, j], stats):
            if j < i:
                return False
            B[k, j] = 0.0  # exact zeros stay exact
            for t in range(q - 1):
                B[t, j] = 0.0
            words[2 * d + (B[q - 1, j] <= 0.0), j >> 6] |= _ONE << np.uint64(j & 63)
    return True


@njit(**_INNER)
def _plane(
    A: _Array, d: int, k: int, n: int, top: int, fill: bool, out: _Array, pos: int,
    angles: _Array, errors: _Array, turns: _Array, order: _Array, lines: _Array,
    words: _Array, stats: _Array,
) -> int:  # fmt: skip
    """Count the groups of parallel lines of the residual plane A = T[d] below `top`; if `fill`, write their patterns.

    Angles are pseudo-angles in (0, 2] from row 0; rows parallel to row 0 are in no group. The pattern of a group says
    which lines are at smaller angles, which are passed, row by row a comparison and a bit.

    With c the objective, v_0 row 0 and v_b the line of the group, c = (d1 v_0 + d2 v_b) / d0 in the plane; so the
    coefficients of c on the rows chosen before are A - (d1 B + d2 C) / d0, where A, B, C are those of c, v_0, v_b.
    """
    x0 = A[0, 0]
    y0 = A[1, 0]
    width = A.shape[1] if fill else (top + 7) & -8
    for j in range(width):
        x = A[0, j]
        y = A[1, j]
        h = x0 * x + y0 * y
        g = x0 * y - y0 * x
        u = h / (abs(h) + abs(g) + _TINY)
        turns[j] = g
        angles[j] = (1.0 if A[k, j] > 0.0 else _FAR) + (u if g <= 0.0 else -u)
    for j in range(width):
        errors[j] = 2.0 * A[k, j] / (abs(A[0, j]) + abs(A[1, j]) + _TINY) + 8 * EPS
    angles[0] = 2.0  # whatever its rounding
    # in order, a line has as many before it as have smaller angles; equal ones are side by side
    stop = (top + 7) & -8
    for j in range(stop):
        order[j] = -1
        lines[j] = 0
    for a in range(top):
        angle = angles[a]
        for j in range(stop):
            lines[j] += angle < angles[j]
    m = _ZERO
    for j in range(top):
        if angles[j] < _FAR / 2:
            a = lines[j]
            while order[a] >= 0:
                a += 1
            order[a] = j
            m += 1
    groups = _ZERO
    angle = 0.0
    own = errors[0]
    for a in range(m):
        j = order[a]
        same = _read(angles[j] - angle, errors[j] + own, stats)
        if j == 0:  # the last group is parallel to row 0, as are the lines before the first
            groups -= same and groups > 0
            break
        angle = angles[j]
        own = errors[j]
        if not same:
            lines[groups] = j
            groups += 1
        elif groups > 0 and j < lines[groups - 1]:
            lines[groups - 1] = j
    if not fill:
        return groups
    # a list is never longer than the count that sized it, whatever a doubtful number is read as
    if groups > out.shape[0] - pos:
        groups = out.shape[0] - pos
    xn = A[0, n]
    yn = A[1, n]
    size0 = abs(x0) + abs(y0)
    size = abs(xn) + abs(yn)
    d2 = turns[n]
    e2 = A[k, 0] * size + A[k, n] * size0 + 12 * EPS * size0 * size
    # the objective is generic: parallel to no line, dependent on no chosen rows
    if abs(d2) < e2 * stats[2]:
        stats[2] = abs(d2) / e2
    objective = angles[n]
    angles[n] = _FAR
    for w in range(np.uint64(out.shape[1])):
        first = w * _WORD
        left = np.uint64(width) - first
        bits = _NO_BITS
        for j in range(left if left < _WORD else _WORD):
            bits |= np.uint64((turns[first + j] <= 0.0) & (angles[first + j] < _FAR / 2)) << j
        words[2 * d, w] = bits
    for g in range(groups):
        b = lines[g]
        angle = angles[b]
        own = errors[b]
        zero = stats[0]
        nonzero = stats[1]
        # in general position the lines below top differ from each other as neighbours do, which was tested
        doubtful = _ZERO
        for j in range(np.uint64(top & -8 if groups == top - 1 else 0), np.uint64(width)):
            value = abs(angles[j] - angle)
            bound = errors[j] + own
            doubtful += (value <= bound * nonzero) & (value > bound * zero)
        if doubtful > 0:
            for j in range(top, n):
                _read(abs(angles[j] - angle), errors[j] + own, stats)
        # lines parallel to the group are passed if the objective is, whatever their rounding
        tilt = -2.0 if objective < angle else 2.0
        border = angle - tilt * own
        for w in range(np.uint64(out.shape[1])):
            first = w * _WORD
            left = np.uint64(width) - first
            bits = _NO_BITS
            for j in range(left if left < _WORD else _WORD):
                bits |= np.uint64(angles[first + j] + tilt * errors[first + j] < border) << j
            out[pos, w] = bits ^ words[2 * d, w]
        d0 = turns[b]
        xb = A[0, b]
        yb = A[1, b]
        sizeb = abs(xb) + abs(yb)
        d1 = xn * yb - yn * xb
        # errors of the determinants
        e0 = A[k, 0] * sizeb + A[k, b] * size0 + 12 * EPS * size0 * sizeb
        e1 = A[k, n] * sizeb + A[k, b] * size + 12 * EPS * size * sizeb
        if abs(d1) < e1 * stats[2]:
            stats[2] = abs(d1) / e1
        for t in range(d):
            r = k - 1 - t
            value = A[r, n] * d0 - A[r, 0] * d1 - A[r, b] * d2
            bound = abs(A[r, n]) * e0 + abs(A[r, 0]) * e1 + abs(A[r, b]) * e2
            bound += abs(d0) * A[k + 1, n] + abs(d1) * A[k + 1, 0] + abs(d2) * A[k + 1, b]
            if abs(value) < bound * stats[2]:
                stats[2] = abs(value) / bound
            r = 2 * t + ((value > 0.0) != (d1 > 0.0))
            for w in range(out.shape[1]):
                out[pos, w] |= words[r, w]
        out[pos, 0] |= _ONE  # row 0 is positive even where the bounds are too wide to tell
        pos += 1
    return groups


@njit(**_OUTER)
def subtree(
    T: _Array, n: int, path: _Array, fill: bool, limit: int, out: _Array,
    real: _Array, ints: _Array, words: _Array, stats: _Array, flag: _Array,
) -> int:  # fmt: skip
    """Find the no-broken-circuit bases {0 < ... < i_1 < i_0} with path[2, d] <= i_d < path[3, d].

    T[0] holds a truncation to rank k >= 2. Writes the patterns to `out` when `fill`, else only counts them. Returns
    their number, or -1 when ``flag[0]`` was set meanwhile; stops early once the number exceeds `limit`.
    """
    k = T.shape[1] - 2
    pos = _ZERO
    d = _ZERO
    path[1, 0] = path[3, 0] - 1
    while d >= 0 and pos <= limit:
        if flag[0]:
            return -1
        if k - d == 2:
            pos += _plane(
                T[d], d, k, n, path[0, d - 1] if d > 0 else n, fill, out, pos,
                real[0], real[1], real[2], ints[0], ints[1], words, stats,
            )  # fmt: skip
            d -= 1
            continue
        i = path[1, d]
        if i < path[2, d]:
            d -= 1
            continue
        path[1, d] = i - 1
        stop = T.shape[2] if fill else (i + 8) & -8
        if T[d, k, i] > 0.0 and _pivot(T[d], T[d + 1], d, i, k, n, stop, fill, real[0], real[1], words, stats):
            path[0, d] = i
            d += 1
            path[1, d] = (i if i < path[3, d] else path[3, d]) - 1
    return pos
