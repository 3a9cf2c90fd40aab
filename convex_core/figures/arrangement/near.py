"""One cell from near: its sides, its neighbours and the widest circle inside, seen from its deepest point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrangement import Cell
from ...errors import InputError
from ...geometry import arc, sphere_cells, stereographic
from ...geometry.projection import frame
from .. import draft
from ..chart import Chart, blank
from .paint import hyperplane_patches, patch_colours
from .scene import Scene, fill_trace, filter_trace, joined, line_trace, plain_axes

__all__ = ["near"]

#: the window is this much wider than the cell
WINDOW = 1.75

_Floats = NDArray[np.float64]


def near(scene: Scene) -> Chart:
    """Draw the selected cell of an arrangement of planes in space, by the stereographic picture around its witness.

    Sides are in the colours of their patches. The number of the cell behind each is a point that carries it as custom
    data. The dashed circle is the widest one inside: its radius is the cell's margin.

    Parameters
    ----------
    scene : Scene
        With a selected cell.

    Raises
    ------
    InputError
        If no cell is selected or the rows have not three entries.
    """
    arrangement, colours, paint = scene.arrangement, scene.colours, scene.paint
    if scene.selected is None or arrangement.rows.shape[1] != 3:
        raise InputError(f"scene: got the selected cell {scene.selected}, expected one of an arrangement in space")
    cell = arrangement.cell(scene.selected)
    w = cell.witness
    around = sphere_cells(arrangement, np.append(cell.neighbours, scene.selected))
    corners = stereographic(around.polygon(len(around) - 1), w)
    reach = WINDOW * float(np.hypot(*corners.T).max())
    figure = blank(370, left=0, right=0, top=0, bottom=0)
    plain_axes(figure, (-reach, reach), (-reach, reach))
    step = min(0.1, reach / 4)
    for p, q in enumerate(cell.neighbours):
        # what lies behind the viewer is far outside the window
        outline = arc(around.polygon(p), step)
        outline = stereographic(outline[outline @ w > -0.9], w)
        figure.add_trace(fill_trace(outline, paint.colours[paint.index[q]], name=f"cell {scene.data.number[q]}"))
    own = arc(around.polygon(len(around) - 1), step)
    used = paint.two_greys and paint.index[scene.selected] > 1
    tint = paint.colours[paint.index[scene.selected]] if used else colours.convex_fill
    figure.add_trace(fill_trace(stereographic(own, w), colours.paper))
    figure.add_trace(fill_trace(stereographic(own, w), tint, name=f"cell {scene.data.number[scene.selected]}"))
    for _, colour, normals in scene.bundles():
        lines = [line for line in (_nearby(normal, w, reach) for normal in normals) if line is not None]
        if lines:
            figure.add_trace(line_trace(joined(lines), colour, 1.0, opacity=0.7))
    sides = _sides(scene, cell, around.polygon(len(around) - 1))
    patch, palette = hyperplane_patches(arrangement, scene.K), patch_colours(scene.K, colours)
    for facet, a, b in sides:
        colour = palette[patch[arrangement.merged.index[cell.facet_rows[facet]]]]
        points = arc(np.stack([a, b]), step)
        figure.add_trace(line_trace(stereographic(points[: len(points) // 2 + 1], w), colour, 4.5))
    t = np.linspace(0.0, 2 * math.pi, 73)
    circle = math.tan(math.asin(min(cell.margin, 1.0)) / 2) * np.column_stack([np.cos(t), np.sin(t)])
    widest = line_trace(circle, colours.muted, 1.4, name="widest circle")
    figure.add_trace(draft.merged(widest, {"line": {"dash": "dot"}}))
    figure.add_trace(_labels(scene, cell, sides, reach))
    if (marks := scene.marks()) is not None:
        unit = marks.unit()
        here = (unit @ w > 0) & (np.abs(stereographic(unit * np.sign(unit @ w)[:, None], w)).max(axis=1) < reach)
        if here.any():
            figure.add_trace(filter_trace(stereographic(np.where(here[:, None], unit, w), w), marks, here, colours))
    figure.update_layout(clickmode="event+select")
    degrees = math.degrees(math.asin(min(cell.margin, 1.0)))
    number = scene.data.number[scene.selected]
    alt = (
        f"Cell {number} from near: {len(cell.facet_rows)} sides, the widest circle inside has a radius of "
        f"{degrees:.2g} degrees."
    )
    table = {
        "facet row": cell.facet_rows.tolist(),
        "patch": (cell.facet_rows // (len(arrangement.rows) // scene.K) + 1).tolist(),
        "cell behind": scene.data.number[cell.neighbours].tolist(),
    }
    return Chart(figure, alt, table, f"cell-{number}")


def _nearby(normal: _Floats, w: _Floats, reach: float) -> _Floats | None:
    """The part of a hyperplane's picture that crosses the window, if any."""
    angle = 4 * math.atan(reach)  # twice what the window's corners need
    along, foot = np.cross(w, normal), w - (w @ normal) * normal
    if np.linalg.norm(foot) < 1e-12 or abs(math.asin(min(1.0, abs(float(w @ normal))))) > angle:
        return None
    t = np.linspace(-1.0, 1.0, 33)[:, None] * min(angle, 3.0)
    line = np.cos(t) * foot / np.linalg.norm(foot) + np.sin(t) * along / np.linalg.norm(along)
    return stereographic(line, w)


def _sides(scene: Scene, cell: Cell, corners: _Floats) -> list[tuple[int, _Floats, _Floats]]:
    """For each side of the polygon the facet that it lies on, and its ends."""
    rows = scene.arrangement.rows[cell.facet_rows]
    normals = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    ends = np.roll(corners, -1, axis=0)
    facets = np.abs((corners + ends) @ normals.T).argmin(axis=1)
    return [(int(facet), a, b) for facet, a, b in zip(facets, corners, ends, strict=True)]


def _labels(scene: Scene, cell: Cell, sides: list[tuple[int, _Floats, _Floats]], reach: float) -> Any:
    """The numbers of the neighbours, each just behind its side."""
    middle = {facet: (a + b) / np.linalg.norm(a + b) for facet, a, b in sides}
    spots = stereographic(np.array([middle[facet] for facet in range(len(cell.facet_rows))]), cell.witness)
    # across the side and not away from the centre: on the two long sides of a thin cell that would be the same place
    outward = -(cell.facet_signs[:, None] * scene.arrangement.rows[cell.facet_rows]) @ frame(cell.witness)[:2].T
    spots = spots + 0.2 * reach * outward / np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-12)
    return draft.Scatter(
        x=spots[:, 0],
        y=spots[:, 1],
        mode="markers+text",
        marker={"size": 30, "opacity": 0.85, "color": scene.colours.paper},
        selected={"marker": {"opacity": 0.85}},
        unselected={"marker": {"opacity": 0.85}, "textfont": {"color": scene.colours.ink}},
        text=[str(q) for q in scene.data.number[cell.neighbours]],
        textfont={"size": 12, "color": scene.colours.ink},
        # lists: a typed array comes back from a click as a mapping
        customdata=[[int(q)] for q in scene.data.number[cell.neighbours]],
        hovertemplate="go to cell %{customdata[0]}<extra></extra>",
        name="neighbours",
        showlegend=False,
    )
