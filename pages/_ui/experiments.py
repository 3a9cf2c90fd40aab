"""The Real images page's own parts: its settings, its worker, where the images come from."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from convex_core.data import Dataset, dataset_info, load_dataset
from convex_core.errors import ConvexCoreError, InputError
from convex_core.experiments import EXPERIMENTS, ExperimentResult, run_experiment
from convex_core.figures.experiment import experiment_page

from . import guard, keep
from .controls import bound
from .jobs import Job, solver_gate
from .layout import Download

__all__ = ["NAMES", "Settings", "controls", "finished", "result_downloads", "source", "start"]

#: What the control and the address say, and the library's name of the experiment.
NAMES = {"Digits": "digits", "MNIST": "mnist", "CIFAR-10": "cifar10"}
BETAS = ("0.1", "0.2", "0.5", "1", "2", "5", "10")
STEPS = ("200", "500", "1000", "2000", "5000")
MAX_SEEDS = 10
#: An experiment ends after this, with what it has.
TIME_LIMIT = 120.0
#: Seconds of all programs and SGD at the default settings, measured on two cores.
WHOLE_SECONDS = {"digits": 25, "mnist": 60, "cifar10": 60}
MAX_UPLOAD_MB = 64
#: Finished quick parts that are kept for every session.
MAX_KEPT = 16
_IMAGES = "_experiment_images"


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
    """Images of this session for an experiment (None: the library finds them), and whether there are any.

    Without image files that can be read it draws the two ways to get them: a file, or a download on request.
    """
    own = st.session_state.get(_IMAGES, {}).get(name)
    if own is not None:
        return own, True
    shown = st.session_state["images"]
    if dataset_info(EXPERIMENTS[name].dataset).available:
        try:
            _try_to_read(name)
            return None, True
        except InputError as error:
            guard.say(f"{shown} on this computer cannot be used: {error}. Another file can be given here.")
    else:
        st.info(
            f"{shown} is not on this computer. Give its file, download it, or set CONVEX_CORE_DATA to a folder that "
            "holds it; the digits need nothing.",
            icon=":material/info:",
        )
    left, right = st.columns(2, gap="large", vertical_alignment="bottom")
    with left:
        uploaded = st.file_uploader(
            "NPZ with images and labels", type=["npz"], key=f"images_{name}", max_upload_size=MAX_UPLOAD_MB
        )
    with right:
        wanted = st.button("Download from OpenML", icon=":material/download:", key=f"download_{name}")
    try:
        if uploaded is not None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "images.npz"
                file.write_bytes(uploaded.getvalue())
                try:
                    _keep(name, path=str(file))
                except InputError as error:
                    raise InputError(str(error).replace(str(file), uploaded.name)) from error
            st.rerun()
        if wanted:
            with st.spinner("Downloading ...", show_time=True):
                _keep(name, download=True)
            st.rerun()
    except ConvexCoreError as error:
        guard.say(str(error))
    return None, False


def finished(key: str, data: Dataset | None) -> ExperimentResult | None:
    """The quick part that another session finished on the same images; never on a session's own."""
    found: ExperimentResult | None = keep.find("experiment", key) if data is None else None
    return found


def start(key: str, wanted: Settings, data: Dataset | None, *, quick: bool) -> Job:
    """Run the experiment in a worker thread; reports are library Progress, the result an ExperimentResult.

    A quick one has only the programs that take about as long as SGD.
    """

    def work(job: Job) -> ExperimentResult:
        result = run_experiment(
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
        if quick and data is None and result.stopped is None:
            keep.put("experiment", key, result, entries=MAX_KEPT)
        return result

    return Job(work, solver_gate(), key)


def result_downloads(result: ExperimentResult) -> list[Download]:
    """The result as JSON and as a self-contained page."""
    stem = f"experiment-{result.plan.name}"
    return [
        Download("Result · JSON", f"{stem}.json", "application/json", lambda: json.dumps(result.to_dict()).encode()),
        Download("Result · HTML", f"{stem}.html", "text/html", lambda: experiment_page(result).encode()),
    ]


@st.cache_resource(max_entries=8, show_spinner=False)
def _try_to_read(name: str) -> None:
    """Read the images once where the library finds them; a failure is not remembered."""
    plan = EXPERIMENTS[name]
    load_dataset(plan.dataset, seed=0, **plan.dataset_options)


def _keep(name: str, **where: str | bool) -> None:
    """Read the images of an experiment for this session alone."""
    plan = EXPERIMENTS[name]
    data = load_dataset(plan.dataset, seed=0, **{**plan.dataset_options, **where})
    st.session_state.setdefault(_IMAGES, {})[name] = data
