"""What a report claims, and from what it can be computed again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..networks.network import Network
from ..problem import Problem
from ..status import Exactness, Scope, Status

__all__ = ["Around", "Claims", "Point", "Source", "State"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class Claims:
    """What a report says about one network; bounds are None where there are none.

    Attributes are those of :class:`~convex_core.Solution` and its certificate.
    """

    objective: float
    lower_bound: float | None
    relative_gap: float | None
    scope: Scope
    status: Status
    exactness: Exactness
    active_filters: int
    patterns: int | None
    patterns_bound: int
    price: float | None
    dual: _Array | None


@record
@dataclass(frozen=True, slots=True)
class Point:
    """A network with its claims at one beta."""

    problem: Problem
    network: Network
    claims: Claims
    tol: float
    method: str


@record
@dataclass(frozen=True, slots=True)
class Source:
    """A dataset of the library by name, seed and options."""

    dataset: str
    seed: int | None
    options: Mapping[str, Any]


@record
@dataclass(frozen=True, slots=True)
class Around:
    """The other programs around a network's optimum, and the best network; the tightest one is the report's own.

    Attributes
    ----------
    below : tuple of (str, Point)
        The looser programs that bound the optimum from below, by their labels.
    label : str
        That of the tightest program.
    above : (str, Point) or None
        The exact program of a narrower network.
    network : Network
        The best network.
    objective : float
        Its objective.
    lower_bound, relative_gap : float or None
        Best bound, and how far the network is from it at most.
    status : Status
        ``optimal`` where they meet.
    """

    below: tuple[tuple[str, Point], ...]
    label: str
    above: tuple[str, Point] | None
    network: Network
    objective: float
    lower_bound: float | None
    relative_gap: float | None
    status: Status

    @property
    def programs(self) -> tuple[tuple[str, Point], ...]:
        """All of them."""
        return self.below if self.above is None else (*self.below, self.above)


@record
@dataclass(frozen=True, slots=True)
class State:
    """Everything in a report that can be computed again.

    Attributes
    ----------
    point : Point
        The solution.
    path : tuple of Point
        The path over beta, if there is one.
    beta_max : float or None
        Where the path begins, if it covers every cell.
    predictions : (n,) float64
        Outputs on the training inputs.
    rounds : tuple of (float or None, float or None)
        Upper and lower bound round by round.
    seed : int
        Of sampled patterns.
    source : Source or None
        What draws the data anew.
    around : Around or None
        Other programs around the same network's optimum.
    """

    point: Point
    path: tuple[Point, ...]
    beta_max: float | None
    predictions: _Array
    rounds: tuple[tuple[float | None, float | None], ...]
    seed: int
    source: Source | None
    around: Around | None = None
