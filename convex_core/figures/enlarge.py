"""A figure for a projector: the same picture with larger type, and the room that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["ENLARGED", "LEAST_TYPE", "enlarged"]

#: By how much type and margins grow, and the smallest type there is then, in pixels.
ENLARGED, LEAST_TYPE = 1.35, 18.0
#: What is measured in pixels beside type.
_SHIFTS = frozenset(("xshift", "yshift", "ax", "ay"))


def enlarged(figure: Mapping[str, Any]) -> dict[str, Any]:
    """The plain data of a figure with every type 1.35 times as large, at least 18 pixels, and margins that follow.

    What has no type of its own gets one: titles, ticks, legends, texts at points.

    Examples
    --------
    >>> from convex_core.figures.chart import blank
    >>> layout = enlarged(blank(300, left=40).to_dict())["layout"]
    >>> layout["font"]["size"], layout["xaxis"]["tickfont"]["size"], layout["margin"]["l"]
    (18.900000000000002, 18.0, 54.0)
    """
    plain: dict[str, Any] = _grown(figure)
    layout = plain["layout"]
    least = {"size": LEAST_TYPE}
    for name in {*(key for key in layout if key.startswith(("xaxis", "yaxis"))), "xaxis", "yaxis"}:
        axis = layout.setdefault(name, {})
        axis["tickfont"] = least | axis.get("tickfont", {})
        if axis.get("title"):
            axis["title"]["font"] = least | axis["title"].get("font", {})
    for name in ("legend", "hoverlabel"):
        layout.setdefault(name, {}).setdefault("font", {}).setdefault("size", LEAST_TYPE)
    for item in (*layout.get("annotations", ()), *layout.get("sliders", ()), *layout.get("updatemenus", ())):
        item.setdefault("font", {}).setdefault("size", LEAST_TYPE)
        if "pad" in item:
            item["pad"] = {side: ENLARGED * size for side, size in item["pad"].items()}
    for frame in plain.get("frames", ()):
        for item in frame.get("layout", {}).get("annotations", ()):
            item.setdefault("font", {}).setdefault("size", LEAST_TYPE)
    layout["margin"] = {side: ENLARGED * size for side, size in layout.get("margin", {}).items()}
    layout.pop("height", None)
    for name in (key for key in layout if key.startswith("scene")):
        # in a wide frame the height decides how large a ball is drawn
        ratio = layout[name].get("aspectratio")
        if ratio:
            layout[name]["aspectratio"] = {axis: ENLARGED * share for axis, share in ratio.items()}
    return plain


def _grown(value: Any, name: str = "") -> Any:
    """Plain data of a figure with its types and shifts multiplied; arrays of numbers stay as they are."""
    if isinstance(value, Mapping):
        font = name.endswith("font")
        return {
            key: max(LEAST_TYPE, ENLARGED * item) if font and key == "size" and isinstance(item, int | float)
            else ENLARGED * item if key in _SHIFTS and isinstance(item, int | float)
            else _grown(item, key)
            for key, item in value.items()
        }  # fmt: skip
    if isinstance(value, Sequence) and not isinstance(value, str) and any(isinstance(item, Mapping) for item in value):
        return [_grown(item, name) for item in value]
    return value
