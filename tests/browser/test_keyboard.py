"""The Tab key comes to every control once, in the order in which they are read, and one sees where it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import WAIT_MS, Visit

TABBING = (Path(__file__).parent / "tabbing.js").read_text(encoding="utf-8")
#: More presses than any page has controls.
MOST = 200
#: What each page is complete with; the others have charts.
READY = {
    "playground": ".cc-play[aria-busy=false] svg",
    "tour": ".cc-play[aria-busy=false]",
    "": ".js-plotly-plot [role=slider]",
}


@pytest.mark.parametrize(
    ("page", "controls"),
    [
        ("", 29),
        ("tour", 40),
        ("playground", 80),
        ("arrangement?data=edge", 36),
        ("filters_and_path?data=shift&points=10", 34),
        ("convex_vs_sgd?data=shift&runs=2&iterations=500", 45),
    ],
)
def test_the_tab_key_comes_to_every_control_once_and_is_seen(
    server: str, visit: Visit, page: str, controls: int
) -> None:
    visit.page.set_viewport_size({"width": 1280, "height": 720})
    visit.open(f"{server}/{page}")
    ready = READY.get(page.partition("?")[0], ".js-plotly-plot .main-svg")
    visit.page.locator(ready).first.wait_for(timeout=WAIT_MS)
    visit.rest()
    visit.page.evaluate(TABBING)
    visit.page.evaluate("ccTabs.begin()")
    for _ in range(MOST):
        visit.page.keyboard.press("Tab")
        if visit.page.evaluate("ccTabs.over()"):
            break
    found: dict[str, Any] = visit.page.evaluate("ccTabs.report()")
    order = found.pop("order")
    assert found == {"missed": [], "unseen": [], "twice": [], "back": []}, order
    assert len(order) >= controls
