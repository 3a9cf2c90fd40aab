"""Gradients, objectives and curvature of many networks at once, for any architecture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...architectures import NeuronModel, Parameters
from ...networks.neurons import unit_neurons
from ...problem import Problem

__all__ = ["FREE", "curvature_at", "curvature_grown", "flat", "gradients", "objectives", "stacked"]

_Array = NDArray[np.float64]


#: What a state calls the coefficients (S, r) of the part of the outputs that costs nothing, where there is one.
FREE = "free"


@dataclass(frozen=True, slots=True)
class CurvatureSettings:
    """Tuning of the estimate of the curvature."""

    power_rounds: int = 20  # power iterations for the largest eigenvalue
    alignments: int = 3  # alignments of a neuron with its own outputs
    step: float = 1e-5  # relative step of the central differences; outputs are polynomials between kinks


SETTINGS = CurvatureSettings()


def flat(state: Parameters) -> dict[str, _Array]:
    """Parameters (S, m, ...) of S networks as those of S * m neurons, without what is no neuron's."""
    return {name: value.reshape(-1, *value.shape[2:]) for name, value in state.items() if name != FREE}


def stacked(parameters: Parameters, S: int) -> dict[str, _Array]:
    """The inverse of :func:`flat`."""
    return {name: value.reshape(S, -1, *value.shape[1:]) for name, value in parameters.items()}


def gradients(problem: Problem, patches: _Array, y: _Array, state: Parameters) -> dict[str, _Array]:
    """Gradients of the loss alone, on the given samples, for parameters (S, m, ...)."""
    S, m = state["weights"].shape[:2]
    neurons = flat(state)
    outputs = problem.architecture.outputs(patches, neurons).reshape(-1, S, m).sum(axis=2)
    columns = problem.architecture.free_columns(patches) if FREE in state else None
    if columns is not None:
        outputs = outputs + columns @ state[FREE].T
    slopes = problem.whole_loss.gradient(np.ascontiguousarray(outputs.T), y)
    found = stacked(problem.architecture.gradient(patches, neurons, np.repeat(slopes, m, axis=0)), S)
    return found if columns is None else {**found, FREE: slopes @ columns}


def objectives(problem: Problem, state: Parameters) -> _Array:
    """Objective of each seed over all samples, shape (S,); anything not finite becomes ``inf``."""
    S, m = state["weights"].shape[:2]
    neurons = flat(state)
    outputs = problem.architecture.outputs(problem.patches, neurons).reshape(-1, S, m).sum(axis=2).T
    if FREE in state:
        outputs = outputs + state[FREE] @ problem.architecture.free_columns(problem.patches).T
    losses = np.array([problem.whole_loss.value(f, problem.y) for f in outputs])
    total = losses + problem.beta * problem.architecture.costs(neurons).reshape(S, m).sum(axis=1)
    return np.where(np.isfinite(total), total, np.inf)


def curvature_at(
    architecture: NeuronModel, patches: _Array, neurons: Parameters, look: Callable[[], None] = lambda: None
) -> float:
    """Estimate the largest eigenvalue of J J^T, J the Jacobian of a network's outputs, by power iteration (from below).

    J times a direction is a central difference of the outputs. `look` is called in every round, and may raise.
    """
    m, n = len(neurons["weights"]), len(architecture.outputs(patches, neurons))
    size = max(float(np.abs(value).max(initial=0.0)) for value in neurons.values())
    z = np.ones(n)
    value = 0.0
    for _ in range(SETTINGS.power_rounds):
        look()
        z = z / np.linalg.norm(z)
        back = architecture.gradient(patches, neurons, np.broadcast_to(z, (m, n)))
        largest = max(float(np.abs(part).max(initial=0.0)) for part in back.values())
        if largest == 0.0:
            break
        step = SETTINGS.step * size / largest
        ahead, behind = (
            architecture.outputs(patches, {name: neurons[name] + t * back[name] for name in neurons}).sum(axis=1)
            for t in (step, -step)
        )
        z = (ahead - behind) / (2.0 * step)
        value = float(np.linalg.norm(z))
        if value == 0.0:
            break
    return value


def curvature_grown(architecture: NeuronModel, patches: _Array, neurons: Parameters, size: float) -> float:
    """The largest such eigenvalue of one balanced neuron that has grown to outputs of norm `size` (an estimate).

    Each neuron is first turned towards its own outputs, as if they were what is left to explain.
    """
    neurons, outputs = unit_neurons(architecture, patches, neurons)
    for _ in range(SETTINGS.alignments):
        if not outputs.size:
            return 0.0
        neurons, outputs = unit_neurons(architecture, patches, architecture.gradient(patches, neurons, outputs.T))
    if not outputs.size:
        return 0.0
    norms = np.linalg.norm(outputs, axis=0)
    grown = architecture.scaled(neurons, size / norms)
    back = architecture.gradient(patches, grown, (outputs / norms).T)
    squares = [np.square(part).reshape(len(norms), -1).sum(axis=1) for part in back.values()]
    return float(np.sum(squares, axis=0).max(initial=0.0))
