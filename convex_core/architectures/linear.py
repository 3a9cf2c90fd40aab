r"""Linear CNN: a convolution without activation and a weight for each patch; the convex program is exact.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j \in R^K`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_k X_k u_j w_{jk},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_2^2)

There is a single cell without cone constraints, and the convex program is regularised by the nuclear norm of
:math:`Z = [z_1, \dots, z_K] \in R^{h \times K}`:

.. math:: \min_Z \; \ell\Big(\sum_k X_k z_k,\; y\Big) + \beta \|Z\|_* .

With q outputs a neuron has a weight for each patch and output, and Z a column for each: :math:`Z \in R^{h \times K q}`.
With one patch and the inputs as targets that is the linear autoencoder :math:`\tfrac12 \|X U W - X\|_F^2`.

A singular value :math:`\sigma a b^T` of Z becomes the neuron :math:`u = \sqrt\sigma a`, :math:`w = \sqrt\sigma b`: at
most min(h, K q) neurons. Source: Ergen and Pilanci, Implicit Convex Regularizers of CNN Architectures, ICLR 2021
(arXiv 2006.14798).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import check_arguments, integer
from ..patches import PatchGeometry
from ..penalties import NuclearPenalty
from ..progress import Budget
from ..status import Exactness
from .defaults import ArrangementCells, CodeList, FiltersAndWeights, output_biases
from .formulas import NetworkFormulas
from .formulas.linear import linear_formulas
from .kinds import no_free_bias
from .layers import IDENTITY, Branch
from .protocol import Architecture, Options, Parameters
from .stages import Stages
from .vector_outputs import MAX_OUTPUTS

__all__ = ["LinearCNN", "rank_one_neurons"]

_Array = NDArray[np.float64]

# singular values below this share of the largest are negligible: an interior-point method leaves them
_DUST = 1e-8


@record
@dataclass(frozen=True, slots=True)
class LinearCNN(ArrangementCells, FiltersAndWeights):
    """The linear CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    q : int
        Number of outputs.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import Network, patch_geometry
    >>> cnn = LinearCNN(patch_geometry((3,), 2))
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([4.])
    """

    geometry: PatchGeometry
    q: int = 1

    def __post_init__(self) -> None:
        check_arguments("LinearCNN", geometry=(self.geometry, PatchGeometry))
        integer(self.q, "outputs", maximum=MAX_OUTPUTS)
        no_free_bias(self.geometry, "a linear CNN")

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "linear"

    @property
    def options(self) -> Options:
        """The number of outputs, if they are several."""
        return {} if self.q == 1 else {"outputs": self.q}

    @property
    def single(self) -> Architecture:
        """The network with one output."""
        return self if self.q == 1 else LinearCNN(self.geometry)

    def free_columns(self, patches: _Array) -> _Array:
        """Those of free output biases, if there are any."""
        return output_biases(self.geometry, patches.shape[1], self.q)

    #: Exact.
    exactness = Exactness.EXACT

    @property
    def penalty(self) -> NuclearPenalty:
        """Nuclear norm of Z (h, K * q)."""
        return NuclearPenalty((self.geometry.h, self.geometry.K * self.q))

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return linear_formulas(self)

    def design(self, patches: _Array) -> _Array:
        """One matrix: row (i, o) is the matrix with columns ``x_ik`` for output o, flattened, (1, n * q, h * K * q)."""
        K, n, h = patches.shape
        q = self.q
        if q == 1:
            return np.ascontiguousarray(patches.transpose(1, 2, 0)).reshape(1, n, h * K)
        matrix = np.zeros((n, q, h, K, q))
        matrix[:, np.arange(q), :, :, np.arange(q)] = patches.transpose(1, 2, 0)
        return matrix.reshape(1, n * q, h * K * q)

    def hyperplanes(self, patches: _Array) -> _Array:
        """None, (0, h * K * q)."""
        return np.zeros((0, patches.shape[0] * patches.shape[2] * self.q))

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8]:
        """No hyperplane has a side, (m, 0)."""
        return np.zeros((len(codes), 0), dtype=np.int8)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """Everything passes."""
        return np.ones((len(codes), 1, patches.shape[1] * self.q), dtype=bool)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """The only cell, whose code has no bits."""
        return CodeList(np.zeros((1, 0), dtype=bool), certified=True)

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``sum_k X_k z_k`` for each row Z of `C` (m, h * K * q), shape (n * q, m)."""
        outputs: _Array = self.design(patches)[0] @ C.T
        return outputs

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        """Singular values and vectors of the signed sum of the blocks: there is one cell, so that they are one block.

        The nuclear norm of the sum is at most the sum of the nuclear norms.
        """
        total = sign.astype(np.float64) @ C
        u, w, _ = rank_one_neurons(total.reshape(1, self.geometry.h, self.geometry.K * self.q))
        return {"filters": u, "weights": w.reshape(len(w), *self.shapes["weights"])}

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, and a weight for each patch, and for each output if they are several."""
        K = self.geometry.K
        return {"filters": (self.geometry.h,), "weights": (K,) if self.q == 1 else (K, self.q)}

    def _weights(self, parameters: Parameters) -> _Array:
        """Weights (m, K, q)."""
        w = parameters["weights"]
        return w.reshape(len(w), self.geometry.K, self.q)

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``sum_k X_k u_j w_jk`` of each output, (n * q, m)."""
        total: _Array = np.einsum("knm,mkq->nqm", patches @ parameters["filters"].T, self._weights(parameters))
        return total.reshape(total.shape[0] * self.q, total.shape[2])

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """There is no activation; patch k counts with its weight."""
        sums = parameters["filters"] @ patches.T
        return Stages(sums, sums, parameters["weights"], np.ones((len(sums), 1)))

    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """No bits, (m, 0)."""
        return np.zeros((len(parameters["weights"]), 0), dtype=bool)

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        u, w = parameters["filters"], self._weights(parameters)
        m, K, q = w.shape
        if q == 1:
            return (Branch(self.geometry, u, np.ones((m, 1)), IDENTITY, counts=w[:, :, 0]),)
        counts = np.tile(np.eye(K), (m, 1))  # a neuron for each patch that it looks at
        return (Branch(self.geometry, np.repeat(u, K, axis=0), w.reshape(m * K, q), IDENTITY, counts=counts),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """``sum_k w_k X_k^T v`` and ``v . X_k u``."""
        back = np.einsum("mnq,knh->mkqh", V.reshape(len(V), patches.shape[1], self.q), patches)
        weights = np.einsum("mh,mkqh->mkq", parameters["filters"], back)
        return {
            "filters": np.einsum("mkq,mkqh->mh", self._weights(parameters), back),
            "weights": weights.reshape(parameters["weights"].shape),
        }


def rank_one_neurons(Z: _Array) -> tuple[_Array, _Array, NDArray[np.intp]]:
    r"""Neurons :math:`u = \sqrt\sigma a`, :math:`w = \sqrt\sigma b` of the singular values of matrices (B, h, K).

    Returns
    -------
    filters : (m, h) float64
    weights : (m, K) float64
        The sum of their outer products over one matrix is that matrix, the sum of their costs its nuclear norm.
    block : (m,) int
        The matrix that each neuron is of.
    """
    a, sigma, bt = np.linalg.svd(Z, full_matrices=False)
    block, part = np.nonzero(sigma > _DUST * sigma.max(axis=1, initial=0.0, keepdims=True))
    root = np.sqrt(sigma[block, part])[:, None]
    return root * a[block, :, part], root * bt[block, part], block
