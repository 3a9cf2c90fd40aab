"""Half the trace of a block that is a positive semidefinite matrix: the cost of neurons in their second moments."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import PenaltyForm
from .base import EXACT, ConeSupports, PenaltyFormulas, Search
from .nuclear import symmetric_entries
from .supports import conic_supports

__all__ = ["TracePenalty", "symmetric_matrices", "symmetric_vectors"]

_Array = NDArray[np.float64]
# a matrix whose smallest eigenvalue is below this share of its trace is not positive semidefinite
_NEGATIVE = 1e-8
# a row is a symmetric product of two normals: where each is known to an angle, that of the product is at most
# 2 sqrt(2) times as large
_TILTS = 3.0

_CVXPY = """\
# a row of C is a symmetric matrix S, its upper triangle by columns with the entries off the diagonal times sqrt(2)
at = np.array([(i, j) for j in range({order}) for i in range(j + 1)])
weight = np.where(at[:, 0] == at[:, 1], 1.0, np.sqrt(2.0))
lifts = [cp.Variable(({order}, {order}), PSD=True) for _ in range(C.shape[0])]
constraints += [C[b] == cp.multiply(weight, S[at[:, 0], at[:, 1]]) for b, S in enumerate(lifts)]
penalty = 0.5 * sum(cp.trace(S) for S in lifts)"""


@record
@dataclass(frozen=True, slots=True)
class TracePenalty:
    r""":math:`\tfrac12 \operatorname{tr} S` of a block S that is positive semidefinite, and infinite for others.

    Neurons :math:`x_j = (w_j, u_j)` with the second moments :math:`S = \sum_j x_j x_j^T` cost as much:
    :math:`\tfrac12 \sum_j (\|w_j\|_2^2 + \|u_j\|_2^2)`. A block is the upper triangle of S by columns, with the entries
    off the diagonal times :math:`\sqrt 2`, so that products of blocks are those of matrices. It is a gauge and no norm:
    -S is not one of its matrices. :meth:`dual_norm` is :math:`\max_{\frac12 \operatorname{tr} S \le 1} \langle G, S
    \rangle = 2 \max(\lambda_{\max}(G), 0)`.

    Attributes
    ----------
    order : int
        Rows of S; a block has order (order + 1) / 2 entries.
    turned : int
        First rows of S, those of w, whose sign may be turned: the output signs + and - of a cell have the same blocks
        then, up to that, and only + is priced. Without them (0) both are.

    Examples
    --------
    >>> penalty = TracePenalty(2)
    >>> S = symmetric_vectors(np.array([[[4.0, 2.0], [2.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]]))
    >>> penalty.norm(S), penalty.dual_norm(S).round(12)
    (array([2.5, inf]), array([10.,  2.]))
    """

    order: int
    turned: int = 0

    @property
    def formulas(self) -> PenaltyFormulas:
        """``1/2 tr S``, S psd."""
        return PenaltyFormulas(
            "1/2 tr {c}",
            _CVXPY.format(order=self.order),
            (r"\tfrac12\operatorname{tr}", ""),
            "S is positive semidefinite",
            (r"S\succeq 0",),
        )

    #: 2: a matrix of rank one and trace 2.
    radius: ClassVar[float] = 2.0

    @property
    def digits_lost(self) -> float:
        """Eigenvalues are backward stable: 32 units for each row, 64 more."""
        return 64.0 + 32.0 * self.order

    def norm(self, C: _Array) -> _Array:
        """Half the trace of each row of `C` (B, p), shape (B,), infinite unless it is positive semidefinite."""
        if not len(C):
            return np.zeros(0)
        S = symmetric_matrices(C)
        finite = np.isfinite(S).all(axis=(1, 2))
        trace = np.trace(S, axis1=1, axis2=2)
        lowest = np.full(len(C), -math.inf)
        lowest[finite] = np.linalg.eigvalsh(S[finite])[:, 0]
        return np.where(lowest >= -_NEGATIVE * np.abs(trace), 0.5 * trace, math.inf)

    def dual_norm(self, G: _Array) -> _Array:
        """Twice the largest eigenvalue of each row of `G` (m, p), at least zero, shape (m,)."""
        if not len(G):
            return np.zeros(0)
        largest: _Array = 2.0 * np.maximum(np.linalg.eigvalsh(symmetric_matrices(G))[:, -1], 0.0)
        return largest

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

        The rows of the cones are symmetric products of two normals; the tilt of `search` is that of a normal.
        """
        search = replace(search, tilt=_TILTS * search.tilt)
        both = self.turned == 0
        return conic_supports(self, G, cells, rows, sides, floor=floor, want=want, search=search, both=both)

    def cvxpy(self, C: Any) -> tuple[Any, list[Any]]:
        """Half the traces of positive semidefinite matrices with the entries in the rows of C."""
        import cvxpy as cp  # slow to import: only this route pays for it

        column, row, weight = symmetric_entries(self.order)
        lifts = [cp.Variable((self.order, self.order), PSD=True) for _ in range(C.shape[0])]
        stated = [C[b] == cp.multiply(weight, S[row, column]) for b, S in enumerate(lifts)]
        return 0.5 * cp.sum(cp.hstack([cp.trace(S) for S in lifts])), stated

    def form(self, p: int) -> PenaltyForm:
        """One auxiliary t, at least half the trace, and the block in the cone of positive semidefinite matrices."""
        column, row, _ = symmetric_entries(self.order)
        trace = np.concatenate([[-1.0], np.where(column == row, 0.5, 0.0)])[None, :]
        matrix = sparse.hstack([sparse.csc_matrix((p, 1)), -sparse.eye_array(p)])
        A = sparse.csc_matrix(sparse.vstack([sparse.csc_matrix(trace), matrix]))
        return PenaltyForm(np.ones(1), A, (("nonnegative", 1), ("semidefinite", self.order)), _nearest)


def _nearest(C: _Array) -> _Array:
    """The nearest blocks that are positive semidefinite."""
    if not len(C) or not np.isfinite(C).all():
        return C
    size, axes = np.linalg.eigh(symmetric_matrices(C))
    return symmetric_vectors((axes * np.maximum(size, 0.0)[:, None, :]) @ axes.transpose(0, 2, 1))


def symmetric_vectors(S: _Array) -> _Array:
    """Blocks (B, p) of symmetric matrices (B, m, m): the inverse of :func:`symmetric_matrices`."""
    column, row, weight = symmetric_entries(S.shape[1])
    return np.asarray(S[:, row, column] * weight)


def symmetric_matrices(C: _Array) -> _Array:
    """Symmetric matrices (B, m, m) of blocks (B, m (m + 1) / 2).

    Examples
    --------
    >>> symmetric_matrices(symmetric_vectors(np.array([[[1.0, 2.0], [2.0, 3.0]]]))).round(12)
    array([[[1., 2.],
            [2., 3.]]])
    """
    order = (math.isqrt(8 * C.shape[1] + 1) - 1) // 2
    column, row, weight = symmetric_entries(order)
    S = np.zeros((len(C), order, order))
    S[:, row, column] = S[:, column, row] = C / weight
    return S
