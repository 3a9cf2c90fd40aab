"""Bounds called global, judged by exact arithmetic: rows that nearly coincide, scales and beta far apart."""

import math
from fractions import Fraction

import numpy as np
import pytest
from exact_cases import dual_value, fractions, neuron, objective, squared_price, squared_tau
from few_cases import few

from convex_core import Network, Problem, Scope, Status, audit, load_dataset, solve, solve_path
from convex_core.architectures import make_architecture
from convex_core.errors import BackendError
from convex_core.losses import LOSSES, SoftmaxLoss, make_loss
from convex_core.numerics.rounding import products_below, sum_below
from convex_core.patches import patch_geometry
from convex_core.solution import METHODS

ULP = 2.0**-52


def near_parallel(seed, loss_name, ulps=None):
    """A problem with two rows 1 to 300 ulp apart, and a network of doubles that tells them apart at a cost below one.

    The filter (b, -a) is orthogonal to the first row (a, b), exactly; its product with the second one is k ulp. With
    that, beta is such that it weighs the cost about as much as the loss, for scales from 2^-40 to 2^40.
    """
    rng = np.random.default_rng(seed)
    k = ulps or int(rng.choice([1, 2, 3, 8, 17, 40, 100, 300]))
    scale = 2.0 ** float(rng.choice([-40, -13, 0, 0, 5, 30, 40]))
    a, b = 1.0, float(rng.choice([0.5, -0.25, 0.75, 1.0]))
    rows = [[a, b], [a + k * ULP, b]]
    if rng.random() < 0.5:
        rows.append([float(rng.choice([-1.0, 2.0, 0.0])) * a, float(rng.choice([-1.0, 1.0])) * b])
    X = scale * np.array(rows)
    y = np.array([1.0, -1.0, *np.sign(rng.standard_normal(len(rows) - 2))])
    step = k * ULP * b * scale  # of the second row along (b, -a)
    q = 2 if loss_name == "softmax" else 1
    cnn = make_architecture("two-layer", patch_geometry((2,), 2), **({"outputs": 2} if q == 2 else {}))
    reach = 4.0 if loss_name in ("logistic", "softmax") else 1.0  # of the outputs
    # neuron 1: y_1 on the first two rows; neuron 2: the difference, on the second
    length = math.hypot(a, b)
    first = (np.array([a, b]) / length, reach / (length * scale))
    second = (np.array([b, -a]) / length * np.sign(b), -2.0 * reach * length / abs(step))
    u = np.array([np.sqrt(abs(w)) * direction for direction, w in (first, second)])
    w = np.array([np.sign(w) * np.sqrt(abs(w)) for _, w in (first, second)])
    network = Network(cnn, u, w if q == 1 else np.stack([w, 0.0 * w], axis=1))
    beta = 10.0 ** rng.uniform(-3.0, -1.0) / abs(second[1])
    targets = y if q == 1 else (y < 0.0).astype(float)
    return Problem(X, targets, architecture=cnn, beta=beta, loss=make_loss(loss_name)), network


def assert_proved(problem, certificate, networks):
    """The bound is that of a dual vector that is feasible, both exactly; and no network lies below it."""
    if certificate.scope is not Scope.GLOBAL:
        assert certificate.lower_bound == -np.inf
        return
    lower = Fraction(certificate.lower_bound)
    for network in networks:
        assert lower <= objective(problem, network)
    assert squared_tau(problem, certificate.dual) <= Fraction(problem.beta) ** 2
    assert lower <= dual_value(problem, certificate.dual)


def test_the_exact_price_is_that_of_a_fine_grid():
    rng = np.random.default_rng(0)
    angle = np.linspace(0.0, 2.0 * np.pi, 200_001)
    U = np.stack([np.cos(angle), np.sin(angle)])
    for _ in range(20):
        n = int(rng.integers(1, 6))
        rows, v = rng.integers(-3, 4, (n, 2)).astype(float), rng.standard_normal(n)
        grid = np.abs(v @ np.maximum(rows @ U, 0.0)).max()
        exact = float(squared_price(fractions(v), fractions(rows))) ** 0.5
        assert grid * (1 - 1e-12) <= exact <= grid * (1 + 1e-4) + 1e-12


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")
@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("method", list(METHODS))
def test_no_network_of_doubles_is_below_a_bound_called_global(method, loss):
    for seed, ulps in ((0, None), (1, None), (2, None), (3, 1), (4, 1)):  # rows 1 ulp apart are merged in lists too
        problem, network = near_parallel(seed, loss, ulps)
        try:
            solution = solve(problem, method=method, tol=1e-6, max_patterns=1000)
        except BackendError:  # CVXPY says so where its solver fails
            assert method == "cvxpy"
            continue
        assert_proved(problem, solution.certificate, [network, solution.network])
        assert solution.status is not Status.OPTIMAL
        if seed == 0 and method == "auto":
            judged = audit(problem, network, dual=solution.dual).certificate
            assert_proved(problem, judged, [network, solution.network])


@pytest.mark.parametrize("loss", few(["huber", "squared", "hinge"]))
def test_no_network_of_doubles_is_below_a_preview_of_a_path(loss):
    problem, network = near_parallel(3, loss)
    path = solve_path(problem, betas=problem.beta * np.array([8.0, 1.0, 0.125]))
    assert path.scope is Scope.GLOBAL
    for solution in path:
        assert_proved(solution.problem, solution.certificate, [network, solution.network])
    for factor in (0.05, 0.125, 0.3, 1.0, 2.9, 8.0, 20.0):
        quick = path.preview(factor * problem.beta)
        assert Fraction(quick.lower_bound) <= objective(problem, network, quick.beta)


ARCHITECTURES = (
    ("two-layer", {"pooling": "sum"}, 2), ("two-layer", {"pooling": "mean"}, 3), ("two-layer", {"pooling": "max"}, 2),
    ("linear", {}, 2), ("flatten", {}, 2), ("flatten", {"relaxation": "plain"}, 2),
    ("two-layer", {"outputs": 2}, 2), ("two-layer", {"outputs": 2, "output_norm": "l2"}, 2),
    ("three-layer", {"sharing": "per-patch"}, 2), ("three-layer", {"sharing": "shared", "relaxation": "nuclear"}, 2),
    ("circular", {"layers": 3}, 3), ("circular", {"layers": 4}, 3),
)  # fmt: skip


def degenerate(name, options, K, seed):
    """Rows orthogonal to a few directions up to some ulp, copies, zero and tiny rows; and the directions."""
    rng = np.random.default_rng(seed)
    directions = rng.integers(-2, 3, (4, 2)).astype(float)
    directions[~directions.any(axis=1)] = 1.0
    n = 3
    chosen = directions[rng.integers(0, 4, (n, K))]
    X = np.stack([chosen[..., 1], -chosen[..., 0]], axis=2) * rng.choice([1.0, -1.0, 0.5], (n, K, 1))
    few = 1 if seed % 2 else 300
    X += (rng.random(X.shape) < 0.5) * rng.integers(-few, few + 1, X.shape) * ULP
    X *= rng.choice([0.0, 1.0, 1.0, 1.0, 2.0**-50], (n, K, 1), p=[0.1, 0.25, 0.25, 0.3, 0.1])
    circular = name == "circular"
    geometry = patch_geometry((K,), 2, 1, "circular") if circular else patch_geometry((2 * K,), 2, 2)
    cnn = make_architecture(name, geometry, **options)
    X = 2.0 ** float(rng.integers(-40, 41)) * (X[:, :, 0] if circular else X.reshape(n, 2 * K))
    y = rng.standard_normal((n, cnn.q) if cnn.q > 1 else n)
    beta = float(np.abs(X).max() or 1.0) * 10.0 ** rng.uniform(-18.0, 0.0)
    return Problem(X, y, architecture=cnn, beta=beta), directions


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options", "K"), ARCHITECTURES, ids=lambda x: "-".join(map(str, x.values())) if isinstance(x, dict) else x
)
def test_no_neuron_of_doubles_correlates_more_than_beta(name, options, K):
    covered = 0
    for seed in range(12):
        problem, directions = degenerate(name, options, K, seed)
        solution = solve(problem, tol=1e-6, max_patterns=5000)
        certificate = solution.certificate
        if certificate.scope is not Scope.GLOBAL:
            continue
        covered += 1
        rng = np.random.default_rng(seed)
        v, limit = fractions(certificate.dual), Fraction(problem.beta) ** 2
        parameters = {key: rng.standard_normal((24, *shape)) for key, shape in problem.architecture.shapes.items()}
        pieces = parameters["filters"].reshape(24, -1, 2)
        pieces[:18] = directions[rng.integers(0, 4, pieces[:18].shape[:2])]
        pulled = problem.architecture.gradient(problem.patches, parameters, np.tile(certificate.dual, (24, 1)))
        if parameters["weights"].ndim > 1:  # the weights that correlate best
            parameters["weights"][::2] = pulled["weights"][::2]
        own = solution.network.parameters
        parameters = {key: np.concatenate([array, own[key]]) for key, array in parameters.items()}
        for j in range(24 + solution.network.m):
            outputs, cost = neuron(problem, {key: array[j] for key, array in parameters.items()})
            correlation = sum(a * b for a, b in zip(v, outputs, strict=True))
            assert correlation**2 <= limit * cost
    assert covered >= 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_bounds_hold_at_the_ends_of_the_range_of_doubles():
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.integers(-2, 3, (3, 4)).astype(float) + rng.integers(-300, 301, (3, 4)) * ULP
        X *= 2.0 ** rng.choice([-1060, -700, -300, 100, 190]) if seed % 2 else 2.0 ** rng.integers(-700, 190, (3, 1))
        loss = make_loss(("squared", "hinge", "absolute", "huber")[seed % 4])
        y = np.sign(rng.standard_normal(3)) * (1.0 if loss.name == "hinge" else 2.0 ** rng.choice([-700, 0, 190]))
        beta = float(np.clip(10.0 ** rng.uniform(-18, 1) * np.abs(X).max() * np.abs(y).max(), 5e-324, 1e300))
        problem = Problem(
            X, y, architecture=make_architecture("two-layer", patch_geometry((4,), 2, 2)), beta=beta, loss=loss
        )
        assert_proved(problem, solve(problem, tol=1e-6).certificate, [])


def test_well_scaled_problems_are_solved_as_far_as_before():
    problem = Problem.from_dataset(load_dataset("talk"))
    solution = solve(problem, tol=1e-11)
    assert solution.status is Status.OPTIMAL
    assert solution.certificate.rounding < 1e-11 * problem.beta


def test_only_rounding_left_ends_column_generation_and_is_said():
    problem, _ = near_parallel(1, "squared")
    for method in ("auto", "branch-and-bound"):
        solution = solve(problem, method=method)
        assert solution.status is Status.PRECISION
        assert "double precision" in solution.status.text
        assert solution.rounds <= 12
        assert solution.certificate.rounding > 1e-3 * solution.certificate.tau
    # data of a moderate scale with a beta that rounding errors drown
    rng = np.random.default_rng(0)
    cnn = make_architecture("two-layer", patch_geometry((4,), 2, 2))
    drowned = solve(Problem(rng.standard_normal((4, 4)), rng.standard_normal(4), architecture=cnn, beta=1e-15))
    assert drowned.status in (Status.PRECISION, Status.STALLED)
    assert drowned.lower_bound <= drowned.network_objective


@pytest.mark.slow
@pytest.mark.parametrize("n", [1, 3, 200, 2000])
def test_sums_are_the_largest_double_that_is_not_above(n):
    rng = np.random.default_rng(n)
    for _ in range(20):
        a, b = rng.standard_normal(n) * 10.0 ** rng.integers(-150, 140, n), rng.standard_normal(n)
        exact = sum(x * y for x, y in zip(fractions(a), fractions(b), strict=True))
        below = sum_below(*products_below(a, b))
        assert Fraction(below) <= exact
        assert n > 250 or Fraction(math.nextafter(below, math.inf)) > exact
    assert sum_below(*products_below(np.array([-1e-300]), np.array([1e-300]))) < 0.0
    assert sum_below(np.array([1e308, 1e308])) == -math.inf


def test_feasible_rows_of_the_softmax_have_the_sum_zero_exactly():
    rng = np.random.default_rng(0)
    loss = SoftmaxLoss()
    for q in (2, 3, 10):
        y = np.eye(q)[rng.integers(0, q, 50)].ravel()
        for scale in (1.0, 1e-20, 10.0):
            v = loss.feasible(scale * rng.standard_normal(len(y)), y)
            for row in v.reshape(-1, q):
                assert sum(fractions(row)) == 0
            assert np.array_equal(loss.feasible(v, y), v)
            P = np.array(fractions(y)) - np.array(fractions(v))
            assert P.min() >= 0
