"""Inside the network: a sample and a filter, step by step from the products to the prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from convex_core.figures.inside import added_up, filter_by_filter, shown, through_one_filter
from convex_core.networks.inside import look_inside, opens
from convex_core.networks.network import Network
from convex_core.problem import Problem

from . import guard, layout
from .state.controls import bound

__all__ = ["choose_sample", "show"]

SAMPLE, FILTER = "sample", "filter"


def choose_sample(chart: str) -> None:
    """Take the sample whose point was pressed in a chart; the part that draws it is drawn again."""
    event = st.session_state.get(chart)
    points = event["selection"]["points"] if event else []
    told = points[0].get("customdata") if points else None
    told = told[0] if isinstance(told, (list, tuple)) and told else told
    if isinstance(told, (int, float)):
        st.session_state[SAMPLE] = int(told)


@guard.fragment
def show(problem: Problem, networks: Mapping[str, Network], names: tuple[str, ...] = ()) -> None:
    """Draw one sample's way through one of some networks; `names` are those of several outputs."""
    st.subheader("Inside the network", anchor=False)
    layout.caption(
        "One sample on its way through: each patch times the filter, entry by entry; their sum; what the activation "
        "leaves; pooled into one number, times the filter's output weight; all filters added up to the prediction."
    )
    whose = next(iter(networks))
    if len(networks) > 1:
        chosen = st.segmented_control("Network", list(networks), default=whose, required=True, key="inside_network")
        # the link, or the page before, may be about other networks
        whose = chosen if chosen in networks else whose
    network = networks[whose]
    if not opens(network):
        reason = "it has no filters" if network.m == 0 else "that is for networks of two layers"
        layout.caption(f"This network cannot be taken apart: {reason}.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.number_input(f"Sample, 0 to {problem.n - 1}", 0, 9999, 0, width=170, **bound(SAMPLE, 0))
        st.number_input(f"Filter, 1 to {network.m}, largest first", 1, None, 1, width=210, **bound(FILTER, 1))
        sample, number = _chosen(SAMPLE, 0, problem.n - 1), _chosen(FILTER, 1, network.m)
        output = 0
        if names:
            output = st.selectbox(
                "Output", range(len(names)), format_func=names.__getitem__, filter_mode=None, width=170,
                key="inside_output",
            )  # fmt: skip
    inside = look_inside(network, problem.X[sample])
    targets = problem.y.reshape(problem.n, -1)[sample]
    # of several classes, outputs are scores to be compared, not numbers to be met
    target = None if names else float(targets[output])
    palette = layout.colours()
    j = filter_by_filter(inside)[number - 1]
    left, right = st.columns([1.15, 1], gap="medium")
    with left:
        layout.chart(
            through_one_filter(inside, number, output=output, colours=palette),
            f"Sample {sample} through filter {number}", key="inside_filter",
        )  # fmt: skip
        pooled, weight = float(shown(inside.pooled[j], abs(inside.products(j)).max())), inside.weights[j, output] + 0.0
        st.markdown(f"Pooled **{pooled:.4g}** × output weight **{weight:.4g}** = **{pooled * weight + 0.0:.4g}**")
    with right:
        chart = added_up(inside, number=number, target=target, output=output, names=names, colours=palette)
        layout.chart(chart, "All filters together", key="inside_shares")
        said = f"The prediction is {inside.outputs[output]:.4g}, "
        if names:
            best = names[int(inside.outputs.argmax())]
            said += f"the largest is that of {best}; the sample's class is {names[int(targets.argmax())]}. "
        else:
            said += f"the target {target:.4g}. "
        layout.caption(f"{said}Filter {number} is marked.")


def _chosen(key: str, low: int, high: int) -> int:
    """The value of a control, brought into range: the link may be about another network."""
    value = st.session_state.get(key, low)
    return int(min(max(value, low), high)) if isinstance(value, (int, float)) and math.isfinite(value) else low
