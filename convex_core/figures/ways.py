"""From an SGD network to the optimum: over a barrier in the weights, downhill in the blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import InputError
from ..training.ways import TwoWays
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .training import row_name

__all__ = ["along_two_ways"]

# a way through the weights that climbs more than this many times the height of the start above the end leaves the chart
_TOP = 14.0


def along_two_ways(
    ways: Sequence[TwoWays],
    seeds: Sequence[int | str],
    *,
    shown: int | str,
    end: str = "optimum",
    colours: Palette = LIGHT,
) -> Chart:
    """The training objective from the network of each SGD seed to the optimum, one of them drawn strongly.

    Parameters
    ----------
    ways : sequence of TwoWays
        One per seed, each to the same network.
    seeds : sequence of int or str
        The seeds, or names of what was trained.
    shown : int or str
        The one whose two ways are drawn strongly and have names; the others are faint.
    end : str
        What the network at the end is called.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the lengths do not fit, or `shown` is none of the seeds.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve, train_sgd, two_ways
    >>> problem = Problem.from_dataset(load_dataset("shift"))
    >>> sgd = train_sgd(problem, seeds=[3], iterations=50).best_networks[0]
    >>> chart = along_two_ways([two_ways(problem, sgd, solve(problem).network)], [3], shown=3)
    >>> list(chart.table)
    ['share of the way', 'seed 3, in the weights', 'seed 3, in the blocks']
    """
    if len(ways) != len(seeds):
        raise InputError(f"ways: got {len(ways)}, expected one for each of the {len(seeds)} seeds")
    if shown not in seeds:
        raise InputError(f"shown: got {shown}, expected one of the seeds {', '.join(map(str, seeds))}")
    strong = ways[list(seeds).index(shown)]
    figure = blank(400, top=40, bottom=64)
    for seed, way in zip(seeds, ways, strict=True):
        if way is not strong:
            _line(figure, way.share, way.weights, colours.sgd, f"{row_name(seed)}, in the weights", faint=True)
    _line(figure, strong.share, strong.blocks, colours.convex, "in the blocks")
    _line(figure, strong.share, strong.weights, colours.sgd, "in the weights")
    begin = f"SGD, {row_name(shown)}" if isinstance(shown, int) else shown
    first, last = float(strong.weights[0]), float(strong.weights[-1])
    top = min(float(strong.weights.max()), last + _TOP * max(first - last, 0.02 * abs(last)))
    room = 0.18 * (top - last) or 1.0
    words = f"through the weights: {_climb(strong)}"
    _name(figure, top, words, colours.sgd, "bottom")
    middle = len(strong.share) // 2
    _name(
        figure, float(strong.blocks[middle]), f"through the blocks: {_fall(strong)}",
        colours.convex, "top",
    )  # fmt: skip
    for x, y, text, anchor in (
        (0.0, first, begin, "left"),
        (1.0, last, end, "right"),
    ):
        figure.add_trace(
            draft.Scatter(
                x=[x], y=[y], mode="markers", showlegend=False, cliponaxis=False,
                marker={"size": 12, "color": colours.sgd if x == 0.0 else colours.convex},
                hovertemplate=f"{text}: %{{y:.8g}}<extra></extra>",
            )
        )  # fmt: skip
        figure.add_annotation(
            x=x, y=y, text=text, showarrow=False, xanchor=anchor, yanchor="top", yshift=-12,
            # the ways of the other seeds begin and end there
            font={"color": colours.ink}, bgcolor=colours.paper, opacity=0.9,
        )  # fmt: skip
    figure.update_layout(showlegend=False)
    figure.update_xaxes(
        title_text=f"share of the way from SGD to the {end}", range=[-0.02, 1.02], tickformat=".0%",
        showgrid=False, zeroline=False,
    )  # fmt: skip
    figure.update_yaxes(
        title_text="training objective", range=[last - 1.9 * room, top + room], gridcolor=colours.faint, zeroline=False
    )
    table: dict[str, Any] = {"share of the way": strong.share.tolist()}
    for seed, way in zip(seeds, ways, strict=True):
        table[f"{row_name(seed)}, in the weights"] = way.weights.tolist()
        table[f"{row_name(seed)}, in the blocks"] = way.blocks.tolist()
    alt = (
        f"From the network of {begin.replace(',', '')} at {first:.6g} to the {end} at {last:.6g}: straight through the "
        f"weights the objective has {_climb(strong)}; through the blocks of the convex program it is "
        f"{_fall(strong)}, from {strong.blocks[0]:.6g} to {strong.blocks[-1]:.6g}."
    )
    return Chart(figure, alt, table, "two-ways")


def _climb(way: TwoWays) -> str:
    """The barrier in words."""
    if way.barrier <= 1e-9 * max(abs(float(way.weights[0])), 1e-300):
        return "no barrier"
    return f"a barrier of {way.barrier:.3g}"


def _fall(way: TwoWays) -> str:
    """Whether the way through the blocks falls all along: it does to a global optimum."""
    slack = 1e-9 * float(np.abs(way.blocks).max())
    return "downhill all the way" if np.diff(way.blocks).max(initial=0.0) <= slack else "convex"


def _line(figure: Any, x: Any, y: Any, colour: str, name: str, *, faint: bool = False) -> None:
    figure.add_trace(
        draft.Scatter(
            x=x, y=y, name=name, mode="lines", opacity=0.35 if faint else 1.0,
            line={"color": colour, "width": 1.4 if faint else 3.4},
            hovertemplate=f"{name}, %{{x:.0%}} of the way: %{{y:.6g}}<extra></extra>",
        )
    )  # fmt: skip


def _name(figure: Any, y: float, text: str, colour: str, side: str) -> None:
    """The name of a curve above it, or below the names of its ends; in the middle, where a phone has room for it."""
    figure.add_annotation(
        x=0.5, y=y, text=text, showarrow=False, font={"color": colour, "size": 15},
        yanchor=side, yshift=8 if side == "bottom" else -46,
    )  # fmt: skip
