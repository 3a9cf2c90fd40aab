"""Maxout neurons, the larger of two filters: special cases, other programs, every consumer."""

import numpy as np
import pytest
from architecture_cases import check_gradients, check_local_search, check_model_file, check_scaling, gaussian_problem

from convex_core import InputError, Network, Problem, audit, cvxpy_script, minimum_norm, solve, solve_path, train_sgd
from convex_core.architectures import MaxoutCNN, TwoLayerCNN, layers_of, make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry
from convex_core.status import Exactness, Scope, Status

#: n = 6, K = 3, h = 2, beta = 0.1, seeds 0, 1, 2: the same by column generation, branch and bound and Clarabel
OPTIMA = (0.61985956, 0.26403979, 0.56285970)


def maxout(seed=0, n=6, K=3, h=2, **options):
    return gaussian_problem("two-layer", seed, n, K, h, activation="maxout", **options)


@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
def test_methods_agree(method):
    for seed, value in enumerate(OPTIMA):
        solution = solve(maxout(seed), method=method, tol=1e-7)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
        assert solution.patterns == 36  # those of the patch rows: what counts is the difference of the filters


def test_it_is_never_worse_than_the_relu_and_one_filter_of_zeros_is_one():
    for seed, value in enumerate(OPTIMA):
        relu = solve(gaussian_problem("two-layer", seed, 6, 3, 2), tol=1e-8)
        assert value <= relu.objective + 1e-8
        problem = maxout(seed)
        filters = np.hstack([relu.network.filters, np.zeros_like(relu.network.filters)])
        same = Network(problem.architecture, filters, relu.network.weights)
        assert problem.objective(same) == pytest.approx(relu.network_objective, rel=1e-12)


def test_against_a_linear_target_the_filters_are_equal_and_share_the_price():
    # max(x . u, x . u) = x . u at the cost of two filters u / sqrt(2) in place of one: sqrt(2) ||u||
    rng = np.random.default_rng(0)
    X, u = rng.standard_normal((5, 2)), rng.standard_normal(2)
    problem = Problem(X, X @ u, filter_size=2, beta=1e-3, activation="maxout")
    least = minimum_norm(problem, tol=1e-7)
    assert least.norm <= np.sqrt(2.0) * np.linalg.norm(u) * (1 + 1e-6)
    relu = minimum_norm(Problem(X, X @ u, filter_size=2, beta=1e-3), tol=1e-7)
    assert relu.norm <= 2.0 * np.linalg.norm(u) * (1 + 1e-6)
    assert least.norm <= relu.norm * (1 + 1e-6)


def test_outputs_are_the_definition_and_layers_say_the_same():
    rng = np.random.default_rng(1)
    for pooling, bias in (("sum", "none"), ("mean", "regularised"), ("sum", "output")):
        cnn = make_architecture(
            "two-layer", patch_geometry((5,), 2, 1, bias=bias), activation="maxout", pooling=pooling
        )
        h = cnn.geometry.h
        assert (cnn.shapes, cnn.options) == (
            {"filters": (2 * h,), "weights": ()}, {"pooling": pooling, "activation": "maxout"}
        )  # fmt: skip
        free = [0.7] if bias == "output" else None
        network = Network(cnn, rng.standard_normal((3, 2 * h)), rng.standard_normal(3), free=free)
        X = rng.standard_normal((4, 5))
        patches = cnn.geometry.extract(X)
        larger = np.maximum(patches @ network.filters[:, :h].T, patches @ network.filters[:, h:].T)
        pooled = larger.sum(axis=0) if pooling == "sum" else larger.mean(axis=0)
        assert network.predict(X) == pytest.approx(pooled @ network.weights + (0.7 if free else 0.0))
        layers = layers_of(cnn, network.parameters, network.free)
        total = sum(
            b.scale * b.activation(patches @ b.filters.T).sum(axis=0) @ b.weights for b in layers.branches
        )[:, 0] + layers.bias  # fmt: skip
        assert total == pytest.approx(network.predict(X))


def test_gradients_scaling_files_path_audit_and_degenerate_data():
    problem = maxout(1, n=4, K=2, pooling="mean")
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)
    assert all(point.relative_gap <= 1e-6 for point in solve_path(problem, points=3))
    trained = train_sgd(problem, seeds=[0], iterations=200)
    assert trained.best_objective[0] >= solution.lower_bound
    verdict = audit(problem, trained.best_networks[0])
    assert solution.lower_bound * (1 - 1e-9) <= verdict.own_objective <= verdict.certificate.objective
    for X in (np.zeros((2, 4)), np.ones((1, 4)), np.tile([1.0, 2.0, 0.0, 0.0], (3, 1))):
        again = Problem(X, np.arange(1.0, len(X) + 1.0), architecture=problem.architecture, beta=0.1)
        assert solve(again).status is Status.OPTIMAL


@pytest.mark.slow
def test_no_local_search_finds_better():
    for seed, options in enumerate(({}, {"pooling": "mean"})):
        problem = maxout(seed, n=3, K=2, **options)
        check_local_search(problem, solve(problem, tol=1e-8))


def test_the_script_and_the_network_it_maps_back_to(capsys):
    problem = maxout(2, n=4, pooling="mean")
    optimum = solve(problem, tol=1e-8)
    exec(compile(cvxpy_script(problem, optimum.active, complete=False), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


def test_what_does_not_fit_is_refused_and_others_are_not_it():
    geometry = patch_geometry((4,), 2, 2)
    assert make_architecture("two-layer", geometry, activation="maxout") == MaxoutCNN(geometry) != TwoLayerCNN(geometry)
    for options, message in (
        ({"pooling": "max"}, "pooling: got 'max' with the maxout activation"),
        ({"outputs": 2}, "outputs: got 2 with the maxout activation, expected none"),
        ({"skip": "free"}, "skip: got 'free' with the maxout activation"),
    ):
        with pytest.raises(InputError, match=message):
            make_architecture("two-layer", geometry, activation="maxout", **options)
    with pytest.raises(InputError, match="bias: got free biases"):
        MaxoutCNN(patch_geometry((4,), 2, bias="free"))


def test_command_line_report_and_pictures(tmp_path, capsys):
    page = tmp_path / "report.html"
    assert main(["solve", "--dataset", "edge", "--activation", "maxout", "--beta", "0.2", "--exact"]) == 0
    assert "activation maxout" in capsys.readouterr().out
    solution = solve(maxout(2, n=4))
    assert solution.plot() is not None
    solution.report(page)
    assert main(["verify", str(page)]) == 0
