"""Curves on the unit sphere and their picture in the disc.

The disc is the stereographic picture of the hemisphere around a pole, from the opposite pole: angles are true, great
circles become arcs of circles, the equator is the rim.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["arc", "frame", "great_circle", "half_circle", "stereographic", "upper_part"]

_Floats = NDArray[np.float64]


def frame(pole: _Floats) -> _Floats:
    """Orthonormal rows (x, y, pole) that form a right-handed frame, with the third coordinate axis towards +y.

    Examples
    --------
    >>> frame(np.array([1.0, 0.0, 0.0])).round(12).tolist()
    [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """
    z = pole / np.linalg.norm(pole)
    up = np.array([0.0, 0.0, 1.0]) if abs(z[2]) < 0.99 else np.array([0.0, 1.0, 0.0])
    y = up - (up @ z) * z
    y /= np.linalg.norm(y)
    return np.stack([np.cross(y, z), y, z])


def stereographic(points: _Floats, pole: _Floats) -> _Floats:
    """Disc coordinates (m, 2) of points (m, 3) of the hemisphere around `pole`; the rim has radius 1.

    Examples
    --------
    >>> stereographic(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]), np.array([0.0, 0.0, 1.0])).tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    x, y, z = frame(pole) @ np.asarray(points).T
    flat: _Floats = np.column_stack([x, y]) / (1.0 + z)[:, None]
    return flat


def arc(corners: _Floats, step: float = 0.1) -> _Floats:
    """Points along the closed polygon with the given corners (f, 3), at most `step` radians apart, first one last."""
    pieces = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        angle = math.atan2(float(np.linalg.norm(np.cross(a, b))), float(a @ b))
        t = np.arange(max(1, math.ceil(angle / step)))[:, None] / max(1, math.ceil(angle / step))
        if angle < 1e-12:
            pieces.append(a[None])
        else:
            pieces.append((np.sin((1 - t) * angle) * a + np.sin(t * angle) * b) / math.sin(angle))
    pieces.append(corners[:1])
    return np.concatenate(pieces)


def great_circle(normal: _Floats, points: int = 73) -> _Floats:
    """Points (points, 3) along {u : normal . u = 0}, closed."""
    x, y, _ = frame(normal)
    t = np.linspace(0.0, 2 * math.pi, points)[:, None]
    circle: _Floats = np.cos(t) * x + np.sin(t) * y
    return circle


def half_circle(normal: _Floats, pole: _Floats, points: int = 41) -> _Floats:
    """Points along the half of the great circle {u : normal . u = 0} where pole . u >= 0, from rim to rim."""
    z = pole / np.linalg.norm(pole)
    n = normal / np.linalg.norm(normal)
    start = np.cross(z, n)
    if np.linalg.norm(start) < 1e-12:
        return great_circle(n, points)
    start /= np.linalg.norm(start)
    t = np.linspace(0.0, math.pi, points)[:, None]
    top = np.cross(n, start)
    half: _Floats = np.cos(t) * start + np.sin(t) * (top if top @ z > 0 else -top)
    return half


def upper_part(corners: _Floats, center: _Floats, pole: _Floats) -> _Floats:
    """Corners of the part of a convex polygon (f, 3) where pole . u >= 0; (0, 3) if there is none.

    `center` (3,) is a point inside the polygon; a side along the rim that is half a circle gets a point in its middle.

    Examples
    --------
    >>> octant, inside, up = np.eye(3), np.ones(3), np.array([0.0, 0.0, 1.0])
    >>> upper_part(octant, inside, up).shape, upper_part(octant, inside, -up).shape
    ((3, 3), (0, 3))
    """
    pole = pole / np.linalg.norm(pole)
    height = corners @ pole
    if (height >= 0).all():
        return corners
    if (height <= 0).all():
        return corners[:0]
    kept: list[_Floats] = []
    cuts: list[int] = []
    for a, b, ha, hb in zip(corners, np.roll(corners, -1, axis=0), height, np.roll(height, -1), strict=True):
        if ha >= 0:
            kept.append(a)
        if (ha > 0 > hb) or (ha < 0 < hb):
            cut = hb * a - ha * b
            cut *= np.sign(hb - ha)
            cuts.append(len(kept))
            kept.append(cut / np.linalg.norm(cut))
    if len(cuts) == 2 and kept[cuts[0]] @ kept[cuts[1]] < -1 + 1e-12:
        middle = center - (center @ pole) * pole
        kept.insert(cuts[0] + 1 if height[0] >= 0 else len(kept), middle / np.linalg.norm(middle))
    return np.array(kept)
