r"""A network as layers that every program has: what ONNX and PyTorch are told.

A network is a sum of branches and a bias of each output. A branch has neurons j, patches :math:`x_k`, a function
:math:`\sigma`, and a word on how patches are put together:

.. math::
   f_o(x) = b_o + \sum_{\text{branches}} \sum_j \rho\Big(s \sum_k c_{jk}\, \sigma(x_k^T u_{jk})\Big)\, w_{jo}

where :math:`\rho` is the identity or a ReLU, :math:`c_{jk} = 1` unless a patch has a weight of its own, and with max
pooling the sum is over groups of the largest :math:`\sigma(x_k^T u_{jk})` in each. Circular networks filter the
responses again before :math:`\sigma`. An architecture that can say so has a member ``branches_of``; others are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..patches import PatchGeometry
from .activation import Activation
from .defaults import no_neurons
from .protocol import NeuronModel, Parameters

__all__ = ["IDENTITY", "Branch", "Layers", "branches_of", "layers_of"]

_Array = NDArray[np.float64]

#: No activation.
IDENTITY = Activation("identity", 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """One branch of the module's formula, with m neurons, K patches and q outputs.

    Attributes
    ----------
    geometry : PatchGeometry
        Its patches; with a bias each filter ends in one.
    filters : (m, h) or (m, K, h) float64
        u, one for all patches or one for each.
    weights : (m, q) float64
        w.
    activation : Activation or {"quadratic", "threshold"}
        The function, of two slopes or by name.
    scale : float
        s.
    counts : (m, K) float64 or None
        c, None for ones.
    pool_size : int or None
        Patches per axis that form a group of max pooling, 0 for all; None without max pooling.
    groups : tuple of int arrays
        The patches of each group.
    again : tuple of (m, h) float64
        Filters of further circular convolutions.
    rectified : bool
        Whether a ReLU comes behind the sum.
    """

    geometry: PatchGeometry
    filters: _Array
    weights: _Array
    activation: Activation | str
    scale: float = 1.0
    counts: _Array | None = None
    pool_size: int | None = None
    groups: tuple[NDArray[np.int64], ...] = ()
    again: tuple[_Array, ...] = ()
    rectified: bool = False

    def with_weights(self, weights: _Array) -> Branch:
        """The same neurons with other weights."""
        return replace(self, weights=weights)


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """Branches, and the bias (q,) of each output."""

    branches: tuple[Branch, ...]
    bias: _Array


class _Layered(Protocol):
    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]: ...


def branches_of(model: NeuronModel, parameters: Parameters) -> tuple[Branch, ...]:
    """The branches of the neurons of an architecture.

    Raises
    ------
    InputError
        If it does not say them.
    """
    if not hasattr(model, "branches_of"):
        raise InputError(
            f"architecture: got {model.name!r} of {type(model).__name__}, which does not say its layers "
            "(branches_of), expected one that does"
        )
    return cast(_Layered, model).branches_of(parameters)


def layers_of(model: NeuronModel, parameters: Parameters, free: _Array) -> Layers:
    """The layers of a network with the coefficients `free` of what costs nothing.

    A network without neurons has one of zeros: other programs want an array that is not empty.

    Raises
    ------
    InputError
        If the architecture does not say its layers.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((3,), 2), "mean")
    >>> layers = layers_of(cnn, {"filters": np.array([[1.0, 0.0]]), "weights": np.array([2.0])}, np.zeros(0))
    >>> layers.branches[0].scale, layers.branches[0].weights, layers.bias
    (0.5, array([[2.]]), array([0.]))
    """
    if not len(parameters["weights"]):
        parameters = {name: np.zeros((1, *array.shape[1:])) for name, array in no_neurons(model).items()}
    q = model.q
    skip, bias = (free[:-q], free[-q:]) if model.geometry.output_bias else (free, np.zeros(q))
    found = branches_of(model, parameters)
    if len(skip):  # a linear neuron whose filter is z, on patches without the one of a bias
        g = model.geometry
        plain = PatchGeometry(g.input_shape, g.filter_shape, g.stride, g.padding)
        linear = Branch(plain, skip[None, :], np.ones((1, 1)), IDENTITY, scale=found[0].scale)
        found = (*found, linear)
    return Layers(found, bias)
