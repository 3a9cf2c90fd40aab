"""Figures of networks with an output for each class: bars are weights, counts are counts."""

from __future__ import annotations

import numpy as np
import pytest
from test_figures import check

from convex_core.architectures import make_architecture
from convex_core.data import load_dataset
from convex_core.errors import InputError
from convex_core.figures.classes import MAX_FILTERS, class_filters, confusion
from convex_core.figures.colours import DARK, LIGHT
from convex_core.figures.dial import beta_dial
from convex_core.figures.tiles import opacities
from convex_core.figures.tracks import follow_filters
from convex_core.losses import make_loss
from convex_core.networks.network import Network
from convex_core.patches import patch_geometry
from convex_core.path import solve_path
from convex_core.problem import Problem


def a_network(m: int, q: int = 3, shape: tuple[int, ...] = (5,), size: int = 2) -> Network:
    geometry = patch_geometry(shape, size)
    rng = np.random.default_rng(m)
    cnn = make_architecture("two-layer", geometry, outputs=q)
    return Network(cnn, rng.standard_normal((m, geometry.h)), rng.standard_normal((m, q)))


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("shape", [(5,), (4, 4)])
def test_every_bar_is_a_weight_and_every_tile_a_direction(shape: tuple[int, ...], colours: object) -> None:
    network = a_network(5, shape=shape)
    chart = class_filters(network, ["a", "b", "c"], colours=colours)  # type: ignore[arg-type]
    check(chart)
    heat, *bars = chart.figure.data
    scaled = np.linalg.norm(network.filters, axis=1)[:, None] * network.weights
    shown = np.stack([np.array(bar.x, dtype=float) for bar in bars], axis=1)
    assert np.array(sorted(map(tuple, shown))) == pytest.approx(np.array(sorted(map(tuple, scaled))))
    # grouped by the class of the largest weight, the largest first
    own, largest = np.abs(shown).argmax(axis=1), np.abs(shown).max(axis=1)
    assert (np.diff(own) >= 0).all()
    assert all((np.diff(largest[own == o]) <= 0).all() for o in range(3))
    numbers, z = np.array(heat.customdata, dtype=float), np.array(heat.z, dtype=float)
    for place in range(5):
        j = np.flatnonzero(np.isclose(scaled, shown[place]).all(axis=1))[0]
        tile = z[(numbers == place + 1) & ~np.isnan(z)]
        unit = network.filters[j] / np.linalg.norm(network.filters[j])
        assert tile == pytest.approx(opacities(np.abs(shown).max(axis=1))[place] * unit)
        assert [float(v) for v in np.array(heat.hovertext)[numbers == place + 1] if v] == pytest.approx(unit, abs=6e-3)
    assert all(
        (colour, pattern) == ((colours.positive, "") if x > 0 else (colours.negative, "/"))  # type: ignore[attr-defined]
        for bar in bars
        for x, colour, pattern in zip(bar.x, bar.marker.color, bar.marker.pattern.shape, strict=True)
    )


def test_more_filters_than_are_drawn_are_said_and_the_largest_stay() -> None:
    network = a_network(MAX_FILTERS + 4)
    chart = class_filters(network)
    assert f"the {MAX_FILTERS} largest are drawn" in chart.alt
    assert len(chart.table["filter"]) == network.m
    scaled = np.abs(np.linalg.norm(network.filters, axis=1)[:, None] * network.weights).max(axis=1)
    drawn = np.abs([bar.x for bar in chart.figure.data[1:]]).max(axis=0)
    assert sorted(drawn) == pytest.approx(sorted(scaled)[4:])


def test_the_zero_network_and_what_does_not_fit() -> None:
    zero = a_network(0)
    assert "zero network" in class_filters(zero).figure.layout.annotations[0].text
    with pytest.raises(InputError, match="names: got 2 for 3 outputs"):
        class_filters(a_network(2), ["a", "b"])
    with pytest.raises(InputError, match="got a single output"):
        class_filters(Network(make_architecture("two-layer", patch_geometry((3,), 2)), [[1.0, 0.0]], [1.0]))


def test_the_confusion_matrix_shows_counts() -> None:
    counts = np.array([[5, 1, 0], [0, 4, 2], [0, 0, 0]])
    chart = confusion(counts, ["a", "b", "c"])
    check(chart)
    assert np.array_equal(np.array(chart.figure.data[0].customdata), counts)
    assert list(chart.figure.data[1].text)[:3] == ["<b>5</b>", "1", "0"]
    assert chart.alt == "Of 12 held-out samples 9 are in their class: a 5 of 6, b 4 of 6, c 0 of 0."


def test_tracks_stay_with_their_output_and_the_dial_names_it() -> None:
    problem = Problem.from_dataset(load_dataset("motifs3", n=6), loss=make_loss("softmax"))
    path = solve_path(problem, points=4, smallest=0.1, tol=1e-6)
    tracks, signs, outputs = follow_filters([s.network for s in path])
    assert (np.diff(outputs) >= 0).all()
    for b, solution in enumerate(path):
        network = solution.network
        blocks = network.filters * np.abs(network.weights).sum(axis=1)[:, None]
        alive = tracks[b].any(axis=1)
        assert np.count_nonzero(alive) == network.m
        for block, weight in zip(blocks, network.weights, strict=True):
            t = np.flatnonzero((tracks[b] == block).all(axis=1))[0]
            assert (signs[t], outputs[t]) == (np.sign(weight[outputs[t]]), np.abs(weight).argmax())
    dial = beta_dial(path)
    check(dial)
    for text, output in zip(dial.figure.frames[0].data[2].text, outputs, strict=True):
        assert text == "0" or text.endswith(f"→{output}")
    assert [norms.sum() for norms in path.filter_norms] == pytest.approx([s.network.regulariser for s in path])
