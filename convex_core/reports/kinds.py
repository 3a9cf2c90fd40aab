"""The kinds of reports: each reads its JSON, draws its page and computes its claims again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from ..data import Dataset
from ..errors import InputError
from ..progress import Budget
from . import listed
from .claims import Claimed
from .reading import FORMAT, rebuild
from .state import State
from .verdicts import RECORDS, Check

__all__ = ["Kind", "Stages", "kind_of"]

#: Parts of a check in their order: what each is about, and what does it.
Stages = list[tuple[str, Callable[[Budget], None]]]


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of report can do.

    Attributes
    ----------
    rebuild : callable
        From the JSON, and a name for messages, to a state; :class:`InputError` for what does not fit.
    page : callable
        From a state, the JSON as a dictionary and as text to the page.
    stages : callable
        From a state, the list that gets the checks, data given from outside and the most sign patterns, to the parts
        of the check.
    records : str
        What nobody can compute again.
    """

    rebuild: Callable[[Mapping[str, Any], str], Any]
    page: Callable[[Any, Mapping[str, Any], str], str]
    stages: Callable[[Any, list[Check], str | FilePath | Dataset | None, int], Stages]
    records: str


def kind_of(document: Mapping[str, Any]) -> Kind:
    """The kind of a report by its format; what is none is refused by the reader of the usual one."""
    return _KINDS.get(str(document.get("format")), _KINDS[FORMAT])


def _solved(state: State, checks: list[Check], data: str | FilePath | Dataset | None, max_patterns: int) -> Stages:
    if data is not None:
        raise InputError("data: got some for a report that has its data inside, expected none")
    work = Claimed(state, max_patterns, checks)
    return [("network", work.near), ("bounds", work.far)]


def _over_list(
    state: listed.ListedState, checks: list[Check], data: str | FilePath | Dataset | None, max_patterns: int
) -> Stages:
    work = listed.ListedClaims(state, data, checks)
    return [("data", work.images), ("network", work.near), ("bounds", work.far)]


def _solved_page(state: State, document: Mapping[str, Any], text: str) -> str:
    from .page import page  # drawing is needed here only

    return page(state, document, text)


def _page_over_list(state: listed.ListedState, document: Mapping[str, Any], text: str) -> str:
    from .listed.page import listed_page  # likewise

    return listed_page(state, document, text)


_KINDS = {
    FORMAT: Kind(rebuild, _solved_page, _solved, RECORDS),
    listed.LISTED_FORMAT: Kind(listed.rebuild_listed, _page_over_list, _over_list, listed.RECORDS),
}
