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
from ...numerics.vectors import add, dot

__all__ = ["PAID", "prove_kernel"]

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
_FAST = {"reassoc", "contract"}
# where the sizes, the slope and the plan of a part begin; before them four ranges, behind them the multipliers
_SIZE, _SLOPE, PAID = 4, 8, 9


@njit(borrowing=True, fastmath=_FAST)
def prove_kernel(
    X: _Array, a: _Array, linear: _Array, partner: _Index, q: int, first: int, given: int, target: float, grain: float,
    max_nodes: int, found: _Array, found_value: _Array, wanted: float, left: _Index, left_bound: _Array,
    halt: NDArray[np.bool_], sides: _Array, weight: _Array, vectors: _Array, parts: _Array, lines: _Array,
    duals: _Array, state: NDArray[np.int8], path: _Index, free: _Array, scale: _Array, gap: _Array, b: _Array,
) -> tuple[float, float, int, int, int]:  # fmt: skip
    """The search of :func:`.row_signs.prove_below`, which makes the arrays; `first` sides hold, and `given` signs.

    sides (widest, h)
        What may be added to a linear function above f: minus the q concave rows, then the normals of the node.
    weight, scale (widest,)
        Weights of the concave rows and what a plan leaves of them; 1 for the normals.
    vectors (6 m, h)
        Of each convex row four vectors that give ranges: of the row, of minus it, of its residual and of minus that;
        then the row times its weight, and the residual.
    parts ((capacity + 1) m, ...)
        At each depth for each convex row the four ranges, the sizes of the terms of their vectors, its slope, what it
        pays its partners, and the multipliers of the four vectors, normal by normal.
    lines (3 (capacity + 1), h)
        At each depth the linear function of what is decided, the last direction, and the centre of the cap.
    duals (capacity + 1, 2 + widest)
        At each depth the cosine of the cap, the bound, and the multipliers of `sides`.
    state (capacity + 2, m)
        Signs at each depth, 0 for undecided rows. Last, which rows take their residuals.
    path (capacity + 1, 3)
        The row and the sign that lead to a node, and how many of its siblings and it were begun.
    free (q,), gap (q,), b (h,)
        What is left of the concave rows, their products with the last direction, a linear function.
    """
    m, K = partner.shape
    h = len(b)
    used = state[len(state) - 1]
    bound = target
    best = 0.0
    count = ZERO
    nodes = ZERO
    opened = ZERO
    depth = ZERO
    fresh = True
    while depth >= 0:
        d = depth
        held = first + given + d
        lam = PAID + K - 4 * q
        top = given + d
        dual = duals[d]
        fixed = lines[3 * d]
        u = lines[3 * d + 1]
        if fresh:
            nodes += 1
            # (1) ranges, and what the plan leaves: vectors are made anew from the multipliers, then shortened
            for j in range(q):
                free[j] = weight[j]
            sweeps = _FIRST_SWEEPS if d == 0 else _SWEEPS
            for i in range(m):
                if state[d, i] != 0:
                    continue
                own = parts[d * m + i]
                row = vectors[6 * i + 4]
                residual = vectors[6 * i + 5]
                for t in range(h):
                    residual[t] = row[t]
                paid = 0.0
                for k in range(K):
                    p = own[PAID + k]
                    if p > 0.0:
                        paid += p
                        free[partner[i, k]] -= p
                        add(residual, p, sides[partner[i, k]])
                for s in range(4):
                    w = vectors[6 * i + s]
                    source = vectors[6 * i + 4 + (s >> 1)]
                    sign = 1.0 - 2.0 * (s & 1)
                    for t in range(h):
                        w[t] = sign * source[t]
                    size = a[i] + (s >> 1) * paid
                    for k in range(q, held):
                        multiplier = own[lam + 4 * k + s]
                        if multiplier > 0.0:
                            size += multiplier
                            add(w, multiplier, sides[k])
                    for _sweep in range(sweeps):
                        moved = 0.0
                        for back in range(q, held):
                            k = held - 1 - back + q
                            place = lam + 4 * k + s
                            change = max(-own[place], -dot(sides[k], w))
                            if change != 0.0:
                                own[place] += change
                                add(w, change, sides[k])
                                moved += abs(change)
                        size += moved
                        if moved < 1e-3 * math.sqrt(dot(w, w)):
                            break
                    own[_SIZE + s] = size
            # terms that a vector is the sum of, each rounded up to three times
            terms = (4.0 * (K + 2.0 * h + 3.0 * (1 + sweeps) * (held - q + 1)) + 32.0) * UNIT_ROUNDOFF
            # (2) constant and linear function above f; its cap shortens the ranges
            upper = np.inf
            enough = False
            earlier = np.inf
            cosine = dual[0]
            for cap in range(_CAPS + 2):
                last = enough or cap >= _CAPS
                for j in range(q):
                    gap[j] = -dot(sides[j], u)
                    scale[j] = weight[j]
                    free[j] = max(free[j], 0.0)
                centre = lines[3 * d + (2 if cap == 0 else 1)]
                sine = math.sqrt((1.0 - cosine) * (1.0 + cosine) + 16.0 * UNIT_ROUNDOFF)
                constant = 0.0
                undecided = ZERO
                for i in range(m):
                    if state[d, i] != 0:
                        continue
                    own = parts[d * m + i]
                    row = vectors[6 * i + 4]
                    residual = vectors[6 * i + 5]
                    if cap == 0:
                        # its plan: a step on U L / (U + L), and on the slope at the last direction
                        up = vectors[6 * i + 2]
                        low = vectors[6 * i + 3]
                        uu = dot(up, up)
                        ll = dot(low, low)
                        for k in range(K):
                            j = partner[i, k]
                            if j < 0 or min(uu, ll) < 1e-16 * a[i] * a[i]:
                                break
                            p = own[PAID + k]
                            if p <= 0.0 and free[j] <= 0.0:
                                continue
                            x = math.sqrt(uu)
                            y = math.sqrt(ll)
                            share = x / (x + y)
                            over = dot(sides[j], up)
                            under = dot(sides[j], low)
                            steep_up = (1.0 - share) ** 2 / x
                            steep_low = share**2 / y
                            tilt = max(gap[j], 0.0) - share * gap[j]
                            step = (steep_low * under - steep_up * over - tilt) / (steep_up + steep_low)
                            step = min(max(step, -p), free[j])
                            if abs(step) > _MOVED * weight[j]:
                                own[2] = np.inf
                                own[3] = np.inf
                                own[PAID + k] = max(p + step, 0.0)
                                free[j] = max(free[j] - step, 0.0)
                                add(up, step, sides[j])
                                add(low, -step, sides[j])
                                add(residual, step, sides[j])
                                own[_SIZE + 2] += abs(step)
                                own[_SIZE + 3] += abs(step)
                                uu = max(uu + 2.0 * step * over + step * step, 0.0)
                                ll = max(ll - 2.0 * step * under + step * step, 0.0)
                    for s in range(4):
                        # over the cap, of the vector and of the row itself, without the node
                        for alone in range(1 if cap == 0 else 2):
                            vector = vectors[6 * i + (s if alone == 0 else 4 + (s >> 1))]
                            sign = 1.0 if alone == 0 else 1.0 - 2.0 * (s & 1)
                            along = sign * dot(vector, centre)
                            reach = math.sqrt(dot(vector, vector))
                            if along < reach * cosine:
                                aside = 0.0
                                for t in range(h):
                                    e = sign * vector[t] - along * centre[t]
                                    aside += e * e
                                reach = along * cosine + math.sqrt(aside) * sine
                            own[s] = min(own[s], reach + terms * own[_SIZE + s])
                    if own[0] <= 0.0:
                        state[d, i] = -1
                    elif own[1] <= 0.0:
                        state[d, i] = 1
                        add(fixed, 1.0, row)
                    else:
                        undecided += 1
                    if last or state[d, i] != 0:
                        continue
                    # the chord of the row or of its residual, whichever is lower at the last direction
                    plain = own[0] * (dot(row, u) + own[1]) / (own[0] + own[1])
                    short = dot(residual, u)
                    x = max(own[2], 0.0)
                    paired = short if own[3] <= 0.0 < x else x * (short + own[3]) / (x + abs(own[3]) + 1e-300)
                    for k in range(K):
                        if own[PAID + k] > 0.0:
                            plain -= own[PAID + k] * max(gap[partner[i, k]], 0.0)
                    kind = ZERO
                    if paired < plain:
                        kind = ZERO + 1
                        for k in range(K):
                            if own[PAID + k] > 0.0:
                                scale[partner[i, k]] -= own[PAID + k]
                    x = max(own[2 * kind], 0.0)
                    y = max(own[2 * kind + 1], 0.0)
                    used[i] = kind
                    own[_SLOPE] = x / (x + y) if x > 0.0 else 0.0
                    constant += own[_SLOPE] * y
                if last and undecided > 0:
                    break
                # its length is lowered over the multipliers, then computed of what they say
                for final in range(2):
                    total = grain + constant
                    for t in range(h):
                        b[t] = fixed[t]
                    for i in range(m):
                        if state[d, i] == 0:
                            add(b, parts[d * m + i, _SLOPE], vectors[6 * i + 4 + used[i]])
                    for k in range(held):
                        share = dual[2 + k] * max(scale[k], 0.0)
                        total += share
                        add(b, share, sides[k])
                    norm = math.sqrt(dot(b, b))
                    if final:
                        break
                    for _sweep in range(_DESCENTS if undecided > 0 else _LEAF_DESCENTS):
                        for k in range(held):
                            if scale[k] > 1e-12 * weight[k]:
                                old = dual[2 + k]
                                new = max(0.0, old - dot(sides[k], b) / scale[k])
                                if k < q and new > 1.0:
                                    new = 1.0
                                if new != old:
                                    dual[2 + k] = new
                                    add(b, (new - old) * scale[k], sides[k])
                        before = norm
                        norm = math.sqrt(dot(b, b))
                        if norm + constant <= target * (1.0 - 1e-12):
                            break
                        if before - norm < (0.1 if undecided > 0 else 1e-9) * (norm + constant - target):
                            break
                rough = (4.0 * (m + held + K + 2 * h) + 64.0) * UNIT_ROUNDOFF * total
                upper = min(upper, norm + constant + rough)
                for t in range(h):
                    u[t] = b[t] / norm if norm > 0.0 else 0.0
                level = target - constant - rough
                if upper <= target or undecided == 0 or level <= 0.0 or norm <= level:
                    break
                # a cap may decide the last rows: then the linear function is looked at once more
                enough = cap > 0 and earlier - constant < 0.02 * (upper - target)
                earlier = constant
                cosine = level / norm - 4.0 * UNIT_ROUNDOFF
                if cosine > dual[0]:
                    dual[0] = cosine
                    for t in range(h):
                        lines[3 * d + 2, t] = u[t]
            upper = min(upper, dual[1])
            dual[1] = upper
            # (3) what is true where the bound is attained
            value = dot(linear, u)
            for i in range(m):
                value += max(dot(vectors[6 * i + 4], u), 0.0)
            for j in range(q):
                value += weight[j] * min(dot(sides[j], u), 0.0)
            best = max(best, value)
            if value > wanted:
                slot = count % found.shape[0]
                count += 1
                if value > found_value[slot]:
                    found_value[slot] = value
                    for t in range(h):
                        found[slot, t] = u[t]
            if best > target:
                break
            fresh = False
            if upper <= target:
                depth -= 1
                continue
            # (4) the row to decide next
            most = -1.0
            chosen = NONE
            for i in range(m):
                if state[d, i] != 0:
                    continue
                own = parts[d * m + i]
                e = 0.0
                for kind in range(used[i] + 1):
                    x = max(own[2 * kind], 0.0)
                    y = max(own[2 * kind + 1], 0.0)
                    share = (kind == used[i]) + _PLAIN * (kind == 0)
                    e += share * x * y / (x + y + 1e-300)
                if e > most:
                    most = e
                    chosen = i
            if chosen < 0:
                bound = max(bound, upper)
                depth -= 1
                continue
            if nodes >= max_nodes or top + 1 >= len(duals) - 1 or halt[0]:
                if opened < left.shape[0]:
                    left_bound[opened] = upper
                    for g in range(top):
                        left[opened, g, 0] = path[g, 0]
                        left[opened, g, 1] = path[g, 1]
                    left[opened, top, 0] = NONE
                else:
                    bound = max(bound, upper)
                opened += 1
                depth -= 1
                continue
            path[top, 0] = chosen
            # the less promising sign first: what it proves is needed in any case
            path[top, 1] = -1 if dot(X[chosen], u) > 0.0 else 1
            path[top, 2] = 0
        elif path[top, 2] == 2:
            depth -= 1
            continue
        else:
            path[top, 1] = -path[top, 1]
        # (5) the next child
        path[top, 2] += 1
        chosen = path[top, 0]
        depth += 1
        for i in range(m):
            state[depth, i] = state[d, i]
            if state[d, i] == 0:
                for s in range(lam + 4 * held):
                    parts[depth * m + i, s] = parts[d * m + i, s]
                for s in range(4):
                    parts[depth * m + i, lam + 4 * held + s] = 0.0
        state[depth, chosen] = path[top, 1]
        for s in range(2 + held):
            duals[depth, s] = dual[s]
        duals[depth, 2 + held] = 0.0
        for t in range(h):
            sides[held, t] = path[top, 1] * X[chosen, t]
            lines[3 * depth, t] = fixed[t] + (vectors[6 * chosen + 4, t] if path[top, 1] > 0 else 0.0)
            lines[3 * depth + 1, t] = u[t]
            lines[3 * depth + 2, t] = lines[3 * d + 2, t]
        fresh = True
    return bound, best, count, nodes, opened
