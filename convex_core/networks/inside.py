r"""Inside a trained network: what each filter makes of one input, patch by patch, and what is added up.

:mod:`convex_core.architectures.stages` has the formula; here are its numbers for one input of one network.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..architectures import has_stages, stages_of
from ..contracts.records import record
from ..contracts.validation import check_arguments, frozen, integer
from .network import Network

__all__ = ["InsideNetwork", "look_inside", "opens"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class InsideNetwork:
    """One input on its way through a network of m neurons, with K patches of h entries and q outputs.

    Attributes
    ----------
    network : Network
        The network.
    patches : (K, h) float64
        Patches of the input; with a bias their last entry is 1.
    sums : (m, K) float64
        Products of a filter and a patch, summed.
    active : (m, K) float64
        The same after the activation.
    counts : (m, K) float64
        What each is multiplied with when they are pooled.
    pooled : (m,) float64
        Sum of ``counts * active``.
    weights : (m, q) float64
        Output weights.
    shares : (m, q) float64
        ``pooled * weights``: what a neuron adds to each output.
    free : (q,) float64
        What costs nothing adds to each output: a free bias, a free skip connection; 0 where there is none.
    outputs : (q,) float64
        The sum of the shares and of `free`, the prediction.
    """

    network: Network
    patches: _Array
    sums: _Array
    active: _Array
    counts: _Array
    pooled: _Array
    weights: _Array
    shares: _Array
    free: _Array
    outputs: _Array

    def products(self, j: int) -> _Array:
        """Entries of every patch times those of filter `j`, (K, h); their rows add up to ``sums[j]``.

        Raises
        ------
        InputError
            If there is no such filter.
        """
        integer(j, "j", minimum=0, maximum=self.network.m - 1)
        return np.asarray(self.patches * self.network.filters[j])


def opens(network: Network) -> bool:
    """Whether :func:`look_inside` can take this network apart: those of two layers with at least one neuron."""
    return network.m > 0 and has_stages(network.architecture)


def look_inside(network: Network, x: ArrayLike) -> InsideNetwork:
    """Take one input through a network of two layers.

    Parameters
    ----------
    network : Network
        The network.
    x : (d,), (H, W) or (H, W, C)
        The input.

    Raises
    ------
    InputError
        If the input does not have the network's size, or the network has more layers.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> network = Network(TwoLayerCNN(patch_geometry((4,), 2)), [[-1.0, 1.0]], [2.0])
    >>> inside = look_inside(network, [0.0, 1.0, 0.0, 2.0])
    >>> inside.products(0).tolist(), inside.sums.tolist(), inside.active.tolist(), inside.pooled, inside.outputs
    ([[-0.0, 1.0], [-1.0, 0.0], [-0.0, 2.0]], [[1.0, -1.0, 2.0]], [[1.0, 0.0, 2.0]], array([3.]), array([6.]))
    """
    check_arguments("look_inside", network=(network, Network))
    geometry = network.architecture.geometry
    inputs = geometry.one_input(x)
    patches = geometry.extract(inputs)[:, 0]
    stages = stages_of(network.architecture, patches, network.parameters)
    pooled = (stages.counts * stages.active).sum(axis=1)
    shares = pooled[:, None] * stages.weights
    free = network.architecture.free_columns(patches[:, None]) @ network.free
    arrays = (
        patches, stages.sums, stages.active, stages.counts, pooled, stages.weights, shares, free,
        shares.sum(axis=0) + free,
    )  # fmt: skip
    return InsideNetwork(network, *map(frozen, arrays))
