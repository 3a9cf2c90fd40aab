r"""A bound on one price over cones of directions that are cut one after another, each bounded by moments of its own.

As in :mod:`.sphere` the price of an output sign is the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over one
half of the sphere, which simplicial cones cover. On a cone with vertices :math:`q_1 \dots q_h` a row that has one sign
at all of them is linear, and the facets are normals of a part of the sphere for :mod:`.moments`. Such a bound takes
thousands of times as long as that of :mod:`.sphere_kernel`, and closes cones that it takes many thousands of parts for.

The cone with the largest bound is next: one that is small, as random paths tell (:meth:`.ConeSearch.estimate`), is
searched to the end by :mod:`.sphere_kernel`; others are cut in two. So whatever ends the search, the largest bound that
is left is a bound, and it comes closer all the time.

With moments U, a mixture of directions :math:`u = \sum_p x_p q_p`, and :math:`X = \mathrm{E} x x^T`, an edge is worth
cutting that is long, along which convex rows bend, and whose ends are in the mixture, but not together:
:math:`(X_{pp} X_{qq})^{1/2} - X_{pq}` is large. Where that cut gained nothing the next one is along the edge that bends
most: a mixture may straddle one cut after another.

A computed vertex is off by its rounding errors, and so are the facets: what f and the weights of the normals make of
that is added to every bound.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...numerics.rounding import UNIT_ROUNDOFF
from ...progress import Budget
from .cone_search import ConeSearch, Cones
from .moments import Moments
from .sphere import _Side

__all__ = ["bound_cones"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MomentConeSettings:
    """Tuning of the bounds by moments on cones."""

    steps: int = 150  # of the moments, for each cone
    # cones that random paths, so many, expect for one that is searched to the end, twice as many for each cut before
    # that gained nothing, and at most, as a multiple
    small: float = 2000.0
    paths: int = 12
    surprise: int = 5
    doublings: int = 5
    cone_moment: float = 5e-6  # seconds that one of these takes, about
    gain: float = 0.02  # share of what is open that a cut closes at least, or the next one is another
    at_once: int = 16  # cones of one turn
    roots: float = 0.2  # share of the time left that the cones of the beginning may take
    memory: int = 1 << 28  # bytes for the moments of all open cones


SETTINGS = MomentConeSettings()


@dataclass(slots=True)
class _Open:
    """A cone that is open: its vertices (h, h), moments, bound, cuts that led to it, and the last ones without gain."""

    side: _Side
    vertices: _Array
    moments: Moments
    bound: float
    level: int
    stalled: int = 0


@dataclass(slots=True)
class _Answer:
    """What became of a cone: others in its place, or a bound on what was searched to the end."""

    cones: list[_Open] = field(default_factory=list)
    closed: float = 0.0
    found: tuple[_Side, _Array, _Array] | None = None


def bound_cones(
    sides: list[_Side], target: float, budget: Budget, pool: Executor, told: Callable[[float], None]
) -> float:
    """A sound bound on both output signs, at least `target`; infinite where there is no time for it.

    Parameters
    ----------
    sides : list of _Side
        Each is told of directions above half of the target.
    target : float
        Bounds below it need not be told apart.
    budget : Budget
        With a time limit.
    pool : Executor
        Threads.
    told : callable
        Is called with the bound from time to time.
    """
    searches: dict[int, list[ConeSearch]] = {side.sign: [] for side in sides}  # those that nobody uses
    wholes = {side.sign: Moments(side.rows) for side in sides}
    list(pool.map(lambda side: wholes[side.sign].bound(side.a, side.linear, budget), sides))

    def begun(task: tuple[_Side, _Array]) -> _Open | None:
        side, root = task
        if budget.stop() is not None:
            return None
        cone = _Open(side, root, wholes[side.sign].inside(root), math.inf, 0)
        _bound(cone, budget)
        return cone

    tasks = [(side, root) for side in sides for root in side.roots()]
    if len(tasks) * wholes[sides[0].sign].memory > SETTINGS.memory:
        return math.inf
    order = itertools.count()  # of two with one bound the older is next
    heap: list[tuple[float, int, _Open]] = []
    before, allowed = budget.seconds, SETTINGS.roots * budget.remaining
    for start in range(0, len(tasks), SETTINGS.at_once):
        for cone in pool.map(begun, tasks[start : start + SETTINGS.at_once]):
            if cone is None:
                return math.inf
            heapq.heappush(heap, (-cone.bound, next(order), cone))
        if (budget.seconds - before) * len(tasks) / len(heap) > allowed:
            return math.inf
    bound = target
    most = SETTINGS.memory // max(1, wholes[sides[0].sign].memory)

    def worked(cone: _Open) -> _Answer:
        return _Answer([cone]) if budget.stop() is not None else _divided(cone, target, searches, budget)

    while heap and -heap[0][0] > bound and len(heap) < most and budget.stop() is None:
        told(-heap[0][0])
        turn = [heapq.heappop(heap)[2] for _ in range(min(SETTINGS.at_once, len(heap)))]
        for cone in turn[::-1]:
            if cone.bound <= bound:
                heapq.heappush(heap, (-cone.bound, next(order), turn.pop()))
        for answer in pool.map(worked, turn):
            bound = max(bound, answer.closed)
            if answer.found is not None:
                answer.found[0].tell(*answer.found[1:])
            for cone in answer.cones:
                heapq.heappush(heap, (-cone.bound, next(order), cone))
    return max(bound, -heap[0][0] if heap else 0.0)


def _bound(cone: _Open, budget: Budget) -> None:
    """Bound f over the cone by moments; an older bound stays if it is lower."""
    side, Q = cone.side, cone.vertices
    (M, h), products = side.rows.shape, side.rows @ Q.T
    positive = (products >= 0.0).all(axis=1)
    undecided = ~(positive | (products <= 0.0).all(axis=1))
    linear = side.linear + (side.a * positive) @ side.rows
    bound = cone.moments.bound(np.where(undecided, side.a, 0.0), linear, budget, SETTINGS.steps)
    # a point of the cone is a sum of vertices with weights of length 1 at most, and these are off by their roundings
    size = float(np.abs(side.a).sum() + np.sqrt(side.linear @ side.linear))
    rough = (4.0 * M + 64.0 + 8.0 * math.sqrt(h) * (cone.level + h + 2)) * UNIT_ROUNDOFF * size
    outside = np.maximum(-(cone.moments.normals @ Q.T).min(axis=1), 0.0) + (h + 2) * UNIT_ROUNDOFF
    rough += 2.0 * math.sqrt(h) * float(cone.moments.weights @ outside)
    cone.bound = min(cone.bound, bound + rough)


def _divided(cone: _Open, target: float, searches: dict[int, list[ConeSearch]], budget: Budget) -> _Answer:
    """The cone searched to the end, if it is small, or its halves."""
    side, Q = cone.side, cone.vertices
    own = searches[side.sign]
    search = own.pop() if own else ConeSearch(side.rows, side.a, side.linear)
    halt = np.zeros(1, dtype=bool)
    expected = search.estimate(Q, target, SETTINGS.paths, cone.level + 1, halt).mean()
    known, there = math.inf, None
    small = SETTINGS.small * 2.0 ** min(cone.stalled, SETTINGS.doublings)
    if expected <= small:
        found, value = np.zeros((SETTINGS.at_once, len(Q))), np.zeros(SETTINGS.at_once)
        root = Cones(Q[None], np.array([cone.bound]), np.zeros(1), np.array([cone.level]), np.array([-1]))
        nodes = int(min(SETTINGS.surprise * small, 1.0 + budget.remaining / SETTINGS.cone_moment))
        known, _, _, examined = search.run(root, target, 0.0, found, value, 0.5 * target, nodes, halt)
        there = side, found[value > 0.0], value[value > 0.0]
        if examined < nodes:
            own.append(search)
            return _Answer([], known, there)
    own.append(search)
    p, q = _edge(cone)
    middle = Q[p] + Q[q]
    middle /= np.sqrt(middle @ middle)
    halves = []
    for kept, left in ((p, q), (q, p)):
        vertices = Q.copy()
        vertices[left] = middle
        # the facets that both ends of the edge are in, and the one that the middle takes over, stay as they are
        moments = cone.moments.replaced(kept, _facet(vertices, kept))
        half = _Open(side, vertices, moments, min(cone.bound, known), cone.level + 1)
        _bound(half, budget)
        if cone.bound - half.bound < SETTINGS.gain * (cone.bound - target):
            half.stalled = cone.stalled + 1
        halves.append(half)
    return _Answer(halves, found=there)


def _facet(vertices: _Array, opposite: int) -> _Array:
    """The unit normal of the facet without the vertex `opposite`, towards it."""
    others = np.delete(vertices, opposite, axis=0)
    normal: _Array = np.linalg.qr(np.column_stack([others.T, vertices[opposite]]))[0][:, -1]
    return normal if normal @ vertices[opposite] >= 0.0 else -normal


def _edge(cone: _Open) -> tuple[int, int]:
    """The edge that is cut."""
    side, Q = cone.side, cone.vertices
    h = len(Q)
    convex = side.a > 0.0
    weight, products = side.a[convex], side.rows[convex] @ Q.T
    first, second = np.triu_indices(h, 1)
    d0, d1 = products[:, first], products[:, second]
    bends = weight @ (np.maximum(np.minimum(d0, -d1), 0.0) + np.maximum(np.minimum(d1, -d0), 0.0))
    if not cone.stalled:
        normals = cone.moments.normals
        # x_p is the product with the facet's normal, over that of the vertex
        N = normals / np.maximum(np.einsum("ph,ph->p", normals, Q), 1e-150)[:, None]
        X = N @ cone.moments.U @ N.T
        own = np.sqrt(np.maximum(np.diag(X), 0.0))
        apart = np.maximum(own[first] * own[second] - X[first, second], 0.0)
        length = np.maximum(2.0 - 2.0 * np.einsum("eh,eh->e", Q[first], Q[second]), 0.0)
        worth = bends * length * apart
        if worth.max() > 0.0:
            bends = worth
    best = int(bends.argmax())
    return int(first[best]), int(second[best])
