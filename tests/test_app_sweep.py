"""The Sweep page: a live grid equal to the library's, a row opened on Solve, a file of rows."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import parse_qsl

import pytest
from app_helpers import alts, charts, end_work, facts, numbers, open_page, sentences

from convex_core import Dataset, Problem, Sweep, SweepRow, load_dataset, solve, sweep
from pages._ui.sweeps.opening import solve_query

SMALL = {"data": "edge", "n": "4"}


def finished(app: Any) -> Any:
    """Poll as a browser would until the map is there."""
    end = time.monotonic() + 120
    while not app.get("plotly_chart") and not app.error and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert not app.exception
    return app


def chosen(app: Any) -> SweepRow:
    """The row that is chosen, as its words say it."""
    field = app.selectbox(key="_sweep_row")
    pooling, beta = field.options[field.index].split(", ")
    return row(dataset="edge", beta=float(beta.removeprefix("beta ")), pooling=pooling.removeprefix("pooling "))


def rows_file(app: Any, content: bytes, name: str = "rows.jsonl") -> Any:
    app.file_uploader(key="sweep_file").set_value((name, content, "application/octet-stream")).run()
    return app


def test_the_map_is_that_of_the_library_and_a_row_opens_on_solve() -> None:
    app = finished(open_page("sweep", **SMALL, sweep_value="objective", sweep_y="Pooling"))
    (figure,) = charts(app)
    grid = {"dataset": "edge", "data.n": 4, "beta": [0.001, 0.002, 0.004, 0.0079, 0.016, 0.032, 0.063]}
    betas = [float(text) for text in figure["data"][0]["x"]]
    grid |= {"beta": betas, "pooling": ["sum", "mean", "max"], "padding": "valid"}
    expected = sweep(grid, workers=1)
    assert len(expected.rows) == 21
    chart = expected.plot("beta", "pooling")
    assert (
        numbers(figure["data"][0]["z"]).tolist() == numbers(json.loads(chart.figure.to_json())["data"][0]["z"]).tolist()
    )
    assert alts(app) == [chart.alt]
    # another field than the first
    field = app.selectbox(key="_sweep_row")
    app = field.select_index(len(field.options) - 2).run()
    said = chosen(app)
    problem = Problem.from_dataset(load_dataset("edge", n=4), beta=said.value("beta"), pooling=said.value("pooling"))
    solution = solve(problem, max_patterns=300_000)
    assert facts(app)["objective of the network"] == f"{solution.network_objective:.8g}"
    (link,) = [entry.proto.url for entry in app.get("link_button")]
    page, _, query = link.partition("?")
    shown = open_page(page, **dict(parse_qsl(query)))
    assert not [warning for warning in shown.warning if "Not taken" in warning.value]
    assert float(facts(shown)["objective of the network"]) == pytest.approx(solution.network_objective, rel=1e-6)
    end_work(app)


@pytest.mark.slow
def test_a_file_of_rows_is_drawn_and_what_solve_cannot_show_is_said(tmp_path) -> None:
    out = tmp_path / "rows.jsonl"
    found = sweep(
        {"dataset": "edge", "data.n": 4, "beta": [0.1, 0.123], "stride": [1, 2], "seed": [0, 1]}, workers=1, out=out
    )
    app = rows_file(open_page("sweep", **SMALL), out.read_bytes())
    assert not app.exception
    assert alts(app)[0].startswith("Heat map of the filters over β and ")
    assert {box.key for box in app.selectbox} >= {"rows_x", "rows_y"}
    held = [box for box in app.selectbox if box.key.startswith("rows_at_")]
    assert len(held) == 1
    assert len(app.selectbox(key="_sweep_row").options) == 4
    reasons = set()
    for k in range(4):
        app.selectbox(key="_sweep_row").select_index(k).run()
        reasons.add(
            "do not have beta 0.123" in sentences(app) or "beta 0.123" in str([e.proto.body for e in app.get("html")])
        )
    assert reasons == {True, False}
    assert found.tasks == 8
    for content, sentence in ((b"hello\n", "rows.jsonl, line 1: got no JSON"), (b"", "got 'rows.jsonl' without a row")):
        broken = rows_file(open_page("sweep", **SMALL), content)
        assert not broken.exception
        assert any(sentence in error.value for error in broken.error)
        end_work(broken)
    end_work(app)


def test_equal_axes_are_one_sentence() -> None:
    app = open_page("sweep", **SMALL, sweep_x="Loss", sweep_y="Loss")
    assert [error.value for error in app.error] == ["Axes: got Loss for both, expected two settings"]


def row(**settings: Any) -> SweepRow:
    plain = {"dataset": "talk", "architecture": "two-layer", "loss": "squared", "beta": 0.1, "seed": 0}
    return SweepRow("k", {**plain, **settings}, "optimal")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"data": "talk", "network": "two-layer", "loss": "squared", "beta": "0.1", "seed": "0"}),
        ({"pooling": "max"}, {"network": "max pooling"}),
        ({"architecture": "three-layer", "sharing": "shared"}, {"network": "three-layer, shared"}),
        ({"data.n": 6, "filter_size": 3}, {"n": "6", "h": "3"}),
        ({"beta": 0.11}, "beta 0.11"),
        ({"filter_size": 30}, "filter size 30"),
        ({"data.path": "x"}, "the option path of the dataset"),
        ({"skip": "free"}, {"network": "two-layer", "skip": "free"}),
        ({"branches": "1,2", "skip": "none"}, {"network": "two-layer", "branches": "1,2"}),
        ({"architecture": "flatten", "relaxation": "lifted"}, {"network": "flatten", "flat_program": "lifted"}),
        ({"architecture": "flatten", "output_norm": "l1"}, {"network": "flatten, l1"}),
        ({"architecture": "circular", "layers": 4}, {"network": "circular", "layers": "4"}),
        ({"pooling": "max", "pool_size": 2}, {"network": "max pooling", "group": "2"}),
        ({"normalisation": "batch"}, {"network": "two-layer", "normalisation": "batch"}),
        ({"normalisation": "none", "pooling_grid": "2"}, {"network": "two-layer", "grid": "2"}),
        ({"architecture": "three-layer", "sharing": "per-patch", "parallel": 2}, {"parallel": "2"}),
        ({"outputs": 3, "output_norm": "l1"}, {"network": "several outputs"}),
        ({"outputs": 3}, {"network": "several outputs"}),
        ({"architecture": "linear", "outputs": 3}, {"network": "several outputs, linear"}),
        ({"outputs": 1}, {"network": "two-layer"}),
        ({"autoencoder": True}, {"network": "autoencoder"}),
        ({"autoencoder": True, "output_norm": "l2", "relaxation": "lifted"}, {"l2_program": "lifted"}),
        ({"autoencoder": True, "architecture": "linear"}, {"network": "autoencoder, linear"}),
        ({"architecture": "flatten", "autoencoder": True}, "the network flatten with its options"),
        ({"architecture": "circular", "layers": 9}, "the network circular with its options"),
        ({"dataset": "other"}, "the dataset other"),
        ({"content": "a1"}, "data of its own"),
        ({"problem": "a1"}, "data of its own"),
    ],
)  # fmt: skip
def test_a_row_is_a_link_or_a_reason(settings: dict[str, Any], expected: Any) -> None:
    found = solve_query(row(**settings))
    assert found == expected if isinstance(expected, str) else expected.items() <= found.items()
    assert not isinstance(found, str) or isinstance(expected, str)


def test_data_of_the_session_open_as_such() -> None:
    (found,) = sweep({"dataset": Dataset("custom", [[1.0, 2.0]], [1.0]), "beta": 0.1}, workers=1).rows
    assert solve_query(found) == "data of its own"
    assert solve_query(found, own=True)["data"] == "custom"
    assert Sweep((found,), 1).axes == {}
