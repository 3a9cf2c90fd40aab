r"""Kernels: a proof that :math:`f(u) = b^T u + \sum_i a_i (x_i^T u)_+ - \sum_j c_j (y_j^T u)_+` is at most a target.

With :math:`a, c > 0` only the convex rows :math:`x_i` are branched on: a node is the signs of some of them, a
polyhedral cone. On it a linear function plus a constant lies above f:

* *Transport.* For a plan :math:`\pi \ge 0` with :math:`\sum_i \pi_{ij} \le c_j` the positive part is subadditive,
  :math:`a_i (x_i^T u)_+ \le \sum_j \pi_{ij} (y_j^T u)_+ + (r_i^T u)_+`, with the residual
  :math:`r_i = a_i x_i - \sum_j \pi_{ij} y_j`. A convex row is paid with concave rows nearby, and what is left is short:
  at an optimum the sum of all :math:`a_i` is 10 to 200 times beta, that of the residuals 1 to 8 times.
* *Chord.* Where :math:`-L \le r^T u \le U` on the node, :math:`(r^T u)_+ \le U (r^T u + L) / (U + L)`. An undecided
  row takes its residual or itself, whichever is lower at the last direction.
* *Ranges.* :math:`U = \|r + \sum_k \lambda_k n_k\|` for any :math:`\lambda \ge 0` and the normals of the node;
  Hildreth's sweeps over :math:`\lambda`, the newest normal first, go on from those of the parent.
* *Concave rows* lie below :math:`-c_j \theta_j y_j^T u` for any :math:`\theta \in [0, 1]`.
* *Cap.* Only u with f(u) above the target matter. They have :math:`b^T u \ge` target - constant, a cap of the sphere,
  which shortens every range; that is repeated while it pays (optimisation-based bound tightening).

So a finished proof says that f is at most the target, and nothing less. What is left is a linear function: its maximum
over the node and the ball is at most :math:`\|b + \sum_k \lambda_k n_k\|`, improved by coordinate descent over
:math:`\lambda` and :math:`\theta`; every iterate is sound. Without undecided rows it converges to the maximum itself.

Bounds contain their rounding errors. Every node computes its residuals, ranges and the final linear function from the
plan and the multipliers, so that nothing accumulates on the way. A sum of n terms is off by n u times the sum of their
sizes (Higham 2002, section 4.2), u the unit roundoff; these sizes are added up, and their share is added to U, L and to
the bound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import NONE, ZERO, njit
from ...numerics.rounding import UNIT_ROUNDOFF

__all__ = ["prove_below", "transport_plan"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

# sweeps of Hildreth's method at a node, and at the first one, which knows no multipliers
_SWEEPS, _FIRST_SWEEPS = 2, 8
# times that a cap shortens the ranges
_CAPS = 4
# sweeps of coordinate descent on the linear function, and on one without undecided rows
_DESCENTS, _LEAF_DESCENTS = 30, 3000
# share of the plain error of a row that counts for branching: deciding it also frees its partners
_PLAIN = 0.3
# moves of a plan below this share of the partner's weight are none
_MOVED = 1e-9


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _dot(x: _Array, y: _Array) -> float:
    """Scalar product."""
    total = 0.0
    for t in range(len(x)):
        total += x[t] * y[t]
    return total


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _shorten(
    normals: _Array, count: int, w: _Array, multipliers: _Array, sweeps: int
) -> float:  # fmt: skip
    """Sweeps that shorten ``w + sum_k multipliers[k] normals[k]``; answers the sizes of all terms that were added."""
    size = 0.0
    for _sweep in range(sweeps):
        moved = 0.0
        for back in range(count):
            k = count - 1 - back
            normal = normals[k]
            d = 0.0
            for t in range(len(w)):
                d += normal[t] * w[t]
            old = multipliers[k]
            new = old - d if old > d else 0.0
            if new != old:
                step = new - old
                multipliers[k] = new
                for t in range(len(w)):
                    w[t] += step * normal[t]
                moved += abs(step)
        size += moved
        if moved < 1e-3 * math.sqrt(_dot(w, w)):
            break
    return size


@njit(borrowing=True, inner=True)
def _reach(x: _Array, centre: _Array, cosine: float, sine: float, error: float) -> float:
    """Bound on x . u over the cap of the ball around the unit vector `centre` that `cosine` and `sine` describe."""
    along = 0.0
    length = 0.0
    for t in range(len(x)):
        along += x[t] * centre[t]
        length += x[t] * x[t]
    length = math.sqrt(length)
    if along >= length * cosine:
        return length + error
    aside = 0.0
    for t in range(len(x)):
        d = x[t] - along * centre[t]
        aside += d * d
    return along * cosine + math.sqrt(aside) * sine + error


@njit(borrowing=True, fastmath={"reassoc", "contract"})
def transport_plan(
    X: _Array, a: _Array, Y: _Array, c: _Array, partner: _Index, plan: _Array, start: _Index, entry: _Index,
    gain: float, rounds: int, moved: _Array, before: _Array, r: _Array,
) -> None:  # fmt: skip
    r"""Lower ``sum_i ||a_i x_i - sum_j plan_ij y_j||`` by accelerated projected gradients of its smoothed form.

    Parameters
    ----------
    X, a, Y, c
        Unit convex rows (m, h) with their weights (m,), unit concave rows (q, h) with theirs (q,).
    partner : (m, K)
        Concave rows that may pay for each convex row, -1 behind the last.
    plan : (m, K)
        What they pay: to begin with, and improved in place. Columns sum to at most c.
    start, entry : (q + 1,), (E,)
        Positions in the flat plan of what each concave row pays.
    gain : float
        Largest eigenvalue of ``Y.T Y``.
    rounds : int
        Steps for each of three levels of smoothing.
    moved, before, r : (m, K), (m, K), (h,)
        Work arrays.
    """
    m, h = X.shape
    K = partner.shape[1]
    typical = 0.0
    for i in range(m):
        typical += a[i]
    typical /= max(m, 1)
    for level in (0.3, 0.05, 0.01):
        width = level * typical
        for i in range(m):
            for k in range(K):
                moved[i, k] = plan[i, k]
        pace = 1.0
        for _round in range(rounds):
            for i in range(m):
                for t in range(h):
                    r[t] = a[i] * X[i, t]
                for k in range(K):
                    j = partner[i, k]
                    before[i, k] = plan[i, k]
                    if j >= 0:
                        for t in range(h):
                            r[t] -= moved[i, k] * Y[j, t]
                step = width / (gain * math.sqrt(_dot(r, r) + width * width))
                for k in range(K):
                    j = partner[i, k]
                    if j >= 0:
                        plan[i, k] = moved[i, k] + step * _dot(r, Y[j])
            # the projection of each column on {p >= 0, sum p <= c}, by Michelot's method
            for j in range(len(c)):
                level_of = 0.0
                active = start[j + 1] - start[j]
                while active > 0:
                    total = 0.0
                    count = ZERO
                    for s in range(start[j], start[j + 1]):
                        if plan[entry[s] // K, entry[s] % K] > level_of:
                            total += plan[entry[s] // K, entry[s] % K]
                            count += 1
                    if count == 0 or (level_of == 0.0 and total <= c[j]):
                        break
                    raised = (total - c[j]) / count
                    if count == active and level_of > 0.0 and raised <= level_of:
                        break
                    if raised <= level_of:
                        break
                    level_of = raised
                    active = count
                for s in range(start[j], start[j + 1]):
                    d = plan[entry[s] // K, entry[s] % K] - level_of
                    plan[entry[s] // K, entry[s] % K] = d if d > 0.0 else 0.0
            new = 0.5 * (1.0 + math.sqrt(1.0 + 4.0 * pace * pace))
            for i in range(m):
                for k in range(K):
                    moved[i, k] = plan[i, k] + (pace - 1.0) / new * (plan[i, k] - before[i, k])
            pace = new


@njit()
def prove_below(
    X: _Array, a: _Array, Y: _Array, c: _Array, linear: _Array, half: _Array, partner: _Index, plan: _Array,
    given: _Index, target: float, max_nodes: int, capacity: int, found: _Array, found_value: _Array, wanted: float,
    left: _Index, left_bound: _Array, halt: NDArray[np.bool_],
) -> tuple[float, float, int, int, int]:  # fmt: skip
    """Prove that f is at most `target` on the unit ball where `half` and the `given` signs hold.

    Parameters
    ----------
    X, a, Y, c, linear
        Unit convex rows (m, h) with weights (m,), unit concave rows (q, h) with weights (q,), linear part (h,).
    half : (k, h)
        Unit normals of half spaces.
    partner, plan : (m, K)
        As in :func:`transport_plan`; at most one entry for each partner.
    given : (g, 2)
        Convex rows whose sign is given, and the sign, 1 or -1.
    target : float
        What is to be proved.
    max_nodes, capacity : int
        Nodes examined at most, and signs on top of each other at most.
    found, found_value : (some, h), (some,)
        Filled with directions of values above `wanted`; a full one takes larger values in place of smaller ones.
    wanted : float
        See `found`.
    left, left_bound : (some, capacity, 2), (some,)
        Filled with the signs of nodes that were left open, ended by a row -1, and their bounds.
    halt : (1,)
        Another thread may set it: no node but the first is examined from then on.

    Returns
    -------
    bound : float
        A bound on f there but in the nodes that `left` names, at least `target`: equal to it if that is proved.
        Without a meaning if best > target.
    best : float
        Largest value found, 0 if none is positive. The search ends when it is above the target.
    count, nodes, open : int
        Directions found, nodes examined, nodes left open; those that `left` has no place for count in the bound.
    """
    m, h = X.shape
    q = len(c)
    K = partner.shape[1]
    fixed = len(half)
    first = len(given)
    widest = fixed + capacity
    # two dimensions each: numba takes twice as long to compile views of more
    rows = np.empty((2 * m, h))  # a x, and from m on the residuals
    PI = np.empty(((capacity + 1) * m, K))
    # ranges: for each row the upper end of a x, the lower one, and those of the residual
    LAM = np.empty(((capacity + 1) * m * 4, widest))
    END = np.empty((capacity + 1, 4 * m))
    STATE = np.empty((capacity + 1, m), np.int8)
    THETA = np.empty((capacity + 1, q))
    CELL = np.empty((capacity + 1, widest))
    SUM = np.empty((capacity + 1, h))
    BEST = np.empty((capacity + 1, h))
    CENTRE = np.empty((capacity + 1, h))
    COSINE = np.empty(capacity + 1)
    BOUND = np.empty(capacity + 1)
    ROW = np.empty(capacity + 1, np.int64)
    SIGN = np.empty(capacity + 1)
    PHASE = np.empty(capacity + 1, np.int64)
    path = np.empty((capacity + 1, 2), np.int64)
    normals = np.empty((widest, h))
    W = np.empty((4 * m, h))
    size = np.empty(4 * m)
    free = np.empty(q)
    rest = np.empty(q)
    slope = np.empty(m)
    used = np.empty(m, np.int64)
    open_rows = np.empty(m, np.int64)
    gap = np.empty(q)
    b = np.empty(h)
    u = np.empty(h)

    grain = 0.0
    for t in range(h):
        grain += abs(linear[t])
    for i in range(m):
        grain += a[i]
    for j in range(q):
        grain += c[j]
    for k in range(fixed):
        for t in range(h):
            normals[k, t] = half[k, t]
    for t in range(h):
        SUM[0, t] = linear[t]
        BEST[0, t] = 0.0
        CENTRE[0, t] = 0.0
    for i in range(m):
        STATE[0, i] = 0
        for side in range(2):
            for kind in range(2):
                END[0, 4 * i + 2 * kind + side] = np.inf
                for k in range(widest):
                    LAM[4 * i + 2 * kind + side, k] = 0.0
        for k in range(K):
            PI[0 * m + i, k] = plan[i, k]
        for t in range(h):
            rows[i, t] = a[i] * X[i, t]
    for g in range(first):
        i = given[g, 0]
        STATE[0, i] = given[g, 1]
        for t in range(h):
            normals[fixed + g, t] = given[g, 1] * X[i, t]
            if given[g, 1] > 0:
                SUM[0, t] += rows[i, t]
        path[g, 0] = i
        path[g, 1] = given[g, 1]
    for j in range(q):
        THETA[0, j] = 0.5
    for k in range(widest):
        CELL[0, k] = 0.0
    COSINE[0] = 0.0
    BOUND[0] = np.inf

    bound = target
    best = 0.0
    count = ZERO
    nodes = ZERO
    opened = ZERO
    depth = ZERO
    fresh = True
    while depth >= 0:
        d = depth
        held = fixed + first + d
        if fresh:
            nodes += 1
            # (1) who is undecided, what the plan leaves of the concave rows; decided rows and partners pay nothing
            for j in range(q):
                free[j] = c[j]
            some = ZERO
            for i in range(m):
                if STATE[d, i] != 0:
                    continue
                open_rows[some] = i
                some += 1
                for k in range(K):
                    if partner[i, k] >= 0:
                        free[partner[i, k]] -= PI[d * m + i, k]
            for j in range(q):
                free[j] = max(free[j], 0.0)
            # (2) ranges: W = +-row + sum of multipliers and normals, made anew and shortened
            sweeps = _FIRST_SWEEPS if d == 0 else _SWEEPS
            for o in range(some):
                i = open_rows[o]
                paid = 0.0
                for t in range(h):
                    rows[m + i, t] = rows[i, t]
                for k in range(K):
                    j = partner[i, k]
                    p = PI[d * m + i, k]
                    if j >= 0 and p > 0.0:
                        paid += p
                        for t in range(h):
                            rows[m + i, t] -= p * Y[j, t]
                for kind in range(2):
                    for side in range(2):
                        w = W[4 * i + 2 * kind + side]
                        sign = 1.0 if side == 0 else -1.0
                        for t in range(h):
                            w[t] = sign * rows[kind * m + i, t]
                        total = a[i] + (paid if kind == 1 else 0.0)
                        multipliers = LAM[(d * m + i) * 4 + 2 * kind + side]
                        for k in range(held):
                            if multipliers[k] > 0.0:
                                total += multipliers[k]
                                for t in range(h):
                                    w[t] += multipliers[k] * normals[k, t]
                        size[4 * i + 2 * kind + side] = total + _shorten(normals, held, w, multipliers, sweeps)
            # (3) the plan of every undecided row: a step on U L / (U + L), and on the slope at the last direction
            norm = math.sqrt(_dot(BEST[d], BEST[d])) + 1e-300
            for j in range(q):
                gap[j] = _dot(Y[j], BEST[d]) / norm
            for o in range(some):
                i = open_rows[o]
                up = W[4 * i + 2]
                low = W[4 * i + 3]
                uu = _dot(up, up)
                ll = _dot(low, low)
                changed = False
                for k in range(K):
                    j = partner[i, k]
                    if j < 0:
                        break
                    p = PI[d * m + i, k]
                    if uu < 1e-16 * a[i] * a[i] or ll < 1e-16 * a[i] * a[i]:
                        break
                    if p <= 0.0 and free[j] <= 0.0:
                        continue
                    x = math.sqrt(uu)
                    y = math.sqrt(ll)
                    over = _dot(Y[j], up)
                    under = _dot(Y[j], low)
                    steep_up = (y / (x + y)) ** 2 / x
                    steep_low = (x / (x + y)) ** 2 / y
                    tilt = -x / (x + y) * gap[j] + (gap[j] if gap[j] > 0.0 else 0.0)
                    step = (steep_up * over - steep_low * under - tilt) / (steep_up + steep_low)
                    step = min(max(step, -p), free[j])
                    if abs(step) > _MOVED * c[j]:
                        changed = True
                        PI[d * m + i, k] = max(p + step, 0.0)
                        free[j] = max(free[j] - step, 0.0)
                        for t in range(h):
                            e = step * Y[j, t]
                            up[t] -= e
                            low[t] += e
                            rows[m + i, t] -= e
                        size[4 * i + 2] += abs(step)
                        size[4 * i + 3] += abs(step)
                        uu = max(uu - 2.0 * step * over + step * step, 0.0)
                        ll = max(ll + 2.0 * step * under + step * step, 0.0)
                if changed:
                    END[d, 4 * i + 2] = np.inf
                    END[d, 4 * i + 3] = np.inf
            # terms that a vector W is the sum of, each rounded up to three times
            terms = 4.0 * (K + 2.0 * h + 3.0 * (1 + sweeps) * (held + 1)) + 32.0
            cosine = COSINE[d]
            sine = math.sqrt((1.0 - cosine) * (1.0 + cosine) + 16.0 * UNIT_ROUNDOFF)
            for o in range(some):
                i = open_rows[o]
                for kind in range(2):
                    for side in range(2):
                        w = W[4 * i + 2 * kind + side]
                        error = terms * UNIT_ROUNDOFF * size[4 * i + 2 * kind + side]
                        if cosine > 0.0:
                            reach = _reach(w, CENTRE[d], cosine, sine, error)
                        else:
                            reach = math.sqrt(_dot(w, w)) + error
                        END[d, 4 * i + 2 * kind + side] = min(END[d, 4 * i + 2 * kind + side], reach)
                if END[d, 4 * i] <= 0.0:
                    STATE[d, i] = -1
                elif END[d, 4 * i + 1] <= 0.0:
                    STATE[d, i] = 1
                    for t in range(h):
                        SUM[d, t] += rows[i, t]
            # (4) constant and linear function above f; its cap shortens the ranges
            upper = np.inf
            closed = False
            earlier = np.inf
            enough = False
            for _cap in range(_CAPS + 2):
                constant = 0.0
                for t in range(h):
                    b[t] = SUM[d, t]
                for j in range(q):
                    rest[j] = c[j]
                norm = math.sqrt(_dot(BEST[d], BEST[d])) + 1e-300
                for j in range(q):
                    gap[j] = _dot(Y[j], BEST[d]) / norm
                left_rows = ZERO
                for o in range(some):
                    left_rows += STATE[d, open_rows[o]] == 0
                if left_rows > 0 and (enough or _cap >= _CAPS):
                    break
                for o in range(some):
                    i = open_rows[o]
                    if STATE[d, i] != 0:
                        continue
                    x = END[d, 4 * i]
                    y = END[d, 4 * i + 1]
                    plain = x * (_dot(rows[i], BEST[d]) / norm + y) / (x + y)
                    x1 = END[d, 4 * i + 2]
                    y1 = END[d, 4 * i + 3]
                    short = _dot(rows[m + i], BEST[d]) / norm
                    paired = 0.0 if x1 <= 0.0 else short if y1 <= 0.0 else x1 * (short + y1) / (x1 + y1)
                    for k in range(K):
                        j = partner[i, k]
                        if j >= 0 and gap[j] > 0.0:
                            plain -= PI[d * m + i, k] * gap[j]
                    kind = 1 if paired < plain else 0
                    used[i] = kind
                    if kind == 1:
                        x = x1
                        y = y1
                        for k in range(K):
                            j = partner[i, k]
                            if j >= 0:
                                rest[j] -= PI[d * m + i, k]
                    if x <= 0.0:
                        slope[i] = 0.0
                    elif y <= 0.0:
                        slope[i] = 1.0
                    else:
                        slope[i] = x / (x + y)
                        constant += x * y / (x + y)
                    for t in range(h):
                        b[t] += slope[i] * rows[kind * m + i, t]
                for j in range(q):
                    rest[j] = max(rest[j], 0.0)
                    e = rest[j] * THETA[d, j]
                    for t in range(h):
                        b[t] -= e * Y[j, t]
                for k in range(held):
                    for t in range(h):
                        b[t] += CELL[d, k] * normals[k, t]
                norm = math.sqrt(_dot(b, b))
                for _sweep in range(_DESCENTS if left_rows > 0 else _LEAF_DESCENTS):
                    for j in range(q):
                        if rest[j] <= 1e-12 * c[j]:
                            continue
                        e = _dot(Y[j], b)
                        old = THETA[d, j]
                        new = min(1.0, max(0.0, old + e / rest[j]))
                        if new != old:
                            THETA[d, j] = new
                            e = (new - old) * rest[j]
                            for t in range(h):
                                b[t] -= e * Y[j, t]
                    for k in range(held):
                        e = _dot(normals[k], b)
                        old = CELL[d, k]
                        new = max(0.0, old - e)
                        if new != old:
                            CELL[d, k] = new
                            for t in range(h):
                                b[t] += (new - old) * normals[k, t]
                    before = norm
                    norm = math.sqrt(_dot(b, b))
                    if norm + constant <= target * (1.0 - 1e-12):
                        break
                    if before - norm < (0.1 if left_rows > 0 else 1e-9) * (norm + constant - target):
                        break
                # the bound, of what theta and the multipliers say
                total = grain + constant
                for t in range(h):
                    b[t] = SUM[d, t]
                for o in range(some):
                    i = open_rows[o]
                    if STATE[d, i] == 0:
                        for t in range(h):
                            b[t] += slope[i] * rows[used[i] * m + i, t]
                for j in range(q):
                    e = rest[j] * THETA[d, j]
                    for t in range(h):
                        b[t] -= e * Y[j, t]
                for k in range(held):
                    total += CELL[d, k]
                    for t in range(h):
                        b[t] += CELL[d, k] * normals[k, t]
                norm = math.sqrt(_dot(b, b))
                rough = (4.0 * (m + q + held + K + 2 * h) + 64.0) * UNIT_ROUNDOFF * total
                upper = min(upper, norm + constant + rough)
                for t in range(h):
                    BEST[d, t] = b[t]
                if upper <= target:
                    closed = True
                    break
                level = target - constant - rough
                if left_rows == 0 or level <= 0.0 or norm <= level:
                    break
                # a cap may decide the last rows: then the linear function is looked at once more
                enough = _cap > 0 and earlier - constant < 0.02 * (upper - target)
                earlier = constant
                cosine = level / norm - 4.0 * UNIT_ROUNDOFF
                sine = math.sqrt((1.0 - cosine) * (1.0 + cosine) + 16.0 * UNIT_ROUNDOFF)
                for t in range(h):
                    u[t] = b[t] / norm
                if cosine > COSINE[d]:
                    COSINE[d] = cosine
                    for t in range(h):
                        CENTRE[d, t] = u[t]
                for o in range(some):
                    i = open_rows[o]
                    if STATE[d, i] != 0:
                        continue
                    for kind in range(2):
                        for side in range(2):
                            error = terms * UNIT_ROUNDOFF * size[4 * i + 2 * kind + side]
                            reach = _reach(W[4 * i + 2 * kind + side], u, cosine, sine, error)
                            END[d, 4 * i + 2 * kind + side] = min(END[d, 4 * i + 2 * kind + side], reach)
                            # the row itself, without the node
                            along = _dot(rows[kind * m + i], u)
                            length = math.sqrt(_dot(rows[kind * m + i], rows[kind * m + i]))
                            if side == 1:
                                along = -along
                            if along < length * cosine:
                                aside = 0.0
                                for t in range(h):
                                    e = rows[kind * m + i, t] - (along if side == 0 else -along) * u[t]
                                    aside += e * e
                                reach = along * cosine + math.sqrt(aside) * sine + error
                                END[d, 4 * i + 2 * kind + side] = min(END[d, 4 * i + 2 * kind + side], reach)
                    if END[d, 4 * i] <= 0.0:
                        STATE[d, i] = -1
                    elif END[d, 4 * i + 1] <= 0.0:
                        STATE[d, i] = 1
                        for t in range(h):
                            SUM[d, t] += rows[i, t]
            upper = min(upper, BOUND[d])
            BOUND[d] = upper
            # (5) what is true where the bound is attained
            for t in range(h):
                b[t] = BEST[d, t]
            norm = math.sqrt(_dot(b, b))
            if norm > 0.0:
                value = _dot(linear, b)
                for i in range(m):
                    e = _dot(X[i], b)
                    value += a[i] * e if e > 0.0 else 0.0
                for j in range(q):
                    e = _dot(Y[j], b)
                    value -= c[j] * e if e > 0.0 else 0.0
                value /= norm
                best = max(best, value)
                if value > wanted:
                    slot = count % found.shape[0]
                    count += 1
                    if value > found_value[slot]:
                        found_value[slot] = value
                        for t in range(h):
                            found[slot, t] = b[t] / norm
            if best > target:
                break
            fresh = False
            if closed or upper <= target:
                depth -= 1
                continue
            # (6) the row to decide next
            most = -1.0
            row = NONE
            for o in range(some):
                i = open_rows[o]
                if STATE[d, i] != 0:
                    continue
                e = 0.0
                for kind in range(2):
                    if kind == 0 or used[i] == 1:
                        x = END[d, 4 * i + 2 * kind]
                        y = END[d, 4 * i + 2 * kind + 1]
                        share = 1.0 if kind == used[i] else 0.0
                        if kind == 0:
                            share += _PLAIN
                        e += share * x * y / (x + y) if x > 0.0 and y > 0.0 else 0.0
                if e > most:
                    most = e
                    row = i
            if row < 0:
                bound = max(bound, upper)
                depth -= 1
                continue
            if nodes >= max_nodes or first + d + 1 >= capacity or halt[0]:
                if opened < left.shape[0]:
                    left_bound[opened] = upper
                    for g in range(first + d):
                        left[opened, g, 0] = path[g, 0]
                        left[opened, g, 1] = path[g, 1]
                    left[opened, first + d, 0] = NONE
                else:
                    bound = max(bound, upper)
                opened += 1
                depth -= 1
                continue
            ROW[d] = row
            PHASE[d] = 0
            # the less promising sign first: what it proves is needed in any case
            SIGN[d] = -1.0 if _dot(X[row], b) > 0.0 else 1.0
        elif PHASE[d] == 2:
            depth -= 1
            continue
        # (7) the next child
        sign = SIGN[d] if PHASE[d] == 0 else -SIGN[d]
        PHASE[d] += 1
        row = ROW[d]
        n = d + 1
        path[first + d, 0] = row
        path[first + d, 1] = 1 if sign > 0.0 else -1
        for t in range(h):
            normals[held, t] = sign * X[row, t]
            SUM[n, t] = SUM[d, t] + (rows[row, t] if sign > 0.0 else 0.0)
            BEST[n, t] = BEST[d, t]
            CENTRE[n, t] = CENTRE[d, t]
        COSINE[n] = COSINE[d]
        BOUND[n] = BOUND[d]
        for i in range(m):
            STATE[n, i] = STATE[d, i]
            if STATE[d, i] != 0:
                continue
            for k in range(K):
                PI[n * m + i, k] = PI[d * m + i, k]
            for kind in range(2):
                for side in range(2):
                    END[n, 4 * i + 2 * kind + side] = END[d, 4 * i + 2 * kind + side]
                    for k in range(held):
                        LAM[(n * m + i) * 4 + 2 * kind + side, k] = LAM[(d * m + i) * 4 + 2 * kind + side, k]
                    LAM[(n * m + i) * 4 + 2 * kind + side, held] = 0.0
        STATE[n, row] = 1 if sign > 0.0 else -1
        for j in range(q):
            THETA[n, j] = THETA[d, j]
        for k in range(held):
            CELL[n, k] = CELL[d, k]
        CELL[n, held] = 0.0
        depth = n
        fresh = True
    return bound, best, count, nodes, opened
