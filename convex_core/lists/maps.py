r"""Inside a network with a pooling grid: what each filter sees in one input, step by step up to the outputs.

.. math:: z_{jk} = x_k^T a_j + c_j, \quad r_{jk} = (z_{jk})_+, \quad p_{jr} = \underset{k \in r}{\text{pool}}\; r_{jk},
          \quad f_o = b_o + \sum_j \sum_r p_{jr}\, w_{jro}

with the filters :math:`a_j` and offsets :math:`c_j` of patches that are not whitened. A gated network has
:math:`1[x_k^T g_j \ge 0]\, z_{jk}` in place of the ReLU.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..contracts.validation import frozen, integer
from .network import ListedNetwork

__all__ = ["FeatureMaps", "feature_maps"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """One input on its way through a network of m filters, with K patches, R regions and q outputs.

    Attributes
    ----------
    network : ListedNetwork
        The network.
    patches : (K, window) float64
        Patches of the input, zero padding included.
    sums : (m, K) float64
        Products of a filter and a patch, summed, with the filter's offset.
    active : (m, K) float64
        The same after the ReLU, or behind the gate.
    pooled : (m, R) float64
        Pooled over the regions.
    shares : (m, R, q) float64
        Pooled values times their weights: what is added up to an output.
    outputs : (q,) float64
        Outputs, output biases included.
    """

    network: ListedNetwork
    patches: _Array
    sums: _Array
    active: _Array
    pooled: _Array
    shares: _Array
    outputs: _Array

    def products(self, j: int, k: int) -> _Array:
        """Entries of patch `k` times those of filter `j`, (window,); with the offset they add up to ``sums[j, k]``.

        Raises
        ------
        InputError
            If there is no such filter or patch.
        """
        integer(j, "j", minimum=0, maximum=len(self.sums) - 1)
        integer(k, "k", minimum=0, maximum=len(self.patches) - 1)
        return np.asarray(self.patches[k] * self.network.patch_filters()[0][j])

    def on_grid(self, values: _Array) -> _Array:
        """Values (..., K) of the patches as maps (..., *windows)."""
        return values.reshape(*values.shape[:-1], *self.network.grid.windows)

    def on_regions(self, values: _Array) -> _Array:
        """Values (..., R) of the regions on the pooling grid (..., *cuts)."""
        return values.reshape(*values.shape[:-1], *self.network.grid.cuts)

    def filters_for(self, output: int, most: int) -> NDArray[np.int64]:
        """The filters that give most to an output, for or against it; the largest first.

        Raises
        ------
        InputError
            If there is no such output.
        """
        integer(output, "output", minimum=0, maximum=len(self.outputs) - 1)
        size = np.abs(self.shares[:, :, output].sum(axis=1))
        return np.argsort(-size, kind="stable")[:most].astype(np.int64)


def feature_maps(network: ListedNetwork, x: ArrayLike) -> FeatureMaps:
    """Take one input through a network.

    Parameters
    ----------
    network : ListedNetwork
        The network.
    x : (d,), (H, W) or (H, W, C)
        The input.

    Raises
    ------
    InputError
        If it does not have the network's size.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> from convex_core.lists import PoolingGrid, Whitening
    >>> geometry = patch_geometry((4,), 2)
    >>> grid = PoolingGrid(geometry.grid, (1,), "sum")
    >>> net = ListedNetwork(geometry, Whitening.none(2), grid, [[-1.0, 1.0]], [[[2.0]]], [0.5])
    >>> maps = feature_maps(net, [0.0, 1.0, 0.0, 2.0])
    >>> maps.sums.tolist(), maps.active.tolist(), maps.pooled.tolist(), maps.shares.ravel().tolist(), maps.outputs
    ([[1.0, -1.0, 2.0]], [[1.0, 0.0, 2.0]], [[3.0]], [6.0], array([6.5]))
    """
    geometry = network.geometry
    inputs = geometry.one_input(x)
    patches = np.asarray(geometry.windows(inputs)[0], dtype=np.float64)
    sums, active = (values.T for values in network.responses(patches))
    pooled = network.grid.pool(active.T[None])[0].T
    shares = pooled[:, :, None] * network.weights
    outputs = shares.sum(axis=(0, 1)) + network.bias
    return FeatureMaps(
        network,
        *(frozen(np.ascontiguousarray(a, dtype=np.float64)) for a in (patches, sums, active, pooled, shares, outputs)),
    )
