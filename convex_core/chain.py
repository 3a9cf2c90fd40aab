r"""The chain of bounds around a three-layer CNN with a shared filter, each with its certificate.

.. math:: p_\text{per-patch} \le p_\text{talk} \le p_\text{strong} \le p_\text{nuclear} \le p_\text{shared}
          \le \text{best network found}

The first is exact for a filter per patch, the others are convex programs of one shared filter
(:class:`ThreeLayerCNN`); the last is a network, found by local search and among those that the programs give.
"""

from __future__ import annotations

from dataclasses import dataclass

from ._arguments import check_arguments
from ._records import record
from .architectures import ThreeLayerCNN
from .bounds import Bounds, best_network, solve_link
from .errors import InputError
from .network import Network
from .problem import Problem
from .progress import Budget

__all__ = ["Chain", "chain"]

#: the programs from the loosest to the tightest: label, sharing, relaxation
_PROGRAMS = (
    ("per-patch filters", "per-patch", "talk"),
    ("talk", "shared", "talk"),
    ("strong", "shared", "strong"),
    ("nuclear", "shared", "nuclear"),
)


@record
@dataclass(frozen=True, slots=True, repr=False)
class Chain(Bounds):
    """The whole chain; its network has a shared filter."""


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
        Time limit, cancel flag and progress callback; each part gets an equal share of what is left of the time.

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
    >>> problem = Problem(rng.standard_normal((3, 4)), rng.standard_normal(3), architecture=cnn, beta=0.1)
    >>> found = chain(problem, starts=3)
    >>> [link.label for link in found.links]
    ['per-patch filters', 'talk', 'strong', 'nuclear']
    >>> bool(found.lower_bound <= found.value)
    True
    """
    check_arguments("chain", problem=(problem, Problem))
    if not isinstance(problem.architecture, ThreeLayerCNN):
        raise InputError(f"problem: got the architecture {problem.architecture.name!r}, expected 'three-layer'")
    budget = budget or Budget()
    geometry = problem.architecture.geometry
    links = tuple(
        solve_link(
            label, problem, ThreeLayerCNN(geometry, sharing, relaxation),
            tol=tol, seed=seed, budget=budget.part(1.0 / (len(_PROGRAMS) + 1 - number)),
        )
        for number, (label, sharing, relaxation) in enumerate(_PROGRAMS)
    )  # fmt: skip
    shared = links[-1].solution.problem
    networks = [Network.from_parameters(shared.architecture, link.solution.network.parameters) for link in links[1:]]
    best, value = best_network(shared, networks, links, tol=10.0 * tol, starts=starts, seed=seed, budget=budget)
    return Chain(links, best, value)
