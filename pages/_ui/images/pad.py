"""A pad to draw a digit on: strokes come from the browser, and the image that the network sees goes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from convex_core.data.drawing import DrawingStyle, draw_strokes, stroke_length, style_for
from convex_core.errors import InputError
from convex_core.experiments import Recognition

from ..layout import ASSETS

__all__ = ["draw", "strokes_of", "style"]

KEY = "digit_pad"
#: Most points of a drawing; the browser stops adding before.
MAX_POINTS = 4000
#: A three to begin with, in a unit square, y downwards.
EXAMPLE = [
    [
        [0.28, 0.24], [0.34, 0.15], [0.46, 0.1], [0.58, 0.12], [0.66, 0.2], [0.66, 0.31], [0.59, 0.4], [0.46, 0.46],
        [0.6, 0.5], [0.7, 0.59], [0.72, 0.7], [0.66, 0.81], [0.54, 0.89], [0.4, 0.89], [0.29, 0.82],
    ]
]  # fmt: skip

_component = st.components.v2.component(
    "convex_core_digit_pad",
    css=(ASSETS / "digit_pad.css").read_text(),
    js=(ASSETS / "digit_pad.js").read_text(),
)


def style(found: Recognition) -> DrawingStyle | None:
    """How digits lie in the images; None where a drawing has no place."""
    return None if found.data.name == "cifar10" else style_for(found.data.input_shape)


def draw(style: DrawingStyle) -> tuple[NDArray[np.float64], float]:
    """Show the pad and return the image (side, side) of what is drawn on it, and its length in sides of the pad."""
    sent = st.session_state.get(KEY, {}).get("drawing")
    strokes = strokes_of(sent)
    if strokes is None:
        strokes = EXAMPLE
    image = draw_strokes(strokes, style)
    _component(
        key=KEY,
        data={
            "answered": sent.get("id", 0) if isinstance(sent, Mapping) else 0,
            "example": EXAMPLE,
            "side": style.side,
            "pixels": np.round(255 * image).astype(int).ravel().tolist(),
            "most": MAX_POINTS,
        },
        on_drawing_change=lambda: None,
    )
    return image, stroke_length(strokes)


def strokes_of(sent: Any) -> list[list[list[float]]] | None:
    """Strokes as the browser sends them; None before there are any.

    Raises
    ------
    InputError
        If they are no lists of points in the unit square, or too many.
    """
    if not isinstance(sent, Mapping) or sent.get("strokes") is None:
        return None
    strokes = sent["strokes"]
    try:
        arrays = [np.asarray(stroke, dtype=np.float64).reshape(-1, 2) for stroke in strokes]
    except (TypeError, ValueError):
        raise InputError("drawing: got something else than strokes, expected lists of points (x, y)") from None
    if sum(map(len, arrays)) > MAX_POINTS or any(not ((a >= -1.0) & (a <= 2.0)).all() for a in arrays):
        raise InputError(f"drawing: got other points, expected at most {MAX_POINTS} on the pad")
    return [a.tolist() for a in arrays]
