"""Every page on a projector and for everybody: main picture, contrast and axe's audit, embedding, presenter mode."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from pages._ui.shell import PAGES, SIDEBAR_PX
from pages._ui.stage import STAGES

from .auditing import audit
from .conftest import WAIT_MS, Visit
from .test_pages import path_of

#: States beside those that pages begin with.
MORE = (
    "arrangement?view=One+cell",
    "three_layer?kind=Two+ReLU+layers",
)


def main_picture(visit: Visit, file: str) -> dict[str, float]:
    """Where the main picture of a page is on the screen."""
    main = ", ".join(f".st-key-{key} .js-plotly-plot" for key in STAGES[file].main) or ".cc-play"
    visit.page.wait_for_selector(main, timeout=WAIT_MS)
    visit.settle()
    box: dict[str, float] = visit.page.locator(main).first.bounding_box()
    return box


@pytest.mark.parametrize("link", [*(path_of(page.file) for page in PAGES), *MORE])
def test_main_picture_above_the_fold_and_no_finding_of_axe(server: str, visit: Visit, link: str) -> None:
    page = next((page for page in PAGES if page.file == link.partition("?")[0]), PAGES[0])
    # embedded, a page lacks the menus alone: here it has the room that is left beside the one on a projector
    visit.page.set_viewport_size({"width": 1280 - (0 if page.whole else SIDEBAR_PX), "height": 720})
    visit.page.emulate_media(color_scheme="light")
    visit.open(f"{server}/{link}{'&' if '?' in link else '?'}embed=true")
    box = main_picture(visit, link.partition("?")[0] or "home")
    assert visit.page.get_by_test_id("stMainMenuButton").count() == 0
    assert not visit.page.get_by_test_id("stSidebar").is_visible()
    assert "embed=true" in visit.page.url
    assert box["y"] + box["height"] <= 720, box
    assert box["height"] >= 150
    assert box["width"] >= 300
    assert audit(visit) == []


#: Texts of a page smaller than 18 px, the small figures of formulas, indices and exponents left out; what a component
#: draws counts as large as it is seen.
SMALL = """() => {
  const small = ".katex, sub, sup, tspan, [data-testid=stIconMaterial]";
  const inside = (e) => [e, ...[...(e.shadowRoot?.children ?? []), ...e.children].flatMap(inside)];
  const zoom = (e) => e.currentCSSZoom ?? 1;
  return inside(document.querySelector(".stMain"))
    .filter((e) => !["STYLE", "SCRIPT"].includes(e.tagName))
    .filter((e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !e.closest(small))
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim()))
    .filter((e) => parseFloat(getComputedStyle(e).fontSize) * zoom(e) < 17.9)
    .map((e) => `${getComputedStyle(e).fontSize}: ${e.textContent.trim().slice(0, 40)}`);
}"""


def arrow_keys(visit: Visit) -> None:
    """They lead through the scenes of Solve and back to the first; a slider keeps its own."""
    page, scenes = visit.page, STAGES["solve"].scenes
    for key, number in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1)):
        page.keyboard.press(key)
        page.wait_for_selector(f"text={number + 1} of {len(scenes)}: {scenes[number].name}", timeout=WAIT_MS)
        visit.settle()
    thumb = page.get_by_role("slider", name="Regularisation β")
    thumb.focus()
    thumb.press("ArrowRight")
    page.wait_for_url("**beta=1.3*", timeout=WAIT_MS)
    assert "present=1" in page.url
    thumb.evaluate("e => e.blur()")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(lambda url: "beta" not in url, timeout=WAIT_MS)
    visit.settle()


@pytest.mark.parametrize("file", ["solve", "playground"])
def test_a_page_is_presented_and_restored(server: str, visit: Visit, file: str) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.emulate_media(color_scheme="light")
    visit.open(f"{server}/{path_of(file)}")
    before = main_picture(visit, file)
    page.get_by_role("button", name="Present").click()
    page.wait_for_url("**present=1*", timeout=WAIT_MS)
    until_box(visit, file, lambda box: box["width"] >= 1200 and 695 <= box["y"] + box["height"] <= 720)
    assert not page.get_by_test_id("stSidebar").is_visible()
    assert not page.locator(".st-key-advanced").first.is_visible()
    assert page.evaluate(SMALL) == []
    if file == "solve":
        arrow_keys(visit)
    page.get_by_role("button", name="Leave").click()
    page.wait_for_selector(".st-key-presenter", state="detached", timeout=WAIT_MS)
    assert "present" not in page.url
    until_box(visit, file, lambda box: box == before)


def until_box(visit: Visit, file: str, fits: Callable[[dict[str, float]], bool]) -> None:
    """Wait until the main picture has its place."""
    end = time.monotonic() + WAIT_MS / 1000
    while not fits(box := main_picture(visit, file)):
        assert time.monotonic() < end, f"the main picture of {file} is at {box}"
        visit.page.wait_for_timeout(250)


def test_use_elsewhere_leads_to_the_other_pages(server: str, visit: Visit) -> None:
    page = visit.page
    page.set_viewport_size({"width": 1280, "height": 720})
    visit.open(f"{server}/playground?play=edge")
    page.wait_for_selector(".cc-play [data-cc=ceiling] >> text=/[0-9]/", timeout=WAIT_MS)
    page.get_by_role("button", name="Use elsewhere").click()
    said = page.locator(".cc-message")
    said.wait_for(timeout=WAIT_MS)
    # nothing that can be pressed lies under it
    box, button = said.bounding_box(), page.locator(".cc-dir-foot").bounding_box()
    assert box["y"] + box["height"] <= button["y"]
    page.get_by_role("button", name="Open Solve").click()
    page.wait_for_url("**/solve?*data=custom*", timeout=WAIT_MS)
    page.wait_for_selector("h2", timeout=WAIT_MS)
