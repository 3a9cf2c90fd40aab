"""One guard around everything a page draws: an expected error is one sentence, and what was drawn before it stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from convex_core.errors import ConvexCoreError

from .work import keep

__all__ = ["fragment", "guarded", "say"]


@contextmanager
def guarded() -> Iterator[None]:
    """Turn an expected error into its sentence.

    Every page draws the choice of data before anything that can fail, and so another dataset can be taken.
    """
    try:
        with keep.apart():
            yield
    except ConvexCoreError as error:
        say(str(error))


def fragment(function: Callable[..., Any]) -> Callable[..., Any]:
    """Like ``st.fragment``, guarded: a fragment that is drawn again runs outside its page, and outside its guard.

    Streamlit knows a fragment by its name and place. Every page is ``__main__`` there and most call theirs ``live``: a
    request of the page before must not draw the fragment of this one, and so the name of the file is put before it.
    """
    inside = guarded()(function)
    inside.__qualname__ = f"{Path(function.__code__.co_filename).stem}.{function.__qualname__}"
    return st.fragment(inside)


def say(sentence: str) -> None:
    """An error as one sentence; the text of a file may have broken lines."""
    st.error(" ".join(sentence.split()), icon=":material/error:")
