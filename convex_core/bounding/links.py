"""Bounds around the optimum of a network whose convex programs do not all meet it."""

from __future__ import annotations

from dataclasses import dataclass

from ..contracts.records import record
from ..networks.network import Network
from ..presentation.several import BoundsAnswer
from ..solution import Solution
from ..solvers.dual_bound import relative_gap
from ..status import Exactness, Status

__all__ = ["Bounds", "Link"]


@record
@dataclass(frozen=True, slots=True)
class Link:
    """One convex program among several.

    Attributes
    ----------
    label : str
        Short name.
    solution : Solution
        Its solution, with the network it maps back to and the certificate.
    """

    label: str
    solution: Solution

    @property
    def value(self) -> float:
        """Optimal value of the convex program."""
        return self.solution.objective

    @property
    def lower_bound(self) -> float:
        """Certified lower bound on that value, ``-inf`` unless every cell was covered."""
        return self.solution.lower_bound

    @property
    def exactness(self) -> Exactness:
        """How the program relates to its own network."""
        return self.solution.exactness


@record
@dataclass(frozen=True, slots=True, repr=False)
class Bounds(BoundsAnswer):
    """Bounds from below, the best network and, where there is a narrower one, a bound from above.

    Attributes
    ----------
    links : tuple of Link
        Convex programs that bound the optimum from below, the loosest first.
    network : Network
        The best network found.
    value : float
        Its objective.
    status : Status
        ``optimal`` if the gap is closed, else ``feasible``, or why the run was cut short.
    ceiling : Link or None
        The exact program of a narrower network, which is one of ours; None for most.
    """

    links: tuple[Link, ...]
    network: Network
    value: float
    status: Status
    ceiling: Link | None = None

    def __repr__(self) -> str:
        labels = ", ".join(link.label for link in self.links)
        return (
            f"{type(self).__name__}({labels}: lower bound {self.lower_bound:.6g}, value {self.value:.6g}, "
            f"gap {self.relative_gap:.2g})"
        )

    @property
    def programs(self) -> tuple[Link, ...]:
        """Every program that was solved, the ceiling's at the end."""
        return self.links if self.ceiling is None else (*self.links, self.ceiling)

    @property
    def lower_bound(self) -> float:
        """Best certified lower bound on the optimum, ``-inf`` unless every cell was covered."""
        return max(link.lower_bound for link in self.links)

    @property
    def relative_gap(self) -> float:
        """``(value - lower_bound) / value``: how far the network is from the optimum, at most."""
        return relative_gap(self.value, self.lower_bound)
