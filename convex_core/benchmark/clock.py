"""Wall-clock and processor seconds of one run; the latter say more on a machine that is busy with other work."""

from __future__ import annotations

import time
from typing import NamedTuple

__all__ = ["Clock", "Spent"]


class Spent(NamedTuple):
    """Seconds of one run: by the clock, and of all threads of this process together."""

    wall: float
    cpu: float


class Clock:
    """Runs from its construction.

    Examples
    --------
    >>> spent = Clock().spent()
    >>> 0.0 <= spent.wall < 1.0, 0.0 <= spent.cpu < 1.0
    (True, True)
    """

    def __init__(self) -> None:
        self._began = Spent(time.perf_counter(), time.process_time())

    def spent(self) -> Spent:
        """Seconds so far."""
        return Spent(time.perf_counter() - self._began.wall, time.process_time() - self._began.cpu)
