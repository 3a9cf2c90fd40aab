"""Progress, cancellation and time limits.

Every public function that may take long takes ``time_limit``, ``cancel`` and ``progress``, and ``max_rounds`` where it
goes in rounds. Inside the library one small object, a :class:`Budget`, carries them from one part to the next.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec, Protocol, TypedDict, TypeVar

from .contracts.records import record
from .contracts.validation import integer
from .errors import InputError
from .numerics.jit import clock, cpu_clock, tell
from .status import Status

__all__ = ["Budget", "CancelFlag", "Limits", "Progress", "ProgressCallback", "limits", "takes_budget"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

# seconds given to what is called at the very end: it must answer something
_LEAST = 1e-9


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
    cpu_started: float = field(default_factory=cpu_clock)

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
        return replace(self, time_limit=max(self.seconds + share * self.remaining, _LEAST))

    @property
    def seconds(self) -> float:
        """Seconds since construction, without those in which kernels were compiled."""
        return clock() - self.started

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of the process since construction, without those in which kernels were compiled."""
        return cpu_clock() - self.cpu_started

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


class Limits(TypedDict):
    """How public functions are told when to stop, and whom to report to."""

    time_limit: float | None
    cancel: CancelFlag | None
    progress: ProgressCallback | None


def limits(budget: Budget | None) -> Limits:
    """What is left of `budget`, as arguments of a public function; the seconds of its reports go on from here.

    Examples
    --------
    >>> limits(Budget(time_limit=60.0))["time_limit"] <= 60.0
    True
    """
    if budget is None:
        return {"time_limit": None, "cancel": None, "progress": None}
    whole, send = budget, budget.progress
    return {
        "time_limit": None if budget.time_limit is None else max(budget.remaining, _LEAST),
        "cancel": budget.cancel,
        "progress": None if send is None else lambda report: send(replace(report, seconds=whole.seconds)),
    }


def takes_budget(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Let a public `function` take ``budget=`` too, for one version: it was how limits were said before.

    Examples
    --------
    >>> @takes_budget
    ... def wait(*, time_limit=None, cancel=None, progress=None):
    ...     return time_limit is not None
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     wait(budget=Budget(time_limit=60.0)), str(said[0].message)
    (True, 'wait: got budget, use time_limit, cancel and progress')
    """

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        if "budget" not in kwargs:
            return function(*args, **kwargs)
        given: dict[str, Any] = dict(kwargs)
        budget = given.pop("budget")
        name = function.__name__
        warnings.warn(f"{name}: got budget, use time_limit, cancel and progress", DeprecationWarning, stacklevel=2)
        both = sorted(Limits.__annotations__.keys() & given.keys())
        if both:
            raise InputError(f"{both[0]}: got it beside budget, expected one of the two")
        if budget is not None and not isinstance(budget, Budget):
            raise InputError(f"budget: got {budget!r}, expected time_limit, cancel and progress in place of it")
        return function(*args, **{**given, **limits(budget)})

    return call
