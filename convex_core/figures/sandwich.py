"""A chain of bounds: convex programs from the loosest to the tightest, and the best network found above them."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["NETWORK", "sandwich"]

#: Word of a value that a network attains, in place of an exactness word.
NETWORK = "network"

# bounds point up at what they bound from below; exact values are filled
_SYMBOLS = {"exact": "diamond", "exact if rank one": "diamond-open", "bound only": "triangle-up", NETWORK: "circle"}


def sandwich(
    labels: Sequence[str], values: Sequence[float], words: Sequence[str], *, colours: Palette = LIGHT
) -> Chart:
    """One line per value; the band between the largest bound and the smallest network is what is not known.

    Parameters
    ----------
    labels : sequence of str
        Names, the loosest bound first.
    values : sequence of float
        Optimal values of the programs, objectives of networks.
    words : sequence of str
        For each an exactness word (``exact``, ``exact if rank one``, ``bound only``) or :data:`NETWORK`.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the lengths differ, or there is no value.

    Examples
    --------
    >>> chart = sandwich(["l1", "found"], [0.13, 0.14], ["bound only", NETWORK])
    >>> chart.alt
    'Chain of bounds: l1 0.13 (bound only), found 0.14 (network). Between the bounds and the networks: 7.1 %.'
    """
    if not labels or not len(labels) == len(values) == len(words):
        raise InputError(
            f"labels, values, words: got {len(labels)}, {len(values)} and {len(words)}, expected equal numbers > 0"
        )
    figure = blank(64 + 38 * len(labels), left=150, right=110, top=12, bottom=40)
    low = max((v for v, word in zip(values, words, strict=True) if word != NETWORK), default=None)
    high = min((v for v, word in zip(values, words, strict=True) if word == NETWORK), default=None)
    span = (max(values) - min(values)) or abs(max(values)) or 1.0
    floor = min(values) - 0.15 * span
    for label, value, word in zip(labels, values, words, strict=True):
        colour = colours.ink if word == NETWORK else colours.convex
        figure.add_trace(
            draft.Scatter(
                x=[floor, value],
                y=[label, label],
                mode="lines+markers+text",
                line={"color": colour, "width": 2.5, "dash": "dash" if word == "bound only" else "solid"},
                marker={"symbol": ["line-ns", _SYMBOLS[word]], "size": [0, 12], "color": colour, "opacity": 1.0},
                text=["", f" {value:.7g}"],
                textposition="middle right",
                textfont={"color": colours.ink},
                hovertemplate=f"{label}: {value:.9g}<br>{word}<extra></extra>",
                cliponaxis=False,
                showlegend=False,
            )
        )
    gap = ""
    if low is not None and high is not None:
        share = max(high - low, 0.0) / abs(high) if high else 0.0
        gap = f" Between the bounds and the networks: {100 * share:.2g} %."
        if high > low:
            figure.add_vrect(x0=low, x1=high, fillcolor=colours.convex_fill, line_width=0, layer="below")
    # the values are written beside their marks: few ticks, which a phone has room for
    figure.update_xaxes(
        title="value", range=[floor, max(values) + 0.05 * span], showgrid=False, zeroline=False, nticks=3, tickangle=0
    )
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", fixedrange=True)
    listed = ", ".join(f"{a} {v:.7g} ({w})" for a, v, w in zip(labels, values, words, strict=True))
    return Chart(
        figure,
        f"Chain of bounds: {listed}.{gap}",
        {"program": list(labels), "value": [float(v) for v in values], "meaning": list(words)},
        "chain-of-bounds",
    )
