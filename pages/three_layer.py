"""Three layers: circular CNNs with sparse spectra, two ReLU layers with sparse matrices, and bounds on both sides."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from pages._ui import guard, layout, reports  # noqa: E402
from pages._ui.state.controls import bound  # noqa: E402
from pages._ui.three_layers import circular, two_relu  # noqa: E402

VIEWS = {"Circular CNN": circular.tab, "Two ReLU layers": two_relu.tab}

place = layout.header(
    "Three layers",
    "Deeper networks have convex programs too: some exact, some bounds from below, each with networks above it.",
)


@guard.fragment
def live() -> None:
    """One kind of network at a time: only what is seen is solved."""
    first = next(iter(VIEWS))
    st.segmented_control(
        "Network", list(VIEWS), default=first, required=True, label_visibility="collapsed", **bound("kind", first)
    )
    charts, found, data = VIEWS.get(str(st.session_state["kind"]), VIEWS[first])()
    layout.downloads(place, [*reports.bounds_downloads(found, data), *layout.chart_downloads(charts)])


live()
