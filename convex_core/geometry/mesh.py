"""Triangles of spherical polygons, fine enough to look round."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .projection import arc
from .sphere import SphereCells

__all__ = ["triangulate"]

#: longest side of a triangle in radians, about, and radius up to which a polygon is one fan
STEP = 0.25
FLAT = 0.2
#: corners that agree when rounded to this many steps a unit are one
_GRID = 1 << 20

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


def triangulate(cells: SphereCells) -> tuple[_Floats, _Ints, _Ints]:
    """Triangles of all polygons.

    Small polygons are fans of their corners, which neighbours share; large ones get rings around their centre. No
    triangle crosses a side.

    Returns
    -------
    points : ndarray (V, 3)
        Unit vectors.
    triangles : ndarray (T, 3) of int64
        Corners, counter-clockwise from outside.
    cell : ndarray (T,) of int64
        The polygon each triangle belongs to.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> from convex_core.geometry import sphere_cells
    >>> points, triangles, cell = triangulate(sphere_cells(enumerate_patterns(np.eye(3))))
    >>> bool(np.allclose(np.linalg.norm(points, axis=1), 1.0)), len(np.unique(cell))
    (True, 8)
    """
    corners = np.diff(cells.offsets)
    height = np.einsum("vi,vi->v", cells.vertices, np.repeat(cells.centers, corners, axis=0))
    radius = np.arccos(np.clip(np.minimum.reduceat(height, cells.offsets[:-1]), -1.0, 1.0))
    small = radius < FLAT
    shared, at = _distinct(cells.vertices)
    points: list[_Floats] = [shared]
    triangles: list[_Ints] = [at[_fans(cells.offsets, small)]]
    owners: list[_Ints] = [np.repeat(np.flatnonzero(small), corners[small] - 2)]
    begin = len(shared)
    for p in np.flatnonzero(~small):
        own, faces = _rings(arc(cells.polygon(int(p)), STEP)[:-1], cells.centers[p], float(radius[p]))
        points.append(own)
        triangles.append(faces + begin)
        owners.append(np.full(len(faces), p))
        begin += len(own)
    every, used = np.concatenate(triangles), np.zeros(begin, dtype=np.bool_)
    used[every] = True
    return np.concatenate(points)[used], (np.cumsum(used) - 1)[every], np.concatenate(owners)


def _distinct(vertices: _Floats) -> tuple[_Floats, _Ints]:
    """One of each group of corners that are the same up to rounding, and which group each belongs to."""
    steps = np.round(vertices * _GRID).astype(np.int64) + _GRID
    key = (steps[:, 0] << 42) | (steps[:, 1] << 21) | np.minimum(steps[:, 2], 2 * _GRID - 1)
    _, first, at = np.unique(key, return_index=True, return_inverse=True)
    return vertices[first], at


def _fans(offsets: _Ints, chosen: NDArray[np.bool_]) -> _Ints:
    """Triangles (T, 3) of the chosen polygons from their first corners, as places in the list of all corners."""
    count = np.diff(offsets)[chosen] - 2
    start = np.repeat(offsets[:-1][chosen], count)
    j = np.arange(len(start)) - np.repeat(np.cumsum(count) - count, count)
    return np.column_stack([start, start + j + 1, start + j + 2])


def _rings(border: _Floats, center: _Floats, radius: float) -> tuple[_Floats, _Ints]:
    b, rings = len(border), math.ceil(radius / STEP)
    t = np.arange(1, rings + 1)[:, None, None] / rings
    inner = (1 - t) * center + t * border
    inner /= np.linalg.norm(inner, axis=2, keepdims=True)
    points = np.concatenate([center[None], inner.reshape(-1, 3)])
    j = np.arange(b)
    following = (j + 1) % b
    faces = [np.column_stack([np.zeros(b, dtype=np.int64), 1 + j, 1 + following])]
    for ring in range(rings - 1):
        near, far = 1 + ring * b, 1 + (ring + 1) * b
        faces.append(np.column_stack([near + j, far + j, far + following]))
        faces.append(np.column_stack([near + j, far + following, near + following]))
    return points, np.concatenate(faces)
