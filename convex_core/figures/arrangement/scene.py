"""What every picture of an arrangement is drawn from, and the parts that they share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrangement import Arrangement
from ...errors import InputError
from ...geometry import CircleCells, SphereCells, Usage
from .. import draft
from ..colours import LIGHT, Palette
from .paint import CellData, Paint, hyperplane_patches, patch_colours

__all__ = ["MAX_FILLED", "FilterMarks", "Scene"]

#: with more cells than this, they are not drawn one by one: a figure would have more than a megabyte
MAX_FILLED = 6_500

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FilterMarks:
    """Filters to draw: directions (m, q) in the picture's coordinates, signs and group norms (m,)."""

    directions: _Floats
    signs: _Floats
    norms: _Floats

    def unit(self) -> _Floats:
        """Directions of length 1."""
        unit: _Floats = self.directions / np.linalg.norm(self.directions, axis=1, keepdims=True)
        return unit

    def hover(self) -> list[str]:
        """One line a filter."""
        return [
            f"filter {j + 1}: output weight {'+' if s > 0 else '−'}, group norm {v:.3g}"
            for j, (s, v) in enumerate(zip(self.signs, self.norms, strict=True))
        ]


@dataclass(frozen=True, slots=True)
class Scene:
    """An arrangement in the plane or in space, and how it is to be drawn.

    Attributes
    ----------
    arrangement : Arrangement
        Of rows (K n, 2) or (K n, 3), patch by patch.
    paint, data : Paint, CellData
        Colours of the cells and what to say about them.
    shapes : CircleCells, SphereCells or None
        All its cells; None if there are more than 6,500: then the hyperplanes are drawn, the cells between them in two
        greys where the picture can, and only cells with a meaning one by one.
    K : int
        Number of patches; hyperplanes of one patch share a colour.
    filters : FilterMarks or None
        Filters, drawn as circles for positive and diamonds for negative output weights.
    selected : int or None
        Cell with an outline.
    axes : tuple of str
        Names of the coordinates.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If K does not divide the number of rows, or there are more than 6,500 shapes.
    """

    arrangement: Arrangement
    paint: Paint
    data: CellData
    shapes: CircleCells | SphereCells | None
    K: int = 1
    filters: FilterMarks | None = None
    selected: int | None = None
    axes: tuple[str, ...] = ("u₁", "u₂", "u₃")
    colours: Palette = LIGHT

    def __post_init__(self) -> None:
        rows = len(self.arrangement.rows)
        if self.K < 1 or rows % self.K:
            raise InputError(f"K: got {self.K}, expected a divisor of {rows} rows")
        if self.shapes is not None and self.arrangement.count > MAX_FILLED:
            raise InputError(
                f"shapes: got {self.arrangement.count} cells, expected at most {MAX_FILLED} to draw one by one"
            )

    @property
    def lines(self) -> int:
        """Number of hyperplanes."""
        return len(self.arrangement.merged.rows)

    def bundles(self) -> Iterator[tuple[int, str, _Floats]]:
        """Patches that have hyperplanes of their own: number, colour and normals."""
        patch = hyperplane_patches(self.arrangement, self.K)
        for k, colour in enumerate(patch_colours(self.K, self.colours)):
            own = self.arrangement.merged.rows[patch == k]
            if len(own):
                yield k, colour, own

    def marks(self) -> FilterMarks | None:
        """The filters, if there are any."""
        return self.filters if self.filters is not None and len(self.filters.directions) else None

    def alt(self, shape: str, curves: str) -> str:
        """What the picture shows, in numbers."""
        used = [(int(np.count_nonzero(self.data.usage == u)), u.text) for u in Usage if u is not Usage.UNUSED]
        uses = ", ".join(f"{count} with {text}" for count, text in used if count) or "none is used"
        N = len(self.arrangement.rows)
        return (
            f"The {shape} cut by {self.lines} {curves} ({N} patch rows of {self.K} patches) into "
            f"{self.arrangement.count} cells; "
            f"{self.data.active.min()} to {self.data.active.max()} of {N} entries active; {uses}."
        )

    def shares(self) -> _Floats:
        """Share (P,) of all directions of each cell that is drawn."""
        if self.shapes is None:
            return np.zeros(0)
        if isinstance(self.shapes, CircleCells):
            return self.shapes.width / (2 * math.pi)
        return self.shapes.areas / (4 * math.pi)

    def table(self) -> dict[str, list[Any]]:
        """The cells that are drawn one by one: all of them, or those with a filter."""
        if self.shapes is None:
            return self.data.table(np.flatnonzero(self.data.usage > 0))
        sizes, centers = self.shares(), self.shapes.centers
        return {
            **self.data.table(np.arange(len(sizes))),
            "share of all directions": sizes.tolist(),
            **{f"{axis} inside": centers[:, j].tolist() for j, axis in enumerate(self.axes[: centers.shape[1]])},
        }


def joined(curves: Sequence[_Floats]) -> _Floats:
    """Curves in one array, each followed by NaN."""
    gap = np.full((1, curves[0].shape[1]), np.nan)
    return np.concatenate([part for curve in curves for part in (curve, gap)])


def line_trace(points: _Floats, colour: str, width: float, **more: Any) -> Any:
    """Curves in the plane, or with points (V, 3) in space."""
    kind = draft.Scatter3d if points.shape[1] == 3 else draft.Scatter
    return kind(
        **dict(zip("xyz", np.ascontiguousarray(points.T, dtype=np.float32), strict=False)),
        mode="lines",
        line={"color": colour, "width": width},
        **{"hoverinfo": "skip", "showlegend": False, **more},
    )


def fill_trace(points: _Floats, colour: str, **more: Any) -> Any:
    """Filled regions of the plane, separated by NaN."""
    return line_trace(points, colour, 0, fill="toself", fillcolor=colour, **more)


def filter_trace(spots: _Floats, filters: FilterMarks, shown: NDArray[np.bool_], colours: Palette) -> Any:
    """Those of the filters that are shown, at their spots (m, 2) or (m, 3)."""
    kind, size = (draft.Scatter3d, 7) if spots.shape[1] == 3 else (draft.Scatter, 13)
    return kind(
        **dict(zip("xyz", spots[shown].T, strict=False)),
        mode="markers",
        marker={
            "size": size,
            "color": [colours.sign(s) for s in filters.signs[shown]],
            "symbol": ["circle" if s > 0 else "diamond" for s in filters.signs[shown]],
            "line": {"color": colours.paper, "width": 2},
            "opacity": 1,
        },
        text=[text for text, here in zip(filters.hover(), shown, strict=True) if here],
        hovertemplate="%{text}<extra></extra>",
        name="filters of the optimum",
        showlegend=False,
    )


def plain_axes(figure: Any, x: tuple[float, float], y: tuple[float, float]) -> None:
    """No axes, equal scales, nothing to drag."""
    figure.update_layout(
        xaxis={"visible": False, "range": x, "constrain": "domain", "fixedrange": True},
        yaxis={"visible": False, "range": y, "scaleanchor": "x", "constrain": "domain", "fixedrange": True},
        hovermode="closest",
        dragmode=False,
        showlegend=False,
    )
