"""Images of a dataset as one picture: a grid of them in the theme's ink, with a line of text over each."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..errors import InputError
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette, rgb

__all__ = ["as_images", "picture_grid", "picture_trace"]

#: Room between two pictures and over each for its line of text, as shares of a picture's side.
GAP, LABEL = 0.12, 0.34
#: Pixels of the picture file along a side of an image at least: pixels stay sharp on any screen.
FINE = 64

_Array = NDArray[np.float64]


def as_images(X: _Array, input_shape: Sequence[int]) -> _Array:
    """Rows (n, d) as images (n, H, W) or (n, H, W, 3); a signal is one row of pixels.

    Examples
    --------
    >>> as_images(np.zeros((5, 12)), (4, 3)).shape, as_images(np.zeros((5, 12)), (12,)).shape
    ((5, 4, 3), (5, 1, 12))
    """
    shape = tuple(input_shape) if len(input_shape) > 1 else (1, *input_shape)
    return X.reshape(len(X), *shape)


def picture_grid(
    images: _Array,
    labels: Sequence[str],
    *,
    columns: int,
    side: int = 56,
    numbers: Sequence[int] | None = None,
    strong: Sequence[bool] = (),
    alt: str = "",
    name: str = "images",
    colours: Palette = LIGHT,
) -> Chart:
    """A grid of images, each under its label; a click on one tells its number.

    Parameters
    ----------
    images : (n, H, W) or (n, H, W, 3)
        Gray values from 0, the paper, to 1, the ink; or colours as they are.
    labels : sequence of str
        One for each.
    columns : int
        Images side by side.
    side : int
        Pixels of the height of an image on the screen.
    numbers : sequence of int, optional
        What a click on an image tells; by default its place.
    strong : sequence of bool, optional
        Which labels are in the colour of a mistake.
    alt, name : str
        Text alternative and name of the chart.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is not one label for each image.

    Examples
    --------
    >>> chart = picture_grid(np.eye(4)[None], ["one"], columns=3, alt="an image")
    >>> chart.table["number"], chart.alt
    ([0], 'an image')
    """
    if len(labels) != len(images):
        raise InputError(f"labels: got {len(labels)}, expected {len(images)}, one for each image")
    count = len(images)
    shown = list(range(count)) if numbers is None else [int(k) for k in numbers]
    wide = images.shape[2] / images.shape[1] if count else 1.0
    rows = max(1, math.ceil(count / columns))
    step_x, step_y = wide + GAP, 1.0 + LABEL
    figure = blank(math.ceil(rows * step_y * side) + 4, left=0, right=0, top=2, bottom=2)
    places = [divmod(k, columns) for k in range(count)]
    if count:
        figure.add_trace(picture_trace(_sheet(images, columns, colours), 0.0, LABEL, columns * step_x, rows * step_y))
    figure.add_trace(
        draft.Scatter(
            x=[j * step_x for _, j in places],
            y=[i * step_y + 0.5 * LABEL for i, _ in places],
            mode="text",
            text=list(labels),
            textposition="middle right",
            textfont={
                "size": 13,
                "color": [colours.negative if k < len(strong) and strong[k] else colours.muted for k in range(count)],
            },
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        )
    )
    figure.add_trace(
        draft.Scatter(
            x=[j * step_x + 0.5 * wide for _, j in places],
            y=[i * step_y + LABEL + 0.5 for i, _ in places],
            mode="markers",
            customdata=shown,
            marker={"symbol": "square", "size": 0.9 * side, "opacity": 0.0, "color": colours.ink},
            selected={"marker": {"opacity": 0.0}},
            unselected={"marker": {"opacity": 0.0}},
            text=list(labels),
            hovertemplate="image %{customdata}: %{text}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_xaxes(visible=False, range=[-0.02, columns * step_x], constrain="domain", fixedrange=True)
    figure.update_yaxes(visible=False, range=[rows * step_y, 0.0], constrain="domain", fixedrange=True)
    figure.update_layout(xaxis_scaleanchor="y", xaxis_constraintoward="left", dragmode=False, clickmode="event+select")
    return Chart(figure, alt, {"number": shown, "label": list(labels)}, name)


def picture_trace(pixels: NDArray[np.uint8], x: float, y: float, width: float, height: float) -> Any:
    """Pixels (h, w, 4) as a trace over a box in the units of the axes, y downwards."""
    out = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(out, "PNG", optimize=True)
    dx, dy = width / pixels.shape[1], height / pixels.shape[0]
    return draft.Image(
        source=f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}",
        x0=x + 0.5 * dx,
        y0=y + 0.5 * dy,
        dx=dx,
        dy=dy,
        hoverinfo="skip",
    )


def inked(images: _Array, colours: Palette) -> NDArray[np.uint8]:
    """Images as RGBA: gray ones in the ink of the theme on nothing, colours as they are."""
    if images.ndim == 4:
        opaque = np.ones((*images.shape[:3], 1))
        every = np.concatenate([images, opaque], axis=3)
        return np.asarray(np.round(255.0 * np.clip(every, 0.0, 1.0)), dtype=np.uint8)
    shade = np.asarray(np.round(255.0 * np.clip(images, 0.0, 1.0)), dtype=np.uint8)
    ink = np.broadcast_to(np.array(rgb(colours.ink), np.uint8), (*images.shape, 3))
    return np.concatenate([ink, shade[..., None]], axis=3)


def _sheet(images: _Array, columns: int, colours: Palette) -> NDArray[np.uint8]:
    """All images on one sheet (h, w, 4), a frame of the theme's hairlines behind each, transparent between them."""
    pixels = inked(images, colours)
    n, height, width = pixels.shape[:3]
    zoom = max(1, math.ceil(FINE / height))
    pixels = pixels.repeat(zoom, axis=1).repeat(zoom, axis=2)
    if images.ndim == 3:
        # paper a little darker than the page, so that the edge of an image is seen
        alpha = pixels[..., 3:].astype(float) / 255.0
        paper = 0.45
        out = alpha + paper * (1.0 - alpha)
        mixed = (pixels[..., :3] * alpha + np.array(rgb(colours.faint)) * paper * (1.0 - alpha)) / out
        pixels = np.concatenate([np.round(mixed), np.round(255.0 * out)], axis=3).astype(np.uint8)
    height, width = height * zoom, width * zoom
    tall, wide = round(height * (1.0 + LABEL)), width + round(height * GAP)
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * tall, columns * wide, 4), np.uint8)
    for k in range(n):
        i, j = divmod(k, columns)
        sheet[i * tall : i * tall + height, j * wide : j * wide + width] = pixels[k]
    return sheet
