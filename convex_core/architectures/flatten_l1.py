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

from ..arrangement import pattern_bound
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..patches import PatchGeometry, patch_geometry
from .anchored_cells import AnchoredCells
from .defaults import L1Weights
from .flatten import FlattenedNeurons
from .formulas import NetworkFormulas
from .formulas.flatten import flatten_l1_formulas
from .kinds import no_free_bias
from .protocol import Options, Parameters
from .two_layer import TwoLayerCNN

__all__ = ["FlattenL1CNN"]

_Array = NDArray[np.float64]
_Codes = NDArray[np.bool_]


@record
@dataclass(frozen=True, slots=True)
class FlattenL1CNN(AnchoredCells, L1Weights, FlattenedNeurons):
    """The CNN with one ReLU and a flatten layer of the module's formula.

    A code says on which side of the n rows of one patch matrix a cell is, and which patch that is, (n + K,).

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
    def options(self) -> Options:
        """The norm of the weights."""
        return {"output_norm": "l1"}

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return flatten_l1_formulas(self)

    # -- cells
    def design(self, patches: _Array) -> _Array:
        """The patch matrices themselves."""
        return patches

    def hyperplanes(self, patches: _Array) -> _Array:
        """The rows of all of them, (K * n, h)."""
        return patches.reshape(-1, patches.shape[2])

    def _split(self, codes: _Codes) -> tuple[_Codes, NDArray[np.intp]]:
        """Sides of the rows of the patch (m, n), and its number (m,)."""
        return codes[:, : -self.geometry.K], codes[:, -self.geometry.K :].argmax(axis=1)

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8]:
        """Those of the rows of the block's own patch; the others bound nothing."""
        active, number = self._split(codes)
        K, n, _ = patches.shape
        sides = np.zeros((len(codes), K, n), dtype=np.int8)
        sides[np.arange(len(codes)), number] = 2 * active.view(np.int8) - np.int8(1)
        return sides.reshape(len(codes), K * n)

    def gates(self, codes: _Codes, patches: _Array) -> NDArray[np.bool_]:
        """The block's own patch passes where its row is active: (m, K, n)."""
        active, number = self._split(codes)
        gates = np.zeros((len(codes), *patches.shape[:2]), dtype=bool)
        gates[np.arange(len(codes)), number] = active
        return gates

    def predicted(self, patches: _Array) -> int:
        """The cells of each patch matrix, in general position."""
        return sum(pattern_bound(rows) for rows in patches)

    # -- each patch alone
    def anchor_rows(self, patches: _Array) -> NDArray[np.intp]:
        """Every patch."""
        return np.arange(len(patches))

    def seen_from(self, anchor: int, patches: _Array) -> tuple[TwoLayerCNN, _Array]:
        """The fully connected network on one patch."""
        h = patches.shape[2]
        return TwoLayerCNN(patch_geometry((h,), h)), patches[anchor : anchor + 1]

    def anchored(self, codes: _Codes, anchor: int) -> _Codes:
        """Codes (m, n) of the sides of the rows, and the mark of the patch."""
        mark = np.zeros((len(codes), self.geometry.K), dtype=bool)
        mark[:, anchor] = True
        return np.concatenate([codes, mark], axis=1)

    # -- bridges
    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of the filter among the rows of the patch with the largest weight."""
        u, w = parameters["filters"], parameters["weights"]
        number = np.abs(w).argmax(axis=1)
        responses = np.einsum("mnh,mh->mn", patches[number], u)
        return np.concatenate([responses >= 0.0, np.eye(self.geometry.K, dtype=bool)[number]], axis=1)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        r""":math:`u = c / \sqrt{\|c\|}`, with the weight :math:`\pm \sqrt{\|c\|}` at the block's own patch."""
        root = np.sqrt(self.penalty.norm(C))
        mark = codes[:, codes.shape[1] - self.geometry.K :]
        return {"filters": C / root[:, None], "weights": (sign.astype(np.float64) * root)[:, None] * mark}

    # -- its networks
    def balanced(self, parameters: Parameters) -> Parameters:
        """A neuron of one patch for each weight, with ``||u||_2 = |w|``: together they cost ``||u||_2 ||w||_1``."""
        u, w = parameters["filters"], parameters["weights"]
        length = np.linalg.norm(u, axis=1)
        neuron, patch = np.nonzero(w * length[:, None])
        weight = w[neuron, patch]
        root = np.sqrt(length[neuron] * np.abs(weight))
        filters = u[neuron] * (root / length[neuron])[:, None]
        return {"filters": filters, "weights": (np.sign(weight) * root)[:, None] * np.eye(self.geometry.K)[patch]}
