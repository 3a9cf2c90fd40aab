"""Pooling over regions: the windows of a layer, cut into a grid of regions with a mean, sum or maximum in each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import frozen, integer
from ..errors import InputError

__all__ = ["Pooling", "PoolingGrid", "cuts_of"]

Pooling = Literal["mean", "sum", "max"]


@record
@dataclass(frozen=True, slots=True)
class PoolingGrid:
    """Regions of the windows along each axis, of equal length but for one window.

    Attributes
    ----------
    windows : tuple of int
        Windows per spatial axis, as ``PatchGeometry.grid``.
    cuts : tuple of int
        Regions per spatial axis, each at most as many as there are windows.
    pooling : {"mean", "sum", "max"}
        What is taken over a region.
    starts : tuple of tuple of int
        First window of each region, per spatial axis.
    regions : ndarray of int64, shape (K,)
        Region of each window, in the order of the windows.
    counts : ndarray of int64, shape (R,)
        Windows in each region.
    scales : ndarray of float64, shape (R,)
        What the sum over a region is multiplied by: one over its windows for the mean, else one.

    Raises
    ------
    InputError
        If there are more regions than windows along an axis, or for another kind of pooling.

    Examples
    --------
    >>> grid = PoolingGrid((5,), (2,), "sum")
    >>> grid.R, grid.pool(np.arange(5.0).reshape(1, 5, 1))[0, :, 0].tolist()
    (2, [3.0, 7.0])
    """

    windows: tuple[int, ...]
    cuts: tuple[int, ...]
    pooling: Pooling = "mean"
    # made once: the outputs of a network ask for them at every step of a descent
    starts: tuple[tuple[int, ...], ...] = field(init=False, repr=False, compare=False)
    regions: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    counts: NDArray[np.int64] = field(init=False, repr=False, compare=False)
    scales: NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.pooling not in get_args(Pooling):
            raise InputError(f"pooling: got {self.pooling!r}, expected one of {', '.join(get_args(Pooling))}")
        if len(self.cuts) != len(self.windows):
            raise InputError(f"pooling_grid: got {len(self.cuts)} numbers, expected {len(self.windows)}, one per axis")
        for cut, windows in zip(self.cuts, self.windows, strict=True):
            integer(cut, "pooling_grid", maximum=windows)
        starts = tuple(
            tuple(int(part[0]) for part in np.array_split(np.arange(windows), cut))
            for windows, cut in zip(self.windows, self.cuts, strict=True)
        )
        axes = [
            np.searchsorted(np.asarray(first), np.arange(windows), side="right") - 1
            for first, windows in zip(starts, self.windows, strict=True)
        ]
        place = axes[0] if len(axes) == 1 else (axes[0][:, None] * self.cuts[1] + axes[1]).ravel()
        counts = np.bincount(place, minlength=self.R)
        scales = 1.0 / counts if self.pooling == "mean" else np.ones(self.R)
        for name, made in (("regions", place.astype(np.int64)), ("counts", counts), ("scales", scales)):
            object.__setattr__(self, name, frozen(made))
        object.__setattr__(self, "starts", starts)

    @property
    def R(self) -> int:
        """Number of regions."""
        return int(math.prod(self.cuts))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """What makes sums or means over the regions (R, K)."""
        inside = np.arange(self.R)[:, None] == self.regions
        return np.asarray(inside * self.scales[:, None])

    def pool(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values (n, K, m) of the windows pooled, (n, R, m)."""
        if self.pooling != "max":  # a product with a matrix, many times quicker than sums along axes
            return np.asarray(self.matrix.astype(values.dtype) @ values)
        n, _, m = values.shape
        pooled = values.reshape(n, *self.windows, m)
        for axis, starts in enumerate(self.starts, start=1):
            if len(starts) < pooled.shape[axis]:
                pooled = np.maximum.reduceat(pooled, starts, axis=axis)
        return np.ascontiguousarray(pooled).reshape(n, self.R, m)


def cuts_of(given: int | Sequence[int], axes: int) -> tuple[int, ...]:
    """Regions along each axis, given one by one or once for all of them.

    Examples
    --------
    >>> cuts_of(3, 2), cuts_of([3, 1], 2)
    ((3, 3), (3, 1))
    """
    return (given,) * axes if isinstance(given, (int, np.integer)) else tuple(given)
