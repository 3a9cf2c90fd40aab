"""The address: whatever is written there the page stays, and what is not taken of a link is said in one sentence."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convex_core.data import Dataset
from convex_core.errors import InputError

testing = pytest.importorskip("streamlit.testing.v1")

from pages._ui import address, own_link, shell, spec  # noqa: E402

ROOT = Path(__file__).resolve().parents[1]
TITLES = {page.file: page.title for page in shell.PAGES} | {"home": "Trained to the global optimum"}
VALUES = ["999", "nan", "abc", "1e400", "-1e400", "0.123", "", "x" * 5000, ["1", "2"], "![](http://a/b.png)", "9" * 400]


def visit(file: str, query: dict[str, str | list[str]]) -> Any:
    """A new session that begins with a link."""
    app = testing.AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    if file != "home":
        app.switch_page(f"pages/{file}.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def end_work(app: Any) -> None:
    for slot in ("_sgd_job", "_path", "_images_quick"):
        if slot in app.session_state and hasattr(app.session_state[slot], "cancel"):
            app.session_state[slot].cancel()


def refused(app: Any) -> str:
    """The sentence about the link; empty if there is none."""
    return next((w.value for w in app.warning if w.value.startswith("Not taken from the link")), "")


@pytest.mark.parametrize("value", VALUES, ids=lambda v: str(v)[:12] or "empty")
@pytest.mark.parametrize("file", [page.file for page in shell.PAGES])
def test_no_value_in_the_address_leaves_its_page(file: str, value: str | list[str]) -> None:
    app = visit(file, dict.fromkeys([*sorted(address.KEYS), "nosuchkey"], value))
    end_work(app)
    assert app.title[0].value == TITLES[file]
    assert "`nosuchkey` is no setting" in refused(app)
    # a stranger's text is never read as a picture or a link
    assert all("![" not in part for part in refused(app).split("`")[::2])


@pytest.mark.parametrize(
    ("file", "key", "asked", "shown"),
    [
        ("dataset", "n", "500", "12"),
        ("dataset", "seed", "1e400", "0"),
        ("solve", "beta", "0.10001", "0.1"),
        ("solve", "seed", "2.5", "2"),
        ("solve", "data", "nothing", "motifs"),
        ("arrangement", "picture", "cube", "sphere"),
        ("real_images", "images", "cifar", "Digits"),
        ("three_layer", "circular_layers", "7", "3"),
    ],
)
def test_what_is_not_taken_of_a_link_is_said(file: str, key: str, asked: str, shown: str) -> None:
    app = visit(file, {key: asked})
    end_work(app)
    assert refused(app) == f"Not taken from the link: `{key}={asked}` ({shown} is shown instead)."
    assert str(app.session_state[key]) == shown


@pytest.mark.parametrize(
    ("file", "query"),
    [
        ("solve", {"data": "shift", "beta": "0.2", "h": "3", "stride": "02", "seed": "7.0"}),
        ("dataset", {"data": "bars", "noise": "0.3", "n": "8", "padding": "zero", "sample": "0"}),
        ("arrangement", {"cell": "", "colour": "active"}),
        ("three_layer", {"kind": "Circular CNN", "circular_layers": "4"}),
    ],
)
def test_a_link_that_fits_is_taken_without_a_word(file: str, query: dict[str, str]) -> None:
    assert not refused(visit(file, query))


# ---------------------------------------------------------------- own data


def samples(n: int = 12, d: int = 16) -> Dataset:
    rng = np.random.default_rng(5)
    return Dataset(spec.CUSTOM, rng.standard_normal((n, d)), rng.standard_normal(n), default_beta=0.2)


def same(one: Dataset, other: Dataset) -> bool:
    return spec.digest(one) == spec.digest(replace(other, description=one.description))


@pytest.mark.parametrize(
    "data",
    [
        samples(),
        samples(2, 1),
        Dataset(spec.CUSTOM, np.arange(32.0).reshape(2, 16), [-1.0, 1.0], input_shape=(4, 4), labels=("cat", "dog 2")),
        Dataset(spec.CUSTOM, [[1e-80, 0.1], [-1e50, 1 / 3]], [0.0, 1.0], X_test=[[5.0, 6.0]], y_test=[1.0]),
    ],
)
def test_small_data_come_out_of_a_link_as_they_went_in(data: Dataset) -> None:
    text = own_link.encode(data)
    assert text is not None
    assert len(text) < 4_000
    assert same(own_link.decode(text), data)


def test_large_data_stay_out_of_the_link() -> None:
    assert own_link.encode(samples(60, 40)) is None
    assert own_link.encode(Dataset(spec.CUSTOM, np.zeros((5_000, 40)), np.zeros(5_000))) is None


def packed(fields: object) -> str:
    return urlsafe_b64encode(zlib.compress(json.dumps(fields).encode())).decode().rstrip("=")


GOOD = {"X": [[1, 2]], "y": [1], "shape": [2], "filter": [2], "stride": [1], "beta": 0.1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "é",
        "A" * 9_000,
        own_link.encode(samples())[:-40],  # type: ignore[index]
        packed([]),
        packed("X"),
        packed(GOOD | {"X": [[1, None]]}),
        packed(GOOD | {"X": [[1], [2, 3]]}),
        packed(GOOD | {"y": 3}),
        packed(GOOD | {"beta": -1}),
        packed(GOOD | {"shape": [7]}),
        packed(GOOD | {"labels": 5}),
        packed(GOOD | {"X": [[1, 1e200]]}),
        urlsafe_b64encode(zlib.compress(b"[" * 150_000)).decode(),
        urlsafe_b64encode(zlib.compress(b"0" * 50_000_000)).decode()[:5_999],
    ],
    ids=range(16),
)
def test_a_broken_link_to_own_data_is_one_sentence(text: str) -> None:
    with pytest.raises(InputError, match=r"own data"):
        own_link.decode(text)
    app = visit("solve", {"data": "custom", "own": text})
    assert "the own data in it cannot be read" in refused(app)
    assert app.selectbox(key="data").value == "motifs"
    assert app.header


def test_a_stranger_s_labels_have_no_markup() -> None:
    text = packed(GOOD | {"X": [[1, 2], [3, 4]], "y": [-1, 1], "labels": ["![](http://a.b/c.png)", "<img src=x>"]})
    assert own_link.decode(text).labels == (" " * 3 + " http   a.b c.png ", " img src x ")


def test_whoever_opens_the_link_sees_the_same_data() -> None:
    table = b"a,b,c,y\n1,2,3.25,4\n1,2,5,-4\n0.1,7,7,1\n"
    first = visit("dataset", {})
    first.file_uploader(key="upload").set_value(("mine.csv", table, "text/csv")).run()
    assert not first.exception
    link = {key: first.query_params[key] for key in first.query_params}
    assert {"data", "own"} <= set(link)
    for file in ("dataset", "solve"):
        other = visit(file, {key: value[0] if isinstance(value, list) else value for key, value in link.items()})
        assert other.selectbox(key="data").value == spec.CUSTOM
        assert not refused(other)
        data = spec_of(other)
        assert np.array_equal(data.X, [[1, 2, 3.25], [1, 2, 5], [0.1, 7, 7]])
        assert np.array_equal(data.y, [4, -4, 1])
        assert "own" in other.query_params
    other.selectbox(key="data").set_value("shift").run()
    assert "own" not in other.query_params


def spec_of(app: Any) -> Dataset:
    data = app.session_state["_custom_dataset"]
    assert isinstance(data, Dataset)
    return data


def test_data_too_large_for_a_link_are_told_to_both() -> None:
    table = "\n".join(",".join(map(repr, row)) for row in np.random.default_rng(0).standard_normal((80, 12)).tolist())
    first = visit("dataset", {})
    first.file_uploader(key="upload").set_value(("mine.csv", table.encode(), "text/csv")).run()
    assert first.selectbox(key="data").value == spec.CUSTOM
    assert "own" not in first.query_params
    assert any("too large for a link" in e.proto.body for e in first.get("html"))
    other = visit("solve", {"data": "custom"})
    assert refused(other) == (
        "Not taken from the link: `data=custom`, data of its sender's own that are too large for a link "
        "(motifs is shown instead)."
    )


def test_every_setting_belongs_to_a_page() -> None:
    seen: set[str] = {"own", "dial"}
    queries: tuple[dict[str, str], ...] = (
        {},
        {"data": "bars"},
        {"data": "patterns2d"},
        {"data": "planted"},
        {"loss": "huber"},
        {"activation": "leaky"},
        {"kind": "Two ReLU layers"},
    )
    for file in TITLES:
        for query in queries:
            if query and file not in ("dataset", "three_layer"):
                continue
            app = visit(file, query)
            end_work(app)
            seen |= app.session_state["_address_drawn"]
    assert seen == address.KEYS
