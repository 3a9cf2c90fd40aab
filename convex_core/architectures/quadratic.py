r"""Two-layer CNN with the quadratic activation :math:`t^2`; the convex program is exact, whatever the filter size.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j`, s = 1 for sum and 1/K for mean pooling):

.. math::
   \min_{u, w} \; \ell\Big(s \sum_j \sum_k (X_k u_j)^2\, w_j,\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^4 + w_j^2)

A neuron is :math:`s \sum_k x_{ik}^T Z x_{ik}` with :math:`Z = w u u^T`, and costs :math:`\|u\|^2 |w|` once its weights
are balanced, as with :math:`\|u\| \le 1` and the penalty :math:`\beta |w|`. There is a single cell without cones:

.. math:: \min_{Z = Z^T} \; \ell\Big(\big[s \textstyle\sum_k x_{ik}^T Z x_{ik}\big]_i,\; y\Big) + \beta \|Z\|_* .

The atoms are the extreme points of the ball of the nuclear norm, :math:`\pm u u^T`, so the program is exact. An
eigenvalue :math:`\lambda q q^T` of Z is the neuron :math:`u = |\lambda|^{1/4} q`,
:math:`w = \operatorname{sign}(\lambda) |\lambda|^{1/2}`: at most h neurons. The correlation of a dual vector with an
atom is largest at an eigenvector of :math:`s \sum_{ik} v_i x_{ik} x_{ik}^T`. With the decay :math:`\|u\|^2 + w^2`
instead a neuron would cost :math:`(\|u\|^2 |w|)^{2/3}`, which is not convex. Source: Bartan and Pilanci, Neural
Spectrahedra and Semidefinite Lifts, 2021 (arXiv 2101.02429).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..patches import PatchGeometry
from ..penalties import NuclearPenalty
from ..progress import Budget
from .defaults import ArrangementCells, CodeList, FiltersAndWeights
from .formulas import NetworkFormulas
from .formulas.quadratic import quadratic_formulas
from .layers import Branch
from .protocol import Parameters
from .stages import Stages
from .two_layer import OwnActivation

__all__ = ["QuadraticCNN"]

_Array = NDArray[np.float64]
# share of the largest eigenvalue below which others are left by an interior-point method
_NEGLIGIBLE = 1e-8


@record
@dataclass(frozen=True, slots=True)
class QuadraticCNN(OwnActivation, ArrangementCells, FiltersAndWeights):
    """The two-layer CNN of the module's formula.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pooling : {"sum", "mean"}
        Mean pooling divides the sum over the K patches by K.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = QuadraticCNN(patch_geometry((3,), 2))
    >>> network = Network(cnn, [[2.0, 0.0]], [4.0])
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([80.]), 16.0)
    """

    activation_name: ClassVar[str] = "quadratic"
    called: ClassVar[str] = "the quadratic activation"

    geometry: PatchGeometry
    pooling: str = "sum"

    @property
    def penalty(self) -> NuclearPenalty:
        """Nuclear norm of Z (h, h)."""
        return NuclearPenalty((self.geometry.h, self.geometry.h))

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return quadratic_formulas(self)

    # -- the only cell
    def design(self, patches: _Array) -> _Array:
        """``x x^T`` of each patch, flattened, (K, n, h * h)."""
        K, n, h = patches.shape
        products: _Array = (patches[:, :, :, None] * patches[:, :, None, :]).reshape(K, n, h * h)
        return products

    def hyperplanes(self, patches: _Array) -> _Array:
        """None, (0, h * h)."""
        return np.zeros((0, patches.shape[2] ** 2))

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8]:
        """No hyperplane has a side, (m, 0)."""
        return np.zeros((len(codes), 0), dtype=np.int8)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """Everything passes."""
        return np.ones((len(codes), *patches.shape[:2]), dtype=bool)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """The only cell, whose code has no bits."""
        return CodeList(np.zeros((1, 0), dtype=bool), certified=True)

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``s sum_k x_k^T Z x_k`` for each row Z of `C` (m, h * h), shape (n, m)."""
        outputs: _Array = self.scale * (self.design(patches).sum(axis=0) @ C.T)
        return outputs

    # -- bridges
    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """No bits, (m, 0)."""
        return np.zeros((len(parameters["weights"]), 0), dtype=bool)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        """Eigenvalues and eigenvectors of the signed sum of the blocks: there is one cell, so that they are one block.

        Its skew part has no outputs, and the nuclear norm of the rest is no larger.
        """
        h = self.geometry.h
        total = (sign.astype(np.float64) @ C).reshape(h, h)
        value, vector = np.linalg.eigh(0.5 * (total + total.T))
        kept = np.abs(value) > _NEGLIGIBLE * np.abs(value).max(initial=0.0)
        size = np.abs(value[kept])
        return {"filters": (size**0.25)[:, None] * vector[:, kept].T, "weights": np.sign(value[kept]) * np.sqrt(size)}

    # -- its networks
    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``s sum_k (X_k u_j)^2 w_j``, (n, m)."""
        pooled = np.square(patches @ parameters["filters"].T).sum(axis=0)
        total: _Array = self.scale * pooled * parameters["weights"]
        return total

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """Every patch counts the same."""
        sums = parameters["filters"] @ patches.T
        return self.evenly(sums, np.square(sums), parameters)

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        filters, weights = parameters["filters"], parameters["weights"][:, None]
        return (Branch(self.geometry, filters, weights, self.activation_name, scale=self.scale),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """``2 w s sum_k X_k^T (v * X_k u)`` and ``v . atom(u)``."""
        u, w = parameters["filters"], parameters["weights"]
        response = np.einsum("knh,mh->mkn", patches, u)
        weighted = self.scale * V[:, None, :] * response
        return {
            "filters": 2.0 * w[:, None] * np.einsum("mkn,knh->mh", weighted, patches),
            "weights": np.einsum("mkn,mkn->m", weighted, response),
        }

    def costs(self, parameters: Parameters) -> _Array:
        """``0.5 * (||u||^4 + w^2)``."""
        u, w = parameters["filters"], parameters["weights"]
        total: _Array = 0.5 * (np.sum(u * u, axis=1) ** 2 + w * w)
        return total

    def sizes(self, parameters: Parameters) -> _Array:
        """``||u||^2 |w|``."""
        size: _Array = np.sum(np.square(parameters["filters"]), axis=1) * np.abs(parameters["weights"])
        return size

    def decay(self, parameters: Parameters) -> Parameters:
        """``2 ||u||^2 u`` and w."""
        u = parameters["filters"]
        return {"filters": 2.0 * np.sum(u * u, axis=1, keepdims=True) * u, "weights": parameters["weights"]}

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """The filter times the fourth root of `factor`, the weight times its square root."""
        root = np.sqrt(factor)
        return {"filters": parameters["filters"] * np.sqrt(root)[:, None], "weights": parameters["weights"] * root}

    def balanced(self, parameters: Parameters) -> Parameters:
        """``||u||^2 = |w|``, which minimises the cost at given outputs."""
        size = self.sizes(parameters)
        active = size > 0.0
        u, w, root = parameters["filters"][active], parameters["weights"][active], np.sqrt(size[active])
        length = np.linalg.norm(u, axis=1)
        return {"filters": u * (np.sqrt(root) / length)[:, None], "weights": np.sign(w) * root}
