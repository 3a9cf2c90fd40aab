"""SGD in the background: its settings, its worker, and what is left when it has ended."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from convex_core.certificate import Certificate, certify
from convex_core.network import Network
from convex_core.problem import Problem
from convex_core.progress import Budget
from convex_core.sgd import SGDRecord, sgd_steps
from convex_core.solve import Solution
from convex_core.solvers.select import make_pricer
from convex_core.status import Status

from .compute import MAX_PATTERNS
from .controls import bound
from .jobs import Job, solver_gate
from .layout import Download

__all__ = [
    "Run",
    "Settings",
    "advanced_controls",
    "audit_run",
    "rate_control",
    "run_download",
    "seeds_control",
    "settings",
    "start",
]

#: A run ends after this, whatever the address asks for.
TIME_LIMIT = 30.0
AUTO = "auto"
RATES = (AUTO, *(f"{m}e{p}" for p in (-5, -4, -3, -2, -1) for m in (1, 2, 5)))
WIDTHS = (AUTO, "1", "2", "4", "8", "16", "32", "64")
BATCHES = (AUTO, "1", "2", "4", "8", "16", "32")
SCALES = ("0.001", "0.01", "0.1", "0.3", "1", "3")
ITERATIONS = ("500", "1000", "2000", "3000", "5000", "10000", "20000")
SCHEDULES = ("cosine", "constant")
MAX_SEEDS = 10
MAX_FIRST_SEED = 9999


@dataclass(frozen=True, slots=True)
class Settings:
    """What the SGD controls say."""

    seeds: tuple[int, ...]
    learning_rate: float | None
    momentum: float
    batch_size: int | None
    m: int | None
    init_scale: float
    iterations: int
    schedule: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended, beside the certified solution of its problem: everything the page draws."""

    key: str
    problem: Problem
    solution: Solution
    settings: Settings
    seeds: tuple[int, ...]
    learning_rate: tuple[float, ...]
    width: int
    batch_size: int
    iterations: NDArray[np.float64]
    seconds: NDArray[np.float64]
    objective: NDArray[np.float64]
    networks: tuple[Network, ...]
    diverged: tuple[bool, ...]
    status: Status


def rate_control() -> None:
    """Learning rate."""
    st.select_slider("Learning rate", RATES, AUTO, **bound("rate", AUTO))


def seeds_control() -> None:
    """Number of random starts."""
    st.slider("SGD seeds", 1, MAX_SEEDS, 5, **bound("runs", 5))


def advanced_controls() -> None:
    """Everything else about SGD."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=210):
            st.select_slider("Iterations", ITERATIONS, "3000", **bound("iterations", "3000"))
        with st.container(width=210):
            st.slider("Momentum", 0.0, 0.99, 0.9, 0.01, **bound("momentum", 0.9))
        with st.container(width=210):
            st.select_slider("Batch size", BATCHES, AUTO, **bound("batch", AUTO))
        with st.container(width=210):
            st.select_slider("Width m", WIDTHS, AUTO, **bound("width", AUTO))
        with st.container(width=210):
            st.select_slider("Scale of the start", SCALES, "0.1", **bound("scale", "0.1"))
        with st.container(width=210):
            st.number_input("First SGD seed", 0, MAX_FIRST_SEED, 0, **bound("first", 0))
        with st.container(width=210):
            st.segmented_control("Step size", SCHEDULES, default="cosine", required=True, **bound("schedule", "cosine"))


def settings(n: int) -> Settings:
    """The controls' values, each checked again and fitted to n samples."""
    state = st.session_state
    first = int(min(max(state["first"], 0), MAX_FIRST_SEED))
    batch = _number(state["batch"])
    return Settings(
        seeds=tuple(range(first, first + int(min(max(state["runs"], 1), MAX_SEEDS)))),
        learning_rate=None if state["rate"] == AUTO else float(state["rate"]),
        momentum=float(min(max(state["momentum"], 0.0), 0.99)),
        batch_size=None if batch is None else min(batch, n),
        m=_number(state["width"]),
        init_scale=float(state["scale"]),
        iterations=int(state["iterations"]),
        schedule=state["schedule"] if state["schedule"] in SCHEDULES else SCHEDULES[0],
    )


def start(key: str, problem: Problem, solution: Solution, wanted: Settings) -> Job:
    """Train in a worker thread; the job's reports are (iteration, objectives), its result a :class:`Run`."""
    return Job(lambda job: _train(job, key, problem, solution, wanted), solver_gate(), key)


def audit_run(run: Run) -> tuple[Certificate, ...]:
    """A certificate for every network of a run, all priced over the same list of patterns."""
    with solver_gate():
        pricer, _ = make_pricer(run.problem, budget=Budget(), max_patterns=MAX_PATTERNS)
        return tuple(certify(run.problem, network, dual=run.solution.dual, pricer=pricer) for network in run.networks)


def run_download(run: Run) -> Download:
    """Curves and networks of a run as NPZ."""
    return Download("SGD run · NPZ", "sgd.npz", "application/octet-stream", lambda: _npz(run))


def _npz(run: Run) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(
        out,
        seeds=np.array(run.seeds),
        iterations=run.iterations,
        seconds=run.seconds,
        objective=run.objective,
        filters=np.stack([network.filters for network in run.networks]),
        weights=np.stack([network.weights for network in run.networks]),
        learning_rate=np.array(run.learning_rate),
        beta=np.array(run.problem.beta),
    )
    return out.getvalue()


def _train(job: Job, key: str, problem: Problem, solution: Solution, wanted: Settings) -> Run:
    records: list[SGDRecord] = []
    for record in sgd_steps(
        problem,
        m=wanted.m,
        seeds=wanted.seeds,
        learning_rate=wanted.learning_rate,
        schedule=wanted.schedule,  # type: ignore[arg-type]
        momentum=wanted.momentum,
        batch_size=wanted.batch_size,
        iterations=wanted.iterations,
        init_scale=wanted.init_scale,
        budget=Budget(time_limit=TIME_LIMIT, cancel=job),
    ):
        records.append(record)
        job.report((record.iteration, record.objective))
    last = records[-1]
    return Run(
        key=key,
        problem=problem,
        solution=solution,
        settings=wanted,
        seeds=last.settings.seeds,
        learning_rate=last.settings.learning_rate,
        width=last.settings.m,
        batch_size=last.settings.batch_size,
        iterations=np.array([r.iteration for r in records], dtype=float),
        seconds=np.array([r.seconds for r in records]),
        objective=np.stack([r.objective for r in records], axis=1),
        networks=last.networks(problem.architecture),
        diverged=tuple(bool(d) for d in last.diverged),
        status=last.status or Status.ITERATION_LIMIT,
    )


def _number(text: str) -> int | None:
    return None if text == AUTO else int(text)
