"""The Tour as a page: the playground's component with steps laid over it, the present one in the address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from convex_core import InputError
from pages._ui import guard
from pages._ui.playground import component
from pages._ui.playground.answers import answer
from pages._ui.playground.scene import read_integer
from pages._ui.playground.session import Session, current
from pages._ui.state import address

from . import steps

__all__ = ["KEY", "respond", "show"]

#: The setting's name in the address, and the session's.
KEY, _SESSION, _STEP = "step", "_tour", "_tour_step"
_NUMBERS = range(1, steps.COUNT + 1)


def show() -> None:
    """Draw the Tour; the whole of its page."""
    session = current(_SESSION)
    _follow_address(session)
    component.frame("Tour")
    _live()


def respond(request: Mapping[str, Any], session: Session) -> dict[str, Any]:
    """The answer to one request: a step with its numbers, or what the playground answers.

    Examples
    --------
    >>> reply = respond({"id": 3, "kind": "tour", "step": 4}, Session())
    >>> reply["error"], reply["tour"]["title"]
    (None, 'All cells at once')
    >>> respond({"id": 4, "kind": "tour", "step": 9}, Session())["error"]
    'step: got 9, expected a whole number from 1 to 8'
    """
    if request.get("kind") != "tour":
        return answer(request, session.desk)
    reply: dict[str, Any] = {"id": request.get("id"), "kind": "tour", "error": None, "tour": None}
    try:
        reply["tour"] = steps.step(read_integer(request.get("step"), KEY, 1, steps.COUNT))
    except InputError as error:
        reply["error"] = str(error)
    return reply


@guard.fragment
def _live() -> None:
    """Answer the browser's newest request, and keep the address in step with what is shown."""
    session = current(_SESSION)
    key = f"tour_{session.mounts}"
    request = component.answered(session, key, lambda given: respond(given, session))
    reply = session.reply
    shown = request is not None and request.get("kind") == "tour" and not request.get("ahead")
    if shown and reply is not None and reply["error"] is None:
        _keep(reply["tour"]["step"])
    component.mount(
        session,
        key,
        scenes=[
            {"name": scene.name, "title": "", "text": "", "scene": scene.to_dict()}
            for scene in {steps.scene_of(number).name: steps.scene_of(number) for number in _NUMBERS}.values()
        ],
        tour={"step": st.session_state[_STEP], "titles": steps.TITLES},
    )


def _keep(number: int) -> None:
    """Remember the step, for the address and for a return to the page."""
    st.session_state[_STEP] = number
    st.query_params[KEY] = str(number)


def _follow_address(session: Session) -> None:
    """Begin at the step of the address; at the one shown last without any."""
    shown = st.session_state.get(_STEP)
    asked = st.query_params.get(KEY)
    if asked is None:
        _keep(shown or 1)
    elif asked in map(str, _NUMBERS):
        _keep(int(asked))
    else:
        address.refuse(KEY, f"the tour has the steps 1 to {steps.COUNT}")  # not what was asked for: a stranger wrote it
        _keep(shown or 1)
    if st.session_state[_STEP] != shown:
        session.begin(steps.scene_of(st.session_state[_STEP]))
