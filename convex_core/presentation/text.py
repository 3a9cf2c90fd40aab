"""Numbers and tables as text, as JSON and as HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

__all__ = ["aligned", "html_table", "jsonable", "number", "table"]


def jsonable(value: Any) -> Any:
    """`value` with numpy types turned into Python's and every NaN or infinity into None.

    Examples
    --------
    >>> jsonable({"a": np.float64("inf"), "b": np.arange(2), "c": (1.5, None)})
    {'a': None, 'b': [0, 1], 'c': [1.5, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def number(value: float | None, digits: int = 8) -> str:
    """A number for a person; ``-`` when there is none."""
    return "-" if value is None or not math.isfinite(value) else f"{value:.{digits}g}"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun.

    Examples
    --------
    >>> counted(1, "patch", "patches"), counted(2, "patch", "patches"), counted(0, "round")
    ('1 patch', '2 patches', '0 rounds')
    """
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def aligned(pairs: Iterable[tuple[str, str]]) -> str:
    """One ``name  value`` line each, the values in one column."""
    items = list(pairs)
    width = max(len(name) for name, _ in items)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in items)


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Rows in columns, separated by two blanks."""
    lines = [header, *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    return "\n".join("  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def html_table(title: str, pairs: Iterable[tuple[str, str]]) -> str:
    """The same lines as a small table for a notebook, in the colours of the notebook.

    Examples
    --------
    >>> "Bounds</caption>" in html_table("Bounds", [("value", "0.1")])
    True
    """
    name, cell = 'scope="row" style="text-align:left;font-weight:400;opacity:.75"', 'style="text-align:left"'
    rows = "\n".join(
        f"<tr><th {name}>{html.escape(key)}</th><td {cell}>{html.escape(value)}</td></tr>" for key, value in pairs
    )
    caption = f'<caption style="text-align:left;font-weight:600">{html.escape(title)}</caption>'
    return f"<table>{caption}<tbody>\n{rows}\n</tbody></table>"
