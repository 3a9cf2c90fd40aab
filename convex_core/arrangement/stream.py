"""Sign patterns one chunk at a time, for arrangements that do not fit in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.validation import finite_array, frozen, integer
from ..numerics.threads import available_cores
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget
from .engines import Engine, use_numba
from .enumeration.batches import batches_numpy
from .enumeration.tasks import Half, first_pattern, run_task, tasks
from .patterns import unpack_active
from .rows import MergedRows, PreparedRows, prepare_rows
from .zero_tests import certify_count

__all__ = ["PatternStream", "stream_patterns"]


class PatternStream:
    """Iterator over chunks of activations; each chunk holds some patterns and then their antipodes.

    Memory is that of a few chunks, whatever the number of patterns. Iterating again starts again.

    Attributes
    ----------
    rows : ndarray (N, h)
        The rows as given.
    merged : MergedRows
        The M distinct hyperplanes and the map from rows to them.
    count : int
        Patterns seen so far; the number P after the last chunk.
    certified : bool
        Whether the enumeration is complete and certain, for the reason `certified_reason`.
    certified_reason : str
        Why, or why not.
    """

    def __init__(self, rows: ArrayLike, *, chunk: int, seed: int, budget: Budget, engine: Engine) -> None:
        self.rows = frozen(finite_array(rows, "rows", ndim=2))
        self._prepared: PreparedRows = prepare_rows(self.rows, seed=seed)
        self.merged: MergedRows = self._prepared.merged
        self.count = 0
        self.certified = False
        self.certified_reason = "not every pattern was visited"
        self._given = rows
        self._chunk = chunk
        self._numba = use_numba(engine)
        self._budget = budget

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        prepared = self._prepared
        self.count, self.certified = 0, False
        zero_tests = prepared.zero_tests
        half = 0
        step = self._chunk // 2
        if self._numba:
            parts = _compiled(prepared, step, self._budget)
        else:
            parts = batches_numpy(prepared, fill=True, budget=self._budget)
        for part in parts:
            zero_tests |= part.zero_tests
            half += part.count
            self.count = prepared.cells(half)
            self._budget.report("patterns", f"{self.count:,} sign patterns")
            for start in range(0, part.count, step):
                assert part.bits is not None
                bits = part.bits[start : start + step]
                both = np.concatenate([bits, ~bits]) if prepared.rank else bits
                yield unpack_active(both, self.merged)
        self.certified, self.certified_reason = certify_count(
            self._given, prepared.n, self.count, zero_tests, self._budget
        )


def _compiled(prepared: PreparedRows, target: int, budget: Budget) -> Iterator[Half]:
    """Run the tasks in order, a few ahead of the reader."""
    first = first_pattern(prepared)
    yield Half(first.bits, 1, first.zero_tests)
    levels = {k: prepared.level(k) for k in range(2, prepared.rank + 1)}
    flag = np.zeros(1, dtype=np.uint8)
    workers = available_cores()
    waiting: deque[Future[Half]] = deque()
    todo = tasks(prepared.n, prepared.rank, max(1, target))
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                for task in todo:
                    room = np.empty((task.size, prepared.words), dtype=np.uint64)
                    waiting.append(pool.submit(run_task, prepared.n, task, levels[task.k], True, task.size, room, flag))
                    if len(waiting) > workers:
                        break
                if not waiting:
                    return
                budget.check("the enumeration of sign patterns was stopped")
                yield waiting.popleft().result()
        finally:
            flag[0] = 1


@takes_budget
def stream_patterns(
    rows: ArrayLike,
    *,
    chunk: int = 1 << 16,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    engine: Engine = "auto",
) -> PatternStream:
    """Visit every sign pattern of `rows` (N, h) without storing them all.

    Parameters
    ----------
    rows : array_like (N, h)
        Normals of hyperplanes through the origin.
    chunk : int
        Largest number of patterns in a chunk, antipodes included; at least 2.
    seed : int
        Seed of the random rotation; it decides the order of the patterns, not the set.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`.
    engine : {"auto", "numba", "numpy"}
        Compiled kernels when numba is there, or one of the two.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix.
    Interrupted
        While iterating, if the time since the call is up, or on cancelling.

    Examples
    --------
    >>> stream = stream_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], chunk=4)
    >>> sum(len(active) for active in stream), stream.count, stream.certified
    (6, 6, True)
    """
    chunk = integer(chunk, "chunk", minimum=2)
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    return PatternStream(rows, chunk=chunk, seed=seed, budget=budget, engine=engine)
