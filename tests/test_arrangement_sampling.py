"""Random sign patterns: uniform over cells, Gaussian, both valid patterns."""

from __future__ import annotations

import numpy as np
import pytest
from arrangement_cases import braid, threshold
from scipy.stats import chisquare

from convex_core.arrangement import enumerate_patterns, sample_patterns
from convex_core.errors import InputError

CASES = {
    "gaussian (8, 3)": np.random.default_rng(0).standard_normal((8, 3)),
    "gaussian (6, 6)": np.random.default_rng(1).standard_normal((6, 6)),
    "threshold 3": threshold(3),
    "A3": braid(4),
    "parallel, zero": np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]),
    "one row": np.array([[2.0, -1.0, 0.0]]),
}


@pytest.mark.parametrize("name", CASES)
def test_uniform_over_cells(name):
    rows = CASES[name]
    cells = {row.tobytes(): i for i, row in enumerate(enumerate_patterns(rows).active())}
    draws = sample_patterns(rows, 200 * len(cells), seed=5)
    index = [cells[row.tobytes()] for row in draws.active()]  # KeyError: not a cell
    observed = np.bincount(index, minlength=len(cells))
    assert chisquare(observed).pvalue > 1e-3
    assert draws.certified


def test_small_cells_are_seen():
    # the sector between the two nearly parallel lines has 1e-6 of the circle
    rows = np.array([[1.0, 0.0], [1.0, 1e-6], [0.0, 1.0]])
    assert len(sample_patterns(rows, 500).distinct()) == 6
    assert len(sample_patterns(rows, 500, method="gaussian").distinct()) == 4


def test_gaussian_patterns_are_cells():
    rows = threshold(3)
    cells = {row.tobytes() for row in enumerate_patterns(rows).active()}
    draws = sample_patterns(rows, 2000, method="gaussian", seed=1)
    assert {row.tobytes() for row in draws.active()} <= cells
    assert draws.acceptance == 1.0


def test_large_instance_gives_realised_patterns():
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((500, 4))
    draws = sample_patterns(rows, 300, seed=2)
    assert draws.acceptance == 1.0
    assert len(draws.distinct()) == 300
    # any three rows of a cell restrict to a cell of those three: all 8 in general position
    assert len(np.unique(draws.active()[:, :3], axis=0)) == 8


def test_acceptance_estimates_the_share_of_the_bound():
    rows = threshold(4)
    arrangement = enumerate_patterns(rows)
    draws = sample_patterns(rows, 20_000, seed=7)
    assert draws.acceptance == pytest.approx(arrangement.count / arrangement.closed_form, rel=0.05)


def test_near_degenerate_draws_are_not_certified():
    rows = threshold(3) + 1e-13 * np.random.default_rng(0).standard_normal((8, 4))
    assert not sample_patterns(rows, 2000).certified
    assert sample_patterns(threshold(6), 500).certified


def test_nearly_degenerate_rows_of_higher_rank():
    # ten hyperplanes of rank 4, moved to general position in rank 5 by 1e-8
    rows = braid(5) + 1e-8 * np.random.default_rng(0).standard_normal((10, 5))
    draws = sample_patterns(rows, 20_000)
    assert not draws.certified or len(draws.distinct()) == 512


@pytest.mark.parametrize("mixed", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_ascent_ends_in_cells(name, mixed):
    rows = CASES[name]
    v = np.random.default_rng(4).standard_normal(len(rows))
    v = v if mixed else np.abs(v)
    cells = {row.tobytes() for row in enumerate_patterns(rows).active()}
    active = sample_patterns(rows, 200, method="ascent", v=v, seed=3).active()
    assert {row.tobytes() for row in active} <= cells
    g = (active * v) @ rows
    if not mixed:  # the next step stays in the cell, up to rows that it ends on
        assert (((g @ rows.T > 0) == active) | (np.abs(g @ rows.T) < 1e-9)).all()


def test_ascent_improves_on_its_start():
    rows = np.random.default_rng(6).standard_normal((60, 4))
    v = np.abs(np.random.default_rng(7).standard_normal(60))
    values = {}
    for method in ("gaussian", "ascent"):
        draws = sample_patterns(rows, 100, method=method, seed=1, v=v if method == "ascent" else None)
        values[method] = np.linalg.norm((draws.active() * v) @ rows, axis=1)
    # same seed, same starts; with v >= 0 the sum of v_i (rows_i . u)_+ never falls, and at the end it is ||g||
    assert (values["ascent"] >= values["gaussian"] - 1e-9).all()
    assert values["ascent"].mean() > 1.1 * values["gaussian"].mean()


def test_ascent_without_weights_varies():
    rows = np.random.default_rng(8).standard_normal((20, 3))
    draws = sample_patterns(rows, 400, method="ascent")
    assert len(draws.distinct()) > 50
    assert 0 < draws.share_seen(enumerate_patterns(rows).count) < 1


def test_seeds_and_distinct():
    rows = threshold(3)
    first, again, other = (sample_patterns(rows, 64, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.bits, again.bits)
    assert not np.array_equal(first.bits, other.bits)
    distinct = first.distinct()
    assert len(np.unique(distinct.bits, axis=0)) == len(distinct) <= len(first) == 64


def test_zero_rows_only():
    for method in ("uniform", "gaussian", "ascent"):
        draws = sample_patterns(np.zeros((2, 3)), 4, method=method)
        assert draws.active().tolist() == [[True, True]] * 4


def test_bad_input():
    with pytest.raises(InputError, match="method"):
        sample_patterns([[1.0]], 3, method="sobol")
    for options in ({"v": [1.0]}, {"v": [1.0, 2.0], "method": "ascent"}):
        with pytest.raises(InputError, match="v: got"):
            sample_patterns([[1.0]], 3, **options)
    with pytest.raises(InputError, match="m: got 0"):
        sample_patterns([[1.0]], 0)
