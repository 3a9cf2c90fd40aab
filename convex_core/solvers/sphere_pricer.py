r"""Pricing without listing cells: branch and bound over directions.

When an atom's correlation with v is a sum over hyperplanes, :math:`v^T\varphi(u) = \sum_j a_j (r_j^T u)_+`, its maximum
over the unit ball covers every cell at once, however many there are. Local ascent from the directions that mattered
before finds a good value, branch and bound proves that nothing is much better. Time grows quickly with the filter
length h, slowly with the number of rows.
"""

from __future__ import annotations

import itertools
import time
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
from numpy.typing import NDArray

from ..program.blocks import Blocks, CellFactory
from ..progress import Budget
from ..status import Scope, Status
from ._ascent import ascend, respond
from ._sphere import branch_and_bound
from .pricing import PriceResult, spread

__all__ = ["SpherePricer"]

_Array = NDArray[np.float64]

# products with rows that random starts may cost, their number, how many of the best are improved, and the cosine above
# which two of them are one
_PRODUCTS = 4_000_000
_STARTS = (600, 2000)
_KEPT = 64
_APART = 0.99
# walls crossed at the end of each ascent: branch and bound finds what lies further
_HOPS = 4
_ARCHIVE = 200
_NODES = 20_000_000
# seconds a cone takes, roughly, before any was timed
_NODE_SECONDS = 20e-6
# fewer cones than this are no measure of the pace
_TIMED = 100
# seconds between two looks at the budget
_WATCH = 0.05
# accuracies of coarse proofs, and the share of the time left below which one was quick
_COARSE = (0.3, 0.03)
_QUICK = 0.03
# while ascent alone finds columns this much above the floor, a proof is not worth its time; after a proof that examined
# more than so many cones the share falls with the third power of their number
_PLENTY = 0.05
_MANY = 8_000
# then ascent is worth more trouble too: it goes on from the best of so many points around each end, at these distances.
# Near a maximum there are many smaller ones, which random starts and walls crossed one at a time do not leave.
_SHAKES = 150
_DISTANCES = (5e-2, 1e-2, 2e-3)
# no proof is worth more trouble than this
_LITTLE = 1e-5
# against the clock no one knows what the first proof takes: up to this share of the time ascent tries to do without
_FIRST, _EARLY = 0.2, 1e-3
# ends with less than this share of the floor are no atoms
_CLOSE = 0.98


class SpherePricer:
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
        h = factory.rows.shape[1]
        self._archive = {1: np.zeros((0, h)), -1: np.zeros((0, h))}
        self._examined = 0  # cones of the last proof
        self._spent = np.inf  # its seconds
        self._pace = _NODE_SECONDS  # seconds a cone took one thread in it
        self._roots = [np.diag(corner) for corner in itertools.product((1.0, -1.0), repeat=h)]

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

    def price(
        self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float = 1e-9, prove: bool = False
    ) -> PriceResult:
        """Bound the correlation of v with every atom to the relative accuracy `slack`.

        Unless asked to `prove`, the bound is left at infinity while ascent alone finds columns well above the floor.
        """
        a, linear = self._factory.ridge(v)
        enough = max(_PLENTY / max(1.0, self._examined / _MANY) ** 3, _LITTLE)
        keen = self._examined > _MANY  # ascent is worth more trouble
        if self._examined == 0 and budget.time_limit is not None and budget.seconds < _FIRST * budget.time_limit:
            enough, keen = _EARLY, True
        with ThreadPoolExecutor(self._threads) as pool:
            parts = pool.map(lambda sign: [self._ascend(sign * a, sign * linear, sign, floor, keen=keen)], (1, -1))
            found = dict(zip((1, -1), parts, strict=True))
        best = max(float(value.max(initial=0.0)) for parts in found.values() for _, value in parts)
        excess = best / floor - 1.0 if floor > 0.0 else 0.0
        if excess > enough and not prove:
            return self._columns(found, np.inf, floor, want, None)
        goal = slack if prove else max(slack, 0.1 * excess)
        # against the clock coarse proofs come first: a fine one that is cut short proves little
        levels = [level for level in _COARSE if level > goal] if np.isfinite(budget.remaining) else []
        bound = np.inf
        for accuracy in (*levels, goal):
            if accuracy != goal and self._spent < _QUICK * budget.remaining:
                continue  # there is time enough for the fine one
            begin = budget.seconds
            top, extra = self._search(a, linear, max(floor, best), accuracy, floor * (1.0 + goal), budget)
            self._spent = budget.seconds - begin
            bound = min(bound, top)
            if budget.stop() is not None:
                break
        for sign, (U, value) in extra.items():
            apart = U[spread(U, value, _KEPT, near=_APART)]
            found[sign].append(self._improve(apart, sign * a, sign * linear, floor))
        return self._columns(found, max(bound, floor), floor, want, budget.stop())

    def _search(
        self, a: _Array, linear: _Array, known: float, accuracy: float, wanted: float, budget: Budget
    ) -> tuple[float, dict[int, tuple[_Array, _Array]]]:
        """Branch and bound over every root cone: the bound, and directions above `wanted` with values, by sign."""

        def one(sign: int, root: _Array) -> tuple[float, _Array, _Array, int]:
            U, value = np.zeros((128, len(linear))), np.zeros(128)
            begin = time.perf_counter()
            nodes = self._nodes(budget, len(tasks) - next(started) + self._threads)
            answer = branch_and_bound(
                self._factory.rows, sign * a, sign * linear, root, known, accuracy, U, value, wanted, nodes, halt
            )
            examined = int(answer[3])
            if examined > _TIMED:
                self._pace = (time.perf_counter() - begin) / examined
            count = min(int(answer[2]), len(U))
            return float(answer[0]), U[:count], value[:count], examined

        tasks = [(sign, root) for sign in (1, -1) for root in self._roots]
        started = itertools.count(1)
        halt = np.zeros(1, dtype=bool)
        with ThreadPoolExecutor(self._threads) as pool:
            running = [pool.submit(one, sign, root) for sign, root in tasks]
            while wait(running, timeout=_WATCH).not_done:
                halt[0] = budget.stop() is not None
            answers = [task.result() for task in running]
        bounds, directions, values, examined = zip(*answers, strict=True)
        self._examined = sum(examined)
        each = len(self._roots)  # tasks of one sign
        found = {
            sign: (np.concatenate(directions[first : first + each]), np.concatenate(values[first : first + each]))
            for sign, first in ((1, 0), (-1, each))
        }
        return max(known, *bounds), found

    def _nodes(self, budget: Budget, sharing: int) -> int:
        """Cones for each of `sharing` roots in the time left; one that meets the limit has a wider, sound bound."""
        share = budget.remaining * self._threads / sharing
        return _NODES if share == np.inf else int(min(_NODES, max(1, share / self._pace)))

    def _ascend(self, a: _Array, linear: _Array, sign: int, floor: float, *, keen: bool) -> tuple[_Array, _Array]:
        """Ascent from the best of what mattered before and of random directions, without near copies."""
        rng = np.random.default_rng((self._seed, len(self._archive[sign])))
        few, many = _STARTS
        count = min(many, max(few, _PRODUCTS // max(1, len(a))))
        starts = rng.standard_normal((count, len(linear)))
        starts /= np.linalg.norm(starts, axis=1, keepdims=True)
        starts = np.concatenate([self._archive[sign], starts])
        response = np.empty(len(starts))
        respond(self._factory.rows, a, linear, starts, response)
        ends = self._improve(starts[spread(starts, response, _KEPT, near=_APART)], a, linear, floor)
        for distance in _DISTANCES if keen else ():
            ends = self._shake(*ends, a, linear, floor, distance, rng)
        return ends

    def _shake(
        self, U: _Array, value: _Array, a: _Array, linear: _Array, floor: float, distance: float,
        rng: np.random.Generator,
    ) -> tuple[_Array, _Array]:  # fmt: skip
        """Ascent again from the best of some points around each of `U` (m, h); the ends of both, best first."""
        good = U[value > _CLOSE * floor]
        around = good[:, None, :] + distance * rng.standard_normal((len(good), _SHAKES, good.shape[1]))
        around /= np.linalg.norm(around, axis=2, keepdims=True)
        response = np.empty(around.shape[0] * around.shape[1])
        respond(self._factory.rows, a, linear, around.reshape(-1, good.shape[1]), response)
        best = response.reshape(around.shape[:2]).argmax(axis=1)
        again, higher = self._improve(around[np.arange(len(good)), best], a, linear, floor)
        U, value = np.concatenate([U, again]), np.concatenate([value, higher])
        kept = spread(U, value, _KEPT, near=_APART)
        return U[kept], value[kept]

    def _improve(self, U: _Array, a: _Array, linear: _Array, floor: float) -> tuple[_Array, _Array]:
        value = np.zeros(len(U))
        ascend(self._factory.rows, a, linear, U, value, floor, 200, _HOPS)
        return U, value

    def _columns(
        self,
        found: dict[int, list[tuple[_Array, _Array]]],
        bound: float,
        floor: float,
        want: int,
        stopped: Status | None,
    ) -> PriceResult:
        """Blocks of the best directions found for each sign."""
        U = np.concatenate([part for parts in found.values() for part, _ in parts])
        value = np.concatenate([part for parts in found.values() for _, part in parts])
        sign = np.concatenate([np.full(len(part), s, np.int8) for s, parts in found.items() for part, _ in parts])
        above = np.flatnonzero(value > floor)
        chosen = above[spread(U[above], value[above], want, sign=sign[above])]
        U, value, sign = U[chosen], value[chosen], sign[chosen]
        for s in (1, -1):
            self._archive[s] = np.concatenate([self._archive[s], U[sign == s]])[-_ARCHIVE:]
        columns: Blocks = self._factory.blocks(self._factory.patterns(U), sign)
        return PriceResult(bound=bound, columns=columns, directions=U, value=value, stopped=stopped)
