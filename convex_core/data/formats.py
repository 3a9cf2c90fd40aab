"""Labelled images from the files MNIST and CIFAR-10 come in: IDX, CIFAR python batches, or one NPZ.

Every reader returns images (n, H, W) or (n, H, W, 3) as float64 in [0, 1] (8-bit values divided by 255) and
integer labels (n,), and turns a missing, truncated, oversized or foreign file into one :class:`InputError`
sentence.
"""

from __future__ import annotations

import gzip
import math
import pickle
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .npz import check_file, read_npz

__all__ = ["MAX_IMAGE_BYTES", "LabelledImages", "read_cifar_batches", "read_idx", "read_images"]

#: Limit on an image file and on what it unpacks to: the CIFAR-10 training set is 184 MB.
MAX_IMAGE_BYTES = 2**30


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImages:
    """Images (n, H, W[, C]) in [0, 1] (as given when not 8-bit), labels (n,), and their source."""

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    source: str

    def __post_init__(self) -> None:
        if self.images.ndim not in (3, 4) or 0 in self.images.shape:
            raise InputError(
                f"{self.source}: got images of shape {self.images.shape}, expected (n, H, W) or (n, H, W, C)"
            )
        if self.labels.shape != self.images.shape[:1]:
            raise InputError(
                f"{self.source}: got labels of shape {self.labels.shape}, expected ({len(self.images)},), one per image"
            )


def _unit(images: NDArray[Any], source: str) -> NDArray[np.float64]:
    """8-bit images divided by 255, other numbers as they are."""
    if images.dtype == np.uint8:
        return images / 255.0
    if images.dtype.kind not in "fiu":
        raise InputError(f"{source}: got images of dtype {images.dtype}, expected numbers")
    values = images.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError(f"{source}: got NaN or infinite pixels, expected finite numbers")
    return values


def _label_array(labels: NDArray[Any], source: str) -> NDArray[np.int64]:
    if labels.dtype.kind not in "fiu" or not np.array_equal(labels, np.round(labels)):
        raise InputError(f"{source}: got labels of dtype {labels.dtype}, expected whole numbers")
    return labels.astype(np.int64)


def read_images(path: str | Path, *, max_bytes: int = MAX_IMAGE_BYTES) -> LabelledImages:
    """Labelled images from one file, whose format is read off its name.

    Parameters
    ----------
    path : str or Path
        ``*.npz`` with `images` and `labels`; an IDX image file (``...images-idx3-ubyte``, also ``.gz``),
        whose label file (``...labels-idx1-ubyte``) must lie beside it; or a CIFAR python batch
        (``*_batch*``).
    max_bytes : int
        Limit on the file and on what it unpacks to.

    Raises
    ------
    InputError
        As the module says.
    """
    file = Path(path)
    if file.suffix == ".npz":
        arrays = read_npz(file, keys=("images", "labels"), max_bytes=max_bytes)
        missing = [key for key in ("images", "labels") if key not in arrays]
        if missing:
            raise InputError(f"{file}: got no array {' and '.join(missing)}, expected images and labels")
        return LabelledImages(_unit(arrays["images"], str(file)), _label_array(arrays["labels"], str(file)), file.name)
    if "images" in file.name and "idx3" in file.name:
        beside = file.with_name(file.name.replace("images", "labels").replace("idx3", "idx1"))
        images, labels = read_idx(file, max_bytes=max_bytes), read_idx(beside, max_bytes=max_bytes)
        return LabelledImages(_unit(images, str(file)), _label_array(labels, str(beside)), file.name)
    if "_batch" in file.name:
        return read_cifar_batches([file], max_bytes=max_bytes)
    raise InputError(f"{file}: got an unknown kind of file, expected *.npz, *images-idx3-ubyte[.gz] or *_batch*")


def read_idx(path: str | Path, *, max_bytes: int = MAX_IMAGE_BYTES) -> NDArray[np.uint8]:
    """Read an IDX array of unsigned bytes: magic 0, 0, 8, ndim; big-endian uint32 lengths; the bytes.

    The format is LeCun's, as MNIST is distributed; ``.gz`` files are unpacked on the way.

    Raises
    ------
    InputError
        If the file is missing, too large, truncated, or not IDX.
    """
    file = check_file(path, max_bytes)
    try:
        if file.suffix == ".gz":
            with gzip.open(file) as packed:
                data = packed.read(max_bytes + 1)
        else:
            data = file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file}: got {error}, expected a whole IDX file") from error
    if len(data) > max_bytes:
        raise InputError(f"{file}: got more than {max_bytes} bytes unpacked, expected at most that")
    if len(data) < 4 or data[:3] != b"\0\0\x08" or not 1 <= data[3] <= 4:
        raise InputError(f"{file}: got the magic number {data[:4].hex() or 'nothing'}, expected IDX bytes (000008..)")
    start = 4 + 4 * data[3]
    shape = tuple(int.from_bytes(data[k : k + 4], "big") for k in range(4, start, 4))
    if len(data) - start != math.prod(shape):
        raise InputError(f"{file}: got {len(data) - start} bytes of data, expected {math.prod(shape)} for {shape}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def read_cifar_batches(paths: list[Path], *, max_bytes: int = MAX_IMAGE_BYTES) -> LabelledImages:
    """CIFAR-10 python batches, in the order given, as (n, 32, 32, 3).

    A batch is a pickled dict with `data`, uint8 (n, 3072), channel after channel, and `labels`, a list.

    Raises
    ------
    InputError
        If a file is missing, too large, truncated, or anything else than such a batch.
    """
    images, labels = [], []
    for path in paths:
        file = check_file(path, max_bytes)
        batch = _unpickle(file)
        data, named = (_entry(batch, key) for key in ("data", "labels"))
        if not isinstance(data, _PickledArray) or not isinstance(named, list):
            raise InputError(f"{file}: got no CIFAR python batch, expected a dict with data and labels")
        pixels = data.array(str(file))
        if pixels.ndim != 2 or pixels.shape[1] != 3072:
            raise InputError(f"{file}: got data of shape {pixels.shape}, expected (n, 3072)")
        if len(named) != len(pixels) or not all(type(k) is int and 0 <= k <= 255 for k in named):
            raise InputError(f"{file}: got unusable labels, expected {len(pixels)} small integers")
        images.append(pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        labels.append(np.array(named, np.int64))
    source = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
    return LabelledImages(_unit(np.concatenate(images), source), np.concatenate(labels), source)


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
        raise InputError(f"{source}: got an array that is not plain unsigned bytes, expected a CIFAR python batch")


def _reconstruct(*_: object) -> _PickledArray:
    return _PickledArray()


# A pickle may name any importable callable, so loading one from a stranger runs a stranger's code. The
# CIFAR-10 authors distribute their batches as pickles nevertheless. Such a batch needs exactly these names
# besides Python's own containers, and each is answered by an inert stand-in: not even numpy's C code sees the
# file's state.
_ALLOWED: dict[tuple[str, str], Callable[..., object]] = {
    ("numpy", "ndarray"): _PickledArray,
    ("numpy", "dtype"): _PickledDtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


class _BatchUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Callable[..., object]:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"forbidden name {module}.{name}") from None


def _unpickle(file: Path) -> object:
    try:
        with file.open("rb") as stream:
            return _BatchUnpickler(stream, encoding="bytes").load()
    # a hostile or damaged stream may fail in any opcode, with any exception
    except Exception as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{file}: got no CIFAR python batch ({reason}), expected the distributed file") from error
