"""Model files: NPZ with the filters, the weights, the certificate's dual vector and what rebuilds the architecture."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..architectures import BATCH, OPTIONS, make_architecture, restored_batch, saved_batch
from ..contracts.files import replacing
from ..contracts.records import record
from ..contracts.validation import check_arguments, finite_array, frozen, no_others, positive_number
from ..data.npz import read_npz
from ..errors import InputError
from ..losses import LOSS_OPTIONS, Loss, make_loss
from ..networks.network import Network
from ..networks.state_dict import RESULTS
from ..patches import PatchGeometry
from ..solution import Solution
from .listed import LISTED

__all__ = ["Model", "load_model", "save_model", "save_network"]

_Array = NDArray[np.float64]

_REQUIRED = ("filters", "weights", "architecture", "padding", "input_shape", "filter_shape", "stride")
_VALUES = ("objective", "lower_bound")


@record
@dataclass(frozen=True, slots=True)
class Model:
    """What a model file holds.

    Attributes
    ----------
    network : Network
        Filters, weights and architecture.
    beta : float or None
        Regularisation it was trained with, if the file says.
    loss : Loss or None
        Loss it was trained with, if the file says.
    dual : (n,) float64 or None
        Feasible dual vector of its certificate.
    predictions : (n,) float64 or None
        Outputs on the training inputs.
    objective, lower_bound : float or None
        Objective of the network, and bound on the optimum, on the training data.
    """

    network: Network
    beta: float | None
    loss: Loss | None
    dual: _Array | None
    predictions: _Array | None
    objective: float | None = None
    lower_bound: float | None = None


def save_model(target: str | Path | IO[bytes], solution: Solution) -> None:
    """Write `solution` as NPZ: ``filters`` (m, h), ``weights`` (m,), ``dual`` (n,), ``predictions`` (n,), and more.

    Besides: ``hidden`` (m, r) for networks of three layers and more, ``free`` (r,) where a part costs nothing,
    ``architecture`` and its options, ``padding``
    (text), ``input_shape``, ``filter_shape``, ``stride`` (ints),
    ``loss`` and its options, ``beta``, ``objective``, ``lower_bound`` (floats). No pickled objects are written.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    check_arguments("save_model", target=(target, object), solution=(solution, Solution))
    save_network(
        target,
        solution.network,
        dual=solution.dual,
        predictions=solution.predictions,
        beta=solution.problem.beta,
        loss=solution.problem.loss.name,
        **solution.problem.loss.options,
        objective=solution.network_objective,
        lower_bound=solution.lower_bound,
    )


def save_network(target: str | Path | IO[bytes], network: Network, **values: ArrayLike) -> None:
    """Write any network, from SGD for example, in the same format, with further `values` such as ``beta``.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    check_arguments("save_network", target=(target, object), network=(network, Network))
    architecture = network.architecture
    geometry = architecture.geometry
    arrays: dict[str, Any] = {
        **network.parameters,
        **({"free": network.free} if len(network.free) else {}),
        "architecture": np.array(architecture.name),
        **{name: np.array(value) for name, value in architecture.options.items()},
        **{name: np.array(value) for name, value in geometry.to_dict().items()},
        **{name: np.array(value) for name, value in saved_batch(architecture).items()},
    }
    arrays |= {key: np.asarray(value) for key, value in values.items()}
    if not isinstance(target, (str, Path)):
        np.savez_compressed(target, **arrays)
        return
    with replacing(target, "model file") as file:
        np.savez_compressed(file, **arrays)


def load_model(source: str | Path | IO[bytes]) -> Model:
    """Read a model file written by :func:`save_model`, with ``allow_pickle=False``.

    Raises
    ------
    InputError
        If the file is missing, truncated, pickled, lacks an array, or holds one that is not used.
    """
    data = read_npz(source)
    if "architecture" in data and str(data["architecture"]) == LISTED:
        raise InputError(
            "model file: got a network over a list, expected one that save_model has written; load_listed reads it"
        )
    missing = [key for key in _REQUIRED if key not in data]
    if missing:
        raise InputError(f"model file: got no {', '.join(missing)}, expected the arrays that save_model writes")
    no_others(
        data,
        (*_REQUIRED, "bias", "hidden", "free", *OPTIONS, *BATCH, *RESULTS, "loss", *LOSS_OPTIONS, "beta", *_VALUES),
        "model file",
    )
    orphans = [key for key in LOSS_OPTIONS if key in data and "loss" not in data]
    if orphans:
        raise InputError(f"model file: got {orphans[0]} and no loss, expected both or neither")
    options = {key: _option(data, key) for key in OPTIONS if key in data}
    architecture = make_architecture(str(_single(data, "architecture")), PatchGeometry.from_dict(data), **options)
    architecture = restored_batch(architecture, {key: data[key] for key in BATCH if key in data})
    vector = {
        key: cast(_Array, frozen(finite_array(data[key], key, ndim=1))) if key in data else None for key in RESULTS
    }
    values = {key: _value(data, key) for key in _VALUES}
    loss = None
    if "loss" in data:
        numbers = {key: float(finite_array(data[key], key, ndim=0)) for key in LOSS_OPTIONS if key in data}
        loss = make_loss(str(_single(data, "loss")), **numbers)
    return Model(
        network=Network(architecture, data["filters"], data["weights"], data.get("hidden"), data.get("free")),
        beta=positive_number(float(finite_array(data["beta"], "beta", ndim=0)), "beta") if "beta" in data else None,
        loss=loss,
        dual=vector["dual"],
        predictions=vector["predictions"],
        **values,
    )


def _single(data: dict[str, NDArray[Any]], key: str) -> str | int:
    """Array `key` as the text or number that it holds."""
    if data[key].ndim or data[key].dtype.kind not in "Uiu":
        raise InputError(f"{key}: got {data[key].dtype} of shape {data[key].shape}, expected one text or whole number")
    value: str | int = data[key].item()
    return value


def _option(data: dict[str, NDArray[Any]], key: str) -> str | int | float:
    """Array `key` as the value of an option of an architecture."""
    return float(finite_array(data[key], key, ndim=0)) if OPTIONS[key].kind is float else _single(data, key)


def _value(data: dict[str, NDArray[Any]], key: str) -> float | None:
    """Array `key` as a float, which a bound that is not known makes infinite; None if it is not there."""
    if key not in data:
        return None
    if data[key].ndim or data[key].dtype.kind not in "fiu":
        raise InputError(f"{key}: got {data[key].dtype} of shape {data[key].shape}, expected one number")
    return float(data[key])
