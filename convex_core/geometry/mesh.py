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


def triangulate(cells: SphereCells) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Triangles of all polygons.

    Small polygons are fans of their corners; large ones get rings around their centre. No triangle crosses a side.

    Returns
    -------
    points : ndarray (V, 3)
        Unit vectors.
    triangles : ndarray (T, 3) of int64
        Corners, counter-clockwise from outside.
    cell : ndarray (T,) of int64
        The pattern each triangle belongs to.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> from convex_core.geometry import sphere_cells
    >>> points, triangles, cell = triangulate(sphere_cells(enumerate_patterns(np.eye(3))))
    >>> bool(np.allclose(np.linalg.norm(points, axis=1), 1.0)), len(np.unique(cell))
    (True, 8)
    """
    points: list[NDArray[np.float64]] = []
    triangles: list[NDArray[np.int64]] = []
    owners: list[int] = []
    begin = 0
    for p in range(len(cells)):
        corners, center = cells.polygon(p), cells.centers[p]
        radius = math.acos(min(1.0, max(-1.0, float((corners @ center).min()))))
        own, faces = _fan(corners) if radius < FLAT else _rings(arc(corners, STEP)[:-1], center, radius)
        points.append(own)
        triangles.append(faces + begin)
        owners.append(len(faces))
        begin += len(own)
    return np.concatenate(points), np.concatenate(triangles), np.repeat(np.arange(len(cells)), owners)


def _fan(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    j = np.arange(1, len(corners) - 1)
    return corners, np.column_stack([np.zeros_like(j), j, j + 1])


def _rings(
    border: NDArray[np.float64], center: NDArray[np.float64], radius: float
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
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
