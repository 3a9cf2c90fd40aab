"""Arrangements worth seeing: one press sets every control that matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from . import controls

__all__ = ["PRESETS", "Preset", "presets"]


@dataclass(frozen=True, slots=True)
class Preset:
    """A name, a dataset, and the controls that differ from what the dataset brings."""

    name: str
    data: str
    values: Mapping[str, Any]


PRESETS = (
    Preset("24 planes", "motifs", {"samples": 3}),
    Preset("Clean motifs", "motifs", {"samples": 12, "noise": 0.0, "colour": "active"}),
    Preset("Twelve shifts", "shift", {"samples": 12, "colour": "active"}),
    Preset("Stained glass", "planted", {"samples": 6, "colour": "active"}),
    Preset("9,122 cells", "motifs", {"samples": 12}),
    Preset("Edges, h = 2", "edge", {"samples": 4}),
    Preset("Star, h = 2", "bars", {"h": 2, "stride": 1, "noise": 0.5, "samples": 6, "colour": "plain"}),
    Preset("Slice, h = 10", "talk", {"samples": 6}),
)


def presets() -> None:
    """A row of buttons, each a picture."""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(":gray[:small[Pictures]]", width="content")
        for preset in PRESETS:
            st.button(preset.name, key=f"preset_{preset.name}", on_click=apply, args=(preset,), type="tertiary")


def apply(preset: Preset) -> None:
    """Set the controls, from a callback."""
    controls.reset()
    controls.choose(preset.data)
    for key, value in preset.values.items():
        st.session_state[key] = value
