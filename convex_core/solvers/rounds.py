"""What a round of column generation leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

from .._records import record

__all__ = ["Round"]


@record
@dataclass(frozen=True, slots=True)
class Round:
    """One round of column generation.

    Attributes
    ----------
    round : int
        Number of the round, from 0 (the zero network).
    upper, lower : float
        Best bounds so far, over the cells of the pricer.
    columns : int
        Blocks in the restricted master.
    violation : float
        ``tau / beta - 1`` of this round's dual vector, the largest violation found.
    seconds : float
        Wall-clock seconds since the start.
    """

    round: int
    upper: float
    lower: float
    columns: int
    violation: float
    seconds: float
