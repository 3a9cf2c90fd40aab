"""Home: one dial, the global optimum, and SGD above it."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from convex_core.status import Scope  # noqa: E402
from pages._ui import layout, present, turning, verdict  # noqa: E402
from pages._ui.work import warm  # noqa: E402

place = layout.header(
    "Trained to the global optimum",
    "Training a ReLU CNN looks hopelessly non-convex. It is a convex problem in disguise, so the best network there "
    "is can be found, and proved to be the best. Turn the dial and watch.",
)
with st.container(key="to_playground", horizontal=True, gap="small"):
    st.page_link(shell.page("tour"), label="Take the tour: eight short steps", icon=":material/explore:")
    st.page_link(shell.page("playground"), label="Build data with your hands", icon=":material/gesture:")
    st.page_link(shell.page("dataset"), label="Bring your own data", icon=":material/table_chart:")
work = warm.home()
figure_column, text_column = st.columns([1.9, 1], gap="large")
with figure_column:
    with st.spinner(f"Solving for the global optimum at {warm.HOME_POINTS} values of β ..."):
        path = work.path.result()
    curves = work.curves.result() if work.curves.done() else ()
    dial = warm.home_dial(layout.colours().dark, bool(curves), present.on())
    layout.bare_chart(dial, key="dial")
    turning.follow("dial", sorted(path.betas.tolist()), len(path) - 1 - warm.HOME_START)
with text_column:
    problem = path[0].problem
    patterns = path[0].patterns
    worst = max(s.relative_gap for s in path if s.scope is Scope.GLOBAL)
    stalled = ""
    if curves:
        excess = curves[-1].objective[:, -1] / path[len(path) - 1].network_objective - 1.0
        stalled = (
            f"After {warm.HOME_ITERATIONS:,} iterations at the smallest β they are still {100 * excess.min():.0f} % to "
            f"{100 * excess.max():.0f} % above it. "
        )
    st.markdown(
        f"""
##### What you see
Each tile is one **filter** of the best possible network at this β. Orange entries are positive, blue ones negative.
Raise β and whole filters die, all entries at once: the convex problem's penalty is a *group* lasso.
From β = {path.beta_max:.3g} on, none is left.

The :green[green line] is the global optimum. It is not a best guess: at every β an upper and a lower bound,
over all {f"{patterns:,} " if patterns is not None else ""}sign patterns, meet: relative gap
{verdict.gap_text(worst)} or less.

Each :violet[purple line] is **SGD** from one random start (seeds {warm.HOME_SEEDS[0]} to {warm.HOME_SEEDS[-1]}).
{stalled}None can go below.

{problem.n} random signals of length {problem.X.shape[1]} with random targets, filters of length
{problem.patches.shape[2]}, stride {problem.architecture.geometry.stride[0]}, data seed {warm.HOME_SEED}.
"""
    )
    st.page_link(shell.page("filters_and_path"), label="The whole path", icon=":material/timeline:")
    st.page_link(shell.page("solve"), label="Solve it yourself", icon=":material/verified:")
    st.page_link(shell.page("convex_vs_sgd"), label="Race SGD against the proof", icon=":material/compare_arrows:")

layout.downloads(place, layout.chart_downloads([dial]))


@st.fragment(run_every=1.0)
def wait_for_sgd() -> None:
    """Draw again once the SGD runs are there."""
    if work.curves.done():
        st.rerun()


if not curves:
    with figure_column:
        layout.caption("SGD is still running; its curves appear here in a few seconds.")
    wait_for_sgd()
