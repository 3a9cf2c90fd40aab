r"""Two-layer CNN of maxout neurons, each the larger of two linear functions; the convex program is exact.

Non-convex problem (two filters :math:`u_{j1}, u_{j2} \in R^h` for each neuron, output weights :math:`w_j`):

.. math::
   \min_{u, w} \; \ell\Big(s \sum_j \sum_k \max(X_k u_{j1},\, X_k u_{j2})\, w_j,\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_{j1}\|_2^2 + \|u_{j2}\|_2^2 + w_j^2), \qquad s = 1 \text{ (sum) or } 1/K .

Which filter wins at a patch row is the side of :math:`x^T (u_1 - u_2) = 0` that the neuron is on: the cells are those
of the arrangement of the patch rows in the space of the *differences* :math:`u_1 - u_2`. On the cell of D a neuron is
linear in :math:`c = (c_1, c_2)`:

.. math::
   \min_{c, c'} \; \ell\Big(s \sum_i \sum_k [D_{ik} X_k,\, (I - D_{ik}) X_k] (c'_i - c_i),\; y\Big)
      + \beta \sum_i (\|c_i\|_2 + \|c'_i\|_2)
   \quad \text{s.t. } (2 D_{ik} - I) X_k (c_1 - c_2) \ge 0 .

The maximum is continuous and of degree one in both filters together, so that the program is exact by the argument of
:mod:`.defaults`. As :math:`\max(a, b) = b + (a - b)_+`, an atom against a dual vector is a sum of ReLUs over the rows
:math:`(x, -x)` and a linear term. With :math:`u_2 = 0` a neuron is a ReLU of the same cost, so that the optimum is
never above that of the ReLU; with :math:`u_2 = -u_1` it is an absolute value. Neurons: Goodfellow, Warde-Farley, Mirza,
Courville and Bengio, Maxout Networks, ICML 2013 (arXiv 1302.4389).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrangement import closed_form
from ..contracts.records import record
from ..patches import PatchGeometry
from .activation import RELU
from .formulas import NetworkFormulas
from .formulas.maxout import maxout_formulas
from .layers import IDENTITY, Branch
from .protocol import Parameters
from .two_layer import AtomsAndWeights, OwnActivation

__all__ = ["MaxoutCNN"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class MaxoutCNN(OwnActivation, AtomsAndWeights):
    """The two-layer CNN of the module's formula; the ``filters`` (m, 2 h) of a network are both, one after the other.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input.
    pooling : {"sum", "mean"}
        Mean pooling divides the sum over the K patches by K.

    Examples
    --------
    >>> from convex_core import Network, patch_geometry
    >>> cnn = MaxoutCNN(patch_geometry((3,), 2))
    >>> network = Network(cnn, [[1.0, 0.0, 0.0, 1.0]], [2.0])  # the larger of two neighbours
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([8.]), 3.0)
    """

    activation_name: ClassVar[str] = "maxout"
    called: ClassVar[str] = "maxout neurons, whose filters have none"

    geometry: PatchGeometry
    pooling: str = "sum"

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return maxout_formulas(self)

    # -- cells
    def design(self, patches: _Array) -> _Array:
        """``[X_k, 0]`` of every patch, then ``[0, X_k]``: (2 K, n, 2 h)."""
        none = np.zeros_like(patches)
        return np.concatenate([np.concatenate([patches, none], axis=2), np.concatenate([none, patches], axis=2)])

    def hyperplanes(self, patches: _Array) -> _Array:
        """The rows ``(x, -x)``, (K * n, 2 h): on one side of them the first filter wins."""
        rows = patches.reshape(-1, patches.shape[2])
        return np.hstack([rows, -rows])

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """The first filter passes where it wins, the second elsewhere: (m, 2 K, n)."""
        first = codes.reshape(len(codes), *patches.shape[:2])
        return np.concatenate([first, ~first], axis=1)

    def most_cells(self, patches: _Array) -> int:
        """Those of the patch rows in general position: differences of filters have h entries."""
        K, n, h = patches.shape
        return int(closed_form(K * n, min(K * n, h)))

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array]:
        """``s v`` for each of the K patches, (K * n,), and ``s v . sum_k X_k`` for the second filter."""
        weighted = self.scale * v
        linear = (weighted @ patches).sum(axis=0)
        return np.tile(weighted, len(patches)), np.concatenate([np.zeros_like(linear), linear])

    # -- its networks
    def directions(self, filters: _Array) -> _Array:
        """What says the cell of each neuron in the space of the patches: ``u_1 - u_2``, (m, h)."""
        first, second = np.split(filters, 2, axis=1)
        return np.asarray(first - second)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Two filters and a weight."""
        return {"filters": (2 * self.geometry.h,), "weights": ()}

    def atoms(self, patches: _Array, C: _Array) -> _Array:
        """``s * sum_k max(X_k u_1, X_k u_2)`` for each row of `C` (m, 2 h), shape (n, m)."""
        first, second = np.split(C, 2, axis=1)
        pooled: _Array = np.maximum(patches @ first.T, patches @ second.T).sum(axis=0)
        return self.scale * pooled

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """``b + (a - b)_+``: see :mod:`convex_core.architectures.layers`."""
        first, second = np.split(parameters["filters"], 2, axis=1)
        weights = parameters["weights"][:, None]
        return (
            Branch(self.geometry, second, weights, IDENTITY, scale=self.scale),
            Branch(self.geometry, first - second, weights, RELU, scale=self.scale),
        )
