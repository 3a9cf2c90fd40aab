"""The pictures are exact: as many pieces as cells, in the right places, and together they cover everything once."""

from __future__ import annotations

import numpy as np
import pytest
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st

from convex_core.arrangement import closed_form, enumerate_patterns
from convex_core.errors import InputError, SizeError
from convex_core.geometry import (
    Usage,
    arc,
    cell_graph,
    cell_usage,
    cells_at,
    circle_cells,
    disc_outlines,
    great_circle,
    half_circle,
    half_discs,
    principal_directions,
    restrict,
    spanned_directions,
    sphere_cells,
)
from convex_core.geometry.projection import frame

POLE = np.ones(3) / np.sqrt(3)


def gaussian(n, h, seed=0):
    return np.random.default_rng(seed).standard_normal((n, h))


#: rows in the plane: general position, one line, repeated and zero rows, integers with coincidences
PLANE = {
    "gaussian": gaussian(9, 2),
    "one line": np.array([[0.3, -2.0]]),
    "merged": np.array([[1.0, 0], [-3, 0], [0, 0], [0, 2], [0, 2]]),
    "integers": np.array([[a, b] for a in range(-2, 3) for b in range(-2, 3)], dtype=float),
}
#: rows in space, of rank 3, 2 and 1
SPACE = {
    "gaussian": gaussian(20, 3),
    "cube": np.eye(3),
    "integers": np.array([[a, b, c] for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)], dtype=float),
    "pencil": np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0], [1, -2, 0]]),
    "pencil and one": np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0], [1, -2, 0], [0.1, 0.2, 1]]),
    "two planes": np.array([[1.0, 2, 3], [0, 1, 1]]),
    "one plane": np.array([[1.0, 2, 3]]),
    "narrow": np.array([[1.0, 0, 0], [1, 1e-4, 0], [1, 0, 1e-4], [0, 1, 0], [0, 0, 1]]),
    "many": gaussian(60, 3, 1),
}


@pytest.fixture(params=PLANE, scope="module")
def plane(request):
    return enumerate_patterns(PLANE[request.param])


@pytest.fixture(params=few(SPACE, len(SPACE) - 1), scope="module")
def space(request):
    return enumerate_patterns(SPACE[request.param])


def patterns_at(arrangement, points):
    """Activations at interior points, from the rows as given."""
    values = points @ arrangement.rows.T
    zero = ~arrangement.rows.any(axis=1)
    assert np.abs(values[:, ~zero]).min() > 1e-12
    return (values > 0) | zero


# ---------------------------------------------------------------- circle


def test_sectors_are_the_cells_and_fill_the_circle(plane):
    cells = circle_cells(plane)
    assert len(cells.width) == plane.count
    assert np.isclose(cells.width.sum(), 2 * np.pi)
    assert (cells.width > 0).all()
    assert np.array_equal(patterns_at(plane, cells.centers), plane.active())


def test_sectors_end_on_lines(plane):
    cells = circle_cells(plane)
    for angle in (cells.start, cells.start + cells.width):
        ends = np.column_stack([np.cos(angle), np.sin(angle)])
        assert np.abs(ends @ plane.merged.rows.T).min(axis=1).max() < 1e-12


def test_sectors_need_lines_in_the_plane():
    with pytest.raises(InputError, match="lines in the plane"):
        circle_cells(enumerate_patterns(np.eye(3)))
    with pytest.raises(InputError, match="lines in the plane"):
        circle_cells(enumerate_patterns(np.zeros((2, 2))))


# ---------------------------------------------------------------- sphere


def test_polygons_are_the_cells(space):
    cells = sphere_cells(space)
    assert len(cells) == space.count
    assert np.array_equal(patterns_at(space, cells.centers), space.active())


def test_polygons_cover_the_sphere_once(space):
    cells = sphere_cells(space)
    assert np.isclose(cells.areas.sum(), 4 * np.pi, rtol=1e-10)
    assert (cells.areas > 0).all()
    assert np.allclose(cells.areas, np.roll(cells.areas, space.count // 2), rtol=1e-6)


def test_corners_are_in_the_closed_cell_and_sides_on_its_facets(space):
    cells = sphere_cells(space)
    signs = space.signs()
    unit = space.rows / np.maximum(np.linalg.norm(space.rows, axis=1, keepdims=True), 1e-300)
    facets = space.facets()
    for p in range(space.count):
        corners = cells.polygon(p)
        assert (signs[p] * (corners @ unit.T)).min() > -1e-9
        middles = corners + np.roll(corners, -1, axis=0)
        middles /= np.linalg.norm(middles, axis=1, keepdims=True)
        own = unit[facets.rows[facets.offsets[p] : facets.offsets[p + 1]]]
        assert np.abs(middles @ own.T).min(axis=1).max() < 1e-9
        assert np.abs(middles @ own.T).min(axis=0).max() < 1e-9  # every facet has a side
        turns = np.einsum(
            "fi,fi->f", np.cross(corners, np.roll(corners, -1, axis=0)), np.tile(cells.centers[p], (len(corners), 1))
        )
        assert (turns > 0).all()  # counter-clockwise


def test_euler_s_formula_in_general_position():
    """V - E + F = 2 with V = M (M - 1) corners of degree 4."""
    M = 12
    arrangement = enumerate_patterns(gaussian(M, 3, 3))
    cells = sphere_cells(arrangement)
    assert arrangement.count == closed_form(M, 3)
    distinct = np.unique(cells.vertices.round(9), axis=0)
    assert len(distinct) == M * (M - 1)
    assert len(cells.vertices) == 4 * M * (M - 1)


def test_an_octant_has_an_eighth_of_the_sphere():
    cells = sphere_cells(enumerate_patterns(np.eye(3)))
    assert np.allclose(cells.areas, np.pi / 2)
    assert {tuple(v) for v in np.abs(cells.vertices).round(12)} == {(1, 0, 0), (0, 1, 0), (0, 0, 1)}


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=14).filter(lambda r: any(any(x) for x in r)),
)
def test_any_integer_rows(rows):
    arrangement = enumerate_patterns(np.array(rows, dtype=float))
    cells = sphere_cells(arrangement)
    assert len(cells) == arrangement.count
    assert np.isclose(cells.areas.sum(), 4 * np.pi)
    assert np.array_equal(patterns_at(arrangement, cells.centers), arrangement.active())


def test_polygons_need_planes_in_space():
    for rows in (np.eye(2), np.zeros((2, 3)), np.eye(4)):
        with pytest.raises(InputError, match="planes in space"):
            sphere_cells(enumerate_patterns(rows))


# ---------------------------------------------------------------- curves and the disc


def test_arcs_stay_on_the_sphere_and_close():
    points = arc(np.eye(3), step=0.05)
    assert np.allclose(np.linalg.norm(points, axis=1), 1.0)
    assert np.array_equal(points[0], points[-1])
    assert np.linalg.norm(np.diff(points, axis=0), axis=1).max() <= 0.05
    assert np.abs(points).min(axis=1).max() < 1e-12  # on the coordinate planes


def test_circles_are_orthogonal_to_their_normal():
    for normal in gaussian(5, 3):
        for points in (great_circle(normal), half_circle(normal, POLE)):
            assert np.abs(points @ normal).max() < 1e-12
            assert np.allclose(np.linalg.norm(points, axis=1), 1.0)
        half = half_circle(normal, POLE)
        assert (half @ POLE).min() > -1e-12
        assert np.allclose(half[0], -half[-1])


@pytest.mark.parametrize("far", [False, True])
def test_disc_areas_add_up_to_the_disc(space, far):
    """The pieces of a hemisphere tile the disc: shoelace areas sum to pi, up to pieces drawn straight."""
    cells = sphere_cells(space)
    points, cell = disc_outlines(cells, POLE, far=far)
    assert np.nanmax(np.hypot(*points.T)) < 1 + 1e-9
    assert np.array_equal(np.unique(cell), np.flatnonzero(_highest(cells, -POLE if far else POLE) > 1e-9))
    total = 0.0
    ends = np.flatnonzero(np.isnan(points[:, 0]))
    for start, end in zip([0, *(ends[:-1] + 1)], ends, strict=True):
        x, y = points[start:end].T
        total += 0.5 * abs(float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)))
        assert len(set(cell[start : end + 1])) == 1
    assert np.isclose(total, np.pi, rtol=3e-3)


def _highest(cells, pole):
    return np.array([(cells.polygon(p) @ pole).max() for p in range(len(cells))])


def test_half_discs_begin_and_end_on_the_rim_and_follow_the_hyperplane():
    normals = np.vstack([gaussian(8, 3), POLE, -POLE, [[1.0, -1.0, 0.0]]])
    halves = half_discs(normals, POLE)
    ends = halves[:, ::3]
    assert np.allclose(ends[:, 0], ends[:, -1])
    for normal, points in zip(normals, ends, strict=True):
        square = (points**2).sum(axis=1)
        u = np.column_stack([2 * points, 1 - square]) / (1 + square)[:, None] @ frame(POLE)
        values = u @ normal / np.linalg.norm(normal)
        assert np.abs(values[:7]).max() < 1e-8  # along the hyperplane
        assert np.abs(square[6:] - 1).max() < 1e-12  # along the rim
        assert values.min() > -1e-8  # on its positive side


# ---------------------------------------------------------------- finding cells


def test_directions_are_found_in_their_cells(space):
    cells = sphere_cells(space)
    assert np.array_equal(cells_at(space, cells.centers), np.arange(space.count))
    assert np.array_equal(cells_at(space, -7.0 * cells.centers), np.roll(np.arange(space.count), -(space.count // 2)))
    with pytest.raises(InputError, match="directions: got 2 columns, expected 3"):
        cells_at(space, np.ones((1, 2)))


def test_on_a_hyperplane_the_relu_s_rule_decides():
    rows = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    arrangement = enumerate_patterns(rows)
    p = cells_at(arrangement, [[0.0, 1.0]])[0]
    assert arrangement.active()[p][[0, 2, 3]].tolist() == [True, True, True]


def test_some_polygons_are_those_of_all():
    arrangement = enumerate_patterns(gaussian(20, 3))
    every, some = sphere_cells(arrangement), sphere_cells(arrangement, [7, 300, 8])
    for p, q in enumerate([7, 300, 8]):
        assert np.allclose(some.polygon(p), every.polygon(q))
    assert np.allclose(some.areas, every.areas[[7, 300, 8]])


# ---------------------------------------------------------------- slices


def test_a_slice_meets_cells_of_the_whole():
    rows = gaussian(9, 5)
    whole = enumerate_patterns(rows)
    basis = principal_directions(rows, 3)
    assert np.allclose(basis.T @ basis, np.eye(3))
    part = enumerate_patterns(restrict(rows, basis))
    assert part.count == closed_form(9, 3) < whole.count
    found = whole.index_of(part.active())
    assert (found >= 0).all()
    assert len(np.unique(found)) == part.count
    inside = sphere_cells(part).centers @ basis.T
    assert np.array_equal(patterns_at(whole, inside), whole.active()[found])


def test_a_slice_through_filters_contains_them():
    filters, rows = gaussian(3, 6, 1), gaussian(10, 6, 2)
    basis = spanned_directions(filters, rows, 3)
    assert np.allclose(basis @ (basis.T @ filters.T), filters.T)
    assert np.allclose(basis[:, 0], filters[0] / np.linalg.norm(filters[0]))
    dependent = spanned_directions([filters[0], -2 * filters[0]], rows, 3)
    assert np.allclose(dependent.T @ dependent, np.eye(3))
    none = spanned_directions(np.zeros((0, 6)), rows, 2)
    assert np.allclose(np.abs(none.T @ principal_directions(rows, 2)), np.eye(2))


def test_rows_orthogonal_to_the_slice_vanish():
    direction = np.array([1.0, 2.0, 3.0, 4.0])
    basis = spanned_directions([direction], np.eye(4), 2)
    normal = np.linalg.svd(basis.T)[2][3]
    assert not restrict([1e3 * normal, direction], basis)[0].any()
    with pytest.raises(InputError, match="basis"):
        restrict(np.eye(3), np.eye(2))


# ---------------------------------------------------------------- usage, graph


def test_usage_finds_the_cells_of_filters():
    arrangement = enumerate_patterns(gaussian(6, 3))
    active = arrangement.active()[[4, 4, 7, 9]]
    usage = cell_usage(arrangement, active, [1.0, -1.0, -0.2, 0.0])
    assert usage[4] == Usage.BOTH
    assert usage[7] == Usage.NEGATIVE
    assert np.count_nonzero(usage) == 2
    assert not cell_usage(arrangement, np.zeros((0, 6)), []).any()
    sliced = enumerate_patterns(restrict(gaussian(6, 3), np.eye(3)[:, :2]))
    outside = np.flatnonzero(sliced.index_of(arrangement.active()) < 0)[:1]
    assert len(outside)
    assert not cell_usage(sliced, arrangement.active()[outside], [1.0]).any()


@pytest.mark.parametrize("h", [1, 2, 3, 4])
def test_cell_graph_of_the_cube(h):
    graph = cell_graph(enumerate_patterns(np.eye(h)))
    assert len(graph.edges) == h * 2 ** (h - 1)
    assert len(graph.positions) == 2**h
    assert np.abs(graph.positions).max() <= 1.0


def test_edges_join_patterns_that_differ_in_one_hyperplane():
    arrangement = enumerate_patterns(gaussian(8, 4))
    graph = cell_graph(arrangement)
    active = arrangement.active()
    differ = active[graph.edges[:, 0]] ^ active[graph.edges[:, 1]]
    assert (differ.sum(axis=1) == 1).all()
    assert np.array_equal(arrangement.merged.index[differ.argmax(axis=1)], graph.hyperplanes)
    distances = (active[:, None] ^ active[None]).sum(axis=2)
    assert len(graph.edges) == np.count_nonzero(np.triu(distances == 1))


def test_cell_graph_refuses_what_is_too_large():
    with pytest.raises(SizeError, match="at most 2000"):
        cell_graph(enumerate_patterns(gaussian(60, 3)))
