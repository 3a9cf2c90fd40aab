"""One background job a place on a page: begin it, watch it, cancel it, keep its result until the settings change."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from . import guard
from .jobs import Job

__all__ = ["known", "outcome"]

#: A job that ends within this time is drawn at once, without a progress bar.
PATIENCE_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a job left."""

    key: str
    result: Any
    error: str | None


def known(slot: str, key: str) -> bool:
    """Whether a job for `key` runs or has ended at this place."""
    kept = st.session_state.get(slot)
    return kept is not None and kept.key == key


def outcome(slot: str, key: str, begin: Callable[[], Job], title: str) -> Any:
    """The result of the job for `key`, begun now if there is none; None while it runs, and if it failed.

    While it runs there is a progress bar and a Cancel button here; a failure is shown as one sentence. A job for
    another key is cancelled.
    """
    kept = st.session_state.get(slot)
    if isinstance(kept, Job) and kept.key != key:
        kept.cancel()
    if kept is None or kept.key != key:
        kept = st.session_state[slot] = begin()
        end = time.monotonic() + PATIENCE_SECONDS
        while kept.poll() and time.monotonic() < end:
            time.sleep(0.02)
    if isinstance(kept, Job) and not kept.poll():
        kept = st.session_state[slot] = _Ended(key, kept.result, kept.error)
    if isinstance(kept, Job):
        _watch(kept, title)
        return None
    if kept.error is not None:
        guard.say(kept.error)
    elif kept.result is None:
        st.info("Cancelled before anything was finished.", icon=":material/info:")
    if kept.result is None:
        st.button(
            "Try again", icon=":material/refresh:", on_click=st.session_state.pop, args=(slot,), key=f"{slot}_again"
        )
    return kept.result


@st.fragment(run_every=0.4)
def _watch(job: Job, title: str) -> None:
    """Progress of a running job; when it has ended the page is drawn again."""
    if not job.poll():
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.reports:
            last = job.reports[-1]
            st.progress(min(1.0, last.fraction or 0.0), f"{title}: {last.message}")
        else:
            st.progress(0.0, "Waiting for another computation to end ..." if job.waiting else f"{title}: starting ...")
        st.button("Cancel", icon=":material/stop:", on_click=job.cancel, key=f"cancel_{title}")
