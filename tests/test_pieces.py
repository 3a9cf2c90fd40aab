"""Pieces of cones with at most four facets, and non-negative factors of matrices of order at most four."""

import numpy as np
import pytest
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_core import Network, Problem, solve
from convex_core.arrangement import enumerate_patterns
from convex_core.arrangement.cells.geometry import cell_witness
from convex_core.arrangement.pieces import pieces_of
from convex_core.numerics.completely_positive import nonnegative_factor


@pytest.mark.parametrize(("N", "h"), [(1, 3), (2, 2), (6, 2), (9, 3), (6, 4)])
def test_every_direction_is_in_one_piece_of_its_own_cell_alone(N, h):
    rng = np.random.default_rng(N)
    rows = rng.standard_normal((N, h))
    U = rng.standard_normal((300, h))
    total = np.zeros(len(U), dtype=int)
    for active in enumerate_patterns(rows).active():
        cone = (2.0 * active - 1.0)[:, None] * rows
        inside = (U @ cone.T >= 0.0).all(axis=1)
        pieces = pieces_of(cone)
        assert max(map(len, pieces)) <= 4
        of = sum((U @ F.T >= 0.0).all(axis=1).astype(int) for F in pieces)
        assert (of[inside] == 1).all()
        total += of
    assert (total == 1).all()


@pytest.mark.parametrize("h", [3, 4])
def test_nearly_equal_rows_make_no_more_pieces_than_there_can_be(h):
    """Rounding alone would cut a cone again and again, or divide by nothing."""
    rng = np.random.default_rng(h)
    for _ in range(40):
        rows = np.repeat(rng.standard_normal((4, h)), 3, axis=0)
        rows = rows * np.exp(rng.standard_normal((len(rows), 1)))
        rows *= 1.0 + 10.0 ** rng.uniform(-16, -7) * rng.standard_normal(rows.shape)
        cone = np.where(rows @ rng.standard_normal(h) >= 0.0, 1.0, -1.0)[:, None] * rows
        with np.errstate(all="raise"):
            pieces = pieces_of(cone)
        assert 1 <= len(pieces) <= (len(rows) - 2) ** (h - 2)
        inside = rng.standard_normal((2000, h))
        inside = inside[(inside @ cone.T >= 0.0).all(axis=1)]
        assert np.logical_or.reduce([(inside @ F.T >= -1e-6).all(axis=1) for F in pieces]).all()


def test_lifted_problems_with_nearly_equal_samples_are_solved():
    """The number of a piece had more bits than were foreseen, or a row was divided by its length of nothing."""
    x = np.array([-0.30524094, -0.41935718, -0.9321008])
    for X in (
        np.array([x, 2.0 * x, -x * (1.0 + 2e-9), x * np.array([1.0, 1.00000005, 1.00000001])]),
        np.array([[-0.6168827682858543, 2.121687704427523, -0.6649608554550445],
                  [0.30844135152955715, -1.0608436824077043, 0.33248042821269136],
                  [-0.030844140591814794, 0.10608435504949111, -0.03324804713616072]]),
    ):  # fmt: skip
        Y = np.random.default_rng(0).standard_normal((len(X), 2))
        problem = Problem(X, Y, filter_size=3, outputs=2, output_norm="l2", relaxation="lifted", beta=0.05)
        solution = solve(problem)
        assert solution.lower_bound <= solution.objective <= problem.objective(Network.zero(problem.architecture))


def test_cones_with_at_most_four_facets_stay_whole():
    rows = np.random.default_rng(0).standard_normal((12, 3))
    counts = [len(pieces_of((2.0 * active - 1.0)[:, None] * rows)) for active in enumerate_patterns(rows).active()]
    assert 1 in counts
    assert max(counts) > 1


@pytest.mark.parametrize(
    ("seed", "off"),
    few([(0, 1e-8), (1, 1e-9), (2, 1e-8), (0, 1e-9), (2, 1e-9), (0, 1e-7), (1, 1e-7), (2, 1e-7), (1, 1e-8)]),
)
def test_cells_between_rows_that_are_nearly_parallel_are_covered_by_no_more_pieces_than_others(seed, off):
    """In such cells, thinner than the tolerances, facets and rays are not found: a piece was cut again and again."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((3, 3))
    rows = np.vstack([first, *(first * (1.0 + off * rng.standard_normal((3, 3))) for _ in range(3))])
    for active in enumerate_patterns(rows).active():
        cone = (2.0 * active - 1.0)[:, None] * rows
        pieces = pieces_of(cone)
        assert len(pieces) <= len(rows) - 2
        assert max(map(len, pieces)) <= 4
        inside = cell_witness(cone / np.linalg.norm(cone, axis=1, keepdims=True))[0]
        assert any((F @ inside >= -1e-12).all() for F in pieces)


@pytest.mark.parametrize("turn", few(range(3)))
def test_the_order_does_not_depend_on_the_rows_that_bound_nothing(turn):
    """A script finds the pieces again from rows in its own order."""
    rng = np.random.default_rng(turn)
    rows = rng.standard_normal((10, 3))
    for active in enumerate_patterns(rows).active():
        cone = (2.0 * active - 1.0)[:, None] * rows
        other = np.vstack([cone, 2.0 * cone[:2], np.zeros((1, 3))])[rng.permutation(13)]
        for F, G in zip(pieces_of(cone), pieces_of(other), strict=True):
            assert pytest.approx(G, abs=1e-9) == F


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 4), r=st.integers(1, 4), digits=st.sampled_from([0, 1, 16]))
def test_what_is_semidefinite_and_has_no_negative_entry_has_a_nonnegative_factor(seed, m, r, digits):
    rng = np.random.default_rng(seed)
    V = rng.standard_normal((r, m)).round(digits)
    while (V.T @ V).min() < 0.0:
        V = (rng.standard_normal((r, m)) + rng.exponential() * np.ones((r, 1))).round(digits)
    N = V.T @ V
    B = nonnegative_factor(N)
    assert B.min(initial=0.0) >= 0.0
    assert pytest.approx(N, abs=1e-12 * max(1.0, N.max())) == B @ B.T


def test_the_cone_over_a_square_has_no_triangular_factor_but_a_nonnegative_one():
    for shift in (0.0, 1e-12, 1e-6, 0.1):
        N = np.array([[2.0, 0, 1, 1], [0, 2, 1, 1], [1, 1, 2, 0], [1, 1, 0, 2]]) + shift
        B = nonnegative_factor(N)
        assert B.min() >= 0.0
        assert pytest.approx(N, abs=1e-12) == B @ B.T
