"""Reading NPY and NPZ from strangers: sizes checked before memory is spent, pickles never loaded."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["MAX_BYTES", "check_file", "read_npy", "read_npz"]

#: Default limit on a file and on what it unpacks to.
MAX_BYTES = 2**28


def check_file(path: str | Path, max_bytes: int = MAX_BYTES) -> Path:
    """`path` as a Path to an existing, non-empty file of at most `max_bytes` bytes, else InputError."""
    file = Path(path)
    try:
        if file.is_dir():
            raise InputError(f"{file}: got a directory, expected a file")
        if not file.is_file():
            raise InputError(f"{file}: got no such file, expected a readable file")
        size = file.stat().st_size
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{str(path)!r}: got {error}, expected a readable file") from error
    if size == 0:
        raise InputError(f"{file}: got an empty file, expected data")
    if size > max_bytes:
        raise InputError(f"{file}: got {size} bytes, expected at most {max_bytes}")
    return file


def read_npy(path: str | Path, *, max_bytes: int = MAX_BYTES) -> NDArray[Any]:
    """Read the array of a ``.npy`` file.

    Parameters
    ----------
    path : str or Path
        File written by :func:`numpy.save`.
    max_bytes : int
        Limit on the file's size.

    Raises
    ------
    InputError
        If the file is missing, too large, truncated, not an NPY file, or holds pickled objects.
    """
    file = check_file(path, max_bytes)
    try:
        with file.open("rb") as stream:
            return _array(stream, str(file), file.stat().st_size)
    except OSError as error:
        raise InputError(f"{file}: got {error}, expected a readable NPY file") from error


def read_npz(
    source: str | Path | IO[bytes], *, keys: Collection[str] | None = None, max_bytes: int = MAX_BYTES
) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz`` file.

    Parameters
    ----------
    source : str, Path or binary file
        What :func:`numpy.savez` or :func:`numpy.savez_compressed` wrote.
    keys : collection of str, optional
        Read only these, where present; default: every array.
    max_bytes : int
        Limit on the file's size and on the unpacked total.

    Raises
    ------
    InputError
        If the file is missing, too large, truncated, not an NPZ file, or holds pickled objects.
    """
    file = check_file(source, max_bytes) if isinstance(source, (str, Path)) else source
    name = str(file) if isinstance(file, Path) else "NPZ data"
    arrays: dict[str, NDArray[Any]] = {}
    total = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                key = member.filename.removesuffix(".npy")
                if keys is not None and key not in keys:
                    continue
                total += member.file_size
                if total > max_bytes:
                    raise InputError(f"{name}: got {total} bytes unpacked, expected at most {max_bytes}")
                with archive.open(member) as stream:
                    arrays[key] = _array(stream, f"{name}: array {key!r}", member.file_size)
    except InputError:
        raise
    # ValueError: a damaged directory makes zipfile look before the beginning
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError) as error:
        raise InputError(f"{name}: got a damaged file or no NPZ ({error}), expected an NPZ file") from error
    return arrays


def _array(stream: IO[bytes], name: str, size: int) -> NDArray[Any]:
    """One NPY stream of `size` bytes, its header checked before anything is allocated."""
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    # numpy parses the header with tokenize and ast, which a forged one can make fail in many ways
    except Exception as error:
        reason = (str(error).splitlines() or ["an unusable header"])[0]
        raise InputError(f"{name}: got no NPY array ({reason}), expected one written by numpy") from error
    if dtype.hasobject:
        raise InputError(f"{name}: got pickled objects, expected a plain numeric array (allow_pickle=False)")
    count = math.prod(shape)
    needed = count * dtype.itemsize
    # a forged header must not make us allocate: the data has to be there
    if min(shape, default=1) < 0 or needed > size or (count > 0 and needed == 0):
        raise InputError(f"{name}: got {size} bytes for the shape {shape}, expected {needed} (truncated file)")
    data = stream.read(needed)
    if len(data) != needed:
        raise InputError(f"{name}: got {len(data)} of {needed} bytes, expected the whole array (truncated file)")
    # reading on to the end also makes zipfile compare the checksum
    if stream.read(1):
        raise InputError(f"{name}: got bytes behind the array, expected one array alone")
    flat = np.frombuffer(data, dtype=dtype) if count else np.empty(0, dtype)
    try:
        return flat.reshape(shape, order="F" if fortran else "C")
    except (ValueError, OverflowError) as error:
        raise InputError(f"{name}: got the shape {shape}, expected one that fits in memory") from error
