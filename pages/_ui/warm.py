"""Work done once per server before anyone asks: compiled kernels and the home page's path."""

from __future__ import annotations

import threading

import streamlit as st

__all__ = ["start"]


@st.cache_resource(show_spinner=False)
def start() -> threading.Thread:
    """Start the warm-up in the background, once per process."""
    thread = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
    thread.start()
    return thread


def _warm_up() -> None:
    """Compile what the first solve would have to compile."""
