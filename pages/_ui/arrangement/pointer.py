"""The pointer: what fires under it in a picture of the arrangement, at once, and the cell of a click, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st

from convex_core.figures.arrangement.disc import POLE
from convex_core.geometry import cells_at
from convex_core.geometry.projection import frame

from ..layout import ASSETS
from .cells import Picture

__all__ = ["VIEWS", "cell_of", "pointer"]

#: pictures by the key of their chart: how they show directions
VIEWS: Mapping[str, Mapping[str, Any]] = {
    "circle": {"kind": "circle"},
    "sphere": {"kind": "sphere"},
    "disc_near": {"kind": "disc", "side": 1},
    "disc_far": {"kind": "disc", "side": -1},
}

_component = st.components.v2.component(
    "convex_core_cell_pointer",
    html='<div class="pointer"><p role="status"></p><div class="gates"></div></div>',
    css=(ASSETS / "cell_pointer.css").read_text(),
    js=(ASSETS / "cell_pointer.js").read_text(),
)


def pointer(picture: Picture, K: int, selected: int | None) -> None:
    """Show the patches that fire under the pointer, first those of the selected cell; a click chooses a cell."""
    arrangement = picture.arrangement
    start = arrangement.cell(selected or 0).witness
    _component(
        key="pointer",
        data={
            "rows": arrangement.rows.tolist(),
            "K": K,
            "n": len(arrangement.rows) // K,
            "views": {name: dict(view) for name, view in VIEWS.items()},
            "frame": frame(POLE).tolist(),
            "start": start.tolist(),
        },
        on_picked_change=lambda: _take(picture),
    )


def cell_of(picture: Picture, direction: object) -> int | None:
    """Number of the cell that a direction, given in the picture's coordinates by a browser, lies in."""
    try:
        u = np.asarray(direction, dtype=np.float64).reshape(1, -1)
    except (TypeError, ValueError):
        return None
    if u.shape[1] != len(picture.axes) or not np.isfinite(u).all() or not u.any():
        return None
    place = cells_at(picture.arrangement, u)[0]
    return int(picture.data.number[place]) if place >= 0 else None


def _take(picture: Picture) -> None:
    number = cell_of(picture, st.session_state["pointer"].get("picked"))
    if number is not None:
        st.session_state["cell"] = number
