"""Work that starts before it is asked for: compiled kernels, and the home page's path over beta."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import streamlit as st

from convex_core.certificate import beta_max
from convex_core.data import load_dataset
from convex_core.figures.path import SGDCurves
from convex_core.problem import Problem
from convex_core.sgd import train_sgd
from convex_core.solve import Solution, solve

__all__ = ["HOME_SEEDS", "Home", "home", "kernels"]

#: The home page: the talk's synthetic set, beta from where every filter is dead down to a small part of it.
HOME_DATA = "talk"
HOME_SEED = 0
HOME_BETAS = 16
HOME_SPAN = 60.0
HOME_TOL = 1e-8
HOME_SEEDS = (0, 1, 2, 3, 4)
HOME_ITERATIONS = 600


@dataclass(frozen=True, slots=True)
class Home:
    """The home page's results, as they become ready."""

    path: Future[tuple[Solution, ...]]
    curves: Future[tuple[SGDCurves, ...]]


@st.cache_resource(show_spinner=False)
def kernels() -> threading.Thread:
    """Compile in the background, once per process, what the first solve would have to compile."""
    thread = threading.Thread(target=_compile, name="warm-up", daemon=True)
    thread.start()
    return thread


@st.cache_resource(show_spinner=False)
def home() -> Home:
    """Start the home page's computations, once per process; one thread, the certified path first."""
    pool = ThreadPoolExecutor(1, "home")
    path = pool.submit(_path)
    curves = pool.submit(lambda: _curves(path.result()))
    pool.shutdown(wait=False)
    return Home(path, curves)


def _compile() -> None:
    problem = Problem.from_dataset(load_dataset("shift", n=2, d=4))
    solve(problem)


def _path() -> tuple[Solution, ...]:
    problem = Problem.from_dataset(load_dataset(HOME_DATA, seed=HOME_SEED))
    largest, _ = beta_max(problem)
    betas = np.geomspace(largest, largest / HOME_SPAN, HOME_BETAS)
    return tuple(solve(problem.with_beta(float(b)), tol=HOME_TOL) for b in betas)


def _curves(path: tuple[Solution, ...]) -> tuple[SGDCurves, ...]:
    runs = (
        train_sgd(s.problem, seeds=HOME_SEEDS, iterations=HOME_ITERATIONS, record_every=HOME_ITERATIONS // 60)
        for s in path
    )
    return tuple(SGDCurves(r.iterations.astype(float), r.objective) for r in runs)
