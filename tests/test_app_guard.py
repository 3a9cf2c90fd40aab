"""No expected error is a crash: it is one sentence, and another dataset can be taken."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from app_helpers import end_work, poll, testing, visit

from convex_core.data import Dataset
from convex_core.errors import ConvexCoreError, InputError
from pages._ui import guard, shell
from pages._ui.state import limits, own_link, scales, spec

WITH_DATA = ["dataset", "arrangement", "solve", "filters_and_path", "convex_vs_sgd"]


def zipped(images: Any, labels: Any) -> bytes:
    out = io.BytesIO()
    np.savez(out, images=images, labels=labels)
    return out.getvalue()


def broken_archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00")
        archive.writestr("labels.npy", b"")
    return out.getvalue()


FILES = {
    "noise": bytes(range(256)) * 9,
    "empty": b"",
    "too few": zipped(np.zeros((7, 28, 28), np.uint8), np.arange(7)),
    "one class": zipped(np.zeros((200, 28, 28), np.uint8), np.zeros(200, int)),
    "no labels": zipped(np.zeros((200, 28, 28), np.uint8), np.zeros(3, int)),
    "cut off": zipped(np.zeros((200, 28, 28), np.uint8), np.arange(200) % 10)[:900],
    "no arrays": broken_archive(),
}


@pytest.fixture(params=sorted(FILES))
def unreadable(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Image files that are where they belong and cannot be used."""
    (tmp_path / "mnist.npz").write_bytes(FILES[request.param])
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))


@pytest.mark.slow
@pytest.mark.usefixtures("unreadable")
def test_a_file_that_cannot_be_read_leaves_every_page_usable() -> None:
    for file in WITH_DATA:
        app = visit(file, {"data": "mnist"})
        assert len(app.error) == 1
        assert app.error[0].value.startswith("The dataset mnist cannot be used: ")
        assert "\n" not in app.error[0].value
        # the choice of another one is there, and Reset
        assert app.selectbox(key="data").value == "mnist"
        assert {"shift", "motifs"} <= set(app.selectbox(key="data").options)
        assert app.button(key="reset")
    app = visit("solve", {"data": "shift"})
    app.selectbox(key="data").set_value("mnist").run()
    assert not app.exception
    assert len(app.error) == 1
    app.selectbox(key="data").set_value("shift").run()
    assert not app.exception
    assert not app.error
    assert app.header


@pytest.mark.slow
@pytest.mark.usefixtures("unreadable")
def test_real_images_offers_another_file_for_one_that_cannot_be_read() -> None:
    app = visit("real_images", {"images": "MNIST"})
    assert len(app.error) == 1
    assert "cannot be used" in app.error[0].value
    assert app.file_uploader(key="images_mnist")


def test_reset_leaves_data_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mnist.npz").write_bytes(FILES["noise"])
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    app = visit("solve", {"data": "mnist"})
    app.button(key="reset").click().run()
    assert not app.exception
    assert app.selectbox(key="data").value == scales.DEFAULT_DATA
    assert app.header


@pytest.mark.slow
@pytest.mark.parametrize("file", [page.file for page in shell.PAGES])
def test_an_error_anywhere_on_a_page_is_one_sentence(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise InputError("y: got one\nthing, expected another")

    for name in ("problem", "geometry", "dataset"):
        monkeypatch.setattr(f"pages._ui.work.compute.{name}", fail)
    monkeypatch.setattr("pages._ui.three_layers.circular._bounds", fail)
    monkeypatch.setattr("pages._ui.images.training.images", fail)
    monkeypatch.setattr("pages._ui.work.warm.home", fail)
    monkeypatch.setattr("pages._ui.playground.component.current", fail)
    monkeypatch.setattr("pages._ui.tour.page.current", fail)
    app = visit(file, {})
    end_work(app)
    assert [
        e.value.endswith("y: got one thing, expected another") or "expected another." in e.value for e in app.error
    ] == [True]
    if file not in ("playground", "tour"):  # their scenes are in their picture, and no sidebar's data are used
        assert app.button(key="reset")


def test_a_fragment_that_is_drawn_again_is_guarded() -> None:
    def page() -> None:
        import streamlit as st

        from convex_core.errors import BackendError
        from pages._ui import guard

        @guard.fragment
        def part() -> None:
            if st.button("fail", key="fail"):
                raise BackendError("backend: got none, expected one")
            st.caption("fine")

        part()

    app = testing.AppTest.from_function(page, default_timeout=120).run()
    app.button(key="fail").click().run()
    assert not app.exception
    assert app.error[0].value == "backend: got none, expected one"
    app.run()
    assert not app.error
    assert app.caption[0].value == "fine"


def test_a_fault_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), guard.guarded():
        raise ZeroDivisionError
    assert not issubclass(ZeroDivisionError, ConvexCoreError)


# ---------------------------------------------------------------- uploads


def csv(value: float | str, n: int = 3) -> bytes:
    return "\n".join(f"{value},{i},{i + 1}" for i in range(n)).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (csv(1e200), "magnitude"),
        (csv(1e-200), "magnitude"),
        (csv(-1e200), "magnitude"),
        (b"1,2,1e150\n1,3,4\n", "magnitude"),
        (csv(1.0, limits.MAX_SAMPLES + 1), "expected at most 5,000"),
        (b",".join([b"1"] * (limits.MAX_LENGTH + 2)) + b"\n", "entries, expected at most"),
        ((b",".join([b"1"] * 100) + b"\n") * 2_100, "200,000 in all"),
    ],
    ids=["large", "small", "large negative", "large target", "many samples", "long sample", "many entries"],
)
def test_limits_are_checked_at_upload(content: bytes, expected: str) -> None:
    app = visit("dataset", {"data": "bars"})
    app.file_uploader(key="upload").set_value(("own.csv", content, "text/csv")).run()
    assert not app.exception
    assert len(app.error) == 1
    assert expected in app.error[0].value
    assert app.error[0].value.count("own.csv: ") == 1
    assert app.selectbox(key="data").value == "bars"


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-90, 1e-60, 1.0, 1e20, 1e59])
@pytest.mark.parametrize("file", WITH_DATA)
def test_what_an_upload_takes_no_page_fails_on(file: str, scale: float) -> None:
    rng = np.random.default_rng(1)
    data = Dataset(spec.CUSTOM, scale * rng.standard_normal((4, 5)) / 4, rng.standard_normal(4))
    limits.check(data)
    app = visit(file, {"data": spec.CUSTOM, "own": own_link.encode(data) or ""})
    end_work(app)
    assert app.selectbox(key="data").value == spec.CUSTOM


@pytest.mark.slow
@pytest.mark.parametrize(
    ("X", "y"),
    [
        (np.eye(4, 5), np.zeros(4)),
        (np.zeros((3, 4)), np.zeros(3)),
        (np.zeros((3, 4)), np.ones(3)),
        (np.ones((1, 1)), np.ones(1)),
        (np.ones((4, 5)), np.arange(4.0)),
    ],
    ids=["targets zero", "all zero", "inputs zero", "one number", "samples equal"],
)
@pytest.mark.parametrize("file", WITH_DATA)
def test_degenerate_data_are_drawn_or_refused_in_a_sentence(file: str, X: np.ndarray, y: np.ndarray) -> None:
    link = own_link.encode(Dataset(spec.CUSTOM, X, y)) or ""
    app = visit(file, {"data": spec.CUSTOM, "own": link, "iterations": "500", "runs": "2"})
    poll(app, lambda: len(app.get("plotly_chart")) + len(app.error) + len(app.info) > 0)
    end_work(app)


def test_a_fragment_has_the_name_of_its_page():
    """Streamlit takes fragments of one name at one place for the same, whatever page they are on."""
    names = set()
    for page in ("solve", "three_layer"):
        scope: dict[str, Any] = {"__name__": "__main__"}
        exec(compile("def live(): pass", f"pages/{page}.py", "exec"), scope)
        names.add(guard.fragment(scope["live"]).__qualname__)
    assert names == {"solve.live", "three_layer.live"}
