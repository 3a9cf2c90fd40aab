"""What the build does besides: the options of the command line from its parser, and a last look at the pages.

The built site must not ask anything of other hosts; a page that would is an error here, not a surprise to a reader.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

from command_line import PLACE, command_line
from docutils import nodes
from gallery import GalleryParser
from sphinx.application import Sphinx
from sphinx.util import logging

import convex_core

__all__ = ["complaints", "dead_links", "setup"]

_log = logging.getLogger(__name__)

# what a browser fetches by itself, unlike the target of a link
_FETCHED = (
    re.compile(
        r"<(?:script|img|iframe|source|video|audio|embed)\b[^>]*\bsrc(?:set)?=[\"']?\s*(?:https?:)?//[^\"'>\s]*"
    ),
    re.compile(r"<link\b(?![^>]*\brel=[\"']?canonical)[^>]*\bhref=[\"']?(?:https?:)?//[^\"'>\s]*"),
    re.compile(r"url\(\s*[\"']?(?:https?:)?//[^)]*"),
    re.compile(r"@import\s+[\"'](?:https?:)?//[^\"']*"),
)

_LINK = re.compile(r"\bhref=\"(?!https?:|mailto:|data:)([^\"?]+)\"")
_ANCHOR = re.compile(r"\bid=\"([^\"]+)\"")


def complaints(text: str) -> list[str]:
    """What the text of a page or a style sheet would fetch from another host.

    Examples
    --------
    >>> complaints('<a href="https://example.org/">elsewhere</a> <img src="here.webp">')
    []
    >>> complaints('<script src="https://example.org/x.js">')
    ['<script src="https://example.org/x.js']
    """
    return [match.group() for pattern in _FETCHED for match in pattern.finditer(text)]


def dead_links(site: Path) -> list[str]:
    """Links from page to page, written in Markdown or in HTML, that lead nowhere."""
    pages = {file: file.read_text(encoding="utf-8") for file in sorted(site.rglob("*.html"))}
    anchors = {file: set(_ANCHOR.findall(text)) for file, text in pages.items()}
    dead = []
    for file, text in pages.items():
        for link in sorted(set(_LINK.findall(text))):
            address, _, anchor = link.partition("#")
            target = (file.parent / address).resolve() if address else file
            if not target.exists() or (anchor and target in anchors and anchor not in anchors[target]):
                dead.append(f"{file.relative_to(site)} links to {link}")
    return dead


def _put_commands(app: Sphinx, name: str, source: list[str]) -> None:
    if PLACE in source[0]:
        source[0] = source[0].replace(PLACE, command_line())


def _last_look(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None:
        return
    site = Path(app.outdir).resolve()
    found = dead_links(site)
    for file in sorted([*site.rglob("*.html"), *site.rglob("*.css")]):
        found += [f"{file.relative_to(site)} would ask {c}" for c in complaints(file.read_text(encoding="utf-8"))]
    for line in found:
        _log.warning(line)


def _attributes(app: Sphinx, doctree: nodes.document) -> None:
    """What numpy's docstrings call attributes, Sphinx calls variables."""
    for field in doctree.findall(nodes.field_name):
        if field.astext() == "Variables":
            field.replace_self(nodes.field_name("", "Attributes"))


def _word(name: str, raw: str, text: str, *_: Any, **__: Any) -> tuple[list[nodes.Node], list[nodes.Node]]:
    """Role ``{word}``: how a program relates to its network, as a coloured word."""
    kinds = {"exact": "exact", "exact if rank one": "rank", "bound only": "bound"}
    return [nodes.inline(raw, text, classes=["word", f"word-{kinds[text]}"])], []


# a line of a section of parameters: ``name : type``
_TYPED = re.compile(r"^(\S[^:`]*?) : (.+)$")
_RULE = re.compile(r"^-{3,}\s*$")
# code, roles and formulas, and the signs between them that mean something else to docutils
_APART = re.compile(r"(``.*?``|:[a-z]+:`.*?`|`.*?`)")


def _plain(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Types such as ``(n, d) float64`` are no references, and ``|f - y|`` and ``*names`` no markup."""
    if what in ("attribute", "property") and lines:
        lines[:0] = ["..", ""]  # an empty comment, or napoleon takes what is before a colon for a type
    typed = formula = False
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and _RULE.match(lines[i + 1]):
            typed = line.strip() in ("Parameters", "Attributes")
        formula = line.lstrip().startswith(".. math::") or (formula and (not line.strip() or line.startswith(" ")))
        found = _TYPED.match(line) if typed else None
        if found:
            kind, comma, rest = found[2].partition(", optional")
            shown = f":class:`{kind}`" if kind in convex_core.__all__ else f"``{kind.replace('`', '')}``"
            lines[i] = (
                f"{found[1].replace(', ', ',')} : {shown}{comma}{rest}"  # names in one word, or it takes one for a type
            )
        elif not formula and ">>>" not in line:
            lines[i] = "".join(
                part if k % 2 else re.sub(r"\|(?=\S)|(?<!\*)\*(?=[a-z_]+[,.) ])", r"\\\g<0>", part)
                for k, part in enumerate(_APART.split(line))
            )


@cache
def _names() -> frozenset[str]:
    """Every name that the library defines somewhere."""
    found = set()
    for file in Path(convex_core.__file__).parent.rglob("*.py"):
        found.add(file.stem)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return frozenset(found)


def _not_public(app: Sphinx, env: Any, node: nodes.Element, content: nodes.Element) -> nodes.Element | None:
    """A reference to what is there and has no page is plain code; one to what is not there stays a warning."""
    return content if node["reftarget"].rpartition(".")[2] in _names() else None


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_role("word", _word)
    app.add_source_suffix(".py", "gallery")
    app.add_source_parser(GalleryParser)
    app.connect("source-read", _put_commands)
    app.connect("doctree-read", _attributes)
    app.connect("autodoc-process-docstring", _plain, priority=400)  # before napoleon
    app.connect("missing-reference", _not_public)
    app.connect("build-finished", _last_look)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
