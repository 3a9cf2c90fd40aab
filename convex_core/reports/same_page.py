"""The seal of a page, and whether the page around a report's JSON says what the JSON says."""

from __future__ import annotations

import hashlib
import re

from ..version import __version__
from .verdicts import Check, Verdict

__all__ = ["check_page", "page_seal", "sealed_page"]

#: The seal of a page, in the page.
_PAGE_SEAL = re.compile(r'<meta name="seal" content="([0-9a-f]{64})">')
_SEAL = re.compile(r'(<meta name="seal" content=")[0-9a-f]*(">)')

#: By how much a place in a drawing may differ: it has one decimal, and may be rounded up here and down there.
PLACE = 0.15
# places in drawings, which another processor may round in another way
_PLACES = re.compile(r'( (?:d|x|y|cx|cy|r|width|height|style)=")([^"<>]*)(?=")')
_NUMBER = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)")


def page_seal(written: str) -> str:
    """SHA-256 of a page but for the seal in it.

    Examples
    --------
    >>> page_seal('<meta name="seal" content="">') == page_seal('<meta name="seal" content="12ab">')
    True
    """
    return hashlib.sha256(_SEAL.sub(r"\1\2", written, count=1).encode()).hexdigest()


def sealed_page(written: str) -> str:
    """A page with an empty seal, sealed."""
    return _SEAL.sub(rf"\g<1>{page_seal(written)}\g<2>", written, count=1)


def check_page(written: str, again: str, writer: str) -> list[Check]:
    """Whether a page by the version `writer` is as it was written, and says what `again`, made of its JSON, says."""
    found = _PAGE_SEAL.findall(written)
    sealed = len(found) == 1 and found[0] == page_seal(written)
    words = "unbroken" if sealed else "broken: something on the page was changed after it was written"
    checks = [Check("page", Verdict.HOLDS if sealed else Verdict.FAILS, words)]
    if _same_page(again, written):
        checks.append(Check("page says", Verdict.HOLDS, "what its numbers say"))
    elif writer == __version__:
        words = "something else than its numbers: a text or a picture on it was changed"
        checks.append(Check("page says", Verdict.FAILS, words))
    else:
        words = f"other words than those of version {__version__} ({writer[:40]} is claimed): believe this check alone"
        checks.append(Check("page says", Verdict.UNDECIDED, words))
    return checks


def _same_page(one: str, other: str) -> bool:
    """Whether two pages are the same but for their seals and for roundings of the places in drawings."""
    ours, theirs = (_PLACES.split(_PAGE_SEAL.sub("", page)) for page in (one, other))
    # of every three parts the last is a place, and lies between numbers and letters
    return len(ours) == len(theirs) and all(
        a == b or (at % 3 == 2 and _same_place(a, b)) for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
    )


def _same_place(one: str, other: str) -> bool:
    ours, theirs = _NUMBER.split(one), _NUMBER.split(other)
    return len(ours) == len(theirs) and all(
        a == b or (at % 2 == 1 and abs(float(a) - float(b)) <= PLACE)
        for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
    )
