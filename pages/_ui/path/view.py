"""How the path over beta is shown: the verdict, the dial, the charts, a preview, and small multiples over stride."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import streamlit as st

from convex_core.data import Dataset
from convex_core.figures import dial
from convex_core.figures import path as figures
from convex_core.figures.chart import Chart
from convex_core.figures.colours import Palette
from convex_core.figures.knots import has_knots, spline_knots
from convex_core.path import Path
from convex_core.status import Scope, Status

from .. import layout, present, turning, verdict
from ..layout import Fact
from ..work.drawn import drawn
from .runs import PathRun

__all__ = ["charts", "small_multiples", "summary"]


def summary(path: Path, seed: int) -> None:
    """The verdict in one sentence and a row of numbers."""
    last = path[len(path) - 1]
    bounded = path.scope is Scope.GLOBAL
    worst = verdict.gap_text(float(path.relative_gap.max()))
    st.header(
        f"{len(path)} certified optima, largest gap {worst}"
        if bounded
        else f"{len(path)} networks over sampled patterns, upper bounds only",
        anchor=False,
    )
    if len(path) < len(path.requested):
        note = f"{path.status.text} {len(path)} of {len(path.requested)} points are finished."
        st.warning(note, icon=":material/timer:")
    elif path.status not in (Status.OPTIMAL, Status.RESTRICTED_OPTIMUM):
        st.warning(path.status.text, icon=":material/info:")
    covered = path.beta_max_scope is Scope.GLOBAL
    listed, note = verdict.cells(last)
    layout.facts(
        [
            Fact(
                f"{path.beta_max:.6g}",
                "βmax",
                "every filter is dead from here on" if covered else "over sampled patterns; the true one may be larger",
            ),
            Fact(f"{path.active_filters.min()} to {path.active_filters.max()}", "active filters", "along the path"),
            Fact(
                worst,
                "largest relative gap",
                "each point has its own certificate" if bounded else "sampled patterns give no lower bound",
            ),
            Fact(listed, "sign patterns", note),
            Fact(f"{path.seconds:.2f} s", "in all", f"{last.method}, data seed {seed}"),
        ]
    )


def charts(run: PathRun, data: Dataset) -> list[Chart]:
    """Draw everything about one path; its dial is the one place that says at which beta."""
    path, palette = run.path, layout.colours()
    names = verdict.class_names(path[0], data)
    if names:
        numbered = ", ".join(f"{o} {name}" for o, name in enumerate(names))
        layout.caption(f"The arrow over a filter gives the class whose output it feeds: {numbered}.")
    left, right = st.columns(2, gap="large")
    with left:
        betas = sorted([*path.betas.tolist(), *(p.beta for p in run.previews)])
        start = betas.index(path[verdict.halfway(path.solutions)].problem.beta)
        turn = drawn(_dial, run, start=len(betas) - 1 - start, wide=present.on(), colours=palette)
        layout.bare_chart(turn, key="dial")
        turning.follow("dial", betas, start)
        if run.previews:
            layout.caption("Between two exact points, each with its certificate, the dial shows a quick preview.")
    with right:
        norms = drawn(figures.norm_map, path, colours=palette)
        layout.chart(norms, "Norm of every filter", "Grey: the whole group is zero.", key="norms")
    values = drawn(_objective, run, colours=palette)
    note = "Filled: exact points, each with its certificate. Open circles: previews between them."
    layout.chart(values, "Objective and gap", note, key="objective")
    if not has_knots(path[0].problem):
        return [turn, norms, values]
    knots = drawn(spline_knots, path, colours=palette)
    layout.chart(
        knots,
        "Knots of a spline",
        "A network of one variable is a linear spline. Raise β and knots go, one by one; with a free bias they are at "
        "data. Larger marks: larger changes of the slope.",
        key="knots",
    )
    return [turn, norms, values, knots]


def _dial(run: PathRun, *, start: int, wide: bool, colours: Palette) -> Chart:
    return dial.beta_dial(run.path.solutions, previews=run.previews, start=start, wide=wide, colours=colours)


def _objective(run: PathRun, *, colours: Palette) -> Chart:
    return figures.objective_path(run.path, run.previews, colours=colours)


def small_multiples(paths: Mapping[int, Path]) -> list[Chart]:
    """One small norm map a stride, and the objective of all."""
    charts = []
    for (stride, path), column in zip(paths.items(), st.columns(len(paths), gap="medium"), strict=True):
        chart = drawn(figures.norm_map, path, compact=True, colours=layout.colours())
        charts.append(replace(chart, name=f"filter-norms-stride-{stride}"))
        note = f"{path[0].problem.patches.shape[0]} patches, βmax {path.beta_max:.4g}, "
        if path.scope is Scope.GLOBAL:
            note += f"gap {verdict.gap_text(float(path.relative_gap.max()))}"
        else:
            note += "restricted"
        if len(path) < len(path.requested):
            note += f", {len(path)} of {len(path.requested)} points"
        with column:
            layout.chart(charts[-1], f"Stride {stride}", note, key=f"stride{stride}")
    charts.append(figures.over_strides(paths, colours=layout.colours()))
    layout.chart(charts[-1], "Objective by stride", key="over_strides")
    return charts
