"""The glossary for the app: every term with its one plain sentence, from the file that the documentation shows too."""

from __future__ import annotations

import re
from functools import cache

from pages._ui.layout import ASSETS

__all__ = ["terms"]

_FILE = ASSETS / "glossary.md"
_MATHS = re.compile(r"\$([^$]*)\$")
_SYMBOLS = {r"\beta": "β", r"\tau": "τ", r"\max": "max", r"\ge": "≥"}


@cache
def terms() -> dict[str, str]:
    """Terms and their sentences as plain text.

    Examples
    --------
    >>> terms()["patch"]
    'The part of an input that a filter looks at in one position; there are K of them in each sample.'
    """
    found: dict[str, str] = {}
    for entry in _FILE.read_text(encoding="utf-8").strip().split("\n\n"):
        names, sentence = entry.split("\n: ", 1)
        found |= {name: _plain(sentence) for name in names.split(", ")}
    return found


def _plain(sentence: str) -> str:
    """A sentence without the marks of Markdown, its formulas as text."""

    def formula(match: re.Match[str]) -> str:
        text = match.group(1)
        for name, symbol in _SYMBOLS.items():
            text = text.replace(name, symbol)
        return text

    return _MATHS.sub(formula, sentence).replace("`", "").replace("*", "")
