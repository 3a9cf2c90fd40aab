"""Kernels on every core: order, errors, and a forked child."""

import multiprocessing
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from convex_core.numerics import threads
from convex_core.numerics.threads import at_once


def _thread(_):
    return threading.current_thread().name


def test_answers_come_in_order_and_the_first_is_made_here():
    assert at_once(lambda x: x * x, range(20)) == [x * x for x in range(20)]
    assert at_once(lambda x: x, []) == []
    names = at_once(_thread, range(3))
    assert names[0] == threading.current_thread().name
    assert names[0] not in names[1:]


def test_all_is_done_here_when_no_thread_may_begin_any_more(monkeypatch):
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    monkeypatch.setattr(threads, "_helpers", lambda: pool)
    assert at_once(lambda x: x * x, range(5)) == [0, 1, 4, 9, 16]


def test_errors_are_not_lost():
    with pytest.raises(ZeroDivisionError):
        at_once(lambda x: 1 / x, [2, 1, 0])


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_starts_threads_of_its_own():
    at_once(_thread, range(3))  # the parent has its threads now; the child would wait for them for ever
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(at_once, (abs, [-1, -2, -3])).get(timeout=120.0) == [1, 2, 3]
