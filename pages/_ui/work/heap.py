"""Memory that is freed goes back to the system.

The C library of most Linux systems gives each thread a heap of its own, up to eight for every core, and a page is drawn
by a new thread each time. Every array that is freed makes it keep more in each of them, up to 64 MB, for arrays of that
size to come: after ten minutes of mixed visits (`tests/load/soak.py`) 530 of the 650 MB of sixteen heaps were free, and
it was 16 of 130 with what is set here, after the same on other data. Solving took as long.
"""

from __future__ import annotations

import ctypes

__all__ = ["SETTINGS", "give_back"]

#: Of mallopt(3). Set at all, the first two are no longer raised by the library itself: bytes from which an array has
#: pages of its own, and free bytes at the end of a heap from which they go. The last is the number of heaps for threads
#: to come.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_ARENA_MAX = -3, -1, -8
SETTINGS = {M_MMAP_THRESHOLD: 2**20, M_TRIM_THRESHOLD: 2**21, M_ARENA_MAX: 2}


def give_back() -> bool:
    """Set that, once for this process; whether the C library knows these settings, as glibc does."""
    try:
        libc = ctypes.CDLL(None)
        return all(libc.mallopt(name, value) for name, value in SETTINGS.items())
    except (OSError, TypeError, AttributeError):  # musl, macOS and Windows have other heaps
        return False
