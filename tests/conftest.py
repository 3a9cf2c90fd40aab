"""What holds for every test: read before anything imports numpy, and inherited by every process of the run."""

import gc
import linecache
import os
import sys
import threading
import time
from collections.abc import Generator
from functools import cache

import pytest
from hypothesis import HealthCheck, settings

# as many processes as cores run tests: where each shares every product between all cores, threads wait in a spin
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# a run starts hundreds of Pythons (workers, command lines, servers): without bytecode each compiles all it imports anew
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# an example has no deadline, and data may be drawn slowly: how quick a machine is shows nothing
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while modules are imported and tests found: a fifth of the time, and nearly all stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Leave out of later garbage collections what stays as long as the process: modules, kernels, all the tests.

    An eighth of it is garbage, and finding that takes half a second. The lines of all these modules are forgotten too:
    each doctest asks of every file whether it has changed since. And hundreds of commands have one parser.
    """
    gc.freeze()
    linecache.clearcache()
    if (entry := sys.modules.get("convex_core.cli.entry")) is not None:
        entry.build_parser = cache(entry.build_parser)


class Clock:
    """The clock of all computations: it goes on when a test moves it, and by so many seconds at each look.

    `tick` is for those who compute, in threads of their own where time is limited; `wait` for the main thread, which
    looks more often while it waits on a slow machine.
    """

    def __init__(self) -> None:
        self.now, self.tick, self.wait = 1000.0, 0.0, 0.0

    def __call__(self) -> float:
        self.now += self.wait if threading.current_thread() is threading.main_thread() else self.tick
        return self.now


_MAIN = sys.modules["__main__"]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Take back the name of the main module, which Streamlit gives to the page that it runs.

    A process that is spawned begins by running the file of that module: it would be the app, without a server, and it
    takes seconds or ends at once, whatever a sweep wanted of it.
    """
    sys.modules["__main__"] = _MAIN


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Time limits by looks at the clock: what is reached within them does not depend on how quick a machine is."""
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock)
    return clock
