"""Progress, cancellation and time limits: one small object that every long computation carries."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

from ._numba import clock, tell
from ._records import record
from .errors import InputError
from .status import Status
from .validation import integer

__all__ = ["Budget", "CancelFlag", "Progress", "ProgressCallback"]


class CancelFlag(Protocol):
    """Anything with ``is_set() -> bool``; :class:`threading.Event` fits."""

    def is_set(self) -> bool:
        """Whether the computation should stop."""
        ...


@record
@dataclass(frozen=True, slots=True)
class Progress:
    """One report of a running computation.

    Attributes
    ----------
    stage : str
        What is being done: ``"patterns"``, ``"solve"``, ``"certify"``, ``"sgd"`` ...
    message : str
        One line for a person.
    fraction : float or None
        Share of the work done, in [0, 1]; None when it is not known.
    seconds : float
        Wall-clock seconds since the computation began.
    upper, lower : float
        Best upper and lower bound so far (``inf`` / ``-inf`` before there is one).
    round : int
        Round or iteration number, 0 before the first.
    """

    stage: str
    message: str
    fraction: float | None = None
    seconds: float = 0.0
    upper: float = math.inf
    lower: float = -math.inf
    round: int = 0


ProgressCallback = Callable[[Progress], None]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Budget:
    """Wall-clock limit, cancel flag and progress callback of one computation.

    The clock stands still while kernels are compiled, in whatever thread: that happens once, and is reported.

    Attributes
    ----------
    time_limit : float or None
        Seconds from construction after which :meth:`stop` answers ``Status.TIME_LIMIT``; None: no limit.
    cancel : CancelFlag or None
        When it is set, :meth:`stop` answers ``Status.CANCELLED``.
    progress : callable or None
        Called with a :class:`Progress` at every :meth:`report`.
    max_rounds : int or None
        Rounds after which a computation that goes in rounds ends; None: its own limit.

    Raises
    ------
    InputError
        If `time_limit` is not a positive number, or `max_rounds` not a positive integer.

    Examples
    --------
    >>> Budget(time_limit=60.0).stop() is None
    True
    """

    time_limit: float | None = None
    cancel: CancelFlag | None = None
    progress: ProgressCallback | None = None
    started: float = field(default_factory=clock)
    max_rounds: int | None = None

    def __post_init__(self) -> None:
        if self.time_limit is not None and not (isinstance(self.time_limit, (int, float)) and self.time_limit > 0):
            raise InputError(f"time_limit: got {self.time_limit!r}, expected a positive number of seconds")
        if self.cancel is not None and not callable(getattr(self.cancel, "is_set", None)):
            raise InputError(f"cancel: got {self.cancel!r}, expected an object with is_set(), as threading.Event")
        if self.progress is not None and not callable(self.progress):
            raise InputError(f"progress: got {self.progress!r}, expected a function of one report")
        if self.max_rounds is not None:
            self.max_rounds = integer(self.max_rounds, "max_rounds")
        if self.progress is not None:
            tell(self)

    @property
    def limited(self) -> bool:
        """Whether it can end: by the clock, or by a cancel flag."""
        return self.time_limit is not None or self.cancel is not None

    @property
    def paced(self) -> bool:
        """Whether work may be chosen by the clock: where rounds are limited, results do not depend on the machine."""
        return self.time_limit is not None and self.max_rounds is None

    def part(self, share: float) -> Budget:
        """A budget that ends when `share` of the time left is over; all of it without a time limit."""
        if self.time_limit is None:
            return self
        return replace(self, time_limit=max(self.seconds + share * self.remaining, 1e-9))

    @property
    def seconds(self) -> float:
        """Seconds since construction, without those in which kernels were compiled."""
        return clock() - self.started

    @property
    def remaining(self) -> float:
        """Seconds left, ``inf`` without a limit, never negative."""
        return math.inf if self.time_limit is None else max(0.0, self.time_limit - self.seconds)

    def stop(self) -> Status | None:
        """Why to stop now, or None to go on."""
        if self.cancel is not None and self.cancel.is_set():
            return Status.CANCELLED
        if self.time_limit is not None and self.seconds >= self.time_limit:
            return Status.TIME_LIMIT
        return None

    def compiling(self, seconds: float) -> None:
        """Report that kernels are compiled, which has taken `seconds` so far."""
        self.report("compile", f"compiling kernels, once: {seconds:.0f} s")

    def report(
        self,
        stage: str,
        message: str,
        *,
        fraction: float | None = None,
        upper: float = math.inf,
        lower: float = -math.inf,
        round: int = 0,
    ) -> None:
        """Send one :class:`Progress` to the callback, if there is one."""
        if self.progress is not None:
            self.progress(Progress(stage, message, fraction, self.seconds, upper, lower, round))
