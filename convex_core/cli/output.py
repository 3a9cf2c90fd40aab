"""What is printed: strict JSON, and progress on a terminal."""

from __future__ import annotations

import json
import math
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..export.text import jsonable
from ..progress import Progress, ProgressCallback

__all__ = ["print_json", "running"]


def print_json(result: Mapping[str, Any]) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(jsonable(result), allow_nan=False))


@contextmanager
def running() -> Iterator[tuple[ProgressCallback | None, threading.Event]]:
    """Progress callback (on a terminal) and cancel flag of a long command.

    The first Ctrl-C sets the flag, so that the best answer so far is printed; the second one interrupts.
    """
    cancel = threading.Event()
    with _first_interrupt_sets(cancel):
        if not sys.stderr.isatty():
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
def _first_interrupt_sets(cancel: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def request(*_: object) -> None:
        cancel.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, request)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
