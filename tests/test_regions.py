"""Pooling over regions: special cases that coincide, other programs, several classes, and local search."""

import numpy as np
import pytest
from architecture_cases import check_gradients, check_local_search, check_scaling, gaussian_problem

from convex_core import InputError, Problem, audit, solve, solve_path
from convex_core.architectures import make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry
from convex_core.status import Scope, Status

#: flatten layer with the l1 norm, K = 2, n = 4, h = 2, beta = 0.1, seeds 0, 1, 2: found by other programs, to 1e-8
OPTIMA = (0.24479785, 0.10000302, 0.23942876)


def small(seed=0, n=4, K=2, h=2, grid="2", **options):
    return gaussian_problem("two-layer", seed, n, K, h, pooling_grid=grid, **options)


def value(problem, **how):
    solution = solve(problem, tol=1e-8, **how)
    assert (solution.status, solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-7)
    return solution.objective


@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
def test_a_region_for_each_place_is_the_flatten_layer(method):
    for seed, optimum in enumerate(OPTIMA):
        assert value(small(seed), method=method) == pytest.approx(optimum, abs=1e-7)
        assert value(small(seed, pooling="mean"), method=method) == pytest.approx(optimum, abs=1e-7)


@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_one_region_is_plain_pooling(pooling):
    for seed in range(3):
        plain = gaussian_problem("two-layer", seed, 5, 3, 2, pooling=pooling)
        assert value(small(seed, 5, 3, grid="1", pooling=pooling)) == pytest.approx(value(plain), rel=1e-7)


def test_finer_regions_have_no_dearer_network():
    """A weight for a region of sums can be given to each of its parts, at a higher cost; a neuron of a part cannot."""
    coarse, fine = small(0, 5, 4, grid="2"), small(0, 5, 4, grid="4")
    network = solve(fine, tol=1e-8).network
    assert (np.count_nonzero(network.weights, axis=1) == 1).all()
    assert value(coarse) != pytest.approx(value(fine), rel=1e-3)


def test_unequal_regions_by_the_formula():
    """Five places in two regions: three and two."""
    cnn = make_architecture("two-layer", patch_geometry((5,), 1), pooling_grid="2", pooling="mean")
    X, u, w = np.array([[1.0, 2.0, -3.0, 4.0, -5.0]]), np.array([[1.0], [-1.0]]), np.array([[2.0, 3.0], [-1.0, 5.0]])
    problem = Problem(X, [0.0], architecture=cnn, beta=0.1)
    found = cnn.outputs(problem.patches, {"filters": u, "weights": w})
    assert found.tolist() == [[2.0 * 3.0 / 3.0 + 3.0 * 4.0 / 2.0, -1.0 * 3.0 / 3.0 + 5.0 * 5.0 / 2.0]]
    assert cnn.costs({"filters": u, "weights": w}).tolist() == [0.5 * (1 + 25), 0.5 * (1 + 36)]


def test_several_classes_are_as_many_problems_and_softmax_is_solved_by_every_method():
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((6, 5)), rng.standard_normal((6, 2))
    options = {"filter_size": 2, "beta": 0.1, "pooling_grid": "2"}
    together = value(Problem(X, Y, outputs=2, **options))
    alone = sum(value(Problem(X, Y[:, o], **options)) for o in range(2))
    assert together == pytest.approx(alone, rel=1e-7)
    classes = Problem(X, [0, 1, 2, 0, 1, 2], outputs=3, loss="softmax", **{**options, "pooling": "mean"})
    values = [value(classes, method=method) for method in ("column-generation", "branch-and-bound", "clarabel")]
    assert values == pytest.approx([values[0]] * 3, rel=1e-6)
    network = solve(classes, tol=1e-8).network
    assert network.weights.shape[1:] == (2, 3)
    assert (np.count_nonzero(network.weights.reshape(network.m, -1), axis=1) == 1).all()


def test_images_take_a_grid_of_two_numbers():
    X, y = np.random.default_rng(0).standard_normal((4, 4, 5)), [1.0, -1.0, 2.0, 0.5]
    problem = Problem(X, y, filter_size=2, beta=0.5, pooling_grid="1x2")
    assert problem.architecture.shapes["weights"] == (2,)
    certified = solve(problem, max_rounds=30)
    assert audit(problem, certified.network).own_objective == pytest.approx(certified.network_objective, rel=1e-9)
    assert problem.architecture.regions.reshape(3, 4).tolist() == [[0, 0, 1, 1]] * 3


@pytest.mark.parametrize("outputs", [1, 2])
def test_degenerate_data_path_gradients_and_scaling(outputs):
    several = {"outputs": outputs} if outputs > 1 else {}
    cnn = make_architecture("two-layer", patch_geometry((6,), 2, 2), pooling_grid="2", **several)
    X = np.array([[0.0, 0.0, 1.0, 2.0, 0.0, 0.0], [0.0, 0.0, 1.0, 2.0, 0.0, 0.0], [0.0] * 6, [1.0, 1, -1, -2, 3, 1]])
    shape = (outputs,) if outputs > 1 else ()
    for rows in (X, X[:1], X[2:3]):
        assert solve(Problem(rows, np.ones((len(rows), *shape)), architecture=cnn, beta=0.1)).status is Status.OPTIMAL
    problem = Problem(X, np.random.default_rng(1).standard_normal((4, *shape)), architecture=cnn, beta=0.05)
    assert all(point.relative_gap <= 1e-6 for point in solve_path(problem, points=3))
    check_gradients(Problem(X + 0.1, problem.y.reshape(4, *shape), architecture=cnn, beta=0.05))
    check_scaling(problem)


@pytest.mark.slow
@pytest.mark.parametrize("outputs", [1, 2])
def test_no_local_search_finds_better(outputs):
    rng = np.random.default_rng(3)
    several = {"outputs": outputs} if outputs > 1 else {}
    y = rng.standard_normal((3, outputs)) if outputs > 1 else rng.standard_normal(3)
    problem = Problem(rng.standard_normal((3, 4)), y, filter_size=2, beta=0.1, pooling_grid="2", **several)
    check_local_search(problem, solve(problem, tol=1e-8))


def test_what_does_not_fit_is_refused(capsys):
    geometry = patch_geometry((4,), 2)
    for options, sentence in (
        ({"pooling_grid": "9"}, "pooling_grid: got 9, expected an integer in"),
        ({"pooling_grid": "2x2"}, "pooling_grid: got '2x2', expected regions along each axis, such as 2"),
        ({"pooling_grid": "some"}, "pooling_grid: got 'some', expected regions"),
        ({"pooling_grid": "2", "pooling": "max"}, "pooling: got 'max' with a pooling grid, expected sum or mean"),
        ({"pooling_grid": "2", "activation": "leaky"}, "pooling_grid: got '2' beside activation leaky"),
        ({"pooling_grid": "2", "outputs": 2, "output_norm": "l2"}, "pooling_grid: got '2' beside output_norm l2"),
    ):
        with pytest.raises(InputError, match=sentence):
            make_architecture("two-layer", geometry, **options)
    with pytest.raises(InputError, match="bias: got free biases of the filters with a pooling grid"):
        make_architecture("two-layer", patch_geometry((4,), 2, bias="free"), pooling_grid="2")
    arguments = ["solve", "--dataset", "edge", "--filter-size", "2", "--pooling-grid", "2", "--pooling", "mean"]
    assert main(arguments) == 0
    assert "pooling grid 2" in capsys.readouterr().out
