"""Linear CNN: the nuclear norm program is exact, and a closed form where the data are orthogonal."""

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

from convex_core import Exactness, InputError, Network, Problem, Scope, Status, beta_max, certify, solve
from convex_core.architectures import LinearCNN, make_architecture
from convex_core.architectures.linear import rank_one_neurons
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory


def linear_problem(seed, n=6, K=3, h=2, beta=0.1):
    return gaussian_problem("linear", seed, n, K, h, beta)


def nuclear_optimum(problem):
    """An independent model of the program."""
    K, _, h = problem.patches.shape
    Z = cp.Variable((h, K))
    f = sum(problem.patches[k] @ Z[:, k] for k in range(K))
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - problem.y) + problem.beta * cp.normNuc(Z)))
    model.solve(solver=cp.CLARABEL, tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    return model.value


def loop_outputs(problem, network):
    """One sample, one patch, one neuron at a time."""
    K, n, _ = problem.patches.shape
    out = np.zeros(n)
    for i, k, j in itertools.product(range(n), range(K), range(network.m)):
        out[i] += float(problem.patches[k, i] @ network.filters[j]) * network.weights[j, k]
    return out


def test_forward_pass_gradients_and_scaling():
    problem = linear_problem(3, n=4, K=3, h=2)
    network = random_network(problem, 4, seed=1)
    assert network.predict(problem.X) == pytest.approx(loop_outputs(problem, network))
    check_gradients(problem)
    check_scaling(problem)


@pytest.mark.parametrize(("seed", "n", "K", "h"), [(0, 6, 3, 2), (1, 3, 4, 3), (2, 8, 1, 3), (3, 5, 3, 1)])
def test_the_network_attains_the_nuclear_norm_program(seed, n, K, h):
    problem = linear_problem(seed, n, K, h)
    solution = solve(problem, tol=1e-9)
    assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)
    assert solution.objective == pytest.approx(nuclear_optimum(problem), rel=1e-7)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-9)
    assert problem.objective(solution.network) == solution.network_objective
    assert solution.active_filters <= min(h, K)
    assert solution.patterns == solution.patterns_bound == 1


@pytest.mark.parametrize("seed", [0, 1])
def test_no_local_search_is_better_and_the_best_is_as_good(seed):
    problem = linear_problem(seed)
    optimum = solve(problem, tol=1e-9)
    check_local_search(problem, optimum, m=2)


def test_orthonormal_data_are_solved_by_soft_thresholding():
    h, K, beta = 3, 4, 0.7
    geometry = patch_geometry((h * K,), h, h)
    M = np.random.default_rng(0).standard_normal((h, K))
    X = np.eye(h * K)  # sample (k, a) reads entry (a, k) of Z
    problem = Problem(X, M.T.ravel(), architecture=LinearCNN(geometry), beta=beta)
    singular = np.linalg.svd(M, compute_uv=False)
    expected = np.sum(np.where(singular > beta, beta * singular - 0.5 * beta**2, 0.5 * singular**2))
    solution = solve(problem, tol=1e-9)
    assert solution.network_objective == pytest.approx(expected, rel=1e-8)
    assert solution.active_filters == np.count_nonzero(singular > beta)
    assert beta_max(problem)[0] == pytest.approx(singular[0])


def test_one_patch_is_linear_regression_with_a_norm_as_penalty():
    problem = linear_problem(4, K=1, h=3)
    c = cp.Variable(3)
    model = cp.Problem(
        cp.Minimize(0.5 * cp.sum_squares(problem.patches[0] @ c - problem.y) + problem.beta * cp.norm(c))
    )
    model.solve(solver=cp.CLARABEL)
    solution = solve(problem, tol=1e-9)
    assert solution.network_objective == pytest.approx(model.value, rel=1e-6)
    assert solution.active_filters == 1


@pytest.mark.parametrize("method", ["clarabel", "sampled"])
def test_every_method_has_the_same_single_cell(method):
    problem = linear_problem(5)
    other = solve(problem, method=method, tol=1e-6)
    assert other.network_objective == pytest.approx(solve(problem, tol=1e-9).network_objective, rel=1e-6)
    assert other.scope is (Scope.RESTRICTED if method == "sampled" else Scope.GLOBAL)


def test_there_are_no_hyperplanes_and_one_code_without_bits():
    factory = CellFactory(linear_problem(0).architecture, linear_problem(0).patches)
    assert (factory.rows.shape, factory.width, factory.predicted, factory.additive) == ((0, 6), 0, 1, False)
    assert factory.all_cells(max_patterns=1).active().shape == (1, 0)


def test_the_certificate_stands_without_the_library():
    problem = linear_problem(6)
    solution = solve(problem, tol=1e-9)
    v = solution.dual
    pulled = np.stack([Xk.T @ v for Xk in problem.patches], axis=1)
    tau = np.linalg.svd(pulled, compute_uv=False)[0]
    assert tau <= problem.beta * (1.0 + 1e-12)
    u, w = solution.network.filters, solution.network.weights
    cost = 0.5 * (np.sum(u**2) + np.sum(w**2))
    assert judged(problem, loop_outputs(problem, solution.network), cost, v, tau) <= 1e-9


def test_any_network_is_judged_and_the_zero_network_is_optimal_at_beta_max():
    problem = linear_problem(0)
    certificate = certify(problem, random_network(problem, 2, seed=5))
    assert certificate.lower_bound <= solve(problem, tol=1e-9).network_objective * (1.0 + 1e-12)
    limit, scope = beta_max(problem)
    assert scope is Scope.GLOBAL
    assert solve(problem.with_beta(1.0001 * limit)).active_filters == 0
    assert solve(problem.with_beta(0.99 * limit)).active_filters > 0


def test_neurons_sum_the_blocks_of_both_signs():
    problem = linear_problem(0)
    C = np.random.default_rng(0).standard_normal((2, 6))
    sign = np.array([1, -1], dtype=np.int8)
    neurons = problem.architecture.neurons(C, sign, np.zeros((2, 0), dtype=bool), problem.patches)
    network = Network.from_parameters(problem.architecture, neurons)
    total = C[0] - C[1]
    assert network.regulariser == pytest.approx(problem.architecture.penalty.norm(total[None])[0])
    assert network.predict(problem.X) == pytest.approx(problem.architecture.atoms(problem.patches, total[None])[:, 0])


def test_rank_one_neurons_rebuild_their_matrices():
    Z = np.random.default_rng(0).standard_normal((3, 2, 4))
    Z[1] = np.outer(Z[1][:, 0], Z[1][0])
    u, w, block = rank_one_neurons(Z)
    assert block.tolist() == [0, 0, 1, 2, 2]
    for b in range(3):
        assert np.einsum("mh,mk->hk", u[block == b], w[block == b]) == pytest.approx(Z[b])


def test_model_files_keep_a_weight_for_each_patch():
    problem = linear_problem(0)
    solution = solve(problem)
    assert solution.network.weights.shape == (2, 3)
    check_model_file(solution.network, problem, solution)


def test_what_does_not_fit_is_refused():
    geometry = patch_geometry((4,), 2)
    with pytest.raises(InputError, match="pooling: got 'mean' for the architecture 'linear'"):
        make_architecture("linear", geometry, pooling="mean")
    with pytest.raises(InputError, match=r"expected \(m, 2\) and \(m, 3\)"):
        Network(LinearCNN(geometry), [[1.0, 0.0]], [[2.0, 1.0]])
