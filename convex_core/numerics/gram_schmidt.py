"""Kernel: one step of Gram-Schmidt, shared by the active-set kernels."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .jit import njit

__all__ = ["orthogonalise"]

_Array = NDArray[np.float64]


@njit(borrowing=True, inner=True)
def orthogonalise(Q: _Array, T: _Array, i: int, independent: float) -> bool:
    """Make row i of `Q` orthonormal to the rows before it; column i of `T` says how: old row = sum_m T[m, i] Q[m].

    Twice is enough for rounding accuracy (Kahan and Parlett). False, with `T[i, i]` unset, if what is left of the row
    is at most `independent` long.
    """
    p = Q.shape[1]
    for m in range(T.shape[0]):
        T[m, i] = 0.0
    for a in range(2 * i):  # both rounds in one loop: LLVM would write a loop of two out
        m = a - i if a >= i else a
        d = 0.0
        for t in range(p):
            d += Q[m, t] * Q[i, t]
        T[m, i] += d
        for t in range(p):
            Q[i, t] -= d * Q[m, t]
    d = 0.0
    for t in range(p):
        d += Q[i, t] * Q[i, t]
    d = math.sqrt(d)
    if d <= independent:
        return False
    T[i, i] = d
    for t in range(p):
        Q[i, t] /= d
    return True
