"""How a table of text is written: its separator, its quotes and its decimal sign, found from its contents."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from ..errors import InputError
from .numerals import looks_numeric, numeral

__all__ = ["Dialect", "Record", "find_dialect", "records"]

#: A separator that stands for any run of blanks.
BLANKS = " "
#: Separators that are tried, of equally good ones the first.
_SEPARATORS = {"\t": "tabs", ";": "semicolons", "|": "bars", ",": "commas", BLANKS: "blanks"}
#: Records that are looked at to find the separator.
_SAMPLE = 60
_QUOTED_WORD = re.compile(r'"((?:[^"]|"")*)"|(\S+)')
_NUMBER_AND_MORE = re.compile(r"\s*[+-]?\d[\d.,eE+-]*\s+\S")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
#: a number with either decimal sign
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """Separator, quote, decimal sign, whether the first line only says the separator, and the text's comments."""

    separator: str
    quote: str
    decimal: str
    skip: int
    comments: bool

    @property
    def words(self) -> str:
        """In words, for example ``"separated by semicolons, with decimal commas"``."""
        named = f"separated by {_SEPARATORS.get(self.separator, repr(self.separator))}"
        return f"{named}, with decimal commas" if self.decimal == "," else named


@dataclass(frozen=True, slots=True)
class Record:
    """A line of a table: its number, its fields, or the text of a comment."""

    line: int
    fields: list[str]
    comment: str | None = None


def find_dialect(text: str) -> Dialect:
    r"""The dialect of `text`, whose lines end with a newline.

    Raises
    ------
    InputError
        If decimal commas cannot be told from the commas of thousands.

    Examples
    --------
    >>> find_dialect("a;b\n1,5;2\n").words
    'separated by semicolons, with decimal commas'
    """
    start = text[: text.find("\n") + 1] or text
    said = re.fullmatch(r"\s*\"?sep=(\\t|.)\"?\s*", start, re.IGNORECASE)
    skip = 1 if said else 0
    head = text[: 1 << 18]
    quote = '"' if '"' in head or not re.search(r"(^|[\s,;|])'[^'\n]*'\s*([,;|\t\n ]|$)", head) else "'"
    comments = "#" in text
    if said:
        separator = "\t" if said[1] == "\\t" else said[1]
    else:
        separator = max(_SEPARATORS, key=lambda candidate: _fits(head, Dialect(candidate, quote, ".", 0, comments)))
    dialect = Dialect(separator, quote, ".", skip, comments)
    return Dialect(separator, quote, _decimal(text, dialect), skip, comments)


def records(text: str, dialect: Dialect) -> Iterator[Record]:
    """The records of a text that are not blank, one after the other.

    Raises
    ------
    InputError
        Where quotes are not closed, or a field is too long.
    """
    line = 0

    def lines() -> Iterator[str]:
        nonlocal line
        start = 0
        while start < len(text):
            end = text.find("\n", start) + 1 or len(text)
            line += 1
            if line > dialect.skip:
                yield text[start:end]
            start = end

    split = _splitter(dialect)
    source = lines()
    width = 0  # fields of the first record
    for content in source:
        if dialect.comments and content.lstrip().startswith("#") and not _is_sample(split, content, width):
            yield Record(line, [], content.strip().lstrip("#").strip())
            continue
        if content.isspace() and (content.strip("\n").strip(" ") == "" or dialect.separator == BLANKS):
            continue
        first = line
        try:
            fields = split(content, source)
            width = width or len(fields)
            yield Record(first, fields)
        except (csv.Error, StopIteration) as error:
            reason = str(error) or "a quote that is not closed"
            raise InputError(f"line {first}: got {reason}, expected fields separated as in the other lines") from error


def _is_sample(split: Callable[[str, Iterator[str]], list[str]], content: str, width: int) -> bool:
    """Whether a line that begins with # is a sample: of a spreadsheet with #N/A, or with a label such as #0f0.

    It has as many fields as the lines before, or numbers in other fields than the first.
    """
    try:
        fields = split(content, iter(()))
    except (csv.Error, StopIteration):
        return False
    if len(fields) < 2:
        return False
    return len(fields) == width or any(_NUMBER.fullmatch(field.strip().strip('"')) for field in fields[1:])


def _splitter(dialect: Dialect) -> Callable[[str, Iterator[str]], list[str]]:
    """A function that splits a line, and takes more of them where a quoted field goes on."""
    separator, quote = dialect.separator, dialect.quote
    if separator == BLANKS:

        def words(content: str, source: Iterator[str]) -> list[str]:
            if quote not in content:
                return content.split()
            content = content.replace("'", '"') if quote == "'" else content
            return [found[1].replace('""', '"') if found[2] is None else found[2] for found in _words(content)]

        return words

    def fields(content: str, source: Iterator[str]) -> list[str]:
        if quote not in content:
            return content.rstrip("\n").split(separator)
        blanks = separator != "\t"

        def chain() -> Iterator[str]:
            yield content
            yield from source

        return next(
            csv.reader(chain(), delimiter=separator, quotechar=quote, strict=True, skipinitialspace=blanks), [""]
        )

    return fields


def _words(content: str) -> Iterator[re.Match[str]]:
    return _QUOTED_WORD.finditer(content)


def _fits(head: str, dialect: Dialect) -> tuple[float, int]:
    """How well a separator fits: equal numbers of columns, at least two, and as many numbers as possible."""
    order = -list(_SEPARATORS).index(dialect.separator)
    if dialect.separator == BLANKS and _regular(head, "\t"):
        return 0.0, order  # blanks would swallow an empty field between two tabs
    rows: list[list[str]] = []
    with suppress(InputError):  # said where the whole text is read; the lines before it show the separator
        found = (record.fields for record in records(head, dialect) if any(map(str.strip, record.fields)))
        rows.extend(islice(found, _SAMPLE))
    if len(rows) > 1 and len(head) == 1 << 18:
        rows.pop()  # the last line may be cut off
    body = rows[1:] or rows
    widths = Counter(len(row) - (len(row) > 1 and not row[-1].strip()) for row in body)
    if not widths:
        return 0.0, order
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]))
    if width < 2:
        return 1e-6 * (len(rows[0]) > 1), order
    fields = [field for row in body for field in row]
    numbers = sum(looks_numeric(field) - 0.5 * (_NUMBER_AND_MORE.match(field) is not None) for field in fields)
    named = 1.0 if len(rows[0]) in (width - 1, width, width + 1) else 0.5
    return named * count / len(body) * (0.01 + max(0.0, numbers / len(fields))), order


def _regular(head: str, separator: str) -> bool:
    """Whether the lines have the same number of a separator, at least one."""
    lines = [line for line in head.split("\n")[: _SAMPLE + 1] if line.strip() and not line.lstrip().startswith("#")]
    counts = {line.count(separator) for line in (lines[1:-1] or lines)}
    return len(counts) == 1 and 0 not in counts


def _decimal(text: str, dialect: Dialect) -> str:
    """The decimal sign: the first number that leaves no doubt decides."""
    if "," not in text or (dialect.separator == "," and dialect.quote not in text):
        return "."
    doubtful: tuple[int, str] | None = None
    for record in records(text, dialect):
        for field in record.fields:
            if "," not in field and "." not in field:
                continue
            shown = numeral(field)
            if _THOUSANDS.fullmatch(shown):
                doubtful = doubtful or (record.line, shown)
            elif _DECIMAL_COMMA.fullmatch(shown):
                return ","
            elif looks_numeric(shown) and "," not in shown:
                return "."
    if doubtful:
        raise InputError(
            f"line {doubtful[0]}: got {doubtful[1]!r}, whose comma may be a decimal comma or part of a thousand, "
            "expected decimal points"
        )
    return "."
