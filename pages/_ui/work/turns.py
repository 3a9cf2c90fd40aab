"""Taking turns: one computation at a time, and those who wait are served in turn, whoever of them asks most.

A semaphore lets anybody in, and one visitor with many requests as often as all the others together. Here the next turn
belongs to the visitor whose last one is longest ago; among those, to the request that has waited longest.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

__all__ = ["Turns"]

#: Seconds between two looks of one who waits.
LOOK_SECONDS = 0.1
#: Visitors whose last turn is remembered; one who is forgotten counts as new.
MAX_REMEMBERED = 1_000


@dataclass(eq=False, slots=True)
class _Request:
    """One who waits."""

    who: str


class Turns:
    """One place, and a queue in front of it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[_Request] = []
        self._taken = False
        self._turn = 0
        self._last: OrderedDict[str, int] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many visitors wait."""
        with self._changed:
            return len({request.who for request in self._queue})

    def share(self, limit: float, least: float) -> float:
        """Seconds of `limit` for a turn that begins now, so that all who wait have one within it.

        Each has at least `least` of them.
        """
        return max(min(limit, least), limit / (1 + self.waiting))

    @contextmanager
    def turn(self, who: str, leaves: Callable[[], bool] = lambda: False) -> Iterator[bool]:
        """Wait for a turn of the visitor `who`, and have it; false if one who waits `leaves` before."""
        has = self._take(who, leaves)
        try:
            yield has
        finally:
            if has:
                with self._changed:
                    self._taken = False
                    self._changed.notify_all()

    def _take(self, who: str, leaves: Callable[[], bool]) -> bool:
        mine = _Request(who)
        with self._changed:
            self._queue.append(mine)
        try:
            while True:
                with self._changed:
                    if not self._taken and self._next() is mine:
                        self._taken = True
                        self._turn += 1
                        self._last[who] = self._turn
                        self._last.move_to_end(who)
                        while len(self._last) > MAX_REMEMBERED:
                            self._last.popitem(last=False)
                        return True
                    self._changed.wait(LOOK_SECONDS)
                if leaves():
                    return False
        finally:
            with self._changed:
                self._queue.remove(mine)
                self._changed.notify_all()

    def _next(self) -> _Request:
        # the queue is in the order of arrival, and min takes the first of equals
        return min(self._queue, key=lambda request: self._last.get(request.who, 0))
