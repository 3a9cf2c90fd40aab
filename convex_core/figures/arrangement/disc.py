"""A hemisphere as a disc: the stereographic picture, in which hyperplanes are arcs of circles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...geometry import (
    CircleCells,
    arc,
    disc_outlines,
    half_circle,
    half_discs,
    sphere_cells,
    stereographic,
    upper_part,
)
from .. import draft
from ..chart import Chart, blank
from .paint import first_rows
from .scene import Scene, fill_trace, filter_trace, joined, line_trace, plain_axes

__all__ = ["POLE", "disc"]

#: centre of the near disc, and where the camera of the sphere stands
POLE = np.full(3, 1.0 / math.sqrt(3.0))
#: with more arcs than this they have fewer points
MANY = 60

_Floats = NDArray[np.float64]


def disc(scene: Scene, *, far: bool = False, name: str = "") -> Chart:
    """Draw the hemisphere around (1, 1, 1) as a disc, or the opposite one with -u at the place of u.

    The lines of both discs are the same, because u and -u lie on the same hyperplanes. Where unused cells have two
    greys, all of them are filled at once by the even-odd rule, however many there are.

    Parameters
    ----------
    scene : Scene
        Of planes in space.
    far : bool
        Draw the opposite hemisphere.
    name : str
        File name for exports; by default "disc-near" or "disc-far".

    Raises
    ------
    InputError
        If the arrangement is not one of planes in space.
    """
    if isinstance(scene.shapes, CircleCells) or scene.arrangement.rows.shape[1] != 3:
        raise InputError(f"scene: got rows with {scene.arrangement.rows.shape[1]} entries, expected 3")
    colours, paint, side = scene.colours, scene.paint, -1.0 if far else 1.0
    figure = blank(340, left=0, right=0, top=0, bottom=0)
    plain_axes(figure, (-1.03, 1.03), (-1.03, 1.03))
    if paint.two_greys:
        figure.update_layout(shapes=_checkers(scene, side))
        chosen = np.flatnonzero(paint.index > 1)
        cells = sphere_cells(scene.arrangement, chosen) if len(chosen) else None
    else:
        chosen, cells = np.arange(scene.arrangement.count), scene.shapes
    if cells is not None:
        points, owner = disc_outlines(cells, POLE, far=far)
        colour = paint.index[chosen[owner]]
        for c in np.unique(colour):
            figure.add_trace(fill_trace(points[colour == c], paint.colours[c], name=paint.names[c]))
    # over a colour scale the patches' colours would drown in the cells' own
    over = not paint.two_greys
    width = (2.2 if scene.lines <= 12 else 1.6 if scene.lines < 40 else 0.8) * (0.7 if over else 1.0)
    for k, line, normals in scene.bundles():
        arcs = [half_circle(normal, POLE, 41 if scene.lines <= MANY else 21) for normal in normals]
        trace = line_trace(
            stereographic(joined(arcs), POLE), colours.paper if over else line, width, name=f"patch {k + 1}"
        )
        figure.add_trace(trace)
    t = np.linspace(0.0, 2 * math.pi, 121)
    figure.add_trace(line_trace(np.column_stack([np.cos(t), np.sin(t)]), colours.muted, 1.2, name="rim"))
    if scene.selected is not None:
        own = sphere_cells(scene.arrangement, [scene.selected])
        border = upper_part(side * own.polygon(0), side * own.centers[0], POLE)
        if len(border):
            figure.add_trace(line_trace(stereographic(arc(border), POLE), colours.ink, 3.5, name="chosen cell"))
    figure.add_trace(_axis_names(scene, far))
    if (marks := scene.marks()) is not None:
        unit = side * marks.unit()
        here = unit @ POLE >= 0
        if here.any():
            spots = stereographic(np.where(here[:, None], unit, POLE), POLE)
            figure.add_trace(filter_trace(spots, marks, here, colours))
    shape = "sphere's far side as a disc" if far else "sphere's near side as a disc"
    return Chart(figure, scene.alt(shape, "arcs"), scene.table(), name or ("disc-far" if far else "disc-near"))


def _axis_names(scene: Scene, far: bool) -> Any:
    """The names of the axes, each on a little paper; a trace, so that filters lie above it."""
    x, y = stereographic(np.eye(3), POLE).T
    return draft.Scatter(
        x=x,
        y=y,
        mode="markers+text",
        marker={"symbol": "square", "size": 20, "color": scene.colours.paper, "opacity": 0.8},
        text=[f"{'−' if far else ''}{axis}" for axis in scene.axes],
        textfont={"color": scene.colours.ink, "size": 13},
        hoverinfo="skip",
        showlegend=False,
        name="axes",
    )


def _checkers(scene: Scene, side: float) -> list[dict[str, object]]:
    """The two greys of all cells: a disc, and the half discs of all hyperplanes filled by the even-odd rule."""
    # oriented like the patterns, whose parity decides the grey on the sphere
    normals = side * scene.arrangement.rows[first_rows(scene.arrangement)]
    outlines = half_discs(normals, POLE) if len(normals) else np.zeros((0, 1, 2))
    path = "".join(_path(outline) for outline in outlines)
    light, dark = scene.paint.colours[:2]
    common = {"layer": "below", "line": {"width": 0}}
    whole = {"type": "circle", "x0": -1, "x1": 1, "y0": -1, "y1": 1, "fillcolor": light, **common}
    return [whole, {"type": "path", "path": path, "fillcolor": dark, "fillrule": "evenodd", **common}]


def _path(outline: _Floats) -> str:
    """A closed curve in the language of SVG paths."""
    start, *rest = (f"{x:.3f},{y:.3f}" for x, y in outline)
    return f"M{start}" + "".join(f"C{' '.join(rest[k : k + 3])}" for k in range(0, len(rest), 3)) + "Z"
