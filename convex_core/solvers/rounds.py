"""What solving a convex program gives, and what each round of column generation leaves behind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..program import Blocks
from ..status import Status

__all__ = ["Round", "Run"]

_Array = NDArray[np.float64]


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


@record
@dataclass(frozen=True, slots=True)
class Run:
    """A convex program solved by whatever method, its bounds over the cells of its pricer, and certified by nobody yet.

    Attributes
    ----------
    C : (B, p) float64
        Values of the blocks.
    blocks : Blocks
        Their cells.
    dual : (n,) float64
        The best dual vector; column generation has scaled it so that it is feasible.
    tau : float
        What the pricer proved about `dual`, an upper bound on its correlation with any atom; ``inf`` if nothing.
    upper, lower : float
        Value of the program at `C`, and the best lower bound, ``-inf`` without rounds.
    status : Status
        How it ended.
    history : tuple of Round
        The rounds; empty for a program solved in one piece.
    build_seconds, solve_seconds, price_seconds : float
        Time by stage.
    """

    C: _Array
    blocks: Blocks
    dual: _Array
    tau: float
    upper: float
    lower: float
    status: Status
    history: tuple[Round, ...]
    build_seconds: float
    solve_seconds: float
    price_seconds: float
