r"""Two-layer CNN with the threshold activation :math:`1[t \ge 0]`; the convex program, a lasso, is exact.

Non-convex problem (filters :math:`u_j \in R^h`, output weights :math:`w_j`, s = 1 for sum and 1/K for mean pooling):

.. math::
   \min_{u, w} \; \ell\Big(s \sum_j \sum_k 1[X_k u_j \ge 0]\, w_j,\; y\Big) + \beta \sum_j |w_j|

The length of a filter changes nothing, so that it costs nothing. A neuron's outputs are those of the sign pattern
:math:`D_i` of its cell, :math:`d_i = s \sum_k D_{ik} 1`, and the program is a lasso over the cells:

.. math:: \min_c \; \ell\Big(\sum_i d_i (c'_i - c_i),\; y\Big) + \beta \sum_i (c'_i + c_i), \qquad c, c' \ge 0 .

A zero counts as active, so that the zero filter adds the atom of all ones. Further atoms lie on borders between cells
only where rows are opposite or dependent in special ways, when fewer cells exist than rows in general position have:
there a filter would have to lie on a hyperplane exactly. Rows that are parallel or dependent but for rounding have
cells between them that are thinner than it. In both cases the list is not certified to be whole, and a result says
``restricted``. The gradient with respect to filters is zero almost everywhere: SGD moves the output weights alone.
Source: Ergen, Gulluk, Lacotte and Pilanci, Globally Optimal Training of Neural Networks with Threshold Activation
Functions, ICLR 2023 (arXiv 2303.03382).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arrangement import Arrangement, cell_witnesses, pattern_bound
from ..arrangement.exact import canonical, exact_rank, stored_rows
from ..arrangement.patterns import enumerate_in
from ..contracts.records import record
from ..patches import PatchGeometry
from ..penalties import L2Penalty
from ..progress import Budget
from .defaults import Cells, CodeList, FiltersAndWeights
from .formulas import NetworkFormulas
from .formulas.threshold import threshold_formulas
from .layers import Branch
from .protocol import Parameters
from .stages import Stages
from .two_layer import OwnActivation

__all__ = ["ThresholdCNN"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class ThresholdCNN(OwnActivation, Cells, FiltersAndWeights):
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
    >>> cnn = ThresholdCNN(patch_geometry((3,), 2))
    >>> network = Network(cnn, [[1.0, 0.0], [0.0, 0.0]], [4.0, 1.0])
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([6.]), 5.0)
    """

    activation_name: ClassVar[str] = "threshold"
    called: ClassVar[str] = "the threshold activation, where the length of a filter costs nothing anyway"

    geometry: PatchGeometry
    pooling: str = "sum"

    @property
    def penalty(self) -> L2Penalty:
        """The absolute value of a block, which is one number."""
        return L2Penalty()

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return threshold_formulas(self)

    # -- cells
    def rows(self, patches: _Array) -> _Array:
        """The patch rows, (N, h), whose arrangement has the cells."""
        return patches.reshape(-1, patches.shape[2])

    def design(self, patches: _Array) -> _Array:
        """A one for every patch, (K, n, 1)."""
        return np.ones((*patches.shape[:2], 1))

    def hyperplanes(self, patches: _Array) -> _Array:
        """One, of the block itself: ``c >= 0``."""
        return np.ones((1, 1))

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8]:
        """A block is not negative."""
        return np.ones((len(codes), 1), dtype=np.int8)

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.bool_]:
        """A patch passes where its row is active: (m, K, n)."""
        return codes.reshape(len(codes), *patches.shape[:2])

    def predicted(self, patches: _Array) -> int:
        """The cells of rows in general position, and all ones."""
        return pattern_bound(self.rows(patches)) + 1

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every cell of the arrangement of the patch rows, and the pattern of the zero filter."""
        found = enumerate_in(self.rows(patches), max_patterns=max_patterns, budget=budget)
        codes = found.active()
        if not codes.all(axis=1).any():
            codes = np.concatenate([codes, np.ones((1, codes.shape[1]), dtype=bool)])
        return CodeList(codes, certified=found.certified and _whole(found))

    # -- bridges
    def codes(self, patches: _Array, parameters: Parameters) -> NDArray[np.bool_]:
        """Whether each row is active."""
        active: NDArray[np.bool_] = parameters["filters"] @ self.rows(patches).T >= 0.0
        return active

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: NDArray[np.bool_], patches: _Array) -> Parameters:
        """A filter of length 1 inside the cell, that of all ones zero; the block is the size of the weight."""
        rows = self.rows(patches)
        filters = np.zeros((len(C), rows.shape[1]))
        real = np.flatnonzero(rows.any(axis=1))
        unit = rows[real] / np.linalg.norm(rows[real], axis=1, keepdims=True)
        some = np.flatnonzero(~codes.all(axis=1))
        if len(some):
            cells, back = np.unique(codes[some][:, real], axis=0, return_inverse=True)
            points = cell_witnesses(unit, 2 * cells.astype(np.int8) - np.int8(1)).points
            filters[some] = points[back.ravel()]
        return {"filters": filters, "weights": sign.astype(np.float64) * C[:, 0]}

    # -- its networks
    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``s sum_k 1[X_k u_j >= 0] w_j``, (n, m)."""
        pooled = (patches @ parameters["filters"].T >= 0.0).sum(axis=0)
        total: _Array = self.scale * pooled * parameters["weights"]
        return total

    def stages(self, patches: _Array, parameters: Parameters) -> Stages:
        """Every patch counts the same."""
        sums = parameters["filters"] @ patches.T
        return self.evenly(sums, (sums >= 0.0).astype(np.float64), parameters)

    def branches_of(self, parameters: Parameters) -> tuple[Branch, ...]:
        """What other programs are told: see :mod:`convex_core.architectures.layers`."""
        filters, weights = parameters["filters"], parameters["weights"][:, None]
        return (Branch(self.geometry, filters, weights, self.activation_name, scale=self.scale),)

    def gradient(self, patches: _Array, parameters: Parameters, V: _Array) -> Parameters:
        """Zero almost everywhere for the filters, and ``v . atom(u)``."""
        u = parameters["filters"]
        pooled = self.scale * (patches @ u.T >= 0.0).sum(axis=0)
        return {"filters": np.zeros_like(u), "weights": np.einsum("mn,nm->m", V, pooled)}

    def costs(self, parameters: Parameters) -> _Array:
        """``|w|``."""
        return np.abs(parameters["weights"])

    def sizes(self, parameters: Parameters) -> _Array:
        """``|w|``."""
        return np.abs(parameters["weights"])

    def decay(self, parameters: Parameters) -> Parameters:
        """Nothing for the filters, and the sign of w."""
        return {"filters": np.zeros_like(parameters["filters"]), "weights": np.sign(parameters["weights"])}

    def scaled(self, parameters: Parameters, factor: _Array) -> Parameters:
        """The weight times `factor`."""
        return {"filters": parameters["filters"], "weights": parameters["weights"] * factor}

    def balanced(self, parameters: Parameters) -> Parameters:
        """Filters of length 1, or zero; neurons without a weight are dropped."""
        active = parameters["weights"] != 0.0
        u = parameters["filters"][active]
        length = np.linalg.norm(u, axis=1, keepdims=True)
        return {"filters": u / np.where(length > 0.0, length, 1.0), "weights": parameters["weights"][active]}


def _whole(found: Arrangement) -> bool:
    """Whether no filter has another pattern than those of the cells `found` and of zero, by exact arithmetic.

    To the enumeration rows are known but for rounding, which a step does not forgive: between two rows that differ by
    it lies a cell, and a row that is nearly zero has two sides.
    """
    rows, index, sign = found.rows, found.merged.index, found.merged.sign
    exact = canonical(stored_rows(rows.tolist()))
    if rows[index < 0].any() or len(exact) != len(found.merged.rows):
        return False
    if len(exact) <= 1:  # the only border is where every row is zero
        return True
    # where rows from both sides of a hyperplane are zero all of them are active, and in no cell
    if found.count < found.closed_form or np.intersect1d(index[sign > 0], index[sign < 0]).size:
        return False
    return found.rank == min(len(exact), int(rows.any(axis=0).sum())) or found.rank == exact_rank(exact)
