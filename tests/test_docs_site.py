"""The build of the site finds what would ask other hosts, and links that lead nowhere."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
