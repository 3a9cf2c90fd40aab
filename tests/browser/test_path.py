"""Filters and path, and the dial of Home, in a real browser."""

from __future__ import annotations

import time
from typing import Any

from convex_core.data import load_dataset
from convex_core.path import solve_path
from convex_core.problem import Problem

from .conftest import WAIT_MS, Visit

HEADLINE = ".js-plotly-plot .annotation-text"


def test_cold_deep_link_shows_the_path(fresh_server: str, context: Any) -> None:
    visit = Visit(context)
    visit.open(f"{fresh_server}/filters_and_path?data=shift&points=10")
    path = solve_path(Problem.from_dataset(load_dataset("shift")), points=10)
    visit.page.wait_for_selector(f".cc-fact b >> text={path.beta_max:.6g}", timeout=WAIT_MS)
    visit.page.wait_for_selector("h2 >> text=10 certified optima", timeout=WAIT_MS)
    visit.page.wait_for_selector(HEADLINE, timeout=WAIT_MS)
    assert visit.page.get_by_test_id("stNavSectionHeader").count() >= 2
    assert "points=10" in visit.page.url
    visit.assert_clean()

    # the dial turns in the browser alone: at its right end every filter is dead
    visit.rest()
    visit.turn_dial(HEADLINE)
    assert str(visit.page.locator(HEADLINE).first.text_content()).startswith("0 of 2 filters active")

    # the link follows, and brings another visitor to the same beta
    visit.page.wait_for_url(f"**dial={path.beta_max:.3g}", timeout=WAIT_MS)
    visit.assert_clean()
    visit.page.close()


def dial(visit: Visit) -> Any:
    """The slider of the dial, whenever it can be used by the keyboard: drawn anew it has no name for a moment."""
    slider = visit.page.locator(".st-key-dial .slider-group[role=slider]").first
    slider.wait_for(timeout=WAIT_MS)
    visit.settle()
    return slider


def until(visit: Visit, text: str) -> None:
    """Wait until the dial says so."""
    visit.page.wait_for_selector(saying(text), timeout=WAIT_MS)


def saying(text: str) -> str:
    return f".st-key-dial .slider-group[aria-valuetext='β = {text}']"


def press(visit: Visit, keys: tuple[str, ...], text: str) -> None:
    """Press the keys of a dial, of which the first is an end, until it says so.

    While plotly.js draws anew, as when SGD has its curves, a press is lost.
    """
    end = time.monotonic() + WAIT_MS / 1000
    while not visit.page.locator(saying(text)).count():
        assert time.monotonic() < end, "the dial does not turn"
        for key in keys:
            dial(visit).press(key)
        for _ in range(20):
            if visit.page.locator(saying(text)).count():
                break
            visit.page.wait_for_timeout(100)


#: Turns the dial to its end, and a step back as soon as the server is told of that: its answer is on the way.
TURN_AND_ON = """async () => {
  const key = (key) => document.querySelector(".st-key-dial .slider-group")
    .dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  const sent = window.ccSent;
  key("End");
  while (window.ccSent === sent) await new Promise((done) => setTimeout(done, 5));
  key("ArrowLeft");
  const plot = document.querySelector(".st-key-dial .js-plotly-plot");
  window.ccPlaces = new Set();
  setInterval(() => window.ccPlaces.add(window.convexCoreSliders.model(plot).active), 20);
}"""


def test_the_dial_of_home_is_for_the_keyboard_too_in_the_link_and_reset(server: str, context: Any) -> None:
    visit = Visit(context)
    visit.open(f"{server}/")
    slider = dial(visit)
    # once SGD has its curves the page is at rest
    visit.page.wait_for_selector(".legendtext >> text=certified optimum", timeout=WAIT_MS)
    first = str(slider.get_attribute("aria-valuetext")).removeprefix("β = ")
    before = visit.page.locator(HEADLINE).first.text_content()
    last = visit.page.evaluate(
        "document.querySelector('.st-key-dial .js-plotly-plot').layout.sliders[0].steps.at(-1).label"
    )
    press(visit, ("End",), last)
    visit.page.wait_for_function(
        "([s, old]) => document.querySelector(s).textContent !== old", arg=[HEADLINE, before], timeout=WAIT_MS
    )
    assert str(visit.page.locator(HEADLINE).first.text_content()).startswith("0 of ")
    labels = visit.page.evaluate(
        "document.querySelector('.st-key-dial .js-plotly-plot').layout.sliders[0].steps.map((s) => s.label)"
    )
    text = labels[-2]
    press(visit, ("Home",), labels[0])
    visit.page.evaluate(TURN_AND_ON)
    visit.page.wait_for_url(f"**dial={text}", timeout=WAIT_MS)
    visit.settle()
    assert visit.page.evaluate("[...window.ccPlaces]") == [len(labels) - 2]
    press(visit, ("End", "ArrowLeft"), text)
    visit.page.wait_for_url(f"**dial={text}", timeout=WAIT_MS)
    link = visit.page.url
    other = Visit(context)
    other.open(link)
    dial(other)
    until(other, text)
    other.assert_clean()
    other.page.close()
    visit.page.get_by_role("button", name="Reset").click()
    until(visit, first)
    assert "dial" not in visit.page.url
    # the mouse turns it as well, and in the browser alone
    visit.rest()
    visit.turn_dial(HEADLINE)
    assert str(visit.page.locator(HEADLINE).first.text_content()).startswith("0 of ")
    # a chart that is drawn anew has another slider, which has the keyboard then
    slider.evaluate("(one) => { one.focus(); one.replaceWith(one.cloneNode(true)); }")
    visit.page.wait_for_selector(".st-key-dial .slider-group:focus", timeout=WAIT_MS)
    visit.page.evaluate("document.activeElement.blur()")
    slider.evaluate("(one) => one.replaceWith(one.cloneNode(true))")
    visit.page.wait_for_timeout(1000)
    assert visit.page.evaluate("document.activeElement === document.body")  # it was left before
    visit.assert_clean()
    visit.page.close()
