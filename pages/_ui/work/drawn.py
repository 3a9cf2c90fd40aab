"""Charts of answers that everyone shares are drawn once: a page that is drawn again takes them as they are.

Making a figure costs more than all else on most pages. What is drawn belongs to one answer, an object that is found
again and never changed, and to settings; it goes when others have been used since.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import streamlit as st

__all__ = ["drawn"]

#: Drawings that are kept; the largest have about a megabyte.
MAX_KEPT = 96

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")


def drawn(make: Callable[Concatenate[A, P], T], answer: A, *args: P.args, **settings: P.kwargs) -> T:
    """``make(answer, *args, **settings)``, made once; nothing may change it.

    The answer counts as the object that it is, arguments and settings by their values, which are hashable: palettes,
    words, numbers. `make` is a function that reads nothing else.
    """
    shelf, lock = _shelf()
    # a page's own functions are made anew whenever it is drawn, and all are of one module
    code = cast("FunctionType", make).__code__
    name = code.co_filename, code.co_qualname, code.co_firstlineno
    # the answer is kept with its drawing, so that no other object can have its number
    key: Hashable = (name, id(answer), args, tuple(sorted(settings.items(), key=lambda item: item[0])))
    with lock:
        if key in shelf:
            shelf.move_to_end(key)
            return shelf[key][1]  # type: ignore[no-any-return]
    made = make(answer, *args, **settings)
    with lock:
        shelf[key] = answer, made
        while len(shelf) > MAX_KEPT:
            shelf.popitem(last=False)
    return made


@st.cache_resource(show_spinner=False)
def _shelf() -> tuple[OrderedDict[Hashable, tuple[Any, Any]], threading.Lock]:
    return OrderedDict(), threading.Lock()
