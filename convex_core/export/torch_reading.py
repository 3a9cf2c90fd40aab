"""Networks from modules and state dicts of PyTorch, for an audit.

A module is not only read but run: what comes back has its outputs on random inputs, or the module is refused. That is
how the pooling is found, too: of the networks that its arrays fit, the one with the same outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import EVERY_ACTIVATION, Architecture, make_architecture
from ..contracts.validation import check_arguments
from ..errors import InputError
from ..networks.network import Network
from ..networks.state_dict import network_from_arrays
from ..patches import PatchGeometry
from .torch_module import needs_torch

__all__ = ["from_torch"]

_Array = NDArray[np.float64]

_SAMPLES = 16
# relative to the largest output; a module in single precision is turned into double before it is run
_TOLERANCE = 1e-9


def from_torch(
    source: Any,
    architecture: Architecture | None = None,
    *,
    input_shape: Sequence[int] | None = None,
    seed: int = 0,
) -> Network:
    """The network of a PyTorch module with one convolution and one linear layer, or of its state dict.

    Parameters
    ----------
    source : torch.nn.Module or mapping
        The module, or what its ``state_dict()`` gives: layers in the order of :func:`network_from_arrays`.
    architecture : Architecture, optional
        What it is. Without one a module's own is found from its convolution, its activation and its outputs, for
        `input_shape`. Batch normalisation, pooling over regions and linear networks of several outputs are written as
        the convolution that they amount to, and cannot be read back.
    input_shape : sequence of int, optional
        (d,), (H, W) or (H, W, C), channels last as everywhere here; needed if no architecture is given.
    seed : int
        Of the random inputs on which a module and the network are compared.

    Returns
    -------
    Network
        With the module's outputs, to 1e-9 of the largest in double precision; a state dict alone cannot be compared.

    Raises
    ------
    BackendError
        If PyTorch is missing and `source` is no mapping of arrays.
    InputError
        If the arrays do not fit, or no network that they fit has the module's outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> state = {"conv.weight": np.ones((3, 1, 2)), "head.weight": np.ones((1, 3))}
    >>> from_torch(state, TwoLayerCNN(patch_geometry((4,), 2))).predict([[1.0, 0.0, 0.0, 1.0]])
    array([6.])
    """
    if isinstance(source, Mapping):
        if architecture is None:
            raise InputError("from_torch: got a state dict and no architecture, expected one, or the module itself")
        check_arguments("from_torch", source=(source, Mapping), architecture=(architecture, Architecture))
        return network_from_arrays(architecture, _arrays(source))
    needs_torch()
    if not callable(getattr(source, "state_dict", None)):
        raise InputError(f"from_torch: got {type(source).__name__}, expected a torch.nn.Module or its state dict")
    if architecture is not None:
        check_arguments("from_torch", architecture=(architecture, Architecture))
        candidates: Iterator[Architecture] = iter([architecture])
    elif input_shape is None:
        raise InputError("from_torch: got a module and no architecture, expected input_shape or an architecture")
    else:
        candidates = _candidates(source, tuple(input_shape))
    module = copy.deepcopy(source).double().eval()
    arrays = _arrays(module.state_dict())
    tried, nearest = [], np.inf
    for candidate in candidates:
        try:
            network = network_from_arrays(candidate, arrays)
        except InputError:
            if architecture is not None:
                raise
            continue
        X = np.random.default_rng(seed).standard_normal((_SAMPLES, candidate.geometry.d))
        got, expected = _run(module, X, candidate), network.predict(X)
        difference = float(np.abs(got - expected).max()) if got.size == expected.size else np.inf
        if difference <= _TOLERANCE * max(float(np.abs(expected).max()), np.finfo(float).tiny):
            return network
        tried.append(candidate)
        nearest = min(nearest, difference)
    if not tried:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "no arrays"
        raise InputError(
            f"from_torch: got {shapes[:300]}, expected the filters and biases of one convolution and one linear layer "
            "behind it"
        )
    raise InputError(
        f"from_torch: got outputs that differ by at least {nearest:.3g} from those of {len(tried)} networks with its "
        f"arrays on {_SAMPLES} random inputs, expected the same: pooling, padding or activation are others"
    )


def _arrays(state: Mapping[str, Any]) -> dict[str, _Array]:
    """The arrays of a state dict, of tensors or not."""
    return {
        str(name): np.asarray(value.detach().cpu().double().numpy() if hasattr(value, "detach") else value)
        for name, value in state.items()
    }


def _candidates(module: Any, shape: tuple[int, ...]) -> Iterator[Architecture]:
    """Networks with the module's convolution that its arrays may be."""
    from torch import nn

    layers = list(module.modules())
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv1d | nn.Conv2d)]
    heads = [layer for layer in layers if isinstance(layer, nn.Linear)]
    if len(convolutions) != 1 or len(heads) != 1:
        raise InputError(
            f"from_torch: got {len(convolutions)} convolutions and {len(heads)} linear layers, expected one of each"
        )
    conv, head = convolutions[0], heads[0]
    inner, outer = (layer.bias is not None and bool(layer.bias.any()) for layer in (conv, head))
    bias = ("free" if outer else "regularised") if inner else "output" if outer else "none"
    leaks = {layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)}
    names = [{"activation": "leaky", "slope": slope} for slope in sorted(leaks)]
    names += [{"activation": name} for name in EVERY_ACTIVATION if name != "leaky"]
    pools = [layer.kernel_size for layer in layers if isinstance(layer, nn.MaxPool1d | nn.MaxPool2d)]
    sizes = {size for pool in pools for size in (pool if isinstance(pool, tuple) else (pool,))}
    outputs = {} if head.out_features == 1 else {"outputs": head.out_features}
    for geometry in _geometries(conv, shape, bias):
        poolings: list[dict[str, Any]] = [{"pooling": "sum"}, {"pooling": "mean"}, {"pooling": "max"}]
        poolings += [{"pooling": "max", "pool_size": size} for size in sorted(sizes)]
        for pooling in poolings:
            for activation in names:
                yield from _made("two-layer", geometry, {**pooling, **activation, **outputs})
        yield from _made("flatten", geometry, {})
        yield from _made("linear", geometry, {})


def _made(name: str, geometry: PatchGeometry, options: dict[str, Any]) -> Iterator[Architecture]:
    try:
        yield make_architecture(name, geometry, **options)
    except InputError:
        return


def _geometries(conv: Any, shape: tuple[int, ...], bias: Any) -> Iterator[PatchGeometry]:
    """Patches that the convolution may cut: the outputs decide between paddings."""
    axes = len(conv.kernel_size)
    channels = conv.in_channels
    if len(shape) == axes and channels == 1:
        kernel = tuple(conv.kernel_size)
    elif len(shape) == axes + 1 == 3 and shape[-1] == channels:
        kernel = (*conv.kernel_size, channels)
    else:
        raise InputError(
            f"input_shape: got {shape} for a convolution over {axes} axes with {channels} channels, expected "
            f"{'(d,)' if axes == 1 else '(H, W)' if channels == 1 else f'(H, W, {channels})'}"
        )
    if conv.groups != 1 or any(step != 1 for step in conv.dilation):
        raise InputError(
            f"from_torch: got groups {conv.groups} and dilation {tuple(conv.dilation)}, expected 1 of both"
        )
    for padding in ("valid", "zero", "circular"):
        yield PatchGeometry(shape, kernel, tuple(conv.stride), padding, bias)


def _run(module: Any, X: _Array, architecture: Architecture) -> _Array:
    """The module's outputs for inputs in the shape it takes: (n, C, ...), or flat."""
    import torch

    geometry = architecture.geometry
    axes = len(geometry.stride)
    images = X.reshape(len(X), *geometry.input_shape[:axes], -1)
    forms = [np.moveaxis(images, -1, 1), X]
    error: Exception | None = None
    for form in forms:
        try:
            with torch.no_grad():
                got = module(torch.from_numpy(np.ascontiguousarray(form)))
            return np.asarray(got.double().numpy()).reshape(len(X), -1).squeeze()
        except (RuntimeError, ValueError, IndexError, TypeError) as failed:
            error = error or failed
    raise InputError(
        f"from_torch: got a module that does not take inputs of shape {forms[0].shape} ({str(error).splitlines()[0]}), "
        "expected one that does"
    ) from error
