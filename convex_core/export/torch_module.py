"""Networks as modules of PyTorch, which is loaded only when one is asked for.

Everything that has a layer there is one, with the usual names: ``conv``, ``activation``, ``pool`` and ``head``. What
has none (a sum over patches, an absolute value, padding on one side) is an operation without parameters in between.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import Activation, Branch, layers_of
from ..contracts.validation import check_arguments
from ..errors import BackendError, InputError
from ..lists import ListedNetwork
from ..networks.network import Network
from ..patches import PatchGeometry

try:
    import torch
    from torch import nn
except ImportError:  # an option, never needed
    torch = nn = None

__all__ = ["ConvexCNN", "needs_torch", "torch_filters", "torch_module"]

_Array = NDArray[np.float64]
_Base: Any = object if nn is None else nn.Module


def needs_torch() -> None:
    """Raise :class:`BackendError` if PyTorch is missing."""
    if torch is None:
        raise BackendError("torch: got no torch in this environment, expected PyTorch: pip install torch")


def torch_module(network: Network | ListedNetwork) -> Any:
    """The module of `network`: :meth:`Network.to_torch`."""
    needs_torch()
    check_arguments("torch_module", network=(network, ListedNetwork if isinstance(network, ListedNetwork) else Network))
    if isinstance(network, ListedNetwork):
        return ListedCNN(network)
    layers = layers_of(network.architecture, network.parameters, network.free)
    if any(branch.filters.ndim == 3 for branch in layers.branches):
        raise InputError(
            f"architecture: got {network.architecture.name!r} with a filter for each patch, which is no convolution, "
            "expected one filter for all patches"
        )
    return ConvexCNN(layers.branches, layers.bias, network.architecture.q)


def torch_filters(geometry: PatchGeometry, filters: _Array) -> _Array:
    """Filters (m, h) in the order of PyTorch, (m, C, f) or (m, C, fh, fw), without their biases."""
    axes = len(geometry.stride)
    channels = (geometry.filter_shape[axes:] or (1,))[0]
    windows = filters[:, : geometry.window].reshape(len(filters), *geometry.filter_shape[:axes], channels)
    return np.ascontiguousarray(np.moveaxis(windows, -1, 1))


class ConvexCNN(_Base):  # type: ignore[misc]
    """A sum of branches: padding, ``conv``, activation, pooling, ``head``; a further one has ``conv1``, ``head1``."""

    def __init__(self, branches: tuple[Branch, ...], bias: _Array, q: int) -> None:
        super().__init__()
        self.q = q
        self.parts = [_Part(branch, "" if b == 0 else str(b)) for b, branch in enumerate(branches)]
        for part, branch in zip(self.parts, branches, strict=True):
            for name, layer in part.layers(branch, bias if branch is branches[0] and bias.any() else None):
                self.add_module(name, layer)

    def forward(self, X: Any) -> Any:
        """Outputs (n,) or (n, q) for inputs (n, C, L) or (n, C, H, W)."""
        total = sum(part.forward(self, X) for part in self.parts)
        return total[:, 0] if self.q == 1 else total


class ListedCNN(_Base):  # type: ignore[misc]
    """``conv``, ReLU or what ``gate`` lets through, pooling over regions, ``head``; the whitening is in the filters."""

    def __init__(self, network: ListedNetwork) -> None:
        super().__init__()
        geometry, grid, m = network.geometry, network.grid, network.m
        self.q, self.pooling = network.q, grid.pooling
        self.padding, self.mode = _padding(geometry)
        self.conv = _conv(
            torch_filters(geometry, network.patch_filters()[0]), network.patch_filters()[1], geometry.stride
        )
        self.gate = None
        if network.gates is not None:
            gates, shifts = network.whitening.filters(network.gates, biased=geometry.biased)
            self.gate = _conv(torch_filters(geometry, gates), shifts, geometry.stride)
        self.groups = [np.flatnonzero(grid.regions == r).tolist() for r in range(grid.R)]
        self.register_buffer("regions", torch.from_numpy(np.array(grid.matrix.T)))
        self.head = nn.Linear(m * grid.R, network.q, dtype=torch.float64)
        _set(self.head, network.weights.reshape(m * grid.R, network.q).T, network.bias)

    def forward(self, X: Any) -> Any:
        """Outputs (n,) or (n, q) for inputs (n, C, L) or (n, C, H, W)."""
        if any(self.padding):
            X = nn.functional.pad(X, self.padding, mode=self.mode)
        values = self.conv(X).flatten(2)
        values = values.relu() if self.gate is None else values * (self.gate(X).flatten(2) >= 0.0)
        if self.pooling == "max":
            pooled = torch.stack([values[:, :, group].amax(dim=2) for group in self.groups], dim=2)
        else:
            pooled = values @ self.regions
        total = self.head(pooled.flatten(1))
        return total[:, 0] if self.q == 1 else total


class _Part:
    """How one branch is computed from its layers, which the module owns."""

    def __init__(self, branch: Branch, mark: str) -> None:
        geometry = branch.geometry
        self.mark = mark
        self.activation = branch.activation
        self.scale = branch.scale
        self.pool_size = branch.pool_size
        self.grid = geometry.grid
        self.flat = branch.counts is not None and not branch.rectified
        self.again = len(branch.again)
        self.rectified = branch.rectified
        self.padding, self.mode = _padding(geometry)

    def layers(self, branch: Branch, bias: _Array | None) -> list[tuple[str, Any]]:
        """The layers by name."""
        geometry, m = branch.geometry, len(branch.filters)
        weight = torch_filters(geometry, branch.filters)
        biases = branch.filters[:, -1] if geometry.biased else None
        found = [(f"conv{self.mark}", _conv(weight, biases, geometry.stride))]
        found += [
            (f"again{number}{self.mark}", _conv(filters[:, None, :], None, geometry.stride, groups=m))
            for number, filters in enumerate(branch.again)
        ]
        if branch.counts is not None and not self.flat:
            # a weight for each neuron and patch: a convolution of each neuron's responses over all positions
            kernel = branch.counts.reshape(m, 1, *geometry.grid)
            found.append((f"hidden{self.mark}", _conv(kernel, None, (1,) * len(geometry.grid), groups=m)))
        sigma = branch.activation
        if isinstance(sigma, Activation) and sigma.name in ("relu", "leaky"):
            found.append((f"activation{self.mark}", nn.ReLU() if sigma.plain else nn.LeakyReLU(sigma.below)))
        if self.pool_size:
            pool = nn.MaxPool1d if len(geometry.grid) == 1 else nn.MaxPool2d
            found.append((f"pool{self.mark}", pool(self.pool_size, ceil_mode=True)))
        weights = branch.weights.T
        if self.flat and branch.counts is not None:
            weights = np.einsum("jo,jk->ojk", branch.weights, branch.counts).reshape(weights.shape[0], -1)
        head = nn.Linear(weights.shape[1], weights.shape[0], bias=bias is not None, dtype=torch.float64)
        _set(head, weights, bias)
        return [*found, (f"head{self.mark}", head)]

    def forward(self, module: Any, X: Any) -> Any:
        """What the branch adds, (n, q)."""
        values = getattr(module, f"conv{self.mark}")(self._padded(X))
        for number in range(self.again):
            values = getattr(module, f"again{number}{self.mark}")(self._padded(values))
        layer = getattr(module, f"activation{self.mark}", self._activated)
        values = layer(values)
        axes = tuple(range(2, 2 + len(self.grid)))
        if self.pool_size == 0:
            pooled = values.amax(dim=axes)
        elif self.pool_size is not None:
            pooled = getattr(module, f"pool{self.mark}")(values).sum(dim=axes)
        elif self.flat:
            pooled = values.flatten(1)
        elif self.rectified:
            pooled = getattr(module, f"hidden{self.mark}")(values).flatten(1)
        else:
            pooled = self.scale * values.sum(dim=axes)
        return getattr(module, f"head{self.mark}")(pooled.relu() if self.rectified else pooled)

    def _padded(self, X: Any) -> Any:
        if not any(self.padding):
            return X
        return nn.functional.pad(X, self.padding, mode=self.mode)

    def _activated(self, t: Any) -> Any:
        sigma = self.activation
        if not isinstance(sigma, Activation):
            return t * t if sigma == "quadratic" else (t >= 0.0).to(t.dtype)
        return torch.where(t >= 0.0, sigma.above * t, sigma.below * t)


def _padding(geometry: PatchGeometry) -> tuple[list[int], str]:
    """What to add before and after each axis, the last axis first, and how."""
    sides = []
    for length, size, stride, windows, corner in zip(
        geometry.input_shape, geometry.filter_shape, geometry.stride, geometry.grid, geometry.corners[0], strict=False
    ):
        before = -int(corner)
        after = (windows - 1) * stride + size - length - before
        sides.append((before, max(after, 0)))
    mode = "circular" if geometry.padding == "circular" else "constant"
    return [side for pair in reversed(sides) for side in pair], mode


def _conv(weight: _Array, bias: _Array | None, stride: tuple[int, ...], groups: int = 1) -> Any:
    kind = nn.Conv1d if weight.ndim == 3 else nn.Conv2d
    layer = kind(
        weight.shape[1] * groups,
        weight.shape[0],
        weight.shape[2:],
        stride=stride,
        groups=groups,
        bias=bias is not None,
        dtype=torch.float64,
    )
    _set(layer, weight, bias)
    return layer


def _set(layer: Any, weight: _Array, bias: _Array | None) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.array(weight)))
        if bias is not None:
            layer.bias.copy_(torch.from_numpy(np.array(bias)))
