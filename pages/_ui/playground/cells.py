"""The cells of a scene: searched once, for its optimum, its ceilings, and every network that SGD comes past."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex_core import Interrupted, Network, Problem, Scope, Solution
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solution import solve_over
from convex_core.solvers.dual_bound import dual_bound
from convex_core.solvers.search import CellSearch, choose_search

from .directions import Around, AroundKnees, block_filter, make_around
from .scene import Scene

__all__ = ["LIVE_SECONDS", "Cells", "Proof", "estimated_seconds", "finite", "search", "solve_scene"]

_Array = NDArray[np.float64]

#: Estimated seconds up to which a scene is solved while it is dragged.
LIVE_SECONDS = 0.3
#: Estimated seconds from which cells are sampled: a list would not be ready in time, and nothing would be found.
LISTED_SECONDS = 3.0
#: Relative gap that is asked for: ten times wider, and filters that do nothing are left beside those of an optimum.
TOL = 1e-9
#: Most patterns that are listed.
MAX_PATTERNS = 2_000_000
# seconds a cell and hyperplane, measured on two cores at 2 GHz, and what every answer takes
_SECONDS_A_TEST, _SECONDS_AT_LEAST = 2e-8, 0.05
# seconds a cell that is seen from an anchor, and what the cells of free biases take at least
_SECONDS_A_SEEN, _SECONDS_SEEN_AT_LEAST = 2e-5, 0.1
# seconds for one price at most
_PRICE_SECONDS = 0.5
# share of the highest direction all around below which no cell needs to be resolved
_BELOW = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Cells:
    """All directions of a scene, cut into cells; they serve every beta, loss and target.

    Attributes
    ----------
    key : tuple
        What they were searched for.
    search : CellSearch
        The library's search.
    around : Around or AroundKnees
        Directions all around: where the dual function is high, so that a price need not resolve the cells that are
        lower.
    """

    key: tuple[object, ...]
    search: CellSearch
    around: Around | AroundKnees

    @property
    def whole(self) -> bool:
        """Whether every cell is covered."""
        return self.search.pricer.scope is Scope.GLOBAL

    def prove(self, problem: Problem, v: _Array, *, lower: bool = True) -> Proof:
        """The largest value of the dual function of `v` over all directions, and the lower bound that follows.

        `v` must be in the domain of the loss's conjugate, as minus the gradient of the loss at any outputs is.
        """
        height, peak = self.around.highest(v)
        tau, sign = abs(height), 1.0 if height >= 0.0 else -1.0
        pricer = self.search.pricer
        price = pricer.price(v, floor=tau * _BELOW, want=1, budget=Budget(time_limit=_PRICE_SECONDS), prove=True)
        if len(price.value) and price.value[0] > tau:
            peak = block_filter(problem, price.columns, price.directions)
            tau, sign = float(price.value[0]), float(price.columns.sign[0])
        bound = -math.inf
        if self.whole and math.isfinite(price.bound):
            tau = max(tau, price.bound)
            bound = dual_bound(problem, pricer.factory, v, price.bound).value if lower else bound
        return Proof(tau / problem.beta, peak, sign, bound)

    def prove_network(self, problem: Problem, network: Network) -> Proof:
        """What the dual vector of a network proves: minus the gradient of the loss at its outputs."""
        f = network.predict_patches(problem.patches)
        return self.prove(problem, -problem.loss.gradient(f, problem.y))


@dataclass(frozen=True, slots=True)
class Proof:
    """What a dual vector proves.

    Attributes
    ----------
    ceiling : float
        Largest ``|v . phi(u)| / beta`` over all unit directions, rounded up; over those that were looked at, where not
        every cell was.
    peak : (a,) float64
        A direction that attains it.
    sign : float
        Sign of ``v . phi`` there.
    lower_bound : float
        On the objective of every network; ``-inf`` where not every cell was covered.
    """

    ceiling: float
    peak: _Array
    sign: float
    lower_bound: float


def finite(number: float) -> float | None:
    """A number for the browser, which has no infinite ones: a bound or an objective that is not there is None."""
    return number if math.isfinite(number) else None


def estimated_seconds(problem: Problem) -> float:
    """How long an answer will take, about.

    Max pooling lists cells between the ties of patches as well, free biases those that are seen from every patch.
    """
    if problem.architecture.geometry.bias == "free":
        return _SECONDS_SEEN_AT_LEAST + _SECONDS_A_SEEN * (problem.architecture.predicted(problem.patches) or 0)
    if "pool_size" not in problem.architecture.options:
        return _SECONDS_AT_LEAST
    factory = CellFactory(problem.architecture, problem.patches)
    return _SECONDS_AT_LEAST + _SECONDS_A_TEST * factory.predicted * len(factory.rows)


def search(scene: Scene, problem: Problem, seconds: float) -> Cells:
    """Search the cells of a scene; where a list of all cannot be had in the time, some are sampled.

    Raises
    ------
    Interrupted
        If nothing was found in the time.
    """
    listed = estimated_seconds(problem) <= LISTED_SECONDS
    try:
        found = _search(problem, "auto" if listed else "sampled", seconds)
    except Interrupted:
        if not listed or seconds < LISTED_SECONDS:
            raise
        found = _search(problem, "sampled", seconds)
    return Cells(scene.cells_key, found, make_around(problem))


def _search(problem: Problem, method: str, seconds: float) -> CellSearch:
    budget = Budget(time_limit=seconds)
    return choose_search(problem, method=method, seed=0, max_patterns=MAX_PATTERNS, budget=budget)


def solve_scene(cells: Cells, problem: Problem, seconds: float) -> Solution:
    """The optimum over the cells, with its certificate, or the best network so far when the time is up."""
    return solve_over(problem, cells.search, tol=TOL, budget=Budget(time_limit=seconds))
