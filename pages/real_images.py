"""Real images: the talk's experiments on MNIST and CIFAR-10, convex programs against SGD."""

from __future__ import annotations

import math

import streamlit as st

from pages._ui import shell

shell.enter()

from convex_core.experiments import EXPERIMENTS, ExperimentResult  # noqa: E402
from convex_core.figures.experiment import experiment_accuracy, experiment_objective  # noqa: E402
from pages._ui import background, experiments, layout  # noqa: E402
from pages._ui.jobs import Job  # noqa: E402
from pages._ui.layout import Fact  # noqa: E402

SLOT = "_images"

place = layout.header(
    "Real images",
    "The talk's experiment: a three-layer circular CNN on 99 images, trained by SGD from several seeds and through its "
    "convex program. Here the program is a bound over sampled patterns, and every number says so; a two-layer CNN on "
    "the same images is certified.",
)
with st.container(border=True):
    wanted = experiments.controls()
key = repr(wanted)
plan = EXPERIMENTS[wanted.name]


def draw(result: ExperimentResult) -> None:
    """Numbers, both charts, the programs, and what was chosen."""
    palette = layout.colours()
    training = result.training
    by_name = {arm.plan.name: arm for arm in result.arms}
    items = []
    for name, title in (("spectral", "talk's program, network"), ("two-layer", "two-layer CNN")):
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
    st.dataframe([row(arm.to_dict()) for arm in result.arms], hide_index=True)
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


def row(arm: dict[str, object]) -> dict[str, object]:
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


images, ready = experiments.source(wanted.name)
if ready:
    kept = st.session_state.get(SLOT)
    # a run that has ended is not replaced without being asked; one under way is
    if kept is not None and kept.key != key and not isinstance(kept, Job):
        st.info("The settings have changed since the last run.", icon=":material/info:")
        st.button(
            "Run this experiment",
            type="primary",
            on_click=st.session_state.pop,
            args=(SLOT,),
            icon=":material/play_arrow:",
        )
    else:
        found = background.outcome(SLOT, key, lambda: experiments.start(key, wanted, images), "Experiment")
        if found is not None:
            draw(found)
