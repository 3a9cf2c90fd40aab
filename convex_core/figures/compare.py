"""Two versions of a figure side by side: the same axes and the same scale of colours, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from .chart import Chart

__all__ = ["on_same_axes"]

#: What is left free beyond the data, as a share of their range.
ROOM = 0.05


def on_same_axes(a: Chart, b: Chart) -> tuple[Any, Any]:
    """The figures of two charts with every axis they share as long as both need, and one scale of colours.

    Axes of categories stay as they are, and so do pictures in space, and an axis that is logarithmic in one of them.

    Examples
    --------
    >>> one, other = (Chart(go.Figure(go.Scatter(x=[0, n], y=[0, 1])), "a line") for n in (2, 4))
    >>> [figure.layout.xaxis.range for figure in on_same_axes(one, other)]
    [(-0.2, 4.2), (-0.2, 4.2)]
    """
    figures = [go.Figure(chart.figure) for chart in (a, b)]
    for name in sorted(_axes(figures[0]) & _axes(figures[1])):
        ranges = [_range(figure, name) for figure in figures]
        axes = [figure.layout[name] for figure in figures]
        if ranges[0] is not None and ranges[1] is not None and (axes[0].type == "log") == (axes[1].type == "log"):
            ends = [*ranges[0], *ranges[1]]
            downwards = ranges[0][0] > ranges[0][1] and ranges[1][0] > ranges[1][1]
            shared = [max(ends), min(ends)] if downwards else [min(ends), max(ends)]
            lengths = [abs(found[1] - found[0]) for found in ranges if found is not None]
            longer = axes[int(lengths[1] > lengths[0])]
            ticks = {"tickvals": longer.tickvals, "ticktext": longer.ticktext} if longer.tickvals else {}
            for figure in figures:
                figure.update_layout({name: {"range": shared, "autorange": False, **ticks}})
    _same_colours(figures)
    return figures[0], figures[1]


def _axes(figure: Any) -> set[str]:
    """Layout names of the axes that traces are drawn on."""
    return {
        f"{letter}axis{(trace[f'{letter}axis'] or letter)[1:]}"
        for trace in figure.data
        for letter in "xy"
        if f"{letter}axis" in trace
    }


def _range(figure: Any, name: str) -> Sequence[float] | None:
    """The range of an axis: its own, or that of the data on it, on a logarithmic axis in powers of ten."""
    axis = figure.layout[name]
    if axis.range is not None:
        return tuple(float(v) for v in axis.range)
    letter, log = name[0], axis.type == "log"
    found: list[float] = []
    for trace in figure.data:
        if f"{letter}axis" not in trace or f"{letter}axis{(trace[f'{letter}axis'] or letter)[1:]}" != name:
            continue
        try:
            values = np.asarray([] if trace[letter] is None else trace[letter], dtype=float)
        except (TypeError, ValueError):
            return None
        values = values[np.isfinite(values)]
        values = np.log10(values[values > 0.0]) if log else values
        found.extend([values.min(), values.max()] if len(values) else [])
        if trace.type == "bar" and letter == "y" and not log:
            found.append(0.0)
    if not found:
        return None
    room = ROOM * ((max(found) - min(found)) or 1.0)
    low, high = min(found) - room, max(found) + room
    return (high, low) if axis.autorange == "reversed" else (low, high)


def _same_colours(figures: list[Any]) -> None:
    """Heat maps in the same place of both figures get the wider scale."""
    for one, other in zip(figures[0].data, figures[1].data, strict=False):
        if one.type == other.type == "heatmap" and None not in (one.zmin, one.zmax, other.zmin, other.zmax):
            low, high = min(one.zmin, other.zmin), max(one.zmax, other.zmax)
            for trace in (one, other):
                trace.update(zmin=low, zmax=high)
