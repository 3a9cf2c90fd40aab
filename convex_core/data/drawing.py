r"""Drawn strokes as images like those of a dataset: scaled, centred and inked in the same way.

A drawing is a list of lines in any unit. It is scaled to the box that the digits of the dataset fill, placed where
theirs lie, and drawn with a round pen:

* MNIST (LeCun, Bottou, Bengio & Haffner, Proceedings of the IEEE 86, 1998): 28 x 28, scaled alike in both directions to
  a box of 20 x 20, the centre of mass of the ink in the centre of the image;
* the digits of scikit-learn (Alpaydin & Kaynak, UCI 1998): bitmaps of 32 x 32, counted in blocks of 4 x 4. Each digit
  fills the height, and most are 6 of 8 blocks wide, ones 5: they were stretched. The ink of a digit is 19.5 blocks on
  average, from 19.0 to 20.6 in each class: the pen is as wide as that takes.

A pixel is the share of it that the ink covers, on 4 x 4 points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..contracts.validation import finite_array
from ..errors import InputError

__all__ = ["DIGITS_STYLE", "MNIST_STYLE", "DrawingStyle", "draw_strokes", "stroke_length", "style_for"]

_Array = NDArray[np.float64]
# points along each side of a pixel at which ink is looked for
_FINE = 4
# steps of the search for a pen: its width to one part in 100
_HALVINGS = 7
# most points of a drawing, and segments whose distances are computed at a time
_POINTS, _CHUNK = 20_000, 64


@record
@dataclass(frozen=True, slots=True)
class DrawingStyle:
    """How the digits of a dataset lie in their images.

    Attributes
    ----------
    side : int
        Pixels along each side of an image.
    tall, wide : float
        Pixels of the box that a digit fills, ink included.
    pen : float
        Width of a stroke in pixels.
    stretch : float
        How many times more the width may be scaled than the height, to fill the box; 1: both alike.
    ink : float or None
        Pixels of ink; the pen is then as wide as that takes.
    by_mass : bool
        Whether the centre of mass of the ink lies in the centre of the image, and not the centre of its box.
    words : str
        The same in words.
    """

    side: int
    tall: float
    wide: float
    pen: float
    stretch: float
    ink: float | None
    by_mass: bool
    words: str


MNIST_STYLE = DrawingStyle(
    28, 20.0, 20.0, 2.5, 1.0, None, True,
    "scaled to 20 x 20 pixels, its centre of mass in the middle of 28 x 28, as in MNIST",
)  # fmt: skip
DIGITS_STYLE = DrawingStyle(
    8, 8.0, 6.0, 1.2, 1.5, 19.5, False,
    "stretched to the whole height of 8 x 8 pixels, with a pen that leaves as much ink as in the training images",
)  # fmt: skip


def style_for(input_shape: Sequence[int]) -> DrawingStyle | None:
    """The style of images of a shape; None where a drawing has no place, as among photographs.

    Examples
    --------
    >>> style_for((8, 8)).side, style_for((32, 32, 3))
    (8, None)
    """
    known: dict[tuple[int, ...], DrawingStyle] = {(8, 8): DIGITS_STYLE, (28, 28): MNIST_STYLE}
    return known.get(tuple(input_shape))


def draw_strokes(strokes: Sequence[ArrayLike], style: DrawingStyle) -> _Array:
    """An image (side, side) of strokes, from 0 (paper) to 1 (ink); without a point it is empty.

    Parameters
    ----------
    strokes : sequence of (p, 2)
        Points (x, y) of each stroke, y downwards, at most 20,000 in all; a single point is a dot.
    style : DrawingStyle
        Where it goes and how wide the pen is.

    Raises
    ------
    InputError
        If a stroke has another shape, a number is not finite, or there are too many points.

    Examples
    --------
    >>> image = draw_strokes([[[0.5, 0.1], [0.5, 0.9]]], DIGITS_STYLE)
    >>> image.shape, float(image.max()), float(image[:, [0, 1, 6, 7]].max())
    ((8, 8), 1.0, 0.0)
    """
    lines = [finite_array(stroke, "strokes", ndim=2) for stroke in strokes if np.size(stroke)]
    count = sum(len(line) for line in lines)
    for line in lines:
        if line.shape[1] != 2:
            raise InputError(f"strokes: got points of {line.shape[1]} numbers, expected 2")
    if count > _POINTS:
        raise InputError(f"strokes: got {count:,} points, expected at most {_POINTS:,}")
    if not lines:
        return np.zeros((style.side, style.side))
    points = np.concatenate(lines)
    low, high = points.min(axis=0), points.max(axis=0)
    centred = [line - 0.5 * (low + high) for line in lines]
    pen = style.pen if style.ink is None else _pen_for(style.ink, centred, high - low, style)
    return _placed(centred, high - low, pen, style)


def stroke_length(strokes: Sequence[ArrayLike]) -> float:
    """Length of strokes (p, 2) together, in their unit; a dot has none, however large the image shows it.

    Examples
    --------
    >>> stroke_length([[[0.0, 0.0], [0.3, 0.4]], [[0.5, 0.5]]])
    0.5
    """
    lines = [finite_array(stroke, "strokes", ndim=2) for stroke in strokes if np.size(stroke)]
    return float(sum(np.linalg.norm(np.diff(line, axis=0), axis=1).sum() for line in lines))


def _placed(lines: Sequence[_Array], extent: _Array, pen: float, style: DrawingStyle) -> _Array:
    """The image of lines around zero with a pen."""
    wide, tall = style.wide - pen, style.tall - pen
    # a dot has no length to be scaled, a straight line none in one direction
    longest = float(extent.max()) or 1.0
    largest = np.array([wide, tall]) / np.maximum(extent, 1e-9 * longest)
    alike = float(largest.min())
    # the height is what decides, but a line across the box is not made thicker than it is long
    vertical = min(float(largest[1]), style.stretch * alike)
    scale = np.array([min(float(largest[0]), style.stretch * vertical), vertical])
    middle = 0.5 * style.side
    placed = [line * scale + middle for line in lines]
    image = _inked(placed, pen, style.side)
    if not style.by_mass:
        return image
    centres = np.arange(style.side) + 0.5
    mass = image.sum()
    # whole pixels, as the images were made; never out of the image
    shift = middle - np.array([image.sum(axis=0) @ centres, image.sum(axis=1) @ centres]) / mass
    room = np.floor(middle - 0.5 * np.minimum(extent * scale + pen, style.side))
    return _inked([line + np.clip(np.round(shift), -room, room) for line in placed], pen, style.side)


def _pen_for(ink: float, lines: Sequence[_Array], extent: _Array, style: DrawingStyle) -> float:
    """The width of the pen that leaves so much ink, within half and twice the usual one."""
    low, high = 0.5 * style.pen, 2.0 * style.pen
    for _ in range(_HALVINGS):
        pen = 0.5 * (low + high)
        low, high = (pen, high) if _placed(lines, extent, pen, style).sum() < ink else (low, pen)
    return 0.5 * (low + high)


def _inked(lines: Sequence[_Array], pen: float, side: int) -> _Array:
    """Share of each pixel that lies within half a pen of a line."""
    fine = (np.arange(side * _FINE) + 0.5) / _FINE
    x, y = np.meshgrid(fine, fine)
    grid = np.stack([x.ravel(), y.ravel()], axis=1)
    starts = np.concatenate([line[:-1] if len(line) > 1 else line for line in lines])
    steps = np.concatenate([np.diff(line, axis=0) if len(line) > 1 else np.zeros((1, 2)) for line in lines])
    lengths = np.maximum((steps**2).sum(axis=1), 1e-12)
    near = np.full(len(grid), np.inf)
    for s in range(0, len(starts), _CHUNK):
        start, step, length = starts[s : s + _CHUNK], steps[s : s + _CHUNK], lengths[s : s + _CHUNK]
        away = grid[:, None, :] - start
        along = np.clip((away * step).sum(axis=2) / length, 0.0, 1.0)
        near = np.minimum(near, ((away - along[:, :, None] * step) ** 2).sum(axis=2).min(axis=1))
    ink = (near <= (0.5 * pen) ** 2).reshape(side, _FINE, side, _FINE)
    return np.asarray(ink.mean(axis=(1, 3)))
