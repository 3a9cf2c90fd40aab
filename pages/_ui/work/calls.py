"""The two ways of computing an answer: :func:`run` while the visitor waits, :func:`background` with a Cancel button.

Both wait until the kernels are compiled, then for a turn (one computation of each kind at a time in this process, and
visitors take turns), and keep an answer for everyone who asks the same, unless it was cut short: a time that includes
compiling kernels, or another visitor's work, would say nothing about the method, and a limit that does would cut the
answer short. Where others wait a limit is shorter, and an answer that it cut short is made again once nobody does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import streamlit as st

from convex_core.progress import Budget

from .. import guard
from . import keep, visitor, warm
from .jobs import Job, gate

__all__ = ["background", "begin", "known", "run"]

#: A job that ends within this time is drawn at once, without a progress bar.
PATIENCE_SECONDS = 0.8

T = TypeVar("T")


#: Seconds that an answer has at least of its limit, however many wait.
LEAST_SECONDS = 1.0
#: Session key: questions whose answers were cut short because others waited, with the seconds that each had.
_HURRIED = "_hurried"


def run(
    place: str,
    key: str,
    fn: Callable[[Budget], T],
    limit: float | None = None,
    *,
    heavy: bool = True,
) -> T:
    """The answer of `fn` to `key`, made now, and only once for everyone together.

    A visitor who leaves, or asks for something newer, ends it.

    Parameters
    ----------
    place, key
        As for :func:`.keep.kept`.
    fn : callable
        Makes the answer from a budget of `limit` seconds, or of fewer where others wait. What a limit of its own cut
        short is told by :func:`.keep.cut_short`; that the budget is used up, or the answer's status, says it too.
    limit : float, optional
        Seconds, from when the kernels are there and it has its turn.
    heavy : bool
        Whether it waits for a turn. What is over within a second takes less than waiting for several turns a page.
    """
    turns = gate("live")
    hurried: dict[tuple[str, str], float] = st.session_state.setdefault(_HURRIED, {})
    question = place, key
    if question in hurried and not turns.waiting:
        del hurried[question]
        keep.forget(place, key)

    def make() -> T:
        warm.wait_compiled()
        with turns.turn(visitor.name(), visitor.gone) if heavy else nullcontext():
            visitor.leave()
            share = None if limit is None else turns.share(limit, LEAST_SECONDS)
            budget = Budget(time_limit=share, cancel=_WhoLeft())
            answer = fn(budget)
            visitor.leave()
            if budget.stop() is not None or getattr(answer, "status", None) in keep.CUT:
                keep.cut_short()
            if share is not None and limit is not None and share < limit and keep.was_cut():
                hurried[question] = share
        return answer

    answer = keep.kept(place, key, make)
    if limit is not None and question in hurried:
        _say_hurried(hurried[question], limit)
    return answer


class _WhoLeft:
    """A cancel flag: whoever this is for has left."""

    def is_set(self) -> bool:
        return visitor.gone()


def _say_hurried(seconds: float, limit: float) -> None:
    """What is shown is honest but short of time."""
    st.info(
        f"Several visitors compute at the moment: this answer had {seconds:.2g} of {limit:g} seconds, and its bounds "
        "are as far apart as that leaves them. It is made again when the page is drawn and nobody waits.",
        icon=":material/group:",
    )


def begin(key: str, fn: Callable[[Job], Any], patience: float | None = None) -> Job:
    """A job for `key` in a thread of its own, for a page that draws it itself."""

    def work(job: Job) -> Any:
        warm.wait_compiled()
        return fn(job)

    return Job(work, key, patience)


def known(slot: str, key: str) -> bool:
    """Whether a job for `key` runs or has ended at this place of a page."""
    kept = st.session_state.get(slot)
    return kept is not None and kept.key == key


def background(
    slot: str,
    key: str,
    fn: Callable[[Job], Any],
    title: str,
    *,
    place: str = "",
    whole: Callable[[Any], bool] = lambda _: True,
    live: Callable[[Job], None] | None = None,
    patience: float | None = None,
) -> Any:
    """The result of `fn` for `key`, in a job that is begun now if there is none; None while it runs, and if it failed.

    While it runs there is a progress bar and a Cancel button here; a failure is shown as one sentence. A job for
    another key at this place of the page is cancelled.

    Parameters
    ----------
    slot : str
        Place of the page, in the session.
    key : str
        The question; it covers all that `fn` uses.
    fn : callable
        Gets the job, which is its cancel flag and takes its reports, and returns the result.
    title : str
        What the progress bar says.
    place : str
        Kind of question, if the answer is for everyone; by default it is for this session alone.
    whole : callable
        Whether a result is whole: one that is not is for this session alone.
    live : callable, optional
        Draws the running job under its progress bar.
    patience : float, optional
        As of :class:`.jobs.Job`.
    """
    found = keep.find(place, key) if place else None
    if found is not None:
        return found

    def work(job: Job) -> Any:
        result = fn(job)
        if place and whole(result):
            keep.put(place, key, result)
        return result

    kept = st.session_state.get(slot)
    if isinstance(kept, Job) and kept.key != key:
        kept.cancel()
    if kept is None or kept.key != key:
        kept = st.session_state[slot] = begin(key, work, patience)
        end = time.monotonic() + PATIENCE_SECONDS
        while kept.poll() and time.monotonic() < end:
            time.sleep(0.02)
    if isinstance(kept, Job) and not kept.poll():
        kept = st.session_state[slot] = _Ended(key, kept.result, kept.error)
    if isinstance(kept, Job):
        _watch(kept, title, live)
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


@dataclass(frozen=True, slots=True)
class _Ended:
    """What a job left."""

    key: str
    result: Any
    error: str | None


@st.fragment(run_every=0.4)
def _watch(job: Job, title: str, live: Callable[[Job], None] | None) -> None:
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
    if live is not None:
        live(job)
