"""Convex vs SGD and Solve in a browser: curves told apart while they come, none lost, a sample pressed."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from .conftest import SLOW_JOBS, WAIT_MS, Visit, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server whose training goes on until it is cancelled."""
    with running_server(SLOW_JOBS) as address:
        yield address


def test_seeds_are_told_apart_while_they_run_and_old_curves_stay(server: str, visit: Visit) -> None:
    page = visit.page
    visit.open(f"{server}/convex_vs_sgd?data=shift&iterations=20000&width=16&runs=6")
    page.wait_for_selector("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg", timeout=WAIT_MS)
    page.get_by_role("button", name="Cancel").click()
    # the colour and the dash of every curve of what was trained so far
    page.wait_for_selector(".st-key-curves .legendlines path", state="attached", timeout=WAIT_MS)
    visit.settle()
    styles = page.evaluate(
        "() => [...document.querySelectorAll('.st-key-curves .traces')]"
        ".filter(e => /^seed/.test(e.textContent))"
        ".map(e => { const line = e.querySelector('.legendlines path');"
        " return `${line.style.stroke} ${line.style.strokeDasharray}`; })"
    )
    assert len(styles) == len(set(styles)) == 6
    box = page.locator(".st-key-curves .js-plotly-plot").bounding_box()
    thumb = page.get_by_role("slider", name="SGD seeds")
    thumb.focus()
    thumb.press("ArrowLeft")
    page.wait_for_selector("text=/The settings have changed/", timeout=WAIT_MS)
    visit.settle()
    assert page.locator(".st-key-curves .js-plotly-plot").bounding_box()["height"] == box["height"]
    faded = page.evaluate(
        "() => new Set([...document.querySelectorAll('.st-key-curves .scatterlayer .js-line')]"
        ".map(e => e.style.stroke)).size"
    )
    assert faded <= 2


def test_a_press_on_a_sample_takes_it_inside_the_network(server: str, visit: Visit) -> None:
    page = visit.page
    visit.open(f"{server}/solve?data=shift")
    points = page.locator(".st-key-predictions .scatterlayer .trace").last.locator(".point")
    points.nth(7).wait_for(state="attached", timeout=WAIT_MS)
    visit.settle()
    page.locator(".st-key-predictions").scroll_into_view_if_needed()
    box = points.nth(7).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("heading", name=re.compile("^Sample 7 through filter 1")).wait_for(timeout=WAIT_MS)
    page.wait_for_url("**sample=7*", timeout=WAIT_MS)
