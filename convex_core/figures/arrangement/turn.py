"""A filter turned around a circle, all frames in the figure: which patches fire as it crosses the lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrangement import Arrangement, enumerate_patterns
from ...geometry import circle_cells, restrict
from .. import draft
from ..chart import Chart, blank
from ..colours import LIGHT, Palette
from .cell import MAX_ROWS, gate_map, matrix_axes
from .circle import sector
from .paint import blend, hyperplane_patches, patch_colours
from .scene import fill_trace, joined, line_trace

__all__ = ["turning_filter"]

#: frames of one turn
FRAMES = 90
#: milliseconds of each while it plays
FRAME_MS = 80
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
    figure = draft.make_subplots(rows=1, cols=2, column_widths=[0.5, 0.5], horizontal_spacing=0.14, figure=figure)
    _plane(figure, arrangement, K, colours)
    moving = [_arrow(directions[0], colours), gate_map(gates[0, :shown], colours)]
    first = len(figure.data)
    figure.add_trace(moving[0], row=1, col=1)
    figure.add_trace(moving[1], row=1, col=2)
    fires = gates.sum(axis=(1, 2))
    figure.frames = [
        draft.Frame(
            name=f"{math.degrees(angle):.0f}°",
            traces=[first, first + 1],
            # only what changes: the frames are most of the figure
            data=[
                {"type": "scatter", **_ends(direction)},
                {"type": "heatmap", "z": gate[:shown].astype(np.uint8)},
            ],
            layout={"annotations": _headline(int(count), K * n, colours)},
        )
        for angle, direction, gate, count in zip(angles, directions, gates, fires, strict=True)
    ]
    figure.update_layout(annotations=_headline(int(fires[0]), K * n, colours), showlegend=False)
    limits = {"visible": False, "range": [-1.1, 1.1], "constrain": "domain", "fixedrange": True}
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


def _plane(figure: Any, arrangement: Arrangement, K: int, colours: Palette) -> None:
    t = np.linspace(0, 2 * math.pi, 121)
    light, dark = blend(colours.paper, colours.ink, 0.05), blend(colours.paper, colours.ink, 0.11)
    traces = [fill_trace(np.column_stack([np.cos(t), np.sin(t)]), light)]
    if arrangement.rank:
        cells = circle_cells(arrangement)
        every_other = np.argsort(cells.start)[1::2]
        traces.append(fill_trace(joined([sector(cells.start[p], cells.width[p]) for p in every_other]), dark))
        patch = hyperplane_patches(arrangement, K)
        for k, colour in enumerate(patch_colours(K, colours)):
            own = arrangement.merged.rows[patch == k]
            if len(own):
                traces.append(line_trace(joined([np.outer([-1.0, 1.0], [-b, a]) for a, b in own]), colour, 1.6))
    for trace in traces:
        figure.add_trace(trace, row=1, col=1)


def _ends(direction: _Floats) -> dict[str, list[float]]:
    return {axis: [0.0, round(float(v), 4)] for axis, v in zip("xy", direction, strict=True)}


def _arrow(direction: _Floats, colours: Palette) -> Any:
    return draft.Scatter(
        **_ends(direction),
        mode="lines+markers",
        line={"color": colours.convex, "width": 5},
        cliponaxis=False,
        marker={"size": [0, 16], "color": colours.convex, "opacity": 1.0, "line": {"color": colours.paper, "width": 2}},
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
    play = {**jump, "frame": {"duration": FRAME_MS, "redraw": True}, "fromcurrent": True}
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 1,
                "xanchor": "right",
                "y": 1,
                "yanchor": "bottom",
                "pad": {"r": 0, "t": 0, "b": 10},
                "bgcolor": colours.paper,
                "bordercolor": colours.faint,
                "font": {"color": colours.ink, "size": 14},
                "buttons": [
                    {"label": "Play", "method": "animate", "args": [None, play]},
                    {"label": "Pause", "method": "animate", "args": [[None], jump]},
                ],
            }
        ],
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
                    {"label": frame["name"], "method": "animate", "args": [[frame["name"]], jump]}
                    for frame in figure.frames
                ],
            }
        ],
    )
