"""Processes to whom permissions mean something, although the tests may run as root."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest

_DROP, _OVERRIDE, _SEARCH = 24, 1, 2  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def _bound() -> None:
    """Before a program is executed: it will not pass over permissions."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        prctl = ctypes.CDLL(None).prctl
        prctl(_DROP, _OVERRIDE, 0, 0, 0)
        prctl(_DROP, _SEARCH, 0, 0, 0)


def run_bound(command, folder: Path, **options) -> subprocess.CompletedProcess:
    """Run `command` without rights over files of others; skip the test where that cannot be."""
    probe = folder / "probe"
    probe.mkdir(mode=0o555)
    write = [sys.executable, "-c", "import pathlib, sys; pathlib.Path(sys.argv[1], 'x').touch()", str(probe)]
    options |= {"preexec_fn": _bound} if sys.platform == "linux" else {}
    if subprocess.run(write, capture_output=True, **options).returncode == 0:
        pytest.skip("permissions mean nothing here")
    probe.rmdir()
    return subprocess.run(command, capture_output=True, text=True, **options)
