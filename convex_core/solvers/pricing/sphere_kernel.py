r"""Kernels: the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, by branch and bound.

A simplicial cone is cut into such cones; on one with unit vertices :math:`q_1 \dots q_h`,

* a row whose sign is the same at all vertices is linear (or zero);
* an undecided row with :math:`a_j > 0` is convex and homogeneous, so it lies below its interpolation at the vertices;
* an undecided row with :math:`a_j < 0` is concave, so it lies below :math:`\theta a_j r_j^T u` for any
  :math:`\theta \in [0, 1]`.

That leaves a linear function, whose maximum over the cone and the ball is the length of its projection on the cone;
:math:`\theta` and the multipliers of the cone are improved by coordinate descent, and every iterate is a sound bound.
Without undecided convex rows the bound converges to the maximum itself, so only those are branched on: the cone is cut
where the row with the largest interpolation error changes sign, or, while many rows are undecided, at the middle of
the edge along which they bend most: on halves of the longest edge the bound gains less, twice the cones are needed.

Decided rows are kept as their sum at the vertices, undecided ones, convex rows first, as their products with the
vertices on one stack: a child needs one new product per row.
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
blocks. So with :math:`A = \sum_j |a_j| + \|b\|` and m undecided rows a bound is off by at most
:math:`(m + 64 + M / 64 + 4 \sqrt h (L + h + 2) + 24 h + 16) \, u A`, where the last terms are the norm of the
majorant, and the root cones, which cover half of the sphere to rounding.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import NONE, ZERO, njit
from .majorant_kernel import least_majorant

__all__ = ["LINEAR", "cones_kernel"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

# a row is decided on a cone when its products with the vertices change sign by no more than this
_DECIDED = 1e-11
# a bound above this multiple of what would close the cone is not improved, nor is the value looked at where it is
# attained: the cone is cut at once
_FAR = 1.15
# sweeps end when one takes less than this share of what is left: from there a cut is quicker
_LITTLE = 0.05
# rows that are added up before the sums are added
_BLOCK = 64
# sweeps at most
_THETA_SWEEPS = 60
#: where the linear function begins in a record of a cone
LINEAR = 5


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _child(
    D: _Array, start: int, stop: int, new: int, i0: int, i1: int, w0: float, w1: float,
    fresh: _Array, plus: _Array, minus: _Array,
) -> None:  # fmt: skip
    """Products `fresh` of the rows from `start` to `stop` with a new vertex, sums over all vertices by their sign."""
    count = stop - start
    for s in range(count):
        plus[s] = 0.0
        minus[s] = 0.0
    for p in range(D.shape[0]):
        if p == new:
            old0 = D[i0, start:stop]
            old1 = D[i1, start:stop]
            for s in range(count):
                fresh[s] = w0 * old0[s] + w1 * old1[s]
        column = fresh[:count] if p == new else D[p, start:stop]
        for s in range(count):
            d = column[s]
            plus[s] += d if d > 0.0 else 0.0
            minus[s] -= d if d < 0.0 else 0.0


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _positive(c: _Array, d: _Array) -> float:
    """Sum of ``c * max(d, 0)``."""
    total = 0.0
    for s in range(len(c)):
        total += c[s] * (d[s] if d[s] > 0.0 else 0.0)
    return total


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _shared(c: _Array, share: _Array, d: _Array) -> float:
    """Sum of ``c * share * d``."""
    total = 0.0
    for s in range(len(c)):
        total += c[s] * share[s] * d[s]
    return total


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _bend(c: _Array, d0: _Array, d1: _Array) -> float:
    """How much rows with the products `d0` and `d1` at the ends of an edge bend along it."""
    total = 0.0
    for s in range(len(c)):
        up = d0[s] if d0[s] < -d1[s] else -d1[s]
        down = d1[s] if d1[s] < -d0[s] else -d0[s]
        total += abs(c[s]) * ((up if up > 0.0 else 0.0) + (down if down > 0.0 else 0.0))
    return total


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _at(c: _Array, D: _Array, start: int, stop: int, x: _Array, d: _Array) -> float:
    """Sum of ``c * max(D.T x, 0)`` over the columns from `start` to `stop`; `d` is overwritten."""
    count = stop - start
    for s in range(count):
        d[s] = 0.0
    for p in range(D.shape[0]):
        column = D[p, start:stop]
        for s in range(count):
            d[s] += x[p] * column[s]
    return _positive(c[start:stop], d[:count])


@njit(borrowing=True)
def cones_kernel(
    R: _Array, grain: float, floor: float, slack: float, found: _Array, found_value: _Array, wanted: float,
    max_nodes: int, halt: NDArray[np.bool_],
    bound: float, best: float, count: int, nodes: int, depth: int,
    vertices: _Array, real: _Array, whole: _Index, rows: _Index, coef: _Array, D: _Array,
    theta: _Array, fresh: _Array, plus: _Array, minus: _Array, keep: _Index, gone: _Index,
    Q: _Array, E: _Array, T: _Array, g: _Array, phi: _Array, value: _Array, above: _Array, b: _Array, x: _Array,
    z: _Array, trial: _Array, passive: _Index,
) -> tuple[float, float, int, int, int, int]:  # fmt: skip
    """The search of :class:`.cone_search.ConeSearch`, until there are no cones or no place for the rows of the next.

    Answers what it takes as `bound` to `depth`, the cones on the stack, and how long the lists of rows must be at
    least; 0 if it is done, -1 if cones are left because of `max_nodes` or `halt`. The stack, for each cone:

    vertices (capacity h, h)
        Unit vertices.
    real (capacity, 5 + h)
        The bound that it inherits, what the rows within _DECIDED may hide, the rounding error of the bound; the weights
        of the newest vertex on the two that it replaces; the linear function at the vertices.
    whole (capacity, 8)
        Cuts that led to it; the row that is being cut, until it is decided on every child: otherwise cuts by several
        rows may never end; the vertex that is new, and the two of which it is made; the first undecided row on the
        lists, the first concave one, and one more than the last.
    rows, coef, D (size,), (size,), (h, size)
        Undecided rows, their coefficients, and their products with the vertices.
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
        level = whole[depth, 0]
        new = whole[depth, 2]
        i0 = whole[depth, 3]
        i1 = whole[depth, 4]
        start = whole[depth, 5]
        middle = whole[depth, 6]
        stop = whole[depth, 7]
        if stop + (stop - start) > len(rows):
            return bound, best, count, nodes, depth + 1, stop + (stop - start)
        nodes += 1
        for p in range(h):
            g[p] = real[depth, LINEAR + p]
            for t in range(h):
                Q[p, t] = vertices[depth * h + p, t]
        w0 = real[depth, 3]
        w1 = real[depth, 4]
        slip = real[depth, 1]
        cut = whole[depth, 1]
        cut_at = NONE
        _child(D, start, stop, new, i0, i1, w0, w1, fresh, plus, minus)
        # a row within _DECIDED of deciding is decided; if it is convex, what that may hide is added to the bound
        kept = ZERO
        passed = ZERO
        convex = ZERO
        for s in range(stop - start):
            up = plus[s] > _DECIDED
            down = minus[s] > _DECIDED
            undecided = up and down
            keep[kept] = s
            gone[passed] = s
            kept += undecided
            passed += up and not down
            if s < middle - start:
                slip += coef[start + s] * (0.0 if undecided else minus[s] if up else plus[s])
                convex += undecided
        for p in range(h):
            column = fresh if p == new else D[p, start:stop]
            moved = D[p, stop : stop + kept]
            for i in range(kept):
                moved[i] = column[keep[i]]
            d = 0.0
            for block in range(0, passed, _BLOCK):
                part = 0.0
                for i in range(block, min(block + _BLOCK, passed)):
                    part += coef[start + gone[i]] * column[gone[i]]
                d += part
            g[p] += d
        top = stop + kept
        for i in range(kept):
            s = keep[i]
            rows[stop + i] = rows[start + s]
            coef[stop + i] = coef[start + s]
            if rows[start + s] == cut:
                cut_at = stop + i
        middle = stop + convex
        for i in range(convex, kept):
            s = keep[i]
            theta[i] = plus[s] / (plus[s] + minus[s])
        for p in range(h):
            above[p] = _positive(coef[stop:middle], D[p, stop:middle]) + g[p]
            value[p] = above[p] + _positive(coef[middle:top], D[p, middle:top])
            if value[p] > best:
                best = value[p]
            # every vertex is told once: those of the root, then the new one of each pair of children
            if value[p] > wanted and (new < 0 or (new == p and new == i1)):
                slot = count % found.shape[0]
                count += 1
                if value[p] > found_value[slot]:
                    found_value[slot] = value[p]
                    for t in range(h):
                        found[slot, t] = Q[p, t]
        limit = max(floor, best) * (1.0 + slack)
        upper = inherited
        norm = math.inf
        for sweep in range(_THETA_SWEEPS + 1):
            if sweep > 0:
                # b lies above the rows at the vertices: moving theta moves it, then it is shortened again
                for s in range(middle, top):
                    j = rows[s]
                    d = 0.0
                    for t in range(h):
                        d += R[j, t] * b[t]
                    now = theta[s - stop]
                    share = min(1.0, max(0.0, now - d / coef[s]))
                    if share != now:
                        theta[s - stop] = share
                        step = (share - now) * coef[s]
                        for t in range(h):
                            b[t] += step * R[j, t]
            d = 0.0
            for p in range(h):
                phi[p] = above[p] + _shared(coef[middle:top], theta[convex:kept], D[p, middle:top])
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
            if upper <= limit or kept == convex or (sweep == 0 and convex > 0 and norm + slip >= _FAR * limit):
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
                d = _at(coef, D, stop, top, x, fresh)
                for p in range(h):
                    d += g[p] * x[p]
                d /= norm
                if d > best:
                    best = d
                    limit = max(floor, best) * (1.0 + slack)
                if d > wanted:
                    slot = count % found.shape[0]
                    count += 1
                    if d > found_value[slot]:
                        found_value[slot] = d
                        for t in range(h):
                            found[slot, t] = b[t] / norm
        if upper < inherited:
            rough = grain * (rough_of_all + kept + root_h * level)
        if upper <= limit:
            bound = max(bound, upper + rough)
            continue
        # branch
        e0 = ZERO
        e1 = ZERO + 1
        worst = NONE
        if cut_at >= 0:
            worst = cut_at
        else:
            # without convex rows the bound has not converged: cut at the concave row that is least decided
            most = 0.0
            total = 0.0
            for i in range(kept if convex == 0 else convex):
                s = keep[i]
                d = abs(coef[stop + i]) * plus[s] * minus[s] / (plus[s] + minus[s])
                total += d
                if d > most:
                    most = d
                    worst = stop + i
            if convex > h and most <= 0.5 * total:
                worst = NONE
        cut = NONE
        if worst >= 0:
            cut = rows[worst]
            # cut where the worst row changes sign, on the edge where it does so most evenly
            balance = -1.0
            for p in range(h):
                if D[p, worst] > 0.0:
                    for q in range(h):
                        if D[q, worst] < 0.0:
                            even = min(D[p, worst], -D[q, worst])
                            if even > balance:
                                balance = even
                                e0 = p
                                e1 = q
            w0 = -D[e1, worst]
            w1 = D[e0, worst]
        else:
            # in the middle of the edge along which the rows bend most
            most = -1.0
            for p in range(h):
                for q in range(p):
                    d = _bend(coef[stop:top], D[p, stop:top], D[q, stop:top])
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
        for child in range(2):
            new = e0 if child == 0 else e1
            for p in range(h):
                real[depth, LINEAR + p] = g[p]
                for t in range(h):
                    vertices[depth * h + p, t] = Q[p, t]
            real[depth, LINEAR + new] = w0 * g[e0] + w1 * g[e1]
            for t in range(h):
                vertices[depth * h + new, t] = w0 * Q[e0, t] + w1 * Q[e1, t]
            real[depth, 0] = upper
            real[depth, 1] = slip
            real[depth, 2] = rough
            real[depth, 3] = w0
            real[depth, 4] = w1
            whole[depth, 0] = level + 1
            whole[depth, 1] = cut
            whole[depth, 2] = new
            whole[depth, 3] = e0
            whole[depth, 4] = e1
            whole[depth, 5] = stop
            whole[depth, 6] = middle
            whole[depth, 7] = top
            depth += 1
    return bound, best, count, nodes, depth, ZERO
