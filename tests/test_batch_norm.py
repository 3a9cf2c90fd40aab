"""Batch normalisation before the activation: values of another program, a formula, new data, every consumer."""

import decimal
import io
from fractions import Fraction

import numpy as np
import pytest
from architecture_cases import best_found, check_gradients, check_local_search, check_model_file, check_scaling
from few_cases import few

from convex_core import (
    InputError,
    Problem,
    audit,
    certify,
    cvxpy_script,
    load_model,
    minimum_norm,
    save_model,
    solve,
    solve_path,
    train_sgd,
)  # fmt: skip
from convex_core.architectures import BatchStatistics, layers_of, make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory
from convex_core.status import Exactness, Scope, Status

#: K, n, h, and the optima of seeds 0, 1, 2
OPTIMA = {
    (1, 6, 2): (1.49927795, 0.26806397, 0.46568230),
    (2, 4, 2): (0.28798734, 0.12855845, 0.31633813),
    (1, 4, 5): (0.19884498, 0.18151642, 0.09605499),
}


def normalised(seed=0, K=2, n=4, h=2, **options):
    rng = np.random.default_rng(seed)
    patches, y = rng.standard_normal((K, n, h)), rng.standard_normal(n)
    X = patches.transpose(1, 0, 2).reshape(n, K * h)
    return Problem(X, y, filter_size=h, stride=h, **{"normalisation": "batch", "beta": 0.1, **options})


def by_hand(network, X, batch, K):
    """Outputs of a sum of neurons on `X` by the definition, normalised by the inputs `batch`."""
    rows, new = batch.reshape(len(batch) * K, -1), X.reshape(len(X), K, -1)
    total = np.zeros(len(X))
    for (*u, gamma, alpha), w in zip(network.filters, network.weights, strict=True):
        size = np.linalg.norm(rows @ u - np.mean(rows @ u))
        response = gamma * (new @ u - np.mean(rows @ u)) / size + alpha / np.sqrt(len(rows))
        total += np.maximum(response, 0.0).sum(axis=1) * w
    return total


@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
@pytest.mark.parametrize("sizes", OPTIMA)
def test_optima_agree_with_another_program(method, sizes):
    for seed, value in enumerate(OPTIMA[sizes]):
        solution = solve(normalised(seed, *sizes), method=method, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.scope, solution.exactness) == (Scope.GLOBAL, Exactness.EXACT)
        # rows that are an orthonormal basis leave an interior-point method a gap of some 1e-8
        assert solution.relative_gap <= (1e-6 if method == "clarabel" else 1e-8)


def test_with_more_directions_than_samples_the_optimum_is_a_formula():
    for seed, value in enumerate(OPTIMA[1, 4, 5]):
        y = normalised(seed, 1, 4, 5).y
        for beta in (0.05, 0.1, 0.7):
            lengths = np.array([np.linalg.norm(np.maximum(sign * y, 0.0)) for sign in (1, -1)])
            formula = np.where(lengths > beta, beta * lengths - beta**2 / 2, lengths**2 / 2).sum()
            found = solve(normalised(seed, 1, 4, 5, beta=beta), tol=1e-9)
            assert found.network_objective == pytest.approx(formula, rel=1e-8)
            assert beta != 0.1 or formula == pytest.approx(value, abs=1e-8)


def test_the_network_is_what_the_definition_says_also_on_new_data():
    problem = normalised(1, 2, 5, 3)
    solution = solve(problem, tol=1e-9)
    network = solution.network
    assert network.predict(problem.X) == pytest.approx(by_hand(network, problem.X, problem.X, 2), abs=1e-12)
    cost = 0.5 * float((network.filters[:, -2:] ** 2).sum() + (network.weights**2).sum())
    objective = 0.5 * float(np.sum((by_hand(network, problem.X, problem.X, 2) - problem.y) ** 2)) + 0.1 * cost
    assert objective == pytest.approx(solution.objective, rel=1e-9)
    new = np.random.default_rng(0).standard_normal((7, 6)) + 3.0
    assert network.predict(new) == pytest.approx(by_hand(network, new, problem.X, 2), abs=1e-12)
    # of one new sample alone: its own mean would leave nothing
    assert network.predict(new[:1]) == pytest.approx(network.predict(new)[:1], abs=1e-14)
    trained = train_sgd(problem, seeds=[0], iterations=300).best_networks[0]
    assert trained.predict(new) == pytest.approx(by_hand(trained, new, problem.X, 2), abs=1e-12)


def test_folded_into_filters_and_biases_it_is_the_same_network():
    problem = normalised(2, 3, 5, 2, activation="leaky", pooling="mean", bias="output")
    network = solve(problem).network
    layers = layers_of(network.architecture, network.parameters, network.free)
    (branch,) = layers.branches
    X = np.random.default_rng(3).standard_normal((6, 6))
    patches = branch.geometry.extract(X)
    sums = branch.activation(np.einsum("knh,mh->knm", patches, branch.filters)).sum(axis=0) * branch.scale
    assert (sums @ branch.weights + layers.bias)[:, 0] == pytest.approx(network.predict(X), abs=1e-12)
    assert network.drawn == pytest.approx(branch.filters[:, :-1])


def test_the_length_of_a_filter_and_an_invertible_map_of_the_rows_change_nothing():
    problem = normalised(0, 2, 5, 2)
    solution = solve(problem, tol=1e-9)
    longer = solution.network.filters.copy()
    longer[:, :-2] *= 7.0
    again = type(solution.network)(problem.architecture, longer, solution.network.weights)
    assert problem.objective(again) == pytest.approx(solution.network_objective, rel=1e-12)
    mixed = (problem.X.reshape(10, 2) @ np.array([[3.0, 1.0], [-1.0, 20.0]]) + np.array([5.0, -40.0])).reshape(5, 4)
    other = Problem(mixed, problem.y, filter_size=2, stride=2, beta=0.1, normalisation="batch")
    assert solve(other, tol=1e-9).network_objective == pytest.approx(solution.network_objective, rel=1e-7)


def test_on_whitened_rows_the_plain_network_has_the_same_optimum():
    problem = normalised(1, 2, 4, 2)
    rows = problem.architecture.rows(problem.patches)
    assert np.einsum("kni,knj->ij", rows, rows) == pytest.approx(np.eye(3), abs=1e-12)
    plain = Problem(rows.transpose(1, 0, 2).reshape(4, 6), problem.y, filter_size=3, stride=3, beta=0.1)
    expected = solve(plain, tol=1e-9).network_objective
    assert solve(problem, tol=1e-9).network_objective == pytest.approx(expected, rel=1e-8)


def test_gradients_scaling_files_path_audit_and_least_norm():
    problem = normalised(1)
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem, tol=1e-8)
    check_model_file(solution.network, problem, solution)
    file = io.BytesIO()
    save_model(file, solution)
    file.seek(0)
    model = load_model(file)
    new = np.random.default_rng(0).standard_normal((3, 4))
    assert np.array_equal(model.network.predict(new), solution.network.predict(new))
    again = Problem(problem.X, problem.y, architecture=model.network.architecture, beta=0.1)
    assert certify(again, model.network, dual=model.dual).lower_bound == pytest.approx(solution.lower_bound)
    path = solve_path(problem, points=4)
    assert all(point.relative_gap <= 1e-6 for point in path)
    trained = train_sgd(problem, seeds=[0], iterations=300)
    assert trained.best_objective[0] >= solution.lower_bound
    verdict = audit(problem, trained.best_networks[0])
    assert solution.lower_bound * (1 - 1e-9) <= verdict.own_objective <= verdict.certificate.objective
    least = minimum_norm(problem, tol=1e-7)
    assert least.solution.network.predict(problem.X) == pytest.approx(problem.y, abs=1e-5)


def test_a_network_of_another_batch_is_refused():
    problem = normalised(0)
    with pytest.raises(InputError, match="normalised by a batch of 8 other patch rows"):
        Problem(problem.X + 1.0, problem.y, architecture=problem.architecture, beta=0.1)
    with pytest.raises(InputError, match="normalised by a batch of 8 other patch rows"):
        Problem(problem.X[:3], problem.y[:3], architecture=problem.architecture, beta=0.1)
    # the same numbers from another machine, a rounding apart
    nearly = Problem(problem.X * (1 + 1e-15), problem.y, architecture=problem.architecture, beta=0.1)
    assert nearly.architecture == problem.architecture
    with pytest.raises(InputError, match=r"batch_spreads: got -1\.0, expected numbers > 0"):
        BatchStatistics.from_arrays({**problem.architecture.statistics.to_arrays(), "batch_spreads": [1.0, -1.0]}, 2)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        ([[1.0, 2.0]], [1.0]),  # one row: nothing varies, the shift is left
        ([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0]], [1.0, 2.0, 3.0]),
        ([[3.0, 7.0], [3.0, 7.0]], [1.0, -1.0]),
        ([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0], [-1.0, 1.0]], [1.0, 0.0, 2.0, -1.0]),
        ([[1.0, 5.0], [2.0, 5.0], [4.0, 5.0]], [1.0, 0.0, 2.0]),  # a column that is the same everywhere
        ([[1e6 + 1.0, 1.0], [1e6, 2.0], [1e6 + 2.0, 0.0]], [1.0, 0.0, 2.0]),
    ],
)
def test_rows_that_do_not_vary_zero_rows_and_equal_rows(X, y):
    problem = Problem(X, y, filter_size=2, beta=0.1, normalisation="batch")
    solution = solve(problem, tol=1e-7)
    assert solution.status is Status.OPTIMAL
    assert problem.objective(solution.network) == pytest.approx(solution.objective, rel=1e-6)
    found = best_found(problem, solution.objective)
    assert solution.lower_bound * (1 - 1e-9) <= found
    if not np.ptp(problem.X, axis=0).any():  # a constant: the mean of y, at its price
        n, total = len(y), sum(y)
        level = max(abs(total) / n**0.5 - 0.1, 0.0)
        expected = 0.5 * (sum(t * t for t in y) - total**2 / n) + 0.5 * (abs(total) / n**0.5 - level) ** 2 + 0.1 * level
        assert solution.objective == pytest.approx(expected, rel=1e-7)
    file = io.BytesIO()
    save_model(file, solution)
    file.seek(0)
    assert load_model(file).network.architecture == problem.architecture


def test_bounds_know_that_whitened_rows_are_rounded():
    problem = normalised(0, 1, 5, 2)
    steep = Problem(problem.X * np.array([1.0, 1e-7]), problem.y, filter_size=2, beta=0.1, normalisation="batch")
    v = np.ones(5)
    own, other = (CellFactory(p.architecture, p.patches).rounding(v, listed=False) for p in (problem, steep))
    assert other > 1e4 * own  # nothing else in the two programs differs by more than that
    value = solve(steep, tol=1e-5).network_objective
    assert value == pytest.approx(solve(problem).network_objective, rel=1e-5)


def test_no_bound_is_above_the_same_rows_far_from_zero():
    # multiples of 2^-10 keep all their digits beside 2^34; three and five rows have no mean among the doubles
    for seed, (K, n) in enumerate([(1, 3), (1, 5), (2, 5)]):
        rng = np.random.default_rng(seed)
        X, y = np.round(1024.0 * rng.standard_normal((n, 2 * K))) / 1024.0, rng.standard_normal(n)
        near = Problem(X, y, filter_size=2, stride=2, beta=1e-3, normalisation="batch")
        attained = solve(near, tol=1e-10)
        for offset in (2.0**20, 2.0**34):
            assert np.array_equal(X + offset - offset, X)
            far = solve(Problem(X + offset, y, filter_size=2, stride=2, beta=1e-3, normalisation="batch"), tol=1e-10)
            assert far.lower_bound <= attained.network_objective
            # and no looser than the rounding of the mean, in spreads, asks for
            assert far.lower_bound >= attained.lower_bound * (1.0 - 1e-12 * offset)


@pytest.mark.parametrize("kind", ["far from zero", "one row alone"])
def test_responses_differ_from_exact_ones_by_less_than_the_errors_of_the_rows(kind):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        patches, turn = rng.standard_normal((2, 4, 3)), np.linalg.qr(rng.standard_normal((3, 3)))[0]
        if kind == "far from zero":
            patches += 1e6
        else:  # one direction is that of a small row alone
            patches[:, :, 2] = 0.0
            patches[0, 0] = 0.0, 0.0, 1e-7
            patches = patches @ turn
        batch = BatchStatistics.of(patches)
        q = rng.standard_normal((4, batch.r))
        q[:2] = 0.0, 0.0, 1.0
        for u in (q / batch.spreads) @ batch.directions.T:
            apart = np.abs(batch.responses(patches, u[None])[0][0] - exact_response(patches, u))
            assert (apart <= batch.errors(patches)).all()


def exact_response(patches, u):
    """Normalised responses (K, n) of one filter in 60 digits."""
    with decimal.localcontext(prec=60):
        given = [decimal.Decimal(float(value)) for value in u]
        rows = [[decimal.Decimal(float(value)) for value in row] for row in patches.reshape(-1, len(u))]
        sums = [sum(a * b for a, b in zip(row, given, strict=True)) for row in rows]
        middle = sum(sums) / len(sums)
        size = sum((value - middle) ** 2 for value in sums).sqrt()
        return np.array([float((value - middle) / size) for value in sums]).reshape(patches.shape[:2])


@pytest.mark.parametrize("seed", few(range(4)))
def test_objectives_are_those_of_exact_arithmetic_however_steep_the_spreads(seed):
    """A beta of 1e-10 leaves an objective that the rounding of outputs would be seen in."""
    for ratio in (1e-7, 1e-8, 1e-9):
        rng = np.random.default_rng(seed)
        rows, y = rng.standard_normal((4, 2)), rng.standard_normal(4)
        X = np.outer(rows[:, 0], [1.0, 0.7]) + ratio * rows
        problem = Problem(X, y, filter_size=2, beta=1e-10, normalisation="batch")
        solution = solve(problem, tol=1e-6, max_rounds=60)
        f = np.zeros(4)
        for (*u, gamma, alpha), w in zip(solution.network.filters, solution.network.weights, strict=True):
            f += np.maximum(gamma * exact_response(problem.patches, np.array(u))[0] + alpha / 2.0, 0.0) * w
        exact = 0.5 * float(np.sum((f - y) ** 2)) + 1e-10 * solution.network.regulariser
        assert solution.network_objective == pytest.approx(exact, rel=1e-6)
        assert solution.lower_bound <= exact * (1 + 1e-9)


@pytest.mark.slow
def test_no_local_search_finds_better():
    for options in ({}, {"pooling": "mean", "activation": "absolute"}, {"bias": "output", "loss": "huber"}):
        problem = normalised(0, n=3, **options)
        check_local_search(problem, solve(problem, tol=1e-8))


def test_the_script_and_the_network_it_maps_back_to(capsys):
    problem = normalised(2)
    optimum = solve(problem, tol=1e-8)
    exec(compile(cvxpy_script(problem, optimum.active, complete=False), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"normalisation": "layer"}, "normalisation: got 'layer', expected one of none, batch"),
        ({"pooling": "max"}, "pooling: got 'max', expected one of sum, mean"),
        ({"outputs": 2}, "normalisation: got 'batch' beside outputs 2, expected no such option"),
        ({"skip": "free"}, "beside skip free"),
        ({"branches": "1"}, "beside branches 1"),
        ({"activation": "threshold"}, "got 'threshold' with batch normalisation, expected one of relu, leaky"),
    ],
)
def test_what_does_not_go_with_it_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_architecture("two-layer", patch_geometry((4,), 2), **{"normalisation": "batch", **options})


def test_a_bias_is_the_shift():
    for bias in ("regularised", "free"):
        with pytest.raises(InputError, match="whose shift is the bias, expected none or output"):
            make_architecture("two-layer", patch_geometry((4,), 2, bias=bias), normalisation="batch")


def test_command_line_report_and_pictures(tmp_path, capsys):
    model, page = tmp_path / "model.npz", tmp_path / "report.html"
    arguments = ["--dataset", "edge", "--normalisation", "batch", "--beta", "0.2"]
    assert main(["solve", *arguments, "--exact", "--out", str(model)]) == 0
    assert "normalisation batch" in capsys.readouterr().out
    assert main(["audit", str(model), "--dataset", "edge"]) == 0
    capsys.readouterr()
    assert main(["audit", str(model), "--dataset", "edge", "--seed", "1"]) == 2
    assert "other patch rows" in capsys.readouterr().err
    solution = solve(normalised(2))
    assert solution.plot() is not None
    assert solve_path(solution.problem, points=3).plot() is not None
    solution.report(page)
    assert main(["verify", str(page)]) == 0


def test_what_the_mean_is_off_by_counts_beside_rows_that_are_nearly_alike():
    rows = [0.1, 0.1 + 3e-13, 0.1 + 1e-13, 0.1 + 7e-13]
    exact = [Fraction(row) for row in rows]
    middle = sum(exact) / len(exact)
    length = sum((row - middle) ** 2 for row in exact)
    expected = [float(row - middle) / float(length) ** 0.5 for row in exact]
    patches = np.array(rows)[None, :, None]
    batch = BatchStatistics.of(patches)
    whitened = batch.whitened(patches)[0, :, 0] * batch.directions[0, 0]
    np.testing.assert_allclose(whitened, expected, rtol=1e-13)
    # a file of before has the mean alone, as its network had
    older = {name: array for name, array in batch.to_arrays().items() if name != "batch_rest"}
    assert not BatchStatistics.from_arrays(older, 1).rest.any()
