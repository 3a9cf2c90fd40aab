"""Networks with a pooling grid: filters with their class weights on the grid, and one image on its way through."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import integer
from ..errors import InputError
from ..lists import FeatureMaps, ListedNetwork
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["class_scores", "listed_filters", "listed_inside"]

#: Room between two tiles, in tiles.
GAP = 0.24
#: Height of the text over the first row, in tiles; of text that is turned.
HEAD, TURNED_HEAD = 0.62, 1.5
#: Pixels of a tile among filters, and of one inside a network.
TILE, INSIDE_TILE = 34, 58
#: Height of the line under the last filter, in tiles.
LAST = 0.42
#: Longest name that stands over a tile without being turned.
SHORT = 3

_Array = NDArray[np.float64]


def listed_filters(network: ListedNetwork, names: Sequence[str], *, most: int = 12, colours: Palette = LIGHT) -> Chart:
    r"""Filters as small images, the largest first, each beside its weights to every class on the pooling grid.

    A tile shows the filter for patches as they are; its weights stand where their regions lie in the image. The size of
    a filter is ``||u_j|| ||w_j||``, what it costs.

    Parameters
    ----------
    network : ListedNetwork
        m filters with weights (m, R, q) on a grid of regions.
    names : sequence of str
        Names of the q classes.
    most : int
        Filters that are drawn.
    colours : Palette
        The theme; orange is positive, blue negative.

    Raises
    ------
    InputError
        If there are not q names, or inputs are no images.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> from convex_core.lists import PoolingGrid, Whitening
    >>> geometry = patch_geometry((3, 3), 2)
    >>> parts = geometry, Whitening.none(4), PoolingGrid(geometry.grid, (2, 2))
    >>> net = ListedNetwork(*parts, [[1.0, -1.0, 1.0, -1.0]], np.ones((1, 4, 2)), [0.0, 0.0])
    >>> listed_filters(net, ["a", "b"]).alt
    '1 filter of 2 x 2 with weights on a grid of 2 x 2 regions for each of 2 classes; the largest costs 5.66.'
    """
    if len(names) != network.q:
        raise InputError(f"names: got {len(names)} for {network.q} outputs, expected one for each")
    if len(network.grid.cuts) != 2:
        raise InputError(f"network: got inputs of shape {network.geometry.input_shape}, expected images")
    linear, _ = network.patch_filters()
    sizes = network.sizes
    order = np.argsort(-sizes, kind="stable")
    drawn = order[: integer(most, "most")]
    tiles = _pictures(network, linear[drawn])
    rows, cuts = len(drawn), network.grid.cuts
    weights = network.weights[drawn].reshape(rows, *cuts, network.q)
    long = max(map(len, names)) > SHORT
    head = TURNED_HEAD if long else HEAD
    figure = blank(round((head + max(rows, 1) * (1.0 + GAP)) * TILE), left=4, right=4, top=0, bottom=0)
    if rows:
        x, y = _edges(1, tiles.shape[2], 0.0), _edges(rows, tiles.shape[1], 0.0)
        figure.add_trace(_heat(x, y, _canvas(tiles[:, None]), colours, _canvas(_each_to_one(tiles)[:, None])))
        spread = weights.transpose(0, 3, 1, 2)
        at = _edges(network.q, cuts[1], 1.0 + 2.0 * GAP)
        figure.add_trace(_heat(at, _edges(rows, cuts[0], 0.0), _canvas(spread), colours))
    centres = [0.5, *(1.0 + 2.0 * GAP + o * (1.0 + GAP) + 0.5 for o in range(network.q))]
    _axes(
        figure,
        centres,
        ["filter", *names],
        1.0 + 2.0 * GAP + network.q * (1.0 + GAP),
        rows,
        colours,
        long=long,
    )
    f = " x ".join(str(k) for k in network.geometry.filter_shape[:2])
    alt = (
        f"{network.m} filter{'' if network.m == 1 else 's'} of {f} with weights on a grid of "
        f"{cuts[0]} x {cuts[1]} regions for each of {network.q} classes"
    )
    alt += f"; the largest costs {sizes.max():.3g}" if network.m else ""
    alt += f"; the {rows} largest are drawn." if network.m > rows else "."
    table: dict[str, Any] = {"filter": list(range(1, network.m + 1)), "cost": sizes[order].tolist()}
    total = network.weights.sum(axis=1)
    table |= {f"summed weight to {name}": total[order, o].tolist() for o, name in enumerate(names)}
    return Chart(figure, alt, table, "filters-and-class-weights")


def listed_inside(
    maps: FeatureMaps, output: int, names: Sequence[str], *, most: int = 5, colours: Palette = LIGHT
) -> Chart:
    """One image through the filters that give most to a class: sums, ReLU, pooling, weights, and what is added up.

    Parameters
    ----------
    maps : FeatureMaps
        Of an image.
    output : int
        The class.
    names : sequence of str
        Names of the classes.
    most : int
        Filters that are drawn; what all others give is said in one line.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no such class, or the input is no image.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> from convex_core.lists import PoolingGrid, Whitening, feature_maps
    >>> geometry = patch_geometry((3, 3), 2)
    >>> parts = geometry, Whitening.none(4), PoolingGrid(geometry.grid, (2, 2))
    >>> net = ListedNetwork(*parts, [[1.0, -1.0, 1.0, -1.0]], np.ones((1, 4, 2)), [0.5, 0.0])
    >>> listed_inside(feature_maps(net, np.eye(3)), 0, ["a", "b"]).table["gives"]
    [1.0, 0.0, 0.5, 1.5]
    """
    network = maps.network
    if len(network.grid.cuts) != 2:
        raise InputError(f"maps: got an input of shape {network.geometry.input_shape}, expected an image")
    chosen = maps.filters_for(output, integer(most, "most"))
    given = maps.shares[:, :, output].sum(axis=1)
    rest = float(given.sum() - given[chosen].sum())
    linear, _ = network.patch_filters()
    tiles = _pictures(network, linear[chosen])
    sums, active = maps.on_grid(maps.sums[chosen]), maps.on_grid(maps.active[chosen])
    pooled = maps.on_regions(maps.pooled[chosen])
    weights = maps.on_regions(network.weights[chosen][:, :, output])
    shares = maps.on_regions(maps.shares[chosen][:, :, output])
    largest = float(np.abs(sums).max(initial=0.0))
    shown = ((tiles, None), (sums, largest), (active, largest), (pooled, None), (weights, None), (shares, None))
    rows, step = len(chosen), 1.0 + GAP
    figure = blank(round((HEAD + rows * step + LAST) * INSIDE_TILE), left=4, right=4, top=0, bottom=0)
    for column, (values, extent) in enumerate(shown if rows else ()):
        x, y = _edges(1, values.shape[2], column * step), _edges(rows, values.shape[1], 0.0)
        shades = _canvas(_each_to_one(values)[:, None]) if column == 0 else None
        figure.add_trace(_heat(x, y, _canvas(values[:, None]), colours, shades, extent))
    titles = ["filter", "sums", "ReLU", "pooled", "weight", "product"]
    end = len(titles) * step
    for row, j in enumerate(chosen):
        _text(figure, end, row * step + 0.5, f"<b>{_signed(given[j])}</b>", colours.sign(given[j]), 15)
    bottom = rows * step + 0.5 * LAST - 0.5 * GAP
    total = float(maps.outputs[output])
    bias = float(network.bias[output])
    others = network.m - rows
    _text(
        figure, 0.0, bottom,
        f"{others} other filters {_signed(rest)}, bias {_signed(bias)}: in all, score of {names[output]}",
        colours.ink, 13,
    )  # fmt: skip
    _text(figure, end, bottom, f"<b>{_signed(total)}</b>", colours.ink, 15)
    centres = [column * step + 0.5 for column in range(len(titles))] + [end + 0.42]
    _axes(figure, centres, [*titles, "sum"], end + 1.0, rows, colours, height=rows * step + LAST)
    parts = ", ".join(f"filter {j + 1} {_signed(given[j])}" for j in chosen)
    alt = (
        f"Score {total:.3f} of {names[output]}: {parts}, the {others} others together {_signed(rest)}, bias "
        f"{_signed(bias)}."
    )
    table = {
        "what": [*(f"filter {j + 1}" for j in chosen), "other filters", "bias", "score"],
        "gives": [*given[chosen].tolist(), rest, bias, total],
    }
    return Chart(figure, alt, table, "inside-the-network")


def class_scores(
    scores: _Array, names: Sequence[str], *, truth: int | None = None, height: int = 250, colours: Palette = LIGHT
) -> Chart:
    """The output of each class as a bar; the largest in the colour of the network, the true class marked.

    Examples
    --------
    >>> class_scores(np.array([0.1, 0.8]), ["cat", "dog"], truth=0).alt
    'dog has the largest score, 0.80; cat, the true class, has 0.10.'
    """
    best = int(scores.argmax())
    figure = blank(height, left=78 if max(map(len, names)) > SHORT else 30, right=4, top=4, bottom=4)
    figure.add_trace(
        draft.Bar(
            x=scores,
            y=[f"<b>{name}</b>" if o == truth else name for o, name in enumerate(names)],
            orientation="h",
            text=[f"<b>{_score(v)}</b>" if o == best else _score(v) for o, v in enumerate(scores)],
            textposition="outside",
            textfont={"size": 12, "color": colours.ink},
            cliponaxis=False,
            marker={
                "color": [colours.convex if o == best else colours.dead for o in range(len(names))],
                "line": {"width": [2 if o == truth else 0 for o in range(len(names))], "color": colours.ink},
            },
            hovertemplate="%{y}: %{x:.3f}<extra></extra>",
        )
    )
    # room for the numbers beside the bars is part of the axis: in a narrow column Plotly gives up margins
    low, high = min(0.0, float(scores.min())), max(0.1, float(scores.max()))
    room = 0.5 * (high - low)
    figure.update_xaxes(visible=False, range=[low - room * (low < 0.0), high + room], fixedrange=True)
    figure.update_yaxes(
        type="category", autorange="reversed", showgrid=False, zeroline=False, fixedrange=True, tickmode="linear",
        tickfont={"size": 13, "color": colours.ink},
    )  # fmt: skip
    figure.update_layout(bargap=0.25)
    alt = f"{names[best]} has the largest score, {scores[best]:.2f}"
    if truth is None:
        alt += "."
    elif truth == best:
        alt += "; it is the true class."
    else:
        alt += f"; {names[truth]}, the true class, has {scores[truth]:.2f}."
    return Chart(figure, alt, {"class": list(names), "score": scores.tolist()}, "class-scores")


def _pictures(network: ListedNetwork, linear: _Array) -> _Array:
    """Filters of patches as images (m, H, W), colours averaged."""
    images = linear.reshape(len(linear), *network.geometry.filter_shape)
    return images.mean(axis=3) if images.ndim == 4 else images


def _edges(count: int, cells: int, first: float) -> _Array:
    """Borders of the cells of `count` tiles of length one, with a gap after each but the last."""
    tiles = [first + k * (1.0 + GAP) + np.arange(cells + 1) / cells for k in range(count)]
    return np.concatenate(tiles)


def _canvas(tiles: _Array) -> _Array:
    """Tiles (rows, columns, H, W) as one matrix, NaN between them."""
    rows, columns, height, width = tiles.shape
    z = np.full((rows * (height + 1), columns * (width + 1)), np.nan)
    for i in range(rows):
        for j in range(columns):
            top, left = i * (height + 1), j * (width + 1)
            z[top : top + height, left : left + width] = tiles[i, j]
    return z[:-1, :-1]


def _each_to_one(tiles: _Array) -> _Array:
    """Tiles (m, H, W), each divided by its largest entry."""
    each = np.abs(tiles).max(axis=(1, 2), keepdims=True, initial=0.0)
    return np.asarray(tiles / np.where(each > 0.0, each, 1.0))


def _heat(
    x: _Array, y: _Array, values: _Array, colours: Palette, shades: _Array | None = None, extent: float | None = None
) -> Any:
    """Values in shades that are full at `extent`, their largest; or in other shades from -1 to 1."""
    if extent is None:
        extent = float(np.nanmax(np.abs(values), initial=0.0))
    if shades is not None:
        extent = 1.0
    text = "%{z:.3g}" if shades is None else "%{customdata:.3g}"
    return draft.Heatmap(
        x=x,
        y=y,
        z=(values if shades is None else shades).astype(np.float32),
        customdata=None if shades is None else values.astype(np.float32),
        hovertemplate=f"{text}<extra></extra>",
        hoverongaps=False,
        colorscale=colours.diverging,
        zmin=-(extent or 1.0),
        zmax=extent or 1.0,
        showscale=False,
    )


def _axes(
    figure: Any,
    centres: Sequence[float],
    titles: Sequence[str],
    width: float,
    rows: int,
    colours: Palette,
    height: float | None = None,
    *,
    long: bool = False,
) -> None:
    """Square tiles with a title over each column and a hairline around nothing."""
    for x, title in zip(centres, titles, strict=True):
        figure.add_annotation(
            x=x, y=-0.06, text=title, showarrow=False, yanchor="bottom", xanchor="center",
            font={"size": 11 if long else 13, "color": colours.ink},
            textangle=-40 if long and title != titles[0] else 0,
        )  # fmt: skip
    tall = max(rows, 1) * (1.0 + GAP) if height is None else height
    figure.update_xaxes(
        visible=False, range=[-0.05, width], constrain="domain", constraintoward="left", fixedrange=True
    )
    top = -(TURNED_HEAD if long else HEAD)
    figure.update_yaxes(
        visible=False, range=[tall, top], constrain="domain", constraintoward="top", scaleanchor="x", fixedrange=True
    )


def _text(figure: Any, x: float, y: float, text: str, colour: str, size: int) -> None:
    figure.add_annotation(
        x=x, y=y, text=text, showarrow=False, xanchor="left", yanchor="middle", font={"size": size, "color": colour}
    )


def _score(value: float) -> str:
    """With two digits and a minus sign, of which zero has none."""
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "−")


def _signed(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{abs(value):.2f}"
