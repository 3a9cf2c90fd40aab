"""Inside a network of two layers: one input through one filter, step by step, and what all filters add up to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import integer
from ..networks.inside import InsideNetwork
from ..presentation.text import counted
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["added_up", "filter_by_filter", "shown", "through_one_filter"]

#: Rows and columns of products whose numbers are written on them.
WRITTEN_ROWS, WRITTEN_COLUMNS = 14, 6
#: Share of what is added up below which a sum is rounding, and written as zero.
ROUNDING = 1e-13
#: Pixels of a row that is written on, of all others together, and of the tiles of an image.
ROW, ROWS, TILE = 25, 330, 200
#: Room between two groups of columns, and above the patches, in columns and rows.
GAP = 0.45
#: Cells that are written on are paler by this factor, so that the ink on them can be read.
PALE = 1.7
#: Bars of filters one by one, of those that add most; all others are one more.
BARS = 10

_Array = NDArray[np.float64]


def shown(values: _Array | float, largest: _Array | float) -> _Array:
    """`values` to be written down: what is rounding beside the `largest` term that was added up is zero.

    Filters of the optimum often lie on the edge of a cell, where a sum is zero but for its last digits.

    Examples
    --------
    >>> shown(np.array([0.1 + 0.2 - 0.3, 0.25]), 0.3).tolist()
    [0.0, 0.25]
    """
    return np.where(np.abs(values) <= ROUNDING * largest, 0.0, values)


def filter_by_filter(inside: InsideNetwork) -> NDArray[np.intp]:
    """Neurons in the order in which filters are numbered: the largest first."""
    return np.argsort(-inside.network.sizes, kind="stable")


def through_one_filter(inside: InsideNetwork, number: int, *, output: int = 0, colours: Palette = LIGHT) -> Chart:
    """Products of a filter with every patch, their sums, what the activation leaves, and what becomes of it.

    Of an image, the products are those of the patch that counts most, and sums are maps over the places of the filter.

    Parameters
    ----------
    inside : InsideNetwork
        Of one input.
    number : int
        Number of the filter, from 1: the largest first.
    output : int
        The output whose weight is taken.
    colours : Palette
        The theme; orange is positive, blue negative.

    Raises
    ------
    InputError
        If there is no such filter or output.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> from convex_core.networks.inside import look_inside
    >>> network = Network(TwoLayerCNN(patch_geometry((4,), 2)), [[-1.0, 1.0]], [2.0])
    >>> chart = through_one_filter(look_inside(network, [0.0, 1.0, 0.0, 2.0]), 1)
    >>> chart.alt
    'Filter 1: 3 patches, sums 1, -1, 2; after the activation 1, 0, 2; pooled 3, times its weight 2 it adds 6.'
    >>> chart.table["sum"]
    [1.0, -1.0, 2.0]
    """
    j = int(filter_by_filter(inside)[integer(number, "number", maximum=inside.network.m) - 1])
    integer(output, "output", minimum=0, maximum=len(inside.outputs) - 1)
    image = len(inside.network.architecture.geometry.input_shape) > 1
    figure = (_maps if image else _rows)(inside, j, colours)
    sums, active = inside.sums[j], inside.active[j]
    terms, weight = float(np.abs(inside.products(j)).max(initial=0.0)), float(inside.weights[j, output])
    pooled = float(shown(inside.pooled[j], terms))
    alt = (
        f"Filter {number}: {counted(len(sums), 'patch', 'patches')}, sums {_few(shown(sums, terms))}; after the "
        f"activation {_few(shown(active, terms))}; pooled {pooled:.4g}, times its weight {weight:.4g} it adds "
        f"{pooled * weight:.4g}."
    )
    products = inside.products(j)
    table: dict[str, Any] = {"patch": list(range(1, len(sums) + 1))}
    table |= {f"product {i + 1}": products[:, i].tolist() for i in range(products.shape[1])}
    table |= {"sum": sums.tolist(), "after the activation": active.tolist(), "counts": inside.counts[j].tolist()}
    return Chart(figure, alt, table, "inside-the-network")


def added_up(
    inside: InsideNetwork,
    *,
    number: int,
    target: float | None = None,
    output: int = 0,
    names: Sequence[str] = (),
    colours: Palette = LIGHT,
) -> Chart:
    """What each filter adds to the prediction, one after the other, up to the prediction, beside the target.

    Of many filters those that add most have a bar of their own.

    Parameters
    ----------
    inside : InsideNetwork
        Of one input.
    number : int
        The filter that is marked, from 1.
    target : float, optional
        What the output should be.
    output : int
        The output.
    names : sequence of str
        Names of several outputs.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no such output.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> from convex_core.networks.inside import look_inside
    >>> network = Network(TwoLayerCNN(patch_geometry((4,), 2)), [[-1.0, 1.0], [0.5, 0.0]], [2.0, -1.0])
    >>> chart = added_up(look_inside(network, [0.0, 1.0, 0.0, 2.0]), number=1, target=5.0)
    >>> chart.table
    {'what': ['filter 1', 'filter 2', 'prediction', 'target'], 'adds': [6.0, -0.5, 5.5, 5.0]}
    """
    integer(output, "output", minimum=0, maximum=len(inside.outputs) - 1)
    order = filter_by_filter(inside)
    shares = inside.shares[order, output]
    # one by one are drawn those that add most, and the marked one
    most = np.argsort(-np.abs(shares), kind="stable")[:BARS].tolist()
    drawn = sorted({*most, number - 1}) if len(order) > BARS else list(range(len(order)))
    rest = [k for k in range(len(order)) if k not in drawn]
    labels = [f"filter {k + 1}" for k in drawn] + ([f"{len(rest)} others"] if rest else [])
    values = [float(shares[k]) for k in drawn] + ([float(shares[rest].sum())] if rest else [])
    if len(inside.network.free):
        labels, values = [*labels, "what is free"], [*values, float(inside.free[output])]
    total = float(inside.outputs[output])
    whole = f"prediction of {names[output]}" if names else "prediction"
    begins = np.concatenate([[0.0], np.cumsum(values)[:-1]]).tolist() if values else []
    ends = [*values, total]
    terms = np.array([float(np.abs(inside.products(j)).max(initial=0.0)) for j in order])
    terms *= np.abs(inside.weights[order, output])
    largest = [*terms[drawn].tolist(), *([float(terms[rest].max())] if rest else [])]
    # what is free is no sum
    rounded = shown(np.array(values), np.array(largest + [0.0] * (len(values) - len(largest))))
    fill = [colours.sign(v) for v in values] + [colours.convex]
    written = [*(f"{v + 0.0:+.3g}" for v in rounded), f"<b>{total:.3g}</b>"]
    # in a column of their own: at the ends of the bars they would lie on other bars and on the line of the target
    rows = [f"{label}  {text}" for label, text in zip([*labels, whole], written, strict=True)]
    rows += [f"target  {target:.3g}"] if target is not None else []
    figure = blank(
        70 + 26 * len(rows),
        left=16 + 7 * max(len(row.removesuffix("</b>")) for row in rows),
        right=12,
        top=8,
        bottom=40,
    )
    figure.add_trace(
        draft.Bar(
            y=[*labels, whole], x=ends, base=[*begins, 0.0], orientation="h", showlegend=False,
            marker={
                "color": fill,
                "pattern": {
                    "shape": ["" if v >= 0 else "/" for v in values] + [""], "fillmode": "overlay",
                    "fgcolor": colours.paper, "fgopacity": 0.6, "size": 7, "solidity": 0.25,
                },
                "line": {
                    "color": colours.ink, "width": [2.5 if label == f"filter {number}" else 0 for label in labels] + [0]
                },
            },
            text=written, textposition="none",
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )  # fmt: skip
    if target is not None:
        figure.add_trace(
            draft.Scatter(
                y=["target"], x=[target], mode="markers", showlegend=False, cliponaxis=False,
                marker={"size": 12, "symbol": "circle-open", "color": colours.ink, "line": {"width": 2}},
                hovertemplate="target: %{x:.6g}<extra></extra>",
            )
        )  # fmt: skip
        figure.add_vline(x=target, line={"color": colours.muted, "width": 1, "dash": "dot"})
    reached = [0.0, total, *np.cumsum(values).tolist(), *([target] if target is not None else [])]
    room = 0.06 * (max(reached) - min(reached)) or 1.0
    figure.update_xaxes(
        showgrid=True, gridcolor=colours.faint, zerolinecolor=colours.muted, title_text="added up",
        range=[min(reached) - room, max(reached) + room],
    )  # fmt: skip
    what = [*labels, whole, *(["target"] if target is not None else [])]
    figure.update_yaxes(
        autorange="reversed", showgrid=False, ticksuffix=" ", tickvals=what,
        ticktext=[row.replace("-", "−") for row in rows],
    )  # fmt: skip
    adds = [*values, total, *([float(target)] if target is not None else [])]
    alt = ", ".join(f"{label} {value:+.4g}" for label, value in zip(labels, rounded, strict=True))
    alt += f"; in all the {whole} is {total:.4g}" + (f", the target {target:.4g}." if target is not None else ".")
    return Chart(figure, alt, {"what": what, "adds": adds}, "what-filters-add")


def _few(values: _Array) -> str:
    """The first values in words."""
    words = ", ".join(f"{v + 0.0:.3g}" for v in values[:12])
    return words if len(values) <= 12 else f"{words} and {len(values) - 12} more"


def _heat(
    x: _Array,
    y: _Array,
    z: _Array,
    words: Any,
    written: bool,
    extent: float,
    colours: Palette,
    size: int = 12,
    terms: float = 0.0,
) -> Any:
    """A block of cells in shades that are full at `extent`, with their numbers where there is room.

    Numbers that are rounding beside the largest of the `terms` they are sums of are written as zero.
    """
    extent *= PALE if written else 1.0
    numbers = {}
    if written:
        text = np.vectorize(lambda v: f"{v + 0.0:.2g}")(shown(z, terms))
        numbers = {"text": text, "texttemplate": "%{text}"}
    return draft.Heatmap(
        x=x, y=y, z=z, hovertext=words, hovertemplate="%{hovertext}<extra></extra>", hoverongaps=False, xgap=1, ygap=1,
        colorscale=colours.diverging, zmin=-(extent or 1.0), zmax=extent or 1.0, showscale=False,
        textfont={"size": size, "color": colours.ink}, **numbers,
    )  # fmt: skip


def _rows(inside: InsideNetwork, j: int, colours: Palette) -> Any:
    """A row for each patch: its products with the filter, which stands above, their sum, and what is left of it."""
    products, patches, u = inside.products(j), inside.patches, inside.network.filters[j]
    K, h = products.shape
    written = K <= WRITTEN_ROWS
    pixels = ROW if written else max(4.0, ROWS / K)
    even = len(set(inside.counts[j].tolist())) == 1 and inside.counts[j, 0] == 1.0
    columns = [("sum", inside.sums[j]), ("ReLU" if _plain(inside) else "activation", inside.active[j])]
    if not even:
        columns.append(("counts", inside.counts[j]))
    figure = blank(round((K + 1.0 + GAP) * pixels) + 46, left=64, right=8, top=34, bottom=8)
    edges = np.arange(K + 1) + 1.0 + GAP
    unit = 1.0 if h <= WRITTEN_COLUMNS else WRITTEN_COLUMNS / h
    across = unit * np.arange(h + 1)
    extent = float(np.abs(products).max(initial=0.0))
    top = [[f"filter entry {i + 1}: {u[i]:.4g}" for i in range(h)]]
    numbers = written and h <= 2 * WRITTEN_COLUMNS
    figure.add_trace(_heat(across, np.array([0.0, 1.0]), u[None], top, numbers, float(np.abs(u).max()), colours))
    words = [
        [f"patch {k + 1}: {patches[k, i]:.4g} × {u[i]:.4g} = {products[k, i]:.4g}" for i in range(h)] for k in range(K)
    ]
    figure.add_trace(_heat(across, edges, products, words, numbers, extent, colours))
    left, titles = across[-1], [(0.5 * across[-1], "products")]
    largest = float(np.abs(inside.sums[j]).max(initial=0.0))
    for title, values in columns:
        left += GAP
        hover = [[f"patch {k + 1}, {title}: {values[k]:.6g}"] for k in range(K)]
        full = float(np.abs(values).max()) if title == "counts" else largest
        column = np.array([left, left + 1.3])
        terms = 0.0 if title == "counts" else extent
        figure.add_trace(_heat(column, edges, values[:, None], hover, written, full, colours, terms=terms))
        titles.append((left + 0.65, title))
        left += 1.3
    for x, title in titles:
        figure.add_annotation(
            x=x, y=0.0, text=title, showarrow=False, yanchor="bottom", yshift=4, font={"size": 13, "color": colours.ink}
        )
    step = 1 if written else math.ceil(K / WRITTEN_ROWS)
    at = [0.5, *(k + 1.5 + GAP for k in range(0, K, step))]
    figure.update_xaxes(visible=False, range=[0.0, left], fixedrange=True)
    figure.update_yaxes(
        range=[edges[-1], 0.0], tickvals=at, ticktext=["filter", *(f"patch {k + 1}" for k in range(0, K, step))],
        showgrid=False, zeroline=False, fixedrange=True,
    )  # fmt: skip
    return figure


def _maps(inside: InsideNetwork, j: int, colours: Palette) -> Any:
    """The filter, the patch that counts most with its products, and sums and activations over the image."""
    geometry = inside.network.architecture.geometry
    k = int(np.abs(inside.counts[j] * inside.active[j]).argmax())
    last = "ReLU" if _plain(inside) else "activation"
    largest = float(np.abs(inside.sums[j]).max(initial=0.0))
    terms = float(np.abs(inside.products(j)).max(initial=0.0))
    tiles: list[tuple[str, _Array, float | None]] = [
        ("filter", _picture(inside, inside.network.filters[j]), None),
        (f"patch {k + 1}", _picture(inside, inside.patches[k]), None),
        ("products", _picture(inside, inside.products(j)[k]), None),
        ("sums", inside.sums[j].reshape(geometry.grid), largest),
        (last, inside.active[j].reshape(geometry.grid), largest),
    ]
    if len(set(inside.counts[j].tolist())) > 1:
        tiles.append(("counts", inside.counts[j].reshape(geometry.grid), None))
    figure = blank(TILE, left=4, right=4, top=4, bottom=4)
    for column, (title, values, full) in enumerate(tiles):
        height, width = values.shape
        left = 1.2 * column
        words = [[f"{title}: {v:.4g}" for v in row] for row in values]
        extent = float(np.abs(values).max(initial=0.0)) if full is None else full
        figure.add_trace(
            _heat(
                left + np.arange(width + 1) / width, np.arange(height + 1) / height, values, words,
                max(height, width) <= 4, extent, colours, 10, terms if full is not None else 0.0,
            )
        )  # fmt: skip
        figure.add_annotation(
            x=left + 0.5, y=0.0, text=title, showarrow=False, yanchor="bottom", yshift=4,
            font={"size": 13, "color": colours.ink},
        )  # fmt: skip
    figure.update_xaxes(visible=False, range=[0.0, 1.2 * len(tiles) - 0.2], constrain="domain", fixedrange=True)
    figure.update_yaxes(visible=False, range=[1.02, -0.22], scaleanchor="x", constrain="domain", fixedrange=True)
    return figure


def _picture(inside: InsideNetwork, values: _Array) -> _Array:
    """Entries of a patch in the axes of the image, channels averaged; a bias is no part of it."""
    image = inside.network.architecture.geometry.filter_image(values)
    return np.asarray(image.mean(axis=2) if image.ndim == 3 else image)


def _plain(inside: InsideNetwork) -> bool:
    """Whether the activation is the ReLU: what is above zero stays as it is, the rest is zero."""
    return bool((inside.active == np.maximum(inside.sums, 0.0)).all())
