r"""Several outputs with the Euclidean norm on the weights, exact for filters of up to four entries.

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \varphi_{u_j}(X) w_j^T,\; Y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_2^2), \qquad w_j \in R^q,\; Y \in R^{n \times q}

Convex program, with a block :math:`S_i` for each piece of a cell that has at most four facets :math:`F_i u \ge 0`, and
the matrices :math:`G_i` of the network with one output:

.. math::
   \min_S \; \ell\Big(\sum_i G_i Z_i^T,\; Y\Big) + \tfrac\beta2 \sum_i \operatorname{tr} S_i
   \quad \text{s.t. } S_i = \begin{bmatrix} W_i & Z_i \\ Z_i^T & U_i \end{bmatrix} \succeq 0, \; F_i U_i F_i^T \ge 0 .

:mod:`.lifted_cells` has the proof and the way back. The programs of :class:`VectorOutputsL2` are bounds below it.
Source: Sahiner, Ergen, Pauly and Pilanci, Vector-output ReLU Neural Network Problems are Copositive Programs, ICLR 2021
(arXiv 2012.13329).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..errors import InputError
from .formulas import NetworkFormulas
from .formulas.vector_outputs import vector_outputs_lifted_formulas
from .kinds import no_free_bias
from .lifted_cells import LiftedCells
from .protocol import Options
from .two_layer import TwoLayerCNN
from .vector_outputs import SeveralOutputs
from .vector_outputs_l2 import every_output

__all__ = ["LiftedVectorOutputs"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class LiftedVectorOutputs(LiftedCells, SeveralOutputs):
    """The network of the module's formula; its parameters are those of :class:`SeveralOutputs`.

    Raises
    ------
    InputError
        As in :class:`SeveralOutputs`, or for another pooling than sum and mean.

    Examples
    --------
    >>> from convex_core import Network, TwoLayerCNN, patch_geometry
    >>> cnn = LiftedVectorOutputs(TwoLayerCNN(patch_geometry((3,), 2)), 2)
    >>> cnn.exactness.value
    'exact'
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([[ 2., -1.]])
    """

    def __post_init__(self) -> None:
        SeveralOutputs.__post_init__(self)  # super() does not work in a dataclass with slots
        no_free_bias(self.geometry, "the l2 norm of several outputs")
        if not isinstance(self.single, TwoLayerCNN):
            raise InputError(
                f"relaxation: got the lifted program with the pooling {self.single.options.get('pooling')}, expected "
                "sum or mean pooling"
            )

    @property
    def options(self) -> Options:
        """Those of the network with one output, the number of outputs, the norm of their weights, the program."""
        return {**self.single.options, "outputs": self.q, "output_norm": "l2", "relaxation": "lifted"}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return vector_outputs_lifted_formulas(self)

    def matrices(self, patches: _Array) -> _Array:
        """The matrices of one output for each row of Z, (K', n * q, q * h), sample by sample."""
        return every_output(self.single.design(patches), self.q)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """Those of one output for every output, (m, K', n * q)."""
        K, n, _ = patches.shape
        return np.repeat(self.single.gates(codes[:, : K * n], patches), self.q, axis=2)
