"""Ctrl-C, SIGTERM and streams that take nothing: one line and an exit status, whenever they come."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import convex_core
from convex_core.cli import main
from convex_core.cli.output import running
from convex_core.numerics.jit import compiling, have_numba

pytestmark = pytest.mark.slow

ROOT = Path(convex_core.__file__).parents[1]
SMALL = ("solve", "--dataset", "edge", "--option", "n=4", "--json")

#: a process that sends itself a signal when a module is imported, or when it ends
_SITE = """
import atexit, os, signal, sys

def strike():
    os.kill(os.getpid(), getattr(signal, os.environ["STRIKE_WITH"]))

class Striker:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["STRIKE_AT"]:
            strike()
        if os.environ["STRIKE_AT"] == "exit" and name == "convex_core.cli":
            atexit.register(strike)

sys.meta_path.insert(0, Striker())
if os.environ["STRIKE_AT"] == "end":
    atexit.register(strike)  # the first is called last
"""
#: what pip writes for an entry point
_SCRIPT = """
import sys
from convex_core.__main__ import main
if __name__ == "__main__":
    sys.exit(main())
"""


def struck(tmp_path, at, number, *argv, script=False):
    """Run a command that is struck by a signal while it imports `at`."""
    (tmp_path / "sitecustomize.py").write_text(_SITE)
    (tmp_path / "convex-core").write_text(_SCRIPT)
    env = os.environ | {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "STRIKE_AT": at,
        "STRIKE_WITH": signal.Signals(number).name,
    }
    command = [sys.executable, *([str(tmp_path / "convex-core")] if script else ["-m", "convex_core"]), *argv]
    # a shell that runs the tests in the background has its children ignore interrupts
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)} if os.name == "posix" else {}
    return subprocess.run(command, capture_output=True, text=True, env=env, **heard)


IMPORTED = ["convex_core.errors", "scipy.linalg", "convex_core.solution", "convex_core.cli", "convex_core.cli.parser"]
IMPORTED += ["numba", "numba.core.compiler"] if have_numba() else []


@pytest.mark.parametrize("at", [*IMPORTED, "exit"])
@pytest.mark.parametrize("script", [False, True], ids=["module", "script"])
def test_an_interrupt_is_one_line_whenever_it_comes(tmp_path, at, script):
    done = struck(tmp_path, at, signal.SIGINT, *SMALL, script=script)
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines()[-1] in ("convex_core: error: interrupted", *RESULT)
    assert "Traceback" not in done.stderr
    assert len([line for line in done.stderr.splitlines() if "compiling kernels" not in line]) == 1
    assert done.stdout == "" or json.loads(done.stdout)["status"] in ("cancelled", "optimal")


RESULT = ("convex_core: error: interrupted, the result is the best so far",)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_when_everything_is_done_a_signal_changes_nothing(tmp_path, number):
    done = struck(tmp_path, "end", number, *SMALL)
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "optimal"
    assert [line for line in done.stderr.splitlines() if "compiling kernels" not in line] == []


@pytest.mark.parametrize("at", ["scipy.linalg", "convex_core.cli.parser", "exit"])
def test_a_request_to_terminate_is_one_line_too(tmp_path, at):
    done = struck(tmp_path, at, signal.SIGTERM, *SMALL)
    assert (done.returncode, done.stderr) == (143, "convex_core: error: terminated\n")


def test_a_request_to_terminate_removes_what_is_half_written(tmp_path, monkeypatch):
    code = """
import os, signal, sys
from convex_core import __main__
sys.argv[0] = "convex-core"
def strike(file, **arrays):
    file.write(b"half")
    os.kill(os.getpid(), signal.SIGTERM)
import numpy as np
np.savez_compressed = strike
sys.exit(__main__.main())
"""
    argv = [*SMALL, "--out", str(tmp_path / "model.npz")]
    done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.splitlines()[-1] == "convex_core: error: terminated"
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_imports_the_library_keeps_its_handlers():
    code = """
import signal, sys
before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], sys.unraisablehook
import convex_core
import convex_core.__main__
assert ([signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)], sys.unraisablehook) == before
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_what_ignores_interrupts_goes_on_ignoring_them(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(_SITE)
    env = os.environ | {
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        "STRIKE_AT": "scipy.linalg",
        "STRIKE_WITH": "SIGINT",
    }
    command = [sys.executable, "-m", "convex_core", "datasets", "--json"]
    ignore = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}  # as nohup and a shell's & do
    done = subprocess.run(command, capture_output=True, text=True, env=env, **ignore)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["datasets"]


def test_an_interrupted_computation_gives_its_best_answer_and_says_so(monkeypatch, capsys):
    from convex_core.cli import solve as command

    real = command.solve

    def interrupted(*args, **options):
        os.kill(os.getpid(), signal.SIGINT)
        return real(*args, **options)

    monkeypatch.setattr(command, "solve", interrupted)
    assert main(SMALL) == 130
    out, err = capsys.readouterr()
    assert json.loads(out)["status"] == "cancelled"
    assert json.loads(out)["network_objective"] > 0.0
    assert err == f"{RESULT[0]}\n"
    monkeypatch.setattr(command, "solve", real)
    assert main(SMALL) == 0  # the next one is another


def test_an_interrupt_does_not_wait_for_the_compiler():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), running() as (_, cancel), compiling():
        os.kill(os.getpid(), signal.SIGINT)
    assert not cancel.is_set()
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize(
    ("argv", "redirection", "status", "lines"),
    [
        ("--help", ">/dev/full", 1, 1),
        ("solve --help", ">/dev/full", 1, 1),
        ("datasets", ">/dev/full", 1, 1),
        ("solve --dataset nosuch", ">/dev/full", 2, 1),
        ("solve --dataset nosuch", "2>/dev/full", 2, 0),
        ("solve --dataset nosuch", "2>&-", 2, 0),
        ("datasets --json", "2>&-", 0, 0),
        ("solve --dataset edge --option n=4 --json", "2>&-", 0, 0),
    ],
)
def test_streams_that_take_nothing_are_no_traceback(argv, redirection, status, lines):
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = f"{sys.executable} -m convex_core {argv} {redirection}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=env)
    said = [line for line in done.stderr.splitlines() if "compiling kernels" not in line]
    assert (done.returncode, len(said)) == (status, lines)
    if status == 2:
        assert done.stdout == ""  # where an error does not belong


def test_a_reader_that_wants_one_line_gets_it():
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    for argv in ("--help", "datasets", "datasets --json", "solve --dataset edge --option n=4"):
        command = f"{sys.executable} -m convex_core {argv} | head -1"
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, env=env)
        assert done.stdout.count("\n") == 1
        assert [line for line in done.stderr.splitlines() if "compiling kernels" not in line] == []
