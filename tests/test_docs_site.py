"""The built site: whole, at home in any window, and silent towards other hosts."""

import functools
import http.server
import importlib
import shutil
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
CHROMIUM = shutil.which("chromium")


@pytest.fixture
def docs_site(monkeypatch):
    """The extension of the build."""
    pytest.importorskip("sphinx", reason="the documentation's tools are not installed (pip install -e '.[docs]')")
    monkeypatch.syspath_prepend(str(ROOT / "docs" / "_ext"))
    return importlib.import_module("docs_site")


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ('<script src="https://elsewhere.example/x.js">', True),
        ("<img alt='' src=//elsewhere.example/x.png>", True),
        ('<link rel="stylesheet" href="https://elsewhere.example/x.css">', True),
        ('<link rel="preconnect" href="//elsewhere.example">', True),
        ("@font-face{src:url(https://elsewhere.example/x.woff2)}", True),
        ('@import "https://elsewhere.example/x.css";', True),
        ('<a href="https://elsewhere.example/">a link waits for a click</a>', False),
        ('<link rel="canonical" href="https://elsewhere.example/">', False),
        ('<script src="_static/x.js"></script><img src="../x.webp">', False),
        ("@font-face{src:url(fonts/x.woff2)}", False),
    ],
)
def test_what_a_page_would_fetch_from_elsewhere_is_found(docs_site, text, asks):
    assert bool(docs_site.complaints(text)) is asks


def test_links_that_lead_nowhere_are_found(docs_site, tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html#there">b</a><a href="#top">up</a>')
    (tmp_path / "b.html").write_text('<p id="there"></p><a href="https://elsewhere.example/">out</a>')
    assert docs_site.dead_links(tmp_path) == []
    (tmp_path / "b.html").write_text('<a href="a.html#nosuch">a</a><a href="c.html">c</a>')
    assert docs_site.dead_links(tmp_path) == [
        "a.html links to b.html#there",
        "b.html links to a.html#nosuch",
        "b.html links to c.html",
    ]


@pytest.fixture(scope="module")
def address():
    """The site, served on a free port."""
    if not (SITE / "index.html").exists():
        pytest.skip("the site is not built: sphinx-build docs site")
    handler = functools.partial(_Quiet, directory=str(SITE))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme", "every"), [(390, "dark", True), (1400, "light", False)])
def test_pages_fit_their_window_set_their_formulas_and_ask_no_other_host(address, width, scheme, every):
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no chromium")
    pages = sorted(path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html"))
    assert len(pages) > 40
    if not every:
        pages = [name for name in pages if name.count("/") == 0]
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        asked, failed, errors = [], [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: failed.append(response.url) if response.status >= 400 else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in pages:
            page.goto(address + name)
            assert page.evaluate(_FORMULAS) == 0, f"{name}: formulas that are not set"
            assert page.evaluate(_WIDER) <= 0, f"{name}: wider than the window"
        browser.close()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    assert failed == []
    assert errors == []


_FORMULAS = """[...document.querySelectorAll('.math')]
    .filter(e => !e.querySelector('.katex') || e.querySelector('.katex-error')).length"""
_WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
