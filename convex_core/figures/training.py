"""SGD against the certified optimum: objective by iteration and by wall-clock, with a replay, and the audit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..certificate import Certificate
from ..contracts.validation import finite_array
from ..errors import InputError
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .training_curves import curves, excess, has_excess, optimum_text, replay, row_name, shown_values, upper_name

__all__ = ["audit", "excess", "has_excess", "loss_by_iteration", "loss_by_seconds", "row_name"]

#: Points of a curve that are drawn.
MAX_POINTS = 240

_Array = NDArray[np.float64]


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
    figure, ending = curves(values, steps, seeds, upper, lower, relative, float(steps[0, -1]), colours)
    figure.update_xaxes(title_text="iteration", range=[steps[0, 0], steps[0, -1]])
    shown = shown_values(values, lower, relative)
    replay(figure, shown, steps[0], colours)
    alt = f"{_listed(seeds)} {ending} after {steps[0, -1]:.0f} iterations; {optimum_text(upper, lower)}"
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
    figure, ending = curves(values, moments, seeds, upper, lower, relative, reach, colours)
    shown, best = shown_values(values, lower, relative), shown_values(np.array([[upper]]), lower, relative)[0]
    markers = (
        ("training finished", moments[:, -1], shown[:, -1], values[:, -1], colours.sgd, "circle-open", 10),
        ("convex program", [convex_seconds], best, [upper], colours.convex, "diamond", 14),
    )
    for name, x, y, real, colour, symbol, size in markers:
        figure.add_trace(
            draft.Scatter(
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
        figure.data[-1]["y"] = [max(float(best[0]), 10.0 ** figure.layout["yaxis"]["range"][0])]
    figure.update_xaxes(title_text=f"{clock} seconds", range=[0, reach])
    figure.update_layout(margin_b=48)
    alt = f"{_listed(seeds)} {ending} after {moments[:, -1].max():.3g} {clock} seconds; "
    alt += f"the convex program took {convex_seconds:.3g} s; {optimum_text(upper, lower)}"
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
        draft.Bar(
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
    name = upper_name(upper, lower)
    figure.add_vline(x=upper, line={"color": colours.convex, "width": 2.5})
    figure.add_annotation(
        text=name, font={"color": colours.convex}, x=upper, xref="x", xanchor="center", y=1, yref="y domain",
        yanchor="bottom", showarrow=False,
    )  # fmt: skip
    figure.update_xaxes(title_text="training objective", gridcolor=colours.faint, rangemode="tozero")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    alt = (
        optimum_text(upper, lower).capitalize()
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


def _listed(seeds: Sequence[int | str]) -> str:
    return ", ".join(map(row_name, seeds))


def _quantity(relative: bool) -> str:
    return "excess" if relative else "objective"


def _columns(values: _Array, seeds: Sequence[int | str], lower: float, relative: bool) -> dict[str, Any]:
    table: dict[str, Any] = {row_name(seed): values[s].tolist() for s, seed in enumerate(seeds)}
    if relative:
        over = excess(values, lower)
        table |= {f"excess of {row_name(seed)}": over[s].tolist() for s, seed in enumerate(seeds)}
    return table
