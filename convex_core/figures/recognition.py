"""Ten classes: the bounds closing, accuracy beside other methods, and the confusion matrix to click on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..experiments import Recognition
from . import draft
from .chart import Chart, blank, log_ticks
from .classes import confusion
from .colours import LIGHT, Palette

__all__ = ["recognition_confusion", "recognition_curves"]

#: Smallest gap that is drawn; below it is rounding.
LEAST = 1e-7


def recognition_curves(found: Recognition, *, height: int = 330, colours: Palette = LIGHT) -> Chart:
    """The relative gap between both bounds over seconds, and below it the test accuracy beside other methods.

    The gap has a line for each beta that was tried, in grey, and one in green for the beta that was kept.

    Examples
    --------
    >>> from convex_core import load_dataset
    >>> from convex_core.experiments import recognise
    >>> found = recognise(load_dataset("digits", classes="all", n=100, n_test=50, pool=1), filters=20, beta=2.0)
    >>> recognition_curves(found).name
    'bounds-and-accuracy'
    """
    curve, c = found.curve, found.certificate
    figure = draft.make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07 + 0.06 * len(found.baselines),
        figure=blank(height, left=56, right=10, top=6, bottom=40),
    )  # fmt: skip
    end = max(found.seconds, float(curve.seconds.max(initial=0.0)))
    _gaps(figure, found, end, colours)
    _accuracies(figure, found, end, colours)
    figure.update_xaxes(range=[0.0, 1.03 * max(end, 1e-3)], gridcolor=colours.faint, zeroline=False, fixedrange=True)
    figure.update_xaxes(title_text="seconds", row=2, col=1)
    others = ", ".join(f"{b.name} {b.accuracy:.1%}" for b in found.baselines)
    alt = (
        f"After {found.seconds:.1f} seconds the certificate has a relative gap of {c.relative_gap:.1e}: objective "
        f"{c.objective:.6g}, lower bound {c.lower_bound:.6g}, over {c.listed} listed filters, at beta {c.beta:.3g}"
    )
    alt += f", chosen among {len(found.path)} values" if found.path else ""
    alt += f". {found.accuracy:.1%} of {len(found.scores)} test images are right{f'; {others}' if others else ''}."
    table: dict[str, Any] = {
        "seconds": curve.seconds.tolist(),
        "relative gap": curve.gap.tolist(),
        "beta": curve.beta.tolist(),
        "beta is chosen": curve.chosen.tolist(),
        "test accuracy %": (100.0 * curve.accuracy).tolist(),
    }
    return Chart(figure, alt, table, "bounds-and-accuracy")


def _gaps(figure: Any, found: Recognition, end: float, colours: Palette) -> None:
    curve, c = found.curve, found.certificate
    gap = np.maximum(curve.gap, LEAST)
    final = max(c.relative_gap, LEAST)
    parts = np.split(np.arange(len(gap)), np.flatnonzero(np.diff(curve.beta) != 0.0) + 1) if len(gap) else []
    for part in parts:
        # the last part before the choice and the one after it may have the same beta
        for chosen in (False, True):
            own = part[curve.chosen[part] == chosen]
            if len(own):
                colour, width = (colours.convex, 2.5) if chosen else (colours.muted, 1.0)
                _line(
                    figure, curve.seconds[own], gap[own], colour, width,
                    f"%{{x:.2f}} s: gap %{{y:.1e}} at beta {curve.beta[own[0]]:.3g}",
                )  # fmt: skip
    last = [(float(curve.seconds[-1]), float(gap[-1]))] if len(gap) else []
    x, y = zip(*last, (end, final), strict=True)
    figure.add_trace(
        draft.Scatter(
            x=x, y=y, mode="lines+markers", line={"color": colours.convex, "dash": "dot", "width": 1.5},
            marker={"symbol": "diamond", "size": [*(0 for _ in last), 11], "color": colours.convex, "opacity": 1.0},
            hovertemplate=f"certificate: gap {c.relative_gap:.2e}<extra></extra>", showlegend=False,
        ),
        row=1, col=1,
    )  # fmt: skip
    low = min(float(gap.min(initial=1.0)), final)
    ticks, texts = log_ticks(low, 1.0, most=5)
    figure.update_yaxes(
        type="log", range=[math.log10(low) - 0.15, 0.08], title_text="gap of bounds", gridcolor=colours.faint,
        tickvals=ticks, ticktext=texts, fixedrange=True, row=1, col=1,
    )  # fmt: skip


def _accuracies(figure: Any, found: Recognition, end: float, colours: Palette) -> None:
    percent, final = 100.0 * found.curve.accuracy, 100.0 * found.accuracy
    others = sorted(found.baselines, key=lambda b: b.accuracy)
    _line(
        figure, [*found.curve.seconds, end], [*percent, final], colours.convex, 2.5, "%{x:.2f} s: %{y:.1f} %", row=2
    )  # fmt: skip
    values = [final, *(100.0 * b.accuracy for b in others)]
    lowest, top = min(values), max(*values, float(np.nanmax(percent, initial=0.0)))
    room = max(4.0, 0.8 * (top - lowest))
    words = []
    for number, other in enumerate(others):
        dash, mark = (("dash", "– –"), ("dot", "· · ·"))[number % 2]
        figure.add_hline(
            y=100.0 * other.accuracy, line={"color": colours.muted, "dash": dash, "width": 1.5}, row=2, col=1
        )
        words.append(f"{mark} {other.name} {100.0 * other.accuracy:.1f}")
    # between the two pictures: in the lower one the curve may be anywhere
    figure.add_annotation(
        x=0.0, xref="x domain", xanchor="left", y=1.0, yref="y2 domain", yanchor="bottom", showarrow=False,
        align="left", text="<br>".join(reversed(words)), font={"size": 12, "color": colours.muted},
    )  # fmt: skip
    figure.update_yaxes(
        range=[max(0.0, lowest - 1.8 * room), min(100.0, top + 0.5 * room) + 0.4], title_text="right, %",
        gridcolor=colours.faint, fixedrange=True, row=2, col=1,
    )  # fmt: skip


def _line(figure: Any, x: Any, y: Any, colour: str, width: float, hover: str, row: int = 1) -> None:
    figure.add_trace(
        draft.Scatter(
            x=x, y=y, mode="lines+markers", connectgaps=True, line={"color": colour, "width": width},
            marker={"size": 2 + 1.2 * width}, hovertemplate=f"{hover}<extra></extra>", showlegend=False,
        ),
        row=row, col=1,
    )  # fmt: skip


def recognition_confusion(found: Recognition, *, cell: int = 27, colours: Palette = LIGHT) -> Chart:
    """The confusion matrix; a click on a cell tells true and predicted class."""
    counts, names = found.confusion, found.names
    long = max(map(len, names)) > 3
    chart = confusion(counts, names, colours=colours)
    figure = chart.drawing
    figure.update_layout(height=cell * len(names) + 76, margin={"l": 104 if long else 56, "t": 6, "b": 58})
    figure.update_traces(textfont_size=11 if long else 13, selector={"mode": "text"})
    q = len(names)
    figure.add_trace(
        draft.Scatter(
            x=[names[j] for i in range(q) for j in range(q)],
            y=[names[i] for i in range(q) for j in range(q)],
            customdata=[[i, j] for i in range(q) for j in range(q)],
            mode="markers",
            marker={"symbol": "square", "size": cell - 4, "opacity": 0.0, "color": colours.ink},
            selected={"marker": {"opacity": 0.0}},
            unselected={"marker": {"opacity": 0.0}},
            text=[int(counts[i, j]) for i in range(q) for j in range(q)],
            hovertemplate="true %{y}, said to be %{x}: %{text}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_xaxes(title_text="the network says", tickangle=-40 if long else 0, dtick=1)
    figure.update_yaxes(title_text="it is", ticks="")
    figure.update_layout(dragmode=False, clickmode="event+select")
    return chart
