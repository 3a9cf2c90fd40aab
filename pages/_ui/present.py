"""Presenter mode: `?present=1` leaves a page its controls, its verdict and its main picture, all of them large."""

from __future__ import annotations

import streamlit as st

from . import stage
from .playground import link
from .playground.scenes import FIRST
from .state import address, controls

__all__ = ["KEY", "bar", "enter_button", "on", "show_scene", "step", "take"]

#: The setting's name in the address.
KEY = "present"
#: Settings that say nothing about what a page shows.
_BESIDE = frozenset((KEY, "own", "a"))
#: Session keys: the scene last shown on each page, and the one that was shown just now.
_SHOWN, _JUST = "_scenes_shown", "_scene_just_shown"


def on() -> bool:
    """Whether the page is being presented."""
    return st.query_params.get(KEY) == "1"


def take() -> None:
    """Refuse other values than 1; called once a visit's address is there."""
    if KEY in st.query_params and not on():
        del st.query_params[KEY]
        address.refuse(KEY, "a page is presented with `present=1`")


def enter_button() -> None:
    """The way into presenter mode."""
    st.button(
        "Present", icon=":material/slideshow:", key="present", on_click=_turn, args=(True,),
        help="For a projector: large type, the main picture on the whole screen, arrow keys lead through the scenes.",
    )  # fmt: skip


def bar(title: str) -> None:
    """What a presented page has instead of its header: its name, the scene, and the way out."""
    scenes, at = stage.current().scenes, _at()
    with st.container(key="presenter", horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, anchor=False, width="content")
        st.space("stretch")
        if scenes:
            name = "Own settings" if at is None else f"{at + 1} of {len(scenes)}: {scenes[at].name}"
            st.markdown(name, width="content")
            st.button("", icon=":material/chevron_left:", key="scene_before", help="Scene before: left arrow key",
                      on_click=step, args=(-1,))  # fmt: skip
            st.button("", icon=":material/chevron_right:", key="scene_after", help="Next scene: right arrow key",
                      on_click=step, args=(1,))  # fmt: skip
        st.button("Leave", icon=":material/close:", key="leave", on_click=_turn, args=(False,))


def step(by: int) -> None:
    """Show the next scene or the one before, from a callback."""
    at = _at()
    last = st.session_state.get(_SHOWN, {}).get(stage.name(), -1 if by > 0 else 0)
    show_scene((last if at is None else at) + by)


def show_scene(number: int) -> None:
    """Show a scene of the page by its position, from a callback; after the last comes the first."""
    scenes = stage.current().scenes
    number %= len(scenes)
    st.session_state.setdefault(_SHOWN, {})[stage.name()] = number
    if stage.current().main:
        controls.show(scenes[number].values)
    else:
        # the playground has no control of the other pages, and goes back to its first scene by the name of it
        st.query_params[link.KEY] = scenes[number].query.get(link.KEY, FIRST)
    # drawn before the widgets that bring the address up to date
    st.session_state[_JUST] = number


def _at() -> int | None:
    """Position of the scene that the address is that of."""
    just = st.session_state.pop(_JUST, None)
    if just is not None:
        return int(just)
    asked = {key: value for key, value in st.query_params.items() if key not in _BESIDE}
    state, matching = st.session_state, []
    for k, scene in enumerate(stage.current().scenes):
        # a widget that waits for its page's work has its value before the address has
        there = all(
            asked.get(key) == scene.query[key] or state.get(key) == value for key, value in scene.values.items()
        )
        if there and asked.keys() <= scene.values.keys():
            matching.append((len(scene.values), k))
    return max(matching)[1] if matching else None


def _turn(on: bool) -> None:
    if on:
        st.query_params[KEY] = "1"
    elif KEY in st.query_params:
        del st.query_params[KEY]
