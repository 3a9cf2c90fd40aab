"""The Euclidean block norm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.cone_projection import top_cone_supports
from ..numerics.conic_forms import PenaltyForm
from ..numerics.threads import at_once
from .base import BATCH_PRODUCTS, EXACT, ConeSupports, PenaltyFormulas, Search

__all__ = ["L2Penalty"]

_Array = NDArray[np.float64]
# fewer cells than this are examined before a second thread has started
_WORTH_THREADS = 500


@record
@dataclass(frozen=True, slots=True)
class L2Penalty:
    r"""Euclidean block norm :math:`\|c\|_2`, its own dual norm.

    The support over a cone is the length of the projection of `g` on it (Moreau), found as a
    non-negative least-squares residual.
    """

    @property
    def formulas(self) -> PenaltyFormulas:
        """``||c||``, of a matrix its Frobenius norm."""
        return PenaltyFormulas(
            "||{c}||",
            "penalty = cp.sum(cp.norm(C, 2, axis=1))",
            (r"\|", r"\|_2"),
            latex_of_matrix=(r"\|", r"\|_F"),
        )

    #: The norm itself is the Euclidean one.
    radius: ClassVar[float] = 1.0
    #: None but those of a scalar product, which whoever sums its p terms accounts for.
    digits_lost: ClassVar[float] = 0.0

    def norm(self, C: _Array) -> _Array:
        """``||c||_2`` of each row of `C` (B, p), shape (B,)."""
        return np.asarray(np.linalg.norm(C, axis=1))

    def dual_norm(self, G: _Array) -> _Array:
        """``||g||_2`` of each row of `G` (m, p), shape (m,)."""
        return np.asarray(np.linalg.norm(G, axis=1))

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
        """The `want` largest supports of +-G[i] over cell ``cells[i]``.

        Parameters
        ----------
        G : (m, p)
            One vector per cell examined, large norms first.
        cells : (m,)
            Which cell each belongs to.
        rows : (M, p)
            Unit hyperplane normals shared by all cells.
        sides : (P, M) int8
            Cone of cell i: ``sides[i, j] * rows[j] @ c >= 0`` for all j.
        floor : float
            Pairs whose support is at most `floor` are dropped as soon as a bound shows it.
        want : int
            How many of the largest to keep.
        search : Search
            Its tilt; and asked between batches whether to stop: those left have the norms of their vectors for bounds.
            Beyond, the supports are exact in microseconds each.
        """
        batch = max(1, BATCH_PRODUCTS // max(1, rows.size * G.shape[1]))
        if len(G) <= batch:
            return self._batch(G, cells, rows, sides, floor, want, search.tilt)
        found = ConeSupports.none(G.shape[1], floor)
        for start in range(0, len(G), batch):
            part = slice(start, start + batch)
            size = float(np.linalg.norm(G[start]))
            if search.stop():
                return replace(found, bound=max(found.bound, size))
            bar = max(floor, float(found.value[-1])) if len(found.value) == want else floor
            if size <= bar:
                break
            more = self._batch(G[part], cells[part], rows, sides, bar, want, search.tilt)
            value, index = (
                np.concatenate([found.value, more.value]),
                np.concatenate([found.index, more.index + 2 * start]),
            )
            order = np.lexsort((index, -value))[:want]
            direction = np.concatenate([found.direction, more.direction])[order]
            found = ConeSupports(index[order], value[order], direction, max(found.bound, more.bound))
        return found

    def _batch(
        self,
        G: _Array,
        cells: NDArray[np.int64],
        rows: _Array,
        sides: NDArray[np.int8],
        floor: float,
        want: int,
        tilt: float,
    ) -> ConeSupports:
        """The supports of a batch, which are exact."""
        parts = 1 if len(G) < _WORTH_THREADS else 2

        def part(first: int) -> tuple[NDArray[np.int64], _Array, _Array, float]:
            own, its = np.ascontiguousarray(G[first::parts]), np.ascontiguousarray(cells[first::parts])
            index, value, direction, _, bound = top_cone_supports(own, its, rows, sides, floor, want, tilt)
            return 2 * (parts * (index // 2) + first) + index % 2, value, direction, float(bound)

        found = at_once(part, range(parts))
        index, value, direction = (np.concatenate(arrays) for arrays in zip(*(f[:3] for f in found), strict=True))
        order = np.lexsort((index, -value))[:want]
        return ConeSupports(index[order], value[order], direction[order], max(f[3] for f in found))

    def cvxpy(self, C: Any) -> tuple[Any, list[Any]]:
        """``sum_b ||c_b||_2``."""
        import cvxpy as cp  # slow to import: only this route pays for it

        return cp.sum(cp.norm(C, 2, axis=1)), []

    def form(self, p: int) -> PenaltyForm:
        """``(t, c)`` in the second-order cone, cost t."""
        return PenaltyForm(np.ones(1), -sparse.csc_matrix(sparse.eye_array(p + 1)), (("second-order", p + 1),))
