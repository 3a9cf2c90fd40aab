"""IDX, LeCun's format in which MNIST is distributed: images in one file, their labels in another beside it."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .image_bytes import MAX_IMAGE_BYTES, head, unpacked
from .labelled import LabelledImages, labelled_images

__all__ = ["idx_axes", "idx_files", "read_idx", "read_idx_images"]

#: What an IDX file may hold, by the third byte of its magic number; big-endian.
_TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
#: In names of IDX files; only such files of a folder are opened to look for one.
_HINTS = ("idx", "ubyte", "images", "labels")


def read_idx(path: str | Path, *, max_bytes: int = MAX_IMAGE_BYTES) -> NDArray[Any]:
    """Read an IDX array: magic 0, 0, type, ndim; big-endian uint32 lengths; the numbers, big-endian.

    Raises
    ------
    InputError
        If the file is missing, too large, truncated, or not IDX.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "labels.idx1-ubyte"
    >>> _ = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 3]))
    >>> read_idx(file).tolist()
    [7, 3]
    """
    data = unpacked(path, max_bytes)
    axes = idx_axes(data)
    if not axes:
        raise InputError(f"{path}: got the magic number {data[:4].hex()}, expected that of IDX (00 00 type axes)")
    dtype = np.dtype(_TYPES[data[2]])
    start = 4 + 4 * axes
    shape = tuple(int.from_bytes(data[k : k + 4], "big") for k in range(4, start, 4))
    needed = math.prod(shape) * dtype.itemsize
    if len(data) - start != needed:
        raise InputError(f"{path}: got {len(data) - start} bytes of data, expected {needed} for {shape}")
    return np.frombuffer(data, dtype, offset=start).reshape(shape)


def idx_axes(data: bytes) -> int:
    """Number of axes that the first bytes of an IDX file state, 1 to 4; 0 if they are of no IDX file."""
    whole = len(data) >= 4 and data[:2] == b"\0\0" and data[2] in _TYPES and 1 <= data[3] <= 4
    return data[3] if whole else 0


def read_idx_images(
    path: str | Path, *, max_bytes: int = MAX_IMAGE_BYTES, scale: float | None = None
) -> LabelledImages:
    """Images and labels of an IDX image file and the label file beside it.

    The label file has the same name with "labels" for "images", whatever the punctuation and the packing, or is the
    only IDX file of one axis there, unless one name says train and the other test.

    Raises
    ------
    InputError
        If a file is missing, damaged or no such file, or if there are several label files.
    """
    file = Path(path)
    images = read_idx(file, max_bytes=max_bytes)
    if images.ndim < 3:
        raise InputError(f"{file}: got an IDX file of {images.ndim} axes, expected the images, of 3 or 4 axes")
    beside = _labels_beside(file)
    labels = read_idx(beside, max_bytes=max_bytes)
    return labelled_images(images, labels, f"{file.name} with {beside.name}", scale=scale)


def idx_files(folder: Path) -> list[Path]:
    """The IDX image files in `folder`: the training part first, then by name; unpacked before packed ones."""
    files = [file for file in _candidates(folder) if idx_axes(_head_or_nothing(file)) >= 3]
    return sorted(files, key=lambda file: ("train" not in file.name.lower(), _key(file), file.name))


def _labels_beside(images: Path) -> Path:
    found = [
        file for file in _candidates(images.parent) if file != images and idx_axes(_head_or_nothing(file)) in (1, 2)
    ]
    named = sorted(file for file in found if _key(file) == _key(images))
    if named:
        # unpacked or packed, both of the same name: one of them is enough
        packed = images.name.endswith(".gz")
        return next((file for file in named if file.name.endswith(".gz") == packed), named[0])
    if len(found) == 1 and len({part for part in map(_part, (images, found[0])) if part}) < 2:
        return found[0]
    names = ", ".join(file.name for file in found) or "no IDX file of one axis"
    raise InputError(f"{images}: got {names} beside the images, expected one label file, named as the images are")


def _key(file: Path) -> str:
    """What the names of an image file and its label file have in common."""
    name = re.sub(r"images?|labels?", "*", file.name.lower().removesuffix(".gz"))
    return re.sub(r"[^a-z0-9*]", "", re.sub(r"idx\d", "idx", name))


def _part(file: Path) -> str:
    """Which part of a dataset the name says it is: labels of another part are not taken for these."""
    return next((word for word in ("train", "t10k", "test", "val") if word in file.name.lower()), "")


def _candidates(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
        return [file for file in entries if any(hint in file.name.lower() for hint in _HINTS) and file.is_file()]
    except OSError as error:
        raise InputError(f"{folder}: got {error}, expected a readable folder") from error


def _head_or_nothing(file: Path) -> bytes:
    try:
        return head(file)
    except InputError:
        return b""
