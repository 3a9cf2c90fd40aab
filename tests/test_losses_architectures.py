"""Every loss with every architecture: nothing about a loss is known to one of them."""

import numpy as np
import pytest
from architecture_cases import gaussian_problem, random_network
from loss_cases import OTHERS, each, fitting, name_of

from convex_core import (
    Exactness,
    HingeLoss,
    LogisticLoss,
    Problem,
    Scope,
    SquaredLoss,
    Status,
    certify,
    patch_geometry,
    solve,
)
from convex_core.architectures import make_architecture
from convex_core.path import solve_path


def circular_problem(loss):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    architecture = make_architecture("circular", patch_geometry((3,), 3, 1, "circular"))
    return Problem(X, fitting(loss, y), architecture=architecture, beta=0.1, loss=loss)


def other_problem(name, loss, n, K, h, **options):
    base = gaussian_problem(name, 1, n, K, h, **options)
    return Problem(base.X, fitting(loss, base.y), architecture=base.architecture, beta=0.1, loss=loss)


PROBLEMS = {
    "max pooling": lambda loss: other_problem("two-layer", loss, 5, 3, 2, pooling="max"),
    "linear": lambda loss: other_problem("linear", loss, 6, 3, 2),
    "circular": circular_problem,
    "three-layer": lambda loss: other_problem("three-layer", loss, 4, 2, 2),
    "flatten": lambda loss: other_problem("flatten", loss, 5, 2, 2),
}


@pytest.mark.slow
@each(OTHERS)
@pytest.mark.parametrize("architecture", PROBLEMS)
def test_certified_with_any_loss(architecture, loss):
    problem = PROBLEMS[architecture](loss)
    solution = solve(problem)
    assert solution.scope is Scope.GLOBAL
    assert solution.objective == pytest.approx(solution.lower_bound, rel=2e-6)
    assert solution.network_objective == pytest.approx(problem.objective(solution.network), rel=1e-12)
    if solution.exactness is Exactness.EXACT:
        assert solution.status is Status.OPTIMAL
    for seed in range(3):
        network = random_network(problem, 3, seed)
        assert problem.objective(network) >= solution.lower_bound
        assert certify(problem, network).lower_bound <= solution.network_objective * (1 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("loss", [SquaredLoss(), LogisticLoss(), HingeLoss()], ids=name_of)
@pytest.mark.parametrize("architecture", PROBLEMS)
def test_path_previews_with_any_loss(architecture, loss):
    path = solve_path(PROBLEMS[architecture](loss), points=4, smallest=0.05, tol=1e-5)
    beta = float(np.sqrt(path.betas[-1] * path.betas[-2]))
    quick = path.preview(beta)
    problem = path[0].problem.with_beta(beta)
    assert quick.objective == pytest.approx(problem.objective(quick.network), rel=1e-12)
    exact = solve(problem)
    assert exact.lower_bound <= quick.objective
    assert quick.lower_bound <= exact.network_objective
    # at least as good as both neighbours, whose neurons it may use
    assert all(quick.objective <= problem.objective(path[i].network) for i in (-1, -2))
