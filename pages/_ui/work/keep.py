"""Answers kept for everyone who asks the same, unless a time limit cut them short: those are for one session alone.

A time limit measures the machine as well as the question. What a busy or a cold server cut short is drawn for the
visitor who waited for it, and found again when the page is drawn again; the next visitor gets a whole answer.

All that is kept for everyone, data, answers and drawings, shares one number of bytes: what was used longest ago goes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from convex_core.contracts.kept import Kept
from convex_core.status import Status

from . import visitor

__all__ = ["CUT", "apart", "cut_short", "find", "forget", "kept", "put", "shared", "was_cut"]

#: How a computation ends that had no time to end by itself.
CUT = frozenset({Status.TIME_LIMIT, Status.CANCELLED})
#: Bytes that are kept for everyone: some hundred visits of all kinds.
MOST_BYTES = 64_000_000
#: Bytes of answers that were cut short, for each session.
MOST_OWN_BYTES = 8_000_000
#: Seconds between two looks of one who waits for the same answer as another.
LOOK_SECONDS = 0.1
_OWN, _FLAG = "_kept_for_this_session", "_cut_short"
_NOTHING = object()

T = TypeVar("T")
_Question = tuple[str, Hashable]


@dataclass(slots=True)
class _Shelf:
    """All answers, and who is working on which."""

    answers: Kept = field(default_factory=lambda: Kept(MOST_BYTES))
    lock: threading.Lock = field(default_factory=threading.Lock)
    busy: dict[_Question, threading.Lock] = field(default_factory=dict)


def kept(place: str, key: Hashable, make: Callable[[], T]) -> T:
    """The answer to `key`, made only once by everyone together, and by each session for itself if it is cut short.

    Parameters
    ----------
    place : str
        Kind of question.
    key : hashable
        The question; it covers all that `make` uses.
    make : callable
        Makes the answer, which nothing may change. It calls :func:`cut_short` if a time limit ended it. What is then
        made of such an answer, in the same run of the page, is kept for the session too.
    """
    own: Kept = st.session_state.setdefault(_OWN, Kept(MOST_OWN_BYTES))

    def mine() -> Any:
        found = own.find((place, key), _NOTHING)
        if found is not _NOTHING:
            cut_short()
        return found

    def keep(answer: T) -> None:
        if was_cut():
            own.put((place, key), answer)
        else:
            put(place, key, answer)

    return _made_once((place, key), make, mine, keep)


def shared(place: str, key: Hashable, make: Callable[[], T]) -> T:
    """The same for what no time limit is about: data, and drawings of an answer; everyone's whatever was cut short."""
    return _made_once((place, key), make, lambda: _NOTHING, lambda answer: put(place, key, answer))


def _made_once(question: _Question, make: Callable[[], T], mine: Callable[[], Any], keep: Callable[[T], None]) -> T:
    """The answer on the shelf, or that of `mine`, or a new one; two who ask at once wait for one answer."""
    shelf = _shelf()
    with shelf.lock:
        found = shelf.answers.find(question, _NOTHING)
        if found is not _NOTHING:
            return found  # type: ignore[no-any-return]
        working = shelf.busy.setdefault(question, threading.Lock())
    found = mine()
    if found is not _NOTHING:
        return found  # type: ignore[no-any-return]
    # whoever was first may be long at work, and this visitor be gone before that ends
    while not working.acquire(timeout=LOOK_SECONDS):
        visitor.leave()
    try:
        # it may be there meanwhile
        found = shelf.answers.find(question, _NOTHING)
        if found is _NOTHING:
            try:
                found = make()
                keep(found)
            finally:
                with shelf.lock:
                    shelf.busy.pop(question, None)
    finally:
        working.release()
    return found  # type: ignore[no-any-return]


def find(place: str, key: Hashable) -> Any:
    """The answer that a background job has left for everyone; None if there is none."""
    return _shelf().answers.find((place, key))


def put(place: str, key: Hashable, answer: Any) -> None:
    """Keep an answer that was not cut short for everyone."""
    _shelf().answers.put((place, key), answer)


def forget(place: str, key: Hashable) -> None:
    """Make this session's own answer anew when it is asked for again."""
    if _OWN in st.session_state:
        st.session_state[_OWN].forget((place, key))


def was_cut() -> bool:
    """Whether an answer of this run was ended by a time limit."""
    return bool(st.session_state.get(_FLAG))


def cut_short() -> None:
    """Note that an answer of this run was ended by a time limit."""
    st.session_state[_FLAG] = True


@contextmanager
def apart() -> Iterator[None]:
    """A run of a page or of a part of it: what was cut short before it or in it says nothing about what follows."""
    before = st.session_state.get(_FLAG, False)
    st.session_state[_FLAG] = False
    try:
        yield
    finally:
        st.session_state[_FLAG] = before


@st.cache_resource(show_spinner=False)
def _shelf() -> _Shelf:
    return _Shelf()
