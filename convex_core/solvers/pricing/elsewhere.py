"""The parts of a proof in an executor: processes, or the workers of a cluster, which hear of nothing but their part.

A part is plain data and a number of nodes, so that it takes a second or so wherever it is searched; what it leaves
open comes back and is dealt out again, with the best value known by then. A part that is lost, with its worker or on
its way, is searched here. Nothing of a proof depends on who searched a part: the bound is the same, whoever dies.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...contracts.validation import with_article
from ...errors import InputError
from ...progress import Budget

__all__ = ["Elsewhere", "check_executor", "dealt"]

_Halt = NDArray[np.bool_]
_Chunk = TypeVar("_Chunk")
_Answer = TypeVar("_Answer")

# seconds between two looks at the budget
_LOOK = 0.05


def check_executor(executor: Any) -> None:
    """Raise :class:`InputError` for what cannot run the parts of a proof.

    Examples
    --------
    >>> check_executor(3)
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: executor: got an int, expected a concurrent.futures.Executor, as dask's \
Client.get_executor()
    """
    if not callable(getattr(executor, "submit", None)):
        raise InputError(
            f"executor: got {with_article(type(executor).__name__)}, expected a concurrent.futures.Executor, as dask's "
            "Client.get_executor()"
        )


@dataclass(slots=True)
class Elsewhere:
    """Parts in an executor of the caller's, which stays open.

    Attributes
    ----------
    executor : Executor
        As :mod:`concurrent.futures` has it.
    pool : ThreadPoolExecutor
        Searches here what the executor lost.
    lost : int
        Parts that it has lost so far.
    """

    executor: Executor
    pool: ThreadPoolExecutor
    lost: int = field(default=0)

    def run(
        self, work: Callable[[_Chunk, _Halt], _Answer], chunks: Sequence[_Chunk], budget: Budget
    ) -> list[_Answer | None]:
        """``work(chunk, halt)`` of every chunk, in their order; None for those not done when the budget ended.

        `work` is a function of a module, and what `halt` means is up to it: that time is up.
        """
        found: list[_Answer | None] = [None] * len(chunks)
        running: dict[Future[_Answer], int] = {}
        lost: list[int] = []
        for place, chunk in enumerate(chunks):
            try:
                running[self.executor.submit(_within, work, chunk, budget.remaining)] = place
            except Exception:  # broken, shut down, or a chunk that it cannot send
                lost.append(place)
        while running and budget.stop() is None:
            wait(running, _LOOK, FIRST_COMPLETED)
            for future in [future for future in running if future.done()]:  # a cancelled one may never be told
                place = running.pop(future)
                try:
                    found[place] = future.result()
                except BaseException as error:  # a cancelled one is no Exception; a mistake of ours fails here again
                    if isinstance(error, (KeyboardInterrupt, SystemExit)):
                        raise
                    lost.append(place)
        for future in running:
            future.cancel()
        if lost and budget.stop() is None:
            self.lost += len(lost)
            budget.report("certify", f"the executor lost {len(lost)} of {len(chunks)} parts: they are searched here")
            for place, answer in zip(lost, self._here(work, [chunks[place] for place in lost], budget), strict=True):
                found[place] = answer
        return found

    def _here(
        self, work: Callable[[_Chunk, _Halt], _Answer], chunks: Sequence[_Chunk], budget: Budget
    ) -> list[_Answer]:
        halt = np.zeros(1, dtype=bool)
        running = [self.pool.submit(work, chunk, halt) for chunk in chunks]
        try:
            while wait(running, timeout=_LOOK).not_done:
                halt[0] = budget.stop() is not None
        finally:
            halt[0] = True
        return [task.result() for task in running]


def _within(work: Callable[[Any, _Halt], Any], chunk: Any, seconds: float) -> Any:
    """What a worker runs: it is told to stop when the time that was left is over."""
    halt = np.zeros(1, dtype=bool)
    if not np.isfinite(seconds):
        return work(chunk, halt)
    timer = threading.Timer(seconds, halt.fill, (True,))
    timer.daemon = True
    timer.start()
    try:
        return work(chunk, halt)
    finally:
        timer.cancel()


def dealt(count: int, most: int) -> list[NDArray[np.intp]]:
    """`count` things as cards to at most `most` hands.

    Examples
    --------
    >>> [hand.tolist() for hand in dealt(5, 2)]
    [[0, 2, 4], [1, 3]]
    """
    hands = min(count, most)
    return [np.arange(hand, count, hands) for hand in range(hands)]
