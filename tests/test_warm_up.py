"""Kernels compiled ahead of use: all that Python calls, and what numba's cache is said to hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from convex_core import _warm_up
from convex_core._numba import HAVE_NUMBA

pytestmark = pytest.mark.skipif(not HAVE_NUMBA, reason="nothing to compile")

# in a process of its own: other tests compile kernels too
_COUNT = """
import json
from convex_core import _warm_up

_warm_up.compile_kernels()
signatures = {kernel.__name__: len(kernel.signatures) for kernel in _warm_up.KERNELS}
print(json.dumps([signatures, _warm_up.kept_on_disk()]))
"""


def _run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=300, env=os.environ | environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_kernel_is_compiled_and_kept():
    signatures, kept = json.loads(_run(_COUNT))
    assert len(signatures) == len(_warm_up.KERNELS)
    assert min(signatures.values()) >= 1, signatures
    assert kept


def test_an_empty_cache_is_noticed(tmp_path):
    code = "from convex_core import _warm_up; print(_warm_up.kept_on_disk())"
    assert _run(code, NUMBA_CACHE_DIR=str(tmp_path)).strip() == "False"
