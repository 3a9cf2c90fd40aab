"""Many short rows: their largest entries and lengths, and work on them in parts that two threads share.

Numpy's reductions along a short last axis take ten times as long as passes over the columns, which give the same
numbers in the same order. Parts stay in the cache, and what is made of one on the way takes no memory to speak of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .threads import at_once

__all__ = ["halves", "in_parts", "norms", "peaks"]

_Array = NDArray[np.float64]
_R = TypeVar("_R")

# entries of a row below which numpy adds them up one after another, as passes over the columns do
_SHORT = 8
# numbers in a part, 1 MB
_PART = 1 << 17


def in_parts(work: Callable[[slice], _R], rows: int, entries: int = 1) -> list[_R]:
    """What `work` makes of each part of so many `rows` of so many `entries`, in order; two threads share the parts.

    Where a part begins does not depend on how many cores there are.

    Examples
    --------
    >>> in_parts(lambda part: part.stop - part.start, 300_000, 1)
    [131072, 131072, 37856]
    """
    size = max(1, _PART // max(1, entries))
    parts = [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
    if len(parts) < 2:
        return [work(part) for part in parts]
    even, odd = at_once(lambda own: [work(part) for part in own], [parts[::2], parts[1::2]])
    done = [*even, *odd]
    done[::2], done[1::2] = even, odd
    return done


def halves(rows: int) -> list[slice]:
    """Two parts of so many `rows`, where each part costs what is made of it besides.

    Examples
    --------
    >>> halves(5)
    [slice(0, 2, None), slice(2, 5, None)]
    """
    half = rows // 2
    return [slice(0, half), slice(half, rows)]


def peaks(rows: _Array) -> _Array:
    """Largest magnitude in each row (..., p).

    Examples
    --------
    >>> peaks(np.array([[1.0, -2.0], [0.0, 0.0]])).tolist()
    [2.0, 0.0]
    """
    p = rows.shape[-1]
    if not 0 < p < _SHORT:
        largest: _Array = np.abs(rows).max(axis=-1, initial=0.0)
        return largest
    largest = np.abs(rows[..., 0])
    for t in range(1, p):
        np.maximum(largest, np.abs(rows[..., t]), out=largest)
    return largest


def norms(rows: _Array) -> _Array:
    """Euclidean norm of each row (..., p), whose squares must not leave the range of doubles.

    Examples
    --------
    >>> norms(np.array([[3.0, -4.0], [0.0, 0.0]])).tolist()
    [5.0, 0.0]
    """
    p = rows.shape[-1]
    if not 0 < p < _SHORT:
        long: _Array = np.linalg.norm(rows, axis=-1)
        return long
    total: _Array = np.square(rows[..., 0])
    for t in range(1, p):
        total += np.square(rows[..., t])
    return np.sqrt(total, out=total)
