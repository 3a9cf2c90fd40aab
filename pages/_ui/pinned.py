"""Compare A and B: the present state of a page is pinned as A, and drawn beside every later one on the same axes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from convex_core.figures.chart import Chart

from . import stage
from .state import address

__all__ = ["Pinned", "button", "current", "differences", "remember"]

_PINNED, _LAST = "_pinned", "_last_drawn"
#: Settings by the words that controls have for them.
WORDS: Mapping[str, str] = {
    "data": "dataset", "beta": "β", "h": "filter size", "seed": "data seed", "n": "samples", "samples": "samples",
    "colour": "colours", "rate": "learning rate", "runs": "SGD seeds", "width": "width m", "dial": "β of the dial",
    "circular_beta": "β", "circular_layers": "layers", "circular_d": "input length", "circular_h": "filter length",
    "circular_seed": "data seed", "relu_beta": "β", "relu_n": "samples", "relu_seed": "data seed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pinned:
    """State A of a page: its settings, and the charts that it had then by their keys."""

    page: str
    settings: Mapping[str, str]
    charts: Mapping[str, Chart]


def current() -> Pinned | None:
    """State A of the page that is shown, if one is pinned."""
    kept = st.session_state.get(_PINNED)
    return kept if isinstance(kept, Pinned) and kept.page == stage.name() else None


def remember(key: str, chart: Chart) -> None:
    """Keep a chart that was just drawn, to be pinned if that is asked for."""
    page, charts = st.session_state.get(_LAST, ("", {}))
    if page != stage.name():
        charts = {}
        st.session_state[_LAST] = (stage.name(), charts)
    charts[key] = chart


def button() -> None:
    """Pin what is shown, or let it go; nothing on a page that declares nothing to compare."""
    if not stage.current().compared:
        return
    if current() is None:
        text = "Keep this state as A, and see what you choose next beside it, on the same axes."
        st.button("Compare", icon=":material/keep:", key="pin", on_click=_pin, help=text)
    else:
        st.button(
            "End comparison", icon=":material/keep_off:", key="unpin", on_click=st.session_state.pop, args=(_PINNED,)
        )


def differences(pinned: Pinned) -> tuple[str, str]:
    """What A and the present state differ in, in words."""
    now = _settings()
    keys = [key for key in sorted(pinned.settings.keys() | now.keys()) if pinned.settings.get(key) != now.get(key)]
    # a setting that only one of them has follows from another one that differs
    keys = [key for key in keys if key in pinned.settings and key in now] or keys
    if not keys:
        return "as pinned", "no setting differs yet"
    a, b = (
        ", ".join(f"{WORDS.get(key, key.replace('_', ' '))} {settings.get(key, 'default')}" for key in keys)
        for settings in (pinned.settings, now)
    )
    return a, b


def _pin() -> None:
    page, charts = st.session_state.get(_LAST, (None, {}))
    if page == stage.name():
        st.session_state[_PINNED] = Pinned(page, _settings(), dict(charts))


def _settings() -> dict[str, str]:
    state = st.session_state
    return {key: str(state[key]) for key in address.KEYS if key in state and state[key] is not None}
