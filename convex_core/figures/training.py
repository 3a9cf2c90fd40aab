"""SGD against the certified optimum: objective by iteration and by wall-clock, with a replay, and the audit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from ..certificate import Certificate
from ..contracts.validation import finite_array
from ..errors import InputError
from .chart import Chart, blank, log_ticks
from .colours import LIGHT, Palette

__all__ = ["audit", "excess", "has_excess", "loss_by_iteration", "loss_by_seconds", "row_name"]

#: Points of a curve that are drawn, and steps of the replay.
MAX_POINTS = 240
FRAMES = 40
#: An excess below this is drawn here: it is rounding, and a logarithmic axis has no zero.
FLOOR = 1e-12
#: Relative gap within which bounds are one line on the screen, and the upper one is called the certified optimum.
ONE_LINE = 1e-4

_Array = NDArray[np.float64]


def has_excess(lower: float) -> bool:
    """Whether an excess can be measured: from a proved lower bound above zero.

    Examples
    --------
    >>> has_excess(0.25), has_excess(0.0), has_excess(-math.inf)
    (True, False, False)
    """
    return 0.0 < lower < math.inf


def excess(objective: ArrayLike, lower: float) -> _Array:
    """``(P - L) / L``: how far objectives P are, at most, above the optimum, as a share of it.

    L is the proved lower bound. The optimum P* lies above it, so that the true excess ``(P - P*) / P*`` is no larger;
    with a certified optimum the two differ by its relative gap. Measured from L no training can look better than the
    optimum.

    Parameters
    ----------
    objective : array_like
        Objectives, of any shape.
    lower : float
        The proved lower bound, > 0.

    Raises
    ------
    InputError
        If there is no such bound, or it is not above zero.

    Examples
    --------
    >>> excess([1.5, 1.0], 1.0).tolist()
    [0.5, 0.0]
    """
    if not has_excess(lower):
        raise InputError(f"lower: got {lower}, expected a proved lower bound above zero to measure an excess from")
    return (np.asarray(objective, dtype=np.float64) - lower) / lower


def loss_by_iteration(
    objective: ArrayLike,
    iterations: ArrayLike,
    seeds: Sequence[int | str],
    *,
    upper: float,
    lower: float,
    relative: bool = False,
    colours: Palette = LIGHT,
) -> Chart:
    """Objective of every seed against iterations, above the bounds on the global optimum; play replays the run.

    Parameters
    ----------
    objective : array_like, shape (S, T)
        Non-convex objective of S seeds at T recorded moments; not finite after a seed has diverged.
    iterations : array_like, shape (T,)
        The moments.
    seeds : sequence of int or str
        The S seeds, or names of what was trained.
    upper, lower : float
        Bounds on the global optimum; `lower` is ``-inf`` for a restricted solve.
    relative : bool
        Whether the :func:`excess` is drawn in place of the objective, on a logarithmic axis; below 1e-12 it is drawn
        there.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the lengths do not fit, or there is no excess.

    Examples
    --------
    >>> chart = loss_by_iteration([[4.0, 2.0, 1.5]], [0, 10, 20], [7], upper=1.0, lower=0.99999999)
    >>> chart.alt
    'seed 7 ends at 1.5 to 1.5 after 20 iterations; the certified optimum is 1, at least 0.99999999 is proved.'
    >>> bounds = {"upper": 1.0, "lower": 0.99999999, "relative": True}
    >>> loss_by_iteration([[4.0, 2.0, 1.5]], [0, 10, 20], [7], **bounds).alt[:64]
    'seed 7 ends 50 % to 50 % above the optimum after 20 iterations; '
    """
    values, steps = _thinned(objective, iterations, seeds, "iterations")
    figure, ending = _curves(values, steps, seeds, upper, lower, relative, float(steps[0, -1]), colours)
    figure.update_xaxes(title_text="iteration", range=[steps[0, 0], steps[0, -1]])
    shown = _shown(values, lower, relative)
    _replay(figure, shown, steps[0], colours)
    alt = f"{_listed(seeds)} {ending} after {steps[0, -1]:.0f} iterations; {_optimum(upper, lower)}"
    table: dict[str, Any] = {"iteration": steps[0].tolist(), **_columns(values, seeds, lower, relative)}
    return Chart(figure, alt, table, f"{_quantity(relative)}-by-iteration")


def loss_by_seconds(
    objective: ArrayLike,
    seconds: ArrayLike,
    seeds: Sequence[int | str],
    *,
    upper: float,
    lower: float,
    convex_seconds: float,
    clock: str = "wall-clock",
    relative: bool = False,
    colours: Palette = LIGHT,
) -> Chart:
    """Objective of every seed against seconds, with a marker where each method had finished.

    The diamond is the convex solve: its value at its total computation time, pattern listing and certificate
    included. The circles are SGD, all seeds trained side by side.

    Parameters
    ----------
    objective, seeds, upper, lower, relative, colours
        As in :func:`loss_by_iteration`.
    seconds : array_like, shape (T,) or (S, T)
        Seconds of training at each record, of all seeds together or of each.
    convex_seconds : float
        Total seconds of the convex solve.
    clock : str
        What kind of seconds they are.

    Raises
    ------
    InputError
        If the lengths do not fit, or there is no excess.

    Examples
    --------
    >>> chart = loss_by_seconds([[4.0, 1.5]], [0.0, 0.2], [7], upper=1.0, lower=1.0, convex_seconds=0.1)
    >>> [trace.name for trace in chart.figure.data]
    ['seed 7', 'certified optimum', 'proved lower bound', 'training finished', 'convex program']
    """
    values, moments = _thinned(objective, seconds, seeds, "seconds")
    reach = max(float(moments[:, -1].max()), convex_seconds) * 1.05
    figure, ending = _curves(values, moments, seeds, upper, lower, relative, reach, colours)
    shown, best = _shown(values, lower, relative), _shown(np.array([[upper]]), lower, relative)[0]
    markers = (
        ("training finished", moments[:, -1], shown[:, -1], values[:, -1], colours.sgd, "circle-open", 10),
        ("convex program", [convex_seconds], best, [upper], colours.convex, "diamond", 14),
    )
    for name, x, y, real, colour, symbol, size in markers:
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                name=name,
                mode="markers",
                marker={"color": colour, "size": size, "symbol": symbol, "line": {"width": 2, "color": colour}},
                customdata=real,
                showlegend=colour == colours.convex,
                cliponaxis=False,
                hovertemplate=f"{name}, after %{{x:.3g}} s: %{{customdata:.8g}}<extra></extra>",
            )
        )
    if relative:  # a diamond below the axis stands on its edge
        figure.data[-1].y = [max(float(best[0]), 10.0 ** figure.layout.yaxis.range[0])]
    figure.update_xaxes(title_text=f"{clock} seconds", range=[0, reach])
    figure.update_layout(margin_b=48)
    alt = f"{_listed(seeds)} {ending} after {moments[:, -1].max():.3g} {clock} seconds; "
    alt += f"the convex program took {convex_seconds:.3g} s; {_optimum(upper, lower)}"
    table: dict[str, Any] = {}
    if (moments == moments[0]).all():
        table["seconds"] = moments[0].tolist()
    else:
        table |= {f"seconds of {row_name(seed)}": moments[s].tolist() for s, seed in enumerate(seeds)}
    table |= _columns(values, seeds, lower, relative)
    return Chart(figure, alt, table, f"{_quantity(relative)}-by-{clock}-seconds")


def audit(
    certificates: Sequence[Certificate],
    seeds: Sequence[int | str],
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
    seeds : sequence of int or str
        The seeds, or names of what was trained.
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
    labels = [row_name(seed) for seed in seeds]
    above = [100.0 * (v / lower - 1.0) if math.isfinite(lower) and lower > 0 else math.nan for v in values]
    figure = blank(96 + 44 * len(seeds), left=72, top=30)
    figure.add_trace(
        go.Bar(
            x=values,
            y=labels,
            orientation="h",
            marker={"color": colours.sgd_fill, "line": {"color": colours.sgd, "width": 1.5}},
            text=[f" at most {e:.3g} % above the optimum" if math.isfinite(e) else " no bound" for e in above],
            textposition="inside",
            insidetextanchor="start",
            hovertemplate="%{y}: %{x:.8g}<extra></extra>",
        )
    )
    name = _upper_name(upper, lower)
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
            for label, value, e in zip(labels, values, above, strict=True)
        )
    )
    table: dict[str, Any] = {
        "seed": [str(seed) for seed in seeds],
        "objective": values,
        "proved lower bound": [c.lower_bound for c in certificates],
        "relative gap": [c.relative_gap for c in certificates],
        "at most % above": above,
    }
    return Chart(figure, alt + ".", table, "audit")


def _thinned(objective: ArrayLike, moments: ArrayLike, seeds: Sequence[int | str], name: str) -> tuple[_Array, _Array]:
    """Objectives and moments of each seed (S, T), checked, and at most `MAX_POINTS` of them."""
    raw = np.asarray(objective, dtype=np.float64)
    # a diverged seed has infinite values: its line ends there
    values = np.where(np.isfinite(raw), raw, np.nan)
    x = finite_array(moments, name, ndim=(1, 2))
    if values.shape != (len(seeds), x.shape[-1]) or (x.ndim == 2 and x.shape != values.shape):
        raise InputError(
            f"objective: got shape {values.shape}, expected ({len(seeds)}, {x.shape[-1]}), seeds by recorded moments"
        )
    x = np.broadcast_to(x, values.shape)
    keep = np.unique(np.linspace(0, x.shape[1] - 1, min(x.shape[1], MAX_POINTS)).round().astype(int))
    return values[:, keep], x[:, keep]


def row_name(seed: int | str) -> str:
    """What a curve is called: by its seed, or by its own name.

    Examples
    --------
    >>> row_name(3), row_name("Adam")
    ('seed 3', 'Adam')
    """
    return seed if isinstance(seed, str) else f"seed {seed}"


def _listed(seeds: Sequence[int | str]) -> str:
    return ", ".join(map(row_name, seeds))


def _quantity(relative: bool) -> str:
    return "excess" if relative else "objective"


def _shown(values: _Array, lower: float, relative: bool) -> _Array:
    """What is drawn: objectives, or the excess, which a logarithmic axis shows from `FLOOR` on."""
    return np.maximum(excess(values, lower), FLOOR) if relative else values


def _columns(values: _Array, seeds: Sequence[int | str], lower: float, relative: bool) -> dict[str, Any]:
    table: dict[str, Any] = {row_name(seed): values[s].tolist() for s, seed in enumerate(seeds)}
    if relative:
        over = excess(values, lower)
        table |= {f"excess of {row_name(seed)}": over[s].tolist() for s, seed in enumerate(seeds)}
    return table


def _curves(
    values: _Array,
    x: _Array,
    seeds: Sequence[int | str],
    upper: float,
    lower: float,
    relative: bool,
    reach: float,
    colours: Palette,
) -> tuple[Any, str]:
    """The figure with a line for each seed and for the bounds, and how the seeds end, in words."""
    figure = blank(400, bottom=96, top=48)
    shown = _shown(values, lower, relative)
    for s, seed in enumerate(seeds):
        colour, dash = colours.line(s)
        figure.add_trace(
            go.Scatter(
                x=x[s],
                y=shown[s],
                name=row_name(seed),
                mode="lines",
                line={"color": colour, "width": 1.8, "dash": dash},
                customdata=values[s],
                hovertemplate=f"{row_name(seed)}, %{{x:.4g}}: %{{customdata:.6g}}"
                + (", %{y:.3%} above" if relative else "")
                + "<extra></extra>",
            )
        )
    if relative:
        _excess_axis(figure, shown, upper, lower, reach, colours)
        return figure, _ending_above(shown, upper, lower)
    _bounds(figure, float(x.min()), reach, upper, lower, colours)
    _axes(figure, values, upper, colours)
    return figure, _ending(values)


def _certified(upper: float, lower: float) -> bool:
    """Whether the bounds are so close that they are one line."""
    return math.isfinite(lower) and upper - lower <= ONE_LINE * abs(upper)


def _upper_name(upper: float, lower: float) -> str:
    if _certified(upper, lower):
        return "certified optimum"
    return "best network of the convex program" if math.isfinite(lower) else "convex value (restricted)"


def _bounds(figure: Any, start: float, stop: float, upper: float, lower: float, colours: Palette) -> None:
    lines = [(_upper_name(upper, lower), upper, "solid", 2.6)]
    if math.isfinite(lower):
        lines.append(("proved lower bound", lower, "dash", 1.6))
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


def _excess_axis(figure: Any, shown: _Array, upper: float, lower: float, reach: float, colours: Palette) -> None:
    """Decades in per cent, from below the lowest curve on, and the convex program's own excess: its gap."""
    gap = float(_shown(np.array([upper]), lower, True)[0])
    seen = shown[np.isfinite(shown)]
    least, most = float(seen.min(initial=1.0)), float(seen.max(initial=FLOOR))
    low, high = math.floor(math.log10(0.3 * least)), math.log10(1.3 * max(most, 10.0 * least))
    low = max(low, math.floor(high) - 9)
    off = gap < 10.0**low
    name, level = _upper_name(upper, lower), max(gap, 10.0**low)
    words = f"proved within {gap:.0e}, below this axis" if off else f"proved within {100.0 * gap:.2g} %"
    figure.add_annotation(
        x=reach, y=math.log10(level), text=words, showarrow=False, xanchor="right", yanchor="bottom",
        font={"color": colours.convex, "size": 12},
    )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=[0.0, reach],
            y=[level] * 2,
            name=name,
            mode="lines",
            cliponaxis=False,
            line={"color": colours.convex, "width": 2.6, "dash": "dash" if off else "solid"},
            hovertemplate=f"{_upper_name(upper, lower)}: at most {gap:.2e} above the optimum<extra></extra>",
        )
    )
    ticks, _ = log_ticks(10.0**low, 10.0**high)
    what = "excess over the optimum" if _certified(upper, lower) else "excess over the proved lower bound"
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text=what,
        type="log",
        range=[low, high],
        gridcolor=colours.faint,
        zeroline=False,
        tickvals=ticks,
        ticktext=[f"{100.0 * tick:g} %" for tick in ticks],
    )


def _ending_above(shown: _Array, upper: float, lower: float) -> str:
    ends = _ends(shown)
    if not len(ends):
        return "has diverged"
    least, most = (f"{100.0 * end:.3g} %" for end in (ends.min(), ends.max()))
    if _certified(upper, lower):
        return f"ends {least} to {most} above the optimum"
    return f"ends at most {least} to {most} above the optimum, measured from the proved lower bound,"


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
    if math.isfinite(lower) and not _certified(upper, lower):
        return f"the optimum is proved to lie between {lower:.8g} and {upper:.8g}."
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
                "y": -0.2,
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
                "y": -0.14,
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
