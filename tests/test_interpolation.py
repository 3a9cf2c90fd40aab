"""Least norm of networks that fit, or separate with a margin: values of other programs, and what cannot be fitted."""

import json

import cvxpy as cp
import numpy as np
import pytest
from architecture_cases import gaussian_problem
from few_cases import few

from convex_core import (
    InputError,
    Interrupted,
    Problem,
    Scope,
    Status,
    enumerate_patterns,
    load_model,
    minimum_norm,
    solve,
    solve_path,
)
from convex_core.cli import main
from convex_core.program import CellFactory

#: n = 6, K = 3, h = 2, seeds 0, 1, 2: found by other programs, to 1e-8
INTERPOLATION = (11.95249884, 5.85818656, 9.24222859)
MARGIN = (4.23356171, 3.74275966, 3.10618147)


def small(seed=0, n=6, K=3, h=2, **options):
    return gaussian_problem("two-layer", seed, n, K, h, beta=1.0, **options)


def labelled(problem):
    return Problem(problem.X, np.sign(problem.y), architecture=problem.architecture, beta=1.0)


@pytest.mark.parametrize("seed", range(3))
def test_least_norms_agree_with_other_programs(seed):
    fit = minimum_norm(small(seed), tol=1e-7)
    assert fit.norm == pytest.approx(INTERPOLATION[seed], abs=1e-7)
    assert fit.network.predict(small(seed).X) == pytest.approx(small(seed).y, abs=1e-12)
    apart = minimum_norm(labelled(small(seed)), margin=True, tol=1e-7)
    assert apart.norm == pytest.approx(MARGIN[seed], abs=1e-7)
    assert (labelled(small(seed)).y * apart.network.predict(small(seed).X)).min() >= 1.0 - 1e-12
    for found in (fit, apart):
        assert (found.status, found.solution.scope) == (Status.OPTIMAL, Scope.GLOBAL)
        assert found.lower_bound <= found.norm * (1 + 1e-12)
        assert found.norm == found.network.regulariser


def test_the_whole_program_in_cvxpy_has_that_value():
    problem = small(1, n=4, K=2)
    factory = CellFactory(problem.architecture, problem.patches)
    active = enumerate_patterns(problem.patches.reshape(-1, 2)).active()
    blocks = factory.blocks(np.concatenate([active, active]), np.repeat(np.array([1, -1], np.int8), len(active)))
    C = cp.Variable((len(blocks), 2))
    f = blocks.G.transpose(1, 0, 2).reshape(4, -1) @ cp.vec(C, order="C")
    cones = [(side[:, None] * blocks.rows) @ C[b] >= 0 for b, side in enumerate(blocks.sides)]
    value = cp.Problem(cp.Minimize(cp.sum(cp.norm(C, 2, axis=1))), [f == problem.y, *cones]).solve(solver=cp.CLARABEL)
    assert minimum_norm(problem, tol=1e-8).norm == pytest.approx(value, rel=1e-6)


def test_the_objective_over_beta_rises_to_it_whatever_the_loss():
    problem = small(2)
    least = minimum_norm(problem, tol=1e-7).norm
    for loss in ("squared", "absolute", "huber"):
        path = solve_path(problem.with_loss(loss), betas=[1.0, 0.1, 0.01, 1e-3])
        ratios = path.objective / path.betas
        assert np.all(np.diff(ratios) >= -1e-6 * least)
        assert ratios[-1] <= least * (1 + 1e-6)
    assert ratios[-1] == pytest.approx(least, rel=1e-2)


def test_biases_that_cost_nothing_lower_it():
    norms = []
    for bias in ("none", "output", "free"):
        problem = small(0)
        freed = Problem(problem.X, problem.y, filter_size=2, stride=2, bias=bias, beta=1.0)
        found = minimum_norm(freed, tol=1e-6)
        assert found.network.predict(problem.X) == pytest.approx(problem.y, abs=1e-9)
        norms.append(found.norm)
    assert norms == sorted(norms, reverse=True)


@pytest.mark.parametrize("name", ["linear", "flatten", "circular"])
def test_other_networks_and_degenerate_data(name):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((2, 4)), np.array([1.0, -2.0])
    stride = 1 if name == "circular" else 2
    found = minimum_norm(Problem(X, y, filter_size=2, stride=stride, architecture=name, beta=1.0))
    assert found.lower_bound <= found.norm * (1 + 1e-9)
    assert found.misfit < 1e-5
    one = minimum_norm(Problem([[3.0, 4.0, 0.0, 0.0]], [10.0], filter_size=2, stride=2, beta=1.0))
    assert (one.norm, one.network.m) == (pytest.approx(2.0), 1)
    zero = minimum_norm(Problem(X, [0.0, 0.0], filter_size=2, stride=2, beta=1.0))
    assert (zero.norm, zero.misfit, zero.status) == (0.0, 0.0, Status.OPTIMAL)


def test_what_cannot_be_fitted_says_so():
    twice = minimum_norm(Problem([[1.0, 2.0], [1.0, 2.0]], [1.0, 2.0], filter_size=2, beta=1.0))
    assert twice.status is Status.OUT_OF_REACH
    assert twice.misfit == pytest.approx(0.5, abs=0.5)
    assert twice.lower_bound > 1e8
    assert twice.relative_gap == np.inf
    nothing = minimum_norm(Problem(np.zeros((2, 2)), [1.0, 2.0], filter_size=2, beta=1.0))
    assert (nothing.status, nothing.misfit) == (Status.OUT_OF_REACH, 2.0)


@pytest.mark.parametrize("seed", few(range(3)))
def test_squares_of_filters_of_two_entries_span_three_dimensions_and_reach_no_six_targets(seed):
    squares = minimum_norm(small(seed, activation="quadratic"))
    assert squares.status is Status.OUT_OF_REACH
    assert squares.lower_bound > 1e6 * squares.norm
    design = np.einsum("kni,knj->nij", *2 * (small(seed).patches,)).reshape(6, 4)
    best = design @ np.linalg.lstsq(design, small(seed).y, rcond=None)[0]
    assert np.abs(best - small(seed).y).max() > 1e-2
    assert not squares.fits


def test_squares_that_can_fit_do_at_the_least_nuclear_norm():
    problem = small(0, n=3, K=3, h=3, activation="quadratic")
    found = minimum_norm(problem, tol=1e-7)
    Z = cp.Variable((3, 3), symmetric=True)
    sums = np.einsum("kni,knj->nij", problem.patches, problem.patches).reshape(3, 9)
    value = cp.Problem(cp.Minimize(cp.normNuc(Z)), [sums @ cp.vec(Z, order="C") == problem.y]).solve(solver=cp.CLARABEL)
    assert found.norm == pytest.approx(value, rel=1e-6)
    assert found.status is Status.OPTIMAL


@pytest.mark.slow
def test_where_the_program_is_only_a_bound_the_least_norm_has_its_word():
    X = np.random.default_rng(0).standard_normal((3, 2))
    cone, lifted = (
        minimum_norm(Problem.autoencoder(X, beta=1.0, output_norm="l2", relaxation=relaxation))
        for relaxation in ("cone", "lifted")
    )
    assert lifted.status is Status.OPTIMAL
    assert cone.fits
    assert cone.lower_bound <= lifted.norm * (1 + 1e-6)
    assert cone.norm >= lifted.lower_bound * (1 - 1e-6)
    assert cone.status is (Status.OPTIMAL if cone.relative_gap <= 1e-6 else Status.BOUND_REACHED)


def test_limits_and_bad_input():
    with pytest.raises(InputError, match="expected labels -1 and \\+1 only"):
        minimum_norm(small(), margin=True)
    with pytest.raises(InputError, match="tol"):
        minimum_norm(small(), tol=0.0)
    with pytest.raises(Interrupted):
        minimum_norm(small(), time_limit=1e-9)
    assert minimum_norm(small(), max_rounds=1).status in (Status.STALLED, Status.ITERATION_LIMIT)


@pytest.mark.slow
def test_it_says_itself_and_its_program(tmp_path, capsys):
    found = minimum_norm(small())
    assert "least norm" in found.summary()
    assert json.loads(json.dumps(found.to_dict()))["margin"] is False
    assert "absolute" in found.solution.to_script()
    model = tmp_path / "model.npz"
    assert main(["minimum-norm", "--dataset", "edge", "--out", str(model)]) == 0
    assert "least norm" in capsys.readouterr().out
    assert load_model(model).network.m > 0
    assert main(["minimum-norm", "--dataset", "edge", "--margin", "--bias", "free", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["status"] == "optimal"
    assert solve(found.solution.problem).status is Status.OPTIMAL
