"""The playground as a component inside one fragment: a request comes in as a state value, its answer goes out as data.

The program of the page, its style and its scenes travel once: they are a component of their own, outside the fragment.
Streamlit sends a component's JavaScript with every change of its data, and there are several answers a second.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from convex_core import Dataset, InputError
from pages._ui import glossary, guard, layout, present, shell
from pages._ui.state import address, controls, limits, scales, spec

from . import link
from .answers import answer
from .linker import linked, styles
from .scene import Scene, read_scene
from .scenes import FIRST, listed
from .session import Session, current

__all__ = ["answered", "frame", "mount", "send", "show"]

_FOLDER = layout.ASSETS / "playground"
#: Answers that are computed at the same time in this process.
AT_ONCE = 2
_gate = threading.BoundedSemaphore(AT_ONCE)

_MODULE = """
export default function ({ parentElement }) {
  window.convexCorePlayground = { run: playground, style: %s, common: %s };
  // called again when the page is drawn again
  parentElement.unfold ??= foldSidebar();
  return () => parentElement.unfold();
}
"""
_LOADER = """
export default async function (component) {
  while (!window.convexCorePlayground) await new Promise((soon) => setTimeout(soon, 10));
  const { run, style, common } = window.convexCorePlayground, root = component.parentElement;
  if (!root.querySelector("style[data-playground]")) {
    const sheet = document.createElement("style");
    sheet.dataset.playground = "";
    sheet.textContent = style;
    root.append(sheet);
  }
  return run({ ...component, data: { ...common, ...component.data } });
}
"""


def _module() -> str:
    """The linked program as a function that the loader finds."""
    program = linked(_FOLDER, "sidebar.js").replace("export default function", "function playground", 1)
    return program + _MODULE % (
        json.dumps(styles(_FOLDER)),
        json.dumps({"scenes": listed(), "terms": glossary.terms()}),
    )


_program = st.components.v2.component("convex_core_playground_module", js=_module())
_component = st.components.v2.component("convex_core_playground", js=_LOADER)


def show() -> None:
    """Draw the playground; the whole of its page."""
    session = current()
    _follow_address(session)
    frame("Playground")
    _live()


def frame(title: str) -> None:
    """What a page of the component has besides the component itself, which draws its own title."""
    st.html(layout.ASSETS / "playground_page.css")
    with st.container(key="playground_module"):
        if not present.on():
            st.title(title, anchor=False)  # for those who listen
        _program(key="playground_program")
    if present.on():
        present.bar(title)
    else:
        with st.container(key="present_corner"):
            present.enter_button()


def answered(session: Session, key: str, respond: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    """The browser's newest request, its answer being in `session.reply`; None where it was answered before."""
    request = st.session_state.get(key, {}).get("request")
    if not isinstance(request, Mapping) or (session.reply is not None and session.reply["id"] == request.get("id")):
        return None
    with _gate:
        session.reply = respond(request)
    return request


def mount(session: Session, key: str, **more: Any) -> None:
    """Draw the component with the last answer."""
    _component(
        key=key,
        data={
            "start": session.scene.to_dict(),
            "answer": session.reply,
            "dark": st.context.theme.type == "dark",
            "presented": present.on(),
            **more,
        },
        on_request_change=lambda: None,
    )


def send(scene: Scene) -> str | None:
    """Make the scene's data, with its filter, stride and beta, the dataset of the other pages.

    Their sliders stand at fixed values, and their filters on pictures are square: what becomes other is returned.
    """
    data = Dataset(
        spec.CUSTOM,
        scene.X,
        scene.y,
        input_shape=scene.shape,
        description=f"Made in the playground: {len(scene.y)} samples of {scene.X.shape[1]} numbers.",
        default_filter=scene.filter_size,
        default_stride=scene.stride,
        default_beta=scene.beta,
    )
    limits.check(data)
    spec.keep_custom(data)
    controls.choose(spec.CUSTOM)
    state, largest = st.session_state, scene.pooling == "max"
    state["padding"], state["bias"] = "valid", scene.bias
    state["activation"], state["loss"] = scene.activation, scene.loss
    state["pooling"], state["network"] = ("sum", "max pooling") if largest else (scene.pooling, "two-layer")
    beta = scales.nearest(scene.beta, scales.BETAS)
    differs = [] if float(beta) == scene.beta else [f"β = {beta} instead of {scene.beta:g}"]
    if scene.activation == "leaky":
        slope = state["slope"] = scales.nearest(scene.slope, scales.SLOPES)
        differs += [] if float(slope) == scene.slope else [f"slope {slope} instead of {scene.slope:g}"]
    if len(set(scene.filter_size)) > 1:
        side = max(scene.filter_size)
        differs.append(f"filters of {side} × {side} instead of {' × '.join(map(str, scene.filter_size))}")
    return ", ".join(differs) or None


@guard.fragment
def _live() -> None:
    """Answer the browser's newest request, and hand the answer over; "go" sends the data and leads to them."""
    session = current()
    key = f"playground_{session.mounts}"
    request = answered(session, key, lambda given: answer(given, session.desk, send))
    if request is not None:
        _remember(session, request)
        if request.get("kind") == "go" and session.reply is not None and session.reply["sent"]:
            st.switch_page(shell.page("solve"))
    mount(session, key)


def _remember(session: Session, request: Mapping[str, Any]) -> None:
    """Keep what is on the screen for a return to the page, and the address in step once something is let go."""
    reply = session.reply
    if reply is None or reply["error"] is not None or reply["kind"] != "solve" or not request.get("final"):
        return
    session.scene = read_scene(request.get("scene"))
    text = link.encode(session.scene)
    session.link = None if text == FIRST else text
    if session.link is not None:
        st.query_params[link.KEY] = session.link
    elif link.KEY in st.query_params:
        del st.query_params[link.KEY]


def _follow_address(session: Session) -> None:
    """Show the scene of the address, unless it is the one on the screen."""
    asked = st.query_params.get(link.KEY)
    if asked is None:
        if session.link is not None:
            st.query_params[link.KEY] = session.link
        return
    if asked == session.link:
        return
    try:
        session.begin(link.decode(asked), asked)
    except InputError as error:
        address.refuse(link.KEY, str(error))
        del st.query_params[link.KEY]
