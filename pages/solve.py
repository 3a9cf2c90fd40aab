"""Solve: the convex program live, its bounds closing, and the network it stands for."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from convex_core.data import Dataset  # noqa: E402
from convex_core.errors import InputError, SizeError  # noqa: E402
from convex_core.export.latex import convex_latex, training_latex  # noqa: E402
from convex_core.figures import classes, filters, solving  # noqa: E402
from convex_core.figures.atoms import threshold_atoms  # noqa: E402
from convex_core.figures.chart import Chart  # noqa: E402
from convex_core.figures.colours import Palette  # noqa: E402
from convex_core.figures.directions import normalised_directions  # noqa: E402
from convex_core.figures.predictions import predictions_against_targets  # noqa: E402
from convex_core.figures.reconstruction import reconstructions  # noqa: E402
from convex_core.figures.skip import skip_as_two_relus  # noqa: E402
from convex_core.networks.classes import confusion_matrix  # noqa: E402
from convex_core.solution import METHODS, Solution  # noqa: E402
from convex_core.status import Scope, Status  # noqa: E402
from pages._ui import guard, inside, layout, reports, verdict  # noqa: E402
from pages._ui.state.controls import bound, problem_controls  # noqa: E402
from pages._ui.state.current import CurrentProblem  # noqa: E402
from pages._ui.work import compute  # noqa: E402
from pages._ui.work.drawn import drawn  # noqa: E402

BOUNDS_NOTE = {
    Scope.GLOBAL: "Both bounds on the global optimum, round by round.",
    Scope.RESTRICTED: "Bounds on the optimum over the sampled patterns; the global optimum may be lower.",
}
ATOMS_NOTE = (
    "A neuron of thresholds counts the patches that pass; training is a lasso over such counts, and these are in use."
)
SKIP_NOTE = (
    "The filters z and -z together give the linear function that the skip connection is, at a price: it only helps "
    "where that is worth it."
)
DIRECTIONS_NOTE = (
    "The patches spread alike in all directions afterwards (they are whitened), so that a filter is a direction alone."
)
TOLERANCES = ("1e-4", "1e-6", "1e-8", "1e-9")

place = layout.header(
    "Solve",
    "Training this ReLU network is a convex problem in disguise, solved here while you watch, with proof.",
)


def solver_controls() -> None:
    """Method, tolerance and time limit."""
    with st.container(horizontal=True, gap="medium"):
        st.selectbox("Method", list(METHODS), width=260, **bound("method", "auto"))
        st.select_slider("Relative gap wanted", TOLERANCES, "1e-8", width=260, **bound("tol", "1e-8"))
        st.slider("Time limit (s)", 1, 5, 5, width=260, **bound("limit", 5))


def options() -> compute.SolveOptions:
    """What the solver controls say."""
    state = st.session_state
    return compute.SolveOptions(str(state["method"]), float(state["tol"]), float(min(max(state["limit"], 1), 5)))


@guard.fragment
def live() -> None:
    """Controls and results together: quick changes then wait for one another instead of piling up."""
    current = problem_controls(("data", "beta", "h", "stride"), advanced=solver_controls, networks=True)
    layout.remarks(current.remarks)
    wanted = options()
    problem = compute.problem(current.spec.key, current.spec, current.dataset)
    try:
        with st.spinner("Solving and certifying ...", show_time=True):
            solution = compute.solution(current.spec.key, problem, wanted)
    except SizeError as error:
        raise InputError(
            f"Method {wanted.method}: got up to {error.predicted:,} sign patterns in one program, "
            f"expected at most {error.limit:,} on this page."
        ) from error
    draw(current, solution)


def draw(current: CurrentProblem, solution: Solution) -> None:
    """Everything about one solution: the main pictures first, numbers below them."""
    palette, data = layout.colours(), current.dataset
    itself = solution.problem.reconstructs
    several = solution.problem.architecture.q > 1 and not itself
    names = verdict.class_names(solution, data) if several else ()
    verdict.headline(solution)
    charts = []
    left, right = st.columns(2, gap="large")
    with left:
        if solution.history:
            charts.append(drawn(the_bounds, solution, palette))
            layout.chart(charts[-1], "Bounds", BOUNDS_NOTE[solution.scope], key="bounds")
    title = "Filters of the optimum" if solution.status is Status.OPTIMAL else "Filters found"
    with right:
        charts.append(the_class_filters(solution, names, title) if several else the_filters(solution, title))
    layout.facts(verdict.solution_facts(solution, data))
    left, right = st.columns(2, gap="large")
    with left:
        charts.append(the_reconstructions(solution) if itself else the_predictions(solution, names))
    with right:
        charts += the_confusion(solution, data, names) if several else [the_norms(solution)]
    if solution.problem.architecture.options.get("activation") == "threshold" and solution.network.m:
        charts.append(drawn(threshold_atoms, solution, colours=palette))
        layout.chart(charts[-1], "The lasso's columns", ATOMS_NOTE, key="atoms")
    charts += the_lesson(solution)
    if not itself:
        inside.show(solution.problem, {"network found": solution.network}, names)
    charts.append(drawn(solving.seconds, solution, colours=palette))
    layout.chart(charts[-1], "Where the time went", key="seconds")
    the_program(solution)
    report = reports.report_downloads(solution, current.dataset, dict(current.spec.data.options))
    layout.downloads(place, [*report, *verdict.solution_downloads(solution), *layout.chart_downloads(charts)])


def the_bounds(solution: Solution, palette: Palette) -> Chart:
    """Both bounds, round by round."""
    return solving.bounds(solution.history, scope=solution.scope, colours=palette)


def the_filters(solution: Solution, title: str) -> Chart:
    """The filters of a network with one output."""
    tiles = drawn(filters.network_filters, solution.network, colours=layout.colours())
    note = "Largest first, fainter the smaller; above each the sign of its output weight and its group norm."
    layout.chart(tiles, title, note, key="filters")
    return tiles


def the_norms(solution: Solution) -> Chart:
    """Their norms."""
    norms = drawn(filters.filter_norms, solution.network, colours=layout.colours())
    layout.chart(norms, "Group norms", "What each filter costs, upwards for a positive output weight.", key="norms")
    return norms


def the_predictions(solution: Solution, names: tuple[str, ...]) -> Chart:
    """What the network says of each sample; a press on a sample takes it inside the network."""
    chart = drawn(predictions_chart, solution, names, layout.colours())
    layout.chart(
        chart, "Predictions and targets", "Press a sample to see it inside the network, below.", key="predictions",
        picked=lambda: inside.choose_sample("predictions"),
    )  # fmt: skip
    return chart


def the_lesson(solution: Solution) -> list[Chart]:
    """What a skip connection, or batch normalisation, does."""
    said, charts = solution.problem.architecture.options, []
    if said.get("skip") == "free" and "activation" not in said:
        charts.append(drawn(skip_as_two_relus, solution, colours=layout.colours()))
        layout.chart(charts[-1], "The skip connection as two ReLUs", SKIP_NOTE, key="skip_relus")
    if said.get("normalisation") == "batch" and solution.problem.patches.std(axis=(0, 1)).any():
        charts.append(drawn(normalised_directions, solution, colours=layout.colours()))
        layout.chart(charts[-1], "What batch normalisation does", DIRECTIONS_NOTE, key="directions")
    return charts


def the_reconstructions(solution: Solution) -> Chart:
    """The inputs beside what an autoencoder makes of them."""
    chart = drawn(reconstructions_chart, solution, layout.colours())
    layout.chart(chart, "Inputs and reconstructions", "What comes out should be what went in.", key="reconstructions")
    return chart


def reconstructions_chart(solution: Solution, palette: Palette) -> Chart:
    """The picture of it."""
    return reconstructions(solution.network, solution.problem.X, colours=palette)


def predictions_chart(solution: Solution, names: tuple[str, ...], palette: Palette) -> Chart:
    """The picture of it."""
    problem = solution.problem
    shape = (problem.n, len(names)) if names else (problem.n,)
    return predictions_against_targets(
        solution.predictions.reshape(shape), problem.y.reshape(shape), names=names, colours=palette
    )


def the_class_filters(solution: Solution, names: tuple[str, ...], title: str) -> Chart:
    """The filters with their weights to each class."""
    tiles = drawn(classes.class_filters, solution.network, names, colours=layout.colours())
    note = "Beside each filter its weight to every class: orange to the right positive, blue to the left negative."
    layout.chart(tiles, title, note, key="filters")
    return tiles


def the_confusion(solution: Solution, data: Dataset, names: tuple[str, ...]) -> list[Chart]:
    """The confusion matrix, if there are held-out samples."""
    counts = confusion_matrix(solution.network, data)
    if counts is None:
        return []
    matrix = classes.confusion(counts, names, colours=layout.colours())
    layout.chart(
        matrix, "Confusion matrix", f"{counts.sum()} held-out samples; a row is a true class.", key="confusion"
    )
    return [matrix]


def the_program(solution: Solution) -> None:
    """The two problems that have the same optimal value, and code that checks it."""
    st.subheader("The program", anchor=False)
    train, convex, code = st.tabs(["Training problem", "Convex program", "CVXPY code"])
    with train:
        st.latex(drawn(training_latex, solution.problem))
    with convex:
        st.latex(drawn(convex_latex, solution.problem, solution.patterns))
    with code:
        if not len(solution.active):
            proved = solution.status is Status.OPTIMAL and solution.scope is Scope.GLOBAL
            end = "is optimal at this β: there is nothing left to solve" if proved else "uses no sign pattern"
            layout.caption(f"The zero network {end}.")
            return
        try:
            text = drawn(verdict.script, solution)
        except SizeError as error:
            layout.caption(
                f"The script would have {error.predicted:,} characters of data, and is left out beyond {error.limit:,}."
            )
            return
        whole = "; the download menu has the version with every pattern" if verdict.has_whole_script(solution) else ""
        used = "Over the sign patterns this solution uses" if solution.patterns != 1 else "The whole program"
        layout.caption(f"{used}{whole}. It needs numpy, scipy and cvxpy, and nothing of this app.")
        st.code(text, language="python", height=420)


live()
