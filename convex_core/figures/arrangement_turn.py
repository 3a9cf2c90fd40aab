"""A filter turned around a circle, all frames in the figure: which patches fire as it crosses the lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from ..arrangement import enumerate_patterns
from ..geometry import circle_cells, restrict
from .arrangement_cell import MAX_ROWS, gate_map, matrix_axes
from .arrangement_paint import blend, hyperplane_patches, patch_colours
from .chart import Chart, blank
from .palette import LIGHT, Palette

__all__ = ["turning_filter"]

#: frames of one turn
FRAMES = 90
#: room for the headline above and the slider below, in pixels
TOP, BOTTOM = 50, 112

_Floats = NDArray[np.float64]


def turning_filter(patches: _Floats, basis: _Floats, *, colours: Palette = LIGHT) -> Chart:
    """One slider turns u(t) = cos(t) b_1 + sin(t) b_2 around a circle; the gates 1[x_k . u >= 0] follow.

    Left: the circle with the sectors of the arrangement in that plane, lines coloured by patch. Right: samples by
    patches, filled where the patch fires. Nothing is asked of a server while the slider moves.

    Parameters
    ----------
    patches : ndarray (K, n, h)
        Patch matrices; the gates of the first 40 samples are drawn.
    basis : ndarray (h, 2)
        Orthonormal columns b_1, b_2.
    colours : Palette
        The theme.

    Examples
    --------
    >>> chart = turning_filter(np.ones((2, 1, 2)), np.eye(2))
    >>> chart.table["patches that fire"][0], len(chart.figure.frames)
    (2, 90)
    """
    K, n, _ = patches.shape
    rows = restrict(patches.reshape(K * n, -1), basis)
    arrangement = enumerate_patterns(rows)
    # off the axes, where toy data have their lines
    angles = 2 * math.pi * (np.arange(FRAMES) + 0.5) / FRAMES
    directions = np.column_stack([np.cos(angles), np.sin(angles)])
    gates = (directions @ rows.T >= 0).reshape(FRAMES, K, n).transpose(0, 2, 1)
    shown = min(n, MAX_ROWS)
    figure = blank(360 + BOTTOM, left=8, right=8, top=TOP, bottom=BOTTOM)
    figure = make_subplots(rows=1, cols=2, column_widths=[0.44, 0.56], horizontal_spacing=0.12, figure=figure)
    _plane(figure, rows, K, colours)
    moving = [_arrow(directions[0], colours), gate_map(gates[0, :shown], colours)]
    first = len(figure.data)
    figure.add_trace(moving[0], row=1, col=1)
    figure.add_trace(moving[1], row=1, col=2)
    fires = gates.sum(axis=(1, 2))
    figure.frames = [
        go.Frame(
            name=f"{math.degrees(angle):.0f}°",
            traces=[first, first + 1],
            data=[_arrow(direction, colours), {"type": "heatmap", "z": gate[:shown].astype(np.uint8)}],
            layout={"annotations": _headline(int(count), K * n, colours)},
        )
        for angle, direction, gate, count in zip(angles, directions, gates, fires, strict=True)
    ]
    figure.update_layout(annotations=_headline(int(fires[0]), K * n, colours), showlegend=False)
    limits = {"visible": False, "range": [-1.15, 1.15], "constrain": "domain", "fixedrange": True}
    figure.update_xaxes(**limits, row=1, col=1)
    figure.update_yaxes(**limits, scaleanchor="x", row=1, col=1)
    matrix_axes(figure, shown, K, row=1, col=2)
    # on a narrow screen the title would lie on the circle
    figure.update_yaxes(title_text=None, tickprefix="i = ", row=1, col=2)
    _controls(figure, colours)
    alt = (
        f"A filter turned around a circle in {FRAMES} steps through {arrangement.count} cells: "
        f"{fires.min()} to {fires.max()} of {K * n} patches fire."
    )
    table = {"angle in degrees": np.degrees(angles).tolist(), "patches that fire": fires.tolist()}
    return Chart(figure, alt, table, "turning-filter")


def _plane(figure: Any, rows: _Floats, K: int, colours: Palette) -> None:
    arrangement = enumerate_patterns(rows)
    t = np.linspace(0, 2 * math.pi, 121)
    figure.add_trace(
        go.Scatter(
            x=np.cos(t),
            y=np.sin(t),
            mode="lines",
            line={"color": colours.muted, "width": 1},
            fill="toself",
            fillcolor=blend(colours.paper, colours.ink, 0.05),
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )
    if not arrangement.rank:
        return
    cells = circle_cells(arrangement)
    dark = [p for p in range(arrangement.count) if np.argsort(np.argsort(cells.start))[p] % 2]
    x, y = np.concatenate([_wedge(cells.start[p], cells.width[p]) for p in dark]).T
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=blend(colours.paper, colours.ink, 0.11),
            hoverinfo="skip",
        ),
        row=1,
        col=1,
    )
    patch = hyperplane_patches(arrangement, K)
    for k, colour in enumerate(patch_colours(K, colours)):
        own = arrangement.merged.rows[patch == k]
        if len(own):
            lines = np.stack([own @ [[0, 1], [-1, 0]], own @ [[0, -1], [1, 0]], np.full_like(own, np.nan)], axis=1)
            x, y = lines.reshape(-1, 2).T
            figure.add_trace(
                go.Scatter(x=x, y=y, mode="lines", line={"color": colour, "width": 1.6}, hoverinfo="skip"), row=1, col=1
            )


def _wedge(start: float, width: float) -> _Floats:
    t = np.linspace(start, start + width, max(2, math.ceil(width / 0.05) + 1))
    rim = np.column_stack([np.cos(t), np.sin(t)])
    return np.concatenate([np.zeros((1, 2)), rim, np.zeros((1, 2)), np.full((1, 2), np.nan)])


def _arrow(direction: _Floats, colours: Palette) -> Any:
    x, y = np.outer([0.0, 1.0], direction).round(4).T
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers+text",
        line={"color": colours.convex, "width": 5},
        marker={"size": [0, 16], "color": colours.convex, "line": {"color": colours.paper, "width": 2}},
        hoverinfo="skip",
    )


def _headline(fires: int, N: int, colours: Palette) -> list[dict[str, Any]]:
    return [
        {
            "text": f"<b>{fires} of {N} patches fire</b>",
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "yshift": 14,
            "showarrow": False,
            "font": {"size": 20, "color": colours.ink},
        }
    ]


def _controls(figure: Any, colours: Palette) -> None:
    jump = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    figure.update_layout(
        sliders=[
            {
                "active": 0,
                "x": 0,
                "len": 1,
                "y": 0,
                "yanchor": "top",
                "pad": {"l": 0, "r": 0, "t": 56, "b": 0},
                "bgcolor": colours.convex,
                "activebgcolor": colours.convex,
                "bordercolor": colours.convex,
                "currentvalue": {
                    "prefix": "u at ",
                    "xanchor": "right",
                    "offset": 8,
                    "font": {"size": 16, "color": colours.ink},
                },
                # the labels of the steps would overlap; the current value says it
                "font": {"color": "rgba(0,0,0,0)", "size": 1},
                "ticklen": 0,
                "minorticklen": 0,
                "steps": [
                    {"label": frame.name, "method": "animate", "args": [[frame.name], jump]} for frame in figure.frames
                ],
            }
        ]
    )
