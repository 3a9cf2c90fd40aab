"""Streaming visits the same patterns as the enumeration."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from arrangement_cases import threshold

from convex_core.arrangement import enumerate_patterns, stream_patterns
from convex_core.arrangement.enumeration.tasks import tasks
from convex_core.errors import InputError, Interrupted
from convex_core.numerics.jit import have_numba

ENGINES = [
    pytest.param("numba", marks=pytest.mark.skipif(not have_numba(), reason="numba is not installed")),
    "numpy",
]
CASES = {
    "gaussian (14, 6)": np.random.default_rng(0).standard_normal((14, 6)),
    "gaussian (70, 3)": np.random.default_rng(1).standard_normal((70, 3)),
    "threshold 4": threshold(4),
    "one row": np.array([[1.0, 2.0]]),
    "zero rows": np.zeros((2, 2)),
}


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("chunk", [2, 100, 10_000])
@pytest.mark.parametrize("name", CASES)
def test_same_patterns_as_the_enumeration(name, chunk, engine):
    stream = stream_patterns(CASES[name], chunk=chunk, engine=engine)
    chunks = list(stream)
    assert max(len(active) for active in chunks) <= chunk
    seen = [row.tobytes() for active in chunks for row in active]
    expected = enumerate_patterns(CASES[name])
    assert len(seen) == stream.count == expected.count
    assert set(seen) == {row.tobytes() for row in expected.active()}
    assert stream.certified
    assert stream.certified_reason


def test_incomplete_stream_is_not_certified_and_can_restart():
    stream = stream_patterns(threshold(4), chunk=64)
    first = next(iter(stream))
    assert not stream.certified
    assert stream.count < 1882
    assert len(list(stream)) > 1
    assert stream.certified
    again = next(iter(stream))
    assert np.array_equal(first, again)
    assert not stream.certified


def test_near_degenerate_stream_is_not_certified():
    rows = threshold(3) + 1e-12 * np.random.default_rng(0).standard_normal((8, 4))
    stream = stream_patterns(rows)
    for _ in stream:
        pass
    assert not stream.certified


@pytest.mark.parametrize("engine", ENGINES)
def test_cancel_while_streaming(engine):
    cancel = threading.Event()
    stream = stream_patterns(
        np.random.default_rng(0).standard_normal((40, 9)), chunk=1000, cancel=cancel, engine=engine
    )
    chunks = iter(stream)
    next(chunks)
    cancel.set()
    with pytest.raises(Interrupted):
        list(chunks)


@pytest.mark.parametrize(("n", "rank", "target"), [(9, 4, 1), (20, 6, 50), (12, 3, 10**6), (5, 5, 2), (3, 2, 1)])
def test_tasks_partition_the_subsets(n, rank, target):
    todo = list(tasks(n, rank, target))
    for k in range(2, rank + 1):
        assert sum(task.size for task in todo if task.k == k) == math.comb(n - 1, k - 1)


def test_bad_chunk():
    with pytest.raises(InputError, match="chunk"):
        stream_patterns(np.eye(2), chunk=1)
