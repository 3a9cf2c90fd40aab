"""Arrangement: every pattern of activations is a cell between hyperplanes, drawn, counted and taken apart."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from convex_core.arrangement import closed_form  # noqa: E402
from convex_core.errors import ConvexCoreError  # noqa: E402
from convex_core.figures.arrangement.paint import MODES  # noqa: E402
from convex_core.figures.chart import Chart  # noqa: E402
from convex_core.problem import Problem  # noqa: E402
from convex_core.solution import Solution  # noqa: E402
from pages._ui import guard, layout  # noqa: E402
from pages._ui.arrangement import cells, one_cell, pictures, sharing  # noqa: E402
from pages._ui.state.controls import bound, problem_controls  # noqa: E402
from pages._ui.work import compute  # noqa: E402

MAX_SAMPLES = 12
DIMENSIONS = {"sphere": 3, "circle": 2}
SLICES = ("data", "filters")
PICTURE, CELL, GROWTH = VIEWS = ("Picture", "One cell", "Growth")

place = layout.header(
    "Arrangement",
    "Every patch cuts the space of filters in two. Inside a cell between the cuts the same patches fire, and the "
    "network is linear.",
)


def samples_control() -> None:
    """How many samples cut."""
    st.slider("Samples n", 1, MAX_SAMPLES, 3, **bound("samples", 3), help="The first n samples of the dataset.")


def colour_control() -> None:
    """What the colour of a cell says."""
    st.selectbox("Colour cells by", MODES, 0, filter_mode=None, **bound("colour", MODES[0]))


def slice_controls() -> None:
    """How an arrangement in more dimensions is cut."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=210):
            st.segmented_control(
                "Picture", list(DIMENSIONS), default="sphere", required=True, **bound("picture", "sphere")
            )
        with st.container(width=210):
            st.segmented_control(
                "Slice along",
                SLICES,
                default="data",
                required=True,
                help="The directions in which the patches vary most, or the largest filters of the optimum.",
                **bound("slice", "data"),
            )


@guard.fragment
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
    rows = problem.patches.reshape(-1, problem.patches.shape[2])  # of the patches, whatever the activation
    size = cells.size(key, rows, n)
    if not size.hyperplanes:
        st.info("Every patch is zero: there is nothing that cuts, and one cell.", icon=":material/info:")
        return
    solution = solve(key, problem)
    everything = cells.whole(key, rows)
    dimension = DIMENSIONS.get(state["picture"], 3)
    through = state["slice"] == "filters" and h > dimension
    view = f"{key} {dimension} {through}"
    picture = cells.picture(view, rows, everything, dimension, through, solution)
    listed = everything or (None if picture is None else picture.arrangement)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="views"):
        st.segmented_control(
            "Tab", VIEWS, default=PICTURE, required=True, label_visibility="collapsed", **bound("view", PICTURE)
        )
        selected = None if listed is None else one_cell.choose(listed, picture)
    charts: list[Chart] = []
    if state["view"] == GROWTH:
        charts += sharing.sharing(key, current, data, K)
        numbers(size, K, n, h, data.d)
    elif listed is None or selected is None:
        st.info(
            f"More than {cells.MAX_LISTED:,} cells: they are counted, not listed. Choose fewer samples.",
            icon=":material/info:",
        )
        numbers(size, K, n, h, data.d)
    elif state["view"] == CELL:
        scene = pictures.current_scene(view, picture, K)
        charts += one_cell.show(view, problem, listed, picture, scene, selected, whole=everything is not None)
    else:
        scene = pictures.current_scene(view, picture, K)
        charts += pictures.whole_picture(view, picture, scene, everything, size, selected)
        numbers(size, K, n, h, data.d)
        charts += pictures.turning(key, problem, picture)
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


live()
