"""Circular CNNs on the Three-layer page: the sandwich of bounds, and filters in the signal and frequency domain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from convex_core.architectures import CircularCNN
from convex_core.bounding import Bounds
from convex_core.data import Dataset
from convex_core.figures.chart import Chart
from convex_core.figures.colours import Palette
from convex_core.figures.sandwich import NETWORK, sandwich
from convex_core.figures.spectral import frequencies_in_use, signals_and_spectra
from convex_core.patches import patch_geometry
from convex_core.problem import Problem
from convex_core.progress import Budget
from convex_core.status import Exactness, Scope

from .. import layout, verdict
from ..layout import Fact
from ..state.controls import bound
from ..work import calls
from ..work.drawn import drawn
from .around import gaussian, solved

__all__ = ["tab"]

BETAS = ("0.02", "0.05", "0.1", "0.2", "0.5", "1")
LAYERS = (3, 4, 5)
LENGTHS = (3, 8)
MAX_SEED = 9999
#: Samples of the instance: at most 2^5 cells, whatever the length.
SAMPLES = 5
STARTS = 2
TIME_LIMIT = 5.0
#: Relative gap at which the bounds are said to meet.
CLOSED = 1e-6


def _bounds(seed: int, d: int, h: int, layers: int, beta: float) -> Bounds:
    """Every bound on Gaussian data."""
    key = repr((seed, d, h, layers, beta))
    return calls.run("sandwich", key, lambda budget: _solve(seed, d, h, layers, beta, budget), TIME_LIMIT)


def _solve(seed: int, d: int, h: int, layers: int, beta: float, budget: Budget) -> Bounds:
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((SAMPLES, d)), rng.standard_normal(SAMPLES)
    problem = Problem(X, y, architecture=CircularCNN(patch_geometry((d,), h, padding="circular"), layers), beta=beta)
    return solved(problem, STARTS, budget)


def tab() -> tuple[list[Chart], Bounds, Dataset]:
    """Draw the tab; the charts on it, the bounds, and the data that they are about."""
    seed, d, h, layers, beta = _controls()
    with st.spinner("Solving the convex programs around the optimum ...", show_time=True):
        found = _bounds(seed, d, h, layers, beta)
    _summary(found)
    colours = layout.colours()
    left, right = st.columns([1, 1], gap="large")
    exact = found.links[-1].exactness is Exactness.EXACT
    closed = exact and found.relative_gap <= CLOSED
    with left:
        chart = drawn(_sandwich, found, colours=colours)
        note = (
            f"The network of the {found.links[-1].label} program attains its value: the optimum is certified."
            if closed
            else f"The {found.links[-1].label} program was not finished in the time given."
            if exact
            else "No program here is exact: the optimum lies in the band."
        )
        layout.chart(
            chart, "The sandwich of bounds", f"{note} Filters of length 1 are the ceiling.", key="circular_bounds"
        )
    with right:
        spectra = drawn(signals_and_spectra, found.network, colours=colours)
        layout.chart(
            spectra,
            "One network, two domains",
            "What each neuron of the best network convolves with, and its amplitudes. A blank frequency is zero.",
            key="circular_spectra",
        )
    st.latex(
        r"\begin{gathered} f(X) = \textstyle\sum_j (X U_{1j} \cdots U_{L-2,j}\, w_{1j})_+\, w_{2j}, \\"
        r"\|u_{lj}\|_2 \le 1 \;\Longrightarrow\; \beta\, d^{-(L-2)/2} \textstyle\sum_i \|F c_i\|_1 \end{gathered}"
    )
    talk = replace(
        drawn(signals_and_spectra, found.links[0].solution.network, colours=colours),
        name="network-of-the-spectral-program",
    )
    layout.chart(
        talk,
        "The network of the spectral program",
        "The program of the talk: an l1 norm in the frequency domain, hence few frequencies.",
        key="circular_talk",
    )
    return [chart, spectra, talk], found, gaussian(found, seed)


def _sandwich(found: Bounds, *, colours: Palette) -> Chart:
    above = found.programs[len(found.links) :]
    return sandwich(
        [*(link.label for link in found.links), "best network found", *(link.label for link in above)],
        [
            *(link.lower_bound for link in found.links),
            found.value,
            *(link.solution.network_objective for link in above),
        ],
        [*(link.exactness.value for link in found.links), NETWORK, *(NETWORK for _ in above)],
        colours=colours,
    )


def _controls() -> tuple[int, int, int, int, float]:
    state = st.session_state
    with st.container(border=True, horizontal=True, vertical_alignment="bottom", gap="medium", key="controls"):
        with st.container(width=160):
            st.select_slider("β", BETAS, "0.1", **bound("circular_beta", "0.1"))
        with st.container(width=100):
            st.selectbox("Layers L", LAYERS, 0, **bound("circular_layers", 3))
        with st.container(width=160):
            st.slider("Input length d", *LENGTHS, 6, **bound("circular_d", 6))
        with st.container(width=160):
            st.slider("Filter length h", 1, LENGTHS[1], 3, **bound("circular_h", 3))
        with st.container(width=140):
            st.number_input("Data seed", 0, MAX_SEED, 0, **bound("circular_seed", 0))
    beta = state["circular_beta"] if state["circular_beta"] in BETAS else "0.1"
    layers = state["circular_layers"] if state["circular_layers"] in LAYERS else 3
    d = int(min(max(state["circular_d"], LENGTHS[0]), LENGTHS[1]))
    h = int(min(max(state["circular_h"], 1), d))
    if h < state["circular_h"]:
        layout.remarks([f"Filter length: got {state['circular_h']} for an input of length {d}, {d} is used."])
    return int(min(max(state["circular_seed"], 0), MAX_SEED)), d, h, layers, float(beta)


def _summary(found: Bounds) -> None:
    problem = found.links[0].solution.problem
    covered = all(link.solution.scope is Scope.GLOBAL for link in found.programs)
    if found.relative_gap <= CLOSED:
        st.header("The global optimum, proved from below and attained by a network", anchor=False)
    elif covered:
        st.header(f"The optimum is known to {100 * found.relative_gap:.2g} %", anchor=False)
    else:
        st.header("Not every cell was covered in the time given", anchor=False)
    used = frequencies_in_use(found.network)
    layout.facts(
        [
            Fact(f"{found.lower_bound:.7f}", "optimum: at least", "best certified bound"),
            Fact(f"{found.value:.7f}", "optimum: at most", f"gap {verdict.gap_text(found.relative_gap)}"),
            Fact(str(found.network.m), "neurons", f"for {problem.n} samples"),
            Fact(f"{used.sum()} of {used.size}", "frequencies in use", "over all neurons"),
            Fact(f"{found.links[0].solution.patterns}", "cells", f"of {problem.n} hyperplanes"),
        ]
    )
