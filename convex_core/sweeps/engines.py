"""Where the tasks of a sweep run: here, in processes of our own, in any executor, or in joblib's backends.

Each engine is a generator of rows in the order in which they are finished. What it is asked to stop by ends it without
a row for what was going on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from concurrent.futures.process import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from ..contracts.validation import with_article
from ..errors import BackendError, InputError
from ..progress import Budget
from ..version import __version__
from .rows import FAILED, SweepRow
from .tasks import SweepTask
from .work import run_task, sentence

__all__ = ["here", "in_executor", "in_joblib", "in_processes", "one_of"]

Rows = Iterator[SweepRow]

# seconds between two looks at the budget
_LOOK = 0.1
# seconds that a worker gets to put down its task
_GRACE = 2.0
# a worker that is lost with a task alone in it, so often, is lost by the task; a pool that is lost before its first
# task, so often in a row, does not start
_TRIES = 2
# tasks that are sent to somebody else's executor ahead of their results: more than it has workers, and no whole sweep
_AHEAD = 1024
_START = (
    "the worker processes do not start, or end at once; in a script, what begins a sweep stands below "
    'if __name__ == "__main__":'
)


def one_of(executor: Any, workers: int) -> Callable[[Sequence[SweepTask], Budget], Rows]:
    """The engine for an executor; without one processes of our own, or this one if `workers` is 1.

    Raises
    ------
    InputError
        If it is nothing that can run tasks.
    """
    if executor is None:
        return here if workers == 1 else lambda tasks, budget: in_processes(tasks, budget, workers)
    if callable(getattr(executor, "submit", None)):
        return lambda tasks, budget: in_executor(tasks, budget, executor)
    if callable(executor) and hasattr(executor, "return_generator"):
        if not executor.return_generator:
            raise InputError(
                "executor: got a joblib.Parallel that returns a list, expected return_as='generator_unordered': rows "
                "are kept as they come"
            )
        return lambda tasks, budget: in_joblib(tasks, budget, executor)
    raise InputError(
        f"executor: got {with_article(type(executor).__name__)}, expected a concurrent.futures.Executor, as dask's "
        "Client.get_executor(), or a joblib.Parallel"
    )


@dataclass(frozen=True, slots=True)
class _Ended:
    """A cancel flag that is set when a budget has ended."""

    budget: Budget

    def is_set(self) -> bool:
        return self.budget.stop() is not None


def here(tasks: Sequence[SweepTask], budget: Budget) -> Rows:
    """One after the other in this process."""
    for task in tasks:
        row = None if budget.stop() else run_task(task, _Ended(budget))
        if row is None:
            return
        yield row


def in_executor(tasks: Sequence[SweepTask], budget: Budget, executor: Executor) -> Rows:
    """In an executor of the caller's, which stays open; what it has not begun when the budget ends is taken back.

    Raises
    ------
    BackendError
        If the executor breaks; the rows so far are there.
    """
    waiting = deque(tasks)
    lost = yield from _windowed(waiting, budget, lambda task: executor.submit(run_task, task), _AHEAD)
    if lost:
        raise BackendError(
            f"executor: got a broken {type(executor).__name__} with {len(lost) + len(waiting)} tasks left, expected "
            "one that runs; the rows so far are kept"
        )


def in_joblib(tasks: Sequence[SweepTask], budget: Budget, parallel: Any) -> Rows:
    """By a ``joblib.Parallel``, on the backend that it, or ``parallel_config``, has.

    Raises
    ------
    BackendError
        If a worker is lost; the rows so far are there.
    """
    from joblib import delayed

    found = parallel(delayed(run_task)(task) for task in tasks)
    try:
        for row in found:
            yield row
            if budget.stop():
                return
    except BrokenExecutor as error:
        raise BackendError(f"executor: got {sentence(error)}, expected workers that live") from error
    finally:
        found.close()


def in_processes(tasks: Sequence[SweepTask], budget: Budget, workers: int) -> Rows:
    """In fresh processes, which end with this one, however it ends.

    When one is killed the pool is broken, and nobody knows with which task. Those that were going on are suspects: each
    of them is tried alone, so that a task that takes its worker down gets a row that says so, and the others are not
    blamed for it.

    Python's pool may wait for ever for a worker that it begins while another one dies; ours end by themselves, when the
    pipe that each of them watches is closed.

    Raises
    ------
    BackendError
        If no worker starts.
    """
    waiting, suspects = deque(tasks), deque[SweepTask]()
    tries: Counter[str] = Counter()
    starts = 0
    while (waiting or suspects) and budget.stop() is None:
        alone = bool(suspects)
        try:
            lost = yield from _in_pool(suspects if alone else waiting, budget, 1 if alone else workers)
        except _NotStartedError as error:
            starts += 1
            if starts == _TRIES:
                raise BackendError(f"sweep: {_START}") from error
            continue
        starts = 0
        for task in lost:
            tries[task.key] += alone
            if tries[task.key] < _TRIES:
                suspects.append(task)
            else:
                yield _failed(task, f"the worker process was killed {_TRIES} times, alone with this task")


class _NotStartedError(Exception):
    """The pool was lost before its first task."""


def _in_pool(waiting: deque[SweepTask], budget: Budget, workers: int) -> Generator[SweepRow, None, Sequence[SweepTask]]:
    """Rows from one pool, until there is nothing left or it breaks; then what was going on."""
    context = multiprocessing.get_context("spawn")  # a fork would copy locks that our threads hold
    reader, writer = context.Pipe(duplex=False)
    workers = min(workers, len(waiting))
    try:
        with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(reader,)) as pool:
            try:
                try:
                    _sent(pool, _ready).result()
                except BrokenExecutor as error:
                    raise _NotStartedError from error
                return (yield from _windowed(waiting, budget, lambda task: _sent(pool, _run, task), workers))
            finally:
                writer.close()  # before the pool waits for them
    finally:
        reader.close()


def _sent(pool: Executor, work: Callable[..., Any], *args: Any) -> Future[Any]:
    """Submit to our own pool; a process that this starts never hears of Ctrl-C, which is for the driver."""
    if not hasattr(signal, "pthread_sigmask"):
        return pool.submit(work, *args)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT,))
    try:
        return pool.submit(work, *args)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _windowed(
    waiting: deque[SweepTask], budget: Budget, submit: Callable[[SweepTask], Future[SweepRow | None]], width: int
) -> Generator[SweepRow, None, Sequence[SweepTask]]:
    """Rows of what is submitted, `width` tasks at a time; the tasks that went down with the executor, if it broke."""
    running: dict[Future[SweepRow | None], SweepTask] = {}
    lost: list[SweepTask] = []
    try:
        while (waiting or running) and budget.stop() is None:
            while waiting and len(running) < width and not lost:
                try:
                    future = submit(waiting[0])
                except BrokenExecutor:
                    lost.append(waiting.popleft())
                    break
                running[future] = waiting.popleft()
            done, _ = wait(running, _LOOK, FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                try:
                    row = future.result()
                except BrokenExecutor:
                    lost.append(task)
                except CancelledError:
                    row = None
                except Exception as error:  # of the executor: what a task raises is a row already
                    yield _failed(task, sentence(error))
                else:
                    if row is not None:
                        yield row
            if lost and not running:
                return lost
    finally:
        for future in running:
            future.cancel()
    return lost


def _failed(task: SweepTask, why: str) -> SweepRow:
    return SweepRow(task.key, task.settings, FAILED, error=why, version=__version__)


# -- in a worker process


class _Left:
    """A cancel flag that is set when the driver closes its end of a pipe, as it does when it is killed too.

    Unlike a lock, a pipe cannot be left in a bad state by a worker that is killed while it looks.
    """

    def __init__(self, reader: Connection) -> None:
        self.reader = reader

    def is_set(self) -> bool:
        try:
            return self.reader.poll(0)
        except OSError:  # Windows says it so
            return True


_left: _Left | None = None


def _begin(reader: Connection) -> None:
    """Set up a worker: it hears of its driver's end."""
    global _left
    _left = _Left(reader)
    threading.Thread(target=_end_with_driver, args=(reader,), name="end with the driver", daemon=True).start()


def _end_with_driver(reader: Connection) -> None:
    try:
        reader.poll(None)
    finally:
        time.sleep(_GRACE)
        os._exit(1)  # inside a call that cannot be ended


def _ready() -> None:
    """Nothing, by which a worker shows that it is there."""


def _run(task: SweepTask) -> SweepRow | None:
    return run_task(task, _left)
