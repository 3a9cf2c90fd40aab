"""A figure together with what a reader who cannot see it needs: a text with the numbers, and the data as a table."""

from __future__ import annotations

import csv
import html
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from ..contracts.files import check_writable, replacing
from ..contracts.validation import integer
from ..errors import InputError
from .colours import DARK, LIGHT
from .draft import Draft
from .images import image
from .offline import places, scripts

__all__ = ["Chart", "blank", "log_ticks", "power_ticks"]

_FONT = "'Source Sans 3', 'Source Sans Pro', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
#: What the name of a saved figure may end in.
ENDINGS = (".html", ".png", ".svg", ".csv")


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure with its text alternative and its data.

    Attributes
    ----------
    drawing : Draft or plotly.graph_objects.Figure
        What was drawn. Transparent background and no fonts of its own: the page, or :meth:`html`, decides.
    alt : str
        What the figure shows, with the numbers that matter.
    table : mapping of str to sequence
        Columns of equal length.
    name : str
        File name for exports, without a suffix.
    """

    drawing: Any
    alt: str
    table: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    name: str = "figure"
    _figure: Any = field(default=None, init=False, repr=False, compare=False)
    _plain: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = {len(column) for column in self.table.values()}
        if len(lengths) > 1:
            raise InputError(f"table: got columns of lengths {sorted(lengths)}, expected equal lengths")

    @property
    def figure(self) -> Any:
        """The figure as Plotly's own object, checked by Plotly; what is changed in it is changed in all that follows.

        Examples
        --------
        >>> chart = Chart(blank(300).add_scatter(y=[1, 2]), "It rises.")
        >>> type(chart.figure).__name__, chart.figure.layout.height
        ('Figure', 300)
        """
        if not isinstance(self.drawing, Draft):
            return self.drawing
        if self._figure is None:
            drawn = {"data": self.drawing.data, "layout": self.drawing.layout, "frames": self.drawing.frames}
            object.__setattr__(self, "_figure", go.Figure(drawn))
        return self._figure

    def plain(self) -> dict[str, Any]:
        """What plotly.js reads, made once; nobody may change it.

        Examples
        --------
        >>> chart = Chart(blank(300).add_scatter(y=[1, 2]), "It rises.")
        >>> chart.plain()["layout"]["height"], chart.plain() is chart.plain()
        (300, True)
        """
        if self._figure is not None or not isinstance(self.drawing, Draft):
            return dict(self.figure.to_dict())
        if self._plain is None:
            object.__setattr__(self, "_plain", self.drawing.to_dict())
        return self._plain  # type: ignore[no-any-return]

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
        """A self-contained HTML page that works offline, with what plotly.js needs for it: less than 1 MB.

        Examples
        --------
        >>> page = Chart(blank(300).add_scatter(y=[1, 2]), "It rises from 1 to 2.").html()
        >>> "<p>It rises from 1 to 2.</p>" in page, len(page) < 1_000_000
        (True, True)
        """
        figure, colours = self._on_paper(dark), DARK if dark else LIGHT
        return (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width">'
            f"<title>{html.escape(self.title)}</title><style>body{{margin:1rem;font:16px/1.5 {_FONT};"
            f"color:{colours.ink};background:{colours.paper}}}</style></head>\n"
            f"<body>{places([figure], [self.alt])[0]}<p>{html.escape(self.alt)}</p>\n"
            f"<noscript><p>The figure is drawn by JavaScript.</p></noscript>{scripts([figure])}</body></html>\n"
        )

    def save(
        self,
        target: str | Path,
        *,
        dark: bool = False,
        width: int | None = None,
        height: int | None = None,
        scale: float = 2.0,
    ) -> None:
        """Write the figure: a page, an image or the data, as the name ends in .html, .png, .svg or .csv.

        Parameters
        ----------
        target : str or Path
            Where it goes; another file is replaced when all is written.
        dark : bool
            On dark paper; the colours of lines are those that the figure was made with.
        width, height : int, optional
            Of an image, in pixels from 10 to 10,000; by default the figure's own, or 900 and 450.
        scale : float
            Pixels of a PNG for each of them, from 0.1 to 10.

        Raises
        ------
        InputError
            For another ending, a size out of its range, or a file that cannot be written.
        BackendError
            For an image without kaleido (``pip install 'convex-core[images]'``) or without Chrome or Chromium.

        Examples
        --------
        >>> import tempfile
        >>> target = Path(tempfile.mkdtemp()) / "rise.csv"
        >>> Chart(blank(300).add_scatter(y=[1, 2]), "It rises.", {"y": [1, 2]}).save(target)
        >>> target.read_text().split()
        ['y', '1', '2']
        """
        suffix = Path(target).suffix.lower()
        if suffix not in ENDINGS:
            expected = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
            raise InputError(f"figure: got {Path(target).name[-80:]!r}, expected a name that ends in {expected}")
        sizes = {"width": width, "height": height}
        width, height = (
            None if value is None else integer(value, name, minimum=10, maximum=10_000) for name, value in sizes.items()
        )
        if not isinstance(scale, int | float) or not 0.1 <= scale <= 10.0:
            raise InputError(f"scale: got {scale!r}, expected a number from 0.1 to 10")
        check_writable(target, "figure")
        if suffix == ".html":
            data = self.html(dark=dark).encode()
        elif suffix == ".csv":
            data = self.csv().encode()
        else:
            data = image(self._on_paper(dark), suffix[1:], width=width, height=height, scale=scale)
        with replacing(target, "figure") as file:
            file.write(data)

    def _on_paper(self, dark: bool) -> Any:
        """The figure with fonts and a ground of its own."""
        colours = DARK if dark else LIGHT
        figure = go.Figure(self.figure)
        return figure.update_layout(
            font={"family": _FONT, "color": colours.ink, "size": 14},
            paper_bgcolor=colours.paper,
            plot_bgcolor=colours.paper,
        )

    @property
    def title(self) -> str:
        """The name for a person.

        Examples
        --------
        >>> Chart(None, "", name="beta-dial").title
        'Beta dial'
        """
        return self.name.replace("-", " ").capitalize()


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


def power_ticks(low: float, high: float, *, most: int = 5) -> tuple[list[float], list[str]]:
    """The same over many powers of ten, written as such: Plotly's own are a quarter larger than all other ticks.

    Examples
    --------
    >>> power_ticks(1e-12, 2.0)
    ([1e-12, 1e-09, 1e-06, 0.001, 1.0], ['10⁻¹²', '10⁻⁹', '10⁻⁶', '10⁻³', '1'])
    >>> power_ticks(1.0, 5e3)[1]
    ['1', '10', '10²', '10³']
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = next(s for s in (*range(1, 5), *range(6, 1000, 3)) if (last - first) // s < most)
    # counted from 1 on, so that the powers are round ones
    powers = [p for p in range(first, last + 1) if p % step == 0]
    return [float(f"1e{p}") for p in powers], [
        {0: "1", 1: "10"}.get(p, "10" + str(p).translate(_RAISED)) for p in powers
    ]


def blank(height: int, *, left: int = 56, right: int = 16, top: int = 28, bottom: int = 44) -> Draft:
    """An empty figure with the project's margins, legend and hover, transparent and without fonts of its own.

    Examples
    --------
    >>> blank(300).layout["height"]
    300
    """
    return Draft(
        template={},  # no theme of Plotly's
        height=height,
        margin={"l": left, "r": right, "t": top, "b": bottom},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": 14},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        hoverlabel={"namelength": -1},
    )
