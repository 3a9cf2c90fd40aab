"""Files are replaced whole or not at all."""

import os

import numpy as np
import pytest

from convex_core import InputError, load_dataset, save_dataset
from convex_core.contracts.files import replacing, write_text


def _fail_half_way(target, error):
    with replacing(target, "out") as file:
        file.write(b"half")
        raise error


def test_a_failure_leaves_the_former_file_and_no_other(tmp_path):
    target = tmp_path / "kept.bin"
    target.write_bytes(b"before")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            _fail_half_way(target, error)
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_keeps_saved_data(tmp_path, monkeypatch):
    data = load_dataset("edge")
    path = save_dataset(data, tmp_path / "d.npz")
    before = path.read_bytes()

    def full(stream, **_):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(InputError, match="No space left on device"):
        save_dataset(data, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_links_and_permissions_are_kept(tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_text("before")
    real.chmod(0o640)
    link.symlink_to(real)
    write_text(link, "after", "out")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("after", 0o640)


def test_a_new_file_has_the_usual_permissions(tmp_path):
    mask = os.umask(0o022)
    try:
        write_text(tmp_path / "new.txt", "text", "out")
    finally:
        os.umask(mask)
    assert (tmp_path / "new.txt").stat().st_mode & 0o777 == 0o644


def test_what_is_no_file_is_written_to_directly():
    write_text(os.devnull, "text", "out")
    with pytest.raises(InputError, match="expected a writable file"):
        write_text("no/such/folder/file.txt", "text", "out")
