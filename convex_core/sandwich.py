r"""Bounds around a circular CNN from both sides, each with its certificate.

.. math:: p_\text{spectral} \le p_\text{weighted}, \, p_\text{nuclear} \;\le\; p \;\le\; \text{best network found}
          \;\le\; p_{h = 1}

Below are the convex programs of :class:`CircularCNN` with each relaxation; for three layers that of the nuclear lift is
exact, p itself. Above is the optimum over filters of length 1, whose convex program has the Euclidean norm and is
exact: its network is one of ours with h - 1 zeros in every filter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._arguments import check_arguments
from ._records import record
from .architectures import CircularCNN
from .bounds import Bounds, Link, best_network, solve_link
from .errors import InputError
from .network import Network
from .patches import PatchGeometry
from .problem import Problem
from .progress import Budget

__all__ = ["Sandwich", "sandwich"]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Sandwich(Bounds):
    """Bounds from below, the spectral program (the talk's) first, the best network, and the bound from above.

    Attributes
    ----------
    ceiling : Link
        The exact program of filters of length 1.
    """

    ceiling: Link


def sandwich(
    problem: Problem, *, starts: int = 6, seed: int = 0, tol: float = 1e-7, budget: Budget | None = None
) -> Sandwich:
    """Solve every program around the optimum of `problem`, and look for the best network.

    Parameters
    ----------
    problem : Problem
        Any problem of a circular CNN; its own relaxation does not matter.
    starts : int
        Random starts of the local search, which runs only where the programs leave a gap.
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
    >>> from convex_core import Problem, patch_geometry
    >>> rng = np.random.default_rng(0)
    >>> cnn = CircularCNN(patch_geometry((3,), 2, padding="circular"))
    >>> found = sandwich(Problem(rng.standard_normal((5, 3)), rng.standard_normal(5), architecture=cnn, beta=0.1))
    >>> [f"{link.label} {link.value:.6f}" for link in found.links]
    ['spectral 0.130987', 'nuclear 0.137170']
    >>> f"{found.value:.6f} {found.ceiling.value:.6f}"
    '0.137170 0.154070'
    """
    check_arguments("sandwich", problem=(problem, Problem))
    cnn = problem.architecture
    if not isinstance(cnn, CircularCNN):
        raise InputError(f"problem: got the architecture {cnn.name!r}, expected 'circular'")
    budget = budget or Budget()

    names = _relaxations(cnn)
    parts = iter(range(len(names) + 2, 1, -1))

    def link(label: str, architecture: CircularCNN) -> Link:
        part = budget.part(1.0 / next(parts))
        return solve_link(label, problem, architecture, tol=tol, seed=seed, budget=part)

    geometry = cnn.geometry
    links = tuple(link(name, CircularCNN(geometry, cnn.layers, name)) for name in names)
    narrow = PatchGeometry(geometry.input_shape, (1,), geometry.stride, geometry.padding)
    ceiling = link("filters of length 1", CircularCNN(narrow, cnn.layers))
    networks = [Network.from_parameters(cnn, below.solution.network.parameters) for below in links]
    networks.append(_padded(ceiling.solution.network, cnn))
    best, value = best_network(problem, networks, links, tol=2.0 * tol, starts=starts, seed=seed, budget=budget)
    return Sandwich(links, best, value, ceiling)


def _relaxations(cnn: CircularCNN) -> tuple[str, ...]:
    """Relaxations that differ from one another, the loosest first."""
    h, d = cnn.geometry.h, cnn.geometry.d
    if cnn.layers == 3:
        return ("spectral",) if h == d else ("spectral", "nuclear")
    return ("spectral", "weighted") if h == d else ("spectral", "weighted", "nuclear")


def _padded(network: Network, cnn: CircularCNN) -> Network:
    """A network of filters of length 1 as one of `cnn`."""
    k, h = cnn.convolutions, cnn.geometry.h
    filters = np.zeros((network.m, k, h))
    filters[:, :, 0] = network.filters
    return Network(cnn, filters.reshape(network.m, k * h), network.weights, network.hidden)
