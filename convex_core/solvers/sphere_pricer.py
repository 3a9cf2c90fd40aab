r"""Pricing without listing cells: branch and bound over directions.

When an atom's correlation with v is a sum over hyperplanes, :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+`, its maximum
over the unit ball covers every cell at once, however many there are. Local ascent from the directions that mattered
before finds a good value, branch and bound proves that nothing is much better. Time grows quickly with the filter
length h, slowly with the number of rows.

Since :math:`(x)_+ - (-x)_+ = x`, the difference :math:`f(u) - f(-u) = t^T u` with :math:`t = 2 b + \sum_j a_j r_j` is
linear. So f attains its maximum where :math:`t^T u \ge 0`: one half of the sphere is searched, and the value of the
opposite of a direction is known with its own.
"""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._numba import clock
from .._rounding import UNIT_ROUNDOFF, block_product
from ..program.blocks import Blocks, CellFactory
from ..progress import Budget
from ..status import Scope, Status
from ._ascent import ascend, respond
from ._sphere import branch_and_bound, search_cones
from .pricing import PriceResult, SoundPricer, spread

__all__ = ["SpherePricer"]

_Array = NDArray[np.float64]

# products with rows that random starts may cost, and their number
_PRODUCTS = 4_000_000
_STARTS = (600, 2000)
# starts that are improved, and the cosine above which two of them are one
_KEPT = 64
_APART = 0.998
# moves of an ascent at most, and products with rows between two looks at the budget
_STEPS = 200
_ASCENT_PRODUCTS = 500_000_000
_ARCHIVE = 200
# of the vertices of a proof those of at least this share of the floor are starts from then on: the best one in each
# cell of a grid, at most so many. On a path the floor falls, and what is near it now is above it at the next point.
_SEEN = 0.5
_GRID = 50.0
_MOST_SEEN = 1000
# directions told by one proof, over all root cones, and by each at least
_TOLD = 65_536
_TOLD_EACH = 128
_NODES = 20_000_000
# seconds a cone takes, roughly, before any was timed
_NODE_SECONDS = 4e-6
# fewer cones than this are no measure of the pace
_TIMED = 100
# seconds between two looks at the budget
_WATCH = 0.05
# accuracies of coarse proofs, and the share of the time left below which one was quick
_COARSE = (0.3, 0.03)
_QUICK = 0.03
# while ascent alone finds columns this much above the floor, a proof is not worth its time; after a proof that examined
# more than so many cones the share falls with the third power of their number, but no further than to the last one
_PLENTY = 0.05
_MANY = 1_000
_LITTLE = 1e-6
# after such a proof, and once ascent finds no more than this, it is worth to search the surroundings of its ends; where
# it finds next to nothing, a proof most often has the last word
_FEW, _NEARLY = 1e-2, 1e-5
# they have at least this share of the floor; branch and bound looks at cones of this radius, to this accuracy, and at
# no more cones in each
_CLOSE = 0.98
_RADIUS = 2e-2
_FINE = 1e-8
_LOCAL = 500
# cosine above which two ends are one
_SAME = 1.0 - 1e-6
# seconds a cone takes at least
_FASTEST = 1e-8
# cones searched between two looks at the budget
_BATCH = 64
# against the clock no one knows what the first proof takes: up to this share of the time ascent tries to do without
_FIRST, _EARLY = 0.2, 1e-3
# cosine above which two columns of one round are near copies
_COPIES = 0.99
# cuts that lead to a cone near a maximum, about
_CUTS = 64


class SpherePricer(SoundPricer):
    """Prices over every cell by branch and bound on the sphere.

    Parameters
    ----------
    factory : CellFactory
        Cells of the problem, of an architecture with ridge coefficients and the Euclidean penalty.
    seed : int
        Seed of the random starts.
    threads : int
        Threads over the root cones; the result does not depend on it.
    """

    def __init__(self, factory: CellFactory, *, seed: int = 0, threads: int = 2) -> None:
        self._factory = factory
        self._seed = seed
        self._threads = threads
        # kept, because starting its threads takes as long as a small search
        self._pool = ThreadPoolExecutor(threads, "pricing")
        h = factory.rows.shape[1]
        self._archive = {1: np.zeros((0, h)), -1: np.zeros((0, h))}
        self._seen = {1: np.zeros((0, h)), -1: np.zeros((0, h))}  # starts from the last proof
        self._explored = 0  # calls without a proof
        self._examined = 0  # cones of the last proof
        self._spent = np.inf  # its seconds
        self._pace = _NODE_SECONDS  # seconds a cone took one thread in it

    @property
    def scope(self) -> Scope:
        """Every cell is covered."""
        return Scope.GLOBAL

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        return self._factory

    @property
    def listed(self) -> int | None:
        """Cells are searched, not listed."""
        return None

    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """Bound the correlation of v with every atom to the relative accuracy `slack`.

        Unless asked to `prove`, the bound is left at infinity while ascent alone finds columns well above the floor.
        """
        enough = max(_PLENTY / max(1.0, self._examined / _MANY) ** 3, _LITTLE)
        keen = self._examined > _MANY  # ascent is worth more trouble
        if self._examined == 0 and budget.paced and budget.seconds < _FIRST * (budget.time_limit or 0.0):
            enough, keen = _EARLY, True
        sides, best = self._climb(v, floor, budget, keen)
        excess = best / floor - 1.0 if floor > 0.0 else 0.0
        if excess > enough and not prove:
            return self._columns(sides, np.inf, floor, want, None)
        goal = slack if prove else max(slack, 0.1 * excess)
        # against the clock coarse proofs come first: a fine one that is cut short proves little
        levels = [level for level in _COARSE if level > goal] if budget.paced else []
        bound = np.inf
        for accuracy in (*levels, goal):
            if accuracy != goal and self._spent < _QUICK * budget.remaining:
                continue  # there is time enough for the fine one
            begin = budget.seconds
            bound = min(bound, self._prove(sides, max(floor, best), accuracy, budget))
            self._spent = budget.seconds - begin
            if budget.stop() is not None:
                break
        for side in sides:
            above = side.told[side.told_value > floor * (1.0 + goal)]
            side.ascend(above[spread(above, side.respond(above), _KEPT, near=_APART)], floor, budget)
        return self._columns(sides, max(bound, floor), floor, want, budget.stop())

    def rounding(self, v: _Array) -> float:
        """That of the coefficients, and what branch and bound adds, about, to the bound of a cone of many cuts."""
        M, h = self._factory.rows.shape
        added = 112.0 + M / 64.0 + 4.0 * math.sqrt(h) * (_CUTS + h) + 24.0 * h  # as in _sphere
        return super().rounding(v) + float(added) * UNIT_ROUNDOFF * self._factory.reach(v)

    def explore(self, v: _Array, *, floor: float, want: int, budget: Budget) -> PriceResult:
        """Columns that ascent finds, from other random starts at each call, and no bound."""
        self._explored += 1
        sides, _ = self._climb(v, floor, budget, True)
        return self._columns(sides, np.inf, floor, want, budget.stop())

    def _climb(self, v: _Array, floor: float, budget: Budget, keen: bool) -> tuple[list[_Side], float]:
        """Ascent for both output signs, by what else there is than steps if it is worth it, and the best value."""
        a, linear = self._factory.ridge(v)
        sides = [_Side(sign, self._factory.rows, sign * a, sign * linear) for sign in (1, -1)]
        best = 0.0
        for step in (self._ascend, self._search_near) if keen else (self._ascend,):
            list(self._pool.map(lambda side, step=step: step(side, floor, budget), sides))
            best = max(side.best for side in sides)
            if not _NEARLY * floor < best - floor <= _FEW * floor:
                break
        return sides, best

    def _prove(self, sides: list[_Side], known: float, accuracy: float, budget: Budget) -> float:
        """Branch and bound over every root cone: the bound; the sides are told directions, new starts among them."""

        def one(side: _Side, root: _Array) -> tuple[float, _Array, _Array, int]:
            U, value = np.zeros((told, len(side.linear))), np.zeros(told)
            begin = clock()
            nodes = self._nodes(budget, len(tasks) - next(started) + self._threads)
            answer = branch_and_bound(
                side.rows, side.a, side.linear, root, known, accuracy, U, value, _SEEN * known, nodes, halt
            )
            examined = int(answer[3])
            if examined > _TIMED:
                # the clock may have stood still, while a kernel was compiled or loaded
                self._pace = max((clock() - begin) / examined, _FASTEST)
            count = min(int(answer[2]), len(U))
            return float(answer[0]), U[:count], value[:count], examined

        tasks = [(side, root) for side in sides for root in side.roots()]
        told = max(_TOLD_EACH, _TOLD // len(tasks))
        started = itertools.count(1)
        halt = np.zeros(1, dtype=bool)
        running = [self._pool.submit(one, side, root) for side, root in tasks]
        try:
            while wait(running, timeout=_WATCH).not_done:
                halt[0] = budget.stop() is not None
        finally:
            halt[0] = True  # an exception leaves nobody searching
        answers = [task.result() for task in running]
        self._examined = sum(examined for _, _, _, examined in answers)

        def learn(side: _Side) -> None:
            own = [answer for (other, _), answer in zip(tasks, answers, strict=True) if other is side]
            side.told = np.concatenate([U for _, U, _, _ in own])
            side.told_value = np.concatenate([value for _, _, value, _ in own])
            self._seen[side.sign] = _thinned(side.told, side.told_value)

        list(self._pool.map(learn, sides))
        return max(known, *(bound for bound, _, _, _ in answers))

    def _nodes(self, budget: Budget, sharing: int) -> int:
        """Cones for each of `sharing` roots in the time left; one that meets the limit has a wider, sound bound."""
        share = budget.remaining * self._threads / sharing
        return _NODES if not budget.paced else int(min(_NODES, max(1, share / self._pace)))

    def _ascend(self, side: _Side, floor: float, budget: Budget) -> None:
        """Ascent from the best of what mattered before and, until a proof has seen more, of random directions."""
        h = len(side.linear)
        starts = np.concatenate([self._archive[side.sign], self._seen[side.sign]])
        if not len(self._seen[side.sign]):
            rng = np.random.default_rng((self._seed, len(self._archive[side.sign]), self._explored))
            few, many = _STARTS
            count = min(many, max(few, _PRODUCTS // max(1, len(side.a))))
            random = rng.standard_normal((count, h))
            starts = np.concatenate([starts, random / np.linalg.norm(random, axis=1, keepdims=True)])
        starts = np.where((starts @ side.tilt < 0.0)[:, None], -starts, starts)
        side.ascend(starts[spread(starts, side.respond(starts), _KEPT, near=_APART)], floor, budget)

    def _search_near(self, side: _Side, floor: float, budget: Budget) -> None:
        """Branch and bound in a small cone around each end that is near the floor.

        Near a maximum there are many smaller ones, where an ascent ends.
        """
        tall = np.flatnonzero(side.value >= _CLOSE * floor)
        if len(side.linear) == 1:
            return
        tall = tall[spread(side.U[tall], side.value[tall], len(tall), near=_SAME)]
        for start in range(0, len(tall), _BATCH):
            if budget.stop() is not None:
                break
            ends = tall[start : start + _BATCH]
            better, value = search_cones(
                side.rows, side.a, side.linear, _surroundings(side.U[ends], _RADIUS),
                np.maximum(side.value[ends], floor), _FINE, _LOCAL,
            )  # fmt: skip
            side.ascend(better[value > 0.0], floor, budget)

    def _columns(
        self, sides: list[_Side], bound: float, floor: float, want: int, stopped: Status | None
    ) -> PriceResult:
        """Blocks of the best directions found, and of their opposites."""
        U = np.concatenate([part for side in sides for part in (side.U, -side.U)])
        value = np.concatenate([part for side in sides for part in (side.value, side.value - side.U @ side.tilt)])
        sign = np.concatenate([np.full(2 * len(side.U), side.sign, np.int8) for side in sides])
        above = np.flatnonzero(value > floor)
        chosen = above[spread(U[above], value[above], want, sign=sign[above], near=_COPIES)]
        U, value, sign = U[chosen], value[chosen], sign[chosen]
        for s in (1, -1):
            self._archive[s] = np.concatenate([self._archive[s], U[sign == s]])[-_ARCHIVE:]
        columns: Blocks = self._factory.blocks(self._factory.patterns(U), sign)
        return PriceResult(bound=bound, columns=columns, directions=U, value=value, stopped=stopped)


@dataclass(slots=True)
class _Side:
    """The correlation ``f(u) = linear . u + sum_j a[j] (rows[j] . u)_+`` for one output sign, and what is known of it.

    Ends `U` (m, h) of ascents have the values `value` (m,); a proof has `told` (q, h) directions and their values.
    """

    sign: int
    rows: _Array
    a: _Array
    linear: _Array
    columns: _Array = field(init=False)  # the rows, transposed
    tilt: _Array = field(init=False)  # f(u) - f(-u) = tilt . u
    U: _Array = field(init=False)
    value: _Array = field(init=False)
    told: _Array = field(init=False)
    told_value: _Array = field(init=False)

    def __post_init__(self) -> None:
        self.columns = np.ascontiguousarray(self.rows.T)
        self.tilt = 2.0 * self.linear + block_product(self.a, self.rows)
        self.U = self.told = np.zeros((0, len(self.linear)))
        self.value = self.told_value = np.zeros(0)

    @property
    def best(self) -> float:
        """Largest value of an end, 0 without any."""
        return float(self.value.max(initial=0.0))

    def respond(self, U: _Array) -> _Array:
        """The value of f at each row of `U` (m, h)."""
        return respond(self.columns, self.a, self.linear, U)

    def ascend(self, U: _Array, floor: float, budget: Budget) -> None:
        """Ascent from each row of `U` (m, h), best first, whose ends are kept; until there is no more time."""
        step = max(1, _ASCENT_PRODUCTS // max(1, _STEPS * self.rows.size))
        for start in range(0, len(U), step):
            if start and budget.stop() is not None:
                break
            part = U[start : start + step]
            value = ascend(self.columns, self.a, self.linear, part, floor, _STEPS)
            self.U = np.concatenate([self.U, part])
            self.value = np.concatenate([self.value, value])

    def roots(self) -> list[_Array]:
        """Cones of orthonormal vertices (h, h) that cover the half of the sphere where f attains its maximum."""
        h = len(self.linear)
        basis = np.linalg.qr(np.column_stack([self.tilt, np.eye(h)]))[0].T
        basis[0] *= 1.0 if basis[0] @ self.tilt >= 0.0 else -1.0
        turns = itertools.product((1.0, -1.0), repeat=h - 1)
        return [np.ascontiguousarray(np.array([1.0, *signs])[:, None] * basis) for signs in turns]


def _thinned(U: _Array, value: _Array) -> _Array:
    """Of the unit directions `U` (m, h) the best one in each cell of a grid, best first."""
    order = np.argsort(-value, kind="stable")
    key = np.zeros(len(U), dtype=np.int64)
    for coordinate in np.round(_GRID * U[order]).astype(np.int64).T:
        key = key * int(2 * _GRID + 1) + coordinate
    _, first = np.unique(key, return_index=True)
    return U[order[np.sort(first)[:_MOST_SEEN]]]


def _surroundings(U: _Array, radius: float) -> _Array:
    """For each unit u of `U` (m, h) unit vertices (h, h) of a simplicial cone with every direction within `radius`."""
    m, h = U.shape
    frames = np.concatenate([U[:, :, None], np.broadcast_to(np.eye(h), (m, h, h))], axis=2)
    basis = np.linalg.qr(frames)[0][:, :, 1:]  # of the tangent spaces
    corners = np.linalg.qr(np.eye(h) - 1.0 / h)[0][:, : h - 1]  # a regular simplex, its centre at 0
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    vertices: _Array = U[:, None, :] + (h - 1) * np.tan(radius) * corners @ basis.transpose(0, 2, 1)
    vertices /= np.linalg.norm(vertices, axis=2, keepdims=True)
    return vertices
