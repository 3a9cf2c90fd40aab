"""The pictures of a report of training over a list, drawn from what the report itself holds."""

from __future__ import annotations

import math

import numpy as np

from ..drawing import Drawing, Scale, ticks
from ..pictures import MAX_FILTERS, WIDTH, Picture
from .reading import ListedState

__all__ = ["pictures"]

#: Smallest gap that is drawn, and most classes whose confusion is.
LEAST, MOST_CLASSES = 1e-7, 20


def pictures(state: ListedState) -> list[Picture]:
    """All that the state has."""
    found = [_closing(state), _confusion(state), _filters(state), _images(state)]
    return [picture for picture in found if picture is not None]


def _closing(state: ListedState) -> Picture | None:
    """The gap between the bounds over seconds."""
    curve = state.run["curve"]
    points = [
        (seconds, max(gap, LEAST), chosen)
        for seconds, gap, chosen in zip(curve["seconds"], curve["relative_gap"], curve["chosen"], strict=True)
        if gap > 0.0 and seconds >= 0.0
    ]
    if len(points) < 2:
        return None
    end = max(seconds for seconds, _, _ in points)
    low = 10.0 ** math.floor(math.log10(min(gap for _, gap, _ in points)))
    drawing = Drawing(WIDTH, 260)
    x, y = Scale(0.0, end, 56, WIDTH - 16), Scale(low, max(1.0, *(gap for _, gap, _ in points)), 222, 12, log=True)
    at = [10.0**power for power in range(round(math.log10(low)), 1)]
    drawing.axis_y(y, 52, WIDTH - 8, at, [f"{value:g}" for value in at])
    for chosen, kind, dot in ((False, "hair", "dot other"), (True, "wave convex", "dot convex")):
        part = [(x(seconds), y(gap)) for seconds, gap, kept in points if kept == chosen]
        if chosen and len(part) > 1:
            drawing.curve(part, kind)
        for place in part:
            drawing.circle(*place, 2.5, dot)
    marks = ticks(0.0, end, 5)
    drawing.axis_x(x, 226, marks, [f"{value:g}" for value in marks], "seconds")
    alt = f"Relative gap over {len(points)} looks in {end:.3g} seconds, at last {points[-1][1]:.2g}"
    note = "Relative gap between both bounds while it was trained; grey: values of β that were tried. A record."
    return Picture("How the bounds closed", note, drawing.svg(alt))


def _confusion(state: ListedState) -> Picture | None:
    """Test images by their class and by what the network says."""
    counts = state.confusion
    q = len(counts)
    if q > MOST_CLASSES or not counts.sum():
        return None
    long = max(map(len, state.names))
    left = min(8.0 + 7.0 * long, 110.0)
    size = min((WIDTH - left - 8) / q, 34.0)
    drawing = Drawing(WIDTH, q * size + 40)
    largest = max(1, int(counts.max()))
    drawing.cells(np.diag(np.diag(-counts)).astype(float), left, 4, size, 1.6 * largest)
    off = counts - np.diag(np.diag(counts))
    # mistakes are few: on the scale of what is right they would not be seen
    drawing.cells(off.astype(float), left, 4, size, 1.6 * max(1, int(off.max())), frame=False)
    for i in range(q):
        drawing.text(left - 5, 4 + (i + 0.5) * size + 4, state.names[i][:14], "tick", "end")
        drawing.text(left + (i + 0.5) * size, q * size + 18, state.names[i][:4], "tick", "middle")
        for j in range(q):
            if counts[i, j]:
                drawing.text(left + (j + 0.5) * size, 4 + (i + 0.5) * size + 4, str(counts[i, j]), "", "middle")
    right = int(np.trace(counts))
    alt = f"{right} of {counts.sum()} test images right, {counts.sum() - right} wrong"
    note = "Rows: what a test image is. Columns: what the network says. Blue is right, orange wrong."
    return Picture("Right and wrong", note, drawing.svg(alt))


def _filters(state: ListedState) -> Picture | None:
    """The filters as they act on patches, largest first."""
    network, geometry = state.network, state.features.geometry
    if network.m == 0:
        return None
    order = np.argsort(-np.round(network.sizes, 9), kind="stable")[:MAX_FILTERS]
    tiles = network.patch_filters()[0][order].reshape(len(order), *geometry.filter_shape)
    tiles = tiles.mean(axis=3) if tiles.ndim == 4 else tiles.reshape(len(order), -1, geometry.filter_shape[-1])
    rows, columns = tiles.shape[1:]
    across = min(len(order), 6)
    step = (WIDTH - 8) / across
    size = min((step - 12) / columns, 26.0)
    height = rows * size + 26
    drawing = Drawing(WIDTH, math.ceil(len(order) / across) * height + 4)
    for at, j in enumerate(order):
        left, top = 4 + (at % across) * step, (at // across) * height + 4
        drawing.text(left, top + 10, f"{network.sizes[j]:.3g}", "tick")
        drawing.cells(tiles[at], left, top + 14, size, float(np.abs(tiles[at]).max()))
    rest = "" if len(order) == network.m else f" The {len(order)} largest of {network.m}."
    note = f"Orange is positive, blue negative, each on its own scale; above it its size (group norm).{rest}"
    return Picture("Filters", note, drawing.svg(f"{len(order)} filters of {rows} x {columns} entries"))


def _images(state: ListedState) -> Picture | None:
    """Some training images."""
    count = len(state.shown)
    if not count:
        return None
    pixels = state.shown.astype(float) / 255.0
    flat = pixels.mean(axis=3) if pixels.ndim == 4 else pixels.reshape(count, -1, pixels.shape[-1])
    rows, columns = flat.shape[1:]
    across = min(count, 6 if columns <= 40 else 2)
    step = (WIDTH - 8) / across
    size = min((step - 10) / columns, 14.0)
    height = rows * size + 10
    drawing = Drawing(WIDTH, math.ceil(count / across) * height + 4)
    for at in range(count):
        drawing.cells(flat[at], 4 + (at % across) * step, (at // across) * height + 4, size, 1.0)
    note = f"The first {count} of {state.n:,} training images; the others are named, not carried."
    return Picture("Images", note, drawing.svg(f"{count} training images of {rows} x {columns}"))
