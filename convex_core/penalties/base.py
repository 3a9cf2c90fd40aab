r"""Block penalties of the convex program, with the support function over a cone that prices and certifies.

A block :math:`c` of a cell with cone :math:`\{c : A c \ge 0\}` is penalised by a norm. Its certificate needs

.. math::
   \max_{A c \ge 0,\ \|c\| \le 1} g^T c \;=\; \min_{\lambda \ge 0} \|g + A^T\lambda\|_* ,

and every :math:`\lambda \ge 0` gives a sound upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..numerics.conic_forms import PenaltyForm

__all__ = ["BATCH_PRODUCTS", "EXACT", "ConeSupports", "Penalty", "PenaltyFormulas", "Search"]

_Array = NDArray[np.float64]

#: products between two looks at the budget, if a projection passes over the rows as often as they have entries
BATCH_PRODUCTS = 100_000_000


@record
@dataclass(frozen=True, slots=True)
class ConeSupports:
    """The largest supports among many (vector, cone) pairs.

    Attributes
    ----------
    index : (k,) int64
        ``2 i`` for +G[i], ``2 i + 1`` for -G[i], largest value first.
    value : (k,) float64
        What the direction of each attains; for the largest it is the support.
    direction : (k, p) float64
        Unit maximisers.
    bound : float
        Sound upper bound on the support of every pair that was examined.
    late : bool
        Whether it is larger than it need be because there was no time to begin a program.
    """

    index: NDArray[np.int64]
    value: _Array
    direction: _Array
    bound: float
    late: bool = False

    @classmethod
    def none(cls, p: int, bound: float) -> ConeSupports:
        """No maximisers, of vectors of p entries, and a `bound`."""
        return cls(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, p)), bound)


def _never() -> bool:
    return False


def _always() -> float:
    return math.inf


@record
@dataclass(frozen=True, slots=True)
class Search:
    r"""How far a search for supports must go.

    Attributes
    ----------
    slack : float
        The bound may exceed the largest support by this share.
    prove : bool
        If not, the bound may also exceed it by as much as it exceeds the floor: enough to go on with.
    stop : callable
        Asked now and then whether to stop with the bound reached so far.
    tilt : float
        The rows of a cone are known to this error only: a bound that uses them with multipliers :math:`\lambda` is
        larger by this times :math:`\sum_j \lambda_j`.
    remaining : callable
        Seconds left.
    """

    slack: float = 0.0
    prove: bool = True
    stop: Callable[[], bool] = _never
    tilt: float = 0.0
    remaining: Callable[[], float] = _always


#: The bound is the largest support, however long that takes.
EXACT = Search()


@dataclass(frozen=True, slots=True)
class PenaltyFormulas:
    """A block norm in other languages.

    Attributes
    ----------
    text : str
        The norm of ``{c}``, to be put in by :meth:`str.format`.
    cvxpy : str
        Python statements, with ``cp`` for cvxpy and ``np`` for numpy, that set ``penalty`` to the sum of the norms of
        the rows of a CVXPY variable ``C`` and append what else that needs to the list ``constraints``.
    latex : (str, str)
        LaTeX before and after the block.
    definition : str
        What the text refers to, if it is not a norm that everyone knows.
    latex_definition : tuple of str
        What the LaTeX refers to, likewise, in lines.
    latex_of_matrix : (str, str), optional
        LaTeX before and after a block that is written as a matrix, if that is another.
    """

    text: str
    cvxpy: str
    latex: tuple[str, str]
    definition: str = ""
    latex_definition: tuple[str, ...] = ()
    latex_of_matrix: tuple[str, str] | None = None


class Penalty(Protocol):
    """What a block norm must say."""

    @property
    def formulas(self) -> PenaltyFormulas:
        """The norm as text, CVXPY and LaTeX."""
        ...

    def norm(self, C: _Array) -> _Array:
        """Norm of each block of `C` (B, p), shape (B,)."""
        ...

    def dual_norm(self, G: _Array) -> _Array:
        """Dual norm of each row of `G` (m, p), shape (m,)."""
        ...

    @property
    def radius(self) -> float:
        """Largest Euclidean norm of a block of norm 1; the dual norm is at most this times the Euclidean norm."""
        ...

    @property
    def digits_lost(self) -> float:
        """Error of a computed dual norm, in units of roundoff of :attr:`radius` times the Euclidean norm."""
        ...

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
        """The `want` largest supports of +-G[i] over cell ``cells[i]``, and a bound on all (never below `floor`)."""
        ...

    def form(self, p: int) -> PenaltyForm:
        """Epigraph for conic solvers."""
        ...

    def cvxpy(self, C: Any) -> tuple[Any, list[Any]]:
        """Sum of the norms of the rows of a CVXPY variable C (B, p), and the constraints it needs."""
        ...
