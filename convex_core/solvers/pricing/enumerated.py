r"""Pricing: the largest correlation of a dual vector with any atom, over a set of cells.

For a dual vector v, pricing finds

.. math::
   \tau(v) = \max_{\text{cells } i,\ \sigma = \pm 1}\ \max_{c \in \text{cone}_i,\ \|c\| \le 1} \sigma v^T G_i c ,

as an upper bound (which certifies) together with the directions that attain it (which become columns). Cells whose
dual norm :math:`\|G_i^T v\|_*` is already at or below what is wanted never reach the projection kernel.

A search computes in floating point. :class:`SoundPricer` makes of what it found a bound on the exact correlation, by
the rounding term of :meth:`~convex_core.program.CellFactory.rounding`; every price goes through it.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...architectures import Patterns
from ...contracts.records import record
from ...numerics.interior_point import SPARE_SECONDS
from ...numerics.rounding import UNIT_ROUNDOFF
from ...penalties import Search
from ...program.blocks import Blocks, CellFactory
from ...progress import Budget
from ...status import Scope, Status
from .spread_kernel import keep_apart

__all__ = ["EnumeratedPricer", "PriceResult", "Pricer", "SoundPricer", "spread"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EnumerationSettings:
    """Tuning of the search of a list."""

    chunk_entries: int = 1 << 24  # sign-pattern entries unpacked at a time: 16 MB as bool, 128 MB as float64
    collected: int = 200  # best cells kept before near copies are dropped
    # cosine above which two directions of one sign are near copies: a wider net took 3 to 10 times less time than
    # adding every violated cell, most of which share one maximiser
    near_copy: float = 0.95
    # seconds of a projection for each product, if it passes over the rows as often as they have entries: 16 s for 2,000
    # rows of 2,000 entries
    projection: float = 2e-9


SETTINGS = EnumerationSettings()


# exponents of the largest product of an entry of v and its sample, within which no square that matters leaves the range
# of doubles
_MODERATE = 300
# a floor above it comes to the same
_HUGE = 2.0**500


@record
@dataclass(frozen=True, slots=True)
class PriceResult:
    """Answer of a pricer for one dual vector.

    Attributes
    ----------
    bound : float
        Sound upper bound on tau over the cells covered (``inf`` if the run was stopped before covering all): never
        below the floor at which cells need not be resolved, and larger than what was found by the rounding term.
    columns : Blocks
        The best cells found, largest correlation first.
    directions : (B, p) float64
        Unit maximiser of each column.
    value : (B,) float64
        Correlation of each column.
    stopped : Status or None
        Why the run ended early, if it did.
    grown : bool
        Whether more cells are covered than before: earlier bounds do not hold for all of them.
    rounding : float
        The part of the bound that stands for rounding errors.
    """

    bound: float
    columns: Blocks
    directions: _Array
    value: _Array
    stopped: Status | None = None
    grown: bool = False
    rounding: float = 0.0


class Pricer(Protocol):
    """One way to price; column generation and certificates ask nothing else."""

    @property
    def scope(self) -> Scope:
        """Whether the cells covered are all there are."""
        ...

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        ...

    @property
    def listed_count(self) -> int | None:
        """Number of patterns listed, None if cells are searched without listing them."""
        ...

    def price(
        self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float = 1e-9, prove: bool = False
    ) -> PriceResult:
        """Price `v` (n,): cells at or below `floor` need not be resolved; return up to `want` columns.

        A pricer that searches may stop when its bound is within the share `slack` of the truth, and unless it is
        asked to `prove`, it may leave the bound at infinity while columns are easy to find.
        """
        ...

    def rounding(self, v: _Array) -> float:
        """The part of the bound of a price of `v` that stands for rounding errors."""
        ...


class SoundPricer(ABC):
    """A search whose bounds hold for the exact numbers that are given, not for what they are rounded to.

    Prices are homogeneous in v: where its products with the data might leave the range of doubles, v is scaled by a
    power of two and the price scaled back, both exactly.
    """

    @property
    @abstractmethod
    def factory(self) -> CellFactory:
        """Makes the blocks."""

    @property
    @abstractmethod
    def listed_count(self) -> int | None:
        """Number of patterns listed, None if cells are searched without listing them."""

    @abstractmethod
    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """Price `v` as computed, without a rounding term; arguments as in :meth:`Pricer.price`."""

    def price(
        self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float = 1e-9, prove: bool = False
    ) -> PriceResult:
        """Price `v` by the search, and add the rounding term to its bound."""
        exponents, data = np.frexp(v)[1], self.factory.largest
        # v may be large where the data are zero or tiny
        products = (exponents + np.frexp(data)[1])[(v != 0.0) & (data > 0.0)]
        exponent = int(products.max()) if len(products) else 0
        # v itself may not overflow, beside tiny data
        exponent = 0 if abs(exponent) <= _MODERATE else max(exponent, int(exponents.max()) - 900)
        if exponent:
            v, floor = np.ldexp(v, -exponent), min(_scaled(floor, -exponent), _HUGE)
        term = self.factory.rounding(v, listed=self.listed_count is not None)
        # where the term is small a search to a little below the floor shows that the exact price is not above it
        below = floor * (1.0 - 2.0 * UNIT_ROUNDOFF) - term
        bar = below if 0.0 < term <= slack * floor else floor
        found = self._search(v, floor=bar, want=want, budget=budget, slack=slack, prove=prove)
        bound = floor if bar < floor and found.bound <= bar else found.bound + term
        rounding = self.rounding(v)
        if exponent:
            found = replace(found, value=np.array([_scaled(value, exponent) for value in found.value]))
            # rounded up where it is subnormal
            bound, rounding = math.nextafter(_scaled(bound, exponent), math.inf), _scaled(rounding, exponent)
        return replace(found, bound=bound, rounding=rounding)

    def rounding(self, v: _Array) -> float:
        """The part of the bound of a price of `v` that stands for rounding errors, those in the search too."""
        return self.factory.rounding(v, listed=self.listed_count is not None)


def _scaled(number: float, exponent: int) -> float:
    """``number * 2^exponent``, infinite if that is no double."""
    try:
        return math.ldexp(number, exponent)
    except OverflowError:
        return math.copysign(math.inf, number)


class EnumeratedPricer(SoundPricer):
    """Prices over a finite list of cells: screening by dual norms, then projections on the surviving cones.

    Parameters
    ----------
    factory : CellFactory
        Cells of the problem.
    patterns : Patterns
        The cells. Only certified ones, such as an exact :class:`Arrangement`, give scope ``global``.
    """

    def __init__(self, factory: CellFactory, patterns: Patterns) -> None:
        self._factory = factory
        self.patterns = patterns
        self._scope = Scope.GLOBAL if patterns.certified else Scope.RESTRICTED
        widest = max(1, factory.hyperplanes.shape[0], factory.design.shape[0] * factory.design.shape[1])
        self._chunk = max(1, SETTINGS.chunk_entries // widest)
        # a list that fits one chunk is unpacked once
        self._whole = self._unpack(0) if len(patterns) <= self._chunk else None

    def _unpack(self, start: int) -> tuple[NDArray[np.bool_], NDArray[np.int8], _Array]:
        active = self.patterns.active(start, min(start + self._chunk, len(self.patterns)))
        return active, self._factory.sides(active), self._factory.gate_rows(active)

    @property
    def scope(self) -> Scope:
        """Global for an exact arrangement, else restricted."""
        return self._scope

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        return self._factory

    @property
    def listed_count(self) -> int:
        """Number of patterns listed."""
        return len(self.patterns)

    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """Price `v` over every listed cell and both output signs."""
        factory = self._factory
        penalty = factory.penalty
        bound = floor
        found = _Found.none(factory)
        bar = floor
        stopped, loose = None, False
        # one projection of a block with thousands of rows and entries cannot be ended: it is not begun too late
        rows, entries = factory.cone_rows.shape
        projection = SETTINGS.projection * rows * entries * min(rows, entries)
        for start in range(0, len(self.patterns), self._chunk):
            late = projection > budget.remaining + SPARE_SECONDS
            stopped = budget.stop() or (Status.TIME_LIMIT if late else None)
            if stopped is not None:
                bound = np.inf
                break
            active, sides, gate_rows = self._whole if self._whole is not None else self._unpack(start)
            g = factory.transpose_products(active, gate_rows, v)
            size = penalty.dual_norm(g)
            cells = np.flatnonzero(size > bar)
            cells = cells[np.argsort(-size[cells], kind="stable")]
            search = Search(slack, prove, lambda: budget.stop() is not None, factory.tilt, lambda: budget.remaining)
            best = penalty.top_supports(
                g[cells], cells, factory.cone_rows, sides, floor=bar, want=SETTINGS.collected, search=search
            )
            bound, loose = max(bound, best.bound), loose or best.late
            found = found.best(
                _Found(
                    best.value,
                    active[cells[best.index // 2]],
                    (1 - 2 * (best.index % 2)).astype(np.int8),
                    best.direction,
                ),
                SETTINGS.collected,
            )
            if len(found.value) == SETTINGS.collected:
                bar = max(bar, found.value[-1])
        if stopped is None and loose and (prove or not len(found.value)):  # columns are of use beside a loose bound
            stopped = Status.TIME_LIMIT
        chosen = spread(found.direction, found.value, want, sign=found.sign)
        return PriceResult(
            bound=bound,
            columns=factory.blocks(found.active[chosen], found.sign[chosen]),
            directions=found.direction[chosen],
            value=found.value[chosen],
            stopped=stopped,
        )


class _Found(NamedTuple):
    """Cells with their correlations, largest first: (k,), patterns (k, width), output signs (k,), directions (k, p)."""

    value: _Array
    active: NDArray[np.bool_]
    sign: NDArray[np.int8]
    direction: _Array

    @staticmethod
    def none(factory: CellFactory) -> _Found:
        """No cell at all."""
        empty = np.zeros((0, factory.width), dtype=bool)
        return _Found(np.zeros(0), empty, np.zeros(0, dtype=np.int8), np.zeros((0, factory.p)))

    def best(self, more: _Found, want: int) -> _Found:
        """The `want` best of these and those."""
        value = np.concatenate([self.value, more.value])
        order = np.argsort(-value, kind="stable")[:want]
        return _Found(
            value[order],
            np.concatenate([self.active, more.active])[order],
            np.concatenate([self.sign, more.sign])[order],
            np.concatenate([self.direction, more.direction])[order],
        )


def spread(
    directions: _Array,
    value: _Array,
    want: int,
    *,
    sign: NDArray[np.int8] | None = None,
    near: float = SETTINGS.near_copy,
) -> NDArray[np.intp]:
    """Positions of at most `want` directions, best first, without near copies of better ones of the same sign.

    Near copies have a cosine above `near`.
    """
    order = np.argsort(-value, kind="stable")
    unit = directions[order] / np.linalg.norm(directions[order], axis=1, keepdims=True)
    side = np.zeros(len(order), dtype=np.int8) if sign is None else sign[order]
    kept = np.empty(want, dtype=np.int64)
    return order[kept[: keep_apart(unit, side, near, kept)]]
