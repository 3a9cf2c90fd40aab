"""SGD against the certified optimum: objective by iteration and by wall-clock, with a replay, and the audit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray
from plotly.subplots import make_subplots

from ..certificate import Certificate
from ..errors import InputError
from ..validation import finite_array
from .chart import Chart, blank
from .palette import LIGHT, Palette

__all__ = ["audit", "loss_curves"]

#: A second cue beside the colour, one per seed.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
#: Points of a curve that are drawn, and steps of the replay.
MAX_POINTS = 240
FRAMES = 40

_Array = NDArray[np.float64]


def loss_curves(
    objective: ArrayLike,
    iterations: ArrayLike,
    seconds: ArrayLike,
    seeds: Sequence[int],
    *,
    upper: float,
    lower: float,
    convex_seconds: float,
    colours: Palette = LIGHT,
) -> Chart:
    """Objective of every seed against iterations and wall-clock seconds, above the two bounds on the global optimum.

    The diamond in the right panel marks the convex solve: its value at its total computation time, pattern listing and
    certificate included; the circles mark where SGD stopped. Play replays the run.

    Parameters
    ----------
    objective : array_like, shape (S, T)
        Non-convex objective of S seeds at T recorded moments.
    iterations, seconds : array_like, shape (T,)
        The moments.
    seeds : sequence of int
        The S seeds.
    upper, lower : float
        Bounds on the global optimum; `lower` is ``-inf`` for a restricted solve.
    convex_seconds : float
        Total seconds of the convex solve.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the lengths do not fit.
    """
    values = finite_array(objective, "objective", ndim=2)
    steps = finite_array(iterations, "iterations", ndim=1)
    clock = finite_array(seconds, "seconds", ndim=1)
    if values.shape != (len(seeds), len(steps)) or clock.shape != steps.shape:
        raise InputError(
            f"objective: got shape {values.shape}, expected ({len(seeds)}, {len(steps)}), seeds by recorded moments"
        )
    keep = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MAX_POINTS)).round().astype(int))
    values, steps, clock = values[:, keep], steps[keep], clock[keep]
    figure = make_subplots(
        rows=1,
        cols=2,
        shared_yaxes=True,
        horizontal_spacing=0.05,
        column_widths=[0.5, 0.5],
        figure=blank(470, bottom=128),
    )
    for column, x in ((1, steps), (2, clock)):
        for s, seed in enumerate(seeds):
            figure.add_trace(
                go.Scatter(
                    x=x,
                    y=values[s],
                    name=f"SGD seed {seed}",
                    legendgroup=f"seed {seed}",
                    showlegend=column == 1,
                    mode="lines",
                    line={"color": colours.sgd, "width": 1.8, "dash": DASHES[s % len(DASHES)]},
                    hovertemplate=f"seed {seed}, %{{x:.4g}}: %{{y:.6g}}<extra></extra>",
                ),
                row=1,
                col=column,
            )
    reach = max(float(clock[-1]), convex_seconds) * 1.04
    spans = ((1, float(steps[0]), float(steps[-1])), (2, 0.0, reach))
    for column, start, stop in spans:
        _bounds(figure, column, start, stop, upper, lower, colours)
    figure.add_trace(
        go.Scatter(
            x=[clock[-1]] * len(seeds),
            y=values[:, -1],
            name="SGD, total time",
            mode="markers",
            marker={"color": colours.sgd, "size": 9, "symbol": "circle-open", "line": {"width": 2}},
            hovertemplate="SGD stopped after %{x:.3g} s at %{y:.6g}<extra></extra>",
        ),
        row=1,
        col=2,
    )
    figure.add_trace(
        go.Scatter(
            x=[convex_seconds],
            y=[upper],
            name="convex, total time",
            mode="markers",
            marker={
                "color": colours.convex,
                "size": 13,
                "symbol": "diamond",
                "line": {"width": 1.5, "color": colours.paper},
            },
            hovertemplate="convex program solved and certified after %{x:.3g} s: %{y:.8g}<extra></extra>",
        ),
        row=1,
        col=2,
    )
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="iteration", range=[steps[0], steps[-1]], row=1, col=1)
    figure.update_xaxes(title_text="wall-clock seconds", range=[0, reach], row=1, col=2)
    low, high = _range(values, upper)
    figure.update_yaxes(type="log", range=[low, high], gridcolor=colours.faint, dtick="D2", tickformat=".3~g")
    figure.update_yaxes(title_text="training objective", row=1, col=1)
    _replay(figure, values, steps, clock)
    best = values[:, -1]
    alt = (
        f"SGD with seeds {', '.join(map(str, seeds))} ends after {steps[-1]:.0f} iterations and {clock[-1]:.3g} s at "
        f"{best.min():.6g} to {best.max():.6g}. The convex program gives {upper:.8g} after {convex_seconds:.3g} s"
    )
    alt += f", at least {lower:.8g} is proved." if math.isfinite(lower) else ", without a lower bound."
    table: dict[str, Any] = {"iteration": steps.tolist(), "seconds": clock.tolist()}
    table |= {f"seed {seed}": values[s].tolist() for s, seed in enumerate(seeds)}
    return Chart(figure, alt, table, "convex-vs-sgd")


def audit(
    certificates: Sequence[Certificate],
    seeds: Sequence[int],
    *,
    upper: float,
    lower: float,
    colours: Palette = LIGHT,
) -> Chart:
    """Each SGD network's objective above the proved lower bound: the part beyond it is the most that can be missing.

    Parameters
    ----------
    certificates : sequence of Certificate
        One per seed.
    seeds : sequence of int
        The seeds.
    upper, lower : float
        Bounds on the global optimum from the convex solve.
    colours : Palette
        The theme.
    """
    values = [c.objective for c in certificates]
    labels = [f"seed {s}" for s in seeds]
    excess = [100.0 * (v / lower - 1.0) if math.isfinite(lower) and lower > 0 else math.nan for v in values]
    figure = blank(90 + 44 * len(seeds), left=72, top=24)
    figure.add_trace(
        go.Bar(
            x=values,
            y=labels,
            orientation="h",
            marker={"color": colours.sgd_fill, "line": {"color": colours.sgd, "width": 1.5}},
            text=[f" at most {e:.3g} % above the optimum" if math.isfinite(e) else " no bound" for e in excess],
            textposition="inside",
            insidetextanchor="start",
            hovertemplate="%{y}: %{x:.8g}<extra></extra>",
        )
    )
    figure.add_vline(x=upper, line={"color": colours.convex, "width": 2.5})
    figure.update_xaxes(title_text="training objective", gridcolor=colours.faint, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    alt = f"Certified optimum between {lower:.8g} and {upper:.8g}. " + "; ".join(
        f"{label}: {value:.8g}, at most {e:.3g} % above" for label, value, e in zip(labels, values, excess, strict=True)
    )
    table = {
        "seed": list(seeds),
        "objective": values,
        "proved lower bound": [c.lower_bound for c in certificates],
        "relative gap": [c.relative_gap for c in certificates],
        "at most % above": excess,
    }
    return Chart(figure, alt + ".", table, "audit")


def _bounds(figure: Any, column: int, start: float, stop: float, upper: float, lower: float, colours: Palette) -> None:
    pairs = [("certified optimum", upper, "solid")]
    if math.isfinite(lower):
        pairs.append(("proved lower bound", lower, "dash"))
    else:
        pairs[0] = ("convex value (restricted)", upper, "solid")
    for name, value, dash in pairs:
        figure.add_trace(
            go.Scatter(
                x=[start, stop],
                y=[value, value],
                name=name,
                legendgroup=name,
                showlegend=column == 1,
                mode="lines",
                line={"color": colours.convex, "width": 2.6 if dash == "solid" else 1.6, "dash": dash},
                hovertemplate=f"{name}: %{{y:.8g}}<extra></extra>",
            ),
            row=1,
            col=column,
        )


def _range(values: _Array, upper: float) -> tuple[float, float]:
    """Logarithmic range that shows the plateau; the first steps from a bad start may leave it."""
    top = float(min(np.max(values), max(20.0 * upper, 1.5 * float(np.max(values[:, -1])))))
    bottom = min(upper, float(values.min()))
    span = math.log10(top / bottom) or 1.0
    return math.log10(bottom) - 0.06 * span, math.log10(top) + 0.04 * span


def _replay(figure: Any, values: _Array, steps: _Array, clock: _Array) -> None:
    """Play, pause and a slider whose frames reveal the curves up to a moment."""
    S, T = values.shape
    stops = np.unique(np.linspace(1, T, min(FRAMES, T)).round().astype(int))
    traces = list(range(2 * S))
    figure.frames = [
        go.Frame(
            name=str(int(steps[stop - 1])),
            traces=traces,
            data=[go.Scatter(x=x[:stop], y=values[s, :stop]) for x in (steps, clock) for s in range(S)],
        )
        for stop in stops
    ]
    play = {"frame": {"duration": 60, "redraw": False}, "transition": {"duration": 0}, "fromcurrent": True}
    still = {"frame": {"duration": 0, "redraw": False}, "transition": {"duration": 0}, "mode": "immediate"}
    figure.update_layout(
        updatemenus=[
            {
                "type": "buttons",
                "direction": "left",
                "showactive": False,
                "x": 0,
                "y": -0.29,
                "xanchor": "left",
                "yanchor": "top",
                "pad": {"t": 0, "r": 8},
                "buttons": [
                    {"label": "▶", "method": "animate", "args": [None, play]},
                    {"label": "❚❚", "method": "animate", "args": [[None], still]},
                ],
            }
        ],
        sliders=[
            {
                "active": len(stops) - 1,
                "x": 0.14,
                "len": 0.86,
                "y": -0.26,
                "pad": {"t": 0, "b": 0},
                "currentvalue": {"prefix": "iteration ", "xanchor": "right"},
                "ticklen": 0,
                "minorticklen": 0,
                "steps": [
                    {"label": "", "value": frame.name, "method": "animate", "args": [[frame.name], still]}
                    for frame in figure.frames
                ],
            }
        ],
    )
