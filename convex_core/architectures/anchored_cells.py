"""Cells of blocks that have an anchor, listed anchor by anchor."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import SizeError
from ..penalties import L2Penalty
from ..progress import Budget
from ..status import Exactness
from .defaults import Cells, CodeList
from .protocol import ByAnchor

__all__ = ["AnchoredCells"]

_Array = NDArray[np.float64]


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

    def most_cells(self, patches: _Array) -> int:
        """As many as each anchor sees at most."""
        return len(patches) * super().most_cells(patches)

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
