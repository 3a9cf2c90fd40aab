"""What a session is working on, as a small frozen value: the key of every cache and of nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import streamlit as st

from convex_core.data import Dataset
from convex_core.patches import Bias, Padding

__all__ = [
    "CUSTOM",
    "NETWORKS",
    "SEVERAL",
    "DataSpec",
    "ProblemSpec",
    "custom_dataset",
    "digest",
    "has_several_outputs",
    "keep_custom",
    "reconstructs",
]

#: Name in the data selector, and in the address, for uploaded or edited data.
CUSTOM = "custom"
_STORE = "_custom_dataset"


@dataclass(frozen=True, slots=True)
class DataSpec:
    """A dataset by name, seed and options; data without a generator by the hash of their content."""

    name: str
    seed: int = 0
    options: tuple[tuple[str, Any], ...] = ()
    content: str = ""


#: Kinds of network that the Solve page offers: name of the architecture and its options; :mod:`.choices` has the rest.
NETWORKS: dict[str, tuple[str, dict[str, str | int]]] = {
    "two-layer": ("two-layer", {}),
    "max pooling": ("two-layer", {"pooling": "max"}),
    "several outputs": ("two-layer", {"output_norm": "l1"}),
    "several outputs, l2 bound": ("two-layer", {"output_norm": "l2"}),
    "several outputs, max pooling": ("two-layer", {"output_norm": "l1", "pooling": "max"}),
    "several outputs, max pooling, l2 bound": ("two-layer", {"output_norm": "l2", "pooling": "max"}),
    "linear": ("linear", {}),
    "several outputs, linear": ("linear", {}),
    "flatten": ("flatten", {}),
    "flatten, l1": ("flatten", {"output_norm": "l1"}),
    "circular": ("circular", {}),
    "circular, spectral bound": ("circular", {"relaxation": "spectral"}),
    "three-layer, per patch": ("three-layer", {"sharing": "per-patch"}),
    "three-layer, shared": ("three-layer", {"sharing": "shared"}),
    "autoencoder": ("two-layer", {"output_norm": "l1"}),
    "autoencoder, l2 bound": ("two-layer", {"output_norm": "l2"}),
    "autoencoder, linear": ("linear", {}),
}

#: The kind with an output for each class whose program is exact.
SEVERAL = "several outputs"


def has_several_outputs(network: str) -> bool:
    """Whether a kind of network has an output for each class."""
    return network.startswith(SEVERAL)


def reconstructs(network: str) -> bool:
    """Whether the targets of a kind of network are the inputs."""
    return network.startswith("autoencoder")


@dataclass(frozen=True, slots=True)
class ProblemSpec:
    """A training problem: data, patches, pooling, beta, loss, network with outputs and options, activation, bias."""

    data: DataSpec
    filter_size: int
    stride: int
    padding: Padding
    pooling: str
    beta: float
    loss: str = "squared"
    delta: float | None = None
    network: str = "two-layer"
    outputs: int = 1
    activation: str = "relu"
    slope: float | None = None
    bias: Bias = "none"
    options: tuple[tuple[str, str | int | float], ...] = ()

    @property
    def key(self) -> str:
        """One string for caches: adjacent string arguments of a cached function can collide."""
        return repr(self)


def digest(dataset: Dataset) -> str:
    """Hash of everything in it, whatever the size (Streamlit hashes large arrays by a sample)."""
    words = (dataset.name, dataset.input_shape, dataset.labels, dataset.description)
    suggested = (dataset.default_filter, dataset.default_stride, dataset.default_beta)
    sha = hashlib.sha256(repr((words, suggested)).encode())
    for array in (dataset.X, dataset.y, dataset.X_test, dataset.y_test):
        sha.update(b"-" if array is None else array.tobytes())
    return sha.hexdigest()[:16]


def keep_custom(dataset: Dataset) -> None:
    """Make `dataset` this session's own data; no other session can reach it."""
    st.session_state[_STORE] = dataset


def custom_dataset() -> Dataset | None:
    """The data this session uploaded or edited, if there are any."""
    stored = st.session_state.get(_STORE)
    return stored if isinstance(stored, Dataset) else None
