"""Compare A and B: the present state of a page is pinned as A, and drawn beside every later one on the same axes.

The link carries the settings of A. Whoever opens it is told them, and A is computed when that is asked for: the page
goes to A's settings, keeps what they draw, and comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from convex_core.figures.chart import Chart

from . import stage
from .state import address, controls

__all__ = ["KEY", "Pinned", "button", "current", "differences", "ended", "offer", "remember", "unread"]

#: The setting's name in the address, and its value where A has every setting at its default.
KEY, DEFAULTS = "a", "defaults"
#: Settings that A and B have in common.
_COMMON = frozenset((KEY, "own", "present"))
#: Session keys: A, the charts that were drawn last, and where to come back to when A has been drawn.
_PINNED, _LAST, _BACK = "_pinned", "_last_drawn", "_pinned_back"
#: Settings by the words that controls have for them.
WORDS: Mapping[str, str] = {
    "data": "dataset", "beta": "β", "h": "filter size", "seed": "data seed", "n": "samples", "samples": "samples",
    "colour": "colours", "rate": "learning rate", "runs": "SGD seeds", "width": "width m", "dial": "β of the dial",
    "circular_beta": "β", "circular_layers": "layers", "circular_d": "input length", "circular_h": "filter length",
    "circular_seed": "data seed", "relu_beta": "β", "relu_n": "samples", "relu_seed": "data seed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pinned:
    """State A of a page: its settings, those of its address, and the charts that it had then by their keys."""

    page: str
    settings: Mapping[str, str]
    query: str
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
        st.button("End comparison", icon=":material/keep_off:", key="unpin", on_click=_unpin)


def offer() -> None:
    """Say which state A a link brings, and let it be computed; nothing where A is there or none is asked for."""
    text, kept = st.query_params.get(KEY), current()
    if kept is not None and text != kept.query:  # the visitor was on another page meanwhile
        st.query_params[KEY] = kept.query
    if not stage.current().compared or kept is not None or (text is None and _BACK not in st.session_state):
        return
    if _BACK in st.session_state:
        page, back = st.session_state[_BACK]
        if page != stage.name():
            del st.session_state[_BACK]
            return
        words, label, icon, given = "A is computed; then the page comes back", "Come back now", "undo", back
    else:
        wanted = _decoded(str(text))
        if wanted is None:
            del st.query_params[KEY]
            address.refuse(KEY, f"{address.quoted(f'{KEY}={text}')} is no state to compare with")
            return
        words = f"This link compares with **A**: {_told(wanted)}"
        label, icon, given = "Run A again", "play_arrow", urlencode(wanted)
    press = _back if _BACK in st.session_state else _run
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="pinned_offer"):
        st.markdown(f"{words}.", width="content")
        st.button(label, icon=f":material/{icon}:", key="run_a", on_click=press, args=(given,))
        st.button("Without A", icon=":material/keep_off:", key="without_a", on_click=_unpin)


def unread() -> None:
    """Say that a link asks for a comparison on a page where there is nothing to compare."""
    text = st.query_params.get(KEY)
    if text is not None and not stage.current().compared:
        del st.query_params[KEY]
        address.refuse(KEY, f"{address.quoted(f'{KEY}={text}')} (this page compares nothing)")


def ended() -> None:
    """Note that a page is drawn to its end: if that was A, it is kept, and the page goes back to where it was."""
    page, back = st.session_state.get(_BACK, (None, ""))
    if page == stage.name():
        _pin()
        _back(back)
        st.rerun()


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
        asked = st.query_params[KEY] = urlencode(_asked()) or DEFAULTS
        st.session_state[_PINNED] = Pinned(page, _settings(), asked, dict(charts))


def _unpin() -> None:
    for key in (_PINNED, _BACK):
        st.session_state.pop(key, None)
    if KEY in st.query_params:
        del st.query_params[KEY]


def _run(wanted: str) -> None:
    """Go to A, from a callback."""
    st.session_state[_BACK] = stage.name(), urlencode(dict(st.query_params))
    st.session_state.pop(_LAST, None)
    _go(urlencode([*parse_qsl(wanted), *((k, v) for k, v in st.query_params.items() if k in _COMMON)]))


def _back(query: str) -> None:
    """Go to where the visitor was."""
    st.session_state.pop(_BACK, None)
    _go(query)


def _go(query: str) -> None:
    st.session_state[controls.RESET] = True
    address.go(query)


def _asked() -> dict[str, str]:
    """The settings in the address that make a state of a page."""
    return {key: value for key, value in st.query_params.items() if key in address.KEYS - _COMMON}


def _decoded(text: str) -> dict[str, str] | None:
    """The settings of A that a link brings; None if there are none."""
    found = {key: value for key, value in parse_qsl(text) if key in address.KEYS - _COMMON}
    return found if found or text == DEFAULTS else None


def _told(wanted: Mapping[str, str]) -> str:
    """Where A differs from the address, in words; they are a stranger's."""
    now = _asked()
    keys = [key for key in sorted(wanted.keys() | now.keys()) if wanted.get(key) != now.get(key)]
    said = [f"{WORDS.get(key, key.replace('_', ' '))} {address.quoted(wanted.get(key, 'default'))}" for key in keys]
    return ", ".join(said) or "the settings that are shown"


def _settings() -> dict[str, str]:
    state = st.session_state
    return {key: str(state[key]) for key in address.KEYS if key in state and state[key] is not None}
