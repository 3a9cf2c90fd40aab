"""Sign patterns one chunk at a time, for arrangements that do not fit in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._threads import available_cores
from ..errors import Interrupted
from ..progress import Budget
from ..validation import finite_array, frozen, integer
from .certify import verdict
from .counts import total
from .nbc import Half, first_pattern, run_task, tasks, words_per_pattern
from .nbc_numpy import batches_numpy
from .patterns import unpack_active
from .rows import MergedRows, PreparedRows, prepare_rows
from .search import Engine, use_numba

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

    def __init__(
        self, rows: ArrayLike, prepared: PreparedRows, chunk: int, budget: Budget | None, engine: Engine
    ) -> None:
        self.rows = frozen(finite_array(rows, "rows", ndim=2))
        self.merged: MergedRows = prepared.merged
        self.count = 0
        self.certified = False
        self.certified_reason = "not every pattern was visited"
        self._given = rows
        self._prepared = prepared
        self._chunk = chunk
        self._numba = use_numba(engine)
        self._budget = budget

    def __iter__(self) -> Iterator[NDArray[np.bool_]]:
        prepared = self._prepared
        self.count, self.certified = 0, False
        reads = prepared.reads
        half = 0
        step = self._chunk // 2
        if self._numba:
            parts = _compiled(prepared, step, self._budget)
        else:
            parts = batches_numpy(prepared, fill=True, budget=self._budget)
        for part in parts:
            reads |= part.reads
            half += part.count
            self.count = total(half, prepared.rank)
            for start in range(0, part.count, step):
                assert part.bits is not None
                bits = part.bits[start : start + step]
                both = np.concatenate([bits, ~bits]) if prepared.rank else bits
                yield unpack_active(both, self.merged)
        self.certified, self.certified_reason = verdict(self._given, prepared.n, self.count, reads, self._budget)


def _compiled(prepared: PreparedRows, target: int, budget: Budget | None) -> Iterator[Half]:
    """Run the tasks in order, a few ahead of the reader."""
    first = first_pattern(prepared)
    yield Half(first.bits, 1, first.reads)
    words = words_per_pattern(prepared.n)
    levels = {k: prepared.level(k) for k in range(2, prepared.rank + 1)}
    flag = np.zeros(1, dtype=np.uint8)
    workers = available_cores()
    waiting: deque[Future[Half]] = deque()
    todo = tasks(prepared.n, prepared.rank, max(1, target))
    with ThreadPoolExecutor(workers) as pool:
        try:
            while True:
                for task in todo:
                    room = np.empty((task.size, words), dtype=np.uint64)
                    waiting.append(pool.submit(run_task, prepared.n, task, levels[task.k], True, task.size, room, flag))
                    if len(waiting) > workers:
                        break
                if not waiting:
                    return
                if budget is not None and (status := budget.stop()) is not None:
                    raise Interrupted("the enumeration of sign patterns was stopped", status=status)
                yield waiting.popleft().result()
        finally:
            flag[0] = 1


def stream_patterns(
    rows: ArrayLike,
    *,
    chunk: int = 1 << 16,
    seed: int = 0,
    budget: Budget | None = None,
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
    budget : Budget or None
        Time limit, cancel flag.
    engine : {"auto", "numba", "numpy"}
        Compiled kernels when numba is there, or one of the two.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix.
    Interrupted
        While iterating, if the budget ends first.

    Examples
    --------
    >>> stream = stream_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], chunk=4)
    >>> sum(len(active) for active in stream), stream.count, stream.certified
    (6, 6, True)
    """
    chunk = integer(chunk, "chunk", minimum=2)
    return PatternStream(rows, prepare_rows(rows, seed=seed), chunk, budget, engine)
