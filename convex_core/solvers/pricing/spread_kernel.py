"""Kernel: directions that are no near copies of better ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import ZERO, njit

__all__ = ["keep_apart"]


@njit(borrowing=True)
def keep_apart(unit: NDArray[np.float64], side: NDArray[np.int8], near: float, kept: NDArray[np.int64]) -> int:
    """Fill `kept` with positions of directions that have a cosine of at most `near` with each one kept before.

    Parameters
    ----------
    unit : (m, h)
        Unit directions, best first.
    side : (m,)
        Only directions of one side are copies of each other.
    near : float
        Cosine of near copies.
    kept : (want,)
        Filled from the front.

    Returns
    -------
    count : int
        How many are kept.
    """
    count = ZERO
    for i in range(len(unit)):
        if count == len(kept):
            break
        free = True
        for k in range(count):
            if free and side[kept[k]] == side[i]:
                cosine = 0.0
                for t in range(unit.shape[1]):
                    cosine += unit[i, t] * unit[kept[k], t]
                free = cosine <= near
        if free:
            kept[count] = i
            count += 1
    return count
