"""From the page's controls to a grid: the present problem, and two settings that take several values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from convex_core.architectures.activation import EVERY_ACTIVATION
from convex_core.data import dataset_info, dataset_names
from convex_core.errors import InputError
from convex_core.losses import LOSSES, make_loss
from convex_core.sweeps import Sweep, sweep
from convex_core.sweeps.settings import DATA_OPTION

from ..state.controls import bound
from ..state.current import CurrentProblem
from ..state.scales import BETAS, MAX_STRIDE, POOLINGS, nearest
from ..state.spec import NETWORKS, has_several_outputs
from ..work import calls, compute

__all__ = ["AXES", "axis_controls", "chosen_axes", "live", "the_grid"]

SLOT = "_sweep"
#: Seconds of each task, and of the whole: what is finished by then is shown.
TASK_LIMIT, TIME_LIMIT = 3.0, 60.0
#: Values along an axis, at most; neighbours on the axis of beta are so many steps of the slider apart.
MOST, STEP = 7, 3
SEEDS = 5


@dataclass(frozen=True, slots=True)
class Axis:
    """A setting that a sweep goes over: its name in the library, and its values for the present problem."""

    setting: str
    values: Callable[[CurrentProblem], list[Any]]


def _betas(current: CurrentProblem) -> list[Any]:
    at = BETAS.index(nearest(current.spec.beta, BETAS))
    first = min(max(at - STEP * (MOST // 2), at % STEP), len(BETAS) - 1 - STEP * (MOST - 1))
    return [float(text) for text in BETAS[first::STEP][:MOST]]


def _strides(current: CurrentProblem) -> list[Any]:
    longest = min(current.dataset.input_shape[:2])
    return [*range(1, min(longest - current.spec.filter_size + 1, MAX_STRIDE, 5) + 1)] or [1]


def _sizes(current: CurrentProblem) -> list[Any]:
    return [*range(1, min(5, *current.dataset.input_shape[:2]) + 1)]


def _seeds(current: CurrentProblem) -> list[Any]:
    name, seed = current.spec.data.name, current.spec.data.seed
    drawn = name in dataset_names() and "seed" in dataset_info(name).options
    return [seed + k for k in range(SEEDS)] if drawn else [seed]


def _losses(current: CurrentProblem) -> list[Any]:
    """Those that take the targets; of several outputs every one is kept to the present problem's kind."""
    if has_several_outputs(current.spec.network):
        return [current.spec.loss]
    found = []
    for name in LOSSES:
        try:
            make_loss(name).check_targets(current.dataset.y)
        except InputError:
            continue
        found.append(name)
    return [name for name in found if name != "softmax"]


AXES: Mapping[str, Axis] = {
    "β": Axis("beta", _betas),
    "Stride": Axis("stride", _strides),
    "Filter size": Axis("filter_size", _sizes),
    "Loss": Axis("loss", _losses),
    "Activation": Axis("activation", lambda _: list(EVERY_ACTIVATION)),
    "Pooling": Axis("pooling", lambda _: [*POOLINGS, "max"]),
    "Data seed": Axis("seed", _seeds),
}


def axis_controls() -> tuple[Callable[[], None], Callable[[], None]]:
    """The two controls of the axes."""

    def one(label: str, key: str, default: str) -> Callable[[], None]:
        names = list(AXES)
        return lambda: (
            st.selectbox(label, names, names.index(default), filter_mode=None, **bound(key, default)) and None
        )

    return one("Across", "sweep_x", "β"), one("Upwards", "sweep_y", "Stride")


def chosen_axes() -> tuple[Axis, Axis]:
    """What the controls say; two equal ones are an error."""
    first, second = (str(st.session_state.get(key)) for key in ("sweep_x", "sweep_y"))
    if first == second:
        raise InputError(f"Axes: got {first} for both, expected two settings")
    return AXES.get(first, AXES["β"]), AXES.get(second, AXES["Stride"])


def the_grid(current: CurrentProblem, axes: tuple[Axis, Axis]) -> dict[str, Any]:
    """The present problem as settings of a sweep, with a list along each axis."""
    spec = current.spec
    architecture, options = NETWORKS[spec.network]
    grid: dict[str, Any] = {
        "dataset": current.dataset,
        "filter_size": spec.filter_size,
        "stride": spec.stride,
        "padding": spec.padding,
        "bias": spec.bias,
        "beta": spec.beta,
        "loss": spec.loss,
        "delta": spec.delta,
        "architecture": architecture,
        **options,
        "max_patterns": compute.MAX_PATTERNS,
        "task_limit": TASK_LIMIT,
    }
    if architecture == "two-layer":
        grid |= {"pooling": spec.pooling, "activation": spec.activation, "slope": spec.slope}
    if has_several_outputs(spec.network):
        grid["outputs"] = spec.outputs
    if spec.data.name in dataset_names():
        grid |= {"dataset": spec.data.name, "seed": spec.data.seed}
        grid |= {f"{DATA_OPTION}{name}": value for name, value in spec.data.options}
    for axis in axes:
        grid[axis.setting] = axis.values(current)
        if axis.setting == "loss":
            del grid["delta"]
        if axis.setting == "activation":
            del grid["slope"]
    return grid


def live(current: CurrentProblem, axes: tuple[Axis, Axis]) -> Sweep | None:
    """The rows of the present grid; None while it runs."""
    grid = the_grid(current, axes)
    found: Sweep | None = calls.background(
        SLOT,
        f"{current.spec.key} {[(axis.setting, grid[axis.setting]) for axis in axes]}",
        lambda job: sweep(grid, workers=1, cancel=job, progress=job.report, time_limit=TIME_LIMIT),
        "Sweep",
        place="sweep",
        whole=lambda rows: rows.stopped is None and not any(row.status == "time limit" for row in rows.rows),
    )
    return found
