"""Facets, neighbours, witnesses, rays and search of single cells."""

from __future__ import annotations

import numpy as np
import pytest
from arrangement_cases import braid, threshold
from scipy.optimize import linprog

from convex_core.arrangement import cell_facets, closed_form, enumerate_patterns
from convex_core.errors import InputError

CASES = {
    "gaussian (9, 3)": np.random.default_rng(0).standard_normal((9, 3)),
    "gaussian (7, 4)": np.random.default_rng(1).standard_normal((7, 4)),
    "threshold 3": threshold(3),
    "A3": braid(4),
    "parallel, zero": np.array([[1.0, 0.0], [0.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [-1.0, 1.0]]),
    "more than a word": np.random.default_rng(2).standard_normal((70, 2)),
    "one row": np.array([[2.0, -1.0, 0.0]]),
}


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def best_margin(normals: np.ndarray) -> float:
    """Largest t with normals u >= t and all |u_i| <= 1: positive exactly if the open cone is not empty."""
    h = normals.shape[1]
    lp = linprog(
        np.append(np.zeros(h), -1.0),
        A_ub=np.column_stack([-normals, np.ones(len(normals))]),
        b_ub=np.zeros(len(normals)),
        bounds=[(-1, 1)] * h + [(None, 1)],
    )
    return -lp.fun


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_facets_are_exactly_the_needed_constraints(name):
    rows = CASES[name]
    arrangement = enumerate_patterns(rows)
    chosen = np.unique(np.linspace(0, arrangement.count - 1, 12).astype(int))
    facets = arrangement.facets(chosen)
    signs = arrangement.signs()
    for i, p in enumerate(chosen):
        part = slice(facets.offsets[i], facets.offsets[i + 1])
        needed = facets.rows[part]
        assert np.array_equal(facets.signs[part], signs[p, needed])
        normals = facets.signs[part, None] * unit(rows[needed])
        for j in range(len(normals)):  # dropping any facet changes the cell
            flipped = normals.copy()
            flipped[j] *= -1
            assert best_margin(flipped) > 1e-9
        live = np.setdiff1d(np.flatnonzero(arrangement.merged.sign), needed)
        for row in live:  # and no other row cuts it
            cut = np.vstack([normals, -signs[p, row] * unit(rows[[row]])])
            assert best_margin(cut) < 1e-9


@pytest.mark.parametrize("name", CASES)
def test_neighbours_differ_in_one_hyperplane_and_are_mutual(name):
    arrangement = enumerate_patterns(CASES[name])
    facets = arrangement.facets()
    signs = arrangement.signs()
    cell = np.repeat(np.arange(arrangement.count), np.diff(facets.offsets))
    changed = signs[cell] != signs[facets.neighbours]
    assert np.array_equal(changed, arrangement.merged.index == facets.hyperplanes[:, None])
    pairs = set(zip(cell.tolist(), facets.neighbours.tolist(), strict=True))
    assert pairs == {(q, p) for p, q in pairs}
    assert len(facets) == arrangement.count


def test_number_of_facets_of_plane_and_space():
    plane = enumerate_patterns(np.random.default_rng(3).standard_normal((30, 2))).facets()
    assert set(np.diff(plane.offsets)) == {2}
    space = enumerate_patterns(np.random.default_rng(3).standard_normal((30, 3))).facets()
    # Euler: 30 great circles in general position have 870 vertices, 1,740 edges, 872 regions
    assert len(space) == 872
    assert len(space.rows) == 2 * 1740


@pytest.mark.parametrize(("N", "h"), [(40, 3), (16, 4), (12, 5), (10, 6)])
def test_cells_have_fewer_than_twice_h_minus_1_facets_on_average(N, h):
    # each hyperplane is cut into the cells of the N - 1 others in rank h - 1, and each piece bounds two cells
    arrangement = enumerate_patterns(np.random.default_rng(h).standard_normal((N, h)))
    pieces = N * closed_form(N - 1, h - 1)
    by_neighbours = arrangement.facets()
    by_projection = cell_facets(arrangement.rows, arrangement.signs())
    assert len(by_neighbours.rows) == np.count_nonzero(by_projection) == 2 * pieces
    assert h <= 2 * pieces / arrangement.count < 2 * (h - 1)


@pytest.mark.parametrize("name", CASES)
def test_witness_is_inside_with_its_margin(name):
    rows = CASES[name]
    arrangement = enumerate_patterns(rows)
    live = arrangement.merged.sign != 0
    for p in range(0, arrangement.count, max(1, arrangement.count // 20)):
        cell = arrangement.cell(p)
        distances = cell.signs[live] * (unit(rows[live]) @ cell.witness)
        assert np.linalg.norm(cell.witness) == pytest.approx(1.0)
        assert distances.min() == pytest.approx(cell.margin, rel=1e-9)
        assert cell.margin > 0
        assert np.array_equal(cell.active, arrangement.active(p, p + 1)[0])
        # no nearby point has a larger margin
        nearby = cell.witness + 1e-3 * np.random.default_rng(p).standard_normal((200, rows.shape[1]))
        margins = (cell.signs[live] * (unit(nearby) @ unit(rows[live]).T)).min(axis=1)
        assert margins.max() <= cell.margin + 1e-12


def test_witness_of_a_thin_cell():
    rows = np.array([[1.0, 0.0, 0.0], [1.0, 1e-8, 0.0], [0.0, 0.0, 1.0]])
    arrangement = enumerate_patterns(rows)
    margins = [arrangement.cell(p).margin for p in range(arrangement.count)]
    assert min(margins) == pytest.approx(0.5e-8, rel=1e-3)


@pytest.mark.parametrize("name", ["gaussian (9, 3)", "threshold 2", "A3", "parallel, zero", "one row"])
def test_rays_span_the_cell(name):
    rows = threshold(2) if name == "threshold 2" else CASES[name]
    arrangement = enumerate_patterns(rows)
    for p in range(0, arrangement.count, max(1, arrangement.count // 20)):
        cell = arrangement.cell(p)
        values = cell.signs * (cell.rays @ rows.T)
        assert (values >= -1e-9).all()
        touching = np.linalg.matrix_rank
        for ray in cell.rays:  # an extreme ray lies on rank - 1 independent facets
            on = np.abs(unit(rows[cell.facet_rows]) @ ray) < 1e-9
            assert (touching(rows[cell.facet_rows][on]) if on.any() else 0) == arrangement.rank - 1
        assert len(cell.rays) == (1 if arrangement.rank == 1 else len(cell.facet_rows))


def test_no_rays_in_four_dimensions():
    assert enumerate_patterns(CASES["gaussian (7, 4)"]).cell(0).rays is None


@pytest.mark.parametrize("name", CASES)
def test_index_of_finds_every_pattern(name):
    arrangement = enumerate_patterns(CASES[name])
    assert np.array_equal(arrangement.index_of(arrangement.active()), np.arange(arrangement.count))


def test_index_of_rejects_what_is_no_cell():
    arrangement = enumerate_patterns(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 0.0], [0.0, 0.0]]))
    assert arrangement.index_of([True, True, False, True, True]).tolist() == [-1]  # u > 0 but u1 + u2 < 0
    assert arrangement.index_of([True, True, True, False, True]).tolist() == [-1]  # parallel rows disagree
    both = arrangement.index_of([[True] * 5, [True, True, True, True, False]])  # the zero row is not compared
    assert both[0] == both[1] >= 0


def test_zero_rows_only():
    arrangement = enumerate_patterns(np.zeros((2, 3)))
    cell = arrangement.cell(0)
    assert (cell.margin, cell.facet_rows.size, cell.rays) == (np.inf, 0, None)
    assert arrangement.index_of([True, True]).tolist() == [0]


def test_bad_indices():
    arrangement = enumerate_patterns(np.eye(2))
    for bad in ([4], [-1], [0.5]):
        with pytest.raises(InputError, match="indices"):
            arrangement.facets(bad)
    with pytest.raises(InputError, match="index"):
        arrangement.cell(4)
    with pytest.raises(InputError, match="active"):
        arrangement.index_of([True])


def test_uncertified_arrangements_can_be_searched():
    rows = threshold(4) + 1e-12 * np.random.default_rng(1).standard_normal((16, 5))
    arrangement = enumerate_patterns(rows)
    assert not arrangement.certified
    found = arrangement.index_of(arrangement.active())
    assert np.array_equal(arrangement.bits[found % len(arrangement.bits)], np.tile(arrangement.bits, (2, 1)))
    assert len(arrangement.facets()) == arrangement.count
