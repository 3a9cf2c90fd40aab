"""Which cell a direction lies in."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrangement import Arrangement
from ..contracts.validation import finite_array
from ..errors import InputError

__all__ = ["cells_at"]


def cells_at(arrangement: Arrangement, directions: ArrayLike) -> NDArray[np.int64]:
    """Pattern (m,) of the cell that each direction (m, h) lies in: the sign of every hyperplane at that point.

    On a hyperplane the rule of the ReLU decides, 1[x . u >= 0], once for all rows that lie on it; where no cell has
    these signs (a point where many hyperplanes meet), the answer is -1.

    Raises
    ------
    InputError
        If `directions` is not a finite real matrix with h columns.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> plane = enumerate_patterns(np.eye(2))
    >>> plane.signs()[cells_at(plane, [[0.2, -3.0]])].tolist()
    [[1, -1]]
    """
    points = finite_array(directions, "directions", ndim=2)
    if points.shape[1] != arrangement.rows.shape[1]:
        raise InputError(f"directions: got {points.shape[1]} columns, expected {arrangement.rows.shape[1]}")
    positive = points @ arrangement.merged.rows.T >= 0.0
    index, sign = arrangement.merged.index, arrangement.merged.sign
    active = np.ones((len(points), len(index)), dtype=np.bool_)
    live = index >= 0
    active[:, live] = positive[:, index[live]] ^ (sign[live] < 0)
    return arrangement.index_of(active)
