"""The sphere: one great circle a hyperplane, every cell a spherical polygon in its colour."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrangement import enumerate_patterns
from ...errors import InputError
from ...geometry import CircleCells, SphereCells, arc, great_circle, sphere_cells, triangulate
from .. import draft
from ..chart import Chart, blank
from ..colours import Palette
from .scene import FilterMarks, Scene, filter_trace, joined, line_trace

__all__ = ["sphere"]

#: radii of the circles, of used cells over a plain ball, and of the outline
LIFT, USED, OUTLINE = 1.002, 1.001, 1.008
#: with more circles than this they have fewer points
MANY = 60


def sphere(scene: Scene) -> Chart:
    """Draw the unit sphere with one great circle a hyperplane and every cell in its colour.

    Beyond 6,500 cells the ball is plain except for the cells with a filter.

    Raises
    ------
    InputError
        If the arrangement is not one of planes in space.
    """
    if isinstance(scene.shapes, CircleCells) or scene.arrangement.rows.shape[1] != 3:
        raise InputError(f"scene: got rows with {scene.arrangement.rows.shape[1]} entries, expected 3")
    colours = scene.colours
    figure = blank(350, left=0, right=0, top=0, bottom=0)
    if scene.shapes is not None:
        figure.add_trace(_mesh(scene, scene.shapes, scene.paint.index))
    else:
        ball = sphere_cells(enumerate_patterns(np.eye(3)))
        figure.add_trace(_mesh(scene, ball, np.zeros(len(ball), dtype=np.int64)))
        used = np.flatnonzero(scene.data.usage > 0)
        if len(used):
            figure.add_trace(_mesh(scene, sphere_cells(scene.arrangement, used), scene.paint.index[used], USED))
    points = 73 if scene.lines <= MANY else 37
    width = 3.5 if scene.lines <= 12 else 2.5 if scene.lines < 40 else 1.5
    for _, patch, normals in scene.bundles():
        # over a colour scale the patches' colours would drown in the cells' own
        colour = patch if scene.paint.two_greys else colours.paper
        # the middles of the chords must not sink into the ball
        circles = joined([great_circle(normal, points) for normal in normals]) / math.cos(math.pi / (points - 1))
        figure.add_trace(line_trace(LIFT * circles, colour, width))
    if scene.selected is not None:
        border = arc(sphere_cells(scene.arrangement, [scene.selected]).polygon(0))
        figure.add_trace(line_trace(OUTLINE * border, colours.ink, 6))
    if (marks := scene.marks()) is not None:
        _spikes(figure, marks, colours)
    figure.add_trace(
        draft.Scatter3d(
            **dict(zip("xyz", 1.22 * np.eye(3), strict=True)),
            mode="text",
            text=list(scene.axes),
            textfont={"size": 15, "color": colours.ink},
            hoverinfo="skip",
            showlegend=False,
        )
    )
    hidden = {"visible": False, "range": [-1.35, 1.35]}
    figure.update_layout(
        scene={
            "xaxis": hidden,
            "yaxis": hidden,
            "zaxis": hidden,
            "aspectmode": "manual",
            "aspectratio": dict.fromkeys("xyz", 1.85),
            "camera": {"eye": dict.fromkeys("xyz", 1.0), "projection": {"type": "orthographic"}},
            "dragmode": "orbit",
        },
        showlegend=False,
        # a change of colours or of the chosen cell is no reason to turn the sphere back
        uirevision="sphere",
    )
    return Chart(figure, scene.alt("sphere", "great circles"), scene.table(), "sphere")


def _mesh(scene: Scene, cells: SphereCells, index: NDArray[np.int64], radius: float = 1.0) -> Any:
    points, triangles, owner = triangulate(cells)
    corner = np.uint16 if len(points) < 1 << 16 else np.uint32
    last = max(len(scene.paint.colours) - 1, 1)
    return draft.Mesh3d(
        **dict(zip("xyz", np.ascontiguousarray(radius * points.T, dtype=np.float32), strict=True)),
        **dict(zip("ijk", np.ascontiguousarray(triangles.T, dtype=corner), strict=True)),
        intensity=index[owner].astype(np.uint8),
        intensitymode="cell",
        colorscale=[[k / last, colour] for k, colour in enumerate(scene.paint.colours)],
        cmin=0,
        cmax=last,
        showscale=False,
        flatshading=True,
        lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0},
        hoverinfo="skip",
    )


def _spikes(figure: Any, filters: FilterMarks, colours: Palette) -> None:
    unit = filters.unit()
    for sign in (1.0, -1.0):
        own = np.sign(filters.signs) == sign
        if own.any():
            spikes = joined([np.outer([1.0, 1.2], u) for u in unit[own]])
            figure.add_trace(line_trace(spikes, colours.sign(sign), 8))
    figure.add_trace(filter_trace(1.2 * unit, filters, np.ones(len(unit), dtype=np.bool_), colours))
