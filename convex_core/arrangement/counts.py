"""How many sign patterns: the closed form in general position, the polynomial bound, and the exact count."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..contracts.validation import finite_array, integer
from ..errors import SizeError
from ..numerics.jit import clock
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget, within
from .engines import Engine, enumerate_half, use_numba
from .rows import merge_rows, prepare_rows
from .zero_tests import ZeroTests, certify_count

__all__ = ["PatternCount", "closed_form", "count_patterns", "fewest_cells", "pattern_bound", "polynomial_bound"]


def closed_form(n_rows: int, rank: int) -> int:
    """Count the sign patterns of `n_rows` hyperplanes through 0 of the given rank in general position.

    P = 2 sum_{t < rank} C(n_rows - 1, t) (Cover 1965), 1 without hyperplanes; an upper bound otherwise.

    Examples
    --------
    >>> closed_form(12, 10)
    4072
    """
    n_rows, rank = integer(n_rows, "n_rows", minimum=0), integer(rank, "rank", minimum=0)
    if n_rows == 0 or rank == 0:
        return 1
    term = cells = 1
    for t in range(1, min(rank, n_rows)):
        term = term * (n_rows - t) // t  # C(n_rows - 1, t)
        cells += term
    return 2 * cells


def fewest_cells(n_rows: int, rank: int) -> int:
    """The fewest cells that `n_rows` distinct hyperplanes through 0 of the given rank can have.

    A basis has 2^rank cells. Each further hyperplane is cut by the basis into an arrangement of rank - 1, with at least
    2^(rank - 1) cells, and every one of these divides a cell.

    Examples
    --------
    >>> fewest_cells(3, 2), closed_form(3, 2)
    (6, 6)
    """
    if n_rows == 0 or rank == 0:
        return 1
    cells: int = 2 ** (rank - 1) * (n_rows - rank + 2)
    return cells


def pattern_bound(rows: NDArray[np.float64]) -> int:
    """The closed form for the distinct hyperplanes of `rows` (N, h): an upper bound on their sign patterns.

    Examples
    --------
    >>> pattern_bound(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -2.0], [0.0, 0.0]]))
    4
    """
    merged = merge_rows(rows).rows
    return closed_form(len(merged), int(np.linalg.matrix_rank(merged)) if len(merged) else 0)


def polynomial_bound(n: int, K: int, r: int) -> float:
    """Bound the number of sign patterns by O((nK/r)^r), with its constants: 2 r (e (nK - 1) / r)^r.

    Polynomial in the number n of samples and K of patches for a fixed rank r <= h of the patch matrices.
    Valid for nK - 1 >= r; for fewer rows the trivial bound 2^(nK) is returned.

    Source: Pilanci & Ergen 2020; Ergen & Pilanci 2021, section 2.

    Examples
    --------
    >>> polynomial_bound(6, 2, 10) > closed_form(12, 10)
    True
    """
    n, K, r = integer(n, "n"), integer(K, "K"), integer(r, "r", minimum=0)
    if r == 0:
        return 1.0
    if n * K - 1 < r:
        return float(2 ** (n * K))
    exponent = math.log(2 * r) + r * (1.0 + math.log((n * K - 1) / r))
    return math.exp(exponent) if exponent < 700 else math.inf


@record
@dataclass(frozen=True, slots=True)
class PatternCount:
    """Number of sign patterns of the rows of a matrix.

    Attributes
    ----------
    rows, merged_rows, rank : int
        Rows N, distinct hyperplanes M among them, rank r.
    patterns : int
        Number of patterns P.
    closed_form : int
        P if the M hyperplanes were in general position; an upper bound.
    certified : bool
        Whether `patterns` is certain, for the reason `certified_reason`.
    max_zero, min_nonzero : float
        Largest value read as zero and smallest read as nonzero, scaled so that error bounds are 3.6e-15.
    seconds : float
        Wall-clock seconds, without compilation.
    """

    rows: int
    merged_rows: int
    rank: int
    patterns: int
    closed_form: int
    certified: bool
    certified_reason: str
    max_zero: float
    min_nonzero: float
    seconds: float


@takes_budget
def count_patterns(
    rows: ArrayLike,
    *,
    max_patterns: int | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    engine: Engine = "auto",
) -> PatternCount:
    """Count the sign patterns of `rows` (N, h) without storing them.

    Parameters
    ----------
    rows : array_like (N, h)
        Normals of hyperplanes through the origin; zero, parallel and dependent rows are welcome.
    max_patterns : int or None
        Give up beyond this number.
    seed : int
        Seed of the random rotation; the count does not depend on it.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`.
    engine : {"auto", "numba", "numpy"}
        Compiled kernels when numba is there, or one of the two.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix.
    SizeError
        If there are more than `max_patterns` patterns.
    Interrupted
        If the time is up first, or on cancelling.

    Examples
    --------
    >>> count_patterns([[1, 0], [0, 1], [1, 1], [2, 2], [0, 0]]).patterns
    6
    """
    use_numba(engine)  # compilation is not part of the seconds
    array = finite_array(rows, "rows", ndim=2)
    limit = None if max_patterns is None else integer(max_patterns, "max_patterns")
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    return within(budget, lambda inner: _count(array, limit, seed, inner, engine, rows))


def _count(
    array: NDArray[np.float64], most: int | None, seed: int, budget: Budget, engine: Engine, rows: ArrayLike
) -> PatternCount:
    started = clock()
    shape = array.shape
    prepared = prepare_rows(array, seed=seed)
    bound = closed_form(prepared.n, prepared.rank)
    limit = bound if most is None else most
    if fewest_cells(prepared.n, prepared.rank) > limit:
        raise _more_than(limit, bound)
    half = enumerate_half(prepared, fill=False, limit=min(limit, bound) // 2, budget=budget, engine=engine)
    patterns = total(half.count, prepared.rank)
    if patterns > limit:
        raise _more_than(limit, bound)
    zero_tests: ZeroTests = prepared.zero_tests | half.zero_tests
    certified, reason = certify_count(rows, prepared.n, patterns, zero_tests, budget)
    return PatternCount(
        rows=shape[0],
        merged_rows=prepared.n,
        rank=prepared.rank,
        patterns=patterns,
        closed_form=bound,
        certified=certified,
        certified_reason=reason,
        max_zero=zero_tests.max_zero,
        min_nonzero=zero_tests.min_nonzero,
        seconds=clock() - started,
    )


def _more_than(limit: int, bound: int) -> SizeError:
    message = f"max_patterns: got rows with more than {limit} sign patterns (at most {bound}), expected fewer"
    return SizeError(message, predicted=bound, limit=limit)


def total(half: int, rank: int) -> int:
    """Count patterns from antipodal pairs; without hyperplanes there is one pattern."""
    return 2 * half if rank else 1
