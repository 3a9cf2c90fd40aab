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
from ...numerics.rounding import UNIT_ROUNDOFF
from .majorant_kernel import least_majorant

__all__ = ["branch_and_bound", "search_cones"]

_Array = NDArray[np.float64]

# a row is decided on a cone when its products with the vertices change sign by no more than this
_DECIDED = 1e-11
# a bound above this multiple of what would close the cone is not improved, nor is the value looked at where it is
# attained: the cone is cut at once
_FAR = 1.15
# sweeps end when one takes less than this share of what is left: from there a cut is quicker
_LITTLE = 0.05
# directions kept from a small cone
_TOLD = 16
# rows that are added up before the sums are added
_BLOCK = 64


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


@njit()
def branch_and_bound(
    R: _Array,
    a: _Array,
    linear: _Array,
    root: _Array,
    floor: float,
    slack: float,
    found: _Array,
    found_value: _Array,
    wanted: float,
    max_nodes: int,
    halt: NDArray[np.bool_],
) -> tuple[float, float, int, int]:
    """Bound f over one root cone.

    Parameters
    ----------
    R : (M, h)
        Unit rows.
    a : (M,)
        Coefficients.
    linear : (h,)
        Linear part b.
    root : (h, h)
        Unit vertices of the cone, pairwise at angles of at most 90 degrees.
    floor : float
        Values at or below it need not be told apart (an incumbent found elsewhere).
    slack : float
        Relative accuracy: a cone is closed when its bound is at most ``(1 + slack) * max(floor, best)``.
    found, found_value : (capacity, h), (capacity,)
        Filled with directions of value above `wanted`, in the order found; a full one takes larger values in place of
        smaller ones. Begin with values of 0.
    wanted : float
        See `found`.
    max_nodes : int
        Cones examined at most; beyond, the bounds of the open cones count.
    halt : (1,)
        Another thread may set it: no cone but the first is examined from then on.

    Returns
    -------
    bound : float
        Sound upper bound on f over the cone and the unit ball, at least `floor`.
    best : float
        Largest value found (0 if none was positive).
    count : int
        Directions found.
    nodes : int
        Cones examined.
    """
    M, h = R.shape
    capacity = 4096
    SQ = np.empty((capacity, h, h))
    Sg = np.empty((capacity, h))
    Sbound = np.empty(capacity)
    Sslip = np.empty(capacity)
    # cuts that led to a cone, and the rounding error of the bound it inherits
    Slevel = np.empty(capacity, np.int64)
    Srough = np.empty(capacity)
    Slist = np.empty((capacity, 3), np.int64)
    # the row that is being cut, until it is decided on every child: otherwise cuts by several rows may never end
    Scut = np.empty(capacity, np.int64)
    # which vertex is new, and its weights on the two old ones
    Sedge = np.empty((capacity, 3), np.int64)
    Sweight = np.empty((capacity, 2))
    size = max(1024, 2 * M)
    rows = np.empty(size, np.int64)
    coef = np.empty(size)
    D = np.empty((h, size))
    theta = np.empty(M)
    fresh = np.empty(M)
    plus = np.empty(M)
    minus = np.empty(M)
    keep = np.empty(M, np.int64)
    gone = np.empty(M, np.int64)

    Q = np.empty((h, h))
    g = np.empty(h)
    phi = np.empty(h)
    value = np.empty(h)
    above = np.empty(h)
    b = np.empty(h)
    x = np.empty(h)
    E = np.empty((h, h))
    T = np.zeros((h, h))
    z = np.empty(h)
    trial = np.empty(h)
    passive = np.empty(h, np.int64)

    grain = 0.0
    for t in range(h):
        grain += linear[t] * linear[t]
    grain = math.sqrt(grain)
    for j in range(M):
        grain += abs(a[j])
    grain *= 1.001 * UNIT_ROUNDOFF
    root_h = 4.0 * math.sqrt(h)
    rough_of_all = _BLOCK + M / _BLOCK + root_h * (h + 2) + 24 * h + 16

    best = 0.0
    bound = floor
    count = ZERO
    nodes = ZERO

    top = ZERO
    for first in (True, False):  # convex rows first, and so on every list of rows
        for j in range(M):
            if (a[j] > 0.0) == first and a[j] != 0.0:
                rows[top] = j
                coef[top] = a[j]
                for p in range(h):
                    d = 0.0
                    for t in range(h):
                        d += R[j, t] * root[p, t]
                    D[p, top] = d
                top += 1
        if first:
            Slist[0, 1] = top
    Slist[0, 0] = 0
    Slist[0, 2] = top
    for p in range(h):
        d = 0.0
        for t in range(h):
            SQ[0, p, t] = root[p, t]
            d += linear[t] * root[p, t]
        Sg[0, p] = d
    Sbound[0] = np.inf
    Sslip[0] = 0.0
    Slevel[0] = 0
    Srough[0] = 0.0
    Sedge[0, 0] = -1
    Scut[0] = -1
    depth = ZERO + 1
    while depth > 0:
        depth -= 1
        limit = max(floor, best) * (1.0 + slack)
        if Sbound[depth] <= limit or nodes >= max_nodes or (halt[0] and nodes > 0) or depth + 2 >= capacity:
            bound = max(bound, Sbound[depth] + Srough[depth])
            continue
        nodes += 1
        new = Sedge[depth, 0]
        i0 = Sedge[depth, 1]
        i1 = Sedge[depth, 2]
        w0 = Sweight[depth, 0]
        w1 = Sweight[depth, 1]
        for p in range(h):
            g[p] = Sg[depth, p]
            for t in range(h):
                Q[p, t] = SQ[depth, p, t]
        start = Slist[depth, 0]
        middle = Slist[depth, 1]
        stop = Slist[depth, 2]
        if stop + (stop - start) > size:
            old = size
            size = 2 * (stop + (stop - start))
            rows2 = np.empty(size, np.int64)
            coef2 = np.empty(size)
            D2 = np.empty((h, size))
            for s in range(old):  # copies of slices would make numba compile messages about their shapes, for seconds
                rows2[s] = rows[s]
                coef2[s] = coef[s]
                for p in range(h):
                    D2[p, s] = D[p, s]
            rows = rows2
            coef = coef2
            D = D2
        slip = Sslip[depth]
        cut = Scut[depth]
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
            phi[p] = above[p] + _shared(coef[middle:top], theta[convex:kept], D[p, middle:top])
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
        # u = sum x_p q_p with |x| <= 1 has f(u) <= phi . x <= |phi_+|
        upper = 0.0
        for p in range(h):
            if phi[p] > 0.0:
                upper += phi[p] * phi[p]
        upper = min(math.sqrt(upper) + slip, Sbound[depth])
        if upper > limit:
            norm = least_majorant(Q, phi, limit - slip, b, x, E, T, z, trial, passive)
            upper = min(upper, norm + slip)
            # far above the limit no theta closes the cone
            if upper > limit and kept > convex and (convex == 0 or norm + slip < _FAR * limit):
                # b lies above the rows at the vertices: moving theta moves it, then it is shortened again
                for _sweep in range(60):
                    before = norm
                    for s in range(middle, top):
                        j = rows[s]
                        c = coef[s]
                        d = 0.0
                        for t in range(h):
                            d += R[j, t] * b[t]
                        now = theta[s - stop]
                        share = min(1.0, max(0.0, now - d / c))
                        if share != now:
                            theta[s - stop] = share
                            step = (share - now) * c
                            for t in range(h):
                                b[t] += step * R[j, t]
                    for p in range(h):
                        phi[p] = above[p] + _shared(coef[middle:top], theta[convex:kept], D[p, middle:top])
                    norm = least_majorant(Q, phi, limit - slip, b, x, E, T, z, trial, passive)
                    upper = min(upper, norm + slip)
                    if upper <= limit or before - norm < (0.5 if convex > 0 else _LITTLE) * (norm + slip - limit):
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
        level = Slevel[depth]
        rough = Srough[depth]
        if upper < Sbound[depth]:
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
                for t in range(h):
                    SQ[depth, p, t] = Q[p, t]
            for t in range(h):
                SQ[depth, new, t] = w0 * Q[e0, t] + w1 * Q[e1, t]
                Sg[depth, t] = g[t]
            Sg[depth, new] = w0 * g[e0] + w1 * g[e1]
            Sbound[depth] = upper
            Sslip[depth] = slip
            Slevel[depth] = level + 1
            Srough[depth] = rough
            Scut[depth] = cut
            Slist[depth, 0] = stop
            Slist[depth, 1] = middle
            Slist[depth, 2] = top
            Sedge[depth, 0] = new
            Sedge[depth, 1] = e0
            Sedge[depth, 2] = e1
            Sweight[depth, 0] = w0
            Sweight[depth, 1] = w1
            depth += 1
    return bound, best, count, nodes


def search_cones(
    R: _Array, a: _Array, linear: _Array, cones: _Array, known: _Array, slack: float, max_nodes: int
) -> tuple[_Array, _Array]:
    """Search for values above those known in each of some small cones.

    Not a kernel: numba would compile the search once more as a part of it, and a call takes microseconds.

    Parameters
    ----------
    R, a, linear, slack, max_nodes
        As in :func:`branch_and_bound`.
    cones : (m, h, h)
        Unit vertices.
    known : (m,)
        Values that are known there.

    Returns
    -------
    better, value : (m, h), (m,)
        Best direction found in each cone, and its value; 0 where none is better than known.
    """
    better, value = np.zeros(cones.shape[:2]), np.zeros(len(cones))
    found, found_value = np.zeros((_TOLD, R.shape[1])), np.zeros(_TOLD)
    halt = np.zeros(1, dtype=bool)
    for i in range(len(cones)):
        found_value[:] = 0.0
        above = known[i] * (1.0 + slack)
        branch_and_bound(R, a, linear, cones[i], known[i], slack, found, found_value, above, max_nodes, halt)
        best = int(found_value.argmax())
        if found_value[best] > known[i]:
            better[i], value[i] = found[best], found_value[best]
    return better, value
