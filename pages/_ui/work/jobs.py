"""Background work that a visitor can watch and cancel, and that ends by itself when nobody watches any more.

The worker never calls Streamlit. It gets a :class:`Job` as its cancel flag: the flag is set by the Cancel button, and
also when the page has not polled for a few seconds, which is how a closed tab ends its work.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from convex_core.errors import ConvexCoreError

from . import visitor
from .turns import Turns

__all__ = ["HEARTBEAT_SECONDS", "Job", "gate"]

HEARTBEAT_SECONDS = 4.0
#: Reports kept for drawing; older ones go.
MAX_REPORTS = 600


#: Seconds that a job has at least of its limit, however many wait.
LEAST_SECONDS = 5.0


@st.cache_resource(show_spinner=False)
def gate(kind: Literal["live", "job"]) -> Turns:
    """One computation at a time that a page waits for, and one in the background, in this process.

    What is over within seconds does not wait for what takes a minute.
    """
    return Turns()


class Job:
    """One computation in a worker thread.

    Parameters
    ----------
    work : callable
        Gets the job, calls :meth:`report` now and then, returns its result; stops soon after :meth:`is_set` is true.
    key : str
        What the work is about.
    patience : float, optional
        Seconds without a poll after which nobody is watching; more where the work itself keeps the page from polling,
        as the first import of a large package does.
    """

    def __init__(
        self,
        work: Callable[[Job], Any],
        key: str = "",
        patience: float | None = None,
    ) -> None:
        self.key = key
        self.patience = patience
        self.reports: deque[Any] = deque(maxlen=MAX_REPORTS)
        self.result: Any = None
        self.error: str | None = None
        self.waiting = True
        self._cancel = threading.Event()
        self._seen = time.monotonic()
        self._gate = gate("job")
        self._thread = threading.Thread(target=self._run, args=(work, visitor.name()), name="job", daemon=True)
        self._thread.start()

    def is_set(self) -> bool:
        """Whether the work should stop: cancelled, or nobody is watching."""
        patience = HEARTBEAT_SECONDS if self.patience is None else self.patience
        return self._cancel.is_set() or time.monotonic() - self._seen > patience

    def report(self, item: Any) -> None:
        """Leave something for the page to draw."""
        self.reports.append(item)

    def cancel(self) -> None:
        """Ask the work to stop."""
        self._cancel.set()

    def poll(self) -> bool:
        """Note that somebody is watching; True while the work runs."""
        self._seen = time.monotonic()
        return self._thread.is_alive()

    def share(self, limit: float) -> float:
        """Seconds of `limit` for work that begins now: fewer where other visitors wait for their turn."""
        return self._gate.share(limit, LEAST_SECONDS)

    def _run(self, work: Callable[[Job], Any], who: str) -> None:
        try:
            with self._gate.turn(who, self.is_set) as has:
                self.waiting = False
                if has and not self.is_set():
                    self.result = work(self)
        except ConvexCoreError as error:
            self.error = str(error)
        except Exception as error:  # the page shows one sentence, the terminal the rest
            self.error = f"unexpected {type(error).__name__}"
            raise
