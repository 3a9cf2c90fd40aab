"""Every page in a real browser: cold deep links, no outside request, narrow screens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pages._ui.shell import PAGES

WAIT_MS = 60_000


class Visit:
    """A page with a record of what went wrong on it."""

    def __init__(self, browser: Any, width: int = 1400, scheme: str = "light") -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.outside: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._check)

    def _check(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
            self.outside.append(request.url)

    def open(self, url: str) -> None:
        """Go there and wait until the script has run."""
        self.page.goto(url)
        self.page.wait_for_selector("h1", timeout=WAIT_MS)
        self.settle()

    def settle(self) -> None:
        """Wait until nothing runs."""
        self.page.wait_for_selector("[data-test-script-state='notRunning']", timeout=WAIT_MS)

    def assert_clean(self) -> None:
        """No exception box, no page error, no request to anywhere else."""
        assert self.page.locator("[data-testid='stException']").count() == 0
        assert self.errors == []
        assert self.outside == []


@pytest.fixture
def visit(chromium: Any) -> Iterator[Visit]:
    opened = Visit(chromium)
    yield opened
    opened.context.close()


def path_of(file: str) -> str:
    return "" if file == "home" else file


@pytest.mark.parametrize("info", PAGES, ids=lambda p: p.file)
def test_cold_deep_link(fresh_server: str, visit: Visit, info: Any) -> None:
    visit.open(f"{fresh_server}/{path_of(info.file)}?seed=1")
    visit.page.wait_for_selector("[data-testid='stSidebarNav']", timeout=WAIT_MS)
    links = visit.page.locator("[data-testid='stSidebarNavLink']").all_inner_texts()
    assert [text.split("\n")[-1] for text in links] == [p.title for p in PAGES]
    sections = visit.page.locator("[data-testid='stNavSectionHeader']").all_inner_texts()
    assert {text.strip() for text in sections} == {p.section for p in PAGES}
    visit.assert_clean()
