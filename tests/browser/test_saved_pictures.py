"""Charts as PNG and SVG: made in the browser, whole, on the page's ground, and under a telling name; and pressed."""

from __future__ import annotations

import re
import struct
import xml.etree.ElementTree as ET
from pathlib import Path

from .conftest import WAIT_MS, Visit


def saved(visit: Visit, button: str, name: str) -> bytes:
    """What a press on a button gives to the visitor; nothing travels to the server."""
    sent = len(visit.sent)
    with visit.page.expect_download(timeout=WAIT_MS) as download:
        visit.page.locator(button).first.click(force=True)
    assert download.value.suggested_filename == name
    assert len(visit.sent) == sent
    return Path(download.value.path()).read_bytes()


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    return int(width), int(height)


def texts(svg: bytes) -> str:
    root = ET.fromstring(svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return " ".join("".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text"))


def test_a_chart_is_saved_without_the_server_a_sample_pressed_and_the_theme_changed(server: str, visit: Visit) -> None:
    visit.open(f"{server}/solve?data=shift")
    save_a_chart(visit)
    press_a_sample(visit)
    change_the_theme(visit)


def save_a_chart(visit: Visit) -> None:
    """It is the chart on the page, which stays as it was."""
    page = visit.page
    page.wait_for_selector(".st-key-bounds .cc-save button", state="attached", timeout=WAIT_MS)
    visit.settle()
    page.wait_for_timeout(500)
    box = page.locator(".st-key-bounds .js-plotly-plot").bounding_box()
    width, height = size(saved(visit, ".st-key-bounds .cc-save button >> text=PNG", "solve-bounds.png"))
    assert abs(width - 2 * (box["width"] + 28)) <= 2
    assert height > 2 * box["height"]
    svg = saved(visit, ".st-key-bounds .cc-save button >> text=SVG", "solve-bounds.svg")
    assert "Bounds" in texts(svg)
    assert "relative gap" in texts(svg)
    ground = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert ground.replace(" ", "") in svg.decode().replace(" ", "")
    # the chart on the page is as it was
    assert page.locator(".st-key-bounds .gtitle").count() == 0
    assert page.locator(".st-key-bounds .js-plotly-plot").bounding_box() == box


def press_a_sample(visit: Visit) -> None:
    """It is taken inside the network."""
    page = visit.page
    points = page.locator(".st-key-predictions .scatterlayer .trace").last.locator(".point")
    points.nth(7).wait_for(state="attached", timeout=WAIT_MS)
    visit.settle()
    page.locator(".st-key-predictions").scroll_into_view_if_needed()
    box = points.nth(7).bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.get_by_role("heading", name=re.compile("^Sample 7 through filter 1")).wait_for(timeout=WAIT_MS)
    page.wait_for_url("**sample=7*", timeout=WAIT_MS)


def change_the_theme(visit: Visit) -> None:
    """Charts follow."""
    bars = ".js-plotly-plot .bars path"
    visit.page.wait_for_selector(bars, timeout=WAIT_MS)
    before = visit.page.locator(bars).last.evaluate("e => getComputedStyle(e).fill")
    visit.page.get_by_test_id("stMainMenuButton").click()
    visit.page.get_by_text("Dark").click()
    visit.page.wait_for_function(
        "([s, old]) => [...document.querySelectorAll(s)].every(e => getComputedStyle(e).fill !== old)",
        arg=[bars, before],
        timeout=WAIT_MS,
    )


def test_the_playground_is_saved_without_the_server(server: str, visit: Visit) -> None:
    visit.open(f"{server}/playground?play=edge")
    visit.page.wait_for_selector(".cc-play [data-cc=ceiling] >> text=/[0-9]/", timeout=WAIT_MS)
    visit.page.wait_for_timeout(1500)
    box = visit.page.locator(".cc-columns").bounding_box()
    width, height = size(saved(visit, ".cc-whole button >> text=PNG", "playground-edge.png"))
    assert abs(width - 2 * box["width"]) <= 4
    assert abs(height - 2 * box["height"]) <= 4
    found = texts(saved(visit, ".cc-whole button >> text=SVG", "playground-edge.svg"))
    assert "Optimum" in found
    assert "ceiling" in found
    visit.assert_clean()
