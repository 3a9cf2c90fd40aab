"""Whether a count may be believed: by the zero tests, or by exact arithmetic on integer rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..errors import SizeError
from .exact import canonical, exact_count
from .reads import Reads

__all__ = ["Verdict", "integer_rows", "verdict"]


Verdict = tuple[bool, str]


def integer_rows(rows: ArrayLike) -> list[list[int]] | None:
    """Read the rows as exact Python integers; None if some entry is not an integer."""
    array = np.asarray(rows)
    if array.dtype.kind not in "iub" and not np.array_equal(array, np.rint(array)):
        return None
    return [[int(x) for x in row] for row in array.tolist()]


def verdict(rows: ArrayLike, hyperplanes: int, count: int, reads: Reads) -> Verdict:
    """Decide whether `count` cells of the distinct `hyperplanes` of `rows`, found with `reads`, are certified.

    Returns the answer and its reason.
    """
    integers = integer_rows(rows)
    # integer rows are known exactly, so whether two are parallel is decided exactly
    merged = integers is None or len(canonical(integers)) == hyperplanes
    if reads.clear and merged:
        if reads.zero == 0.0:
            return True, f"every determinant is nonzero beyond its error bound ({reads.text})"
        return True, f"a wide gap separates zero from nonzero: {reads.text}"
    doubt = f"no clear gap between zero and nonzero ({reads.text})"
    if integers is None:
        return False, doubt
    try:
        exact = exact_count(integers)
    except SizeError:
        return False, f"{doubt}, and exact integer arithmetic would take too long"
    if exact == count:
        return True, f"exact integer arithmetic gives the same count; {doubt}"
    return False, f"exact integer arithmetic gives {exact} patterns instead; {doubt}"
