"""How many sign patterns, counted exactly and none of them stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..contracts.validation import finite_array, integer
from ..errors import SizeError
from ..numerics.jit import clock
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget, within
from .engines import Engine, enumerate_half, use_numba
from .rows import closed_form, fewest_cells, prepare_rows
from .zero_tests import ZeroTests, certify_count

__all__ = ["PatternCount", "count_patterns"]


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
    patterns = prepared.cells(half.count)
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
