"""Checks that every architecture must pass, and small problems to pass them on."""

from __future__ import annotations

import functools
import io
import itertools
from inspect import signature

import numpy as np
import pytest
from loss_cases import fitting

from convex_core import InputError, Network, Problem, load_model, save_model
from convex_core.architectures import ARCHITECTURES, make_architecture
from convex_core.losses import SoftmaxLoss
from convex_core.patches import patch_geometry
from convex_core.solvers.dual_bound import relative_gap
from convex_core.training.multistart import descend, local_search

#: values to try of each option; an option that is missing here fails the tests
OPTION_VALUES = {
    "pooling": ("sum", "mean", "max"),
    "pool_size": (2,),
    "outputs": (2,),
    "output_norm": ("l1", "l2"),
    "layers": (3, 4),
    "sharing": ("per-patch", "shared"),
    "activation": ("leaky",),
    "slope": (),
    "branches": (),  # tests/test_branches.py
    "pooling_grid": ("2",),
    "normalisation": ("batch",),
    "parallel": (),  # tests/test_parallel.py
    "skip": (),  # takes the squared loss only: tests/test_free_bias.py
    "relaxation": ("cone", "plain", "spectral", "nuclear", "weighted", "frobenius", "strong", "lifted"),
}
GEOMETRIES = {
    "circular": [patch_geometry((3,), h, 1, "circular") for h in (1, 2, 3)],
    "three-layer": [patch_geometry((4,), 2, 2)],
}


@functools.cache
def every_architecture():
    """Each distinct combination of options that each name of the registry takes, on small geometries, as parameters."""
    return tuple(_every_architecture())


def _every_architecture():
    for name, build in ARCHITECTURES.items():
        options = list(signature(build).parameters)[1:]
        for geometry in GEOMETRIES.get(name, [patch_geometry((6,), 2, 2)]):
            seen = set()
            for values in itertools.product(*((None, *OPTION_VALUES[option]) for option in options)):
                given = {option: value for option, value in zip(options, values, strict=True) if value is not None}
                try:
                    architecture = make_architecture(name, geometry, **given)
                except InputError:
                    continue
                words = "-".join(map(str, (name, *architecture.options.values(), f"h{geometry.h}")))
                if words not in seen:
                    seen.add(words)
                    yield pytest.param(architecture, id=words)


def tiny_problem(architecture, loss=None, n=3, seed=0, beta=0.1) -> Problem:
    """Gaussian inputs and targets, or labels where the loss asks for them."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, architecture.geometry.d))
    q = architecture.q
    y = rng.standard_normal((n, q)) if q > 1 else rng.standard_normal(n)
    if isinstance(loss, SoftmaxLoss):
        y = np.arange(n) % q
    elif loss is not None:
        y = fitting(loss, y)
    return Problem(X, y, architecture=architecture, beta=beta, loss=loss)


def gaussian_problem(name: str, seed: int, n: int, K: int, h: int, beta: float = 0.1, loss=None, **options) -> Problem:
    """Gaussian patches that do not overlap: ``Xk = rng.standard_normal((K, n, h)); y = rng.standard_normal(n)``."""
    rng = np.random.default_rng(seed)
    patches = rng.standard_normal((K, n, h))
    y = rng.standard_normal(n)
    X = patches.transpose(1, 0, 2).reshape(n, K * h)
    return Problem(
        X, y, architecture=make_architecture(name, patch_geometry((K * h,), h, h), **options), beta=beta, loss=loss
    )


def random_network(problem: Problem, m: int, seed: int) -> Network:
    """A network with Gaussian parameters, well inside the constraints if there are any."""
    rng = np.random.default_rng(seed)
    architecture = problem.architecture
    parameters = {name: rng.standard_normal((m, *shape)) for name, shape in architecture.shapes.items()}
    if architecture.unit_length is not None:
        parameters["filters"] = 0.5 * architecture.project(parameters)["filters"]
    return Network(architecture, **parameters)


def check_gradients(problem: Problem, m: int = 3, seed: int = 0, step: float = 1e-6) -> None:
    """`gradient` and `decay` against central differences of the outputs and the costs."""
    architecture, patches = problem.architecture, problem.patches
    parameters = random_network(problem, m, seed).parameters
    length = architecture.outputs(patches, parameters).shape[0]
    V = np.random.default_rng(seed + 1).standard_normal((m, length))

    def value(point):
        return float(np.einsum("mn,nm->", V, architecture.outputs(patches, point)))

    pulled, decay = architecture.gradient(patches, parameters, V), architecture.decay(parameters)
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


def best_found(problem: Problem, target: float, *, m: int | None = None, starts=1, seeds=24) -> float:
    """Best objective of local searches from up to `seeds` seeds, which end at 1e-6 of `target`.

    Networks have as few neurons as are enough for the optimum: again and again from another seed they find it in a
    fifth of the time that the wide ones of `local_search` take. The first three seeds only descend to their minima, one
    of which mostly is the target; then each goes on with random neurons, which is most of the time of a search.
    """
    width = m or problem.size + 1
    best = np.inf
    ends: list[Network] = []

    def is_over(network: Network) -> bool:
        nonlocal best
        best = min(best, problem.objective(network))
        return best <= target * (1.0 + 1e-6)

    def descended() -> bool:
        begin = local_search(problem, m=width, starts=starts, seed=len(ends), polish=False)
        ends.append(descend(problem, begin))
        return is_over(ends[-1])

    if any(descended() for _ in range(min(3, seeds))):
        return best
    for seed in range(seeds):
        if seed == len(ends) and descended():
            break
        if is_over(local_search(problem, m=width, begin=[ends[seed]], starts=0, seed=seed)):
            break
    return best


def check_local_search(problem: Problem, optimum, **options) -> None:
    """The best of local searches, which know nothing of the convex program, is its value and its network's objective.

    `optimum` is a certified solution of a program that is exact on `problem`.
    """
    found = best_found(problem, optimum.objective, **options)
    assert found >= optimum.lower_bound * (1.0 - 1e-9)
    assert found == pytest.approx(optimum.objective, rel=1e-6)
    assert found == pytest.approx(optimum.network_objective, rel=1e-6)


def judged(problem: Problem, outputs, cost: float, dual, tau: float) -> float:
    """Relative gap of the squared loss from what a test computed itself: outputs, cost, and tau of `dual`."""
    y, beta = problem.y, problem.beta
    objective = 0.5 * np.sum((outputs - y) ** 2) + beta * cost
    v = dual * min(1.0, beta / tau)
    return relative_gap(objective, 0.5 * np.sum(y**2) - 0.5 * np.sum((v - y) ** 2))
