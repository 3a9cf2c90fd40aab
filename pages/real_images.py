"""Real images: ten classes trained live over given filters, and the talk's experiments."""

from __future__ import annotations

import streamlit as st

from pages._ui import shell

shell.enter(__file__)

from pages._ui import layout  # noqa: E402
from pages._ui.images import talk, ten  # noqa: E402
from pages._ui.state.controls import bound  # noqa: E402

TEN, TALK = "Ten classes", "The talk's experiment"
VIEWS = {TEN: ten.tab, TALK: talk.tab}
#: Settings of the talk's experiment: a link that has one, and says nothing about the view, is to it.
OF_TALK = frozenset(("images", "image_beta", "image_runs", "image_steps"))

place = layout.header(
    "Real images",
    "Train a CNN on images and watch the proof arrive.",
)
if "images_view" not in st.session_state and "images_view" not in st.query_params and OF_TALK & set(st.query_params):
    st.session_state["images_view"] = st.query_params["images_view"] = TALK
row = st.container(horizontal=True, vertical_alignment="center", key="views")
with row:
    st.segmented_control(
        "View", list(VIEWS), default=TEN, required=True, label_visibility="collapsed", width="content",
        **bound("images_view", TEN),
    )  # fmt: skip
VIEWS.get(st.session_state["images_view"], ten.tab)(place, row)
