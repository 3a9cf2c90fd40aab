r"""ReLU and a flatten layer with the :math:`\ell_1` norm on a neuron's weights; the convex program is exact.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j \in R^K`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_k (X_k u_j)_+ w_{jk},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_1^2)

The regulariser is the gauge of the convex hull of :math:`\pm (X_k u)_+`, so that an extreme neuron looks at one patch
place k only. The program has a block for each cell of the rows of *one* patch matrix, with n hyperplanes in place of
K n:

.. math::
   \min_{c, c'} \; \ell\Big(\sum_k \sum_i D_{ik} X_k (c'_{ik} - c_{ik}),\; y\Big)
      + \beta \sum_k \sum_i (\|c_{ik}\|_2 + \|c'_{ik}\|_2)
   \quad\text{s.t. } (2 D_{ik} - I) X_k c \ge 0 .

Since :math:`\|w\|_2 \le \|w\|_1` its optimum is never below that of :class:`FlattenCNN`. Source: the argument of Ergen
and Pilanci (arXiv 2006.14798) for each patch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..patches import PatchGeometry
from .formulas import NetworkFormulas
from .formulas.flatten import flatten_l1_formulas
from .kinds import no_free_bias
from .protocol import Options
from .regions import RegionalCells

__all__ = ["FlattenL1CNN"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class FlattenL1CNN(RegionalCells):
    """The CNN with one ReLU and a flatten layer of the module's formula: every place is a region.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = FlattenL1CNN(patch_geometry((3,), 2))
    >>> network = Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]])
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([2.]), 5.0)
    """

    geometry: PatchGeometry

    def __post_init__(self) -> None:
        check_arguments("FlattenL1CNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "a flatten layer")

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "flatten"

    @property
    def options(self) -> Options:
        """The norm of the weights."""
        return {"output_norm": "l1"}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return flatten_l1_formulas(self)

    @property
    def regions(self) -> NDArray[np.int64]:
        """Every place is one."""
        return np.arange(self.geometry.K)

    @property
    def scales(self) -> _Array:
        """Ones."""
        return np.ones(self.geometry.K)
