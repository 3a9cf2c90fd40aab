"""Inputs of an autoencoder beside what it makes of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.validation import finite_array
from ..errors import InputError
from ..networks.network import Network
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .tiles import tile_grid

__all__ = ["MAX_SHOWN", "reconstructions"]

#: Samples that are drawn, the first ones.
MAX_SHOWN = 6
# signals in a row, and what lies between two of them, as a share of one
_COLUMNS, _GAP = 3, 0.15
_ROW_PIXELS = 120

_Array = NDArray[np.float64]


def reconstructions(network: Network, X: ArrayLike, *, colours: Palette = LIGHT) -> Chart:
    """Draw inputs and their reconstructions: two lines for a signal, two pictures side by side for an image.

    Parameters
    ----------
    network : Network
        With an output for each input entry, as of :meth:`Problem.autoencoder`.
    X : (n, d), or images
        Inputs, of training or new ones; the first six are drawn, all are in the table.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the network has another number of outputs.

    Examples
    --------
    >>> from convex_core import Problem, solve
    >>> X = np.array([[1.0, -2.0], [0.0, 1.0]])
    >>> reconstructions(solve(Problem.autoencoder(X, beta=0.1), tol=1e-8).network, X).alt
    '2 inputs and their reconstructions, which miss 0.23 % of the squares of the inputs.'
    """
    geometry = network.architecture.geometry
    if network.architecture.q != geometry.d:
        raise InputError(
            f"network: got {network.architecture.q} outputs for inputs of {geometry.d} entries, expected an "
            "autoencoder, which has one for each"
        )
    inputs = finite_array(X, "X", ndim=(2, 3, 4))
    inputs = inputs.reshape(len(inputs), -1)
    outputs = network.predict(inputs).reshape(inputs.shape)
    missed, whole = float(np.sum((outputs - inputs) ** 2)), float(np.sum(inputs**2))
    share = f"{100.0 * missed / whole:.2g} %" if whole > 0.0 else "none"
    n = len(inputs)
    shown = min(n, MAX_SHOWN)
    pictured = len(geometry.input_shape) > 1
    figure = (_images if pictured else _signals)(inputs[:shown], outputs[:shown], geometry.input_shape, colours)
    more = f"; the first {shown} are drawn" if n > shown else ""
    alt = f"{n} input{'s' * (n > 1)} and their reconstructions, which miss {share} of the squares of the inputs{more}."
    sample, entry = np.indices(inputs.shape)
    table: dict[str, Sequence[Any]] = {
        "sample": (sample.ravel() + 1).tolist(),
        "entry": (entry.ravel() + 1).tolist(),
        "input": inputs.ravel().tolist(),
        "reconstruction": outputs.ravel().tolist(),
    }
    return Chart(figure, alt, table, "reconstructions")


def _signals(inputs: _Array, outputs: _Array, shape: tuple[int, ...], colours: Palette) -> Any:
    """A panel for each signal in one pair of axes, so that all have one scale."""
    n, d = inputs.shape
    columns = min(_COLUMNS, n)
    rows = math.ceil(n / columns)
    both = np.concatenate([inputs, outputs])
    tall = 1.25 * float(both.max() - both.min()) or 1.0  # so that no row reaches into the next one
    step = (d - 1 or 1) * (1.0 + _GAP)
    figure = blank(48 + _ROW_PIXELS * rows, left=12, right=12, top=36, bottom=12)
    for values, name, colour, dash, symbol in (
        (inputs, "input", colours.ink, "solid", "circle"),
        (outputs, "reconstruction", colours.convex, "dash", "diamond-open"),
    ):
        x: list[float | None] = []
        y: list[float | None] = []
        said: list[list[float] | None] = []
        for i, row in enumerate(values):
            place, column = divmod(i, columns)
            x += [*(column * step + np.arange(d)).tolist(), None]
            y += [*(row - place * tall).tolist(), None]
            said += [*([i + 1, t + 1, float(value)] for t, value in enumerate(row)), None]
        figure.add_trace(
            draft.Scatter(
                x=x,
                y=y,
                customdata=said,
                name=name,
                mode="lines+markers" if d <= 40 else "lines",
                line={"color": colour, "dash": dash, "width": 2},
                marker={"symbol": symbol, "size": 6},
                hovertemplate=f"sample %{{customdata[0]}}, entry %{{customdata[1]}}: {name} %{{customdata[2]:.4g}}"
                "<extra></extra>",
            )
        )
    for place in range(rows):
        figure.add_hline(y=-place * tall, line={"color": colours.faint, "width": 1}, layer="below")
    figure.update_layout(
        showlegend=True, legend={"orientation": "h", "x": 0.0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"}
    )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return figure


def _images(inputs: _Array, outputs: _Array, shape: tuple[int, ...], colours: Palette) -> Any:
    """A tile for each input and one beside it for its reconstruction, on one scale; channels are averaged."""
    n = len(inputs)
    pairs = np.stack([inputs, outputs], axis=1).reshape(2 * n, *shape[:2], -1).mean(axis=3)
    grid = tile_grid(2 * n, *pairs.shape[1:])
    # a pair is never parted
    grid = type(grid)(grid.count, grid.height, grid.width, max(2, 2 * (grid.columns // 2)))
    figure = blank(grid.pixels + 16, left=8, right=8, top=8, bottom=8)
    low = min(0.0, float(pairs.min()))
    figure.add_trace(
        grid.heatmap(
            pairs,
            [i // 2 + 1 for i in range(2 * n)],
            "sample %{customdata}: %{hovertext}",
            colorscale=[[0.0, colours.paper], [1.0, colours.ink]],
            zmin=low,
            zmax=max(float(pairs.max()), low + 1e-300),
            showscale=False,
        )
    )
    words = [f"{i // 2 + 1}: {'made' if i % 2 else 'input'}" for i in range(2 * n)]
    figure.add_trace(grid.labels(words, [colours.convex if i % 2 else colours.ink for i in range(2 * n)]))
    grid.fit_axes(figure)
    return figure
