"""Labelled images: pixels, class labels, and in words what was understood about them.

A file says neither how its pixels are scaled nor where its channels are. What follows from the numbers is found here
and said; where two readings are possible, an :class:`InputError` names the option that decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..contracts.validation import positive_number
from ..errors import InputError

__all__ = ["LabelledImages", "labelled_images"]

_CHANNELS = (1, 3)
#: Largest value of pixels of 8 and of 16 bits.
_FULL = {8: 255, 16: 65535}
#: Largest magnitude of a label: whole numbers beyond are not exact in float64.
_MAX_LABEL = 2**53
_MAX_NAME = 200


@record
@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Images with a class each.

    Attributes
    ----------
    pixels : (n, H, W) or (n, H, W, 3) array
        Values as in the file.
    labels : (n,) int64
        Class of each image.
    source : str
        Where they are from, for a person.
    scale : float
        What the values are divided by.
    understood : str
        Size, channels and scaling in words.
    names : tuple of str or None
        Names of the classes 0, 1, ...; None where the labels are numbers.
    """

    pixels: NDArray[Any]
    labels: NDArray[np.int64]
    source: str
    scale: float
    understood: str
    names: tuple[str, ...] | None

    @property
    def images(self) -> NDArray[np.float64]:
        """All images, scaled."""
        return self.take(slice(None))

    def take(self, rows: NDArray[np.intp] | slice) -> NDArray[np.float64]:
        """The images `rows`, scaled; 60,000 images of which 99 are used need not become float64."""
        return np.asarray(self.pixels[rows].astype(np.float64) / self.scale)

    def named(self, label: int) -> str:
        """What to call a class."""
        return f"class {label}" if self.names is None else self.names[label]


def labelled_images(
    images: ArrayLike,
    labels: ArrayLike,
    source: str,
    *,
    names: tuple[str, ...] | None = None,
    scale: float | None = None,
) -> LabelledImages:
    """Check images and labels and find out how they are meant.

    Pixels are divided by `scale`. Without it, values of at most 1 stay as they are, 8-bit values (unsigned bytes, or
    numbers >= 0 whose largest is 128 to 255) are divided by 255, 16-bit values (largest 32768 to 65535) by 65535, and
    real numbers of any other range stay as they are; other whole numbers are refused, since their scale is unknown.

    Parameters
    ----------
    images : array_like
        (n, H, W), or with an axis of 1 or 3 channels, last or first: (n, H, W, C) or (n, C, H, W).
    labels : array_like
        n whole numbers, booleans or texts, as (n,) or (n, 1); or one-hot, (n, q).
    source : str
        Where they are from, for messages and the description.
    names : tuple of str, optional
        Names of the classes 0, 1, ... that the labels count.
    scale : float, optional
        What to divide the pixels by.

    Raises
    ------
    InputError
        If the arrays do not fit, an entry is not finite, every pixel is the same, or two readings are possible.

    Examples
    --------
    >>> given = labelled_images([[[0, 255]], [[255, 51]]], ["dog", "cat"], "two pictures")
    >>> given.understood, given.images.tolist(), given.names, given.labels.tolist()
    ('1 x 2 images, 8-bit values / 255', [[[0.0, 1.0]], [[1.0, 0.2]]], ('cat', 'dog'), [1, 0])
    """
    pixels, layout = _channels_last(np.asarray(images), source)
    divisor, units = _scaling(pixels, source, scale)
    numbers, found, how = _labels(np.asarray(labels), source)
    if numbers.shape != pixels.shape[:1]:
        raise InputError(f"{source}: got labels of shape {numbers.shape}, expected ({len(pixels)},), one per image")
    if names is not None and found is None and len(names) > numbers.max() and numbers.min() >= 0:
        found = names
    elif names is not None:
        raise InputError(
            f"{source}: got {len(names)} names of classes for labels from {numbers.min()} to {numbers.max()}, expected "
            "one for each label 0, 1, ..."
        )
    height, width = pixels.shape[1:3]
    size = f"{height} x {width}{' RGB' if pixels.ndim == 4 else ''} images{layout}"
    return LabelledImages(pixels, numbers, source, divisor, f"{size}, {units}{how}", found)


def _channels_last(images: NDArray[Any], source: str) -> tuple[NDArray[Any], str]:
    """(n, H, W) or (n, H, W, 3), and a remark where the file had another order."""
    shape = images.shape
    if images.dtype.kind not in "fiub":
        raise InputError(f"{source}: got images of dtype {images.dtype}, expected numbers")
    if images.ndim not in (3, 4) or 0 in shape:
        raise InputError(f"{source}: got images of shape {shape}, expected (n, H, W), (n, H, W, 3) or (n, 3, H, W)")
    if images.ndim == 3:
        return images, ""
    last, first = shape[3] in _CHANNELS, shape[1] in _CHANNELS
    if last and first:
        raise InputError(
            f"{source}: got images of shape {shape}, whose channels are first or last, expected gray images as "
            "(n, H, W), or colour images with more than 3 rows and columns"
        )
    if not (last or first):
        raise InputError(f"{source}: got images of shape {shape}, expected 1 or 3 channels, last or first")
    ordered = images if last else np.moveaxis(images, 1, 3)
    if ordered.shape[3] == 1:
        return ordered[..., 0], ""
    return ordered, "" if last else " (channels first in the file)"


def _scaling(pixels: NDArray[Any], source: str, scale: float | None) -> tuple[float, str]:
    """What the pixels are divided by, and that in words."""
    low, high = float(pixels.min()), float(pixels.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise InputError(f"{source}: got NaN or infinite pixels, expected finite numbers")
    if low == high:
        raise InputError(f"{source}: got the value {low:g} in every pixel, expected images that differ")
    if scale is not None:
        divisor = positive_number(scale, "scale")
        return divisor, f"values from {low:g} to {high:g}, divided by {divisor:g}"
    if max(-low, high) <= 1:
        return 1.0, f"values from {low:g} to {high:g} as in the file"
    if pixels.dtype == np.uint8:
        return 255.0, "8-bit values / 255"
    for bits, full in _FULL.items():
        if low >= 0 and full // 2 < high <= full:
            return float(full), f"{bits}-bit values / {full}"
    if pixels.dtype.kind == "f" and not np.array_equal(pixels, np.round(pixels)):
        return 1.0, f"values from {low:g} to {high:g} as in the file"
    raise InputError(
        f"{source}: got whole pixel values from {low:g} to {high:g}, whose scale is unknown, expected the option scale "
        "with what to divide them by"
    )


def _labels(labels: NDArray[Any], source: str) -> tuple[NDArray[np.int64], tuple[str, ...] | None, str]:
    """Labels as whole numbers, the names they stand for, and a remark."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{source}: got labels that are no UTF-8 ({error.reason}), expected text") from error
    if labels.dtype.kind == "U" and labels.ndim == 1 and labels.size:
        return _texts(labels, source)
    if labels.dtype.kind not in "fiub" or labels.size == 0:
        raise InputError(
            f"{source}: got labels of dtype {labels.dtype} and shape {labels.shape}, expected whole numbers or texts"
        )
    values = labels.astype(np.float64)
    if not np.array_equal(values, np.round(values)) or np.abs(values).max() > _MAX_LABEL:
        raise InputError(f"{source}: got labels that are no whole numbers, expected one class per image")
    if values.ndim == 2 and np.isin(values, (0, 1)).all() and np.all(values.sum(axis=1) == 1):
        return np.argmax(values, axis=1).astype(np.int64), None, ", labels one-hot in the file"
    return values.astype(np.int64), None, ""


def _texts(labels: NDArray[np.str_], source: str) -> tuple[NDArray[np.int64], tuple[str, ...] | None, str]:
    """Texts that all are different whole numbers are these; others name the classes, in alphabetical order."""
    names, numbers = np.unique(labels, return_inverse=True)
    texts = tuple(str(name) for name in names)
    bad = [text for text in texts if not text.strip() or len(text) > _MAX_NAME]
    if bad:
        raise InputError(
            f"{source}: got the label {bad[0][:40]!r} of {len(bad[0])} characters, expected 1 to {_MAX_NAME}"
        )
    if all(text.removeprefix("-").isdecimal() and len(text) <= 15 for text in texts):
        values = np.array([int(text) for text in texts], np.int64)
        if len(np.unique(values)) == len(values):
            return values[numbers], None, ""
    return numbers.astype(np.int64), texts, ""
