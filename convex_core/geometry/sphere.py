"""Cells of an arrangement in space: convex polygons on the unit sphere, their sides arcs of great circles.

Which hyperplanes bound a cell comes from the enumeration, so that every polygon is the cell of its pattern by
construction. A cell with f >= 3 facets has f corners, each on two of them: of the f (f - 1) / 2 intersections of two
facets they are the f that violate the others least.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrangement import Arrangement
from ..contracts.records import record
from ..errors import InputError

__all__ = ["SphereCells", "sphere_cells"]

_Floats = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class SphereCells:
    """Spherical polygons, pattern by pattern: the corners of pattern p are ``vertices[offsets[p] : offsets[p + 1]]``.

    Attributes
    ----------
    offsets : ndarray (P + 1,) of int64
        Where the corners of each polygon begin.
    vertices : ndarray (V, 3)
        Unit vectors, counter-clockwise seen from outside; neighbours are joined by the shorter arc. Half-circles (the
        sides of cells of an arrangement of rank below 3) have one more point in the middle.
    centers : ndarray (P, 3)
        A unit vector inside each cell.
    areas : ndarray (P,)
        Areas in steradian; they add up to 4 pi.
    """

    offsets: NDArray[np.int64]
    vertices: _Floats
    centers: _Floats
    areas: _Floats

    def __len__(self) -> int:
        return len(self.centers)

    def polygon(self, p: int) -> _Floats:
        """Corners (f, 3) of the polygon of pattern p."""
        return self.vertices[self.offsets[p] : self.offsets[p + 1]]


def sphere_cells(arrangement: Arrangement, patterns: ArrayLike | None = None) -> SphereCells:
    """Polygons of the `patterns` (m,), all by default, of an arrangement of rows (N, 3).

    Raises
    ------
    InputError
        If the rows have not three columns, or are all zero.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> cells = sphere_cells(enumerate_patterns([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]))
    >>> len(cells), len(cells.vertices), bool(np.allclose(cells.areas, np.pi / 2))
    (8, 24, True)
    """
    if arrangement.rows.shape[1] != 3 or arrangement.rank == 0:
        raise InputError(
            f"rows: got shape {arrangement.rows.shape} and rank {arrangement.rank}, expected planes in space"
        )
    facets = arrangement.facets(patterns)
    rows = arrangement.rows[facets.rows]
    normals = facets.signs[:, None] * rows / np.linalg.norm(rows, axis=1, keepdims=True)
    sides = np.diff(facets.offsets)
    corners = np.where(sides < 3, 4, sides)
    offsets = np.concatenate([[0], np.cumsum(corners)])
    vertices = np.empty((offsets[-1], 3))
    centers = np.empty((len(sides), 3))
    for f in np.unique(sides):
        cells = np.flatnonzero(sides == f)
        own = normals[facets.offsets[cells, None] + np.arange(f)]
        points, middle = _hemisphere(own) if f == 1 else _lune(own) if f == 2 else _polygon(own)
        vertices[offsets[cells, None] + np.arange(points.shape[1])] = points
        centers[cells] = middle
    return SphereCells(offsets, vertices, centers, _areas(offsets, vertices, centers))


def _hemisphere(normals: _Floats) -> tuple[_Floats, _Floats]:
    axis = normals[:, 0]
    x = _unit(np.cross(axis, np.eye(3)[np.abs(axis).argmin(axis=1)]))
    y = np.cross(axis, x)
    return np.stack([x, y, -x, -y], axis=1), axis


def _lune(normals: _Floats) -> tuple[_Floats, _Floats]:
    a, b = normals[:, 0], normals[:, 1]
    cosine = np.einsum("mi,mi->m", a, b)[:, None]
    tip, on_a, on_b = _unit(np.cross(a, b)), _unit(b - cosine * a), _unit(a - cosine * b)
    return _counter_clockwise(np.stack([tip, on_a, -tip, on_b], axis=1), _unit(on_a + on_b))


def _polygon(normals: _Floats) -> tuple[_Floats, _Floats]:
    m, f, _ = normals.shape
    i, j = np.triu_indices(f, 1)
    meeting = _unit(np.cross(normals[:, i], normals[:, j]))
    values = np.einsum("mpc,mfc->mpf", meeting, normals)
    other = (np.arange(f) != i[:, None]) & (np.arange(f) != j[:, None])
    inside = np.where(other, values, np.inf).min(axis=2)
    outside = np.where(other, -values, np.inf).min(axis=2)
    meeting = np.where((outside > inside)[..., None], -meeting, meeting)
    best = np.argsort(-np.maximum(inside, outside), axis=1)[:, :f]
    points = meeting[np.arange(m)[:, None], best]
    return _counter_clockwise(points, _unit(points.sum(axis=1)))


def _counter_clockwise(points: _Floats, middle: _Floats) -> tuple[_Floats, _Floats]:
    """Sort points (m, f, 3) by their angle around the axes (m, 3); a convex polygon is seen whole from inside."""
    x = _unit(np.cross(middle, np.eye(3)[np.abs(middle).argmin(axis=1)]))
    y = np.cross(middle, x)
    angle = np.arctan2(np.einsum("mfc,mc->mf", points, y), np.einsum("mfc,mc->mf", points, x))
    order = np.argsort(angle, axis=1)
    return np.take_along_axis(points, order[..., None], axis=1), middle


def _areas(offsets: NDArray[np.int64], vertices: _Floats, centers: _Floats) -> _Floats:
    """Sum of the triangles between the centre and the sides (Van Oosterom & Strackee 1983)."""
    corners = np.diff(offsets)
    following = np.arange(1, len(vertices) + 1)
    following[offsets[1:] - 1] = offsets[:-1]
    a, b, c = np.repeat(centers, corners, axis=0), vertices, vertices[following]
    ab, bc, ca = (np.einsum("vi,vi->v", p, q) for p, q in ((a, b), (b, c), (c, a)))
    triangle = 2.0 * np.arctan2(np.einsum("vi,vi->v", a, np.cross(b, c)), 1.0 + ab + bc + ca)
    areas: _Floats = np.add.reduceat(triangle, offsets[:-1])
    return areas


def _unit(vectors: _Floats) -> _Floats:
    lengths: _Floats = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(float).tiny)
