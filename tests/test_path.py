"""The path over beta: concave, certified point by point, equal to separate solves; previews say what they are."""

import json
import re
import threading
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import brute_force_tau, patch_problem

from convex_core import InputError, Interrupted, Problem, Scope, Status, load_dataset, solve
from convex_core.cli import main
from convex_core.path import PathPreview, solve_path
from convex_core.progress import Budget
from convex_core.solvers.column_generation import WarmStart, generate_columns
from convex_core.solvers.search import choose_search


@pytest.fixture(scope="module")
def talk():
    return Problem.from_dataset(load_dataset("talk"))


@pytest.fixture(scope="module")
def path(talk):
    return solve_path(talk, points=8, tol=1e-8)


class Flag:
    """Set after it was asked `quiet` times."""

    def __init__(self, quiet):
        self.left = quiet

    def is_set(self):
        self.left -= 1
        return self.left < 0


def test_from_beta_max_down_a_logarithmic_grid(path):
    assert len(path) == len(path.requested) == 8
    assert path.betas[0] == path.beta_max
    assert path.betas[-1] == pytest.approx(0.01 * path.beta_max, rel=1e-12)
    assert np.diff(np.log(path.betas)) == pytest.approx(np.log(0.01) / 7)
    assert (path.status, path.scope, path.beta_max_scope) == (Status.OPTIMAL, Scope.GLOBAL, Scope.GLOBAL)
    assert not path.betas.flags.writeable


def test_beta_max_is_where_the_zero_network_stops_being_optimal(talk, path):
    assert path.active_filters[0] == 0
    assert path.objective[0] == pytest.approx(0.5 * talk.y @ talk.y, rel=1e-14)
    assert path.beta_max >= brute_force_tau(talk, talk.y) * (1 - 1e-12)
    just_below = solve(talk.with_beta(0.99 * path.beta_max))
    assert just_below.active_filters > 0
    assert just_below.network_objective < path.objective[0]


def test_every_point_has_its_own_certificate(talk, path):
    for beta, s in zip(path.betas, path, strict=True):
        assert s.problem.beta == beta
        assert s.relative_gap <= 1e-8
        assert s.certificate.status is Status.OPTIMAL
        # judged again, with no part of the solver: a forward pass, and directions found by brute force
        outputs = sum(np.maximum(X @ s.network.filters.T, 0.0) @ s.network.weights for X in talk.patches)
        penalty = np.sum(s.network.filters**2) + np.sum(s.network.weights**2)
        assert s.network_objective == pytest.approx(0.5 * np.sum((outputs - talk.y) ** 2) + 0.5 * beta * penalty)
        assert brute_force_tau(talk, s.dual, 2_000) <= beta * (1 + 1e-12)


def test_the_value_is_nondecreasing_and_concave_in_beta(path):
    beta, value = path.betas[::-1], path.objective[::-1]
    assert np.all(np.diff(value) >= -1e-8 * value[1:])
    slope = np.diff(value) / np.diff(beta)
    assert np.all(np.diff(slope) <= 1e-7 * slope[0])
    # the slope is the regulariser of the optimum, between those of the two ends
    regulariser = np.array([s.network.regulariser for s in path])[::-1]
    assert np.all(slope <= regulariser[:-1] * (1 + 1e-6))
    assert np.all(slope >= regulariser[1:] * (1 - 1e-6))


def test_it_equals_separate_solves(path):
    for s in path:
        alone = solve(s.problem, tol=1e-8)
        assert s.network_objective == pytest.approx(alone.network_objective, rel=2e-8)
        assert s.patterns == alone.patterns == 4072


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(["auto", "branch-and-bound", "column-generation"]))
def test_any_small_problem_by_any_search(seed, method):
    problem = patch_problem(seed)
    path = solve_path(problem, points=4, smallest=0.05, tol=1e-6, method=method)
    assert path.status is Status.OPTIMAL
    alone = solve(problem.with_beta(path.betas[-1]), method="clarabel", tol=1e-7)
    assert path.objective[-1] == pytest.approx(alone.network_objective, rel=2e-6)
    assert np.all(np.diff(path.objective) <= 1e-6 * path.objective[:-1])


def test_a_guess_at_the_dual_vector_brings_its_blocks_before_the_first_solve(talk):
    problem = talk.with_beta(0.1)
    search = choose_search(problem, method="column-generation", seed=0, max_patterns=10_000, budget=Budget())
    before = solve(talk.with_beta(1.0))
    blocks = search.pricer.factory.blocks(before.active, before.sign)
    best = solve(problem, tol=1e-9)

    def run(expected):
        start = WarmStart(blocks, before.C, before.dual, expected)
        return generate_columns(problem, search.pricer, tol=1e-9, budget=Budget(), start=start)

    plain, guessed = run(None), run(1.01 * best.dual)
    assert plain.history[0].columns == len(blocks) < guessed.history[0].columns
    for found in (plain, guessed, run(np.zeros(talk.n))):
        assert found.lower <= best.objective * (1.0 + 1e-9)
        assert found.upper >= best.lower_bound
        assert found.status is Status.OPTIMAL


def test_starting_from_the_point_before_takes_no_more_rounds(path):
    alone = sum(solve(s.problem, tol=1e-8).rounds for s in path)
    assert sum(s.rounds for s in path) <= alone


@pytest.mark.slow
def test_preview_is_an_upper_bound_and_its_own_lower_bound_holds(path):
    for beta in np.geomspace(0.3 * path.betas[-1], 1.5 * path.beta_max, 23):
        quick = path.preview(beta)
        exact = solve(path[0].problem.with_beta(beta), tol=1e-8)
        assert isinstance(quick, PathPreview)
        assert quick.is_preview
        assert quick.objective == pytest.approx(path[0].problem.with_beta(beta).objective(quick.network), rel=1e-13)
        assert quick.objective >= exact.lower_bound
        assert quick.lower_bound <= exact.network_objective
        if path.betas[-1] <= beta:
            assert quick.relative_gap <= 0.05


def test_preview_at_the_points_is_the_optimum(path):
    for s in path:
        quick = path.preview(s.problem.beta)
        assert s.lower_bound <= quick.objective <= s.network_objective
        assert quick.lower_bound == pytest.approx(s.lower_bound, rel=1e-12)


def test_preview_does_not_depend_on_the_questions_before(path, talk):
    beta = 0.37 * path.beta_max
    fresh = solve_path(talk, betas=path.betas, tol=1e-8).preview(beta)
    for other in (0.3, 0.4, 0.36):
        path.preview(other * path.beta_max)
    assert path.preview(beta).objective == pytest.approx(fresh.objective, rel=1e-6)


def test_given_betas_are_sorted_and_once(talk):
    path = solve_path(talk, betas=[0.1, 10.0, 1.0, 0.1])
    assert path.betas.tolist() == [10.0, 1.0, 0.1]
    assert path.active_filters[0] == 0  # above beta_max
    assert path.filter_norms[0].shape == (0,)
    norms = path.filter_norms[2]
    assert norms.sum() == pytest.approx(path[2].network.regulariser)


def test_sampled_patterns_have_no_lower_bound(talk):
    path = solve_path(talk, points=3, method="sampled")
    assert path.scope is path.beta_max_scope is Scope.RESTRICTED
    assert np.all(path.lower_bound == -np.inf)
    assert path.preview(0.5 * path.beta_max).lower_bound == -np.inf
    assert path.status is Status.RESTRICTED_OPTIMUM


def test_cancelling_returns_the_points_that_are_done(talk):
    flag = threading.Event()
    reports = []

    def progress(report):
        reports.append(report)
        if "point 3 of 6" in report.message:
            flag.set()

    path = solve_path(talk, points=6, tol=1e-8, cancel=flag, progress=progress)
    assert path.status is Status.CANCELLED
    assert 2 <= len(path) <= 3
    assert len(path.requested) == 6
    assert np.all(path.relative_gap <= 1e-8)
    assert path.betas.tolist() == path.requested[: len(path)].tolist()
    shares = [report.fraction for report in reports if report.fraction is not None and "point" in report.message]
    assert shares == sorted(shares)
    assert shares[0] == 0.0


def active_cells(solution):
    return {(row.tobytes(), int(sign)) for row, sign in zip(solution.active, solution.sign, strict=True)}


def test_refinement_goes_where_the_active_set_changes(talk):
    coarse = solve_path(talk, points=4, tol=1e-7)
    fine = solve_path(talk, points=4, tol=1e-7, refine=5)
    assert fine.status is Status.OPTIMAL
    assert len(fine) == len(fine.requested) == 9
    assert np.all(np.diff(fine.betas) < 0)
    assert np.all(fine.relative_gap <= 1e-7)
    assert set(coarse.betas) <= set(fine.betas)
    # the first one halves the interval that scores highest on the coarse path
    changes = [len(active_cells(a) ^ active_cells(b)) for a, b in pairwise(coarse)]
    assert max(changes) > 0
    best = int(np.argmax(changes))  # all intervals of the grid are equally long
    assert any(fine.betas == np.sqrt(coarse.betas[best] * coarse.betas[best + 1]))
    for solution in fine:
        assert solution.objective == pytest.approx(
            solve(talk.with_beta(solution.problem.beta), tol=1e-8).objective, rel=1e-6
        )


def test_refinement_stops_where_nothing_changes():
    problem = patch_problem(0)
    silent = Problem(problem.X, np.zeros(problem.n), architecture=problem.architecture, beta=0.1)
    assert len(solve_path(silent, betas=[1.0, 0.5, 0.1], refine=4)) == 3


def test_a_cancelled_refinement_keeps_the_grid(talk):
    flag = threading.Event()

    def progress(report):
        if "point 6 of 9" in report.message:
            flag.set()

    path = solve_path(talk, points=4, tol=1e-8, refine=5, cancel=flag, progress=progress)
    assert path.status is Status.CANCELLED
    assert 5 <= len(path) == len(path.requested) <= 6
    assert np.all(path.relative_gap <= 1e-8)


def test_nothing_done_is_said():
    with pytest.raises(Interrupted) as stopped:
        solve_path(patch_problem(0), points=3, cancel=Flag(0))
    assert stopped.value.status is Status.CANCELLED
    with pytest.raises(Interrupted):
        solve_path(patch_problem(0), points=3, time_limit=1e-9)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"points": 0}, "points"),
        ({"smallest": 1.0}, "smallest"),
        ({"smallest": -1.0}, "smallest"),
        ({"refine": -1}, "refine"),
        ({"betas": [1.0, 0.0]}, "betas"),
        ({"betas": [np.nan]}, "betas"),
        ({"betas": []}, "betas"),
        ({"tol": 0.0}, "tol"),
        ({"method": "magic"}, "method"),
    ],
)
def test_bad_arguments(options, says):
    with pytest.raises(InputError, match=says):
        solve_path(patch_problem(0), **options)


def test_zero_targets_have_no_grid():
    problem = patch_problem(0)
    silent = Problem(problem.X, np.zeros(problem.n), architecture=problem.architecture, beta=0.1)
    with pytest.raises(InputError, match="every beta"):
        solve_path(silent)
    assert solve_path(silent, betas=[1.0]).objective.tolist() == [0.0]


@pytest.mark.parametrize("beta", [0.0, -1.0, np.inf])
def test_preview_refuses_bad_betas(path, beta):
    with pytest.raises(InputError, match="beta"):
        path.preview(beta)


def test_command_line(capsys):
    arguments = ["path", "--dataset", "talk", "--tol", "1e-7"]
    assert main([*arguments, "--points", "4", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert len(result["betas"]) == len(result["objective"]) == len(result["filters"]) == result["points_requested"] == 4
    assert result["betas"][0] == result["beta_max"]
    assert result["active_filters"][0] == 0
    assert max(result["relative_gap"]) <= 1e-7
    assert (result["status"], result["scope"], result["patterns"]) == ("optimal", "global", 4072)
    assert main([*arguments, "--betas", "4,0.25", "--refine", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["betas"] == [4.0, pytest.approx(1.0), 0.25]
    assert main([*arguments, "--betas", "1,0.5"]) == 0
    text = capsys.readouterr().out
    assert "2 of 2" in text
    assert "beta max" in text
    for option in ("--points", "--smallest"):
        assert main([*arguments, "--betas", "1,0.5", option, "0.5" if option == "--smallest" else "4"]) == 2
        assert re.search(rf"{option[2:]}: got .* beside betas, expected one of the two", capsys.readouterr().err)
