"""Compiling kernels: no part of a time limit, said, and cached where there is a place for it."""

from __future__ import annotations

import stat
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from convex_core import Status
from convex_core.numerics import jit
from convex_core.numerics.jit import clock, compiled_seconds, compiling, have_numba
from convex_core.progress import Budget

compiled = pytest.mark.skipif(not have_numba(), reason="nothing to compile")


def test_the_clock_stands_still_while_kernels_are_compiled(ticking):
    budget = Budget(time_limit=0.25)
    before, spent = clock(), compiled_seconds()
    with compiling():
        with compiling():
            ticking.now += 0.5
        ticking.now += 0.5
        assert clock() == before
        assert budget.stop() is None
    assert compiled_seconds() - spent == pytest.approx(1.0)
    assert clock() == pytest.approx(before)
    assert budget.stop() is None
    assert budget.remaining == pytest.approx(0.25)
    ticking.now += 0.5
    assert budget.stop() is Status.TIME_LIMIT


def test_compilations_side_by_side_are_counted_once():
    def wait():
        with compiling():
            time.sleep(0.2)

    before, real = compiled_seconds(), time.perf_counter()
    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.2 <= compiled_seconds() - before <= time.perf_counter() - real


def test_a_compilation_that_fails_lets_the_clock_go_on():
    with pytest.raises(ZeroDivisionError), compiling():
        _ = 1 / 0
    before = clock()
    time.sleep(0.01)
    assert clock() > before


def _kernel():
    @jit.njit()
    def double(x):
        for i in range(len(x)):
            x[i] *= 2.0

    return double


@compiled
def test_without_a_place_to_cache_in_kernels_still_run(monkeypatch):
    import numba

    def nowhere(function):
        raise RuntimeError(f"cannot cache function {function.__name__!r}: no locator available for file 'somewhere'")

    monkeypatch.setattr(numba.core.caching, "FunctionCache", nowhere)
    monkeypatch.setattr(jit, "cache_folder", lambda: None)
    double, x = _kernel(), np.ones(2)
    double(x)
    assert x.tolist() == [2.0, 2.0]
    assert not double.cached


@pytest.mark.slow
@compiled
def test_a_broken_or_full_cache_costs_time_only(monkeypatch, tmp_path):
    import numba

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    first = _kernel()
    first(np.ones(2))
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files
    for content in (b"", b"broken", b"\x80\x04\x95\xff"):
        for file in files:
            file.write_bytes(content)
        double, x = _kernel(), np.ones(2)
        double(x)
        assert x.tolist() == [2.0, 2.0]
    double, x = _kernel(), np.ones(2)
    monkeypatch.setattr(type(double._cache._new), "save_overload", lambda *_: (_ for _ in ()).throw(OSError("full")))
    double(x.astype(np.int64).astype(np.float32))
    double(x)
    assert x.tolist() == [2.0, 2.0]


def test_the_cache_of_last_resort_belongs_to_this_user_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = jit.cache_folder()
    assert folder.parent == tmp_path
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert jit.cache_folder() == folder
    folder.chmod(0o777)  # somebody else could have put code there
    assert jit.cache_folder() is None
    folder.rmdir()
    folder.symlink_to(tmp_path)
    assert jit.cache_folder() is None
    folder.unlink()
    folder.write_text("a file")
    assert jit.cache_folder() is None
    monkeypatch.setattr(tempfile, "tempdir", str(Path("/nonexistent")))
    assert jit.cache_folder() is None
