"""Certificates of arbitrary networks: sound whatever the weights, tight at the optimum, honest about scope."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import patch_problem

from convex_core import InputError, Network, Scope, Status, beta_max, certify, solve
from convex_core.solvers.search import sampled_pricer


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 5), beta=st.sampled_from([0.02, 0.2, 1.0]))
def test_any_network_gets_bounds_around_the_optimum(seed, m, beta):
    problem = patch_problem(seed, beta=beta)
    rng = np.random.default_rng(seed)
    network = Network(problem.architecture, rng.standard_normal((m, 2)), rng.standard_normal(m))
    optimum = solve(problem, tol=1e-9)
    certificate = certify(problem, network)
    assert certificate.scope is Scope.GLOBAL
    assert certificate.objective == pytest.approx(problem.objective(network))
    assert certificate.lower_bound <= optimum.network_objective * (1 + 1e-12)
    assert certificate.objective >= optimum.lower_bound * (1 - 1e-12)
    gap = certificate.objective - certificate.lower_bound
    assert gap >= certificate.objective - optimum.network_objective - 1e-12
    assert certificate.relative_gap == pytest.approx(gap / certificate.objective)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_any_dual_vector_is_scaled_to_a_sound_bound(seed):
    problem = patch_problem(seed % 7)
    v = np.random.default_rng(seed).standard_normal(6) * 10.0 ** (seed % 5 - 2)
    zero = Network(problem.architecture, [], [])
    certificate = certify(problem, zero, dual=v)
    assert certificate.lower_bound <= solve(problem, tol=1e-9).network_objective * (1 + 1e-12)


def test_the_optimal_network_certifies_itself_without_its_dual_vector():
    problem = patch_problem(0)
    solution = solve(problem, tol=1e-9)
    alone = certify(problem, solution.network, tol=1e-6)
    assert alone.status is Status.OPTIMAL
    assert alone.tau == pytest.approx(problem.beta, rel=1e-6)


def test_a_bad_network_is_feasible_not_optimal():
    problem = patch_problem(0)
    certificate = certify(problem, Network(problem.architecture, [[1.0, 1.0]], [5.0]))
    assert certificate.status is Status.FEASIBLE
    assert certificate.relative_gap > 0.1


def test_sampled_patterns_never_give_a_global_bound():
    problem = patch_problem(0)
    solution = solve(problem)
    pricer = sampled_pricer(problem, seed=0)
    certificate = certify(problem, solution.network, pricer=pricer)
    assert certificate.scope is Scope.RESTRICTED
    assert certificate.lower_bound == -np.inf
    assert certificate.relative_gap == np.inf
    assert certificate.status is Status.FEASIBLE
    assert beta_max(problem, pricer=pricer)[1] is Scope.RESTRICTED


def test_unbalanced_and_redundant_networks_are_judged_as_they_stand():
    problem = patch_problem(2)
    solution = solve(problem)
    u, w = solution.network.filters, solution.network.weights
    doubled = Network(problem.architecture, np.concatenate([2 * u, u]), np.concatenate([w / 4, w / 2]))
    assert doubled.predict(problem.X) == pytest.approx(solution.predictions)
    assert problem.objective(doubled) > solution.network_objective
    assert certify(problem, doubled).lower_bound == pytest.approx(solution.lower_bound, rel=1e-6)


def test_what_does_not_fit_is_refused():
    problem, other = patch_problem(0), patch_problem(0, K=2)
    with pytest.raises(InputError, match="architecture"):
        certify(problem, Network(other.architecture, [[1.0, 0.0]], [1.0]))
    network = Network(problem.architecture, [[1.0, 0.0]], [1.0])
    with pytest.raises(InputError, match="dual: got 3 targets"):
        certify(problem, network, dual=np.ones(3))
    with pytest.raises(InputError, match="NaN"):
        certify(problem, network, dual=np.full(6, np.nan))
