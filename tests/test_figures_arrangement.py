"""Figures of arrangements: what is drawn is the arrangement, in numbers, and every one has a text and a table."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from convex_core.arrangement import closed_form, enumerate_patterns
from convex_core.errors import InputError
from convex_core.figures import arrangement as draw
from convex_core.figures.arrangement_cell import linear_piece, pattern_matrix
from convex_core.figures.arrangement_graph import graph
from convex_core.figures.arrangement_growth import growth, growth_times, measure_growth
from convex_core.figures.arrangement_paint import MODES, CellData, hyperplane_patches, paint_cells
from convex_core.figures.arrangement_turn import FRAMES, turning_filter
from convex_core.figures.palette import DARK, LIGHT
from convex_core.geometry import Usage, cell_graph, cell_usage, circle_cells, sphere_cells, triangulate
from convex_core.geometry.projection import frame

K, N = 4, 3


def patches(h, seed=0):
    return np.random.default_rng(seed).standard_normal((K, N, h))


def scene(h):
    """An arrangement with its cells' data: one positive filter, one negative, in cells 2 and 5."""
    arrangement = enumerate_patterns(patches(h).reshape(K * N, h))
    active = arrangement.active()
    usage = cell_usage(arrangement, active[[2, 5]], [1.0, -1.0])
    return arrangement, CellData(np.arange(arrangement.count), active.sum(axis=1), usage)


def marks(arrangement):
    points = np.array([arrangement.cell(2).witness, arrangement.cell(5).witness])
    return draw.FilterMarks(3.0 * points, np.array([1.0, -1.0]), np.array([2.0, 1.0]))


def check(chart):
    """What holds for every chart."""
    assert chart.alt.endswith(".")
    rows = list(csv.reader(io.StringIO(chart.csv())))
    assert len(rows) == 1 + len(next(iter(chart.table.values())))
    size = len(chart.figure.to_json())
    assert size < 1_000_000
    json.loads(chart.figure.to_json())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_mode_in_both_themes(mode, colours):
    arrangement, data = scene(3)
    cells = sphere_cells(arrangement)
    paint = paint_cells(arrangement, data, mode, colours=colours)
    for build in (draw.sphere, draw.discs):
        chart = build(arrangement, cells, paint, data, K=K, filters=marks(arrangement), selected=2, colours=colours)
        check(chart)
        assert f"{K * N} patch rows of {K} patches) into {arrangement.count} cells" in chart.alt
        assert np.isclose(sum(chart.table["share of all directions"]), 1.0)


def test_mesh_covers_the_sphere_cell_by_cell():
    arrangement, _ = scene(3)
    cells = sphere_cells(arrangement)
    points, triangles, owner = triangulate(cells)
    a, b, c = points[triangles].transpose(1, 0, 2)
    turned = np.einsum("ti,ti->t", a, np.cross(b, c))
    angles = 2 * np.arctan2(turned, 1 + (a * b).sum(axis=1) + (b * c).sum(axis=1) + (c * a).sum(axis=1))
    assert (angles > -1e-12).all()
    assert np.allclose(np.bincount(owner, angles), cells.areas, rtol=1e-9, atol=1e-12)
    middles = points[triangles].mean(axis=1)
    signs = arrangement.signs()[owner]
    assert (signs * (middles @ arrangement.rows.T) > -1e-12).all()


def test_sphere_s_faces_have_their_cell_s_colour():
    arrangement, data = scene(3)
    cells = sphere_cells(arrangement)
    paint = paint_cells(arrangement, data)
    mesh = draw.sphere(arrangement, cells, paint, data, K=K).figure.data[0]
    owner = triangulate(cells)[2]
    assert np.array_equal(mesh.intensity, paint.index[owner])
    assert mesh.intensity.dtype == np.float32
    assert mesh.intensitymode == "cell"
    assert [colour for _, colour in mesh.colorscale] == list(paint.colours)


def test_great_circles_of_a_patch_share_a_trace_and_lie_on_their_planes():
    arrangement, data = scene(3)
    figure = draw.sphere(arrangement, sphere_cells(arrangement), paint_cells(arrangement, data), data, K=K).figure
    lines = [t for t in figure.data if t.type == "scatter3d" and t.mode == "lines"]
    assert len(lines) == K
    for k, trace in enumerate(lines):
        points = np.column_stack([trace.x, trace.y, trace.z])
        circles = np.split(points, np.flatnonzero(np.isnan(points[:, 0])) + 1)[:-1]
        rows = arrangement.rows[k * N : (k + 1) * N]
        assert len(circles) == N
        for circle in circles:
            assert np.allclose(np.linalg.norm(circle[:-1], axis=1), 1.003, atol=1e-5)
            assert np.abs(circle[:-1] @ rows.T).max(axis=0).min() < 1e-5


def test_disc_points_lie_in_the_cells_they_name():
    arrangement, data = scene(3)
    cells = sphere_cells(arrangement)
    figure = draw.discs(arrangement, cells, paint_cells(arrangement, data), data, K=K).figure
    points = next(t for t in figure.data if t.name == "cells")
    side = np.asarray(points.x) > 1.1
    flat = np.column_stack([np.asarray(points.x, dtype=float) - 2.24 * side, points.y])
    square = (flat**2).sum(axis=1)
    local = np.column_stack([2 * flat, 1 - square]) / (1 + square)[:, None]
    u = np.where(side, -1.0, 1.0)[:, None] * (local @ frame(draw.POLE))
    found = arrangement.index_of(u @ arrangement.rows.T > 0)
    assert np.array_equal(found, np.asarray(points.customdata)[:, 0])
    assert set(found) == set(range(arrangement.count))


def test_circle_draws_sectors_lines_and_filters():
    arrangement, data = scene(2)
    cells = circle_cells(arrangement)
    chart = draw.circle(
        arrangement, cells, paint_cells(arrangement, data), data, K=K, filters=marks(arrangement), selected=5
    )
    check(chart)
    points = next(t for t in chart.figure.data if t.name == "cells")
    u = np.column_stack([points.x, points.y])
    assert np.array_equal(arrangement.index_of(u @ arrangement.rows.T > 0), np.arange(arrangement.count))
    filters = next(t for t in chart.figure.data if t.name == "filters of the optimum")
    assert list(filters.marker.color) == [LIGHT.positive, LIGHT.negative]
    assert list(filters.marker.symbol) == ["circle", "diamond"]


def test_usage_has_one_colour_each_and_neighbours_differ_when_plain():
    arrangement, data = scene(3)
    paint = paint_cells(arrangement, data)
    assert paint.colours[paint.index[2]] == LIGHT.positive
    assert paint.colours[paint.index[5]] == LIGHT.negative
    assert [paint.names[i] == "unused" for i in paint.index] == (data.usage == Usage.UNUSED).tolist()
    plain = paint_cells(arrangement, data, "plain")
    edges = cell_graph(arrangement).edges
    assert (plain.index[edges[:, 0]] != plain.index[edges[:, 1]]).all()
    with pytest.raises(InputError, match="mode"):
        paint_cells(arrangement, data, "rainbow")


def test_hyperplanes_know_their_patch():
    rows = np.array([[1.0, 0], [0, 1], [0, 2], [1, 1]])  # the third repeats the second
    assert hyperplane_patches(enumerate_patterns(rows), 2).tolist() == [0, 0, 1]


def test_too_many_cells_are_refused():
    arrangement = enumerate_patterns(np.random.default_rng(0).standard_normal((60, 3)))
    data = CellData(
        np.arange(arrangement.count), np.zeros(arrangement.count, int), np.zeros(arrangement.count, np.int8)
    )
    with pytest.raises(InputError, match="expected at most"):
        draw.sphere(arrangement, sphere_cells(arrangement), paint_cells(arrangement, data), data)


def test_pattern_matrix_shows_the_gates_and_facets():
    arrangement, _ = scene(3)
    cell = arrangement.cell(7)
    chart = pattern_matrix(cell, K)
    check(chart)
    heat, rings = chart.figure.data
    assert np.array_equal(heat.z, cell.active.reshape(K, N).T)
    assert sorted((int(x) - 1) * N + int(y) for x, y in zip(rings.x, rings.y, strict=True)) == sorted(cell.facet_rows)
    for r, q in zip(cell.facet_rows, cell.neighbours, strict=True):
        assert np.flatnonzero(arrangement.active(q, q + 1)[0] != cell.active).tolist() == [r]
    with pytest.raises(InputError, match="K: got 5"):
        pattern_matrix(cell, 5)


def test_linear_piece_is_the_network_inside_the_cell():
    arrangement, _ = scene(3)
    cell = arrangement.cell(7)
    chart = linear_piece(patches(3), cell.active)
    check(chart)
    output = np.asarray(chart.figure.data[0].z) @ cell.witness
    assert np.allclose(output, np.maximum(patches(3) @ cell.witness, 0).sum(axis=0))


def test_turning_frames_are_the_gates():
    data = patches(3)
    chart = turning_filter(data, np.eye(3)[:, :2])
    check(chart)
    assert len(chart.figure.frames) == FRAMES
    for shot in chart.figure.frames[::7]:
        u = np.array([shot.data[0].x[1], shot.data[0].y[1], 0.0])
        assert np.array_equal(shot.data[1].z, (data @ u >= 0).T)
    steps = chart.figure.layout.sliders[0].steps
    assert [s.args[0][0] for s in steps] == [f.name for f in chart.figure.frames]
    assert len({f.name for f in chart.figure.frames}) == FRAMES


def test_growth_counts_measures_and_skips_what_is_too_large():
    X = np.random.default_rng(1).standard_normal((8, 6))
    windows = np.stack([X[:, k : k + 3] for k in range(4)])
    data = measure_growth("n", [(n, windows[:, :n], X[:n]) for n in (1, 4, 8)], max_patterns=500)
    assert data.closed == tuple(float(closed_form(4 * n, 3)) for n in (1, 4, 8))
    assert data.exact[2] is None
    assert np.isnan(data.seconds[2])
    assert data.exact[1] == enumerate_patterns(windows[:, :4].reshape(16, 3)).count
    assert data.connected == tuple(float(closed_form(n, min(n, 6))) for n in (1, 4, 8))
    assert data.unshared[1] == closed_form(4, 3) ** 4
    assert all(e is None or e <= c <= b for e, c, b in zip(data.exact, data.closed, data.bound, strict=True))
    check(growth(data, "samples n"))
    times = growth_times([data])
    check(times)
    assert len(times.table["patterns"]) == 2


def test_graph_has_every_cell_and_facet():
    arrangement, data = scene(4)
    net = cell_graph(arrangement)
    chart = graph(net, paint_cells(arrangement, data), data, hyperplane_patches(arrangement, K), K=K, selected=3)
    check(chart)
    drawn = sum(np.isnan(np.asarray(t.x, dtype=float)).sum() for t in chart.figure.data if t.mode == "lines")
    assert drawn == len(net.edges)
    assert len(chart.figure.data[-1].x) == arrangement.count
    assert sum(chart.table["facets"]) == 2 * len(net.edges)
