r"""Three-layer CNN with one shared filter, lifted: blocks are second moments of hidden weights and filters.

The network is that of :class:`ThreeLayerCNN` with a shared filter. On a cell, that is a pattern :math:`D_{1k}` for each
patch, signs s of the hidden weights and a pattern :math:`D_2`, neurons :math:`(w_{1j}, u_j)` enter the outputs by
:math:`Z = \sum_j w_{1j} u_j^T \in R^{K \times h}` alone, with rows :math:`z_k`. A block is

.. math::
   S = \begin{bmatrix} W & Z \\ Z^T & U \end{bmatrix} \succeq 0, \qquad
   \text{outputs } D_2 \sum_k D_{1k} X_k z_k, \qquad \text{cost } \tfrac12 \operatorname{tr} S .

With :math:`F u \ge 0` the facets of a piece of the first layer's cell (:mod:`.lifted_cells`), all products of what is
not negative for one neuron, :math:`s_k w_{1k}` and :math:`f^T u`, are stated of S, besides the second layer's cone:

.. math::
   s_k s_l W_{kl} \ge 0, \quad s_k f^T z_k \ge 0, \quad f^T U g \ge 0, \qquad
   (2 D_2 - I) \sum_k D_{1k} X_k z_k \ge 0 .

The value is not below that of the nuclear program, as :math:`\tfrac12 \operatorname{tr} S \ge \|Z\|_*` and each S
has a Z in the cone of that program. It is exact if every S has rank one: then S is one neuron in its cell, at the same
cost. Otherwise it is a bound only: neurons of one S need not have the second layer's pattern, each on its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..errors import InputError, SizeError
from ..penalties import TracePenalty, symmetric_matrices, symmetric_vectors
from ..progress import Budget, around, inside
from .defaults import CodeList, side_by_side
from .formulas import NetworkFormulas
from .formulas.three_layer import three_layer_lifted_formulas
from .lifted_cells import Pieces, check_rows, lifted_rows, most_pieces, no_pieces, pieces_of_cells
from .protocol import Parameters
from .three_layer import ThreeLayerCNN
from .two_layer import TwoLayerCNN

__all__ = ["LiftedThreeLayerCNN"]

_Array = NDArray[np.float64]
_Bits = NDArray[np.bool_]


@record
@dataclass(frozen=True, slots=True)
class LiftedThreeLayerCNN(ThreeLayerCNN):
    """The three-layer CNN of the module's formula; its parameters and networks are those of :class:`ThreeLayerCNN`.

    Parameters
    ----------
    geometry : PatchGeometry
        Patches of the input, of up to four entries (or of rank up to 4, with the data).
    sharing : {"shared"}
        One filter for all patches.
    relaxation : {"lifted"}
        This program.

    Raises
    ------
    InputError
        For another sharing or relaxation.

    Examples
    --------
    >>> from convex_core import patch_geometry
    >>> cnn = LiftedThreeLayerCNN(patch_geometry((4,), 2, 2))
    >>> cnn.options, cnn.exactness.value
    ({'sharing': 'shared', 'relaxation': 'lifted'}, 'exact if rank one')
    """

    sharing: str = "shared"
    relaxation: str = "lifted"

    def __post_init__(self) -> None:
        if (self.sharing, self.relaxation) != ("shared", "lifted"):
            raise InputError(
                f"relaxation: got {self.relaxation!r} for {self.sharing} filters, expected 'lifted' for a shared one"
            )
        ThreeLayerCNN(self.geometry, self.sharing)  # its errors

    @property
    def base(self) -> TwoLayerCNN:
        """The network whose cells are those of the first layer."""
        return TwoLayerCNN(self.geometry)

    @property
    def penalty(self) -> TracePenalty:
        """Half the trace of S, of order K + h."""
        return TracePenalty(self.geometry.K + self.geometry.h)

    @property
    def formulas(self) -> NetworkFormulas:
        """The module's formulas as text, LaTeX and Python."""
        return three_layer_lifted_formulas(self)

    def check_patches(self, patches: _Array) -> None:
        """Raise an error if there is no such program for these patches: rank above four, or too many cells."""
        check_rows(self.base.hyperplanes(patches))
        self._sets()

    def _pieces(self, patches: _Array) -> Pieces:
        return pieces_of_cells(self.base, patches)

    def _split(self, codes: _Bits, patches: _Array) -> tuple[_Bits, NDArray[np.intp]]:
        """Codes as those of :class:`ThreeLayerCNN`, and the numbers of the pieces."""
        K, n, _ = patches.shape
        width = K * n + K + n
        own = np.concatenate([codes[:, : K * n], codes[:, width:]], axis=1)
        return codes[:, :width], self._pieces(patches).numbers(own)

    def design(self, patches: _Array) -> _Array:
        """``X_k z_k`` where S has Z, (K, n, p)."""
        return lifted_rows(side_by_side(patches), self.geometry.K)

    def hyperplanes(self, patches: _Array) -> _Array:
        """Rows of W's pairs, of Z with each facet of any piece, of U's pairs of facets, of the second layer: (R, p)."""
        pieces, (K, _, h) = self._pieces(patches), patches.shape
        k, other = np.triu_indices(K, 1)
        weights = np.zeros((len(k), K + h, K + h))
        weights[np.arange(len(k)), k, other] = weights[np.arange(len(k)), other, k] = 0.5
        facets, _ = pieces.each_facet
        mixed = np.zeros((K, len(facets), K, h))
        mixed[np.arange(K), :, np.arange(K)] = facets
        filters = np.zeros((len(pieces.products), K + h, K + h))
        filters[:, K:, K:] = pieces.products
        own = side_by_side(patches)
        second = [own[list(chosen)].sum(axis=0) for chosen in self._sets()]
        rows = np.concatenate([mixed.reshape(-1, K * h), *second])
        return np.concatenate([symmetric_vectors(weights), lifted_rows(rows, K), symmetric_vectors(filters)])

    def sides(self, codes: _Bits, patches: _Array) -> NDArray[np.int8]:
        """What the block's own piece, signs and second-layer pattern say; other rows state nothing."""
        inner, number = self._split(codes, patches)
        pieces, (K, n, _) = self._pieces(patches), patches.shape
        s = 2 * self._parts(inner)[1].astype(np.int8) - np.int8(1)
        k, other = np.triu_indices(K, 1)
        _, has = pieces.each_facet
        mixed = s[:, :, None] * has[number][:, None, :]
        layers = ThreeLayerCNN.sides(self, inner, patches)[:, K * K * n :]  # those of the second layer
        parts = [s[:, k] * s[:, other], mixed.reshape(len(codes), K * has.shape[1]), layers, pieces.stated[number]]
        return np.concatenate(parts, axis=1).astype(np.int8)

    def gates(self, codes: _Bits, patches: _Array) -> _Bits:
        """A patch passes where both layers do: (m, K, n)."""
        return ThreeLayerCNN.gates(self, self._split(codes, patches)[0], patches)

    def most_cells(self, patches: _Array) -> int:
        """Every piece of the first layer's cell of every cell."""
        K, n, h = patches.shape
        return ThreeLayerCNN.most_cells(self, patches) * most_pieces(K * n, h)

    def predicted(self, patches: _Array) -> int:
        """Those of :class:`ThreeLayerCNN`, times the pieces that one cell has at most."""
        return ThreeLayerCNN.predicted(self, patches) * int(self._pieces(patches).of_cell.max(initial=1))

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every cell with every piece of its first-layer pattern."""
        K, n, _ = patches.shape
        with inside(budget or around()):
            pieces = self._pieces(patches)
        listed = ThreeLayerCNN.patterns(self, patches, max_patterns=max_patterns, budget=budget)
        inner = listed.active()
        cells = {code.tobytes(): k for k, code in enumerate(np.packbits(pieces.cells, axis=1))}
        cell = np.array([cells[code.tobytes()] for code in np.packbits(inner[:, : K * n], axis=1)], dtype=np.intp)
        total = int(pieces.of_cell[cell].sum())
        if total > max_patterns:
            raise SizeError(
                f"patterns: got {total:,} pieces of cells of two ReLU layers, expected at most {max_patterns:,}",
                predicted=total,
                limit=max_patterns,
            )
        many = pieces.of_cell[cell]
        row = np.repeat(np.arange(len(inner)), many)
        first = (np.cumsum(pieces.of_cell) - pieces.of_cell)[cell]
        number = np.arange(total) + np.repeat(first - (np.cumsum(many) - many), many)
        codes = np.concatenate([inner[row], pieces.codes[number, K * n :]], axis=1)
        return CodeList(codes, listed.certified and pieces.certified)

    def codes(self, patches: _Array, parameters: Parameters) -> _Bits:
        """The piece that each filter is deepest in, with the signs and the second-layer pattern of the neuron."""
        K, n, _ = patches.shape
        if not len(parameters["filters"]):  # asked for the width of a code, where there is no time for the pieces
            more = no_pieces(self.base, patches).shape[1] - K * n
            return np.zeros((0, K * n + K + n + more), dtype=bool)
        pieces = self._pieces(patches)
        piece = pieces.codes[pieces.deepest(parameters["filters"])[0]]
        first = piece[:, : K * n].reshape(-1, K, n)
        second = self._responses(patches, parameters)[1]
        inner = self._codes(patches, first, parameters["hidden"] >= 0.0, second)
        return np.concatenate([inner, piece[:, K * n :]], axis=1)

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Bits, patches: _Array) -> Parameters:
        """The best part of rank one of each Z, as in :class:`ThreeLayerCNN`: exact if S has rank one."""
        return ThreeLayerCNN.neurons(self, C, sign, self._split(codes, patches)[0], patches)

    def block_matrices(self, C: _Array) -> _Array:
        """The matrix Z of each S, (B, K, h)."""
        K = self.geometry.K
        Z: _Array = symmetric_matrices(C)[:, :K, K:]
        return Z
