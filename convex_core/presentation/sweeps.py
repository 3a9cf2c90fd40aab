"""What the rows of a sweep can do besides: say themselves, become a data frame, be saved as a table, be drawn."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..contracts.files import replacing
from ..errors import InputError
from .answers import Answer
from .text import counted, jsonable, number, table

if TYPE_CHECKING:
    from ..figures import Chart
    from ..sweeps import Sweep

__all__ = ["TABLES", "SweepAnswer"]

#: endings of the tables that are written
TABLES = (".parquet", ".csv")
#: what a person wants to know of a row
_SHOWN = ("status", "objective", "relative_gap", "scope", "filters", "train_accuracy", "test_accuracy", "error")
#: rows that are said in a summary
_MOST = 60


class SweepAnswer(Answer):
    """What a :class:`~convex_core.Sweep` can do."""

    __slots__ = ()

    def lines(self) -> list[tuple[str, str]]:
        """How many rows, how they ended, and the settings that differ."""
        found = cast("Sweep", self)
        ended = Counter(row.status for row in found.rows)
        missing = found.tasks - len(found.rows)
        lines = [("rows", f"{len(found.rows)} of {counted(found.tasks, 'task')}")]
        if missing:
            lines.append(("missing", f"{missing}" + (f": {found.stopped.text}" if found.stopped else "")))
        lines += [(status, str(count)) for status, count in sorted(ended.items())]
        return lines + [(name, ", ".join(map(_said, values))) for name, values in found.axes.items()]

    def summary(self) -> str:
        """The lines, and under them the rows, in the order of the settings that differ."""
        found = cast("Sweep", self)
        columns = found.columns()
        axes = list(found.axes)
        shown = [name for name in _SHOWN if any(value is not None for value in columns[name])]
        place = {name: {value: k for k, value in enumerate(values)} for name, values in found.axes.items()}
        keys = [[place[name].get(_as_key(value), -1) for value in map(_value(name), found.rows)] for name in axes]
        order = sorted(range(len(found.rows)), key=lambda i: [column[i] for column in keys])
        rows = [tuple(_said(columns[name][i]) for name in (*axes, *shown)) for i in order[:_MOST]]
        more = [f"... and {len(order) - _MOST} more"] if len(order) > _MOST else []
        return "\n".join([super().summary(), "", table((*axes, *shown), rows), *more])

    def to_dict(self) -> dict[str, Any]:
        """Every row with all its fields, and how many tasks there were."""
        found = cast("Sweep", self)
        return {
            "tasks": found.tasks,
            "rows": [jsonable(row.to_dict()) for row in found.rows],
            "refused": len(found.refused),
            "failed": len(found.failed),
            "stopped": None if found.stopped is None else found.stopped.value,
            "axes": jsonable(found.axes),
        }

    def to_pandas(self) -> Any:
        """The table as a pandas data frame: a column for each setting that has a value, as it was used, and result.

        Examples
        --------
        >>> from convex_core import sweep
        >>> frame = sweep({"dataset": "talk", "beta": [0.1, 1.0]}, workers=1).to_pandas()
        >>> frame.sort_values("beta")[["beta", "filters"]].to_numpy().tolist()
        [[0.1, 4], [1.0, 4]]
        """
        import pandas as pd

        return pd.DataFrame({name: _column(values) for name, values in cast("Sweep", self).columns().items()})

    def save(self, path: str | Path) -> None:
        """Write the table, as Parquet or CSV by the name's ending.

        Raises
        ------
        InputError
            For another ending, or a file that cannot be written.
        """
        ending = Path(path).suffix.lower()
        if ending not in TABLES:
            raise InputError(f"table: got {str(path)!r:.200}, expected a name that ends in {' or '.join(TABLES)}")
        frame, out = self.to_pandas(), io.BytesIO()
        if ending == ".parquet":
            frame.to_parquet(out, index=False)
        else:
            frame.to_csv(out, index=False)
        with replacing(path, "table") as file:
            file.write(out.getvalue())

    def plot(
        self,
        x: str | None = None,
        y: str | None = None,
        value: str = "objective",
        where: Mapping[str, Any] | None = None,
    ) -> Chart:
        """A heat map over two of the settings: :func:`convex_core.figures.sweep_map`."""
        from ..figures import sweep_map

        return sweep_map(cast("Sweep", self), x, y, value, where=where)


def _value(name: str) -> Any:
    return lambda row: row.value(name)


def _as_key(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _said(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return number(value, 6)
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _column(values: list[Any]) -> Any:
    """Values of one kind: whole numbers stay so beside gaps, and numbers beside texts become texts."""
    import pandas as pd

    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pd.array(values, dtype="Int64")
    if str in kinds and len(kinds) > 1:
        return [None if value is None else str(value) for value in values]
    return pd.array(values, dtype="Float64") if kinds <= {int, float} and kinds else values
