"""Figures as files: pages that work offline in less than 1 MB, images, the data; and what is refused."""

from __future__ import annotations

import ast
import gzip
import re
import struct
import sys
import xml.etree.ElementTree as ET
from importlib.util import find_spec
from pathlib import Path
from shutil import which

import numpy as np
import plotly
import plotly.graph_objects as go
import pytest

import convex_core.figures
from convex_core import Problem, enumerate_patterns, load_dataset, solve_path
from convex_core.errors import BackendError, InputError
from convex_core.figures.chart import Chart, blank
from convex_core.figures.offline import BUNDLES, scripts

FIGURES = Path(convex_core.figures.__file__).parent
images = pytest.mark.skipif(
    find_spec("kaleido") is None or not (which("chromium") or which("google-chrome") or which("chrome")),
    reason="needs kaleido and a browser",
)


@pytest.fixture(scope="module")
def charts() -> dict[str, Chart]:
    path = solve_path(Problem.from_dataset(load_dataset("edge", n=6)), points=3, tol=1e-4)
    return {"flat": path.plot(), "solid": enumerate_patterns(np.eye(3)).plot()}


def plain() -> Chart:
    return Chart(blank(200).add_scatter(y=[1, 2]), "It rises from 1 to 2.", {"y": [1, 2]}, "rise")


def test_every_kind_of_trace_in_the_library_is_drawn_by_a_part_of_plotly() -> None:
    """No module makes charts for which the whole plotly.js would be needed."""
    seen = set()
    for path in FIGURES.rglob("*.py"):
        nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)]
        named = {node.attr.lower() for node in nodes if isinstance(node.value, ast.Name) and node.value.id == "draft"}
        kinds = named - {"draft", "frame", "make_subplots", "merged"}
        assert not kinds or any(kinds <= drawn for drawn in BUNDLES.values()), (path.name, kinds)
        seen |= kinds
    assert {"scatter", "heatmap", "bar", "mesh3d", "scatter3d"} <= seen


def test_the_parts_are_of_the_plotly_that_is_installed() -> None:
    """Figures are checked by one of its releases and drawn by another: the first number says whether that may be."""
    whole = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text()[:100]
    number = re.compile(r"v(\d+)\.\d+\.\d+")
    for name in BUNDLES:
        text = gzip.decompress((FIGURES / "plotly_js" / name).read_bytes()).decode()[:100]
        assert number.search(text)[1] == number.search(whole)[1]


def test_flat_and_solid_figures_on_one_page_get_the_whole_library() -> None:
    assert len(scripts([go.Figure(go.Bar(y=[1])), go.Figure(go.Mesh3d())])) > 1_500_000


def test_a_page_names_no_other_host(charts: dict[str, Chart]) -> None:
    for chart in charts.values():
        page = chart.html()
        assert len(page) < 1_000_000
        assert not re.search(r'(src|href)="', page)
        assert chart.alt.split(";")[0] in page
        assert page == chart.html()  # the same bytes


def test_the_name_says_what_is_written(tmp_path: Path) -> None:
    plain().save(tmp_path / "rise.CSV")
    assert (tmp_path / "rise.CSV").read_text().split() == ["y", "1", "2"]
    plain().save(tmp_path / "rise.html", dark=True)
    assert (tmp_path / "rise.html").read_text() == plain().html(dark=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rise.jpg", {}, "figure: got 'rise.jpg', expected a name that ends in .html, .png, .svg or .csv"),
        ("rise.png", {"width": 5}, r"width: got 5, expected an integer in \[10, 10000\]"),
        ("rise.png", {"height": 1.5}, r"height: got 1.5, expected an integer in \[10, 10000\]"),
        ("rise.png", {"scale": 0}, "scale: got 0, expected a number from 0.1 to 10"),
        ("no/folder/rise.png", {}, "figure: got .*, expected a writable file in an existing directory"),
    ],
)
def test_what_cannot_be_written_is_refused_in_one_sentence(
    tmp_path: Path, name: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        plain().save(tmp_path / name, **options)
    assert not list(tmp_path.iterdir())


def test_without_kaleido_or_a_browser_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ChromeNotFoundError(RuntimeError):
        pass

    class Kaleido:
        __spec__ = object()

        def __init__(self, error: Exception) -> None:
            self.error = error

        def PageGenerator(self, **options: object) -> None:
            assert options == {"mathjax": False}

        def calc_fig_sync(self, *args: object, **options: object) -> bytes:
            raise self.error

    monkeypatch.setitem(sys.modules, "kaleido", Kaleido(ChromeNotFoundError("no")))
    with pytest.raises(BackendError, match="png: got no browser, expected Chrome or Chromium on the PATH, or where"):
        plain().save(tmp_path / "rise.png")
    monkeypatch.setitem(sys.modules, "kaleido", Kaleido(RuntimeError("went\ndown")))
    with pytest.raises(BackendError, match="svg: got RuntimeError went down from kaleido, expected a drawing"):
        plain().save(tmp_path / "rise.svg")
    monkeypatch.setattr("convex_core.figures.images.find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"png: got no package kaleido, expected one \(pip install 'convex-core\["):
        plain().save(tmp_path / "rise.png")
    assert not list(tmp_path.iterdir())


@images
@pytest.mark.slow
def test_images_have_the_size_that_was_asked_for(charts: dict[str, Chart], tmp_path: Path) -> None:
    charts["solid"].save(tmp_path / "a.png", width=300, height=200, scale=1.5, dark=True)
    png = (tmp_path / "a.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (450, 300)
    charts["flat"].save(tmp_path / "a.svg", width=300)
    root = ET.fromstring((tmp_path / "a.svg").read_bytes())
    assert (root.tag, root.get("width")) == ("{http://www.w3.org/2000/svg}svg", "300")


@pytest.mark.browser
def test_a_browser_without_a_network_draws_the_pages(charts: dict[str, Chart], tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        browser = tool.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for name, chart in charts.items():
            chart.save(tmp_path / f"{name}.html")
            page, asked, wrong = browser.new_page(), [], []
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
            page.goto((tmp_path / f"{name}.html").as_uri())
            page.wait_for_selector("html[data-drawn]", timeout=60_000, state="attached")
            assert page.locator(".cc-figure .main-svg").count() > 0
            assert (len(asked), wrong) == (1, [])
            page.close()
        # frames wait for the reader: played by themselves they end at the last one
        frame = go.Frame(name="0", data=[go.Scatter(y=[2, 1])])
        Chart(go.Figure(go.Scatter(y=[1, 2]), frames=[frame]), "Two points.").save(tmp_path / "frames.html")
        page = browser.new_page()
        page.goto((tmp_path / "frames.html").as_uri())
        page.wait_for_selector("html[data-drawn]", timeout=60_000, state="attached")
        kept = page.evaluate(
            "(({data, _transitionData}) => [data[0].y, _transitionData._frames.length])"
            "(document.querySelector('.cc-figure'))"
        )
        assert kept == [[1, 2], 1]
        browser.close()
