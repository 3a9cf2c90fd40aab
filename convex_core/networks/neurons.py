r"""Neurons as atoms: of cost 1, and ascending on the correlation with a dual vector, for any architecture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..architectures import NeuronModel, Parameters
from .network import Network, take

__all__ = ["ascend", "directions_of", "random_neurons", "unit_neurons"]

_Array = NDArray[np.float64]

_STEPS = 60


def unit_neurons(architecture: NeuronModel, patches: _Array, neurons: Parameters) -> tuple[Parameters, _Array]:
    """Those of the neurons (m) that have any output, balanced and scaled to cost 1, and their outputs (n, m')."""
    neurons = architecture.balanced(neurons)
    neurons = architecture.scaled(neurons, 1.0 / architecture.costs(neurons))
    outputs = architecture.outputs(patches, neurons)
    active = np.abs(outputs).max(axis=0, initial=0.0) > 0.0
    return take(neurons, active), outputs[:, active]


def directions_of(network: Network) -> _Array:
    """Vectors (m, h) whose products with a patch decide what a neuron does there: filters, or their differences.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> from convex_core.architectures import MaxoutCNN
    >>> directions_of(Network(MaxoutCNN(patch_geometry((2,), 2)), [[3.0, 0.0, 1.0, 1.0]], [2.0]))
    array([[ 2., -1.]])
    """
    said = getattr(network.architecture, "directions", None)
    found: _Array = network.filters if said is None else said(network.filters)
    return found


def random_neurons(architecture: NeuronModel, m: int, rng: np.random.Generator) -> dict[str, _Array]:
    """Gaussian parameters of m neurons."""
    return {name: rng.standard_normal((m, *shape)) for name, shape in architecture.shapes.items()}


def ascend(
    architecture: NeuronModel, patches: _Array, v: _Array, start: Parameters, *, steps: int = _STEPS
) -> tuple[Parameters, _Array]:
    r"""Ascend :math:`v^T \varphi(\theta)` over neurons of cost 1 from every neuron of `start`.

    A step replaces one parameter after another by its gradient, scaled to cost 1 (a power step). Neurons that die are
    dropped.

    Returns
    -------
    neurons : Parameters
        Where they arrived, largest correlation first.
    value : (m,) float64
        Their correlations ``v . output``: lower bounds on tau.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((2,), 2))
    >>> patches = cnn.geometry.extract([[3.0, 4.0]])
    >>> start = random_neurons(cnn, 20, np.random.default_rng(0))
    >>> float(ascend(cnn, patches, np.array([1.0]), start)[1].max().round(9))
    5.0
    """
    neurons, outputs = unit_neurons(architecture, patches, start)
    for _ in range(steps):
        for name in architecture.shapes:
            m = outputs.shape[1]
            if m == 0:
                break
            gradient = architecture.gradient(patches, neurons, np.broadcast_to(v, (m, len(v))))
            neurons, outputs = unit_neurons(architecture, patches, {**neurons, name: gradient[name]})
    value = v @ outputs
    order = np.argsort(-value, kind="stable")
    return take(neurons, order), value[order]
