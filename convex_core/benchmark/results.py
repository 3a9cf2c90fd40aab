"""What a benchmark measures, and its table."""

from __future__ import annotations

import io
import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..contracts.records import record

__all__ = ["Report", "Row", "header_line"]

_HEADER = ("case", "solver", "objective", "gap", "violation", "seconds", "CPU s", "runs", "ratio", "peak MB", "note")
#: widths of these columns while rows are still coming
_WIDTHS = (21, 29, 16, 7, 9, 7, 7, 4, 6, 7, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """One solver on one case; a solver that was skipped has no seconds, and its note says why.

    Attributes
    ----------
    case, solver : str
        Names.
    objective : float or None
        Non-convex objective of the recovered network, by the benchmark's own forward pass.
    gap : float or None
        ``(objective - D) / objective`` with D the best certified lower bound of the case. For given patterns D covers
        these patterns only.
    violation : float or None
        Largest violation of a cone row over the largest block.
    cells : int or None
        Sign patterns found, when the case is to find them.
    seconds : tuple of float
        Wall-clock seconds of every run.
    cpu : tuple of float
        Processor seconds of every run, all threads together.
    ratio : float or None
        Median seconds over those of this library.
    peak : int or None
        Largest resident memory of the process that did the work, in bytes, its libraries included.
    note : str
        The solver's own word, or why it was skipped.
    """

    case: str
    solver: str
    objective: float | None = None
    gap: float | None = None
    violation: float | None = None
    cells: int | None = None
    seconds: tuple[float, ...] = ()
    cpu: tuple[float, ...] = ()
    ratio: float | None = None
    peak: int | None = None
    note: str = ""

    @property
    def median(self) -> float | None:
        """Median seconds."""
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def median_cpu(self) -> float | None:
        """Median processor seconds."""
        return statistics.median(self.cpu) if self.cpu else None

    def to_dict(self) -> dict[str, Any]:
        """All fields, for JSON."""
        return {
            "case": self.case,
            "solver": self.solver,
            "objective": self.objective,
            "gap": self.gap,
            "violation": self.violation,
            "cells": self.cells,
            "median_seconds": self.median,
            "seconds": self.seconds,
            "median_cpu_seconds": self.median_cpu,
            "cpu_seconds": self.cpu,
            "ratio": self.ratio,
            "peak_bytes": self.peak,
            "note": self.note,
        }

    def cells_of_table(self) -> tuple[str, ...]:
        """The row as text."""
        value = f"{self.cells:,} cells" if self.cells is not None else _text(self.objective, ".9g")
        return (
            self.case,
            self.solver,
            value,
            _text(self.gap, ".1e"),
            _text(self.violation, ".1e"),
            _text(self.median, ".3g"),
            _text(self.median_cpu, ".3g"),
            str(len(self.seconds) or "-"),
            _text(self.ratio, ".3g"),
            "-" if self.peak is None else f"{self.peak / 1e6:.0f}",
            self.note,
        )

    def line(self) -> str:
        """The row as one line, in the columns of :func:`header_line`."""
        return _line(self.cells_of_table())


@record
@dataclass(frozen=True, slots=True)
class Report:
    """Rows of one run, the machine it ran on, and its settings."""

    rows: tuple[Row, ...]
    machine: Mapping[str, str | int]
    settings: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {
            "machine": dict(self.machine),
            "settings": dict(self.settings),
            "rows": [row.to_dict() for row in self.rows],
        }

    def text(self, *, width: int | None = None) -> str:
        """The table; with a terminal `width` it is drawn by rich, else in plain columns."""
        named = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        rows = [row.cells_of_table() for row in self.rows]
        if width is None:
            lines = [_HEADER, *rows]
            widths = [max(len(line[k]) for line in lines) for k in range(len(_HEADER))]
            padded = ([cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines)
            return "\n".join([named, "", *("  ".join(line).rstrip() for line in padded)])
        from rich.console import Console
        from rich.table import Table

        table = Table(*_HEADER, caption=named, row_styles=("", "dim"))
        for before, row in zip([None, *rows], rows, strict=False):
            if before is not None and before[0] != row[0]:
                table.add_section()
            table.add_row(*row)
        page = io.StringIO()
        Console(file=page, width=width, force_terminal=True).print(table)
        return page.getvalue().rstrip()


def header_line() -> str:
    """Names of the columns of :meth:`Row.line`."""
    return _line(_HEADER)


def _line(cells: tuple[str, ...]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _text(value: float | None, form: str) -> str:
    return "-" if value is None or not math.isfinite(value) else format(value, form)
