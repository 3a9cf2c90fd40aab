"""CIFAR-10 as its authors distribute it: python batches, read without running what a pickle names, and binary ones."""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..contracts.validation import no_others
from ..errors import InputError
from .image_bytes import MAX_IMAGE_BYTES, unpacked
from .labelled import LabelledImages, labelled_images

__all__ = ["is_binary_batch", "read_cifar_batches"]

#: Bytes of an image, 3 channels of 32 x 32, and of a record of CIFAR-10: one label before it.
_PIXELS = 3072
_RECORD = _PIXELS + 1
#: CIFAR-100 has two labels in each record.
_RECORD_100 = _PIXELS + 2
_LARGEST_LABEL = 9
#: What the authors' dict holds; the names of the files and of the batch say nothing about an image.
_BATCH_KEYS = ("data", "labels", "batch_label", "filenames")


def read_cifar_batches(
    paths: list[Path], *, max_bytes: int = MAX_IMAGE_BYTES, scale: float | None = None
) -> LabelledImages:
    """CIFAR-10 batches, python or binary, in the order given, as (n, 32, 32, 3).

    A python batch is a pickled dict with `data`, uint8 (n, 3072), channel after channel, and `labels`, a list. A binary
    one is a row of records of 3073 bytes, the label and the pixels.

    Raises
    ------
    InputError
        If a file is missing, too large, truncated, or anything else than such a batch.
    """
    images, labels = [], []
    for path in paths:
        data = unpacked(path, max_bytes)
        pixels, numbers = _python_batch(data, path) if data[:1] == b"\x80" else _binary_batch(data, path)
        images.append(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        labels.append(numbers)
    source = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
    return labelled_images(np.concatenate(images), np.concatenate(labels), source, scale=scale)


def is_binary_batch(file: Path) -> bool:
    """Whether the name is one of a binary batch, for example ``data_batch_1.bin``: such a file has no magic number."""
    return file.name.lower().endswith((".bin", ".bin.gz"))


def _binary_batch(data: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels (n, 3072) and labels (n,) of a binary batch."""
    records = np.frombuffer(data, np.uint8)
    if len(data) % _RECORD or records[::_RECORD].max() > _LARGEST_LABEL:
        if len(data) % _RECORD_100 == 0:
            raise InputError(f"{path}: got records of CIFAR-100, with two labels each, expected those of CIFAR-10")
        raise InputError(
            f"{path}: got {len(data)} bytes that are no CIFAR-10 batch, expected records of {_RECORD} bytes, each with "
            f"a label of 0 to {_LARGEST_LABEL} in front"
        )
    table = records.reshape(-1, _RECORD)
    return table[:, 1:], table[:, 0].astype(np.int64)


def _python_batch(data: bytes, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pixels (n, 3072) and labels (n,) of a python batch."""
    batch = _unpickle(data, path)
    given, named = (_entry(batch, key) for key in ("data", "labels"))
    if not isinstance(batch, dict) or not isinstance(given, _PickledArray) or not isinstance(named, list):
        raise InputError(f"{path}: got no CIFAR-10 python batch, expected a dict with data and labels")
    keys = [key.decode("ascii", "replace") if isinstance(key, bytes) else str(key) for key in batch]
    no_others(keys, _BATCH_KEYS, str(path))
    pixels = given.array(str(path))
    if pixels.ndim != 2 or pixels.shape[1] != _PIXELS:
        raise InputError(f"{path}: got data of shape {pixels.shape}, expected (n, {_PIXELS})")
    if len(named) != len(pixels) or not all(type(k) is int and 0 <= k <= 255 for k in named):
        raise InputError(f"{path}: got unusable labels, expected {len(pixels)} small integers")
    return pixels, np.array(named, np.int64)


def _entry(batch: object, key: str) -> object:
    """`batch[key]`, whether the key was written as text or as bytes, else None."""
    if not isinstance(batch, dict):
        return None
    return batch.get(key.encode(), batch.get(key))


class _PickledDtype:
    """Stands in for numpy.dtype while unpickling: remembers the type code only."""

    def __init__(self, code: object = None, *_: object) -> None:
        self.code = code.decode("ascii", "replace") if isinstance(code, bytes) else code

    def __setstate__(self, state: object) -> None:
        """Byte order and alignment do not matter for bytes."""


class _PickledArray:
    """Stands in for numpy.ndarray while unpickling: remembers the state numpy would be given."""

    state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def array(self, source: str) -> NDArray[np.uint8]:
        """Build the array, if it is one of unsigned bytes whose data are all there."""
        match self.state:
            case (
                _,
                tuple(shape),
                _PickledDtype(code="u1" | "uint8" | "|u1"),
                bool() | int() as fortran,
                bytes(data),
            ) if all(type(k) is int and k >= 0 for k in shape) and math.prod(shape) == len(data):
                return np.frombuffer(data, np.uint8).reshape(shape, order="F" if fortran else "C")
        raise InputError(f"{source}: got an array that is not plain unsigned bytes, expected a CIFAR-10 python batch")


def _reconstruct(*_: object) -> _PickledArray:
    return _PickledArray()


def _latin1(text: object, *_: object) -> bytes:
    """What Python 3 writes for bytes in the protocol of Python 2."""
    return text.encode("latin-1") if isinstance(text, str) else b""


# A pickle may name any importable callable, so loading one from a stranger runs a stranger's code. The
# CIFAR-10 authors distribute their batches as pickles nevertheless. Such a batch needs exactly these names
# besides Python's own containers, and each is answered by an inert stand-in: not even numpy's C code sees the
# file's state.
_ALLOWED: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): _PickledArray,
    ("numpy", "dtype"): _PickledDtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("_codecs", "encode"): _latin1,
}


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., object]:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"forbidden name {module}.{name}") from None


def _unpickle(data: bytes, path: Path) -> object:
    try:
        return _BatchUnpickler(io.BytesIO(data), encoding="bytes").load()
    # a hostile or damaged stream may fail in any opcode, with any exception
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: got no CIFAR-10 python batch ({reason}), expected the distributed file") from error
