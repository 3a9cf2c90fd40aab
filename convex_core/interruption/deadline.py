"""Computations that are left when their time is up, whatever they are doing then.

A loop can look at the clock; one factorisation, one iteration of an interior-point method, one kernel or the
compilation of a model cannot, and any of them may take longer than all the time there is. So a computation with a time
limit or a cancel flag runs in a thread of its own. Soon after the limit its caller goes on without it, with what had
been noted down; the thread ends at its own next look at the budget, and nobody hears of it any more.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from weakref import WeakSet

from ..errors import Interrupted
from ..numerics.jit import tell
from ..progress import Budget, CancelFlag, Progress

__all__ = ["still_running", "within"]

_T = TypeVar("_T")

# seconds between two looks at the cancel flag, and for which a late computation is waited for: it usually ends by
# itself, with a better answer than what had been noted down
_LOOK = 0.05
_GRACE = 0.12
# of the grace of the computation around it, for one inside another
_INNER = 0.4


# threads that were left, as long as they run
_left: WeakSet[threading.Thread] = WeakSet()


def still_running() -> bool:
    """Whether a computation that was left goes on, inside a call that cannot be ended."""
    return any(thread.is_alive() for thread in list(_left))


@atexit.register
def _wait() -> None:
    """Clarabel aborts the process when its callback finds no interpreter any more: what was left must end before."""
    for thread in list(_left):
        thread.join()


class _Left:
    """The cancel flag of a computation, which is set too once nobody waits for it any more."""

    def __init__(self, outer: CancelFlag | None) -> None:
        self.outer = outer
        self.left = False
        self.grace: float = _INNER * outer.grace if isinstance(outer, _Left) else _GRACE

    def is_set(self) -> bool:
        return self.left or (self.outer is not None and self.outer.is_set())


def within(budget: Budget, work: Callable[[Budget], _T]) -> _T:
    """The answer of ``work(budget)``, whose budget is like the given one.

    Progress is reported in the caller's thread. What `work` changes besides must be of no use to anybody else.

    Raises
    ------
    Interrupted
        If there is no answer soon after the budget's end.

    Examples
    --------
    >>> within(Budget(time_limit=60.0), lambda budget: budget.stop() is None)
    True
    """
    if budget.time_limit is None and budget.cancel is None:
        return work(budget)
    flag = _Left(budget.cancel)
    news: SimpleQueue[Any] = SimpleQueue()

    def forward(report: Progress) -> None:
        heard = threading.Event()
        news.put((report, heard))
        while not heard.wait(_LOOK):
            if flag.left:
                return

    inner = replace(budget, cancel=flag, progress=None if budget.progress is None else forward)

    def run() -> None:
        tell(inner)  # kernels are compiled in this thread
        try:
            answer: tuple[Any, BaseException | None] = work(inner), None
        except BaseException as error:  # handed to the caller, whatever it is
            answer = None, error
        news.put(answer)

    thread = threading.Thread(target=copy_context().run, args=(run,), name="within a budget", daemon=True)
    thread.start()
    ended: float | None = None
    try:
        while True:
            try:
                first, second = news.get(timeout=min(_LOOK, max(budget.remaining, 0.2 * flag.grace)))
            except Empty:
                stop = budget.stop()
                if stop is not None:
                    ended = budget.seconds if ended is None else ended
                    if budget.seconds >= ended + flag.grace:
                        raise Interrupted("the computation was left at the end of its time", status=stop) from None
                continue
            if not isinstance(first, Progress):
                break
            try:
                if budget.progress is not None:
                    budget.progress(first)
            finally:
                second.set()
    except BaseException:
        _left.add(thread)
        raise
    finally:
        flag.left = True
    if second is not None:
        raise second
    answer: _T = first
    return answer
