"""Progress, cancellation and time limits.

Every public function that may take long takes ``time_limit``, ``cancel`` and ``progress``, and ``max_rounds`` where it
goes in rounds. Inside the library one small object, a :class:`Budget`, carries them from one part to the next.

A loop can look at the clock; one factorisation, one iteration of an interior-point method, one kernel or the
compilation of a model cannot, and any of them may take longer than all the time there is. So a computation with a time
limit or a cancel flag runs :func:`within` its budget, in a thread of its own. Soon after the limit its caller goes on
without it, with what had been noted down; the thread ends at its own next look at the budget, and nobody hears of it
any more.

Some parts set up what they need when they are first asked, by methods that nobody gives a budget to. They ask for the
one of the computation :func:`around` them, and what they have made by half when that ends is kept by nobody.
"""

from __future__ import annotations

import atexit
import functools
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from typing import Any, ParamSpec, Protocol, TypedDict, TypeVar
from weakref import WeakSet

from .contracts.records import record
from .contracts.validation import integer
from .errors import InputError, Interrupted
from .numerics.interior_point import kept
from .numerics.jit import clock, cpu_clock, tell
from .status import Status

__all__ = [
    "Budget",
    "CancelFlag",
    "Limits",
    "Progress",
    "ProgressCallback",
    "around",
    "inside",
    "limits",
    "still_running",
    "takes_budget",
    "together",
    "within",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

# seconds given to what is called at the very end: it must answer something
_LEAST = 1e-9
# seconds between two looks at the cancel flag, and for which a late computation is waited for: it usually ends by
# itself, with a better answer than what had been noted down
_LOOK = 0.05
_GRACE = 0.12
# of the grace of the computation around it, for one inside another
_INNER = 0.4


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

    def check(self, what: str) -> None:
        """Raise :class:`Interrupted`, which says `what` was left undone, if it is time to stop."""
        stop = self.stop()
        if stop is not None:
            raise Interrupted(what, status=stop)

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


_around: ContextVar[Budget | None] = ContextVar("budget", default=None)


def around() -> Budget:
    """The budget of the computation that calls, or one without an end.

    Examples
    --------
    >>> within(Budget(time_limit=60.0), lambda budget: around() is budget), around().limited
    (True, False)
    """
    return _around.get() or Budget()


@contextmanager
def together() -> Iterator[None]:
    """Let the computations in here share the processes that they start, which end with the last of them.

    Examples
    --------
    >>> with together():
    ...     within(Budget(time_limit=60.0), lambda budget: budget.stop() is None)
    True
    """
    if kept.get() is not None:
        yield
        return
    processes: list[Any] = []
    token = kept.set(processes)
    try:
        yield
    finally:
        kept.reset(token)
        for process in processes:
            process.end()


@contextmanager
def inside(budget: Budget) -> Iterator[None]:
    """Let `budget` be the one :func:`around` what is computed here."""
    token = _around.set(budget)
    try:
        with together():
            yield
    finally:
        _around.reset(token)


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


def within(budget: Budget, work: Callable[[Budget], _R]) -> _R:
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
        with inside(budget):
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
            with inside(inner):
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
    answer: _R = first
    return answer
