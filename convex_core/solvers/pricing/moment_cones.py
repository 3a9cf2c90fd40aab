r"""Which cones of directions are left to be searched, once bounds by moments have closed what they can.

As in :mod:`.sphere` the price of an output sign is the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over
one half of the sphere, which simplicial cones cover. On a cone with vertices :math:`q_1 \dots q_h` a row that has one
sign at all of them is linear, and the facets are normals of a part of the sphere for :mod:`.moments`. Such a bound
takes a thousand times as long as that of :mod:`.sphere_kernel`, and with long filters it closes large cones that take
many thousands of those. Small ones are closed sooner one by one.

So all cones whose bounds by moments are too high are cut in two, wave after wave. A cone that is small, as random paths
say (:meth:`.ConeSearch.estimate`), or was cut often, is left to :mod:`.sphere_kernel`.

A computed vertex is off by its rounding errors, and so are the facets: what f and the weights of the normals make of
that is added to every bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.rounding import UNIT_ROUNDOFF
from ...progress import Budget
from .cone_search import Cones
from .moments import Moments
from .sphere import _Side

__all__ = ["OpenCone", "close_cones"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MomentConeSettings:
    """Tuning of the bounds by moments on cones."""

    steps: int = 300  # of the moments, for each cone, at most, and for a half that is tried
    few_steps: int = 60
    unmoved: float = 1e-4  # what a half wins at least, relative, when two cuts are compared
    # cones that random paths, so many, expect for one that is not cut by moments any more; and cuts at most
    small: float = 1500.0
    paths: int = 12
    # times as many as so few paths expect of what is left: they are right in the mean, but long ones are rare
    rare: float = 1.3
    cuts: int = 11
    everywhere: float = 0.05  # share of all weights that an edge has beside those of its ends
    # the first so many cones say whether all of them take more than a share of the time left, and all of them whether
    # more than another share stays open: then there is no hope; so much memory, too, is the end
    first: int = 24
    begin: float = 0.1
    open: float = 0.9
    memory: int = 1 << 28
    # after that many waves the next target is taken, where what is left is expected to take so many times the time left
    sight: int = 5
    beyond: float = 1.5
    share: float = 0.6  # of the time that all waves may take
    fits: float = 0.88  # of the time left that what is left may be expected to take, or another target is taken
    at_once: int = 64  # cones between two looks at the clock


SETTINGS = MomentConeSettings()


class OpenCone(NamedTuple):
    """A cone that is open, and how many cones its search examines, about."""

    side: _Side
    cone: Cones
    expected: float


class _Cut(NamedTuple):
    """A cone that is looked at: its vertices (h, h), moments, a bound, and the cuts that led to it."""

    side: _Side
    vertices: _Array
    moments: Moments
    bound: float
    level: int

    @property
    def cone(self) -> Cones:
        level, cut = np.array([self.level]), np.array([-1])
        return Cones(self.vertices[None], np.array([self.bound]), np.zeros(1), level, cut)


def close_cones(
    sides: list[_Side],
    targets: Sequence[float],
    budget: Budget,
    pool: Executor,
    pace: float,
    told: Callable[[int, int, float], None],
) -> tuple[float, list[OpenCone]] | None:
    """A target, and what is left of all root cones where f is not proved to be at most that; None if there is no hope.

    The cones that take longest come first, about.

    Parameters
    ----------
    sides : list of _Side
        Both output signs.
    targets : sequence of float
        Bounds at or below the target close a cone. It is the first of these, and as soon as that seems to take more
        than the time left, the next one: what is closed stays closed.
    budget : Budget
        With a time limit; once its larger part is over all that is open is left as it is.
    pool : Executor
        Threads.
    pace : float
        Seconds that a cone of those that are left takes all threads, about.
    told : callable
        Is called with the wave, the number of cones that are open, and a bound on f.
    """
    target, *higher = targets
    part = budget.part(SETTINGS.share)
    wholes = {side.sign: Moments(side.rows) for side in sides}
    roots = [(side, root) for side in sides for root in side.roots()]
    most = SETTINGS.memory // max(1, wholes[sides[0].sign].memory)
    if len(roots) > most:
        return None
    list(pool.map(lambda side: wholes[side.sign].bound(side.a, side.linear, budget), sides))
    cuts = [_Cut(side, root, wholes[side.sign].inside(root), wholes[side.sign].value, 0) for side, root in roots]

    def looked(cut: _Cut) -> tuple[_Cut, float] | None:
        """The cone with its own bound and what its search is expected to take, or None if it is closed."""
        if part.stop() is None and cut.bound > target:
            cut = cut._replace(bound=_bounded(cut, target, part, SETTINGS.steps))
        if cut.bound <= target:
            return None
        return cut, expected(cut)

    def expected(cut: _Cut, seed: int = 1) -> float:
        """How many cones a search examines, about."""
        with cut.side.search() as search:
            counts = search.estimate(cut.vertices, target, SETTINGS.paths, seed, np.zeros(1, dtype=bool))
        return float(counts.mean())

    def recounted(cuts: list[_Cut]) -> list[tuple[_Cut, float]]:
        """Each with what its search is expected to take by other paths."""
        counts = pool.map(lambda cut: SETTINGS.rare * expected(cut, 2), cuts)
        return list(zip(cuts, counts, strict=True))

    def halved(cut: _Cut) -> list[_Cut]:
        return _halved(cut, target, part)

    def seconds(cones: list[tuple[_Cut, float]]) -> float:
        return pace * sum(count for _, count in cones)

    left: list[tuple[_Cut, float]] = []
    begin, remaining = budget.seconds, budget.remaining
    for wave in range(SETTINGS.cuts + 1):
        answers: list[tuple[_Cut, float]] = []
        start = 0
        while start < len(cuts):
            count = SETTINGS.first if wave == start == 0 else SETTINGS.at_once
            answers += filter(None, pool.map(looked, cuts[start : start + count]))
            start += count
            if wave == 0 and (budget.seconds - begin) * len(cuts) > SETTINGS.begin * remaining * start:
                return None
        if wave == 0 and len(answers) > SETTINGS.open * len(cuts):
            return None
        open_now = answers + left
        # what is closed is below the target, but may be above what is left
        told(wave, len(open_now), max(target, *(cut.bound for cut, _ in open_now), 0.0))
        over = wave == SETTINGS.cuts or part.stop() is not None
        going_on = [] if over else [answer for answer in answers if answer[1] > SETTINGS.small]
        left += [answer for answer in answers if over or answer[1] <= SETTINGS.small]
        if not going_on:
            break
        if 2 * len(going_on) > most:
            return None
        if higher and wave >= SETTINGS.sight and seconds(going_on + left) > SETTINGS.beyond * budget.remaining:
            target = higher.pop(0)
        whole = [cut for cut, _ in going_on if cut.bound > target]
        cuts = [half for halves in pool.map(halved, whole) for half in halves]
    # the longest come first, by the paths so far; who is left or late because these were short has longer ones, so that
    # other paths say how many cones there are
    left.sort(key=lambda both: -both[1])
    while True:
        left = recounted([cut for cut, _ in left if cut.bound > target])
        if not higher or seconds(left) <= SETTINGS.fits * budget.remaining:
            return target, [OpenCone(cut.side, cut.cone, count) for cut, count in left]
        target = higher.pop(0)


def _bounded(cut: _Cut, target: float, budget: Budget, steps: int) -> float:
    """A bound on f over the cone by moments, or an early one, where they do not seem to come down to the target."""
    side, Q, moments = cut.side, cut.vertices, cut.moments
    (M, h), products = side.rows.shape, side.rows @ Q.T
    positive = (products >= 0.0).all(axis=1)
    undecided = ~(positive | (products <= 0.0).all(axis=1))
    linear = side.linear + (side.a * positive) @ side.rows
    # a point of the cone is a sum of vertices with weights of length 1 at most, and these are off by their roundings
    size = float(np.abs(side.a).sum() + np.sqrt(side.linear @ side.linear))
    rough = (4.0 * M + 64.0 + 8.0 * math.sqrt(h) * (cut.level + h + 2)) * UNIT_ROUNDOFF * size
    enough = target - rough * (1.0 + 2.0 * math.sqrt(h))
    bound = moments.bound(np.where(undecided, side.a, 0.0), linear, budget, steps, enough)
    outside = np.maximum(-(moments.normals @ Q.T).min(axis=1), 0.0) + (h + 2) * UNIT_ROUNDOFF
    added: float = rough + 2.0 * math.sqrt(h) * float(moments.weights @ outside)
    return min(cut.bound, bound + added)


def _halved(cut: _Cut, target: float, budget: Budget) -> list[_Cut]:
    """The cone cut in the middle of one of two edges, the one for which the bounds of both halves win most.

    Both are long, convex rows bend along them, and their ends are in the mixture that attains the bound: the ends of
    the first are much in it, those of the second are not together in it.
    """
    side, Q = cut.side, cut.vertices
    convex = side.a > 0.0
    weight, products = side.a[convex], side.rows[convex] @ Q.T
    first, second = np.triu_indices(len(Q), 1)
    d0, d1 = products[:, first], products[:, second]
    bends = weight @ (np.maximum(np.minimum(d0, -d1), 0.0) + np.maximum(np.minimum(d1, -d0), 0.0))
    bends *= np.maximum(2.0 - 2.0 * np.einsum("eh,eh->e", Q[first], Q[second]), 0.0)
    # the share of a vertex is the product with the facet's normal, over that of the vertex itself
    normals = cut.moments.normals
    heights = np.maximum(np.einsum("ph,ph->p", normals, Q), 1e-150)
    X = normals @ cut.moments.U @ normals.T / np.outer(heights, heights)
    share = np.sqrt(np.maximum(np.diag(X), 0.0))
    much = share[first] + share[second] + SETTINGS.everywhere * share.sum()
    apart = np.maximum(share[first] * share[second] - X[first, second], 0.0)
    best: list[_Cut] = []
    most = -math.inf
    for edge in {int((bends * much).argmax()), int((bends * apart).argmax())}:
        halves = _at(cut, int(first[edge]), int(second[edge]))
        halves = [half._replace(bound=_bounded(half, target, budget, SETTINGS.few_steps)) for half in halves]
        won = math.prod(max(1.0 - half.bound / cut.bound, SETTINGS.unmoved) for half in halves)
        if not best or won > most:
            most, best = won, halves
    return best


def _at(cut: _Cut, p: int, q: int) -> list[_Cut]:
    """The cone cut in the middle of the edge between two vertices."""
    Q = cut.vertices
    middle = Q[p] + Q[q]
    middle /= np.sqrt(middle @ middle)
    halves = []
    for kept, left in ((p, q), (q, p)):
        vertices = Q.copy()
        vertices[left] = middle
        # the facets that both ends of the edge are in, and the one that the middle takes over, stay as they are
        moments = cut.moments.replaced(kept, _facet(vertices, kept))
        halves.append(_Cut(cut.side, vertices, moments, cut.bound, cut.level + 1))
    return halves


def _facet(vertices: _Array, opposite: int) -> _Array:
    """The unit normal of the facet without the vertex `opposite`, towards it."""
    others = np.delete(vertices, opposite, axis=0)
    normal: _Array = np.linalg.qr(np.column_stack([others.T, vertices[opposite]]))[0][:, -1]
    return normal if normal @ vertices[opposite] >= 0.0 else -normal
