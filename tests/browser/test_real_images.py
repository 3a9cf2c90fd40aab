"""Ten classes in a browser: a digit drawn by mouse and by keys, and a press on a cell of the confusion matrix."""

from __future__ import annotations

from playwright.sync_api import expect

from .conftest import WAIT_MS, Visit

#: Trained in a second.
QUICK = "ten_n=400&ten_filters=50&ten_beta=1"
#: A seven on the unit square, y downwards.
SEVEN = ((0.2, 0.15), (0.8, 0.15), (0.4, 0.9))


def opened(visit: Visit, server: str, part: str) -> None:
    visit.open(f"{server}/real_images?{QUICK}&ten_part={part}")
    visit.page.wait_for_selector("text=of unseen images right", timeout=WAIT_MS)


def test_a_digit_is_drawn_by_mouse_and_by_keys(visit: Visit, server: str) -> None:
    opened(visit, server, "Draw+a+digit")
    page = visit.page
    pad = page.locator("canvas.ink")
    pad.wait_for()
    box = pad.bounding_box()
    place = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in SEVEN]
    page.mouse.move(*place[0])
    page.mouse.down()
    for point in place[1:]:
        page.mouse.move(*point, steps=10)
    page.mouse.up()
    page.wait_for_selector("text=The network says 7", timeout=WAIT_MS)
    # a dot is no digit
    page.get_by_role("button", name="Clear").click()
    page.wait_for_selector("text=Draw a digit from 0 to 9", timeout=WAIT_MS)
    page.mouse.click(*place[0])
    page.wait_for_selector("text=Too little ink to tell", timeout=WAIT_MS)
    # a vertical line by keys alone
    page.get_by_role("button", name="Clear").click()
    page.wait_for_selector("text=Draw a digit from 0 to 9", timeout=WAIT_MS)
    pad.focus()
    for key in ["ArrowUp"] * 9 + ["Space"] + ["ArrowDown"] * 18 + ["Space"]:
        page.keyboard.press(key)
    page.wait_for_selector("text=The network says 1", timeout=WAIT_MS)
    page.keyboard.press("Backspace")
    page.wait_for_selector("text=Draw a digit from 0 to 9", timeout=WAIT_MS)


def test_a_press_on_a_cell_shows_its_images(visit: Visit, server: str) -> None:
    opened(visit, server, "Mistakes")
    page = visit.page
    chart = page.locator(".st-key-ten_confusion .js-plotly-plot")
    chart.wait_for()
    visit.settle()
    # the centre of the cell true 3, predicted 3
    x, y = chart.evaluate(
        "plot => { const { xaxis, yaxis } = plot._fullLayout, box = plot.getBoundingClientRect();"
        "return [box.left + xaxis._offset + xaxis.l2p(3), box.top + yaxis._offset + yaxis.l2p(3)]; }"
    )
    page.mouse.click(x, y)
    page.wait_for_selector("text=3, rightly seen", timeout=WAIT_MS)
    page.locator(".st-key-ten_look button").click()
    page.wait_for_selector("text=Why 3?", timeout=WAIT_MS)
    page.wait_for_url("**ten_image=*", timeout=WAIT_MS)  # the first image of the test is a 3 as well
    # the box is drawn anew by the press: for a moment there is none
    box = page.get_by_role("spinbutton")
    expect(box).not_to_have_value("0", timeout=WAIT_MS)
    number = box.input_value()
    assert f"ten_image={number}" in page.url
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 720})
        page.wait_for_timeout(300)
        main = page.locator("[data-testid=stMain]")
        assert main.evaluate("e => e.scrollWidth <= e.clientWidth")
