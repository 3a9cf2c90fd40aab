"""Every page in a real browser: cold deep links, no outside request, narrow screens."""

from __future__ import annotations

from typing import Any

import pytest

from convex_core.data import load_dataset
from convex_core.problem import Problem
from convex_core.solution import solve
from pages._ui.shell import PAGES

from .auditing import audit
from .conftest import WAIT_MS, Visit


def path_of(file: str) -> str:
    return "" if file == "home" else file


#: Pages that are one component, without charts and settings; what each is complete with.
IN_ONE = {"playground": ".cc-play svg", "tour": ".cc-tour-ask"}


#: Keeps every entry that the menu has ever had.
EVERY_ENTRY = """
window.entries = new Set();
new MutationObserver(() => {
  for (const entry of document.querySelectorAll("[data-testid=stSidebarNavLink]"))
    if (entry.innerText) window.entries.add(entry.innerText.trim().split("\\n").pop());
}).observe(document, { childList: true, subtree: true, characterData: true });
"""


def picture(file: str) -> str:
    """What a page is complete with."""
    return IN_ONE.get(file, ".js-plotly-plot .main-svg")


#: Each needs a server of its own: one page of every kind.
COLD = [page for page in PAGES if page.file in ("home", "tour", "playground", "solve", "real_images")]


@pytest.mark.parametrize("info", COLD, ids=lambda p: p.file)
def test_cold_deep_link(fresh_server: str, visit: Visit, info: Any) -> None:
    visit.page.add_init_script(EVERY_ENTRY)
    visit.open(f"{fresh_server}/{path_of(info.file)}?seed=1&data=shift")
    if info.file in IN_ONE:  # they take the whole window
        visit.page.get_by_test_id("stExpandSidebarButton").click(timeout=WAIT_MS)
    visit.page.wait_for_selector("[data-testid='stSidebarNav']", timeout=WAIT_MS)
    links = visit.page.locator("[data-testid='stSidebarNavLink']").all_inner_texts()
    assert [text.split("\n")[-1] for text in links] == [p.title for p in PAGES]
    assert set(visit.page.evaluate("[...window.entries]")) <= {p.title for p in PAGES}  # never the names of files
    sections = visit.page.locator("[data-testid='stNavSectionHeader']").all_inner_texts()
    assert [text.strip().split("\n")[-1] for text in sections] == list(dict.fromkeys(p.section for p in PAGES))
    visit.page.wait_for_selector(picture(info.file), timeout=WAIT_MS)
    visit.assert_clean()
    assert visit.page.title() != "Streamlit"
    assert "seed=1" in visit.page.url or info.file in ("home", *IN_ONE)


@pytest.mark.parametrize("info", PAGES, ids=lambda p: p.file)
def test_narrow_dark_screen_does_not_overflow(server: str, visit: Visit, info: Any) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.page.emulate_media(color_scheme="dark")
    visit.open(f"{server}/{path_of(info.file)}?data=shift")
    visit.page.wait_for_selector(picture(info.file), timeout=WAIT_MS)
    inner, outer = visit.page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]'); return [m.scrollWidth, m.clientWidth] }"
    )
    assert inner <= outer
    controls = visit.page.locator(".st-key-controls")
    if controls.count():  # in two columns: what they set is to be seen below them
        assert controls.first.bounding_box()["height"] < 300
    widths = visit.page.evaluate(
        "() => [...document.querySelectorAll('.js-plotly-plot')].map(e => e.getBoundingClientRect().width)"
    )
    assert widths or info.file in IN_ONE
    assert max(widths, default=0) <= 390
    formulas = visit.page.evaluate(
        "() => [...document.querySelectorAll('.katex-display')].filter(e => e.clientWidth)"
        ".map(e => [e.scrollWidth - e.clientWidth, getComputedStyle(e).overflowX])"
    )
    assert all(cut <= 4 or overflow == "auto" for cut, overflow in formulas)
    assert info.file not in ("solve", "three_layer") or [cut <= 4 for cut, _ in formulas] == [True]
    visit.settle()
    assert audit(visit) == []
    visit.assert_clean()


@pytest.mark.parametrize("file", ["solve", "arrangement", "playground"])
def test_on_a_phone_nothing_lies_over_what_a_link_says_wrongly(server: str, visit: Visit, file: str) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open(f"{server}/{file}?beta=-3&data=nothing")
    said = visit.page.get_by_text("Not taken from the link").first.bounding_box()
    for name in ("stHeaderLogo", "stExpandSidebarButton", "stMainMenu"):
        button = visit.page.get_by_test_id(name).first.bounding_box()
        assert button["y"] + button["height"] <= said["y"]


def test_a_link_carries_the_state(server: str, visit: Visit, context: Any) -> None:
    visit.open(f"{server}/solve?data=shift")
    thumb = visit.page.get_by_role("slider", name="Regularisation β")
    thumb.focus()
    for _ in range(3):
        thumb.press("ArrowRight")
    visit.page.wait_for_url("**beta=0.2**", timeout=WAIT_MS)
    solution = solve(Problem.from_dataset(load_dataset("shift"), beta=0.2), tol=1e-8)
    shown = f".cc-fact b >> text={solution.network_objective:.8g}"
    visit.page.wait_for_selector(shown, timeout=WAIT_MS)
    other = Visit(context)
    other.open(visit.page.url)
    other.page.wait_for_selector(shown, timeout=WAIT_MS)
    other.page.close()
    visit.assert_clean()
