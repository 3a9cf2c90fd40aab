"""The built site in a browser: at home in any window, its formulas set, and silent towards other hosts."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from .conftest import ROOT, Visit

SITE = ROOT / "site"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site, served on a free port."""
    if not (SITE / "index.html").exists():
        pytest.skip("the site is not built: sphinx-build docs site")
    handler = functools.partial(_Quiet, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize(("width", "scheme", "every"), [(390, "dark", True), (1400, "light", False)])
def test_pages_fit_their_window_set_their_formulas_and_ask_no_other_host(
    address: str, visit: Visit, width: int, scheme: Any, every: bool
) -> None:
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    assert len(pages) > 40
    if not every:
        pages = [name for name in pages if name.count("/") == 0]
    page, failed = visit.page, []
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in pages:
        page.goto(address + name)
        assert page.evaluate(_FORMULAS) == 0, f"{name}: formulas that are not set"
        assert page.evaluate(_WIDER) <= 0, f"{name}: wider than the window"
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert failed == []
    visit.assert_clean()


_FORMULAS = """[...document.querySelectorAll('.math')]
    .filter(e => !e.querySelector('.katex') || e.querySelector('.katex-error')).length"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
