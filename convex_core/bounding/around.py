"""Solve every convex program around a network's optimum, and look for the best network above them."""

from __future__ import annotations

import warnings

from ..architectures import CircularCNN, ThreeLayerCNN, of_kind
from ..contracts.validation import check_arguments, integer, positive_number
from ..networks.network import Network
from ..problem import Problem
from ..progress import Budget, CancelFlag, ProgressCallback, limits, takes_budget, together
from ..solution import solve_in
from ..solvers.dual_bound import relative_gap
from ..status import Status
from ..training.multistart import local_search
from .links import Bounds, Link
from .programs import padded, programs_around

__all__ = ["CLOSED", "bounds", "chain", "sandwich"]

#: Gap, in tolerances of the programs, at which a network is good enough.
CLOSED = 10.0


@together()
def bounds(
    problem: Problem,
    *,
    starts: int = 6,
    seed: int = 0,
    tol: float = 1e-8,
    time_limit: float | None = None,
    max_rounds: int | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Bounds:
    """Solve every convex program around the optimum of `problem`, and search for the best network.

    Parameters
    ----------
    problem : Problem
        Any problem; the relaxation of its architecture does not matter. A network with a single program has one link.
    starts : int
        Random starts of the local search, >= 0, which runs only where the programs leave a gap.
    seed : int
        Seed of the starts, and of sampled cells where they are too many to list.
    tol : float
        Relative gap of the convex programs, > 0; a network within ten times as much of the bound is good enough.
    time_limit, cancel, progress
        As in :func:`solve`; each program gets an equal share of what is left of the time, and the search the rest.
    max_rounds : int, optional
        Of each program, as in :func:`solve`.

    Returns
    -------
    Bounds
        The programs, the best network, and what lies above.

    Raises
    ------
    InputError
        For a bad number.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import CircularCNN, Problem, patch_geometry
    >>> rng = np.random.default_rng(0)
    >>> cnn = CircularCNN(patch_geometry((3,), 2, padding="circular"))
    >>> found = bounds(Problem(rng.standard_normal((5, 3)), rng.standard_normal(5), architecture=cnn, beta=0.1))
    >>> [f"{link.label} {link.value:.6f}" for link in found.links]
    ['spectral 0.130987', 'nuclear 0.137170']
    >>> f"{found.value:.6f} {found.ceiling.value:.6f}"
    '0.137170 0.154070'
    """
    check_arguments("bounds", problem=(problem, Problem))
    tol, starts = positive_number(tol, "tol"), integer(starts, "starts", minimum=0)
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress, max_rounds=max_rounds)
    around = programs_around(problem.architecture, problem.patches)
    programs = [*around.below, *([] if around.above is None else [around.above])]
    links = []
    for left, (label, architecture) in zip(range(len(programs), 0, -1), programs, strict=True):
        solution = solve_in(
            problem.with_architecture(architecture), tol=tol, seed=seed, budget=budget.part(1.0 / (left + 1))
        )
        links.append(Link(label, solution))
    below, above = tuple(links[: len(around.below)]), links[len(around.below) :]
    # the tightest program is of the network itself
    target = below[-1].solution.problem
    networks = [
        Network.from_parameters(target.architecture, link.solution.network.parameters)
        for link in below
        if link.solution.problem.architecture.shapes == target.architecture.shapes
    ]
    networks += [padded(link.solution.network, target.architecture) for link in above]
    bound = max(link.lower_bound for link in below)
    if relative_gap(min(map(target.objective, networks)), bound) > CLOSED * tol:
        networks = [local_search(target, begin=networks, starts=starts, seed=seed, **limits(budget))]
    best = min(networks, key=target.objective)
    value = target.objective(best)
    closed = relative_gap(value, bound) <= CLOSED * tol
    status = Status.OPTIMAL if closed else budget.stop() or Status.FEASIBLE
    return Bounds(below, best, value, status, above[0] if above else None)


@takes_budget
def sandwich(
    problem: Problem,
    *,
    starts: int = 6,
    seed: int = 0,
    tol: float = 1e-7,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Bounds:
    """Deprecated: :func:`bounds`, of a circular CNN."""
    warnings.warn("sandwich: use bounds", DeprecationWarning, stacklevel=3)
    check_arguments("sandwich", problem=(problem, Problem))
    of_kind(problem.architecture, CircularCNN, "problem", "circular")
    return bounds(problem, starts=starts, seed=seed, tol=tol, time_limit=time_limit, cancel=cancel, progress=progress)


@takes_budget
def chain(
    problem: Problem,
    *,
    starts: int = 25,
    seed: int = 0,
    tol: float = 1e-8,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Bounds:
    """Deprecated: :func:`bounds`, of a three-layer CNN with a shared filter."""
    warnings.warn("chain: use bounds, of an architecture with sharing='shared'", DeprecationWarning, stacklevel=3)
    check_arguments("chain", problem=(problem, Problem))
    shared = ThreeLayerCNN(of_kind(problem.architecture, ThreeLayerCNN, "problem", "three-layer").geometry, "shared")
    here = problem.with_architecture(shared)
    return bounds(here, starts=starts, seed=seed, tol=tol, time_limit=time_limit, cancel=cancel, progress=progress)
