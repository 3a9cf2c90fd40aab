"""The path over beta on one dial: filters of the optimum, dead ones grey, and SGD above the certified value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots
from scipy.optimize import linear_sum_assignment

from ..errors import InputError
from ..network import Network
from ..solve import Solution
from ..status import Scope
from .chart import Chart, blank
from .palette import LIGHT, Palette

__all__ = ["SGDCurves", "beta_dial", "follow_filters"]

#: Filters of neighbouring values of beta are the same one if the cosine between them is at least this.
SAME_FILTER = 0.7
#: Room above the dial's figure for the headline and the slider, in pixels.
TOP = 150
#: SGD's objective over the optimum: what is drawn, and where there is a grid line.
RATIO_RANGE = (0.94, 3.2)
RATIO_TICKS = (1.0, 1.2, 1.5, 2.0, 3.0)

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SGDCurves:
    """Recorded SGD runs at one beta: iterations (T,) and the objective (S, T) of S seeds."""

    iterations: _Array
    objective: _Array


def follow_filters(networks: Sequence[Network]) -> tuple[_Array, NDArray[np.int8]]:
    """Follow the filters ``|w_j| u_j`` through a sequence of networks.

    Neighbours are matched one to one by the angle between filters whose output weights have the same sign; a filter
    without a partner starts a new track.

    Parameters
    ----------
    networks : sequence of Network
        Of one architecture, for example at decreasing beta.

    Returns
    -------
    tracks : ndarray, shape (B, T, h)
        Track t at position b; all zeros where the filter is dead.
    signs : ndarray, shape (T,)
        Sign of the output weight, +1 first.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2))
    >>> networks = [Network(cnn, [[1.0, 0.0]], [1.0]), Network(cnn, [[1.0, 0.1], [0.0, 1.0]], [1.0, -1.0])]
    >>> tracks, signs = follow_filters(networks)
    >>> tracks.shape, signs.tolist(), tracks[0, 1].tolist()
    ((2, 2, 2), [1, -1], [0.0, 0.0])
    """
    h = networks[0].architecture.geometry.h if networks else 0
    signs: list[int] = []
    last: list[_Array] = []
    rows: list[dict[int, _Array]] = []
    for network in networks:
        filters = network.filters * np.abs(network.weights)[:, None]
        own = np.where(network.weights > 0, 1, -1)
        row: dict[int, _Array] = {}
        matched: set[int] = set()
        if len(filters) and last:
            cosine = _unit(filters) @ _unit(np.array(last)).T
            cosine[own[:, None] != np.array(signs)[None, :]] = -2.0
            for j, t in np.transpose(linear_sum_assignment(-cosine)).tolist():
                if cosine[j, t] >= SAME_FILTER:
                    row[t] = last[t] = filters[j]
                    matched.add(j)
        for j in sorted(set(range(len(filters))) - matched):
            row[len(signs)] = filters[j]
            signs.append(int(own[j]))
            last.append(filters[j])
        rows.append(row)
    tracks = np.zeros((len(networks), len(signs), h))
    for b, row in enumerate(rows):
        for t, value in row.items():
            tracks[b, t] = value
    order = sorted(range(len(signs)), key=lambda t: (-signs[t], t))
    return tracks[:, order], np.array([signs[t] for t in order], dtype=np.int8)


def beta_dial(
    solutions: Sequence[Solution],
    curves: Sequence[SGDCurves] = (),
    *,
    start: int = 0,
    colours: Palette = LIGHT,
) -> Chart:
    """One slider over beta, all frames in the figure, so that turning it needs no server.

    Above, one row a filter of the optimal network, followed through beta: its direction, and in front of it the sign
    of the output weight and the group norm; a row whose whole group is zero is grey.
    Below, SGD's objective divided by the certified optimum of the same beta: 1 is the optimum.

    Parameters
    ----------
    solutions : sequence of Solution
        At decreasing beta.
    curves : sequence of SGDCurves
        One per solution, with the same number of seeds, or none.
    start : int
        Position shown first.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no solution, or the lengths do not fit.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("shift"))
    >>> dial = beta_dial([solve(problem.with_beta(beta)) for beta in (100.0, 1.0)])
    >>> dial.table["filters alive"][0], len(dial.figure.frames)
    (0, 2)
    """
    if not solutions or len(curves) not in (0, len(solutions)):
        raise InputError(f"solutions, curves: got {len(solutions)} and {len(curves)}, expected as many, at least one")
    tracks, signs = follow_filters([s.network for s in solutions])
    figure = _dial_axes(len(signs), tracks.shape[2], bool(curves), colours)
    extent = float(np.abs(tracks).max(initial=0.0)) or 1.0
    figure.update_layout(
        coloraxis={
            "colorscale": colours.diverging,
            "cmid": 0,
            "cmin": -extent,
            "cmax": extent,
            "showscale": False,
        }
    )
    shown = _dial_traces(solutions, curves, tracks, signs, start, colours)
    for trace, row in shown:
        figure.add_trace(trace, row=row, col=1)
    if curves:
        last = max(float(c.iterations[-1]) for c in curves)
        figure.add_trace(
            go.Scatter(
                x=[0, last],
                y=[1, 1],
                name="certified optimum",
                mode="lines",
                line={"color": colours.convex, "width": 3},
                hovertemplate="the certified optimum<extra></extra>",
            ),
            row=2,
            col=1,
        )
    alive = [int(np.count_nonzero(np.any(t != 0.0, axis=1))) for t in tracks]
    heads = [_headline(s, a, len(signs), colours) for s, a in zip(solutions, alive, strict=True)]
    figure.update_layout(annotations=heads[start])
    figure.frames = [
        go.Frame(
            name=f"{solution.problem.beta:.3g}",
            traces=list(range(len(shown))),
            data=[trace for trace, _ in _dial_traces(solutions, curves, tracks, signs, b, colours)],
            layout={"annotations": heads[b]},
        )
        for b, solution in enumerate(solutions)
    ]
    _dial_slider(figure, start, colours)
    worst = max(s.relative_gap for s in solutions)
    alt = (
        f"Global optimum at {len(solutions)} values of beta from {solutions[0].problem.beta:.3g} to "
        f"{solutions[-1].problem.beta:.3g}: {min(alive)} to {max(alive)} of {len(signs)} filters alive, "
        f"largest certified relative gap {worst:.1e}."
    )
    table: dict[str, Any] = {
        "beta": [s.problem.beta for s in solutions],
        "objective": [s.network_objective for s in solutions],
        "lower bound": [s.lower_bound for s in solutions],
        "relative gap": [s.relative_gap for s in solutions],
        "filters alive": alive,
    }
    if curves:
        ends = np.array([c.objective[:, -1] for c in curves])
        table["best SGD"] = ends.min(axis=1).tolist()
        table["worst SGD"] = ends.max(axis=1).tolist()
        excess = ends / np.array([[s.network_objective] for s in solutions]) - 1.0
        alt += f" SGD ends {100 * excess.min():.2g} % to {100 * excess.max():.2g} % above the optimum."
    return Chart(figure, alt, table, "beta-dial")


def _dial_axes(T: int, h: int, with_curves: bool, colours: Palette) -> Any:
    filters, between, curves = 40 * max(T, 2), 52, 280
    inner = filters + (between + curves if with_curves else 0)
    figure = blank(inner + TOP + 56, left=62, top=TOP, bottom=56)
    figure = make_subplots(
        rows=2 if with_curves else 1,
        cols=1,
        vertical_spacing=between / inner if with_curves else 0.0,
        row_heights=[filters, curves] if with_curves else [1.0],
        figure=figure,
    )
    # the text in front of the strips needs room of its own: points outside an axis are not drawn
    figure.update_xaxes(visible=False, range=[-0.5 - 0.12 * h, h - 0.5], row=1, col=1)
    figure.update_yaxes(visible=False, range=[max(T, 1) - 0.5, -0.5], row=1, col=1)
    if with_curves:
        figure.update_xaxes(title_text="SGD iteration", showgrid=False, zeroline=False, row=2, col=1)
        figure.update_yaxes(
            title_text="objective ÷ optimum",
            type="log",
            range=[math.log10(v) for v in RATIO_RANGE],
            tickvals=RATIO_TICKS,
            ticktext=[f"{v:g}" for v in RATIO_TICKS],
            gridcolor=colours.faint,
            zeroline=False,
            row=2,
            col=1,
        )
        figure.update_layout(legend={"y": curves / inner, "yanchor": "bottom"})
    return figure


def _dial_traces(
    solutions: Sequence[Solution],
    curves: Sequence[SGDCurves],
    tracks: _Array,
    signs: NDArray[np.int8],
    b: int,
    colours: Palette,
) -> list[tuple[Any, int]]:
    """Everything that changes with beta, in a fixed order, with its row."""
    now = tracks[b]
    norms = np.linalg.norm(now, axis=1)
    dead = norms == 0.0
    alive_z = np.where(dead[:, None], np.nan, _unit(now))
    dead_z = np.where(dead[:, None], 1.0, np.nan) * np.ones(now.shape[1])
    heat = {"xgap": 1, "ygap": 6, "hoverongaps": False}
    traces: list[tuple[Any, int]] = [
        (
            go.Heatmap(
                z=alive_z,
                coloraxis="coloraxis",
                hovertemplate="filter %{y}, entry %{x}: %{z:.3g}<extra></extra>",
                **heat,
            ),
            1,
        ),
        (
            go.Heatmap(
                z=dead_z,
                colorscale=[[0, colours.dead], [1, colours.dead]],
                opacity=0.55,
                showscale=False,
                hovertemplate="filter %{y}: the whole group is zero<extra></extra>",
                **heat,
            ),
            1,
        ),
        (
            go.Scatter(
                x=[-0.5 - 0.01 * now.shape[1]] * len(signs),
                y=list(range(len(signs))),
                mode="text",
                textposition="middle left",
                cliponaxis=False,
                text=[
                    "0" if d else f"{'+' if s > 0 else '−'}{v:.2g}" for d, s, v in zip(dead, signs, norms, strict=True)
                ],
                textfont={"color": [colours.muted if d else colours.sign(s) for d, s in zip(dead, signs, strict=True)]},
                hovertemplate="filter %{y}: group norm with the sign of the output weight<extra></extra>",
                showlegend=False,
            ),
            1,
        ),
    ]
    if curves:
        optimum = solutions[b].network_objective or 1.0
        for s, values in enumerate(curves[b].objective):
            traces.append(
                (
                    go.Scatter(
                        x=curves[b].iterations,
                        y=values / optimum,
                        name="SGD, one line a seed",
                        showlegend=s == 0,
                        mode="lines",
                        line={
                            "color": colours.sgd,
                            "width": 1.6,
                            "dash": ("solid", "dash", "dot", "dashdot", "longdash")[s % 5],
                        },
                        hovertemplate="iteration %{x}: %{y:.4f} times the optimum<extra></extra>",
                    ),
                    2,
                )
            )
    return traces


def _headline(solution: Solution, alive: int, total: int, colours: Palette) -> list[dict[str, Any]]:
    """Two lines of text over the figure; the bound is named for what it is."""
    gap = solution.relative_gap
    if solution.scope is not Scope.GLOBAL or not math.isfinite(gap):
        proof = "restricted to sampled patterns, no global bound"
    else:
        proof = f"certified gap {gap:.0e}" if gap >= 1e-12 else "certified gap below 1e-12"
    lines = (
        (f"<b>{alive} of {total} filters alive</b>", 27, 108, colours.ink),
        (f"optimum {solution.network_objective:.6g}, {proof}", 16, 82, colours.convex),
    )
    return [
        {
            "text": text,
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "xshift": -58,
            "y": 1,
            "yref": "paper",
            "yanchor": "bottom",
            "yshift": shift,
            "showarrow": False,
            "font": {"size": size, "color": colour},
        }
        for text, size, shift, colour in lines
    ]


def _dial_slider(figure: Any, start: int, colours: Palette) -> None:
    jump = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    figure.update_layout(
        sliders=[
            {
                "active": start,
                "x": 0,
                "len": 1,
                "y": 1,
                "yanchor": "bottom",
                "pad": {"l": 0, "r": 0, "t": 0, "b": 6},
                "bgcolor": colours.convex,
                "activebgcolor": colours.convex,
                "bordercolor": colours.convex,
                "currentvalue": {
                    "prefix": "β = ",
                    "xanchor": "right",
                    "offset": 12,
                    "font": {"size": 20, "color": colours.ink},
                },
                # the labels of the steps would overlap; the current value says it
                "font": {"color": "rgba(0,0,0,0)", "size": 1},
                "ticklen": 4,
                "tickcolor": colours.muted,
                "minorticklen": 0,
                "steps": [
                    {"label": frame.name, "method": "animate", "args": [[frame.name], jump]} for frame in figure.frames
                ],
            }
        ]
    )


def _unit(rows: _Array) -> _Array:
    norms = np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows / np.where(norms > 0.0, norms, 1.0)
