"""SGD against the certified optimum: objective by iteration and by wall-clock, with a replay, and the audit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ..certificate import Certificate
from ..errors import InputError
from ..validation import finite_array
from .chart import Chart, blank
from .palette import LIGHT, Palette

__all__ = ["audit", "loss_by_iteration", "loss_by_seconds"]

#: A second cue beside the colour, one per seed.
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
#: Points of a curve that are drawn, and steps of the replay.
MAX_POINTS = 240
FRAMES = 40

_Array = NDArray[np.float64]


def loss_by_iteration(
    objective: ArrayLike,
    iterations: ArrayLike,
    seeds: Sequence[int],
    *,
    upper: float,
    lower: float,
    colours: Palette = LIGHT,
) -> Chart:
    """Objective of every seed against iterations, above the bounds on the global optimum; play replays the run.

    Parameters
    ----------
    objective : array_like, shape (S, T)
        Non-convex objective of S seeds at T recorded moments; not finite after a seed has diverged.
    iterations : array_like, shape (T,)
        The moments.
    seeds : sequence of int
        The S seeds.
    upper, lower : float
        Bounds on the global optimum; `lower` is ``-inf`` for a restricted solve.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the lengths do not fit.

    Examples
    --------
    >>> chart = loss_by_iteration([[4.0, 2.0, 1.5]], [0, 10, 20], [7], upper=1.0, lower=0.999)
    >>> chart.alt
    'SGD with seeds 7 ends at 1.5 to 1.5 after 20 iterations; the certified optimum is 1, at least 0.999 is proved.'
    """
    values, steps = _thinned(objective, iterations, seeds, "iterations")
    figure = blank(500, bottom=128, top=72)
    _seed_lines(figure, values, steps, seeds, colours, legend=True)
    _bounds(figure, float(steps[0]), float(steps[-1]), upper, lower, colours)
    _axes(figure, values, upper, colours)
    figure.update_xaxes(title_text="iteration", range=[steps[0], steps[-1]])
    _replay(figure, values, steps, colours)
    alt = f"SGD with seeds {', '.join(map(str, seeds))} {_ending(values)} after {steps[-1]:.0f} iterations; "
    alt += _optimum(upper, lower)
    table: dict[str, Any] = {"iteration": steps.tolist()}
    table |= {f"seed {seed}": values[s].tolist() for s, seed in enumerate(seeds)}
    return Chart(figure, alt, table, "objective-by-iteration")


def loss_by_seconds(
    objective: ArrayLike,
    seconds: ArrayLike,
    seeds: Sequence[int],
    *,
    upper: float,
    lower: float,
    convex_seconds: float,
    colours: Palette = LIGHT,
) -> Chart:
    """Objective of every seed against wall-clock seconds, with a marker where each method had finished.

    The diamond is the convex solve: its value at its total computation time, pattern listing and certificate
    included. The circles are SGD, all seeds trained side by side.

    Parameters
    ----------
    objective, seeds, upper, lower, colours
        As in :func:`loss_by_iteration`.
    seconds : array_like, shape (T,)
        Wall-clock seconds of training at each record.
    convex_seconds : float
        Total seconds of the convex solve.

    Raises
    ------
    InputError
        If the lengths do not fit.

    Examples
    --------
    >>> chart = loss_by_seconds([[4.0, 1.5]], [0.0, 0.2], [7], upper=1.0, lower=0.999, convex_seconds=0.1)
    >>> [trace.name for trace in chart.figure.data]
    ['seed 7', 'certified optimum', 'proved lower bound', 'SGD finished', 'convex program solved and certified']
    """
    values, clock = _thinned(objective, seconds, seeds, "seconds")
    figure = blank(500, bottom=128, top=72)
    _seed_lines(figure, values, clock, seeds, colours, legend=False)
    reach = max(float(clock[-1]), convex_seconds) * 1.05
    _bounds(figure, 0.0, reach, upper, lower, colours)
    markers = (
        ("SGD finished", [clock[-1]] * len(seeds), values[:, -1], colours.sgd, "circle-open", 10),
        ("convex program solved and certified", [convex_seconds], [upper], colours.convex, "diamond", 14),
    )
    for name, x, y, colour, symbol, size in markers:
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                name=name,
                mode="markers",
                marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 2, "color": colour}},
                hovertemplate=f"{name} after %{{x:.3g}} s: %{{y:.8g}}<extra></extra>",
            )
        )
    _axes(figure, values, upper, colours)
    figure.update_xaxes(title_text="wall-clock seconds", range=[0, reach])
    alt = f"SGD with seeds {', '.join(map(str, seeds))} {_ending(values)} after {clock[-1]:.3g} s; "
    alt += f"the convex program took {convex_seconds:.3g} s; {_optimum(upper, lower)}"
    table: dict[str, Any] = {"seconds": clock.tolist()}
    table |= {f"seed {seed}": values[s].tolist() for s, seed in enumerate(seeds)}
    return Chart(figure, alt, table, "objective-by-seconds")


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

    Examples
    --------
    >>> from convex_core import Network, Problem, certify, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("shift"))
    >>> best = solve(problem)
    >>> zero = certify(problem, Network(problem.architecture, [], []), dual=best.dual)
    >>> chart = audit([zero], [0], upper=best.network_objective, lower=best.lower_bound)
    >>> chart.table["at most % above"][0] > 0
    True
    """
    values = [c.objective for c in certificates]
    labels = [f"seed {s}" for s in seeds]
    excess = [100.0 * (v / lower - 1.0) if math.isfinite(lower) and lower > 0 else math.nan for v in values]
    figure = blank(96 + 44 * len(seeds), left=72, top=30)
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
    name = "certified optimum" if math.isfinite(lower) else "convex value (restricted)"
    figure.add_vline(
        x=upper,
        line={"color": colours.convex, "width": 2.5},
        annotation={"text": name, "font": {"color": colours.convex}, "yanchor": "bottom"},
        annotation_position="top",
    )
    figure.update_xaxes(title_text="training objective", gridcolor=colours.faint, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    alt = (
        _optimum(upper, lower).capitalize()
        + " "
        + "; ".join(
            f"{label}: {value:.8g}, at most {e:.3g} % above"
            for label, value, e in zip(labels, values, excess, strict=True)
        )
    )
    table: dict[str, Any] = {
        "seed": list(seeds),
        "objective": values,
        "proved lower bound": [c.lower_bound for c in certificates],
        "relative gap": [c.relative_gap for c in certificates],
        "at most % above": excess,
    }
    return Chart(figure, alt + ".", table, "audit")


def _thinned(objective: ArrayLike, moments: ArrayLike, seeds: Sequence[int], name: str) -> tuple[_Array, _Array]:
    """Objectives and moments, checked, and at most `MAX_POINTS` of them."""
    raw = np.asarray(objective, dtype=np.float64)
    # a diverged seed has infinite values: its line ends there
    values = np.where(np.isfinite(raw), raw, np.nan)
    x = finite_array(moments, name, ndim=1)
    if values.shape != (len(seeds), len(x)):
        raise InputError(
            f"objective: got shape {values.shape}, expected ({len(seeds)}, {len(x)}), seeds by recorded moments"
        )
    keep = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).round().astype(int))
    return values[:, keep], x[keep]


def _seed_lines(
    figure: Any, values: _Array, x: _Array, seeds: Sequence[int], colours: Palette, *, legend: bool
) -> None:
    for s, seed in enumerate(seeds):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=values[s],
                name=f"seed {seed}",
                showlegend=legend,
                mode="lines",
                line={"color": colours.sgd, "width": 1.8, "dash": DASHES[s % len(DASHES)]},
                hovertemplate=f"seed {seed}, %{{x:.4g}}: %{{y:.6g}}<extra></extra>",
            )
        )


def _bounds(figure: Any, start: float, stop: float, upper: float, lower: float, colours: Palette) -> None:
    if math.isfinite(lower):
        lines = (("certified optimum", upper, "solid", 2.6), ("proved lower bound", lower, "dash", 1.6))
    else:
        lines = (("convex value (restricted)", upper, "solid", 2.6),)  # type: ignore[assignment]
    for name, value, dash, width in lines:
        figure.add_trace(
            go.Scatter(
                x=[start, stop],
                y=[value, value],
                name=name,
                mode="lines",
                line={"color": colours.convex, "width": width, "dash": dash},
                hovertemplate=f"{name}: %{{y:.8g}}<extra></extra>",
            )
        )


def _axes(figure: Any, values: _Array, upper: float, colours: Palette) -> None:
    """Logarithmic objective with a range that shows the plateau; the first steps may leave it."""
    ends = _ends(values)
    if upper <= 0.0:
        # the zero network is perfect: a logarithm has no place for it
        top = float(np.nanmax(values, initial=0.0, where=np.isfinite(values))) or 1.0
        figure.update_xaxes(showgrid=False, zeroline=False)
        figure.update_yaxes(
            title_text="training objective", range=[-0.05 * top, 1.04 * top], gridcolor=colours.faint, zeroline=False
        )
        return
    first = float(np.nanmax(values)) if np.isfinite(values).any() else 2.0 * upper
    top = min(first, max(20.0 * upper, 1.5 * float(np.max(ends, initial=upper))))
    span = math.log10(top / upper) or 1.0
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text="training objective",
        type="log",
        range=[math.log10(upper) - 0.06 * span, math.log10(upper) + 1.04 * span],
        gridcolor=colours.faint,
        zeroline=False,
        dtick="D2" if span < 2.5 else 1,
        tickformat=".3~g",
    )


def _ends(values: _Array) -> _Array:
    last: _Array = values[:, -1]
    return last[np.isfinite(last)]


def _ending(values: _Array) -> str:
    ends = _ends(values)
    return f"ends at {ends.min():.6g} to {ends.max():.6g}" if len(ends) else "has diverged"


def _optimum(upper: float, lower: float) -> str:
    if math.isfinite(lower):
        return f"the certified optimum is {upper:.8g}, at least {lower:.8g} is proved."
    return f"the convex value over sampled patterns is {upper:.8g}, without a lower bound."


def _replay(figure: Any, values: _Array, steps: _Array, colours: Palette) -> None:
    """Play, pause and a slider whose frames reveal the curves up to a moment."""
    S, T = values.shape
    stops = np.unique(np.linspace(1, T, min(FRAMES, T)).round().astype(int))
    figure.frames = [
        go.Frame(
            name=str(int(steps[stop - 1])),
            traces=list(range(S)),
            data=[go.Scatter(x=steps[:stop], y=values[s, :stop]) for s in range(S)],
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
                "y": -0.24,
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
                "x": 0.3,
                "len": 0.7,
                "y": -0.2,
                "pad": {"t": 0, "b": 0},
                "currentvalue": {
                    "prefix": "iteration ",
                    "xanchor": "right",
                    "font": {"size": 13, "color": colours.ink},
                },
                "font": {"color": "rgba(0,0,0,0)", "size": 1},
                "bgcolor": colours.sgd,
                "activebgcolor": colours.sgd,
                "bordercolor": colours.sgd,
                "ticklen": 0,
                "minorticklen": 0,
                "steps": [
                    {"label": frame.name, "method": "animate", "args": [[frame.name], still]} for frame in figure.frames
                ],
            }
        ],
    )
