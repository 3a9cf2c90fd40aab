"""Slices through the origin: an arrangement in many dimensions, restricted to a plane or a space that can be drawn.

A cell of the slice is where a cell of the whole arrangement meets it, and different cells of the slice belong to
different cells of the whole; cells that the slice does not meet are not seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.validation import finite_array, integer
from ..errors import InputError

__all__ = ["principal_directions", "restrict", "spanned_directions"]

_Floats = NDArray[np.float64]
#: a row whose part in the slice is below this, relative to its length, is orthogonal to the slice
_ORTHOGONAL = 1e-12


def principal_directions(rows: ArrayLike, dimension: int) -> _Floats:
    """Orthonormal columns (h, dimension) along which the rows (N, h) are longest: the leading right singular vectors.

    Raises
    ------
    InputError
        If `dimension` is not between 1 and h.

    Examples
    --------
    >>> np.abs(principal_directions([[3.0, 0.0], [0.0, 1.0]], 1)).tolist()
    [[1.0], [0.0]]
    """
    array = finite_array(rows, "rows", ndim=2)
    count = integer(dimension, "dimension", maximum=array.shape[1])
    # full_matrices: with fewer rows than dimensions the rest is any complement
    return np.ascontiguousarray(np.linalg.svd(array)[2][:count].T)


def spanned_directions(vectors: ArrayLike, rows: ArrayLike, dimension: int) -> _Floats:
    """Orthonormal columns (h, dimension) that span the first independent `vectors` (m, h).

    The first column points along the first vector. Too few vectors are completed by principal directions of `rows`.

    Raises
    ------
    InputError
        If `dimension` is not between 1 and h.

    Examples
    --------
    >>> spanned_directions([[0.0, 2.0, 0.0]], np.diag([3.0, 2.0, 1.0]), 2)[:, 0].tolist()
    [0.0, 1.0, 0.0]
    """
    given = np.asarray(vectors, dtype=np.float64).reshape(-1, finite_array(rows, "rows", ndim=2).shape[1])
    h = given.shape[1]
    count = integer(dimension, "dimension", maximum=h)
    basis: list[_Floats] = []
    for vector in [*given, *principal_directions(rows, h).T]:
        rest = np.array(vector, dtype=np.float64)
        for _ in range(2):  # once more: the first pass loses digits
            for b in basis:
                rest -= (rest @ b) * b
        length = np.linalg.norm(rest)
        if length > 1e-6 * np.linalg.norm(vector):
            basis.append(rest / length)
        if len(basis) == count:
            break
    return np.column_stack(basis)


def restrict(rows: ArrayLike, basis: ArrayLike) -> _Floats:
    """Rows (N, q) of the arrangement inside the slice spanned by the orthonormal columns `basis` (h, q).

    A row orthogonal to the slice becomes exactly zero.

    Raises
    ------
    InputError
        If the shapes do not fit.

    Examples
    --------
    >>> restrict([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]], np.eye(3)[:, :2]).tolist()
    [[1.0, 2.0], [0.0, 0.0]]
    """
    array, columns = finite_array(rows, "rows", ndim=2), finite_array(basis, "basis", ndim=2)
    if array.shape[1] != columns.shape[0]:
        raise InputError(f"basis: got shape {columns.shape}, expected ({array.shape[1]}, q)")
    inside = array @ columns
    gone = np.linalg.norm(inside, axis=1) <= _ORTHOGONAL * np.linalg.norm(array, axis=1)
    inside[gone] = 0.0
    return inside
