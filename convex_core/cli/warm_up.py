"""``warm-up``: the kernels compiled and kept, so that nobody waits for them afterwards."""

from __future__ import annotations

import argparse
import os
from typing import Any

from ..numerics.jit import compiled_kernels, compiled_seconds, have_numba
from ..presentation.text import aligned
from ..warm_up import KERNELS, compile_kernels, kept_on_disk

__all__ = ["run"]


def run(args: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Compile or load everything, and report what it took and where it is kept."""
    compile_kernels()
    numba = have_numba()
    kept = kept_on_disk()
    folders = sorted({str(file.parent) for kernel in KERNELS for file in kernel.kept}) if numba else []
    cache = os.path.commonpath(folders) if kept and folders else None
    result = {
        "seconds": compiled_seconds(),
        "numba": numba,
        "kernels": [kernel.__name__ for kernel in KERNELS] if numba else [],
        "compiled": compiled_kernels(),
        "cache": cache,
    }
    if not numba:
        ready = "numba is not installed: there is nothing to compile, and enumeration and search are slower"
    else:
        ready = f"{len(KERNELS)}, {result['compiled']} compiled with their parts, the others loaded"
    missing = "nowhere, so that every process compiles anew: set NUMBA_CACHE_DIR to a folder that can be written to"
    lines = [("kernels", ready), ("seconds", f"{result['seconds']:.1f}")]
    return result, aligned([*lines, ("kept in", cache or missing)] if numba else lines)
