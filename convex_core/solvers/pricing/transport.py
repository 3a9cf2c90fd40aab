r"""Pricing long filters without listing cells: branch and bound over the signs of rows, with transport between them.

As in :mod:`.sphere` the correlation of an atom is :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` on one half of the unit
ball, and local ascent finds what there is to find. The proof differs: it branches on the sign of single rows with
:math:`a_j > 0`, each paid with rows of :math:`a_j < 0` close by (:mod:`.transport_kernel`), and knows no dimension.
Filters of 6 to 9 entries with up to a few hundred rows are its field; with many rows and short filters cones are
quicker.

Against the clock, and where that takes too long, cones of directions are closed by moments (:mod:`.moment_cones`), and
what is left of them is searched one by one.

A proof by row signs has a target, and shows that f is nowhere above it, or finds a direction where it is. Targets come
closer and closer to the best value known, so that whatever stops the search the last one that was proved is a bound.
"""

from __future__ import annotations

from concurrent.futures import Executor, wait
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.rounding import UNIT_ROUNDOFF
from ...program.blocks import CellFactory
from ...progress import Budget
from ...status import Status
from .elsewhere import Elsewhere, dealt
from .enumerated import PriceResult
from .moment_cones import close_cones
from .moments import Moments
from .plan_kernel import transport_plan
from .row_signs import prove_below
from .sphere import SETTINGS as SPHERE
from .sphere import SpherePricer, _Side, _thinned

__all__ = ["TransportPricer"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Tuning of the proofs by row signs."""

    # targets: excess over the best value known, relative; the last one is what is asked for
    excesses: tuple[float, ...] = (4.0, 2.0, 1.0, 0.5, 0.25, 0.12, 0.06, 0.03, 0.01, 1e-3)
    # proofs by cones, by moments and one by one: excess over the best value known of the targets in turn, and one that
    # grows for cones that are late
    above: tuple[float, ...] = (0.0, 3e-3, 4e-3, 5e-3, 6e-3, 8e-3, 1e-2, 2e-2, 4e-2)
    late: float = 1e-2
    partners: int = 16  # concave rows at most that pay for a convex one
    plan_steps: int = 60  # steps for each level of smoothing of the plan
    products_at_once: int = 1 << 22  # products of rows at a time when partners are looked for: 32 MB
    first_nodes: int = 60  # nodes of the first run of a proof
    growth: int = 8  # times as many nodes for each part of what that leaves open
    most_nodes: int = 4000  # nodes of a part at most before what it leaves open is shared out again
    memory: int = 1 << 27  # bytes for the multipliers of a run, which decide how many signs it can stack
    deepest: int = 160  # signs on top of each other at most
    # products of a proof at most where no time limit is given, some ten seconds of CPU time: who has more says so
    products: float = 1e10
    dear: int = 10_000  # cones that a proof is taken for before there was one
    node_products: int = 300  # products of a node for each convex row and entry of it, about
    easy: float = 0.02  # share of these products that a proof may take before it is told that it is not easy
    least: float = 1e-13  # target at least, relative to the sum of all coefficients
    found: int = 256  # directions that one run hands out
    parcels: int = 64  # tasks of a round at most in an executor, for each output sign


SETTINGS = TransportSettings()


class TransportPricer(SpherePricer):
    """Prices over every cell by branch and bound over row signs.

    Parameters
    ----------
    factory : CellFactory
        Cells of the problem, of an architecture with ridge coefficients and the Euclidean penalty.
    seed : int
        Seed of the random starts.
    threads : int
        Threads over the parts of a proof; the result does not depend on it.
    executor : Executor, optional
        Searches the parts of a proof in place of the threads; the result does not depend on it.
    """

    by_cones = False

    def __init__(
        self, factory: CellFactory, *, seed: int = 0, threads: int = 2, executor: Executor | None = None
    ) -> None:
        super().__init__(factory, seed=seed, threads=threads, executor=executor)
        self._plans: dict[int, tuple[_Index, _Array]] = {}  # of the last proof for each output sign, by pairs of rows
        self._examined = SETTINGS.dear  # ascent is worth more trouble than a proof
        self._products = SETTINGS.products  # limit of a proof without a time limit
        self._capped = False  # whether the last proof met it
        self._easy = False  # whether the last proof took little
        self._moments: dict[int, Moments] = {}  # of each output sign, once a proof was not easy

    def _bounded(self, sides: list[_Side], known: float, goal: float, budget: Budget, prove: bool) -> float:
        """One target after another; a direction above one is a column, or, where a proof is asked for, the new best."""
        bound = np.inf
        parts = [_Part(side, self._plans.get(side.sign)) for side in sides]
        levels = [*(excess for excess in SETTINGS.excesses if excess > 2.0 * goal), goal]
        # after an easy proof the last target is tried at once; what is not easy is bounded by moments first
        place = len(levels) - 1 if self._easy else 0
        spent, limit = 0.0, SETTINGS.easy * SETTINGS.products
        while place < len(levels):
            proof = _Proof(parts, known * (1.0 + levels[place]), SPHERE.seen * known)
            self._run(proof, budget, limit if budget.paced else min(limit, self._products - spent))
            spent += proof.products
            self._examined = proof.nodes
            for side, part in zip(sides, parts, strict=True):
                side.found, side.found_value = part.found, part.found_value
            if proof.refuted:
                known = max(known, proof.best, *(part.ascended(budget) for part in parts))
                if not prove or budget.stop() is not None:
                    break
                continue
            bound = min(bound, proof.bound)
            if not proof.open:
                place += 1
            elif limit < np.inf and budget.stop() is None:
                limit = np.inf
                # easier targets than what that proves are not worth a search
                bound = min(bound, max(self._by_moments(side, budget) for side in sides))
                place = sum(known * (1.0 + excess) >= bound for excess in levels)
            else:
                break
        for side, part in zip(sides, parts, strict=True):
            self._plans[side.sign] = part.pairs()
            self._seen[side.sign] = _thinned(side.found, side.found_value, self._ascents.seen)
        finished = place == len(levels) or proof.refuted
        self._capped = not finished and budget.stop() is None
        # who has met the limit will most likely meet it again
        self._products = SETTINGS.products if finished else max(0.5 * self._products, SETTINGS.easy * SETTINGS.products)
        self._easy = place == len(levels) and spent < SETTINGS.easy * SETTINGS.products
        return bound

    def _bounded_in_time(self, sides: list[_Side], floor: float, known: float, budget: Budget) -> float:
        """Close what can be closed by moments on cones of directions, and search the cones that are left one by one."""

        def told(wave: int, count: int, bound: float) -> None:
            share = max(bound, known) / floor if floor > 0.0 else np.inf
            self._told(share, f"all directions by cones, cut {wave} times, {count} open")

        targets = [known * (1.0 + excess) for excess in SETTINGS.above]
        closed = close_cones(sides, targets, budget, self._pool, self._pace / self._threads, told)
        if closed is None:
            return np.inf
        target, left = closed
        if not left:
            return target
        budget.report("solve", f"proof over all directions, {len(left)} cones one by one")
        self._reached = SETTINGS.late  # no cone has to leave time to others
        expected = [cone.expected for cone in left]
        tasks = [(cone.side, cone.cone) for cone in left]
        bound = self._prove(sides, target / (1.0 + SETTINGS.late), SETTINGS.late, budget, expected, tasks)
        self._reached = np.inf
        return max(bound, target)

    def _by_moments(self, side: _Side, budget: Budget) -> float:
        """A bound on one side, coarse and quick."""
        if side.sign not in self._moments:
            self._moments[side.sign] = Moments(self._factory.rows)
        return self._moments[side.sign].bound(side.a, side.linear, budget)

    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """As for cones; a proof that met its own limit has stopped the run."""
        self._capped = False
        found = super()._search(v, floor=floor, want=want, budget=budget, slack=slack, prove=prove)
        return replace(found, stopped=Status.ITERATION_LIMIT) if self._capped and found.stopped is None else found

    def _run(self, proof: _Proof, budget: Budget, products: float) -> None:
        """Search the open nodes of both sides, in runs that grow, until there are none or the time is up."""
        each = SETTINGS.first_nodes
        while proof.open:
            parts = [proof.part(place, each) for place in range(len(proof.open))]
            proof.gather(
                self._in_threads(parts, budget)
                if self._elsewhere is None
                else self._sent(self._elsewhere, parts, budget)
            )
            if proof.refuted or budget.stop() is not None:
                break
            if proof.products > products:
                break
            each = min(SETTINGS.growth * each, SETTINGS.most_nodes)

    def _in_threads(self, parts: list[SignPart], budget: Budget) -> list[_Run | None]:
        halt = np.zeros(1, dtype=bool)
        running = [self._pool.submit(search_signs, part, halt) for part in parts]
        try:
            while wait(running, timeout=SPHERE.watch).not_done:
                halt[0] = halt[0] or budget.stop() is not None
        finally:
            halt[0] = halt[0] or budget.stop() is not None
            wait(running)
        return [task.result() for task in running]

    def _sent(self, elsewhere: Elsewhere, parts: list[SignPart], budget: Budget) -> list[_Run | None]:
        """Several in one parcel, where they are many: rows are sent once for all of them of a side."""
        places = [
            own[hand]
            for side in {id(part.rows): part.rows for part in parts}.values()
            for own in [np.flatnonzero([part.rows is side for part in parts])]
            for hand in dealt(len(own), SETTINGS.parcels)
        ]
        parcels = [[parts[place] for place in hand] for hand in places]
        runs: list[_Run | None] = [None] * len(parts)
        for hand, found in zip(places, elsewhere.run(search_parcel, parcels, budget), strict=True):
            for place, run in zip(hand, found or (), strict=found is not None):
                runs[place] = run
        return runs

    def rounding(self, v: _Array) -> float:
        """That of the coefficients, and what the search adds, about, to the bound of a node."""
        M, h = self._factory.rows.shape
        added = 4.0 * (M + SETTINGS.partners + 2 * h + 64) + 64.0  # as in transport_kernel
        own = 2.0 * added * UNIT_ROUNDOFF * self._factory.reach(v)
        return float(self._factory.rounding(v, listed=False) + own)


class _Part:
    """One side as the kernel wants it: convex and concave rows apart, and a plan between them."""

    def __init__(self, side: _Side, pairs: tuple[_Index, _Array] | None) -> None:
        self.side = side
        convex, concave = np.flatnonzero(side.a > 0.0), np.flatnonzero(side.a < 0.0)
        self.rows = len(side.a)
        self.convex, self.concave = convex, concave
        self.X, self.Y = np.ascontiguousarray(side.rows[convex]), np.ascontiguousarray(side.rows[concave])
        self.a, self.c = side.a[convex], -side.a[concave]
        self.linear = np.ascontiguousarray(side.linear)
        length = float(np.linalg.norm(side.tilt))
        self.half = side.tilt[None, :] / length if length > 0.0 else np.zeros((0, len(side.tilt)))
        self.found, self.found_value = np.zeros((0, len(side.tilt))), np.zeros(0)
        self.partner, self.plan = self._planned(pairs)
        self.plain = _Rows(self.X, self.a, self.Y, self.c, self.linear, self.half, self.partner, self.plan)

    def _planned(self, pairs: tuple[_Index, _Array] | None) -> tuple[_Index, _Array]:
        """The nearest concave rows of each convex one, and what they pay; from the plan of the last proof if given."""
        m, q = len(self.a), len(self.c)
        if not m or not q:
            return np.full((m, 1), -1), np.zeros((m, 1))
        K = min(SETTINGS.partners, q)
        step = max(1, SETTINGS.products_at_once // q)
        nearest = [
            np.argpartition(-(self.X[start : start + step] @ self.Y.T), K - 1, axis=1)[:, :K]
            for start in range(0, m, step)
        ]
        partner = np.ascontiguousarray(np.sort(np.concatenate(nearest), axis=1), dtype=np.int64)
        plan = np.zeros((m, K))
        if pairs is not None:
            keys = self._keys(partner)
            places = np.minimum(np.searchsorted(pairs[0], keys), len(pairs[0]) - 1)
            plan = np.where(pairs[0][places] == keys, pairs[1][places], 0.0)
        entry = np.argsort(partner, axis=None, kind="stable")
        start = np.searchsorted(partner.ravel()[entry], np.arange(q + 1))
        gain = float(np.linalg.eigvalsh(self.Y.T @ self.Y)[-1])
        work = np.zeros((2, m, K))
        transport_plan(
            self.X, self.a, self.Y, self.c, partner, plan, start, entry, gain, SETTINGS.plan_steps, work[0], work[1],
            np.zeros(self.X.shape[1]), plan.ravel(),
        )  # fmt: skip
        return partner, plan

    def _keys(self, partner: _Index) -> _Index:
        keys: _Index = self.convex[:, None] * self.rows + self.concave[partner]
        return keys

    def pairs(self) -> tuple[_Index, _Array]:
        """The plan by pairs of rows, for the next dual vector; the last pair is none."""
        if not self.plan.any():
            return np.full(1, -1), np.zeros(1)
        keys, values = self._keys(self.partner).ravel(), self.plan.ravel()
        order = np.argsort(keys)
        return keys[order], values[order]

    def ascended(self, budget: Budget) -> float:
        """The best value at the ends of ascents from what was found."""
        if not len(self.found):
            return self.side.best
        best = self.found[np.argsort(-self.found_value, kind="stable")[: SPHERE.few.kept]]
        self.side.ascend(best.copy(), 0.0, budget)
        return self.side.best

    @property
    def capacity(self) -> int:
        """Signs on top of each other that the memory allows."""
        return int(min(SETTINGS.deepest, max(8, (SETTINGS.memory / (32.0 * max(1, len(self.a)))) ** 0.5)))


class _Run(NamedTuple):
    """What one run of the kernel gives: `ends` are the signs of its open nodes, with their bounds."""

    bound: float
    best: float
    U: _Array
    value: _Array
    nodes: int
    ends: list[tuple[_Index, float]]


class _Rows(NamedTuple):
    """What the kernel wants of a side."""

    X: _Array
    a: _Array
    Y: _Array
    c: _Array
    linear: _Array
    half: _Array
    partner: _Index
    plan: _Array


class SignPart(NamedTuple):
    """One run of the kernel, in plain data: a side, signs that are given, and the limits."""

    rows: _Rows
    given: _Index
    target: float
    nodes: int
    capacity: int
    wanted: float


def search_signs(part: SignPart, halt: NDArray[np.bool_]) -> _Run:
    """Search a part until its number of nodes is met or `halt` is set."""
    rows, capacity = part.rows, part.capacity
    U, value = np.zeros((SETTINGS.found, len(rows.linear))), np.zeros(SETTINGS.found)
    left, bounds = np.full((capacity + 1, capacity, 2), -1), np.zeros(capacity + 1)
    bound, best, count, examined, opened = prove_below(
        *rows, part.given, part.target, part.nodes, capacity, U, value, part.wanted, left, bounds, halt
    )
    found, opened = min(int(count), len(U)), min(int(opened), len(left))
    ends = [
        (signs[: int(np.argmax(signs[:, 0] < 0))].copy(), float(b))
        for signs, b in zip(left[:opened], bounds[:opened], strict=True)
    ]
    return _Run(float(bound), float(best), U[:found], value[:found], int(examined), ends)


def search_parcel(parts: list[SignPart], halt: NDArray[np.bool_]) -> list[_Run]:
    """Search several."""
    return [search_signs(part, halt) for part in parts]


class _Proof:
    """A target, and what is open of its proof: parts with signs that are given."""

    def __init__(self, parts: list[_Part], target: float, wanted: float) -> None:
        # nothing is proved below what the search itself may be off by
        largest = max(float(part.a.sum() + part.c.sum() + np.abs(part.linear).sum()) for part in parts)
        self.target = max(target, SETTINGS.least * largest)
        self.wanted = wanted
        self.open: list[tuple[_Part, _Index]] = [(part, np.zeros((0, 2), np.int64)) for part in parts]
        self.pending = np.inf  # largest bound of what is open
        self.closed = self.target  # that of what is not
        self.nodes = 0
        self.products = 0.0
        self.best = 0.0

    @property
    def refuted(self) -> bool:
        """Whether f is above the target somewhere."""
        return self.best > self.target

    @property
    def bound(self) -> float:
        """The largest value of f is at most this, unless the target is refuted."""
        return np.inf if self.refuted else max(self.closed, self.pending if self.open else self.target)

    def part(self, place: int, nodes: int) -> SignPart:
        """One run of the kernel."""
        part, given = self.open[place]
        return SignPart(part.plain, given, self.target, nodes, part.capacity + len(given), self.wanted)

    def gather(self, runs: list[_Run | None]) -> None:
        """Take in a round of runs; what they left open is searched next, and what was not searched at all."""
        following: list[tuple[_Part, _Index]] = []
        self.pending = self.target
        for (part, signs), run in zip(self.open, runs, strict=True):
            if run is None:
                following.append((part, signs))
                self.pending = np.inf  # nobody has looked: the bound of the target before this one counts
                continue
            part.found = np.concatenate([part.found, run.U])
            part.found_value = np.concatenate([part.found_value, run.value])
            self.best = max(self.best, run.best)
            self.nodes += run.nodes
            self.products += float(run.nodes) * SETTINGS.node_products * part.X.size
            self.closed = max(self.closed, run.bound)
            for given, bound in run.ends:
                following.append((part, given))
                self.pending = max(self.pending, bound)
        self.open = following
