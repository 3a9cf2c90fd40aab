"""The talk's experiment: a three-layer circular CNN on 99 images, convex programs against SGD."""

from __future__ import annotations

import math

import streamlit as st

from convex_core.experiments import ExperimentResult, Plan
from convex_core.figures.experiment import experiment_accuracy, experiment_objective

from .. import layout
from ..layout import Fact
from . import experiments

__all__ = ["tab"]

QUICK, WHOLE = "_images_quick", "_images_whole"
#: The settings for which every program was asked for.
ASKED = "_images_asked"


def tab(place: st.delta_generator.DeltaGenerator, row: st.delta_generator.DeltaGenerator) -> None:
    """Draw the whole tab; `place` gets the downloads, and the `row` of tabs nothing."""
    layout.caption(
        "A three-layer circular CNN on 99 images, trained by SGD from several seeds and through its convex program. "
        "Here the program is a bound over sampled patterns, and every number says so; a two-layer CNN on the same "
        "images is certified."
    )
    with st.container(border=True, key="controls"):
        wanted = experiments.controls()
    key = repr(wanted)
    images, ready = experiments.source(wanted.name)
    if ready:
        found = None
        if st.session_state.get(ASKED) == key:
            found = experiments.experiment(WHOLE, key, wanted, images, quick=False, title="Experiment")
            if found is not None and found.stopped is not None:
                st.warning(f"{found.stopped.text} What was finished by then is shown.", icon=":material/timer:")
                st.button(
                    "Begin again", icon=":material/refresh:", on_click=st.session_state.pop, args=(WHOLE,), key="again"
                )
        if found is None:
            # what takes about as long as SGD is there at once, and stays while the rest runs
            found = experiments.experiment(QUICK, key, wanted, images, quick=True, title="Quick part")
        if found is not None:
            _draw(place, wanted, found, offered=st.session_state.get(ASKED) != key)


def _draw(
    place: st.delta_generator.DeltaGenerator, wanted: experiments.Settings, result: ExperimentResult, *, offered: bool
) -> None:
    """Numbers, both charts, the programs (the others can be `offered`), and what was chosen."""
    palette, plan = layout.colours(), result.plan
    training = result.training
    by_name = {arm.plan.name: arm for arm in result.arms}
    items = []
    titles = {
        "spectral": "talk's program, network",
        "euclidean": "circular, filters of length 1",
        "two-layer": "two-layer CNN",
    }
    for name, title in titles.items():
        if name in by_name:
            solution = by_name[name].solution
            certified = math.isfinite(solution.lower_bound)
            gap = f"certified, gap {solution.relative_gap:.1e}" if certified else f"{solution.exactness}, restricted"
            items.append(Fact(f"{solution.network_objective:.6g}", title, gap))
    if training is not None:
        best = training.objective[:, -1].min()
        items.append(Fact(f"{best:.6g}", "best SGD seed", f"of {len(training.seeds)}, {training.iterations[-1]} steps"))
        items.append(Fact(f"{training.seconds[-1]:.1f} s", "SGD, all seeds", str(training.status)))
    layout.facts([*items, Fact(f"{result.seconds:.1f} s", "in all", "patterns, programs, SGD")])
    charts = []
    if training is not None:
        charts = [experiment_objective(result, colours=palette), experiment_accuracy(result, colours=palette)]
        for column, chart, title in zip(
            st.columns(2, gap="medium"), charts, ("Training objective", "Test accuracy"), strict=True
        ):
            if chart is not None:
                with column:
                    layout.chart(chart, title, key=title.lower().replace(" ", "_"))
    st.subheader("The convex programs", anchor=False)
    st.dataframe([_row(arm.to_dict()) for arm in result.arms], hide_index=True, placeholder="–")
    if offered:
        _offer(plan, repr(wanted))
    left, right = st.columns(2, gap="large")
    for column, title, lines in ((left, "Stated by the talk", plan.stated), (right, "Our choices", plan.chosen)):
        with column:
            st.subheader(title, anchor=False)
            st.markdown("\n".join(f"- {line}" for line in lines))
    layout.caption(f"{result.data} Seeds: data and patterns {result.seed}, SGD {', '.join(map(str, wanted.seeds))}.")
    layout.downloads(
        place,
        [*experiments.result_downloads(result), *layout.chart_downloads([c for c in charts if c is not None])],
    )


def _row(arm: dict[str, object]) -> dict[str, object]:
    """One convex program as a line of the table."""
    accuracy = arm["test_accuracy"]
    return {
        "program": arm["label"],
        "convex value": arm["convex_objective"],
        "network's objective": arm["network_objective"],
        "lower bound": arm["lower_bound"],
        "scope": arm["scope"],
        "exactness": arm["exactness"],
        "status": arm["status"],
        "filters": arm["filters"],
        "seconds": arm["seconds"],
        "test accuracy": None if accuracy is None else f"{accuracy:.1%}",
    }


def _offer(plan: Plan, key: str) -> None:
    """The programs that take long, with an estimate."""
    labels = " and ".join(arm.label for arm in plan.arms if not arm.quick)
    estimate = experiments.WHOLE_SECONDS[plan.name]
    layout.caption(
        f"Not in this result: {labels}. Over sampled patterns, they and all else take about {estimate} s on two cores "
        f"and at most {experiments.TIME_LIMIT:.0f} s; they can be cancelled."
    )
    st.button(
        f"Solve the talk's programs too (about {estimate} s)",
        type="primary",
        on_click=st.session_state.update,
        args=({ASKED: key},),
        icon=":material/play_arrow:",
        key="whole",
    )
