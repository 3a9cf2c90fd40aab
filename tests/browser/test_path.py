"""Filters and path, and the dial of Home, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from convex_core.data import load_dataset
from convex_core.path import solve_path
from convex_core.problem import Problem

from .test_pages import WAIT_MS, Visit

HEADLINE = ".js-plotly-plot .annotation-text"


@pytest.fixture(scope="module")
def context(chromium: Any) -> Iterator[Any]:
    opened = chromium.new_context(viewport={"width": 1400, "height": 900}, color_scheme="light")
    yield opened
    opened.close()


def test_cold_deep_link_shows_the_path(fresh_server: str, context: Any) -> None:
    visit = Visit(context)
    visit.open(f"{fresh_server}/filters_and_path?data=shift&points=10&beta=2")
    path = solve_path(Problem.from_dataset(load_dataset("shift")), points=10)
    visit.page.wait_for_selector(f".cc-fact b >> text={path.beta_max:.6g}", timeout=WAIT_MS)
    visit.page.wait_for_selector("h2 >> text=10 certified optima", timeout=WAIT_MS)
    visit.page.wait_for_selector(f"text=objective {path.preview(2.0).objective:.6g}", timeout=WAIT_MS)
    visit.page.wait_for_selector(HEADLINE, timeout=WAIT_MS)
    assert visit.page.get_by_test_id("stNavSectionHeader").count() >= 2
    assert "points=10" in visit.page.url
    visit.assert_clean()

    # the dial turns in the browser alone: at its right end every filter is dead
    visit.settle()
    before = visit.page.locator(HEADLINE).first.text_content()
    sent = len(visit.sent)
    rail = visit.page.locator(".slider-rail-touch-rect").first.bounding_box()
    visit.page.mouse.click(rail["x"] + rail["width"] - 2, rail["y"] + rail["height"] / 2)
    visit.page.wait_for_function(
        "([s, old]) => document.querySelector(s).textContent !== old", arg=[HEADLINE, before], timeout=WAIT_MS
    )
    assert str(visit.page.locator(HEADLINE).first.text_content()).startswith("0 of 2 filters alive")
    assert len(visit.sent) == sent

    # another beta moves the preview and the address, and keeps the path
    thumb = visit.page.get_by_role("slider", name="Regularisation β")
    thumb.focus()
    thumb.press("ArrowRight")
    visit.page.wait_for_url("**beta=2.5**", timeout=WAIT_MS)
    visit.page.wait_for_selector(f"text=objective {path.preview(2.5).objective:.6g}", timeout=WAIT_MS)
    visit.assert_clean()
    visit.page.close()
