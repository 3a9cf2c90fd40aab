"""Bounds around the optimum of a network whose convex programs do not all meet it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ._records import record
from .architectures import Architecture
from .export.answers import BoundsAnswer
from .local_search import local_search
from .network import Network
from .problem import Problem
from .progress import Budget
from .solve import Solution, solve_in
from .solvers.column_generation import relative_gap
from .status import Exactness

__all__ = ["Bounds", "Link", "best_network", "solve_link"]


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
    """Bounds from below and the best network.

    Attributes
    ----------
    links : tuple of Link
        Convex programs that bound the optimum from below, the loosest first.
    network : Network
        The best network found.
    value : float
        Its objective.
    """

    links: tuple[Link, ...]
    network: Network
    value: float

    def __repr__(self) -> str:
        labels = ", ".join(link.label for link in self.links)
        return (
            f"{type(self).__name__}({labels}: lower bound {self.lower_bound:.6g}, value {self.value:.6g}, "
            f"gap {self.relative_gap:.2g})"
        )

    @property
    def lower_bound(self) -> float:
        """Best certified lower bound on the optimum, ``-inf`` unless every cell was covered."""
        return max(link.lower_bound for link in self.links)

    @property
    def relative_gap(self) -> float:
        """``(value - lower_bound) / value``: how far the network is from the optimum, at most."""
        return relative_gap(self.value, self.lower_bound)


def solve_link(
    label: str, problem: Problem, architecture: Architecture, *, tol: float, seed: int, budget: Budget
) -> Link:
    """Solve the program of another `architecture` on the data of `problem`, in what is left of the time."""
    here = Problem(problem.X, problem.y, architecture=architecture, beta=problem.beta, loss=problem.loss)
    return Link(label, solve_in(here, tol=tol, seed=seed, budget=budget))


def best_network(
    problem: Problem,
    networks: Sequence[Network],
    links: Sequence[Link],
    *,
    tol: float,
    starts: int,
    seed: int,
    budget: Budget,
) -> tuple[Network, float]:
    """The best of `networks`, unless one is proved to be within `tol` of the optimum after a local search from all."""
    bound = max(link.lower_bound for link in links)
    if relative_gap(min(map(problem.objective, networks)), bound) > tol:
        networks = [local_search(problem, begin=networks, starts=starts, seed=seed, budget=budget)]
    best = min(networks, key=problem.objective)
    return best, problem.objective(best)
