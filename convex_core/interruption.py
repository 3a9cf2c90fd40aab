"""Ctrl-C and SIGTERM on the command line: one line and an exit status, whenever they come.

``import convex_core`` alone takes longer than people wait before they change their mind, and ends in a traceback when
it is interrupted; so do threads that the interpreter waits for at its end. Before and after the command, where there
is nothing to put in order, the process ends at once; while it runs, an exception unwinds it. A program that imports
the library is left alone.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from functools import cache

# until this module is imported an interrupt is a traceback, so it imports little: not even typing
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, NoReturn

__all__ = ["INTERRUPTED", "PROGRAM", "TERMINATED", "Terminated", "end_at_once", "is_command", "unwind"]

PROGRAM = "convex_core"
#: exit statuses, 128 and the number of the signal
INTERRUPTED = 130
TERMINATED = 143


class Terminated(KeyboardInterrupt):
    """SIGTERM; like Ctrl-C it is caught by nobody on the way."""


def is_command() -> bool:
    """Whether this process is ``python -m convex_core`` or ``convex-core``."""
    program = sys.argv[0] if sys.argv else ""
    if program == "-m":  # as long as the package itself is being imported
        after = sys.orig_argv[sys.orig_argv.index("-m") + 1 :] if "-m" in sys.orig_argv else []
        return after[:1] == ["convex_core"]
    return os.path.basename(program) in ("convex-core", "convex-core.exe", "convex-core-script.py")  # noqa: PTH119


def end_at_once() -> None:
    """From here on either signal prints its line and ends the process."""
    _ignore_at_last()
    _replace(_end)


@cache
def _ignore_at_last() -> None:
    """Python gives up its handlers when it ends, and a signal would kill a process that has done its work."""
    atexit.register(_replace, signal.SIG_IGN)  # first, and so the last to be called


def unwind() -> None:
    """From here on either signal raises, :class:`KeyboardInterrupt` or :class:`Terminated`."""
    _replace(_raise)
    sys.unraisablehook = _unraisable


def _replace(handler: Any) -> None:
    """Set the handler of both signals, unless somebody else has set or ignores them."""
    ours = (signal.default_int_handler, signal.SIG_DFL, _end, _raise)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) in ours:
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    interrupted = number == signal.SIGINT
    line = f"{PROGRAM}: error: {'interrupted' if interrupted else 'terminated'}\n"
    try:
        os.write(2, line.encode())
    finally:
        os._exit(INTERRUPTED if interrupted else TERMINATED)


def _raise(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _unraisable(unraisable: Any) -> None:
    """An interrupt in a destructor or a callback, which Python would print and forget."""
    if isinstance(unraisable.exc_value, KeyboardInterrupt):
        _end(signal.SIGTERM if isinstance(unraisable.exc_value, Terminated) else signal.SIGINT, None)
    sys.__unraisablehook__(unraisable)
