"""Writing a file so that a failure leaves whatever was there before."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import InputError

__all__ = ["check_writable", "replacing", "write_text"]

#: bytes written to find out whether a disk is full
_BLOCK = 1 << 16


@contextmanager
def replacing(path: str | Path, name: str) -> Iterator[IO[bytes]]:
    """Binary file that takes the place of `path` when the block ends, and is removed if it fails.

    It is written beside `path` and renamed, so that a full disk or an interrupt loses no earlier file. What is no
    regular file (a pipe, a device), or lies in a folder where none can be created, is written to directly.

    Parameters
    ----------
    path : str or Path
        The file; a symbolic link is followed.
    name : str
        What it is, for the message.

    Raises
    ------
    InputError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "kept.txt"
    >>> _ = target.write_text("before")
    >>> with suppress(ZeroDivisionError), replacing(target, "example") as file:
    ...     _ = file.write(b"half")
    ...     _ = 1 / 0
    >>> target.read_text(), len(list(target.parent.iterdir()))
    ('before', 1)
    """
    with _refused(path, name):
        target, partial = _places(path)
        try:
            with partial.open("wb") as file:
                yield file
            if partial != target:
                if target.exists():
                    partial.chmod(target.stat().st_mode)
                partial.replace(target)
        finally:
            if partial != target:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)


def check_writable(path: str | Path, name: str) -> None:
    """Raise the :class:`InputError` of :func:`replacing` if it is certain to come, before work is done for the file.

    A block is written where the file would be, and removed. What is not a file is only looked at, or given a byte that
    it swallows, as ``/dev/null`` does.

    Examples
    --------
    >>> check_writable("no/such/folder/file.txt", "out")
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: out: got 'no/such/folder/file.txt' (No such file or directory), expected a writable \
file in an existing directory
    """
    with _refused(path, name):
        target, partial = _places(path)
        if partial != target:
            try:
                partial.write_bytes(bytes(_BLOCK))
            finally:
                with suppress(OSError):
                    partial.unlink(missing_ok=True)
            return
        mode = target.stat().st_mode
        if stat.S_ISREG(mode):
            target.open("ab").close()
        elif stat.S_ISCHR(mode) and _is_memory(target):
            target.write_bytes(b"\0")
        elif not os.access(target, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


@contextmanager
def _refused(path: str | Path, name: str) -> Iterator[None]:
    """Turn failures of the file system into one sentence."""
    try:
        yield
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError) and "null byte" not in str(error):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{name}: got {_short(path)!r} ({reason}), expected a writable file in an existing directory"
        ) from error


def _places(path: str | Path) -> tuple[Path, Path]:
    """The file with links followed, and where it is written first: beside it, or itself if that does not work."""
    target = Path(os.path.realpath(path))
    if str(path).endswith(("/", os.sep)) or not target.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        found = target.lstat()
    except FileNotFoundError:
        target.parent.stat()  # says what is missing
    else:
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not (stat.S_ISREG(found.st_mode) and os.access(target.parent, os.W_OK)):
            return target, target
    beginning = os.fsdecode(os.fsencode(target.name)[:100])  # with what is added, no longer than names may be
    return target, target.with_name(f".{beginning}.{os.getpid()}.part")


def _is_memory(device: Path) -> bool:
    """Whether it is one of Linux's memory devices, as /dev/null and /dev/full, and no terminal."""
    return sys.platform == "linux" and os.major(device.stat().st_rdev) == 1


def _short(path: str | Path) -> str:
    text = str(path)
    return text if len(text) <= 200 else f"{text[:80]}...{text[-20:]}"


def write_text(path: str | Path, text: str, name: str) -> None:
    """Write `text` as UTF-8, as :func:`replacing` does.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "note.txt"
    >>> write_text(target, "beta", "note")
    >>> target.read_text()
    'beta'
    """
    with replacing(path, name) as file:
        file.write(text.encode())
