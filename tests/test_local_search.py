"""Local search: the certified optimum of tiny instances, never less, and gradients that are the objective's own."""

import numpy as np
import pytest
from problem_cases import TWO_LAYER_OPTIMA, patch_problem
from scipy.optimize import approx_fprime

from convex_core.errors import InputError
from convex_core.local_search import _Search, local_search
from convex_core.losses import LogisticLoss
from convex_core.problem import Problem
from convex_core.progress import Budget
from convex_core.solve import solve


# the optimum of instance 2 has filters on the border of their cells, where L-BFGS creeps
@pytest.mark.parametrize(("seed", "accuracy"), [(0, 1e-6), (1, 1e-6), (2, 5e-4)])
def test_tiny_instances_reach_the_certified_optimum(seed, accuracy):
    case = patch_problem(seed)
    network = local_search(case)
    assert case.objective(network) == pytest.approx(TWO_LAYER_OPTIMA[seed], rel=accuracy)
    assert network.m <= case.n
    norms = np.linalg.norm(network.filters, axis=1)
    np.testing.assert_allclose(norms, np.abs(network.weights), rtol=1e-9)


@pytest.mark.parametrize(("seed", "m"), [(0, 1), (1, 2), (2, 9)])
def test_nothing_found_is_below_the_bound(seed, m):
    case = patch_problem(seed, n=5, K=2, h=3, pooling="mean", beta=0.05)
    value = case.objective(local_search(case, m=m, starts=5, seed=seed))
    assert value >= solve(case, tol=1e-9).lower_bound * (1 - 1e-9)
    assert value < 0.5 * case.y @ case.y


def test_another_loss():
    case = patch_problem(3)
    case = Problem(case.architecture, case.X, np.where(case.y >= 0, 1.0, -1.0), 0.2, LogisticLoss())
    assert case.objective(local_search(case)) == pytest.approx(solve(case, tol=1e-8).lower_bound, rel=1e-6)


def test_the_zero_network_where_it_is_best_and_where_time_is_up():
    assert local_search(patch_problem(0, beta=1e3), starts=2).m == 0
    stopped = local_search(patch_problem(0), budget=Budget(time_limit=1e-9))
    assert stopped.m == 0


def test_the_gradient_is_that_of_the_objective():
    search = _Search(patch_problem(4), 3, Budget())
    theta = search.start(np.random.default_rng(0))
    numeric = approx_fprime(theta, lambda t: search.objective(t)[0], 1e-7)
    np.testing.assert_allclose(search.objective(theta)[1], numeric, atol=1e-5)


def test_a_seed_gives_one_network():
    case = patch_problem(1)
    first, second = (local_search(case, m=2, starts=3, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.filters, second.filters)


@pytest.mark.parametrize("options", [{"m": 0}, {"starts": 0}, {"seed": -1}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(InputError, match=f"^{next(iter(options))}: got"):
        local_search(patch_problem(0), **options)
