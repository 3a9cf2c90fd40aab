"""What every report's page has around its body: no script is needed to read it, and nothing is asked of any host."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from .pictures import Picture
from .same_page import sealed_page
from .style import STYLE

__all__ = ["figures", "footer", "frame", "made_words"]

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_SAVE = """\
document.getElementById("save").onclick = () => {
  const text = document.getElementById("report").textContent;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {type: "application/json"}));
  link.download = "report.json";
  link.click();
};"""


def frame(title: str, body: str, text: str) -> str:
    """The page with that title and body, and with the JSON `text` inside."""
    written = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="seal" content="">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
        f'<script type="application/json" id="report">{_inside(text)}</script>\n<script>\n{_SAVE}\n</script>\n'
        "</body>\n</html>\n"
    )
    return sealed_page(written)


def _inside(text: str) -> str:
    """JSON that ends no element: there is no < outside its texts."""
    return text.replace("<", "\\u003c")


def figures(drawn: list[Picture]) -> str:
    """The pictures of a page."""
    figures = "\n".join(
        f"<figure>\n<figcaption><h3>{escape(item.title)}</h3><p>{escape(item.note)}</p></figcaption>\n{item.svg}\n</figure>"
        for item in drawn
    )
    return f'<section class="pictures" aria-label="Pictures">\n{figures}\n</section>'


def made_words(made: Mapping[str, Any]) -> str:
    """When and with which software a report was made."""
    return (
        f"{made['date']}, convex_core {made['convex_core']}, Python {made['python']}, numpy {made['numpy']}, "
        f"scipy {made['scipy']}"
    )


def footer(rows: list[tuple[str, str]]) -> str:
    """The record at the end, and what a seal is."""
    body = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)
    return (
        f'<footer>\n<dl class="record">{body}</dl>\n<p>The seal is a checksum of the data and the claims: it shows '
        "that nothing was changed by accident, not who wrote them. Ergen and Pilanci, Implicit Convex Regularizers of "
        "CNN Architectures, ICLR 2021, arXiv 2006.14798.</p>\n</footer>"
    )
