"""Compiled kernels of the no-broken-circuit enumeration; :mod:`.tasks` says what they compute and why.

A node of the search at depth d is an array ``T[d] (k + 2, width)``: one column per row of the arrangement, then the
objective in column n, then empty columns up to a multiple of 8, so that short loops vectorise without remainder.

    rows 0 .. q - 1     coordinates modulo the rows chosen so far, q = k - d; exactly 0 for loops, which depend on them
    rows q .. k - 1     coefficients on the rows chosen so far, the latest first
    row  k              bounds on the errors of the coordinates; exactly 0 for loops and empty columns
    row  k + 1          bounds on the errors of the coefficients

Counting needs only the coordinates, and only the columns below the row chosen last, which shortens every loop. Scratch
memory comes from the caller:

    real (3, width)     in a residual plane, per column: angle, bound on its error, determinant with row 0;
                        in an elimination: the largest coordinate and the largest coefficient
    ints (2, width)     lines below the row chosen last, in order of their angles; the smallest of each parallel group
    words (2 k - 3, W)  2 t, 2 t + 1: loops made by choice t with a positive coefficient on it, and with another; last
                        the lines turned round when folded to an angle
    path (4, k - 1)     row chosen at each depth, the next to try, the smallest to try, and one more than the largest
    stats (3,)          the largest zero and the smallest nonzero of :class:`.zero_tests.ZeroTests`; a test that cannot
                        change them is not recorded. Last the smallest ratio of the numbers that are nonzero by theory:
                        apart, since below 1 it would hide zeros from the tests that ask first whether they change
                        anything, and counting, which reads fewer numbers, has to find as many patterns as listing

Written for numba's compile time, which grows with the number of expressions, branches and loops:

- one function, as numba optimises and assembles an inner one by itself and then once more inside the outer one;
- no allocations, and arrays of one or two dimensions;
- a name is used for one thing, as numba renames the others in a pass over the whole function per name;
- no literal 0 where a loop begins to count: its type would change and all types be inferred once more.

Written for vector loops: each writes to few rows, has a length that is seen to be a multiple of 8, takes no minimum
over floats, which LLVM leaves scalar, and starts at no signed variable, which might be an index to wrap around.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...numerics.jit import ZERO, njit
from ..zero_tests import EPS

__all__ = ["NOTHING_READ", "subtree"]

# numba types the arguments when it compiles; array types would only repeat what is said above
_Array = Any
_OUTER: dict[str, Any] = {"fastmath": {"nnan", "nsz", "contract"}, "borrowing": True}
# part of the compiled and cached outer function, so not stored by itself
_INNER = {**_OUTER, "inner": True, "forceinline": True, "cache": False}
_TINY = 1e-290
_EPS4, _EPS8, _EPS12 = 4 * EPS, 8 * EPS, 12 * EPS
_NO_BITS, _ONE, _WORD = np.uint64(0), np.uint64(1), np.uint64(64)
#: initial value of stats[1:]: finite, as the kernels are compiled for numbers that are never nan
NOTHING_READ = 1e300
#: angles of columns that are no lines are at least this, all others at most 2
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


@njit(**_OUTER)
def subtree(
    T: _Array, n: int, path: _Array, fill: bool, limit: int, out: _Array,
    real: _Array, ints: _Array, words: _Array, stats: _Array, flag: _Array,
) -> int:  # fmt: skip
    """Find the no-broken-circuit bases {0 < ... < i_1 < i_0} with path[2, d] <= i_d < path[3, d].

    T[0] holds a truncation to rank k >= 2. Writes the patterns to `out` when `fill`, else only counts them. Returns
    their number, or -1 when ``flag[0]`` was set meanwhile; stops early once the number exceeds `limit`.

    *Residual plane*, A = T[k - 2]: each group of parallel lines below the row chosen last is one pattern. Angles are
    pseudo-angles in (0, 2] from row 0; rows parallel to row 0 are in no group. The pattern of a group says which lines
    are at smaller angles, which are passed, row by row a comparison and a bit. With c the objective, v_0 row 0 and v_b
    the line of the group, c = (d1 v_0 + d2 v_b) / d0 in the plane; so the coefficients of c on the rows chosen before
    are C - (d1 V + d2 L) / d0, where C, V, L are those of c, v_0, v_b.

    *Choice of row i* at depth d < k - 2: it is eliminated from A = T[d] into B = T[d + 1] by its largest coordinate p,
    in whose place the later ones move up; the coefficients on row i take the place of the last. A choice that makes a
    loop of a smaller row holds no basis.
    """
    k = T.shape[1] - 2
    last = k + 1
    angles = real[0]
    errors = real[1]
    turns = real[2]
    order = ints[0]
    lines = ints[1]
    turned = words.shape[0] - 1
    pos = ZERO
    d = ZERO
    path[1, 0] = path[3, 0] - 1
    while d >= 0 and pos <= limit:
        if flag[0]:
            return -1
        A = T[d]
        q = k - d
        if q == 2:  # the plane
            d -= 1
            top = path[0, d] if d >= 0 else n
            x0 = A[0, 0]
            y0 = A[1, 0]
            below = (top + 7) & -8
            width = (A.shape[1] if fill else top + 7) & -8
            for j in range(width):
                x = A[0, j]
                y = A[1, j]
                h = x0 * x + y0 * y
                g = x0 * y - y0 * x
                u = h / (abs(h) + abs(g) + _TINY)
                turns[j] = g
                angles[j] = 1.0 - u + (g <= 0.0) * (2.0 * u) + (A[k, j] == 0.0) * _FAR
            for j in range(width):
                errors[j] = 2.0 * A[k, j] / (abs(A[0, j]) + abs(A[1, j]) + _TINY) + _EPS8
                order[j] = -1
                lines[j] = 0
            angles[0] = 2.0  # whatever its rounding
            # in order, a line has as many before it as have smaller angles; equal ones are side by side
            for a in range(top):
                mine = angles[a]
                for j in range(below):
                    lines[j] += mine < angles[j]
            count = ZERO
            for j in range(top):
                if angles[j] < _FAR:
                    place = lines[j]
                    while order[place] >= 0:
                        place += 1
                    order[place] = j
                    count += 1
            groups = ZERO
            before = 0.0
            doubt = errors[0]
            for a in range(count):
                j = order[a]
                same = _read(angles[j] - before, errors[j] + doubt, stats)
                if j == 0:  # the last group is parallel to row 0, as are the lines before the first
                    groups -= same & (groups > 0)
                    break
                before = angles[j]
                doubt = errors[j]
                if not same:
                    lines[groups] = j
                    groups += 1
                elif groups > 0 and j < lines[groups - 1]:
                    lines[groups - 1] = j
            if not fill:
                pos += groups
                continue
            # a list is never longer than the count that sized it, whatever a doubtful number is read as
            if groups > out.shape[0] - pos:
                groups = out.shape[0] - pos
            xn = A[0, n]
            yn = A[1, n]
            size0 = abs(x0) + abs(y0)
            sizen = abs(xn) + abs(yn)
            d2 = turns[n]
            e2 = A[k, 0] * sizen + A[k, n] * size0 + _EPS12 * size0 * sizen
            # the objective is generic: parallel to no line, dependent on no chosen rows
            if abs(d2) < e2 * stats[2]:
                stats[2] = abs(d2) / e2
            objective = angles[n]
            angles[n] = _FAR
            for w in range(np.uint64(out.shape[1])):
                begin = w * _WORD
                room = np.uint64(width) - begin
                bits = _NO_BITS
                for j in range(room if room < _WORD else _WORD):
                    bits |= np.uint64((turns[begin + j] <= 0.0) & (angles[begin + j] < _FAR)) << j
                words[turned, w] = bits
            for a in range(groups):
                b = lines[a]
                angle = angles[b]
                own = errors[b]
                zero = stats[0]
                nonzero = stats[1]
                # in general position the lines below top differ from each other as neighbours do, which was tested
                doubtful = ZERO
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
                    out[pos, w] = bits ^ words[turned, w]
                d0 = turns[b]
                xb = A[0, b]
                yb = A[1, b]
                sizeb = abs(xb) + abs(yb)
                d1 = xn * yb - yn * xb
                # errors of the determinants
                e0 = A[k, 0] * sizeb + A[k, b] * size0 + _EPS12 * size0 * sizeb
                e1 = A[k, n] * sizeb + A[k, b] * sizen + _EPS12 * sizen * sizeb
                if abs(d1) < e1 * stats[2]:
                    stats[2] = abs(d1) / e1
                for t in range(d + 1):
                    r = k - 1 - t
                    coefficient = A[r, n] * d0 - A[r, 0] * d1 - A[r, b] * d2
                    slack = abs(A[r, n]) * e0 + abs(A[r, 0]) * e1 + abs(A[r, b]) * e2
                    slack += abs(d0) * A[last, n] + abs(d1) * A[last, 0] + abs(d2) * A[last, b]
                    if abs(coefficient) < slack * stats[2]:
                        stats[2] = abs(coefficient) / slack
                    loops = 2 * t + ((coefficient > 0.0) != (d1 > 0.0))
                    for w in range(out.shape[1]):
                        out[pos, w] |= words[loops, w]
                out[pos, 0] |= _ONE  # row 0 is positive even where the bounds are too wide to tell
                pos += 1
            continue
        i = path[1, d]
        if i < path[2, d]:
            d -= 1
            continue
        path[1, d] = i - 1
        if A[k, i] == 0.0:
            continue
        # the choice of row i
        B = T[d + 1]
        z = q - 1
        stop = (A.shape[1] if fill else i + 8) & -8
        p = ZERO
        for t in range(1, q):
            if abs(A[t, i]) > abs(A[p, i]):
                p = t
        inverse = 1.0 / A[p, i]
        keep = 0.0
        for t in range(z):
            s = t + (t >= p)
            factor = A[s, i] * inverse
            for j in range(stop):
                coordinate = A[s, j] - A[p, j] * factor
                B[t, j] = coordinate
                old = angles[j] * keep
                angles[j] = abs(coordinate) if abs(coordinate) > old else old
            keep = 1.0
        unit = abs(A[p, i])
        error = A[k, i]
        least = stats[1]
        doubtful = ZERO
        for j in range(stop):
            multiple = A[p, j] * inverse
            error_j = 2.5 * (A[k, j] + abs(multiple) * error) + _EPS4 * (angles[j] + abs(multiple) * unit)
            B[k, j] = error_j
            B[z, j] = multiple
            doubtful += angles[j] < error_j * least
        if fill:
            most = 0.0
            keep = 0.0
            for t in range(q, k):
                c = A[t, i]
                most = abs(c) if abs(c) > most else most
                for j in range(stop):
                    rest = A[t, j] - B[z, j] * c
                    B[t, j] = rest
                    large = errors[j] * keep
                    errors[j] = abs(rest) if abs(rest) > large else large
                keep = 1.0
            error_c = A[last, i]
            for j in range(stop):
                new = abs(B[z, j])
                error_new = abs(inverse) * (A[k, j] + new * error) + _EPS4 * new
                error_old = A[last, j] + new * error_c + most * error_new + _EPS4 * (errors[j] * keep + new * most)
                B[last, j] = error_new if error_new > error_old else error_old
            for w in range(words.shape[1]):
                words[2 * d, w] = _NO_BITS
                words[2 * d + 1, w] = _NO_BITS
        # besides row i, some test may be a zero or a new extreme: look at each
        end = n if stop > n else stop
        for j in range(0 if doubtful > 1 else i, end if doubtful > 1 else i + 1):
            if j == i or _read(angles[j], B[k, j], stats):
                if j < i:
                    break
                B[k, j] = 0.0  # exact zeros stay exact
                for t in range(z):
                    B[t, j] = 0.0
                words[2 * d + (B[z, j] <= 0.0), j >> 6] |= _ONE << np.uint64(j & 63)
        else:
            path[0, d] = i
            d += 1
            path[1, d] = (i if i < path[3, d] else path[3, d]) - 1
    return pos
