"""What a sweep has found: rows, and the settings that differ among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..contracts.records import record
from ..errors import InputError
from ..presentation.sweeps import SweepAnswer
from ..status import Status
from .rows import FAILED, REFUSED, SweepRow
from .settings import DATA_OPTION, DEFAULTS
from .store import read_rows

__all__ = ["Sweep"]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Sweep(SweepAnswer):
    """The rows of a sweep.

    Attributes
    ----------
    rows : tuple of SweepRow
        Sorted by key.
    tasks : int
        How many tasks there were.
    stopped : Status or None
        Why tasks are missing, if some are: a time limit or a cancel flag.
    """

    rows: tuple[SweepRow, ...]
    tasks: int
    stopped: Status | None = None

    def __repr__(self) -> str:
        axes = ", ".join(f"{name} x {len(values)}" for name, values in self.axes.items())
        words = f"Sweep({len(self.rows)} of {self.tasks} rows, {axes or 'one setting'}"
        bad = len(self.refused) + len(self.failed)
        words += f", {bad} without an answer" if bad else ""
        return f"{words[:160]})"

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """The sweep of a file of rows, finished or not, as ``sweep(..., out=path)`` writes it.

        Parameters
        ----------
        path : str or Path
            The file.

        Raises
        ------
        InputError
            If it cannot be read, or is no such file.
        """
        rows = read_rows(path)
        return cls(rows, len(rows))

    @property
    def answered(self) -> tuple[SweepRow, ...]:
        """Rows with an answer."""
        return tuple(row for row in self.rows if row.status not in (REFUSED, FAILED))

    @property
    def refused(self) -> tuple[SweepRow, ...]:
        """Rows whose settings are no problem."""
        return tuple(row for row in self.rows if row.status == REFUSED)

    @property
    def failed(self) -> tuple[SweepRow, ...]:
        """Rows that went wrong otherwise."""
        return tuple(row for row in self.rows if row.status == FAILED)

    @property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """The settings that differ among the rows, each with its values in order.

        Examples
        --------
        >>> from convex_core import sweep
        >>> sweep({"dataset": "talk", "beta": [1.0, 0.1]}, workers=1).axes
        {'beta': (0.1, 1.0)}
        """
        named = self._named()
        asked = {name: {_hashable(row.settings.get(name)) for row in self.rows} for name in named}
        return {name: self.values(name) for name in named if len(asked[name]) > 1}

    def values(self, name: str) -> tuple[Any, ...]:
        """The values of one setting among the rows, in order.

        Raises
        ------
        InputError
            If no row has such a setting.
        """
        if name not in self._named():
            raise InputError(f"sweep: got the setting {name!r:.60}, expected one of {', '.join(self._named())}")
        return tuple(sorted({_hashable(row.value(name)) for row in self.rows}, key=_order))

    def _named(self) -> tuple[str, ...]:
        """Every setting of some row: data first, then in the order of the defaults."""
        named = {name: None for row in self.rows for name in row.settings}
        options = sorted(name for name in named if name.startswith(DATA_OPTION))
        first = ("dataset", "content", "problem", *options)
        return tuple(name for name in dict.fromkeys((*first, *DEFAULTS, *named)) if name in named)

    def columns(self) -> dict[str, list[Any]]:
        """The table by columns: the settings that any row has a value for, as they were used, then the results.

        Examples
        --------
        >>> from convex_core import sweep
        >>> table = sweep({"dataset": "talk"}, workers=1).columns()
        >>> table["stride"], table["beta"], table["filters"]
        ([5], [0.1], [4])
        """
        rows = self.rows
        settings = {name: [_flat(row.value(name)) for row in rows] for name in self._named()}
        kept = {name: column for name, column in settings.items() if any(value is not None for value in column)}
        sizes = {name: [row.problem.get(name) for row in rows] for name in ("n", "d", "patches")}
        results = {name: [row.value(name) for row in rows] for name in _RESULTS}
        return {"key": [row.key for row in rows], **kept, **sizes, **results}


_RESULTS = (
    "status", "objective", "lower_bound", "relative_gap", "scope", "exactness", "filters", "patterns", "rounds",
    "train_accuracy", "test_accuracy", "seconds", "cpu_seconds", "error", "version",
)  # fmt: skip


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _flat(value: Any) -> Any:
    """A list as text: a table's cell holds one value."""
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _order(value: Any) -> tuple[int, Any]:
    """None first, then numbers, then texts."""
    if value is None:
        return 0, 0
    return (1, value) if isinstance(value, (int, float)) else (2, str(value))
