"""An arrangement drawn with nothing but itself: the circle, or the sphere."""

from __future__ import annotations

import numpy as np

from ...arrangement import Arrangement
from ...errors import InputError
from ...geometry import Usage, circle_cells, sphere_cells
from ..chart import Chart
from ..colours import LIGHT, Palette
from .circle import circle
from .paint import CellData, paint_cells
from .scene import MAX_FILLED, Scene
from .sphere import sphere

__all__ = ["view"]


def view(arrangement: Arrangement, *, K: int = 1, colours: Palette = LIGHT) -> Chart:
    """The cells of rows of two or three entries; with many cells, the hyperplanes alone.

    Parameters
    ----------
    arrangement : Arrangement
        Of rows (K n, 2) or (K n, 3), patch by patch.
    K : int
        Number of patches; hyperplanes of one patch share a colour.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        For longer rows, or if no row cuts anything.

    Examples
    --------
    >>> from convex_core import enumerate_patterns
    >>> "4 cells" in view(enumerate_patterns([[1.0, 0.0], [0.0, 1.0]])).alt
    True
    """
    h = arrangement.rows.shape[1]
    if h not in (2, 3) or not arrangement.rank:
        raise InputError(f"plot: got rows of {h} entries and rank {arrangement.rank}, expected 2 or 3 and a hyperplane")
    active = np.empty(arrangement.count, dtype=np.int64)
    for start, chunk in arrangement.chunks():
        active[start : start + len(chunk)] = chunk.sum(axis=1)
    data = CellData(np.arange(arrangement.count), active, np.full(arrangement.count, Usage.UNUSED, dtype=np.int8))
    shapes = None
    if arrangement.count <= MAX_FILLED:
        shapes = circle_cells(arrangement) if h == 2 else sphere_cells(arrangement)
    scene = Scene(
        arrangement, paint_cells(arrangement, data, "active", colours=colours), data, shapes, K, colours=colours
    )
    return circle(scene) if h == 2 else sphere(scene)
