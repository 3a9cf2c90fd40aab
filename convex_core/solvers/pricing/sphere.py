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
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import clock
from ...numerics.rounding import UNIT_ROUNDOFF, block_product
from ...program.blocks import Blocks, CellFactory
from ...progress import Budget
from ...status import Scope, Status
from .ascent_kernel import ascend, respond
from .cone_parts import prove_in_parts
from .cone_search import Cones, ConeSearch, search_cones
from .elsewhere import Elsewhere
from .enumerated import PriceResult, SoundPricer, spread

__all__ = ["SpherePricer"]

_Array = NDArray[np.float64]
_Flag = NDArray[np.bool_]
_S = TypeVar("_S")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Hops:
    """How ascents begin around the ends of others: with long filters most high maxima are a turn away from others."""

    kept: int = 400  # ends that are starts of the next round, at most, for each output sign
    turned: int = 200  # of them are turned as well, the best ones
    share: float = 0.9  # of the floor, which these have at least, and which a cell promises that is worth a projection
    kept_share: float = 0.8  # of the floor, which ends have that are kept
    times: int = 8  # that each is turned
    angle: float = 0.8  # of turns, at most, in radians, about: they are of all sizes up to that
    improved: int = 400  # cells that gradient steps lead to whose best points are looked for, at most


@dataclass(frozen=True, slots=True)
class Ascents:
    """How much ascent there is before a proof."""

    starts: tuple[int, int] = (600, 2000)  # random ones, at least and at most
    kept: int = 64  # starts that are improved
    seen: int = 1000  # vertices of the last proof that are starts, at most
    tries: int = 0  # explorations that find nothing before a first proof
    wide: bool = False  # whether wide surroundings of ends are searched then
    hops: Hops | None = None  # where filters are long, in place of searches of surroundings


@dataclass(frozen=True, slots=True)
class Around:
    """How the surroundings of ends are searched."""

    close: float  # share of the floor that an end has at least
    radius: float  # of the cone around it, in radians
    cones: int  # at most, for each end
    fine: float  # relative accuracy


@dataclass(frozen=True, slots=True)
class SphereSettings:
    """Tuning of the search over directions."""

    few: Ascents = Ascents()
    # with filters longer than `short`; and before proofs by cones, with filters longer than `brief` and so many rows,
    # which take so long that more ascents are worth their time
    some: Ascents = Ascents(tries=6, hops=Hops())
    thorough_rows: int = 800
    thorough: Ascents = Ascents(starts=(2000, 8000), kept=600, seen=3000, tries=2, wide=True)
    # with filters longer than `short` there are too many ends for wide surroundings
    long: Ascents = Ascents(starts=(2000, 8000), kept=600, seen=3000, tries=6, hops=Hops())
    start_products: int = 4_000_000  # products with rows that random starts may cost
    apart: float = 0.998  # cosine above which two starts are one
    steps: int = 200  # moves of an ascent at most
    ascent_products: int = 500_000_000  # products with rows between two looks of an ascent at the budget
    archive: int = 200  # columns of earlier rounds that are starts, for each output sign
    # share of the floor from which vertices of a proof are starts from then on: on a path the floor falls, and what is
    # near it now is above it at the next point
    seen: float = 0.5
    grid: float = 50.0  # cells of a grid to a unit of length; each keeps its best vertex
    found: int = 65_536  # directions that one proof hands out, over all root cones
    found_each: int = 128  # directions that each root cone hands out at least
    cones: int = 20_000_000  # cones of one root at most
    cone_seconds: float = 4e-6  # seconds a cone takes, roughly, before any was timed
    timed: int = 2_000  # fewer cones are no measure of the pace
    fastest: float = 1e-8  # seconds a cone takes at least
    watch: float = 0.05  # seconds between two looks at the budget during a proof
    coarse: tuple[float, ...] = (0.3, 0.03)  # accuracies of coarse proofs, which come first against the clock
    quick: float = 0.03  # share of the time left below which the last proof was quick, and no coarse one is needed
    well_known: float = 0.3  # the same after a fine proof that was over
    # accuracies and share of the time for filters longer than `short`: a tenth of an accuracy takes two to four times
    # the cones
    stairs: tuple[float, ...] = (0.3, 0.03, 2e-3, 3e-4, 1e-4)
    very_quick: float = 1e-3
    higher: float = 0.1  # share of a step's accuracy by which a direction that it finds is a column before the next
    # excess over the floor, relative, above which columns by ascent alone make a proof not worth its time
    plenty: float = 0.05
    # cones: after a proof that examined more, that excess falls with the third power of their number, and the
    # surroundings of ends are searched
    many: int = 1_000
    brief: int = 4  # entries of a filter up to which every proof by cones is quick
    short: int = 5  # entries of a filter up to which a first proof is quick
    least_excess: float = 1e-6  # that excess falls no further
    modest: float = 1e-2  # excess, relative, up to which the surroundings of ends are worth a search
    nothing: float = 1e-5  # excess, relative, below which a proof most often has the last word
    near: Around = Around(0.98, 2e-2, 500, 1e-8)
    # before first proofs that take long: what ascents miss is most often that close to one of their ends
    wide: Around = Around(0.9, 0.1, 16_000, 3e-4)
    same: float = 1.0 - 1e-6  # cosine above which two ends are one
    batch: int = 64  # ends searched between two looks at the budget
    # share of the time up to which, against the clock, ascent tries to do without a first proof: nobody knows what it
    # takes
    first: float = 0.2
    early: float = 1e-3  # excess, relative, that is enough until then
    near_copy: float = 0.99  # cosine above which two columns of one round are near copies
    cuts: int = 64  # cuts that lead to a cone near a maximum, about; for the rounding term
    # the proof that fits the time: its accuracy at least and at most; the share of the cones there is time for that
    # each trial aims at, less after one that did not fit, and the share that is close enough; how far trials stay away
    # from those before; dives for each root that estimate its cones; and the share of the time that it may take by
    # that, at the pace of the last proof, which was cut short: large cones count for too much there
    fitting: tuple[float, float] = (0.03, 0.5)
    aims: tuple[float, ...] = (0.95, 0.85, 0.7, 0.5, 0.3)
    close: float = 0.85
    near_share: float = 0.1
    dives: int = 30
    fits: float = 0.95
    # share of the time left at its beginning that the roots of such a proof may take, and of what is left in the end
    # that its last ones may
    whole: float = 0.96
    last: float = 0.9


SETTINGS = SphereSettings()


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
    pool : ThreadPoolExecutor, optional
        Of as many threads, shared with other pricers.
    executor : Executor, optional
        Searches the parts of a proof in place of the threads.
    """

    #: it bounds sums over hyperplanes over the Euclidean ball
    needs = ("additive", "euclidean")
    #: whether proofs are by cones
    by_cones = True

    def __init__(
        self,
        factory: CellFactory,
        *,
        seed: int = 0,
        threads: int = 2,
        pool: ThreadPoolExecutor | None = None,
        executor: Executor | None = None,
    ) -> None:
        self._factory = factory
        M, h = factory.rows.shape
        self._ascents = SETTINGS.some if h > SETTINGS.short else SETTINGS.few
        if self.by_cones and h > SETTINGS.brief and SETTINGS.thorough_rows <= M:
            self._ascents = SETTINGS.thorough if h <= SETTINGS.short else SETTINGS.long
        self._seed = seed
        self._threads = threads
        # kept, because starting its threads takes as long as a small search
        self._pool = pool or ThreadPoolExecutor(threads, "pricing")
        self._elsewhere = None if executor is None else Elsewhere(executor, self._pool)
        self._archive = {1: np.zeros((0, h)), -1: np.zeros((0, h))}
        self._seen = {1: np.zeros((0, h)), -1: np.zeros((0, h))}  # starts from the last proof
        self._ends = {1: np.zeros((0, h)), -1: np.zeros((0, h))}  # of ascents, where the next ones begin
        self._round = 0  # calls of ascents
        self._hopping = 0.0  # seconds of those with hops
        self._explored = 0  # calls without a proof
        self._examined = 0  # cones of the last proof
        self._spent = np.inf  # its seconds
        self._fine = np.inf  # those of the last fine one that was over
        self._reached = np.inf  # the finest accuracy of a proof that was over, against the clock
        self._pace = SETTINGS.cone_seconds  # seconds a cone took one thread in it
        self._told: Callable[[float, str], None] = lambda *_: None  # of bounds on the way

    @property
    def scope(self) -> Scope:
        """Every cell is covered."""
        return Scope.GLOBAL

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        return self._factory

    @property
    def pool(self) -> ThreadPoolExecutor:
        """Its threads."""
        return self._pool

    @property
    def listed_count(self) -> int | None:
        """Cells are searched, not listed."""
        return None

    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """Bound the correlation of v with every atom to the relative accuracy `slack`, infinite for what time allows.

        Unless asked to `prove`, the bound is left at infinity while ascent alone finds columns well above the floor.
        """
        enough = max(SETTINGS.plenty / max(1.0, self._examined / SETTINGS.many) ** 3, SETTINGS.least_excess)
        thorough = self._examined > SETTINGS.many  # ascent is worth more trouble
        if self._examined == 0 and budget.paced and budget.seconds < SETTINGS.first * (budget.time_limit or 0.0):
            enough, thorough = SETTINGS.early, True
        sides, best = self._ascend_both(v, floor, budget, thorough)
        excess = best / floor - 1.0 if floor > 0.0 else 0.0
        if excess > enough and not prove:
            return self._columns(sides, np.inf, floor, want, None)
        if not prove and not any(map(len, self._seen.values())):
            # a first proof may take all the time there is: other random starts come before it
            for _ in range(self._ascents.tries):
                other = self.explore(
                    v, floor=floor * (1.0 + max(slack, SETTINGS.least_excess)), want=want, budget=budget
                )
                if len(other.value) or budget.stop() is not None:
                    return other
            if self._ascents.wide:
                best = self._watched_best(partial(self._search_near, around=SETTINGS.wide), sides, floor, budget)
                if best > (1.0 + SETTINGS.nothing) * floor or budget.stop() is not None:
                    return self._columns(sides, np.inf, floor, want, budget.stop())
        if slack == math.inf:
            bound = self._bounded_in_time(sides, floor, max(floor, best), budget)
            return self._columns(sides, bound, floor, want, budget.stop())
        goal = slack if prove else max(slack, 0.1 * excess)
        bound = self._bounded(sides, max(floor, best), goal, budget, prove)
        for side in sides:
            above = side.found[side.found_value > floor * (1.0 + goal)]
            side.ascend(
                above[spread(above, side.respond(above), self._ascents.kept, near=SETTINGS.apart)], floor, budget
            )
        return self._columns(sides, max(bound, floor), floor, want, budget.stop())

    def _bounded(self, sides: list[_Side], known: float, goal: float, budget: Budget, prove: bool) -> float:
        """Bound both sides to the relative accuracy `goal` above what is known of them.

        Against the clock coarse proofs come first: a fine one that is cut short proves little. With long filters, and
        unless asked to `prove`, a step that finds a high direction is the last one for its vector, and the next vector
        begins with the next step.
        """
        long = len(sides[0].linear) > SETTINGS.short
        coarse, quick = (SETTINGS.stairs, SETTINGS.very_quick) if long else (SETTINGS.coarse, SETTINGS.quick)
        below = np.inf if prove else self._reached
        levels = [*(step for step in coarse if budget.paced and goal < step < below), goal]
        bound = np.inf
        for accuracy in levels:
            enough = self._spent < quick * budget.remaining or self._fine < SETTINGS.well_known * budget.remaining
            if accuracy != goal and enough:
                continue  # there is time for the fine one
            begin = budget.seconds
            bound = min(bound, self._prove(sides, known, accuracy, budget))
            self._spent = budget.seconds - begin
            if budget.stop() is not None:
                self._reached = np.inf
                break
            if accuracy == goal:
                self._fine = self._spent
            if long and accuracy != goal:
                self._reached = min(self._reached, accuracy)
                highest = max(side.found_value.max(initial=0.0) for side in sides)
                if not prove and highest > known * (1.0 + SETTINGS.higher * accuracy):
                    break
        return bound

    def prove_in_time(
        self, v: _Array, *, floor: float, budget: Budget, told: Callable[[float, str], None] = lambda *_: None
    ) -> float:
        """Bound the correlation of v with every atom as closely as the time left allows, in one proof.

        Infinite if none of its accuracies is predicted to be over in time, or the prediction is wrong. On the way
        `told` may be called with a bound, as a multiple of the `floor`, to which :meth:`rounding` comes, and with where
        the proof stands.
        """
        self._told = told
        return self.price(v, floor=floor, want=1, budget=budget, slack=math.inf, prove=True).bound

    def _bounded_in_time(self, sides: list[_Side], floor: float, known: float, budget: Budget) -> float:
        """:meth:`prove_in_time` without rounding."""

        def fitting() -> float:
            """How many cones there is time for."""
            return SETTINGS.fits * budget.remaining * self._threads / self._pace

        def predicted(accuracy: float) -> list[float]:
            return self._predicted(sides, known * (1.0 + accuracy), budget)

        fine, accuracy = SETTINGS.fitting
        expected = predicted(accuracy)
        if sum(expected) > fitting():
            return math.inf
        finer, aim = predicted(fine), SETTINGS.aims[0]
        for aim_after_miss in SETTINGS.aims[1:]:
            least, most = sum(expected), sum(finer)
            if most <= fitting():
                accuracy, expected = fine, finer
            if least >= SETTINGS.close * fitting() or most <= fitting():
                break
            # between what fits and what does not cones are about as many as a power of the accuracy
            share = math.log(max(aim * fitting() / least, 1.0)) / math.log(most / least)
            trial = accuracy * (fine / accuracy) ** min(max(share, SETTINGS.near_share), 1.0 - SETTINGS.near_share)
            cones = predicted(trial)
            if sum(cones) <= fitting():
                accuracy, expected = trial, cones
            else:
                fine, finer, aim = trial, cones, aim_after_miss
        budget.report("solve", f"proof over all directions, to {accuracy:.0%}")
        self._reached = accuracy  # no root has to leave time to others
        bound = self._prove(sides, known, accuracy, budget, expected)
        if budget.stop() is not None:
            self._reached = np.inf
            return math.inf
        return bound

    def _predicted(self, sides: list[_Side], limit: float, budget: Budget) -> list[float]:
        """How many cones of each root a proof examines that ends where all bounds are at most `limit`, about."""

        def one(side: _Side, halt: _Flag) -> list[float]:
            with side.search() as search:
                return [
                    float(search.estimate(root, limit, SETTINGS.dives, seed, halt).mean())
                    for seed, root in enumerate(side.roots())
                ]

        return [count for counts in self._watched(one, sides, budget) for count in counts]

    def rounding(self, v: _Array) -> float:
        """That of the coefficients, and what branch and bound adds, about, to the bound of a cone of many cuts."""
        M, h = self._factory.rows.shape
        added = 112.0 + M / 64.0 + 10.0 * math.sqrt(h) * (SETTINGS.cuts + h) + 24.0 * h  # as in sphere_kernel
        return super().rounding(v) + float(added) * UNIT_ROUNDOFF * self._factory.reach(v)

    def explore(self, v: _Array, *, floor: float, want: int, budget: Budget) -> PriceResult:
        """Columns that ascent finds, from other random starts at each call, and no bound."""
        self._explored += 1
        sides, _ = self._ascend_both(v, floor, budget, True)
        return self._columns(sides, np.inf, floor, want, budget.stop())

    def _ascend_both(self, v: _Array, floor: float, budget: Budget, thorough: bool) -> tuple[list[_Side], float]:
        """Ascent for both output signs, by what else there is than steps if it is worth it, and the best value."""
        a, linear = self._factory.ridge(v)
        sides = [_Side(sign, self._factory.rows, sign * a, sign * linear) for sign in (1, -1)]
        best = 0.0
        self._round += 1
        # against the clock all of them may take as long as one price: proofs come soon enough
        hopping = self._ascents.hops is not None and (not budget.paced or self._hopping < budget.remaining)
        hop = partial(self._ascend, hops=self._ascents.hops if hopping else None)
        near = partial(self._search_near, around=SETTINGS.near)
        for step in (hop, near) if thorough and not hopping else (hop,):
            begin = budget.seconds
            best = self._watched_best(step, sides, floor, budget)
            self._hopping += budget.seconds - begin if hopping else 0.0
            if not SETTINGS.nothing * floor < best - floor <= SETTINGS.modest * floor:
                break
        return sides, best

    def _prove(
        self, sides: list[_Side], known: float, accuracy: float, budget: Budget, expected: Sequence[float] = (),
        cones: Sequence[tuple[_Side, _Array | Cones]] = (),
    ) -> float:  # fmt: skip
        """Branch and bound over every root cone: the bound; the sides get the directions found, new starts too.

        With `cones` these are searched in place of the roots, in this order. With the cones that each root is
        `expected` to take, the bound is `accuracy` above what is `known`, not above what it finds, and coarser for
        those roots for which there is too little time left: cones are about as many as one over the accuracy.
        """
        if self._elsewhere is not None and not cones:
            return self._prove_elsewhere(self._elsewhere, sides, known, accuracy, budget)

        def one(task: tuple[_Side, _Array | Cones], halt: _Flag) -> tuple[float, _Array, _Array, int]:
            side, root = task
            U, value = np.zeros((found, len(side.linear))), np.zeros(found)
            begin = clock()
            # a step is of use when it is over, and the one before has left a bound: then no root has to leave time
            others = len(tasks) - next(started)
            nodes = self._nodes(budget, (others if self._reached == np.inf else 0) + self._threads)
            floor, slack = known, accuracy
            if expected:
                late = self._late(counts[len(counts) - others - 1 :], budget.remaining - reserve, budget.remaining)
                floor, slack = known * (1.0 + late * accuracy), 0.0
            if isinstance(root, Cones):
                floor = min(floor, root.highest)
            with side.search() as search:
                answer = search.run(root, floor, slack, U, value, SETTINGS.seen * known, nodes, halt)
            examined = answer[3]
            timed.append((clock() - begin, examined))
            seconds, cones = map(sum, zip(*timed, strict=True))
            if cones > SETTINGS.timed:
                # the clock may have stood still, while a kernel was compiled or loaded
                self._pace = max(seconds / cones, SETTINGS.fastest)
            count = min(answer[2], len(U))
            return answer[0], U[:count], value[:count], examined

        tasks = list(cones) or [(side, root) for side in sides for root in side.roots()]
        counts = list(expected)
        reserve = (1.0 - SETTINGS.whole) * budget.remaining if expected and budget.paced else 0.0
        if expected and not cones:  # long ones first
            counts = sorted(expected, reverse=True)
            tasks = [tasks[i] for i in np.argsort(-np.array(expected), kind="stable")]
        found = max(SETTINGS.found_each, SETTINGS.found // len(tasks))
        started = itertools.count(1)
        timed: list[tuple[float, int]] = []  # seconds and cones of the roots that are over
        answers = self._watched(one, tasks, budget)
        self._examined = sum(examined for _, _, _, examined in answers)

        def learn(side: _Side) -> None:
            own = [answer for (other, _), answer in zip(tasks, answers, strict=True) if other is side]
            side.found = np.concatenate([side.found[:0], *(U for _, U, _, _ in own)])
            side.found_value = np.concatenate([side.found_value[:0], *(value for _, _, value, _ in own)])
            self._seen[side.sign] = _thinned(side.found, side.found_value, self._ascents.seen)

        list(self._pool.map(learn, sides))
        return max(known, *(bound for bound, _, _, _ in answers))

    def _late(self, counts: Sequence[float], seconds: float, remaining: float) -> float:
        """How many times the `seconds` a root and those after it take, of so many cones as expected; at least 1.

        Of all the time that is `remaining` they may take a share in any case.
        """
        # others are under way, about half of each is left; one root may take half as much again as expected
        cones = max(1.5 * counts[0], (counts[0] + sum(counts)) / self._threads)
        return max(1.0, cones * self._pace / max(seconds, SETTINGS.last * remaining, SETTINGS.watch))

    def _prove_elsewhere(
        self, elsewhere: Elsewhere, sides: list[_Side], known: float, accuracy: float, budget: Budget
    ) -> float:
        """The same in an executor."""
        most = SETTINGS.cones * sum(len(side.roots()) for side in sides)
        bound, self._examined, found = prove_in_parts(
            elsewhere, sides, known, accuracy, SETTINGS.seen * known, most, budget
        )
        for side, (U, value) in zip(sides, found, strict=True):
            best = np.argsort(-value, kind="stable")[: SETTINGS.found]
            side.found, side.found_value = U[best], value[best]
            self._seen[side.sign] = _thinned(side.found, side.found_value, self._ascents.seen)
        return bound

    def _nodes(self, budget: Budget, sharing: int) -> int:
        """Cones for each of `sharing` roots in the time left; one that meets the limit has a wider, sound bound."""
        share = budget.remaining * self._threads / sharing
        return SETTINGS.cones if not budget.paced else int(min(SETTINGS.cones, max(1, share / self._pace)))

    def _watched(self, work: Callable[[_S, _Flag], _T], tasks: Sequence[_S], budget: Budget) -> list[_T]:
        """What `work` makes of each task, with a flag of their own that says when it is time to stop."""
        halt = np.zeros(1, dtype=bool)
        running = [self._pool.submit(work, task, halt) for task in tasks]
        try:
            while wait(running, timeout=SETTINGS.watch).not_done:
                halt[0] = budget.stop() is not None
        finally:
            halt[0] = True  # an exception leaves nobody searching
        return [task.result() for task in running]

    def _watched_best(self, step: Callable[..., None], sides: list[_Side], floor: float, budget: Budget) -> float:
        """Take a step on both sides; the best value afterwards."""
        self._watched(partial(step, floor=floor, budget=budget), sides, budget)
        return max(side.best for side in sides)

    def _ascend(self, side: _Side, _halt: _Flag, *, floor: float, budget: Budget, hops: Hops | None) -> None:
        """Ascent from the best of what mattered before and, until a proof has seen more, of random directions."""
        h = len(side.linear)
        starts = np.concatenate([self._archive[side.sign], self._seen[side.sign]])
        if not len(self._seen[side.sign]):
            rng = np.random.default_rng((self._seed, len(self._archive[side.sign]), self._explored))
            least, most = self._ascents.starts
            count = min(most, max(least, SETTINGS.start_products // max(1, len(side.a))))
            random = rng.standard_normal((count, h))
            starts = np.concatenate([starts, random / np.linalg.norm(random, axis=1, keepdims=True)])
        starts = side.upwards(starts)
        side.ascend(
            starts[spread(starts, side.respond(starts), self._ascents.kept, near=SETTINGS.apart)], floor, budget
        )
        if hops is not None:
            self._hop(side, hops, floor, budget)

    def _hop(self, side: _Side, how: Hops, floor: float, budget: Budget) -> None:
        """Ascent from ends of this round and of earlier ones, and from turned copies of the best of them.

        Gradient steps cost little and lead all of them to cells; the best points of the best cells are looked for.
        """
        h = len(side.linear)
        known = np.concatenate([self._ends[side.sign], side.U])
        value = side.respond(known)
        most = max(1, SETTINGS.start_products // max(1, len(side.a)))  # of both kinds of starts
        chosen = spread(known, value, min(how.kept, most), near=SETTINGS.same)
        known, value = known[chosen], value[chosen]
        best = known[value >= how.share * floor][: min(how.turned, most)]
        rng = np.random.default_rng((self._seed, self._round, side.sign + 1))
        shape = (len(best), max(1, min(how.times, most // max(1, len(best)))), h)
        turns = rng.uniform(0.0, np.tan(how.angle) / math.sqrt(h), (*shape[:2], 1)) * rng.standard_normal(shape)
        turned = (best[:, None] + turns).reshape(-1, h)
        starts = side.upwards(np.concatenate([known, turned / np.linalg.norm(turned, axis=1, keepdims=True)]))
        first = len(side.U)
        side.ascend(starts, np.inf, budget)  # no cell promises that much
        cells = first + spread(side.U[first:], side.value[first:], how.improved, near=SETTINGS.apart)
        side.ascend(side.U[cells], how.share * floor, budget)
        high = np.flatnonzero(side.value >= how.kept_share * floor)
        self._ends[side.sign] = side.U[high[spread(side.U[high], side.value[high], how.kept, near=SETTINGS.same)]]

    def _search_near(self, side: _Side, halt: _Flag, *, floor: float, budget: Budget, around: Around) -> None:
        """Branch and bound in a small cone around each end that is near the floor.

        Near a maximum there are many smaller ones, where an ascent ends.
        """
        near_best = np.flatnonzero(side.value >= around.close * floor)
        if len(side.linear) == 1:
            return
        near_best = near_best[spread(side.U[near_best], side.value[near_best], len(near_best), near=SETTINGS.same)]
        for start in range(0, len(near_best), SETTINGS.batch):
            if budget.stop() is not None:
                break
            ends = near_best[start : start + SETTINGS.batch]
            better, value = search_cones(
                side.rows, side.a, side.linear, _surroundings(side.U[ends], around.radius),
                np.maximum(side.value[ends], floor), around.fine, around.cones, halt,
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
        chosen = above[spread(U[above], value[above], want, sign=sign[above], near=SETTINGS.near_copy)]
        U, value, sign = U[chosen], value[chosen], sign[chosen]
        for s in (1, -1):
            self._archive[s] = np.concatenate([self._archive[s], U[sign == s]])[-SETTINGS.archive :]
        columns: Blocks = self._factory.blocks_around(U, sign)
        return PriceResult(bound=bound, columns=columns, directions=U, value=value, stopped=stopped)


@dataclass(slots=True)
class _Side:
    """The correlation ``f(u) = linear . u + sum_j a[j] (rows[j] . u)_+`` for one output sign, and what is known of it.

    Ends `U` (m, h) of ascents have the values `value` (m,); a proof has `found` (q, h) directions and their values.
    """

    sign: int
    rows: _Array
    a: _Array
    linear: _Array
    columns: _Array = field(init=False)  # the rows, transposed
    tilt: _Array = field(init=False)  # f(u) - f(-u) = tilt . u
    U: _Array = field(init=False)
    value: _Array = field(init=False)
    found: _Array = field(init=False)
    found_value: _Array = field(init=False)
    _idle: list[ConeSearch] = field(init=False, default_factory=list)  # not more than threads

    def __post_init__(self) -> None:
        self.columns = np.ascontiguousarray(self.rows.T)
        self.tilt = 2.0 * self.linear + block_product(self.a, self.rows)
        self.U = self.found = np.zeros((0, len(self.linear)))
        self.value = self.found_value = np.zeros(0)

    @contextmanager
    def search(self) -> Iterator[ConeSearch]:
        """A search of f that nobody else uses meanwhile."""
        search = self._idle.pop() if self._idle else ConeSearch(self.rows, self.a, self.linear)
        yield search
        self._idle.append(search)

    def upwards(self, U: _Array) -> _Array:
        """The directions `U` (m, h), or their opposites, in the half of the sphere where f attains its maximum."""
        return np.where((U @ self.tilt < 0.0)[:, None], -U, U)

    @property
    def best(self) -> float:
        """Largest value of an end, 0 without any."""
        return float(self.value.max(initial=0.0))

    def respond(self, U: _Array) -> _Array:
        """The value of f at each row of `U` (m, h)."""
        return respond(self.columns, self.a, self.linear, U)

    def ascend(self, U: _Array, floor: float, budget: Budget) -> None:
        """Ascent from each row of `U` (m, h), best first, whose ends are kept; until there is no more time."""
        step = max(1, SETTINGS.ascent_products // max(1, SETTINGS.steps * self.rows.size))
        for start in range(0, len(U), step):
            if start and budget.stop() is not None:
                break
            part = U[start : start + step]
            value = ascend(self.columns, self.a, self.linear, part, floor, SETTINGS.steps)
            self.U = np.concatenate([self.U, part])
            self.value = np.concatenate([self.value, value])

    def roots(self) -> list[_Array]:
        """Cones of orthonormal vertices (h, h) that cover the half of the sphere where f attains its maximum."""
        h = len(self.linear)
        basis = np.linalg.qr(np.column_stack([self.tilt, np.eye(h)]))[0].T
        basis[0] *= 1.0 if basis[0] @ self.tilt >= 0.0 else -1.0
        turns = itertools.product((1.0, -1.0), repeat=h - 1)
        return [np.ascontiguousarray(np.array([1.0, *signs])[:, None] * basis) for signs in turns]


def _thinned(U: _Array, value: _Array, most: int) -> _Array:
    """Of the unit directions `U` (m, h) the best one in each cell of a grid, best first, `most` of them at most."""
    order = np.argsort(-value, kind="stable")
    key = np.zeros(len(U), dtype=np.int64)
    for coordinate in np.round(SETTINGS.grid * U[order]).astype(np.int64).T:
        key = key * int(2 * SETTINGS.grid + 1) + coordinate
    _, first = np.unique(key, return_index=True)
    return U[order[np.sort(first)[:most]]]


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
