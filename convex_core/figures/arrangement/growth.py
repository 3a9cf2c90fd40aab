"""How the number of patterns grows: counted, in closed form, bounded, and without sharing filters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrangement import closed_form, count_patterns, merge_rows, polynomial_bound
from ...errors import Interrupted, SizeError
from .. import draft
from ..chart import Chart, blank, log_ticks, power_ticks
from ..colours import LIGHT, Palette

__all__ = ["Growth", "growth", "growth_times", "measure_growth"]

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Growth:
    """Numbers of patterns along one axis.

    Attributes
    ----------
    name : str
        What grows: "n", "K" or "h".
    values : tuple of int
        Its values.
    exact : tuple of int or None
        Counted patterns of the convolutional arrangement; None where there were too many to count.
    closed, bound : tuple of float
        Closed form in general position and the polynomial bound.
    unshared : tuple of float
        Closed form if every patch had a filter of its own: the product over patches.
    connected : tuple of float
        Closed form of the fully connected network, one patch that is the whole input.
    seconds : tuple of float
        Wall-clock seconds of each count; NaN where nothing was counted.
    """

    name: str
    values: tuple[int, ...]
    exact: tuple[int | None, ...]
    closed: tuple[float, ...]
    bound: tuple[float, ...]
    unshared: tuple[float, ...]
    connected: tuple[float, ...]
    seconds: tuple[float, ...]


def measure_growth(
    name: str, steps: Sequence[tuple[int, _Floats, _Floats]], *, max_patterns: int = 300_000, time_limit: float = 1.0
) -> Growth:
    """Count the patterns of each step.

    Parameters
    ----------
    name : str
        What grows.
    steps : sequence of (int, ndarray (K, n, h), ndarray (n, d))
        Its value, the patch matrices and the inputs they come from.
    max_patterns : int
        A step whose closed form is larger is not counted.
    time_limit : float
        Seconds for each count.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((5, 2))
    >>> growth = measure_growth("n", [(n, x[None, :n], x[:n]) for n in (1, 3, 5)])
    >>> growth.exact, growth.closed
    ((2, 6, 10), (2.0, 6.0, 10.0))
    """
    exact: list[int | None] = []
    seconds: list[float] = []
    closed, bound, unshared, connected = [], [], [], []
    for _, patches, X in steps:
        K, n, h = patches.shape
        rows = patches.reshape(K * n, h)
        merged = merge_rows(rows).rows
        rank = int(np.linalg.matrix_rank(merged)) if len(merged) else 0
        closed.append(float(closed_form(len(merged), rank)))
        bound.append(polynomial_bound(n, K, rank))
        unshared.append(float(closed_form(n, min(n, h))) ** K if K * n < 900 else math.inf)
        connected.append(float(closed_form(n, min(n, X.shape[1]))))
        count = None
        if closed[-1] <= max_patterns:
            try:
                count = count_patterns(rows, time_limit=time_limit)
            except (Interrupted, SizeError):
                count = None
        exact.append(count.patterns if count else None)
        seconds.append(count.seconds if count else math.nan)
    values = tuple(value for value, _, _ in steps)
    parts = (tuple(part) for part in (closed, bound, unshared, connected, seconds))
    return Growth(name, values, tuple(exact), *parts)


def growth(data: Growth, title: str, *, colours: Palette = LIGHT) -> Chart:
    """Draw the numbers of patterns on a logarithmic axis."""
    figure = blank(300, left=60)
    lines = (
        ("own filters", data.unshared, colours.sgd, "dash", None),
        ("fully connected", data.connected, colours.negative, "dashdot", None),
        ("bound", data.bound, colours.muted, "dot", None),
        ("closed form", data.closed, colours.convex, "solid", None),
        ("counted", data.exact, colours.convex, None, "circle"),
    )
    for name, values, colour, dash, symbol in lines:
        shown = [v if v is not None and v < 1e300 else None for v in values]
        figure.add_trace(
            draft.Scatter(
                x=list(data.values),
                y=shown,
                name=name,
                mode="markers" if symbol else "lines",
                line={"color": colour, "dash": dash, "width": 2} if dash else None,
                marker={"color": colour, "size": 9, "line": {"color": colours.paper, "width": 1.5}},
                hovertemplate=f"{name}: %{{y:.4s}}<extra></extra>",
            )
        )
    top = 100.0 * max([v for v in (*data.closed, *data.connected) if v < 1e298], default=10.0)
    powers, texts = power_ticks(1.0, top)
    figure.update_layout(hovermode="x", legend={"font": {"size": 12}, "entrywidth": 0})
    figure.update_xaxes(title_text=title, showgrid=False, zeroline=False)
    figure.update_yaxes(
        type="log",
        range=[0, math.log10(top)],
        gridcolor=colours.faint,
        tickvals=powers,
        ticktext=texts,
        title_text="patterns",
    )
    counted = [(v, e) for v, e in zip(data.values, data.exact, strict=True) if e is not None]
    alt = f"Sign patterns as {data.name} grows from {data.values[0]} to {data.values[-1]}: "
    alt += f"counted {counted[0][1]} to {counted[-1][1]}, " if counted else ""
    alt += f"with a filter of its own for every patch up to {max(data.unshared):.2g}."
    table: dict[str, Any] = {
        data.name: list(data.values),
        "counted": list(data.exact),
        "closed form": list(data.closed),
        "bound": list(data.bound),
        "own filter for every patch": list(data.unshared),
        "fully connected": list(data.connected),
        "milliseconds": [1e3 * s for s in data.seconds],
    }
    return Chart(figure, alt, table, f"growth-{data.name}")


def growth_times(every: Sequence[Growth], *, colours: Palette = LIGHT) -> Chart:
    """Draw measured milliseconds against the number of patterns, for all counts."""
    figure = blank(300, left=60)
    table: dict[str, list[Any]] = {"what grew": [], "patterns": [], "milliseconds": []}
    for data, symbol in zip(every, ("circle", "diamond", "square"), strict=False):
        points = [(e, 1e3 * s) for e, s in zip(data.exact, data.seconds, strict=True) if e is not None]
        table["what grew"] += [data.name] * len(points)
        table["patterns"] += [p for p, _ in points]
        table["milliseconds"] += [t for _, t in points]
        figure.add_trace(
            draft.Scatter(
                x=[p for p, _ in points],
                y=[t for _, t in points],
                name=f"as {data.name} grows",
                mode="markers",
                marker={"symbol": symbol, "size": 10, "color": colours.convex, "opacity": 0.8},
                hovertemplate="%{x:,} patterns in %{y:.2f} ms<extra></extra>",
            )
        )
    for update, column, title, style in (
        (figure.update_xaxes, "patterns", "patterns", {"showgrid": False}),
        (figure.update_yaxes, "milliseconds", "milliseconds", {"gridcolor": colours.faint}),
    ):
        seen = [v for v in table[column] if v > 0.0] or [1.0]
        low, high = min(seen) / 1.5, max(seen) * 1.5
        ticks, texts = log_ticks(low, high, most=6)
        span = [math.log10(low), math.log10(high)]
        update(title_text=title, type="log", range=span, tickvals=ticks, ticktext=texts, zeroline=False, **style)
    total, most = sum(table["milliseconds"]), max(table["patterns"], default=0)
    alt = f"{len(table['patterns'])} exact counts took {total:.3g} ms in all; the largest has {most:,} patterns."
    return Chart(figure, alt, table, "growth-times")
