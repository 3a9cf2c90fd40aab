"""The circle: an arrangement of lines in the plane, its cells the sectors between them."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...geometry import CircleCells
from ..chart import Chart, blank
from .scene import Scene, fill_trace, filter_trace, joined, line_trace, plain_axes

__all__ = ["circle"]

_Floats = NDArray[np.float64]


def circle(scene: Scene) -> Chart:
    """Draw the unit disc with one line a hyperplane and every sector in its colour.

    Raises
    ------
    InputError
        If the scene has no sectors.
    """
    cells, colours, paint = scene.shapes, scene.colours, scene.paint
    if not isinstance(cells, CircleCells):
        raise InputError(f"scene: got shapes of type {type(cells).__name__}, expected CircleCells")
    figure = blank(440, left=0, right=0, top=0, bottom=0)
    plain_axes(figure, (-1.3, 1.3), (-1.3, 1.3))
    sectors = [sector(start, width) for start, width in zip(cells.start, cells.width, strict=True)]
    for c in np.unique(paint.index):
        own = [sectors[p] for p in np.flatnonzero(paint.index == c)]
        figure.add_trace(fill_trace(joined(own), paint.colours[c], name=paint.names[c]))
    # over a colour scale the patches' colours would drown in the cells' own
    over = not paint.two_greys
    width = (2.2 if scene.lines < 60 else 1.2) * (0.5 if over else 1.0)
    for k, line, normals in scene.bundles():
        lines = joined([np.outer([-1.06, 1.06], [-b, a]) for a, b in normals])
        figure.add_trace(line_trace(lines, colours.paper if over else line, width, name=f"patch {k + 1}"))
    if scene.selected is not None:
        figure.add_trace(line_trace(sectors[scene.selected], colours.ink, 3.5, name="chosen cell"))
    if (marks := scene.marks()) is not None:
        ends = 1.14 * marks.unit()
        for end, sign in zip(ends, marks.signs, strict=True):
            figure.add_trace(line_trace(np.stack([0 * end, end]), colours.sign(sign), 2.5, name="spike"))
        figure.add_trace(filter_trace(ends, marks, np.ones(len(ends), dtype=np.bool_), colours))
    for j, axis in enumerate(scene.axes[:2]):
        x, y = 1.24 * np.eye(2)[j]
        figure.add_annotation(x=x, y=y, text=axis, showarrow=False, font={"color": colours.ink, "size": 15})
    return Chart(figure, scene.alt("circle", "lines"), scene.table(), "circle")


def sector(start: float, width: float) -> _Floats:
    """Outline of a sector of the unit disc, closed."""
    t = np.linspace(start, start + width, max(2, math.ceil(width / 0.05) + 1))
    rim = np.column_stack([np.cos(t), np.sin(t)])
    return np.concatenate([np.zeros((1, 2)), rim, np.zeros((1, 2))])
