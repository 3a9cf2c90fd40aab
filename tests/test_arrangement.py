"""Enumeration and counts: known families, degenerate input, both engines, guards and certificates."""

from __future__ import annotations

import itertools
import threading
from fractions import Fraction

import numpy as np
import pytest
from arrangement_cases import KNOWN, acyclic_orientations, braid, graphic, resonance, threshold
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linprog

from convex_core.arrangement import (
    Arrangement,
    closed_form,
    count_patterns,
    enumerate_patterns,
    exact_count,
    polynomial_bound,
    warm_up,
)
from convex_core.arrangement.engines import enumerate_half
from convex_core.arrangement.rows import prepare_rows
from convex_core.arrangement.zero_tests import ZeroTests, certify_count
from convex_core.errors import BackendError, InputError, Interrupted, SizeError
from convex_core.numerics.jit import have_numba
from convex_core.status import Status

ENGINES = [
    pytest.param("numba", marks=pytest.mark.skipif(not have_numba(), reason="numba is not installed")),
    "numpy",
]


def pattern_set(arrangement: Arrangement) -> set[bytes]:
    return {row.tobytes() for row in arrangement.signs()}


def realisable(rows: np.ndarray, signs: np.ndarray) -> bool:
    """Whether some u has row_i . u >= 1 after multiplication by the signs; zero rows are ignored."""
    live = signs != 0
    scale = np.linalg.norm(rows[live], axis=1, keepdims=True)
    oriented = signs[live, None] * rows[live] / scale
    free = [(None, None)] * rows.shape[1]
    result = linprog(np.zeros(rows.shape[1]), A_ub=-oriented, b_ub=-np.ones(len(oriented)), bounds=free)
    return result.status == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", KNOWN)
def test_known_counts(name, engine):
    rows, cells = KNOWN[name]
    if engine == "numpy" and cells > 20_000:
        pytest.skip("covered by the compiled engine")
    counted = count_patterns(rows, engine=engine)
    arrangement = enumerate_patterns(rows, engine=engine)
    assert counted.patterns == arrangement.count == cells
    assert counted.certified
    assert arrangement.certified
    assert len(np.unique(arrangement.bits, axis=0)) == cells // 2


@pytest.mark.slow
@pytest.mark.skipif(not have_numba(), reason="about a minute without numba")
@pytest.mark.parametrize(("rows", "cells"), [(resonance(6), 1_066_044), (threshold(6), 15_028_134)])
def test_large_families_counted(rows, cells):
    counted = count_patterns(rows)
    assert (counted.patterns, counted.certified) == (cells, True)


GRAPHS = {
    "path": (5, [(0, 1), (1, 2), (2, 3), (3, 4)]),
    "cycle": (5, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)]),
    "K4 minus an edge": (4, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]),
    "two triangles": (6, [(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3)]),
    "wheel": (5, [(0, 1), (1, 2), (2, 3), (3, 0), (4, 0), (4, 1), (4, 2), (4, 3)]),
    "K33": (6, [(a, b) for a in range(3) for b in range(3, 6)]),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_acyclic_orientations(name):
    vertices, edges = GRAPHS[name]
    assert enumerate_patterns(graphic(vertices, edges)).count == acyclic_orientations(vertices, edges)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("n", "h"), [(1, 1), (1, 3), (2, 2), (7, 1), (9, 2), (4, 6), (12, 3), (10, 4), (12, 10)])
def test_general_position(n, h, engine):
    rows = np.random.default_rng([n, h]).standard_normal((n, h))
    arrangement = enumerate_patterns(rows, engine=engine)
    merged = 1 if h == 1 else n
    assert arrangement.count == closed_form(merged, min(n, h)) == count_patterns(rows, engine=engine).patterns
    assert arrangement.certified
    assert len(pattern_set(arrangement)) == arrangement.count


@pytest.mark.slow
@pytest.mark.skipif(not have_numba(), reason="several seconds without numba")
@pytest.mark.parametrize(
    ("n", "h", "cells"), [(30, 4, 8_180), (24, 6, 89_104), (30, 6, 293_192), (20, 10, 524_288), (1000, 3, 999_002)]
)
def test_large_general_position(n, h, cells):
    arrangement = enumerate_patterns(np.random.default_rng(0).standard_normal((n, h)))
    assert (arrangement.count, arrangement.certified) == (cells, True)
    words = [np.ascontiguousarray(word) for word in arrangement.bits.T]
    order = np.lexsort(words)
    assert np.any([word[order][1:] != word[order][:-1] for word in words], axis=0).all()


def test_general_position_beyond_one_word():
    rows = np.random.default_rng(3).standard_normal((200, 3))
    arrangement = enumerate_patterns(rows)
    assert arrangement.bits.shape == (closed_form(200, 3) // 2, 4)
    assert len(np.unique(arrangement.bits, axis=0)) == len(arrangement.bits)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["threshold 3", "resonance 3", "A3", "B3", "D3"])
def test_every_cell_is_realisable(name):
    rows, _ = KNOWN[name]
    for signs in enumerate_patterns(rows).signs():
        assert realisable(rows, signs)


@pytest.mark.parametrize(
    "rows",
    [np.random.default_rng(0).standard_normal((40, 5)), threshold(5), resonance(5), braid(7)],
    ids=["gaussian", "threshold 5", "resonance 5", "A6"],
)
def test_random_cells_are_realisable(rows):
    arrangement = enumerate_patterns(rows)
    for p in np.random.default_rng(1).integers(arrangement.count, size=25):
        assert realisable(rows, arrangement.signs(p, p + 1)[0])


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_integer_rows_match_exact_counter(engine, data):
    h = data.draw(st.integers(1, 4))
    n = data.draw(st.integers(1, 9))
    rows = data.draw(arrays(np.int64, (n, h), elements=st.integers(-2, 2)))
    arrangement = enumerate_patterns(rows, engine=engine)
    assert arrangement.count == count_patterns(rows, engine=engine).patterns == exact_count(rows.tolist())
    assert arrangement.certified
    assert len(pattern_set(arrangement)) == arrangement.count
    u = np.random.default_rng(0).standard_normal((20, h))
    assert {s.tobytes() for s in np.sign(u @ rows.T).astype(np.int8)} <= pattern_set(arrangement)


def near_pairs(count):
    rows = np.repeat(np.random.default_rng(9).standard_normal((count, 3)), 2, axis=0)
    return rows + 1e-7 * np.random.default_rng(10).standard_normal(rows.shape)


@pytest.mark.skipif(not have_numba(), reason="compares the two engines")
@pytest.mark.parametrize(
    "rows",
    [
        threshold(4),
        resonance(4),
        braid(6),
        np.random.default_rng(5).standard_normal((70, 3)),
        np.random.default_rng(6).integers(-6, 7, size=(120, 3)),
        np.random.default_rng(7).integers(-9, 10, size=(250, 2)),
        # 64 hyperplanes and 276,472 cells: the plain engine takes a second
        pytest.param(np.random.default_rng(8).integers(-1, 2, size=(100, 5)), marks=pytest.mark.slow),
        np.random.default_rng(8).integers(-1, 2, size=(40, 5)),
        near_pairs(30),
        pytest.param(near_pairs(100), marks=pytest.mark.slow),
    ],
    ids=["threshold 4", "resonance 4", "A5", "gaussian (70, 3)", "integer (120, 3)", "integer (250, 2)",
         "integer (100, 5)", "integer (40, 5)", "near pairs (60, 3)", "near pairs (200, 3)"],
)  # fmt: skip
def test_engines_agree(rows):
    compiled, plain = (enumerate_patterns(rows, engine=engine) for engine in ("numba", "numpy"))
    assert compiled.certified
    assert plain.certified
    assert {r.tobytes() for r in compiled.bits} == {r.tobytes() for r in plain.bits}


@pytest.mark.parametrize("seed", range(6))
def test_doubtful_rows_are_counted_about_as_they_are_listed(seed):
    # where zero and nonzero cannot be told apart, numbers at the very edge may be read either way, but no others
    rng = np.random.default_rng(seed)
    rows = rng.integers(-2, 3, size=(140, 3)) + 1e-13 * rng.standard_normal((140, 3))
    arrangement = enumerate_patterns(rows)
    assert count_patterns(rows).patterns == pytest.approx(arrangement.count, rel=1e-2)
    assert not arrangement.certified


@pytest.mark.skipif(not have_numba(), reason="the kernel writes to room given to it")
def test_a_list_stays_in_its_room():
    prepared = prepare_rows(np.random.default_rng(0).standard_normal((90, 3)))
    counted = enumerate_half(prepared, fill=False, limit=10**6)
    assert counted.sizes is not None
    assert enumerate_half(prepared, fill=True, limit=10**6, sizes=counted.sizes).count == counted.count
    short = enumerate_half(prepared, fill=True, limit=10**6, sizes=[size - 1 for size in counted.sizes])
    assert short.count == counted.count - len(counted.sizes)


def test_seed_changes_order_not_set():
    first, second = (enumerate_patterns(threshold(4), seed=seed) for seed in (0, 1))
    assert pattern_set(first) == pattern_set(second)


def test_zero_parallel_and_repeated_rows():
    rows = np.array([[0.0, 0.0], [1.0, 2.0], [-3.0, -6.0], [0.5, 1.0], [1.0, 0.0], [0.0, 0.0]])
    arrangement = enumerate_patterns(rows)
    assert (arrangement.count, arrangement.rank, len(arrangement.merged.rows)) == (4, 2, 2)
    signs, active = arrangement.signs(), arrangement.active()
    assert np.array_equal(signs[:, 1], -signs[:, 2])
    assert np.array_equal(signs[:, 1], signs[:, 3])
    assert not signs[:, [0, 5]].any()
    assert active[:, [0, 5]].all()
    assert np.array_equal(active[:, 1:5], signs[:, 1:5] > 0)


def test_merged_rows_are_the_original_hyperplanes():
    rows = np.random.default_rng(2).integers(-2, 3, size=(60, 3)).astype(float)
    merged = enumerate_patterns(rows).merged
    rebuilt = np.linalg.norm(rows, axis=1)[:, None] * merged.sign[:, None] * merged.rows[merged.index]
    np.testing.assert_allclose(rebuilt, rows, atol=1e-14)


@pytest.mark.parametrize("engine", ENGINES)
def test_only_zero_rows_have_one_pattern(engine):
    arrangement = enumerate_patterns(np.zeros((3, 2)), engine=engine)
    assert (arrangement.count, arrangement.rank, arrangement.certified) == (1, 0, True)
    assert arrangement.active().tolist() == [[True, True, True]]
    assert arrangement.signs().tolist() == [[0, 0, 0]]
    assert count_patterns(np.zeros((3, 2)), engine=engine).patterns == 1


def test_rank_deficient_rows():
    rng = np.random.default_rng(4)
    rows = rng.standard_normal((15, 3)) @ rng.standard_normal((3, 7))
    arrangement = enumerate_patterns(rows)
    assert (arrangement.rank, arrangement.count, arrangement.certified) == (3, closed_form(15, 3), True)


def test_antipodes_and_slices():
    arrangement = enumerate_patterns(threshold(3))
    signs = arrangement.signs()
    half = arrangement.count // 2
    assert np.array_equal(signs[half:], -signs[:half])
    assert np.array_equal(arrangement.signs(half - 3, half + 5), signs[half - 3 : half + 5])
    assert np.array_equal(np.vstack([active for _, active in arrangement.chunks(17)]), arrangement.active())
    assert [start for start, _ in arrangement.chunks(50)] == [0, 50, 100]
    assert len(arrangement) == arrangement.count
    with pytest.raises(ValueError, match="read-only"):
        arrangement.bits[0, 0] = 1


def test_rows_of_very_different_sizes():
    rows = np.random.default_rng(6).standard_normal((12, 3))
    scaled = rows * 10.0 ** np.linspace(-5, 5, 12)[:, None]
    assert pattern_set(enumerate_patterns(scaled)) == pattern_set(enumerate_patterns(rows))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("noise", [1e-9, 1e-11, 1e-12, 1e-13, 1e-14])
def test_near_degenerate_is_not_certified(noise, engine):
    rows = threshold(4) + noise * np.random.default_rng(1).standard_normal((16, 5))
    for result in (enumerate_patterns(rows, engine=engine), count_patterns(rows, engine=engine)):
        assert not result.certified
        assert "no clear gap" in result.certified_reason


@pytest.mark.parametrize(
    "family", [threshold(3), braid(5), np.repeat(threshold(2), 2, axis=0)], ids=["T3", "A4", "twice"]
)
def test_certified_only_when_right(family):
    for seed, noise in itertools.product(range(3), (1e-9, 1e-8, 1e-7, 1e-6, 1e-5)):
        rows = family + noise * np.random.default_rng(seed).standard_normal(family.shape)
        exact = exact_count([[int(Fraction(x) * 2**140) for x in row] for row in rows.tolist()])
        for found in (count_patterns(rows), enumerate_patterns(rows)):
            assert not found.certified or len_of(found) == exact


def len_of(found):
    return found.count if isinstance(found, Arrangement) else found.patterns


def test_large_noise_is_general_position():
    rows = threshold(4) + 1e-5 * np.random.default_rng(1).standard_normal((16, 5))
    arrangement = enumerate_patterns(rows)
    assert (arrangement.count, arrangement.certified) == (closed_form(16, 5), True)


def test_exact_arithmetic_overrules_floats():
    # 3 distinct lines, two of which agree to 1 part in 10^18
    rows = np.array([[10**9, 10**9 + 1], [10**9 + 1, 10**9 + 2], [1, 0]])
    counted = count_patterns(rows)
    assert (exact_count(rows.tolist()), counted.patterns) == (6, 4)
    assert not counted.certified
    assert "exact integer arithmetic gives 6 patterns" in counted.certified_reason


def test_exact_arithmetic_confirms_doubtful_floats():
    # the two first lines are 6e-14 apart, too close for a float to be sure
    rows = np.array([[3 * 10**6, 3 * 10**6 + 1], [3 * 10**6 + 1, 3 * 10**6 + 2], [1, 0]])
    counted = count_patterns(rows)
    assert (counted.patterns, counted.certified) == (6, True)
    assert "exact integer arithmetic gives the same count" in counted.certified_reason


@pytest.mark.parametrize(
    ("scale", "kind"), [(1, "integer"), (1 / 7, "rational"), (2**0.5, None)], ids=["integers", "sevenths", "irrational"]
)
def test_exact_arithmetic_by_kind_of_rows(scale, kind):
    rows = np.array([[2500, 2501, 0], [2501, 2502, 0], [1, 0, 0], [0, 0, 1]]) * scale
    certified, reason = certify_count(rows, 4, 12, ZeroTests(0.5, 10.0))
    assert certified == (kind is not None)
    assert "no clear gap" in reason
    if kind is not None:
        assert f"exact {kind} arithmetic gives the same count" in reason
    assert not certify_count(rows, 4, 14, ZeroTests(0.5, 10.0))[0]


@pytest.mark.slow
def test_exact_arithmetic_too_long():
    rows = np.random.default_rng(0).integers(-9, 10, size=(40, 9))
    certified, reason = certify_count(rows, 40, 10, ZeroTests(0.5, 10.0))
    assert not certified
    assert "would take too long" in reason


def test_warm_up_is_harmless():
    warm_up()
    warm_up()


def test_closed_form_values():
    assert closed_form(12, 10) == 4072
    assert closed_form(4752, 3) == 22_576_754
    assert [closed_form(n, n) for n in range(5)] == [1, 2, 4, 8, 16]
    assert closed_form(5, 0) == 1


@pytest.mark.parametrize(("n", "K", "r"), [(6, 2, 10), (99, 48, 3), (5, 1, 4), (2, 1, 3), (1, 1, 1)])
def test_polynomial_bound_bounds_the_closed_form(n, K, r):
    assert polynomial_bound(n, K, r) >= closed_form(n * K, r)


def test_guard_predicts_before_memory():
    rows = np.random.default_rng(0).standard_normal((2000, 30))
    with pytest.raises(SizeError) as caught:
        enumerate_patterns(rows, max_patterns=10_000)
    assert caught.value.predicted == closed_form(2000, 30)
    assert caught.value.limit == 10_000
    assert "\n" not in str(caught.value)
    with pytest.raises(SizeError):
        enumerate_patterns(rows[:, :3], max_bytes=100_000)
    with pytest.raises(SizeError):
        count_patterns(rows, max_patterns=1000)


@pytest.mark.parametrize("engine", ENGINES)
def test_guard_uses_the_count_where_the_bound_is_loose(engine):
    assert closed_form(16, 5) > 1882
    assert enumerate_patterns(threshold(4), max_patterns=1882, engine=engine).count == 1882
    with pytest.raises(SizeError):
        enumerate_patterns(threshold(4), max_patterns=1880, engine=engine)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_budget_stops(engine):
    cancel = threading.Event()
    cancel.set()
    rows = np.random.default_rng(0).standard_normal((60, 12))
    with pytest.raises(Interrupted) as caught:
        count_patterns(rows, cancel=cancel, engine=engine)
    assert caught.value.status is Status.CANCELLED
    with pytest.raises(Interrupted) as caught:
        count_patterns(rows, time_limit=0.2, engine=engine)
    assert caught.value.status is Status.TIME_LIMIT
    huge = np.random.default_rng(0).standard_normal((500, 30))  # more patterns than an int64 counts
    with pytest.raises(Interrupted):
        count_patterns(huge, time_limit=0.2, engine=engine)


def test_progress_is_reported():
    seen = []
    count_patterns(np.random.default_rng(0).standard_normal((25, 6)), progress=seen.append)
    if have_numba():
        assert seen
        assert seen[-1].fraction == pytest.approx(1.0)
        assert all(report.stage == "patterns" for report in seen)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([[1.0, np.nan]], "rows: got 1 NaN"),
        ([1.0, 2.0], "rows: got an array of shape"),
        (np.zeros((0, 3)), "rows: got an empty array"),
        ([["a"]], "rows: got"),
    ],
)
def test_bad_rows(rows, match):
    with pytest.raises(InputError, match=match):
        enumerate_patterns(rows)
    with pytest.raises(InputError, match=match):
        count_patterns(rows)


def test_bad_options():
    with pytest.raises(InputError, match="engine"):
        enumerate_patterns([[1.0]], engine="fortran")
    with pytest.raises(InputError, match="max_patterns"):
        enumerate_patterns([[1.0]], max_patterns=0)


def test_missing_numba(monkeypatch):
    monkeypatch.setattr("convex_core.arrangement.engines.have_numba", lambda: False)
    assert enumerate_patterns(threshold(3)).count == 104
    with pytest.raises(BackendError, match="numba"):
        enumerate_patterns(threshold(3), engine="numba")
