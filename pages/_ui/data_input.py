"""The dataset page's own parts: upload, editable table, downloads, and the cost of the present choice."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from convex_core.data import Dataset, read_dataset, save_dataset
from convex_core.errors import InputError

from . import controls, guard, layout, limits, own_link
from .spec import CUSTOM, digest, keep_custom

__all__ = ["data_downloads", "own_data", "table", "take_table"]

#: Largest file that a page takes; the command line has no such limit.
MAX_UPLOAD_BYTES = 8 * 2**20
#: Wider tables are not offered for editing.
MAX_COLUMNS = 100
_ERROR = "_upload_error"


def data_downloads(data: Dataset) -> list[layout.Download]:
    """The dataset as NPZ (reads back equal) and as CSV."""
    return [
        layout.Download("Dataset · NPZ", f"{data.name}.npz", "application/octet-stream", lambda: _npz(data)),
        layout.Download("Dataset · CSV", f"{data.name}.csv", "text/csv", lambda: table(data).to_csv(index=False)),
    ]


def own_data(data: Dataset) -> None:
    """Upload a file, or change single numbers; either way the result is this session's dataset ``custom``."""
    with st.expander("Your own data", icon=":material/upload_file:", expanded=_ERROR in st.session_state):
        left, right = st.columns([1, 1.6], gap="large")
        with left:
            st.file_uploader(
                "CSV (last column is y) or NPZ (arrays X, y)",
                type=["csv", "npz"],
                key="upload",
                max_upload_size=MAX_UPLOAD_BYTES // 2**20,
                on_change=_take_upload,
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
    frame = pd.DataFrame(data.X, columns=[f"x{i}" for i in range(data.d)])
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
    suffix = Path(uploaded.name).suffix.lower()
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"data{suffix}"
            file.write_bytes(uploaded.getvalue())
            try:
                data = read_dataset(file, max_bytes=MAX_UPLOAD_BYTES)
            except InputError as error:
                raise InputError(str(error).replace(str(file), uploaded.name)) from error
        _accept(data)
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
                description=f"Edited from {base.name}, seed {base.seed}.",
                labels=base.labels if base.labels is not None and len(base.labels) > 2 else None,
                default_filter=base.default_filter,
                default_stride=base.default_stride,
                default_beta=base.default_beta,
            )
        )
    except InputError as error:
        st.session_state[_ERROR] = str(error)


def _accept(data: Dataset) -> None:
    limits.check(data)
    keep_custom(data)
    controls.choose(CUSTOM)
