"""A network of one variable is a linear spline: its knots along the path over beta."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..architectures import ACTIVATIONS, make_activation
from ..errors import InputError
from ..networks.network import Network
from ..path import Path
from ..problem import Problem
from . import draft
from .chart import Chart, blank, log_ticks
from .colours import LIGHT, Palette, cividis

__all__ = ["has_knots", "knots_of", "spline_knots"]

_Array = NDArray[np.float64]

#: Functions that are drawn, at values of beta far from each other.
_CURVES = 5
# knots that are closer than this share of the range of the data are one
_SAME = 1e-6
# a change of the slope below this share of the largest is what a solver leaves
_NEGLIGIBLE = 1e-6
# the range of the data is drawn with so much of it on each side
_MARGIN = 0.08


def has_knots(problem: Problem) -> bool:
    """Whether networks of the problem are linear splines: two layers, one output, inputs of one number, two slopes."""
    architecture = problem.architecture
    plain = architecture.name == "two-layer" and architecture.q == 1 and "branches" not in architecture.options
    return plain and problem.X.shape[1] == 1 and architecture.options.get("activation", "relu") in ACTIVATIONS


def knots_of(network: Network) -> tuple[_Array, _Array]:
    """Places of the knots of a network of one variable, rising, and by how much the slope changes at each.

    Neuron ``sigma(u x + b) w`` has its knot at ``-b / u``, where the slope grows by ``(a - b') |u| w`` with the slopes
    a and b' of the activation.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((1,), 1, bias="regularised"))
    >>> knots_of(Network(cnn, [[2.0, -1.0], [-1.0, 3.0]], [1.0, -1.0]))
    (array([0.5, 3. ]), array([ 2., -1.]))
    """
    options = network.architecture.options
    slope = options.get("slope")
    sigma = make_activation(str(options.get("activation", "relu")), None if slope is None else float(slope))
    u = network.filters[:, 0]
    b = network.filters[:, 1] if network.filters.shape[1] > 1 else np.zeros(len(u))
    turning = np.flatnonzero(u)
    place = -b[turning] / u[turning]
    change = (sigma.above - sigma.below) * np.abs(u[turning]) * network.weights[turning]
    order = np.argsort(place, kind="stable")
    return place[order] + 0.0, change[order]


def spline_knots(path: Path, *, colours: Palette = LIGHT) -> Chart:
    """Functions of one variable along the path, and below them where their knots are: fewer the larger beta.

    Above the functions at a few values of beta, with the data. Below a mark for each knot, the larger the more the
    slope changes, orange where it grows and blue where it falls; faint lines are the data. With free biases and a free
    skip connection all knots are at data.

    Parameters
    ----------
    path : Path
        Of a problem whose inputs are one number each: see :func:`has_knots`.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        For another problem, or a path without a point.

    Examples
    --------
    >>> from convex_core import solve_path
    >>> problem = Problem([[-1.0], [0.0], [1.0]], [1.0, 0.0, 1.0], filter_size=1, bias="free", skip="free", beta=1.0)
    >>> spline_knots(solve_path(problem, points=3)).table["place"]
    [0.0, 0.0]
    """
    if not len(path):
        raise InputError("path: got no point, expected at least one")
    if not has_knots(path[0].problem):
        raise InputError("path: got a network that is no linear spline, expected two layers and inputs of one number")
    problem = path[0].problem
    x = problem.X[:, 0]
    low, high = float(x.min()), float(x.max())
    width = (high - low) or 1.0
    low, high = low - _MARGIN * width, high + _MARGIN * width
    betas = np.array([solution.problem.beta for solution in path])
    figure = draft.make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.05, row_heights=[0.55, 0.45],
        figure=blank(460, left=62, top=36),
    )  # fmt: skip
    drawn = np.unique(np.linspace(0, len(path) - 1, min(_CURVES, len(path))).round().astype(int))
    first = 0.4 if colours.dark else 0.1  # of the colours, those that stand out from the page
    for at, number in enumerate(drawn):
        network = path[number].network
        place = knots_of(network)[0]
        line = np.unique(np.concatenate([[low, high], place[(place > low) & (place < high)]]))
        figure.add_trace(
            draft.Scatter(
                x=line,
                y=network.predict(line[:, None]),
                name=f"β = {betas[number]:.3g}",
                mode="lines",
                line={"color": cividis(first + 0.6 * at / max(len(drawn) - 1, 1)), "width": 2},
                hovertemplate=f"β = {betas[number]:.3g}: f(%{{x:.4g}}) = %{{y:.4g}}<extra></extra>",
            ),
            row=1,
            col=1,
        )
    figure.add_trace(
        draft.Scatter(
            x=x, y=problem.y, name="data", mode="markers",
            marker={"color": colours.ink, "size": 8, "symbol": "circle-open", "line": {"width": 2}},
            hovertemplate="x = %{x:.4g}, y = %{y:.4g}<extra></extra>",
        ),
        row=1,
        col=1,
    )  # fmt: skip
    marks = _marks(path, width)
    largest = max((abs(change) for _, _, change in marks), default=1.0)
    marks = [mark for mark in marks if abs(mark[2]) > _NEGLIGIBLE * largest]
    figure.add_trace(
        draft.Scatter(
            x=[place for _, place, _ in marks],
            y=[beta for beta, _, _ in marks],
            mode="markers",
            showlegend=False,
            marker={
                "size": [7.0 + 13.0 * math.sqrt(abs(change) / largest) for _, _, change in marks],
                "color": [colours.positive if change > 0.0 else colours.negative for _, _, change in marks],
                "opacity": 1.0,
                "line": {"width": 0},
                "symbol": ["triangle-up" if change > 0.0 else "triangle-down" for _, _, change in marks],
            },
            customdata=[change for _, _, change in marks],
            hovertemplate="β = %{y:.3g}: knot at %{x:.6g}, the slope changes by %{customdata:.4g}<extra></extra>",
        ),
        row=2,
        col=1,
    )
    for at in np.unique(x):
        figure.add_vline(
            x=float(at), line={"color": colours.muted, "width": 1, "dash": "dot"}, opacity=0.6, row=2, col=1
        )
    ticks, texts = log_ticks(float(betas.min()), float(betas.max()), most=5)
    edge = 0.06 * max(math.log10(betas.max() / betas.min()), 0.5)
    ends = [math.log10(betas.min()) - edge, math.log10(betas.max()) + edge]
    figure.update_xaxes(range=[low, high], gridcolor=colours.faint, zeroline=False)
    figure.update_xaxes(title_text="x", row=2, col=1)
    figure.update_yaxes(title_text="f(x)", gridcolor=colours.faint, zeroline=False, row=1, col=1)
    figure.update_yaxes(
        title_text="β", type="log", range=ends, tickvals=ticks, ticktext=texts, gridcolor=colours.faint, row=2, col=1
    )
    counts = [sum(1 for beta, _, _ in marks if beta == value) for value in betas]
    inside = sum(1 for _, place, _ in marks if np.abs(place - x).min() <= _SAME * width)
    return Chart(
        figure,
        f"Linear splines at {len(path)} values of beta from {betas[0]:.3g} down to {betas[-1]:.3g} with "
        f"{min(counts)} to {max(counts)} knots; {inside} of {len(marks)} knots are at data.",
        {
            "beta": [beta for beta, _, _ in marks],
            "place": [place for _, place, _ in marks],
            "change of slope": [change for _, _, change in marks],
        },
        "spline-knots",
    )


def _marks(path: Path, width: float) -> list[tuple[float, float, float]]:
    """Beta, place and change of each knot; neurons that turn at one place are one knot."""
    found: list[tuple[float, float, float]] = []
    for solution in path:
        places, changes = knots_of(solution.network)
        last = -math.inf
        for place, change in zip(places.tolist(), changes.tolist(), strict=True):
            if place - last <= _SAME * width:
                beta, first, so_far = found.pop()
                found.append((beta, first, so_far + change))
            else:
                found.append((solution.problem.beta, place, change))
                last = place
    return found
