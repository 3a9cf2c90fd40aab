"""Numbers as people and programs write them: one rule for what is a number, and what is a missing one."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["is_missing", "looks_like_labels", "looks_numeric", "number", "numeral"]

#: What programs write for a value that is not there, in lower case.
_MISSING = frozenset({"", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "none", "?", "nat", "#num!", "#div/0!"})
#: The signs that look like a minus: minus sign, small and full-width hyphen-minus.
_MINUS = str.maketrans({"\u2212": "-", "\ufe63": "-", "\uff0d": "-"})
_NUMERAL = re.compile(r"[+-]?(?:\d+(?:[.,]\d+)*[.]?|[.,]\d+)(?:[eE][+-]?\d+)?")


def is_missing(field: str) -> bool:
    """Whether a field says that there is no value.

    Examples
    --------
    >>> [is_missing(field) for field in ("", " NA", "nan", "0", "nano")]
    [True, True, True, False, False]
    """
    return field.strip().lower() in _MISSING


def numeral(field: str) -> str:
    """`field` without blanks around it and with a plain minus."""
    return field.strip().translate(_MINUS)


def looks_numeric(field: str) -> bool:
    """Whether a field is written like a number, with a decimal point or comma."""
    return _NUMERAL.fullmatch(numeral(field)) is not None


def number(field: str, decimal: str = ".") -> float | None:
    """The number in a field, None if there is none; underscores, which Python takes, are none.

    Examples
    --------
    >>> number("1E+05"), number("-.5"), number("1,5", ","), number("1_000"), number("1.5", ",")
    (100000.0, -0.5, 1.5, None, None)
    """
    text = numeral(field)
    if "_" in text or (decimal == "," and "." in text):
        return None
    try:
        return float(text.replace(",", ".") if decimal == "," else text)
    except ValueError:
        return None


def looks_like_labels(values: NDArray[np.float64]) -> bool:
    """Whether numbers may be labels: whole, at least two different ones, each twice on average, a hundred at most.

    Examples
    --------
    >>> [looks_like_labels(np.array(v)) for v in ([0.0, 1, 0, 1], [0.5, 1, 0.5, 1], [1.0, 2, 3, 4], [7.0, 7, 7])]
    [True, False, False, False]
    """
    if not np.all(values == np.round(values)):
        return False
    return 2 <= len(np.unique(values)) <= min(len(values) / 2, 100)
