"""The rows of a sweep: a map, the row that is chosen, and a file of rows that was computed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import streamlit as st

from convex_core.errors import InputError
from convex_core.figures.chart import Chart
from convex_core.figures.sweeps import SWEEP_VALUES, sweep_axes, sweep_map, sweep_rows
from convex_core.presentation.text import counted, number
from convex_core.sweeps import Sweep
from convex_core.sweeps.store import rows_in

from .. import guard, layout
from ..state.controls import bound
from ..state.spec import CUSTOM
from .opening import solve_query

__all__ = ["row_downloads", "the_map", "the_row", "uploaded", "uploaded_axes", "uploader"]

#: Largest file of rows.
MAX_UPLOAD_BYTES = 16 * 2**20
#: Rows that can be chosen one by one.
MOST_ROWS = 500
MAP, ROW, FILE = "sweep_map", "_sweep_row", "sweep_file"
WORDS = {words: name for name, words in SWEEP_VALUES.items()}


def uploader() -> None:
    """Where a file of rows is given; what it holds is read at the next run, above."""
    with st.expander("A file of rows", icon=":material/upload_file:", expanded=st.session_state.get(FILE) is not None):
        layout.caption("What sweep(..., out=FILE) or convex-core sweep --out FILE has written, finished or not.")
        st.file_uploader("Rows (.jsonl)", type=["jsonl"], key=FILE, max_upload_size=MAX_UPLOAD_BYTES // 2**20)


def uploaded() -> Sweep | None:
    """The rows of a file that the visitor gives, if there is one; what is wrong with it is said, and it is left out."""
    given = st.session_state.get(FILE)
    if given is None:
        return None
    try:
        rows = rows_in(given.getvalue(), given.name)
        sweep_axes(found := Sweep(rows, len(rows)))
    except InputError as error:
        guard.say(str(error))
        return None
    return found


def uploaded_axes(found: Sweep) -> tuple[str, str, dict[str, Any]]:
    """The two axes of a file's rows, and the values that its other axes are kept to."""
    first, second = sweep_axes(found)
    with st.container(horizontal=True, gap="medium"):
        names = list(found.axes)
        x = st.selectbox("Across", names, names.index(first), key="rows_x", width=210)
        others = [name for name in names if name != x]
        y = st.selectbox("Upwards", others, others.index(second) if second in others else 0, key="rows_y", width=210)
        where = {
            name: st.selectbox(name, found.axes[name], key=f"rows_at_{name}", width=210)
            for name in names
            if name not in (x, y)
        }
    return str(x), str(y), where


def _value_control() -> None:
    words = list(WORDS)
    st.selectbox(
        "Shown", words, words.index("filters"), filter_mode=None, label_visibility="collapsed", width=210,
        **bound("sweep_value", "filters"),
    )  # fmt: skip


def the_map(found: Sweep, x: str, y: str, where: Mapping[str, Any]) -> Chart:
    """The heat map of what is chosen in its heading; a press on a field chooses its row."""
    drawn: list[Chart] = []

    def draw() -> Chart:
        value = WORDS.get(str(st.session_state.get("sweep_value")), "filters")
        drawn.append(sweep_map(found, x, y, value, where=where, colours=layout.colours()))
        return drawn[0]

    ended = counted(len(found.answered), "problem")
    bad = len(found.rows) - len(found.answered)
    note = f"{ended} solved and certified, one a field{f', {bad} that do not exist or failed' if bad else ''}. "
    layout.chart(
        draw,
        "Map of the",
        f"{note}Press a field to see it below, and to open it on Solve.",
        key=MAP,
        picked=_choose,
        beside=_value_control,
    )
    return drawn[0]


def _choose() -> None:
    event = st.session_state.get(MAP)
    points = event["selection"]["points"] if event else []
    told = points[0].get("customdata") if points else None
    told = told[0] if isinstance(told, (list, tuple)) and told else told
    if isinstance(told, (int, float)):
        st.session_state[ROW] = int(told)


def the_row(found: Sweep, x: str, y: str, where: Mapping[str, Any], *, own: bool) -> None:
    """One row in numbers, and the way to Solve."""
    names = [y, x, *(name for name in found.axes if name not in (x, y, *where))]
    steps = {name: {value: k for k, value in enumerate(found.values(name))} for name in names}
    places = {
        place: [steps[name][_key(row.value(name))] for name in names] for place, row in sweep_rows(found, where).items()
    }
    rows = sorted(places, key=places.__getitem__)[:MOST_ROWS]
    if st.session_state.get(ROW) not in rows:
        st.session_state[ROW] = rows[0]
    chosen = st.selectbox(
        "Field",
        rows,
        format_func=lambda k: ", ".join(f"{name.replace('_', ' ')} {found.rows[k].value(name)}" for name in names),
        key=ROW,
    )
    row = found.rows[chosen if chosen in rows else rows[0]]
    if row.error is not None:
        st.info(row.error, icon=":material/info:")
    else:
        layout.facts(
            [
                layout.Fact(
                    number(row.objective), "objective of the network", f"lower bound {number(row.lower_bound)}"
                ),
                layout.Fact(number(row.relative_gap, 2), "relative gap", f"{row.status}, {row.scope}"),
                layout.Fact(str(row.filters), "filters", f"program {row.exactness}"),
                layout.Fact(_share(row.train_accuracy), "training accuracy"),
                layout.Fact(_share(row.test_accuracy), "test accuracy"),
                layout.Fact(f"{row.seconds:.2f} s", "in all", "on one core"),
            ]
        )
    query = solve_query(row, own=own)
    if isinstance(query, str):
        layout.caption(f"Solve cannot show this row: its controls do not have {query}.")
    else:
        if query["data"] == CUSTOM:
            query |= {"own": st.query_params["own"]} if "own" in st.query_params else {}
        # a visit of its own: within this one the settings that pages share would stay as they are here
        st.link_button("Open on Solve", f"solve?{urlencode(query)}", icon=":material/verified:")


def _key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def row_downloads(found: Sweep) -> list[layout.Download]:
    """The rows as the command line writes them, and the table."""
    return [
        layout.Download(
            "Rows · JSON lines",
            "rows.jsonl",
            "application/x-ndjson",
            lambda: b"".join(row.to_line() for row in found.rows),
        ),
        layout.Download("Table · CSV", "rows.csv", "text/csv", lambda: str(found.to_pandas().to_csv(index=False))),
    ]
