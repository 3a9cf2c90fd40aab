"""The problem that the settings in hand say, brought to what exists: what does not fit is said in a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from convex_core.architectures import EVERY_ACTIVATION
from convex_core.data import Dataset
from convex_core.errors import InputError
from convex_core.losses import LOSSES, Loss, make_loss

from ..work import compute
from . import fitting, own_link
from .choices import chosen
from .scales import (
    BETAS,
    BIASES,
    DELTAS,
    MAX_FILTER,
    MAX_SEED,
    MAX_STRIDE,
    PADDINGS,
    POOLINGS,
    SLOPES,
    integer,
    nearest_beta,
)  # fmt: skip
from .spec import CUSTOM, NETWORKS, DataSpec, ProblemSpec, custom_dataset, digest, reconstructs

__all__ = ["CurrentProblem", "current_problem"]


@dataclass(frozen=True, slots=True)
class CurrentProblem:
    """What the controls say: the spec, the dataset behind it, and remarks for the reader."""

    spec: ProblemSpec
    dataset: Dataset
    remarks: tuple[str, ...]


def current_problem(name: str, options: Mapping[str, Any], defaults: Dataset, networks: bool) -> CurrentProblem:
    """What the settings in hand say of the data `name`, with the `options` of their generator."""
    state = st.session_state
    remarks: list[str] = []
    own = custom_dataset()
    if name == CUSTOM and own is not None:
        data = DataSpec(CUSTOM, content=digest(own))
    else:
        data = DataSpec(name, integer(state.get("seed"), 0, 0, MAX_SEED), tuple(sorted(options.items())))
    try:
        dataset = compute.dataset(data, own)
    except InputError as error:
        remarks.append(f"{error}; the generator's defaults are used.")
        data = DataSpec(name, data.seed)
        dataset = compute.dataset(data, own)
    _carry(dataset, own=name == CUSTOM)
    longest = min(dataset.input_shape[:2])
    size = integer(state.get("h"), max(defaults.default_filter), 1, MAX_FILTER)
    if size > longest:
        remarks.append(f"Filter size {size} is longer than the input: {longest} is used.")
        size = longest
    spec = ProblemSpec(
        data,
        size,
        integer(state.get("stride"), max(defaults.default_stride), 1, MAX_STRIDE),
        state["padding"] if state.get("padding") in PADDINGS else PADDINGS[0],
        state["pooling"] if state.get("pooling") in POOLINGS else POOLINGS[0],
        float(state["beta"]) if state.get("beta") in BETAS else float(nearest_beta(defaults.default_beta)),
        **_neuron(),
    )
    network = _wanted_network(spec, dataset, remarks) if networks else None
    fitted = fitting.fit(dataset, network, _wanted_loss(dataset))
    loss = fitted.loss
    if NETWORKS[fitted.network][0] != "two-layer" and spec.activation != "relu":
        remarks.append(f"The network {fitted.network} has the ReLU: {spec.activation} is for two-layer networks.")
    if NETWORKS[fitted.network][0] == "circular" and spec.bias != "none":
        remarks.append(f"The network {fitted.network} has no bias.")
    spec = replace(
        spec,
        loss=loss.name,
        delta=loss.options.get("delta"),
        network=fitted.network,
        outputs=fitted.outputs,
        options=chosen(fitted.network, state) if networks else (),
    )
    return CurrentProblem(_existing(spec, fitted.dataset, remarks), fitted.dataset, (*remarks, *fitted.remarks))


def _existing(spec: ProblemSpec, dataset: Dataset, remarks: list[str]) -> ProblemSpec:
    """The spec, without what does not go with its network or its loss: in a sentence."""
    options, neuron = {"options": ()}, {"activation": "relu", "slope": None, "bias": "none"}
    plain = f"the plain {spec.network} network"
    less: list[tuple[dict[str, Any], str]] = [(options, plain)] if spec.options else []
    less += [(neuron, "the ReLU without a bias"), ({**options, **neuron}, f"{plain} with the ReLU without a bias")]
    error = _refused(spec, dataset)
    for changes, instead in less:
        if error is None:
            break
        simpler = replace(spec, **changes)
        if _refused(simpler, dataset) is None:
            remarks.append(f"{error}; {instead} is used.")
            return simpler
    return spec


def _refused(spec: ProblemSpec, dataset: Dataset) -> InputError | None:
    """Why there is no such problem, if there is none."""
    try:
        compute.problem(spec.key, spec, dataset)
    except InputError as error:
        return error
    return None


def _wanted_network(spec: ProblemSpec, dataset: Dataset, remarks: list[str]) -> str:
    """The kind of network; one that does not exist on these data is refused in a sentence."""
    name, default = st.session_state.get("network"), fitting.default_network(dataset)
    if name not in NETWORKS:
        return default
    try:
        compute.architecture(
            replace(spec, network=name, outputs=dataset.d if reconstructs(name) else fitting.classes(dataset) or 2),
            dataset,
        )
    except InputError as error:
        remarks.append(f"{error}; the network {default} is used.")
        return default
    return str(name)


def _neuron() -> dict[str, Any]:
    """Activation, slope and bias, whatever the address said."""
    state = st.session_state
    activation = state["activation"] if state.get("activation") in EVERY_ACTIVATION else "relu"
    slope = float(state["slope"]) if activation == "leaky" and state.get("slope") in SLOPES else None
    return {
        "activation": activation,
        "slope": slope,
        "bias": state["bias"] if state.get("bias") in BIASES else BIASES[0],
    }


def _wanted_loss(dataset: Dataset) -> Loss:
    """The loss with its delta."""
    name, delta = st.session_state.get("loss"), st.session_state.get("delta")
    if name not in LOSSES:
        name = fitting.default_loss(dataset)
    return make_loss(name, delta=float(delta) if name == "huber" and delta in DELTAS else None)


def _carry(data: Dataset, *, own: bool) -> None:
    """Put own data into the address where they fit; nothing else is there."""
    text = own_link.encode(data) if own else None
    if text is not None and st.query_params.get("own") != text:
        st.query_params["own"] = text
    elif text is None and "own" in st.query_params:
        del st.query_params["own"]
