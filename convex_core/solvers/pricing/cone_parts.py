"""Branch and bound over cones in rounds of parts, each searched by somebody else: :mod:`.elsewhere`.

The first look at every root is taken here, so that each cone that is sent has a bound, which holds if no answer comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...progress import Budget
from .cone_search import Cones, ConeSearch
from .elsewhere import Elsewhere, dealt

__all__ = ["ConePart", "prove_in_parts", "search_part"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PartSettings:
    """How a proof is cut into parts; numbers, not seconds, so that it is the same whoever searches them."""

    parts: int = 64  # of a round, for each output sign; several for each worker, which are not equally long
    look: int = 100  # cones of the first look at a root
    first: int = 2_000  # cones of a part of the first round
    growth: int = 4  # times as many in the next one
    most: int = 50_000  # cones of a part at most, a second or so
    found: int = 1_024  # directions that a part hands out


SETTINGS = PartSettings()


class Side(Protocol):
    """What there is to bound: ``linear . u + sum_j a[j] (rows[j] . u)_+``."""

    rows: _Array
    a: _Array
    linear: _Array

    def roots(self) -> list[_Array]:
        """Cones that cover where it attains its maximum."""
        ...


class ConePart(NamedTuple):
    """Cones of one function, with the best value known, and how many may be examined."""

    rows: _Array
    a: _Array
    linear: _Array
    cones: Cones
    known: float
    accuracy: float
    wanted: float
    nodes: int


class Searched(NamedTuple):
    """The answer: a bound on what is closed, the best value, directions with theirs, and the cones that are open."""

    bound: float
    best: float
    U: _Array
    value: _Array
    nodes: int
    left: Cones


def search_part(part: ConePart, halt: NDArray[np.bool_]) -> Searched:
    """Search the cones of a part one after the other, until its number is met or `halt` is set."""
    search = ConeSearch(part.rows, part.a, part.linear)
    U, value = np.zeros((SETTINGS.found, len(part.linear))), np.zeros(SETTINGS.found)
    bound, best, nodes = part.known, part.known, 0
    left = [part.cones.take(slice(0, 0))]
    for place in range(len(part.cones)):
        cone = part.cones.take(slice(place, place + 1))
        if nodes >= part.nodes or halt[0]:
            left.append(part.cones.take(slice(place, None)))
            break
        _, top, _, examined = search.run(cone, best, part.accuracy, U, value, part.wanted, part.nodes - nodes, halt)
        left.append(search.left())
        bound, best, nodes = max(bound, search.closed), max(best, top), nodes + examined
    kept = np.flatnonzero(value > 0.0)
    return Searched(bound, best, U[kept], value[kept], nodes, Cones.together(left))


def prove_in_parts(
    elsewhere: Elsewhere, sides: Sequence[Side], known: float, accuracy: float, wanted: float, most: int, budget: Budget
) -> tuple[float, int, list[tuple[_Array, _Array]]]:
    """Bound every side to the relative accuracy asked for above what is known: the bound, the cones, and directions.

    Parameters
    ----------
    elsewhere : Elsewhere
        Searches the parts.
    sides : sequence of Side
        What to bound.
    known, accuracy, wanted
        As `floor`, `slack`, `wanted` of :meth:`.cone_search.ConeSearch.run`.
    most : int
        Cones at most; then the bounds of the open ones count.
    budget : Budget
        When it ends, they count too.
    """
    proof = _Proof(sides, known, accuracy, wanted)
    roots = proof.parts(len(proof.opened[0]), SETTINGS.look)
    halt = np.zeros(1, dtype=bool)
    proof.gather(roots, list(elsewhere.pool.map(lambda each: search_part(each.part, halt), roots)))
    nodes = SETTINGS.first
    while any(map(len, proof.opened)) and budget.stop() is None and proof.examined < most:
        sent = proof.parts(SETTINGS.parts, nodes)
        proof.gather(sent, elsewhere.run(search_part, [each.part for each in sent], budget))
        nodes = min(SETTINGS.growth * nodes, SETTINGS.most)
    return max(proof.bound, *(cones.highest for cones in proof.opened)), proof.examined, proof.directions()


class _Sent(NamedTuple):
    """A part, and the number of its side."""

    side: int
    part: ConePart


class _Proof:
    """What is closed, with its bound, and the cones that are open for each side, highest bound first."""

    def __init__(self, sides: Sequence[Side], known: float, accuracy: float, wanted: float) -> None:
        self.sides, self.accuracy, self.wanted = sides, accuracy, wanted
        self.bound = self.best = known
        self.examined = 0
        self.opened = [Cones.roots(np.array(side.roots())) for side in sides]
        self.found: list[list[tuple[_Array, _Array]]] = [[] for _ in sides]

    def parts(self, most: int, nodes: int) -> list[_Sent]:
        """All that is open, in at most so many parts for each side."""
        return [
            _Sent(
                number,
                ConePart(
                    side.rows, side.a, side.linear, cones.take(hand), self.best, self.accuracy, self.wanted, nodes
                ),
            )
            for number, (side, cones) in enumerate(zip(self.sides, self.opened, strict=True))
            for hand in dealt(len(cones), most)
        ]

    def gather(self, sent: Sequence[_Sent], answers: Sequence[Searched | None]) -> None:
        """Take in a round; what nobody answered for is open as it was."""
        following: list[list[Cones]] = [[cones.take(slice(0, 0))] for cones in self.opened]
        for (number, part), answer in zip(sent, answers, strict=True):
            if answer is None:
                following[number].append(part.cones)
                continue
            self.bound, self.best = max(self.bound, answer.bound), max(self.best, answer.best)
            self.examined += answer.nodes
            self.found[number].append((answer.U, answer.value))
            following[number].append(answer.left)
        for number, parts in enumerate(following):
            cones = Cones.together(parts)
            far = cones.bound > self.best * (1.0 + self.accuracy)
            self.bound = max(self.bound, cones.take(~far).highest)
            cones = cones.take(far)
            self.opened[number] = cones.take(np.argsort(-cones.bound, kind="stable"))

    def directions(self) -> list[tuple[_Array, _Array]]:
        """Those of each side, with their values."""
        h = len(self.sides[0].linear)
        return [
            (
                np.concatenate([np.zeros((0, h)), *(U for U, _ in own)]),
                np.concatenate([np.zeros(0), *(v for _, v in own)]),
            )
            for own in self.found
        ]
