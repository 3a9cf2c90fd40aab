"""Every loss solved: certified, equal to an independent model and to the losses it must coincide with."""

import cvxpy as cp
import numpy as np
import pytest
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import EVERY, OTHERS, QUADRATIC, each, fitting, model, problem_with
from problem_cases import brute_force_tau, patch_problem
from scipy.optimize import minimize_scalar

from convex_core import (
    AbsoluteLoss,
    BackendError,
    FixedDirections,
    HuberLoss,
    LogisticLoss,
    Network,
    Problem,
    Scope,
    SquaredLoss,
    Status,
    TwoLayerCNN,
    beta_max,
    certify,
    patch_geometry,
    solve,
    train_sgd,
)
from convex_core.arrangement import enumerate_patterns
from convex_core.path import solve_path


def whole_program(problem):
    """Value of the convex program over every pattern, modelled here from the patches and the definitions alone."""
    K, n, h = problem.patches.shape
    active = enumerate_patterns(problem.patches.reshape(K * n, h)).active().reshape(-1, K, n)
    f, penalty, constraints = 0, 0, []
    for pattern in active:
        for sign in (1.0, -1.0):
            c = cp.Variable(h)
            f = f + sign * sum((pattern[k][:, None] * problem.patches[k]) @ c for k in range(K))
            penalty = penalty + cp.norm(c, 2)
            signed = (2.0 * pattern - 1.0).reshape(-1, 1) * problem.patches.reshape(K * n, h)
            constraints.append(signed @ c >= 0)
    objective = model(problem.loss, f, problem.y) + problem.beta * penalty
    accurate = {"tol_gap_abs": 1e-9, "tol_gap_rel": 1e-9, "tol_feas": 1e-9}
    return cp.Problem(cp.Minimize(objective), constraints).solve(solver=cp.CLARABEL, **accurate)


@pytest.mark.slow
@each(OTHERS)
def test_the_optimum_is_that_of_an_independent_model(loss):
    problem = problem_with(loss, seed=1)
    solution = solve(problem, tol=1e-7)
    assert solution.status is Status.OPTIMAL
    assert solution.scope is Scope.GLOBAL
    assert solution.network_objective == pytest.approx(whole_program(problem), abs=1e-6)
    for method in ("clarabel", "cvxpy"):
        other = solve(problem, method=method, tol=1e-6)
        assert other.network_objective == pytest.approx(solution.network_objective, abs=1e-6)
        assert other.relative_gap <= 2e-6


@each(OTHERS)
@pytest.mark.parametrize(("n", "K", "h"), few([(6, 3, 2), (12, 2, 3), (20, 3, 2)]))
def test_column_generation_certifies_itself(loss, n, K, h):
    for beta in (0.02, 0.5):
        problem = problem_with(loss, seed=n, beta=beta, n=n, K=K, h=h)
        solution = solve(problem)
        assert (solution.status, solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)
        assert solution.relative_gap <= 1e-6
        assert solution.active_filters <= n
        # judged again: a forward pass, the definition of the dual, and directions found by brute force
        f = sum(np.maximum(X @ solution.network.filters.T, 0.0) @ solution.network.weights for X in problem.patches)
        penalty = 0.5 * (np.sum(solution.network.filters**2) + np.sum(solution.network.weights**2))
        assert solution.network_objective == pytest.approx(loss.value(f, problem.y) + beta * penalty, rel=1e-12)
        assert loss.dual_value(solution.dual, problem.y) == solution.lower_bound
        assert brute_force_tau(problem, solution.dual, 2_000) <= beta * (1 + 1e-12)


@pytest.mark.slow
@each(OTHERS)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), beta=st.sampled_from([0.02, 0.2, 1.0]))
def test_weak_duality_for_any_network_and_any_dual_vector(loss, seed, beta):
    problem = problem_with(loss, seed=seed, beta=beta)
    rng = np.random.default_rng(seed)
    network = Network(problem.architecture, rng.standard_normal((3, 2)), rng.standard_normal(3))
    v = 10.0 ** rng.uniform(-1, 1) * rng.standard_normal(problem.n)  # any vector, feasible or not
    certificate = certify(problem, network, dual=v)
    best = solve(problem)
    assert -np.inf < certificate.lower_bound <= best.network_objective * (1 + 1e-9)
    assert best.lower_bound <= certificate.objective
    assert brute_force_tau(problem, certificate.dual, 2_000) <= beta * (1 + 1e-12)


@pytest.mark.slow
@each(OTHERS)
def test_at_beta_max_the_network_dies(loss):
    problem = problem_with(loss, seed=3)
    limit, scope = beta_max(problem)
    assert scope is Scope.GLOBAL
    assert limit >= brute_force_tau(problem, -loss.gradient(np.zeros(problem.n), problem.y)) * (1 - 1e-12)
    zero = Network(problem.architecture, [], [])
    above = problem.with_beta(limit * 1.0001)
    assert certify(above, zero).relative_gap <= 1e-14
    assert solve(above).active_filters == 0
    below = solve(problem.with_beta(limit * 0.95))
    assert below.active_filters > 0
    assert below.network_objective < loss.value(np.zeros(problem.n), problem.y)


@each(OTHERS)
@pytest.mark.parametrize("constant", [1.0, -1.0])
def test_constant_targets(loss, constant):
    base = patch_problem(0)
    solution = solve(Problem(base.X, np.full(6, constant), architecture=base.architecture, beta=0.1, loss=loss))
    assert solution.status is Status.OPTIMAL
    assert set(np.sign(solution.network.weights)) <= {constant, -constant}


@each([AbsoluteLoss(), HuberLoss()])
def test_zero_targets_need_no_network(loss):
    base = patch_problem(0)
    problem = Problem(base.X, np.zeros(6), architecture=base.architecture, beta=0.1, loss=loss)
    solution = solve(problem)
    assert (solution.active_filters, solution.network_objective, solution.relative_gap) == (0, 0.0, 0.0)
    assert beta_max(problem)[0] == 0.0


@pytest.mark.parametrize("scale", [1e-6, 1e5])
@each([AbsoluteLoss(), HuberLoss(0.5)])
def test_the_size_of_the_targets_does_not_matter(loss, scale):
    delta = loss.options.get("delta")
    scaled = loss if delta is None else HuberLoss(delta * scale)
    degree = 1 if delta is None else 2
    plain = solve(problem_with(loss, n=8))
    other = solve(problem_with(scaled, n=8, beta=0.1 * scale ** (degree - 1), scale=scale))
    assert other.status is Status.OPTIMAL
    assert other.network_objective / scale**degree == pytest.approx(plain.network_objective, rel=1e-6)


# -- special cases that must coincide


def test_huber_with_a_huge_delta_is_the_squared_loss():
    squared, huber = problem_with(SquaredLoss(), n=8), problem_with(HuberLoss(1e6), n=8)
    s, h = solve(squared, tol=1e-9), solve(huber, tol=1e-8)
    assert h.network_objective == pytest.approx(s.network_objective, rel=2e-8)
    assert h.dual == pytest.approx(s.dual, abs=1e-3)
    assert beta_max(huber) == beta_max(squared)


def test_huber_over_a_tiny_delta_is_the_absolute_loss():
    delta = 1e-7
    absolute, huber = problem_with(AbsoluteLoss(), n=8), problem_with(HuberLoss(delta), n=8, beta=0.1 * delta)
    a, h = solve(absolute, tol=1e-7), solve(huber, tol=1e-6)
    assert h.status is Status.OPTIMAL
    assert h.network_objective / delta == pytest.approx(a.network_objective, rel=2e-6)
    assert beta_max(huber)[0] / delta == pytest.approx(beta_max(absolute)[0], rel=1e-9)


@each(EVERY)
def test_without_cones_to_cross_the_network_is_linear(loss):
    """All inputs positive, one patch of length one: the optimum is a one-dimensional regularised fit."""
    rng = np.random.default_rng(4)
    x = rng.uniform(0.5, 2.0, 9)
    y = fitting(loss, rng.standard_normal(9) + 0.5)
    problem = Problem(x[:, None], y, architecture=TwoLayerCNN(patch_geometry((1,), 1)), beta=0.3, loss=loss)
    # convex in c: a grid, then golden sections
    grid = np.linspace(-20.0, 20.0, 4001)
    objective = lambda c: loss.value(c * x, y) + 0.3 * abs(c)  # noqa: E731
    i = int(np.argmin([objective(c) for c in grid]))
    fit = minimize_scalar(
        objective, bounds=(grid[max(i - 1, 0)], grid[i + 1]), method="bounded", options={"xatol": 1e-11}
    )
    best = min(fit.fun, objective(0.0))
    assert solve(problem).network_objective == pytest.approx(best, rel=1e-6)


# -- the other routes


@each(few(QUADRATIC, 2))
def test_fixed_directions_are_a_quadratic_program(loss):
    problem = problem_with(loss, n=8)
    rng = np.random.default_rng(0)
    U, sign = rng.standard_normal((20, 2)), rng.choice([-1.0, 1.0], 20)
    program = FixedDirections(problem, Network(problem.architecture, U, sign))
    unit = U / np.linalg.norm(U, axis=1, keepdims=True)
    Phi = sign * problem.architecture.atoms(problem.patches, unit)
    optimum = solve(problem)
    for beta in (0.5, 0.1):
        a = cp.Variable(20, nonneg=True)
        reference = cp.Problem(cp.Minimize(model(loss, Phi @ a, problem.y) + beta * cp.sum(a))).solve(
            solver=cp.CLARABEL
        )
        primal, dual = program.solve(beta), program.solve_dual(beta)
        assert primal.objective == pytest.approx(reference, rel=1e-5)
        assert primal.objective >= reference * (1 - 1e-7)
        assert dual.objective == pytest.approx(reference, rel=1e-4)
        assert dual.objective <= reference * (1 + 1e-7)
        assert (Phi.T @ dual.x).max() <= beta * (1 + 1e-12)
    assert program.solve(0.1).objective >= optimum.lower_bound
    own = FixedDirections(problem, optimum.network).solve()
    assert own.objective == pytest.approx(optimum.network_objective, rel=1e-5)


def test_osqp_says_what_it_lacks():
    problem = problem_with(LogisticLoss())
    with pytest.raises(BackendError, match="OSQP: got the logistic loss, which needs exponential cones"):
        FixedDirections(problem, Network(problem.architecture, np.eye(2), [1.0, 1.0]))


@pytest.mark.slow
@each(EVERY)
def test_paths_are_concave_and_their_previews_bounds(loss):
    path = solve_path(problem_with(loss, n=8), points=5, smallest=0.05)
    assert path.status is Status.OPTIMAL
    assert path.active_filters[0] == 0
    beta, value = path.betas[::-1], path.objective[::-1]
    assert np.all(np.diff(value) >= -1e-6 * value[1:])
    slope = np.diff(value) / np.diff(beta)
    assert np.all(np.diff(slope) <= 1e-4 * slope[0])
    for between in np.sqrt(beta[:-1] * beta[1:]):
        quick = path.preview(between)
        exact = solve(path[0].problem.with_beta(between))
        assert quick.objective >= exact.lower_bound
        assert quick.lower_bound <= exact.network_objective
        assert quick.relative_gap <= 0.3


@pytest.mark.slow
@each(OTHERS)
def test_sgd_goes_down_and_stays_above_the_bound(loss):
    problem = problem_with(loss, n=12, K=3, h=3, beta=0.3)
    solution = solve(problem)
    result = train_sgd(problem, seeds=(0, 1, 2), iterations=1500)
    assert not result.diverged.any()
    assert np.all(result.best_objective >= solution.lower_bound)
    assert np.all(result.best_objective < result.objective[:, 0])
    assert result.best_objective.min() <= 2.0 * solution.network_objective
    judged = certify(problem, result.best_networks[result.best], dual=solution.dual)
    assert judged.lower_bound <= solution.network_objective
    assert judged.objective == pytest.approx(result.best_objective.min())
