"""One cell of the arrangement: picked by a click or by its number, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from convex_core.arrangement import Arrangement, Cell
from convex_core.figures.arrangement.cell import linear_piece, pattern_matrix
from convex_core.figures.arrangement.near import near
from convex_core.figures.arrangement.scene import Scene
from convex_core.figures.chart import Chart
from convex_core.geometry import CircleCells, Usage, cells_at
from convex_core.problem import Problem

from .. import layout
from ..state.controls import bound
from . import cells
from .cells import Picture

__all__ = ["choose", "drawn_cell", "pick", "show"]

MAX_CELL = 999_999


def choose(listed: Arrangement, picture: Picture | None) -> int:
    """The widget for a cell's number, and the cell: without a number that of the largest filter."""
    st.number_input(
        f"Cell number, 0 to {listed.count - 1:,}",
        0,
        MAX_CELL,
        None,
        placeholder="Cell: the largest filter's",
        label_visibility="collapsed",
        help="Or click a cell in a picture.",
        width=250,
        **bound("cell", None),
    )
    value = st.session_state["cell"]
    if value is None:
        return _default(picture)
    if value >= listed.count:
        layout.remarks([f"Cell {value:,} does not exist: the last one, {listed.count - 1:,}, is shown."])
    return int(min(max(value, 0), listed.count - 1))


def drawn_cell(picture: Picture, number: int) -> int | None:
    """Position in the picture of a cell of the whole arrangement; None if the slice does not meet it."""
    found = np.flatnonzero(picture.data.number == number)
    return int(found[0]) if len(found) else None


def pick(key: str) -> Callable[[], None]:
    """A callback that makes the clicked cell the chosen one."""

    def take() -> None:
        event = st.session_state.get(key)
        points = event["selection"]["points"] if event else []
        chosen = [p["customdata"] for p in points if p.get("customdata") is not None]
        if chosen:
            first = chosen[0]
            number = first["0"] if isinstance(first, Mapping) else first[0] if isinstance(first, Sequence) else first
            st.session_state["cell"] = int(number)

    return take


def show(
    key: str,
    problem: Problem,
    listed: Arrangement,
    picture: Picture | None,
    scene: Scene | None,
    number: int,
    *,
    whole: bool,
) -> list[Chart]:
    """Where a cell is in the count, its pattern matrix, cone, facets and neighbours, and its linear map."""
    K, n, _ = problem.patches.shape
    cell = listed.cell(number)
    place = None if picture is None else drawn_cell(picture, number)
    palette = layout.colours()
    key = f"{key} cell {number} {palette.dark}"
    charts = [
        cells.chart(f"matrix {key}", lambda: pattern_matrix(cell, K, colours=palette)),
        cells.chart(
            f"piece {key}",
            lambda: linear_piece(problem.patches, cell.active, scale=problem.architecture.scale, colours=palette),
        ),
    ]
    within = None if place is None or scene is None or isinstance(scene.shapes, CircleCells) else scene
    columns = st.columns([1.9, 1, 1] if within else [1, 1], gap="large")
    if within:
        marked = replace(within, selected=place)
        charts.append(cells.chart(f"close {key} {within.paint.two_greys}", lambda: near(marked)))
        part = "Its part in the slice. " if picture is not None and picture.sliced else ""
        note = f"{part}Click a number to walk to the cell behind that side. Dotted: the widest circle inside."
        with columns[0]:
            layout.chart(charts[-1], "From near", note, key="near", picked=pick("near"))
    with columns[-2]:
        layout.chart(charts[0], "Pattern D", "Filled where a patch fires; a ring is a facet.", key="pattern")
    with columns[-1]:
        layout.chart(charts[1], "Linear map", "Here a filter u gives the outputs G u, G = Σₖ Dₖ Xₖ.", key="piece")
    _facts(cell, listed, scene, place, K, whole=whole)
    left, right = st.columns([1, 1.3], gap="large")
    with left:
        st.subheader("The cone", anchor=False)
        st.latex(r"\{u : (2D_k - I)\, X_k u \ge 0\;\; \forall k\}")
        inside = ", ".join(f"{v:.3f}" for v in cell.witness[:6])
        more = ", …" if len(cell.witness) > 6 else ""
        facets = len(cell.facet_rows)
        others = f"{facets} of them, the facets, imply the others" if facets < K * n else "each of them is a facet"
        layout.caption(f"{K * n} inequalities; {others}. The deepest point inside is u = ({inside}{more}).")
    with right:
        _facets(cell, n)
    return charts


def _facts(cell: Cell, listed: Arrangement, scene: Scene | None, place: int | None, K: int, *, whole: bool) -> None:
    usage = "not in the slice" if place is None or scene is None else Usage(int(scene.data.usage[place])).text
    N = len(cell.active)
    entries = [
        layout.Fact(f"{cell.index:,} of {listed.count:,}", "cell", usage),
        layout.Fact(f"{int(cell.active.sum())} of {N}", "patches fire", f"{K} patches × {N // K} samples"),
        layout.Fact(
            f"{len(cell.facet_rows)} of {len(listed.merged.rows)}",
            "hyperplanes bound it",
            "the others are implied" if whole else "within the slice",
        ),
        layout.Fact(f"{np.degrees(np.arcsin(min(cell.margin, 1.0))):.2g}°", "widest circle inside", "its radius"),
    ]
    if whole and place is not None and scene is not None and scene.shapes is not None and scene.arrangement is listed:
        shares = scene.shares()
        rank = int(np.count_nonzero(shares > shares[place])) + 1
        entries.append(layout.Fact(f"{shares[place]:.2%}", "of all directions", f"number {rank:,} by size"))
    layout.facts(entries)


def _facets(cell: Cell, n: int) -> None:
    k, i = np.divmod(cell.facet_rows, n)
    layout.caption("Its facets, and the cell behind each:")
    st.dataframe(
        {
            "sample i": i,
            "patch k": k + 1,
            "inside": ["xₖ·u ≥ 0" if s > 0 else "xₖ·u ≤ 0" for s in cell.facet_signs],
            "next cell": cell.neighbours,
        },
        hide_index=True,
        height=min(240, 38 + 35 * len(k)),
    )


def _default(picture: Picture | None) -> int:
    """The cell of the largest filter that the picture shows."""
    if picture is None:
        return 0
    place = -1
    if len(picture.filters.directions):
        place = int(cells_at(picture.arrangement, picture.filters.directions[:1])[0])
    if place < 0:
        place = int(np.argmax(picture.data.usage > 0))
    return max(int(picture.data.number[place]), 0)
