"""Max pooling: exact by every route, equal to sum pooling where the two are the same network."""

import itertools

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import (
    check_gradients,
    check_local_search,
    check_model_file,
    check_scaling,
    gaussian_problem,
    judged,
    random_network,
)
from problem_cases import patch_problem
from scipy.optimize import nnls

from convex_core import (
    Exactness,
    InputError,
    Problem,
    Scope,
    SizeError,
    Status,
    certify,
    load_dataset,
    solve,
)
from convex_core.architectures import MaxPoolingCNN, make_architecture
from convex_core.arrangement import enumerate_patterns
from convex_core.patches import patch_geometry
from convex_core.progress import Budget
from convex_core.solvers.search import enumerated_pricer, make_pricer, sampled_pricer

#: n = 5, K = 3, h = 2, one group: values of an independent implementation
OPTIMA = {0: 0.17380596, 1: 0.64977610, 2: 0.12019913}


def max_problem(seed, n=5, K=3, h=2, pool_size=0, beta=0.1):
    return gaussian_problem("two-layer", seed, n, K, h, beta, pooling="max", pool_size=pool_size)


def winners_by_angle(problem, count=50_000):
    """Distinct winners (P, K, n) of a fine grid of directions in the plane; a loop over groups, no arrangement."""
    angles = (np.arange(count) + 0.5) * (2.0 * np.pi / count)
    U = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    responses = np.einsum("knh,mh->mkn", problem.patches, U)
    gates = np.zeros(responses.shape, dtype=bool)
    for group in problem.architecture.groups:
        best = responses[:, group].max(axis=1, keepdims=True)
        gates[:, group] = (responses[:, group] == best) & (best >= 0.0)
    packed = np.unique(np.packbits(gates.reshape(count, -1), axis=1), axis=0)
    K, n, _ = problem.patches.shape
    return np.unpackbits(packed, axis=1, count=K * n).astype(bool).reshape(-1, K, n)


def loop_outputs(problem, network):
    """One sample, one group, one filter at a time."""
    patches, out = problem.patches, np.zeros(problem.n)
    for i, group, (u, w) in itertools.product(
        range(problem.n), problem.architecture.groups, list(zip(network.filters, network.weights, strict=True))
    ):
        out[i] += w * max(0.0, *(float(patches[k, i] @ u) for k in group))
    return out


@pytest.mark.parametrize(
    ("shape", "filter_size", "pool_size", "groups"),
    [
        ((5,), 1, 0, [[0, 1, 2, 3, 4]]),
        ((5,), 1, 2, [[0, 1], [2, 3], [4]]),
        ((5,), 1, 9, [[0, 1, 2, 3, 4]]),
        ((3, 4), 1, 2, [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9], [10, 11]]),
        ((3, 3, 2), 2, 1, [[0], [1], [2], [3]]),
    ],
)
def test_groups_are_windows_of_the_patch_grid(shape, filter_size, pool_size, groups):
    cnn = MaxPoolingCNN(patch_geometry(shape, filter_size), pool_size)
    assert [group.tolist() for group in cnn.groups] == groups
    assert len(cnn.pairs[0]) == sum(len(group) * (len(group) - 1) // 2 for group in groups)


@pytest.mark.parametrize("pool_size", [0, 1, 2, 3])
def test_forward_pass_gradients_and_scaling(pool_size):
    problem = max_problem(3, n=4, K=5, pool_size=pool_size)
    network = random_network(problem, 3, seed=1)
    assert network.predict(problem.X) == pytest.approx(loop_outputs(problem, network))
    check_gradients(problem)
    check_scaling(problem)


def test_work_in_steps_changes_nothing(monkeypatch):
    problem = max_problem(0)
    U = np.random.default_rng(0).standard_normal((7, 2))
    whole = problem.architecture.atoms(problem.patches, U)
    monkeypatch.setattr("convex_core.architectures.max_pooling._STEP_ENTRIES", 30)
    assert problem.architecture.atoms(problem.patches, U) == pytest.approx(whole)


@pytest.mark.parametrize("seed", OPTIMA)
def test_known_optima_are_reproduced_and_recovered(seed):
    problem = max_problem(seed)
    solution = solve(problem, tol=1e-9)
    assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
    assert solution.objective == pytest.approx(OPTIMA[seed], abs=6e-9)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-9)
    assert problem.objective(solution.network) == solution.network_objective
    assert solution.active_filters <= problem.n


@pytest.mark.slow
@pytest.mark.parametrize("seed", OPTIMA)
def test_no_local_search_is_better_and_the_best_is_as_good(seed):
    problem = max_problem(seed)
    optimum = solve(problem, tol=1e-9)
    check_local_search(problem, optimum)


@pytest.mark.parametrize(("seed", "pool_size"), [(0, 0), (4, 2), (5, 3)])
def test_the_listed_patterns_are_those_of_a_fine_grid_of_directions(seed, pool_size):
    problem = max_problem(seed, n=4, K=4, pool_size=pool_size)
    pricer = enumerated_pricer(problem, budget=Budget())
    listed = pricer.patterns.active().reshape(-1, 4, 4)
    seen = winners_by_angle(problem)
    assert {gates.tobytes() for gates in seen} == {gates.tobytes() for gates in listed}
    assert len(listed) == len(seen) < pricer.factory.predicted


def test_cones_hold_exactly_the_directions_with_their_winners():
    problem = max_problem(1, n=3, K=4, pool_size=3)
    factory = enumerated_pricer(problem, budget=Budget()).factory
    U = np.random.default_rng(0).standard_normal((60, 2))
    codes = problem.architecture.codes(problem.patches, {"filters": U, "weights": np.ones(60)})
    sides, (cells, member) = factory.sides(codes), np.unique(codes, axis=0, return_inverse=True)
    for code, cell_sides in zip(codes, sides, strict=True):
        inside = (cell_sides * (U @ factory.rows.T) >= 0.0).all(axis=1)
        same = (cells[member.ravel()] == code).all(axis=1)
        assert np.array_equal(inside, same)


@pytest.mark.slow
def test_an_independent_cvxpy_model_over_a_grid_of_directions_agrees():
    problem = max_problem(2)
    blocks = []
    fit: cp.Expression = -problem.y
    constraints = []
    for gates in winners_by_angle(problem, count=20_000):
        G = np.einsum("kn,knh->nh", gates, problem.patches)
        for sign in (1.0, -1.0):
            c = cp.Variable(2)
            for i in range(problem.n):
                x = problem.patches[:, i]
                if gates[:, i].any():
                    win = x[gates[:, i].argmax()]
                    constraints += [win @ c >= 0, (win - x) @ c >= 0]
                else:
                    constraints += [x @ c <= 0]
            blocks.append(cp.norm(c))
            fit = fit + sign * G @ c
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(fit) + problem.beta * sum(blocks)), constraints)
    model.solve(solver=cp.CLARABEL)
    assert model.value == pytest.approx(solve(problem, tol=1e-8).objective, rel=1e-6)


@pytest.mark.parametrize("method", ["clarabel", "cvxpy"])
def test_whole_programs_agree_with_column_generation(method):
    problem = max_problem(6, K=4, pool_size=2)
    other = solve(problem, method=method, tol=1e-6)
    assert other.objective == pytest.approx(solve(problem, tol=1e-8).objective, rel=1e-6)
    assert other.status is Status.OPTIMAL


@pytest.mark.parametrize("pool_size", [0, 2])
def test_the_certificate_stands_without_the_library(pool_size):
    problem = max_problem(7, n=4, K=4, pool_size=pool_size)
    solution = solve(problem, tol=1e-8)
    v, tau = solution.dual, 0.0
    for gates in winners_by_angle(problem):
        rows = []
        for i, group in itertools.product(range(problem.n), problem.architecture.groups):
            x = problem.patches[group, i]
            if gates[group, i].any():
                win = x[gates[group, i].argmax()]
                rows += [win, *(win - x)]
            else:
                rows += list(-x)
        g = np.einsum("kn,n,knh->h", gates, v, problem.patches)
        tau = max(tau, *(nnls(np.array(rows).T, -sign * g)[1] for sign in (1.0, -1.0)))
    assert tau <= problem.beta * (1.0 + 1e-9)
    u, w = solution.network.filters, solution.network.weights
    cost = 0.5 * (np.sum(u**2) + np.sum(w**2))
    assert judged(problem, loop_outputs(problem, solution.network), cost, v, tau) <= 1e-8


def test_one_patch_a_group_is_sum_pooling():
    for K in (1, 3):
        total = patch_problem(2, K=K)
        maxima = Problem(total.X, total.y, architecture=MaxPoolingCNN(total.architecture.geometry, 1), beta=total.beta)
        expected = solve(total, tol=1e-9).network_objective
        assert solve(maxima, tol=1e-9).network_objective == pytest.approx(expected, rel=1e-8)
        searched = solve(maxima, tol=1e-9, method="branch-and-bound")
        assert searched.network_objective == pytest.approx(expected, rel=1e-8)
        assert searched.scope is Scope.GLOBAL
    alone = patch_problem(1, K=1)
    one_group = Problem(alone.X, alone.y, architecture=MaxPoolingCNN(alone.architecture.geometry), beta=alone.beta)
    assert solve(one_group).network_objective == pytest.approx(solve(alone).network_objective, rel=1e-6)


def test_dependent_differences_are_certified_by_another_rotation():
    problem = Problem.from_dataset(load_dataset("talk", seed=1), pooling="max")
    rows = problem.architecture.hyperplanes(problem.patches)
    assert not enumerate_patterns(rows).certified  # zeros and small determinants are too close in this one
    solution = solve(problem, tol=1e-8)
    assert (solution.scope, solution.status) == (Scope.GLOBAL, Status.OPTIMAL)
    assert solution.patterns < enumerate_patterns(rows).count


@pytest.mark.parametrize("seed", range(6))
def test_differences_of_decimal_fractions_are_decimal_fractions(seed):
    rng = np.random.default_rng(seed)
    X = np.round(rng.uniform(-2.0, 2.0, (12, 16)), 1)  # many of the 1440 differences are parallel
    problem = Problem(X, rng.standard_normal(12), filter_size=2, pooling="max", beta=0.5)
    rows = problem.architecture.hyperplanes(problem.patches)
    np.testing.assert_allclose(rows * 10.0, np.rint(rows * 10.0), rtol=4e-16)
    assert enumerate_patterns(rows).certified
    assert make_pricer(problem, budget=Budget())[0].scope is Scope.GLOBAL


def test_repeated_patches_and_padding_are_ties_and_change_nothing():
    plain = max_problem(0)
    doubled = np.concatenate([plain.X, plain.X[:, :2], np.zeros((5, 2))], axis=1)
    problem = Problem(doubled, plain.y, architecture=MaxPoolingCNN(patch_geometry((10,), 2, 2)), beta=plain.beta)
    assert solve(problem, tol=1e-9).network_objective == pytest.approx(OPTIMA[0], abs=6e-9)


def test_branch_and_bound_is_refused_and_never_chosen_for_real_groups():
    problem = max_problem(0)
    with pytest.raises(InputError, match="atoms are sums over hyperplanes"):
        solve(problem, method="branch-and-bound")
    pricer, _ = make_pricer(problem, budget=Budget(), max_patterns=30)
    assert pricer.scope is Scope.RESTRICTED


def test_too_many_patterns_are_refused_or_sampled():
    problem = max_problem(0)
    with pytest.raises(SizeError):
        solve(problem, method="column-generation", max_patterns=30)
    sampled = solve(problem, method="auto", max_patterns=30, tol=1e-8)
    assert sampled.scope is Scope.RESTRICTED
    assert sampled.network_objective >= solve(problem, tol=1e-9).lower_bound


def test_any_network_is_judged(tmp_path):
    problem = max_problem(0)
    network = random_network(problem, 2, seed=5)
    optimum = solve(problem, tol=1e-9).network_objective
    certificate = certify(problem, network)
    assert certificate.lower_bound <= optimum * (1.0 + 1e-12) <= certificate.objective
    assert certificate.objective == pytest.approx(problem.objective(network))
    restricted = certify(problem, network, pricer=sampled_pricer(problem, seed=0))
    assert restricted.scope is Scope.RESTRICTED


def test_model_files_rebuild_groups():
    problem = max_problem(0, K=4, pool_size=2)
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)


def test_options_that_do_not_fit_are_refused():
    geometry = patch_geometry((4,), 2)
    with pytest.raises(InputError, match="pool_size: got 2 with sum pooling, expected it only with max pooling"):
        make_architecture("two-layer", geometry, pool_size=2)
    with pytest.raises(InputError, match=r"pool_size: got -1, expected an integer in \[0, 1000000000\]"):
        make_architecture("two-layer", geometry, pooling="max", pool_size=-1)
    with pytest.raises(InputError, match="pooling"):
        make_architecture("two-layer", geometry, pooling="median")


@pytest.mark.parametrize("method", ["auto", "sampled", "column-generation"])
def test_a_leaky_relu_over_groups_of_one_patch_is_sum_pooling(method):
    X, y = np.random.default_rng(0).standard_normal((5, 4)), np.random.default_rng(1).standard_normal(5)
    common = {"filter_size": 2, "stride": 2, "beta": 0.2, "activation": "leaky", "slope": 0.3}
    pooled = solve(Problem(X, y, pooling="max", pool_size=1, **common), method=method, tol=1e-8)
    plain = solve(Problem(X, y, **common), tol=1e-8)
    assert pooled.network_objective == pytest.approx(plain.network_objective, rel=1e-6 if method != "sampled" else 1e-3)


def test_a_search_over_directions_of_such_groups_is_refused_in_a_sentence():
    problem = Problem(
        np.eye(4), np.ones(4), filter_size=2, stride=2, beta=0.1, activation="leaky", pooling="max", pool_size=1
    )
    with pytest.raises(InputError, match="search over directions: got"):
        solve(problem, method="branch-and-bound")
