"""Checks that every architecture must pass, and small problems to pass them on."""

from __future__ import annotations

import io

import numpy as np
import pytest

from convex_core import Network, Problem, load_model, save_model
from convex_core.architectures import make_architecture
from convex_core.local_search import local_search
from convex_core.patches import patch_geometry
from convex_core.solvers.column_generation import relative_gap


def gaussian_problem(name: str, seed: int, n: int, K: int, h: int, beta: float = 0.1, loss=None, **options) -> Problem:
    """Gaussian patches that do not overlap: ``Xk = rng.standard_normal((K, n, h)); y = rng.standard_normal(n)``."""
    rng = np.random.default_rng(seed)
    patches = rng.standard_normal((K, n, h))
    y = rng.standard_normal(n)
    X = patches.transpose(1, 0, 2).reshape(n, K * h)
    return Problem(make_architecture(name, patch_geometry((K * h,), h, h), **options), X, y, beta, loss)


def random_network(problem: Problem, m: int, seed: int) -> Network:
    """A network with Gaussian parameters, well inside the constraints if there are any."""
    rng = np.random.default_rng(seed)
    architecture = problem.architecture
    parameters = {name: rng.standard_normal((m, *shape)) for name, shape in architecture.shapes.items()}
    if architecture.unit_length is not None:
        parameters["filters"] = 0.5 * architecture.project(parameters)["filters"]
    return Network(architecture, **parameters)


def check_gradients(problem: Problem, m: int = 3, seed: int = 0, step: float = 1e-6) -> None:
    """`pull` and `decay` against central differences of the outputs and the costs."""
    architecture, patches = problem.architecture, problem.patches
    parameters = random_network(problem, m, seed).parameters
    length = architecture.outputs(patches, parameters).shape[0]
    V = np.random.default_rng(seed + 1).standard_normal((m, length))

    def value(point):
        return float(np.einsum("mn,nm->", V, architecture.outputs(patches, point)))

    pulled, decay = architecture.pull(patches, parameters, V), architecture.decay(parameters)
    for name, array in parameters.items():
        for index in np.ndindex(array.shape):
            ends = []
            for side in (1.0, -1.0):
                moved = array.copy()
                moved[index] += side * step
                point = {**parameters, name: moved}
                ends.append((value(point), float(architecture.costs(point).sum())))
            slope = (np.array(ends[0]) - ends[1]) / (2.0 * step)
            assert slope == pytest.approx([pulled[name][index], decay[name][index]], rel=1e-6, abs=1e-7)


def check_scaling(problem: Problem, m: int = 4, seed: int = 0) -> None:
    """Balancing keeps the outputs and makes no neuron dearer; scaling a balanced neuron scales outputs and costs."""
    architecture, patches = problem.architecture, problem.patches
    parameters = random_network(problem, m, seed).parameters
    even = architecture.balanced(parameters)
    outputs, costs = architecture.outputs(patches, parameters), architecture.costs(parameters)
    total = architecture.outputs(patches, even)
    assert total.sum(axis=1) == pytest.approx(outputs.sum(axis=1))
    assert architecture.costs(even).sum() < costs.sum()
    again = architecture.balanced(even)
    assert architecture.costs(again) == pytest.approx(architecture.costs(even))
    factor = np.random.default_rng(seed).uniform(0.1, 3.0, len(even["weights"]))
    scaled = architecture.scaled(even, factor)
    assert architecture.outputs(patches, scaled) == pytest.approx(factor * total)
    assert architecture.costs(scaled) == pytest.approx(factor * architecture.costs(even))
    dead = {name: np.zeros_like(array) for name, array in parameters.items()}
    assert len(architecture.balanced(dead)["weights"]) == 0


def check_model_file(network: Network, problem: Problem, solution) -> None:
    """What is saved comes back as the same network of the same architecture."""
    buffer = io.BytesIO()
    save_model(buffer, solution)
    buffer.seek(0)
    model = load_model(buffer)
    assert model.network.architecture == problem.architecture
    assert model.network.architecture.options == problem.architecture.options
    for name, array in network.parameters.items():
        assert np.array_equal(model.network.parameters[name], array)


def best_found(problem: Problem, target: float, m: int | None = None, starts: int = 25) -> float:
    """Best objective of local searches from up to `starts` random networks, which end at 1e-6 of `target`."""
    best = np.inf
    for seed in range(starts):
        best = min(best, problem.objective(local_search(problem, m=m, starts=1, seed=seed)))
        if best <= target * (1.0 + 1e-6):
            break
    return best


def judged(problem: Problem, outputs, cost: float, dual, tau: float) -> float:
    """Relative gap of the squared loss from what a test computed itself: outputs, cost, and tau of `dual`."""
    y, beta = problem.y, problem.beta
    objective = 0.5 * np.sum((outputs - y) ** 2) + beta * cost
    v = dual * min(1.0, beta / tau)
    return relative_gap(objective, 0.5 * np.sum(y**2) - 0.5 * np.sum((v - y) ** 2))
