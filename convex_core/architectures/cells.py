"""The program side of an architecture: lists of cells, and defaults to inherit from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..arrangement import enumerate_patterns
from ..contracts.records import record
from ..errors import SizeError
from ..patches import PatchGeometry
from ..penalties import L2Penalty
from ..progress import Budget, limits
from ..status import Exactness
from .protocol import ByAnchor, Patterns

__all__ = ["AnchoredCells", "ArrangementCells", "Cells", "CodeList", "side_by_side"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class CodeList:
    """Codes given explicitly as an array (P, N) of bool; `certified` if they are provably all cells.

    Examples
    --------
    >>> codes = CodeList(np.array([[True, False], [True, True]]), certified=True)
    >>> len(codes), codes.active(1).tolist()
    (2, [[True, True]])
    """

    array: NDArray[np.bool_]
    certified: bool = False

    def __len__(self) -> int:
        return len(self.array)

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Codes start..stop."""
        return self.array[start:stop]


class Cells:
    """What most cells have in common."""

    __slots__ = ()

    @property
    def scale(self) -> float:
        """1."""
        return 1.0

    @property
    def gain(self) -> float:
        """1: gates are 0 or 1."""
        return 1.0

    @property
    def cells_per_pattern(self) -> int:
        """1: a code is a sign pattern."""
        return 1

    def anchors(self, codes: NDArray[np.bool_], patches: _Array) -> _Array | None:
        """None: the rows of the design are the same on every cell."""
        return None

    def ridge_coefficients(self, v: _Array, patches: _Array) -> tuple[_Array, _Array] | None:
        """None: the correlation with an atom is not a sum over hyperplanes."""
        return None

    def atoms(self, patches: _Array, C: _Array) -> _Array | None:
        """None: a block has other outputs in another cell."""
        return None


class AnchoredCells(Cells):
    """Cells of blocks that have an anchor: those of the simpler, exact network seen from each."""

    __slots__ = ()

    #: Exact.
    exactness = Exactness.EXACT
    #: Euclidean norm of a block.
    penalty = L2Penalty()

    @property
    def by_anchor(self) -> Any:
        """The network itself: a block has one anchor."""
        return self

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> CodeList:
        """Every cell seen from each anchor."""
        model = cast(ByAnchor, self)
        codes: list[NDArray[np.bool_]] = []
        certified, total = True, 0
        for anchor in map(int, model.anchor_rows(patches)):
            simpler, seen = model.seen_from(anchor, patches)
            found = simpler.patterns(seen, max_patterns=max(1, max_patterns - total), budget=budget)
            certified &= found.certified
            total += len(found)
            if total > max_patterns:
                raise SizeError(
                    f"patterns: got more than {max_patterns:,} cells, expected at most that many",
                    predicted=model.predicted(patches) or total,
                    limit=max_patterns,
                )
            codes.append(model.anchored(found.active(), anchor))
        return CodeList(np.concatenate(codes), certified)


class ArrangementCells(Cells):
    """Cells of the arrangement of the hyperplanes; by default those are the patch rows, which are the design too."""

    __slots__ = ()

    geometry: PatchGeometry

    def hyperplanes(self, patches: _Array) -> _Array:
        """The stacked patch rows ``[X_1; ...; X_K]``, shape (K * n, h)."""
        return patches.reshape(-1, patches.shape[2])

    def design(self, patches: _Array) -> _Array:
        """The patch matrices themselves."""
        return patches

    def sides(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[np.int8] | None:
        """A bit says the side of its hyperplane."""
        return None

    def gates(self, codes: NDArray[np.bool_], patches: _Array) -> NDArray[Any]:
        """A patch passes where its own row is active: (m, K, n)."""
        return codes.reshape(codes.shape[0], patches.shape[0], patches.shape[1])

    def predicted(self, patches: _Array) -> int | None:
        """As many as the arrangement of the hyperplanes has."""
        return None

    def patterns(self, patches: _Array, *, max_patterns: int, budget: Budget | None = None) -> Patterns:
        """Every cell of the arrangement of the hyperplanes."""
        return enumerate_patterns(self.hyperplanes(patches), max_patterns=max_patterns, **limits(budget))


def side_by_side(patches: _Array) -> _Array:
    """Matrices ``A_k`` with ``A_k C = X_k c_k`` for a block C of a row for each patch, flattened: (K, n, K * h)."""
    K, n, h = patches.shape
    matrices = np.zeros((K, n, K, h))
    matrices[np.arange(K), :, np.arange(K)] = patches
    return matrices.reshape(K, n, K * h)
