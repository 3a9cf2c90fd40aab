"""Networks with an output for each class: filters beside their output weights, and the confusion matrix."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..networks.network import Network
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .filters import no_filters
from .tiles import opacities, tiles_of
from .tracks import unit_rows

__all__ = ["class_filters", "confusion"]

#: More filters than this are not drawn.
MAX_FILTERS = 16
#: Pixels of a row of a tile in a strip and in a picture, and of everything around the rows.
STRIP_PIXELS, PICTURE_PIXELS, AROUND_PIXELS = 27, 20, 48
#: Room between two tiles in rows of a tile.
GAP = 0.35

_Array = NDArray[np.float64]


def class_filters(network: Network, names: Sequence[str] = (), *, colours: Palette = LIGHT) -> Chart:
    r"""Each filter as a tile, and beside it a bar for its output weight to each class.

    A tile shows the direction ``u_j / ||u_j||``, a bar the weight ``||u_j|| w_jo``: their product is what the filter
    gives to output o. The filters are grouped by the class of their largest weight, the largest first.

    Parameters
    ----------
    network : Network
        m filters with weights (m, q); the 16 largest are drawn, and the text says so.
    names : sequence of str
        Names of the q classes; by default their numbers.
    colours : Palette
        The theme; orange to the right is positive, hatched blue to the left negative.

    Raises
    ------
    InputError
        If the network has a single output, or there are not q names.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> from convex_core.architectures import make_architecture
    >>> cnn = make_architecture("two-layer", patch_geometry((3,), 2), outputs=2)
    >>> chart = class_filters(Network(cnn, [[3.0, 4.0]], [[0.0, -2.0]]), ["a", "b"])
    >>> chart.table["weight to b"], chart.alt
    ([-10.0], '1 filter: 0 with their largest weight to a, 1 to b; largest weight -10.')
    """
    q = network.architecture.q
    if q == 1:
        raise InputError("network: got a single output, expected an output for each class")
    named = list(names) or [f"class {o}" for o in range(q)]
    if len(named) != q:
        raise InputError(f"names: got {len(named)} for {q} outputs, expected one for each")
    each = network.weights.reshape(network.m, math.prod(network.weights.shape[1:-1]), q)
    # of the regions that a filter has a weight for, the one with the largest counts for each class
    most = np.take_along_axis(each, np.abs(each).argmax(axis=1, keepdims=True), axis=1)[:, 0]
    weights = np.linalg.norm(network.filters, axis=1)[:, None] * most + 0.0
    own = np.abs(weights).argmax(axis=1)
    largest = np.abs(weights).max(axis=1, initial=0.0)
    order = np.lexsort((-largest, own))
    drawn = order if network.m <= MAX_FILTERS else order[np.isin(order, np.argsort(-largest)[:MAX_FILTERS])]
    groups = ", ".join(
        f"{np.count_nonzero(own == o)} {'with their largest weight to' if o == 0 else 'to'} {name}"
        for o, name in enumerate(named)
    )
    alt = f"{network.m} filter{'' if network.m == 1 else 's'}: {groups}"
    alt += f"; largest weight {weights.flat[np.abs(weights).argmax()]:.3g}" if network.m else ""
    alt += f"; the {MAX_FILTERS} largest are drawn." if network.m > MAX_FILTERS else "."
    table: dict[str, Any] = {"filter": list(range(1, network.m + 1))}
    table |= {f"weight to {name}": weights[order, o].tolist() for o, name in enumerate(named)}
    table |= {f"u[{i}]": network.filters[order, i].tolist() for i in range(network.filters.shape[1])}
    figure = _rows(network, drawn, weights[drawn], named, colours) if network.m else no_filters()
    return Chart(figure, alt, table, "filters-and-classes")


def confusion(counts: NDArray[np.int64], names: Sequence[str] = (), *, colours: Palette = LIGHT) -> Chart:
    """Held-out samples by true class (rows) and predicted class (columns); on the diagonal they are right.

    Parameters
    ----------
    counts : (q, q) int
        Of :func:`convex_core.networks.classes.confusion_matrix`.
    names : sequence of str
        Names of the classes; by default their numbers.
    colours : Palette
        The theme; the shade is the share of the row.

    Examples
    --------
    >>> confusion(np.array([[9, 1], [0, 10]])).alt
    'Of 20 held-out samples 19 are in their class: class 0 9 of 10, class 1 10 of 10.'
    """
    named = list(names) or [f"class {o}" for o in range(len(counts))]
    totals = counts.sum(axis=1)
    share = counts / np.maximum(totals, 1)[:, None]
    figure = blank(130 + 44 * len(counts), left=86, right=12, top=12, bottom=58)
    figure.add_trace(
        draft.Heatmap(
            x=named,
            y=named,
            z=share,
            customdata=counts,
            colorscale=[[0.0, colours.paper], [1.0, colours.convex]],
            zmin=0.0,
            zmax=1.6,  # pale enough for the numbers
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="true %{y}, predicted %{x}: %{customdata} samples, %{z:.0%}<extra></extra>",
        )
    )
    cells = [(i, j) for i in range(len(counts)) for j in range(len(counts))]
    # one trace: a hundred annotations would take half a second
    figure.add_trace(
        draft.Scatter(
            x=[named[j] for _, j in cells],
            y=[named[i] for i, _ in cells],
            mode="text",
            text=[f"<b>{counts[i, j]}</b>" if i == j else str(counts[i, j]) for i, j in cells],
            textfont={"size": 15, "color": [colours.ink if counts[i, j] else colours.muted for i, j in cells]},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.update_xaxes(title_text="predicted", type="category", showgrid=False, zeroline=False)
    figure.update_yaxes(title_text="true", type="category", autorange="reversed", showgrid=False, zeroline=False)
    parts = ", ".join(f"{name} {counts[i, i]} of {totals[i]}" for i, name in enumerate(named))
    alt = f"Of {counts.sum()} held-out samples {counts.trace()} are in their class: {parts}."
    table: dict[str, Any] = {"true class": named}
    table |= {f"predicted {name}": counts[:, j].tolist() for j, name in enumerate(named)}
    return Chart(figure, alt, table, "confusion-matrix")


def _rows(network: Network, drawn: NDArray[np.intp], weights: _Array, names: Sequence[str], colours: Palette) -> Any:
    """A row for each filter: its tile, and a bar in the column of each class."""
    tiles = tiles_of(network.architecture.geometry, unit_rows(network.filters[drawn]))
    m, height, width = tiles.shape
    step = height + GAP
    pixels = (STRIP_PIXELS if height == 1 else PICTURE_PIXELS) * m * step
    q = len(names)
    figure = draft.make_subplots(
        rows=1,
        cols=1 + q,
        shared_yaxes=True,
        horizontal_spacing=min(0.03, 0.3 / q),
        column_widths=[max(0.3, 1.0 / (1 + q))] + [1.0 / (1 + q)] * q,
        figure=blank(int(pixels) + AROUND_PIXELS, left=8, right=8, top=AROUND_PIXELS - 12, bottom=8),
    )
    z, values = np.full((2, 2 * m * height, width), np.nan)
    strength = opacities(np.abs(weights).max(axis=1))
    edges, row = [0.0], 0
    for t in range(m):
        for line in tiles[t]:
            z[row], values[row] = strength[t] * line, line
            edges.append(edges[-1] + 1.0)
            row += 1
        edges.append(edges[-1] + GAP)
        row += 1
    extent = float(np.abs(tiles).max(initial=0.0)) or 1.0
    number = np.repeat(np.arange(1, m + 1), height + 1)[:, None] * np.ones((1, width))
    figure.add_trace(
        draft.Heatmap(
            x=np.arange(width + 1),
            y=edges,
            z=z[:row],
            customdata=number,
            hovertext=np.where(np.isnan(values), "", np.char.mod("%.3g", np.nan_to_num(values)))[:row],
            hovertemplate="filter %{customdata}: %{hovertext}<extra></extra>",
            hoverongaps=False,
            colorscale=colours.diverging,
            zmid=0,
            zmin=-extent,
            zmax=extent,
            showscale=False,
            xgap=1,
            ygap=1,
        ),
        row=1,
        col=1,
    )
    centres = np.arange(m) * step + 0.5 * height
    low, high = float(weights.min(initial=0.0)), float(weights.max(initial=0.0))
    margin = 0.06 * ((high - low) or 1.0)
    for o, name in enumerate(names):
        own = weights[:, o]
        figure.add_trace(
            draft.Bar(
                x=own,
                y=centres,
                width=0.62 * height if height == 1 else 0.4 * height,
                orientation="h",
                customdata=np.arange(1, m + 1),
                marker={
                    "color": [colours.sign(v) for v in own],
                    "pattern": {
                        "shape": ["" if v > 0 else "/" for v in own],
                        "fillmode": "overlay",
                        "fgcolor": colours.paper,
                        "fgopacity": 0.6,
                        "size": 7,
                        "solidity": 0.25,
                    },
                },
                hovertemplate=f"filter %{{customdata}} to {name}: %{{x:.4g}}<extra></extra>",
                showlegend=False,
            ),
            row=1,
            col=2 + o,
        )
        axis = {"range": [low - margin, high + margin], "showgrid": False, "showticklabels": False, "fixedrange": True}
        figure.update_xaxes(**axis, zeroline=True, zerolinecolor=colours.muted, row=1, col=2 + o)
    for o, title in enumerate(["filter", *names]):
        figure.add_annotation(
            text=title, x=0.5, xref=f"x{'' if o == 0 else o + 1} domain", y=1.0, yref="paper", yanchor="bottom",
            showarrow=False, font={"size": 13, "color": colours.muted if o == 0 else colours.ink},
        )  # fmt: skip
    figure.update_xaxes(visible=False, row=1, col=1)
    figure.update_yaxes(range=[m * step - GAP, 0.0], visible=False, fixedrange=True)
    return figure
