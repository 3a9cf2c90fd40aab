"""Which column of a table is y, which one only counts the rows, and which are inputs."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..contracts import records
from ..errors import InputError
from .numerals import is_missing, looks_like_labels, number
from .tables import INDEX_NAMES, TARGET_NAMES, Table, quoted

__all__ = ["Columns", "split_columns"]

_NUMBERED = re.compile(r"(\D*)(\d{1,9})(\D*)")


@records.record
@dataclass(frozen=True, slots=True)
class Columns:
    """The inputs X (n, d), y as numbers (n,) or as text, and what there is to say about them."""

    X: NDArray[np.float64]
    y: NDArray[np.float64] | list[str]
    which: str
    certain: bool
    archive: bool
    notes: tuple[str, ...]


def split_columns(table: Table, *, target: str | None, label_first: bool) -> Columns:
    """Inputs and targets of a table.

    Parameters
    ----------
    table : Table
        As read.
    target : str or None
        Which column is y: its name, ``"first"`` or ``"last"``; None: the one called y, label, class or target, the only
        one of text, the one that does not belong to a numbered series of names, or the last one where the first one
        cannot be it.
    label_first : bool
        The file's name says that it is of the UCR archive, where y is first: without a header it is.

    Raises
    ------
    InputError
        If two columns may be y, there is no such column, or an entry is missing or no number.
    """
    table = _without_index(table, target)
    if len(table.columns) < 2:
        raise InputError(f"got {len(table.columns)} column of numbers, expected at least one input column and y")
    column, why = _target(table, target, label_first)
    _check_inputs(table, column, asked=target is not None)
    y = _texts(table, column) if column in table.text else table.values[:, column]
    name = f" ({quoted(table.names[column])})" if table.names is not None else ""
    place = "the last column" if column == len(table.columns) - 1 else f"column {table.columns[column]}"
    certain = target is not None or why == "named"
    return Columns(
        np.delete(table.values, column, axis=1), y, f"y is {place}{name}", certain, why == "archive", table.notes
    )


def _without_index(table: Table, target: str | None) -> Table:
    """The table without a first column that only counts or names its rows."""
    while len(table.columns) > 2:
        texts, n = table.text.get(0, {}), len(table.values)
        column = table.values[:, 0]
        counts = not texts and any(np.array_equal(column, np.arange(n) + start) for start in (0, 1))
        named = len(texts) == n and len(set(texts.values())) == n and not any(map(is_missing, texts.values()))
        if table.names is None:
            return table if target == "first" else _without_bare_index(table, counts, named and n > 2)
        name = table.names[0]
        if _matches(table, target) == 0 or not INDEX_NAMES.fullmatch(name.lower()):
            return table
        unnamed = not name or name.lower().startswith("unnamed")
        numbers = not texts and np.array_equal(column, np.round(column)) and len(np.unique(column)) == n
        if not (counts or named or numbers):
            kept = f"the first column, {'without a name' if unnamed else f'called {quoted(name)}'}, is an input"
            return replace(table, notes=(*table.notes, kept)) if name else table
        called = f"called {quoted(name)}" if name else "without a name"
        what = "counts" if counts else "names" if named else "numbers"
        table = table.without(0, f"the first column, {called}, which {what} the rows, was left out")
    return table


def _without_bare_index(table: Table, counts: bool, named: bool) -> Table:
    """The same for a table without a header, where a column that counts may be an input just as well."""
    if named:
        return table.without(0, "the first column, which names the rows, was left out")
    # an index is written without decimals; beside whole numbers, or in few rows, it may as well be an input
    n, decimals = len(table.values), not all(table.plain[1:-1])
    if table.quoted_index and not table.text.get(0) and len(np.unique(table.values[:, 0])) == n:
        return table.without(0, "the first column, which numbers the rows in quotes, was left out")
    if not counts or not table.plain[0] or n < (2 if decimals else 3):
        return table
    if decimals and n > 2:
        return table.without(0, "the first column, which counts the rows, was left out")
    if decimals or table.values[0, 0] == 0:
        shown = ", ".join(f"{value:g}" for value in table.values[:3, 0]) + (", ..." if n > 3 else "")
        raise InputError(
            f"column 1: got {shown}, which may count the rows or be an "
            "input, expected a header (a name makes it an input, an empty name an index)"
        )
    return table


def _matches(table: Table, target: str | None) -> int | None:
    """The column that `target` names, if it does."""
    if target is None or table.names is None:
        return None
    for fold in (str, str.lower):
        found = [k for k, name in enumerate(table.names) if fold(name) == fold(target.strip())]
        if len(found) == 1:
            return found[0]
        if found:
            raise InputError(f"target: got {quoted(target)}, the name of {len(found)} columns, expected one of a kind")
    return None


def _target(table: Table, target: str | None, label_first: bool) -> tuple[int, str]:
    """The column of y, and how it was found."""
    last = len(table.columns) - 1
    if target is not None:
        return _asked(table, target), "asked"
    choices = "expected a choice: --target NAME, first or last (target= in Python)"
    if table.names is not None:
        unnamed = [k for k, name in enumerate(table.names) if not name]
        if unnamed:
            raise InputError(
                f"column {table.columns[unnamed[0]]}: got a header without a name for it, expected a name (only a "
                "first column of different row numbers or row names may be without)"
            )
        named = [k for k, name in enumerate(table.names) if name.lower() in TARGET_NAMES]
        if len(named) > 1:
            both = " and ".join(quoted(table.names[k]) for k in named[:2])
            raise InputError(f"y: got columns called {both}, {choices}")
        if named:
            return named[0], "named"
    n = len(table.values)
    words = [k for k, texts in table.text.items() if len(texts) == n and not any(map(is_missing, texts.values()))]
    if 0 in words and last in words:
        raise InputError(f"y: got text in the first and in the last column, {choices}")
    if words == [last] or (words == [0] and len(set(table.text[0].values())) <= min(max(2, n // 2), n - 1)):
        return words[0], "text"
    if table.names is None and label_first and not table.text.get(0) and _whole(table.values[:, 0]):
        return 0, "archive"
    if table.names is not None and (odd := _odd_one(table.names)) is not None:
        return odd, "odd"
    if table.text.get(0) or not looks_like_labels(table.values[:, 0]) or table.text.get(last):
        return last, "last"
    labels_last = looks_like_labels(table.values[:, last])
    if labels_last and _signs(table, last):
        return last, "last"
    if labels_last or table.names is None or _run(table.names):
        got = "labels in the first and in the last column" if labels_last else "a first column that may be labels"
        names = "no header" if table.names is None else "a header that does not say which is y"
        raise InputError(f"y: got {got}, and {names}, {choices}")
    return last, "last"


def _asked(table: Table, target: str) -> int:
    named = _matches(table, target)
    end = {"first": 0, "last": len(table.columns) - 1}.get(target.strip().lower())
    if named is not None and end is not None and named != end:
        raise InputError(
            f"target: got {quoted(target)}, the name of column {table.columns[named]} and a word for another one, "
            "expected another name in the header"
        )
    if named is not None:
        return named
    if end is not None:
        return end
    if table.names is None:
        raise InputError(f"target: got {quoted(target)} and a file without a header, expected first or last")
    shown = ", ".join(quoted(name) for name in table.names[:10]) + (", ..." if len(table.names) > 10 else "")
    raise InputError(f"target: got {quoted(target)}, expected first, last or a name in the header: {shown}")


def _whole(values: NDArray[np.float64]) -> bool:
    return bool(np.all(values == np.round(values)))


def _signs(table: Table, column: int) -> bool:
    """Whether a column, and no other, has the values -1 and +1, which is how two classes are written here."""
    signs = np.array([-1.0, 1.0])
    return np.array_equal(np.unique(table.values[:, column]), signs) and not any(
        np.array_equal(np.unique(table.values[:, k]), signs) for k in range(table.values.shape[1]) if k != column
    )


def _run(names: list[str]) -> bool:
    """Whether names count up in equal steps with one stem: x0, x1, ..., or 400 nm, 410 nm, ..."""
    parts = [_NUMBERED.fullmatch(name) for name in names]
    if len(names) < 2 or any(part is None for part in parts):
        return False
    stems = {(part[1], part[3]) for part in parts if part}
    steps = np.diff([int(part[2]) for part in parts if part])
    return len(stems) == 1 and bool(steps[0] > 0) and bool(np.all(steps == steps[0]))


def _odd_one(names: list[str]) -> int | None:
    """The first or the last column if all the others have numbered names, as digit, p0, p1, ..., does."""
    first, last = _run(names[1:]), _run(names[:-1])
    return None if first == last or len(names) < 3 else 0 if first else len(names) - 1


def _check_inputs(table: Table, target: int, *, asked: bool) -> None:
    """Raise :class:`InputError` at the first input that is no number; it names the option if it may be y."""
    bad = [(min(texts), column) for column, texts in table.text.items() if column != target and texts]
    if bad:
        row, column = min(bad)
        text = table.text[column]
        words = len(text) == len(table.values) and not any(
            is_missing(t) or number(t) is not None for t in text.values()
        )
        if words and not asked:
            names = table.names
            choice = f"--target {shlex.quote(names[column])}" if names is not None else "a header and --target NAME"
            raise table.refuse(row, column, f"a number, or {choice} if this column is y (target= in Python)")
        raise table.refuse(row, column, _expected(text[row], "a number"))


def _expected(text: str, what: str) -> str:
    """What was expected instead of a text that is no number, or none that is finite."""
    if is_missing(text):
        return f"{what} (NaN or missing values are not filled in)"
    return "a number that is not infinite" if number(text) is not None else what


def _texts(table: Table, column: int) -> list[str]:
    """The names of classes in y; InputError where one is missing or a number stands among them."""
    texts = table.text[column]
    for row in sorted(texts):
        if is_missing(texts[row]) or number(texts[row]) is not None:
            raise table.refuse(row, column, _expected(texts[row], "a value of y"))
    if len(texts) == len(table.values):
        return [texts[row] for row in range(len(texts))]
    row = min(texts)
    other = next(k for k in range(len(table.values)) if k not in texts)
    if row > other or len(texts) < len(table.values) / 2:
        raise table.refuse(row, column, f"a number as in line {table.lines[other]}")
    raise table.refuse(other, column, f"text as in line {table.lines[row]}")
