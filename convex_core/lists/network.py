r"""The networks that programs over lists train: filters, a pooling grid, a weight for each region and output.

.. math:: f_o(X) = b_o + \sum_j \sum_r \text{pool}_{k \in r}\, \sigma_j(x_k)\; w_{jro}

where :math:`\sigma_j(x) = (x^T u_j)_+` for a ReLU network and :math:`1[x^T g_j \ge 0]\, x^T u_j` for a gated one. The
objective adds :math:`\tfrac\beta2 \sum_j (\|u_j\|_2^2 + \|w_j\|^2)`, with the Frobenius or the :math:`\ell_1` norm of
:math:`w_j \in R^{R \times q}`; b is free. Patches are whitened and end in a one, as the geometry and the whitening say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..architectures.pooling_grid import PoolingGrid
from ..contracts.records import record
from ..contracts.validation import finite_array, frozen
from ..errors import InputError
from ..patches import PatchGeometry
from ..presentation.exported import NetworkExports
from .features import ListFeatures
from .norms import ListNorm
from .whitening import Whitening

__all__ = ["ListedNetwork", "network_of"]

_Array = NDArray[np.float64]
# numbers in the largest array of a forward pass
_CHUNK = 8_000_000
# a singular value below this share of the largest is rounding
_RANK = 1e-12


@record
@dataclass(frozen=True, slots=True)
class ListedNetwork(NetworkExports):
    """A two-layer CNN with a pooling grid.

    Attributes
    ----------
    geometry : PatchGeometry
        Patches.
    whitening : Whitening
        What is done to them first.
    grid : PoolingGrid
        Regions.
    filters : (m, h) float64
        Filters u of whitened patches, with their biases at the end where the geometry has them.
    weights : (m, R, q) float64
        Weights of each region and output.
    bias : (q,) float64
        Free output biases, zero where there are none.
    gates : (m, h) float64 or None
        Gates of a gated network.
    l1 : bool
        Whether the penalty has the l1 norm of the weights of a neuron.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> geometry = patch_geometry((4,), 2)
    >>> grid = PoolingGrid(geometry.grid, (1,), "sum")
    >>> net = ListedNetwork(geometry, Whitening.none(2), grid, [[-1.0, 1.0]], [[[2.0]]], [0.5])
    >>> net.predict([[0.0, 1.0, 0.0, 2.0]]), net.regulariser
    (array([6.5]), 3.0)
    """

    geometry: PatchGeometry
    whitening: Whitening
    grid: PoolingGrid
    filters: _Array
    weights: _Array
    bias: _Array
    gates: _Array | None = None
    l1: bool = False

    def __post_init__(self) -> None:
        bias = finite_array(self.bias, "bias", ndim=1)
        m, h, tail = len(np.asarray(self.filters)), self.geometry.h, (self.grid.R, len(bias))
        wanted = {"filters": (m, h), "weights": (m, *tail)} | ({} if self.gates is None else {"gates": (m, h)})
        for name, shape in wanted.items():
            array = np.asarray(getattr(self, name), dtype=np.float64).reshape(
                shape if m == 0 else np.shape(getattr(self, name))
            )
            if array.shape != shape:
                raise InputError(f"{name}: got shape {array.shape}, expected {shape}")
            if m:
                finite_array(array, name, ndim=len(shape))
            object.__setattr__(self, name, frozen(array))
        object.__setattr__(self, "bias", frozen(bias))

    @property
    def m(self) -> int:
        """Number of neurons."""
        return len(self.filters)

    @property
    def q(self) -> int:
        """Number of outputs."""
        return len(self.bias)

    @property
    def _flat(self) -> _Array:
        """Absolute weights of each neuron (m, R q), for no neurons too."""
        return np.abs(self.weights).reshape(self.m, self.grid.R * self.q)

    @property
    def sizes(self) -> _Array:
        """Norm of the filter times that of its weights (m,)."""
        flat = self._flat
        weights = flat.sum(axis=1) if self.l1 else np.linalg.norm(flat, axis=1)
        return np.asarray(np.linalg.norm(self.filters, axis=1) * weights)

    @property
    def regulariser(self) -> float:
        """What beta multiplies: half the squares of the norms of filters and weights."""
        flat = self._flat
        weights = flat.sum(axis=1) ** 2 if self.l1 else (flat**2).sum(axis=1)
        return 0.5 * float((self.filters**2).sum() + weights.sum())

    def patch_filters(self) -> tuple[_Array, _Array]:
        """The same filters for patches that are not whitened, (m, window), and their biases (m,)."""
        return self.whitening.filters(self.filters, biased=self.geometry.biased)

    def responses(self, rows: NDArray[np.floating]) -> tuple[_Array, _Array]:
        """What each neuron makes of patches `rows` (r, window): sums and, after the ReLU or the gate, values (r, m)."""
        linear, offsets = self.patch_filters()
        sums = rows @ linear.T + offsets
        if self.gates is None:
            return sums, np.maximum(sums, 0.0)
        gates, shifts = self.whitening.filters(self.gates, biased=self.geometry.biased)
        return sums, np.where(rows @ gates.T + shifts >= 0.0, sums, 0.0)

    def pooled(self, X: _Array) -> _Array:
        """What each neuron gives in each region, (n, m, R), for inputs `X` (n, d)."""
        patches = self.geometry.windows(X)
        n, K, window = patches.shape
        _, values = self.responses(patches.reshape(n * K, window))
        return np.asarray(self.grid.pool(values.reshape(n, K, self.m))).transpose(0, 2, 1)

    def outputs(self, X: ArrayLike) -> _Array:
        """Outputs (n, q) for inputs (n, d), or images (n, H, W[, C]).

        Raises
        ------
        InputError
            If the inputs do not have the network's size.
        """
        images = finite_array(X, "X", ndim=(2, 3, 4))
        inputs = images.reshape(len(images), -1)
        if inputs.shape[1] != self.geometry.d:
            raise InputError(f"X: got {inputs.shape[1]} entries each, expected {self.geometry.d}")
        total = np.empty((len(inputs), self.q))
        step = max(1, _CHUNK // (self.geometry.K * max(self.m, self.geometry.window)))
        flat = self.weights.reshape(-1, self.q)
        for s in range(0, len(inputs), step):
            part = inputs[s : s + step]
            total[s : s + step] = self.pooled(part).reshape(len(part), -1) @ flat + self.bias if self.m else self.bias
        return total

    def predict(self, X: ArrayLike) -> _Array:
        """Outputs (n,), or (n, q) with q outputs."""
        found = self.outputs(X)
        return found[:, 0] if self.q == 1 else found


def network_of(features: ListFeatures, norm: ListNorm, C: NDArray[np.floating], b: _Array) -> ListedNetwork:
    """The network of the weights C (P, h, R, q) of a program, with balanced norms: it costs what the program pays."""
    C = np.asarray(C, dtype=np.float64)
    P, h, R, q = C.shape
    l1 = norm.name == "l1"
    parts = (features.geometry, features.whitening, features.grid)
    if not features.gated:
        size = norm.each(C)
        used = size > 0.0
        root = np.sqrt(size[used])
        filters = features.directions[used] * root[:, None]
        return ListedNetwork(*parts, filters, C[used, 0] / root[:, None, None], b, None, l1)
    if l1:
        lengths = np.sqrt(np.einsum("phrq,phrq->prq", C, C))
        which, region, output = np.nonzero(lengths)
        root = np.sqrt(lengths[which, region, output])
        filters = C[which, :, region, output] / root[:, None]
        weights = np.zeros((len(which), R, q))
        weights[np.arange(len(which)), region, output] = root
        return ListedNetwork(*parts, filters, weights, b, features.directions[which], True)
    if norm.name == "group":
        raise InputError("norm: got group with given gates, expected nuclear or l1: a gate has many filters")
    U, s, Vt = np.linalg.svd(C.reshape(P, h, R * q), full_matrices=False)
    which, rank = np.nonzero(s > _RANK * s.max(initial=0.0))
    root = np.sqrt(s[which, rank])
    filters = U[which, :, rank] * root[:, None]
    weights = (Vt[which, rank] * root[:, None]).reshape(-1, R, q)
    return ListedNetwork(*parts, filters, weights, b, features.directions[which], False)
