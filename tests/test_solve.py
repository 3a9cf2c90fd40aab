"""The certified optimum: closed forms, coinciding special cases, independent solvers, honest early stops."""

import os
import threading

import numpy as np
import pytest
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import GATED_OPTIMA, TWO_LAYER_OPTIMA, brute_force_tau, patch_problem

from convex_core import (
    METHODS,
    Exactness,
    InputError,
    Problem,
    Scope,
    SizeError,
    Status,
    TwoLayerCNN,
    beta_max,
    load_dataset,
    patch_geometry,
    solve,
)
from convex_core.architectures import make_architecture


@pytest.fixture(scope="module")
def talk():
    return Problem.from_dataset(load_dataset("talk"), beta=0.1)


@pytest.fixture(scope="module")
def talk_solution(talk):
    return solve(talk, tol=1e-8)


def test_talk_is_certified_over_all_4072_patterns(talk_solution):
    s = talk_solution
    assert (s.scope, s.status, s.exactness) == (Scope.GLOBAL, Status.OPTIMAL, Exactness.EXACT)
    assert s.patterns == s.patterns_bound == 4072
    assert s.relative_gap <= 1e-8
    assert s.lower_bound <= s.network_objective
    assert s.network_objective == pytest.approx(s.objective, abs=1e-7)
    assert 1 <= s.active_filters <= 6
    assert s.history[-1].upper - s.history[-1].lower <= 1e-8 * s.objective


def test_network_objective_is_the_formula_itself(talk, talk_solution):
    network = talk_solution.network
    outputs = np.zeros(6)
    for start in (0, 5):
        outputs += np.maximum(talk.X[:, start : start + 10] @ network.filters.T, 0.0) @ network.weights
    penalty = sum(u @ u for u in network.filters) + network.weights @ network.weights
    value = 0.5 * np.sum((outputs - talk.y) ** 2) + 0.05 * penalty
    assert talk_solution.network_objective == pytest.approx(value, rel=1e-13)
    assert talk_solution.predictions == pytest.approx(outputs, abs=1e-13)
    assert talk.objective(network) == pytest.approx(value, rel=1e-13)


def test_lower_bound_holds_against_directions_found_by_brute_force(talk, talk_solution):
    v = talk_solution.dual
    assert brute_force_tau(talk, v) <= talk.beta * (1 + 1e-12)
    value = 0.5 * talk.y @ talk.y - 0.5 * np.sum((v - talk.y) ** 2)
    assert talk_solution.lower_bound == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(("seed", "optimum"), TWO_LAYER_OPTIMA.items())
@pytest.mark.parametrize("method", ["column-generation", "clarabel", "cvxpy"])
def test_small_instances_by_three_routes(seed, optimum, method):
    s = solve(patch_problem(seed), method=method, tol=1e-7)
    assert s.status is Status.OPTIMAL
    assert s.patterns == 36
    assert s.objective == pytest.approx(optimum, abs=1e-7)
    assert s.network_objective == pytest.approx(optimum, abs=1e-7)


@pytest.mark.parametrize(("seed", "gated"), GATED_OPTIMA.items())
def test_without_the_cone_rows_the_value_is_lower(seed, gated):
    from convex_core.arrangement import enumerate_patterns
    from convex_core.program import CellFactory, ConeRows, assemble
    from convex_core.solvers.backends.clarabel import solve_clarabel

    problem = patch_problem(seed)
    factory = CellFactory(problem.architecture, problem.patches)
    active = enumerate_patterns(factory.hyperplanes).active()
    # with no cone rows one sign of each pattern is enough, but both do no harm
    blocks = factory.blocks(np.concatenate([active, active]), np.repeat(np.array([1, -1], np.int8), len(active)))
    none = np.zeros(0, np.intp)
    program = assemble(
        blocks,
        problem.y,
        problem.beta,
        ConeRows(none, none),
        loss=problem.loss,
        penalty=problem.architecture.penalty,
    )
    assert solve_clarabel(program).objective == pytest.approx(gated, abs=1e-4)
    assert gated < TWO_LAYER_OPTIMA[seed]


def fully_connected_by_hand(X, y, beta):
    """Pilanci and Ergen's program for a fully connected network, one CVXPY variable per random gate pattern."""
    import cvxpy as cp

    rng = np.random.default_rng(0)
    gates = np.unique(X @ rng.standard_normal((X.shape[1], 20_000)) >= 0, axis=1).T
    outputs, penalty, constraints = 0, 0, []
    for gate in gates:
        side = 2.0 * gate - 1.0
        for sign in (1, -1):
            c = cp.Variable(X.shape[1])
            outputs = outputs + sign * cp.multiply(gate.astype(float), X @ c)
            penalty = penalty + cp.norm(c, 2)
            constraints.append(cp.multiply(side, X @ c) >= 0)
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(outputs - y) + beta * penalty), constraints)
    return model.solve(solver="CLARABEL"), len(gates)


def test_one_patch_is_the_fully_connected_program():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((6, 3)), rng.standard_normal(6)
    s = solve(Problem(X, y, architecture=TwoLayerCNN(patch_geometry((3,), 3)), beta=0.2), tol=1e-8)
    value, gates = fully_connected_by_hand(X, y, 0.2)
    assert gates == s.patterns == 2 * (1 + 5 + 10)
    assert s.objective == pytest.approx(value, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), K=st.integers(1, 3), h=st.integers(1, 3))
def test_mean_pooling_is_sum_pooling_on_x_over_k(seed, n, K, h):
    mean = solve(patch_problem(seed, n, K, h, pooling="mean"), tol=1e-8)
    scaled = solve(patch_problem(seed, n, K, h, scale=1.0 / K), tol=1e-8)
    assert mean.objective == pytest.approx(scaled.objective, rel=1e-7, abs=1e-9)
    assert mean.status is scaled.status is Status.OPTIMAL


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 7),
    K=st.integers(1, 3),
    h=st.integers(1, 3),
    beta=st.sampled_from([1e-3, 0.03, 0.3, 2.0]),
    integers=st.booleans(),
)
def test_any_small_problem_is_certified_and_its_network_is_small(seed, n, K, h, beta, integers):
    problem = patch_problem(seed, n, K, h, beta)
    if integers:  # zero rows, parallel rows, ties
        problem = Problem(np.rint(problem.X), problem.y, architecture=problem.architecture, beta=beta)
    s = solve(problem, tol=1e-7)
    assert s.scope is Scope.GLOBAL
    assert s.status is Status.OPTIMAL
    assert s.active_filters <= n
    assert s.lower_bound <= s.network_objective * (1 + 1e-12)
    assert s.network_objective <= s.objective * (1 + 1e-9)
    uppers, lowers = [r.upper for r in s.history], [r.lower for r in s.history]
    assert uppers == sorted(uppers, reverse=True)
    assert lowers == sorted(lowers)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 6), h=st.integers(1, 3))
def test_beta_max_is_where_the_zero_network_becomes_optimal(seed, n, h):
    problem = patch_problem(seed, n, 2, h)
    value, scope = beta_max(problem)
    assert scope is Scope.GLOBAL
    assert value >= brute_force_tau(problem, problem.y, directions=500) * (1 - 1e-12)
    above = solve(problem.with_beta(value * (1 + 1e-9)), tol=1e-9)
    assert above.active_filters == 0
    assert above.network_objective == above.lower_bound == pytest.approx(0.5 * problem.y @ problem.y)
    below = solve(problem.with_beta(value * 0.99), tol=1e-9)
    assert below.active_filters >= 1
    assert below.network_objective < 0.5 * problem.y @ problem.y


def test_constant_and_zero_targets():
    problem = patch_problem(0)
    constant = solve(Problem(problem.X, np.full(6, 2.0), architecture=problem.architecture, beta=0.1))
    assert constant.status is Status.OPTIMAL
    zero = solve(Problem(problem.X, np.zeros(6), architecture=problem.architecture, beta=0.1))
    assert (zero.status, zero.objective, zero.active_filters, zero.relative_gap) == (Status.OPTIMAL, 0.0, 0, 0.0)


def test_all_zero_inputs_have_only_the_zero_network():
    s = solve(Problem(np.zeros((2, 3)), [1.0, -1.0], architecture=TwoLayerCNN(patch_geometry((3,), 2)), beta=0.1))
    assert (s.status, s.objective, s.active_filters) == (Status.OPTIMAL, 1.0, 0)


def test_scaling_the_targets_and_beta_scales_the_objective():
    problem = patch_problem(1)
    base = solve(problem, tol=1e-9).objective
    for factor in (1e-4, 1e4):
        scaled = solve(
            Problem(problem.X, factor * problem.y, architecture=problem.architecture, beta=factor * problem.beta),
            tol=1e-9,
        )
        assert scaled.objective == pytest.approx(factor**2 * base, rel=1e-8)


def test_sampled_patterns_give_an_upper_bound_and_say_so(talk, talk_solution):
    s = solve(talk, method="sampled", seed=3)
    assert s.scope is Scope.RESTRICTED
    assert s.status is Status.RESTRICTED_OPTIMUM
    assert s.lower_bound == -np.inf
    assert s.relative_gap == np.inf
    assert s.patterns is None
    assert s.network_objective >= talk_solution.lower_bound
    assert s.certificate.restricted_lower_bound <= s.network_objective * (1 + 1e-12)
    again = solve(talk, method="sampled", seed=3)
    assert np.array_equal(again.network.filters, s.network.filters)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "outputs"), [(2, 1), (7, 1), (1, 2)])
def test_bounds_over_patterns_that_ascents_add_hold_for_all_of_them(seed, outputs):
    rng = np.random.default_rng(seed)
    several = {"outputs": outputs, "output_norm": "l1"} if outputs > 1 else {}
    cnn = make_architecture("two-layer", patch_geometry((9,), 6, 1), **several)
    X, y = rng.standard_normal((12, 9)), rng.standard_normal((12, outputs) if outputs > 1 else 12)
    s = solve(Problem(X, y, architecture=cnn, beta=0.02), method="sampled", seed=seed)
    assert s.status is Status.RESTRICTED_OPTIMUM
    assert s.lower_bound == -np.inf
    # bounds from before the list grew would lie above its optimum, by 2e-3 and 2e-2
    assert (1 - 1e-6) * s.network_objective <= s.certificate.restricted_lower_bound <= s.network_objective


def test_too_many_patterns_are_refused_or_searched(talk):
    with pytest.raises(SizeError, match=r"4,?072") as caught:
        solve(talk, method="column-generation", max_patterns=4000)
    assert caught.value.limit == 4000
    searched = solve(talk, method="auto", max_patterns=4000)
    assert (searched.scope, searched.status, searched.method) == (Scope.GLOBAL, Status.OPTIMAL, "branch-and-bound")


def test_the_whole_program_is_refused_when_it_is_too_large():
    problem = Problem.from_dataset(load_dataset("digits", n=16))
    with pytest.raises(SizeError, match="column-generation"):
        solve(problem, method="clarabel")


@pytest.mark.parametrize("method", ["column-generation", "sampled", "clarabel", "cvxpy"])
def test_cancelled_runs_return_valid_bounds(talk, talk_solution, method):
    flag = threading.Event()
    flag.set()
    s = solve(talk, method=method, cancel=flag)
    assert s.status is Status.CANCELLED
    assert s.network_objective >= talk_solution.lower_bound
    assert s.lower_bound <= talk_solution.network_objective


def test_cancel_after_the_first_rounds_keeps_the_best_bounds(talk, talk_solution):
    flag = threading.Event()

    def watch(report):
        if report.stage == "solve" and report.round == 2:
            flag.set()

    s = solve(talk, cancel=flag, progress=watch, tol=1e-9)
    assert s.status is Status.CANCELLED
    assert s.scope is Scope.GLOBAL
    assert 0 < s.lower_bound <= talk_solution.network_objective
    assert talk_solution.lower_bound <= s.network_objective < 0.5 * talk.y @ talk.y


def test_time_limit_is_a_status(talk, talk_solution):
    s = solve(talk, time_limit=1e-6)
    assert s.status is Status.TIME_LIMIT
    assert s.lower_bound <= talk_solution.network_objective
    assert s.network_objective >= talk_solution.lower_bound


def test_same_seed_same_result(talk, talk_solution):
    again = solve(talk, tol=1e-8)
    assert np.array_equal(again.network.filters, talk_solution.network.filters)
    assert np.array_equal(again.network.weights, talk_solution.network.weights)
    assert again.lower_bound == talk_solution.lower_bound


def test_progress_reports_both_bounds(talk):
    reports = []
    solve(talk, progress=reports.append)
    stages = [r.stage for r in reports]
    assert stages[0] == "patterns"
    assert stages[-1] == "certify"
    solving = [r for r in reports if r.stage == "solve"]
    assert all(r.lower <= r.upper for r in solving)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method: got 'magic', expected one of auto"),
        ({"tol": 0.0}, "tol: got 0.0"),
        ({"tol": float("nan")}, "tol: got nan"),
        ({"time_limit": -1.0}, "time_limit: got -1.0"),
        ({"max_patterns": 0}, "max_patterns: got 0"),
        ({"seed": -1}, "seed: got -1"),
    ],
)
def test_bad_options_are_one_sentence(talk, options, message):
    with pytest.raises(InputError, match=message):
        solve(talk, **options)


@pytest.mark.parametrize("beta", [0.0, -1.0, float("nan"), float("inf"), "x"])
def test_bad_beta(talk, beta):
    with pytest.raises(InputError, match="beta: got"):
        talk.with_beta(beta)


def test_every_method_has_a_sentence():
    assert set(METHODS) == {"auto", "column-generation", "branch-and-bound", "sampled", "clarabel", "cvxpy", "gated"}
    assert all(text and not text.endswith(".") for text in METHODS.values())


@pytest.mark.slow
def test_talk_in_one_program_over_all_patterns_agrees(talk, talk_solution):
    # 8,144 blocks and 97,728 cone rows: interior points are accurate to about 1e-8 here
    s = solve(talk, method="clarabel", tol=1e-6)
    assert s.status is Status.OPTIMAL
    assert s.objective == pytest.approx(talk_solution.objective, abs=1e-7)
    assert s.network_objective == pytest.approx(talk_solution.objective, abs=1e-7)
    assert s.active_filters <= 6


def test_real_images_have_a_certificate_and_a_held_out_accuracy():
    data = load_dataset("digits")
    s = solve(Problem.from_dataset(data), tol=1e-6)
    assert (s.scope, s.status, s.patterns) == (Scope.GLOBAL, Status.OPTIMAL, 123642)
    assert np.mean(np.sign(s.network.predict(data.X_test)) == data.y_test) > 0.8


MNIST = pytest.mark.skipif("CONVEX_CORE_DATA" not in os.environ, reason="CONVEX_CORE_DATA does not name a data folder")


@pytest.mark.slow
@MNIST
@pytest.mark.parametrize(("beta", "optimum", "tol"), [(1.0, 46.609968, 1e-6), (0.1, 24.456706, 1e-6)])
def test_mnist_optima_over_millions_of_patterns(beta, optimum, tol):
    s = solve(Problem.from_dataset(load_dataset("mnist"), beta=beta), tol=tol)
    assert (s.scope, s.status) == (Scope.GLOBAL, Status.OPTIMAL)
    assert s.lower_bound <= optimum * (1 + 1e-7)
    assert s.network_objective == pytest.approx(optimum, rel=tol)
    assert s.relative_gap <= tol


@pytest.mark.parametrize(
    ("tiny", "method"),
    few(
        [
            *((1e-170, "column-generation"), (1e-310, "branch-and-bound"), (5e-324, "cvxpy")),
            *((1e-310, "column-generation"), (5e-324, "branch-and-bound"), (1e-170, "cvxpy")),
            *((5e-324, "column-generation"), (1e-170, "branch-and-bound"), (1e-310, "cvxpy")),
        ],
        3,
    ),
)
def test_a_row_whose_squares_vanish_is_as_good_as_a_row_of_zeros(tiny, method):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    shrunk, nothing = X.copy(), X.copy()
    shrunk[0] *= tiny
    nothing[0] = 0.0
    cnn = TwoLayerCNN(patch_geometry((2,), 2))
    with np.errstate(divide="raise", invalid="raise"):
        found = solve(Problem(shrunk, y, architecture=cnn, beta=0.1), method=method)
    expected = solve(Problem(nothing, y, architecture=cnn, beta=0.1), method=method)
    assert found.status is Status.OPTIMAL
    assert found.network_objective == pytest.approx(expected.network_objective, rel=1e-6)


@pytest.mark.parametrize(("X", "y"), [([[1e200]], [1.0]), ([[1.0]], [-1e160])])
def test_numbers_whose_squares_overflow_are_refused(X, y):
    with pytest.raises(InputError, match=r"[Xy]: got an entry of magnitude 1e\+.*expected at most 1e\+60"):
        Problem(X, y, architecture=TwoLayerCNN(patch_geometry((1,), 1)), beta=0.1)
