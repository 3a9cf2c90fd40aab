"""The address: what a link asks for, what was taken of it, and what Back and Forward mean.

Widgets are bound to the address, and Streamlit drops without a word what does not fit them. Here the values a visit
arrives with are kept until their widgets are drawn; one sentence then says what was not taken and what is shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from convex_core.data import dataset_names
from convex_core.errors import InputError

from . import own_link, spec
from .choices import CHOICES

__all__ = ["KEYS", "SHARED", "arrive", "drawn", "go", "quoted", "refuse", "restoring", "tell"]

#: Every setting a link can have, on any page.
KEYS = frozenset(choice.key for choice in CHOICES) | frozenset(
    " ".join(
        (
            "data seed beta h stride padding pooling network loss delta n d side m noise classes own",  # the problem
            "activation slope bias",
            "sample samples colour picture slice cell view",  # Dataset, Arrangement
            "method tol limit points span pathtol dial",  # Solve, Filters and path, Home
            "rate runs iterations momentum batch width scale first schedule optimiser up across",  # Convex vs SGD
            "sweep_x sweep_y sweep_value",  # Sweep
            "filter",  # Inside the network, with sample
            "kind circular_beta circular_layers circular_d circular_h circular_seed",  # Three layers
            "relu_beta relu_n relu_seed relu_program",
            "images_view images image_beta image_runs image_steps",  # Real images
            "ten ten_n ten_filters ten_beta ten_seed ten_loss ten_limit ten_part ten_image",
            "play step present a",  # Playground, Tour, presenter mode, what is compared
        )
    ).split()
)
#: Whether a text is a value of a setting, for settings that several pages share: not all of them draw each.
SHARED: dict[str, Callable[[str], bool]] = {}
#: Characters of a value that are repeated in a sentence.
MAX_SHOWN = 40
_PENDING, _DRAWN, _NOTES = "_address_pending", "_address_drawn", "_address_notes"
_NEXT = "_address_next"

_ASSETS = Path(__file__).resolve().parents[3] / "assets"
_history = st.components.v2.component("convex_core_history", js=(_ASSETS / "history.js").read_text())
_sliders = st.components.v2.component("convex_core_sliders", js=(_ASSETS / "sliders.js").read_text())
_pictures = st.components.v2.component("convex_core_pictures", js=(_ASSETS / "pictures.js").read_text())
_presenter = st.components.v2.component("convex_core_presenter", js=(_ASSETS / "presenter.js").read_text())


@dataclass(frozen=True, slots=True)
class _Note:
    """What the link asked for, the value that is shown instead, and the words for it."""

    key: str
    value: object
    text: str


def arrive(*, first: bool, moved: bool) -> None:
    """Take the address a visit begins with; called before a page is drawn.

    `first` says that the session begins, `moved` that the page is another one than in the last run.
    """
    with st.container(key="history"):
        _history(key="history_entries")
        _sliders(key="chart_sliders")
        _presenter(key="presenter_keys")
        _pictures(key="saved_pictures")
    state = st.session_state
    context, asked = get_script_run_ctx(), state.pop(_NEXT, None)
    if asked is not None and context is not None and not moved:
        context.query_string, context.is_history_navigation = asked, True
    if moved:
        state[_NOTES], state[_PENDING] = [], {}
    if restoring() and (moved or asked is not None):
        _restore()
        if "a" in st.query_params:  # no widget's: to set it tells the browser the whole address
            st.query_params["a"] = st.query_params["a"]
    elif moved and "a" in st.query_params:  # the page before was compared with it
        del st.query_params["a"]
    if first or restoring():
        state[_PENDING] = {key: st.query_params.get_all(key) for key in st.query_params}
        state[_NOTES] = []
    if first:
        _take_own_data()
        state[_NOTES] += [
            _Note(key, None, f"{quoted(key)} is no setting") for key in sorted(set(state[_PENDING]) - KEYS)
        ]
    state[_DRAWN] = set()
    _drop_infinities()


def restoring() -> bool:
    """Whether this run was asked for by Back or Forward: then the address decides, also by what it leaves out."""
    context = get_script_run_ctx()
    return context is not None and bool(context.is_history_navigation)


def go(query: str) -> None:
    """Show the page at another address in the next run: as with Back, the address decides, and is checked as a link."""
    st.session_state[_NEXT] = query


def _restore() -> None:
    """Read the whole address again: Streamlit leaves out settings that the page before has too.

    It means to keep a page's settings from the next page, and does the same where Back has brought them itself.
    """
    context = get_script_run_ctx()
    if context is not None:
        whole = context.query_string
        with context.session_state.query_params() as params:
            params.populate_from_query_string(whole)
            params.set_initial_query_params(whole)


def drawn(key: str) -> None:
    """Note that the widget of a setting is about to be drawn."""
    st.session_state.setdefault(_DRAWN, set()).add(key)


def refuse(key: str, sentence: str) -> None:
    """Note that a setting of the link that no widget reads was not taken, and why; said until the page changes."""
    st.session_state[_NOTES].append(_Note(key, None, sentence))


def tell(place: st.delta_generator.DeltaGenerator) -> None:
    """Say in one sentence what was not taken from the link; called after a page was drawn.

    It stays, also when the page is drawn again, until the visitor changes the setting or the page.
    """
    state = st.session_state
    pending: dict[str, list[str]] = state.get(_PENDING, {})
    # a run that was interrupted may not have come to a widget
    for key in sorted(key for key in set(pending) & state[_DRAWN] if key in state):
        texts, value = pending.pop(key), state.get(key)
        if not (len(texts) == 1 and _same(texts[0], value)):
            state[_NOTES].append(_Note(key, value, _words(key, texts, value)))
    # nothing here takes these, and they are gone from the address
    for key in sorted(key for key in set(pending) & KEYS - state[_DRAWN] if any(map(_infinite, pending[key]))):
        asked = quoted("&".join(f"{key}={text}" for text in pending.pop(key)))
        state[_NOTES].append(_Note(key, None, f"{asked} is no number that can be shown"))
    for key in sorted(key for key in set(pending) & SHARED.keys() - state[_DRAWN]):
        if not all(map(SHARED[key], pending[key])):
            asked = quoted("&".join(f"{key}={text}" for text in pending.pop(key)))
            state[_NOTES].append(_Note(key, None, f"{asked} is no value of that setting"))
    notes = state[_NOTES] = [n for n in state.get(_NOTES, []) if n.value is None or state.get(n.key) == n.value]
    if notes:
        place.warning(f"Not taken from the link: {'; '.join(n.text for n in notes)}.", icon=":material/link_off:")


def _words(key: str, texts: list[str], value: object) -> str:
    asked = quoted("&".join(f"{key}={text}" for text in texts))
    reason = ""
    if key == "data" and texts[-1] == spec.CUSTOM:
        if any(note.key == "own" for note in st.session_state[_NOTES]):
            return f"{'nothing' if value is None else value} is shown instead"  # why was said with the data themselves
        reason = ", data of its sender's own that are too large for a link"
    elif key == "data" and texts[-1] in dataset_names():
        reason = ", whose files are not on this computer"
    return f"{asked}{reason} ({'nothing' if value is None else value} is shown instead)"


def _same(text: str, value: object) -> bool:
    """Whether a widget took what the link says."""
    if text == ("" if value is None else str(value)):
        return True
    try:
        return float(text) == float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return False


def quoted(text: str) -> str:
    """Text of a stranger, so that nothing in it is taken for a picture or a link."""
    plain = "".join(c if c.isprintable() and c != "`" else " " for c in text)
    return f"`{plain if len(plain) <= MAX_SHOWN else plain[:MAX_SHOWN] + '…'}`"


def _take_own_data() -> None:
    """Make the data that a link carries this session's own."""
    pending: Mapping[str, list[str]] = st.session_state[_PENDING]
    if "own" not in pending:
        return
    try:
        spec.keep_custom(own_link.decode(pending["own"][-1]))
    except InputError as error:
        refuse("own", str(error))


def _drop_infinities() -> None:
    """Remove numbers too large for a float from the address: an integer widget would fail on them."""
    bad = [key for key in st.query_params if any(_infinite(text) for text in st.query_params.get_all(key))]
    for key in bad:
        del st.query_params[key]
    if bad:
        # widgets read the address as it was when the run began
        st.rerun()


def _infinite(text: str) -> bool:
    try:
        return math.isinf(float(text))
    except ValueError:
        return False
