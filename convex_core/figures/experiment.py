"""The talk's figure: objective and test accuracy of SGD by iteration, with the convex programs as lines."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..experiments import Arm, ExperimentResult, Training
from . import draft
from .chart import Chart, blank, log_ticks
from .colours import DASHES, LIGHT, Palette
from .offline import places, scripts

__all__ = ["experiment_accuracy", "experiment_objective", "experiment_page"]

_Array = NDArray[np.float64]
#: A second cue beside the colour: dashes of the convex lines, symbols of their markers.
_DASHES = ("solid", "dash", "dot", "dashdot")
#: Where iteration 0 stands on a logarithmic axis.
FIRST = 0.6
_SYMBOLS = ("diamond", "square", "triangle-up", "cross")


def experiment_objective(result: ExperimentResult, *, colours: Palette = LIGHT) -> Chart:
    """Excess of every SGD seed over the best value there is, against iterations, both axes logarithmic.

    The excess is ``(P - P*) / P*``. P* is a proved lower bound on the optimum of the network SGD trains where there is
    one, otherwise the lowest objective of all networks here: SGD's at any time, and the programs' of the same kind.
    Each convex program's network is a line; the marker on it stands at the iteration SGD had reached when the program,
    solved and certified, was done: the computation-time marker of the talk's figure. An excess of zero is drawn at the
    lower edge.

    Examples
    --------
    >>> from convex_core.experiments import run_experiment
    >>> chart = experiment_objective(run_experiment("talk", seeds=[0], iterations=200))
    >>> chart.name
    'experiment-talk-objective'
    """
    training = _training(result)
    arms = [a for a in result.arms if a.plan.same_network]
    finite = training.objective[np.isfinite(training.objective)]
    bounds = [a.solution.lower_bound for a in arms if math.isfinite(a.solution.lower_bound)]
    networks = [a.solution.network_objective for a in arms]
    best = max(bounds) if bounds else min([float(finite.min(initial=math.inf)), *networks])
    what = "the proved lower bound" if bounds else "the lowest value found"
    unit = best if best > 0.0 else 1.0
    excess = np.where(np.isfinite(training.objective), (training.objective - best) / unit, np.nan)
    own = [(value - best) / unit for value in networks]
    seen = np.concatenate([excess[np.isfinite(excess)], own])
    low = max(float(seen[seen > 0.0].min(initial=1.0)) / 1.5, 1e-12)
    figure = blank(400, bottom=48, top=72)
    _seeds(figure, training, np.maximum(excess, low), "excess %{y:.3g}", colours)
    table: dict[str, Any] = {"iteration": training.iterations.tolist()}
    table |= {f"seed {s}": row for s, row in zip(training.seeds, training.objective.tolist(), strict=True)}
    words = []
    for number, (arm, value, above) in enumerate(zip(arms, networks, own, strict=True)):
        _line(
            figure, training, arm, max(above, low), number, colours, text=f"objective {value:.8g}, excess {above:.3g}"
        )
        table[arm.plan.label] = [value] * len(training.iterations)
        words.append(f"{arm.plan.label}: {value:.6g} in {arm.solution.seconds.total:.3g} s")
    ticks, texts = log_ticks(low, float(seen.max(initial=low)))
    figure.update_yaxes(
        title_text=f"above {what}",
        type="log",
        range=[math.log10(low) - 0.05, math.log10(max(float(seen.max(initial=low)), 2.0 * low)) + 0.05],
        gridcolor=colours.faint,
        tickvals=ticks,
        ticktext=texts,
    )
    _iterations(figure, training)
    ends = training.objective[:, -1]
    alt = f"SGD ends at {ends.min():.6g} to {ends.max():.6g} after {training.iterations[-1]} iterations. "
    alt += "; ".join(words) + f". Excess over {what}, {best:.6g}."
    return Chart(figure, alt, table, f"experiment-{result.plan.name}-objective")


def experiment_accuracy(result: ExperimentResult, *, colours: Palette = LIGHT) -> Chart | None:
    """Test accuracy of every SGD seed against iterations, and of each convex program's network; None without a test."""
    training = _training(result)
    if training.test_accuracy is None:
        return None
    percent = 100.0 * training.test_accuracy
    figure = blank(400, bottom=48, top=72)
    _seeds(figure, training, percent, "test accuracy %{y:.1f} %", colours)
    table: dict[str, Any] = {"iteration": training.iterations.tolist()}
    table |= {f"seed {s} %": row for s, row in zip(training.seeds, percent.tolist(), strict=True)}
    words = []
    for number, arm in enumerate(result.arms):
        if arm.test_accuracy is not None:
            _line(figure, training, arm, 100.0 * arm.test_accuracy, number, colours)
            table[f"{arm.plan.label} %"] = [100.0 * arm.test_accuracy] * len(training.iterations)
            words.append(f"{arm.plan.label}: {arm.test_accuracy:.1%}")
    figure.update_yaxes(title_text="test accuracy, %", gridcolor=colours.faint)
    _iterations(figure, training)
    alt = f"SGD ends at {percent[:, -1].min():.1f} % to {percent[:, -1].max():.1f} %. " + "; ".join(words) + "."
    return Chart(figure, alt, table, f"experiment-{result.plan.name}-accuracy")


def experiment_page(result: ExperimentResult) -> str:
    """A self-contained HTML page: both charts, the table of the convex programs, what is stated and what we chose."""
    charts = [experiment_objective(result), experiment_accuracy(result)] if result.training is not None else []
    drawn = [chart for chart in charts if chart is not None]
    figures = [chart.figure for chart in drawn]
    pictures = "".join(places(figures, [chart.alt for chart in drawn]))
    plan = result.plan
    columns = (
        "program",
        "convex value",
        "network's objective",
        "lower bound",
        "scope",
        "exactness",
        "status",
        "filters",
        "seconds",
        "test accuracy",
    )
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in _cells(arm)) + "</tr>" for arm in result.arms
    )
    head = "".join(f"<th>{name}</th>" for name in columns)
    lists = "".join(
        f"<h2>{title}</h2><ul>" + "".join(f"<li>{html.escape(item)}</li>" for item in items) + "</ul>"
        for title, items in (("Stated by the talk", plan.stated), ("Our choices", plan.chosen))
    )
    style = (
        "body{font-family:'Source Sans 3','Segoe UI',Arial,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
        "table{border-collapse:collapse}td,th{padding:.3rem .7rem;border-bottom:1px solid #ccc;text-align:left}"
    )
    ended = "" if result.stopped is None else html.escape(result.stopped.text)
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{html.escape(plan.title)}</title>"
        f"<style>{style}</style></head><body><h1>{html.escape(plan.title)}</h1>"
        f"<p>{html.escape(result.data)} beta = {plan.beta:g}, seed {result.seed}, {result.seconds:.1f} s in all. "
        f"{ended}</p>{pictures}<h2>Convex programs</h2>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{lists}"
        f"{scripts(figures) if figures else ''}</body></html>"
    )


def _cells(arm: Arm) -> tuple[str, ...]:
    s = arm.solution
    return (
        arm.plan.label,
        f"{s.objective:.8g}",
        f"{s.network_objective:.8g}",
        f"{s.lower_bound:.8g}" if math.isfinite(s.lower_bound) else "none",
        s.scope.value,
        s.exactness.value,
        s.status.value,
        str(s.active_filters),
        f"{s.seconds.total:.3g}",
        "" if arm.test_accuracy is None else f"{arm.test_accuracy:.1%}",
    )


def _training(result: ExperimentResult) -> Training:
    if result.training is None:
        raise InputError("result: got an experiment that was stopped before SGD, expected a finished one")
    return result.training


def _seeds(figure: Any, training: Training, values: _Array, hover: str, colours: Palette) -> None:
    """A line for each seed, which stand in the legend as one: with a row for each it took half of the picture."""
    for number, (seed, row) in enumerate(zip(training.seeds, values, strict=True)):
        figure.add_trace(
            draft.Scatter(
                x=np.maximum(training.iterations, FIRST),
                y=np.where(np.isfinite(row), row, np.nan),
                name="SGD, one line a seed",
                legendgroup="SGD",
                showlegend=number == 0,
                mode="lines",
                line={
                    "color": colours.sgd,
                    "width": 1.5,
                    "dash": DASHES[number % len(DASHES)],
                },
                opacity=0.8,
                hovertemplate=f"seed {seed}, iteration %{{x}}: {hover}<extra></extra>",
            )
        )


def _iterations(figure: Any, training: Training) -> None:
    """A logarithmic axis of iterations, on which the start has its place before the first step."""
    last = float(training.iterations[-1])
    ticks, texts = log_ticks(1.0, max(last, 2.0))
    figure.update_xaxes(
        title_text="iteration of SGD",
        type="log",
        range=[math.log10(FIRST), math.log10(max(last, 2.0))],
        tickvals=[FIRST, *ticks],
        ticktext=["0", *texts],
        showgrid=False,
        zeroline=False,
    )


def _line(
    figure: Any, training: Training, arm: Arm, value: float, number: int, colours: Palette, text: str = "%{y:.8g}"
) -> None:
    """The level of a convex program, with a marker where SGD was when it had ended."""
    seconds = arm.solution.seconds.total
    at = int(np.searchsorted(training.seconds, seconds))
    reached = at < len(training.seconds)
    where = int(training.iterations[at]) if reached else int(training.iterations[-1])
    note = f"SGD had done {where:,} iterations by then" if reached else "SGD had ended by then"
    figure.add_trace(
        draft.Scatter(
            x=[FIRST, max(where, FIRST), training.iterations[-1]],
            y=[value] * 3,
            name=f"{arm.plan.label}, {seconds:.2g} s",
            mode="lines+markers",
            line={"color": colours.convex, "width": 2.5, "dash": _DASHES[number % 4]},
            marker={"color": colours.convex, "size": [0, 13, 0], "symbol": _SYMBOLS[number % 4], "opacity": 1.0},
            hovertemplate=f"{arm.plan.label}: {text} after {seconds:.3g} s; {note}<extra></extra>",
        )
    )
