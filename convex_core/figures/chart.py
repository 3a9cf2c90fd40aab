"""A figure together with what a reader who cannot see it needs: a text with the numbers, and the data as a table."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from ..errors import InputError
from .colours import DARK, LIGHT

__all__ = ["Chart", "blank", "encoded_once", "log_ticks"]

_FONT = "'Source Sans 3', 'Source Sans Pro', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True, slots=True)
class Chart:
    """A Plotly figure with its text alternative and its data.

    Attributes
    ----------
    figure : plotly.graph_objects.Figure
        Transparent background and no fonts of its own: the page, or :meth:`html`, decides.
    alt : str
        What the figure shows, with the numbers that matter.
    table : mapping of str to sequence
        Columns of equal length.
    name : str
        File name for exports, without a suffix.
    """

    figure: Any
    alt: str
    table: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    name: str = "figure"

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.table.values()}
        if len(lengths) > 1:
            raise InputError(f"table: got columns of lengths {sorted(lengths)}, expected equal lengths")

    def csv(self) -> str:
        """The table as CSV with a header.

        Examples
        --------
        >>> Chart(None, "two points", {"x": [1, 2], "y": [3.0, 4.0]}).csv().splitlines()
        ['x,y', '1,3.0', '2,4.0']
        """
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(self.table)
        writer.writerows(zip(*self.table.values(), strict=True))
        return out.getvalue()

    def _repr_html_(self) -> str:
        return str(self.figure._repr_html_())

    def html(self, *, dark: bool = False) -> str:
        """A self-contained HTML page, plotly.js included, that works offline."""
        colours = DARK if dark else LIGHT
        figure = go.Figure(self.figure)
        figure.update_layout(
            font={"family": _FONT, "color": colours.ink, "size": 14},
            paper_bgcolor=colours.paper,
            plot_bgcolor=colours.paper,
        )
        # frames wait for the reader: played by themselves they end at the last one
        page: str = figure.to_html(
            include_plotlyjs=True, full_html=True, auto_play=False, config={"displaylogo": False}
        )
        head = f'<head><meta name="viewport" content="width=device-width"><title>{html.escape(self.title)}</title>'
        return page.replace("<head>", head, 1).replace("<html>", '<html lang="en">', 1)

    @property
    def title(self) -> str:
        """The name for a person.

        Examples
        --------
        >>> Chart(None, "", name="beta-dial").title
        'Beta dial'
        """
        return self.name.replace("-", " ").capitalize()


def encoded_once(figure: Any) -> Any:
    """The same figure, from now on turned into plain data only once, however often it is sent; nobody may change it.

    Examples
    --------
    >>> figure = encoded_once(go.Figure(go.Scatter(y=[1, 2])))
    >>> figure.to_dict() is figure.to_dict()
    True
    """
    plain = figure.to_dict()
    figure.to_dict = lambda: plain
    return figure


def log_ticks(low: float, high: float, *, most: int = 8) -> tuple[list[float], list[str]]:
    """Places and texts of ticks on a logarithmic axis; between powers of ten Plotly itself writes a bare 2 or 5.

    Examples
    --------
    >>> log_ticks(0.3, 4.0)[1], log_ticks(1e-9, 1.0)[1]
    (['0.5', '1', '2'], ['1e-09', '1e-07', '1e-05', '0.001', '0.1'])
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    every: list[float] = []
    for digits in ((1, 2, 5), (1,)):
        every = [float(f"{d}e{e}") for e in range(first, last + 1) for d in digits]
        every = [t for t in every if low * (1 - 1e-9) <= t <= high * (1 + 1e-9)]
        if len(every) <= most:
            break
    every = every[:: math.ceil(len(every) / most)] if len(every) > most else every
    return every, [f"{t:,.0f}" if 1e3 <= t < 1e6 else f"{t:g}" for t in every]


def blank(height: int, *, left: int = 56, right: int = 16, top: int = 28, bottom: int = 44) -> Any:
    """An empty figure with the project's margins, legend and hover, transparent and without fonts of its own.

    Examples
    --------
    >>> blank(300).layout.height
    300
    """
    figure = go.Figure()
    figure.update_layout(
        template=go.layout.Template(),
        height=height,
        margin={"l": left, "r": right, "t": top, "b": bottom},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 14},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "title": None},
        hoverlabel={"namelength": -1},
    )
    return figure
