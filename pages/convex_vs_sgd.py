"""Convex vs SGD: several random starts against one certified line."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from convex_core.figures import training as figures  # noqa: E402
from convex_core.figures.chart import Chart  # noqa: E402
from convex_core.figures.colours import Palette  # noqa: E402
from convex_core.figures.tuning import tuning_curves  # noqa: E402
from convex_core.figures.ways import along_two_ways  # noqa: E402
from convex_core.solution import Solution  # noqa: E402
from convex_core.status import Status  # noqa: E402
from pages._ui import guard, inside, layout, verdict  # noqa: E402
from pages._ui.layout import Fact  # noqa: E402
from pages._ui.state.controls import RESET, bound, problem_controls  # noqa: E402
from pages._ui.training import live, runs  # noqa: E402
from pages._ui.work import compute  # noqa: E402
from pages._ui.work.drawn import drawn  # noqa: E402
from pages._ui.work.jobs import Job  # noqa: E402

#: The job that runs, the run that has ended, its audit, what ended without a result, and that Run was pressed.
JOB, RUN, AUDIT, ENDED, PRESSED = "_sgd_job", "_sgd_run", "_sgd_audit", "_sgd_ended", "_sgd_pressed"
#: What lies across the main picture, and what up.
ITERATION, WALL, CPU = "iterations", "wall clock", "processor time"
EXCESS, OBJECTIVE = "excess", "objective"
state = st.session_state

place = layout.header(
    "Convex vs SGD",
    "The same network, data and objective: SGD from several random starts against the proved global optimum.",
)


def run_control() -> None:
    """Run, or cancel what runs."""
    if isinstance(state.get(JOB), Job):
        st.button("Cancel", icon=":material/stop:", on_click=lambda: state[JOB].cancel(), width="stretch", key="cancel")
    else:
        st.button(
            "Run SGD",
            icon=":material/play_arrow:",
            type="primary",
            width="stretch",
            key="run",
            on_click=state.update,
            args=({PRESSED: True},),
        )


current = problem_controls(
    ("data", "beta"),
    extra=[runs.optimiser_control, runs.seeds_control, run_control],
    advanced=runs.advanced_controls,
    widths=(1.0, 0.9, 1.2, 0.9, 1.0),  # the names of optimisers are long
)
layout.remarks(current.remarks)
wanted = runs.settings(current.dataset.n)
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
    if not job.reports:
        st.progress(0.0, "Waiting for another computation to end ..." if job.waiting else "Starting ...")
    else:
        done, words = live.progress(job, wanted)
        st.progress(done, words)
        if not wanted.tuned:
            live.curves(job, wanted, solution, relative=relative(solution), colours=layout.colours())
            return
    if RUN in state:
        curves(state[RUN], layout.faded())


def relative(solution: Solution) -> bool:
    """Whether the excess is drawn: it is asked for, and there is a bound to measure it from."""
    return state.get("up", EXCESS) != OBJECTIVE and figures.has_excess(solution.lower_bound)


def axes_controls() -> None:
    """What lies up and what across in the main picture."""
    st.segmented_control(
        "Up", [EXCESS, OBJECTIVE], default=EXCESS, required=True, label_visibility="collapsed", width="content",
        **bound("up", EXCESS),
    )  # fmt: skip
    st.segmented_control(
        "Across", [ITERATION, WALL, CPU], default=ITERATION, required=True, label_visibility="collapsed",
        width="content", **bound("across", ITERATION),
    )  # fmt: skip


def percent(share: float) -> str:
    """A share as a percentage of two digits, whole above ten; of what is next to nothing no digits."""
    if 0.0 < share < 1e-6:
        return "less than 0.0001 %"
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:,.0f} %"


def across(run: runs.Run, palette: Palette, share: bool) -> dict[str, Chart]:
    """The main picture across each axis, the objective or its `share` above the optimum."""
    solution = run.solution
    line: dict[str, Any] = {
        "upper": solution.network_objective,
        "lower": solution.lower_bound,
        "relative": share,
        "colours": palette,
    }
    spent = solution.seconds
    wall = figures.loss_by_seconds(run.objective, run.seconds, run.rows, convex_seconds=spent.total, **line)
    cpu = figures.loss_by_seconds(
        run.objective, run.cpu_seconds, run.rows, convex_seconds=spent.cpu, clock="processor", **line
    )
    return {ITERATION: figures.loss_by_iteration(run.objective, run.iterations, run.rows, **line), WALL: wall, CPU: cpu}


def curves(run: runs.Run, palette: Palette) -> list[Chart]:
    """The main picture, and the same across other axes for downloads."""
    charts: dict[str, Chart] = {}

    def chosen() -> Chart:
        charts.update(drawn(across, run, palette, relative(run.solution)))
        return charts.get(state.get("across", ITERATION), charts[ITERATION])

    note = ""
    if not figures.has_excess(run.solution.lower_bound):
        note = "There is no lower bound above zero to measure an excess from: the objective is drawn. "
    if run.status in (Status.TIME_LIMIT, Status.CANCELLED):
        note += (
            f"Ended after {run.iterations[-1]:.0f} of {run.settings.iterations} steps ({run.status}): with all of them "
            "training may get lower."
        )
    layout.chart(chosen, "Training curves", note, key="curves", beside=axes_controls)
    return list(charts.values())


def stalled(run: runs.Run, palette: Palette) -> list[Chart]:
    """Why SGD stops where it does: what lies between one of its networks and the optimum."""
    rows = run.finished
    if not rows:
        return []
    st.subheader("Why SGD stalls", anchor=False)
    layout.caption(
        "Walk straight from a trained network to the optimum. Where the way through the weights leads over a barrier, "
        "training, which goes down, stays before it. Through the blocks, the unknowns of the convex program, the way "
        "between the same two networks is convex."
    )
    highest = {row: way.weights[0] for row, way in zip(rows, run.ways, strict=True)}
    shown = st.segmented_control(
        "Network", rows, default=max(highest, key=highest.__getitem__), required=True, key=f"stalled {run.key}",
        format_func=figures.row_name,
    )  # fmt: skip
    word = "optimum" if math.isfinite(run.solution.lower_bound) else "convex network"
    chart = drawn(along_two_ways, run.ways, tuple(rows), shown=shown, end=word, colours=palette)
    layout.chart(chart, "Over a barrier, or downhill", key="two_ways")
    layout.caption(
        "Neurons are rescaled to the least penalty, the smaller network gets neurons of zeros, and each neuron is led "
        "to the one that makes the sum of squared distances least. Faint: the other networks."
    )
    return [chart]


def opened(run: runs.Run) -> None:
    """Inside the optimum or one of the trained networks."""
    first = "optimum" if math.isfinite(run.solution.lower_bound) else "convex network"
    trained = {figures.row_name(row): network for row, network in zip(run.rows, run.networks, strict=True)}
    names = verdict.class_names(run.solution, current.dataset)
    inside.show(run.problem, {first: run.solution.network, **trained}, names)


def tuned(run: runs.Run) -> list[Chart]:
    """How each optimiser was tuned."""
    if run.comparison is None:
        return []
    chart = tuning_curves(
        run.comparison, lower=run.solution.lower_bound, relative=relative(run.solution), colours=layout.colours()
    )
    settings = run.comparison.settings
    one = run.comparison.runs[0]
    note = (
        f"Each optimiser had the same {len(one.learning_rates)} step sizes, the same {len(settings.seeds)} seeds "
        f"({settings.seeds[0]} to {settings.seeds[-1]}) and {one.result.iterations[-1]:,} steps for each of them, "
        f"{one.steps:,} in all, and the clocks count them all. The step size that counts is the one whose best seed "
        "gets lowest on the training objective, the choice that favours training most."
    )
    layout.chart(chart, "Tuned over the same step sizes", note, key="tuning")
    edge = [other.name for other in run.comparison.runs if other.at_edge]
    if edge:
        layout.caption(f"At the edge of the grid, where a wider one might do better: {', '.join(edge)}.")
    return [chart]


def headline(run: runs.Run) -> str:
    """Where training ends, in a sentence."""
    solution, ends = run.solution, run.ends[np.isfinite(run.ends)]
    who = "SGD" if run.comparison is None and run.settings.optimiser != "adam" else "Training"
    if run.settings.optimiser == "adam":
        who = "Adam"
    if not len(ends):
        return f"{who} diverged from every seed"
    if solution.network_objective <= 0.0:
        return f"{who} ends at {ends.min():.3g} to {ends.max():.3g}; the optimum is 0"
    if figures.has_excess(solution.lower_bound):
        excess, above = figures.excess(ends, solution.lower_bound), "optimum"
        at_most = "" if solution.status is Status.OPTIMAL else "at most "
    else:
        excess, above, at_most = ends / solution.network_objective - 1.0, "convex value", ""
    above = f"certified {above}" if solution.status is Status.OPTIMAL and above == "optimum" else above
    if run.comparison is not None:
        best = run.comparison.runs[run.comparison.best]
        return f"The best, {best.name}, ends {at_most}{percent(excess.min())} above the {above}"
    least, most = percent(max(0.0, excess.min())), percent(max(0.0, excess.max()))
    return f"{who} ends {at_most}{least if least == most else f'{least} to {most}'} above the {above}"


def numbers(run: runs.Run) -> list[Fact]:
    """The row of numbers."""
    solution, seconds = run.solution, run.solution.seconds
    wall, cpu = run.spent
    ends = run.ends[np.isfinite(run.ends)]
    each = 1 if run.comparison is None else len(run.comparison.runs[0].learning_rates) * len(run.rows)
    trained = f"{each * len(run.settings.seeds)} runs of {run.iterations[-1]:.0f} steps"
    if run.status in (Status.TIME_LIMIT, Status.CANCELLED):
        trained += f", {run.status}"
    seeds = run.settings.seeds
    return [
        Fact(f"{solution.network_objective:.8g}", "convex program", f"gap {verdict.gap_text(solution.relative_gap)}"),
        Fact(
            f"{ends.min():.8g}" if len(ends) else "diverged",
            "best SGD seed" if run.comparison is None else "best of training",
            f"of seeds {seeds[0]} to {seeds[-1]}",
        ),
        Fact(f"{seconds.total:.2f} s", "convex, in all", f"{seconds.cpu:.2f} s of processors"),
        Fact(f"{wall:.2f} s", "training, in all", f"{cpu:.2f} s of processors"),
        Fact(str(run.width), "filters m", f"batch {run.batch_size}, {trained}"),
    ]


def draw(run: runs.Run) -> None:
    """The result: the main picture, numbers, why it stalls, the inside of a network, the audit."""
    solution = run.solution
    st.header(headline(run), anchor=False)
    charts = curves(run, layout.colours())
    layout.facts(numbers(run))
    charts += tuned(run)
    charts += stalled(run, layout.colours())
    opened(run)
    st.subheader("Audit", anchor=False)
    layout.caption(
        "How far is each trained network from the global optimum, at most? Proved from the data and the weights alone."
    )
    if st.button("Audit the SGD networks", icon=":material/gavel:", key="audit"):
        with st.spinner("Pricing every cell for every network ...", show_time=True):
            state[AUDIT] = runs.audit_run(run)
    if AUDIT in state:
        line: dict[str, Any] = {"upper": solution.network_objective, "lower": solution.lower_bound}
        charts.append(figures.audit(state[AUDIT], run.rows, **line, colours=layout.colours()))
        layout.chart(charts[-1], "Proved distance from the optimum", key="audit_chart")
    layout.downloads(place, [runs.run_download(run), *layout.chart_downloads(charts)])


with st.spinner("Solving the convex program ...", show_time=True):
    optimum = compute.solution(current.spec.key, problem, compute.SolveOptions())

if state.pop(RESET, False) and RUN in state and state[RUN].key != key:
    # as on the first visit: nothing is left of other settings
    for kept in (RUN, AUDIT, ENDED):
        state.pop(kept, None)
if JOB in state and state[JOB].key != key:
    # other settings than those that run: begin again with them
    state.pop(JOB).cancel()
    state[PRESSED] = True
first = RUN not in state and ENDED not in state
if JOB not in state and (state.pop(PRESSED, False) or first):
    state.pop(ENDED, None)
    state[JOB] = runs.start(key, problem, optimum, wanted)
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
    stalled(state[RUN], layout.faded())
else:
    st.info("The settings have changed. Run SGD for its curves.", icon=":material/info:")
