"""Charts of answers that everyone shares are drawn once: a page that is drawn again takes them as they are.

Making a figure costs more than all else on most pages. What is drawn belongs to one answer, an object that is found
again and never changed, and to settings.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from types import FunctionType
from typing import Concatenate, ParamSpec, TypeVar, cast

from . import keep

__all__ = ["drawn"]

P = ParamSpec("P")
A = TypeVar("A")
T = TypeVar("T")


def drawn(make: Callable[Concatenate[A, P], T], answer: A, *args: P.args, **settings: P.kwargs) -> T:
    """``make(answer, *args, **settings)``, made once; nothing may change it.

    The answer counts as the object that it is, arguments and settings by their values, which are hashable: palettes,
    words, numbers. `make` is a function that reads nothing else.
    """
    # a page's own functions are made anew whenever it is drawn, and all are of one module
    code = cast("FunctionType", make).__code__
    name = code.co_filename, code.co_qualname, code.co_firstlineno
    key: Hashable = (name, id(answer), args, tuple(sorted(settings.items(), key=lambda item: item[0])))
    # the answer is kept with its drawing, so that no other object can have its number
    return keep.shared("drawing", key, lambda: (answer, make(answer, *args, **settings)))[1]
