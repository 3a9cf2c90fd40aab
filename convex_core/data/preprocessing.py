"""Image preprocessing: named steps in one fixed order, always stated in the dataset's description."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import integer
from ..errors import InputError

__all__ = ["REC601", "Preprocessing", "crop", "grayscale", "mean_pool", "standardise"]

#: Luma weights of ITU-R Rec. BT.601 for red, green, blue.
REC601 = (0.299, 0.587, 0.114)

_Images = NDArray[np.float64]


def grayscale(images: _Images) -> _Images:
    """Luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601): (n, H, W, 3) to (n, H, W).

    Examples
    --------
    >>> grayscale(np.ones((1, 2, 2, 3))).shape
    (1, 2, 2)
    """
    if images.ndim != 4 or images.shape[3] != 3:
        raise InputError(f"grayscale: got images of shape {images.shape}, expected (n, H, W, 3), or grayscale=False")
    luma: _Images = images @ np.array(REC601)
    return luma


def crop(images: _Images, size: int) -> _Images:
    """The central `size` x `size` square: (n, H, W[, C]) to (n, size, size[, C]).

    Examples
    --------
    >>> crop(np.arange(16.0).reshape(1, 4, 4), 2).tolist()
    [[[5.0, 6.0], [9.0, 10.0]]]
    """
    height, width = images.shape[1:3]
    if size > min(height, width):
        raise InputError(f"crop: got {size} for {height} x {width} images, expected at most {min(height, width)}")
    top, left = (height - size) // 2, (width - size) // 2
    return images[:, top : top + size, left : left + size]


def mean_pool(images: _Images, size: int) -> _Images:
    """Means over disjoint `size` x `size` blocks: (n, H, W[, C]) to (n, H/size, W/size[, C]).

    Examples
    --------
    >>> mean_pool(np.arange(4.0).reshape(1, 2, 2), 2).tolist()
    [[[1.5]]]
    """
    n, height, width = images.shape[:3]
    if height % size or width % size:
        raise InputError(f"pool: got {size} for {height} x {width} images, expected a divisor of both")
    blocks = images.reshape(n, height // size, size, width // size, size, *images.shape[3:])
    return np.asarray(blocks.mean(axis=(2, 4)))


def standardise(train: _Images, test: _Images | None = None) -> tuple[_Images, _Images | None]:
    """Subtract the mean of all training entries and divide by their standard deviation, for both parts.

    One mean and one deviation for all pixels, so that filters keep their meaning at every position.

    Examples
    --------
    >>> standardise(np.array([[1.0, 3.0]]))[0].tolist()
    [[-1.0, 1.0]]
    """
    mean, deviation = float(train.mean()), float(train.std())
    if deviation == 0.0:
        raise InputError("standardise: got training images that are all equal, expected some variation")
    return (train - mean) / deviation, None if test is None else (test - mean) / deviation


@record
@dataclass(frozen=True, slots=True)
class Preprocessing:
    """What is done to images before training, in this order: grayscale, crop, mean_pool, standardise, flatten, pad.

    Attributes
    ----------
    grayscale : bool
        Rec. 601 luma of RGB images.
    crop : int
        Side of the square kept around the centre; 0 keeps everything.
    pool : int
        Side of the mean-pooling blocks; 1 does nothing.
    standardise : bool
        Mean 0 and deviation 1 over all training entries.
    flatten : bool
        Treat the row-major pixels as a 1-D signal.
    pad : int
        Zeros appended to the flattened signal; needs `flatten`.

    Examples
    --------
    >>> Preprocessing(pool=4, flatten=True, pad=1).steps
    ('mean-pooled 4 x 4', 'flattened row by row', '1 zero appended')
    """

    grayscale: bool = False
    crop: int = 0
    pool: int = 1
    standardise: bool = False
    flatten: bool = False
    pad: int = 0

    def __post_init__(self) -> None:
        for name in ("grayscale", "standardise", "flatten"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(f"{name}: got {getattr(self, name)!r}, expected true or false")
        integer(self.crop, "crop", minimum=0, maximum=4096)
        integer(self.pool, "pool", maximum=64)
        integer(self.pad, "pad", minimum=0, maximum=4096)
        if self.pad and not self.flatten:
            raise InputError(f"pad: got {self.pad} for 2-D images, expected 0 or flatten=True")

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps taken, in order, in words."""
        named = (
            (self.grayscale, f"grayscale (Rec. 601: {', '.join(map(str, REC601))})"),
            (self.crop > 0, f"cropped to the {self.crop} x {self.crop} centre"),
            (self.pool > 1, f"mean-pooled {self.pool} x {self.pool}"),
            (self.standardise, "standardised (one mean and deviation, from the training part)"),
            (self.flatten, "flattened row by row"),
            (self.pad > 0, f"{self.pad} zero{'s' if self.pad > 1 else ''} appended"),
        )
        return tuple(text for taken, text in named if taken)

    def apply(self, train: _Images, test: _Images | None = None) -> tuple[_Images, _Images | None, tuple[int, ...]]:
        """Apply the steps to training and test images (n, H, W[, C]).

        Returns
        -------
        X, X_test : ndarray of shape (n, d) and (nt, d), or None
            Flattened inputs.
        input_shape : tuple of int
            (d,), (H, W) or (H, W, C).
        """
        train = self._each(train)
        test = None if test is None else self._each(test)
        if self.standardise:
            train, test = standardise(train, test)
        shape = train.shape[1:]
        X, X_test = self._rows(train), None if test is None else self._rows(test)
        return X, X_test, (X.shape[1],) if self.flatten else shape

    def _each(self, images: _Images) -> _Images:
        if self.grayscale:
            images = grayscale(images)
        if self.crop:
            images = crop(images, self.crop)
        return mean_pool(images, self.pool) if self.pool > 1 else images

    def _rows(self, images: _Images) -> _Images:
        rows = images.reshape(len(images), -1)
        return np.pad(rows, ((0, 0), (0, self.pad))) if self.pad else rows
