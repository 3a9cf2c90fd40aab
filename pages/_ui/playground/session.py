"""What one visitor has on the playground's screen, so that it is there again on return to the page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from .answers import Desk
from .scene import Scene
from .scenes import FIRST, built_in

__all__ = ["Session", "current"]

_KEY = "_playground"


@dataclass(slots=True)
class Session:
    """The state of one visitor's playground.

    Attributes
    ----------
    desk : Desk
        What is kept between answers.
    scene : Scene
        What was let go last.
    link : str or None
        The scene as the address has it.
    mounts : int
        How often a scene came from elsewhere than the component itself: from a link, from another page.
    reply : dict or None
        The last answer.
    """

    desk: Desk = field(default_factory=Desk)
    scene: Scene = field(default_factory=lambda: built_in(FIRST))
    link: str | None = None
    mounts: int = 0
    reply: dict[str, Any] | None = None

    def begin(self, scene: Scene, link: str | None = None) -> None:
        """Show a scene that the component does not have."""
        self.scene, self.link, self.reply = scene, link, None
        self.mounts += 1


def current(key: str = _KEY) -> Session:
    """The playground of the visitor whose run this is; under another key, one of another page."""
    found: Session = st.session_state.setdefault(key, Session())
    return found
