"""Cells of an arrangement in the plane: the sectors of the circle between neighbouring lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arrangement import Arrangement
from ..contracts.records import record
from ..errors import InputError
from .locate import cells_at

__all__ = ["CircleCells", "circle_cells"]

_Floats = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class CircleCells:
    """Sectors of the unit circle, pattern by pattern.

    Attributes
    ----------
    start : ndarray (P,)
        Angle in [0, 2 pi) at which the sector of each pattern begins.
    width : ndarray (P,)
        Its angle in (0, pi]; all widths add up to 2 pi.
    """

    start: _Floats
    width: _Floats

    @property
    def centers(self) -> _Floats:
        """Unit vectors (P, 2) in the middle of the sectors."""
        middle = self.start + self.width / 2
        return np.column_stack([np.cos(middle), np.sin(middle)])


def circle_cells(arrangement: Arrangement) -> CircleCells:
    """Sector of every pattern of an arrangement of rows (N, 2).

    The M distinct lines cut the circle at 2 M angles; the sector between two of them belongs to the pattern of its
    middle.

    Raises
    ------
    InputError
        If the rows have not two columns, or are all zero, or two lines are too close to be told apart.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> cells = circle_cells(enumerate_patterns([[1.0, 0.0], [0.0, 1.0]]))
    >>> np.round(np.degrees(cells.width)).tolist()
    [90.0, 90.0, 90.0, 90.0]
    """
    rows = arrangement.merged.rows
    if arrangement.rows.shape[1] != 2 or len(rows) == 0:
        raise InputError(f"rows: got shape {arrangement.rows.shape} and {len(rows)} lines, expected lines in the plane")
    line = np.sort(np.arctan2(rows[:, 0], -rows[:, 1]) % np.pi)
    start = np.concatenate([line, line + np.pi])
    width = np.diff(np.append(start, start[0] + 2 * np.pi))
    middle = start + width / 2
    directions = np.column_stack([np.cos(middle), np.sin(middle)])
    pattern = cells_at(arrangement, directions)
    if not np.array_equal(np.sort(pattern), np.arange(arrangement.count)):
        raise InputError(f"rows: got {len(start)} sectors for {arrangement.count} patterns, expected as many")
    order = np.argsort(pattern)
    return CircleCells(start[order] % (2 * np.pi), width[order])
