"""Local search: the certified optimum of tiny instances, never less, and gradients that are the objective's own."""

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import check_local_search, every_architecture, tiny_problem
from loss_cases import OTHERS, name_of
from problem_cases import TWO_LAYER_OPTIMA, patch_problem
from scipy.optimize import approx_fprime

from convex_core.architectures import make_architecture
from convex_core.data import load_dataset
from convex_core.errors import InputError
from convex_core.numerics.quasi_newton import bfgs
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.progress import Budget
from convex_core.solution import solve
from convex_core.status import Exactness
from convex_core.training.multistart import _Search, local_search

NOT_ONLY_BOUNDS = [case for case in every_architecture() if case.values[0].exactness is not Exactness.BOUND_ONLY]


# the optimum of instance 2 has filters on the border of their cells, where a strong Wolfe line search creeps
@pytest.mark.slow
@pytest.mark.parametrize("seed", TWO_LAYER_OPTIMA)
def test_tiny_instances_reach_the_certified_optimum(seed):
    case = patch_problem(seed)
    network = local_search(case, starts=4)
    assert case.objective(network) == pytest.approx(TWO_LAYER_OPTIMA[seed], rel=1e-7)
    assert network.m <= case.n
    norms = np.linalg.norm(network.filters, axis=1)
    np.testing.assert_allclose(norms, np.abs(network.weights), rtol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", NOT_ONLY_BOUNDS)
def test_the_value_of_every_exact_program_is_the_best_of_local_searches_and_of_its_own_network(architecture):
    case = tiny_problem(architecture)
    optimum = solve(case, tol=1e-9)
    # exact if rank one: its own network says whether it is
    if architecture.exactness is Exactness.EXACT or optimum.network_objective <= optimum.objective * (1 + 1e-7):
        check_local_search(case, optimum)
    else:
        assert case.objective(local_search(case, starts=1)) > optimum.lower_bound * (1 + 1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [loss for loss in OTHERS if loss.smooth], ids=name_of)
def test_smooth_losses(loss):
    case = tiny_problem(make_architecture("two-layer", patch_geometry((6,), 2, 2)), loss, n=5, seed=1)
    check_local_search(case, solve(case, tol=1e-9))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "m"), [(0, 1), (1, 2), (2, 9)])
def test_nothing_found_is_below_the_bound(seed, m):
    case = patch_problem(seed, n=5, K=2, h=3, pooling="mean", beta=0.05)
    value = case.objective(local_search(case, m=m, starts=5, seed=seed))
    assert value >= solve(case, tol=1e-9).lower_bound * (1 - 1e-9)
    assert value < 0.5 * case.y @ case.y


# every fifth: a search takes seconds, and the test of exact programs above goes through all architectures
@pytest.mark.slow
@pytest.mark.parametrize("architecture", list(every_architecture())[::5])
def test_a_search_from_a_network_is_no_worse_and_never_below_the_bound(architecture):
    case = tiny_problem(architecture, seed=1)
    solution = solve(case, tol=1e-7)
    value = case.objective(local_search(case, m=case.size + 1, begin=[solution.network], starts=0))
    assert solution.lower_bound * (1 - 1e-9) <= value <= solution.network_objective
    if solution.relative_gap < 1e-7:
        assert value == pytest.approx(solution.network_objective, rel=1e-6)


def test_networks_to_begin_from_must_fit():
    case, other = patch_problem(0), patch_problem(0, h=3)
    with pytest.raises(InputError, match="begin: got a network two-layer with parameters"):
        local_search(case, begin=[solve(other).network])
    with pytest.raises(InputError, match="starts: got 0"):
        local_search(case, starts=0)


def test_the_zero_network_where_it_is_best_and_where_time_is_up():
    assert local_search(patch_problem(0, beta=1e3), starts=2).m == 0
    stopped = local_search(patch_problem(0), time_limit=1e-9)
    assert stopped.m == 0


def test_the_gradient_is_that_of_the_objective():
    search = _Search(patch_problem(4), 3, Budget())
    theta = search.start(np.random.default_rng(0))
    numeric = approx_fprime(theta, lambda t: search.objective(t)[0], 1e-7)
    np.testing.assert_allclose(search.objective(theta)[1], numeric, atol=1e-5)


def test_a_seed_gives_one_network():
    case = patch_problem(1, n=4, K=2)
    first, second = (local_search(case, m=2, starts=2, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.filters, second.filters)


@pytest.mark.parametrize("options", [{"m": 0}, {"starts": 0}, {"seed": -1}])
def test_bad_numbers_are_refused(options):
    with pytest.raises(InputError, match=f"^{next(iter(options))}: got"):
        local_search(patch_problem(0), **options)


@pytest.mark.parametrize("seed", range(3))
def test_bfgs_reaches_minima_on_kinks(seed):
    # the largest of ten affine functions and a quadratic: minima on several kinks at once
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((10, 4)), rng.standard_normal(10)

    def function(x):
        values = A @ x + b
        top = values.argmax()
        return values[top] + 0.5 * x @ x, A[top] + x

    x = cp.Variable(4)
    model = cp.Problem(cp.Minimize(cp.max(A @ x + b) + 0.5 * cp.sum_squares(x)))
    model.solve(solver=cp.CLARABEL, tol_gap_rel=1e-12, tol_gap_abs=1e-12)
    value, place = bfgs(function, rng.standard_normal(4), tol=0.0, max_steps=2000)
    assert value == pytest.approx(model.value, abs=1e-9)
    assert function(place)[0] == value


def test_bfgs_stops_when_it_is_told_and_where_there_is_nothing_to_do():
    def bowl(x):
        return 0.5 * x @ x, x

    start = np.array([3.0, 4.0])
    assert bfgs(bowl, start, tol=0.0, max_steps=9, stop=lambda: True)[0] == 12.5
    assert bfgs(bowl, np.zeros(2), tol=0.0, max_steps=9)[0] == 0.0
    assert bfgs(bowl, start, tol=0.0, max_steps=1)[0] < 12.5


def test_a_large_search_looks_at_the_budget_at_every_evaluation():
    class AtLook:
        looks = 0

        def is_set(self):
            self.looks += 1
            return self.looks > 40

    rng = np.random.default_rng(0)
    problem = Problem.from_dataset(load_dataset("motifs", n=30))
    search = _Search(problem, 200, Budget(cancel=AtLook()))  # beyond the size of dense BFGS
    evaluations = []
    once = search.objective
    search.objective = lambda theta: evaluations.append(1) or once(theta)
    value, theta = search.improve(search.start(rng), 1e-12)
    assert len(evaluations) <= 45
    assert value == pytest.approx(once(theta)[0])
