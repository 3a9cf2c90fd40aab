"""The pictures of the Arrangement page: cells, a filter that turns, the comparison with other ways to connect."""

from __future__ import annotations

import html
from dataclasses import replace

import streamlit as st

from convex_core.arrangement import Arrangement
from convex_core.figures.arrangement.circle import circle
from convex_core.figures.arrangement.disc import disc
from convex_core.figures.arrangement.graph import graph as draw_graph
from convex_core.figures.arrangement.paint import MODES, CellData, Mode, hyperplane_patches, paint_cells, patch_colours
from convex_core.figures.arrangement.scene import MAX_FILLED, Scene
from convex_core.figures.arrangement.sphere import sphere
from convex_core.figures.arrangement.turn import turning_filter
from convex_core.figures.chart import Chart
from convex_core.geometry import CircleCells, cell_graph
from convex_core.problem import Problem

from .. import layout
from . import cells, one_cell
from .pointer import pointer

__all__ = ["current_scene", "turning", "whole_picture"]

MAX_GRAPH = 800
MAX_KEYS = 12
GRAPH_NOTE = "One point a cell, one edge a facet in the colour of its patch: two patterns that differ in one bit."


def current_scene(key: str, picture: cells.Picture | None, K: int) -> Scene | None:
    """The picture in the colours that are asked for; None if there is nothing to draw."""
    if picture is None or not picture.arrangement.rank:
        return None
    palette, mode = layout.colours(), _mode()
    return cells.scene(f"{key} {mode} {palette.dark}", picture, K, mode, palette)


def whole_picture(
    key: str,
    picture: cells.Picture | None,
    scene: Scene | None,
    everything: Arrangement | None,
    size: cells.Size,
    selected: int,
) -> list[Chart]:
    """The circle, or the sphere with its discs; for a slice also the graph of all cells."""
    if picture is None:
        st.info("Too many cells to list: they are counted. Choose fewer samples.", icon=":material/info:")
        return []
    if scene is None:
        st.info("No hyperplane cuts this slice.", icon=":material/info:")
        return []
    if picture.sliced:
        slice_note(picture, size)
    if scene.shapes is None:
        crowd_note(scene)
    mark = one_cell.drawn_cell(picture, selected)
    key = f"{key} {_mode()} {mark} {scene.colours.dark}"
    marked = replace(scene, selected=mark)
    legend(scene)
    if isinstance(scene.shapes, CircleCells):
        charts = [cells.chart(f"circle {key}", lambda: circle(marked))]
        left, right = st.columns(2, gap="large")
        with left:
            layout.chart(charts[0], "Sectors of the circle", "Click a sector to take it apart.", key="circle")
        if not picture.sliced and scene.arrangement.count <= MAX_GRAPH:
            charts.append(_graph(f"graph {key}", scene.arrangement, picture.data, scene.K, selected))
            with right:
                layout.chart(charts[-1], "Cell graph", GRAPH_NOTE, key="graph", picked=one_cell.pick("graph"))
    else:
        charts = [
            cells.chart(f"sphere {key}", lambda: sphere(marked)),
            cells.chart(f"near {key}", lambda: disc(marked)),
            cells.chart(f"far {key}", lambda: disc(marked, far=True)),
        ]
        texts = (
            ("On the sphere", "Drag to turn, click a cell. Spikes: filters of the optimum.", "sphere"),
            ("Near side", "The hemisphere that faces you, as a disc: exact arcs.", "disc_near"),
            ("Far side", "The opposite filters −u, on the other side of the same lines.", "disc_far"),
        )
        for column, chart, (title, note, name) in zip(st.columns(3, gap="medium"), charts, texts, strict=True):
            with column:
                layout.chart(chart, title, note, key=name)
    pointer(picture, scene.K, mark)
    if picture.sliced and everything is not None and everything.count <= MAX_GRAPH:
        data = cells.whole_data(everything, picture)
        charts.append(_graph(f"graph {key} {selected}", everything, data, scene.K, selected))
        layout.chart(charts[-1], "All cells as a graph", GRAPH_NOTE, key="graph", picked=one_cell.pick("graph"))
    return charts


def _mode() -> Mode:
    chosen = st.session_state.get("colour")
    return chosen if chosen in MODES else MODES[0]


def legend(scene: Scene) -> None:
    """What the colours say, once for all pictures."""
    paint = scene.paint
    if paint.two_greys:
        entries = list(dict.fromkeys(zip(paint.names, paint.colours, strict=True)))[1:]
    else:
        entries = [(paint.names[0], paint.colours[0]), (paint.names[-1], paint.colours[-1])]
    text = "".join(f"<span>{_swatch(colour)}{html.escape(name)}</span>" for name, colour in entries)
    if paint.two_greys and scene.K > 1:
        lines = patch_colours(scene.K, scene.colours)
        shown = [lines[round(k * (len(lines) - 1) / (MAX_KEYS - 1))] for k in range(MAX_KEYS)]
        shown = lines if len(lines) <= MAX_KEYS else shown
        text += f"<span>lines of patch 1 {''.join(_swatch(c) for c in shown)} to {scene.K}</span>"
    st.html(f'<p class="cc-keys">{text}</p>')


def _swatch(colour: str) -> str:
    return f'<i class="cc-key" style="background:{colour}"></i>'


def crowd_note(scene: Scene) -> None:
    """What is not drawn when there are very many cells."""
    scale = "" if _mode() != "active" else " A colour for every number of active entries needs fewer cells."
    st.markdown(
        f"**{scene.arrangement.count:,} cells** are too many to draw one by one (the limit is {MAX_FILLED:,}). All "
        f"{scene.lines:,} hyperplanes are drawn, and on the discs every cell between them in one of two greys; on the "
        f"sphere only cells with a filter have a colour. Any cell can be clicked.{scale}"
    )


def slice_note(picture: cells.Picture, size: cells.Size) -> None:
    """What a slice shows, and what it does not."""
    total = layout.large(size.count.patterns) if size.count else f"at most {layout.large(size.closed)}"
    outside = f" {picture.outside} filters of the optimum lie outside it." if picture.outside else ""
    st.markdown(
        f"**A slice.** Filters have {picture.basis.shape[0]} entries; this is a {len(picture.axes)}-dimensional slice "
        f"through the origin. It meets **{picture.arrangement.count:,} of {total} cells**; the others are not shown."
        f"{outside}"
    )


def _graph(key: str, arrangement: Arrangement, data: CellData, K: int, selected: int) -> Chart:
    """Every cell of a small arrangement."""

    def build() -> Chart:
        palette = layout.colours()
        paint = paint_cells(arrangement, data, _mode(), colours=palette)
        patch = hyperplane_patches(arrangement, K)
        return draw_graph(cell_graph(arrangement), paint, data, patch, K=K, selected=selected, colours=palette)

    return cells.chart(key, build)


def turning(key: str, problem: Problem, picture: cells.Picture | None) -> list[Chart]:
    """A filter that turns."""
    if picture is None or picture.basis.shape[1] < 2 or picture.basis.shape[0] < 2:
        return []
    palette, plane = layout.colours(), picture.basis[:, :2]
    # the plane depends on the picture: a slice may follow the filters
    where = plane.tobytes().hex()
    chart = cells.chart(
        f"turn {key} {where} {palette.dark}", lambda: turning_filter(problem.patches, plane, colours=palette)
    )
    axes = " and ".join(picture.axes[:2])
    layout.chart(
        chart,
        "Turn the filter",
        f"The filter u turns in the plane of {axes}. Whenever it crosses a line, one patch starts or stops to fire.",
        key="turn",
    )
    return [chart]
