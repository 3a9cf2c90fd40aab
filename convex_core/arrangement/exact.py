"""Exact characteristic polynomial of an integer arrangement by deletion and restriction, no floating point.

For a hyperplane H of an arrangement A, ``chi(A) = chi(A without H) - chi(A restricted to H)``, and the number
of cells is ``(-1)^h chi(-1)`` (Zaslavsky 1975), the sum of the absolute coefficients. Restrictions repeat, so
they are stored. Independent of the enumeration; it decides where floating point cannot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd

from ..errors import SizeError
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget

__all__ = ["canonical", "characteristic_polynomial", "exact_count", "exact_rank", "stored_rows"]

_Row = tuple[int, ...]
_Rows = tuple[_Row, ...]

# restrictions between two reports
_REPORTED = 1000


@takes_budget
def characteristic_polynomial(
    rows: Sequence[Sequence[int]],
    *,
    max_restrictions: int = 200_000,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> list[int]:
    """Coefficients of chi(t) of the central arrangement of integer `rows` (N, h), from t^h down to t^0.

    Zero rows are ignored and parallel ones merged.

    Parameters
    ----------
    rows : sequence of sequences of int
        Normals; any size, Python integers.
    max_restrictions : int
        Number of different restrictions after which to give up.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`.

    Raises
    ------
    SizeError
        If more than `max_restrictions` restrictions arise.
    Interrupted
        If the time is up first, or on cancelling.

    Examples
    --------
    >>> characteristic_polynomial([[1, 0], [0, 1], [1, 1], [2, 2]])
    [1, -3, 2]
    """
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    memo: dict[_Rows, list[int]] = {}

    def chi(arrangement: _Rows, h: int) -> list[int]:
        if len(arrangement) <= 1:
            return [1, -len(arrangement)] + [0] * (h - 1) if h else [1]
        if h == 2:
            return [1, -len(arrangement), len(arrangement) - 1]
        known = memo.get(arrangement)
        if known is not None:
            return known
        total = [1, -1] + [0] * (h - 1)
        for m in range(1, len(arrangement)):
            budget.check("the exact count of sign patterns was stopped")
            smaller = chi(_restrict(arrangement[:m], arrangement[m]), h - 1)
            for t, value in enumerate(smaller):
                total[t + 1] -= value
        if len(memo) >= max_restrictions:
            raise SizeError(
                f"max_restrictions: got more than {max_restrictions}, expected a smaller arrangement",
                predicted=len(memo) + 1,
                limit=max_restrictions,
            )
        memo[arrangement] = total
        if len(memo) % _REPORTED == 0:
            budget.report("patterns", f"{len(memo):,} restrictions", fraction=len(memo) / max_restrictions)
        return total

    normals = [tuple(int(x) for x in row) for row in rows]
    return chi(canonical(normals), len(normals[0]) if normals else 0)


@takes_budget
def exact_count(
    rows: Sequence[Sequence[int]],
    *,
    max_restrictions: int = 200_000,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> int:
    """Exact number of cells of the central arrangement of integer `rows` (N, h).

    Parameters
    ----------
    rows, max_restrictions, time_limit, cancel, progress
        As in :func:`characteristic_polynomial`.

    Raises
    ------
    SizeError
        If more than `max_restrictions` restrictions arise.
    Interrupted
        If the time is up first, or on cancelling.

    Examples
    --------
    >>> exact_count([[1, 0], [0, 1], [1, 1]])
    6
    """
    coefficients = characteristic_polynomial(
        rows, max_restrictions=max_restrictions, time_limit=time_limit, cancel=cancel, progress=progress
    )
    return sum(map(abs, coefficients))


def canonical(rows: Iterable[Sequence[int]]) -> _Rows:
    """Primitive normals with positive leading entry, sorted, without zero rows and repetitions."""
    distinct = set()
    for row in rows:
        divisor = gcd(*row)
        if divisor == 0:
            continue
        if next(x for x in row if x) < 0:
            divisor = -divisor
        distinct.add(tuple(x // divisor for x in row))
    return tuple(sorted(distinct))


def stored_rows(rows: Iterable[Iterable[float]]) -> list[_Row]:
    """Read floats as the binary fractions that they are, each row multiplied by a power of two.

    Examples
    --------
    >>> stored_rows([[0.5, 3.0], [-2.0, 0.0]])
    [(1, 6), (-2, 0)]
    """
    found = []
    for row in rows:
        ratios = [float(x).as_integer_ratio() for x in row]
        largest = max((d for _, d in ratios), default=1)
        found.append(tuple(n * (largest // d) for n, d in ratios))
    return found


def exact_rank(rows: Iterable[Sequence[int]]) -> int:
    """Rank of integer rows.

    Examples
    --------
    >>> exact_rank([[1, 2, 3], [2, 4, 6], [1, 0, 0]])
    2
    """
    left, rank = canonical(rows), 0
    while left:
        left, rank = _restrict(left, left[0]), rank + 1
    return rank


def _restrict(rows: _Rows, normal: _Row) -> _Rows:
    """Restriction of `rows` to the hyperplane of `normal`: eliminate its first nonzero coordinate."""
    p = next(i for i, x in enumerate(normal) if x)
    pivot = normal[p]
    kept = [i for i in range(len(normal)) if i != p]
    return canonical(tuple(pivot * row[i] - row[p] * normal[i] for i in kept) for row in rows)
