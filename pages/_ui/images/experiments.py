"""The talk's experiment: its settings, its worker, its images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import streamlit as st

from convex_core.data import Dataset, dataset_info, load_dataset
from convex_core.experiments import EXPERIMENTS, Arm, ExperimentResult, Plan, run_experiment
from convex_core.figures.experiment import experiment_page

from ..layout import Download
from ..reports import report_downloads
from ..state.controls import bound
from ..work import calls
from ..work.jobs import Job
from .source import NAMES, count, find, trained

__all__ = ["Settings", "controls", "experiment", "result_downloads", "source"]

BETAS = ("0.1", "0.2", "0.5", "1", "2", "5", "10")
STEPS = ("200", "500", "1000", "2000", "5000")
MAX_SEEDS = 10
#: An experiment ends after this, with what it has.
TIME_LIMIT = 120.0
#: Seconds of all programs and SGD at the default settings, measured on two cores.
WHOLE_SECONDS = {"digits": 25, "mnist": 60, "cifar10": 60}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the controls say."""

    name: str
    beta: float
    seeds: tuple[int, ...]
    iterations: int


def controls() -> Settings:
    """Draw the controls of the first screen; every value is checked again."""
    slots = st.columns([1.4, 1, 1, 1], vertical_alignment="bottom")
    with slots[0]:
        st.segmented_control("Images", list(NAMES), default="Digits", required=True, **bound("images", "Digits"))
    with slots[1]:
        st.select_slider("β", BETAS, "1", **bound("image_beta", "1"))
    with slots[2]:
        st.slider("SGD seeds", 1, MAX_SEEDS, 5, **bound("image_runs", 5))
    with slots[3]:
        st.select_slider("SGD steps", STEPS, "1000", **bound("image_steps", "1000"))
    state = st.session_state
    name = NAMES.get(state["images"], "digits")
    runs = int(min(max(state["image_runs"], 1), MAX_SEEDS))
    return Settings(name, float(state["image_beta"]), tuple(range(runs)), int(state["image_steps"]))


def source(name: str) -> tuple[Dataset | None, bool]:
    """Images for an experiment (None: the library finds them), and whether there are any.

    Where fewer images are there than the talk had, the experiment is one on those, and says so.
    """
    plan, shown = EXPERIMENTS[name], st.session_state["images"]
    found = find(shown, lambda where: _load(plan, where), repr(sorted(plan.dataset_options.items())))
    if found is None:
        return None, False
    usual = _usual(plan)
    few = found.data.n < usual
    if few:
        held = 0 if found.data.y_test is None else len(found.data.y_test)
        st.warning(
            f"{found.data.n + held} images of {shown} are there, and the experiment takes {usual} "
            f"for training: it trains on {found.data.n} and tests on {held}.",
            icon=":material/info:",
        )
    return (found.data if found.own or few else None), True


def experiment(
    slot: str, key: str, wanted: Settings, data: Dataset | None, *, quick: bool, title: str
) -> ExperimentResult | None:
    """The experiment's result; None while it runs.

    A quick one has only the programs that take about as long as SGD. What is finished of it is for every session,
    unless it is about a session's own images.
    """

    def work(job: Job) -> ExperimentResult:
        return run_experiment(
            wanted.name,
            dataset=data,
            seeds=wanted.seeds,
            beta=wanted.beta,
            iterations=wanted.iterations,
            quick=quick,
            time_limit=TIME_LIMIT,
            cancel=job,
            progress=job.report,
        )

    shared = "experiment" if quick and data is None else ""
    found: ExperimentResult | None = calls.background(
        slot, key, work, title, place=shared, whole=lambda result: result.stopped is None
    )
    return found


def result_downloads(result: ExperimentResult) -> list[Download]:
    """The result as JSON and as a self-contained page, and a report of each program."""
    stem = f"experiment-{result.plan.name}"
    return [
        Download("Result · JSON", f"{stem}.json", "application/json", lambda: json.dumps(result.to_dict()).encode()),
        Download("Result · HTML", f"{stem}.html", "text/html", lambda: experiment_page(result).encode()),
        *(entry for arm in result.arms for entry in _report(result, arm)),
    ]


def _report(result: ExperimentResult, arm: Arm) -> list[Download]:
    problem = arm.solution.problem
    data = Dataset(result.plan.dataset, problem.X, problem.y, seed=result.seed, description=result.data)
    name = arm.plan.name
    return report_downloads(
        arm.solution, data, result.plan.dataset_options, label=f"Report, {name}", stem=f"report-{name}"
    )


def _usual(plan: Plan) -> int:
    """Images that the talk trained on."""
    return int(cast(int, plan.dataset_options.get("n", dataset_info(plan.dataset).options["n"])))


def _load(plan: Plan, where: Mapping[str, Any]) -> Dataset:
    """The images of an experiment: as many as the talk had, or four fifths of those that are there."""
    options: dict[str, Any] = {**plan.dataset_options, **where}
    there = count(plan.dataset, where, options.get("classes"))
    if 2 <= there < _usual(plan):
        options |= {"n": trained(there), "n_test": None}
    return load_dataset(plan.dataset, seed=0, **options)
