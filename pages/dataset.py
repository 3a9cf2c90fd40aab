"""Dataset: what the network is trained on, the patches it sees, and what that will cost."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from convex_core.figures.signals import patch_matrices, sample_windows  # noqa: E402
from pages._ui import layout  # noqa: E402
from pages._ui.dataset import cost, data_input  # noqa: E402
from pages._ui.playground import from_dataset  # noqa: E402
from pages._ui.state.controls import bound, problem_controls  # noqa: E402
from pages._ui.work import compute  # noqa: E402

place = layout.header(
    "Dataset",
    "A filter slides over each sample and reads one patch at a time. The patches, stacked, are all that the "
    "convex program ever sees of the data.",
)


def sample_control() -> None:
    """Which sample is drawn."""
    st.number_input("Sample shown", 0, 9999, 0, **bound("sample", 0))


current = problem_controls(("data", "seed", "h", "stride"), extra=[sample_control])
layout.remarks(current.remarks)
spec, data = current.spec, current.dataset
geometry = compute.geometry(spec, data)
patches = compute.problem(spec.key, spec, data).patches
sample = min(st.session_state["sample"], data.n - 1)

st.markdown(f"**{data.name}**: {data.description}")
layout.facts(cost.meter(patches, cost.estimate(spec.key, patches)))

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    # what a newcomer wants next, above the pictures
    data_input.own_data(data)
    st.page_link(shell.page("solve"), label="Next: solve it", icon=":material/verified:")
    from_dataset.offer(data, spec)

# names of more than two classes are in the order of the targets 0, 1, ...
names = data.labels or ()
numbered = len(names) > 2
palette = layout.colours()
windows = sample_windows(data, geometry, sample, colours=palette)
matrices = patch_matrices(patches, colours=palette)
left, right = st.columns([1, 1], gap="large")
with left:
    sign = "+" if (data.y < 0.0).any() else ""  # class 0 of ten is not called +0
    target = f"y = {data.y[sample]:{sign}.3g}" + (f", {names[int(data.y[sample])]}" if numbered else "")
    layout.chart(windows, f"Sample {sample}, {target}", "The windows the filter slides over.", key="windows")
with right:
    layout.chart(matrices, "Patch matrices", "Row i of X\u2096 is patch k of sample i.", key="matrices")

layout.downloads(place, [*data_input.data_downloads(data), *layout.chart_downloads([windows, matrices])])
