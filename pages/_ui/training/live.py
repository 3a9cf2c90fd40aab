"""The curves of a run while it runs: every seed in its own colour and dash, from the first report on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from convex_core.figures.colours import DASHES, Palette
from convex_core.figures.training_curves import FLOOR, excess
from convex_core.progress import Progress
from convex_core.solution import Solution

from ..work.jobs import Job
from .runs import Settings

__all__ = ["curves", "progress"]

#: Moments that are drawn: all curves are sent anew several times a second.
MOMENTS = 120
HEIGHT = 330
#: The objective may leave the picture at the top: beyond this many times the optimum.
TOP = 20.0
#: Dashes of Plotly as lengths in pixels.
_LENGTHS = dict(zip(DASHES, ([1, 0], [7, 4], [2, 3], [7, 3, 2, 3], [12, 4]), strict=True))
OPTIMUM = "optimum"


def progress(job: Job, wanted: Settings) -> tuple[float, str]:
    """Share of the steps taken, and what to say of it."""
    last = job.reports[-1]
    if isinstance(last, Progress):
        return min(1.0, last.fraction or 0.0), f"All step sizes and seeds, {last.message}"
    return min(1.0, last[0] / wanted.iterations), f"Iteration {last[0]} of {wanted.iterations}"


def curves(job: Job, wanted: Settings, solution: Solution, *, relative: bool, colours: Palette) -> None:
    """Draw what there is of a run of several seeds."""
    reports = list(job.reports)
    keep = np.unique(np.linspace(0, len(reports) - 1, min(len(reports), MOMENTS)).round().astype(int))
    iterations = np.array([reports[k][0] for k in keep])
    values = np.array([reports[k][1] for k in keep], dtype=float)
    upper = solution.network_objective
    shown = np.maximum(excess(values, solution.lower_bound), FLOOR) if relative else values
    names = [f"seed {seed}" for seed in wanted.seeds]
    table = pd.DataFrame(
        {
            "iteration": np.tile(iterations, len(names)),
            "value": np.where(np.isfinite(shown), shown, np.nan).T.ravel(),
            "curve": np.repeat(names, len(iterations)),
        }
    )
    styles = [colours.line(number) for number in range(len(names))]
    if not relative:
        line = {"iteration": [0, wanted.iterations], "value": [upper, upper], "curve": [OPTIMUM, OPTIMUM]}
        table = pd.concat([table, pd.DataFrame(line)], ignore_index=True)
        names.append(OPTIMUM)
        styles.append((colours.convex, DASHES[0]))
    st.vega_lite_chart(table.dropna(), _picture(names, styles, wanted.iterations, upper, relative), height=HEIGHT)


def _picture(
    names: list[str], styles: list[tuple[str, str]], iterations: int, upper: float, relative: bool
) -> dict[str, Any]:
    """The chart without its data: the same all the time, so that the browser only takes the new points."""
    up: dict[str, Any] = {"type": "log", "nice": False} if relative or upper > 0.0 else {}
    if not relative and upper > 0.0:
        up |= {"domainMax": TOP * upper, "domainMin": 0.97 * upper}
    title = "excess over the optimum" if relative else "training objective"
    axis = {"format": "~%", "title": title, "tickCount": 6} if relative else {"title": title, "tickCount": 6}
    legend = {"orient": "top", "title": None, "symbolType": "stroke", "symbolSize": 500, "columns": 6}
    return {
        "mark": {"type": "line", "clip": True, "strokeWidth": 2},
        "encoding": {
            "x": {
                "field": "iteration", "type": "quantitative", "scale": {"domain": [0, iterations]},
                "axis": {"title": "iteration", "grid": False},
            },
            "y": {"field": "value", "type": "quantitative", "scale": up, "axis": axis},
            "color": {
                "field": "curve", "type": "nominal", "legend": legend, "sort": names,
                "scale": {"domain": names, "range": [colour for colour, _ in styles]},
            },
            "strokeDash": {
                "field": "curve", "type": "nominal", "legend": legend, "sort": names,
                "scale": {"domain": names, "range": [_LENGTHS[dash] for _, dash in styles]},
            },
        },
    }  # fmt: skip
