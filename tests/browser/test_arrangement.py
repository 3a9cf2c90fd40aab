"""The Arrangement page in a real browser: the pointer knows the cells, the turning filter needs no server."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convex_core.arrangement import enumerate_patterns
from convex_core.data import load_dataset
from convex_core.figures.arrangement.disc import POLE
from convex_core.geometry import cells_at, circle_cells, stereographic
from convex_core.patches import patch_geometry

from .conftest import OPEN_MS, WAIT_MS

sync_api = pytest.importorskip("playwright.sync_api")


class View:
    """The page in a browser, with what it sent and what went wrong."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.set_default_timeout(WAIT_MS)
        self.errors: list[str] = []
        self.sent: list[object] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda socket: socket.on("framesent", lambda frame: self.sent.append(frame)))

    def open(self, url: str) -> None:
        """Go there and wait until the script has run and the pictures are drawn."""
        self.page.goto(url)
        self.page.wait_for_selector(".st-key-turn .js-plotly-plot", timeout=OPEN_MS)
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("[data-test-script-state='notRunning']", timeout=WAIT_MS)
        self.page.wait_for_timeout(500)

    def spot(self, key: str, xy: np.ndarray) -> list[float]:
        """Where a point of a flat picture is on the screen."""
        self.page.locator(f".st-key-{key} .js-plotly-plot").scroll_into_view_if_needed()
        script = """([key, x, y]) => {
            const plot = document.querySelector(`.st-key-${key} .js-plotly-plot`), box = plot.getBoundingClientRect();
            const {xaxis, yaxis} = plot._fullLayout;
            return [box.left + xaxis._offset + xaxis.l2p(x), box.top + yaxis._offset + yaxis.l2p(y)];
        }"""
        return self.page.evaluate(script, [key, *map(float, xy)])

    def space_spot(self, u: np.ndarray) -> list[float]:
        """Where a point of the sphere is on the screen."""
        self.page.locator(".st-key-sphere .js-plotly-plot").scroll_into_view_if_needed()
        script = """() => {
            const scene = document.querySelector(".st-key-sphere .js-plotly-plot")._fullLayout.scene._scene;
            const box = scene.glplot.canvas.getBoundingClientRect(), c = scene.glplot.cameraParams;
            return [[box.left, box.top, box.width, box.height], scene.dataScale,
                    ...[c.projection, c.view, c.model].map((m) => [...m])];
        }"""
        (left, top, width, height), scale, *matrices = self.page.evaluate(script)
        q = np.append(u * scale, 1.0)
        for matrix in reversed(matrices):
            q = np.reshape(matrix, (4, 4)).T @ q
        x, y = q[:2] / q[3]
        return [left + (x + 1) / 2 * width, top + (1 - y) / 2 * height]

    def point_at(self, spot: list[float], fires: int, rows: int) -> None:
        """Move there; the page says how many patches fire, and asks nobody."""
        sent = len(self.sent)
        self.page.mouse.move(*spot)
        self.page.get_by_text(f"{fires} of {rows} patches fire under the pointer").wait_for(timeout=WAIT_MS)
        assert len(self.sent) == sent

    def click(self, spot: list[float], cell: int) -> None:
        """Click there; the cell becomes the chosen one."""
        self.page.mouse.click(*spot)
        self.page.wait_for_url(f"**cell={cell}", timeout=WAIT_MS)
        self.settle()


@pytest.fixture
def view(context: Any) -> Any:
    opened = View(context.new_page())
    opened.page.set_viewport_size({"width": 1400, "height": 1000})
    yield opened
    assert opened.page.locator("[data-testid='stException']").count() == 0
    assert opened.errors == []
    opened.page.close()


def rows_of(name: str, samples: int, h: int) -> np.ndarray:
    data = load_dataset(name)
    return patch_geometry(data.input_shape, h, 1).extract(data.X[:samples]).reshape(-1, h)


def test_the_pointer_knows_the_cells_of_the_circle_and_the_turning_filter_needs_no_server(
    server: str, view: View
) -> None:
    view.open(f"{server}/arrangement?data=edge&samples=2")
    rows = rows_of("edge", 2, 2)
    arrangement = enumerate_patterns(rows)
    # the narrowest and the widest sector: nearest centres would mistake one for the other
    cells = circle_cells(arrangement)
    for p in (int(cells.width.argmax()), int(cells.width.argmin())):
        u = 0.95 * cells.centers[p]
        spot = view.spot("circle", u)
        view.point_at(spot, int((rows @ u >= 0).sum()), len(rows))
        view.click(spot, p)
    turn(view)


def test_the_pointer_knows_the_cells_of_discs_and_sphere(server: str, view: View) -> None:
    view.open(f"{server}/arrangement")
    rows = rows_of("motifs", 3, 3)
    arrangement = enumerate_patterns(rows)
    near, far, turned = np.array([0.9, 0.3, 0.2]), np.array([-0.2, -0.5, 0.1]), np.array([0.5, 0.9, 0.4])
    for key, u, side in (("disc_near", near, 1), ("disc_far", far, -1), ("sphere", turned, 0)):
        u = u / np.linalg.norm(u)
        spot = view.space_spot(u) if key == "sphere" else view.spot(key, stereographic(side * u[None], POLE)[0])
        view.point_at(spot, int((rows @ u >= 0).sum()), len(rows))
        view.click(spot, int(cells_at(arrangement, u[None])[0]))


def turn(view: View) -> None:
    """Turn the filter by its slider, and let it turn; nobody is asked."""
    page = view.page
    headline = page.locator(".annotation-text", has_text="patches fire")
    page.locator(".slider-rail-touch-rect").scroll_into_view_if_needed()
    view.settle()
    label = page.locator(".slider-label").first
    before, sent = label.inner_html(), len(view.sent)
    rail = page.locator(".slider-rail-touch-rect").bounding_box()
    page.mouse.click(rail["x"] + 0.4 * rail["width"], rail["y"] + rail["height"] / 2)
    changed = "old => document.querySelector('.slider-label').innerHTML !== old"
    page.wait_for_function(changed, arg=before, timeout=WAIT_MS)
    assert "patches fire" in headline.text_content()
    view.settle()
    before = label.inner_html()
    for last in (False, False, True):  # a click while plotly.js draws its menu anew is lost
        page.locator(".updatemenu-button", has_text="Play").click()
        try:
            page.wait_for_function(changed, arg=before, timeout=WAIT_MS if last else 10_000)
            break
        except sync_api.TimeoutError:
            assert not last
    page.locator(".updatemenu-button", has_text="Pause").click()
    assert len(view.sent) == sent
    view.settle()
    # plotly.js rejects the promise of an animation that is interrupted, with nothing as the reason
    view.errors = [error for error in view.errors if error != "undefined"]


def test_a_narrow_screen_shows_whole_discs(server: str, view: View) -> None:
    view.page.set_viewport_size({"width": 390, "height": 844})
    view.open(f"{server}/arrangement")
    left, right = (view.spot("disc_near", np.array([x, 0.0]))[0] for x in (-1, 1))
    assert 0 < left < right < 390
    assert right - left > 300
    assert view.page.evaluate("document.documentElement.scrollWidth") <= 390
