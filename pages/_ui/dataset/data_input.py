"""The dataset page's own parts: upload, editable table, downloads, and the cost of the present choice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from convex_core.data import ENDINGS, Dataset, read_dataset_bytes, save_dataset
from convex_core.data.understood import plain_name
from convex_core.errors import InputError

from .. import guard, layout, shell
from ..state import controls, limits, own_link
from ..state.spec import CUSTOM, digest, keep_custom

__all__ = ["data_downloads", "own_data", "table", "take_table"]

#: Largest file that a page takes; the command line has no such limit.
MAX_UPLOAD_BYTES = 8 * 2**20
#: Wider tables are not offered for editing.
MAX_COLUMNS = 100
_ERROR = "_upload_error"
#: Let the file say which column is y.
FOUND = "found in the file"


def data_downloads(data: Dataset) -> list[layout.Download]:
    """The dataset as NPZ (reads back equal) and as CSV."""
    return [
        layout.Download("Dataset · NPZ", f"{data.name}.npz", "application/octet-stream", lambda: _npz(data)),
        layout.Download("Dataset · CSV", f"{data.name}.csv", "text/csv", lambda: table(data).to_csv(index=False)),
    ]


def own_data(data: Dataset) -> None:
    """Upload a file, or change single numbers; either way the result is this session's dataset ``custom``."""
    with st.popover("Your own data", icon=":material/upload_file:", key="own_data"):
        left, right = st.columns([1, 1.6], gap="large")
        with left:
            st.file_uploader(
                "Table (CSV, TSV, text), NPZ (arrays X, y), time series (.ts) or a report (.json)",
                type=[*(ending[1:] for ending in ENDINGS), "gz"],
                key="upload",
                max_upload_size=MAX_UPLOAD_BYTES // 2**20,
                on_change=_take_upload,
            )
            if st.session_state.get("data") == CUSTOM:
                st.page_link(shell.page("solve"), label="These data are in use: solve them", icon=":material/verified:")
            st.selectbox(
                "Column of a table that is y (target)",
                [FOUND, "first", "last"],
                key="target",
                accept_new_options=True,
                on_change=_take_upload,
                help="A column called y, label, class or target is found, else the last one where there is no doubt. "
                "Choose first or last, or type a name that stands in the header.",
            )
            if _ERROR in st.session_state:
                guard.say(st.session_state[_ERROR])
            layout.caption("Files stay in this session's memory and are gone when the tab is closed.")
            if st.session_state.get("data") == CUSTOM:
                carried = own_link.encode(data) is not None
                layout.caption(
                    "The link of this page carries these data."
                    if carried
                    else "These data are too large for a link: whoever opens it is told so, and sees other data."
                )
        with right:
            if data.d > MAX_COLUMNS:
                st.caption(f"The table has {data.d} columns; up to {MAX_COLUMNS} can be edited here.")
                return
            edited = st.data_editor(table(data), height=240, hide_index=False, key=f"table_{digest(data)}")
            st.button("Use the edited table", on_click=take_table, args=(edited, data), icon=":material/check:")


def table(data: Dataset) -> pd.DataFrame:
    """The dataset as a table: one sample a row, the last column is y."""
    frame = pd.DataFrame(data.X.copy(), columns=[f"x{i}" for i in range(data.d)])
    frame["y"] = data.y
    return frame


def _npz(data: Dataset) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return save_dataset(data, Path(folder) / "data.npz").read_bytes()


def _take_upload() -> None:
    """Read the uploaded file; on failure keep everything as it was and say why in one sentence."""
    st.session_state.pop(_ERROR, None)
    uploaded = st.session_state.get("upload")
    if uploaded is None:
        return
    chosen = st.session_state.get("target") or FOUND
    target = None if chosen == FOUND else str(chosen)
    try:
        data = read_dataset_bytes(uploaded.getvalue(), uploaded.name, target=target, max_bytes=MAX_UPLOAD_BYTES)
        try:
            _accept(data)
        except InputError as error:  # of what was read, which does not know its file
            raise InputError(f"{plain_name(uploaded.name)}: {error}") from error
    except InputError as error:
        st.session_state[_ERROR] = str(error)


def take_table(frame: pd.DataFrame, base: Dataset) -> None:
    """Make an edited table the session's dataset, with the shape and the defaults of the one it was made from."""
    st.session_state.pop(_ERROR, None)
    try:
        values: Any = frame.to_numpy(dtype=float)
        _accept(
            Dataset(
                CUSTOM,
                values[:, :-1],
                values[:, -1],
                input_shape=base.input_shape,
                X_test=base.X_test,
                y_test=base.y_test,
                description=f"Edited from {base.name}{'' if base.seed is None else f', seed {base.seed}'}.",
                labels=base.labels if _named(base, values[:, -1]) else None,
                default_filter=base.default_filter,
                default_stride=base.default_stride,
                default_beta=base.default_beta,
            )
        )
    except InputError as error:
        st.session_state[_ERROR] = str(error)


def _named(base: Dataset, y: np.ndarray) -> bool:
    """Whether the names of the classes still belong to the targets."""
    return base.labels is not None and (len(base.labels) > 2 or bool(np.isin(y, (-1.0, 1.0)).all()))


def _accept(data: Dataset) -> None:
    limits.check(data)
    keep_custom(data)
    controls.choose(CUSTOM)
