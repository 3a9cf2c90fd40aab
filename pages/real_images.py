"""Real images: the talk's experiments on MNIST and CIFAR-10, convex programs against SGD."""

from __future__ import annotations

import math

import streamlit as st

from pages._ui import shell

shell.enter()

from convex_core.experiments import EXPERIMENTS, ExperimentResult  # noqa: E402
from convex_core.figures.experiment import experiment_accuracy, experiment_objective  # noqa: E402
from pages._ui import experiments, layout  # noqa: E402
from pages._ui.jobs import Job  # noqa: E402
from pages._ui.layout import Fact  # noqa: E402

JOB, RESULT = "_images_job", "_images_result"
state = st.session_state

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


@st.fragment(run_every=0.5)
def watch(job: Job) -> None:
    """Draw the running job; when it has ended, keep its result and draw the page again."""
    if not job.poll():
        state.pop(JOB, None)
        state[RESULT] = (job.key, job.error if job.result is None else job.result)
        st.rerun()
    reports = list(job.reports)
    if not reports:
        st.progress(0.0, "Waiting for another computation to end ..." if job.waiting else "Starting ...")
    else:
        st.progress(min(reports[-1].fraction or 0.0, 1.0), reports[-1].message)
    st.button("Cancel", icon=":material/stop:", on_click=job.cancel, key="cancel_images")


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
    if JOB in state and state[JOB].key != key:
        state.pop(JOB).cancel()
    if RESULT not in state and JOB not in state:
        state[JOB] = experiments.start(key, wanted, images)
        st.rerun()
    if JOB in state:
        watch(state[JOB])
    elif state[RESULT][0] != key:
        st.info("The settings have changed since the last run.", icon=":material/info:")
        st.button(
            "Run this experiment", type="primary", on_click=lambda: state.pop(RESULT), icon=":material/play_arrow:"
        )
    elif isinstance(state[RESULT][1], str):
        st.error(state[RESULT][1], icon=":material/error:")
    elif state[RESULT][1] is not None:
        draw(state[RESULT][1])
