r"""Cells of networks whose neurons are a filter u and weights w, lifted to second moments: exact for rank <= 4.

On a cell the outputs of neurons :math:`(w_j, u_j)` are linear in :math:`Z = \sum_j w_j u_j^T \in R^{r \times h}`. A
block is the whole matrix of their second moments,

.. math::
   S = \sum_j \binom{w_j}{u_j} \binom{w_j}{u_j}^T = \begin{bmatrix} W & Z \\ Z^T & U \end{bmatrix} \succeq 0,
   \qquad \tfrac12 \operatorname{tr} S = \tfrac12 \sum_j (\|w_j\|_2^2 + \|u_j\|_2^2) ,

and what the cell says of the filters, :math:`F u_j \ge 0`, becomes :math:`F U F^T \ge 0` entry by entry. The signs of w
are free and need no enumeration.

**Exact** if F has at most four rows: :math:`N = F U F^T` is positive semidefinite, has no negative entry, and a matrix
of order at most 4 with both is :math:`\sum_j b_j b_j^T` with :math:`b_j \ge 0` (Maxfield and Minc 1962;
:func:`~convex_core.numerics.completely_positive.nonnegative_factor` makes the :math:`b_j`). They are in the range of F,
so that :math:`u_j = F^+ b_j` is in the cell, and :math:`w_j = Z U^+ u_j` gives the same Z at no higher cost. Cells with
more facets are cut in pieces of at most four (:func:`~convex_core.arrangement.pieces.pieces_of`), which works as long
as the rows of the cells have rank at most 4: filters of up to four entries, or few patches.
Source: the copositive programs of Sahiner, Ergen, Pauly and Pilanci (arXiv 2012.13329), made tractable by the order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..arrangement import merge_rows, pattern_bound
from ..arrangement.pieces import MOST_FACETS, pieces_of
from ..contracts.kept import KEPT
from ..errors import InputError, SizeError
from ..numerics.completely_positive import nonnegative_factor
from ..penalties import TracePenalty, symmetric_matrices, symmetric_vectors
from ..progress import Budget, around, inside
from ..status import Exactness
from .defaults import CodeList, SeveralWeights, no_codes
from .protocol import Architecture, Parameters

__all__ = [
    "MAX_LIFTED_CELLS",
    "MAX_LIFTED_RANK",
    "LiftedCells",
    "Pieces",
    "check_rows",
    "in_cells_of",
    "lifted_rows",
    "most_pieces",
    "no_pieces",
    "pieces_of_cells",
]

_Array = NDArray[np.float64]
_Codes = NDArray[np.bool_]

#: rank of the rows of the cells up to which the program is exact
MAX_LIFTED_RANK = MOST_FACETS
#: cells of the network with one weight, in general position; each makes semidefinite blocks of its own
MAX_LIFTED_CELLS = 1_000
# of the second moments of filters, directions below this share of the largest are left by an interior-point method
_NEGLIGIBLE = 1e-6
# neurons that cost more than this many times their block are not its own
_DEAR = 1.01
# a filter is in no piece if it is this share of its length outside of all
_OUTSIDE = 1e-6
# cells that are cut between two reports
_TOLD = 50


class LiftedCells(ABC, SeveralWeights):
    """Codes are those of :attr:`base`, followed by the number of the piece in bits, the lowest first (often none).

    The pieces are made when they are first asked for, within the time of the computation that asks.
    """

    __slots__ = ()

    @abstractmethod
    def matrices(self, patches: _Array) -> _Array:
        """Matrices of Z (r, h), flattened row by row: (K', n', r * h)."""

    #: Exact.
    exactness = Exactness.EXACT

    @property
    def penalty(self) -> TracePenalty:
        """Half the trace of S."""
        return TracePenalty(self.fan_out + self.base.geometry.h, self.fan_out)

    def design(self, patches: _Array) -> _Array:
        """The matrices of Z where S has it, (K', n', p)."""
        return lifted_rows(self.matrices(patches), self.fan_out)

    def check_patches(self, patches: _Array) -> None:
        """Raise an error if the program is not there for these patches: see :meth:`hyperplanes`."""
        check_rows(self.base.hyperplanes(patches))

    def _pieces(self, patches: _Array) -> Pieces:
        """The pieces of all cells."""
        return pieces_of_cells(self.base, patches)

    def hyperplanes(self, patches: _Array) -> _Array:
        r"""Rows that say :math:`f^T U g` for two facets f and g of a piece, (R, p).

        Raises
        ------
        InputError
            If the rows of the cells have a rank above :data:`MAX_LIFTED_RANK`.
        SizeError
            If there may be more than :data:`MAX_LIFTED_CELLS` cells.
        """
        r, products = self.fan_out, self._pieces(patches).products
        lifted = np.zeros((len(products), r + products.shape[1], r + products.shape[2]))
        lifted[:, r:, r:] = products
        return symmetric_vectors(lifted)

    def sides(self, codes: _Codes, patches: _Array) -> NDArray[np.int8]:
        """The products of the facets of the block's own piece are not negative; others state nothing."""
        pieces = self._pieces(patches)
        return pieces.stated[pieces.numbers(codes)]

    def most_cells(self, patches: _Array) -> int:
        """Every piece of every cell: a polygon of m sides makes m - 2, and those of rank 4 twice."""
        return super().most_cells(patches) * most_pieces(*_rows_of(self.base, patches))

    def predicted(self, patches: _Array) -> int:
        """Their number itself."""
        return len(self._pieces(patches).codes)

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every piece of every cell of :attr:`base`."""
        with inside(budget or around()):
            pieces = self._pieces(patches)
        if len(pieces.codes) > max_patterns:
            raise SizeError(
                f"patterns: got {len(pieces.codes):,} pieces of cells, expected at most {max_patterns:,}",
                predicted=len(pieces.codes),
                limit=max_patterns,
            )
        return CodeList(pieces.codes, pieces.certified)

    def codes(self, patches: _Array, parameters: Parameters) -> _Codes:
        """The piece that each filter is deepest in; where only one of u and -u has a cell, that of the other."""
        u = parameters["filters"]
        if not len(u):  # asked for the width of a code, where there is no time for the pieces
            return no_pieces(self.base, patches)
        pieces = self._pieces(patches)
        number, depth = pieces.deepest(u)
        other, opposite = pieces.deepest(-u)
        outside = (depth < -_OUTSIDE * np.linalg.norm(u, axis=1)) & (opposite > depth)
        return pieces.codes[np.where(outside, other, number)]

    def in_cells(self, patches: _Array, parameters: Parameters) -> tuple[_Array, _Array]:
        """T (m, n', r, h) and A (m, R, h): on ``A[j] u >= 0`` neuron j gives ``sum_ab T[j, :, a, b] w_a u_b``."""
        codes = self.codes(patches, parameters)
        gates = np.asarray(cast(Architecture, self).gates(codes, patches), dtype=np.float64)
        maps = np.einsum("mkn,knp->mnp", gates, self.matrices(patches), optimize=True)
        base = self.base
        normals = base.hyperplanes(patches)
        active = codes[:, : self._pieces(patches).cells.shape[1]]
        sides = base.sides(active, patches)
        signs = 2 * active.astype(np.int8) - 1 if sides is None else sides
        return maps.reshape(*maps.shape[:2], self.fan_out, base.geometry.h), signs[:, :, None] * normals

    def neurons(self, C: _Array, sign: NDArray[np.int8], codes: _Codes, patches: _Array) -> Parameters:
        r""":math:`u_j = F^+ b_j`, :math:`w_j = \pm Z U^+ u_j` with :math:`\sum_j b_j b_j^T = F U F^T`, b >= 0.

        :math:`Z U^+` comes from a factor of S, whose small directions are not divided by their squares. In a cell that
        is thin beside what a solver leaves of its inequalities these neurons would be dear: then those of the
        eigenvectors of S stand for the block, whose filters are in the cell nearly.
        """
        r, pieces = self.fan_out, self._pieces(patches)
        u, w = [np.zeros((0, self.base.geometry.h))], [np.zeros((0, r))]
        for S, side, number in zip(symmetric_matrices(C), sign, pieces.numbers(codes), strict=True):
            size, axes = np.linalg.eigh(S)
            root = axes * np.sqrt(np.maximum(size, 0.0))
            F = pieces.facets[number][pieces.given[number]]
            own = F @ root[r:]
            filters = np.linalg.pinv(F) @ nonnegative_factor(own @ own.T) if len(F) else np.zeros((S.shape[0] - r, 0))
            weights = root[:r] @ (np.linalg.pinv(root[r:], rcond=_NEGLIGIBLE) @ filters)
            if np.sum(filters**2) + np.sum(weights**2) > _DEAR * size.sum():
                turn = np.where((F @ root[r:]).sum(axis=0) < 0.0, -1.0, 1.0)
                weights, filters = turn * root[:r], turn * root[r:]
            alive = (filters != 0.0).any(axis=0)
            u.append(filters.T[alive])
            w.append(float(side) * weights.T[alive])
        return {"filters": np.concatenate(u), "weights": np.concatenate(w)}


def most_pieces(rows: int, h: int) -> int:
    """Most pieces of one cell of so many rows (., h): a polygon of m sides makes m - 2, and those of rank 4 twice."""
    return int(max(1, rows - 2) ** max(0, min(h, MAX_LIFTED_RANK) - 2))


def _rows_of(base: Architecture, patches: _Array) -> tuple[int, int]:
    """Number and length of the rows of the cells; the data are not looked at."""
    return len(base.hyperplanes(patches[:, :1])) * patches.shape[1], base.geometry.h


def _piece_bits(base: Architecture, patches: _Array) -> int:
    """Bits in which the number of a piece is said."""
    return (most_pieces(*_rows_of(base, patches)) - 1).bit_length()


def no_pieces(base: Architecture, patches: _Array) -> _Codes:
    """The codes of no pieces at all, (0, N), without making any."""
    return np.zeros((0, no_codes(base, patches).shape[1] + _piece_bits(base, patches)), dtype=bool)


def in_cells_of(architecture: Architecture, patches: _Array, parameters: Parameters) -> tuple[_Array, _Array] | None:
    """What neurons are in their cells (:meth:`LiftedCells.in_cells`); None if the architecture does not say."""
    says = getattr(architecture, "in_cells", None)
    return None if says is None else says(patches, parameters)


def lifted_rows(Z: _Array, r: int) -> _Array:
    """Rows of Z (r, h), flattened in the last axis, where S has Z, as blocks are: (..., (r + h) (r + h + 1) / 2)."""
    h = Z.shape[-1] // r
    column = np.arange(r, r + h)
    place = column * (column + 1) // 2 + np.arange(r)[:, None]  # of entry (i, r + j) in the upper triangle
    lifted = np.zeros((*Z.shape[:-1], (r + h) * (r + h + 1) // 2))
    lifted[..., place.ravel()] = Z / np.sqrt(2.0)
    return lifted


class Pieces:
    """All pieces of the cells of one problem.

    Attributes
    ----------
    codes : (P, N) bool
    certified : bool
        Whether the cells are provably all there are.
    facets, given : (P, 4, h) float64 and (P, 4) bool
        Rows of each piece, as many as are given.
    products : (R, h, h) float64
        Symmetric products of two facets.
    stated : (P, R) int8
        1 where the product is of two facets of the piece, else 0.
    cells, of_cell : (Q, N') bool and (Q,) int
        Codes of the cells, and how many pieces each has; pieces are in the order of their cells.
    each_facet : (F, h) float64 and (P, F) int8
        Every facet of some piece, and 1 where it is one of the piece.

    Raises
    ------
    Interrupted
        If the `budget` ends before all pieces are there.
    """

    def __init__(self, base: Architecture, patches: _Array, budget: Budget) -> None:
        rows = base.hyperplanes(patches)
        check_rows(rows)
        cells = base.patterns(patches, max_patterns=MAX_LIFTED_CELLS, budget=budget)
        self.certified = cells.certified
        active = cells.active()
        sides = base.sides(active, patches)
        signs = 2 * active.astype(np.int8) - 1 if sides is None else sides
        parts: list[list[_Array]] = []
        for done, one in enumerate(signs):
            budget.check("the cells were not all cut in pieces")
            if done % _TOLD == 0:
                budget.report("patterns", f"cutting cells in pieces, {done} of {len(signs)}")
            parts.append(pieces_of(one[:, None] * rows))
        self.cells, self.of_cell = active, np.array([len(one) for one in parts], dtype=np.intp)
        cell = np.repeat(np.arange(len(parts)), self.of_cell)
        piece = np.concatenate([np.arange(len(one)) for one in parts])
        bits = _piece_bits(base, patches)
        self.codes = np.concatenate([active[cell], (piece[:, None] >> np.arange(bits)) & 1 == 1], axis=1)
        every = [F for one in parts for F in one]
        P, h = len(every), rows.shape[1]
        self.facets, self.given = np.zeros((P, MOST_FACETS, h)), np.zeros((P, MOST_FACETS), dtype=bool)
        for k, F in enumerate(every):
            self.facets[k, : len(F)], self.given[k, : len(F)] = F, True
        rows, of = np.unique(self.facets[self.given], axis=0, return_inverse=True)
        has = np.zeros((P, len(rows)), dtype=np.int8)
        has[np.nonzero(self.given)[0], of.ravel()] = 1
        self.each_facet = rows, has
        facet = np.zeros(self.given.shape, dtype=np.intp)
        facet[self.given] = of.ravel()
        self.products, self.stated = _products(rows, facet, self.given)
        self._number = {code.tobytes(): k for k, code in enumerate(self.codes)}

    def deepest(self, u: _Array) -> tuple[NDArray[np.intp], _Array]:
        """The piece of the filters (m, h) whose facets are farthest away, and how far they are inside, both (m,)."""
        depth = np.einsum("pfh,mh->mpf", self.facets, u)
        depth[:, ~self.given] = np.inf
        nearest = depth.min(axis=2, initial=np.inf)
        best = nearest.argmax(axis=1)
        return best, nearest[np.arange(len(u)), best]

    def numbers(self, codes: _Codes) -> NDArray[np.intp]:
        """The pieces of the codes (m, N)."""
        try:
            return np.array([self._number[np.ascontiguousarray(code).tobytes()] for code in codes], dtype=np.intp)
        except KeyError as missing:
            raise InputError("patterns: got a code of no piece of a cell, expected those of the data") from missing


def _products(rows: _Array, facet: NDArray[np.intp], given: NDArray[np.bool_]) -> tuple[_Array, NDArray[np.int8]]:
    """The different symmetric products of two facets of a piece, (R, h, h), and which piece states which, (P, R).

    Two facets (f, g) have the product of (-f, -g): facets are compared up to their sign, and long ones only once.
    """
    leading = rows[np.arange(len(rows)), (rows != 0.0).argmax(axis=1)] if len(rows) else np.zeros(0)
    sign = np.where(leading < 0.0, -1.0, 1.0)
    axes, axis = np.unique(sign[:, None] * rows + 0.0, axis=0, return_inverse=True)
    first, second = np.triu_indices(MOST_FACETS, 1)
    piece, pair = np.nonzero(given[:, first] & given[:, second])
    f, g = facet[piece, first[pair]], facet[piece, second[pair]]
    ends = np.sort(np.stack([axis.ravel()[f], axis.ravel()[g]], axis=1), axis=1)
    turn = (sign[f] * sign[g]).astype(np.intp)
    different, of = np.unique(np.column_stack([ends, turn]), axis=0, return_inverse=True)
    outer = (different[:, 2, None] * axes[different[:, 0]])[:, :, None] * axes[different[:, 1]][:, None, :]
    stated = np.zeros((len(given), len(different)), dtype=np.int8)
    stated[piece, of.ravel()] = 1
    return 0.5 * (outer + outer.transpose(0, 2, 1)), stated


def check_rows(rows: _Array) -> None:
    """Raise an error if the cells of the rows have too high a rank, or are too many."""
    index = merge_rows(rows).index
    real = rows[index >= 0]
    rank = int(np.linalg.matrix_rank(real)) if len(real) else 0
    if rank > MAX_LIFTED_RANK:
        raise InputError(
            f"relaxation: got the lifted program with patch rows of rank {rank}, expected at most {MAX_LIFTED_RANK}, "
            "such as filters of 2 x 2: matrices of a higher order need more than two constraints to have a "
            "non-negative factor"
        )
    most = pattern_bound(rows)
    if most > MAX_LIFTED_CELLS:
        raise SizeError(
            f"patterns: got up to {most:,} cells of {int(index.max(initial=-1)) + 1} patch rows, expected at most "
            f"{MAX_LIFTED_CELLS:,} for the lifted program: fewer samples, a larger stride or the relaxation 'cone'",
            predicted=most,
            limit=MAX_LIFTED_CELLS,
        )


def pieces_of_cells(base: Architecture, patches: _Array) -> Pieces:
    """The pieces of all cells of the network with one weight; errors as in :meth:`LiftedCells.hyperplanes`.

    They are kept: an architecture is asked for them several times.
    """
    hashable: Any = base  # architectures are frozen
    data = np.ascontiguousarray(patches).tobytes()
    # an error is not kept: whoever asks after an end of the time begins anew
    return KEPT.answer(("pieces", hashable, patches.shape, data), lambda: Pieces(base, patches, around()))
