"""The arrangement drawn exactly: sectors on the circle, polygons on the sphere, and the same polygons in two discs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from ..arrangement import Arrangement
from ..errors import InputError
from ..geometry import (
    CircleCells,
    SphereCells,
    Usage,
    arc,
    great_circle,
    half_circle,
    stereographic,
    triangulate,
    upper_part,
)
from .arrangement_paint import CellData, Paint, hyperplane_patches, patch_colours
from .chart import Chart, blank
from .palette import LIGHT, Palette

__all__ = ["POLE", "FilterMarks", "circle", "discs", "sphere"]

#: centre of the first disc, and where the camera of the sphere stands
POLE = np.array([1.0, 1.0, 1.0]) / math.sqrt(3.0)
#: more cells than this are not drawn
MAX_CELLS = 2_500
#: patches named in the legend
MAX_NAMED = 6
_LIFT = 1.003
_GAP = 2.24

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FilterMarks:
    """Filters to draw: directions (m, q) in the picture's coordinates, signs and group norms (m,)."""

    directions: _Floats
    signs: _Floats
    norms: _Floats

    def unit(self) -> _Floats:
        """Directions of length 1."""
        unit: _Floats = self.directions / np.linalg.norm(self.directions, axis=1, keepdims=True)
        return unit

    def hover(self) -> list[str]:
        """One line a filter."""
        return [
            f"filter {j + 1}: output weight {'+' if s > 0 else '−'}, group norm {v:.3g}"
            for j, (s, v) in enumerate(zip(self.signs, self.norms, strict=True))
        ]


def sphere(
    arrangement: Arrangement,
    cells: SphereCells,
    paint: Paint,
    data: CellData,
    *,
    K: int = 1,
    filters: FilterMarks | None = None,
    selected: int | None = None,
    axes: Sequence[str] = ("u₁", "u₂", "u₃"),
    colours: Palette = LIGHT,
) -> Chart:
    """Draw the unit sphere with one great circle a hyperplane and every cell in its colour.

    Parameters
    ----------
    arrangement : Arrangement
        Of rows (K n, 3), patch by patch; at most 2,500 cells.
    cells : SphereCells
        Their polygons.
    paint, data : Paint, CellData
        Colours of the cells and what to say about them.
    K : int
        Number of patches; great circles of one patch share a colour.
    filters : FilterMarks or None
        Filters, drawn as spikes; spheres for positive, diamonds for negative output weights.
    selected : int or None
        Cell with an outline.
    axes : sequence of str
        Names of the three coordinates.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there are more than 2,500 cells.
    """
    _few(arrangement)
    points, triangles, owner = triangulate(cells)
    figure = blank(350, left=0, right=0, top=0, bottom=0)
    corner = np.uint16 if len(points) < 1 << 16 else np.uint32
    last = max(len(paint.colours) - 1, 1)
    figure.add_trace(
        go.Mesh3d(
            **dict(zip("xyz", np.ascontiguousarray(points.T, dtype=np.float32), strict=True)),
            **dict(zip("ijk", np.ascontiguousarray(triangles.T, dtype=corner), strict=True)),
            intensity=paint.index[owner].astype(np.float32),
            intensitymode="cell",
            colorscale=[[k / last, colour] for k, colour in enumerate(paint.colours)],
            cmin=0,
            cmax=last,
            showscale=False,
            flatshading=True,
            lighting={"ambient": 1.0, "diffuse": 0.0, "specular": 0.0, "fresnel": 0.0},
            hoverinfo="skip",
        )
    )
    patch = hyperplane_patches(arrangement, K)
    for k, colour in enumerate(patch_colours(K, colours)):
        circles = [great_circle(row) for row in arrangement.merged.rows[patch == k]]
        if circles:
            _curve(figure, _joined(circles) * _LIFT, colour, 3 if len(patch) < 40 else 2)
    if selected is not None:
        _curve(figure, arc(cells.polygon(selected)) * 1.008, colours.ink, 7)
    if filters is not None and len(filters.directions):
        _spikes(figure, filters, colours)
    ends = 1.22 * np.eye(3)
    figure.add_trace(
        go.Scatter3d(
            **dict(zip("xyz", ends.T, strict=True)),
            mode="text",
            text=list(axes),
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
            "aspectratio": dict.fromkeys("xyz", 1.9),
            "camera": {
                "eye": dict(zip("xyz", (1.0, 1.0, 1.0), strict=True)),
                "projection": {"type": "orthographic"},
            },
            "dragmode": "orbit",
        },
        showlegend=False,
    )
    return Chart(
        figure,
        _alt("sphere", "great circles", arrangement, data, K),
        _table(cells.areas, 4 * math.pi, data, cells.centers),
        "sphere",
    )


def discs(
    arrangement: Arrangement,
    cells: SphereCells,
    paint: Paint,
    data: CellData,
    *,
    K: int = 1,
    filters: FilterMarks | None = None,
    selected: int | None = None,
    axes: Sequence[str] = ("u₁", "u₂", "u₃"),
    titles: tuple[str, str] = ("filters u on the near side", "their opposites −u"),
    name: str = "discs",
    colours: Palette = LIGHT,
) -> Chart:
    """Draw the sphere as two stereographic discs: the hemisphere around (1, 1, 1), and -u at the place of u.

    The lines of both discs are the same, because u and -u lie on the same hyperplanes. Cells cut by the rim are in
    both. Parameters and errors as for :func:`sphere`. The points with the names of the cells carry the cell's number
    as custom data.
    """
    _few(arrangement)
    P = arrangement.count
    figure = blank(350, left=0, right=0, top=30, bottom=0)
    pieces: list[dict[int, list[_Floats]]] = [{}, {}]
    places: list[tuple[float, float, int]] = []
    outline: list[_Floats] = []
    for p in range(P):
        corners = upper_part(cells.polygon(p), cells.centers[p], POLE)
        if not len(corners):
            continue
        flat = stereographic(arc(corners), POLE)
        spot = corners.sum(axis=0)
        middle = stereographic((spot / max(float(np.linalg.norm(spot)), 1e-300))[None], POLE)[0]
        for side, q in enumerate((p, (p + P // 2) % P)):
            moved = _beside(flat, side)
            pieces[side].setdefault(int(paint.index[q]), []).append(moved)
            places.append((middle[0] + side * _GAP, middle[1], q))
            if q == selected:
                outline.append(moved)
    named: set[str] = set()
    for c, (colour, meaning) in enumerate(zip(paint.colours, paint.names, strict=True)):
        shapes = pieces[0].get(c, []) + pieces[1].get(c, [])
        if shapes:
            _fill(figure, shapes, colour, meaning, legend=meaning not in named and _discrete(paint))
            named.add(meaning)
    _disc_lines(figure, arrangement, paint, K, colours)
    if outline:
        x, y = _joined(outline).T
        figure.add_trace(
            go.Scatter(
                x=x, y=y, mode="lines", line={"color": colours.ink, "width": 3.5}, hoverinfo="skip", showlegend=False
            )
        )
    figure.add_trace(_places(places, data))
    if filters is not None and len(filters.directions):
        unit = filters.unit()
        far = unit @ POLE < 0
        spot = stereographic(np.where(far[:, None], -unit, unit), POLE) + np.column_stack([far * _GAP, 0.0 * far])
        figure.add_trace(_filter_points(spot, filters, colours))
    for side, title in enumerate(titles):
        figure.add_annotation(
            x=side * _GAP,
            y=1.06,
            text=title,
            showarrow=False,
            yanchor="bottom",
            font={"color": colours.muted, "size": 13},
        )
    for j, axis in enumerate(axes):
        spot = stereographic(np.eye(3)[j][None], POLE)[0]
        for side in (0, 1):
            figure.add_annotation(
                x=spot[0] + side * _GAP,
                y=spot[1],
                text=f"{'−' if side else ''}{axis}",
                showarrow=False,
                font={"color": colours.ink, "size": 13},
                bgcolor=colours.paper,
                opacity=0.85,
                borderpad=1,
            )
    _flat(figure, [-1.06, _GAP + 1.06], [-1.06, 1.2])
    alt = _alt("sphere as two discs", "arcs", arrangement, data, K)
    return Chart(figure, alt, _table(cells.areas, 4 * math.pi, data, cells.centers), name)


def circle(
    arrangement: Arrangement,
    cells: CircleCells,
    paint: Paint,
    data: CellData,
    *,
    K: int = 1,
    filters: FilterMarks | None = None,
    selected: int | None = None,
    axes: Sequence[str] = ("u₁", "u₂"),
    colours: Palette = LIGHT,
) -> Chart:
    """Draw an arrangement of rows (K n, 2) as sectors of the circle; parameters and errors as for :func:`sphere`."""
    _few(arrangement)
    figure = blank(470, left=0, right=0, top=30, bottom=0)
    sectors = [_sector(s, w) for s, w in zip(cells.start, cells.width, strict=True)]
    named: set[str] = set()
    for c, (colour, meaning) in enumerate(zip(paint.colours, paint.names, strict=True)):
        shapes = [sectors[p] for p in np.flatnonzero(paint.index == c)]
        if shapes:
            _fill(figure, shapes, colour, meaning, legend=meaning not in named and _discrete(paint))
            named.add(meaning)
    patch = hyperplane_patches(arrangement, K)
    for k, colour in enumerate(patch_colours(K, colours)):
        own = arrangement.merged.rows[patch == k]
        lines = [np.outer([-1.06, 1.06], [-b, a]) for a, b in own]
        if lines:
            _lines(figure, lines, colour, f"patch {k + 1}", legend=_named(k, K), width=2.2 if len(patch) < 60 else 1.2)
    if selected is not None:
        x, y = sectors[selected].T
        figure.add_trace(
            go.Scatter(
                x=x, y=y, mode="lines", line={"color": colours.ink, "width": 3.5}, hoverinfo="skip", showlegend=False
            )
        )
    spots = 0.8 * cells.centers
    figure.add_trace(_places([(x, y, p) for p, (x, y) in enumerate(spots)], data))
    if filters is not None and len(filters.directions):
        ends = 1.12 * filters.unit()
        for (x, y), s in zip(ends, filters.signs, strict=True):
            figure.add_annotation(
                x=x,
                y=y,
                ax=0,
                ay=0,
                axref="x",
                ayref="y",
                showarrow=True,
                arrowhead=0,
                arrowwidth=2.5,
                arrowcolor=colours.sign(s),
            )
        figure.add_trace(_filter_points(ends, filters, colours))
    for j, axis in enumerate(axes):
        x, y = 1.26 * np.eye(2)[j]
        figure.add_annotation(x=x, y=y, text=axis, showarrow=False, font={"color": colours.ink, "size": 15})
    _flat(figure, [-1.3, 1.36], [-1.3, 1.36])
    alt = _alt("circle", "lines", arrangement, data, K)
    return Chart(figure, alt, _table(cells.width, 2 * math.pi, data, cells.centers), "circle")


def _few(arrangement: Arrangement) -> None:
    if arrangement.count > MAX_CELLS:
        raise InputError(f"arrangement: got {arrangement.count} cells, expected at most {MAX_CELLS} to draw")


def _discrete(paint: Paint) -> bool:
    """Whether the colours have names worth a legend, rather than being a scale or plain."""
    return 2 < len(paint.colours) <= 6


def _named(k: int, K: int) -> bool:
    """Whether patch k has an entry in the legend: all of a few, else the first and the last."""
    return K > 1 and (K <= MAX_NAMED or k in (0, K - 1))


def _beside(points: _Floats, side: int) -> _Floats:
    """Move points of the first disc to disc `side`."""
    moved: _Floats = points + np.array([side * _GAP, 0.0])
    return moved


def _joined(curves: Sequence[_Floats]) -> _Floats:
    """Curves in one array, separated by NaN."""
    gap = np.full((1, curves[0].shape[1]), np.nan)
    return np.concatenate([part for curve in curves for part in (curve, gap)])


def _curve(figure: Any, points: _Floats, colour: str, width: float) -> None:
    figure.add_trace(
        go.Scatter3d(
            **dict(zip("xyz", np.ascontiguousarray(points.T, dtype=np.float32), strict=True)),
            mode="lines",
            line={"color": colour, "width": width},
            hoverinfo="skip",
            showlegend=False,
        )
    )


def _spikes(figure: Any, filters: FilterMarks, colours: Palette) -> None:
    unit = filters.unit()
    for sign, symbol in ((1.0, "circle"), (-1.0, "diamond")):
        own = np.sign(filters.signs) == sign
        if own.any():
            colour = colours.sign(sign)
            _curve(figure, _joined([np.outer([1.0, 1.2], u) for u in unit[own]]), colour, 8)
            figure.add_trace(
                go.Scatter3d(
                    **dict(zip("xyz", 1.2 * unit[own].T, strict=True)),
                    mode="markers",
                    marker={"size": 7, "color": colour, "symbol": symbol, "line": {"color": colours.paper, "width": 1}},
                    text=[text for text, shown in zip(filters.hover(), own, strict=True) if shown],
                    hovertemplate="%{text}<extra></extra>",
                    showlegend=False,
                )
            )


def _disc_lines(figure: Any, arrangement: Arrangement, paint: Paint, K: int, colours: Palette) -> None:
    patch = hyperplane_patches(arrangement, K)
    # over a colour scale the patches' colours would drown in the cells' own
    plain = len(paint.colours) > 6
    for k, colour in enumerate(patch_colours(K, colours)):
        halves = [stereographic(half_circle(row, POLE), POLE) for row in arrangement.merged.rows[patch == k]]
        if halves:
            both = [_beside(half, side) for half in halves for side in (0, 1)]
            _lines(
                figure,
                both,
                colours.paper if plain else colour,
                f"patch {k + 1}",
                legend=_named(k, K) and not plain,
                width=(1.6 if len(patch) < 40 else 0.9) * (0.6 if plain else 1.0),
            )
    t = np.linspace(0.0, 2 * math.pi, 121)
    rim = np.column_stack([np.cos(t), np.sin(t)])
    _lines(figure, [rim, _beside(rim, 1)], colours.muted, "rim", legend=False, width=1.2)


def _fill(figure: Any, shapes: Sequence[_Floats], colour: str, name: str, *, legend: bool) -> None:
    x, y = _joined(shapes).astype(np.float32).T
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"width": 0},
            fill="toself",
            fillcolor=colour,
            name=name,
            showlegend=legend,
            hoverinfo="skip",
        )
    )


def _lines(figure: Any, lines: Sequence[_Floats], colour: str, name: str, *, legend: bool, width: float) -> None:
    x, y = _joined(lines).astype(np.float32).T
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            mode="lines",
            line={"color": colour, "width": width},
            name=name,
            showlegend=legend,
            hoverinfo="skip",
        )
    )


def _places(places: Sequence[tuple[float, float, int]], data: CellData) -> Any:
    """Invisible points, one in every drawn cell: what a click finds."""
    x, y, cell = zip(*places, strict=True)
    return go.Scatter(
        x=np.array(x, dtype=np.float32),
        y=np.array(y, dtype=np.float32),
        mode="markers",
        marker={"size": 12, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        **data.hover(list(cell)),
        name="cells",
        showlegend=False,
    )


def _filter_points(spots: _Floats, filters: FilterMarks, colours: Palette) -> Any:
    positive = filters.signs > 0
    return go.Scatter(
        x=spots[:, 0],
        y=spots[:, 1],
        mode="markers",
        marker={
            "size": 13,
            "color": [colours.sign(s) for s in filters.signs],
            "symbol": ["circle" if p else "diamond" for p in positive],
            "line": {"color": colours.paper, "width": 2},
            "opacity": 1,
        },
        unselected={"marker": {"opacity": 1}},
        text=filters.hover(),
        hovertemplate="%{text}<extra></extra>",
        name="filters of the optimum",
        showlegend=False,
    )


def _sector(start: float, width: float) -> _Floats:
    t = np.linspace(start, start + width, max(2, math.ceil(width / 0.05) + 1))
    rim = np.column_stack([np.cos(t), np.sin(t)])
    return np.concatenate([np.zeros((1, 2)), rim, np.zeros((1, 2))])


def _flat(figure: Any, x: list[float], y: list[float]) -> None:
    figure.update_xaxes(visible=False, range=x, constrain="domain", fixedrange=True)
    figure.update_yaxes(visible=False, range=y, scaleanchor="x", constrain="domain", fixedrange=True)
    figure.update_layout(hovermode="closest", hoverdistance=40, dragmode=False, clickmode="event+select")


def _alt(shape: str, curves: str, arrangement: Arrangement, data: CellData, K: int) -> str:
    used = [(int(np.count_nonzero(data.usage == u)), u.text) for u in Usage if u is not Usage.UNUSED]
    uses = ", ".join(f"{count} with {text}" for count, text in used if count) or "none is used"
    M, N = len(arrangement.merged.rows), len(arrangement.rows)
    return (
        f"The {shape} cut by {M} {curves} ({N} patch rows of {K} patches) into {arrangement.count} cells; "
        f"{data.active.min()} to {data.active.max()} of {N} entries active; {uses}."
    )


def _table(sizes: _Floats, whole: float, data: CellData, centers: _Floats) -> dict[str, list[Any]]:
    return {
        "cell": data.number.tolist(),
        "active entries": data.active.tolist(),
        "usage": [Usage(int(u)).text for u in data.usage],
        "share of all directions": (sizes / whole).tolist(),
        **{f"u{j + 1} inside": centers[:, j].tolist() for j in range(centers.shape[1])},
    }
