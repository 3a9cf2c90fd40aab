r"""ReLU and a flatten layer: a convolution, a ReLU and an output weight for each patch; exact if blocks have rank one.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j \in R^K`):

.. math::
   \min_{u, w} \; \ell\Big(\sum_j \sum_k (X_k u_j)_+ w_{jk},\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + \|w_j\|_2^2)

Convex program. On the cell of a sign pattern D and signs s of the weights the neuron is linear in
:math:`Z = w u^T \in R^{K \times h}`, a matrix of rank one whose rows are in the cone of D up to their signs:

.. math::
   \min_{Z_i} \; \ell\Big(\sum_i \sum_k D_{ik} X_k z_{ik},\; y\Big) + \beta \sum_i \|Z_i\|_*
   \quad \text{s.t. } s_{ik} (2 D_{ik'} - I) X_{k'} z_{ik} \ge 0 \text{ for all } k, k' .

Without the rank this is a lower bound, and exact if an optimum has blocks of rank one. The relaxation ``plain`` leaves
out the cone constraints, and with them the signs: a weaker bound. Source: Ergen and Pilanci, Implicit Convex
Regularizers of CNN Architectures, ICLR 2021 (arXiv 2006.14798), who state the plain nuclear norm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..patches import PatchGeometry
from .activation import RELU
from .defaults import FiltersAndWeights, side_by_side
from .formulas import NetworkFormulas
from .formulas.flatten import flatten_formulas
from .kinds import no_free_bias
from .layers import Branch
from .protocol import Parameters
from .signed_cells import SignedCells
from .stages import Stages
from .two_layer import TwoLayerCNN

__all__ = ["FlattenCNN", "FlattenedMatrices", "FlattenedNeurons"]

_Array = NDArray[np.float64]


class FlattenedNeurons(FiltersAndWeights):
    """Neurons of one filter with a weight for each patch, whatever they cost."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        return "flatten"

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """A filter, and a weight for each patch."""
        return {"filters": (self.geometry.h,), "weights": (self.geometry.K,)}

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``sum_k (X_k u_j)_+ w_jk``, (n, m)."""
        u, w = parameters["filters"], parameters["weights"]
        total: _Array = np.einsum("knm,mk->nm", np.maximum(patches @ u.T, 0.0), w)
        return total

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """Patch k counts with its weight, and nothing comes after that."""
        sums = parameters["filters"] @ patches.T
        return Stages(sums, np.maximum(sums, 0.0), parameters["weights"], np.ones((len(sums), 1)))

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        weights = parameters["weights"]
        return (Branch(self.geometry, parameters["filters"], np.ones((len(weights), 1)), RELU, counts=weights),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """With the gates held fixed, ``sum_k w_k X_k^T D_k v`` and ``v . (X_k u)_+``."""
        u, w = parameters["filters"], parameters["weights"]
        gated = (np.einsum("knh,mh->mkn", patches, u) >= 0.0) * V[:, None, :]
        back = np.einsum("mkn,knh->mkh", gated, patches)
        return {"filters": np.einsum("mk,mkh->mh", w, back), "weights": np.einsum("mh,mkh->mk", u, back)}


class FlattenedMatrices(FlattenedNeurons):
    """Networks whose blocks are matrices with a row for each patch."""

    __slots__ = ()

    @property
    def single(self) -> TwoLayerCNN:
        """The network with one weight for all patches: signs of weights are no part of a sign pattern."""
        return TwoLayerCNN(self.geometry)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """A patch passes where its own row is active, (m, K, n); the bits after those of the rows say nothing of it."""
        K, n, _ = patches.shape
        return self.single.gates(codes[:, : K * n], patches)


@record
@dataclass(frozen=True, slots=True)
class FlattenCNN(SignedCells, FlattenedMatrices):
    """The CNN with one ReLU and a flatten layer of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    relaxation : {"cone", "plain"}
        Nuclear norm with the cone constraints of both the pattern and the signs, or alone.

    Raises
    ------
    InputError
        For an unknown relaxation.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = FlattenCNN(patch_geometry((3,), 2))
    >>> Network(cnn, [[1.0, 0.0]], [[2.0, -1.0]]).predict([[1.0, -2.0, 3.0]])
    array([2.])
    """

    geometry: PatchGeometry
    relaxation: str = "cone"

    def __post_init__(self) -> None:
        check_arguments("FlattenCNN", geometry=(self.geometry, PatchGeometry))
        no_free_bias(self.geometry, "a flatten layer")
        self.check_relaxation()

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return flatten_formulas(self)

    def design(self, patches: _Array) -> _Array:
        """``A_k Z = X_k z_k`` for the flattened Z, (K, n, K * h)."""
        return side_by_side(patches)
