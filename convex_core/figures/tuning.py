"""Optimisers tuned over the same step sizes: what each reaches at each of them, and which one counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..training.sgd import Comparison
from . import draft
from .chart import Chart, blank, log_ticks
from .colours import LIGHT, Palette
from .training_curves import FLOOR, excess

__all__ = ["tuning_curves"]


def tuning_curves(comparison: Comparison, *, lower: float, relative: bool = False, colours: Palette = LIGHT) -> Chart:
    """Lowest objective at each step size: the best seed as a line, every seed as a dot, the chosen step size filled.

    Parameters
    ----------
    comparison : Comparison
        The optimisers.
    lower : float
        The proved lower bound, ``-inf`` without one.
    relative : bool
        Whether the excess over it is drawn in place of the objective.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no excess.

    Examples
    --------
    >>> from convex_core import Problem, compare_optimisers, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("shift"))
    >>> found = compare_optimisers(problem, learning_rates=[0.003, 0.03], seeds=1, iterations=50)
    >>> list(tuning_curves(found, lower=0.0).table)
    ['optimiser', 'step size', 'seed', 'lowest objective', 'chosen']
    """
    figure = blank(300, bottom=52, top=40)
    table: dict[str, list[Any]] = {
        "optimiser": [], "step size": [], "seed": [], "lowest objective": [], "chosen": [],
    }  # fmt: skip
    words = []
    every = []
    for number, run in enumerate(comparison.runs):
        colour, dash = colours.line(number)
        rates = np.array(run.learning_rates)
        values = np.maximum(excess(run.objective, lower), FLOOR) if relative else run.objective
        every.append(values)
        chosen = np.arange(len(rates)) == run.chosen
        hover = f"{run.name}, step size %{{x:g}}: %{{y:.4%}} above" if relative else f"{run.name}, %{{x:g}}: %{{y:.6g}}"
        figure.add_trace(
            draft.Scatter(
                x=np.repeat(rates, values.shape[1]), y=values.ravel(), mode="markers", showlegend=False, opacity=0.55,
                marker={"color": colour, "size": 5}, hovertemplate=f"{hover}<extra></extra>",
            )
        )  # fmt: skip
        figure.add_trace(
            draft.Scatter(
                x=rates, y=values.min(axis=1), name=run.name, mode="lines+markers",
                line={"color": colour, "width": 1.8, "dash": dash},
                marker={
                    "size": np.where(chosen, 13, 7), "color": np.where(chosen, colour, colours.paper),
                    "line": {"color": colour, "width": 1.8},
                },
                hovertemplate=f"{hover}, best seed<extra></extra>",
            )
        )  # fmt: skip
        words.append(
            f"{run.name} is lowest at step size {run.learning_rate:g}"
            f"{', the edge of the grid,' if run.at_edge else ''} with {run.best_objective:.6g}"
        )
        for g, rate in enumerate(run.learning_rates):
            for s, seed in enumerate(run.result.seeds):
                table["optimiser"].append(run.name)
                table["step size"].append(rate)
                table["seed"].append(seed)
                table["lowest objective"].append(float(run.objective[g, s]))
                table["chosen"].append(g == run.chosen)
    grid = comparison.runs[0].learning_rates
    figure.update_xaxes(
        title_text="first step size", type="log", tickvals=grid, ticktext=[f"{rate:g}" for rate in grid],
        showgrid=False, zeroline=False,
    )  # fmt: skip
    shown = np.concatenate([values.ravel() for values in every])
    figure.update_yaxes(gridcolor=colours.faint, zeroline=False)
    if (shown > 0.0).all():
        ticks, texts = log_ticks(float(shown.min()) / 1.05, float(shown.max()) * 1.05, most=6)
        texts = [f"{100.0 * tick:g} %" for tick in ticks] if relative else texts
        figure.update_yaxes(type="log", tickvals=ticks, ticktext=texts)
    figure.update_yaxes(title_text="excess" if relative else "objective")
    return Chart(figure, "; ".join(words) + ".", table, "tuning")
