"""A trained network: the parameters of the neurons of an architecture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..architectures import Architecture, Parameters, no_neurons
from ..contracts.records import record
from ..contracts.validation import check_arguments, finite_array, frozen
from ..errors import InputError
from ..presentation.exported import NetworkExports

__all__ = ["Network", "some_at_once", "take"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Network(NetworkExports):
    r"""Network :math:`f(X) = \sum_j \varphi_{\theta_j}(X) + E z` of m neurons.

    Attributes
    ----------
    architecture : Architecture
        Says which parameters a neuron has and what it computes.
    filters : (m, a) float64
        Filters :math:`u_j`, one row per neuron; m = 0 is the zero network.
    weights : (m,) or (m, q) float64
        Output weights :math:`w_j`.
    hidden : (m, r) float64 or None
        Weights of the layer between, in networks of three layers and more.
    free : (r,) float64
        Coefficients z of the part of the outputs that costs nothing: a free bias of each output, after those of a free
        skip connection. Most networks have none, r = 0.

    Raises
    ------
    InputError
        If the shapes do not fit, or an entry is not finite.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2))
    >>> Network(cnn, [[1.0, 0.0]], [2.0]).predict([[1.0, -2.0, 3.0]])
    array([2.])
    """

    architecture: Architecture
    filters: _Array
    weights: _Array
    hidden: _Array | None
    free: _Array

    def __init__(
        self,
        architecture: Architecture,
        filters: ArrayLike,
        weights: ArrayLike,
        hidden: ArrayLike | None = None,
        free: ArrayLike | None = None,
    ) -> None:
        check_arguments("Network", architecture=(architecture, Architecture))
        shapes = architecture.shapes
        given = {"filters": filters, "weights": weights} | ({} if hidden is None else {"hidden": hidden})
        if given.keys() != shapes.keys():
            raise InputError(
                f"network: got {', '.join(given)}, expected {', '.join(shapes)} for the architecture "
                f"{architecture.name!r}"
            )
        if all(np.size(value) == 0 for value in given.values()):
            arrays = {name: np.zeros((0, *shape)) for name, shape in shapes.items()}
        else:
            arrays = {name: finite_array(given[name], name, ndim=1 + len(shape)) for name, shape in shapes.items()}
        m = len(arrays["weights"])
        if any(arrays[name].shape != (m, *shape) for name, shape in shapes.items()):
            got = " and ".join(str(array.shape) for array in arrays.values())
            expected = " and ".join("(" + ", ".join(["m", *map(str, shape)]) + ")" for shape in shapes.values())
            expected = expected.replace("(m)", "(m,)")
            raise InputError(f"{', '.join(shapes)}: got shapes {got}, expected {expected} with the same m")
        object.__setattr__(self, "architecture", architecture)
        object.__setattr__(self, "hidden", None)
        object.__setattr__(self, "free", _free(architecture, free))
        for name, array in arrays.items():
            object.__setattr__(self, name, cast(_Array, frozen(array)))

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in self.parameters.items())
        return f"Network({self.architecture.name}, {shapes})"

    @classmethod
    def from_parameters(
        cls, architecture: Architecture, parameters: Parameters, free: ArrayLike | None = None
    ) -> Network:
        """The network of stacked neurons, as an architecture handles them."""
        return cls(architecture, **parameters, free=free)

    def with_free(self, free: ArrayLike) -> Network:
        """The same neurons with other coefficients of the part that costs nothing.

        Examples
        --------
        >>> from convex_core import TwoLayerCNN, patch_geometry
        >>> cnn = TwoLayerCNN(patch_geometry((3,), 2, bias="output"))
        >>> Network(cnn, [[1.0, 0.0]], [2.0]).with_free([0.5]).predict([[1.0, -2.0, 3.0]])
        array([2.5])
        """
        return Network.from_parameters(self.architecture, self.parameters, free)

    @classmethod
    def zero(cls, architecture: Architecture) -> Network:
        """The network without neurons."""
        return cls(architecture, **no_neurons(architecture))

    @property
    def parameters(self) -> Parameters:
        """The arrays by name, as an architecture handles them."""
        arrays = {"filters": self.filters, "weights": self.weights}
        return arrays if self.hidden is None else {**arrays, "hidden": self.hidden}

    @property
    def m(self) -> int:
        """Number of neurons."""
        return len(self.weights)

    @property
    def costs(self) -> _Array:
        """What beta multiplies in the training objective, per neuron (m,)."""
        return self.architecture.costs(self.parameters)

    @property
    def sizes(self) -> _Array:
        """Group norm of each neuron (m,): its cost once rescaled, for two layers ``||u_j|| |w_j|``."""
        return self.architecture.sizes(self.parameters)

    @property
    def drawn(self) -> _Array:
        """The filters (m, k h) as pictures show them: those of several sizes each with zeros up to the longest."""
        return self.architecture.padded(self.filters)

    @property
    def signs(self) -> _Array:
        """Sign of each neuron's output weight (m,); of the largest one, where there are several."""
        weights = self.weights.reshape(self.m, math.prod(self.weights.shape[1:]))
        return np.asarray(np.sign(weights[np.arange(self.m), np.argmax(np.abs(weights), axis=1)]))

    @property
    def regulariser(self) -> float:
        """Sum of :attr:`costs`, for two layers ``0.5 * sum_j (||u_j||^2 + w_j^2)``; the objective has beta times it."""
        return float(np.sum(self.costs))

    def predict(self, X: ArrayLike) -> _Array:
        """Outputs (n,), or (n, q) with q outputs, for inputs `X` (n, d), or images (n, H, W[, C])."""
        images = finite_array(X, "X", ndim=(2, 3, 4))
        inputs = images.reshape(len(images), -1)
        flat = self.predict_patches(self.architecture.geometry.extract(inputs))
        return flat if len(flat) == len(inputs) else flat.reshape(len(inputs), -1)

    def predict_patches(self, patches: _Array) -> _Array:
        """Outputs (n,), or (n * q,) with q outputs, for patches (K, n, h) that were extracted before."""
        total: _Array = self.architecture.outputs(patches, self.parameters).sum(axis=1)
        return total + self.architecture.free_columns(patches) @ self.free if len(self.free) else total


# multiplications of a forward pass of many samples that is done at once, a hundredth of a second
_AT_ONCE = 8_000_000


def some_at_once(patches: _Array, m: int) -> Iterator[slice]:
    """The m neurons in parts whose forward pass takes a moment each, most often one: between them one can stop.

    Examples
    --------
    >>> [part.stop for part in some_at_once(np.zeros((10, 1000, 200)), 10)]
    [4, 8, 10]
    """
    step = max(1, _AT_ONCE // max(1, patches.size))
    for first in range(0, m, step):
        yield slice(first, min(m, first + step))


def take(neurons: Parameters, index: NDArray[np.intp] | NDArray[np.bool_] | slice) -> dict[str, _Array]:
    """The neurons at `index`."""
    return {name: value[index] for name, value in neurons.items()}


def _free(architecture: Architecture, free: ArrayLike | None) -> _Array:
    """The coefficients of the free part, zero unless given."""
    geometry = architecture.geometry
    one = np.zeros((geometry.K, 1, geometry.h))
    r = architecture.free_columns(one).shape[1]
    values = np.zeros(r) if free is None else np.asarray(free, dtype=np.float64)
    if values.shape != (r,) or not np.isfinite(values).all():
        raise InputError(f"free: got {free!r}, expected {r} finite numbers for the architecture {architecture.name!r}")
    return cast(_Array, frozen(values))
