"""Model files of networks that were trained over a list: everything that a prediction needs, and both bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.files import replacing
from ..contracts.records import record
from ..contracts.validation import check_arguments, finite_array, no_others
from ..data.npz import read_npz
from ..errors import InputError
from ..lists import ListedNetwork, PoolingGrid, Whitening
from ..patches import PatchGeometry

__all__ = ["LISTED", "ListedModel", "load_listed", "save_listed"]

#: What stands for the architecture in these files.
LISTED = "listed"
_ARRAYS = ("filters", "weights", "output_bias", "whitening_mean", "whitening_matrix", "pooling_cuts")
_TEXTS = ("architecture", "pooling", "padding", "bias")
_SHAPES = ("input_shape", "filter_shape", "stride")
_VALUES = ("beta", "objective", "lower_bound")
# the same filters and biases for patches that are not whitened: for readers without this library
_PLAIN = ("patch_filters", "offsets")
# what they may differ by from those that are whitened, relative to the largest
_PLAIN_TOLERANCE = 1e-9


@record
@dataclass(frozen=True, slots=True)
class ListedModel:
    """What a model file of a listed network holds.

    Attributes
    ----------
    network : ListedNetwork
        Filters, weights, regions and the whitening of patches.
    beta, objective, lower_bound : float or None
        Regularisation, and both bounds over the list on the training data, if the file says.
    classes : tuple of str or None
        Name of the class of each output, likewise.
    """

    network: ListedNetwork
    beta: float | None = None
    objective: float | None = None
    lower_bound: float | None = None
    classes: tuple[str, ...] | None = None


def save_listed(
    target: str | Path | IO[bytes], network: ListedNetwork, *, classes: Sequence[str] | None = None, **values: ArrayLike
) -> None:
    """Write `network` as NPZ, with ``beta``, ``objective`` and ``lower_bound`` if they are given.

    Beside what :func:`load_listed` needs, the file has ``patch_filters`` (m, *filter shape) and ``offsets`` (m,), for
    patches that are not whitened: with them, ``weights``, ``output_bias`` and ``pooling_cuts`` anybody can write the
    forward pass of a network without gates.

    Parameters
    ----------
    target : str, Path or binary file
        Where it goes.
    network : ListedNetwork
        What is written.
    classes : sequence of str, optional
        Name of the class of each output.
    **values : float
        The numbers above.

    Raises
    ------
    InputError
        For another value, for classes that are not as many as the outputs, or if the file cannot be written.

    Examples
    --------
    >>> from io import BytesIO
    >>> from convex_core import load_dataset, patch_geometry
    >>> from convex_core.lists import train_list
    >>> data = load_dataset("motifs")
    >>> solution = train_list(data.X, data.y, patch_geometry((10,), 3), beta=0.3, directions=20)
    >>> file = BytesIO()
    >>> solution.save(file)  # the same as save_listed with the numbers of its certificate
    >>> _ = file.seek(0)
    >>> bool((load_listed(file).network.predict(data.X) == solution.network.predict(data.X)).all())
    True
    """
    check_arguments("save_listed", target=(target, object), network=(network, ListedNetwork))
    no_others(values, _VALUES, "save_listed")
    linear, offsets = network.patch_filters()
    arrays: dict[str, Any] = {
        "architecture": np.array(LISTED),
        **{name: np.array(value) for name, value in network.geometry.to_dict().items()},
        "filters": network.filters,
        "weights": network.weights,
        "output_bias": network.bias,
        "whitening_mean": network.whitening.mean,
        "whitening_matrix": network.whitening.matrix,
        "pooling": np.array(network.grid.pooling),
        "pooling_cuts": np.array(network.grid.cuts),
        "l1": np.array(int(network.l1)),
        "patch_filters": linear.reshape(-1, *network.geometry.filter_shape),
        "offsets": offsets,
    }
    if classes is not None:
        arrays["classes"] = np.array(_names(classes, network))
    if network.gates is not None:
        arrays["gates"] = network.gates
    arrays |= {name: np.asarray(value, dtype=np.float64) for name, value in values.items()}
    if not isinstance(target, (str, Path)):
        np.savez_compressed(target, **arrays)
        return
    with replacing(target, "model file") as file:
        np.savez_compressed(file, **arrays)


def load_listed(source: str | Path | IO[bytes]) -> ListedModel:
    """Read a file of :func:`save_listed`, without pickles; the network predicts as the saved one did, bit by bit.

    Raises
    ------
    InputError
        If the file is missing, truncated, of another kind, lacks an array, or holds one that is not used.
    """
    data = read_npz(source)
    needed = (*_ARRAYS, *_TEXTS, *_SHAPES, "l1")
    missing = [name for name in needed if name not in data]
    if missing or str(data["architecture"]) != LISTED:
        what = f"no {', '.join(missing)}" if missing else f"the architecture {str(data['architecture'])[:80]!r}"
        raise InputError(f"model file: got {what}, expected a file that save_listed has written")
    no_others(data, (*needed, "gates", "classes", *_PLAIN, *_VALUES), "model file")
    geometry = PatchGeometry.from_dict(data)
    cuts = finite_array(data["pooling_cuts"], "pooling_cuts", ndim=1)
    network = ListedNetwork(
        geometry,
        Whitening(data["whitening_mean"], data["whitening_matrix"]),
        PoolingGrid(geometry.grid, tuple(int(cut) for cut in cuts), cast(Any, str(data["pooling"]))),
        data["filters"],
        data["weights"],
        data["output_bias"],
        data.get("gates"),
        bool(finite_array(data["l1"], "l1", ndim=0)),
    )
    _check_plain(data, network)
    classes = tuple(_names(data["classes"].ravel().tolist(), network)) if "classes" in data else None
    beta, objective, lower_bound = (_value(data, name) for name in _VALUES)
    return ListedModel(network, beta, objective, lower_bound, classes)


def _names(classes: Sequence[Any], network: ListedNetwork) -> list[str]:
    names = [str(name) for name in classes]
    # one output tells two classes apart
    if len(names) != max(network.q, 2):
        raise InputError(f"classes: got {len(names)} names, expected {max(network.q, 2)} for {network.q} outputs")
    return names


def _check_plain(data: dict[str, NDArray[Any]], network: ListedNetwork) -> None:
    """Refuse a file whose filters for patches as they are do not belong to those for whitened patches."""
    for name, expected in zip(_PLAIN, network.patch_filters(), strict=True):
        if name not in data:
            continue
        array = data[name]
        limit = _PLAIN_TOLERANCE * np.abs(expected).max(initial=1.0)
        same = array.dtype.kind in "fiu" and array.size == expected.size
        if not same or not (np.abs(array.ravel() - expected.ravel()) <= limit).all():
            raise InputError(f"{name}: got others than the filters and the whitening give, expected the same")


def _value(data: dict[str, NDArray[Any]], name: str) -> float | None:
    return float(finite_array(data[name], name, ndim=0)) if name in data else None
