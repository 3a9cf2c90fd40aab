"""Ten classes: the settings, the images they ask for, and the worker that trains."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from convex_core.data import Dataset, load_dataset
from convex_core.experiments import Recognition, RecognitionPoint, recognise
from convex_core.export.listed import save_listed
from convex_core.presentation.text import jsonable
from convex_core.progress import Progress
from convex_core.status import Status

from ..layout import Download
from ..reports import recognition_downloads
from ..state.controls import bound
from ..work.jobs import Job
from . import source

__all__ = ["Settings", "Step", "asked", "controls", "downloads", "images", "whole", "work"]

SIZES = ("20", "50", "100", "200", "400", "800", "1200", "2500", "5000", "10000")
FILTERS = ("25", "50", "100", "200", "400")
AUTO = "auto"
BETAS = (AUTO, "0.03", "0.1", "0.3", "1", "3", "10", "30", "100")
LOSSES = ("squared", "softmax", "hinge")
LIMITS = ("5", "10", "20", "40", "80", "160")
MAX_SEED = 9999
#: Settings that the button says: key, values, default, and the words before and after it.
_SAID = (
    ("ten_n", SIZES, "800", "", " images"),
    ("ten_filters", FILTERS, "200", "", " filters"),
    ("ten_beta", BETAS, AUTO, "β ", ""),
)
#: The relative gap that is asked for.
TOL = 1e-3
#: Seconds without a poll after which nobody is watching: importing scikit-learn takes some on a busy machine.
PATIENCE = 15.0
#: Most test images.
MAX_TEST = 500
#: The largest finished training that is kept for everyone, in entries.
MAX_ENTRIES = 3_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the controls say."""

    shown: str
    n: int
    filters: int
    beta: float | None
    seed: int
    loss: str
    limit: float

    @property
    def name(self) -> str:
        """The library's name of the images."""
        return source.NAMES[self.shown]


@dataclass(frozen=True, slots=True)
class Step:
    """A report of the worker: a line for the progress bar, and what was seen if it was a look at the bounds."""

    message: str
    fraction: float
    point: RecognitionPoint | None = None


def controls() -> Settings:
    """Draw the images to choose from, and the other settings behind a button that says them."""
    st.segmented_control(
        "Images", list(source.NAMES), default="Digits", required=True, label_visibility="collapsed",
        width="content", **bound("ten", "Digits"),
    )  # fmt: skip
    said = [f"{before}{_known(key, values, default)}{after}" for key, values, default, before, after in _SAID]
    with st.popover(", ".join(said), icon=":material/tune:", key="ten_settings"):
        _settings()
    return _wanted()


def _known(key: str, values: Sequence[str], default: str) -> str:
    """The value that a setting has or, before it is drawn for the first time, gets from the address."""
    value = st.session_state.get(key, st.query_params.get(key))
    return value if value in values else default


def _settings() -> None:
    st.select_slider("Training images", SIZES, "800", **bound("ten_n", "800"))
    st.select_slider(
        "Filters to choose from",
        FILTERS,
        "200",
        **bound("ten_filters", "200"),
        help="Drawn from the images' own patches. The optimum over these filters is what is certified.",
    )
    st.select_slider(
        "Regularisation β", BETAS, AUTO, **bound("ten_beta", AUTO),
        help="auto: chosen on a quarter of the training images, never on test images.",
    )  # fmt: skip
    st.segmented_control("Loss", LOSSES, default=LOSSES[0], required=True, **bound("ten_loss", LOSSES[0]))
    st.number_input("Seed of images and filters", 0, MAX_SEED, 0, **bound("ten_seed", 0))
    st.select_slider("Time limit, seconds", LIMITS, "40", **bound("ten_limit", "40"))


def _wanted() -> Settings:
    """The settings, whatever the address said."""
    state = st.session_state
    beta = state["ten_beta"] if state["ten_beta"] in BETAS else AUTO
    return Settings(
        state["ten"] if state["ten"] in source.NAMES else "Digits",
        int(state["ten_n"]),
        int(state["ten_filters"]),
        None if beta == AUTO else float(beta),
        int(min(max(state["ten_seed"], 0), MAX_SEED)),
        state["ten_loss"] if state["ten_loss"] in LOSSES else LOSSES[0],
        float(state["ten_limit"]),
    )


def images(wanted: Settings) -> source.Found | None:
    """The images, as they are but for their scale; a sentence where fewer are there than were asked for."""
    found = source.find(wanted.shown, lambda where: _load(wanted, where), f"ten {wanted.n} {wanted.seed}")
    if found is not None and found.data.n < wanted.n:
        held = len(found.data.y_test) if found.data.y_test is not None else 0
        st.info(
            f"{found.data.n + held:,} images are there: {found.data.n:,} are trained on instead of {wanted.n:,}, "
            f"{held:,} are the test.",
            icon=":material/info:",
        )
    return found


def work(wanted: Settings, found: source.Found) -> Callable[[Job], Recognition]:
    """The training of a job, whose reports are a :class:`Step` each and whose result is a Recognition."""

    def train(job: Job) -> Recognition:
        def look(point: RecognitionPoint) -> None:
            what = f"β = {point.beta:.3g}" if point.chosen else f"trying β = {point.beta:.3g}"
            right = "" if math.isnan(point.accuracy) else f", {100 * point.accuracy:.1f} % right"
            job.report(Step(f"{what}, gap {point.gap:.1e}{right}", _share(point.seconds, wanted), point))

        def tell(item: Progress) -> None:
            if item.stage in _STAGES:
                job.report(Step(_STAGES[item.stage], _share(item.seconds, wanted)))

        return recognise(
            found.data,
            filters=wanted.filters,
            beta=wanted.beta,
            loss=wanted.loss,
            tol=TOL,
            seed=wanted.seed,
            time_limit=wanted.limit,
            cancel=job,
            progress=tell,
            seen=look,
        )

    return train


def whole(result: Recognition) -> bool:
    """Whether a result is finished, and small enough to be kept for everyone."""
    finished = result.status is Status.RESTRICTED_OPTIMUM and len(result.baselines) == 2
    return finished and result.data.X.size <= MAX_ENTRIES


def downloads(found: Recognition) -> list[Download]:
    """A report, the network as arrays, and the result as JSON."""
    stem = f"{found.data.name}-network"
    return [
        *recognition_downloads(found, asked(found.data.name, found.data.n, len(found.scores))),
        Download("Network · NPZ", f"{stem}.npz", "application/octet-stream", lambda: _arrays(found)),
        Download("Result · JSON", f"{stem}.json", "application/json", lambda: json.dumps(jsonable(found.to_dict()))),
    ]


#: Stages of the library's reports that have a line of their own.
_STAGES = {
    "features": "looking at the images through every filter",
    "certify": "certifying in double precision",
    "prices": "looking whether other filters would help",
}


def _share(seconds: float, wanted: Settings) -> float:
    """How full the bar is: the time limit is its end, and it is far from straight."""
    return min(1.0, math.sqrt(seconds / wanted.limit))


def _load(wanted: Settings, where: Mapping[str, Any]) -> Dataset:
    """Images in every class, as many as were asked for or four fifths of those that are there."""
    there = source.count(wanted.name, where)
    n = min(wanted.n, source.trained(there))
    return load_dataset(wanted.name, seed=wanted.seed, **asked(wanted.name, n, min(MAX_TEST, there - n)), **where)


def asked(name: str, n: int, n_test: int) -> dict[str, Any]:
    """Options, besides the seed, with which the library is asked for images."""
    options: dict[str, Any] = {} if name == "digits" else {"flatten": False, "pad": 0}
    if name == "cifar10":
        options = {"flatten": False, "grayscale": False}
    return {"classes": "all", "n": n, "n_test": n_test, "selection": "random", "pool": 1, **options}


def _arrays(found: Recognition) -> bytes:
    """The network as the library writes and reads it, with the names of its classes."""
    out = io.BytesIO()
    c = found.certificate
    save_listed(
        out,
        found.network,
        classes=[found.names[k] for k in found.classes],
        beta=c.beta,
        objective=c.objective,
        lower_bound=c.lower_bound,
    )
    return out.getvalue()
