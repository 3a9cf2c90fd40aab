"""Arrangement: every pattern of activations is a cell between hyperplanes, drawn, counted and taken apart."""

from __future__ import annotations

from typing import Any

import streamlit as st

from pages._ui import shell

shell.enter()

from convex_core.arrangement import Arrangement, closed_form  # noqa: E402
from convex_core.data import Dataset  # noqa: E402
from convex_core.errors import ConvexCoreError  # noqa: E402
from convex_core.figures import arrangement as draw  # noqa: E402
from convex_core.figures import arrangement_growth, arrangement_turn  # noqa: E402
from convex_core.figures.arrangement_graph import graph as draw_graph  # noqa: E402
from convex_core.figures.arrangement_paint import MODES, CellData, hyperplane_patches, paint_cells  # noqa: E402
from convex_core.figures.chart import Chart  # noqa: E402
from convex_core.geometry import CircleCells, SphereCells, cell_graph  # noqa: E402
from convex_core.problem import Problem  # noqa: E402
from convex_core.solve import Solution  # noqa: E402
from pages._ui import cell_view, cells, compute, layout  # noqa: E402
from pages._ui.controls import CurrentProblem, bound, problem_controls  # noqa: E402

MAX_SAMPLES = 12
MAX_GRAPH = 800
GRAPH_NOTE = "One point a cell, one edge a facet in the colour of its patch: two patterns that differ in one bit."
COLOURS = {"usage": "Used", "active": "Active", "plain": "Plain"}
DIMENSIONS = {"3": "Sphere", "2": "Circle"}
SLICES = {"principal": "Data", "filters": "Filters"}

place = layout.header(
    "Arrangement",
    "Every patch of every sample cuts the space of filters in two. Inside one cell between the cuts the same patches "
    "fire for every filter, and the network is linear: that is what makes its training convex.",
)


def samples_control() -> None:
    """How many samples cut."""
    st.slider("Samples n", 1, MAX_SAMPLES, 3, **bound("samples", 3), help="The first n samples of the dataset.")


def colour_control() -> None:
    """What the colour of a cell says."""
    st.segmented_control(
        "Colour cells by", MODES, default="usage", required=True, format_func=COLOURS.get, **bound("colour", "usage")
    )


def slice_controls() -> None:
    """How an arrangement in more dimensions is cut."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=210):
            st.segmented_control(
                "Picture", list(DIMENSIONS), default="3", required=True, format_func=DIMENSIONS.get, **bound("dim", "3")
            )
        with st.container(width=210):
            st.segmented_control(
                "Slice along",
                list(SLICES),
                default="principal",
                required=True,
                format_func=SLICES.get,
                help="The directions in which the patches vary most, or the largest filters of the optimum.",
                **bound("slice", "principal"),
            )


@st.fragment
def live() -> None:
    """Controls and results together: quick changes then wait for one another instead of piling up."""
    current = problem_controls(
        ("data", "h", "stride"), extra=[samples_control, colour_control], advanced=slice_controls
    )
    state = st.session_state
    n = min(int(state["samples"]), current.dataset.n)
    left_out = [] if n == state["samples"] else [f"{current.dataset.name} has {n} samples: all are used."]
    layout.remarks([*current.remarks, *left_out])
    key = f"{current.spec.key} first {n}"
    data = cells.first_samples(current.dataset, n)
    problem = compute.problem(key, current.spec, data)
    K, _, h = problem.patches.shape
    rows = problem.architecture.hyperplanes(problem.patches)
    size = cells.size(key, rows, n)
    if not size.hyperplanes:
        st.info("Every patch is zero: there is nothing that cuts, and one cell.", icon=":material/info:")
        return
    solution = solve(key, problem)
    everything = cells.whole(key, rows)
    through = state["slice"] == "filters" and h > 3 - (state["dim"] == "2")
    view = f"{key} {state['dim']} {through}"
    picture = cells.picture(view, rows, everything, int(state["dim"]), through, solution)
    numbers(size, K, n, h, data.d)
    listed = everything or (None if picture is None else picture.arrangement)
    above, below = st.container(), st.container()
    if listed is None:
        st.info(
            f"More than {cells.MAX_LISTED:,} cells: they are counted, not listed. Choose fewer samples.",
            icon=":material/info:",
        )
        return
    charts: list[Chart] = []
    with below:
        st.subheader("One cell", anchor=False)
        selected = cell_view.choose(listed, picture)
    with above:
        charts += draw_picture(picture, everything, size, K, selected)
    with below:
        charts += cell_view.show(problem, listed, picture, selected, whole=everything is not None)
    charts += turning(problem, picture)
    charts += sharing(key, current, data, K)
    layout.downloads(place, layout.chart_downloads(charts))


def solve(key: str, problem: Problem) -> Solution | None:
    """The optimum on these samples, whose filters say which cells are used."""
    try:
        with st.spinner("Solving ...", show_time=True):
            return compute.solution(f"{key} arrangement", problem, compute.SolveOptions(time_limit=2.0))
    except ConvexCoreError:
        return None


def numbers(size: cells.Size, K: int, n: int, h: int, d: int) -> None:
    """Exact count, closed form and bound; the same data without sharing."""
    count = size.count
    merged = f"of {size.rows} rows, {K} patches × {n}" if size.hyperplanes < size.rows else f"{K} patches × {n} samples"
    proof = "not counted" if count is None else "counted, certified" if count.certified else "counted, not certified"
    layout.facts(
        [
            layout.Fact(
                layout.large(count.patterns) if count else f"≤ {layout.large(size.closed)}", "cells = patterns P", proof
            ),
            layout.Fact(layout.large(size.closed), "closed form", "in general position"),
            layout.Fact(layout.large(size.bound), "bound O((nK/r)ʳ)", f"rank r = {size.rank}"),
            layout.Fact(f"{size.hyperplanes:,}", "hyperplanes", merged),
            layout.Fact(layout.large(cells.unshared(K, n, h)), "if patches did not share", "a filter for every patch"),
            layout.Fact(layout.large(closed_form(n, min(n, d))), "fully connected", f"one patch of {d} entries"),
        ]
    )


def draw_picture(
    picture: cells.Picture | None, everything: Arrangement | None, size: cells.Size, K: int, selected: int
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
    palette = layout.colours()
    paint = paint_cells(drawn, picture.data, st.session_state["colour"], colours=palette)
    mark = cell_view.drawn_cell(picture, selected)
    common: dict[str, Any] = {
        "K": K,
        "filters": picture.filters,
        "selected": mark,
        "axes": picture.axes,
        "colours": palette,
    }
    note = "Exact polygons; click a cell to take it apart. Lines of one patch share a colour, from dark to light."
    if picture.sliced:
        slice_note(picture, size)
    if isinstance(shapes, CircleCells):
        chart = draw.circle(drawn, shapes, paint, picture.data, **common)
        left, right = st.columns([1, 1], gap="large")
        with left:
            layout.chart(chart, "Sectors of the circle", note, key="circle", picked=cell_view.pick("circle"))
        charts = [chart]
        net = None if picture.sliced else graph(drawn, picture.data, K, selected)
        if net is not None:
            charts.append(net)
            with right:
                layout.chart(net, "Cell graph", GRAPH_NOTE, key="graph", picked=cell_view.pick("graph"))
    else:
        ball = draw.sphere(drawn, shapes, paint, picture.data, **common)
        flat = draw.discs(drawn, shapes, paint, picture.data, **common)
        left, right = st.columns([1, 1.5], gap="medium")
        with left:
            layout.chart(ball, "On the sphere", "Drag to turn. Spikes are filters of the optimum.", key="sphere")
        with right:
            layout.chart(flat, "The same cells, flat", note, key="discs", picked=cell_view.pick("discs"))
        charts = [ball, flat]
    if picture.sliced and everything is not None and everything.count <= MAX_GRAPH:
        net = graph(everything, cells.whole_data(everything, picture), K, selected)
        charts.append(net)
        layout.chart(net, "All cells as a graph", GRAPH_NOTE, key="graph", picked=cell_view.pick("graph"))
    return charts


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
    paint = paint_cells(arrangement, data, st.session_state["colour"], colours=palette)
    patch = hyperplane_patches(arrangement, K)
    return draw_graph(cell_graph(arrangement), paint, data, patch, K=K, selected=selected, colours=palette)


def turning(problem: Problem, picture: cells.Picture | None) -> list[Chart]:
    """A filter that turns."""
    if picture is None or picture.basis.shape[1] < 2 or picture.basis.shape[0] < 2:
        return []
    chart = arrangement_turn.turning_filter(problem.patches, picture.basis[:, :2], colours=layout.colours())
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
        paint = paint_cells(drawn, connected.data, "plain", colours=palette)
        chart = draw.discs(
            drawn, connected.shapes, paint, connected.data, axes=connected.axes, name="connected-discs", colours=palette
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
        f"$n^{{{max(h - 1, 0)}}}$, polynomially in the data.\n\n"
        f"**A filter for every patch** would multiply the patches' arrangements: up to {own} patterns.\n\n"
        f"**A fully connected unit** sees {n} rows in {d} dimensions: "
        f"{layout.large(size.count.patterns if size.count else size.closed)} patterns here, doubling with every sample "
        f"until n exceeds {d}, then growing like $n^{{{d - 1}}}$."
    )
    n_over = cells.overtaking(K, h, d)
    if n_over is not None:
        text += f" In general position it has more patterns than the convolution from **n = {n_over}** on."
    return text


live()
