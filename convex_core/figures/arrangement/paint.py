"""Colours of cells and of hyperplanes, the same in every picture of an arrangement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...arrangement import Arrangement
from ...errors import InputError
from ...geometry import Usage
from ..colours import LIGHT, Palette, rgb

__all__ = [
    "MODES",
    "CellData",
    "Mode",
    "Paint",
    "blend",
    "first_rows",
    "hyperplane_patches",
    "paint_cells",
    "patch_colours",
]

Mode = Literal["usage", "active", "plain"]
MODES: tuple[Mode, ...] = ("usage", "active", "plain")
#: steps of the scale for the number of active entries
LEVELS = 16


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour for every cell: cell p has colour ``colours[index[p]]``, which stands for ``names[index[p]]``.

    With `two_greys` the first two are the greys of cells without a meaning of their own.
    """

    index: NDArray[np.int64]
    colours: tuple[str, ...]
    names: tuple[str, ...]
    two_greys: bool


@dataclass(frozen=True, slots=True)
class CellData:
    """What is known about every cell besides its shape.

    Attributes
    ----------
    number : ndarray (P,) of int64
        The cell's number for the reader; in a slice, that in the whole arrangement.
    active : ndarray (P,) of int64
        Number of active entries of the pattern.
    usage : ndarray (P,) of int8
        Values of :class:`~convex_core.geometry.Usage`.
    """

    number: NDArray[np.int64]
    active: NDArray[np.int64]
    usage: NDArray[np.int8]

    def table(self, cells: NDArray[np.int64]) -> dict[str, list[Any]]:
        """Columns about the given cells."""
        return {
            "cell": self.number[cells].tolist(),
            "active entries": self.active[cells].tolist(),
            "usage": [Usage(int(u)).text for u in self.usage[cells]],
        }

    def hover(self, cells: Sequence[int]) -> dict[str, Any]:
        """Custom data (number, active entries), text and hover template for points in the given cells."""
        at = np.array(cells, dtype=np.int64)
        return {
            # lists: a typed array comes back from a click as a mapping
            "customdata": np.column_stack([self.number[at], self.active[at]]).tolist(),
            "text": [Usage(int(u)).text for u in self.usage[at]],
            "hovertemplate": "cell %{customdata[0]}: %{customdata[1]} active, %{text}<extra></extra>",
        }


def paint_cells(arrangement: Arrangement, data: CellData, mode: Mode = "usage", *, colours: Palette = LIGHT) -> Paint:
    """Colour the cells by usage, by number of active entries, or plainly.

    Cells without a meaning of their own get two greys, by the parity of the hyperplanes they lie on the positive side
    of: two cells with a common facet never have the same.

    Raises
    ------
    InputError
        If there is no such mode.
    """
    if mode not in MODES:
        raise InputError(f"mode: got {mode!r}, expected one of {', '.join(MODES)}")
    if mode == "active":
        low, high = int(data.active.min()), int(data.active.max())
        level = np.round((data.active - low) / max(high - low, 1) * (LEVELS - 1)).astype(np.int64)
        steps = [low + (high - low) * k / (LEVELS - 1) for k in range(LEVELS)]
        return Paint(
            level,
            tuple(colours.ordered(k / (LEVELS - 1)) for k in range(LEVELS)),
            tuple(f"about {s:.0f} active" for s in steps),
            False,
        )
    greys = (blend(colours.paper, colours.ink, 0.06), blend(colours.paper, colours.ink, 0.13))
    parity = _parity(arrangement)
    if mode == "plain":
        return Paint(parity, greys, ("cell", "cell"), True)
    index = np.where(data.usage == Usage.UNUSED, parity, data.usage.astype(np.int64) + 1)
    names = ("unused", "unused", *(u.text for u in Usage if u is not Usage.UNUSED))
    return Paint(index, (*greys, colours.positive, colours.negative, colours.muted), names, True)


def first_rows(arrangement: Arrangement) -> NDArray[np.int64]:
    """The first row (M,) on each distinct hyperplane."""
    live = np.flatnonzero(arrangement.merged.index >= 0)
    return live[np.unique(arrangement.merged.index[live], return_index=True)[1]]


def hyperplane_patches(arrangement: Arrangement, K: int) -> NDArray[np.int64]:
    """Patch k (0-based) that each distinct hyperplane comes from, the first one if several rows share it."""
    return first_rows(arrangement) // (len(arrangement.rows) // K)


def patch_colours(K: int, colours: Palette) -> list[str]:
    """One Cividis colour for each patch, in order; thin lines on a dark page need the lighter end."""
    start = 0.3 if colours.dark else 0.0
    return [colours.ordered(start + (1 - start) * k / max(K - 1, 1)) for k in range(K)]


def blend(low: str, high: str, t: float) -> str:
    """Mix two hex colours.

    Examples
    --------
    >>> blend("#000000", "#FFFFFF", 0.5)
    'rgb(128,128,128)'
    """
    mixed = (round(a * (1 - t) + b * t) for a, b in zip(rgb(low), rgb(high), strict=True))
    return "rgb(" + ",".join(str(c) for c in mixed) + ")"


def _parity(arrangement: Arrangement) -> NDArray[np.int64]:
    first = first_rows(arrangement)
    parity = [active[:, first].sum(axis=1) % 2 for _, active in arrangement.chunks()]
    return np.concatenate(parity).astype(np.int64)
