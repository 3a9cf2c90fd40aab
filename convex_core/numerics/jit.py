"""Optional numba: ``njit`` compiles at the first call and caches; without numba a kernel is the function as it is.

Numba compiles a kernel anew for every layout of its arrays, for literal integers beside others, and for read-only
arrays: callers pass contiguous writable ones, so that what was compiled once is enough.

Numba is imported when the first kernel is called. What it takes to import it, to compile and to load from the cache is
no part of anybody's time limit: :func:`clock` stands still meanwhile.
"""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import stat
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic, ParamSpec, Protocol, TypeVar, cast

import numpy as np

__all__ = [
    "NONE",
    "ZERO",
    "Kernel",
    "cache_folder",
    "clock",
    "compiled_kernels",
    "compiled_seconds",
    "compiles_here",
    "compiling",
    "cpu_clock",
    "have_numba",
    "njit",
    "spent_elsewhere",
    "tell",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

#: where a kernel begins to count or holds no position yet: a literal 0 or -1 has a type of its own, which changes at
#: the first step, so that numba infers all types once more, and compiles a function called with it once more
ZERO: int = cast(int, np.int64(0))
NONE: int = cast(int, np.int64(-1))
_DEFAULTS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "no_rewrites": True,
}


def njit(
    *, borrowing: bool = False, inner: bool = False, **options: Any
) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """``numba.njit(nogil=True, cache=True, error_model="numpy")`` with `options` too, at the first call.

    A function that allocates nothing can be `borrowing`: it counts no references to the arrays it is given. The counts
    are atomic, and take a third of the time of kernels with short loops. One that only kernels call is `inner`: it gets
    no entry from Python, which takes time to compile.
    """
    entered = {"no_cpython_wrapper": True} if inner else {}

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        return Kernel(function, borrowing, {**_DEFAULTS, **entered, **options})

    return decorate


class Kernel(Generic[_P, _R]):
    """A function that numba compiles; called from another kernel it is resolved when that one is compiled.

    Whatever numba's dispatcher has besides, as ``signatures`` and ``stats``, is found here too.
    """

    def __init__(self, function: Callable[_P, _R], borrowing: bool, options: dict[str, Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        self._borrowing = borrowing
        self._options = options
        self._run: Callable[_P, _R] | None = None

    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run the compiled function, which the first call makes."""
        run = self._run or self._made()
        return run(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._made(), name)

    @property
    def _numba_type_(self) -> Any:
        """What numba asks of a global that it meets in another kernel."""
        return cast(Any, self._made())._numba_type_

    @property
    def kept(self) -> tuple[Path, ...]:
        """The files in which numba's cache has this kernel; none without numba, or a place for them."""
        cache = getattr(self._made(), "_cache", None)
        pattern = f"*.{self._function.__name__}-{self._function.__code__.co_firstlineno}.*.nbi"
        return tuple(file for place in getattr(cache, "places", ()) for file in sorted(place.glob(pattern)))

    @property
    def cached(self) -> bool:
        """Whether what is compiled is kept."""
        return getattr(getattr(self._made(), "_cache", None), "cache_path", None) is not None

    def _made(self) -> Callable[_P, _R]:
        if self._run is None:
            numba = _numba()
            self._run = self._function if numba is None else self._dispatcher(numba)
        return self._run

    def _dispatcher(self, numba: Any) -> Callable[_P, _R]:
        # an option without a public name: done without, should numba drop it
        counted = self._borrowing and hasattr(numba.core.options.DefaultOptions, "_nrt")
        dispatcher = numba.njit(**self._options, **({"_nrt": False} if counted else {}))(self._function)
        dispatcher._cache = _Cache(numba, self._function)
        compile_one = dispatcher.compile

        def compile_timed(signature: Any) -> Any:
            with compiling():
                return compile_one(signature)

        dispatcher.compile = compile_timed
        return cast("Callable[_P, _R]", dispatcher)


def have_numba() -> bool:
    """Whether numba can be imported; there are interpreters without a wheel, where callers take their numpy route."""
    return importlib.util.find_spec("numba") is not None and _numba() is not None


@functools.cache
def _numba() -> Any:
    """The module numba, or None if it cannot be imported."""
    with compiling():
        try:
            import numba
        except ImportError:
            return None
        return numba


# -- the cache on disk


def cache_folder() -> Path | None:
    """A folder for compiled kernels where numba finds none, as in containers; None if others could write to it too.

    Numba takes ``NUMBA_CACHE_DIR``, the folder of the package or the user's cache, whichever can be written to first.
    What is in the folder is code, so that it must belong to this user alone.
    """
    user = os.getuid() if hasattr(os, "getuid") else None
    name = "convex-core-kernels" if user is None else f"convex-core-kernels-{user}"
    try:
        folder = Path(tempfile.gettempdir()) / name  # there may be no folder for temporary files at all
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    if user is not None and (found.st_uid != user or found.st_mode & 0o077):
        return None
    return folder if stat.S_ISDIR(found.st_mode) else None


def _located(caching: Any, function: Callable[..., Any], folder: str | Path | None, *, written: bool) -> Any:
    """Numba's cache of a function in a subfolder of `folder`, or with None beside the source."""
    locator = getattr(caching, "InTreeCacheLocator", None) or caching._InTreeCacheLocator
    members: dict[str, Any] = {}
    if folder is not None:
        members["get_cache_path"] = lambda self: str(Path(folder) / self.get_suitable_cache_subpath(self._py_file))
    if not written:
        members["ensure_cache_path"] = lambda self: None
    places = {"_locator_classes": (type("Locator", (locator,), members),)}
    implementation = type("Implementation", (caching.CompileResultCacheImpl,), places)
    return type("Cache", (caching.FunctionCache,), {"_impl_class": implementation})(function)


class _Cache:
    """Numba's cache, whose failures cost time and nothing else: a full disk, a file that is broken or not ours.

    It has two layers. What was compiled ahead, when a container was built for example, is read from
    ``NUMBA_CACHE_DIR``, or without it from beside the source, even where nothing can be written; numba itself reads
    only where it can write. What is new goes where numba puts it, else to :func:`cache_folder`. What neither holds is
    about to be compiled, which is told.
    """

    def __init__(self, numba: Any, function: Callable[..., Any]) -> None:
        caching, named = numba.core.caching, numba.config.CACHE_DIR or None
        self._new: Any = caching.NullCache()
        try:
            self._new = caching.FunctionCache(function)
        except (RuntimeError, OSError):  # "no locator available"
            folder = cache_folder()
            with suppress(RuntimeError, OSError):
                self._new = self._new if folder is None else _located(caching, function, folder, written=True)
        self._layers: tuple[Any, ...] = (self._new,)
        with suppress(Exception):  # an interface that numba may change, and a convenience
            prepared = _located(caching, function, named, written=False)
            if prepared.cache_path != self._new.cache_path:
                self._layers = (prepared, self._new)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._new, name)

    @property
    def places(self) -> tuple[Path, ...]:
        """The folders of all layers."""
        return tuple(Path(layer.cache_path) for layer in self._layers if layer.cache_path is not None)

    def load_overload(self, signature: Any, context: Any) -> Any:
        for layer in self._layers:
            with suppress(Exception):  # anything can be in a broken file
                found = layer.load_overload(signature, context)
                if found is not None:
                    return found
        _missed.append(signature)
        _say()
        return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        with suppress(Exception):
            self._new.save_overload(signature, compiled)
        _say()


# -- the time that it takes


class _Told(Protocol):
    def compiling(self, seconds: float) -> None: ...


#: seconds over, since when one is under way (or None), how many are nested or side by side
_spent: tuple[float, float | None, int] = (0.0, None, 0)
_lock = threading.Lock()
#: what was not in the cache
_missed: list[Any] = []
_here = threading.local()


def compiled_seconds() -> float:
    """Wall-clock seconds of this process in which kernels were imported, compiled or loaded, in any thread."""
    over, since, _ = _spent
    return over if since is None else over + time.perf_counter() - since


def compiled_kernels() -> int:
    """How many kernels, or other versions of them, this process has compiled and not loaded."""
    return len(_missed)


def compiles_here() -> bool:
    """Whether this thread is compiling now."""
    return getattr(_here, "depth", 0) > 0


def clock() -> float:
    """Seconds on a clock that stands still while kernels are compiled."""
    over, since, _ = _spent
    return (time.perf_counter() if since is None else since) - over


def cpu_clock() -> float:
    """Processor seconds of all threads of this process, without those in which kernels were compiled.

    A compiling thread computes all the time, so that its wall-clock seconds are taken off. What other processes spent
    for this one counts.
    """
    return time.process_time() + _elsewhere - compiled_seconds()


_elsewhere = 0.0


def spent_elsewhere(seconds: float) -> None:
    """Count processor seconds that another process spent for this one."""
    global _elsewhere
    with _lock:
        _elsewhere += seconds


def tell(listener: _Told) -> None:
    """Call ``listener.compiling(seconds)`` before and after each kernel that this thread compiles from now on.

    What is loaded from the cache is not worth a word. `listener` is not kept alive; `seconds` are those of the process
    so far.
    """
    if not hasattr(_here, "listeners"):
        _here.listeners = weakref.WeakSet()
    _here.listeners.add(listener)


@contextmanager
def compiling() -> Iterator[None]:
    """Stop :func:`clock`, and pause the garbage collector: numba makes objects by the million, hardly any in cycles.

    The pause saves 6 to 9 % of the time.
    """
    collects = gc.isenabled()
    gc.disable()
    _here.depth = getattr(_here, "depth", 0) + 1
    _step(1)
    try:
        yield
    finally:
        if collects:
            gc.enable()  # and with the next allocation it collects what was left lying, on this time too
        _step(-1)
        _here.depth -= 1


def _step(by: int) -> None:
    """Count one more or one less under way."""
    global _spent
    with _lock:
        over, since, depth = _spent
        now = time.perf_counter()
        if since is not None and depth + by == 0:
            _spent = (over + now - since, None, 0)
        else:
            _spent = (over, now if since is None else since, depth + by)


def _say() -> None:
    for listener in list(getattr(_here, "listeners", ())):
        listener.compiling(compiled_seconds())
