"""Reports in a browser: downloaded by a visitor they hold, and opened from a file they ask nothing of anybody."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from convex_core import verify

from .conftest import WAIT_MS, Visit
from .playing import open_scene, visitor


def test_solve_and_the_playground_hand_out_reports_that_hold(
    server: str, visit: Visit, context: Any, chromium: Any, tmp_path: Path
) -> None:
    visit.open(f"{server}/solve?data=edge&n=4&beta=0.2")
    visit.page.get_by_role("button", name="Download").first.click()
    with visit.page.expect_download(timeout=WAIT_MS) as waiting:
        visit.page.get_by_role("button", name="Report · HTML").click()
    solved, played = tmp_path / "solved.html", tmp_path / "played.html"
    waiting.value.save_as(solved)
    playing = visitor(context)
    open_scene(playing, server, "line")
    with playing.page.expect_download(timeout=WAIT_MS) as waiting:
        playing.page.get_by_role("button", name="Report").click()
    waiting.value.save_as(played)
    playing.assert_clean()
    playing.page.close()
    for file, link in ((solved, r"/solve\?[^\"]*beta=0.2"), (played, r"/playground\?play=line")):
        found = verify(file)
        assert found.holds, found.summary()
        assert re.search(rf'href="{re.escape(server)}{link}', file.read_text(encoding="utf-8"))
    for width, scheme in ((1280, "light"), (390, "dark")):
        look_at(chromium, solved, width, scheme)


def look_at(chromium: Any, file: Path, width: int, scheme: str) -> None:
    """Open a page from its file, without a network, and save the JSON in it."""
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page = context.new_page()
    said: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save report.json").click()
    numbers = file.with_name(f"numbers-{width}.json")
    waiting.value.save_as(numbers)
    assert verify(numbers).holds
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    context.close()
