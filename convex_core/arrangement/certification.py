"""Whether a count may be believed: by the zero tests, or by exact arithmetic on integer or rational rows."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import Interrupted, SizeError
from ..progress import Budget, limits
from .exact import canonical, exact_count
from .zero_tests import EPS, ZeroTests

__all__ = ["certify_count", "integer_rows", "rational_rows"]

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
