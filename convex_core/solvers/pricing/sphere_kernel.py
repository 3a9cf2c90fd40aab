r"""Kernels: the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, by branch and bound.

A simplicial cone is cut into such cones; on one with unit vertices :math:`q_1 \dots q_h`,

* a row whose sign is the same at all vertices is linear (or zero);
* an undecided row with :math:`a_j > 0` is convex and homogeneous, so it lies below its interpolation at the vertices;
* the undecided rows with :math:`a_j < 0` are concave and homogeneous together, so their sum lies below what makes it
  linear at any direction w, :math:`\sum_j a_j [r_j^T w > 0] \, r_j^T u`, and below mixtures of such *majorants*.

That leaves a linear function, whose maximum over the cone and the ball is the length of its projection on the cone.
Where it is attained the concave rows are made linear anew, and the best mixture of this and the majorant before is the
next one, until the cone is closed, or it is seen that no majorant closes it. A majorant lies above its rows everywhere:
the halves of a cone begin with that of the whole, so that few are made for each cone, and every bound is sound.
Without undecided convex rows the bound converges to the maximum itself, so only those are branched on: the cone is cut
where the row with the largest interpolation error changes sign, or, while many rows are undecided, at the middle of
the edge along which they bend most: on halves of the longest edge the bound gains less, twice the cones are needed.
With many entries an edge counts by the shares that its ends have in the direction where the bound is attained.

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
blocks. So with :math:`A = \sum_j |a_j| + \|b\|` and m rows on the lists what is not the majorant is off by at most
:math:`(m + 64 + M / 64 + 4 \sqrt h (L + h + 2) + 24 h + 16) \, u A`, where the last terms are the norm of the linear
function, and the root cones, which cover half of the sphere to rounding. The majorant is off by at most
:math:`\kappa u A` with :math:`\kappa = m \sqrt h + 4 \sqrt h (L + h + 2) + 64 + M / 64` when it is made; a mixture with
share :math:`\lambda` makes it :math:`(1 - \lambda) \kappa + \lambda \kappa_\text{new} + 4 \sqrt h`, and a cut adds
:math:`2 \sqrt h`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import NONE, ZERO, njit
from ...numerics.vectors import dot
from .column_kernel import (
    DECIDED,
    at,
    bend,
    between,
    decided,
    hidden,
    linearised,
    positive,
    sums,
    undecided,
)
from .majorant_kernel import least_majorant, least_mixture

__all__ = ["LINEAR", "OFFSETS", "cones_kernel", "fields"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

# where a cone is not closed, but its bound is below this multiple of what would close it, the value is looked at where
# the bound is attained
_WITHIN_SIGHT = 1.1
# majorants that are made for one cone at most; no other one when the last closed less than this share of what is left
_MAJORANTS, _LITTLE = 20, 0.02
# steps towards the best mixture, and where no majorant closes the cone, so that it is for its halves
_SHARE_STEPS, _FEW_SHARE_STEPS = 12, 4
# entries of a filter above which an edge counts by its ends' shares in the direction where the bound is attained
_FEW_ENTRIES, _EVERYWHERE = 6, 0.1
# rows that are added up before the sums are added
_BLOCK = 64
# rows that are decided are sorted out after so many cuts, and at every cone with few rows
_CUTS, _FEW_ROWS = 4, 64
# of the random numbers of a dive (Park and Miller 1988), whose products are exact in doubles
_FACTOR, _PRIME = 16807.0, 2147483647.0
#: where the linear functions begin in the real part of the record of a cone, and the columns in the whole part
LINEAR = 4
OFFSETS = 8


def fields(h: int) -> tuple[int, int]:
    """How long the two parts of the record of a cone are, for rows of length `h`."""
    return LINEAR + 4 * h + h * h, OFFSETS + h


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


@njit(borrowing=True, inner=True)
def _in_blocks(c: _Array, d: _Array, start: int, stop: int) -> float:
    """Scalar product of what lies from `start` to `stop`, added up in blocks."""
    total = 0.0
    for block in range(start, stop, _BLOCK):
        end = min(block + _BLOCK, stop)
        total += dot(c[block:end], d[block:end])
    return total


@njit(borrowing=True)
def cones_kernel(
    grain: float, floor: float, slack: float, found: _Array, found_value: _Array, wanted: float,
    max_nodes: int, halt: NDArray[np.bool_],
    bound: float, best: float, count: int, nodes: int, depth: int,
    vertices: _Array, real: _Array, whole: _Index, rows: _Index, coef: _Array, products: _Array,
    plus: _Array, minus: _Array, work: _Array, keep: _Index, offset: _Index, passive: _Index,
    Q: _Array, E: _Array, T: _Array, sure: _Array, above: _Array, rest: _Array, majorant: _Array, delta: _Array,
    phi: _Array, b: _Array, x: _Array, z: _Array, trial: _Array, dive: _Array,
) -> tuple[float, float, int, int, int, int]:  # fmt: skip
    """The search of :class:`.cone_search.ConeSearch`, until there are no cones or no place for the rows of the next.

    Answers what it takes as `bound` to `depth`, the cones on the stack, and how long the lists of rows must be at
    least; 0 if it is done, -1 if cones are left because of `max_nodes` or `halt`. The stack, for each cone:

    vertices (capacity h, h)
        Unit vertices.
    real (capacity, 4 + 4 h + h^2)
        The bound that it inherits, what the rows within DECIDED may hide, the rounding error of the bound, and that of
        the majorant in units of `grain`; at the vertices the sum of the convex rows that are decided, that of all
        convex rows, the sum of b and the concave rows that are decided, and a majorant of that with all concave rows;
        how much rows bend along each edge, less than 0 where nobody has looked.
    whole (capacity, 8 + h)
        Cuts that led to it; the row that is being cut, until it is decided on every child: otherwise cuts by several
        rows may never end; whether its rows are as they were for its parent, less than 0 if not; the first row on the
        lists, the first concave one, and one more than the last; cuts that had led to the cone where decided rows were
        sorted out last; where there is place for more columns; where the columns of its vertices are.
    rows, coef (size,), (size,)
        Rows that may be undecided, and their coefficients.
    products ((h + 1) size,)
        Columns: the products of these rows with a vertex.

    With a first entry of `dive` that is not negative, the state of its random numbers, one half of each cone is
    searched, chosen at random, and the second entry grows by 2 to the number of cuts for each cone: in the mean by
    how many cones there are in all (Knuth, Estimating the efficiency of backtrack programs, Math. Comp. 29, 1975).
    """
    M = len(keep)
    h = len(phi)
    capacity = len(real)
    root_h = 4.0 * math.sqrt(h)
    rough_of_all = _BLOCK + M / _BLOCK + root_h * (h + 2) + 24 * h + 16
    while depth > 0:
        depth -= 1
        limit = max(floor, best) * (1.0 + slack)
        inherited = real[depth, 0]
        rough = real[depth, 2]
        carried = real[depth, 3]
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
        if dive[0] >= 0.0:
            dive[1] += 2.0**level
        for p in range(h):
            sure[p] = real[depth, LINEAR + p]
            above[p] = real[depth, LINEAR + h + p]
            rest[p] = real[depth, LINEAR + 2 * h + p]
            majorant[p] = real[depth, LINEAR + 3 * h + p]
            offset[p] = whole[depth, OFFSETS + p]
            for t in range(h):
                Q[p, t] = vertices[depth * h + p, t]
        sorting = not same or size <= _FEW_ROWS or level - sorted_at >= _CUTS
        convex = middle - start
        if sorting:
            sums(products, offset, plus[:size], minus[:size])
            # a row within DECIDED of deciding is decided; if it is convex, what that may hide is added to the bound
            slip += hidden(coef[start:middle], plus[:convex], minus[:convex])
            linear_part = work[:size]
            decided(coef[start:stop], plus[:size], minus[:size], linear_part)
            there = convex
            convex = undecided(plus, minus, ZERO, there, keep, ZERO)
            kept = undecided(plus, minus, there, size, keep, convex)
            for p in range(h):
                column = products[offset[p] : offset[p] + size]
                moved = products[free : free + kept]
                for i in range(kept):
                    moved[i] = column[keep[i]]
                sure[p] += _in_blocks(linear_part, column, ZERO, there)
                rest[p] += _in_blocks(linear_part, column, there, size)
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
                above[p] = sure[p] + positive(coef[start:middle], column[:convex])
                if not same:
                    d = above[p] + rest[p] + positive(coef[middle:stop], column[convex:])
                    best = max(best, d)
                    count = _tell(d, wanted, Q[p], 1.0, count, found, found_value)
        limit = max(floor, best) * (1.0 + slack)
        concave = coef[middle:stop]
        slopes = work[: size - convex]  # of the concave rows where a majorant is made
        fresh = root_h * (level + h + 2) + 0.25 * root_h * size + _BLOCK + M / _BLOCK
        if not same:
            for p in range(h):
                x[p] = 1.0
            linearised(concave, products, offset, x, convex, slopes)
        if not same or size == convex:
            carried = fresh
            for p in range(h):
                majorant[p] = rest[p] + dot(slopes, products[offset[p] + convex : offset[p] + size])
        upper = inherited
        d = 0.0
        for p in range(h):
            phi[p] = above[p] + majorant[p]
            d += phi[p] * phi[p] if phi[p] > 0.0 else 0.0
        # u = sum x_p q_p with |x| <= 1 has f(u) <= phi . x <= |phi_+|
        upper = min(math.sqrt(d) + slip, upper)
        if upper > limit:
            enough = limit - slip
            norm, k = least_majorant(Q, phi, enough, b, x, E, T, z, trial, passive, ZERO)
            for _ in range(_MAJORANTS):
                if norm <= enough or size == convex:
                    break
                linearised(concave, products, offset, x, convex, slopes)
                lower = 0.0
                for p in range(h):
                    made = rest[p] + dot(slopes, products[offset[p] + convex : offset[p] + size])
                    delta[p] = made - majorant[p]
                    lower += x[p] * (above[p] + made)
                length = math.sqrt(dot(b, b))
                if length <= 0.0:
                    break
                # no majorant has a bound below the value of the concave rows themselves, the convex ones interpolated
                hopeless = lower > enough * length
                before = norm
                norm, share, k = least_mixture(
                    Q, above, majorant, delta, norm, enough, _FEW_SHARE_STEPS if hopeless else _SHARE_STEPS,
                    b, x, phi, E, T, z, trial, passive, k,
                )  # fmt: skip
                for p in range(h):
                    majorant[p] += share * delta[p]
                carried = (1.0 - share) * carried + share * fresh + root_h
                if hopeless or before - norm < _LITTLE * (norm - enough):
                    break
            upper = min(upper, norm + slip)
        if upper > limit and (limit <= 0.0 or upper < _WITHIN_SIGHT * limit):
            # b = sum x_p q_p points to where the bound is attained: look there
            norm = math.sqrt(dot(b, b))
            if norm > 0.0:
                d = at(coef[start:stop], products, offset, x, products[free : free + size])
                for p in range(h):
                    d += (sure[p] + rest[p]) * x[p]
                d /= norm
                best = max(best, d)
                limit = max(floor, best) * (1.0 + slack)
                count = _tell(d, wanted, b, 1.0 / norm, count, found, found_value)
        if upper < inherited:
            rough = grain * (rough_of_all + size + root_h * level + carried)
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
                        up = up or products[offset[p] + s] > DECIDED
                        down = down or products[offset[p] + s] < -DECIDED
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
        bends = real[depth, LINEAR + 4 * h :]
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
            # in the middle of the edge along which the convex rows bend most; those that are decided do not
            most = -1.0
            bent = convex if convex > 0 else size
            spread = 0.0
            if h > _FEW_ENTRIES:
                for p in range(h):
                    spread += _EVERYWHERE * x[p]
            for p in range(h):
                for q in range(p):
                    d = bends[p * h + q]
                    if d < 0.0:
                        d = bend(
                            coef[start : start + bent], products[offset[p] : offset[p] + bent],
                            products[offset[q] : offset[q] + bent],
                        )  # fmt: skip
                        bends[p * h + q] = d
                    if h > _FEW_ENTRIES:
                        d *= x[p] + x[q] + spread
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
        between(
            w0, products[offset[e0] : offset[e0] + size], w1, products[offset[e1] : offset[e1] + size], column
        )  # fmt: skip
        sure_there = w0 * sure[e0] + w1 * sure[e1]
        above_there = sure_there + positive(coef[start:middle], column[:convex])
        rest_there = w0 * rest[e0] + w1 * rest[e1]
        majorant_there = w0 * majorant[e0] + w1 * majorant[e1]
        d = above_there + rest_there + positive(coef[middle:stop], column[convex:])
        best = max(best, d)
        count = _tell(d, wanted, b, 1.0, count, found, found_value)
        left_out = NONE
        if dive[0] >= 0.0:
            dive[0] = _FACTOR * dive[0] % _PRIME
            left_out = ZERO + (2.0 * dive[0] > _PRIME)
        for child in range(2):
            if child == left_out:
                continue
            new = e1 if child == 0 else e0
            # the second one, which takes the place of the parent, is written last
            place = depth + 1 - child if left_out < 0 else depth
            for p in range(h):
                real[place, LINEAR + p] = sure[p]
                real[place, LINEAR + h + p] = above[p]
                real[place, LINEAR + 2 * h + p] = rest[p]
                real[place, LINEAR + 3 * h + p] = majorant[p]
                whole[place, OFFSETS + p] = offset[p]
                for t in range(h):
                    vertices[place * h + p, t] = Q[p, t]
                for q in range(p):
                    real[place, LINEAR + 4 * h + p * h + q] = -1.0 if new in (p, q) else bends[p * h + q]
            real[place, LINEAR + new] = sure_there
            real[place, LINEAR + h + new] = above_there
            real[place, LINEAR + 2 * h + new] = rest_there
            real[place, LINEAR + 3 * h + new] = majorant_there
            whole[place, OFFSETS + new] = free
            for t in range(h):
                vertices[place * h + new, t] = b[t]
            real[place, 0] = upper
            real[place, 1] = slip
            real[place, 2] = rough
            real[place, 3] = carried + 0.5 * root_h
            whole[place, 0] = level + 1
            whole[place, 1] = cut
            whole[place, 2] = 0
            whole[place, 3] = start
            whole[place, 4] = middle
            whole[place, 5] = stop
            whole[place, 6] = sorted_at
            whole[place, 7] = free + size
        depth += 2 if left_out < 0 else 1
    return bound, best, count, nodes, depth, ZERO
