"""The Tour is walked to its end by keyboard; a guess can be dragged; what is said is the library's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from pages._ui.tour import facts, steps

from .conftest import OPEN_MS, WAIT_MS, Visit
from .playing import visitor, wait_for


@pytest.fixture
def visit(context: Any) -> Iterator[Visit]:
    opened = visitor(context)
    yield opened
    opened.assert_clean()
    opened.page.close()


def text(visit: Visit, name: str) -> str:
    return str(visit.page.locator(name).inner_text())


def at(visit: Visit, number: int) -> None:
    """Wait until a step is on the screen, in the address, and the optimum of its scene is known."""
    page = visit.page
    page.locator(f".cc-tour-title:text-is({steps.TITLES[number - 1]!r})").wait_for(timeout=WAIT_MS)
    wait_for(visit, lambda: page.url.endswith(f"step={number}"))
    page.locator(".cc-tour-ask:visible").wait_for(timeout=WAIT_MS)
    page.locator(".cc-play[aria-busy=false]").wait_for(timeout=WAIT_MS)


def test_the_tour_is_walked_by_keyboard_to_its_end(visit: Visit, server: str) -> None:
    page, keys = visit.page, visit.page.keyboard
    page.goto(f"{server}/tour")
    page.locator(".cc-tour-ask").wait_for(timeout=OPEN_MS)
    for number in range(1, steps.COUNT + 1):
        at(visit, number)
        step = steps.step(number)
        question, answer = step["question"], page.locator(".cc-tour-answer")
        assert text(visit, ".cc-tour-ask") == question["text"]
        assert not answer.is_visible()
        if question["kind"] == "choice":
            keys.press(str(question["right"] + 1))
        elif question["kind"] == "direction":
            dot = page.get_by_role("slider", name="your guess, a direction")
            dot.focus()
            before = float(dot.get_attribute("aria-valuenow"))
            keys.press("ArrowRight")  # turns the dot and does not go on
            wait_for(visit, lambda: float(dot.get_attribute("aria-valuenow")) == before - 2)  # noqa: B023
            keys.press("Enter")
        else:
            dial = page.get_by_role("slider", name="Penalty beta")
            dial.focus()
            keys.press("PageUp")
            wait_for(visit, lambda: float(page.locator(".cc-number").input_value()) > facts.SAMPLES.beta)
            page.get_by_role("button", name="This is my guess").focus()
            keys.press("Enter")
        answer.wait_for(timeout=WAIT_MS)
        assert [re.sub(r"\s+", " ", words) for words in answer.locator(".cc-tour-text p").all_inner_texts()] == step[
            "reveal"
        ]
        assert (text(visit, ".cc-tour-verdict") == "Right.") == (question["kind"] == "choice")
        # the dot and the dial keep the arrow keys while they have the focus
        page.locator(".cc-tour-next, .cc-tour-ends a").locator("visible=true").first.focus()
        assert page.url.endswith(f"step={number}")  # the step behind it was asked for meanwhile
        if number < steps.COUNT:
            keys.press("ArrowRight")
    page.get_by_role("link", name="Play with these data").focus()
    keys.press("Enter")
    page.locator(".cc-picker").wait_for(timeout=WAIT_MS)
    assert "/playground" in page.url


def test_keys_work_after_a_press_in_the_sidebar(visit: Visit, server: str) -> None:
    visit.open(server)
    visit.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Tour").click()
    at(visit, 1)
    visit.page.keyboard.press("ArrowRight")
    visit.page.locator(".cc-tour-answer").wait_for(timeout=WAIT_MS)


def test_a_notice_of_a_bad_link_leaves_the_buttons_on_the_screen(visit: Visit, server: str) -> None:
    for link, button in (("tour?step=9", "Show me →"), ("playground?play=x", "Play SGD")):
        visit.page.goto(f"{server}/{link}")
        visit.page.get_by_test_id("stAlert").wait_for(timeout=OPEN_MS)
        low = visit.page.get_by_role("button", name=button).locator("visible=true").first
        low.wait_for(timeout=WAIT_MS)
        wait_for(visit, lambda: (box := low.bounding_box()) and box["y"] + box["height"] <= 720)  # noqa: B023


def test_a_dot_is_dragged_to_a_filter_and_the_way_back_keeps_it(visit: Visit, server: str) -> None:
    page = visit.page
    page.goto(f"{server}/tour?step=7")
    page.locator(".cc-tour-ask").wait_for(timeout=OPEN_MS)
    at(visit, 7)
    assert not page.locator(".cc-dir-stars").first.is_visible()
    target = steps.step(7)["question"]["angles"][0]
    disc = page.locator(".cc-dir-disc").bounding_box()
    dot = page.get_by_role("slider", name="your guess, a direction").bounding_box()
    x, y, r = disc["x"] + disc["width"] / 2, disc["y"] + disc["height"] / 2, disc["width"] / 2 - 13
    page.mouse.move(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    page.mouse.down()
    turned = complex(r, 0) * complex(-1) ** (-(target + 3) / 180)
    page.mouse.move(x + turned.real, y + turned.imag, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="This is my guess").click()
    wait_for(visit, lambda: text(visit, ".cc-tour-verdict") == "Only 3° off.")
    assert page.locator(".cc-dir-stars").first.is_visible()
    page.get_by_role("button", name="← Back").click()
    at(visit, 6)
    page.get_by_role("button", name="Show me →").click()
    neurons = page.locator(".cc-outcome .cc-tiles").last.locator(".cc-tile")
    wait_for(visit, lambda: neurons.count() == facts.NEURONS["trap"])
    page.get_by_role("link", name="Step 7").click()
    at(visit, 7)
    assert text(visit, ".cc-tour-verdict") == "Only 3° off."
    assert page.locator(".cc-dir-dots").first.is_visible()
    assert not page.get_by_role("button", name="By hand").is_visible()  # no step speaks of it
    # a step that is not about training shows no neurons of it
    page.get_by_role("link", name="Step 8").click()
    at(visit, 8)
    assert not page.locator(".cc-dir-dots").first.is_visible()
    page.get_by_role("link", name="Step 7").click()
    at(visit, 7)
    # what was trained in the step before can be compared here
    page.get_by_role("button", name="SGD", exact=True).click()
    wait_for(visit, lambda: float(page.locator('[data-cc="ceiling"]').get_attribute("data-value") or 0) > 1.0)
