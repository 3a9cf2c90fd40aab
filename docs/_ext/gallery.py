"""Scripts of the gallery as pages: cells as notebooks have them, with what they print below.

A script is in cells: ``# %% [markdown]`` begins text, in comments; ``# %%`` code; ``# %% [out]`` what the code before
it prints, in comments. Editors open such a file as a notebook, and Python runs it.
"""

from __future__ import annotations

import re
from typing import Any

from myst_parser.parsers.sphinx_ import MystParser

__all__ = ["GalleryParser", "cells", "markdown"]

_CELL = re.compile(r"^# %%(?: \[(markdown|out)\])?$", re.MULTILINE)


def cells(script: str) -> list[tuple[str, str]]:
    r"""Kind (``markdown``, ``code`` or ``out``) and text of each cell; comments of text and outputs are taken off.

    Examples
    --------
    >>> cells("# %% [markdown]\n# # Sum\n\n# %%\nprint(1 + 1)\n\n# %% [out]\n# 2\n")
    [('markdown', '# Sum'), ('code', 'print(1 + 1)'), ('out', '2')]
    """
    first, *parts = _CELL.split(script)
    if first.strip():
        raise ValueError(f"gallery: got {first[:60]!r} before the first cell, expected # %%")
    found = []
    for kind, text in zip(parts[::2], parts[1::2], strict=True):
        body = text.strip("\n")
        if kind is None:
            found.append(("code", body))
            continue
        lines = body.splitlines()
        if any(line != "#" and not line.startswith("# ") for line in lines):
            raise ValueError(f"gallery: got {body[:60]!r} in a cell of {kind}, expected comments")
        found.append((kind, "\n".join(line[2:] for line in lines)))
    return found


def markdown(script: str) -> str:
    """The page of a script."""
    fences = {"code": "python", "out": "text"}
    return "\n\n".join(
        text if kind == "markdown" else f"```{fences[kind]}\n{text}\n```" for kind, text in cells(script)
    )


class GalleryParser(MystParser):
    """Reads a script as the Markdown of its cells."""

    supported = ("gallery",)

    def parse(self, inputstring: str, document: Any) -> None:
        """Parse the page of a script."""
        super().parse(markdown(inputstring), document)
