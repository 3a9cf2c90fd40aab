"""Two ReLU layers on the Three-layer page: the chain of bounds, and blocks that go grey as groups."""

from __future__ import annotations

import numpy as np
import streamlit as st

from convex_core.architectures import ThreeLayerCNN
from convex_core.bounding import Bounds
from convex_core.data import Dataset
from convex_core.figures.chart import Chart
from convex_core.figures.colours import Palette
from convex_core.figures.matrices import matrix_blocks
from convex_core.figures.sandwich import NETWORK, sandwich
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.progress import Budget, limits
from convex_core.solution import Solution, solve
from convex_core.status import Scope

from .. import layout, verdict
from ..layout import Fact
from ..state.controls import bound
from ..work import calls, keep
from ..work.drawn import drawn
from .around import gaussian, solved

__all__ = ["tab"]

BETAS = ("0.02", "0.05", "0.1", "0.2", "0.5", "1")
PROGRAMS = {"per-patch filters": 0, "frobenius": 1, "strong": 2, "nuclear": 3, "lifted": 4}
MAX_SEED = 9999
#: Every bound up to the nuclear one is strictly above the one before, and the last is attained.
DEFAULT_SEED = 2
#: Samples of the instance; the cells are listed, so that it must be tiny.
SAMPLES = (3, 6)
STARTS = 8
TIME_LIMIT = 5.0
#: Shares of beta at which the blocks are drawn, and the time for each.
FACTORS = (1.0, 2.0, 4.0, 8.0, 16.0)


def _chain(seed: int, n: int, beta: float) -> Bounds:
    """The chain on Gaussian patches: K = 2 patches of h = 2 entries."""
    key = repr((seed, n, beta))
    return calls.run("chain", key, lambda budget: _solve_chain(seed, n, beta, budget), TIME_LIMIT)


def _solve_chain(seed: int, n: int, beta: float, budget: Budget) -> Bounds:
    rng = np.random.default_rng(seed)
    patches, y = rng.standard_normal((2, n, 2)), rng.standard_normal(n)
    cnn = ThreeLayerCNN(patch_geometry((4,), 2, 2), "shared")
    problem = Problem(patches.transpose(1, 0, 2).reshape(n, 4), y, architecture=cnn, beta=beta)
    return solved(problem, STARTS, budget)


def _family(seed: int, n: int, beta: float, program: int) -> tuple[Solution, ...]:
    """One of the programs at growing beta."""
    problem = _chain(seed, n, beta).links[program].solution.problem
    key = repr((seed, n, beta, program))
    return calls.run("family", key, lambda budget: _solve_family(problem, budget), TIME_LIMIT)


def _solve_family(problem: Problem, budget: Budget) -> tuple[Solution, ...]:
    found = tuple(
        solve(
            problem.with_beta(problem.beta * f), tol=1e-7, time_limit=limits(budget)["time_limit"], cancel=budget.cancel
        )
        for f in FACTORS
    )
    if any(solution.status in keep.CUT for solution in found):
        keep.cut_short()
    return found


def tab() -> tuple[list[Chart], Bounds, Dataset]:
    """Draw the tab; the charts on it, the bounds, and the data that they are about."""
    seed, n, beta, program = _controls()
    with st.spinner("Solving five convex programs and searching for networks ..."):
        found = _chain(seed, n, beta)
    _summary(found)
    left, right = st.columns(2, gap="large")
    with left:
        chart = drawn(_chain_chart, found, colours=layout.colours())
        layout.chart(
            chart,
            "A chain of bounds",
            "With a filter for each patch the program is exact. With one shared filter u the blocks C = w₁uᵀ have "
            "rank one, which no norm demands: four bounds, each at least as tight as the one before.",
            key="chain",
        )
    with right:
        with st.spinner("Solving at five values of β ..."):
            family = _family(seed, n, beta, PROGRAMS[program])
        blocks = drawn(matrix_blocks, family, colours=layout.colours())
        layout.chart(
            blocks,
            "Sparsity of whole matrices",
            "A column per cell and output sign; a tile is a block C with a row per patch. As β grows a block goes "
            "grey whole. Colours are relative to the row's largest entry.",
            key="blocks",
        )
    st.latex(
        r"\begin{gathered} f(X) = \textstyle\sum_j \big(\sum_k (X_k u_{jk})_+\, w_{1jk}\big)_+ w_{2j}, \\"
        r"\|u_{jk}\|_2 \le 1 \end{gathered}"
    )
    return [chart, blocks], found, gaussian(found, seed)


def _chain_chart(found: Bounds, *, colours: Palette) -> Chart:
    return sandwich(
        [link.label for link in found.links] + ["best network found"],
        [link.value for link in found.links] + [found.value],
        [link.exactness.value for link in found.links] + [NETWORK],
        colours=colours,
    )


def _controls() -> tuple[int, int, float, str]:
    state = st.session_state
    with st.container(border=True, horizontal=True, vertical_alignment="bottom", gap="medium", key="controls"):
        with st.container(width=180):
            st.select_slider("β", BETAS, "0.1", **bound("relu_beta", "0.1"))
        with st.container(width=180):
            st.slider("Samples n", *SAMPLES, 4, **bound("relu_n", 4))
        with st.container(width=140):
            st.number_input("Data seed", 0, MAX_SEED, DEFAULT_SEED, **bound("relu_seed", DEFAULT_SEED))
        with st.container(width=200):
            st.selectbox("Blocks of", list(PROGRAMS), 3, **bound("relu_program", "nuclear"))
    beta = state["relu_beta"] if state["relu_beta"] in BETAS else "0.1"
    program = state["relu_program"] if state["relu_program"] in PROGRAMS else "nuclear"
    n = int(min(max(state["relu_n"], SAMPLES[0]), SAMPLES[1]))
    return int(min(max(state["relu_seed"], 0), MAX_SEED)), n, float(beta), program


def _summary(found: Bounds) -> None:
    exact, best = found.links[0].solution, found.links[-1].solution
    covered = all(link.solution.scope is Scope.GLOBAL for link in found.links)
    if found.relative_gap <= 1e-6:
        st.header("One shared filter: the global optimum, proved by the tightest bound", anchor=False)
    else:
        st.header(f"One shared filter: the optimum is known to {100 * found.relative_gap:.2g} %", anchor=False)
    layout.facts(
        [
            Fact(f"{exact.objective:.7f}", "a filter per patch", f"exact, gap {verdict.gap_text(exact.relative_gap)}"),
            Fact(f"{found.lower_bound:.7f}", "shared: at least", "best certified bound" if covered else "not covered"),
            Fact(f"{found.value:.7f}", "shared: at most", f"a network of {found.network.m} neurons"),
            Fact(
                f"{best.patterns:,}" if best.patterns is not None else "sampled",
                "cells, shared",
                "patterns of both layers and signs",
            ),
            Fact(
                f"{exact.patterns:,}" if exact.patterns is not None else "sampled",
                "cells, per patch",
                "product of the patches' own patterns",
            ),
        ]
    )
