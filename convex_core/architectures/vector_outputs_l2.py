r"""Several outputs with the Euclidean norm on the weights of a neuron; exact if blocks have rank one.

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \varphi_{u_j}(X) w_j^T,\; Y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_2^2), \qquad w_j \in R^q,\; Y \in R^{n \times q}

On the cell of a sign pattern D and signs s of the weights a neuron is linear in
:math:`Z = w u^T \in R^{q \times h}`, a matrix of rank one whose rows are in the cone of D up to their signs. The
convex program has a block for each cell and each choice of signs; with :math:`\varphi_u(X) = \sum_k (X_k u)_+`:

.. math::
   \min_{Z_i} \; \ell\Big(\sum_i \sum_k D_{ik} X_k Z_i^T,\; Y\Big) + \beta \sum_i \|Z_i\|_*
   \quad \text{s.t. } s_{io} (2 D_{ik} - I) X_k z_{io} \ge 0 \text{ for all } k \text{ and outputs } o .

Without the rank this is a lower bound, and exact if an optimum has blocks of rank one. The relaxation ``plain`` leaves
out the cone constraints, and with them the signs: a weaker bound. Since :math:`\|w\|_2 \le \|w\|_1` the optimum is
never above that of :class:`VectorOutputs`. An exact program is copositive: Sahiner, Ergen, Pauly and Pilanci,
Vector-output ReLU Neural Network Problems are Copositive Programs, ICLR 2021 (arXiv 2012.13329).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from .formulas import NetworkFormulas
from .formulas.vector_outputs import vector_outputs_l2_formulas
from .kinds import no_free_bias
from .protocol import Options
from .signed_cells import SignedCells
from .vector_outputs import SeveralOutputs

__all__ = ["VectorOutputsL2", "every_output"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class VectorOutputsL2(SignedCells, SeveralOutputs):
    """The network of the module's formula.

    Parameters
    ----------
    single, q
        As in :class:`SeveralOutputs`.
    relaxation : {"cone", "plain"}
        Nuclear norm with the cone constraints of both the pattern and the signs, or alone.

    Raises
    ------
    InputError
        As in :class:`SeveralOutputs`, or for an unknown relaxation.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> cnn = VectorOutputsL2(TwoLayerCNN(patch_geometry((3,), 2)), 2)
    >>> network = Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]])
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([[ 2., -1.]]), 3.0)
    """

    relaxation: str = "cone"

    def __post_init__(self) -> None:
        SeveralOutputs.__post_init__(self)  # super() does not work in a dataclass with slots
        no_free_bias(self.geometry, "the l2 norm of several outputs")
        self.check_relaxation()

    @property
    def options(self) -> Options:
        """Those of the network with one output, the number of outputs, the norm of their weights, the relaxation."""
        return {**self.single.options, "outputs": self.q, "output_norm": "l2", "relaxation": self.relaxation}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return vector_outputs_l2_formulas(self)

    def design(self, patches: _Array) -> _Array:
        """The matrices of one output for each row of Z, (K', n * q, q * h), sample by sample."""
        return every_output(self.single.design(patches), self.q)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """Those of one output for every output, (m, K', n * q)."""
        return np.repeat(self.single.gates(self.split(codes)[0], patches), self.q, axis=2)


def every_output(one: _Array, q: int) -> _Array:
    """Matrices (K, n * q, q * h), sample by sample, that take a row of Z for each of q outputs, from those of one."""
    K, n, h = one.shape
    matrices = np.zeros((K, n, q, q, h))
    matrices[:, :, np.arange(q), np.arange(q)] = one[:, :, None, :]
    return matrices.reshape(K, n * q, q * h)
