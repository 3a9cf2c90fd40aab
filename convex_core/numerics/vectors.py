"""Kernels: what several others do with vectors, in loops that may be put in another order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .jit import njit

__all__ = ["add", "dot"]

_Array = NDArray[np.float64]
_FAST = {"reassoc", "contract"}


@njit(borrowing=True, inner=True, fastmath=_FAST)
def dot(x: _Array, y: _Array) -> float:
    """Scalar product."""
    total = 0.0
    for t in range(len(x)):
        total += x[t] * y[t]
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def add(x: _Array, share: float, y: _Array) -> None:
    """Add ``share * y`` to `x`."""
    for t in range(len(x)):
        x[t] += share * y[t]
