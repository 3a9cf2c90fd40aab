"""What is printed: strict JSON, and progress on a terminal."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any

from ..interruption import PROGRAM
from ..numerics.jit import compiled_kernels, compiled_seconds, compiles_here
from ..presentation.text import jsonable
from ..progress import Progress, ProgressCallback

__all__ = ["interrupted", "print_json", "running", "say", "silence"]

#: whether Ctrl-C has cut a command of this process short
interrupted = threading.Event()


def print_json(result: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(jsonable(result), allow_nan=False))


def say(line: str) -> None:
    """Print a line on stderr, if there is one that takes it."""
    if sys.stderr is None:
        return
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: IO[str]) -> None:
    """Send what is left in `stream` nowhere, so that the interpreter does not fail on it when it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


@contextmanager
def running() -> Iterator[tuple[ProgressCallback | None, threading.Event]]:
    """Progress callback (on a terminal) and cancel flag of a long command.

    The first Ctrl-C sets the flag, so that the best answer so far is printed; the second one, or one while kernels are
    compiled, interrupts. Time that went into compiling is said at the end: it counts towards no limit.
    """
    cancel = threading.Event()
    with _compilation_said(), _first_interrupt_sets(cancel), _remembered(cancel):
        if sys.stderr is None or not sys.stderr.isatty():
            yield None, cancel
            return
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("starting", total=None)

            def show(report: Progress) -> None:
                total = None if report.fraction is None else 1.0
                bar.update(task, description=_describe(report), total=total, completed=report.fraction or 0.0)

            yield show, cancel


def _describe(report: Progress) -> str:
    bounds = [
        f"{name} {value:.8g}"
        for name, value in (("upper", report.upper), ("lower", report.lower))
        if math.isfinite(value)
    ]
    return ", ".join([f"{report.stage}: {report.message}", *bounds])


@contextmanager
def _remembered(cancel: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        if cancel.is_set():
            interrupted.set()


@contextmanager
def _compilation_said() -> Iterator[None]:
    kernels, seconds = compiled_kernels(), compiled_seconds()
    yield
    if compiled_kernels() > kernels:
        say(f"{PROGRAM}: compiling kernels, once: {compiled_seconds() - seconds:.0f} s")


@contextmanager
def _first_interrupt_sets(cancel: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def request(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        if compiles_here():  # which takes seconds, and asks nobody whether to go on
            raise KeyboardInterrupt
        cancel.set()

    signal.signal(signal.SIGINT, request)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
