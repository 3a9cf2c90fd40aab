"""What batch normalisation does to the patches: they spread alike in all directions, and filters are directions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import BatchNormCNN, of_kind
from ..errors import InputError
from ..numerics.rounding import lengths
from ..solution import Solution
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["MAX_ROWS", "normalised_directions"]

#: Patch rows that are drawn, the first ones.
MAX_ROWS = 2_000
# corners of a circle
_CORNERS = 121
_Array = NDArray[np.float64]


def normalised_directions(solution: Solution, *, colours: Palette = LIGHT) -> Chart:
    """The patches of a batch before and after whitening, with the direction of every filter in both.

    On the left the centred patch rows in the two directions of their largest spreads, and the filters u, all as long as
    the farthest row. On the right the whitened rows U, which spread alike everywhere, and the vectors q of the filters:
    those lie on the circle if there are two directions, and inside of it, as points of a sphere, if there are more.

    Parameters
    ----------
    solution : Solution
        Of a problem with the option ``normalisation="batch"``.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        For a network without batch normalisation, or data whose patches are all alike.

    Examples
    --------
    >>> from convex_core import Problem, solve
    >>> X, y = [[1.0, 0.0], [0.0, 2.0], [3.0, 1.0]], [1.0, 0.0, 2.0]
    >>> chart = normalised_directions(solve(Problem(X, y, filter_size=2, beta=0.1, normalisation="batch")))
    >>> chart.alt
    '3 patch rows in 2 directions, whose spreads are 2.24 to 1.29 before and 1 after; 1 filter of length 1 there.'
    """
    problem, network = solution.problem, solution.network
    architecture = of_kind(problem.architecture, BatchNormCNN, "solution", "two-layer with batch normalisation")
    batch = architecture.batch(problem.patches)
    if batch.r == 0:
        raise InputError("solution: got patches that are all alike, expected some that differ: nothing has a direction")
    white = batch.whitened(problem.patches).reshape(-1, batch.r)
    rows = white * batch.spreads
    along = network.filters[:, :-2] @ batch.directions  # V^T u
    q = batch.spreads * along
    q = q / np.maximum(lengths(q), 1e-300)[:, None]
    far = float(lengths(_plane(rows)).max(initial=0.0))
    before = far * along / np.maximum(lengths(along), 1e-300)[:, None]
    circle = float(lengths(_plane(white)).max(initial=0.0))
    figure = draft.make_subplots(
        rows=1,
        cols=2,
        subplot_titles=("Before: centred patches", "After: whitened patches"),
        horizontal_spacing=0.06,
        figure=blank(360, left=12, right=12, top=36, bottom=36),
    )
    for number, (points, arrows, ring) in enumerate(((rows, before, 0.0), (white, circle * q, circle)), 1):
        for trace in _panel(_plane(points)[:MAX_ROWS], _plane(arrows), network.signs, ring, colours, number == 1):
            figure.add_trace(trace, row=1, col=number)
        figure.update_xaxes(visible=False, row=1, col=number)
        figure.update_yaxes(visible=False, scaleanchor=f"x{number if number > 1 else ''}", row=1, col=number)
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "x": 0.0, "xanchor": "left", "y": 0.0, "yanchor": "top"}
    )
    m, most = network.m, f"; the first {MAX_ROWS:,} rows are drawn" if len(rows) > MAX_ROWS else ""
    alt = (
        f"{len(rows)} patch rows in {batch.r} direction{'s' * (batch.r > 1)}, whose spreads are "
        f"{batch.spreads[0]:.3g} to {batch.spreads[-1]:.3g} before and 1 after; {m} filter{'s' * (m != 1)} of length 1 "
        f"there{most}."
    )
    table: dict[str, Any] = {"filter": list(range(1, m + 1)), "sign of the output weight": network.signs.tolist()}
    table |= {f"q[{i}]": q[:, i].tolist() for i in range(batch.r)}
    return Chart(figure, alt, table, "directions")


def _plane(points: _Array) -> _Array:
    """The first two coordinates, the second 0 if there is one only."""
    return np.hstack([points[:, :2], np.zeros((len(points), max(0, 2 - points.shape[1])))])


def _panel(rows: _Array, arrows: _Array, signs: _Array, ring: float, colours: Palette, first: bool) -> list[Any]:
    """Dots of rows, lines of filters, and a circle where the filters have one length."""
    turn = np.linspace(0.0, 2.0 * np.pi, _CORNERS)
    traces: list[Any] = []
    if ring > 0.0:
        traces.append(
            draft.Scatter(
                x=ring * np.cos(turn),
                y=ring * np.sin(turn),
                mode="lines",
                line={"color": colours.muted, "width": 1},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    traces.append(
        draft.Scatter(
            x=rows[:, 0],
            y=rows[:, 1],
            name="patch rows",
            mode="markers",
            marker={"color": colours.muted, "size": 6, "opacity": 0.8},
            hovertemplate="%{x:.3g}, %{y:.3g}<extra></extra>",
            showlegend=first,
        )
    )
    for sign, name, colour, dash in (
        (1.0, "filters, positive weight", colours.positive, "solid"),
        (-1.0, "filters, negative weight", colours.negative, "dash"),
    ):
        own = np.flatnonzero(signs == sign)
        x: list[float | None] = []
        y: list[float | None] = []
        for j in own:
            x += [0.0, float(arrows[j, 0]), None]
            y += [0.0, float(arrows[j, 1]), None]
        traces.append(
            draft.Scatter(
                x=x,
                y=y,
                name=name,
                mode="lines+markers",
                line={"color": colour, "width": 2, "dash": dash},
                marker={"size": [0, 8, 0] * len(own), "color": colour, "opacity": 1.0},
                customdata=[part for j in own for part in (j + 1, j + 1, None)],
                hovertemplate="filter %{customdata}<extra></extra>",
                showlegend=first and len(own) > 0,
            )
        )
    return traces
