"""The nuclear norm of a block that is a matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import PenaltyForm
from .base import EXACT, ConeSupports, PenaltyFormulas, Search
from .supports import above, conic_supports

__all__ = ["NuclearPenalty", "symmetric_entries"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class NuclearPenalty:
    r"""Nuclear norm :math:`\|Z\|_* = \sum_i \sigma_i(Z)` of a block that is a matrix (row-major); dual: operator norm.

    Attributes
    ----------
    shape : tuple of int
        Rows and columns of Z; a block has as many entries.

    Examples
    --------
    >>> penalty = NuclearPenalty((2, 2))
    >>> penalty.norm(np.array([[3.0, 0.0, 0.0, 4.0]])), penalty.dual_norm(np.array([[3.0, 0.0, 0.0, 4.0]]))
    (array([7.]), array([4.]))
    """

    shape: tuple[int, int]

    @property
    def formulas(self) -> PenaltyFormulas:
        """``||Z||_*``."""
        matrix = f'cp.reshape(C[b], {self.shape}, order="C")'
        return PenaltyFormulas(
            "||{c}||_*",
            f"penalty = sum(cp.normNuc({matrix}) for b in range(C.shape[0]))",
            (r"\|", r"\|_*"),
        )

    def _singular_values(self, C: _Array) -> _Array:
        if not len(C):
            return np.zeros((0, min(self.shape)))
        return np.asarray(np.linalg.svd(C.reshape(-1, *self.shape), compute_uv=False))

    #: 1: a matrix whose singular values have the sum 1.
    radius: ClassVar[float] = 1.0

    @property
    def digits_lost(self) -> float:
        """Singular values are backward stable: 16 units for each row and each column, 64 more."""
        return 64.0 + 16.0 * sum(self.shape)

    def norm(self, C: _Array) -> _Array:
        """Sum of the singular values of each row of `C` (B, p), shape (B,)."""
        return np.asarray(self._singular_values(C).sum(axis=1))

    def dual_norm(self, G: _Array) -> _Array:
        """Largest singular value of each row of `G` (m, p), shape (m,)."""
        return np.asarray(self._singular_values(G).max(axis=1, initial=0.0))

    def top_supports(
        self,
        G: _Array,
        cells: NDArray[np.int64],
        rows: _Array,
        sides: NDArray[np.int8],
        *,
        floor: float,
        want: int,
        search: Search = EXACT,
    ) -> ConeSupports:
        """The `want` largest supports of +-G[i] over cell ``cells[i]``, and a bound on all (never below `floor`).

        Where there are no cones they are the dual norms, those of -G[i] are the same and left out, and the maximisers
        are the products of the first singular vectors.
        """
        if len(rows):
            return conic_supports(self, G, cells, rows, sides, floor=floor, want=want, search=search)
        left, size, right = np.linalg.svd(G.reshape(-1, *self.shape), full_matrices=False)
        value = size[:, 0]
        found = above(value, floor)[:want]
        direction = (left[found, :, :1] * right[found, :1, :]).reshape(len(found), G.shape[1])
        return ConeSupports(2 * found, value[found], direction, float(value.max(initial=floor)))

    def cvxpy(self, C: Any) -> tuple[Any, list[Any]]:
        """``sum_b ||Z_b||_*``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        norms = [cp.normNuc(cp.reshape(C[b], self.shape, order="C")) for b in range(C.shape[0])]
        return cp.sum(cp.hstack(norms)), []

    def form(self, p: int) -> PenaltyForm:
        r"""Half the traces of V and W that make :math:`\begin{bmatrix} V & Z \\ Z^T & W \end{bmatrix} \succeq 0`."""
        a, b = self.shape
        size = a + b
        column, row, weight = symmetric_entries(size)
        place = np.empty(len(row), dtype=np.int64)  # variable behind each entry of the upper triangle
        inner = (column < a) | (row >= a)
        place[inner] = np.arange(np.count_nonzero(inner))
        aux = int(np.count_nonzero(inner))
        place[~inner] = aux + row[~inner] * b + (column[~inner] - a)
        q = np.zeros(aux)
        q[place[row == column]] = 0.5
        A = sparse.csc_matrix((-weight, (np.arange(len(row)), place)), shape=(len(row), aux + p))
        return PenaltyForm(q, A, (("semidefinite", size),))


def symmetric_entries(size: int) -> tuple[NDArray[np.int64], NDArray[np.int64], _Array]:
    """Column, row and weight of each entry of a symmetric matrix in Clarabel's order: upper triangle by columns."""
    row, column = np.triu_indices(size)
    order = np.lexsort((row, column))
    row, column = row[order], column[order]
    return column, row, np.where(row == column, 1.0, np.sqrt(2.0))
