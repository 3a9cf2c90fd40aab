"""A solve: the two bounds closing round by round, and where the time went."""

from __future__ import annotations

import math
from typing import Any

from ..errors import InputError
from ..solution import Solution
from ..solvers.column_generation import Round
from ..status import Scope
from . import draft
from .chart import Chart, blank, log_ticks, power_ticks
from .colours import LIGHT, Palette

__all__ = ["bounds", "seconds"]

#: A relative gap below this is drawn here: the axis is logarithmic.
GAP_FLOOR = 1e-12


def bounds(history: tuple[Round, ...], *, scope: Scope = Scope.GLOBAL, colours: Palette = LIGHT) -> Chart:
    """Upper and lower bound round by round, and below them the relative gap, on logarithmic axes where there is one.

    Parameters
    ----------
    history : tuple of Round
        At least one round of column generation.
    scope : Scope
        What the lower bound covers; over sampled patterns it says nothing about the global optimum, and the figure
        says so.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no round.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> solution = solve(Problem.from_dataset(load_dataset("shift")))
    >>> [trace.name for trace in bounds(solution.history).figure.data]
    ['lower bound', 'upper bound', 'relative gap']
    """
    if not history:
        raise InputError("history: got no rounds, expected at least one")
    rounds = [r.round for r in history]
    upper = [r.upper for r in history]
    lower = [r.lower if math.isfinite(r.lower) else None for r in history]
    gaps = [(r.upper - r.lower) / abs(r.upper) if math.isfinite(r.lower) and r.upper else None for r in history]
    drawn = [None if g is None else max(g, GAP_FLOOR) for g in gaps]
    figure = draft.make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.6, 0.4], figure=blank(340)
    )
    line = {"color": colours.convex, "width": 2.5}
    lower_name = "lower bound" if scope is Scope.GLOBAL else "lower bound over the sampled patterns only"
    figure.add_trace(
        draft.Scatter(
            x=rounds,
            y=lower,
            name=lower_name,
            mode="lines+markers",
            line={**line, "dash": "dash"},
            marker={"symbol": "triangle-up", "size": 8},
            hovertemplate="round %{x}: %{y:.8g}",
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        draft.Scatter(
            x=rounds,
            y=upper,
            name="upper bound",
            mode="lines+markers",
            line=line,
            marker={"symbol": "triangle-down", "size": 8},
            fill="tonexty",
            fillcolor=colours.convex_fill,
            hovertemplate="round %{x}: %{y:.8g}",
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        draft.Scatter(
            x=rounds,
            y=drawn,
            name="relative gap",
            mode="lines+markers",
            line={"color": colours.ink, "width": 1.5, "dash": "dot"},
            marker={"symbol": "circle", "size": 6},
            showlegend=False,
            hovertemplate="round %{x}: %{y:.2e}",
        ),
        row=2,
        col=1,
    )
    figure.update_xaxes(showgrid=False, zeroline=False, dtick=max(1, len(rounds) // 10))
    figure.update_xaxes(title_text="round", row=2, col=1)
    figure.update_yaxes(gridcolor=colours.faint, zeroline=False)
    figure.update_yaxes(title_text="objective", row=1, col=1)
    values = [v for v in (*upper, *lower) if v is not None]
    if min(values) > 0.0 and math.isfinite(max(values)):
        # where there is a logarithm, the last rounds are seen to close and not two lines on the floor
        low, high = math.log10(min(values)), math.log10(max(values))
        room = max(0.08 * (high - low), 0.02)
        ticks, texts = log_ticks(10.0 ** (low - room), 10.0 ** (high + room), most=6)
        if len(ticks) > 1:
            figure.update_yaxes(
                type="log", range=[low - room, high + room], tickvals=ticks, ticktext=texts, row=1, col=1
            )
    seen = [math.log10(g) for g in drawn if g] or [0.0]
    low, high = min(*seen, -1.0), max(*seen, 0.0)
    room = 0.08 * (high - low)
    ticks, texts = power_ticks(10.0**low, 10.0**high, most=4)
    figure.update_yaxes(
        title_text="relative gap", type="log", range=[low - room, high + room], tickvals=ticks, ticktext=texts,
        row=2, col=1,
    )  # fmt: skip
    last = history[-1]
    ending = f"a relative gap of {gaps[-1]:.1e}" if gaps[-1] is not None else "no lower bound"
    alt = f"After {len(history)} rounds the upper bound is {last.upper:.8g} and the {lower_name} {last.lower:.8g}, "
    alt += f"{ending}."
    table: dict[str, Any] = {
        "round": rounds,
        "upper": upper,
        "lower": lower,
        "relative gap": gaps,
        "columns": [r.columns for r in history],
        "violation": [r.violation for r in history],
        "seconds": [r.seconds for r in history],
    }
    return Chart(figure, alt, table, "bounds")


def seconds(solution: Solution, *, colours: Palette = LIGHT) -> Chart:
    """Wall-clock seconds by stage, one bar: listing patterns, building, solving, certifying.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> solution = solve(Problem.from_dataset(load_dataset("shift")))
    >>> seconds(solution).table["stage"]
    ['patterns', 'build', 'solve', 'certify']
    """
    stages = ("patterns", "build", "solve", "certify")
    spent = [getattr(solution.seconds, stage) for stage in stages]
    figure = blank(130, left=8, top=40, bottom=34)
    for stage, value, position in zip(stages, spent, (0.0, 0.35, 0.7, 1.0), strict=True):
        figure.add_trace(
            draft.Bar(
                x=[value],
                y=[""],
                orientation="h",
                name=f"{stage} {value:.2g} s",
                marker={"color": colours.ordered(position), "line": {"color": colours.paper, "width": 1.5}},
                hovertemplate=f"{stage}: %{{x:.3g}} s<extra></extra>",
            )
        )
    figure.update_layout(barmode="stack", legend={"traceorder": "normal"}, bargap=0.35)
    figure.update_xaxes(ticksuffix=" s", gridcolor=colours.faint, zeroline=False)
    figure.update_yaxes(visible=False)
    alt = "Seconds: " + ", ".join(f"{s} {v:.3g}" for s, v in zip(stages, spent, strict=True))
    alt += f"; {solution.seconds.total:.3g} in all."
    return Chart(figure, alt, {"stage": list(stages), "seconds": spent}, "seconds")
