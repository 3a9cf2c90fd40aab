"""Arrays as text, bit by bit: a network over a list has tens of thousands of weights."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...contracts.validation import frozen
from ...data import Dataset
from ...errors import InputError
from ...lists.filters import short_units

__all__ = ["image_hash", "packed", "packed_units", "unpacked", "unpacked_units"]

#: Difference of two rows of length one that are the same but for the rounding of their lengths.
_SAME = 1e-15
#: Kinds of numbers by their names in a file, least significant byte first.
_KINDS = {"float64": "<f8", "float32": "<f4", "uint8": "|u1"}


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """Shape, kind, and the bytes in base64: in single precision where nothing is lost by it.

    Examples
    --------
    >>> packed(np.array([1.0])), packed(np.array([0.1]))
    ({'shape': [1], 'float32': 'AACAPw=='}, {'shape': [1], 'float64': 'mpmZmZmZuT8='})
    """
    short = array.dtype != np.uint8 and bool((array == array.astype(np.float32)).all())
    kind = "uint8" if array.dtype == np.uint8 else "float32" if short else "float64"
    data = np.ascontiguousarray(array, dtype=_KINDS[kind]).tobytes()
    return {"shape": list(array.shape), kind: base64.b64encode(data).decode()}


def unpacked(given: Any, place: str, shape: Sequence[int | None], kind: str = "float64") -> NDArray[Any]:
    """The array of :func:`packed`; `shape` has None where a length is free.

    Raises
    ------
    InputError
        If it is none, of another shape, or holds numbers that are not finite.

    Examples
    --------
    >>> unpacked({"shape": [1], "float64": "AAAAAAAA8D8="}, "bias", (1,))
    array([1.])
    """
    if kind == "float64" and isinstance(given, dict) and "float32" in given:
        kind = "float32"
    if not isinstance(given, dict) or set(given) != {"shape", kind} or not isinstance(given[kind], str):
        raise InputError(f"{place}: got {_shown(given)}, expected an array: its shape, and {kind} in base64")
    sizes = given["shape"]
    fits = isinstance(sizes, list) and len(sizes) == len(shape)
    fits = fits and all(type(size) is int and size >= 0 for size in sizes)
    if not fits or any(want not in (None, size) for want, size in zip(shape, sizes, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in shape)
        raise InputError(f"{place}: got the shape {_shown(sizes)}, expected ({wanted})")
    try:
        data = base64.b64decode(given[kind], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{place}: got text that is no base64, expected the bytes of {kind}") from error
    width = np.dtype(_KINDS[kind]).itemsize
    if len(data) != width * math.prod(sizes):
        raise InputError(
            f"{place}: got {len(data)} bytes, expected {width * math.prod(sizes)}, those of {tuple(sizes)}"
        )
    array = np.frombuffer(data, _KINDS[kind]).reshape(sizes)
    if not np.isfinite(array).all():
        raise InputError(f"{place}: got numbers that are not finite, expected finite ones")
    return array if kind == "uint8" else frozen(array.astype(np.float64))


def packed_units(directions: NDArray[Any]) -> dict[str, Any]:
    """Rows of length one; those of :func:`~convex_core.lists.filters.short_units` in single precision.

    Examples
    --------
    >>> unit = short_units(np.array([[0.6, 0.8]]))
    >>> list(packed_units(unit)), bool((unpacked_units(packed_units(unit), "list", (1, 2)) == unit).all())
    (['shape', 'units'], True)
    """
    if np.abs(short_units(directions) - directions).max(initial=0.0) > _SAME:
        return packed(directions)
    found = packed(directions.astype(np.float32).astype(np.float64))
    return {"shape": found["shape"], "units": found["float32"]}


def unpacked_units(given: Any, place: str, shape: Sequence[int | None]) -> NDArray[Any]:
    """The rows of :func:`packed_units`; errors as for :func:`unpacked`."""
    if not isinstance(given, dict) or "units" not in given:
        return unpacked(given, place, shape)
    named = {("float32" if key == "units" else key): value for key, value in given.items()}
    short = unpacked(named, place, shape)
    if not short.any(axis=1).all():
        raise InputError(f"{place}: got a filter of zeros, expected directions")
    return frozen(short_units(short))


def image_hash(data: Dataset) -> str:
    """SHA-256 of all images and their classes, training before test: shapes, and every number with all its digits."""
    sha = hashlib.sha256()
    for array in (data.X, data.y, data.X_test, data.y_test):
        if array is not None:
            sha.update(repr(array.shape).encode())
            sha.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return sha.hexdigest()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
