"""Zero tests and what they add up to: every number read as zero or as nonzero, against its own error bound.

The combinatorics of an arrangement is a list of answers to "is this determinant zero?". Each computed value
`x` comes with a running bound `e` on its error (rounding of the input and of the arithmetic), and is read as
zero when ``|x| <= e``. A true zero is therefore never read as nonzero; a nonzero read with ``|x| >= 8 e`` has
the right sign (8, not 1, because the bounds keep first-order terms only). What remains to be tested are the
values read as zero: they are believed when they lie far below every value read as nonzero, and these far above their
bounds. Where they are not, exact arithmetic on integer or rational rows decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..errors import Interrupted, SizeError
from ..progress import Budget, limits
from .exact import canonical, exact_count

__all__ = [
    "EPS",
    "GAP",
    "ROOM",
    "ROUNDING",
    "SAFE",
    "UNIT",
    "ZeroTests",
    "certify_count",
    "integer_rows",
    "rational_rows",
]

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


#: largest denominators of an entry and of a row for which floats are read as fractions
MAX_DENOMINATOR = 10_000
MAX_ROW_DENOMINATOR = 10**9
#: work of the exact counter: a second or two
MAX_RESTRICTIONS = 20_000


def integer_rows(rows: ArrayLike) -> list[list[int]] | None:
    """Read the rows as exact Python integers; None if some entry is not an integer.

    Examples
    --------
    >>> integer_rows([[1.0, 2.0]]), integer_rows([[0.5]])
    ([[1, 2]], None)
    """
    array = np.asarray(rows)
    if array.dtype.kind not in "iub" and not np.array_equal(array, np.rint(array)):
        return None
    return [[int(x) for x in row] for row in array.tolist()]


def rational_rows(rows: ArrayLike) -> list[list[int]] | None:
    """Read floats as the fractions they round, each row multiplied by its common denominator.

    None if some entry is not, to within rounding, a fraction with a denominator of at most 10,000, or if a row's
    common denominator exceeds 10^9. Scaling a row does not change its hyperplane.

    Examples
    --------
    >>> rational_rows([[1 / 3, 0.5], [2.0, 0.1]])
    [[2, 3], [20, 1]]
    >>> rational_rows([[2**0.5]]) is None
    True
    """
    found = []
    for row in np.asarray(rows, dtype=np.float64):
        fractions = _fractions(row)
        if fractions is None:
            return None
        denominator = lcm(*(f.denominator for f in fractions))
        if denominator > MAX_ROW_DENOMINATOR:
            return None
        found.append([int(f * denominator) for f in fractions])
    return found


def _fractions(row: NDArray[np.float64]) -> list[Fraction] | None:
    """Nearest simple fractions, None if some entry is not one to within two units in the last place."""
    fractions = [Fraction(x).limit_denominator(MAX_DENOMINATOR) for x in row.tolist()]
    exact = np.array([float(f) for f in fractions])
    return fractions if (np.abs(exact - row) <= 2 * EPS * np.abs(row)).all() else None


def certify_count(
    rows: ArrayLike, hyperplanes: int, count: int, zero_tests: ZeroTests, budget: Budget | None = None
) -> tuple[bool, str]:
    """Decide whether `count` cells of the distinct `hyperplanes` of `rows`, found with `zero_tests`, are certified.

    Returns the answer and its reason. When the budget ends, the count stays uncertified.
    """
    integers = integer_rows(rows)
    # integer rows are known exactly, so whether two are parallel is decided exactly
    merged = integers is None or len(canonical(integers)) == hyperplanes
    if zero_tests.clear and merged:
        if zero_tests.zero == 0.0:
            return True, f"every determinant is nonzero beyond its error bound ({zero_tests.text})"
        return True, f"a wide gap separates zero from nonzero: {zero_tests.text}"
    doubt = f"no clear gap between zero and nonzero ({zero_tests.text})"
    kind = "integer"
    if integers is None:
        integers, kind = rational_rows(rows), "rational"
    if integers is None:
        return False, doubt
    try:
        exact = exact_count(integers, max_restrictions=MAX_RESTRICTIONS, **limits(budget))
    except SizeError:
        return False, f"{doubt}, and exact {kind} arithmetic would take too long"
    except Interrupted as stop:
        return False, f"{doubt}, and exact {kind} arithmetic was stopped: {stop.status.value}"
    if exact == count:
        return True, f"exact {kind} arithmetic gives the same count; {doubt}"
    return False, f"exact {kind} arithmetic gives {exact} patterns instead; {doubt}"
