"""Audit: what a trained network lacks, in training and in patterns; networks from other frameworks' arrays."""

import numpy as np
import pytest
from problem_cases import TWO_LAYER_OPTIMA, patch_problem

from convex_core import InputError, Network, Problem, TwoLayerCNN, patch_geometry, solve, train_sgd
from convex_core.auditing import audit, network_from_arrays, own_patterns


@pytest.fixture(scope="module")
def trained():
    problem = patch_problem(0)
    return problem, train_sgd(problem, seeds=[1], iterations=300).final_networks[0]


def test_the_three_values_are_in_order(trained):
    problem, network = trained
    result = audit(problem, network, tol=1e-8)
    assert result.certificate.lower_bound <= TWO_LAYER_OPTIMA[0] <= result.own_objective * (1 + 1e-8)
    assert result.own_objective < result.certificate.objective  # 300 steps stop short
    assert result.training_excess + result.pattern_excess == pytest.approx(
        result.certificate.objective - result.certificate.lower_bound
    )


def test_the_optimum_over_its_own_patterns_is_itself():
    problem = patch_problem(0)
    best = solve(problem, tol=1e-9)
    result = audit(problem, best.network, dual=best.dual)
    assert result.own_objective == pytest.approx(TWO_LAYER_OPTIMA[0], rel=1e-7)
    assert result.training_excess == pytest.approx(0.0, abs=1e-7)


def test_own_patterns_are_those_of_live_neurons(trained):
    problem, network = trained
    codes = own_patterns(problem, network)
    live = network.filters[np.abs(network.weights) > 0]
    expected = {tuple(row) for row in live @ problem.architecture.hyperplanes(problem.patches).T >= 0}
    assert {tuple(code) for code in codes} == expected
    zero = audit(problem, Network(problem.architecture, [], []))
    assert zero.own is None
    assert zero.own_objective == zero.certificate.objective == pytest.approx(0.5 * problem.y @ problem.y)


def test_a_state_dict_of_a_signal_network():
    rng = np.random.default_rng(0)
    conv, fc = rng.standard_normal((3, 1, 2)), rng.standard_normal((1, 3))
    problem = patch_problem(0)
    state = {"0.weight": conv, "0.bias": np.zeros(3), "4.weight": fc, "4.bias": np.zeros(1)}
    network = network_from_arrays(problem.architecture, state)
    # the same network by loops: correlation at stride 2, ReLU, sum over positions, linear
    loops = [
        sum(fc[0, j] * sum(max(float(x[k : k + 2] @ conv[j, 0]), 0.0) for k in range(0, 6, 2)) for j in range(3))
        for x in problem.X
    ]
    assert network.predict(problem.X) == pytest.approx(np.array(loops))


def test_a_state_dict_of_an_image_network_has_its_channels_first():
    rng = np.random.default_rng(0)
    conv, fc = rng.standard_normal((2, 3, 2, 2)), rng.standard_normal((1, 2))
    cnn = TwoLayerCNN(patch_geometry((3, 3, 3), (2, 2)))
    network = network_from_arrays(cnn, {"conv.weight": conv, "fc.weight": fc})
    image = rng.standard_normal((3, 3, 3))
    response = [
        max(float(np.sum(image[a : a + 2, b : b + 2] * conv[j].transpose(1, 2, 0))), 0.0) * fc[0, j]
        for j in range(2)
        for a in range(2)
        for b in range(2)
    ]
    assert network.predict(image.reshape(1, -1)) == pytest.approx([sum(response)])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "got no arrays"),
        ({"filters": np.ones((1, 2))}, "got no weights"),
        ({"conv.weight": np.ones((2, 1, 2)), "fc.weight": np.ones((1, 3))}, "expected \\(1, 2\\)"),
        ({"conv.weight": np.ones((2, 1, 2)), "conv.bias": np.ones(2), "fc.weight": np.ones((1, 2))}, "bias"),
        ({"a.weight": np.ones((2, 2))}, "two layers"),
        ({"filters": np.ones((1, 3)), "weights": np.ones(1)}, "expected \\(m, 2\\)"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(arrays, message):
    with pytest.raises(InputError, match=message):
        network_from_arrays(patch_problem(0).architecture, arrays)


def test_another_architecture_is_refused(trained):
    _, network = trained
    other = patch_problem(0)
    mean = Problem(other.X, other.y, architecture=TwoLayerCNN(other.architecture.geometry, "mean"), beta=0.1)
    with pytest.raises(InputError, match="network: got architecture"):
        audit(mean, network)
