"""One step of column generation by hand: add the filter that a network misses most, and weigh all of them anew."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convex_core import FixedDirections, InputError, Network, Problem
from convex_core.solvers.fixed_neurons.conic import ConicDirections
from convex_core.solvers.fixed_neurons.osqp import is_quadratic

from .cells import Cells, finite
from .scene import read_numbers

__all__ = ["DONE", "add"]

_Array = NDArray[np.float64]

#: A ceiling is reached when no direction is higher than this.
DONE = 1.0 + 1e-6
#: Most neurons; largest magnitude of a weight.
MAX_NEURONS, MAX_WEIGHT = 64, 1e6
# sizes below this share of the largest are what a solver leaves of zero
_NEGLIGIBLE = 1e-7


def add(problem: Problem, cells: Cells, request: Mapping[str, Any]) -> dict[str, Any]:
    """Price the network's dual vector over all cells, add the peak, and solve over the directions at hand.

    The best lower bound so far is that of the network before, of the one after, or the one the request knows.
    """
    network = read_network(problem, request.get("network"))
    before = cells.prove_network(problem, network)
    u = before.peak
    if before.ceiling > DONE:
        extended = Network(
            problem.architecture,
            np.vstack([network.filters, u]),
            np.append(network.weights, before.sign),
        )
        network = _weighed(problem, extended)
    after = cells.prove_network(problem, network)
    objective = problem.objective(network)
    best = max(before.lower_bound, after.lower_bound, _known(request.get("best_lower"), objective))
    return {
        "filters": network.filters.tolist(),
        "weights": network.weights.tolist(),
        "free": network.free.tolist(),
        "objective": objective,
        "lower_bound": finite(after.lower_bound),
        "best_lower": finite(best),
        "ceiling": after.ceiling,
        "peak": after.peak.tolist(),
        "added": u.tolist(),
        "done": after.ceiling <= DONE,
    }


def read_network(problem: Problem, raw: object) -> Network:
    """The network a browser sends; one without neurons is the zero network. What costs nothing is chosen anew."""
    if not isinstance(raw, Mapping):
        raise InputError(f"network: got {type(raw).__name__}, expected filters and weights")
    if not raw.get("filters") and not raw.get("weights"):
        return problem.fitted(Network.zero(problem.architecture))
    filters = read_numbers(raw.get("filters"), "filters", ndim=2, most=MAX_WEIGHT)
    weights = read_numbers(raw.get("weights"), "weights", ndim=1, most=MAX_WEIGHT)
    if len(weights) > MAX_NEURONS:
        raise InputError(f"network: got {len(weights)} neurons, expected at most {MAX_NEURONS}")
    return problem.fitted(Network(problem.architecture, filters, weights))


def _weighed(problem: Problem, network: Network) -> Network:
    """The best network with the directions of `network`, each with either sign."""
    active = network.architecture.sizes(network.parameters) > 0.0
    filters, weights = network.filters[active], network.weights[active]
    both = Network(network.architecture, np.vstack([filters, filters]), np.append(weights, -weights))
    fixed = (FixedDirections if is_quadratic(problem) else ConicDirections)(problem, both)
    sizes = fixed.sizes(problem.beta)
    return fixed.network(np.where(sizes > _NEGLIGIBLE * sizes.max(initial=0.0), sizes, 0.0))


def _known(value: object, objective: float) -> float:
    """A lower bound that the browser has from earlier steps, as far as it can be one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value <= objective:
        return -math.inf
    return float(value)
