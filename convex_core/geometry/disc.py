"""The cells of the sphere in the disc: closed outlines, and the half of the disc on one side of a hyperplane.

Everything is drawn by the hemisphere around a pole, see :mod:`convex_core.geometry.projection`. The opposite hemisphere
has the same picture with u at the place of -u.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .projection import arc, frame, stereographic, upper_part
from .sphere import SphereCells

__all__ = ["disc_outlines", "half_discs"]

#: longest piece of an outline that is drawn straight, in radians
STEP = 0.1
#: cubic pieces of an arc from rim to rim, and of half the rim: their error is below 1e-3 radians
ARC_PIECES, RIM_PIECES = 6, 2
#: heights below this are on the rim
_ON_RIM = 1e-12

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


def disc_outlines(cells: SphereCells, pole: _Floats, *, far: bool = False) -> tuple[_Floats, _Ints]:
    """Outlines of the polygons' parts in the hemisphere around `pole`, or with `far` around its opposite.

    Returns
    -------
    points : ndarray (V, 2)
        Outlines in the disc of radius 1, each followed by NaN; the first point is not repeated.
    cell : ndarray (V,) of int64
        The polygon each point belongs to.

    Examples
    --------
    >>> from convex_core.arrangement import enumerate_patterns
    >>> from convex_core.geometry import sphere_cells
    >>> points, cell = disc_outlines(sphere_cells(enumerate_patterns(np.eye(3))), np.array([0, 0, 1.0]))
    >>> len(np.unique(cell)), float(np.nanmax(np.hypot(*points.T)).round(9))
    (4, 1.0)
    """
    side = -1.0 if far else 1.0
    vertices, centers = side * cells.vertices, side * cells.centers
    corners = np.diff(cells.offsets)
    height = vertices @ (pole / np.linalg.norm(pole))
    lowest = np.minimum.reduceat(height, cells.offsets[:-1])
    highest = np.maximum.reduceat(height, cells.offsets[:-1])
    following = np.arange(1, len(vertices) + 1)
    following[cells.offsets[1:] - 1] = cells.offsets[:-1]
    inside = np.repeat(lowest >= -_ON_RIM, corners)
    start, end = vertices[inside], vertices[following][inside]
    angle = np.arctan2(np.linalg.norm(np.cross(start, end), axis=1), np.einsum("vi,vi->v", start, end))
    pieces = np.maximum(np.ceil(angle / STEP), 1).astype(np.int64)
    step = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    turn = (np.repeat(angle / pieces, pieces) * step)[:, None]
    whole = np.repeat(np.maximum(angle, 1e-12), pieces)[:, None]
    between = np.sin(whole - turn) * np.repeat(start, pieces, axis=0) + np.sin(turn) * np.repeat(end, pieces, axis=0)
    points = stereographic(between / np.sin(whole), pole)
    owner = np.repeat(np.repeat(np.arange(len(cells)), corners)[inside], pieces)
    last = np.flatnonzero(np.diff(owner, append=-1)) + 1
    points, owner = np.insert(points, last, np.nan, axis=0), np.insert(owner, last, owner[last - 1])
    every, owners = [points], [owner]
    for p in np.flatnonzero((lowest < -_ON_RIM) & (highest > _ON_RIM)):
        polygon = vertices[cells.offsets[p] : cells.offsets[p + 1]]
        cut = upper_part(polygon, centers[p], pole)
        if len(cut):
            flat = stereographic(arc(cut, STEP)[:-1], pole)
            every += [flat, np.full((1, 2), np.nan)]
            owners.append(np.full(len(flat) + 1, p))
    return np.concatenate(every), np.concatenate(owners)


def half_discs(normals: ArrayLike, pole: _Floats) -> _Floats:
    """Outline of {u : normal . u >= 0} in the disc for each of the normals (M, 3), as cubic Bezier curves.

    Returns
    -------
    ndarray (M, 1 + 3 s, 2)
        Start, then two control points and the end of each of s pieces: along the hyperplane, and back along the rim.
        A point lies in an odd number of these regions exactly if it has an odd number of positive signs, so that
        filling all of them by the even-odd rule is the two-colouring of the cells, however many cells there are.

    Examples
    --------
    >>> half = half_discs([[1.0, 0, 0]], np.array([0.0, 0, 1]))[0]
    >>> bool(np.allclose(half[[0, 18, -1]], [[0, 1], [0, -1], [0, 1]])), bool((half[:, 0] > -1e-12).all())
    (True, True)
    """
    local = np.asarray(normals, dtype=np.float64) @ frame(pole).T
    local = local / np.linalg.norm(local, axis=1, keepdims=True)
    flat = np.hypot(local[:, 0], local[:, 1])
    # a hyperplane along the rim is tilted by an angle that nobody sees
    local[flat < 1e-9, 0] = 1e-9
    inward = local[:, :2] / np.hypot(local[:, 0], local[:, 1])[:, None]
    start = np.column_stack([-inward[:, 1], inward[:, 0]])
    top = np.column_stack([-inward * local[:, 2:], np.hypot(local[:, 0], local[:, 1])])
    t = np.linspace(0.0, math.pi, ARC_PIECES + 1)[:, None]
    spot = np.cos(t) * start[:, None] + np.sin(t) * top[:, None, :2]
    speed = -np.sin(t) * start[:, None] + np.cos(t) * top[:, None, :2]
    up, rise = 1.0 + np.sin(t) * top[:, None, 2:], np.cos(t) * top[:, None, 2:]
    line = _bezier(spot / up, speed / up - spot * rise / up**2, math.pi / ARC_PIECES)
    t = np.linspace(0.0, math.pi, RIM_PIECES + 1)[:, None]
    spot = -np.cos(t) * start[:, None] + np.sin(t) * inward[:, None]
    # controls of this length bring the middle of each piece onto the circle
    step = 4 * math.tan(math.pi / RIM_PIECES / 4)
    rim = _bezier(spot, np.sin(t) * start[:, None] + np.cos(t) * inward[:, None], step)
    return np.concatenate([line, rim[:, 1:]], axis=1)


def _bezier(points: _Floats, speed: _Floats, step: float) -> _Floats:
    """Cubic pieces (M, 1 + 3 s, 2) through points (M, s + 1, 2) with the given derivatives."""
    m, s, _ = points.shape
    pieces = np.stack(
        [points[:, :-1] + speed[:, :-1] * step / 3, points[:, 1:] - speed[:, 1:] * step / 3, points[:, 1:]]
    )
    return np.concatenate([points[:, :1], np.moveaxis(pieces, 0, 2).reshape(m, 3 * (s - 1), 2)], axis=1)
