"""Exact arithmetic for networks with filters of two entries: prices, dual values and objectives as fractions."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cmp_to_key

import numpy as np

from convex_core import Network, Problem

ZERO, HALF = Fraction(0), Fraction(1, 2)
# of logarithms: enough for 1 - s with s as small as doubles are
DIGITS = 800


def fractions(array):
    """The doubles of an array as fractions, in lists of its shape."""
    return [fractions(part) if np.ndim(part) else Fraction(float(part)) for part in array]


def _cross(a, b):
    return a[0] * b[1] - a[1] * b[0]


def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1]


def _around(rays):
    """Rays in the plane by their angle."""

    def compare(a, b):
        half_a, half_b = (a[1] < 0 or (a[1] == 0 and a[0] < 0)), (b[1] < 0 or (b[1] == 0 and b[0] < 0))
        if half_a != half_b:
            return 1 if half_a else -1
        turn = _cross(a, b)
        return -1 if turn > 0 else 1 if turn < 0 else 0

    ordered = []
    for ray in sorted(rays, key=cmp_to_key(compare)):
        if not ordered or compare(ordered[-1], ray) != 0:
            ordered.append(ray)
    return ordered


def squared_price(coefficients, rows):
    """Square of the largest ``|sum_i c_i (x_i . u)_+|`` over the unit disc, for rows x_i in the plane."""
    live = [(c, x) for c, x in zip(coefficients, rows, strict=True) if any(x)]
    rays = _around([r for _, x in live for r in ((-x[1], x[0]), (x[1], -x[0]))])
    best = ZERO
    for ray, after in zip(rays, rays[1:] + rays[:1], strict=True):
        value = sum(c * max(_dot(x, ray), ZERO) for c, x in live)
        best = max(best, value * value / _dot(ray, ray))
        straight = _cross(ray, after) == 0  # a half plane
        middle = (-ray[1], ray[0]) if straight else (ray[0] + after[0], ray[1] + after[1])
        if not straight:  # as long as each other, so that the sum is between them whatever their lengths
            assert _cross(ray, middle) > 0
        passing = [(c, x) for c, x in live if _dot(x, middle) > 0]
        g = [sum((c * x[t] for c, x in passing), ZERO) for t in range(2)]
        for sign in (1, -1):
            s = [sign * part for part in g]
            inside = _dot(s, middle) >= 0 if straight else _cross(ray, s) >= 0 and _cross(s, after) >= 0
            if inside:
                best = max(best, _dot(s, s))
    return best


def squared_tau(problem: Problem, v):
    """Square of the correlation of the doubles `v` with the atoms of a two-layer network, sum pooling, q outputs."""
    K, n, h = problem.patches.shape
    assert h == 2
    rows = fractions(problem.patches.reshape(K * n, h))
    q = problem.size // n
    return max(squared_price(fractions(np.tile(np.asarray(v)[o::q], K)), rows) for o in range(q))


def _decimal(x: Fraction) -> Decimal:
    return Decimal(x.numerator) / Decimal(x.denominator)


def _entropy(s: Fraction) -> Decimal:
    return -_decimal(s) * _decimal(s).ln() if s > 0 else Decimal(0)


def _log1p_exp(x: Decimal) -> Decimal:
    return max(x, Decimal(0)) + (1 + (-abs(x)).exp()).ln()


def dual_value(problem: Problem, v):
    """Exact dual value of the doubles `v`; minus infinity outside of the domain."""
    v, y, name = fractions(v), fractions(problem.y), problem.loss.name
    if name == "squared":
        return sum(a * b - HALF * a * a for a, b in zip(v, y, strict=True))
    if name in ("absolute", "huber"):
        limit = Fraction(1) if name == "absolute" else Fraction(problem.loss.delta)
        if any(abs(a) > limit for a in v):
            return Fraction(-(10**9))
        return sum(a * b - (HALF * a * a if name == "huber" else 0) for a, b in zip(v, y, strict=True))
    s = [a * b for a, b in zip(v, y, strict=True)]
    if name in ("hinge", "logistic") and any(not 0 <= p <= 1 for p in s):
        return Fraction(-(10**9))
    if name == "hinge":
        return sum(s)
    with localcontext() as context:
        context.prec = DIGITS
        if name == "logistic":
            return Fraction(sum((_entropy(p) + _entropy(1 - p) for p in s), Decimal(0)))
        q = problem.size // problem.n
        P = [b - a for a, b in zip(v, y, strict=True)]
        if min(P) < 0 or any(sum(P[i : i + q]) != 1 for i in range(0, len(P), q)):
            return Fraction(-(10**9))
        return Fraction(sum((_entropy(p) for p in P), Decimal(0)))


def objective(problem: Problem, network: Network, beta=None):
    """Exact objective of the doubles of a two-layer network with sum pooling."""
    patches, U, W = (fractions(a) for a in (problem.patches, network.filters, network.weights))
    n, q = problem.n, problem.size // problem.n
    f = [ZERO] * problem.size
    cost = ZERO
    for u, w in zip(U, W, strict=True):
        w = w if isinstance(w, list) else [w]
        cost += HALF * (_dot(u, u) + sum(map(abs, w)) ** 2)
        for i in range(n):
            phi = sum(max(_dot(rows[i], u), ZERO) for rows in patches)
            for o in range(q):
                f[i * q + o] += phi * w[o]
    beta = problem.beta if beta is None else beta
    return loss_value(problem, f) + Fraction(beta) * cost


def loss_value(problem: Problem, f):
    """Exact loss of outputs that are fractions."""
    y, name = fractions(problem.y), problem.loss.name
    r = [abs(a - b) for a, b in zip(f, y, strict=True)]
    if name == "squared":
        return sum(HALF * a * a for a in r)
    if name == "absolute":
        return sum(r)
    if name == "huber":
        d = Fraction(problem.loss.delta)
        return sum(HALF * a * a if a <= d else d * a - HALF * d * d for a in r)
    margins = [a * b for a, b in zip(f, y, strict=True)]
    if name == "hinge":
        return sum(max(ZERO, 1 - m) for m in margins)
    with localcontext() as context:
        context.prec = DIGITS
        if name == "logistic":
            return Fraction(sum((_log1p_exp(-_decimal(m)) for m in margins), Decimal(0)))
        q = problem.size // problem.n
        total = Decimal(0)
        for i in range(0, len(f), q):
            own = next(f[i + o] for o in range(q) if y[i + o] == 1)
            gaps = [_decimal(f[i + o] - own) for o in range(q)]
            total += max(gaps) + sum(((gap - max(gaps)).exp() for gap in gaps), Decimal(0)).ln()
        return Fraction(total)


def neuron(problem: Problem, parameters):
    """Exact outputs of one neuron of any architecture, and the square of its cost once it is balanced."""
    cnn = problem.architecture
    K, n, h = problem.patches.shape
    P = fractions(problem.patches)
    u, w = fractions(parameters["filters"]), parameters["weights"]
    weights = fractions(w) if np.ndim(w) else Fraction(float(w))
    if cnn.name == "two-layer":
        single = cnn.single
        groups = getattr(single, "groups", None) or [[k] for k in range(K)]
        grid = getattr(single, "grid", None)
        if grid is not None:  # each region of a pooling grid has a weight, or one for each output
            first = [[max(ZERO, _dots(P[k][i], u)) for k in range(K)] for i in range(n)]
            share = [Fraction(1, int(c)) if grid.pooling == "mean" else Fraction(1) for c in grid.counts]
            phi = [
                [s * sum(row[k] for k in range(K) if grid.regions[k] == r) for r, s in enumerate(share)]
                for row in first
            ]
            each = weights if isinstance(weights[0], list) else [[x] for x in weights]
            cost = sum(abs(x) for row in each for x in row) ** 2
            return [_dots(row, column) for row in phi for column in zip(*each, strict=True)], _dots(u, u) * cost
        share = Fraction(1, K) if single.options["pooling"] == "mean" else Fraction(1)
        phi = [share * sum(max([ZERO, *(_dots(P[k][i], u) for k in g)]) for g in groups) for i in range(n)]
        if cnn.q == 1:
            return [x * weights for x in phi], _dots(u, u) * weights**2
        cost = _dots(weights, weights) if cnn.options.get("output_norm") == "l2" else sum(map(abs, weights)) ** 2
        return [x * y for x in phi for y in weights], _dots(u, u) * cost
    if cnn.name in ("linear", "flatten"):
        first = [[_dots(P[k][i], u) for k in range(K)] for i in range(n)]
        if cnn.name == "flatten":
            first = [[max(ZERO, x) for x in row] for row in first]
        alone = cnn.options.get("output_norm") == "l1"
        size = sum(map(abs, weights)) ** 2 if alone else _dots(weights, weights)
        return [_dots(row, weights) for row in first], _dots(u, u) * size
    hidden = fractions(parameters["hidden"])
    if cnn.name == "three-layer":
        own = [u[k * h : (k + 1) * h] if cnn.options["sharing"] == "per-patch" else u for k in range(K)]
        inner = [sum(max(ZERO, _dots(P[k][i], own[k])) * hidden[k] for k in range(K)) for i in range(n)]
        cost = sum(a * a * _dots(b, b) for a, b in zip(hidden, own, strict=True))
        return [max(ZERO, x) * weights for x in inner], cost * weights**2
    cost = _dots(hidden, hidden) * weights**2
    c = hidden
    for start in range(0, len(u), h):
        piece = u[start : start + h]
        c = [sum(piece[a] * c[(t - a) % len(c)] for a in range(h)) for t in range(len(c))]
        cost *= _dots(piece, piece)
    return [max(ZERO, sum(P[k][i][0] * c[k] for k in range(K))) * weights for i in range(n)], cost


def _dots(a, b):
    return sum((x * y for x, y in zip(a, b, strict=True)), ZERO)
