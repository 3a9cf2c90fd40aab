"""The pictures of the Arrangement page: cells, a filter that turns, the comparison with other ways to connect."""

from __future__ import annotations

from typing import Any

import streamlit as st

from convex_core.arrangement import Arrangement
from convex_core.data import Dataset
from convex_core.figures import arrangement as draw
from convex_core.figures import arrangement_growth
from convex_core.figures.arrangement_graph import graph as draw_graph
from convex_core.figures.arrangement_paint import MODES, CellData, Mode, hyperplane_patches, paint_cells
from convex_core.figures.arrangement_turn import turning_filter
from convex_core.figures.chart import Chart
from convex_core.geometry import CircleCells, SphereCells, cell_graph
from convex_core.problem import Problem

from . import cell_view, cells, compute, layout
from .controls import CurrentProblem

__all__ = ["sharing", "turning", "whole_picture"]

MAX_GRAPH = 800
GRAPH_NOTE = "One point a cell, one edge a facet in the colour of its patch: two patterns that differ in one bit."


def whole_picture(
    key: str, picture: cells.Picture | None, everything: Arrangement | None, size: cells.Size, K: int, selected: int
) -> list[Chart]:
    """The circle, or the sphere with its discs; for a slice also the graph of all cells."""
    if picture is None:
        st.info(
            f"More than {draw.MAX_CELLS:,} cells are counted and listed, but not drawn: choose fewer samples.",
            icon=":material/info:",
        )
        return []
    shapes, drawn = picture.shapes, picture.arrangement
    if shapes is None:
        st.info("No hyperplane cuts this slice.", icon=":material/info:")
        return []
    palette, mode = layout.colours(), _mode()
    paint = paint_cells(drawn, picture.data, mode, colours=palette)
    mark = cell_view.drawn_cell(picture, selected)
    common: dict[str, Any] = {
        "K": K,
        "filters": picture.filters,
        "selected": mark,
        "axes": picture.axes,
        "colours": palette,
    }
    key = f"{key} {mode} {mark} {palette.dark}"
    note = "Exact polygons; click a cell to take it apart. Lines of one patch share a colour, from dark to light."
    if picture.sliced:
        slice_note(picture, size)
    if isinstance(shapes, CircleCells):
        chart = cells.chart(f"circle {key}", lambda: draw.circle(drawn, shapes, paint, picture.data, **common))
        left, right = st.columns([1, 1], gap="large")
        with left:
            layout.chart(chart, "Sectors of the circle", note, key="circle", picked=cell_view.pick("circle"))
        charts = [chart]
        if not picture.sliced and drawn.count <= MAX_GRAPH:
            charts.append(cells.chart(f"graph {key} {selected}", lambda: graph(drawn, picture.data, K, selected)))
            with right:
                layout.chart(charts[-1], "Cell graph", GRAPH_NOTE, key="graph", picked=cell_view.pick("graph"))
    else:
        ball = cells.chart(f"sphere {key}", lambda: draw.sphere(drawn, shapes, paint, picture.data, **common))
        flat = cells.chart(f"discs {key}", lambda: draw.discs(drawn, shapes, paint, picture.data, **common))
        left, right = st.columns([1, 1.8], gap="medium")
        with left:
            layout.chart(ball, "On the sphere", "Drag to turn. Spikes are filters of the optimum.", key="sphere")
        with right:
            layout.chart(flat, "The same cells, flat", note, key="discs", picked=cell_view.pick("discs"))
        charts = [ball, flat]
    if picture.sliced and everything is not None and everything.count <= MAX_GRAPH:
        data = cells.whole_data(everything, picture)
        charts.append(cells.chart(f"graph {key} {selected}", lambda: graph(everything, data, K, selected)))
        layout.chart(charts[-1], "All cells as a graph", GRAPH_NOTE, key="graph", picked=cell_view.pick("graph"))
    return charts


def _mode() -> Mode:
    chosen = st.session_state.get("colour")
    return chosen if chosen in MODES else MODES[0]


def slice_note(picture: cells.Picture, size: cells.Size) -> None:
    """What a slice shows, and what it does not."""
    total = layout.large(size.count.patterns) if size.count else f"at most {layout.large(size.closed)}"
    outside = f" {picture.outside} filters of the optimum lie outside it." if picture.outside else ""
    st.markdown(
        f"**A slice.** Filters have {picture.basis.shape[0]} entries; this is a {len(picture.axes)}-dimensional slice "
        f"through the origin. It meets **{picture.arrangement.count:,} of {total} cells**; the others are not shown."
        f"{outside}"
    )


def graph(arrangement: Arrangement, data: CellData, K: int, selected: int) -> Chart:
    """Every cell of a small arrangement."""
    palette = layout.colours()
    paint = paint_cells(arrangement, data, _mode(), colours=palette)
    patch = hyperplane_patches(arrangement, K)
    return draw_graph(cell_graph(arrangement), paint, data, patch, K=K, selected=selected, colours=palette)


def turning(key: str, problem: Problem, picture: cells.Picture | None) -> list[Chart]:
    """A filter that turns."""
    if picture is None or picture.basis.shape[1] < 2 or picture.basis.shape[0] < 2:
        return []
    palette, plane = layout.colours(), picture.basis[:, :2]
    # the plane depends on the picture: a slice may follow the filters
    where = hash(plane.tobytes())
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


def sharing(key: str, current: CurrentProblem, data: Dataset, K: int) -> list[Chart]:
    """The fully connected network on the same data, and how the numbers grow."""
    palette = layout.colours()
    st.subheader("Why sharing a filter matters", anchor=False)
    left, right = st.columns([1, 1.5], gap="medium")
    n, d = data.X.shape
    rows = data.X
    h = compute.geometry(current.spec, data).h
    size = cells.size(f"{key} connected", rows, n)
    charts: list[Chart] = []
    with left:
        st.markdown(sharing_text(n, K, h, d, size))
    connected = cells.picture(f"{key} connected", rows, None, 3, False, None)
    if connected is not None and isinstance(connected.shapes, SphereCells):
        drawn = connected.arrangement
        shapes, paint = connected.shapes, paint_cells(drawn, connected.data, "plain", colours=palette)
        options: dict[str, Any] = {"axes": connected.axes, "name": "connected-discs", "colours": palette}
        chart = cells.chart(
            f"connected {key} {palette.dark}", lambda: draw.discs(drawn, shapes, paint, connected.data, **options)
        )
        charts.append(chart)
        with right:
            total = layout.large(size.count.patterns) if size.count else f"at most {layout.large(size.closed)}"
            layout.chart(
                chart,
                "Fully connected, same data",
                f"One hyperplane a sample in {d} dimensions; a slice that meets {drawn.count:,} of {total} cells.",
                key="connected",
            )
    st.subheader("How the number of patterns grows", anchor=False)
    every = cells.growths(f"{key} growth", current.spec, current.dataset, n)
    times = arrangement_growth.growth_times(every, colours=palette)
    layout.caption(f"{times.alt} Everything else stays as chosen above.")
    titles = ("samples n", "patches K", "filter length h")
    grown = [arrangement_growth.growth(g, title, colours=palette) for g, title in zip(every, titles, strict=True)]
    headings = ("More samples", "More patches", "Longer filters", "Measured time")
    for column, item, heading in zip([*st.columns(2, gap="large")] * 2, [*grown, times], headings, strict=True):
        with column:
            layout.chart(item, heading, key=item.name)
    return [*charts, *grown, times]


def sharing_text(n: int, K: int, h: int, d: int, size: cells.Size) -> str:
    """The numbers of the three ways to connect, in words."""
    own = layout.large(cells.unshared(K, n, h))
    text = (
        f"**One shared filter** sees {K * n} rows in only {h} dimensions, so the number of cells grows like "
        f"{_power(h - 1)}, polynomially in the data.\n\n"
        f"**A filter for every patch** would multiply the patches' arrangements: up to {own} patterns.\n\n"
        f"**A fully connected unit** sees {n} rows in {d} dimensions: "
        f"{layout.large(size.count.patterns if size.count else size.closed)} patterns here, doubling with every sample "
        f"until n exceeds {d}, then growing like {_power(d - 1)}."
    )
    n_over = cells.overtaking(K, h, d)
    if n_over is not None:
        text += f" In general position it has more patterns than the convolution from **n = {n_over}** on."
    return text


def _power(exponent: int) -> str:
    return "a constant" if exponent == 0 else "$n$" if exponent == 1 else f"$n^{{{exponent}}}$"
