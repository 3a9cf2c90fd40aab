"""Filters of several sizes side by side: values of other programs, special cases, every consumer."""

import numpy as np
import pytest
from architecture_cases import check_gradients, check_model_file, check_scaling

from convex_core import InputError, Problem, SizeError, audit, cvxpy_script, solve, solve_path, train_sgd
from convex_core.architectures import BranchedCNN, make_architecture
from convex_core.cli import main
from convex_core.patches import patch_geometry
from convex_core.status import Exactness, Scope, Status
from convex_core.training.multistart import local_search

#: X (5, 4), y (5), filters of 2 and of 3 entries, beta = 0.1, seeds 0, 1, 2; then those of each size alone
OPTIMA = (0.20413541, 0.39602325, 0.35080760)
ALONE = {2: (0.27799553, 0.84525355, 0.45145138), 3: (0.20920150, 0.45676326, 0.35798998)}


def small(seed=0, n=5, **options):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, 4)), rng.standard_normal(n)
    return Problem(X, y, **{"filter_size": 3, "branches": "2", "beta": 0.1, **options})


@pytest.mark.parametrize("method", ["column-generation", "branch-and-bound", "clarabel"])
def test_optima_agree_with_other_programs(method):
    for seed, value in enumerate(OPTIMA):
        solution = solve(small(seed), method=method, tol=1e-8)
        assert solution.network_objective == pytest.approx(value, abs=1e-7)
        assert (solution.status, solution.scope, solution.exactness) == (Status.OPTIMAL, Scope.GLOBAL, Exactness.EXACT)


def test_more_sizes_are_never_worse_and_a_size_alone_is_the_plain_network():
    for seed in range(3):
        for size, values in ALONE.items():
            plain = solve(small(seed, filter_size=size, branches=None), tol=1e-8)
            assert plain.network_objective == pytest.approx(values[seed], abs=1e-7)
            assert OPTIMA[seed] <= values[seed]
        three = solve(small(seed, branches="1, 2"), tol=1e-8)
        assert three.network_objective <= OPTIMA[seed] * (1 + 1e-6)
        assert three.problem.architecture.options == {"branches": "1,2"}


def test_patches_of_branches_are_those_of_their_own_geometry():
    rng = np.random.default_rng(0)
    for shape, size, stride, padding, bias in (
        ((6,), 3, 1, "valid", "none"), ((6,), 3, 2, "zero", "regularised"), ((5,), 3, 1, "circular", "output"),
        ((4, 4), 3, 1, "zero", "none"), ((3, 3, 2), 2, 1, "valid", "regularised"),
    ):  # fmt: skip
        geometry = patch_geometry(shape, size, stride, padding, bias)
        cnn = BranchedCNN(geometry, "1")
        X = rng.standard_normal((3, geometry.d))
        for part, own in zip(cnn.parts(geometry.extract(X)), cnn.every, strict=True):
            assert np.array_equal(part, own.extract(X))


def test_gradients_scaling_files_path_audit_and_degenerate_data():
    problem = small(1, n=4)
    check_gradients(problem)
    check_scaling(problem)
    solution = solve(problem)
    check_model_file(solution.network, problem, solution)
    assert all(point.relative_gap <= 1e-6 for point in solve_path(problem, points=3))
    trained = train_sgd(problem, seeds=[0], iterations=200)
    assert trained.best_objective[0] >= solution.lower_bound
    verdict = audit(problem, trained.best_networks[0])
    assert solution.lower_bound * (1 - 1e-9) <= verdict.own_objective <= verdict.certificate.objective
    for X in (np.zeros((2, 4)), np.ones((1, 4)), np.tile([1.0, 2.0, 0.0, 0.0], (3, 1))):
        again = Problem(X, np.arange(1.0, len(X) + 1.0), architecture=problem.architecture, beta=0.1)
        assert solve(again).status is Status.OPTIMAL
    biased = small(2, n=4, bias="output", loss="huber")
    assert solve(biased).network_objective == pytest.approx(solve(biased, method="clarabel").objective, rel=1e-6)


@pytest.mark.slow
def test_no_local_search_finds_better():
    problem = small(0, n=3)
    optimum = solve(problem, tol=1e-8)
    found = problem.objective(local_search(problem, starts=3, m=5, polish=False))
    assert optimum.lower_bound * (1 - 1e-9) <= found == pytest.approx(optimum.network_objective, rel=1e-3)


def test_the_script_and_the_network_it_maps_back_to(capsys):
    problem = small(2, n=4, bias="regularised", padding="zero")
    optimum = solve(problem, tol=1e-8)
    exec(compile(cvxpy_script(problem, optimum.active, complete=False), "script", "exec"), {})
    values = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert values == pytest.approx([optimum.objective] * 2, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"branches": "3"}, "branches: got '3', expected different filter sizes from 1 to 2"),
        ({"branches": "x"}, "branches: got 'x'"),
        ({"branches": "2,2"}, "branches: got '2,2'"),
        ({"branches": "2", "pooling": "max"}, "got '2' beside pooling max, expected no such option"),
        ({"branches": "2", "activation": "leaky"}, "beside activation leaky"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    with pytest.raises(InputError, match=message):
        make_architecture("two-layer", patch_geometry((6,), 3), **options)


def test_pictures_and_reports_take_it(tmp_path, capsys):
    problem = small(2, branches="1,2")
    solution, path = solve(problem), solve_path(problem, points=3)
    assert solution.network.drawn.shape == (solution.network.m, 9)
    assert path.plot() is not None
    assert solution.plot() is not None
    page = tmp_path / "report.html"
    solution.report(page)
    assert main(["verify", str(page)]) == 0
    assert f"{solution.network_objective:.4g}"[:5] in capsys.readouterr().out


def test_limits_and_command_line(capsys):
    with pytest.raises(InputError, match="whose patches reach entries that no filter of size 3 sees"):
        BranchedCNN(patch_geometry((9,), 3, 4), "1")
    with pytest.raises(SizeError):
        solve(small(), method="column-generation", max_patterns=5)
    assert main(["solve", "--dataset", "edge", "--filter-size", "3", "--branches", "2", "--exact"]) == 0
    assert "branches 2" in capsys.readouterr().out
