"""The Arrangement page without a browser: its numbers are the library's, and nothing in the address breaks it."""

from __future__ import annotations

import json
from typing import Any
from unittest import mock

import numpy as np
import pytest
from app_helpers import alts, facts, folded, open_page

from convex_core.arrangement import closed_form, count_patterns, enumerate_patterns
from convex_core.data import load_dataset
from convex_core.geometry import sphere_cells
from convex_core.patches import patch_geometry
from pages._ui import layout
from pages._ui.arrangement import cells, pointer
from pages._ui.stage import STAGES

SCENES = [scene for scene in STAGES["arrangement"].scenes if "view" not in scene.values]


def rows_of(name: str, samples: int, h: int, stride: int = 1) -> np.ndarray:
    data = load_dataset(name)
    return patch_geometry(data.input_shape, h, stride).extract(data.X[:samples]).reshape(-1, h)


@pytest.mark.slow
def test_the_sphere_and_its_numbers() -> None:
    app = open_page("arrangement")
    rows = rows_of("motifs", 3, 3)
    P = count_patterns(rows).patterns
    shown = facts(app)
    assert shown["cells = patterns P"] == shown["closed form"] == f"{P:,}"
    assert shown["hyperplanes"] == str(len(rows))
    assert shown["fully connected"] == str(closed_form(3, 3))
    assert f"into {P} cells" in alts(app)[0]
    assert f"into {P} cells" in alts(app)[1]
    assert f"into {P} cells" in alts(app)[2]
    assert shown["if patches did not share"] == f"{closed_form(3, 3) ** 8:,}" == "16,777,216"
    assert all(alts(app))
    assert size_of(app) < 400_000
    app.session_state["view"] = "Growth"
    app.run()
    assert facts(app)["closed form"] == f"{P:,}"
    assert any("fully connected unit" in text for text in [*alts(app), *(m.value for m in app.markdown)])


@pytest.mark.slow
def test_a_cell_by_its_number() -> None:
    app = open_page("arrangement", cell="17", view="One cell")
    arrangement = enumerate_patterns(rows_of("motifs", 3, 3))
    cell = arrangement.cell(17)
    shown = facts(app)
    assert shown["cell"] == f"17 of {arrangement.count}"
    assert shown["patches fire"] == f"{cell.active.sum()} of {len(cell.active)}"
    assert shown["hyperplanes bound it"].startswith(f"{len(cell.facet_rows)} of")
    assert any(alt.startswith(f"Cell 17 from near: {len(cell.facet_rows)} sides") for alt in alts(app))
    share = sphere_cells(arrangement).areas[17] / (4 * np.pi)
    assert shown["of all directions"] == f"{share:.2%}"
    table = next(d.value for d in app.dataframe if "next cell" in d.value)
    assert table["next cell"].tolist() == cell.neighbours.tolist()
    app.number_input(key="cell").set_value(int(cell.neighbours[0])).run()
    assert facts(app)["cell"].startswith(f"{cell.neighbours[0]} of")


@pytest.mark.slow
def test_two_entries_make_a_circle_and_a_graph() -> None:
    app = open_page("arrangement", data="edge", samples="2")
    P = count_patterns(rows_of("edge", 2, 2)).patterns
    assert alts(app)[0].startswith("The circle")
    assert f"into {P} cells" in alts(app)[0]
    assert alts(app)[1].startswith(f"Graph of all {P} cells")


@pytest.mark.slow
@pytest.mark.parametrize("picture", ["sphere", "circle"])
def test_a_slice_says_what_it_leaves_out(picture: str) -> None:
    app = open_page("arrangement", data="talk", samples="2", picture=picture)
    total = closed_form(4, 4)
    met = closed_form(4, 3 if picture == "sphere" else 2)
    text = " ".join(m.value for m in app.markdown)
    assert f"meets **{met} of {total} cells**; the others are not shown" in text
    assert f"into {met} cells" in alts(app)[0]
    assert any(alt.startswith(f"Graph of all {total} cells") for alt in alts(app))


@pytest.mark.slow
def test_a_slice_along_the_filters_contains_them() -> None:
    app = open_page("arrangement", data="talk", samples="2", slice="filters")
    assert "lie outside" not in " ".join(m.value for m in app.markdown)


@pytest.mark.slow
@pytest.mark.parametrize("colour", ["usage", "active", "plain"])
def test_colours_follow_the_link(colour: str) -> None:
    app = open_page("arrangement", colour=colour)
    assert app.selectbox(key="colour").value == colour
    mesh = json.loads(app.get("plotly_chart")[0].proto.spec)["data"][0]
    assert len(mesh["colorscale"]) == {"usage": 5, "active": 16, "plain": 2}[colour]


@pytest.mark.slow
@pytest.mark.parametrize("colour", ["usage", "active"])
def test_more_cells_than_can_be_drawn_one_by_one(colour: str) -> None:
    app = open_page("arrangement", samples="12", colour=colour)
    P = count_patterns(rows_of("motifs", 12, 3)).patterns
    assert facts(app)["cells = patterns P"] == f"{P:,}"
    text = " ".join(m.value for m in app.markdown)
    assert f"**{P:,} cells** are too many to draw one by one" in text
    assert "All 96 hyperplanes are drawn" in text
    assert ("needs fewer cells" in text) == (colour == "active")
    charts = [json.loads(element.proto.spec) for element in app.get("plotly_chart")]
    assert [shape["type"] for shape in charts[1]["layout"]["shapes"]] == ["circle", "path"]
    assert size_of(app) < 1_000_000


@pytest.mark.slow
def test_the_largest_arrangement_that_the_controls_allow_stays_small() -> None:
    app = open_page("arrangement", data="motifs", d="32", samples="12")
    assert facts(app)["cells = patterns P"] == f"{closed_form(360, 3):,}"
    assert size_of(app) < 1_000_000


def size_of(app: Any) -> int:
    """Bytes of figures on the page."""
    return sum(len(element.proto.spec) for element in app.get("plotly_chart"))


def test_a_click_takes_the_cell_it_hits() -> None:
    data = load_dataset("motifs")
    rows = rows_of("motifs", 3, 3)
    arrangement = enumerate_patterns(rows)
    picture = cells.picture("a click", rows, arrangement, 3, False, None)
    for seed in range(5):
        u = np.random.default_rng(seed).standard_normal(data.default_filter[0])
        assert pointer.cell_of(picture, u.tolist()) == arrangement.index_of(rows @ u >= 0)[0]
    for nonsense in (None, [], [1.0, 2.0], [0, 0, 0], ["a", "b", "c"], [float("nan")] * 3, {"x": 1}):
        assert pointer.cell_of(picture, nonsense) is None


def test_a_click_in_a_slice_takes_the_cell_of_the_whole() -> None:
    rows = load_dataset("talk").X[:3].reshape(9, 5)
    whole = enumerate_patterns(rows)
    picture = cells.picture("a click in a slice", rows, whole, 3, False, None)
    assert picture.sliced
    u = np.array([0.3, -0.2, 0.9])
    assert pointer.cell_of(picture, u) == whole.index_of(rows @ (picture.basis @ u) >= 0)[0]


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.name)
def test_scenes_draw_what_they_say(scene: Any) -> None:
    app = open_page("arrangement", **scene.query)
    h = app.session_state["h"]
    assert alts(app)[0].startswith("The circle" if h == 2 else "The sphere")
    assert not app.warning
    if h <= 3:
        assert f"into {facts(app)['cells = patterns P'].replace(',', '')} cells" in alts(app)[0]
    assert size_of(app) < 1_000_000


def test_large_numbers_read_well() -> None:
    numbers = (999_999_999, 1e9, 4.294967296e9, 2.5e14, 1.21e15, 1.2e299, 1e300, float("inf"))
    assert [layout.large(v) for v in numbers] == [
        *("999,999,999", "1 billion", "4.29 billion", "250 trillion", "1.2 × 10¹⁵", "1.2 × 10²⁹⁹"),
        *["more than 10³⁰⁰"] * 2,
    ]


@pytest.mark.slow
def test_a_redraw_sends_what_is_there_already() -> None:
    app = open_page("arrangement")
    before = [element.proto.spec for element in app.get("plotly_chart")]
    with mock.patch("plotly.basedatatypes.BaseFigure.to_dict", side_effect=AssertionError("encoded again")):
        app.run()
    assert not app.exception
    assert [element.proto.spec for element in app.get("plotly_chart")] == before


def test_one_entry_makes_two_cells() -> None:
    app = open_page("arrangement", h="1")
    assert facts(app)["cells = patterns P"] == "2"


@pytest.mark.slow
@pytest.mark.parametrize("value", ["999", "nan", "abc", "-1", "2.5", "", "1e999", "🙂"])
def test_nothing_in_the_address_breaks_the_page(value: str) -> None:
    keys = ("data", "h", "stride", "samples", "colour", "cell", "picture", "slice", "seed", "beta", "padding")
    app = open_page("arrangement", **dict.fromkeys(keys, value), view="One cell")
    assert 1 <= app.slider(key="samples").value <= 12
    assert app.selectbox(key="colour").value in ("usage", "active", "plain")
    cell, P = facts(app)["cell"].replace(",", "").split(" of ")
    assert 0 <= int(cell) < int(P)
    if value == "999":
        assert "Cell 999 does not exist" in app.warning[-1].value


def test_at_most_five_controls_before_the_picture() -> None:
    app = open_page("arrangement")
    every = {w.key for w in [*app.slider, *app.select_slider, *app.number_input, *app.selectbox]}
    assert every - folded(app) == {
        "data",
        "h",
        "stride",
        "samples",
        "colour",
        "cell",
    }  # beside the tabs


@pytest.mark.parametrize(("K", "h", "d"), [(8, 3, 10), (7, 2, 8)])
def test_overtaking_is_the_first_n(K: int, h: int, d: int) -> None:
    n = cells.overtaking(K, h, d)
    assert n is not None
    assert closed_form(n, min(n, d)) > closed_form(n * K, h)
    assert closed_form(n - 1, min(n - 1, d)) <= closed_form((n - 1) * K, h)
    assert cells.overtaking(1, d, d) is None


def test_maxout_neurons_are_drawn_by_the_difference_of_their_filters() -> None:
    app = open_page("arrangement", data="shift", n="4", d="4", h="2", stride="2", activation="maxout")
    assert not app.exception
    assert not app.error
