"""Filters as a grid of tiles in one heat map: strips for signals, small pictures for images, a label over each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry
from . import draft
from .colours import Palette

__all__ = ["TileGrid", "opacities", "signed_label", "tile_colours", "tile_grid", "tiles_of"]

#: Cells side by side that a narrow screen can still show, and tiles side by side that leave room for their labels.
MAX_CELLS, MAX_COLUMNS = 32, 6
#: Rows of strips and of pictures that fit on the first screen.
STRIP_ROWS, PICTURE_ROWS = 5, 3
#: Pixels of a row of strips and of pictures, with the label above.
STRIP_PIXELS, PICTURE_PIXELS = 40, 104
#: Opacity of a tile whose norm is next to nothing.
FAINTEST = 0.2

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Where `count` tiles of `height` x `width` cells lie, in units of one cell, y downwards.

    Attributes
    ----------
    count, height, width, columns : int
        Tiles, cells of a tile, tiles in a row.
    """

    count: int
    height: int
    width: int
    columns: int

    @property
    def rows(self) -> int:
        """Rows of tiles, at least one."""
        return max(1, math.ceil(self.count / self.columns))

    @property
    def label(self) -> float:
        """Height of the room over a tile for its label."""
        return 0.8 if self.height == 1 else 0.3 * self.height

    @property
    def gap(self) -> float:
        """Width between two tiles."""
        return 0.3 * self.width if self.height == 1 else 0.2 * self.width

    @property
    def pixels(self) -> int:
        """Height of the whole grid in pixels."""
        return self.rows * (STRIP_PIXELS if self.height == 1 else PICTURE_PIXELS)

    def canvas(self, tiles: _Array) -> _Array:
        """The values (count, height, width) as one matrix; gaps are NaN."""
        z = np.full((self.rows * (self.height + 1), self.columns * (self.width + 1) - 1), np.nan)
        for t, values in enumerate(tiles):
            i, j = divmod(t, self.columns)
            top, left = i * (self.height + 1) + 1, j * (self.width + 1)
            z[top : top + self.height, left : left + self.width] = values
        return z

    def edges(self) -> tuple[_Array, _Array]:
        """Borders of the columns and of the rows of :meth:`canvas`."""
        x = [j * (self.width + self.gap) + np.arange(self.width + 1) for j in range(self.columns)]
        y = [
            i * (self.height + self.label) + np.concatenate([[0.0], self.label + np.arange(self.height)])
            for i in range(self.rows)
        ]
        return np.concatenate(x), np.concatenate([*y, [self.rows * (self.height + self.label)]])

    def heatmap(
        self, tiles: _Array, numbers: Sequence[int], hover: str, strength: _Array | None = None, **style: Any
    ) -> Any:
        """A heat map trace; `hover` may use ``%{customdata}``, the number of the tile, and ``%{hovertext}``, the value.

        On a colour scale that is clear at 0, values times `strength` (count,) are tiles of that opacity.
        """
        x, y = self.edges()
        values = self.canvas(tiles)
        words = np.where(np.isnan(values), "", np.char.mod("%.3g", np.nan_to_num(values)))
        tiles = tiles if strength is None else tiles * strength[:, None, None]
        every = np.broadcast_to(np.asarray(numbers, dtype=float)[:, None, None], tiles.shape)
        return draft.Heatmap(
            x=x,
            y=y,
            z=self.canvas(tiles),
            customdata=self.canvas(every),
            hovertext=words,
            hovertemplate=hover + "<extra></extra>",
            hoverongaps=False,
            xgap=1,
            ygap=1,
            **style,
        )

    def labels(self, texts: Sequence[str], colours: Sequence[str]) -> Any:
        """A trace with one line of text over each tile."""
        places = [divmod(t, self.columns) for t in range(self.count)]
        return draft.Scatter(
            x=[j * (self.width + self.gap) for _, j in places],
            y=[i * (self.height + self.label) + 0.55 * self.label for i, _ in places],
            mode="text",
            text=list(texts),
            textposition="middle right",
            textfont={"color": list(colours), "size": 12},
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        )

    def fit_axes(self, figure: Any, **where: int) -> None:
        """Hide the axes and show the whole grid; pictures keep square cells."""
        x, y = self.edges()
        figure.update_xaxes(visible=False, range=[x[0], x[-1]], **where)
        figure.update_yaxes(visible=False, range=[y[-1], y[0]], **where)
        if self.height > 1:
            figure.update_xaxes(constrain="domain", **where)
            figure.update_yaxes(constrain="domain", scaleanchor="x", **where)


def tile_grid(count: int, height: int, width: int, *, wide: bool = False) -> TileGrid:
    """A grid that fits on the first screen where it can; a `wide` one has twice the columns.

    Examples
    --------
    >>> tile_grid(25, 1, 3).columns, tile_grid(4, 1, 10).columns, tile_grid(9, 3, 3).rows
    (5, 2, 3)
    """
    wanted = math.ceil(max(count, 1) / (STRIP_ROWS if height == 1 else PICTURE_ROWS))
    if height == 1 and width <= 10:
        wanted = max(wanted, 2)
    room = max(1, min(MAX_COLUMNS, MAX_CELLS // (width + 1)))
    times = 2 if wide else 1
    return TileGrid(count, height, width, max(1, min(times * wanted, times * room, max(count, 1))))


def tiles_of(geometry: PatchGeometry, filters: _Array) -> _Array:
    """Filters (T, h) as matrices (T, H, W); that of a signal is one row, channels are averaged.

    Several filters of h entries in one row, (T, q h), are q rows of a tile. Biases are a column of their own on the
    right, behind an empty one.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> tiles_of(patch_geometry((4, 4), 2), np.ones((5, 4))).shape
    (5, 2, 2)
    """
    several = filters.reshape(len(filters), filters.shape[1] // geometry.h, geometry.h)
    tiles = several[:, :, : geometry.window]
    if filters.shape[1] == geometry.h and len(geometry.filter_shape) > 1:
        images = tiles.reshape(len(filters), *geometry.filter_shape)
        tiles = images.mean(axis=3) if images.ndim == 4 else images
    if not geometry.biased:
        return tiles
    height = tiles.shape[1]
    biases = np.broadcast_to(several[:, :, -1:], (len(filters), height, 1))
    return np.concatenate([tiles, np.full((len(filters), height, 1), np.nan), biases], axis=2)


def signed_label(norm: float, sign: float) -> str:
    """Group norm with the sign of the output weight; a dead filter is 0.

    Examples
    --------
    >>> signed_label(0.123, -1), signed_label(0.0, 1)
    ('−0.12', '0')
    """
    return "0" if norm == 0.0 else f"{'+' if sign > 0 else '−'}{norm:.2g}"


def opacities(norms: _Array) -> _Array:
    """Opacity of each tile: the square root of its group norm relative to the largest, so that the faint can be read.

    A dead one is 0.

    Examples
    --------
    >>> opacities(np.array([2.0, 1.0, 0.0])).round(3).tolist()
    [1.0, 0.766, 0.0]
    """
    share: _Array = norms / (norms.max(initial=0.0) or 1.0)
    return np.where(norms > 0.0, FAINTEST + (1.0 - FAINTEST) * np.sqrt(share), 0.0)


def tile_colours(norms: _Array, signs: Sequence[float], colours: Palette) -> list[str]:
    """Colour of each label.

    Examples
    --------
    >>> from convex_core.figures import LIGHT
    >>> tile_colours(np.array([0.0, 2.0]), [1, -1], LIGHT) == [LIGHT.muted, LIGHT.negative]
    True
    """
    return [colours.muted if n == 0.0 else colours.sign(s) for n, s in zip(norms, signs, strict=True)]
