"""Files that a command is to write: what is certain to fail is refused in one line before any work."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from users import run_bound

from convex_core import InputError
from convex_core.cli import main
from convex_core.cli.parser import build_parser
from convex_core.contracts.files import check_writable, write_text

#: arguments without which a command does not begin
BEGINS = {
    "solve": ["--dataset", "edge", "--option", "n=4"],
    "patterns": ["--dataset", "edge", "--option", "n=4"],
    "minimum-norm": ["--dataset", "edge", "--option", "n=4"],
    "sgd": ["--dataset", "edge", "--option", "n=4", "--iterations", "5"],
    "report": ["--dataset", "edge", "--option", "n=4"],
    "sweep": ["--dataset", "edge", "--option", "n=4"],
    "experiment": ["talk", "--quick", "--iterations", "5"],
}
#: what does the work of a command
WORK = {
    "solve": "convex_core.cli.solve.make_dataset",
    "patterns": "convex_core.cli.patterns.make_dataset",
    "minimum-norm": "convex_core.cli.minimum_norm.make_dataset",
    "sgd": "convex_core.cli.sgd.make_dataset",
    "report": "convex_core.cli.report.make_dataset",
    "sweep": "convex_core.cli.sweep.sweep",
    "experiment": "convex_core.cli.experiment.run_experiment",
}


def outputs():
    """Every option of every command that writes a file."""
    commands = next(action for action in build_parser("x")._actions if action.choices and action.dest == "command")
    for command, sub in commands.choices.items():
        for action in sub._actions:
            if action.help and action.help.startswith("write"):
                yield command, action.option_strings[0]


OUTPUTS = list(outputs())


def bad_places(folder: Path) -> dict[str, str]:
    (folder / "file").write_text("kept")
    (folder / "loop").symlink_to(folder / "loop")
    places = {
        "a long name": str(folder / ("n" * 300 + ".npz")),
        "a long name of wide letters": str(folder / ("é" * 130)),
        "a long path": "/".join([str(folder), *["d" * 200] * 25]),
        "no such folder": str(folder / "gone" / "out.npz"),
        "a folder": str(folder),
        "a folder to be": str(folder / "new") + "/",
        "a file as a folder": str(folder / "file" / "out.npz"),
        "a link to itself": str(folder / "loop"),
        "nothing": "",
    }
    if Path("/dev/full").exists():
        places["a full disk"] = "/dev/full"
    if Path("/proc/self").exists():
        places["where no file can be"] = "/proc/out.npz"
    return places


def test_these_options_write_files():
    assert {"--out", "--save-data", "--script", "--html", "--onnx", "--table"} == {option for _, option in OUTPUTS}
    assert len(OUTPUTS) >= 7
    assert {command for command, _ in OUTPUTS} == BEGINS.keys()


@pytest.mark.parametrize(("command", "option"), OUTPUTS)
def test_a_bad_place_is_refused_before_any_work(command, option, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(WORK[command], lambda *_, **__: pytest.fail("work was done"))
    for what, place in bad_places(tmp_path).items():
        if option == "--save-data" and what in ("a full disk", "a folder", "a link to itself", "a folder to be"):
            continue  # .npz is appended
        assert main([command, *BEGINS[command], option, place, "--json"]) == 2, what
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"convex_core: error: {option[2:]}: got ")
        assert err.count("\n") == 1
        assert len(err) < 500
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_the_longest_names_are_written(tmp_path):
    for name in ("n" * 255, "é" * 127, "😀" * 63):
        check_writable(tmp_path / name, "out")
        write_text(tmp_path / name, "text", "out")
        assert (tmp_path / name).read_text() == "text"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_look_changes_nothing(tmp_path):
    target, link = tmp_path / "file", tmp_path / "link"
    target.write_text("before")
    link.symlink_to(target)
    os.utime(target, (1.0, 2.0))
    check_writable(link, "out")
    check_writable(tmp_path / "new", "out")
    assert (target.read_text(), target.stat().st_mtime) == ("before", 2.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link"]
    assert stat.S_ISLNK(link.lstat().st_mode)


def test_a_disk_that_is_full_is_found_out_before(tmp_path, monkeypatch):
    def full(self, data):
        self.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        check_writable(tmp_path / "out", "out")
    assert not list(tmp_path.iterdir())


def test_a_null_byte_is_refused(tmp_path):
    with pytest.raises(InputError, match="null byte"):
        check_writable(f"{tmp_path}/a\0b", "out")


@pytest.mark.slow
def test_somebody_without_permission_is_told_so(tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    command = [sys.executable, "-m", "convex_core", "solve", *BEGINS["solve"], "--out", str(locked / "out.npz")]
    done = run_bound(command, tmp_path)
    assert done.returncode == 2
    assert "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1
