"""JSON of a stranger: one object, every name once, every number finite; and the one way to write it for a checksum."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from ..errors import InputError

__all__ = ["parse", "seal"]

#: Largest whole number that every reader of JSON keeps: others hold numbers as doubles.
_WHOLE = 2.0**53
#: Halves of characters, as JSON may write them, or as they stand in a text that was not read as UTF-8.
_HALVES = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def parse(text: str, name: str) -> dict[str, Any]:
    """The object in `text`.

    Raises
    ------
    InputError
        If it is no JSON, no object, holds a name twice, or a number that is not finite.

    Examples
    --------
    >>> parse('{"a": [1, 2.5]}', "mine.json")
    {'a': [1, 2.5]}
    >>> parse('{"a": NaN}', "mine.json")
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: mine.json: got the number NaN, expected finite numbers
    """

    def refuse(word: str) -> NoReturn:
        raise InputError(f"{name}: got the number {word[:40]}, expected finite numbers")

    def number(word: str) -> float:
        value = float(word)
        return value if math.isfinite(value) else refuse(word)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for at, (key, _) in enumerate(pairs) if key in dict(pairs[:at]))
            raise InputError(f"{name}: got {twice[:40]!r} twice, expected every name once")
        return found

    try:
        value = json.loads(text, parse_constant=refuse, parse_float=number, object_pairs_hook=once)
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # a whole number of too many digits is a ValueError too
        raise InputError(f"{name}: got no JSON ({str(error)[:120]}), expected it whole") from error
    if not isinstance(value, dict):
        raise InputError(f"{name}: got JSON of a {type(value).__name__}, expected an object")
    if _HALVES.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{name}: got half a character (a lone surrogate), expected text") from error
    return value


def seal(document: Mapping[str, Any]) -> str:
    """SHA-256 of everything but the seal itself, whatever the order of the names and the blanks between them.

    Examples
    --------
    >>> seal({"a": 1, "b": 2}) == seal({"b": 2.0, "a": 1, "seal": "something"})
    True
    """
    rest = {name: value for name, value in document.items() if name != "seal"}
    text = json.dumps(_plain(rest), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """`value` with whole numbers as such: 1.0 and 1 are one number, as for every reader that holds doubles."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < _WHOLE else value
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, (list, tuple)) else value
