"""Kernels: loops over columns, the products of the rows that count on a cone with each of its vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...numerics.jit import njit

__all__ = [
    "DECIDED",
    "at",
    "bend",
    "between",
    "combined",
    "decided",
    "hidden",
    "linearised",
    "positive",
    "sums",
    "undecided",
]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]

#: a row is decided on a cone when its products with the vertices change sign by no more than this
DECIDED = 1e-11
_FAST = {"reassoc", "contract"}


@njit(borrowing=True, inner=True, fastmath=_FAST)
def sums(products: _Array, offset: _Index, plus: _Array, minus: _Array) -> None:
    """For each row of the columns the sums over all vertices, by their sign."""
    count = len(plus)
    for s in range(count):
        plus[s] = 0.0
        minus[s] = 0.0
    for p in range(len(offset)):
        column = products[offset[p] : offset[p] + count]
        for s in range(count):
            d = column[s]
            plus[s] += d if d > 0.0 else 0.0
            minus[s] -= d if d < 0.0 else 0.0


@njit(borrowing=True, inner=True, fastmath=_FAST)
def decided(c: _Array, plus: _Array, minus: _Array, linear: _Array) -> None:
    """Write the coefficients of the rows that are decided, and not 0, into `linear`, 0 for the others."""
    for s in range(len(c)):
        linear[s] = c[s] if (plus[s] > DECIDED) & (minus[s] <= DECIDED) else 0.0


@njit(borrowing=True, inner=True, fastmath=_FAST)
def hidden(c: _Array, plus: _Array, minus: _Array) -> float:
    """What convex rows that are decided to within DECIDED may hide."""
    total = 0.0
    for s in range(len(c)):
        zero = plus[s] if plus[s] <= DECIDED else 0.0
        linear = minus[s] if (plus[s] > DECIDED) & (minus[s] <= DECIDED) else 0.0
        total += c[s] * (zero + linear)
    return total


@njit(borrowing=True, inner=True)
def undecided(plus: _Array, minus: _Array, start: int, stop: int, keep: _Index, kept: int) -> int:
    """Write which rows from `start` to `stop` are undecided into `keep`, behind `kept` others; how many are there."""
    for s in range(start, stop):
        keep[kept] = s
        kept += (plus[s] > DECIDED) & (minus[s] > DECIDED)
    return kept


@njit(borrowing=True, inner=True, fastmath=_FAST)
def between(w0: float, d0: _Array, w1: float, d1: _Array, d: _Array) -> None:
    """Products with a vertex that is ``w0`` of one and ``w1`` of another."""
    for s in range(len(d)):
        d[s] = w0 * d0[s] + w1 * d1[s]


@njit(borrowing=True, inner=True, fastmath=_FAST)
def positive(c: _Array, d: _Array) -> float:
    """Sum of ``c * max(d, 0)``."""
    total = 0.0
    for s in range(len(c)):
        total += c[s] * (d[s] if d[s] > 0.0 else 0.0)
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def bend(c: _Array, d0: _Array, d1: _Array) -> float:
    """How much rows with the products `d0` and `d1` at the ends of an edge bend along it."""
    total = 0.0
    for s in range(len(c)):
        up = d0[s] if d0[s] < -d1[s] else -d1[s]
        down = d1[s] if d1[s] < -d0[s] else -d0[s]
        total += abs(c[s]) * ((up if up > 0.0 else 0.0) + (down if down > 0.0 else 0.0))
    return total


@njit(borrowing=True, inner=True, fastmath=_FAST)
def combined(products: _Array, offset: _Index, x: _Array, start: int, d: _Array) -> None:
    """Write ``D.T x`` into `d`, for the rows of the columns D from `start`, two columns at a time; x >= 0."""
    h = len(offset)
    count = len(d)
    for s in range(count):
        d[s] = 0.0
    p = 0
    while p < h:
        q = p + 1
        while q < h and x[q] <= 0.0:
            q += 1
        w0 = x[p]
        d0 = products[offset[p] + start : offset[p] + start + count]
        if q < h:
            w1 = x[q]
            d1 = products[offset[q] + start : offset[q] + start + count]
            for s in range(count):
                d[s] += w0 * d0[s] + w1 * d1[s]
        else:
            for s in range(count):
                d[s] += w0 * d0[s]
        p = q + 1


@njit(borrowing=True, inner=True, fastmath=_FAST)
def at(c: _Array, products: _Array, offset: _Index, x: _Array, d: _Array) -> float:
    """Sum of ``c * max(D.T x, 0)`` over the rows of the columns D; `d` is overwritten."""
    combined(products, offset, x, 0, d)
    return positive(c, d)


@njit(borrowing=True, inner=True, fastmath=_FAST)
def linearised(c: _Array, products: _Array, offset: _Index, x: _Array, start: int, slope: _Array) -> None:
    """Write the slopes of ``c * max(d, 0)`` where d is ``D.T x``, for the rows of the columns D from `start`."""
    combined(products, offset, x, start, slope)
    for s in range(len(c)):
        slope[s] = c[s] if slope[s] > 0.0 else 0.0
