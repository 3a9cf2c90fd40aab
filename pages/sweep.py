"""Sweep: many problems at once, each solved and certified, as a map over two settings."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from pages._ui import layout  # noqa: E402
from pages._ui.state.controls import problem_controls  # noqa: E402
from pages._ui.state.spec import CUSTOM  # noqa: E402
from pages._ui.sweeps import grid, view  # noqa: E402

place = layout.header(
    "Sweep",
    "Many problems, each solved and certified: the optimum over two settings at once, from the present problem on.",
)
current = problem_controls(("data", "beta"), extra=grid.axis_controls(), advanced=None)
found = view.uploaded()
if found is not None:
    (x, y, where), own = view.uploaded_axes(found), False
else:
    layout.remarks(current.remarks)
    axes = grid.chosen_axes()
    (x, y), where, own = (axis.setting for axis in axes), {}, current.spec.data.name == CUSTOM
    found = grid.live(current, axes)
if found is not None and found.rows:
    chart = view.the_map(found, x, y, where)
    view.the_row(found, x, y, where, own=own)
    layout.downloads(place, [*view.row_downloads(found), *layout.chart_downloads([chart])])
elif found is not None:
    st.info("Stopped before anything was finished.", icon=":material/info:")
view.uploader()
