r"""Networks from the arrays of other programs: a PyTorch state dict, or a Keras model's weights, saved as an NPZ.

PyTorch's and Keras's convolutions are cross-correlations, as ours are: :math:`X_k u` with the filter u in the order of
the patch. What differs is the order of the axes. With m filters of f or fh x fw entries, C channels and q outputs:

============  =========================  ================  =========================================
names end in  filters                    output weights    behind a flatten layer
============  =========================  ================  =========================================
``weight``    (m, C, f), (m, C, fh, fw)  (q, m)            (1, m K), filter by filter (PyTorch)
``kernel``    (f, C, m), (fh, fw, C, m)  (m, q)            (K m, 1), patch by patch (Keras)
============  =========================  ================  =========================================

Linear layers on whole inputs or patches without channels, (m, h) and (h, m), are filters too. Which of two arrays holds
the filters follows from their shapes, not from the order in which they were saved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture
from ..contracts.records import record
from ..contracts.validation import check_arguments, finite_array, no_others
from ..errors import InputError
from ..patches import PatchGeometry
from .network import Network

__all__ = ["RESULTS", "Reading", "network_from_arrays", "read_network"]

_Array = NDArray[np.float64]

#: What may lie beside the parameters in a file: results about the network, not parts of it.
RESULTS = ("dual", "predictions")
_OWN = ("filters", "weights", "hidden", "free")
_LAYOUTS = {"weight": "PyTorch", "kernel": "Keras"}
#: Words in names, asked only where the shapes leave the roles of two arrays open.
_FIRST = re.compile(r"conv|filter|feature|hidden|encoder|first|fc1|dense_?1\b")
_LAST = re.compile(r"head|classif|output|readout|last|fc2|dense_?2\b")
#: Statistics of normalisation layers.
_NORMALISATION = re.compile(r"running_(mean|var)|num_batches_tracked|moving_(mean|variance)")


@record
@dataclass(frozen=True, slots=True)
class Reading:
    """A network, and in one sentence which array was taken for what."""

    network: Network
    sentence: str


@record
@dataclass(frozen=True, slots=True)
class _Candidate:
    """One way to read two arrays."""

    layout: str
    first: str
    last: str
    filters: _Array
    weights: _Array

    def same(self, other: _Candidate) -> bool:
        return np.array_equal(self.filters, other.filters) and np.array_equal(self.weights, other.weights)


def network_from_arrays(architecture: Architecture, arrays: Mapping[str, Any]) -> Network:
    """The network in a mapping of arrays: by our names, or the weights of PyTorch or Keras saved as arrays.

    Our names are those of :attr:`Network.parameters` (``filters``, ``weights`` and in deeper networks ``hidden``);
    ``dual`` and ``predictions`` may lie beside them. Otherwise there must be two arrays, of the shapes in
    :mod:`convex_core.networks.state_dict`, and besides them no others than biases: zero, or of the filters where these
    have one.

    Raises
    ------
    InputError
        If arrays are missing, of the wrong shape, not used, or can be read in two ways, or a bias is not zero.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((4,), 2))
    >>> state = {"conv.weight": np.ones((3, 1, 2)), "conv.bias": np.zeros(3), "fc.weight": np.ones((1, 3))}
    >>> network_from_arrays(cnn, state).filters.shape
    (3, 2)
    """
    check_arguments("network_from_arrays", architecture=(architecture, Architecture), arrays=(arrays, Mapping))
    return read_network(architecture, arrays).network


def read_network(architecture: Architecture, arrays: Mapping[str, Any]) -> Reading:
    """As :func:`network_from_arrays`, with what was understood in one sentence.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((4,), 2))
    >>> state = {"fc.weight": np.ones((1, 3)), "conv.weight": np.ones((3, 1, 2))}
    >>> read_network(cnn, state).sentence
    'conv.weight (3, 1, 2) as 3 filters, fc.weight (1, 3) as output weights, in the order of PyTorch'
    """
    parameters = list(architecture.shapes)
    if any(name in arrays for name in _OWN):
        missing = [name for name in parameters if name not in arrays]
        if missing:
            raise InputError(f"network: got no {', '.join(missing)}, expected {', '.join(parameters)}")
        no_others(arrays, (*parameters, "free", *RESULTS), "network")
        given = {name: arrays[name] for name in parameters}
        network = Network.from_parameters(architecture, given, arrays.get("free"))
        return Reading(network, f"{network.m} filters by the names {', '.join(parameters)}")
    if parameters != ["filters", "weights"]:
        raise InputError(
            f"network: got {_names(arrays)}, expected {', '.join(parameters)} for the architecture {architecture.name}"
        )
    biases, layers = _biases_and_layers(arrays)
    if len(layers) == 2:
        no_others(arrays, (*layers, *biases), "network")
    chosen = _choose(architecture, {name: finite_array(arrays[name], name, ndim=(0, 1, 2, 3, 4)) for name in layers})
    no_others(arrays, (chosen.first, chosen.last, *biases), "network")
    first, last = (f"{name} {np.shape(arrays[name])}" for name in (chosen.first, chosen.last))
    sentence = f"{first} as {len(chosen.filters)} filters, {last} as output weights, in the order of {chosen.layout}"
    filters, own = chosen.filters, _stem(chosen.first)
    if architecture.geometry.biased:
        bias = next((name for name in biases if _stem(name) == own), None)
        entries = np.zeros(len(filters)) if bias is None else finite_array(arrays[bias], bias, ndim=(0, 1))
        if entries.shape != (len(filters),):
            raise InputError(f"{bias}: got shape {entries.shape}, expected ({len(filters)},), a bias for each filter")
        filters = np.concatenate([filters, entries[:, None]], axis=1)
        sentence += f", {bias} as their biases" if bias is not None else ", without biases"
        biases = [name for name in biases if name != bias]
    free = None
    if architecture.geometry.output_bias:
        own = _stem(chosen.last)
        bias = next((name for name in biases if _stem(name) == own), None)
        if bias is not None:
            free = np.atleast_1d(finite_array(arrays[bias], bias, ndim=(0, 1)))
            sentence += f", {bias} as the output bias"
            biases = [name for name in biases if name != bias]
    for name in biases:
        if np.any(finite_array(arrays[name], name, ndim=(0, 1)) != 0.0):
            raise InputError(f"{name}: got a bias that is not zero, expected none: {_no_bias(architecture)}")
    if biases:
        sentence += f"; {', '.join(biases)} {'is' if len(biases) == 1 else 'are'} all zero"
    return Reading(Network(architecture, filters, chosen.weights, free=free), sentence)


def _no_bias(architecture: Architecture) -> str:
    if architecture.geometry.biased:
        return "only filters have one here"
    return "these networks have no biases, unless the option bias says so"


def _stem(name: str) -> str:
    """A name without its last part."""
    return re.sub(r":\d+$", "", name)[: -len(_leaf(name))]


def _names(arrays: Iterable[str]) -> str:
    return ", ".join(str(name)[:80] for name in arrays) or "no arrays"


def _leaf(name: str) -> str:
    """The last part of a name: ``weight`` of ``module.conv.weight``, ``kernel`` of ``conv1d/kernel:0``."""
    return re.split(r"[./]", re.sub(r":\d+$", "", name))[-1].lower()


def _biases_and_layers(arrays: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the biases, and of the arrays that may be the two layers."""
    biases = [name for name in arrays if _leaf(name) == "bias"]
    for name in arrays:
        if _NORMALISATION.fullmatch(_leaf(name)):
            raise InputError(f"{name}: got an array that is not used, expected a network without normalisation")
    layers = [name for name in arrays if _leaf(name) in _LAYOUTS] or [name for name in arrays if name not in biases]
    if len({_leaf(name) for name in layers} & set(_LAYOUTS)) > 1:
        raise InputError(f"network: got {_names(layers)}, expected names that all end in weight or all in kernel")
    return biases, layers


def _choose(architecture: Architecture, arrays: Mapping[str, _Array]) -> _Candidate:
    """The one way to read two of the arrays that their shapes, or else their names, leave."""
    leaf = _leaf(next(iter(arrays), ""))
    layouts = [_LAYOUTS[leaf]] if leaf in _LAYOUTS else list(_LAYOUTS.values())
    found: list[_Candidate] = []
    for (first, last), layout in product(permutations(arrays, 2), layouts):
        candidate = _read(architecture, layout, (first, arrays[first]), (last, arrays[last]))
        if candidate is not None and not any(candidate.same(other) for other in found):
            found.append(candidate)
    if len(found) > 1 and len(arrays) == 2:
        named = [candidate for candidate in found if _in_order(candidate.first, candidate.last)]
        found = named if len(named) == 1 else found
    if len(found) == 1:
        return found[0]
    shapes = " and ".join(f"{str(name)[:80]} of shape {array.shape}" for name, array in list(arrays.items())[:5])
    if found:
        raise InputError(
            f"network: got {shapes}, which can be read in {len(found)} ways, expected names that decide: "
            "filters and weights, or conv.weight and head.weight (PyTorch), conv/kernel and head/kernel (Keras)"
        )
    wanted = " or ".join(f"{' and '.join(_shapes(architecture, at, 'm'))} in the order of {at}" for at in layouts)
    if len(arrays) == 2 and len(layouts) == 1:
        # one of the two may be as expected: then the other is the one to name
        (name, kernel), (other, weight) = sorted(arrays.items(), key=lambda item: -item[1].ndim)
        filters = _filters(architecture.geometry, layouts[0], kernel)
        if filters is not None and kernel.ndim > weight.ndim:
            expected = _shapes(architecture, layouts[0], str(len(filters)))[1]
            raise InputError(
                f"{other}: got shape {weight.shape}, expected {expected}, a weight for each of {len(filters)} filters "
                f"in {name} and each output, in the order of {layouts[0]}"
            )
    raise InputError(
        f"network: got {shapes or 'no arrays'}, expected filters and weights, or two layers of shapes {wanted}"
    )


def _in_order(first: str, last: str) -> bool:
    """Whether the names say that `first` comes before `last`."""
    words = [(bool(_FIRST.search(name.lower())), bool(_LAST.search(name.lower()))) for name in (first, last)]
    if words[0] != words[1]:
        return (words[0][0] or words[1][1]) and not (words[0][1] or words[1][0])
    numbers = [[int(digits) for digits in re.findall(r"\d+", re.sub(r":\d+$", "", name))] for name in (first, last)]
    return numbers[0] < numbers[1] if numbers[0] and numbers[1] else False


def _read(
    architecture: Architecture, layout: str, first: tuple[str, _Array], last: tuple[str, _Array]
) -> _Candidate | None:
    """The two arrays as filters (m, h) and output weights, or None if their shapes do not fit."""
    filters = _filters(architecture.geometry, layout, first[1])
    if filters is None:
        return None
    weights = _outputs(architecture, layout, last[1], len(filters))
    return None if weights is None else _Candidate(layout, first[0], last[0], filters, weights)


def _filters(geometry: PatchGeometry, layout: str, kernel: _Array) -> _Array | None:
    axes = _spatial(geometry)
    channels = geometry.filter_shape[axes:] or (1,)
    torch = layout == "PyTorch"
    if kernel.ndim == 2 and channels == (1,):
        filters = kernel if torch else kernel.T
    elif kernel.ndim == axes + 2:
        filters = np.moveaxis(kernel, 1, -1) if torch else np.moveaxis(kernel, -1, 0)  # (m, *filter, C), as ours
        if filters.shape[1:] != (*geometry.filter_shape[:axes], *channels):
            return None
    else:
        return None
    flat = filters.reshape(len(filters), -1)
    return flat if flat.shape[1] == geometry.window else None


def _outputs(architecture: Architecture, layout: str, weight: _Array, m: int) -> _Array | None:
    if weight.ndim != 2:
        return None
    rows = weight if layout == "PyTorch" else weight.T  # outputs x what they are made of
    shape = architecture.shapes["weights"]
    if architecture.q > 1 or not shape:
        if rows.shape != (architecture.q, m):
            return None
        return rows.T if shape else rows[0]
    (K,) = shape
    if rows.shape != (1, m * K):
        return None
    return rows.reshape(m, K) if layout == "PyTorch" else rows.reshape(K, m).T


def _spatial(geometry: PatchGeometry) -> int:
    return len(geometry.stride)


def _shapes(architecture: Architecture, layout: str, m: str) -> tuple[str, str]:
    """The shapes of filters and output weights that fit, with `m` for the number of filters."""
    geometry, shape = architecture.geometry, architecture.shapes["weights"]
    axes = _spatial(geometry)
    size = ", ".join(map(str, geometry.filter_shape[:axes]))
    channels = (geometry.filter_shape[axes:] or (1,))[0]
    behind = m if architecture.q > 1 or not shape else f"{m} * {shape[0]}"
    if layout == "PyTorch":
        return f"({m}, {channels}, {size})", f"({architecture.q}, {behind})"
    return f"({size}, {channels}, {m})", f"({behind}, {architecture.q})"
