"""The flatten layer with the l1 norm of weights: values of other programs, patches alone, special cases."""

import numpy as np
import pytest
from architecture_cases import check_gradients, check_scaling, gaussian_problem

from convex_core import InputError, Problem, SizeError, audit, solve, solve_path
from convex_core.architectures import make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry
from convex_core.status import Scope, Status
from convex_core.training.multistart import local_search

#: K = 2, n = 4, h = 2, beta = 0.1, seeds 0, 1, 2: found by other programs, to 1e-8
OPTIMA = (0.24479785, 0.10000302, 0.23942876)


def small(seed=0, n=4, K=2, h=2, **options):
    return gaussian_problem("flatten", seed, n, K, h, output_norm="l1", **options)


@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
def test_optima_agree_with_other_programs(method):
    for seed, value in enumerate(OPTIMA):
        solution = solve(small(seed), method=method, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.status, solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)
        assert (np.count_nonzero(solution.network.weights, axis=1) == 1).all()


def test_it_lies_between_the_l2_bound_and_one_patch_and_is_sum_pooling_of_one_patch():
    for seed in range(3):
        l1, l2 = solve(small(seed), tol=1e-8), solve(gaussian_problem("flatten", seed, 4, 2, 2), tol=1e-8)
        assert l2.lower_bound <= l1.network_objective * (1 + 1e-9)
        alone = Problem(small(seed).X[:, :2], small(seed).y, filter_size=2, beta=0.1)
        assert l1.network_objective <= solve(alone, tol=1e-8).network_objective * (1 + 1e-9)
    one, pooled = small(0, K=1), gaussian_problem("two-layer", 0, 4, 1, 2)
    assert solve(one, tol=1e-8).network_objective == pytest.approx(solve(pooled, tol=1e-8).network_objective, rel=1e-7)


@pytest.mark.slow
def test_no_local_search_finds_better():
    for seed in range(2):
        optimum = solve(small(seed), tol=1e-8)
        found = small(seed).objective(local_search(small(seed), starts=2, m=5, polish=False))
        assert optimum.lower_bound * (1 - 1e-9) <= found == pytest.approx(optimum.network_objective, rel=1e-4)


def test_degenerate_data_path_and_audit():
    cnn = make_architecture("flatten", patch_geometry((4,), 2, 2), output_norm="l1")
    X = np.array([[0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 1.0, 2.0], [0.0, 0.0, 0.0, 0.0], [1.0, 1.0, -1.0, -2.0]])
    for rows in (X, X[:1], X[2:3]):
        assert solve(Problem(rows, np.ones(len(rows)), architecture=cnn, beta=0.1)).status is Status.OPTIMAL
    problem = small(1)
    assert all(point.relative_gap <= 1e-6 for point in solve_path(problem, points=3))
    check_gradients(problem)
    check_scaling(problem)
    network = local_search(problem, starts=1, m=3, polish=False)
    verdict = audit(problem, network)
    assert verdict.certificate.lower_bound <= verdict.own_objective <= verdict.certificate.objective


def test_what_does_not_fit_is_refused(capsys):
    geometry = patch_geometry((4,), 2, 2)
    with pytest.raises(InputError, match="relaxation: got 'plain' with the output norm l1"):
        make_architecture("flatten", geometry, output_norm="l1", relaxation="plain")
    with pytest.raises(InputError, match="output_norm: got 'l3'"):
        make_architecture("flatten", geometry, output_norm="l3")
    with pytest.raises(SizeError, match=r"got more than 5 cells|expected at most"):
        solve(small(), method="column-generation", max_patterns=5)
    assert main(["solve", "--dataset", "edge", "--architecture", "flatten", "--output-norm", "l1", "--exact"]) == 0
    assert "output norm l1" in capsys.readouterr().out
