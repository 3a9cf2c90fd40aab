"""One cell of the arrangement: picked by a click or by its number, and taken apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import streamlit as st

from convex_core.arrangement import Arrangement, Cell
from convex_core.figures.arrangement_cell import linear_piece, pattern_matrix
from convex_core.figures.chart import Chart
from convex_core.geometry import Usage
from convex_core.problem import Problem

from . import layout
from .cells import Picture
from .controls import bound

__all__ = ["choose", "drawn_cell", "pick", "show"]

MAX_CELL = 999_999


def choose(listed: Arrangement, picture: Picture | None) -> int:
    """The widget for a cell's number, and the cell: without a number that of the largest filter."""
    st.number_input(
        f"Cell number, 0 to {listed.count - 1:,}",
        0,
        MAX_CELL,
        None,
        placeholder="the largest filter's",
        width=260,
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


def show(problem: Problem, listed: Arrangement, picture: Picture | None, number: int, *, whole: bool) -> list[Chart]:
    """Pattern matrix, cone, facets and neighbours, and the linear map of a cell."""
    K, n, _ = problem.patches.shape
    cell = listed.cell(number)
    place = None if picture is None else drawn_cell(picture, number)
    bounds = "the others are implied" if whole else "within the slice"
    usage = "not in the slice" if place is None else Usage(int(picture.data.usage[place])).text  # type: ignore[union-attr]
    layout.facts(
        [
            layout.Fact(f"{number:,} of {listed.count:,}", "cell", usage),
            layout.Fact(f"{int(cell.active.sum())} of {K * n}", "patches fire", f"{K} patches × {n} samples"),
            layout.Fact(f"{len(cell.facet_rows)} of {len(listed.merged.rows)}", "hyperplanes bound it", bounds),
            layout.Fact(f"{np.degrees(np.arcsin(min(cell.margin, 1.0))):.2g}°", "widest circle inside", "its radius"),
        ]
    )
    palette = layout.colours()
    matrix = pattern_matrix(cell, K, colours=palette)
    charts = [matrix]
    left, middle, right = st.columns([1, 1, 1.1], gap="large")
    with left:
        layout.chart(
            matrix,
            "Pattern matrix D",
            "Filled where a patch fires. Rings are the facets: one flip away.",
            key="pattern",
        )
    piece = linear_piece(problem.patches, cell.active, scale=problem.architecture.scale, colours=palette)
    charts.append(piece)
    with middle:
        layout.chart(
            piece, "The linear map", "On this cell one filter u gives the outputs G u, G = Σₖ Dₖ Xₖ.", key="piece"
        )
    with right:
        st.subheader("The cone", anchor=False)
        st.latex(r"\{u : (2D_k - I)\, X_k u \ge 0\;\; \forall k\}")
        _facets(cell, n)
    return charts


def _facets(cell: Cell, n: int) -> None:
    k, i = np.divmod(cell.facet_rows, n)
    inside = ", ".join(f"{v:.3f}" for v in cell.witness[:6])
    more = ", …" if len(cell.witness) > 6 else ""
    layout.caption(f"Deepest point inside: u = ({inside}{more}). Its facets, and the cell behind each:")
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
    if picture is None:
        return 0
    used = np.flatnonzero(picture.data.usage > 0)
    if len(picture.filters.directions):
        values = picture.filters.directions[0] @ picture.arrangement.merged.rows.T
        index, sign = picture.arrangement.merged.index, picture.arrangement.merged.sign
        active = ((values >= 0)[np.maximum(index, 0)] ^ (sign < 0)) | (sign == 0)
        found = picture.arrangement.index_of(active)
        used = found if found[0] >= 0 else used
    return int(picture.data.number[used[0]]) if len(used) else int(picture.data.number[0])
