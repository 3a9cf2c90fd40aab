"""Rows in a file, a line of JSON each, so that whatever happens no finished row is lost.

A row is one write at the end of the file, and on the disk before the next one is begun. What a killed process, a full
disk or a power cut leaves of a last line is cut off when the file is opened again, and its task is computed anew. Only
one sweep writes to a file at a time: the lock belongs to the open file, and is gone with the process, however it ends.
On Windows, where what is locked cannot be read by others, it is that of a byte far behind the rows.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from ..contracts.files import check_writable
from ..errors import InputError
from .rows import SweepRow

__all__ = ["RowStore", "read_rows", "rows_in"]

try:
    import fcntl
except ImportError:  # Windows has its own
    fcntl = None  # type: ignore[assignment]
msvcrt: Any = import_module("msvcrt") if os.name == "nt" else None

#: the byte that is locked on Windows, whose positions are 32 bits with a sign
_LOCKED_BYTE = 2**31 - 2

#: how every line begins, by which a torn one is told from a file of something else
_BEGINNING = b'{"key":"'


class RowStore:
    """The file of one sweep, open for writing.

    Parameters
    ----------
    path : str or Path or None
        The file; None keeps the rows in memory alone.
    resume : bool
        Whether it may hold rows already.

    Attributes
    ----------
    rows : dict
        The last row of each key, by key.

    Raises
    ------
    InputError
        If it cannot be written, is written by another sweep, holds something else, or rows without `resume`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "rows.jsonl"
    >>> with RowStore(path) as store:
    ...     store.append(SweepRow("a1", {"beta": 0.1}, "optimal"))
    >>> with RowStore(path, resume=True) as store:
    ...     list(store.rows)
    ['a1']
    """

    def __init__(self, path: str | Path | None, *, resume: bool = False) -> None:
        self.rows: dict[str, SweepRow] = {}
        self._file: IO[bytes] | None = None
        if path is None:
            return
        check_writable(path, "out")
        name = str(path)
        try:
            self._file = Path(path).open("a+b", buffering=0)  # noqa: SIM115 - open as long as the store
        except OSError as error:
            raise InputError(f"out: got {name!r} ({error.strerror or error}), expected a writable file") from error
        _open.add(self._file)
        try:
            _keep_name(path)
            self._lock(name)
            self._begin(name, resume)
        except BaseException:
            self.close()
            raise

    def _lock(self, name: str) -> None:
        if self._file is not None and not _locked(self._file):
            raise InputError(f"out: got {name!r}, which another sweep is writing, expected a file of its own")

    def _begin(self, name: str, resume: bool) -> None:
        """Read what is there, and cut off a last line that is not whole."""
        if self._file is None or not self._file.seekable():
            return
        self._file.seek(0)
        content = self._file.read()
        whole = 0
        for row, end in _parsed(content, name):
            self.rows[row.key] = row
            whole = end
        if self.rows and not resume:
            rows = f"{len(self.rows)} row{'s' * (len(self.rows) != 1)}"
            raise InputError(f"out: got {name!r}, which has {rows}, expected a new file, or resume")
        if whole < len(content):
            self._file.truncate(whole)
            os.fsync(self._file.fileno())

    def append(self, row: SweepRow) -> None:
        """Write one row, and wait until it is on the disk.

        Raises
        ------
        InputError
            If it cannot be written, on a full disk for example; what was written before is whole.
        """
        if self._file is not None:
            line = row.to_line()
            try:
                if self._file.write(line) != len(line):
                    raise OSError(28, "the disk is full")
                if self._file.seekable():
                    os.fsync(self._file.fileno())
            except OSError as error:
                raise InputError(
                    f"out: got {self._file.name!r} ({error.strerror or error}), expected a file that can be written to"
                ) from error
        self.rows[row.key] = row

    def close(self) -> None:
        """Close the file, and with it the lock."""
        if self._file is not None:
            _open.discard(self._file)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _locked(file: IO[bytes]) -> bool:
    """Lock an open file; False if another one has it."""
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None and file.seekable():
            file.seek(_LOCKED_BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a file system, or a device, without locks
        pass
    return True


def read_rows(path: str | Path) -> tuple[SweepRow, ...]:
    """The rows of a file, sorted by key; of several with one key the last. A last line that is not whole is left out.

    Raises
    ------
    InputError
        If it cannot be read, or holds something else.
    """
    try:
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"rows: got {str(path)!r:.200} ({reason}), expected a file of a sweep") from error
    return rows_in(content, Path(path).name)


def rows_in(content: bytes, name: str) -> tuple[SweepRow, ...]:
    """The rows in what a file of this name holds, as :func:`read_rows` gives them."""
    found = {row.key: row for row, _ in _parsed(content, name)}
    if not found:
        raise InputError(f"rows: got {name!r} without a row, expected a file of a sweep")
    return tuple(found[key] for key in sorted(found))


def _parsed(content: bytes, name: str) -> Iterator[tuple[SweepRow, int]]:
    """Each whole line as a row, with the place where it ends."""
    end = 0
    for number, line in enumerate(content.splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):  # only the last one can be torn
            beginning = line[: len(_BEGINNING)]
            if line.strip(b"\0") and not (beginning and _BEGINNING.startswith(beginning)):
                raise InputError(f"{name}, line {number}: got {line[:40]!r}, expected a row of a sweep")
            return
        end += len(line)
        yield SweepRow.from_line(line, f"{name}, line {number}"), end


def _keep_name(path: str | Path) -> None:
    """Let the name of a new file be on the disk too."""
    with suppress(OSError):  # where folders are no files
        folder = os.open(Path(os.path.realpath(path)).parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


#: files that are locked by this process: a fork would hold the lock for as long as it lives
_open: set[IO[bytes]] = set()


def _close_in_child() -> None:
    for file in _open:
        file.close()
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
