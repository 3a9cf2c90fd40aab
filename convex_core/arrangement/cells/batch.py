"""Interior points and facets of many cells, each given by its signs: enumerated, sampled or found by a search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...contracts.records import record
from ...contracts.validation import finite_array, frozen
from ...errors import InputError
from ...numerics.cone_projection import cone_scratch
from ...numerics.jit import have_numba
from ...progress import around
from .geometry import cell_witness
from .kernel import facets_kernel, witness_kernel

__all__ = ["Witnesses", "cell_facets", "cell_witnesses"]

_Signs = NDArray[np.int8]
#: margins below this are left to the slower method
_THIN = 1e-7
# multiplications of cells that are looked at together
_AT_ONCE = 100_000_000


@record
@dataclass(frozen=True, slots=True)
class Witnesses:
    """One interior point per cell.

    Attributes
    ----------
    points : ndarray (m, h)
        Unit vectors with the largest distance to the hyperplanes among all points of the unit sphere in the cell.
    margins : ndarray (m,)
        That distance, in (0, 1]; inf for a cell without hyperplanes, and not positive where no interior point was
        found, because the signs belong to no cell or to one thinner than rounding.
    """

    points: NDArray[np.float64]
    margins: NDArray[np.float64]


def cell_witnesses(rows: ArrayLike, signs: ArrayLike) -> Witnesses:
    """Interior points of the cells {u : signs_ij rows_j . u > 0 for all j with signs_ij != 0}, i = 1..m.

    Every positive margin is computed from the point itself and all the rows.

    Parameters
    ----------
    rows : array_like (M, h)
        Normals of hyperplanes through the origin, of any lengths; zero rows are ignored.
    signs : array_like (m, M)
        Signs in {-1, 0, 1}; 0 states nothing.

    Raises
    ------
    InputError
        If the shapes or the signs are wrong.

    Examples
    --------
    >>> found = cell_witnesses([[2.0, 0.0], [0.0, 1.0]], [[1, 1], [1, -1]])
    >>> found.points.round(6).tolist(), found.margins.round(6).tolist()
    ([[0.707107, 0.707107], [0.707107, -0.707107]], [0.707107, 0.707107])
    """
    normals, sides = _prepare(rows, signs)
    points, margins = np.zeros((len(sides), normals.shape[1])), np.full(len(sides), -np.inf)
    if have_numba():
        M, h = normals.shape
        wide = np.zeros((h + 1, M))
        wide[:h] = normals.T
        scratch = cone_scratch(h + 1, M)
        for some in _parts(len(sides), M, h):
            witness_kernel(normals, sides[some], points[some], margins[some], wide, *scratch)
    for i in np.flatnonzero(margins < _THIN):
        oriented = sides[i, :, None] * normals
        oriented = oriented[sides[i] != 0]
        point, margin = cell_witness(oriented) if len(oriented) else (np.eye(normals.shape[1])[0], np.inf)
        if margin > margins[i]:
            points[i], margins[i] = point, margin
    return Witnesses(frozen(points), frozen(margins))


def cell_facets(rows: ArrayLike, signs: ArrayLike, *, witnesses: Witnesses | None = None) -> NDArray[np.bool_]:
    """Say which rows bound the cells {u : signs_ij rows_j . u > 0 for all j with signs_ij != 0}, as booleans (m, M).

    The marked rows describe the cell, and dropping any of them changes it; of parallel rows one is marked. A cell has
    about 2 (rank - 1) facets, however large M is. Source: Clarkson, More output-sensitive geometric algorithms, 1994.

    Parameters
    ----------
    rows : array_like (M, h)
        Normals of hyperplanes through the origin, of any lengths; zero rows are ignored.
    signs : array_like (m, M)
        Signs in {-1, 0, 1}; 0 states nothing.
    witnesses : Witnesses or None
        Interior points, where they are known.

    Raises
    ------
    InputError
        If the shapes or the signs are wrong, or signs belong to no cell.

    Examples
    --------
    >>> cell_facets([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [[1, 1, 1], [1, -1, 1]]).tolist()
    [[True, True, False], [False, True, True]]
    """
    normals, sides = _prepare(rows, signs)
    inside = cell_witnesses(normals, sides) if witnesses is None else witnesses
    if inside.points.shape != (len(sides), normals.shape[1]):
        raise InputError(
            f"witnesses: got points of shape {inside.points.shape}, expected {(len(sides), normals.shape[1])}"
        )
    empty = np.flatnonzero(~(inside.margins > 0))
    if empty.size:
        raise InputError(f"signs: got row {empty[0]} without an interior point, expected the signs of a cell")
    facet = np.zeros(sides.shape, dtype=np.bool_)
    step: NDArray[np.float64] = np.random.default_rng(0).standard_normal((normals.shape[1],))
    step /= float(np.linalg.norm(step))
    M, h = normals.shape
    points, margins = np.array(inside.points), np.minimum(inside.margins, 1.0)
    scratch = np.zeros((M, h)), np.zeros((h, M)), np.ones(M, np.int8), *cone_scratch(h, M)
    for some in _parts(len(sides), M, h):
        facets_kernel(normals, sides[some], points[some], margins[some], step, facet[some], *scratch)
    return facet


def _parts(m: int, M: int, h: int) -> Iterator[slice]:
    """The m cells in parts that take a moment each; the computation around may end between two of them."""
    step = max(1, _AT_ONCE // max(1, M * h * h))
    for start in range(0, m, step):
        if start:
            around().check("the cells were not all looked at")
        yield slice(start, min(m, start + step))


def _prepare(rows: ArrayLike, signs: ArrayLike) -> tuple[NDArray[np.float64], _Signs]:
    """Unit normals, and signs that are 0 for zero rows."""
    normals = finite_array(rows, "rows", ndim=2)
    sides = np.asarray(signs)
    if sides.ndim != 2 or sides.shape[1] != len(normals) or not np.isin(sides, (-1, 0, 1)).all():
        raise InputError(f"signs: got shape {sides.shape}, expected -1, 0 or 1 in an array (m, {len(normals)})")
    length = np.linalg.norm(normals, axis=1)
    unit = normals / np.where(length > 0, length, 1.0)[:, None]
    return np.ascontiguousarray(unit), np.ascontiguousarray(np.where(length > 0, sides, 0), dtype=np.int8)
