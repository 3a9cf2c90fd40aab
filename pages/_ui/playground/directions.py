"""Neurons as the playground draws them, and how high the dual function is at directions all around."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convex_core import Problem
from convex_core.architectures import Activation, Parameters
from convex_core.program import Blocks

__all__ = ["Around", "block_filter", "make_around", "unit_neurons"]

_Array = NDArray[np.float64]

# directions on a circle and on a sphere
_ANGLES, _POINTS = 720, 4000


def unit_neurons(problem: Problem, parameters: Parameters) -> tuple[_Array, _Array]:
    """Filters (m, a) of length one and signed sizes (m,) of neurons, as the library measures them.

    A free bias is no part of a filter's length. Where lengths change nothing a filter of zeros is always on: it becomes
    a direction that fires everywhere, if there is one, and stays zero otherwise.
    """
    filters, weights = parameters["filters"], parameters["weights"]
    read = filters[:, :-1] if problem.architecture.geometry.bias == "free" else filters
    length = np.linalg.norm(read, axis=1, keepdims=True)
    units = filters / np.where(length > 0.0, length, 1.0)
    if not length.all():
        everywhere = _everywhere(problem.patches.reshape(-1, filters.shape[1]))
        if everywhere is not None:
            units[length[:, 0] == 0.0] = everywhere
    return units, np.sign(weights) * problem.architecture.sizes(parameters)


def _everywhere(rows: _Array) -> _Array | None:
    """The unit direction farthest inside all half-spaces ``rows . u >= 0`` (N, a), or None if they have no interior."""
    from scipy.optimize import linprog

    length = np.linalg.norm(rows, axis=1)
    rows = rows[length > 0.0] / length[length > 0.0, None]
    a = rows.shape[1]
    if not len(rows):
        return np.array([1.0] + [0.0] * (a - 1))  # of patches of zeros every direction is one
    # the largest t with rows . u >= t in the cube
    found = linprog(
        np.append(np.zeros(a), -1.0),
        A_ub=np.column_stack([-rows, np.ones(len(rows))]),
        b_ub=np.zeros(len(rows)),
        bounds=[*[(-1.0, 1.0)] * a, (0.0, 1.0)],
    )
    if found.x is None or found.x[-1] < 1e-9:
        return None
    best = np.asarray(found.x[:-1])
    u: _Array = best / np.linalg.norm(best)
    return u


def block_filter(problem: Problem, columns: Blocks, directions: _Array) -> _Array:
    """The unit filter (a,) of the first block of a price, whatever blocks are."""
    first = slice(0, 1)
    neurons = problem.architecture.neurons(
        directions[first], columns.sign[first], columns.active[first], problem.patches
    )
    filters: _Array = unit_neurons(problem, neurons)[0][0]
    return filters


@dataclass(frozen=True, slots=True)
class Around:
    """Unit filters all around, for a dual function that is the same whatever the bias.

    Attributes
    ----------
    filters : (G, a) float64
        The filters.
    atoms : (n, G) float64
        Their outputs at weight one.
    """

    filters: _Array
    atoms: _Array

    def highest(self, v: _Array) -> tuple[float, _Array]:
        """The largest value of the dual function of `v` among them, with its sign, and its filter."""
        heights = v @ self.atoms
        top = int(np.argmax(np.abs(heights)))
        return float(heights[top]), self.filters[top] * 1.0


@dataclass(frozen=True, slots=True)
class AroundKnees:
    """Unit directions all around, each with its best bias: one at which some patch responds with zero.

    Attributes
    ----------
    filters : (G, h) float64
        The directions.
    responses : (G, N) float64
        Those of the patch rows, the largest first.
    samples : (G, N) int
        The sample of each.
    activation : Activation
        Of two slopes.
    scale : float
        1 for sums, 1/K for means.
    """

    filters: _Array
    responses: _Array
    samples: NDArray[np.intp]
    activation: Activation
    scale: float

    def highest(self, v: _Array) -> tuple[float, _Array]:
        """As :meth:`Around.highest`; the filter ends in its bias."""
        weights = self.scale * v[self.samples]
        moments = weights * self.responses
        total, product = weights.sum(axis=1, keepdims=True), moments.sum(axis=1, keepdims=True)
        above, moment = np.cumsum(weights, axis=1), np.cumsum(moments, axis=1)
        more = moment - self.responses * above
        less = product - moment - self.responses * (total - above)
        heights = self.activation.above * more + self.activation.below * less
        top, anchor = divmod(int(np.argmax(np.abs(heights))), heights.shape[1])
        return float(heights[top, anchor]), np.append(self.filters[top], -self.responses[top, anchor])


def make_around(problem: Problem) -> Around | AroundKnees:
    """Directions all around, as the network of a problem sees them."""
    architecture, patches = problem.architecture, problem.patches
    if architecture.geometry.bias != "free":
        filters = _all_around(patches.shape[2])
        return Around(filters, architecture.outputs(patches, {"filters": filters, "weights": np.ones(len(filters))}))
    directions = _all_around(patches.shape[2] - 1)
    rows = patches[:, :, :-1].reshape(-1, patches.shape[2] - 1)
    responses = directions @ rows.T
    order = np.argsort(-responses, axis=1)
    samples = np.tile(np.arange(problem.n), patches.shape[0])[order]
    sorted_responses = np.take_along_axis(responses, order, axis=1)
    free: Any = architecture  # no other network has free biases of its filters
    return AroundKnees(directions, sorted_responses, samples, free.activation, free.scale)


def _all_around(a: int) -> _Array:
    """Unit directions: both of a line, at equal angles on the circle, on a spiral at equal areas of the sphere."""
    if a == 1:
        return np.array([[1.0], [-1.0]])
    if a == 2:
        angle: _Array = 2.0 * np.pi * np.arange(_ANGLES) / _ANGLES
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    place = np.linspace(0.0, _POINTS - 1.0, _POINTS)
    z: _Array = 1.0 - (2.0 * place + 1.0) / _POINTS
    turn: _Array = place * (math.pi * (3.0 - math.sqrt(5.0)))
    radius: _Array = np.sqrt(1.0 - z * z)
    return np.stack([radius * np.cos(turn), radius * np.sin(turn), z], axis=1)
