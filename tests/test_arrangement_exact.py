"""The exact counter by deletion and restriction."""

from __future__ import annotations

import math

import numpy as np
import pytest
from arrangement_cases import KNOWN, braid

from convex_core.arrangement import characteristic_polynomial, count_patterns, exact_count
from convex_core.arrangement.zero_tests import ZeroTests, certify_count
from convex_core.errors import Interrupted, SizeError
from convex_core.progress import Budget


def test_braid_polynomial_is_a_falling_factorial():
    # chi of the braid arrangement in R^4 is t (t-1) (t-2) (t-3)
    assert characteristic_polynomial(braid(4).tolist()) == [1, -6, 11, -6, 0]


def test_boolean_polynomial_is_binomial():
    polynomial = characteristic_polynomial(np.eye(5, dtype=int).tolist())
    assert polynomial == [(-1) ** t * math.comb(5, t) for t in range(6)]


@pytest.mark.parametrize("name", [name for name, (_, cells) in KNOWN.items() if cells <= 12_000])
def test_known_counts(name):
    rows, cells = KNOWN[name]
    assert exact_count(rows.tolist()) == cells


def test_degenerate_rows():
    assert characteristic_polynomial([[0, 0]]) == [1, 0, 0]
    assert exact_count([[0, 0], [2, 4], [-1, -2]]) == 2
    assert characteristic_polynomial([[3]]) == [1, -1]
    assert exact_count([]) == 1


def test_huge_integers():
    big = 10**40
    assert exact_count([[big, big + 1], [big + 1, big + 2], [1, 0]]) == 6


def test_gives_up():
    rows = np.random.default_rng(0).integers(-9, 10, size=(30, 8)).tolist()
    with pytest.raises(SizeError):
        exact_count(rows, max_restrictions=100)


def test_time_limit():
    rows = np.random.default_rng(0).integers(-9, 10, size=(40, 9))
    with pytest.raises(Interrupted):
        exact_count(rows.tolist(), time_limit=0.05)
    certified, reason = certify_count(rows, 40, 10, ZeroTests(0.5, 10.0), Budget(time_limit=0.05))
    assert not certified
    assert "stopped: time limit" in reason


@pytest.mark.slow
def test_random_integer_arrangements_match_the_enumeration():
    rng = np.random.default_rng(11)
    for _ in range(1000):
        n, h = rng.integers(1, 12), rng.integers(1, 6)
        rows = rng.integers(-1, 2, size=(n, h))
        counted = count_patterns(rows)
        assert (counted.patterns, counted.certified) == (exact_count(rows.tolist()), True)
