"""ReLU with a flatten layer: a chain of bounds, exact where blocks have rank one."""

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
    random_network,
)
from problem_cases import patch_problem

from convex_core import Exactness, InputError, Network, Problem, Scope, SizeError, Status, certify, solve
from convex_core.architectures import FlattenCNN, make_architecture
from convex_core.arrangement import enumerate_patterns
from convex_core.networks.recovery import recover
from convex_core.patches import patch_geometry
from convex_core.program import CellFactory, blocks
from convex_core.progress import Budget
from convex_core.solvers.search import enumerated_pricer, sampled_pricer
from convex_core.training.multistart import local_search

#: seeds at n = 4, K = 2, h = 2 whose optimum has blocks of rank one, and seeds where one block has rank two
RANK_ONE, RANK_TWO = (1, 2), (0, 3)


def flatten_problem(seed, n=4, K=2, h=2, relaxation="cone", beta=0.1):
    return gaussian_problem("flatten", seed, n, K, h, beta, relaxation=relaxation)


def loop_outputs(problem, network):
    """One sample, one patch, one neuron at a time."""
    K, n, _ = problem.patches.shape
    out = np.zeros(n)
    for i, k, j in itertools.product(range(n), range(K), range(network.m)):
        out[i] += max(0.0, float(problem.patches[k, i] @ network.filters[j])) * network.weights[j, k]
    return out


def independent_optimum(problem, cone):
    """The program, cell by cell, in CVXPY."""
    K, n, h = problem.patches.shape
    fit: cp.Expression = -problem.y
    penalty, constraints = 0.0, []
    choices = list(itertools.product((1.0, -1.0), repeat=K)) if cone else [(1.0,) * K]
    for pattern in enumerate_patterns(problem.patches.reshape(K * n, h)).active():
        D = pattern.reshape(K, n)
        for s in choices:
            Z = cp.Variable((h, K))
            # without cones Z and -Z are both there; with them, all 2^K signs are
            fit = fit + sum((D[k][:, None] * problem.patches[k]) @ Z[:, k] for k in range(K))
            penalty = penalty + cp.normNuc(Z)
            if cone:
                A = (2.0 * pattern - 1.0)[:, None] * problem.patches.reshape(K * n, h)
                constraints += [s[k] * (A @ Z[:, k]) >= 0 for k in range(K)]
    model = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(fit) + problem.beta * penalty), constraints)
    model.solve(solver=cp.CLARABEL)
    return model.value


@pytest.mark.parametrize("relaxation", ["cone", "plain"])
def test_forward_pass_gradients_and_scaling(relaxation):
    problem = flatten_problem(3, n=4, K=3, relaxation=relaxation)
    network = random_network(problem, 4, seed=1)
    assert network.predict(problem.X) == pytest.approx(loop_outputs(problem, network))
    check_gradients(problem)
    check_scaling(problem)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*RANK_ONE, *RANK_TWO])
@pytest.mark.parametrize("relaxation", ["cone", "plain"])
def test_an_independent_cvxpy_model_agrees(seed, relaxation):
    problem = flatten_problem(seed, relaxation=relaxation)
    expected = independent_optimum(problem, relaxation == "cone")
    for method in ("column-generation", "clarabel"):
        solution = solve(problem, tol=1e-7, method=method)
        assert solution.objective == pytest.approx(expected, rel=1e-6)
        assert solution.lower_bound == pytest.approx(expected, rel=1e-6)
        assert solution.scope is Scope.GLOBAL


@pytest.mark.slow
@pytest.mark.parametrize("seed", RANK_ONE)
def test_blocks_of_rank_one_are_a_network_that_no_local_search_improves(seed):
    problem = flatten_problem(seed)
    solution = solve(problem, tol=1e-7)
    assert (solution.status, solution.exactness) == (Status.OPTIMAL, Exactness.EXACT_IF_RANK_ONE)
    assert solution.network_objective == pytest.approx(solution.objective, rel=1e-7)
    check_local_search(problem, solution)


@pytest.mark.slow
def test_blocks_of_rank_two_are_only_a_bound():
    problem = flatten_problem(0)
    solution = solve(problem, tol=1e-7)
    assert solution.status is Status.BOUND_REACHED
    singular = np.linalg.svd(solution.C.reshape(-1, 2, 2), compute_uv=False)
    assert (singular[:, 1] > 1e-2 * singular[:, 0]).any()
    found = problem.objective(local_search(problem, m=3, starts=8, seed=0))
    assert solution.lower_bound < found * (1.0 - 1e-3)
    # the map back has the outputs of the blocks at a higher price; the network is the local minimum below it
    mapped = recover(problem.architecture, problem.patches, solution.C, solution.sign, solution.active)
    f = np.einsum("bnp,bp->n", _blocks(problem, solution).G, solution.C)
    assert mapped.predict(problem.X) == pytest.approx(f, abs=1e-6)
    assert found <= solution.network_objective * (1.0 + 1e-6) < problem.objective(mapped) * (1.0 - 1e-3)


def _blocks(problem, solution):
    return enumerated_pricer(problem, budget=Budget()).factory.blocks(solution.active, solution.sign)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*RANK_ONE, *RANK_TWO])
def test_the_chain_of_bounds(seed):
    plain = solve(flatten_problem(seed, relaxation="plain"), tol=1e-7)
    cone = solve(flatten_problem(seed), tol=1e-7)
    assert plain.exactness is Exactness.BOUND_ONLY
    assert plain.status is Status.BOUND_REACHED
    assert plain.objective < cone.lower_bound * (1.0 - 1e-2)
    assert cone.objective <= cone.network_objective * (1.0 + 1e-7)
    assert cone.lower_bound <= plain.network_objective


def test_one_patch_is_the_two_layer_network():
    total = patch_problem(2, n=5, K=1)
    single = Problem(total.X, total.y, architecture=FlattenCNN(total.architecture.geometry), beta=total.beta)
    solution = solve(single, tol=1e-7)
    assert solution.network_objective == pytest.approx(solve(total, tol=1e-8).network_objective, rel=1e-6)
    assert solution.status is Status.OPTIMAL


def test_a_weight_for_each_patch_is_at_least_as_good_as_one_for_all():
    total = patch_problem(1, n=4, K=2)
    flat = Problem(total.X, total.y, architecture=FlattenCNN(total.architecture.geometry), beta=total.beta)
    # w_k = w / sqrt(K) costs as much as w, and sum pooling with it is sum pooling over sqrt(K)
    assert solve(flat, tol=1e-6).lower_bound <= solve(total).network_objective


def test_cells_are_patterns_times_signs():
    problem = flatten_problem(0, K=3)
    pricer = enumerated_pricer(problem, budget=Budget())
    base = len(enumerate_patterns(problem.patches.reshape(-1, 2)))
    assert len(pricer.patterns) == 4 * base == pricer.factory.predicted
    assert len(np.unique(pricer.patterns.active(), axis=0)) == 4 * base
    plain = enumerated_pricer(flatten_problem(0, K=3, relaxation="plain"), budget=Budget())
    assert (len(plain.patterns), plain.factory.rows.shape) == (base, (0, 6))


def test_a_rank_one_block_is_in_the_cone_of_its_neuron_alone():
    problem = flatten_problem(1, K=3)
    architecture = problem.architecture
    pricer = enumerated_pricer(problem, budget=Budget())
    network = random_network(problem, 30, seed=2)
    codes = architecture.codes(problem.patches, network.parameters)
    first = np.where(network.weights[:, 0] >= 0.0, 1, -1).astype(np.int8)
    Z = np.einsum("m,mh,mk->mkh", first, network.filters, network.weights).reshape(30, -1)
    blocks = pricer.factory.blocks(codes, first)
    assert (blocks.sides * (Z @ blocks.rows.T) >= 0.0).all()
    outputs = np.einsum("bnp,bp->nb", blocks.G, Z)
    assert outputs == pytest.approx(architecture.outputs(problem.patches, network.parameters))
    listed = pricer.patterns.active()
    every = pricer.factory.sides(listed)
    inside = ((every[:, None] * (Z @ blocks.rows.T)[None]) >= 0.0).all(axis=2)
    assert (inside.sum(axis=0) == 1).all()
    assert np.array_equal(listed[inside.argmax(axis=0)], codes)
    # and back, with the same cost
    back = Network.from_parameters(architecture, architecture.neurons(Z, first, codes, problem.patches))
    assert back.predict(problem.X) == pytest.approx(network.predict(problem.X))
    assert back.regulariser == pytest.approx(architecture.penalty.norm(Z).sum())


def test_zero_weights_belong_to_any_sign():
    problem = flatten_problem(2, n=3, K=2)
    solution = solve(problem, tol=1e-7)
    one_sided = Network(problem.architecture, [[1.0, 0.5], [0.3, -1.0]], [[0.2, 0.0], [0.0, -0.4]])
    certificate = certify(problem, one_sided)
    assert certificate.lower_bound <= solution.objective * (1.0 + 1e-7) <= certificate.objective


@pytest.mark.slow
@pytest.mark.parametrize("relaxation", ["cone", "plain"])
def test_the_bound_stands_without_the_library(relaxation):
    problem = flatten_problem(3, relaxation=relaxation)
    v = solve(problem, tol=1e-7).dual
    # atoms of this network: |v . phi| = || (v^T (X_k u)_+)_k ||_2 at the best w for each u
    angles = np.linspace(0.0, 2.0 * np.pi, 100_001)
    U = np.stack([np.cos(angles), np.sin(angles)])
    largest = np.linalg.norm(np.einsum("n,knm->km", v, np.maximum(problem.patches @ U, 0.0)), axis=0).max()
    assert largest <= problem.beta * (1.0 + 1e-12)
    # which the cone makes tighter, but not tight
    assert largest < (0.9 if relaxation == "plain" else 1.0) * problem.beta


def test_sampled_cells_give_no_bound():
    problem = flatten_problem(0)
    certificate = certify(problem, random_network(problem, 2, 0), pricer=sampled_pricer(problem, seed=0))
    assert certificate.scope is Scope.RESTRICTED


def test_model_files_keep_the_relaxation():
    problem = flatten_problem(1, relaxation="plain")
    solution = solve(problem, tol=1e-5)
    check_model_file(solution.network, problem, solution)


def test_what_does_not_fit_is_refused():
    geometry = patch_geometry((4,), 2)
    with pytest.raises(InputError, match="relaxation: got 'l1', expected one of cone, plain"):
        make_architecture("flatten", geometry, relaxation="l1")
    with pytest.raises(InputError, match="layers"):
        make_architecture("flatten", geometry, layers=3)
    with pytest.raises(SizeError, match="4 sign choices for each pattern, expected at most 3 cells"):
        solve(flatten_problem(0, K=3), method="column-generation", max_patterns=3)
    with pytest.raises(SizeError):
        solve(flatten_problem(0, K=3), method="column-generation", max_patterns=40)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"architecture": "flatten"}, {"outputs": 20, "output_norm": "l2"}])
def test_cells_that_would_take_gigabytes_are_refused_before(options):
    d, q = 23, options.get("outputs", 1)  # 20 patches of 4
    X, y = np.zeros((6000, d)), np.ones((6000, q) if q > 1 else 6000)
    X[:, 0] = 1.0
    large = Problem(X, y, filter_size=4, beta=0.1, **options)
    with pytest.raises(
        InputError, match=r"got 120,000 patch rows with 20 weights .* 12\.3 GB .*, expected at most 2\.1 GB"
    ):
        large.architecture.hyperplanes(large.patches)
    with pytest.raises(InputError, match="hyperplanes"):
        solve(large, time_limit=60.0)


@pytest.mark.parametrize("relaxation", ["cone", "plain"])
def test_sides_found_part_by_part_are_those_found_at_once(relaxation, monkeypatch):
    problem = flatten_problem(0, n=5, K=3, relaxation=relaxation)
    cells = CellFactory(problem.architecture, problem.patches)
    codes = cells.all_cells(max_patterns=10_000).active()
    whole = cells.sides(codes)
    monkeypatch.setattr(blocks, "_AT_ONCE", 7 * len(cells.opposite))
    parts = cells.sides(codes)
    np.testing.assert_array_equal(parts, whole)
    assert len(codes) > 7
    assert parts.dtype == whole.dtype
