"""Filters and path: the optimum at every beta, and whole filters dying one after the other."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from convex_core.figures.chart import Chart  # noqa: E402
from pages._ui import layout, reports  # noqa: E402
from pages._ui.path import runs, view  # noqa: E402
from pages._ui.state.controls import problem_controls  # noqa: E402
from pages._ui.work import calls, compute  # noqa: E402

PATH, STRIDES = "_path", "_strides"

place = layout.header(
    "Filters and path",
    "Certified optima from the β at which every filter is dead down to a small one: raise β and filters die, each as "
    "a whole group.",
)
current = problem_controls(("data", "h", "stride"), advanced=runs.advanced_controls, without=("beta",))
layout.remarks(current.remarks)
wanted = runs.options()
# the path covers every beta; its dial says which is shown
spec = replace(current.spec, beta=1.0)
key = f"{spec.key} {wanted}"


def over_strides() -> list[Chart]:
    """The same path at other strides, on request."""
    st.subheader("Over strides", anchor=False)
    layout.caption("The same data and filter size; a larger stride leaves fewer patches, and fewer sign patterns.")
    if not calls.known(STRIDES, key):
        strides = ", ".join(map(str, runs.stride_values(spec, current.dataset)))
        if not st.button(f"Compare strides {strides}", icon=":material/grid_view:", key="compare"):
            return []
    found = runs.strides(STRIDES, key, spec, current.dataset, wanted)
    return view.small_multiples(found) if found else []


run = runs.path(PATH, key, compute.problem(spec.key, spec, current.dataset), wanted)
if run is not None:
    view.summary(run.path, spec.data.seed)
    if not run.complete:
        st.button(
            "Follow it again", icon=":material/refresh:", on_click=st.session_state.pop, args=(PATH,), key="again"
        )
    drawn = view.charts(run, current.dataset)
    shown = runs.nearest(run.path, st.query_params.get("dial"))
    report = reports.report_downloads(
        shown,
        current.dataset,
        dict(spec.data.options),
        path=run.path,
        label=f"Report at β = {shown.problem.beta:.3g}",
    )
    layout.downloads(place, [*report, *runs.path_downloads(run), *layout.chart_downloads([*drawn, *over_strides()])])
