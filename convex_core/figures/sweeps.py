"""The rows of a sweep over two settings, as a heat map."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import InputError
from ..presentation.text import counted, number
from ..sweeps import Sweep, SweepRow
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette, cividis, contrast

__all__ = ["SWEEP_VALUES", "sweep_axes", "sweep_map", "sweep_rows"]

#: what can be drawn, with its words
SWEEP_VALUES: Mapping[str, str] = {
    "objective": "objective",
    "lower_bound": "lower bound",
    "relative_gap": "relative gap",
    "filters": "filters",
    "patterns": "sign patterns",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "seconds": "seconds",
}
# height of a row and of what is around them, in pixels; the whole at least and at most
_ROW, _AROUND, _LEAST, _MOST = 44, 110, 260, 640
# writing on a field
_INK = ("#ffffff", "#000000")
# numbers are written into the fields of so many columns and rows at most
_WRITTEN = 12


def sweep_axes(sweep: Sweep) -> tuple[str, str]:
    """The two settings that a sweep is drawn over unless told otherwise: x is beta, if that differs.

    Raises
    ------
    InputError
        If fewer than two settings differ.

    Examples
    --------
    >>> from convex_core import sweep
    >>> sweep_axes(sweep({"dataset": "edge", "stride": [2, 1], "beta": [1.0, 2.0]}, workers=1))
    ('beta', 'stride')
    """
    names = sorted(sweep.axes, key=lambda name: (name != "beta", -len(sweep.axes[name])))
    if len(names) < 2:
        raise InputError(f"sweep: got {len(names)} settings with more than one value, expected at least 2 for a map")
    return names[0], names[1]


def sweep_rows(sweep: Sweep, where: Mapping[str, Any] | None = None) -> dict[int, SweepRow]:
    """The rows whose settings have the values of `where`, by their places in the sweep.

    Raises
    ------
    InputError
        If none has.
    """
    wanted = {name: _key(value) for name, value in (where or {}).items()}
    found = {
        place: row
        for place, row in enumerate(sweep.rows)
        if all(_key(row.value(name)) == value for name, value in wanted.items())
    }
    if not found:
        raise InputError(f"where: got {wanted}, expected values that some row has")
    return found


def sweep_map(
    sweep: Sweep,
    x: str | None = None,
    y: str | None = None,
    value: str = "objective",
    *,
    where: Mapping[str, Any] | None = None,
    colours: Palette = LIGHT,
) -> Chart:
    """A heat map of one result over two settings; a field without an answer is left empty.

    Where several rows have the same two settings, over seeds for example, the field is their mean, which the text of
    the chart says.

    Parameters
    ----------
    sweep : Sweep
        The rows.
    x, y : str, optional
        Settings along the axes; :func:`sweep_axes` chooses.
    value : str
        A key of :data:`SWEEP_VALUES`.
    where : mapping, optional
        Values of other settings, to which the map is kept.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        For a setting or a value that there is not, or if there is nothing to draw.

    Examples
    --------
    >>> from convex_core import sweep
    >>> found = sweep({"dataset": "edge", "stride": [2, 1], "beta": [1.0, 20.0]}, workers=1)
    >>> sweep_map(found, value="filters").table["filters"]
    [3, 0, 3, 0]
    """
    if value not in SWEEP_VALUES:
        raise InputError(f"value: got {value!r}, expected one of {', '.join(SWEEP_VALUES)}")
    if x is None or y is None:
        chosen = [name for name in sweep_axes(sweep) if name not in (x, y)]
        x = chosen.pop(0) if x is None else x
        y = chosen.pop(0) if y is None else y
    if x == y:
        raise InputError(f"y: got {y!r} for both axes, expected two settings")
    rows = sweep_rows(sweep, where)
    present = {name: {_key(row.value(name)) for row in rows.values()} for name in (x, y)}
    along, up = ([v for v in sweep.values(name) if v in present[name]] for name in (x, y))
    z = np.full((len(up), len(along)), np.nan)
    counts = np.zeros(z.shape, dtype=np.int64)
    fields: dict[tuple[int, int], list[float]] = {}
    places: dict[tuple[int, int], int] = {}
    for place, row in rows.items():
        at = up.index(_key(row.value(y))), along.index(_key(row.value(x)))
        places.setdefault(at, place)
        counts[at] += 1
        found = row.value(value)
        if found is not None and math.isfinite(found):
            fields.setdefault(at, []).append(float(found))
    for at, values in fields.items():
        z[at] = math.fsum(values) / len(values)
    words = SWEEP_VALUES[value]
    several = int(counts.max(initial=0)) > 1
    left, below = [_name(v) for v in up], [_name(v) for v in along]
    height = min(max(_AROUND + _ROW * len(up), _LEAST), _MOST)
    figure = blank(height, left=16 + 8 * max(map(len, left)) + 30, top=16, bottom=56)
    figure.add_trace(
        draft.Heatmap(
            x=below, y=left, z=z, xgap=2, ygap=2, colorscale=[[p / 9, cividis(p / 9)] for p in range(10)],
            hoverinfo="skip", colorbar={"title": {"text": words, "side": "right"}, "thickness": 14},
        )
    )  # fmt: skip
    # a heat map takes no presses, and writes in colours of its own; a frame that only the chosen field shows takes them
    written = [_written(z[at], value) for at in places]
    fills = _fills(z, list(places), colours)
    inks = [max(_INK, key=lambda ink: contrast(ink, fill)) for fill in fills]
    figure.add_trace(
        draft.Scatter(
            x=[below[i] for _, i in places], y=[left[j] for j, _ in places], customdata=list(places.values()),
            mode="markers", showlegend=False,
            marker={"symbol": "square-open", "size": 34, "opacity": 0, "color": inks, "line": {"width": 2}},
            selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0}},
            hovertext=[text or "no answer" for text in written],
            hovertemplate=f"{_axis(x)} %{{x}}<br>{_axis(y)} %{{y}}<br>{words} %{{hovertext}}<extra></extra>",
        )
    )  # fmt: skip
    if len(along) <= _WRITTEN and len(up) <= _WRITTEN:
        for (j, i), text, ink, fill in zip(places, written, inks, fills, strict=True):
            font = {"color": ink, "size": 14}
            figure.add_annotation(x=i, y=j, text=text, showarrow=False, font=font, bgcolor=fill, borderpad=0)
    # names of fields, however much they look like numbers, in the order that they have
    for update, names, title in ((figure.update_xaxes, below, x), (figure.update_yaxes, left, y)):
        update(
            type="category", categoryarray=names, range=[-0.5, len(names) - 0.5], title=_axis(title), showgrid=False,
            ticks="", zeroline=False,
        )  # fmt: skip
    table: dict[str, list[Any]] = {x: [], y: [], value: [], "rows": []}
    for j, upper in enumerate(up):
        for i, lower in enumerate(along):
            if counts[j, i]:
                table[x].append(lower)
                table[y].append(upper)
                table[value].append(_plain(z[j, i], value, several))
                table["rows"].append(int(counts[j, i]))
    # a column of numbers, or of texts
    table |= {name: _one_kind(table[name]) for name in (x, y)}
    return Chart(figure, _alt(x, y, words, z, table, several), table, "sweep-map")


def _fills(z: Any, places: list[tuple[int, int]], colours: Palette) -> list[str]:
    """The colour of each field; that of the page where there is no answer."""
    low, high = (np.nanmin(z), np.nanmax(z)) if np.isfinite(z).any() else (0.0, 0.0)
    positions = [float((z[at] - low) / (high - low)) if high > low else 0.5 for at in places]
    return [
        cividis(position) if math.isfinite(z[at]) else colours.paper
        for at, position in zip(places, positions, strict=True)
    ]


def _one_kind(column: list[Any]) -> list[Any]:
    return column if len({type(v) for v in column}) == 1 and not isinstance(column[0], tuple) else [*map(_name, column)]


def _alt(x: str, y: str, words: str, z: Any, table: Mapping[str, Any], several: bool) -> str:
    shown = z[np.isfinite(z)]
    empty = len(table["rows"]) - len(shown)
    text = f"Heat map of the {words} over {_axis(x)} and {_axis(y)}: {counted(len(table['rows']), 'field')}"
    if len(shown):
        text += f", from {number(float(shown.min()), 4)} to {number(float(shown.max()), 4)}"
    text += f", {empty} without an answer" if empty else ""
    return f"{text}, each the mean of its rows." if several else f"{text}."


def _axis(name: str) -> str:
    return {"beta": "β"}.get(name, name.removeprefix("data.").replace("_", " "))


def _name(value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _written(value: float, name: str) -> str:
    if not math.isfinite(value):
        return ""
    return f"{value:.1%}" if name.endswith("accuracy") else f"{value:.4g}"


def _plain(value: float, name: str, mean: bool) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if name in ("filters", "patterns") and not mean else float(value)


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
