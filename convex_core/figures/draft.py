"""Figures put together as the plain data that plotly.js reads; Plotly's own object is made of them on demand.

Plotly checks every property whenever one is set, which took four times as long as all else that drawing a page needs.
Here nothing is checked while a figure grows, and everything once, by Plotly, where :attr:`~.chart.Chart.figure` is
asked for; the tests ask that of every figure. Names and meanings are Plotly's: ``title_text=`` is ``title={"text": }``,
and ``None`` takes a property away.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np

__all__ = ["Bar", "Draft", "Frame", "Heatmap", "Image", "Mesh3d", "Scatter", "Scatter3d", "make_subplots", "merged"]

#: Properties whose own names have an underscore.
_WHOLE = frozenset(("error_x", "error_y", "error_z", "paper_bgcolor", "plot_bgcolor"))
#: Kinds of numbers that plotly.js reads from bytes, by their names in numpy; others go as lists.
_TYPED = {"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4",
          "float64": "f8"}  # fmt: skip
#: Integers are sent in the first of these that holds them.
_INTEGERS = {name: (int(np.iinfo(name).min), int(np.iinfo(name).max))
             for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32")}  # fmt: skip


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """`old` with the properties of `new`: what has properties of its own is merged, None takes away.

    Examples
    --------
    >>> merged({"title": {"text": "x", "standoff": 2}}, {"title_text": "time", "range": [0, 1]})
    {'title': {'text': 'time', 'standoff': 2}, 'range': [0, 1]}
    >>> merged({"title": {"text": "x"}}, {"title": {"text": None}})
    {'title': {}}
    """
    found = dict(old)
    for name, value in new.items():
        first, _, rest = ("", "", "") if name in _WHOLE else name.partition("_")
        if rest:
            name, value = first, {rest: value}
        if name == "title" and isinstance(value, str):
            value = {"text": value}
        if value is None:
            found.pop(name, None)
        elif isinstance(value, Mapping):
            before = found.get(name)
            found[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            found[name] = value
    return found


def _trace(kind: str, **properties: Any) -> dict[str, Any]:
    return merged({"type": kind}, properties)


Bar = partial(_trace, "bar")
Heatmap = partial(_trace, "heatmap")
Image = partial(_trace, "image")
Mesh3d = partial(_trace, "mesh3d")
Scatter = partial(_trace, "scatter")
Scatter3d = partial(_trace, "scatter3d")


def Frame(**properties: Any) -> dict[str, Any]:
    """A frame of an animation: its name, data, numbers of traces, and layout."""
    return merged({}, properties)


class Draft:
    """A figure while it is put together.

    Attributes
    ----------
    data : list of dict
        Traces.
    layout : dict
        Axes, margins, annotations and shapes.
    frames : list of dict
        Frames of an animation.

    Examples
    --------
    >>> draft = Draft().add_trace(Scatter(y=np.array([1.5, 2.0]))).update_yaxes(title_text="size")
    >>> draft.to_dict()["layout"]
    {'yaxis': {'title': {'text': 'size'}}}
    >>> draft.to_dict()["data"][0]["y"]["dtype"]
    'f8'
    """

    def __init__(self, **layout: Any) -> None:
        self.data: list[dict[str, Any]] = []
        self.layout: dict[str, Any] = merged({}, layout)
        self.frames: list[dict[str, Any]] = []
        # the number of the axes of row r and column c; None without a grid
        self._grid: list[list[int]] | None = None

    def add_trace(self, trace: Mapping[str, Any], *, row: int | None = None, col: int | None = None) -> Draft:
        """Draw a trace, on the axes of a place in the grid if one is given."""
        axes = {} if row is None or col is None else dict(zip(("xaxis", "yaxis"), self._axes(row, col), strict=True))
        self.data.append({**trace, **axes})
        return self

    def add_scatter(self, **properties: Any) -> Draft:
        """Draw a line or points."""
        return self.add_trace(Scatter(**properties))

    def update_layout(self, new: Mapping[str, Any] | None = None, **properties: Any) -> Draft:
        """Change the layout."""
        self.layout = merged(merged(self.layout, new or {}), properties)
        return self

    def update_xaxes(self, *, row: int | None = None, col: int | None = None, **properties: Any) -> Draft:
        """Change the horizontal axis of a place, or all of a row, of a column, or of the figure."""
        return self._update_axes("x", row, col, properties)

    def update_yaxes(self, *, row: int | None = None, col: int | None = None, **properties: Any) -> Draft:
        """Change the vertical axis of a place, or all of a row, of a column, or of the figure."""
        return self._update_axes("y", row, col, properties)

    def update_traces(self, *, selector: Mapping[str, Any], **properties: Any) -> Draft:
        """Change the traces whose properties are those of the selector."""
        self.data = [
            merged(trace, properties) if all(trace.get(k) == v for k, v in selector.items()) else trace
            for trace in self.data
        ]
        return self

    def add_annotation(self, **properties: Any) -> Draft:
        """Write a text."""
        return self._append("annotations", properties)

    def add_shape(self, **properties: Any) -> Draft:
        """Draw a shape."""
        return self._append("shapes", properties)

    def add_vline(self, x: Any, *, row: int | None = None, col: int | None = None, **properties: Any) -> Draft:
        """Draw a vertical line at x, over the whole height of a place, or of all."""
        return self._across("x", x, x, "line", row, col, properties)

    def add_hline(self, y: Any, *, row: int | None = None, col: int | None = None, **properties: Any) -> Draft:
        """Draw a horizontal line at y, over the whole width of a place, or of all."""
        return self._across("y", y, y, "line", row, col, properties)

    def add_vrect(self, x0: Any, x1: Any, **properties: Any) -> Draft:
        """Fill between x0 and x1, over the whole height."""
        return self._across("x", x0, x1, "rect", None, None, properties)

    def to_dict(self) -> dict[str, Any]:
        """What plotly.js reads; arrays of numbers as their bytes."""
        found = {"data": _sent(self.data), "layout": _sent(self.layout)}
        return {**found, "frames": _sent(self.frames)} if self.frames else found

    def _axes(self, row: int, col: int) -> tuple[str, str]:
        """Names of the axes of a place, as traces have them."""
        if self._grid is None:
            raise ValueError(f"got row {row} and column {col} of a figure without a grid")
        number = self._grid[row - 1][col - 1]
        end = "" if number == 1 else str(number)
        return f"x{end}", f"y{end}"

    def _update_axes(self, letter: str, row: int | None, col: int | None, properties: Mapping[str, Any]) -> Draft:
        if row is None and col is None:
            names = sorted({f"{letter}axis", *(name for name in self.layout if name.startswith(f"{letter}axis"))})
        else:
            grid = self._grid or []
            chosen = [grid[row - 1]] if row is not None else grid
            numbers = [n for line in chosen for n in (line if col is None else [line[col - 1]])]
            names = [f"{letter}axis{'' if n == 1 else n}" for n in numbers]
        for name in names:
            self.layout[name] = merged(self.layout.get(name, {}), properties)
        return self

    def _append(self, name: str, properties: Mapping[str, Any]) -> Draft:
        self.layout[name] = [*self.layout.get(name, ()), merged({}, properties)]
        return self

    def _across(
        self, letter: str, low: Any, high: Any, kind: str, row: int | None, col: int | None, properties: dict[str, Any]
    ) -> Draft:
        """A shape over the whole length of the other axis."""
        other = "y" if letter == "x" else "x"
        if row is not None and col is not None:
            places = [self._axes(row, col)]
        elif self._grid is None:
            places = [("x", "y")]
        else:
            places = [self._axes(r + 1, c + 1) for r, line in enumerate(self._grid) for c in range(len(line))]
        for place in places:
            own, across = place if letter == "x" else place[::-1]
            ends = {f"{letter}0": low, f"{letter}1": high, f"{other}0": 0, f"{other}1": 1}
            axes = {f"{letter}ref": own, f"{other}ref": f"{across} domain"}
            self._append("shapes", {"type": kind, **ends, **axes, **properties})
        return self


def make_subplots(
    *,
    rows: int,
    cols: int,
    figure: Draft,
    column_widths: Sequence[float] | None = None,
    row_heights: Sequence[float] | None = None,
    horizontal_spacing: float = 0.0,
    vertical_spacing: float = 0.0,
    shared_xaxes: bool = False,
    shared_yaxes: bool = False,
    subplot_titles: Sequence[str] = (),
) -> Draft:
    """Lay a grid of axes into an empty figure, the first row on top; spacings are shares of the whole.

    Titles are written above the places, row by row.

    Examples
    --------
    >>> draft = make_subplots(rows=1, cols=2, column_widths=[3, 1], horizontal_spacing=0.2, figure=Draft())
    >>> [axis["domain"] for name, axis in draft.layout.items() if name[0] == "x"]
    [[0.0, 0.6000000000000001], [0.8, 1.0]]
    """
    across = _domains(column_widths or [1.0] * cols, horizontal_spacing)
    up = _domains(list(row_heights or [1.0] * rows)[::-1], vertical_spacing)[::-1]
    figure._grid = [[r * cols + c + 1 for c in range(cols)] for r in range(rows)]
    for r in range(rows):
        for c in range(cols):
            x, y = figure._axes(r + 1, c + 1)
            horizontal: dict[str, Any] = {"anchor": y, "domain": list(across[c])}
            vertical: dict[str, Any] = {"anchor": x, "domain": list(up[r])}
            if shared_xaxes and r < rows - 1:  # the lowest row has the numbers, and the others follow it
                horizontal |= {"matches": figure._axes(rows, c + 1)[0], "showticklabels": False}
            if shared_yaxes and c > 0:
                vertical |= {"matches": figure._axes(r + 1, 1)[1], "showticklabels": False}
            figure.layout[f"xaxis{x[1:]}"], figure.layout[f"yaxis{y[1:]}"] = horizontal, vertical
    places = [(across[c], up[r]) for r in range(rows) for c in range(cols)]
    for title, (wide, high) in zip(subplot_titles, places, strict=False):
        figure.add_annotation(
            text=title, font={"size": 16}, showarrow=False, x=sum(wide) / 2.0, xanchor="center", xref="paper",
            y=high[1], yanchor="bottom", yref="paper",
        )  # fmt: skip
    return figure


def _domains(sizes: Sequence[float], spacing: float) -> list[tuple[float, float]]:
    """Where parts of these sizes lie in [0, 1], with `spacing` between two."""
    free = 1.0 - spacing * (len(sizes) - 1)
    widths = [free * size / sum(sizes) for size in sizes]
    starts = accumulate((width + spacing for width in widths[:-1]), initial=0.0)
    return [(start, min(1.0, start + width)) for start, width in zip(starts, widths, strict=True)]


def _sent(value: Any) -> Any:
    """Plain data for plotly.js."""
    if isinstance(value, Mapping):
        # plotly.js reads the ends of a range from a list only
        ends = {key: list(item) for key, item in value.items() if key == "range" and item is not None}
        return {key: _sent(ends.get(key, item)) for key, item in value.items() if item is not None}
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, list | tuple):
        return [_sent(item) for item in value]
    return value


def _array(values: np.ndarray[Any, Any]) -> Any:
    """Numbers as the bytes that plotly.js reads, anything else as a list."""
    if values.dtype.kind in "iu" and values.size:
        low, high = int(values.min()), int(values.max())
        fits = next((name for name, (least, most) in _INTEGERS.items() if least <= low and high <= most), None)
        values = values if fits is None else values.astype(fits)
    kind = _TYPED.get(values.dtype.name)
    if kind is None or not values.size:
        return values.tolist()
    found = {"dtype": kind, "bdata": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()}
    return found if values.ndim == 1 else {**found, "shape": ", ".join(map(str, values.shape))}
