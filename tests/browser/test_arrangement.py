"""The Arrangement page in a real browser: a click picks a cell, the turning filter needs no server."""

from __future__ import annotations

from typing import Any

import pytest

WAIT_MS = 60_000


@pytest.fixture
def page(server: str, chromium: Any) -> Any:
    opened = chromium.new_context(viewport={"width": 1400, "height": 1000}).new_page()
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.sent = []
    opened.on("websocket", lambda socket: socket.on("framesent", lambda frame: opened.sent.append(frame)))
    opened.goto(f"{server}/arrangement?data=edge&samples=2")
    opened.wait_for_selector(".js-plotly-plot .scatterlayer", timeout=WAIT_MS)
    settle(opened)
    yield opened
    assert opened.locator("[data-testid='stException']").count() == 0
    assert opened.errors == []
    opened.context.close()


def settle(page: Any) -> None:
    page.wait_for_selector("[data-test-script-state='notRunning']", timeout=WAIT_MS)
    page.wait_for_timeout(500)


def test_a_click_picks_the_cell_under_it(page: Any) -> None:
    before = page.get_by_label("Cell number").input_value()
    assert before == ""
    *spot, cell = page.evaluate(
        """() => {
            const plot = document.querySelector('.js-plotly-plot'), layout = plot._fullLayout;
            const trace = plot._fullData.find(t => t.name === 'cells'), box = plot.getBoundingClientRect();
            const far = i => Math.min(...[...trace.x].map((x, j) => j === i ? 9 :
                Math.hypot(x - trace.x[i], trace.y[j] - trace.y[i])));
            const best = [...trace.x].map((_, i) => i).reduce((a, b) => far(b) > far(a) ? b : a);
            const x = layout.xaxis._offset + layout.xaxis.l2p(trace.x[best]);
            const y = layout.yaxis._offset + layout.yaxis.l2p(trace.y[best]);
            return [box.left + x, box.top + y, trace.customdata[best][0]];
        }"""
    )
    page.mouse.move(*spot)
    page.wait_for_timeout(400)
    page.mouse.click(*spot)
    page.wait_for_function(
        "() => document.querySelector('input[aria-label^=\"Cell number\"]').value !== ''", timeout=WAIT_MS
    )
    settle(page)
    assert f"cell={cell}" in page.url.split("&")


def test_the_turning_filter_needs_no_server(page: Any) -> None:
    headline = page.locator(".annotation-text", has_text="patches fire")
    headline.scroll_into_view_if_needed()
    settle(page)
    before, sent = page.locator(".slider-label").first.inner_html(), len(page.sent)
    rail = page.locator(".slider-rail-touch-rect").bounding_box()
    page.mouse.click(rail["x"] + 0.4 * rail["width"], rail["y"] + rail["height"] / 2)
    page.wait_for_function(
        "old => document.querySelector('.slider-label').innerHTML !== old", arg=before, timeout=WAIT_MS
    )
    assert "patches fire" in headline.text_content()
    assert len(page.sent) == sent
