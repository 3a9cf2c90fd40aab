"""A page inside its shell, once everything is imported: settings from the address, the page, and its address again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

# imported once, before any script thread needs it: two threads importing it at the same time can see half of it
import pandas as pd  # noqa: F401
import streamlit as st

from . import guard, pinned, present, stage
from .state import address
from .state.controls import ARRIVING
from .work import opening, warm

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator
    from streamlit.navigation.page import StreamlitPage

__all__ = ["show"]

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def show(chosen: StreamlitPage, file: str, before: str | None, place: DeltaGenerator) -> None:
    """Run the `chosen` page, of the name `file`, for a visitor who comes from `before`; `place` is the opening's."""
    if present.on():
        st.html(ASSETS / "present.css")
    warm.wait(place)
    opening.end(place)
    moved = before is not None and before != file
    st.session_state[stage.PAGE] = file
    told = st.empty()
    address.arrive(first=before is None, moved=moved)
    present.take()
    # read by controls.bound: a widget is about to appear on another page than the one its value comes from
    st.session_state[ARRIVING] = moved and not address.restoring()
    try:
        with guard.guarded():
            chosen.run()
    finally:
        st.session_state[ARRIVING] = False
        pinned.unread()
        address.tell(told)
