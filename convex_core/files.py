"""Writing a file so that a failure leaves whatever was there before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from .errors import InputError

__all__ = ["replacing", "write_text"]


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
    target = Path(os.path.realpath(path))
    direct = target.exists() and not (target.is_file() and os.access(target.parent, os.W_OK))
    partial = target if direct else target.with_name(f".{target.name[:100]}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            yield file
        if not direct:
            if target.exists():
                partial.chmod(target.stat().st_mode)
            partial.replace(target)
    except OSError as error:
        raise InputError(
            f"{name}: got {str(path)!r} ({error.strerror or error}), expected a writable file in an existing directory"
        ) from error
    finally:
        if not direct:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


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
