"""Kernels that release the interpreter, on every core at once, and BLAS on one thread while they work.

The matrices here are small, and after each product an idle BLAS thread spins for some 25 ms on the core that the next
kernel needs. On two cores one thread was 1.1 to 2.2 times faster on the benchmark's given patterns and MNIST with beta
0.1, in a quarter to two thirds of the CPU time; on the talk's set there was no difference.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from functools import cache
from typing import TypeVar

from threadpoolctl import ThreadpoolController

__all__ = ["at_once", "available_cores", "one_blas_thread", "one_core"]

_T = TypeVar("_T")
_R = TypeVar("_R")


#: whether what runs in this context keeps to one core
_alone: ContextVar[bool] = ContextVar("one core", default=False)


@contextmanager
def one_core() -> Iterator[None]:
    """Keep what is computed in this context on one core: others work beside it, and each has its own.

    Examples
    --------
    >>> with one_core():
    ...     available_cores()
    1
    """
    token = _alone.set(True)
    try:
        yield
    finally:
        _alone.reset(token)


def available_cores() -> int:
    """Count the processors that this process, or what is computed in this context, may use."""
    return 1 if _alone.get() else _cores()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def at_once(work: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Apply `work` to all items: the first here, others beside it.

    The threads are kept: starting one takes as long as pricing a thousand cells. In one of them this function does one
    item after another: they all may be waiting for each other.

    Examples
    --------
    >>> at_once(lambda x: x * x, [1, 2, 3])
    [1, 4, 9]
    """
    if _alone.get() or getattr(_here, "helper", False):
        return [work(item) for item in items]
    others: list[Future[_R]] = []
    with suppress(RuntimeError):  # the interpreter ends: no thread begins any more, and what is left is done here
        for item in items[1:]:
            others.append(_helpers().submit(work, item))
    done = [work(item) for item in items[:1]] + [other.result() for other in others]
    return done + [work(item) for item in items[1 + len(others) :]]


@cache
def _helpers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, _cores() - 1), "kernels", initializer=_mark)


_here = threading.local()


def _mark() -> None:
    """Note that this thread is one of those that help."""
    _here.helper = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helpers.cache_clear)  # a child has none of its parent's threads


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
