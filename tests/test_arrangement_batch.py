"""Interior points and facets of many cells at once, from their signs."""

from __future__ import annotations

import numpy as np
import pytest
from arrangement_cases import braid, resonance, threshold, type_b
from scipy.optimize import linprog

from convex_core.arrangement import cell_facets, cell_witnesses, enumerate_patterns, sample_patterns
from convex_core.arrangement.cells.geometry import cell_witness
from convex_core.errors import InputError

CASES = {
    "gaussian (12, 3)": np.random.default_rng(0).standard_normal((12, 3)),
    "gaussian (9, 5)": np.random.default_rng(1).standard_normal((9, 5)),
    "gaussian (70, 2)": np.random.default_rng(2).standard_normal((70, 2)),
    "rank 2 in R^5": np.random.default_rng(3).standard_normal((8, 2))
    @ np.random.default_rng(4).standard_normal((2, 5)),
    "threshold 3": threshold(3).astype(float),
    "resonance 4": resonance(4).astype(float),
    "A3": braid(4).astype(float),
    "B3": type_b(3).astype(float),
    "one row": np.array([[2.0, -1.0, 0.0]]),
}


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def redundant(normals: np.ndarray, j: int) -> bool:
    """Whether normals_j . u >= 0 follows from the other constraints, by a linear program over a box."""
    others = np.delete(normals, j, axis=0)
    lp = linprog(normals[j], A_ub=-others, b_ub=np.zeros(len(others)), bounds=[(-1, 1)] * normals.shape[1])
    return lp.fun > -1e-7


@pytest.mark.parametrize("name", CASES)
def test_facets_are_those_found_by_neighbours(name):
    rows = CASES[name]
    arrangement = enumerate_patterns(rows)
    facets = arrangement.facets()
    expected = np.zeros((arrangement.count, len(rows)), dtype=bool)
    expected[np.repeat(np.arange(arrangement.count), np.diff(facets.offsets)), facets.rows] = True
    assert np.array_equal(cell_facets(rows, arrangement.signs()), expected)


@pytest.mark.parametrize("name", CASES)
def test_witnesses_are_inside_with_the_largest_margin(name):
    rows = CASES[name]
    arrangement = enumerate_patterns(rows)
    found = arrangement.witnesses()
    signs = arrangement.signs()
    distances = signs * (found.points @ unit(rows).T)
    np.testing.assert_allclose(np.linalg.norm(found.points, axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(distances.min(axis=1), found.margins, rtol=1e-9)
    assert (found.margins > 0).all()
    for p in range(0, arrangement.count, max(1, arrangement.count // 20)):
        assert found.margins[p] == pytest.approx(cell_witness(signs[p, :, None] * unit(rows))[1], rel=1e-9)
    part = arrangement.witnesses(3, 5)
    assert np.array_equal(part.points, found.points[3:5])


@pytest.mark.slow
def test_facets_of_sampled_cells_are_irredundant_and_complete():
    rows = np.random.default_rng(5).standard_normal((40, 5))
    signs = np.where(sample_patterns(rows, 6, seed=1).active(), 1, -1)
    for s, facet in zip(signs, cell_facets(rows, signs), strict=True):
        normals = s[:, None] * unit(rows)
        needed = np.flatnonzero(facet)
        for j in range(len(needed)):
            assert not redundant(normals[needed], j)
        for j in np.flatnonzero(~facet):
            assert redundant(normals[np.append(needed, j)], len(needed))


def test_small_cells_of_many_rows():
    rows = np.random.default_rng(0).standard_normal((120, 3))
    arrangement = enumerate_patterns(rows)
    witnesses = arrangement.witnesses()
    assert witnesses.margins.min() < 1e-4
    assert (witnesses.margins > 0).all()
    chosen = np.argsort(witnesses.margins)[:200]
    facets = arrangement.facets(chosen)
    expected = np.zeros((200, len(rows)), dtype=bool)
    expected[np.repeat(np.arange(200), np.diff(facets.offsets)), facets.rows] = True
    assert np.array_equal(cell_facets(rows, arrangement.signs()[chosen]), expected)


def test_zero_signs_zero_rows_and_parallel_rows():
    rows = [[1.0, 0.0], [0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    facets = cell_facets(rows, [[1, 0, 1, 1, 1], [1, 1, 1, 0, -1]])
    assert facets[:, [0, 2]].sum(axis=1).tolist() == [1, 1]
    assert facets[:, [1, 3, 4]].tolist() == [[False, True, False], [False, False, True]]
    nothing = cell_witnesses(np.zeros((2, 3)), [[1, -1]])
    assert nothing.margins.tolist() == [np.inf]
    assert not cell_facets(np.zeros((2, 3)), [[1, -1]]).any()
    assert enumerate_patterns(np.zeros((2, 3))).witnesses().margins.tolist() == [np.inf]


def test_thin_cells():
    for width in (1e-4, 1e-8, 1e-11):
        rows = np.array([[1.0, 0.0, 0.0], [-1.0, width, 0.0], [0.0, 0.0, 1.0], [0.3, 1.0, 0.2]])
        found = cell_witnesses(rows, np.ones((1, 4)))
        assert found.margins[0] == pytest.approx(0.5 * width, rel=1e-3)
        assert cell_facets(rows, np.ones((1, 4)))[0, :3].all()


def test_signs_of_no_cell():
    rows = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    assert not cell_witnesses(rows, [[1, 1, -1]]).margins[0] > 0
    with pytest.raises(InputError, match="signs: got row 1 without"):
        cell_facets(rows, [[1, 1, 1], [1, 1, -1]])


def test_without_numba(monkeypatch):
    rows = CASES["gaussian (9, 5)"]
    signs = enumerate_patterns(rows).signs(0, 6)
    compiled = cell_witnesses(rows, signs)
    monkeypatch.setattr("convex_core.arrangement.cells.batch.have_numba", lambda: False)
    plain = cell_witnesses(rows, signs)
    np.testing.assert_allclose(plain.points, compiled.points, atol=1e-9)


def test_bad_input():
    for bad in ([[1, 1]], [1, 1, 1], [[1, 2, 1]]):
        with pytest.raises(InputError, match="signs"):
            cell_facets(np.eye(3), bad)
    with pytest.raises(InputError, match="witnesses"):
        cell_facets(np.eye(3), [[1, 1, 1]], witnesses=cell_witnesses(np.eye(2), [[1, 1]]))
