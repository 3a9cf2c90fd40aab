"""A scene inside an address: its name where it is built in, else its numbers and settings, compressed.

Who opens the link sees the same data. Twelve samples of sixteen numbers take about a thousand characters.
"""

from __future__ import annotations

from urllib.parse import urlencode

from convex_core import InputError
from pages._ui.state.own_link import BROKEN, pack, unpack

from .scene import Scene, read_scene
from .scenes import FIRST, SCENES, built_in

__all__ = ["KEY", "address", "decode", "encode"]

#: The setting's name in the address.
KEY = "play"


def encode(scene: Scene) -> str | None:
    """The scene as text for an address; None where it does not fit.

    Examples
    --------
    >>> encode(built_in("line"))
    'line'
    >>> edited = read_scene({**built_in("line").to_dict(), "beta": 0.07, "edited": True})
    >>> decode(encode(edited)).beta
    0.07
    """
    if scene.name in SCENES and scene.key == built_in(scene.name).key and scene.view == built_in(scene.name).view:
        return scene.name
    return pack(scene.to_dict())


def decode(text: str) -> Scene:
    """The scene in an address.

    Raises
    ------
    InputError
        If it is none.
    """
    if text in SCENES:
        return built_in(text)
    try:
        return read_scene(unpack(text))
    except BROKEN as error:
        raise InputError("the scene in it cannot be read, the link is incomplete or was changed") from error


def address(scene: Scene) -> str | None:
    """What comes behind the page's own address; nothing for the scene that is shown without a link."""
    text = encode(scene)
    if text is None:
        return None
    return "?" + ("" if text == FIRST else urlencode({KEY: text}))
