"""How many files a reader goes through who follows one call through the library."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import convex_core

ROOT = str(Path(convex_core.__file__).parent) + "/"


class Flow(NamedTuple):
    """The files of the library that were entered, and the changes from one file to another, each counted once."""

    files: set[str]
    changes: set[tuple[str, str]]


def follow(action: Callable[[], Any]) -> Flow:
    """Call `action` and note down where the calls of Python functions in this thread lead, file by file.

    A change is a pair of files of the library, the caller's and that of what it calls, however often it does. What lies
    between them outside of the library (a context manager of the standard library, say) is looked through; compiled
    kernels and what runs in other threads are not seen. Properties count as calls.
    """
    flow = Flow(set(), set())

    def note(frame: FrameType, event: str, _: Any) -> None:
        name = frame.f_code.co_filename
        if event != "call" or not name.startswith(ROOT):
            return
        flow.files.add(name)
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(ROOT):
            caller = caller.f_back
        if caller is not None and caller.f_code.co_filename != name:
            flow.changes.add((caller.f_code.co_filename, name))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        action()
    finally:
        sys.setprofile(before)
    return flow


def readme_problem() -> convex_core.Problem:
    """The problem of the README's first lines."""
    import numpy as np

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((12, 8)), np.repeat([1.0, -1.0], 6)
    return convex_core.Problem(X, y, filter_size=3, beta=0.5)


if __name__ == "__main__":
    problem = readme_problem()
    convex_core.solve(problem)
    found = follow(lambda: convex_core.solve(problem))
    print(f"{len(found.files)} files, {len(found.changes)} changes")
    for first, second in sorted(found.changes, key=lambda pair: pair[::-1]):
        print(f"{first.removeprefix(ROOT):34} {second.removeprefix(ROOT)}")
