"""Which cells a solution uses."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrangement import Arrangement

__all__ = ["Usage", "cell_usage"]


class Usage(IntEnum):
    """What lives in a cell."""

    UNUSED = 0
    POSITIVE = 1
    NEGATIVE = 2
    BOTH = 3

    @property
    def text(self) -> str:
        """For people."""
        return ("unused", "positive filter", "negative filter", "filters of both signs")[self]


def cell_usage(arrangement: Arrangement, active: ArrayLike, signs: ArrayLike) -> NDArray[np.int8]:
    """Usage (P,) of every cell, from the patterns (m, N) of m filters and the signs (m,) of their output weights.

    Patterns that are no cell of `arrangement` (a slice may not meet their cell) are passed over.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> line = enumerate_patterns([[1.0]])
    >>> cell_usage(line, line.active(), [1.0, -1.0]).tolist()
    [1, 2]
    """
    usage = np.zeros(arrangement.count, dtype=np.int8)
    patterns = np.asarray(active, dtype=np.bool_).reshape(-1, len(arrangement.rows))
    if len(patterns):
        cells = arrangement.index_of(patterns)
        for sign, value in ((1.0, Usage.POSITIVE), (-1.0, Usage.NEGATIVE)):
            usage[cells[(np.sign(np.asarray(signs)) == sign) & (cells >= 0)]] |= np.int8(value)
    return usage
