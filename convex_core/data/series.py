"""Time series of the UEA & UCR archive in its ``.ts`` format, which says itself what y is.

Lines beginning with ``@`` describe the problem; after ``@data`` every line is a series, numbers separated by commas,
with a colon between the dimensions and before the class (``@classLabel true a b``) or the number (``@targetLabel
true``): https://www.aeon-toolkit.org/en/stable/api_reference/file_specifications/ts.html
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts import records
from ..errors import InputError
from .numerals import is_missing, number
from .tables import quoted

__all__ = ["Series", "is_series", "read_series"]

#: Spellings of the sizes that a file states.
_SIZES = {"serieslength": "serieslength", "dimension": "dimensions", "dimensions": "dimensions"}
_TRUE = {"true": True, "false": False}


@records.record
@dataclass(frozen=True, slots=True)
class Series:
    """Series (n, T, C) of C dimensions, and y as numbers (n,) or as names of classes."""

    values: NDArray[np.float64]
    y: NDArray[np.float64] | list[str]


def is_series(text: str) -> bool:
    r"""Whether a text is in the ``.ts`` format.

    Examples
    --------
    >>> is_series("#a\n@problemName Toy\n"), is_series("1,2\n")
    (True, False)
    """
    for line in text[:100_000].split("\n"):
        if line.strip() and not line.lstrip().startswith("#"):
            return line.lstrip().startswith("@")
    return False


def read_series(text: str) -> Series:
    r"""Series of one length and their classes or numbers.

    Raises
    ------
    InputError
        If series have different lengths, times of their own or missing values, or there is no y.

    Examples
    --------
    >>> series = read_series("@classLabel true up down\n@data\n1,2,3:up\n3,2,1:down\n")
    >>> series.values[:, :, 0].tolist(), series.y
    ([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], ['up', 'down'])
    """
    lines = [(k, line.strip()) for k, line in enumerate(text.split("\n"), 1)]
    lines = [(k, line) for k, line in lines if line and not line.startswith("#")]
    start = next((at for at, (_, line) in enumerate(lines) if line.lower() == "@data"), None)
    if start is None:
        raise InputError("got no line @data, expected the series below one")
    header = _header(lines[:start])
    if header.timestamps:
        raise InputError("timestamps: got series with times of their own, expected values at equal distances")
    rows: list[list[list[float]]] = []
    y: list[float | str] = []
    for line, content in lines[start + 1 :]:
        parts = content.split(":")
        if len(parts) < 2:
            raise InputError(f"line {line}: got no colon, expected a series, a colon and its class or target")
        dimensions = [_numbers(part, line) for part in parts[:-1]]
        if rows and len(dimensions) != len(rows[0]):
            raise InputError(f"line {line}: got {len(dimensions)} dimensions, expected {len(rows[0])} as before")
        length = len(rows[0][0]) if rows else len(dimensions[0])
        uneven = [len(d) for d in dimensions if len(d) != length]
        if uneven:
            raise InputError(f"line {line}: got a series of length {uneven[0]}, expected {length}: all of one length")
        rows.append(dimensions)
        y.append(_label(parts[-1].strip(), line, header))
    if not rows:
        raise InputError("got no series, expected at least one line below @data")
    for key, what, found in (
        ("serieslength", "series of length", len(rows[0][0])),
        ("dimensions", "dimensions:", len(rows[0])),
    ):
        said = header.sizes.get(key)
        if said is not None and said[1] != found:
            raise InputError(f"line {said[0]}: got {what} {said[1]}, expected {found} as below @data")
    values = np.array(rows).transpose(0, 2, 1)
    return Series(values, np.array(y, dtype=np.float64) if header.classes is None else [str(name) for name in y])


@dataclass(frozen=True, slots=True)
class _Header:
    """What the lines with @ say: times of their own, the names of classes (None for numbers as targets), and sizes.

    Sizes are the lines and numbers of ``serieslength`` and ``dimensions``, where they are given.
    """

    timestamps: bool
    classes: tuple[str, ...] | None
    sizes: dict[str, tuple[int, int]]


def _header(lines: list[tuple[int, str]]) -> _Header:
    entries: dict[str, list[str]] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for line, content in lines:
        if not content.startswith("@"):
            raise InputError(f"line {line}: got {quoted(content)}, expected a line that begins with @ above @data")
        key, *rest = content[1:].split()
        lower = _SIZES.get(key.lower(), key.lower())
        entries[lower] = rest
        if lower in _SIZES.values() and rest and rest[0].isdecimal() and int(rest[0]) > 0:
            sizes[lower] = line, int(rest[0])

    def says(key: str) -> bool:
        return _TRUE.get(next(iter(entries.get(key, [])), "false").lower(), False)

    if says("classlabel"):
        return _Header(says("timestamps"), tuple(entries["classlabel"][1:]), sizes)
    if says("targetlabel"):
        return _Header(says("timestamps"), None, sizes)
    raise InputError("got neither @classLabel true nor @targetLabel true, expected a class or a target of each series")


def _numbers(part: str, line: int) -> list[float]:
    """The numbers of one dimension."""
    found = []
    for k, field in enumerate(part.split(","), 1):
        value = number(field)
        if value is None or not np.isfinite(value):
            shown = "an empty field" if not field.strip() else quoted(field.strip())
            raise InputError(f"line {line}, value {k}: got {shown}, expected a finite number (none may be missing)")
        found.append(value)
    return found


def _label(text: str, line: int, header: _Header) -> float | str:
    """The class or the target behind the last colon."""
    if header.classes is None:
        value = number(text)
        if value is None or not np.isfinite(value):
            raise InputError(f"line {line}: got the target {quoted(text)}, expected a finite number")
        return value
    if text not in header.classes if header.classes else is_missing(text):
        raise InputError(f"line {line}: got the class {quoted(text)}, expected one of {', '.join(header.classes[:20])}")
    return text
