r"""The chain of bounds around a three-layer CNN with a shared filter, each with its certificate.

.. math:: p_\text{per-patch} \le p_\text{talk} \le p_\text{strong} \le p_\text{nuclear} \le p_\text{shared}
          \le \text{best network found}

The first is exact for a filter per patch, the others are convex programs of one shared filter
(:class:`ThreeLayerCNN`); the last is a network, found by local search and among those that the programs give.
"""

from __future__ import annotations

from dataclasses import dataclass

from .architectures import ThreeLayerCNN
from .errors import InputError
from .local_search import local_search
from .network import Network
from .problem import Problem
from .progress import Budget
from .solve import Solution, solve
from .solvers.column_generation import relative_gap
from .status import Exactness

__all__ = ["Chain", "Link", "chain"]

#: the programs from the loosest to the tightest: label, sharing, relaxation
_PROGRAMS = (
    ("per-patch filters", "per-patch", "talk"),
    ("talk", "shared", "talk"),
    ("strong", "shared", "strong"),
    ("nuclear", "shared", "nuclear"),
)


@dataclass(frozen=True, slots=True)
class Link:
    """One convex program of the chain.

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


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole chain.

    Attributes
    ----------
    links : tuple of Link
        Convex programs from the loosest to the tightest.
    network : Network
        Best network with a shared filter that was found.
    value : float
        Its objective.
    """

    links: tuple[Link, ...]
    network: Network
    value: float

    @property
    def lower_bound(self) -> float:
        """Best certified lower bound on the optimum with a shared filter."""
        return max(link.lower_bound for link in self.links)

    @property
    def relative_gap(self) -> float:
        """``(value - lower_bound) / value``: how far the network is from the optimum, at most."""
        return relative_gap(self.value, self.lower_bound)


def chain(
    problem: Problem, *, starts: int = 25, seed: int = 0, tol: float = 1e-8, budget: Budget | None = None
) -> Chain:
    """Solve every program of the chain on the data of `problem`, and search for the best network.

    Parameters
    ----------
    problem : Problem
        Any three-layer problem; its own sharing and relaxation do not matter.
    starts : int
        Random starts of the local search, which is left out if a program's own network is certified.
    seed : int
        Seed of the starts, and of sampled cells where they are too many to list.
    tol : float
        Relative gap of the convex programs.
    budget : Budget, optional
        Time limit, cancel flag and progress callback; each part gets what is left of the time, at least a second.

    Raises
    ------
    InputError
        If the problem has another architecture.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import Problem, ThreeLayerCNN, patch_geometry
    >>> rng = np.random.default_rng(0)
    >>> cnn = ThreeLayerCNN(patch_geometry((4,), 2, 2))
    >>> found = chain(Problem(cnn, rng.standard_normal((3, 4)), rng.standard_normal(3), 0.1), starts=3)
    >>> [link.label for link in found.links]
    ['per-patch filters', 'talk', 'strong', 'nuclear']
    >>> bool(found.lower_bound <= found.value)
    True
    """
    if not isinstance(problem.architecture, ThreeLayerCNN):
        raise InputError(f"problem: got the architecture {problem.architecture.name!r}, expected 'three-layer'")
    budget = budget or Budget()
    geometry = problem.architecture.geometry
    links = []
    for label, sharing, relaxation in _PROGRAMS:
        cnn = ThreeLayerCNN(geometry, sharing, relaxation)
        limit = None if budget.time_limit is None else max(1.0, budget.remaining)
        solution = solve(
            Problem(cnn, problem.X, problem.y, problem.beta, problem.loss),
            tol=tol,
            seed=seed,
            time_limit=limit,
            cancel=budget.cancel,
            progress=budget.progress,
        )
        links.append(Link(label, solution))
    shared = links[-1].solution.problem
    networks = [Network.from_parameters(shared.architecture, link.solution.network.parameters) for link in links[1:]]
    bound = max(link.lower_bound for link in links)
    # a search is of no use where a program's own network is proved to be the best
    if relative_gap(min(map(shared.objective, networks)), bound) > 10.0 * tol:
        networks.append(local_search(shared, starts=starts, seed=seed, budget=budget))
    best = min(networks, key=shared.objective)
    return Chain(tuple(links), best, shared.objective(best))
