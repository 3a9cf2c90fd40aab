"""Optional numba: ``njit`` compiles and caches when numba is importable, otherwise returns the function as it is.

Numba compiles a kernel anew for every layout of its arrays, for literal integers beside others, and for read-only
arrays: callers pass contiguous writable ones, so that what was compiled once is enough.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

__all__ = ["HAVE_NUMBA", "NONE", "ZERO", "compiling", "njit"]

_P = ParamSpec("_P")
_R = TypeVar("_R")

try:
    import numba as _numba
except ImportError:  # no wheel for this interpreter: callers take their numpy route
    _numba = None

HAVE_NUMBA: bool = _numba is not None
#: where a kernel begins to count or holds no position yet: a literal 0 or -1 has a type of its own, which changes at
#: the first step, so that numba infers all types once more, and compiles a function called with it once more
ZERO: int = cast(int, np.int64(0))
NONE: int = cast(int, np.int64(-1))
_DEFAULTS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "no_rewrites": True,
}
# an option without a public name: done without, should numba drop it
_OPTIONS = getattr(getattr(getattr(_numba, "core", None), "options", None), "DefaultOptions", None)
_UNCOUNTED: dict[str, Any] = {"_nrt": False} if hasattr(_OPTIONS, "_nrt") else {}


def njit(
    *, borrowing: bool = False, inner: bool = False, **options: Any
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """``numba.njit(nogil=True, cache=True, error_model="numpy")`` with `options` too, or the identity without numba.

    A function that allocates nothing can be `borrowing`: it counts no references to the arrays it is given. The counts
    are atomic, and take a third of the time of kernels with short loops. One that only kernels call is `inner`: it gets
    no entry from Python, which takes time to compile.
    """

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        if _numba is None:
            return function
        counted = _UNCOUNTED if borrowing else {}
        entered = {"no_cpython_wrapper": True} if inner else {}
        return cast(Callable[_P, _R], _numba.njit(**{**_DEFAULTS, **counted, **entered, **options})(function))

    return decorate


@contextmanager
def compiling() -> Iterator[None]:
    """Pause the garbage collector while kernels are compiled: numba makes objects by the million, hardly any in cycles.

    Saves 6 to 9 % of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
