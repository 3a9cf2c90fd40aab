r"""ReLU and a flatten layer, exact for filters of up to four entries: blocks are second moments of neurons.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j \in R^K`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_k (X_k u_j)_+ w_{jk},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_2^2)

Convex program, with a block :math:`S_i` for each piece of a cell that has at most four facets :math:`F_i u \ge 0`:

.. math::
   \min_S \; \ell\Big(\sum_i \sum_k D_{ik} X_k z_{ik},\; y\Big) + \tfrac\beta2 \sum_i \operatorname{tr} S_i
   \quad \text{s.t. } S_i = \begin{bmatrix} W_i & Z_i \\ Z_i^T & U_i \end{bmatrix} \succeq 0, \; F_i U_i F_i^T \ge 0 ,

:math:`z_{ik}` the rows of :math:`Z_i \in R^{K \times h}`. :mod:`.lifted_cells` has the proof and the way back. With one
patch it is :class:`TwoLayerCNN`; the programs of :class:`FlattenCNN` are bounds below it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..patches import PatchGeometry
from .defaults import side_by_side
from .flatten import FlattenedMatrices
from .formulas import NetworkFormulas
from .formulas.flatten import flatten_lifted_formulas
from .kinds import no_free_bias
from .lifted_cells import LiftedCells
from .protocol import Options

__all__ = ["LiftedFlattenCNN"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class LiftedFlattenCNN(LiftedCells, FlattenedMatrices):
    """The CNN with one ReLU and a flatten layer of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input, of up to four entries (or of rank up to 4, with the data).

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = LiftedFlattenCNN(patch_geometry((3,), 2))
    >>> cnn.exactness.value, cnn.options
    ('exact', {'relaxation': 'lifted'})
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([2.])
    """

    geometry: PatchGeometry

    def __post_init__(self) -> None:
        check_arguments("LiftedFlattenCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "a flatten layer")

    @property
    def options(self) -> Options:
        """The program."""
        return {"relaxation": "lifted"}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return flatten_lifted_formulas(self)

    def matrices(self, patches: _Array) -> _Array:
        """``A_k Z = X_k z_k`` for the flattened Z, (K, n, K * h)."""
        return side_by_side(patches)
