"""What holds for every architecture: three routes to one value, files, refusals, own objective."""

import io

import numpy as np
import pytest
from few_cases import few

from convex_core import InputError, Network, Problem, Status, certify, load_model, patch_geometry, save_model, solve
from convex_core.architectures import ARCHITECTURES, make_architecture
from convex_core.status import Exactness

CASES = {
    "sum": ("two-layer", {"pooling": "sum"}, ((4,), 2, 2, "valid")),
    "linear": ("linear", {}, ((4,), 2, 2, "valid")),
    "flatten": ("flatten", {}, ((4,), 2, 2, "valid")),
    "circular": ("circular", {}, ((3,), 3, 1, "circular")),
    "three layers": ("three-layer", {}, ((4,), 2, 2, "valid")),
    "max": ("two-layer", {"pooling": "max"}, ((4,), 2, 2, "valid")),
    "flatten, lifted": ("flatten", {"relaxation": "lifted"}, ((4,), 2, 2, "valid")),
    "circular spectral": ("circular", {"relaxation": "spectral"}, ((3,), 2, 1, "circular")),
    "circular nuclear": ("circular", {"relaxation": "nuclear"}, ((3,), 2, 1, "circular")),
    "circular of 4 layers": ("circular", {"layers": 4}, ((3,), 3, 1, "circular")),
    "three layers, talk": ("three-layer", {"sharing": "shared", "relaxation": "frobenius"}, ((4,), 2, 2, "valid")),
    "three layers, nuclear": ("three-layer", {"sharing": "shared", "relaxation": "nuclear"}, ((4,), 2, 2, "valid")),
}


def problem_of(case, seed=0, n=3):
    name, options, geometry = CASES[case]
    architecture = make_architecture(name, patch_geometry(*geometry), **options)
    rng = np.random.default_rng(seed)
    return Problem(
        rng.standard_normal((n, geometry[0][0])), rng.standard_normal(n), architecture=architecture, beta=0.1
    )


def test_every_architecture_has_a_case():
    assert {name for name, _, _ in CASES.values()} == set(ARCHITECTURES)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_three_routes_to_one_value(case):
    problem = problem_of(case)
    columns = solve(problem, tol=1e-8)
    assert columns.status in (Status.OPTIMAL, Status.BOUND_REACHED)
    assert solve(problem, method="clarabel").objective == pytest.approx(columns.objective, rel=1e-6)
    assert solve(problem, method="cvxpy").objective == pytest.approx(columns.objective, rel=1e-6)
    # the bound is below the convex value, and that below the network's own objective by an independent sum
    assert columns.lower_bound <= columns.objective * (1 + 1e-9)
    network = columns.network
    loss = 0.5 * float(np.sum((network.predict(problem.X) - problem.y) ** 2))
    assert problem.objective(network) == pytest.approx(loss + 0.1 * network.regulariser)
    assert columns.objective <= problem.objective(network) * (1 + 1e-7)
    if columns.exactness is Exactness.EXACT:
        assert problem.objective(network) == pytest.approx(columns.objective, rel=1e-6)


@pytest.mark.parametrize("case", few(CASES, 5))
def test_model_files(case):
    solution = solve(problem_of(case))
    file = io.BytesIO()
    save_model(file, solution)
    file.seek(0)
    model = load_model(file)
    assert model.network.architecture == solution.problem.architecture
    assert np.array_equal(model.network.predict(solution.problem.X), solution.predictions)
    assert certify(solution.problem, model.network, dual=model.dual).lower_bound == pytest.approx(solution.lower_bound)


@pytest.mark.parametrize("case", CASES)
def test_gradients_against_differences(case):
    problem = problem_of(case)
    architecture = problem.architecture
    rng = np.random.default_rng(1)
    parameters = {name: rng.standard_normal((2, *shape)) for name, shape in architecture.shapes.items()}
    parameters = dict(architecture.project(parameters))
    V = rng.standard_normal((2, problem.n))
    pulled = architecture.gradient(problem.patches, parameters, V)

    def value(at):
        return float(np.einsum("mn,nm->", V, architecture.outputs(problem.patches, at)))

    for name, array in parameters.items():
        for index in np.ndindex(array.shape):
            moved = {key: part.copy() for key, part in parameters.items()}
            moved[name][index] += 1e-6
            up = value(moved)
            moved[name][index] -= 2e-6
            assert pulled[name][index] == pytest.approx((up - value(moved)) / 2e-6, abs=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_scaling_and_balance(case):
    problem = problem_of(case)
    architecture = problem.architecture
    rng = np.random.default_rng(2)
    parameters = {name: rng.standard_normal((3, *shape)) for name, shape in architecture.shapes.items()}
    network = Network.from_parameters(architecture, architecture.project(parameters))
    even = Network.from_parameters(architecture, architecture.balanced(network.parameters))
    assert even.predict(problem.X) == pytest.approx(network.predict(problem.X))
    assert even.regulariser <= network.regulariser * (1 + 1e-12)
    twice = Network.from_parameters(architecture, architecture.scaled(even.parameters, np.full(even.m, 2.0)))
    assert twice.predict(problem.X) == pytest.approx(2.0 * network.predict(problem.X))
    assert twice.regulariser == pytest.approx(2.0 * even.regulariser)


@pytest.mark.parametrize(
    ("name", "options", "geometry", "message"),
    [
        ("magic", {}, ((4,), 2), "architecture: got 'magic'"),
        ("two-layer", {"layers": 4}, ((4,), 2), "layers: got 4"),
        ("two-layer", {"pooling": "median"}, ((4,), 2), "pooling: got 'median'"),
        ("circular", {}, ((4,), 2), "padding"),
        ("circular", {"layers": 2}, ((4,), 2, 1, "circular"), "layers: got 2"),
        ("circular", {"relaxation": "weighted"}, ((4,), 2, 1, "circular"), "relaxation: got 'weighted'"),
        ("three-layer", {"sharing": "half"}, ((4,), 2), "sharing: got 'half'"),
        ("three-layer", {"sharing": "per-patch", "relaxation": "nuclear"}, ((4,), 2), "relaxation"),
    ],
)
def test_wrong_combinations_are_refused(name, options, geometry, message):
    with pytest.raises(InputError, match=message):
        make_architecture(name, patch_geometry(*geometry), **options)
