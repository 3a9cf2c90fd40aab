r"""Kernels: the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, by branch and bound.

A simplicial cone is cut into such cones; on one with unit vertices :math:`q_1 \dots q_h`,

* a row whose sign is the same at all vertices is linear (or zero);
* an undecided row with :math:`a_j > 0` is convex and homogeneous, so it lies below its interpolation at the vertices;
* an undecided row with :math:`a_j < 0` is concave, so it lies below :math:`\theta a_j r_j^T u` for any
  :math:`\theta \in [0, 1]`.

That leaves a linear function, whose maximum over the cone and the ball is the length of its projection on the cone;
:math:`\theta`, which begins from what counted for the bound of the cone before, and the multipliers of the cone are
improved by coordinate descent, and every iterate is a sound bound.
Without undecided convex rows the bound converges to the maximum itself, so only those are branched on: the cone is cut
where the row with the largest interpolation error changes sign, or, while many rows are undecided, at the middle of
the edge along which they bend most: on halves of the longest edge the bound gains less, twice the cones are needed.

Rows have lists, convex ones first, and columns: their products with a vertex. A cut makes one vertex, which both halves
share, and so one column; all else that is known at the vertices or along the edges that are left is handed down. Rows
that are decided are linear there too, so the bound is none the worse for them; every few cuts they are sorted out, and
kept as their sum at the vertices.
All vertices of a cone make angles of at most 90 degrees, so a point :math:`u = \sum_p x_p q_p` of the unit ball has
:math:`\|x\| \le 1`, and a rounding error e of the linear function at the vertices adds at most :math:`\|e\|` to the
bound, however thin the cone.

Bounds contain their rounding errors. Let vertices be defined exactly by the computed weights, :math:`q = w_0 q_0 +
w_1 q_1`; then cones and their children cover the same points. Let :math:`\sigma(q)` be the sum of the coordinates of q
in the vertices of the root, so that :math:`1 \le \sigma(q) = w_0 \sigma(q_0) + w_1 \sigma(q_1) \le \sqrt h`. A product
with a row, computed from those of the two old vertices, takes over :math:`w_0 e_0 + w_1 e_1` and adds at most
:math:`2 u (w_0 + w_1)`, u the unit roundoff: by induction :math:`e \le (2 L + h) u \, \sigma(q)` after L cuts, for the
coordinates of q likewise, and at :math:`u = \sum_p x_p q_p` together at most :math:`(2 L + h) u \sqrt h`. A sum of n
terms adds n u times the sum of their sizes (Higham 2002, section 4.2); those of rows that are decided are added in
blocks. So with :math:`A = \sum_j |a_j| + \|b\|` and m rows on the lists a bound is off by at most
:math:`(m + 64 + M / 64 + 4 \sqrt h (L + h + 2) + 24 h + 16) \, u A`, where the last terms are the norm of the
majorant, and the root cones, which cover half of the sphere to rounding.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import NONE, ZERO, njit
from ...numerics.vectors import dot
from .majorant_kernel import least_majorant

__all__ = ["LINEAR", "OFFSETS", "cones_kernel", "fields"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

# a row is decided on a cone when its products with the vertices change sign by no more than this
_DECIDED = 1e-11
# a bound above this multiple of what would close the cone is not improved, nor is the value looked at where it is
# attained: the cone is cut at once
_FAR = 1.1
# sweeps end when one takes less than this share of what is left: from there a cut is quicker
_LITTLE = 0.05
# theta begins from weights of the vertices: shares of the multipliers in the bound before, and this in equal parts
_EVEN = 1.5
# rows that are added up before the sums are added
_BLOCK = 64
# sweeps at most
_THETA_SWEEPS = 60
# rows that are decided are sorted out after so many cuts, and at every cone with few rows
_CUTS, _FEW_ROWS = 4, 64
#: where the linear function begins in the real part of the record of a cone, and the columns in the whole part
LINEAR = 3
OFFSETS = 8
_FAST = {"reassoc", "contract"}


def fields(h: int) -> tuple[int, int]:
    """How long the two parts of the record of a cone are, for rows of length `h`."""
    return LINEAR + 3 * h + h * h, OFFSETS + h


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _sums(products: _Array, offset: _Index, plus: _Array, minus: _Array) -> None:
    """For each row of the columns the sums over all vertices, by their sign."""
    count = len(plus)
    for s in range(count):
        plus[s] = 0.0
        minus[s] = 0.0
    for p in range(len(offset)):
        column = products[offset[p] : offset[p] + count]
        for s in range(count):
            d = column[s]
            plus[s] += d if d > 0.0 else 0.0
            minus[s] -= d if d < 0.0 else 0.0


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _decided(c: _Array, plus: _Array, minus: _Array, linear: _Array) -> None:
    """Write the coefficients of the rows that are decided, and not 0, into `linear`, 0 for the others."""
    for s in range(len(c)):
        linear[s] = c[s] if (plus[s] > _DECIDED) & (minus[s] <= _DECIDED) else 0.0


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _hidden(c: _Array, plus: _Array, minus: _Array) -> float:
    """What convex rows that are decided to within _DECIDED may hide."""
    total = 0.0
    for s in range(len(c)):
        zero = plus[s] if plus[s] <= _DECIDED else 0.0
        linear = minus[s] if (plus[s] > _DECIDED) & (minus[s] <= _DECIDED) else 0.0
        total += c[s] * (zero + linear)
    return total


@njit(borrowing=True, inner=True)
def _undecided(plus: _Array, minus: _Array, start: int, stop: int, keep: _Index, kept: int) -> int:
    """Write which rows from `start` to `stop` are undecided into `keep`, behind `kept` others; how many are there."""
    for s in range(start, stop):
        keep[kept] = s
        kept += (plus[s] > _DECIDED) & (minus[s] > _DECIDED)
    return kept


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _shares(products: _Array, offset: _Index, weight: _Array, start: int, size: _Array, theta: _Array) -> None:
    """Where theta begins, for the rows from `start`: the positive part of a row's weighted `size`, exact if decided."""
    count = len(theta)
    for s in range(count):
        size[s] = 1e-300
        theta[s] = 0.0
    for p in range(len(offset)):
        column = products[offset[p] + start : offset[p] + start + count]
        w = weight[p]
        for s in range(count):
            d = w * column[s]
            size[s] += abs(d)
            theta[s] += d if d > 0.0 else 0.0
    for s in range(count):
        share = theta[s] / size[s]
        theta[s] = share if share < 1.0 else 1.0


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _inverses(c: _Array, inverse: _Array) -> None:
    """One over each of the coefficients, which are less than 0."""
    for s in range(len(c)):
        inverse[s] = 1.0 / (c[s] if c[s] < -1e-300 else -1e-300)


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _between(w0: float, d0: _Array, w1: float, d1: _Array, d: _Array) -> None:
    """Products with a vertex that is ``w0`` of one and ``w1`` of another."""
    for s in range(len(d)):
        d[s] = w0 * d0[s] + w1 * d1[s]


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _positive(c: _Array, d: _Array) -> float:
    """Sum of ``c * max(d, 0)``."""
    total = 0.0
    for s in range(len(c)):
        total += c[s] * (d[s] if d[s] > 0.0 else 0.0)
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _shared(c: _Array, share: _Array, d: _Array) -> float:
    """Sum of ``c * share * d``."""
    total = 0.0
    for s in range(len(c)):
        total += c[s] * share[s] * d[s]
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _bend(c: _Array, d0: _Array, d1: _Array) -> float:
    """How much rows with the products `d0` and `d1` at the ends of an edge bend along it."""
    total = 0.0
    for s in range(len(c)):
        up = d0[s] if d0[s] < -d1[s] else -d1[s]
        down = d1[s] if d1[s] < -d0[s] else -d0[s]
        total += abs(c[s]) * ((up if up > 0.0 else 0.0) + (down if down > 0.0 else 0.0))
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def _at(c: _Array, products: _Array, offset: _Index, x: _Array, d: _Array) -> float:
    """Sum of ``c * max(D.T x, 0)`` over the rows of the columns D; `d` is overwritten."""
    count = len(c)
    for s in range(count):
        d[s] = 0.0
    for p in range(len(offset)):
        column = products[offset[p] : offset[p] + count]
        for s in range(count):
            d[s] += x[p] * column[s]
    return _positive(c, d[:count])


@njit(borrowing=True, inner=True)
def _tell(value: float, wanted: float, u: _Array, scale: float, count: int, found: _Array, found_value: _Array) -> int:
    """Hand out a direction above `wanted`, in place of a smaller one if there is no place left; how many were."""
    if value <= wanted:
        return count
    slot = count % found.shape[0]
    if value > found_value[slot]:
        found_value[slot] = value
        for t in range(len(u)):
            found[slot, t] = scale * u[t]
    return count + 1


@njit(borrowing=True)
def cones_kernel(
    R: _Array, grain: float, floor: float, slack: float, found: _Array, found_value: _Array, wanted: float,
    max_nodes: int, halt: NDArray[np.bool_],
    bound: float, best: float, count: int, nodes: int, depth: int,
    vertices: _Array, real: _Array, whole: _Index, rows: _Index, coef: _Array, products: _Array,
    theta: _Array, plus: _Array, minus: _Array, inverse: _Array, keep: _Index, offset: _Index, passive: _Index,
    Q: _Array, E: _Array, T: _Array, g: _Array, phi: _Array, above: _Array, b: _Array, x: _Array, z: _Array,
    trial: _Array, weight: _Array,
) -> tuple[float, float, int, int, int, int]:  # fmt: skip
    """The search of :class:`.cone_search.ConeSearch`, until there are no cones or no place for the rows of the next.

    Answers what it takes as `bound` to `depth`, the cones on the stack, and how long the lists of rows must be at
    least; 0 if it is done, -1 if cones are left because of `max_nodes` or `halt`. The stack, for each cone:

    vertices (capacity h, h)
        Unit vertices.
    real (capacity, 3 + 3 h + h^2)
        The bound that it inherits, what the rows within _DECIDED may hide, the rounding error of the bound; at the
        vertices the linear function, that with the convex rows, and weights; how much rows bend along each edge, less
        than 0 where nobody has looked.
    whole (capacity, 8 + h)
        Cuts that led to it; the row that is being cut, until it is decided on every child: otherwise cuts by several
        rows may never end; whether its rows are as they were for its parent, less than 0 if not; the first row on the
        lists, the first concave one, and one more than the last; cuts that had led to the cone where decided rows were
        sorted out last; where there is place for more columns; where the columns of its vertices are.
    rows, coef (size,), (size,)
        Rows that may be undecided, and their coefficients.
    products ((h + 1) size,)
        Columns: the products of these rows with a vertex.
    """
    M, h = R.shape
    capacity = len(real)
    root_h = 4.0 * math.sqrt(h)
    rough_of_all = _BLOCK + M / _BLOCK + root_h * (h + 2) + 24 * h + 16
    while depth > 0:
        depth -= 1
        limit = max(floor, best) * (1.0 + slack)
        inherited = real[depth, 0]
        rough = real[depth, 2]
        if nodes >= max_nodes or (halt[0] and nodes > 0):
            return bound, best, count, nodes, depth + 1, NONE
        if inherited <= limit or depth + 2 >= capacity:
            bound = max(bound, inherited + rough)
            continue
        slip = real[depth, 1]
        level = whole[depth, 0]
        cut = whole[depth, 1]
        same = whole[depth, 2] >= 0
        start = whole[depth, 3]
        middle = whole[depth, 4]
        stop = whole[depth, 5]
        sorted_at = whole[depth, 6]
        free = whole[depth, 7]
        size = stop - start
        need = max(stop + size, free // (h + 1) + size + 1)
        if need > len(rows):
            return bound, best, count, nodes, depth + 1, need
        nodes += 1
        for p in range(h):
            g[p] = real[depth, LINEAR + p]
            above[p] = real[depth, LINEAR + h + p]
            weight[p] = real[depth, LINEAR + 2 * h + p]
            offset[p] = whole[depth, OFFSETS + p]
            for t in range(h):
                Q[p, t] = vertices[depth * h + p, t]
        sorting = not same or size <= _FEW_ROWS or level - sorted_at >= _CUTS
        if sorting:
            _sums(products, offset, plus[:size], minus[:size])
            # a row within _DECIDED of deciding is decided; if it is convex, what that may hide is added to the bound
            convex = middle - start
            slip += _hidden(coef[start:middle], plus[:convex], minus[:convex])
            linear_part = inverse[:size]
            _decided(coef[start:stop], plus[:size], minus[:size], linear_part)
            there = convex
            convex = _undecided(plus, minus, ZERO, there, keep, ZERO)
            kept = _undecided(plus, minus, there, size, keep, convex)
            for p in range(h):
                column = products[offset[p] : offset[p] + size]
                moved = products[free : free + kept]
                for i in range(kept):
                    moved[i] = column[keep[i]]
                d = 0.0
                for block in range(0, size, _BLOCK):
                    end = min(block + _BLOCK, size)
                    d += dot(linear_part[block:end], column[block:end])
                g[p] += d
                offset[p] = free
                free += kept
            for i in range(kept):
                s = keep[i]
                rows[stop + i] = rows[start + s]
                coef[stop + i] = coef[start + s]
                plus[i] = plus[s]
                minus[i] = minus[s]
            start = stop
            middle = start + convex
            stop = start + kept
            size = kept
            sorted_at = level
            for p in range(h):
                column = products[offset[p] : offset[p] + size]
                above[p] = g[p] + _positive(coef[start:middle], column[:convex])
                if not same:
                    d = above[p] + _positive(coef[middle:stop], column[convex:])
                    best = max(best, d)
                    count = _tell(d, wanted, Q[p], 1.0, count, found, found_value)
        else:
            convex = middle - start
        _shares(products, offset, weight, convex, inverse, theta[convex:size])
        limit = max(floor, best) * (1.0 + slack)
        upper = inherited
        norm = math.inf
        for sweep in range(_THETA_SWEEPS + 1):
            if sweep == 1:
                _inverses(coef[middle:stop], inverse[convex:size])
            if sweep > 0:
                # b lies above the rows at the vertices: moving theta moves it, then it is shortened again
                for s in range(convex, size):
                    j = rows[start + s]
                    now = theta[s]
                    share = min(1.0, max(0.0, now - dot(R[j], b) * inverse[s]))
                    if share != now:
                        theta[s] = share
                        step = (share - now) * coef[start + s]
                        for t in range(h):
                            b[t] += step * R[j, t]
            d = 0.0
            for p in range(h):
                column = products[offset[p] : offset[p] + size]
                phi[p] = above[p] + _shared(coef[middle:stop], theta[convex:size], column[convex:])
                d += phi[p] * phi[p] if phi[p] > 0.0 else 0.0
            if sweep == 0:
                # u = sum x_p q_p with |x| <= 1 has f(u) <= phi . x <= |phi_+|
                upper = min(math.sqrt(d) + slip, upper)
                if upper <= limit:
                    break
            before = norm
            norm = least_majorant(Q, phi, limit - slip, b, x, E, T, z, trial, passive)
            upper = min(upper, norm + slip)
            # far above the limit no theta closes the cone
            if upper <= limit or size == convex or (sweep == 0 and convex > 0 and norm + slip >= _FAR * limit):
                break
            if before - norm < (0.5 if convex > 0 else _LITTLE) * (norm + slip - limit):
                break
        if upper > limit and (limit <= 0.0 or upper < _FAR * limit):
            # b = sum x_p q_p points to where the bound is attained: look there
            norm = 0.0
            for t in range(h):
                norm += b[t] * b[t]
            norm = math.sqrt(norm)
            if norm > 0.0:
                d = _at(coef[start:stop], products, offset, x, products[free : free + size])
                for p in range(h):
                    d += g[p] * x[p]
                d /= norm
                best = max(best, d)
                limit = max(floor, best) * (1.0 + slack)
                count = _tell(d, wanted, b, 1.0 / norm, count, found, found_value)
        if upper < inherited:
            rough = grain * (rough_of_all + size + root_h * level)
        if upper <= limit:
            bound = max(bound, upper + rough)
            continue
        # branch
        e0 = ZERO
        e1 = ZERO + 1
        worst = NONE
        if cut >= 0:
            for s in range(size):
                if rows[start + s] == cut:
                    up = False
                    down = False
                    for p in range(h):
                        up = up or products[offset[p] + s] > _DECIDED
                        down = down or products[offset[p] + s] < -_DECIDED
                    if up and down:
                        worst = s
                    break
        if worst < 0 and sorting:
            # without convex rows the bound has not converged: cut at the concave row that is least decided
            most = 0.0
            total = 0.0
            for s in range(size if convex == 0 else convex):
                d = abs(coef[start + s]) * plus[s] * minus[s] / (plus[s] + minus[s])
                total += d
                if d > most:
                    most = d
                    worst = s
            if convex > h and most <= 0.5 * total:
                worst = NONE
        cut = NONE
        bends = real[depth, LINEAR + 3 * h :]
        if worst >= 0:
            cut = rows[start + worst]
            # cut where the worst row changes sign, on the edge where it does so most evenly
            balance = -1.0
            for p in range(h):
                if products[offset[p] + worst] > 0.0:
                    for q in range(h):
                        if products[offset[q] + worst] < 0.0:
                            even = min(products[offset[p] + worst], -products[offset[q] + worst])
                            if even > balance:
                                balance = even
                                e0 = p
                                e1 = q
            w0 = -products[offset[e1] + worst]
            w1 = products[offset[e0] + worst]
        else:
            # in the middle of the edge along which the rows bend most; those that are decided do not
            most = -1.0
            for p in range(h):
                for q in range(p):
                    d = bends[p * h + q]
                    if d < 0.0:
                        d = _bend(
                            coef[start:stop], products[offset[p] : offset[p] + size],
                            products[offset[q] : offset[q] + size],
                        )  # fmt: skip
                        bends[p * h + q] = d
                    if d > most:
                        most = d
                        e0 = p
                        e1 = q
            d = 0.0
            for t in range(h):
                d += Q[e0, t] * Q[e1, t]
            if d > 1.0 - 1e-15:  # the cone is a point to rounding
                bound = max(bound, upper + rough)
                continue
            w0 = 1.0
            w1 = 1.0
        d = 0.0
        for t in range(h):
            e = w0 * Q[e0, t] + w1 * Q[e1, t]
            d += e * e
        d = 1.0 / math.sqrt(d)
        w0 *= d
        w1 *= d
        # the new vertex, which is that of both children
        for t in range(h):
            b[t] = w0 * Q[e0, t] + w1 * Q[e1, t]
        column = products[free : free + size]
        _between(
            w0, products[offset[e0] : offset[e0] + size], w1, products[offset[e1] : offset[e1] + size], column
        )  # fmt: skip
        linear = w0 * g[e0] + w1 * g[e1]
        convex_there = linear + _positive(coef[start:middle], column[:convex])
        d = convex_there + _positive(coef[middle:stop], column[convex:])
        best = max(best, d)
        count = _tell(d, wanted, b, 1.0, count, found, found_value)
        d = 0.0
        for p in range(h):
            d += x[p]
        for p in range(h):
            weight[p] = (x[p] / d if d > 0.0 else 0.0) + _EVEN / h
        for child in range(2):
            new = e1 if child == 0 else e0
            place = depth + 1 - child  # the second one, which takes the place of the parent, is written last
            for p in range(h):
                real[place, LINEAR + p] = g[p]
                real[place, LINEAR + h + p] = above[p]
                real[place, LINEAR + 2 * h + p] = weight[p]
                whole[place, OFFSETS + p] = offset[p]
                for t in range(h):
                    vertices[place * h + p, t] = Q[p, t]
                for q in range(p):
                    real[place, LINEAR + 3 * h + p * h + q] = -1.0 if new in (p, q) else bends[p * h + q]
            real[place, LINEAR + new] = linear
            real[place, LINEAR + h + new] = convex_there
            real[place, LINEAR + 2 * h + new] = 0.5 * (weight[e0] + weight[e1])
            whole[place, OFFSETS + new] = free
            for t in range(h):
                vertices[place * h + new, t] = b[t]
            real[place, 0] = upper
            real[place, 1] = slip
            real[place, 2] = rough
            whole[place, 0] = level + 1
            whole[place, 1] = cut
            whole[place, 2] = 0
            whole[place, 3] = start
            whole[place, 4] = middle
            whole[place, 5] = stop
            whole[place, 6] = sorted_at
            whole[place, 7] = free + size
        depth += 2
    return bound, best, count, nodes, depth, ZERO
