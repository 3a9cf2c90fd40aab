"""The address: whatever is written there the page stays, and what is not taken of a link is said in one sentence."""

from __future__ import annotations

import json
import zlib
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from app_helpers import end_work, finish_sgd, finish_ten, visit

from convex_core.data import Dataset
from convex_core.errors import InputError
from pages._ui import shell
from pages._ui.state import address, own_link, spec
from pages._ui.state.choices import CHOICES

TITLES = {page.file: page.title for page in shell.PAGES} | {"home": "Trained to the global optimum"}
VALUES = ["999", "nan", "abc", "1e400", "-1e400", "0.123", "", "x" * 5000, ["1", "2"], "![](http://a/b.png)", "9" * 400]


def refused(app: Any) -> str:
    """The sentence about the link; empty if there is none."""
    return next((w.value for w in app.warning if w.value.startswith("Not taken from the link")), "")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "value"),
    # four values on each page, each value on three pages or more
    [(page.file, VALUES[(i + k) % len(VALUES)]) for i, page in enumerate(shell.PAGES) for k in (0, 3, 6, 9)],
    ids=lambda v: str(v)[:16] or "empty",
)
def test_no_value_in_the_address_leaves_its_page(file: str, value: str | list[str]) -> None:
    app = visit(file, dict.fromkeys([*sorted(address.KEYS), "nosuchkey"], value))
    end_work(app)
    assert app.title[0].value == TITLES[file]
    assert "`nosuchkey` is no setting" in refused(app)
    # a stranger's text is never read as a picture or a link
    assert all("![" not in part for part in refused(app).split("`")[::2])


@pytest.mark.slow
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
    ("file", "key", "value", "fits"),
    [
        ("home", "beta", "-1", False),
        ("home", "seed", "7", True),
        pytest.param("home", "h", "99", False, marks=pytest.mark.slow),
        pytest.param("home", "seed", "x", False, marks=pytest.mark.slow),
        pytest.param("home", "stride", "1.5", False, marks=pytest.mark.slow),
        pytest.param("home", "beta", "0.2", True, marks=pytest.mark.slow),
    ],
)
def test_a_bad_value_is_said_where_the_page_has_no_such_control_too(
    file: str, key: str, value: str, fits: bool
) -> None:
    said = f"Not taken from the link: `{key}={value}` is no value of that setting."
    assert refused(visit(file, {key: value})) == ("" if fits else said)


@pytest.mark.slow
def test_filters_and_path_says_that_a_beta_is_none() -> None:
    app = visit("filters_and_path", {"beta": "-1", "data": "shift", "points": "10"})
    end_work(app)
    assert refused(app) == "Not taken from the link: `beta=-1` is no value of that setting."


@pytest.mark.slow
def test_a_test_image_that_is_not_there_leaves_the_address() -> None:
    app = visit("real_images", {"ten_part": "Inside", "ten_image": "99999"})
    finish_ten(app)
    assert app.session_state["ten_image"] == 0
    assert "ten_image" not in app.query_params


@pytest.mark.slow
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


@pytest.mark.slow
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
        urlsafe_b64encode(zlib.compress(b"0" * 5_000_000)).decode()[:5_999],
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_own_data_that_cannot_be_read_are_one_cause() -> None:
    app = visit("solve", {"data": "custom", "own": "xxxx"})
    assert refused(app) == (
        "Not taken from the link: the own data in it cannot be read, the link is incomplete or was changed; "
        "motifs is shown instead."
    )


@pytest.mark.slow
@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 400])
@pytest.mark.parametrize(
    ("file", "key"), [("home", "seed"), ("home", "beta"), ("real_images", "seed"), ("solve", "rate")]
)
def test_a_number_without_end_is_told_where_nothing_takes_it_too(file: str, key: str, value: str) -> None:
    app = visit(file, {key: value})
    end_work(app)
    shown = value if len(value) <= address.MAX_SHOWN else value[: address.MAX_SHOWN - len(key) - 1] + "…"
    assert refused(app) == f"Not taken from the link: `{key}={shown}` is no number that can be shown."
    assert key not in app.query_params
    if file == "home":  # and it stays
        assert f"{key}=" in refused(app.run())


@pytest.mark.slow
def test_every_setting_belongs_to_a_page() -> None:
    seen: set[str] = {
        "own",
        "dial",
        "play",
        "step",
        "a",
        "present",
        "sweep_value",
    }  # no widget takes these: what they carry is taken at once; that of a sweep is drawn when there is a row
    queries: tuple[dict[str, str], ...] = (
        {},
        {"data": "bars"},
        {"data": "digits"},
        {"data": "patterns2d"},
        {"data": "planted"},
        {"loss": "huber"},
        {"activation": "leaky"},
        {"kind": "Two ReLU layers"},
        {"images_view": "The talk's experiment"},
        {"ten_part": "Inside", "ten_n": "50", "ten_filters": "25", "ten_beta": "1"},
        *({"network": kind, "n": "4", "stride": "2"} for kind in sorted({choice.kinds[0] for choice in CHOICES})),
    )
    of_images = [query for query in queries if "images_view" in query or "ten_part" in query]
    for file in TITLES:
        for query in queries:
            pages = (
                ("real_images",)
                if query in of_images
                else ("solve",)
                if "network" in query
                else ("dataset", "three_layer")
            )
            if query and file not in pages:
                continue
            app = visit(file, query)
            if "ten_part" in query:
                finish_ten(app)
            if file == "convex_vs_sgd":
                finish_sgd(app)
            end_work(app)
            seen |= app.session_state["_address_drawn"]
    assert seen == address.KEYS
