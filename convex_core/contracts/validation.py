"""Input checks shared by the whole library; each failure is one :class:`InputError` sentence, got / expected."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

_Scalar = TypeVar("_Scalar", bound=np.generic)

__all__ = [
    "MAX_MAGNITUDE",
    "finite_array",
    "frozen",
    "integer",
    "moderate",
    "no_others",
    "positive_number",
    "seed_list",
    "targets",
]

#: largest magnitude of an input or a target: squares of products of two of them stay finite
MAX_MAGNITUDE = 1e60
#: most seeds of one run
MAX_SEEDS = 1000


def finite_array(value: ArrayLike, name: str, *, ndim: int | tuple[int, ...], min_size: int = 1) -> NDArray[np.float64]:
    """`value` as a float64 array of `ndim` dimensions with finite entries.

    Examples
    --------
    >>> finite_array([[1, 2]], "X", ndim=2).shape
    (1, 2)
    """
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "fiub":
            raise TypeError(f"dtype {raw.dtype}")
        array = raw.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {error}, expected an array of real numbers") from error
    wanted = (ndim,) if isinstance(ndim, int) else ndim
    if array.ndim not in wanted:
        dims = " or ".join(str(k) for k in wanted)
        raise InputError(f"{name}: got an array of shape {array.shape}, expected {dims} dimension(s)")
    if array.size < min_size or 0 in array.shape:
        raise InputError(f"{name}: got an empty array of shape {array.shape}, expected at least {min_size} entry")
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise InputError(f"{name}: got {bad} NaN or infinite entries, expected finite numbers")
    return array


def targets(value: ArrayLike, n: int, name: str = "y", *, outputs: int = 1) -> NDArray[np.float64]:
    """`value` as finite targets of shape (n,); with q > 1 `outputs`, (n, q) or labels (n,), as (n * q,).

    Examples
    --------
    >>> targets([1, 0], 2, outputs=3)
    array([0., 1., 0., 1., 0., 0.])
    """
    array = finite_array(value, name, ndim=1 if outputs == 1 else (1, 2))
    if array.shape[0] != n:
        raise InputError(f"{name}: got {array.shape[0]} targets, expected {n}, one per sample")
    if outputs == 1:
        return array
    if array.ndim == 1:
        wrong = (array != np.round(array)) | (array < 0) | (array >= outputs)
        if wrong.any():
            raise InputError(f"{name}: got the label {array[wrong][0]:g}, expected integers in [0, {outputs - 1}]")
        labels = array.astype(np.int64)
        array = np.zeros((n, outputs))
        array[np.arange(n), labels] = 1.0
    if array.shape[1] != outputs:
        raise InputError(f"{name}: got targets of shape {array.shape}, expected ({n}, {outputs})")
    return array.ravel()


def moderate(array: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """`array` if no magnitude is above :data:`MAX_MAGNITUDE`.

    Examples
    --------
    >>> moderate(np.array([1.0, -2.0]), "y")
    array([ 1., -2.])
    """
    largest = float(np.abs(array).max(initial=0.0))
    if largest > MAX_MAGNITUDE:
        raise InputError(f"{name}: got an entry of magnitude {largest:g}, expected at most {MAX_MAGNITUDE:g}")
    return array


def no_others(names: Iterable[str], used: Iterable[str], source: str) -> None:
    """Raise :class:`InputError` if a file holds arrays that are not used: none is ignored silently.

    Examples
    --------
    >>> no_others(["X", "y", "weight"], ["X", "y"], "mine.npz")
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: mine.npz: got the array weight, which is not used, expected none but X, y
    """
    known = list(used)
    others = [name for name in names if name not in known]
    if others:
        which = "the array" if len(others) == 1 else "the arrays"
        verb = "is" if len(others) == 1 else "are"
        shown = ", ".join([name[:80] for name in others[:5]] + (["..."] if len(others) > 5 else []))
        raise InputError(f"{source}: got {which} {shown}, which {verb} not used, expected none but {', '.join(known)}")


def positive_number(value: float, name: str) -> float:
    """`value` as a finite float > 0."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {value!r}, expected a positive number") from error
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"{name}: got {value!r}, expected a finite number > 0")
    return number


def integer(value: int, name: str, *, minimum: int = 1, maximum: int | None = None) -> int:
    """`value` as an int in [minimum, maximum]."""
    span = f"an integer >= {minimum}" if maximum is None else f"an integer in [{minimum}, {maximum}]"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError as error:
        raise InputError(f"{name}: got {value!r}, expected {span}") from error
    if number < minimum or (maximum is not None and number > maximum):
        raise InputError(f"{name}: got {number}, expected {span}")
    return number


def seed_list(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Seeds given one by one, or how many: 3 stands for 0, 1, 2.

    Examples
    --------
    >>> seed_list(3), seed_list([7])
    ((0, 1, 2), (7,))
    """
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        return tuple(range(integer(seeds, "seeds", maximum=MAX_SEEDS)))
    if isinstance(seeds, str) or not isinstance(seeds, Sequence) or not 1 <= len(seeds) <= MAX_SEEDS:
        raise InputError(f"seeds: got {seeds!r}, expected a list of 1 to {MAX_SEEDS} integers, or how many")
    return tuple(integer(seed, "seeds", minimum=0) for seed in seeds)


def frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """A C-contiguous copy of `array` that cannot be written to."""
    copy = np.array(array, order="C", copy=True)
    copy.flags.writeable = False
    return copy
