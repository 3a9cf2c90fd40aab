"""Filters and gates to list: directions of patches that occur in the data, with biases that occur too."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..patches import PatchGeometry
from .whitening import Whitening

__all__ = ["constant_filter", "draw_directions", "sample_patches", "short_units"]

_Array = NDArray[np.float64]
# samples, and patches of them, that whitening and filters are taken from
_SAMPLES, _PATCHES = 300, 20_000
# patches that say what a bias does
_FOR_BIASES = 5_000
# relative difference from which two products differ, rounding in single precision or not
_APART = 1e-5
# share of the patches on the closed side of a filter
_CLOSED = (0.3, 0.9)


def sample_patches(geometry: PatchGeometry, X: _Array, rng: np.random.Generator) -> _Array:
    """Some patches (m, window) of some of the inputs `X` (n, d)."""
    some = X if len(X) <= _SAMPLES else X[np.sort(rng.choice(len(X), _SAMPLES, replace=False))]
    patches = geometry.windows(some).reshape(-1, geometry.window)
    if len(patches) > _PATCHES:
        patches = patches[np.sort(rng.choice(len(patches), _PATCHES, replace=False))]
    return np.asarray(patches, dtype=np.float64)


def draw_directions(
    geometry: PatchGeometry, whitening: Whitening, patches: _Array, count: int, rng: np.random.Generator
) -> _Array:
    """Unit directions (count, h): whitened patches that are larger than most, with biases at quantiles of the others.

    Without any patch that differs from the mean they are random.
    """
    white = whitening.apply(patches)
    size = np.linalg.norm(white, axis=1)
    lively = white[(size >= np.median(size)) & (size > 0.0)]
    if len(lively):
        linear = lively[rng.integers(len(lively), size=count)]
    else:
        linear = rng.standard_normal((count, geometry.window))
    linear = linear / np.linalg.norm(linear, axis=1, keepdims=True)
    if not geometry.biased:
        return short_units(linear)
    seen = white[:_FOR_BIASES] @ linear.T
    closed = rng.uniform(*_CLOSED, count)
    biases = -np.array([_between(seen[:, j], share) for j, share in enumerate(closed)])
    directions = np.concatenate([linear, biases[:, None]], axis=1)
    return short_units(directions / np.linalg.norm(directions, axis=1, keepdims=True))


def short_units(directions: _Array) -> _Array:
    """The unit rows (count, h) nearest to numbers in single precision: a file needs half as many bytes for them.

    Examples
    --------
    >>> unit = short_units(np.array([[0.6, 0.8]]))
    >>> bool((short_units(unit) == unit).all()), round(float(np.linalg.norm(unit)), 12)
    (True, 1.0)
    """
    short = directions.astype(np.float32).astype(np.float64)
    unit: _Array = short / np.linalg.norm(short, axis=1, keepdims=True)
    return unit


def _between(values: _Array, share: float) -> float:
    """A number with about `share` of the values below it, half-way between two that differ.

    Many patches are the same, those without ink: a gate that opens exactly there would be decided by rounding.
    """
    ordered = np.unique(values)
    apart = np.flatnonzero(np.diff(ordered) > _APART * (1.0 + np.abs(ordered).max()))
    if not len(apart):
        return float(ordered[0]) - 1.0
    middles = 0.5 * (ordered[apart] + ordered[apart + 1])
    return float(middles[np.abs(middles - np.quantile(values, share)).argmin()])


def constant_filter(geometry: PatchGeometry) -> _Array:
    """The filter (1, h) that is its bias alone, so that its weights are a regularised output bias."""
    filter_ = np.zeros((1, geometry.h))
    filter_[0, -1] = 1.0
    return filter_
