"""The lock of a file of rows on Windows, by a stand-in for its module."""

from __future__ import annotations

import os

import pytest

from convex_core import InputError, SweepRow
from convex_core.sweeps import store as store_module
from convex_core.sweeps.store import RowStore, read_rows


class WindowsLocks:
    """Stands for ``msvcrt``: a byte of a file is locked by one open file, until that is closed."""

    LK_NBLCK = 2

    def __init__(self):
        self.held = {}

    def locking(self, number, mode, count):
        assert (mode, count) == (self.LK_NBLCK, 1)
        byte = (os.fstat(number).st_ino, os.lseek(number, 0, os.SEEK_CUR))
        owner = self.held.get(byte)
        if owner is not None and not owner.closed:
            raise PermissionError(13, "Permission denied")
        self.held[byte] = next(file for file in store_module._open if file.fileno() == number)


def test_two_sweeps_do_not_write_one_file_on_windows(tmp_path, monkeypatch):
    locks = WindowsLocks()
    monkeypatch.setattr(store_module, "fcntl", None)
    monkeypatch.setattr(store_module, "msvcrt", locks)
    path = tmp_path / "rows.jsonl"
    with RowStore(path) as store:
        store.append(SweepRow("a1", {"beta": 0.1}, "optimal"))
        with pytest.raises(InputError, match=r"which another sweep is writing, expected a file of its own"):
            RowStore(path, resume=True)
        store.append(SweepRow("a2", {"beta": 0.2}, "optimal"))
        # what is locked cannot be read by others there
        assert all(byte >= path.stat().st_size for _, byte in locks.held)
        assert [row.key for row in read_rows(path)] == ["a1", "a2"]
    with RowStore(path, resume=True) as store:
        store.append(SweepRow("a3", {"beta": 0.3}, "optimal"))
    assert [row.key for row in read_rows(path)] == ["a1", "a2", "a3"]
