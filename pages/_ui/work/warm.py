"""Work that starts before it is asked for: compiled kernels, and the home page's path over beta."""

from __future__ import annotations

import gc
import pathlib
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from convex_core.data import load_dataset
from convex_core.figures.chart import Chart
from convex_core.figures.colours import palette
from convex_core.figures.dial import SGDCurves, beta_dial
from convex_core.numerics.jit import compiled_kernels, compiled_seconds
from convex_core.path import Path, solve_path
from convex_core.problem import Problem
from convex_core.training.sgd import train_sgd
from convex_core.warm_up import compile_first, compile_kernels, keeps, kept_on_disk

from . import opening

__all__ = [
    "HOME_ITERATIONS",
    "HOME_POINTS",
    "HOME_SEED",
    "HOME_SEEDS",
    "HOME_START",
    "Home",
    "home",
    "home_dial",
    "kernels",
    "preparing",
    "wait",
    "wait_compiled",
]

#: The home page: Gaussian signals and targets, beta from where every filter is dead down to a small part of it.
HOME_SEED = 0
HOME_SIGNALS = {"n": 30, "d": 9}
HOME_FILTER = 3
HOME_POINTS = 24
#: Position shown first: some filters live, some are dead, and SGD is seen to stall.
HOME_START = 4 * HOME_POINTS // 5
HOME_SMALLEST = 1 / 60
HOME_TOL = 1e-8
HOME_SEEDS = (0, 1, 2, 3, 4)
HOME_ITERATIONS = 1000
#: Kernels that are there within this time need no word.
SOON_SECONDS = 0.8
#: Longest wait for the kernels to be compiled: 5 seconds on a free machine, once; a busy one may take a minute.
LONGEST_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Home:
    """The home page's results, as they become ready."""

    path: Future[Path]
    curves: Future[tuple[SGDCurves, ...]]


@st.cache_resource(show_spinner=False)
def kernels() -> threading.Thread:
    """Compile in the background, once per process, what the first solve needs; a process of its own does the rest."""
    thread = threading.Thread(target=_compile, name="warm-up", daemon=True)
    thread.start()
    return thread


def wait_compiled() -> None:
    """Wait for the kernels, without a word."""
    kernels().join(LONGEST_SECONDS)


def wait(place: DeltaGenerator) -> None:
    """Let the visitor read what is being prepared until the kernels are there; nothing is shown if they are soon."""
    opening.until(place, kernels(), SOON_SECONDS, preparing)


def preparing() -> str:
    """What the server is doing before the first page."""
    if compiled_kernels():
        return f"Compiling kernels, once: {compiled_seconds():.0f} s"
    return "Loading the compiled kernels"


@st.cache_resource(show_spinner=False)
def home() -> Home:
    """Start the home page's computations, once per process; one thread, the certified path first."""
    pool = ThreadPoolExecutor(1, "home")
    path = pool.submit(_path)
    curves = pool.submit(lambda: _curves(path.result()))
    pool.shutdown(wait=False)
    return Home(path, curves)


@st.cache_resource(max_entries=8, show_spinner=False)
def home_dial(dark: bool, with_curves: bool, wide: bool) -> Chart:
    """The home page's figure, built once for each theme and width, after its path (and its curves) are there."""
    path = home().path.result()
    curves = home().curves.result() if with_curves else ()
    return beta_dial(path.solutions, curves, start=HOME_START, wide=wide, colours=palette(dark))


def _compile() -> None:
    compile_first()
    _settle()
    if not kept_on_disk():
        rest = _compile_elsewhere if keeps() else compile_kernels
        threading.Thread(target=rest, name="warm-up of the rest", daemon=True).start()


def _settle() -> None:
    """Leave out of later garbage collections what stays as long as the process: modules, kernels, tables of compilers.

    Nothing else runs while all garbage is collected: with these 200,000 objects that took 0.2 to 0.4 s each time. That
    Streamlit does it after every run is switched off in `.streamlit/config.toml`; Python's own collections are left.
    """
    gc.collect()
    gc.freeze()


def _compile_elsewhere() -> None:
    """Fill numba's cache from another process: a thread that compiles keeps this one's busy for 5 ms at a time."""
    root = pathlib.Path(__file__).parents[3]
    subprocess.run([sys.executable, "-m", "convex_core", "warm-up"], cwd=root, capture_output=True, check=False)


def _path() -> Path:
    data = load_dataset("talk", seed=HOME_SEED, **HOME_SIGNALS)
    problem = Problem.from_dataset(data, filter_size=HOME_FILTER, stride=HOME_FILTER)
    return solve_path(problem, points=HOME_POINTS, smallest=HOME_SMALLEST, tol=HOME_TOL)


def _curves(path: Path) -> tuple[SGDCurves, ...]:
    runs = (
        train_sgd(s.problem, seeds=HOME_SEEDS, iterations=HOME_ITERATIONS, record_every=HOME_ITERATIONS // 60)
        for s in path
    )
    return tuple(SGDCurves(r.iterations.astype(float), r.objective) for r in runs)
