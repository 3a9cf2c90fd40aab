"""The playground on a phone, by real touches: a finger drags what a mouse drags, and looks where a mouse looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pages._ui.playground.scenes import FIRST, built_in

from .conftest import Visit
from .playing import agree, middle, open_scene, wait_for

STEPS = 12


@pytest.fixture(scope="module")
def phone(chromium: Any) -> Iterator[Any]:
    screen = {"width": 390, "height": 844}
    opened = chromium.new_context(viewport=screen, has_touch=True, is_mobile=True, reduced_motion="reduce")
    yield opened
    opened.close()


@pytest.fixture
def visit(phone: Any) -> Iterator[Visit]:
    opened = Visit(phone)
    yield opened
    opened.page.close()


class Finger:
    """A finger that goes along a straight line; between the touches the page draws."""

    def __init__(self, visit: Visit) -> None:
        self.page = visit.page
        self.session = visit.page.context.new_cdp_session(visit.page)

    def _touch(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y} for x, y in places]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def drag(self, x: float, y: float, right: float, down: float) -> list[str]:
        """Press at a place and go that far; the sentences that were on the screen on the way."""
        seen = []
        self._touch("touchStart", (x, y))
        for step in range(1, STEPS + 1):
            self._touch("touchMove", (x + right * step / STEPS, y + down * step / STEPS))
            self.page.wait_for_timeout(40)
            seen.append(sentence(self.page))
        self._touch("touchEnd")
        return seen


def sentence(page: Any) -> str:
    text: str = page.locator(".cc-dir-story").text_content()
    return text


def tab(visit: Visit, name: str) -> None:
    visit.page.get_by_role("tab", name=name).tap()
    wait_for(visit, lambda: visit.page.locator(f"#cc-{name.lower()}").is_visible())


def test_a_finger_drags_bars_and_targets_to_where_it_lifts(server: str, visit: Visit) -> None:
    open_scene(visit, server, FIRST)
    tab(visit, "Data")
    finger, scene = Finger(visit), built_in(FIRST)
    # along a bar, which is how the page scrolls as well, and across it
    for name, right, down in (
        ("sample 1, entry 1", 0.0, -40.0),
        ("target 2", 0.0, 30.0),
        ("sample 3, entry 2", 40.0, 4.0),
    ):
        x, y = middle(visit, name)
        box = visit.page.get_by_role("slider", name=name, exact=True).locator(".cc-hit").bounding_box()
        finger.drag(x, y, right, down)
        scene = agree(visit, after=scene)
        shown = float(visit.page.get_by_role("slider", name=name, exact=True).get_attribute("aria-valuenow"))
        share = (box["y"] + box["height"] / 2.0 - y - down) / (box["height"] / 2.0)
        # bars reach to 2; the room to press is a little taller than they
        assert shown == pytest.approx(np.clip(2.2 * share, -2.0, 2.0), abs=0.2)
    assert np.count_nonzero(scene.X != built_in(FIRST).X) == 2
    assert np.count_nonzero(scene.y != built_in(FIRST).y) == 1
    visit.assert_clean()


def test_a_finger_paints_a_column_of_pixels_in_one_stroke(server: str, visit: Visit) -> None:
    open_scene(visit, server, "rows")
    tab(visit, "Data")
    x, y = middle(visit, "sample 2, entry 1")
    _, end = middle(visit, "sample 2, entry 21")
    Finger(visit).drag(x, y, 0.0, end - y)
    scene = agree(visit, after=built_in("rows"))
    expected = np.array(built_in("rows").X)
    expected[1, ::5] = 1.0
    np.testing.assert_array_equal(scene.X, expected)
    visit.assert_clean()


def test_a_finger_moves_a_point_of_the_plane(server: str, visit: Visit) -> None:
    open_scene(visit, server, "circle")
    tab(visit, "Data")
    x, y = middle(visit, "point 7")
    Finger(visit).drag(x, y, -40.0, -60.0)
    scene = agree(visit, after=built_in("circle"))
    moved = scene.X[6] - built_in("circle").X[6]
    assert moved[0] < -0.2
    assert moved[1] > 0.3
    assert moved[1] / -moved[0] == pytest.approx(1.5, rel=0.1)
    visit.assert_clean()


@pytest.mark.parametrize("name", [FIRST, "sphere"])
def test_a_finger_looks_at_directions_and_a_tap_pins_a_filter(server: str, visit: Visit, name: str) -> None:
    open_scene(visit, server, name)
    tab(visit, "Directions")
    rest = sentence(visit.page)
    star = visit.page.locator(".cc-dir-svg:visible .cc-dir-star").first.bounding_box()
    stage = visit.page.locator(".cc-dir-stage").bounding_box()
    x, y = star["x"] + star["width"] / 2.0, star["y"] + star["height"] / 2.0
    middle_x, middle_y = stage["x"] + stage["width"] / 2.0, stage["y"] + stage["height"] / 2.0
    # it begins on a star, and finds what else lies on its way
    seen = Finger(visit).drag(x, y, 1.6 * (middle_x - x), 1.6 * (middle_y - y))
    assert len(set(seen)) >= 4
    assert any("One cell" in text for text in seen)
    wait_for(visit, lambda: sentence(visit.page) == rest)
    visit.page.touchscreen.tap(x, y)
    wait_for(visit, lambda: sentence(visit.page).startswith("Filter 1 of the optimum"))
    visit.page.touchscreen.tap(x, y)
    wait_for(visit, lambda: sentence(visit.page) == rest)
    visit.assert_clean()
