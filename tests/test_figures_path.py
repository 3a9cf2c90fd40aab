"""Figures of filters and of the path over beta: every mark is a number of the results."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_figures import check

from convex_core.architectures import TwoLayerCNN
from convex_core.data import load_dataset
from convex_core.errors import InputError
from convex_core.figures.colours import DARK, LIGHT
from convex_core.figures.dial import SGDCurves, beta_dial
from convex_core.figures.filters import MAX_FILTERS, filter_norms, network_filters
from convex_core.figures.path import norm_map, objective_path, over_strides
from convex_core.figures.tiles import opacities, tile_grid, tiles_of
from convex_core.figures.tracks import follow_filters
from convex_core.networks.network import Network
from convex_core.patches import patch_geometry
from convex_core.path import Path, solve_path
from convex_core.problem import Problem
from convex_core.training.sgd import train_sgd


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.from_dataset(load_dataset("edge", n=6))


@pytest.fixture(scope="module")
def path(problem: Problem) -> Path:
    return solve_path(problem, points=4, smallest=0.03, tol=1e-8)


@pytest.fixture(scope="module")
def curves(path: Path) -> tuple[SGDCurves, ...]:
    runs = [train_sgd(s.problem, seeds=(0, 1), iterations=60) for s in path]
    return tuple(SGDCurves(r.iterations.astype(float), r.objective) for r in runs)


def cells(trace: object) -> np.ndarray:
    return np.array(trace.z, dtype=float)  # type: ignore[attr-defined]


# ---------------------------------------------------------------- tiles


@pytest.mark.parametrize(("count", "height", "width"), [(0, 1, 3), (1, 1, 16), (7, 1, 3), (25, 1, 3), (9, 4, 4)])
def test_a_canvas_holds_every_tile_at_its_place(count: int, height: int, width: int) -> None:
    grid = tile_grid(count, height, width)
    values = np.random.default_rng(0).standard_normal((count, height, width))
    z = grid.canvas(values)
    x, y = grid.edges()
    assert z.shape == (len(y) - 1, len(x) - 1)
    assert np.count_nonzero(~np.isnan(z)) == values.size
    assert (np.diff(x) > 0).all()
    assert (np.diff(y) > 0).all()
    # cells of tiles are squares of side 1, whatever lies between them
    held = ~np.isnan(z)
    assert np.allclose(np.diff(x)[held.any(axis=0)], 1.0)
    assert np.allclose(np.diff(y)[held.any(axis=1)], 1.0)
    for t in range(count):
        i, j = divmod(t, grid.columns)
        top, left = i * (height + 1) + 1, j * (width + 1)
        assert np.array_equal(z[top : top + height, left : left + width], values[t])


def test_tiles_keep_the_shape_of_the_input() -> None:
    assert tiles_of(patch_geometry((9,), 4), np.ones((3, 4))).shape == (3, 1, 4)
    colour = np.arange(24.0).reshape(2, 12)
    tiles = tiles_of(patch_geometry((4, 4, 3), 2), colour)
    assert np.array_equal(tiles[0], [[1.0, 4.0], [7.0, 10.0]])


# ---------------------------------------------------------------- filters of one network


def test_filters_are_sorted_directions(path: Path) -> None:
    network = path[3].network
    chart = network_filters(network)
    check(chart)
    norms = np.array(chart.table["group norm"])
    assert (np.diff(norms) <= 0).all()
    assert norms.sum() == pytest.approx(network.regulariser)
    heat, labels = chart.figure.data
    numbers = np.array(heat.customdata, dtype=float)
    units = network.filters / np.linalg.norm(network.filters, axis=1)[:, None]
    order = np.argsort(-np.linalg.norm(network.filters, axis=1) * np.abs(network.weights), kind="stable")
    for place, j in enumerate(order):
        assert np.allclose(cells(heat)[numbers == place + 1], opacities(network.sizes)[j] * units[j], rtol=1e-14)
        assert labels.text[place].startswith("+" if network.weights[j] > 0 else "−")


def test_more_filters_than_are_drawn_are_said() -> None:
    cnn = TwoLayerCNN(patch_geometry((4, 4, 3), 2))
    chart = network_filters(Network(cnn, np.ones((MAX_FILTERS + 2, 12)), np.ones(MAX_FILTERS + 2)))
    assert f"the {MAX_FILTERS} largest are drawn" in chart.alt
    assert np.nanmax(np.array(chart.figure.data[0].customdata, dtype=float)) == MAX_FILTERS
    assert len(chart.table["filter"]) == MAX_FILTERS + 2


def test_zero_network_says_so(path: Path) -> None:
    network = path[0].network
    assert network.m == 0
    assert "zero network" in network_filters(network).figure.layout.annotations[0].text
    assert "zero" in filter_norms(network).alt


def test_filter_norms_carry_the_sign(path: Path) -> None:
    network = path[3].network
    chart = filter_norms(network)
    check(chart)
    signed = np.linalg.norm(network.filters, axis=1) * network.weights
    assert sorted(chart.figure.data[0].y) == pytest.approx(sorted(signed))


# ---------------------------------------------------------------- the dial


def test_a_turning_filter_stays_one_track_and_a_sign_change_starts_another() -> None:
    cnn = TwoLayerCNN(patch_geometry((3,), 2))
    turning = [Network(cnn, [[np.cos(t), np.sin(t)]], [1.0]) for t in (0.0, 0.4, 0.8)]
    flipped = Network(cnn, [[np.cos(0.8), np.sin(0.8)]], [-1.0])
    tracks, signs, _ = follow_filters([Network(cnn, [], []), *turning, flipped])
    assert signs.tolist() == [1, -1]
    assert np.any(tracks != 0.0, axis=2).tolist() == [[False, False], *[[True, False]] * 3, [False, True]]


@pytest.mark.slow
@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_dial_kills_whole_groups(path: Path, curves: tuple[SGDCurves, ...], colours: object) -> None:
    chart = beta_dial(path, curves, start=1, colours=colours)  # type: ignore[arg-type]
    check(chart)
    tracks, signs, _ = follow_filters([s.network for s in path])
    total = len(signs)
    assert chart.table["active filters"] == [s.active_filters for s in path]
    steps = chart.figure.layout.sliders[0].steps
    # the slider rises to the right, the path falls
    assert [float(step.label) for step in steps] == pytest.approx(path.betas[::-1], rel=5e-3)
    assert chart.figure.layout.sliders[0].active == 2
    strength = opacities(np.linalg.norm(tracks, axis=2))
    for frame, b in zip(chart.figure.frames, reversed(range(len(path))), strict=True):
        alive, dead, labels = frame.data[:3]
        numbers = np.array(alive.customdata, dtype=float)
        for t in range(total):
            own = numbers == t + 1
            whole = not tracks[b, t].any()
            assert np.isnan(cells(alive)[own]).all() == whole
            assert np.isnan(cells(dead)[own]).any() != whole
            assert (labels.text[t] == "0") == whole
            if not whole:
                assert np.allclose(cells(alive)[own], strength[b, t] * tracks[b, t] / np.linalg.norm(tracks[b, t]))
                words = [float(v) for v in np.array(alive.hovertext)[own]]
                assert words == pytest.approx(cells(alive)[own] / strength[b, t], rel=6e-3)
        assert frame.layout.annotations[0].text == f"<b>{path[b].active_filters} of {total} filters active</b>"
        for line in frame.data[3:]:
            assert min(line.y) >= path[b].lower_bound / path[b].network_objective - 1e-12
    first = chart.figure.frames[2].data[0]
    assert np.array_equal(cells(chart.figure.data[0]), cells(first), equal_nan=True)


def test_dial_of_a_restricted_path_claims_nothing(problem: Problem) -> None:
    chart = beta_dial(solve_path(problem, points=3, method="sampled"))
    check(chart)
    assert "without a global lower bound" in chart.alt
    texts = [a.text for frame in chart.figure.frames for a in frame.layout.annotations]
    assert not any("certified" in text or "optimum" in text for text in texts)


def test_dial_without_sgd_and_with_wrong_lengths(path: Path, curves: tuple[SGDCurves, ...]) -> None:
    check(beta_dial(path))
    with pytest.raises(InputError, match="expected as many"):
        beta_dial(path, curves[:1])
    with pytest.raises(InputError, match="at least one"):
        beta_dial([])


# ---------------------------------------------------------------- the path


@pytest.mark.parametrize("compact", [False, True])
def test_norm_map_is_grey_exactly_where_a_group_is_zero(path: Path, compact: bool) -> None:
    chart = norm_map(path, compact=compact)
    check(chart)
    alive, dead, counts = chart.figure.data
    tracks, signs, _ = follow_filters([s.network for s in path])
    norms = np.linalg.norm(tracks, axis=2).T[:, ::-1]
    assert np.array_equal(np.isnan(cells(alive)), norms == 0.0)
    assert np.array_equal(np.isnan(cells(dead)), norms > 0.0)
    assert np.nansum(cells(alive) ** 2, axis=0)[::-1] == pytest.approx([s.network.regulariser for s in path])
    assert np.array_equal(np.sign(np.nan_to_num(cells(alive))), np.where(norms > 0.0, signs[:, None], 0))
    assert np.array_equal(np.array(alive.customdata)[:, :, 2], norms * signs[:, None])
    assert list(counts.y) == path.active_filters.tolist()
    # each point lies inside its own column, on the logarithmic axis
    edges = np.array(alive.x)
    assert all(low < beta < high for low, beta, high in zip(edges, path.betas[::-1], edges[1:], strict=False))
    assert f"beta_max = {path.beta_max:.4g}" in chart.alt
    assert chart.table["active filters"] == path.active_filters.tolist()


def test_objective_path_tells_previews_from_exact_points(path: Path) -> None:
    previews = [path.preview(float(beta)) for beta in np.sqrt(path.betas[1:] * path.betas[:-1])]
    chart = objective_path(path, previews)
    check(chart)
    lower, upper, quick, gap, quick_gap = chart.figure.data
    assert np.array_equal(upper.y, path.objective)
    assert np.array_equal(lower.y, path.lower_bound)
    assert quick.name == "preview"
    assert list(quick.y) == [p.objective for p in previews]
    assert quick.marker.symbol == quick_gap.marker.symbol == "circle-open"
    assert upper.marker.symbol is None
    assert list(gap.customdata) == path.relative_gap.tolist()
    assert chart.table["point"] == ["exact", "preview"] * 3 + ["exact"]
    assert chart.table["beta"] == sorted(chart.table["beta"], reverse=True)
    assert f"{path.relative_gap.max():.1e}" in chart.alt
    assert "3 previews" in chart.alt


def test_a_sampled_path_has_no_lower_bound_in_the_figure(problem: Problem) -> None:
    sampled = solve_path(problem, points=3, method="sampled")
    chart = objective_path(sampled, [sampled.preview(0.5 * sampled.beta_max)])
    names = [trace.name for trace in chart.figure.data]
    assert "lower bound" not in names
    assert "objective over sampled patterns" in names
    assert "no global lower bound" in chart.alt
    assert chart.table["point"] == ["restricted", "preview", "restricted", "restricted"]
    assert not any(math.isfinite(v) for v in chart.table["lower bound"])


def test_one_point_is_a_path() -> None:
    only = solve_path(Problem.from_dataset(load_dataset("shift")), betas=[1.0])
    for chart in (norm_map(only), objective_path(only), beta_dial(only), over_strides({1: only})):
        check(chart)


def test_strides_side_by_side(path: Path, problem: Problem) -> None:
    other = solve_path(Problem.from_dataset(load_dataset("edge", n=6), stride=2), points=3)
    chart = over_strides({1: path, 2: other})
    check(chart)
    assert [trace.name for trace in chart.figure.data] == ["stride 1", "stride 2"]
    assert np.array_equal(chart.figure.data[1].y, other.objective)
    assert f"{other.beta_max:.3g} for stride 2" in chart.alt
    assert len(chart.table["beta"]) == len(path) + len(other)
    with pytest.raises(InputError, match="at least one"):
        over_strides({})
