"""Zero tests and what they add up to: every number read as zero or as nonzero, against its own error bound.

The combinatorics of an arrangement is a list of answers to "is this determinant zero?". Each computed value
`x` comes with a running bound `e` on its error (rounding of the input and of the arithmetic), and is read as
zero when ``|x| <= e``. A true zero is therefore never read as nonzero; a nonzero read with ``|x| >= 8 e`` has
the right sign (8, not 1, because the bounds keep first-order terms only). What remains to be tested are the
values read as zero: they are believed when they lie far below every value read as nonzero, and these far above their
bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record

__all__ = ["EPS", "GAP", "ROOM", "ROUNDING", "SAFE", "UNIT", "ZeroTests"]

EPS = float(np.finfo(np.float64).eps)
#: relative error with which an entry of a row is taken as known: rounding of a few operations
UNIT = 16 * EPS
#: a nonzero read is safe when it is at least this many times its error bound
SAFE = 8.0
#: values read as zero are believed when, in units of the error bounds, they are this many times below every nonzero
#: read
GAP = 1e3
#: ... and at the level of rounding: at most this share of their error bounds
ROUNDING = 0.05
#: ... and when no nonzero read has lost nearly all its digits: then determinants of second order in a small
#: perturbation may lie below the bounds and pass for zeros
ROOM = 3e4


@record
@dataclass(frozen=True, slots=True)
class ZeroTests:
    """Extremes over all zero tests of a computation, each value in units of its own error bound.

    Attributes
    ----------
    zero : float
        Largest ``|x| / e`` read as zero, 0 if there is none.
    nonzero : float
        Smallest ``|x| / e`` read as nonzero, inf if there is none.
    """

    zero: float = 0.0
    nonzero: float = math.inf

    def __or__(self, other: ZeroTests) -> ZeroTests:
        """Extremes over both computations."""
        return ZeroTests(max(self.zero, other.zero), min(self.nonzero, other.nonzero))

    @staticmethod
    def of(values: NDArray[np.float64], bound: NDArray[np.float64] | float) -> ZeroTests:
        """Extremes over an array of values with their error bounds."""
        ratio = np.abs(values) / np.maximum(bound, 1e-300)
        zero = ratio <= 1.0
        return ZeroTests(float(ratio[zero].max(initial=0.0)), float(ratio[~zero].min(initial=math.inf)))

    @property
    def max_zero(self) -> float:
        """Largest value read as zero, scaled so that every error bound is `UNIT` (3.6e-15)."""
        return self.zero * UNIT

    @property
    def min_nonzero(self) -> float:
        """Smallest value read as nonzero, scaled so that every error bound is `UNIT` (3.6e-15)."""
        return self.nonzero * UNIT

    @property
    def clear(self) -> bool:
        """Whether every nonzero read is safe, and every zero read believed."""
        if self.zero == 0.0:
            return self.nonzero >= SAFE
        return self.nonzero >= max(ROOM, GAP * self.zero) and self.zero <= ROUNDING

    @property
    def text(self) -> str:
        """The extremes as part of a sentence."""
        return f"largest value read as zero {self.max_zero:.1e}, smallest read as nonzero {self.min_nonzero:.1e}"
