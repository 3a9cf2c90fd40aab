r"""Block penalties of the convex program, with the support function over a cone that prices and certifies.

A block :math:`c` of a cell with cone :math:`\{c : A c \ge 0\}` is penalised by a norm. Its certificate needs

.. math::
   \max_{A c \ge 0,\ \|c\| \le 1} g^T c \;=\; \min_{\lambda \ge 0} \|g + A^T\lambda\|_* ,

and every :math:`\lambda \ge 0` gives a sound upper bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..conic_forms import PenaltyForm

__all__ = ["ConeSupports", "Penalty"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ConeSupports:
    """The largest supports among many (vector, cone) pairs.

    Attributes
    ----------
    index : (k,) int64
        ``2 i`` for +G[i], ``2 i + 1`` for -G[i], largest value first.
    value : (k,) float64
        Upper bound on the support of each, tight to rounding unless the iteration limit was hit.
    direction : (k, p) float64
        Unit maximisers.
    bound : float
        Sound upper bound on the support of every pair that was examined.
    """

    index: NDArray[np.int64]
    value: _Array
    direction: _Array
    bound: float


class Penalty(Protocol):
    """What a block norm must say."""

    def norm(self, C: _Array) -> _Array:
        """Norm of each block of `C` (B, p), shape (B,)."""
        ...

    def dual_norm(self, G: _Array) -> _Array:
        """Dual norm of each row of `G` (m, p), shape (m,)."""
        ...

    def top_supports(
        self, G: _Array, cells: NDArray[np.int64], rows: _Array, sides: NDArray[np.int8], *, floor: float, want: int
    ) -> ConeSupports:
        """The `want` largest supports of +-G[i] over cell ``cells[i]``, and a bound on all (never below `floor`)."""
        ...

    def form(self, p: int) -> PenaltyForm:
        """Epigraph for conic solvers."""
        ...
