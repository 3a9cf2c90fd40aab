"""Tables of text as numbers: the lines of a file in any usual dialect, with the names of their columns."""

from __future__ import annotations

import math
import re
import sys
from array import array
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..contracts import records as _records
from ..errors import InputError
from .dialect import BLANKS, Dialect, Record, find_dialect, records
from .numerals import is_missing, looks_like_labels, number, numeral

__all__ = ["INDEX_NAMES", "TARGET_NAMES", "Table", "quoted", "read_table"]

#: Names, in lower case, of a column that is y wherever it stands.
TARGET_NAMES = frozenset({"y", "label", "class", "target"})
#: Names, in lower case, that a column of row numbers or row names may have.
INDEX_NAMES = re.compile(r"(unnamed: 0(\.\d+)*|index|id|row|rowname|rownames|row\.names|)")
#: A table with text in more columns than this has text among its inputs.
_TEXT_COLUMNS = 4
#: Rows that say whether a column is written in whole numbers.
_LOOKED_AT = 50
#: Longest text shown.
_SHOWN = 40


@_records.record
@dataclass(frozen=True, slots=True)
class Table:
    """Numbers of a table, with NaN where there is text, the text itself, and where everything stands in the file.

    Attributes
    ----------
    values : ndarray, shape (n, w)
        The numbers.
    text : dict
        For each column with something else than numbers, the texts by row.
    names : list of str, or None
        Names of the columns from the header.
    columns : tuple of int
        Where the columns stand in the file, from 1.
    lines : array of int, shape (n,)
        Lines of the rows in the file, from 1.
    plain, broken : tuple of bool, one per column
        Whether the first rows below the first one are all written without a decimal sign, and all with one.
    quoted_index : bool
        Whether the lines begin with a whole number in quotes and have no others, as R writes the names of rows.
    notes : tuple of str
        What there is to say about how it was read.
    """

    values: NDArray[np.float64]
    text: dict[int, dict[int, str]]
    names: list[str] | None
    columns: tuple[int, ...]
    lines: NDArray[np.int64]
    plain: tuple[bool, ...]
    broken: tuple[bool, ...]
    quoted_index: bool
    notes: tuple[str, ...]

    def refuse(self, row: int, column: int, expected: str) -> InputError:
        """An error that names the place and the text of an entry."""
        shown = self.text.get(column, {}).get(row)
        got = f"{self.values[row, column]:g}" if shown is None else quoted(shown) if shown.strip() else "an empty field"
        name = f" ({quoted(self.names[column])})" if self.names and self.names[column].strip() else ""
        return InputError(
            f"line {self.lines[row]}, column {self.columns[column]}{name}: got {got}, expected {expected}"
        )

    def without(self, column: int, note: str) -> Table:
        """The table without a column."""
        kept = [k for k in range(len(self.columns)) if k != column]
        return replace(
            self,
            values=np.delete(self.values, column, axis=1),
            text={new: self.text[old] for new, old in enumerate(kept) if old in self.text},
            names=None if self.names is None else [self.names[k] for k in kept],
            columns=tuple(self.columns[k] for k in kept),
            plain=tuple(self.plain[k] for k in kept),
            broken=tuple(self.broken[k] for k in kept),
            notes=(*self.notes, note) if note else self.notes,
        )


def quoted(text: str) -> str:
    """A text of a file as shown in messages: in quotes and not too long."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "...")


def read_table(text: str) -> Table:
    r"""The table in `text`.

    Raises
    ------
    InputError
        If the lines have different numbers of columns, or there are none.

    Examples
    --------
    >>> table = read_table("a;y\n1,5;cat\n\u22122;dog\n")
    >>> table.names, table.values[:, 0].tolist(), table.text
    (['a', 'y'], [1.5, -2.0], {1: {0: 'cat', 1: 'dog'}})
    """
    dialect = find_dialect(text)
    rows = _Rows(text, dialect)
    first = rows.first
    if first is None:
        raise InputError("got no samples, expected at least one line of numbers")
    if len(first.fields) < 2:
        raise InputError(
            f"line {first.line}: got 1 column, expected at least one input column and y, separated by commas, "
            "semicolons, tabs, bars or blanks"
        )
    rows.read()
    if not rows.lines:
        raise InputError("got no samples, expected at least one line of numbers")
    table, names, comment = rows.table(), first.fields, rows.comment
    notes = [dialect.words, *rows.notes]
    if rows.short_header:
        names = ["", *names]
    else:
        table, names = _trailing(table, names, notes)
    if rows.short_header or _is_header(table, names):
        table = _below(table, names)
        notes[0] += ", with a header"
    elif comment is not None and (found := _comment_names(comment, dialect, len(names))):
        table = replace(table, names=found)
        notes[0] += ", with a header in a comment"
    else:
        notes[0] += ", without a header"
    if not len(table.values):
        raise InputError(f"line {first.line}: got a header and no samples, expected at least one line of numbers")
    if table.names is not None:
        table = replace(table, names=[name.strip() for name in table.names])
    return replace(table, notes=tuple(notes))


class _Rows:
    """The rows of a table as they are read; the first one, which may be a header, is row 0."""

    def __init__(self, text: str, dialect: Dialect) -> None:
        self.dialect = dialect
        self.underscores = "_" in text
        self.quoted_index = re.fullmatch(r'"\d+"[^"]*', text.rstrip()[text.rstrip().rfind("\n") + 1 :]) is not None
        self.comment: str | None = None
        self.comments = 0
        self.notes: list[str] = []
        self.values = array("d")
        self.lines = array("q")
        self.text: dict[int, dict[int, str]] = {}
        self.plain: list[bool] = []
        self.some: list[bool] = []
        self.short_header = False
        self.trailing = False
        self.first: Record | None = None
        self.source = records(text, dialect)
        for record in self.source:
            if record.comment is None:
                self.first = record
                break
            self.comments += 1
            self.comment = record.comment

    def read(self) -> None:
        """Read everything."""
        assert self.first is not None
        width = len(self.first.fields)
        empty: int | None = None
        signs = {".", self.dialect.decimal, "e", "E"}
        for record in chain([self.first], self.source):
            if record.comment is not None:
                self.comments += 1
                continue
            fields = record.fields
            if not any(map(str.strip, fields)):
                empty = record.line if empty is None else empty
                continue
            if empty is not None:
                raise InputError(f"line {empty}: got empty fields only, expected numbers")
            if len(fields) != width:
                fields = self._fitted(record, width)
                width = len(fields)
            row = len(self.lines)
            if 0 < row <= _LOOKED_AT:
                whole = [signs.isdisjoint(field) for field in fields]
                self.plain = whole if row == 1 else [a and b for a, b in zip(self.plain, whole, strict=True)]
                self.some = whole if row == 1 else [a or b for a, b in zip(self.some, whole, strict=True)]
            self.lines.append(record.line)
            self._append(row, fields)
            # a table of words would fill the memory with them, and is refused anyway
            if row > 1000 and sum(len(entries) > 1 for entries in self.text.values()) > _TEXT_COLUMNS:
                break
        if empty is not None:
            self.notes.append("lines of empty fields at the end were left out")
        if self.comments:
            self.notes.append(f"{self.comments} comment line{'s' if self.comments > 1 else ''} skipped")

    def _append(self, row: int, fields: list[str]) -> None:
        """Add the numbers of a row, NaN and the text itself where there is none."""
        simple, found = self.dialect.decimal == ".", [0.0]
        if simple:
            try:
                found = [*map(float, fields)]
            except ValueError:
                simple = False
        if simple and math.isfinite(sum(found)) and not (self.underscores and any("_" in field for field in fields)):
            self.values.extend(found)
            return
        for column, field in enumerate(fields):
            value = number(field, self.dialect.decimal)
            if value is None or not math.isfinite(value):
                value = math.nan
                self.text.setdefault(column, {})[row] = sys.intern(field.strip())
            self.values.append(value)

    def _fitted(self, record: Record, width: int) -> list[str]:
        """The fields of a record with another number of them than the first: trailing separators, names of rows."""
        fields = record.fields
        more = len(fields) - width
        if more == 1 and not fields[-1].strip():
            if not self.trailing:
                self.trailing = True
                self.notes.append("separators at the ends of lines left out")
            return fields[:-1]
        if more == 1 and len(self.lines) == 1 and self.first is not None and self.text:
            # R names its rows and not the column of their names
            self.short_header = True
            first = self.first.fields
            self.values = array("d", [np.nan] * (width + 1))
            self.text = {k: {0: name} for k, name in enumerate(["", *first])}
            return fields
        raise InputError(
            f"line {record.line}: got {len(fields)} column{'s' if len(fields) != 1 else ''}, expected {width} "
            f"as in line {self.first.line if self.first else 1}"
        )

    def table(self) -> Table:
        """Everything read, row 0 included."""
        n = len(self.lines)
        values = np.frombuffer(self.values, dtype=np.float64).reshape(n, -1) if n else np.empty((0, 0))
        w = values.shape[1]
        return Table(
            values,
            self.text,
            None,
            tuple(range(1, w + 1)),
            np.frombuffer(self.lines, dtype=np.int64),
            tuple(self.plain) or (False,) * w,
            tuple(not whole for whole in self.some) or (False,) * w,
            self.quoted_index,
            (),
        )


def _below(table: Table, names: list[str]) -> Table:
    """The table without its first row, which is the header `names`."""
    text = {
        column: {row - 1: entry for row, entry in entries.items() if row > 0} for column, entries in table.text.items()
    }
    return replace(
        table,
        values=table.values[1:],
        text={column: entries for column, entries in text.items() if entries},
        names=names,
        lines=table.lines[1:],
    )


def _trailing(table: Table, names: list[str], notes: list[str]) -> tuple[Table, list[str]]:
    """Without a last column that is empty in every line."""
    last = len(names) - 1
    entries = table.text.get(last, {})
    if last > 1 and len(entries) == len(table.values) and not any(entries.values()):
        note = "separators at the ends of lines left out"
        if note not in notes:
            notes.append(note)
        return table.without(last, ""), names[:-1]
    return table, names


def _comment_names(comment: str, dialect: Dialect, width: int) -> list[str] | None:
    """Names of the columns in a comment, as numpy.savetxt writes them; None if it is any other comment."""
    for separator in (dialect.separator, BLANKS):
        parts = comment.split() if separator == BLANKS else [part.strip() for part in comment.split(separator)]
        if len(parts) != width or any(not part or number(part) is not None for part in parts):
            continue
        if separator != BLANKS or all(re.fullmatch(r"[\w.-]+", part) for part in parts):
            return parts
    return None


def _is_header(table: Table, first: list[str]) -> bool:
    """Whether the first row names the columns.

    It is if it has text wherever the rows below have numbers, or counts the columns.

    Raises
    ------
    InputError
        If it mixes text and numbers, which is a sample with a bad entry, or may be either.
    """
    rest = len(table.values) - 1
    width = len(first)
    words = [column for column in range(width) if 0 in table.text.get(column, {})]
    if rest == 0:
        if words and len(words) < width:
            raise _mixed(table, first, words[0])
        return bool(words)
    wordy = {column for column in range(width) if len(_below_first(table, column)) == rest}
    bad = [column for column in words if column not in wordy]
    good = [column for column in range(width) if column not in words and column not in wordy]
    counted = _counts(first, [column for column in range(width) if column not in words])
    decimal = _counts_in_decimals(first, [column for column in range(width) if column not in words])
    if (counted or decimal) and rest > 1 and any(column not in words for column in wordy):
        return True  # a number that counts the columns above nothing but text
    if not good:
        return bool(words)
    if not bad:
        if not words:
            return _counted_header(table, first, counted, decimal)
        return _named_labels(table, first, words, good, counted, decimal)
    known = all(_known(first[column], column) for column in bad)
    fields = [first[column].strip() for column in bad]
    letters = any(fields) and all(field[:1].isalpha() and not is_missing(field) for field in fields if field or bad[0])
    whole = all(numeral(first[column]).isdigit() for column in good)
    if known and (counted or (any(fields) and bool(np.all(np.diff(table.values[0, good]) > 0)))):
        return True
    several = len(good) > 1 and len(bad) - (not fields[0]) == 1
    if letters and whole and ((counted and several) or (len(bad) > len(good) and len(set(fields)) == len(fields))):
        return True
    raise _mixed(table, first, bad[0])


def _known(name: str, column: int) -> bool:
    """Whether a word names y, or the first column as row numbers."""
    lower = name.strip().lower()
    return lower in TARGET_NAMES or (column == 0 and INDEX_NAMES.fullmatch(lower) is not None)


def _mixed(table: Table, first: list[str], column: int) -> InputError:
    """The error of a first row with text beside numbers."""
    other = next(field for k, field in enumerate(first) if number(field) is not None or k not in table.text)
    missing = is_missing(first[column])
    return table.refuse(
        0, column, f"a number as beside it ({other.strip()})" + ("" if missing else ", or a header of names alone")
    )


def _below_first(table: Table, column: int) -> list[int]:
    """Rows below the first with text in a column."""
    return [row for row in table.text.get(column, {}) if row > 0]


def _counts(first: list[str], columns: list[int]) -> str:
    """``"0"`` or ``"1"`` if the fields in some columns are whole numbers that count up from there.

    ``"steps"`` if they are at least three that grow in equal steps, and the empty text if they are neither.
    """
    fields = [numeral(first[column]) for column in columns]
    for start in (0, 1):
        if fields and fields == [str(start + k) for k in range(len(fields))]:
            return str(start)
    if len(fields) < 3 or not all(field.isascii() and field.isdigit() and len(field) < 10 for field in fields):
        return ""
    steps = np.diff([int(field) for field in fields])
    return "steps" if steps[0] > 0 and np.all(steps == steps[0]) else ""


def _counts_in_decimals(first: list[str], columns: list[int]) -> bool:
    """Whether at least three fields are 0.0, 1.0, 2.0, ... or from 1.0 on, as pandas writes names that are floats."""
    fields = [numeral(first[column]) for column in columns]
    return len(fields) > 2 and any(fields == [f"{start + k}.0" for k in range(len(fields))] for start in (0, 1))


def _named_labels(
    table: Table, first: list[str], words: list[int], good: list[int], counted: str, decimal: bool
) -> bool:
    """Whether a first row with text where all rows have it, and numbers where all have them, is a header."""
    below = [[table.text[column][row] for row in _below_first(table, column)] for column in words]
    fields = [first[column].strip() for column in words]
    if any(field in texts for field, texts in zip(fields, below, strict=True)):
        return False
    whole = all(numeral(first[column]).isdigit() for column in good)
    rising = bool(np.all(np.diff(table.values[0, good]) > 0))
    fractions = sum(not table.plain[column] for column in good)
    known = all(map(_known, fields, words))
    repeated = any(len(set(texts)) <= len(texts) / 2 for texts in below)
    # y may be the answer yes, seen once
    if known and (counted or decimal or (whole and rising and (fractions or "y" not in map(str.lower, fields)))):
        return True
    if whole and repeated and fractions == len(good):
        return True
    if counted and len(good) > 1 and (fractions or (counted != "steps" and (len(good) > 5 or repeated))):
        return True
    if counted or decimal or (whole and (fractions == len(good) or (rising and repeated))):
        raise InputError(
            f"line {table.lines[0]}: got {_start(first)}, which may be a sample or names, expected a header that calls "
            "the target y"
        )
    return False


def _counted_header(table: Table, first: list[str], counted: str, decimal: bool) -> bool:
    """Whether a first row of numbers alone is a header: 0, 1, 2, ... as pandas writes.

    Its 0.0, 1.0, 2.0, ... look like the decimals below, and may be a sample just as well.
    """
    width = len(first)
    unsaid = InputError(
        f"line {table.lines[0]}: got {_start(first)}, which may be a sample or numbers of columns, expected a header "
        "of names"
    )
    if decimal:
        raise unsaid
    if counted not in ("0", "1"):
        # whole numbers above decimals, and nothing but decimals below
        whole = all(numeral(field).isdigit() for field in first)
        if whole and len(table.values) > (2 if counted else 3) and sum(table.broken) >= max(2, width - 1):
            raise unsaid
        return False
    if sum(not plain for plain in table.plain) >= max(1, width - 2):
        return True
    # all whole numbers: labels that never take the value in the first row speak for a header
    labels = [c for c in (0, len(first) - 1) if looks_like_labels(table.values[1:, c])]
    rare = any(table.values[0, c] not in table.values[1:, c] for c in labels)
    if counted == "0" and rare:
        return True
    if counted == "0" or (counted == "1" and width >= 8 and rare):
        raise unsaid
    return False


def _start(fields: list[str]) -> str:
    """The first fields of a row, to be shown."""
    return ", ".join(field.strip()[:_SHOWN] for field in fields[:6]) + (", ..." if len(fields) > 6 else "")
