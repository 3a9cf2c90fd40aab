"""Filters and path: the optimum at every beta, and whole filters dying one after the other."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages._ui import shell

shell.enter()

from convex_core.figures.chart import Chart  # noqa: E402
from pages._ui import background, compute, layout, path_view, paths  # noqa: E402
from pages._ui.controls import problem_controls  # noqa: E402

PATH, STRIDES = "_path", "_strides"

place = layout.header(
    "Filters and path",
    "Certified optima from the β at which every filter is dead down to a small one: raise β and filters die, each as "
    "a whole group.",
)
current = problem_controls(("data", "h", "stride"), advanced=paths.advanced_controls, without=("beta",))
layout.remarks(current.remarks)
wanted = paths.options()
# the path covers every beta; its dial says which is shown
spec = replace(current.spec, beta=1.0)
key = f"{spec.key} {wanted}"


def over_strides() -> list[Chart]:
    """The same path at other strides, on request."""
    st.subheader("Over strides", anchor=False)
    layout.caption("The same data and filter size; a larger stride leaves fewer patches, and fewer sign patterns.")
    if not background.known(STRIDES, key):
        strides = ", ".join(map(str, paths.stride_values(spec, current.dataset)))
        if not st.button(f"Compare strides {strides}", icon=":material/grid_view:", key="compare"):
            return []
    found = background.outcome(STRIDES, key, lambda: paths.start_strides(key, spec, current.dataset, wanted), "Strides")
    return path_view.small_multiples(found) if found else []


run = paths.finished(key)
if run is None:
    problem = compute.problem(spec.key, spec, current.dataset)
    run = background.outcome(PATH, key, lambda: paths.start(key, problem, wanted), "Path")
if run is not None:
    path_view.summary(run.path, spec.data.seed)
    drawn = path_view.charts(run, current.dataset)
    layout.downloads(place, [*paths.path_downloads(run), *layout.chart_downloads([*drawn, *over_strides()])])
