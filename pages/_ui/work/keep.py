"""Answers kept for everyone who asks the same, unless a time limit cut them short: those are for one session alone.

A time limit measures the machine as well as the question. What a busy or a cold server cut short is drawn for the
visitor who waited for it, and found again when the page is drawn again; the next visitor gets a whole answer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st

from convex_core.status import Status

from . import visitor

__all__ = ["CUT", "apart", "cut_short", "find", "forget", "kept", "put", "was_cut"]

#: How a computation ends that had no time to end by itself.
CUT = frozenset({Status.TIME_LIMIT, Status.CANCELLED})
#: Answers that were cut short and are kept for their session.
MAX_OWN = 24
#: Seconds between two looks of one who waits for the same answer as another.
LOOK_SECONDS = 0.1
_OWN, _FLAG = "_kept_for_this_session", "_cut_short"

T = TypeVar("T")


@dataclass(slots=True)
class _Shelf:
    """Answers to one kind of question, the one used last at the end, and who is working on which."""

    answers: OrderedDict[str, Any] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    busy: dict[str, threading.Lock] = field(default_factory=dict)


def kept(place: str, key: str, make: Callable[[], T], *, entries: int = 64) -> T:
    """The answer to `key`, made only once by everyone together, and by each session for itself if it is cut short.

    Parameters
    ----------
    place : str
        Kind of question.
    key : str
        The question; it covers all that `make` uses.
    make : callable
        Makes the answer, which nothing may change. It calls :func:`cut_short` if a time limit ended it. What is then
        made of such an answer, in the same run of the page, is kept for the session too.
    entries : int
        Answers of this kind that are kept; those used longest ago go.
    """
    shelf = _shelf(place)
    own: OrderedDict[tuple[str, str], Any] = st.session_state.setdefault(_OWN, OrderedDict())
    with shelf.lock:
        if key in shelf.answers:
            shelf.answers.move_to_end(key)
            return shelf.answers[key]  # type: ignore[no-any-return]
        working = shelf.busy.setdefault(key, threading.Lock())
    if (place, key) in own:
        cut_short()
        return own[place, key]  # type: ignore[no-any-return]
    # whoever was first may be long at work, and this visitor be gone before that ends
    while not working.acquire(timeout=LOOK_SECONDS):
        visitor.leave()
    try:
        # it may be there meanwhile
        with shelf.lock:
            if key in shelf.answers:
                return shelf.answers[key]  # type: ignore[no-any-return]
        try:
            answer = make()
            if was_cut():
                own[place, key] = answer
                while len(own) > MAX_OWN:
                    own.popitem(last=False)
            else:
                put(place, key, answer, entries=entries)
        finally:
            with shelf.lock:
                shelf.busy.pop(key, None)
    finally:
        working.release()
    return answer


def find(place: str, key: str) -> Any:
    """The answer that a background job has left for everyone; None if there is none."""
    shelf = _shelf(place)
    with shelf.lock:
        return shelf.answers.get(key)


def put(place: str, key: str, answer: Any, *, entries: int) -> None:
    """Keep an answer that was not cut short for everyone."""
    shelf = _shelf(place)
    with shelf.lock:
        shelf.answers[key] = answer
        while len(shelf.answers) > entries:
            shelf.answers.popitem(last=False)


def forget(place: str, key: str) -> None:
    """Make this session's own answer anew when it is asked for again."""
    st.session_state.get(_OWN, {}).pop((place, key), None)


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
def _shelf(place: str) -> _Shelf:
    return _Shelf()
