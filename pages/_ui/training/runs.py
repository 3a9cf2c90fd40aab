"""SGD in the background: its settings, its worker, and what is left when it has ended."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from convex_core.certificate import Certificate, certify
from convex_core.networks.network import Network
from convex_core.problem import Problem
from convex_core.progress import Budget, Progress
from convex_core.solution import Solution
from convex_core.solvers.search import make_pricer
from convex_core.status import Status
from convex_core.training.sgd import (
    LEARNING_RATES,
    OPTIMISERS,
    Comparison,
    SGDRecord,
    compare_optimisers,
    sgd_steps,
)
from convex_core.training.ways import TwoWays, two_ways

from ..layout import Download
from ..state.controls import bound
from ..work import calls, keep
from ..work.compute import MAX_PATTERNS
from ..work.jobs import Job

__all__ = [
    "Run",
    "Settings",
    "advanced_controls",
    "audit_run",
    "optimiser_control",
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
#: All optimisers, each tuned over the step sizes of the library.
TUNED = "all three, tuned"
#: What trains, by what it is called: a key of the library's table, None for all of them.
CHOICES: dict[str, str | None] = {OPTIMISERS[key][0]: key for key in ("momentum", "plain", "adam")} | {TUNED: None}
FIRST_CHOICE = OPTIMISERS["momentum"][0]
MAX_SEEDS = 10
MAX_FIRST_SEED = 9999


@dataclass(frozen=True, slots=True)
class Settings:
    """What the SGD controls say."""

    optimiser: str | None
    seeds: tuple[int, ...]
    learning_rate: float | None
    momentum: float
    batch_size: int | None
    m: int | None
    init_scale: float
    iterations: int
    schedule: str

    @property
    def tuned(self) -> bool:
        """Whether all optimisers are tuned and compared."""
        return self.optimiser is None


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended, beside the certified solution of its problem: everything the page draws.

    A row is a seed or, of a comparison, the best seed of an optimiser. `ends` are the objectives of the `networks`,
    `ways` lead from them to the convex one; what has diverged is not among the latter.
    """

    key: str
    problem: Problem
    solution: Solution
    settings: Settings
    comparison: Comparison | None
    rows: tuple[int | str, ...]
    learning_rate: tuple[float, ...]
    width: int
    batch_size: int
    iterations: NDArray[np.float64]
    seconds: NDArray[np.float64]
    cpu_seconds: NDArray[np.float64]
    objective: NDArray[np.float64]
    ends: NDArray[np.float64]
    networks: tuple[Network, ...]
    diverged: tuple[bool, ...]
    status: Status
    ways: tuple[TwoWays, ...]

    @property
    def spent(self) -> tuple[float, float]:
        """Wall-clock and processor seconds of all training."""
        if self.comparison is None:
            return float(self.seconds[0, -1]), float(self.cpu_seconds[0, -1])
        results = [run.result for run in self.comparison.runs]
        return sum(float(r.seconds[-1]) for r in results), sum(float(r.cpu_seconds[-1]) for r in results)

    @property
    def finished(self) -> tuple[int | str, ...]:
        """The rows that have not diverged."""
        return tuple(row for row, lost in zip(self.rows, self.diverged, strict=True) if not lost)


def optimiser_control() -> None:
    """What trains."""
    st.selectbox(
        "Optimiser", list(CHOICES), filter_mode=None, **bound("optimiser", FIRST_CHOICE),
        help="The last trains by plain SGD, momentum SGD and Adam, each with the step size that suits it best among "
        f"{', '.join(f'{rate:g}' for rate in LEARNING_RATES)}: chosen on the training objective itself.",
    )  # fmt: skip


def seeds_control() -> None:
    """Number of random starts."""
    st.slider("SGD seeds", 1, MAX_SEEDS, 5, **bound("runs", 5))


def advanced_controls() -> None:
    """Everything else about training."""
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=210):
            st.select_slider("Learning rate", RATES, AUTO, **bound("rate", AUTO), help="Of one optimiser alone.")
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
    optimiser = CHOICES.get(state["optimiser"], CHOICES[FIRST_CHOICE])
    return Settings(
        optimiser=optimiser,
        seeds=tuple(range(first, first + int(min(max(state["runs"], 1), MAX_SEEDS)))),
        learning_rate=None if state["rate"] == AUTO else float(state["rate"]),
        momentum=0.0 if optimiser == "plain" else float(min(max(state["momentum"], 0.0), 0.99)),
        batch_size=None if batch is None else min(batch, n),
        m=_number(state["width"]),
        init_scale=float(state["scale"]),
        iterations=int(state["iterations"]),
        schedule=state["schedule"] if state["schedule"] in SCHEDULES else SCHEDULES[0],
    )


def start(key: str, problem: Problem, solution: Solution, wanted: Settings) -> Job:
    """Train in a job, whose result is a :class:`Run`.

    Its reports are (iteration, objectives), or those of the library where optimisers are compared.
    """
    train = _compare if wanted.tuned else _train
    return calls.begin(key, lambda job: train(job, key, problem, solution, wanted))


def audit_run(run: Run) -> tuple[Certificate, ...]:
    """A certificate for every network of a run, all priced over the same list of patterns."""

    def every(budget: Budget) -> tuple[Certificate, ...]:
        if run.status in keep.CUT:  # whose networks are nobody else's
            keep.cut_short()
        pricer, _ = make_pricer(run.problem, budget=budget, max_patterns=MAX_PATTERNS)
        return tuple(certify(run.problem, network, dual=run.solution.dual, pricer=pricer) for network in run.networks)

    return calls.run("audit", f"{run.key} {hash(run.networks)}", every)


def run_download(run: Run) -> Download:
    """Curves and networks of a run as NPZ."""
    return Download("SGD run · NPZ", "sgd.npz", "application/octet-stream", lambda: _npz(run))


def _npz(run: Run) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(
        out,
        rows=np.array(list(map(str, run.rows))),
        seeds=np.array(run.settings.seeds),
        iterations=run.iterations,
        seconds=run.seconds,
        cpu_seconds=run.cpu_seconds,
        objective=run.objective,
        filters=np.stack([network.filters for network in run.networks]),
        weights=np.stack([network.weights for network in run.networks]),
        learning_rate=np.array(run.learning_rate),
        beta=np.array(run.problem.beta),
    )
    return out.getvalue()


def _train(job: Job, key: str, problem: Problem, solution: Solution, wanted: Settings) -> Run:
    """One optimiser from every seed."""
    records: list[SGDRecord] = []
    for record in sgd_steps(
        problem,
        m=wanted.m,
        seeds=wanted.seeds,
        optimiser=OPTIMISERS[str(wanted.optimiser)][1],
        learning_rate=wanted.learning_rate,
        schedule=wanted.schedule,  # type: ignore[arg-type]
        momentum=wanted.momentum,
        batch_size=wanted.batch_size,
        iterations=wanted.iterations,
        init_scale=wanted.init_scale,
        time_limit=TIME_LIMIT,
        cancel=job,
    ):
        records.append(record)
        job.report((record.iteration, record.objective))
    last = records[-1]
    networks = last.networks(problem.architecture)
    objective = np.stack([r.objective for r in records], axis=1)
    return Run(
        key=key,
        problem=problem,
        solution=solution,
        settings=wanted,
        comparison=None,
        rows=last.settings.seeds,
        learning_rate=last.settings.learning_rate,
        width=last.settings.m,
        batch_size=last.settings.batch_size,
        iterations=np.array([r.iteration for r in records], dtype=float),
        seconds=_each([r.seconds for r in records], len(networks)),
        cpu_seconds=_each([r.cpu_seconds for r in records], len(networks)),
        objective=objective,
        ends=objective[:, -1],
        networks=networks,
        diverged=tuple(bool(d) for d in last.diverged),
        status=last.status or Status.ITERATION_LIMIT,
        ways=_ways(problem, solution, networks, last.diverged),
    )


def _compare(job: Job, key: str, problem: Problem, solution: Solution, wanted: Settings) -> Run:
    """Every optimiser, tuned; of each the best seed at its best step size is a row."""

    def hear(report: Progress) -> None:
        job.report(report)

    comparison = compare_optimisers(
        problem,
        m=wanted.m,
        seeds=wanted.seeds,
        schedule=wanted.schedule,  # type: ignore[arg-type]
        batch_size=wanted.batch_size,
        iterations=wanted.iterations,
        init_scale=wanted.init_scale,
        time_limit=TIME_LIMIT,
        cancel=job,
        progress=hear,
    )
    runs = comparison.runs
    T = min(len(run.result.iterations) for run in runs)
    networks = tuple(run.result.best_networks[run.result.best] for run in runs)
    lost = np.zeros(len(runs), dtype=bool)  # the best network of a run is finite, whatever came after it
    return Run(
        key=key,
        problem=problem,
        solution=solution,
        settings=wanted,
        comparison=comparison,
        rows=tuple(run.name for run in runs),
        learning_rate=tuple(run.learning_rate for run in runs),
        width=comparison.settings.m,
        batch_size=comparison.settings.batch_size,
        iterations=runs[0].result.iterations[:T].astype(float),
        seconds=np.stack([run.result.seconds[:T] for run in runs]),
        cpu_seconds=np.stack([run.result.cpu_seconds[:T] for run in runs]),
        objective=np.stack([run.result.objective[run.result.best, :T] for run in runs]),
        ends=np.array([run.best_objective for run in runs]),
        networks=networks,
        diverged=tuple(lost.tolist()),
        status=comparison.status,
        ways=_ways(problem, solution, networks, lost),
    )


def _each(values: list[float], rows: int) -> NDArray[np.float64]:
    """The same moments for every row."""
    return np.broadcast_to(np.array(values), (rows, len(values)))


def _ways(
    problem: Problem, solution: Solution, networks: tuple[Network, ...], diverged: NDArray[np.bool_]
) -> tuple[TwoWays, ...]:
    return tuple(
        two_ways(problem, network, solution.network)
        for network, lost in zip(networks, diverged, strict=True)
        if not lost
    )


def _number(text: str) -> int | None:
    return None if text == AUTO else int(text)
