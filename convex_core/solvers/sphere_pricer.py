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

# products with rows that random starts may cost, and their number
_PRODUCTS = 4_000_000
_STARTS = (600, 2000)
# starts that are improved, and the cosine above which two of them are one
_KEPT = 64
_APART = 0.998
# walls crossed at the end of each ascent
_HOPS = 4
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
_MANY = 2_000
_LITTLE = 1e-6
# after such a proof, and once ascent finds no more than this, it is worth to search the surroundings of its ends
_FEW = 1e-2
# they have at least this share of the floor; branch and bound looks at cones of this radius, to this accuracy, and at
# no more cones in each
_CLOSE = 0.98
_RADIUS = 5e-3
_FINE = 1e-8
_LOCAL = 500
# against the clock no one knows what the first proof takes: up to this share of the time ascent tries to do without
_FIRST, _EARLY = 0.2, 1e-3
# cosine above which two columns of one round are near copies
_COPIES = 0.99


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
        self._seen = {1: np.zeros((0, h)), -1: np.zeros((0, h))}  # starts from the last proof
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
        found: dict[int, list[tuple[_Array, _Array]]] = {1: [], -1: []}
        best = excess = 0.0
        with ThreadPoolExecutor(self._threads) as pool:
            for step in (self._ascend, self._search_near) if keen else (self._ascend,):
                parts = pool.map(lambda s, step=step: step(s * a, s * linear, s, floor, found[s]), (1, -1))
                for sign, part in zip((1, -1), parts, strict=True):
                    found[sign].append(part)
                    best = max(best, float(part[1].max(initial=0.0)))
                excess = best / floor - 1.0 if floor > 0.0 else 0.0
                if excess > _FEW:
                    break
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
            U, value = np.zeros((told, len(linear))), np.zeros(told)
            begin = time.perf_counter()
            nodes = self._nodes(budget, len(tasks) - next(started) + self._threads)
            answer = branch_and_bound(
                self._factory.rows, sign * a, sign * linear, root, known, accuracy, U, value, _SEEN * known, nodes, halt
            )
            examined = int(answer[3])
            if examined > _TIMED:
                self._pace = (time.perf_counter() - begin) / examined
            count = min(int(answer[2]), len(U))
            return float(answer[0]), U[:count], value[:count], examined

        tasks = [(sign, root) for sign in (1, -1) for root in self._roots]
        told = max(_TOLD_EACH, _TOLD // len(tasks))
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
        found = {}
        for sign, first in ((1, 0), (-1, each)):
            U = np.concatenate(directions[first : first + each])
            value = np.concatenate(values[first : first + each])
            self._seen[sign] = _thinned(U, value)
            found[sign] = (U[value > wanted], value[value > wanted])
        return max(known, *bounds), found

    def _nodes(self, budget: Budget, sharing: int) -> int:
        """Cones for each of `sharing` roots in the time left; one that meets the limit has a wider, sound bound."""
        share = budget.remaining * self._threads / sharing
        return _NODES if share == np.inf else int(min(_NODES, max(1, share / self._pace)))

    def _ascend(
        self, a: _Array, linear: _Array, sign: int, floor: float, before: list[tuple[_Array, _Array]]
    ) -> tuple[_Array, _Array]:
        """Ascent from the best of what mattered before and, until a proof has seen more, of random directions."""
        starts = np.concatenate([self._archive[sign], self._seen[sign]])
        if not len(self._seen[sign]):
            rng = np.random.default_rng((self._seed, len(self._archive[sign])))
            few, many = _STARTS
            count = min(many, max(few, _PRODUCTS // max(1, len(a))))
            random = rng.standard_normal((count, len(linear)))
            starts = np.concatenate([starts, random / np.linalg.norm(random, axis=1, keepdims=True)])
        response = np.empty(len(starts))
        respond(self._factory.rows, a, linear, starts, response)
        return self._improve(starts[spread(starts, response, _KEPT, near=_APART)], a, linear, floor)

    def _search_near(
        self, a: _Array, linear: _Array, sign: int, floor: float, before: list[tuple[_Array, _Array]]
    ) -> tuple[_Array, _Array]:
        """Branch and bound in a small cone around each end of `before` that is near the floor.

        Near a maximum there are many smaller ones, which walls crossed one at a time do not leave.
        """
        U, value = before[-1]
        better = []
        directions, told = np.zeros((16, len(linear))), np.zeros(16)
        for u, known in zip(U, value, strict=True):
            if len(u) == 1 or known < _CLOSE * floor:
                continue
            known = max(known, floor)
            told[:] = 0.0
            branch_and_bound(
                self._factory.rows, a, linear, _surroundings(u, _RADIUS), known, _FINE, directions, told,
                known * (1.0 + _FINE), _LOCAL, np.zeros(1, dtype=bool),
            )  # fmt: skip
            if told.max() > known:
                better.append(directions[told.argmax()].copy())
        return self._improve(np.array(better).reshape(-1, len(linear)), a, linear, floor)

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
        chosen = above[spread(U[above], value[above], want, sign=sign[above], near=_COPIES)]
        U, value, sign = U[chosen], value[chosen], sign[chosen]
        for s in (1, -1):
            self._archive[s] = np.concatenate([self._archive[s], U[sign == s]])[-_ARCHIVE:]
        columns: Blocks = self._factory.blocks(self._factory.patterns(U), sign)
        return PriceResult(bound=bound, columns=columns, directions=U, value=value, stopped=stopped)


def _thinned(U: _Array, value: _Array) -> _Array:
    """Of the unit directions `U` (m, h) the best one in each cell of a grid, best first."""
    order = np.argsort(-value, kind="stable")
    key = np.zeros(len(U), dtype=np.int64)
    for coordinate in np.round(_GRID * U[order]).astype(np.int64).T:
        key = key * int(2 * _GRID + 1) + coordinate
    _, first = np.unique(key, return_index=True)
    return U[order[np.sort(first)[:_MOST_SEEN]]]


def _surroundings(u: _Array, radius: float) -> _Array:
    """Unit vertices (h, h) of a simplicial cone that contains every direction within `radius` of the unit u (h,)."""
    h = len(u)
    basis = np.linalg.qr(np.column_stack([u, np.eye(h)]))[0][:, 1:]  # of the tangent space
    corners = np.linalg.qr(np.eye(h) - 1.0 / h)[0][:, : h - 1]  # a regular simplex, its centre at 0
    corners /= np.linalg.norm(corners, axis=1, keepdims=True)
    vertices: _Array = u + (h - 1) * np.tan(radius) * corners @ basis.T
    vertices /= np.linalg.norm(vertices, axis=1, keepdims=True)
    return vertices
