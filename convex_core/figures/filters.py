"""Filters: one row or tile a filter, blue to orange around 0; dead groups are grey."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..network import Network
from .chart import Chart, blank
from .palette import LIGHT, Palette

__all__ = ["filter_norms", "network_filters", "tile"]

#: More filters than this are not drawn.
MAX_FILTERS = 16

_Array = NDArray[np.float64]


def network_filters(network: Network, *, colours: Palette = LIGHT) -> Chart:
    """Draw the filters of a network, largest group norm ``||u_j|| |w_j|`` first.

    A tile shows the direction ``u_j / ||u_j||``, on one colour scale for all; the heading of a tile gives the sign of
    the output weight and the group norm, so ``norm * tile`` is the filter of the convex program.

    Parameters
    ----------
    network : Network
        m filters; the 16 largest are drawn, and the text says so.
    colours : Palette
        The theme.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> network = Network(TwoLayerCNN(patch_geometry((3,), 2)), [[3.0, 4.0]], [-2.0])
    >>> network_filters(network).alt
    '1 filter, 0 with a positive and 1 with a negative output weight; largest group norm 10.'
    """
    order, norms = _order(network)
    shown = order[:MAX_FILTERS]
    lengths = np.linalg.norm(network.filters, axis=1)
    units = network.filters / np.where(lengths > 0.0, lengths, 1.0)[:, None]
    images = [network.architecture.geometry.filter_image(units[j]) for j in shown]
    signs = [float(network.weights[j]) for j in shown]
    labels = [f"{'+' if s > 0 else '−'} {norms[j]:.2g}" for j, s in zip(shown, signs, strict=True)]
    figure = _tiles(images, labels, signs, colours)
    positive = int(np.sum(network.weights > 0))
    alt = f"{_counted(network.m)}, {positive} with a positive and {network.m - positive} with a negative output weight"
    alt += f"; largest group norm {norms[order[0]]:.3g}" if network.m else ""
    alt += f"; the {MAX_FILTERS} largest are drawn." if network.m > MAX_FILTERS else "."
    table: dict[str, Any] = {
        "filter": list(range(1, network.m + 1)),
        "output weight": network.weights[order].tolist(),
        "group norm": norms[order].tolist(),
    }
    for i in range(network.filters.shape[1]):
        table[f"u[{i}]"] = network.filters[order, i].tolist()
    return Chart(figure, alt, table, "filters")


def filter_norms(network: Network, *, colours: Palette = LIGHT) -> Chart:
    """Group norms ``||u_j|| |w_j|``, upwards for positive output weights and downwards for negative ones.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> network = Network(TwoLayerCNN(patch_geometry((3,), 2)), [[3.0, 4.0]], [-2.0])
    >>> filter_norms(network).alt
    'Group norms by filter: -10.'
    """
    order, norms = _order(network)
    signed = norms[order] * np.sign(network.weights[order])
    figure = blank(260)
    figure.add_trace(
        go.Bar(
            x=list(range(1, network.m + 1)),
            y=signed,
            marker={
                "color": [colours.sign(s) for s in signed],
                "pattern": {
                    "shape": ["" if s > 0 else "/" for s in signed],
                    "fillmode": "overlay",
                    "fgcolor": colours.paper,
                    "fgopacity": 0.6,
                    "size": 7,
                    "solidity": 0.25,
                },
            },
            hovertemplate="filter %{x}: %{y:.4g}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="filter", showgrid=False, dtick=max(1, network.m // 10))
    figure.update_yaxes(title_text="signed group norm", gridcolor=colours.faint, zerolinecolor=colours.muted)
    alt = "Group norms by filter: " + (", ".join(f"{s:+.3g}" for s in signed) or "none, the network is zero") + "."
    return Chart(figure, alt, {"filter": list(range(1, network.m + 1)), "signed norm": signed.tolist()}, "filter-norms")


def tile(image: _Array) -> _Array:
    """A filter as a matrix for a heat map: (h,) becomes one row, channels are averaged.

    Examples
    --------
    >>> tile(np.zeros(3)).shape, tile(np.zeros((2, 2, 3))).shape
    ((1, 3), (2, 2))
    """
    if image.ndim == 1:
        return image[None, :]
    return image.mean(axis=2) if image.ndim == 3 else image


def _order(network: Network) -> tuple[NDArray[np.intp], _Array]:
    norms = np.linalg.norm(network.filters, axis=1) * np.abs(network.weights)
    return np.argsort(-norms, kind="stable"), norms


def _tiles(images: list[_Array], labels: list[str], signs: list[float], colours: Palette) -> Any:
    """One heat map that holds every tile, separated by gaps, so that all share one colour scale."""
    if not images:
        figure = blank(120)
        figure.add_annotation(text="No filter is alive: the zero network is optimal.", showarrow=False, x=0.5, y=0.5)
        figure.update_xaxes(visible=False, range=[0, 1])
        figure.update_yaxes(visible=False, range=[0, 1])
        return figure
    tiles = [tile(image) for image in images]
    height, width = tiles[0].shape
    columns = min(
        len(tiles),
        1 if height == 1 and width > 12 else 2 if height == 1 and width > 5 else 4 if height == 1 else 8,
    )
    rows = math.ceil(len(tiles) / columns)
    # the label of a tile takes the gap above it
    gap_y, gap_x = (1, 1) if height == 1 else (max(1.0, 0.34 * height), max(1.0, 0.2 * width))
    extent = max(float(np.abs(t).max(initial=0.0)) for t in tiles) or 1.0
    figure = blank(_tiles_height(rows, columns, height, width), left=8, right=8, top=8, bottom=8)
    for index, (values, label, sign) in enumerate(zip(tiles, labels, signs, strict=True)):
        row, column = divmod(index, columns)
        x0, y0 = column * (width + gap_x), row * (height + gap_y)
        figure.add_trace(
            go.Heatmap(
                z=values,
                x=x0 + np.arange(width),
                y=y0 + np.arange(height),
                coloraxis="coloraxis",
                xgap=1,
                ygap=1,
                hovertemplate=f"filter {index + 1}: %{{z:.3g}}<extra></extra>",
            )
        )
        figure.add_annotation(
            x=x0 - 0.5,
            y=y0 - 0.55,
            xanchor="left",
            yanchor="bottom",
            showarrow=False,
            text=label,
            font={"color": colours.sign(sign), "size": 13},
        )
    figure.update_layout(
        coloraxis={
            "colorscale": colours.diverging,
            "cmid": 0,
            "cmin": -extent,
            "cmax": extent,
            "showscale": False,
        }
    )
    figure.update_xaxes(visible=False, range=[-0.6, columns * (width + gap_x) - gap_x - 0.4])
    figure.update_yaxes(visible=False, range=[rows * (height + gap_y) - gap_y - 0.4, -0.5 - gap_y])
    if height > 1:
        figure.update_yaxes(scaleanchor="x", constrain="domain")
        figure.update_xaxes(constrain="domain")
    return figure


def _tiles_height(rows: int, columns: int, height: int, width: int) -> int:
    if height == 1:
        return 30 + 58 * rows
    return min(640, 30 + rows * max(110, 30 + 760 // max(columns, 4) * height // width))


def _counted(m: int) -> str:
    return "1 filter" if m == 1 else f"{m} filters"
