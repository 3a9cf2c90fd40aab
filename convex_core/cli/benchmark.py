"""``benchmark``: this library beside the solvers that are installed, in one run on one machine."""

from __future__ import annotations

import argparse
import shutil
import sys
from typing import Any

from ..benchmark import Row, run_benchmark
from ..benchmark.results import header_line
from .output import running, say

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Run the cases, each row on standard error as soon as it is there, and report the table."""
    shown = 0

    def show(row: Row) -> None:
        nonlocal shown
        if not shown:  # not before the arguments are known to be good
            say(header_line())
        say(row.line())
        shown += 1

    with running() as (progress, cancel):
        report = run_benchmark(
            args.names,
            quick=args.quick,
            repeat=args.repeat,
            time_limit=args.time_limit,
            peer_python=args.peer_python,
            cancel=cancel,
            progress=progress,
            on_row=show,
        )
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return report.to_dict(), report.text(width=width)
