"""BLAS on one thread while our own threads work.

The matrices here are small, and after each product an idle BLAS thread spins for some 25 ms on the core that the next
kernel needs. On two cores one thread was 1.1 to 2.2 times faster on the benchmark's given patterns and MNIST with beta
0.1, in a quarter to two thirds of the CPU time; on the talk's set there was no difference.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]

_lock = threading.Lock()
_users = 0
_limit = ExitStack()


@cache
def _controller() -> ThreadpoolController:
    """The BLAS libraries of this process; looking them up takes milliseconds, so it is done once."""
    return ThreadpoolController()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread; the last of several users at once puts the former number back."""
    global _users
    with _lock:
        if _users == 0:
            _limit.enter_context(_controller().limit(limits=1, user_api="blas"))
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if _users == 0:
                _limit.close()
