"""The app without a browser, for every test of a page: open one by a link, wait for its work, read what it shows."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pages._ui.work import warm

testing = pytest.importorskip("streamlit.testing.v1")
scanner = pytest.importorskip("streamlit.components.v2.manifest_scanner")

# a new session of AppTest reads the metadata of every installed package, in search of components: a tenth of a second,
# and there are none beside the app's own
scanner.scan_component_manifests = list
# behind whatever page is tested next, the home page's runs of SGD go on: only the browser's tests look at them
warm.HOME_ITERATIONS, warm.HOME_SEEDS = 60, (0, 1)

#: for what always ends, however slow the machine; and between two looks
PATIENCE_SECONDS, LOOK_SECONDS = 200.0, 0.05
ROOT = Path(__file__).resolve().parents[1]
APP = str(ROOT / "app.py")


def visit(file: str, query: Mapping[str, Any]) -> Any:
    """A new session that begins with a link to a page."""
    app = testing.AppTest.from_file(APP, default_timeout=120)
    if file != "home":
        app.switch_page(f"pages/{file}.py")
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception, app.exception
    return app


def open_page(file: str, **query: Any) -> Any:
    """The same, with the settings of the link as keywords."""
    return visit(file, query)


def end_work(app: Any) -> None:
    """Cancel what runs in the background."""
    for slot in ("_sgd_job", "_path", "_images_quick", "_ten_job", "_sweep"):
        if slot in app.session_state and hasattr(app.session_state[slot], "cancel"):
            app.session_state[slot].cancel()


def poll(app: Any, ended: Callable[[], bool]) -> None:
    """Run the page again and again, as a browser would, until something holds of it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not ended():
        assert time.monotonic() < end, f"not after {PATIENCE_SECONDS:g} s"
        time.sleep(LOOK_SECONDS)
        app.run()
        assert not app.exception, app.exception


def finish_sgd(app: Any) -> None:
    """Poll until the worker has ended."""
    poll(app, lambda: bool(app.get("plotly_chart")) and "_sgd_job" not in app.session_state)


def finish_ten(app: Any) -> None:
    """Poll until ten classes are trained."""
    poll(app, lambda: any("of unseen images right" in item.value for item in app.subheader))


def upload(app: Any, name: str, content: bytes) -> None:
    """Give a file to the Dataset page."""
    app.file_uploader(key="upload").set_value((name, content, "application/octet-stream")).run()
    assert not app.exception


def html(app: Any) -> str:
    """All HTML on the page."""
    return " ".join(element.proto.body for element in app.get("html"))


def facts(app: Any) -> dict[str, str]:
    """The rows of numbers: label to value."""
    return dict(re.findall(r'<div class="cc-fact"><span>(.*?)</span><b>(.*?)</b>', html(app)))


def sentences(app: Any) -> str:
    """Everything a page says beside its headline."""
    return " ".join(str(e.value) for kind in ("info", "caption", "warning", "markdown") for e in app.get(kind))


def charts(app: Any) -> list[dict[str, Any]]:
    """The figures as Plotly gets them."""
    return [json.loads(element.proto.spec) for element in app.get("plotly_chart")]


def alts(app: Any) -> list[str]:
    """What the figures say to a screen reader."""
    return [element.proto.alt for element in app.get("plotly_chart")]


def numbers(value: Any) -> np.ndarray:
    """An array from Plotly's JSON, which packs numpy arrays."""
    if not isinstance(value, dict):
        return np.array(value, dtype=float)
    flat = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
    return flat.reshape([int(k) for k in str(value.get("shape", len(flat))).split(",")])


def folded(app: Any) -> set[str]:
    """Keys of the controls that are not seen before something is folded out."""
    kinds = ("slider", "select_slider", "number_input", "selectbox", "button_group")
    blocks = [*app.expander, *app.get("popover")]
    return {widget.key for block in blocks for kind in kinds for widget in block.get(kind)}
