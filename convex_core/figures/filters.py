"""Filters: one tile a filter, blue to orange around 0."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..networks.network import Network
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .tiles import opacities, signed_label, tile_colours, tile_grid, tiles_of
from .tracks import unit_rows

__all__ = ["filter_norms", "network_filters", "no_filters"]

#: More filters than this are not drawn.
MAX_FILTERS = 30

_Array = NDArray[np.float64]


def network_filters(network: Network, *, colours: Palette = LIGHT) -> Chart:
    """Draw the filters of a network, largest group norm ``||u_j|| |w_j|`` first.

    A tile shows the direction ``u_j / ||u_j||``, on one colour scale for all, fainter the smaller its norm; the heading
    of a tile gives the sign of the output weight and the group norm, so ``norm * tile`` is the filter of the convex
    program.

    Parameters
    ----------
    network : Network
        m filters; the 30 largest are drawn, and the text says so.
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
    positive = int(np.sum(network.signs > 0))
    alt = f"{_counted(network.m)}, {positive} with a positive and {network.m - positive} with a negative output weight"
    alt += f"; largest group norm {norms[order[0]]:.3g}" if network.m else ""
    alt += f"; the {MAX_FILTERS} largest are drawn." if network.m > MAX_FILTERS else "."
    table: dict[str, Any] = {
        "filter": list(range(1, network.m + 1)),
        "sign of the output weight": network.signs[order].tolist(),
        "group norm": norms[order].tolist(),
    }
    for i in range(network.filters.shape[1]):
        table[f"u[{i}]"] = network.filters[order, i].tolist()
    figure = _tiles(network, order[:MAX_FILTERS], norms, colours) if network.m else no_filters()
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
    signed = norms[order] * network.signs[order]
    figure = blank(260)
    figure.add_trace(
        draft.Bar(
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


def _order(network: Network) -> tuple[NDArray[np.intp], _Array]:
    norms = network.sizes
    return np.argsort(-norms, kind="stable"), norms


def _tiles(network: Network, shown: NDArray[np.intp], norms: _Array, colours: Palette) -> Any:
    tiles = tiles_of(network.architecture.geometry, unit_rows(network.drawn[shown]))
    signs = network.signs[shown].tolist()
    grid = tile_grid(*tiles.shape)
    extent = float(np.abs(tiles).max(initial=0.0)) or 1.0
    figure = blank(grid.pixels + 16, left=8, right=8, top=8, bottom=8)
    figure.add_trace(
        grid.heatmap(
            tiles,
            range(1, len(shown) + 1),
            "filter %{customdata}: %{hovertext}",
            opacities(norms[shown]),
            colorscale=colours.diverging,
            zmid=0,
            zmin=-extent,
            zmax=extent,
            showscale=False,
        )
    )
    labels = [signed_label(norms[j], s) for j, s in zip(shown, signs, strict=True)]
    figure.add_trace(grid.labels(labels, tile_colours(norms[shown], signs, colours)))
    grid.fit_axes(figure)
    return figure


def no_filters() -> Any:
    """The figure of a network without filters."""
    figure = blank(120)
    figure.add_annotation(text="No filter is active: this is the zero network.", showarrow=False, x=0.5, y=0.5)
    figure.update_xaxes(visible=False, range=[0, 1])
    figure.update_yaxes(visible=False, range=[0, 1])
    return figure


def _counted(m: int) -> str:
    return "1 filter" if m == 1 else f"{m} filters"
