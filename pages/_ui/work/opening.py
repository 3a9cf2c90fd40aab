"""What the first visitor of a server reads while it gets ready: everything imported, then the first kernels compiled.

One thread imports: two that import the same module at the same time can see half of it. The text has a place of its own
at the top of every run, so that nothing below moves when it goes, and what one run has written stands through the next.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from contextlib import suppress

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from . import heap

__all__ = ["begin", "end", "say", "until", "wait"]

#: What is imported, for every page.
_EVERYTHING = "pages._ui.arrival"
#: Session key: whether the text is on the screen.
_SAID = "_opening_said"
LIBRARY = "Loading the library"
#: The line is renewed this often.
LINE_SECONDS = 0.5
_lock = threading.Lock()
_thread: threading.Thread | None = None


def begin() -> DeltaGenerator:
    """The place of the text, with the text in it while the library is imported, or where it was before."""
    place = st.empty()
    if _importing().is_alive() or st.session_state.get(_SAID):
        say(place, LIBRARY)
    return place


def wait(place: DeltaGenerator) -> None:
    """Wait until everything is imported."""
    until(place, _importing(), 0.0, lambda: LIBRARY)


def say(place: DeltaGenerator, line: str) -> None:
    """Write what this is, and what is being done, in the place."""
    st.session_state[_SAID] = True
    with place.container():
        st.title("convex core", anchor=False)
        st.markdown(
            "Training a ReLU CNN looks hopelessly non-convex. It is a convex problem in disguise, so the best "
            "network there is can be found, and proved to be the best. The page appears as soon as this is done:"
        )
        st.info(line, icon=":material/hourglass_top:")


def end(place: DeltaGenerator) -> None:
    """Take the text away, if there is any."""
    if st.session_state.pop(_SAID, False):
        place.empty()


def until(place: DeltaGenerator, thread: threading.Thread, soon: float, line: Callable[[], str]) -> None:
    """Wait for a `thread`, and say so unless it ends `soon`; where the text stands already it is renewed."""
    thread.join(0.0 if st.session_state.get(_SAID) else soon)
    while thread.is_alive():
        say(place, line())
        thread.join(LINE_SECONDS)


def _importing() -> threading.Thread:
    """The thread that imports, begun by the first who asks."""
    global _thread
    with _lock:
        if _thread is None:
            heap.give_back()  # before there are many threads
            _thread = threading.Thread(target=_import, name="imports", daemon=True)
            _thread.start()
        return _thread


def _import() -> None:
    """Whoever imports it next has the error, if there is one."""
    with suppress(Exception):
        importlib.import_module(_EVERYTHING)
