"""The way to small beta: the objective over beta rises to the least norm of a network that fits."""

from __future__ import annotations

import math

from ..interpolation import MinimumNorm
from . import draft
from .chart import Chart, blank, log_ticks
from .colours import LIGHT, Palette

__all__ = ["least_norm"]


def least_norm(found: MinimumNorm, *, colours: Palette = LIGHT) -> Chart:
    """The objective over beta at each beta that was solved, rising to the norm, between the norm's bounds.

    Beta is logarithmic and falls to the right. With the absolute loss (the hinge loss for a margin) there is a beta
    below which the value stays as it is: from there on the optimum fits.

    Parameters
    ----------
    found : MinimumNorm
        The answer of :func:`convex_core.minimum_norm`.
    colours : Palette
        The theme.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, minimum_norm
    >>> chart = least_norm(minimum_norm(Problem.from_dataset(load_dataset("shift"))))
    >>> chart.figure.layout.xaxis.type, chart.name
    ('log', 'least-norm')
    """
    betas, values = found.betas.tolist(), found.values.tolist()
    figure = blank(340, left=62, top=36)
    figure.add_trace(
        draft.Scatter(
            x=betas,
            y=values,
            name="objective / β",
            mode="lines+markers",
            line={"color": colours.convex, "width": 2.5},
            marker={"size": 9},
            hovertemplate="β = %{x:.3g}: objective / β %{y:.8g}<extra></extra>",
        )
    )
    wide = [betas[0] * 1.5, betas[-1] / 1.5]
    bound = found.lower_bound if math.isfinite(found.lower_bound) else None
    for name, y, dash in (("norm of the network that fits", found.norm, "dot"), ("lower bound", bound, "dash")):
        if y is not None:
            figure.add_trace(
                draft.Scatter(
                    x=wide,
                    y=[y, y],
                    name=name,
                    mode="lines",
                    line={"color": colours.ink if dash == "dot" else colours.convex, "width": 1.5, "dash": dash},
                    hovertemplate=f"{name} %{{y:.8g}}<extra></extra>",
                )
            )
    ticks, texts = log_ticks(min(wide), max(wide))
    figure.update_xaxes(
        title_text="β",
        type="log",
        range=[math.log10(wide[0]), math.log10(wide[1])],
        tickvals=ticks,
        ticktext=texts,
        gridcolor=colours.faint,
    )
    figure.update_yaxes(title_text="objective / β", rangemode="tozero", gridcolor=colours.faint)
    what = "that separates the classes with a margin" if found.margin else "that fits the targets"
    below = "" if bound is None else f", no less than {bound:.6g}"
    return Chart(
        figure,
        f"Objective over beta at {len(betas)} values of beta from {betas[0]:.3g} down to {betas[-1]:.3g}: it rises "
        f"from {values[0]:.6g} to {values[-1]:.6g}. The least norm {what} is {found.norm:.6g}{below}.",
        {"beta": betas, "objective over beta": values},
        "least-norm",
    )
