"""One sign pattern per no-broken-circuit set: the cells of a central arrangement without linear programs.

For rows a_0, ..., a_{n-1} of rank r, half the number of cells of {u : a_j.u != 0 for all j} is the number of
no-broken-circuit (NBC) sets that contain row 0 (Whitney; Zaslavsky 1975). Each such set gives one cell on the
positive side of row 0, and different sets different cells:

Truncate to rank k (the first k coordinates after a random rotation), let c = e_k and let B = {0 = b_1 < ... <
b_k} be an NBC basis of the truncation, c = sum_i lam_i a_{b_i} and a_j = sum_i alpha_ji a_{b_i}. The signs of
the cell are

    sign of b_i      = sign(lam_i) sign(lam_1)
    sign of j not in B = (sign of b_m) sign(alpha_jm),  m the smallest index with alpha_jm != 0.

*Realisable*: u = sum_i t_i s_i a_{b_i}^*, with the dual basis a^* and t_1 >> t_2 >> ... > 0, has these signs.
*Injective*: on the cell c.u = sum |lam_i| s_i a_{b_i}.u > 0 up to the common sign, and the ray s_1 a_{b_1}^*
is the only maximiser of s_1 a_{b_1}.u / c.u; so the flat of B without b_1 is recovered from the cell, then by
induction B. The numbers agree, so the map is a bijection. No general position is assumed.

The search chooses b_k, b_{k-1}, ... by Gauss-Jordan steps shared by all sets above, dropping a branch as soon
as a smaller row depends on the chosen ones. When two are left to choose, b_1 = 0 is fixed and the candidates
for b_2 are lines in a plane: sorted by angle, with parallel ones in one group, each group is one cell, whose signs
are comparisons of angles.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record
from ...numerics.jit import compiling
from ...numerics.threads import available_cores
from ...progress import Budget
from ..rows import PreparedRows
from ..zero_tests import ZeroTests
from .kernel import NOTHING_READ, subtree

__all__ = [
    "First",
    "Half",
    "Task",
    "first_pattern",
    "run_task",
    "run_tasks",
    "tasks",
]

#: pieces of the search hold about this many cells (of one half), but there are not many more than MAX_TASKS
TASK_SIZE = 1 << 14
MAX_TASKS = 100
#: below this many cells a second thread costs more than it saves
PARALLEL_SIZE = 1 << 15
#: columns of the kernel's arrays are a multiple of this
_LINE = 8

Level = tuple[NDArray[np.float64], NDArray[np.float64]]


@record
@dataclass(frozen=True, slots=True)
class Half:
    """One of each pair of antipodal cells: packed patterns (None when only counted), number, zero tests.

    `sizes` are the numbers per task, where there were tasks.
    """

    bits: NDArray[np.uint64] | None
    count: int
    zero_tests: ZeroTests
    sizes: list[int] | None = None


class First(NamedTuple):
    """One packed pattern (1, words) and the zero tests behind it."""

    bits: NDArray[np.uint64]
    zero_tests: ZeroTests


@record
@dataclass(frozen=True, slots=True)
class Task:
    """Bases of the truncation to rank `k` whose largest rows are `prefix` and whose next row is in [lo, hi).

    `size` bounds their number; it is exact in general position.
    """

    k: int
    prefix: tuple[int, ...]
    lo: int
    hi: int
    size: int


def tasks(n: int, rank: int, target: int | None = None) -> Iterator[Task]:
    """Split the search over n rows (without the set {0}) into tasks of about `target` cells."""
    if target is None:
        target = max(TASK_SIZE, sum(math.comb(n - 1, t) for t in range(rank)) // MAX_TASKS)
    for k in range(2, rank + 1):
        yield from _split(n, k, (), target)


def _split(n: int, k: int, prefix: tuple[int, ...], target: int) -> Iterator[Task]:
    p = len(prefix)
    hi = prefix[-1] if prefix else n
    if k - p == 2:  # nothing left to choose by pivots: the task is the plane itself
        if p == 0:
            yield Task(k, prefix, 1, hi, hi - 1)
        return
    start, size = k - p - 1, 0
    for i in range(k - p - 1, hi):
        here = math.comb(i - 1, k - 2 - p)
        if here > target and k - p > 3:
            if size:
                yield Task(k, prefix, start, i, size)
            yield from _split(n, k, (*prefix, i), target)
            start, size = i + 1, 0
            continue
        size += here
        if size >= target:
            yield Task(k, prefix, start, i + 1, size)
            start, size = i + 1, 0
    if size:
        yield Task(k, prefix, start, hi, size)


def first_pattern(prepared: PreparedRows) -> First:
    """Decode the set {0}: the truncation to rank 1."""
    bits = np.zeros((1, prepared.words), dtype=np.uint64)
    if prepared.rank == 0:
        return First(bits, ZeroTests())
    values = prepared.coordinates[:, 0]
    positive = np.flatnonzero((values > 0) == (values[0] > 0))
    np.bitwise_or.at(bits[0], positive >> 6, np.uint64(1) << (positive & 63).astype(np.uint64))
    # the truncation is generic: nothing may be read as zero here
    return First(bits, ZeroTests(0.0, float(np.abs(values).min() / prepared.error)))


@functools.cache
@compiling()
def load_kernels() -> None:
    """Compile the kernels or load them from the cache, once per process, by a run on three rows."""
    level = (np.eye(3, 4), np.zeros(4))
    run_task(3, Task(3, (), 2, 3, 1), level, True, 1, np.zeros((1, 1), np.uint64), np.zeros(1, np.uint8))


def run_tasks(
    prepared: PreparedRows, *, fill: bool, limit: int, sizes: list[int] | None = None, budget: Budget | None = None
) -> Half:
    """Run all tasks and store the patterns in task order, or unless `fill` only count them.

    `sizes` is the room that each task may need, by default its bound. The cell of the set {0} comes first. Stops soon
    after the total exceeds `limit`.

    Raises
    ------
    Interrupted
        If the budget ends first.
    """
    todo = list(tasks(prepared.n, prepared.rank))
    first = first_pattern(prepared)
    # who counts needs no room: there may be more patterns than an int64 says
    rooms = [0] * len(todo)
    if fill:
        rooms = [task.size for task in todo] if sizes is None else sizes
    offsets = np.cumsum([1, *rooms], dtype=np.int64)
    # pages that no pattern reaches are never touched, so room for the bound costs address space only
    out = np.empty((int(offsets[-1]) if fill else 0, prepared.words), dtype=np.uint64)
    if fill:
        out[0] = first.bits
    levels = {k: prepared.level(k) for k in {task.k for task in todo}}
    flag = np.zeros(1, dtype=np.uint8)
    limit = min(limit, 2**62)  # an int64 for the kernel
    counts = [0] * len(todo)
    zero_tests = first.zero_tests
    total = 1
    running: dict[Future[Half], int] = {}
    queue = iter(range(len(todo)))
    work = max(1, sum(task.size for task in todo))
    workers = 1 if work < PARALLEL_SIZE else available_cores()
    finished = 0

    def submit(pool: ThreadPoolExecutor) -> None:
        for position in queue:
            task = todo[position]
            room = out[offsets[position] : offsets[position + 1]] if fill else out
            future = pool.submit(run_task, prepared.n, task, levels[task.k], fill, limit, room, flag)
            running[future] = position
            return

    with ThreadPoolExecutor(workers) as pool:
        try:
            for _ in range(2 * workers):
                submit(pool)
            while running and total <= limit:
                done, _ = wait(running, timeout=0.05, return_when=FIRST_COMPLETED)
                for future in done:
                    position = running.pop(future)
                    found = future.result()
                    counts[position] = found.count
                    total += found.count
                    finished += todo[position].size
                    zero_tests |= found.zero_tests
                    submit(pool)
                if budget is not None:
                    budget.check("the enumeration of sign patterns was stopped")
                    if done:
                        budget.report("patterns", f"{2 * total:,} sign patterns", fraction=finished / work)
        finally:
            flag[0] = 1
    return Half(_compact(out, offsets, counts) if fill else None, total, zero_tests, counts)


def _compact(out: NDArray[np.uint64], offsets: NDArray[np.int64], counts: list[int]) -> NDArray[np.uint64]:
    """Close the gaps between the tasks' patterns, in place."""
    end = 1
    for start, count in zip(offsets, counts, strict=False):
        if start != end:
            out[end : end + count] = out[start : start + count]
        end += count
    # the tail was never touched; a copy pays only when much was moved
    return out[:end] if 2 * end > len(out) else out[:end].copy()


def run_task(
    n: int, task: Task, level: Level, fill: bool, limit: int, out: NDArray[np.uint64], flag: NDArray[np.uint8]
) -> Half:
    """Run one task in the compiled kernel, with its own scratch memory; write to `out` (size, words) if `fill`.

    `level` is the truncation to rank ``task.k``; setting ``flag[0]`` from another thread ends the run early.
    """
    k, depths = task.k, task.k - 1
    width = -(-(n + 1) // _LINE) * _LINE
    T = np.zeros((depths, k + 2, width))
    T[0, :k, : n + 1], T[0, k, : n + 1] = level
    path = np.zeros((4, depths), dtype=np.int64)
    path[2], path[3] = k - 1 - np.arange(depths), n
    for depth, row in enumerate(task.prefix):
        path[2:, depth] = row, row + 1
    path[2:, len(task.prefix)] = task.lo, task.hi
    real = np.zeros((3, width))
    ints = np.zeros((2, width), dtype=np.int64)
    words = np.zeros((2 * k - 3, out.shape[1]), dtype=np.uint64)
    stats = np.array([0.0, NOTHING_READ, NOTHING_READ])
    found = subtree(T, n, path, fill, limit, out, real, ints, words, stats, flag)
    count = max(int(found), 0)
    smallest = float(stats[1:].min())
    zero_tests = ZeroTests(float(stats[0]), math.inf if smallest == NOTHING_READ else smallest)
    return Half(out[:count] if fill else None, count, zero_tests)
