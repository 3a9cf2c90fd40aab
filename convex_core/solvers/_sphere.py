r"""Kernels: the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, by branch and bound.

The sphere is cut into simplicial cones with unit vertices :math:`q_1 \dots q_h`, starting from the orthants. On a cone,

* a row whose sign is the same at all vertices is linear (or zero);
* an undecided row with :math:`a_j > 0` is convex and homogeneous, so it lies below its interpolation at the vertices;
* an undecided row with :math:`a_j < 0` is concave, so it lies below :math:`\theta a_j r_j^T u` for any
  :math:`\theta \in [0, 1]`.

That leaves a linear function, whose maximum over the cone and the ball is the length of its projection on the cone;
:math:`\theta` and the multipliers of the cone are improved by coordinate descent, and every iterate is a sound bound.
Without undecided convex rows the bound converges to the maximum itself, so only those are branched on: the cone is cut
where the row with the largest interpolation error changes sign, or, while many rows are undecided, at the middle of
the edge along which they bend most: on halves of the longest edge the bound gains less, twice the cones are needed.

The products of the undecided rows with the vertices are kept on one stack: a child needs one new product per row.
All vertices of a cone make angles of at most 90 degrees, so a point :math:`u = \sum_p x_p q_p` of the unit ball has
:math:`\|x\| \le 1`, and a rounding error e of the linear function at the vertices adds at most :math:`\|e\|` to the
bound, however thin the cone.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .._numba import njit
from ._majorant import least_majorant

__all__ = ["branch_and_bound"]

_Array = NDArray[np.float64]

# a row is decided on a cone when its products with the vertices change sign by no more than this
_ZERO = 1e-11
# a bound above this multiple of what would close the cone is not improved, the cone is cut at once
_FAR = 2.0


@njit(error_model="numpy")
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
        Filled with directions of value above `wanted`, in the order found; overwritten from the start when full.
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
    Slist = np.empty((capacity, 2), np.int64)
    # the row that is being cut, until it is decided on every child: otherwise cuts by several rows may never end
    Scut = np.empty(capacity, np.int64)
    # which vertex is new, and its weights on the two old ones
    Sedge = np.empty((capacity, 3), np.int64)
    Sweight = np.empty((capacity, 2))
    size = max(1024, 2 * M)
    rows = np.empty(size, np.int64)
    D = np.empty((size, h))
    theta = np.empty(M)

    Q = np.empty((h, h))
    g = np.empty(h)
    phi = np.empty(h)
    value = np.empty(h)
    b = np.empty(h)
    x = np.empty(h)
    E = np.empty((h, h))
    T = np.zeros((h, h))
    bend = np.empty((h, h))
    z = np.empty(h)
    trial = np.empty(h)
    passive = np.empty(h, np.int64)

    best = 0.0
    bound = floor
    count = 0
    nodes = 0

    for j in range(M):
        rows[j] = j
        for p in range(h):
            d = 0.0
            for t in range(h):
                d += R[j, t] * root[p, t]
            D[j, p] = d
    SQ[0] = root
    Sg[0] = linear
    Sbound[0] = np.inf
    Sslip[0] = 0.0
    Slist[0, 0] = 0
    Slist[0, 1] = M
    Sedge[0, 0] = -1
    Scut[0] = -1
    depth = 1
    while depth > 0:
        depth -= 1
        limit = max(floor, best) * (1.0 + slack)
        if Sbound[depth] <= limit:
            bound = max(bound, Sbound[depth])
            continue
        if nodes >= max_nodes or (halt[0] and nodes > 0) or depth + 2 >= capacity:
            bound = max(bound, Sbound[depth])
            continue
        nodes += 1
        for p in range(h):
            g[p] = Sg[depth, p]
            phi[p] = 0.0
            value[p] = 0.0
            for t in range(h):
                Q[p, t] = SQ[depth, p, t]
        new = Sedge[depth, 0]
        i0 = Sedge[depth, 1]
        i1 = Sedge[depth, 2]
        w0 = Sweight[depth, 0]
        w1 = Sweight[depth, 1]
        start = Slist[depth, 0]
        stop = Slist[depth, 1]
        top = stop
        if top + (stop - start) > size:
            size = 2 * (top + (stop - start))
            rows2 = np.empty(size, np.int64)
            D2 = np.empty((size, h))
            rows2[:top] = rows[:top]
            D2[:top] = D[:top]
            rows = rows2
            D = D2
        slip = Sslip[depth]
        convex = 0
        worst_error = 0.0
        all_error = 0.0
        worst_row = -1
        cut = Scut[depth]
        cut_at = -1
        for s in range(start, stop):
            low = np.inf
            high = -np.inf
            plus = 0.0
            minus = 0.0
            for p in range(h):
                d = w0 * D[s, i0] + w1 * D[s, i1] if p == new else D[s, p]
                D[top, p] = d
                low = min(low, d)
                high = max(high, d)
                if d > 0.0:
                    plus += d
                else:
                    minus -= d
            j = rows[s]
            c = a[j]
            # a row within _ZERO of deciding is decided; if it is convex, what that may hide is added to the bound
            if high <= _ZERO:
                if plus > 0.0 and c > 0.0:
                    slip += c * plus
                continue
            if low >= -_ZERO:
                if minus > 0.0 and c > 0.0:
                    slip += c * minus
                for t in range(h):
                    g[t] += c * R[j, t]
                continue
            if c > 0.0:
                for p in range(h):
                    if D[top, p] > 0.0:
                        phi[p] += c * D[top, p]
                        value[p] += c * D[top, p]
                convex += 1
                error = c * plus * minus / (plus + minus)
                all_error += error
                if error > worst_error:
                    worst_error = error
                    worst_row = top
            else:
                share = plus / (plus + minus)
                theta[top - stop] = share
                for p in range(h):
                    phi[p] += share * c * D[top, p]
                    if D[top, p] > 0.0:
                        value[p] += c * D[top, p]
            rows[top] = j
            if j == cut:
                cut_at = top
            top += 1
        largest = 0.0
        for p in range(h):
            d = 0.0
            for t in range(h):
                d += g[t] * Q[p, t]
            phi[p] += d
            value[p] += d
            largest = max(largest, phi[p])
            if value[p] > best:
                best = value[p]
            if value[p] > wanted:
                slot = count % found.shape[0]
                found_value[slot] = value[p]
                for t in range(h):
                    found[slot, t] = Q[p, t]
                count += 1
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
            if upper > limit and top - stop > convex and (convex == 0 or norm + slip < _FAR * limit):
                # b lies above the rows at the vertices: moving theta moves it, then it is shortened again
                for _sweep in range(60):
                    before = norm
                    for s in range(stop, top):
                        c = a[rows[s]]
                        if c < 0.0:
                            j = rows[s]
                            d = 0.0
                            for t in range(h):
                                d += R[j, t] * b[t]
                            now = theta[s - stop]
                            moved = min(1.0, max(0.0, now - d / c))
                            if moved != now:
                                theta[s - stop] = moved
                                step = (moved - now) * c
                                for t in range(h):
                                    b[t] += step * R[j, t]
                                for p in range(h):
                                    phi[p] += step * D[s, p]
                    norm = least_majorant(Q, phi, limit - slip, b, x, E, T, z, trial, passive)
                    upper = min(upper, norm + slip)
                    if upper <= limit or before - norm < (0.5 if convex > 0 else 1e-4) * (norm + slip - limit):
                        break
            if upper > limit:
                # b = sum x_p q_p points to where the bound is attained: look there
                norm = 0.0
                for t in range(h):
                    norm += b[t] * b[t]
                norm = math.sqrt(norm)
                if norm > 0.0:
                    d = 0.0
                    for t in range(h):
                        d += g[t] * b[t]
                    for s in range(stop, top):
                        e = 0.0
                        for p in range(h):
                            e += x[p] * D[s, p]
                        d += a[rows[s]] * max(e, 0.0)
                    d /= norm
                    if d > best:
                        best = d
                        limit = max(floor, best) * (1.0 + slack)
                    if d > wanted:
                        slot = count % found.shape[0]
                        found_value[slot] = d
                        for t in range(h):
                            found[slot, t] = b[t] / norm
                        count += 1
        if upper <= limit:
            bound = max(bound, upper)
            continue
        # branch
        e0 = 0
        e1 = 1
        if cut_at >= 0:
            worst_row = cut_at
        elif convex == 0:  # the bound has not converged: cut at the concave row that is least decided
            for s in range(stop, top):
                plus = 0.0
                minus = 0.0
                for p in range(h):
                    if D[s, p] > 0.0:
                        plus += D[s, p]
                    else:
                        minus -= D[s, p]
                error = -a[rows[s]] * plus * minus / (plus + minus)
                if error > worst_error:
                    worst_error = error
                    worst_row = s
        cut = -1
        if worst_row >= 0 and (cut_at >= 0 or convex <= h or worst_error > 0.5 * all_error):
            cut = rows[worst_row]
            # cut where the worst row changes sign, on the edge where it does so most evenly
            balance = -1.0
            for p in range(h):
                if D[worst_row, p] > 0.0:
                    for q in range(h):
                        if D[worst_row, q] < 0.0:
                            even = min(D[worst_row, p], -D[worst_row, q])
                            if even > balance:
                                balance = even
                                e0 = p
                                e1 = q
            w0 = -D[worst_row, e1]
            w1 = D[worst_row, e0]
        else:
            # in the middle of the edge along which the rows bend most
            for p in range(h):
                for q in range(h):
                    bend[p, q] = 0.0
            for s in range(stop, top):
                c = abs(a[rows[s]])
                for p in range(h):
                    d = D[s, p]
                    if d > 0.0:
                        for q in range(h):
                            bend[p, q] += c * min(d, max(-D[s, q], 0.0))
            most = -1.0
            for p in range(h):
                for q in range(p):
                    d = bend[p, q] + bend[q, p]
                    if d > most:
                        most = d
                        e0 = p
                        e1 = q
            d = 0.0
            for t in range(h):
                d += Q[e0, t] * Q[e1, t]
            if d > 1.0 - 1e-15:  # the cone is a point to rounding
                bound = max(bound, upper)
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
            Sbound[depth] = upper
            Sslip[depth] = slip
            Scut[depth] = cut
            Slist[depth, 0] = stop
            Slist[depth, 1] = top
            Sedge[depth, 0] = new
            Sedge[depth, 1] = e0
            Sedge[depth, 2] = e1
            Sweight[depth, 0] = w0
            Sweight[depth, 1] = w1
            depth += 1
    return bound, best, count, nodes
