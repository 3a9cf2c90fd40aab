"""Free biases of filters and outputs, free skip connections: values of other programs, special cases, exact zeros."""

import math
from fractions import Fraction

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import check_gradients, check_model_file, check_scaling
from exact_cases import fractions
from few_cases import few
from hypothesis import given
from hypothesis import strategies as st

from convex_core import (
    InputError,
    Network,
    Problem,
    SizeError,
    audit,
    certify,
    convex_latex,
    cvxpy_script,
    make_loss,
    minimum_norm,
    network_from_arrays,
    solve,
    solve_path,
    train_sgd,
    training_latex,
)
from convex_core.architectures import FreeBiasCNN, TwoLayerCNN, make_architecture
from convex_core.cli import main
from convex_core.losses.free_part import FreePart
from convex_core.networks.recovery import balanced, prune
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory
from convex_core.status import Exactness, Scope, Status
from convex_core.training.multistart import local_search

#: n = 6, K = 3, h = 2, beta = 0.1, seeds 0, 1, 2: optima found by other programs, to 1e-8
OPTIMA = {
    ("output", "none"): (0.39391402, 0.32319566, 0.42822707),
    ("free", "none"): (0.32101780, 0.27365641, 0.39973028),
    ("none", "free"): (0.68296021, 0.34011483, 0.73840097),
}
#: x, y = standard_normal(6) each: linear splines with the penalty 0.1 TV(f')
SPLINES = (2.22164860, 0.43598467, 0.45703525)


def small(seed=0, n=6, K=3, h=2, bias="free", beta=0.1, loss=None, y=None, **options):
    rng = np.random.default_rng(seed)
    patches, drawn = rng.standard_normal((K, n, h)), rng.standard_normal(n)
    cnn = make_architecture("two-layer", patch_geometry((K * h,), h, h, bias=bias), **options)
    X = patches.transpose(1, 0, 2).reshape(n, K * h)
    return Problem(X, drawn if y is None else y, architecture=cnn, beta=beta, loss=loss)


def spline(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal(6), rng.standard_normal(6)
    return Problem(x[:, None], y, filter_size=1, bias="free", skip="free", beta=0.1)


@pytest.mark.parametrize(
    ("method", "bias", "skip"),
    [
        pytest.param(method, *kind, marks=pytest.mark.slow if dear and kind == ("free", "none") else [])
        for method, dear in (("column-generation", False), ("branch-and-bound", True), ("clarabel", True))
        for kind in OPTIMA
    ],
)
def test_optima_agree_with_other_programs(bias, skip, method):
    for seed, value in enumerate(OPTIMA[bias, skip]):
        solution = solve(small(seed, bias=bias, skip=skip), method=method, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)


def test_splines_with_their_knots_at_the_data():
    for seed, value in enumerate(SPLINES):
        problem = spline(seed)
        solution = solve(problem, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        knots = -solution.network.filters[:, 1] / solution.network.filters[:, 0]
        assert np.abs(knots[:, None] - problem.X[:, 0]).min(axis=1).max() < 1e-9
        # the same by the values of the spline at the data: its slopes change by their second differences
        order = np.argsort(problem.X[:, 0])
        x, y = problem.X[order, 0], problem.y[order]
        f = cp.Variable(6)
        slopes = cp.multiply(cp.diff(f), 1.0 / np.diff(x))
        model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + 0.1 * cp.norm1(cp.diff(slopes))))
        assert model.solve(solver=cp.CLARABEL) == pytest.approx(value, abs=1e-6)
        assert solution.predictions[order] == pytest.approx(f.value, abs=1e-3)


@pytest.mark.parametrize("name", few(["squared", "hinge", "absolute", "huber", "logistic"], 2))
def test_every_loss_that_is_a_sum(name):
    y = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
    problem = small(1, K=2, bias="free", y=y, loss=make_loss(name))
    columns, whole = solve(problem, tol=1e-7), solve(problem, method="clarabel")
    assert columns.status is Status.OPTIMAL
    assert columns.network_objective == pytest.approx(whole.objective, rel=1e-6)
    assert problem.whole_loss.value(columns.predictions, problem.y) == pytest.approx(
        problem.objective(columns.network) - problem.beta * columns.network.regulariser
    )
    # no other output bias is better
    for step in (-1e-3, 1e-3):
        moved = columns.network.with_free(columns.network.free + step)
        assert problem.objective(moved) >= problem.objective(columns.network)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["squared", "absolute", "huber", "hinge", "logistic"]))
def test_dual_vectors_balance_exactly(seed, name):
    rng = np.random.default_rng(seed)
    n, q = int(rng.integers(1, 8)), int(rng.integers(1, 4))
    inner = make_loss(name)
    loss = FreePart(inner, np.tile(np.eye(q), (n, 1)))
    y = rng.choice([-1.0, 1.0], n * q)
    v = loss.feasible(rng.standard_normal(n * q) * 10.0 ** rng.uniform(-200, 200), y)
    assert all(sum(fractions(v[o::q]), Fraction(0)) == 0 for o in range(q))
    assert np.array_equal(inner.feasible(v, y), v)
    assert np.array_equal(loss.feasible(v, y), v)
    f = rng.standard_normal(n * q)
    u = -loss.gradient(f, y)
    assert loss.dual_value(u, y) <= loss.value(f, y) + u @ f + 1e-9
    assert loss.value(f, y) == pytest.approx(loss.value(f + np.tile(rng.standard_normal(q), n), y), rel=1e-9, abs=1e-12)


def test_a_projected_vector_says_how_far_it_is_from_the_exact_one():
    rng = np.random.default_rng(0)
    E = np.column_stack([rng.standard_normal((5, 2)), np.ones(5)])
    loss = FreePart(make_loss("squared"), E)
    v = loss.feasible(rng.standard_normal(5), rng.standard_normal(5))
    exact = [fractions(row) for row in E.T]
    left = [float(sum((a * b for a, b in zip(row, fractions(v), strict=True)), Fraction(0))) for row in exact]
    assert np.linalg.norm(np.linalg.pinv(E.T) @ left) <= loss.unresolved(v).max() < 1e-13


def exact_price(x, v):
    """Largest ``|sum_l v_l (s (x_l - a))_+|`` over all anchors a and both signs s, in fractions."""
    best = Fraction(0)
    for a in x:
        for sign in (1, -1):
            best = max(best, abs(sum((w * max(sign * (b - a), Fraction(0)) for w, b in zip(v, x, strict=True)))))
    return best


@pytest.mark.parametrize(
    ("scale", "skip"),
    few([(1e-6, "none"), (1e6, "free"), (1e-6, "free"), (1e6, "none"), (1.0, "none"), (1.0, "free")], 2),
)
def test_bounds_hold_in_exact_arithmetic(skip, scale):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        data, y = scale * rng.standard_normal(7).round(2 if seed % 2 else 15), rng.standard_normal(7)
        problem = Problem(data[:, None], y, filter_size=1, bias="free", skip=skip, beta=0.1 * scale)
        solution = solve(problem, tol=1e-6)
        assert solution.status is Status.OPTIMAL
        x, v, targets = fractions(data), fractions(solution.dual), fractions(y)
        # the exact vector that the computed one stands for: orthogonal to the ones, and to x with a skip connection
        n = len(x)
        v = [w - sum(v) / n for w in v]
        if skip == "free":
            centred = [b - sum(x) / n for b in x]
            along = sum(a * b for a, b in zip(v, centred, strict=True)) / sum(b * b for b in centred)
            v = [w - along * b for w, b in zip(v, centred, strict=True)]
        else:
            assert v == fractions(solution.dual)
        assert exact_price(x, v) <= Fraction(problem.beta)
        value = sum((a * b - a * a / 2 for a, b in zip(v, targets, strict=True)), Fraction(0))
        assert Fraction(solution.lower_bound) <= value


def test_an_anchored_price_is_the_largest_over_all_biases():
    problem = small(3, n=4, K=2)
    rng = np.random.default_rng(0)
    from convex_core.progress import Budget
    from convex_core.solvers.search import enumerated_pricer

    v = problem.loss.feasible(rng.standard_normal(4), problem.y)
    price = enumerated_pricer(problem, budget=Budget()).price(v, floor=0.0, want=1, budget=Budget())
    directions = rng.standard_normal((20_000, 2))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    biases = rng.uniform(-3.0, 3.0, (20_000, 1))
    atoms = TwoLayerCNN.atoms(problem.architecture, problem.patches, np.hstack([directions, biases]))
    best = np.abs(v @ atoms).max()
    assert best <= price.bound <= best * 1.01
    assert price.value[0] == pytest.approx(price.bound, rel=1e-9)


def test_blocks_and_their_neurons_have_the_same_outputs_and_price():
    for options in ({}, {"pooling": "mean"}, {"activation": "leaky"}, {"activation": "absolute", "outputs": 2}):
        y = np.random.default_rng(9).standard_normal((5, 2)) if "outputs" in options else None
        problem = small(2, n=5, K=2, y=y, **options)
        solution = solve(problem, tol=1e-8)
        factory = CellFactory(problem.architecture, problem.patches)
        blocks = factory.blocks(solution.active, solution.sign)
        f = np.einsum("bnp,bp->n", blocks.G, solution.C)
        neurons = problem.architecture.neurons(solution.C, solution.sign, solution.active, problem.patches)
        network = Network.from_parameters(problem.architecture, neurons)
        assert network.predict_patches(problem.patches) == pytest.approx(f, abs=1e-9)
        assert network.regulariser == pytest.approx(problem.architecture.penalty.norm(solution.C).sum())
        assert solution.status is Status.OPTIMAL
        codes = problem.architecture.codes(problem.patches, neurons)
        again = factory.blocks(codes, solution.sign)
        assert np.einsum("bnp,bp->n", again.G, solution.C) == pytest.approx(f, abs=1e-9)


def test_free_biases_are_between_none_and_one_a_constant_more():
    values = [solve(small(0, bias=bias), tol=1e-8).network_objective for bias in ("none", "output", "free")]
    assert values == sorted(values, reverse=True)
    # shifting the targets, or every patch, changes nothing
    problem = small(0)
    base = solve(problem, tol=1e-9)
    higher = Problem(problem.X, problem.y + 7.0, architecture=problem.architecture, beta=0.1)
    moved = Problem(problem.X + np.tile([3.0, -2.0], 3), problem.y, architecture=problem.architecture, beta=0.1)
    assert solve(higher, tol=1e-8).network_objective == pytest.approx(base.network_objective, rel=1e-7)
    assert solve(higher, tol=1e-8).predictions == pytest.approx(base.predictions + 7.0, abs=1e-4)
    assert solve(moved, tol=1e-8).network_objective == pytest.approx(base.network_objective, rel=1e-7)


@pytest.mark.parametrize("bias", ["output", "free"])
def test_degenerate_data(bias):
    cnn = make_architecture("two-layer", patch_geometry((4,), 2, 2, bias=bias))
    one = solve(Problem([[1.0, 2.0, 3.0, 4.0]], [5.0], architecture=cnn, beta=0.1))
    assert (one.network_objective, one.network.free.tolist(), one.status) == (0.0, [5.0], Status.OPTIMAL)
    X = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 2.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0], [0.0, 0.0, 2.0, 4.0]])
    solution = solve(Problem(X, [1.0, 2.0, 4.0, -1.0], architecture=cnn, beta=0.1), tol=1e-7)
    assert (solution.status, solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)
    flat = solve(Problem(np.ones((3, 4)), [1.0, 2.0, 6.0], architecture=cnn, beta=0.1), tol=1e-7)
    assert flat.network_objective == pytest.approx(7.0)
    assert flat.network.free[0] + 0.0 == pytest.approx(3.0)
    large = solve(Problem(X, [1.0, 2.0, 4.0, -1.0], architecture=cnn, beta=1e6))
    assert large.network.m == 0
    assert large.network.predict(X) == pytest.approx([1.5] * 4)


@pytest.mark.parametrize("options", [{}, {"pooling": "mean", "skip": "free"}, {"activation": "leaky", "outputs": 2}])
def test_gradients_scaling_and_files(options):
    y = np.random.default_rng(9).standard_normal((4, 2)) if "outputs" in options else None
    problem = small(1, n=4, K=2, y=y, **options)
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)


def test_reduced_networks_are_the_same_function_on_the_data():
    problem = small(1, skip="free")
    rng = np.random.default_rng(0)
    network = Network(problem.architecture, rng.standard_normal((20, 3)), rng.standard_normal(20), free=[1.0, 2.0, 3.0])
    few = prune(network, problem.patches)
    assert few.m <= 6
    assert few.predict(problem.X) == pytest.approx(network.predict(problem.X))
    assert few.regulariser <= balanced(network).regulariser * (1 + 1e-12)


@pytest.mark.slow
def test_no_local_search_finds_better():
    for seed, options in enumerate(({"bias": "free"}, {"bias": "output"}, {"bias": "free", "activation": "absolute"})):
        problem = small(seed, n=4, K=2, **options)
        optimum = solve(problem, tol=1e-8)
        found = problem.objective(local_search(problem, starts=2, m=5, polish=False))
        assert optimum.lower_bound * (1.0 - 1e-9) <= found
        assert found == pytest.approx(optimum.network_objective, rel=1e-3)


def test_path_audit_and_sgd_take_it():
    problem = small(1, K=2)
    path = solve_path(problem, points=4)
    assert all(point.relative_gap <= 1e-6 for point in path.solutions)
    quick = path.preview(0.5 * path.beta_max)
    assert quick.lower_bound <= quick.objective == pytest.approx(problem.with_beta(quick.beta).objective(quick.network))
    trained = train_sgd(problem, seeds=[0, 1], iterations=300)
    optimum = solve(problem)
    assert np.all(trained.best_objective >= optimum.lower_bound)
    assert trained.best_objective.min() < problem.objective(problem.fitted(Network.zero(problem.architecture)))
    network = trained.best_networks[trained.best]
    assert problem.objective(network) == pytest.approx(trained.best_objective.min())
    verdict = audit(problem, network)
    assert optimum.lower_bound * (1 - 1e-9) <= verdict.own_objective <= verdict.certificate.objective
    # the objective of a network is that of its own bias, whatever a better one would give
    worse = network.with_free(network.free + 1.0)
    assert certify(problem, worse).objective == pytest.approx(problem.objective(worse))
    assert problem.objective(problem.fitted(worse)) <= problem.objective(network) * (1 + 1e-9)


def test_the_script_and_the_network_it_maps_back_to(capsys):
    problem = small(2, n=4, pooling="mean", activation="leaky", skip="free")
    optimum = solve(problem, tol=1e-8)
    exec(compile(cvxpy_script(problem, optimum.active, complete=False), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


def test_formulas_say_so():
    problem = small()
    assert r"f = b + \sum_j \sum_{k=1}^{3} (X_k u_j + t_j)_+\, w_j" in training_latex(problem)
    assert r"\sum_{k=1}^{3} D_{i,k} (X_k - 1 a_i^T) (c_i' - c_i)" in convex_latex(problem)
    assert "b + sum_k X_k z + sum_j" in cvxpy_script(
        small(skip="free"), solve(small(skip="free")).active, complete=False
    )
    assert "free bias, a free output bias" in problem.network_text()


def test_a_pytorch_network_brings_both_biases():
    cnn = make_architecture("two-layer", patch_geometry((4,), 2, bias="free"))
    rng = np.random.default_rng(0)
    state = {"conv.weight": rng.standard_normal((3, 1, 2)), "conv.bias": rng.standard_normal(3)}
    state |= {"fc.weight": rng.standard_normal((1, 3)), "fc.bias": np.array([0.7])}
    x = rng.standard_normal((5, 4))
    windows = np.stack([x[:, k : k + 2] for k in range(3)])
    responses = np.maximum(windows @ state["conv.weight"][:, 0].T + state["conv.bias"], 0.0).sum(axis=0)
    assert network_from_arrays(cnn, state).predict(x) == pytest.approx(responses @ state["fc.weight"][0] + 0.7)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("linear", {}, "free biases of the filters with a linear CNN"),
        ("flatten", {}, "with a flatten layer"),
        ("three-layer", {}, "with three layers"),
        ("two-layer", {"pooling": "max"}, "with max pooling"),
        ("two-layer", {"outputs": 2, "output_norm": "l2"}, "with the l2 norm of several outputs"),
        ("two-layer", {"skip": "some"}, "skip: got 'some', expected one of none, free"),
        ("two-layer", {"skip": "free", "outputs": 2}, "expected it only with sum or mean pooling and one output"),
    ],
)
def test_what_does_not_fit_is_refused(name, options, message):
    with pytest.raises(InputError, match=message):
        make_architecture(name, patch_geometry((4,), 2, 2, bias="free"), **options)


def test_losses_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="free output biases with the softmax loss"):
        Problem(np.eye(3), [0, 1, 2], filter_size=1, bias="output", beta=0.1, loss="softmax")
    with pytest.raises(InputError, match="free skip connection with the huber loss"):
        Problem(np.eye(3) + np.diag([0.0, 1.0, 5.0]), [0, 1, 2], filter_size=1, skip="free", beta=0.1, loss="huber")
    skipped = Problem(np.eye(3), [0, 1, 2], filter_size=1, skip="free", beta=0.1)
    with pytest.raises(InputError, match="free skip connection where the least norm is asked for, expected none"):
        minimum_norm(skipped)
    with pytest.raises(InputError, match="free: got"):
        Network(FreeBiasCNN(patch_geometry((4,), 2, bias="free")), [], [], free=[1.0, 2.0])
    with pytest.raises(InputError, match="expected free"):
        FreeBiasCNN(patch_geometry((4,), 2))
    with pytest.raises(SizeError, match="patches of all samples with free biases"):
        FreeBiasCNN(patch_geometry((4,), 1, bias="free")).hyperplanes(np.zeros((4, 600, 2)))


def test_an_output_bias_goes_with_every_network():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((4, 4)), rng.standard_normal(4) + 5.0
    for name in ("linear", "flatten", "circular", "three-layer"):
        free = Problem(
            X, y, filter_size=2, stride=1 if name == "circular" else 2, bias="output", architecture=name, beta=0.5
        )
        solution = solve(free)
        assert abs(sum(fractions(solution.dual), Fraction(0))) == 0
        assert math.isfinite(solution.lower_bound)
        assert solution.lower_bound <= solution.network_objective <= problem_without(free).network_objective


def test_what_costs_nothing_may_fit_all_there_is():
    rng = np.random.default_rng(0)
    for n in (1, 2, 3):
        problem = Problem(
            rng.standard_normal((n, 2)), rng.standard_normal(n), filter_size=2, bias="free", skip="free", beta=1.0
        )
        solution = solve(problem)
        assert (solution.status, solution.network.m) == (Status.OPTIMAL, 0)
        assert solution.network_objective == pytest.approx(0.0, abs=1e-28)


def problem_without(problem):
    """The solution without the output bias."""
    g = problem.architecture.geometry
    cnn = make_architecture(
        problem.architecture.name,
        patch_geometry(g.input_shape, g.filter_shape, g.stride, g.padding),
        **problem.architecture.options,
    )
    return solve(Problem(problem.X, problem.y, architecture=cnn, beta=problem.beta))


@pytest.mark.slow
def test_command_line(capsys, tmp_path):
    model = tmp_path / "model.npz"
    assert main(["solve", "--dataset", "edge", "--bias", "free", "--out", str(model)]) == 0
    assert "free bias" in capsys.readouterr().out
    assert main(["audit", str(model), "--dataset", "edge"]) == 0
    assert main(["solve", "--dataset", "edge", "--bias", "output", "--skip", "free"]) == 0
    assert main(["sgd", "--dataset", "edge", "--bias", "free", "--iterations", "20"]) == 0
    assert main(["path", "--dataset", "edge", "--bias", "free", "--points", "3"]) == 0
