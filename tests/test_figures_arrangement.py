"""Figures of arrangements: what is drawn is the arrangement, in numbers, and every one has a text and a table."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from convex_core.arrangement import closed_form, enumerate_patterns
from convex_core.errors import InputError
from convex_core.figures.arrangement.cell import linear_piece, pattern_matrix
from convex_core.figures.arrangement.circle import circle
from convex_core.figures.arrangement.disc import POLE, disc
from convex_core.figures.arrangement.graph import graph
from convex_core.figures.arrangement.growth import growth, growth_times, measure_growth
from convex_core.figures.arrangement.near import near
from convex_core.figures.arrangement.paint import MODES, CellData, hyperplane_patches, paint_cells
from convex_core.figures.arrangement.scene import MAX_FILLED, FilterMarks, Scene
from convex_core.figures.arrangement.sphere import sphere
from convex_core.figures.arrangement.turn import FRAMES, turning_filter
from convex_core.figures.colours import DARK, LIGHT
from convex_core.geometry import (
    Usage,
    cell_graph,
    cell_usage,
    cells_at,
    circle_cells,
    disc_outlines,
    sphere_cells,
    stereographic,
    triangulate,
)
from convex_core.geometry.projection import frame

K, N = 4, 3


def patches(h, seed=0):
    return np.random.default_rng(seed).standard_normal((K, N, h))


def cell_data(arrangement, used=()):
    """Numbers, active entries and usage; `used` are a positive and a negative cell."""
    active = arrangement.active()
    usage = cell_usage(arrangement, active[list(used)], [1.0, -1.0][: len(used)])
    return CellData(np.arange(arrangement.count), active.sum(axis=1), usage)


def scene(h, mode="usage", colours=LIGHT, rows=None, **more):
    """One positive filter in cell 2, one negative in cell 5, cell 2 selected."""
    arrangement = enumerate_patterns(patches(h).reshape(K * N, h) if rows is None else rows)
    data = cell_data(arrangement, (2, 5))
    points = np.array([arrangement.cell(2).witness, arrangement.cell(5).witness])
    return Scene(
        arrangement,
        paint_cells(arrangement, data, mode, colours=colours),
        data,
        None if arrangement.count > MAX_FILLED else (circle_cells if h == 2 else sphere_cells)(arrangement),
        **{
            "K": K,
            "filters": FilterMarks(3.0 * points, np.array([1.0, -1.0]), np.array([2.0, 1.0])),
            "selected": 2,
            "colours": colours,
            **more,
        },
    )


def check(chart):
    """What holds for every chart; returns the size of its JSON."""
    assert chart.alt.endswith(".")
    rows = list(csv.reader(io.StringIO(chart.csv())))
    assert len(rows) == 1 + len(next(iter(chart.table.values())))
    text = chart.figure.to_json()
    json.loads(text)
    assert len(chart.html()) < 1_000_000
    return len(text)


def named(chart, name):
    return next(t for t in chart.figure.data if t.name == name)


def xy(trace):
    return np.column_stack([np.asarray(trace.x, dtype=float), np.asarray(trace.y, dtype=float)])


def pieces(points):
    """Curves that are followed by NaN each."""
    return [c[:-1] for c in np.split(points, np.flatnonzero(np.isnan(points[:, 0])) + 1)[:-1]]


def lifted(flat, side=1.0, pole=POLE):
    """Directions whose picture in the disc around the pole, or with side -1 the opposite one, is at the points."""
    square = (flat**2).sum(axis=1)
    return side * (np.column_stack([2 * flat, 1 - square]) / (1 + square)[:, None]) @ frame(pole)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("colours", [LIGHT, DARK])
def test_every_mode_in_both_themes(mode, colours):
    space = scene(3, mode, colours)
    for chart in (sphere(space), disc(space), disc(space, far=True)):
        assert check(chart) < 200_000
        assert f"{K * N} patch rows of {K} patches) into {space.arrangement.count} cells" in chart.alt
        assert "1 with positive filter, 1 with negative filter" in chart.alt
        assert np.isclose(sum(chart.table["share of all directions"]), 1.0)
        assert chart.table["usage"][5] == "negative filter"


def test_mesh_covers_the_sphere_cell_by_cell():
    arrangement = enumerate_patterns(np.random.default_rng(4).standard_normal((40, 3)))
    cells = sphere_cells(arrangement)
    points, triangles, owner = triangulate(cells)
    a, b, c = points[triangles].transpose(1, 0, 2)
    turned = np.einsum("ti,ti->t", a, np.cross(b, c))
    angles = 2 * np.arctan2(turned, 1 + (a * b).sum(axis=1) + (b * c).sum(axis=1) + (c * a).sum(axis=1))
    assert (angles > -1e-6).all()
    assert np.allclose(np.bincount(owner, angles), cells.areas, rtol=1e-6, atol=1e-6)
    middles = points[triangles].mean(axis=1)
    assert (arrangement.signs()[owner] * (middles @ arrangement.rows.T) > -1e-5).all()
    # neighbours share corners: a simple arrangement has four cells at each, and hardly more points than cells
    assert len(points) < 2.5 * arrangement.count


def test_sphere_s_faces_have_their_cell_s_colour():
    space = scene(3)
    mesh = sphere(space).figure.data[0]
    owner = triangulate(space.shapes)[2]
    assert np.array_equal(mesh.intensity, space.paint.index[owner])
    assert mesh.intensitymode == "cell"
    assert [colour for _, colour in mesh.colorscale] == list(space.paint.colours)


def test_great_circles_of_a_patch_share_a_trace_and_lie_on_their_planes():
    space = scene(3, selected=None, filters=None)
    lines = [t for t in sphere(space).figure.data if t.type == "scatter3d" and t.mode == "lines"]
    assert len(lines) == K
    assert len({t.line.color for t in lines}) == K
    for k, trace in enumerate(lines):
        circles = pieces(np.column_stack([trace.x, trace.y, trace.z]))
        rows = space.arrangement.rows[k * N : (k + 1) * N]
        assert len(circles) == N
        for points in circles:
            middles = (points[1:] + points[:-1]) / 2
            assert np.allclose(np.linalg.norm(middles, axis=1), 1.002, atol=1e-5)  # just above the ball
            assert np.abs(points @ rows.T).max(axis=0).min() < 1e-5


@pytest.mark.parametrize("far", [False, True])
def test_arcs_of_a_disc_lie_on_their_planes(far):
    space = scene(3)
    for k in range(K):
        rows = space.arrangement.rows[k * N : (k + 1) * N]
        curves = pieces(xy(named(disc(space, far=far), f"patch {k + 1}")))
        assert len(curves) == N
        for curve in curves:
            assert np.abs(lifted(curve) @ rows.T).max(axis=0).min() < 1e-5


@pytest.mark.parametrize("far", [False, True])
def test_the_even_odd_rule_paints_every_cell_as_on_the_sphere(far):
    space = scene(3)
    path = disc(space, far=far).figure.layout.shapes[1]
    assert path.fillrule == "evenodd"
    assert path.fillcolor == space.paint.colours[1]
    regions = [part for part in path.path.split("M") if part]
    assert len(regions) == K * N
    plain = paint_cells(space.arrangement, space.data, "plain").index
    angle, radius = np.random.default_rng(0).uniform(size=(2, 200))
    spots = 0.97 * np.sqrt(radius)[:, None] * np.column_stack([np.cos(6.3 * angle), np.sin(6.3 * angle)])
    u = lifted(spots, -1.0 if far else 1.0)
    clear = np.abs(u @ space.arrangement.rows.T).min(axis=1) > 0.01
    inside = np.zeros(len(spots), dtype=int)
    for region in regions:
        numbers = np.array(region.replace("C", " ").replace("Z", "").replace(",", " ").split(), dtype=float)
        inside += winding(bezier(numbers.reshape(-1, 2)), spots)
    found = cells_at(space.arrangement, u)
    assert np.count_nonzero(clear) > 50
    assert np.array_equal(inside[clear] % 2, plain[found[clear]])


def bezier(points):
    """A fine polygon along a closed chain of cubic curves: start, then two controls and an end each."""
    t = np.linspace(0, 1, 40)[:-1, None]
    weights = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
    chain = range(0, len(points) - 1, 3)
    return np.concatenate([sum(w * p for w, p in zip(weights, points[k : k + 4], strict=True)) for k in chain])


def winding(polygon, spots):
    """Whether each spot is inside the polygon, by crossings."""
    (x, y), (u, v) = polygon.T, np.roll(polygon, -1, axis=0).T
    crosses = (y > spots[:, 1:]) != (v > spots[:, 1:])
    at = x + (spots[:, 1:] - y) * (u - x) / np.where(v == y, 1.0, v - y)
    return (crosses & (spots[:, :1] < at)).sum(axis=1) % 2


@pytest.mark.parametrize("far", [False, True])
def test_outlines_are_drawn_in_their_cells_and_coloured(far):
    space = scene(3, "active")
    chart, side = disc(space, far=far), -1.0 if far else 1.0
    fills = [t for t in chart.figure.data if t.fill == "toself"]
    assert not chart.figure.layout.shapes
    seen = set()
    for trace in fills:
        for outline in pieces(xy(trace)):
            p = int(cells_at(space.arrangement, lifted(outline, side).sum(axis=0)[None])[0])
            assert space.paint.colours[space.paint.index[p]] == trace.fillcolor
            seen.add(p)
    assert seen == set(np.unique(disc_outlines(space.shapes, POLE, far=far)[1]))


def test_filters_are_on_the_disc_of_their_side():
    space = scene(3)
    near_side = space.filters.directions @ POLE > 0
    for far in (False, True):
        here = near_side != far
        traces = [t for t in disc(space, far=far).figure.data if t.name == "filters of the optimum"]
        assert len(traces) == here.any()
        for trace in traces:
            assert np.allclose(xy(trace), stereographic((-1 if far else 1) * space.filters.unit()[here], POLE))
            assert list(trace.marker.color) == [LIGHT.sign(s) for s in space.filters.signs[here]]


def test_circle_draws_sectors_lines_and_filters():
    plane = scene(2, selected=5)
    chart = circle(plane)
    check(chart)
    fills = [t for t in chart.figure.data if t.fill == "toself"]
    sectors = {}
    for trace in fills:
        for outline in pieces(xy(trace)):
            p = int(cells_at(plane.arrangement, outline.sum(axis=0)[None])[0])
            assert plane.paint.colours[plane.paint.index[p]] == trace.fillcolor
            sectors[p] = outline
    assert sorted(sectors) == list(range(plane.arrangement.count))
    assert np.allclose(xy(named(chart, "chosen cell")), sectors[5], atol=1e-6)
    filters = named(chart, "filters of the optimum")
    assert list(filters.marker.color) == [LIGHT.positive, LIGHT.negative]
    assert list(filters.marker.symbol) == ["circle", "diamond"]


def test_pictures_say_what_they_cannot_draw():
    with pytest.raises(InputError, match="CircleCells"):
        circle(scene(3))
    for build in (sphere, disc, near):
        with pytest.raises(InputError, match="scene"):
            build(scene(2))
    with pytest.raises(InputError, match="selected cell None"):
        near(scene(3, selected=None))
    with pytest.raises(InputError, match="K: got 5"):
        scene(3, K=5)


def test_usage_has_one_colour_each_and_neighbours_differ_when_plain():
    space = scene(3)
    paint, plain = space.paint, paint_cells(space.arrangement, space.data, "plain")
    assert paint.colours[paint.index[2]] == LIGHT.positive
    assert paint.colours[paint.index[5]] == LIGHT.negative
    assert [paint.names[i] == "unused" for i in paint.index] == (space.data.usage == Usage.UNUSED).tolist()
    edges = cell_graph(space.arrangement).edges
    assert (plain.index[edges[:, 0]] != plain.index[edges[:, 1]]).all()
    with pytest.raises(InputError, match="mode"):
        paint_cells(space.arrangement, space.data, "rainbow")


def test_hyperplanes_know_their_patch():
    rows = np.array([[1.0, 0], [0, 1], [0, 2], [1, 1]])  # the third repeats the second
    assert hyperplane_patches(enumerate_patterns(rows), 2).tolist() == [0, 0, 1]


def test_a_hundred_hyperplanes_are_drawn_without_their_cells():
    crowd = scene(3, rows=np.random.default_rng(0).standard_normal((100, 3)), K=5)
    assert crowd.arrangement.count == closed_form(100, 3) > MAX_FILLED
    total = 0
    for chart in (sphere(crowd), disc(crowd), disc(crowd, far=True)):
        total += check(chart)
        assert chart.table["cell"] == [2, 5]
    assert total < 400_000
    assert disc(crowd).figure.layout.shapes[1].path.count("M") == 100
    used = sphere(crowd).figure.data[1]
    assert set(np.unique(used.intensity)) == set(crowd.paint.index[[2, 5]])
    with pytest.raises(InputError, match="shapes: got 9902 cells"):
        replace(crowd, shapes=sphere_cells(crowd.arrangement, [0]))


def test_a_cell_from_near():
    space = scene(3)
    cell, chart = space.arrangement.cell(2), near(space)
    check(chart)
    assert chart.table["cell behind"] == cell.neighbours.tolist()
    assert chart.table["patch"] == (cell.facet_rows // N + 1).tolist()
    labels = named(chart, "neighbours")
    assert [c[0] for c in labels.customdata] == cell.neighbours.tolist()
    # each number stands behind its side, on the picture around the deepest point
    u = lifted(xy(labels), pole=cell.witness)
    values = np.einsum("fi,fi->f", u, cell.facet_signs[:, None] * space.arrangement.rows[cell.facet_rows])
    assert (values < 0).all()
    radius = np.hypot(*xy(named(chart, "widest circle")).T)
    assert np.allclose(2 * np.arctan(radius), np.arcsin(cell.margin), rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [[[1.0, 2, 3]], [[1.0, 2, 3], [0, 1, 1]], [[1.0, 0, 0], [0, 1, 0], [1, 1, 0]]])
def test_cells_without_corners_are_drawn(rows):
    arrangement = enumerate_patterns(rows)
    data = cell_data(arrangement)
    for p in range(arrangement.count):
        space = Scene(arrangement, paint_cells(arrangement, data), data, sphere_cells(arrangement), selected=p)
        for chart in (sphere(space), disc(space), disc(space, far=True), near(space)):
            assert "NaN" not in chart.figure.to_json()
        assert chart.table["cell behind"] == arrangement.cell(p).neighbours.tolist()


def test_pattern_matrix_shows_the_gates_and_facets():
    arrangement = scene(3).arrangement
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
    arrangement = scene(3).arrangement
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
        assert f"<b>{(data @ u >= 0).sum()} of {K * N} patches fire</b>" == shot.layout.annotations[0].text
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


@pytest.mark.slow
def test_graph_has_every_cell_and_facet():
    arrangement = enumerate_patterns(patches(4).reshape(K * N, 4))
    data, net = cell_data(arrangement, (2, 5)), cell_graph(arrangement)
    chart = graph(net, paint_cells(arrangement, data), data, hyperplane_patches(arrangement, K), K=K, selected=3)
    check(chart)
    drawn = sum(np.isnan(np.asarray(t.x, dtype=float)).sum() for t in chart.figure.data if t.mode == "lines")
    assert drawn == len(net.edges)
    assert len(chart.figure.data[-1].x) == arrangement.count
    assert sum(chart.table["facets"]) == 2 * len(net.edges)
