r"""Two-layer CNN whose filters have free biases; the convex program is exact.

Non-convex problem (filters :math:`u_j \in R^h`, biases :math:`t_j`, output weights :math:`w_j`, an output bias b):

.. math::
   \min_{u, t, w, b} \; \ell\Big(\sum_j s \sum_k \sigma(X_k u_j + t_j)\, w_j + b,\; y\Big)
       + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2)

with s = 1 for sum and 1/K for mean pooling. The biases cost nothing. The free output bias makes every dual vector
satisfy :math:`1^T v = 0`, and so each atom's correlation with it, as a function of the bias t alone, is continuous,
linear between the places where a row responds with zero, and constant beyond the first and the last of them. It is
largest at such a place, :math:`t = -a^T u` for a data patch a: **the kink of an extreme neuron lies on the data**. So
the atoms of these neurons have the same gauge as all of them, and what is left are networks without biases on patches
seen from an *anchor* a:

.. math::
   \min_{c, c', b} \; \ell\Big(s \sum_{a, i} \sum_k D_{iak} (X_k - 1 a^T)(c'_{ia} - c_{ia}) + b,\; y\Big)
      + \beta \sum_{a, i} (\|c_{ia}\|_2 + \|c'_{ia}\|_2)
   \quad\text{s.t. } (2 D_{iak} - I)(X_k - 1 a^T) c \ge 0 ,

the cells i being those of the arrangement of the differences :math:`x - a`. A block c is the neuron
:math:`u = c / \sqrt{\|c\|}`, :math:`t = -a^T u`, :math:`w = \pm\sqrt{\|c\|}`. With K = h = 1 and a free skip connection
this is the linear spline with the penalty :math:`\beta\, TV(f')` and its knots at the data (Savarese, Evron, Soudry and
Srebro 2019, arXiv 1902.05040; Parhi and Nowak 2021, arXiv 2006.05626).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arrangement import closed_form
from ..contracts.records import record
from ..contracts.validation import check_arguments
from ..errors import InputError, SizeError
from ..numerics.rounding import exact_differences
from ..patches import PatchGeometry
from .anchored_cells import AnchoredCells
from .formulas import NetworkFormulas
from .formulas.free_bias import free_bias_formulas
from .protocol import Parameters
from .two_layer import TwoLayerCNN

__all__ = ["FreeBiasCNN"]

_Array = NDArray[np.float64]
_Codes = NDArray[np.bool_]

# most differences of two data patches: each is a hyperplane
_MOST_PAIRS = 1 << 21


@record
@dataclass(frozen=True, slots=True)
class FreeBiasCNN(AnchoredCells, TwoLayerCNN):
    """The two-layer CNN with free biases of the module's formula; parameters as :class:`TwoLayerCNN`.

    A filter ends in its bias, so that a filter has h + 1 entries. A code says on which side of the kink each patch row
    is, (N,), and which row the anchor is, (N,), with N = K n.

    Raises
    ------
    InputError
        For a geometry without free biases, or an unknown pooling.

    Examples
    --------
    >>> import numpy as np
    >>> from convex_core import Network, patch_geometry
    >>> cnn = FreeBiasCNN(patch_geometry((3,), 2, bias="free"))
    >>> network = Network(cnn, [[1.0, 0.0, 5.0]], [1.0], free=[100.0])
    >>> network.predict([[1.0, -2.0, 3.0]]), network.regulariser
    (array([109.]), 1.0)
    """

    def __post_init__(self) -> None:
        check_arguments("FreeBiasCNN", geometry=(self.geometry, PatchGeometry))
        if self.geometry.bias != "free":
            raise InputError(f"bias: got {self.geometry.bias} with FreeBiasCNN, expected free")
        self.check_options()

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return free_bias_formulas(self)

    # -- cells
    def rows(self, patches: _Array) -> _Array:
        """The data patches without their ones, (N, h)."""
        return patches[:, :, :-1].reshape(-1, patches.shape[2] - 1)

    def design(self, patches: _Array) -> _Array:
        """The patch matrices without their ones, (K, n, h)."""
        return np.ascontiguousarray(patches[:, :, :-1])

    def hyperplanes(self, patches: _Array) -> _Array:
        """The differences ``x_j - x_i`` of the data patches, i < j, (N (N - 1) / 2, h).

        Raises
        ------
        SizeError
            If they are more than two million.
        """
        rows = self.rows(patches)
        N = len(rows)
        if N * (N - 1) // 2 > _MOST_PAIRS:
            raise SizeError(
                f"hyperplanes: got {N:,} patches of all samples with free biases, whose differences are "
                f"{N * (N - 1) // 2:,} hyperplanes, expected at most {_MOST_PAIRS:,}: fewer samples, or "
                "regularised biases",
                predicted=N * (N - 1) // 2,
                limit=_MOST_PAIRS,
            )
        first, second = np.triu_indices(N, 1)
        return exact_differences(rows, second, first)

    def _split(self, codes: _Codes) -> tuple[_Codes, NDArray[np.intp]]:
        """Sides of the rows (m, N), and the anchor's number (m,)."""
        N = codes.shape[1] // 2
        return codes[:, :N], codes[:, N:].argmax(axis=1)

    def anchors(self, codes: _Codes, patches: _Array) -> _Array:
        """The data patch on which the kink of each cell lies, (m, h)."""
        anchors: _Array = self.rows(patches)[self._split(codes)[1]]
        return anchors

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8]:
        """Those of the differences with the anchor; the others bound nothing."""
        active, anchor = self._split(codes)
        m, N = active.shape
        sides = np.zeros((m, N * (N - 1) // 2), dtype=np.int8)
        number = np.zeros((N, N), dtype=np.intp)
        number[np.triu_indices(N, 1)] = np.arange(sides.shape[1])
        number += number.T
        # of the difference x_j - x_i the anchor may be either
        turn = np.where(np.arange(N) > anchor[:, None], 1, -1).astype(np.int8)
        own = turn * (2 * active.view(np.int8) - np.int8(1))
        cell, row = np.nonzero(np.arange(N) != anchor[:, None])
        sides[cell, number[anchor[cell], row]] = own[cell, row]
        return sides

    def gates(self, codes: _Codes, patches: _Array) -> NDArray[Any]:
        """The slope of a patch by the side of the kink it is on: (m, K, n)."""
        active = self._split(codes)[0]
        return self.activation.gates(active.reshape(len(codes), *patches.shape[:2]))

    def seen_from(self, anchor: int, patches: _Array) -> tuple[TwoLayerCNN, _Array]:
        """The network without biases, and the patches less the anchor."""
        rows = self.rows(patches)
        shifted = exact_differences(rows, np.arange(len(rows)), np.full(len(rows), anchor))
        g = self.geometry
        geometry = PatchGeometry(g.input_shape, g.filter_shape, g.stride, g.padding)
        return TwoLayerCNN(geometry, self.pooling, self.activation), shifted.reshape(*patches.shape[:2], -1)

    def anchored(self, codes: _Codes, anchor: int) -> _Codes:
        """Codes (m, N) of the sides of the rows, and the mark of the anchor."""
        mark = np.zeros(codes.shape, dtype=bool)
        mark[:, anchor] = True
        return np.concatenate([codes, mark], axis=1)

    def anchor_rows(self, patches: _Array) -> NDArray[np.intp]:
        """One row of each set of equal ones."""
        return np.unique(self.rows(patches), axis=0, return_index=True)[1]

    def most_cells(self, patches: _Array) -> int:
        """Seen from each of the N patch rows, the N - 1 others in general position."""
        K, n, width = patches.shape
        return int(K * n * max(1, closed_form(K * n - 1, width - 1)))

    def predicted(self, patches: _Array) -> int:
        """For each anchor the cells of the differences with it, in general position."""
        anchors = len(self.anchor_rows(patches))
        return max(1, anchors * closed_form(anchors - 1, min(anchors - 1, patches.shape[2] - 1)))

    def ridge_coefficients(self, v: _Array, patches: _Array) -> None:  # type: ignore[override]
        """None: a correlation is such a sum for each anchor, not for all."""

    def atoms(self, patches: _Array, C: _Array) -> None:  # type: ignore[override]
        """None: a block alone does not say its anchor."""

    # -- bridges
    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        r""":math:`u = c / \sqrt{\|c\|}` with the bias :math:`-a^T u`, and :math:`w = \pm \sqrt{\|c\|}`."""
        root = np.sqrt(self.penalty.norm(C))
        u = C / root[:, None]
        bias = -np.einsum("mh,mh->m", self.anchors(codes, patches), u)
        return {"filters": np.column_stack([u, bias]), "weights": sign.astype(np.float64) * root}

    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The cell of the neuron whose kink has been moved to the nearest data patch."""
        rows, u = self.rows(patches), parameters["filters"]
        response = u[:, :-1] @ rows.T
        anchor = np.abs(response + u[:, -1:]).argmin(axis=1) if len(rows) else np.zeros(len(u), np.intp)
        shifted = response - np.take_along_axis(response, anchor[:, None], axis=1)
        mark = np.zeros(shifted.shape, dtype=bool)
        np.put_along_axis(mark, anchor[:, None], True, axis=1)
        return np.concatenate([self.activation.active(shifted), mark], axis=1)

    def outputs(self, patches: _Array, parameters: Parameters) -> _Array:
        """``s sum_k sigma(X_k u_j + t_j) w_j``, (n, m)."""
        return TwoLayerCNN.atoms(self, patches, parameters["filters"]) * parameters["weights"]
