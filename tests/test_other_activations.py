"""Quadratic and threshold activations, and the absolute value over half of the cells."""

from fractions import Fraction

import numpy as np
import pytest
from architecture_cases import check_gradients, check_model_file, check_scaling, gaussian_problem
from few_cases import few

from convex_core import (
    InputError,
    Network,
    Problem,
    audit,
    beta_max,
    certify,
    convex_latex,
    cvxpy_script,
    make_loss,
    solve,
    solve_path,
    train_sgd,
    training_latex,
)
from convex_core.architectures import QuadraticCNN, ThresholdCNN, make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory
from convex_core.status import Exactness, Scope, Status
from convex_core.training.multistart import local_search

#: n = 6, K = 3, beta = 0.1, seeds 0, 1, 2 with filters of h entries: optima found by other programs, to 1e-8
OPTIMA = {
    ("threshold", 2): (0.30767117, 0.40038105, 0.26865244),
    ("quadratic", 3): (1.32841450, 0.06114385, 0.12056168),
}


def small(activation, seed=0, n=6, K=3, h=2, **options):
    return gaussian_problem("two-layer", seed, n, K, h, activation=activation, **options)


@pytest.mark.parametrize(("activation", "h"), OPTIMA)
@pytest.mark.parametrize("method", ["column-generation", "clarabel"])
def test_optima_agree_with_other_programs(activation, h, method):
    for seed, value in enumerate(OPTIMA[activation, h]):
        solution = solve(small(activation, seed, h=h), method=method, tol=1e-7)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)


def test_the_price_of_a_quadratic_atom_is_an_eigenvalue():
    problem = small("quadratic", h=3, pooling="mean")
    v = problem.y
    matrix = np.einsum("n,knh,kng->hg", v, problem.patches, problem.patches) / 3
    assert beta_max(problem) == (pytest.approx(np.abs(np.linalg.eigvalsh(matrix)).max(), rel=1e-9), Scope.GLOBAL)


def test_long_quadratic_filters_are_certified():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20, 24))
    problem = Problem(X, rng.standard_normal(20), filter_size=12, stride=12, beta=1.0, activation="quadratic")
    solution = solve(problem, tol=1e-6)
    assert (solution.status, solution.patterns) == (Status.OPTIMAL, 1)
    assert solution.active_filters <= 12


def test_a_threshold_network_is_a_lasso_over_what_random_filters_give():
    problem = small("threshold", 1, n=4, K=2)
    u = np.random.default_rng(0).standard_normal((5000, 2))
    atoms = np.unique((problem.patches @ u.T >= 0.0).sum(axis=0).T, axis=0).T
    atoms = np.column_stack([atoms, np.full(4, 2.0)])
    # coordinate descent on the lasso over them
    c = np.zeros(atoms.shape[1])
    for _ in range(1000):
        for j in range(len(c)):
            r = problem.y - atoms @ c + atoms[:, j] * c[j]
            slope, square = atoms[:, j] @ r, atoms[:, j] @ atoms[:, j]
            c[j] = np.sign(slope) * max(abs(slope) - 0.1, 0.0) / square if square else 0.0
    value = 0.5 * np.sum((atoms @ c - problem.y) ** 2) + 0.1 * np.abs(c).sum()
    assert solve(problem, tol=1e-8).network_objective == pytest.approx(value, rel=1e-6)


@pytest.mark.slow
def test_no_local_search_finds_better():
    for activation in OPTIMA:
        problem = small(activation[0], 3, n=4, K=2)
        optimum = solve(problem, tol=1e-8)
        found = problem.objective(local_search(problem, starts=4, m=6))
        assert found >= optimum.lower_bound * (1.0 - 1e-9)
        if activation[0] == "quadratic":  # no search moves the filters of a threshold: their gradient is zero
            assert found == pytest.approx(optimum.network_objective, rel=1e-6)


@pytest.mark.parametrize("activation", ["quadratic", "threshold"])
@pytest.mark.parametrize("pooling", ["sum", "mean"])
def test_gradients_scaling_and_files(activation, pooling):
    problem = small(activation, 1, n=4, K=2, pooling=pooling)
    check_gradients(problem)
    check_model_file(solve(problem).network, problem, solve(problem))
    if activation == "quadratic":
        check_scaling(problem)
    network = solve(problem).network
    assert network.sizes == pytest.approx(network.costs)


@pytest.mark.parametrize(
    ("activation", "loss"),
    few(
        [
            *(("threshold", "logistic"), ("quadratic", "hinge"), ("threshold", "huber")),
            *(("quadratic", "logistic"), ("threshold", "hinge"), ("quadratic", "huber")),
        ],
        3,
    ),
)
def test_every_loss_and_an_output_bias(activation, loss):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((5, 4)), np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    for bias in ("none", "output", "regularised"):
        problem = Problem(
            X, y, filter_size=2, stride=2, beta=0.1, bias=bias, activation=activation, loss=make_loss(loss)
        )
        columns = solve(problem, tol=1e-6)
        assert columns.status is Status.OPTIMAL
        assert columns.network_objective == pytest.approx(solve(problem, method="clarabel").objective, rel=1e-6)


@pytest.mark.parametrize("activation", ["quadratic", "threshold"])
def test_path_audit_sgd_and_degenerate_data(activation):
    problem = small(activation, 1, n=4, K=2)
    path = solve_path(problem, points=3)
    assert all(point.relative_gap <= 1e-6 for point in path.solutions)
    optimum = solve(problem)
    trained = train_sgd(problem, seeds=[0], iterations=200)
    assert trained.best_objective[0] >= optimum.lower_bound
    verdict = audit(problem, trained.best_networks[0])
    assert optimum.lower_bound * (1 - 1e-9) <= verdict.own_objective <= verdict.certificate.objective
    cnn = problem.architecture
    for X in (np.zeros((1, 4)), np.zeros((3, 4)), np.tile([1.0, 2.0, 0.0, 0.0], (3, 1))):
        one = Problem(X, np.arange(1.0, len(X) + 1.0), architecture=cnn, beta=0.1)
        assert solve(one).status is Status.OPTIMAL
        assert certify(one, Network.zero(cnn)).lower_bound <= solve(one).network_objective * (1 + 1e-9)


def test_rows_that_are_opposite_are_not_certified():
    X = np.array([[1.0, 2.0], [-1.0, -2.0], [3.0, 1.0]])
    problem = Problem(X, [1.0, 1.0, -1.0], filter_size=2, beta=0.1, activation="threshold")
    solution = solve(problem)
    assert (solution.scope, solution.lower_bound) == (Scope.RESTRICTED, -np.inf)


A, B = np.array([0.3, 0.1, 0.7]), np.array([0.2, -0.9, 0.4])


@pytest.mark.parametrize(
    ("rows", "between", "pattern"),
    [
        ([[-0.25, 1.0], [-0.25 - 2.0**-54, 1.0]], (1.0, 0.25), (1, 0)),
        ([[0.1, 0.3], [0.3, 0.9]], (3.0, -1.0), (1, 0)),  # 3 * 0.3 is below 0.9, as binary numbers
        ([[1.0, 0.0], [0.0, 1e-20]], (1.0, -1.0), (1, 0)),
        ([[1.0], [-1e-20]], (1.0,), (1, 0)),
        ([A, B, 0.3 * A + 0.7 * B], None, (1, 1, 0)),  # in exact arithmetic of rank three, with all eight patterns
    ],
)
def test_rows_that_are_told_apart_only_by_rounding_have_a_cell_between_them(rows, between, pattern):
    rows = np.array(rows)
    if between is None:
        exact = [[Fraction(x) for x in row] for row in rows.tolist()]
        (a, b, c), (d, e, f) = exact[:2]
        across = (b * f - c * e, c * d - a * f, a * e - b * d)  # orthogonal to the first two rows
        assert sum(x * y for x, y in zip(across, exact[2], strict=True)) != 0
    else:
        cnn = ThresholdCNN(patch_geometry((rows.shape[1],), rows.shape[1]))
        assert tuple(Network(cnn, [between], [1.0]).predict(rows)) == pattern
    y = 2.0 * np.array(pattern) - 1.0
    solution = solve(Problem(rows, y, filter_size=rows.shape[1], beta=0.1, activation="threshold"))
    assert (solution.scope, solution.lower_bound) == (Scope.RESTRICTED, -np.inf)


@pytest.mark.parametrize(
    "rows",
    [
        [[0.1, 0.3], [0.2, 0.6], [0.4, 1.2]],
        [[1.0, 3.0], [3.0, 9.0], [0.0, 0.0]],
        [A, B, 2.0 * A],
        [[1.0, 2.0, 3.0], [2.0, 1.0, 3.0], [1.0, -1.0, 0.0]],
        [[0.1, 0.0, 0.3], [0.3, 0.0, 0.5], [0.7, 0.0, 0.1]],
    ],
)
def test_rows_that_are_parallel_or_dependent_exactly_are_certified(rows):
    y = np.array([1.0, -1.0, 2.0])
    solution = solve(Problem(np.array(rows), y, filter_size=len(rows[0]), beta=0.1, activation="threshold"))
    assert (solution.status, solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)


def test_blocks_and_their_neurons_have_the_same_outputs_and_price():
    for activation in ("quadratic", "threshold"):
        problem = small(activation, 2, pooling="mean")
        solution = solve(problem, tol=1e-8)
        blocks = CellFactory(problem.architecture, problem.patches).blocks(solution.active, solution.sign)
        f = np.einsum("bnp,bp->n", blocks.G, solution.C)
        neurons = problem.architecture.neurons(solution.C, solution.sign, solution.active, problem.patches)
        network = Network.from_parameters(problem.architecture, neurons)
        assert network.predict_patches(problem.patches) == pytest.approx(f, abs=1e-7)
        assert network.regulariser == pytest.approx(problem.architecture.penalty.norm(solution.C).sum(), rel=1e-6)


@pytest.mark.parametrize("activation", ["quadratic", "threshold"])
def test_the_script_and_the_network_it_maps_back_to(activation, capsys):
    problem = small(activation, 2, n=4, pooling="mean")
    optimum = solve(problem, tol=1e-8)
    exec(compile(cvxpy_script(problem, optimum.active, complete=False), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


def test_formulas_say_so():
    assert r"(X_k u_j)^2\, w_j" in training_latex(small("quadratic"))
    assert r"\|Z\|_*" in convex_latex(small("quadratic"))
    assert r"1[X_k u_j \ge 0]\, w_j" in training_latex(small("threshold"))
    assert r"c \ge 0" in convex_latex(small("threshold"))


def test_an_even_activation_has_half_the_cells():
    for seed in range(3):
        problem = small("absolute", seed)
        whole, half = solve(small("relu", seed)), solve(problem, tol=1e-8)
        assert whole.patterns == 2 * half.patterns == 2 * half.patterns_bound
        searched = solve(problem, method="branch-and-bound", tol=1e-8)
        assert half.network_objective == pytest.approx(searched.network_objective, rel=1e-7)
    X = np.array([[0.0, 0.0], [1.0, 2.0], [1.0, 2.0], [-2.0, -4.0]])
    degenerate = Problem(X, [1.0, 2.0, -1.0, 1.0], filter_size=2, beta=0.1, activation="absolute")
    assert solve(degenerate).status is Status.OPTIMAL


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "quadratic", "pooling": "max"}, "pooling: got 'max' with the quadratic activation"),
        ({"activation": "threshold", "outputs": 2}, "outputs: got 2 with the threshold activation"),
        ({"activation": "threshold", "slope": 0.1}, "slope: got 0.1 with the threshold activation"),
        ({"activation": "quadratic", "skip": "free"}, "skip: got 'free' with the quadratic activation"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_architecture("two-layer", patch_geometry((4,), 2), **options)
    for cnn in (QuadraticCNN, ThresholdCNN):
        with pytest.raises(InputError, match="free biases of the filters with the"):
            cnn(patch_geometry((4,), 2, bias="free"))


def test_command_line(capsys):
    for activation in ("quadratic", "threshold"):
        assert main(["solve", "--dataset", "edge", "--activation", activation, "--exact"]) == 0
        assert f"activation {activation}" in capsys.readouterr().out
