"""Convex vs SGD: several random starts against one certified line."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import streamlit as st

from pages._ui import shell

shell.enter()

from convex_core.figures import training as figures  # noqa: E402
from convex_core.figures.chart import Chart  # noqa: E402
from convex_core.figures.palette import Palette  # noqa: E402
from convex_core.solve import Solution  # noqa: E402
from pages._ui import compute, guard, layout, training, verdict  # noqa: E402
from pages._ui.controls import problem_controls  # noqa: E402
from pages._ui.jobs import Job  # noqa: E402
from pages._ui.layout import Fact  # noqa: E402

#: The job that runs, the run that has ended, its audit, what ended without a result, and that Run was pressed.
JOB, RUN, AUDIT, ENDED, PRESSED = "_sgd_job", "_sgd_run", "_sgd_audit", "_sgd_ended", "_sgd_pressed"
state = st.session_state

place = layout.header(
    "Convex vs SGD",
    "The same network, the same data, the same objective: SGD from several random starts against the convex program, "
    "whose value is proved to be the global optimum.",
)


def run_control() -> None:
    """Run, or cancel what runs."""
    if isinstance(state.get(JOB), Job):
        st.button("Cancel", icon=":material/stop:", on_click=lambda: state[JOB].cancel(), width="stretch", key="cancel")
    else:
        press = {"on_click": state.update, "args": ({PRESSED: True},)}
        st.button("Run SGD", icon=":material/play_arrow:", type="primary", width="stretch", key="run", **press)


current = problem_controls(
    ("data", "beta"),
    extra=[training.rate_control, training.seeds_control, run_control],
    advanced=training.advanced_controls,
)
layout.remarks(current.remarks)
wanted = training.settings(current.dataset.n)
key = f"{current.spec.key} {wanted}"
problem = compute.problem(current.spec.key, current.spec, current.dataset)


@st.fragment(run_every=0.4)
def watch(job: Job, solution: Solution) -> None:
    """Draw the running job; when it has ended, keep its result and draw the page again."""
    if not job.poll():
        state.pop(JOB, None)
        if job.result is not None:
            state[RUN] = job.result
            state.pop(AUDIT, None)
        else:
            state[ENDED] = (job.key, job.error)
        st.rerun()
    reports = list(job.reports)
    if not reports:
        st.progress(0.0, "Waiting for another computation to end ..." if job.waiting else "Starting ...")
        if RUN in state:
            curves(state[RUN], layout.faded())
        return
    st.progress(min(1.0, reports[-1][0] / wanted.iterations), f"Iteration {reports[-1][0]} of {wanted.iterations}")
    values = np.array([objective for _, objective in reports])
    # in multiples of the optimum, or as it is where that is zero
    unit = solution.network_objective
    ratio = pd.DataFrame(values / (unit or 1.0), columns=[f"seed {s}" for s in wanted.seeds])
    ratio.index = [iteration for iteration, _ in reports]
    ratio = ratio.clip(upper=2.5) if unit else ratio
    ratio["optimum"] = 1.0 if unit else 0.0
    palette = layout.colours()
    st.line_chart(ratio, color=[palette.sgd] * len(wanted.seeds) + [palette.convex], height=420)


def percent(share: float) -> str:
    """A share as a percentage of two digits, whole above ten."""
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


def curves(run: training.Run, palette: Palette) -> list[Chart]:
    """The two panels of a run."""
    solution = run.solution
    line = {"upper": solution.network_objective, "lower": solution.lower_bound, "colours": palette}
    charts = [
        figures.loss_by_iteration(run.objective, run.iterations, run.seeds, **line),
        figures.loss_by_seconds(run.objective, run.seconds, run.seeds, convex_seconds=solution.seconds.total, **line),
    ]
    left, right = st.columns(2, gap="medium")
    with left:
        layout.chart(charts[0], "By iteration", key="by_iteration")
    with right:
        layout.chart(charts[1], "By wall-clock", key="by_seconds")
    return charts


def draw(run: training.Run) -> None:
    """The result: numbers, the two panels, the audit."""
    solution = run.solution
    ends = run.objective[:, -1]
    finite = ends[np.isfinite(ends)]
    lower = solution.lower_bound
    if len(finite) and solution.network_objective <= 0.0:
        st.header(f"SGD ends at {finite.min():.3g} to {finite.max():.3g}; the optimum is 0", anchor=False)
    elif len(finite):
        excess = finite / solution.network_objective - 1.0
        st.header(
            f"SGD ends {percent(excess.min())} to {percent(excess.max())} above the "
            + ("certified optimum" if math.isfinite(lower) else "convex value"),
            anchor=False,
        )
    layout.facts(
        [
            Fact(
                f"{solution.network_objective:.8g}", "convex program", f"gap {verdict.gap_text(solution.relative_gap)}"
            ),
            Fact(
                f"{finite.min():.8g}" if len(finite) else "diverged",
                "best SGD seed",
                f"of seeds {run.seeds[0]} to {run.seeds[-1]}",
            ),
            Fact(f"{solution.seconds.total:.2f} s", "convex, in all", "patterns, solve, certificate"),
            Fact(f"{run.seconds[-1]:.2f} s", "SGD, all seeds", f"{run.iterations[-1]:.0f} iterations, {run.status}"),
            Fact(str(run.width), "filters m", f"batch {run.batch_size}, momentum {run.settings.momentum:g}"),
        ]
    )
    charts = curves(run, layout.colours())
    st.subheader("Audit", anchor=False)
    layout.caption(
        "How far is each SGD network from the global optimum, at most? Proved from the data and the weights alone."
    )
    if st.button("Audit the SGD networks", icon=":material/gavel:", key="audit"):
        with st.spinner("Pricing every cell for every network ...", show_time=True):
            state[AUDIT] = training.audit_run(run)
    if AUDIT in state:
        charts.append(
            figures.audit(
                state[AUDIT], run.seeds, upper=solution.network_objective, lower=lower, colours=layout.colours()
            )
        )
        layout.chart(charts[-1], "Proved distance from the optimum", key="audit_chart")
    layout.downloads(place, [training.run_download(run), *layout.chart_downloads(charts)])


with st.spinner("Solving the convex program ...", show_time=True):
    optimum = compute.solution(current.spec.key, problem, compute.SolveOptions())

if JOB in state and state[JOB].key != key:
    # other settings than those that run: begin again with them
    state.pop(JOB).cancel()
    state[PRESSED] = True
first = RUN not in state and ENDED not in state
if JOB not in state and (state.pop(PRESSED, False) or first):
    state.pop(ENDED, None)
    state[JOB] = training.start(key, problem, optimum, wanted)
    st.rerun()
ended, error = state.get(ENDED, (None, None))
if JOB in state:
    watch(state[JOB], optimum)
elif ended == key and error is not None:
    guard.say(error)
elif ended == key and RUN not in state:
    st.info("Cancelled before anything was finished.", icon=":material/info:")
elif RUN in state and state[RUN].key == key:
    draw(state[RUN])
elif RUN in state:
    st.info(
        "The settings have changed: in grey, the curves of the last run. Run SGD for new ones.", icon=":material/info:"
    )
    curves(state[RUN], layout.faded())
else:
    st.info("The settings have changed. Run SGD for its curves.", icon=":material/info:")
