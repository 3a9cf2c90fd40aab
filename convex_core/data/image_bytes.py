"""Bytes of image files: packed by gzip or not, which the content says and not the name's ending."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from ..errors import InputError
from .npz import check_file

__all__ = ["MAX_IMAGE_BYTES", "head", "is_folder", "unpacked"]

#: Limit on an image file and on what it unpacks to: the CIFAR-10 training set is 184 MB.
MAX_IMAGE_BYTES = 2**30

_GZIP = b"\x1f\x8b"


def unpacked(path: str | Path, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """All bytes of the file, unpacked if they are gzip's.

    Raises
    ------
    InputError
        If the file is missing, empty, unreadable, damaged or too large.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "packed"
    >>> _ = file.write_bytes(gzip.compress(b"pixels"))
    >>> unpacked(file)
    b'pixels'
    """
    file = check_file(path, max_bytes)
    data = _read(file, max_bytes + 1)
    if len(data) > max_bytes:
        raise InputError(f"{file}: got more than {max_bytes} bytes unpacked, expected at most that")
    return data


def head(path: str | Path, max_bytes: int = MAX_IMAGE_BYTES) -> bytes:
    """The first 16 bytes that :func:`unpacked` would give.

    Raises
    ------
    InputError
        As :func:`unpacked`.
    """
    return _read(check_file(path, max_bytes), 16)


def is_folder(path: str | Path) -> bool:
    """Whether `path` is a directory.

    Raises
    ------
    InputError
        If the name cannot be looked up.
    """
    try:
        return Path(path).is_dir()
    except (OSError, ValueError) as error:
        raise InputError(f"{str(path)[:80]!r}: got {error}, expected a readable file or folder") from error


def _read(file: Path, count: int) -> bytes:
    try:
        with file.open("rb") as stream:
            if stream.read(2) == _GZIP:
                stream.seek(0)
                with gzip.open(stream) as packed:
                    return packed.read(count)
            stream.seek(0)
            return stream.read(count)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{file}: got {error}, expected a whole, readable file") from error
