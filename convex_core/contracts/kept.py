"""Answers that are kept for whoever asks again, as many as a number of bytes allows: those used longest ago go.

A cache that counts its entries has as many bytes as the largest of them make: sixteen answers may be a kilobyte or a
gigabyte. Here every entry is weighed, by what can be reached from it; arrays and texts that several share count once.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from types import BuiltinFunctionType, CodeType, FrameType, FunctionType, ModuleType
from typing import Any, TypeVar

import numpy as np

__all__ = ["KEPT", "Kept"]

#: What is of the program, and there without the answer.
_PROGRAM = (ModuleType, type, CodeType, FrameType, BuiltinFunctionType)
#: Bytes from which an array or a text counts once for all entries that share it.
_LARGE = 1024
#: An entry is weighed again when this many others have come: what it makes when it is first asked for is there by then.
_YOUNG = 16

_T = TypeVar("_T")


@dataclass(slots=True)
class _Entry:
    """A value, the bytes of its small parts, and its large ones, which thereby keep their identity."""

    value: Any
    small: int
    large: dict[int, tuple[Any, int]]


class Kept:
    """Answers by their questions, with at most so many bytes in all.

    The last answer stays whatever it weighs. Any thread may ask; one that goes on using an answer that is dropped
    meanwhile has it as before.

    Parameters
    ----------
    most : int
        Bytes of all entries together, their keys included.

    Examples
    --------
    >>> kept = Kept(3_000_000)
    >>> for number in range(5):
    ...     zeros = kept.answer(number, lambda: np.zeros(100_000))
    >>> [number for number in range(5) if kept.find(number) is not None], kept.bytes < 3_000_000
    ([2, 3, 4], True)
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._young: deque[Hashable] = deque()
        self._holders: Counter[int] = Counter()
        self._bytes = 0
        self._lock = threading.RLock()

    @property
    def bytes(self) -> int:
        """What the entries weigh together."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Hashable, default: Any = None) -> Any:
        """The answer that is kept, which counts as used now."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return default
            self._entries.move_to_end(key)
            return entry.value

    def answer(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """The answer that is kept, or a new one, which nothing may change; an error is not kept."""
        found = self.find(key, self)
        if found is self:
            found = make()
            self.put(key, found)
        return found  # type: ignore[no-any-return]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep an answer, in place of the one before; the oldest go until all have room."""
        with self._lock:
            self._enter(key, value)
            self._entries.move_to_end(key)
            self._young.append(key)
            if len(self._young) > _YOUNG:
                grown = self._young.popleft()
                if grown in self._entries:
                    self._enter(grown, self._entries[grown].value)
            while self._bytes > self.most and len(self._entries) > 1:
                _, oldest = self._entries.popitem(last=False)
                self._count(oldest, -1)

    def forget(self, key: Hashable) -> None:
        """Drop an answer, if it is there."""
        with self._lock:
            entry = self._entries.pop(key, None)
            if entry is not None:
                self._count(entry, -1)

    def _enter(self, key: Hashable, value: Any) -> None:
        """Weigh a value and count it, instead of what has its key."""
        before = self._entries.get(key)
        entry = self._entries[key] = _weighed(key, value)
        self._count(entry, 1)
        if before is not None:
            self._count(before, -1)

    def _count(self, entry: _Entry, by: int) -> None:
        """Count an entry, or with -1 no longer."""
        self._bytes += by * entry.small
        for number, (_, size) in entry.large.items():
            held = self._holders.pop(number, 0)
            if held + by:
                self._holders[number] = held + by
            if not held or not held + by:
                self._bytes += by * size


#: What the library keeps in a process for whoever asks again: tables, transforms, cells in pieces, data of sweeps.
KEPT = Kept(64_000_000)


def _weighed(key: Hashable, value: Any) -> _Entry:
    """An entry of a value, with the bytes of all that is reached from it and from its key."""
    small, large = 0, {}
    seen: set[int] = set()
    todo: list[Any] = [key, value]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, _PROGRAM):
            continue
        seen.add(id(one))
        size = sys.getsizeof(one)
        if size >= _LARGE and isinstance(one, np.ndarray | bytes | str):
            large[id(one)] = one, size
        else:
            small += size
        if isinstance(one, np.ndarray):  # the collector of garbage does not look into arrays
            todo += [one.base] if one.base is not None else one.ravel().tolist() if one.dtype.hasobject else []
        elif isinstance(one, FunctionType):  # whose globals are a module
            todo += [one.__closure__, one.__defaults__, one.__kwdefaults__]
        else:
            todo += gc.get_referents(one)
    return _Entry(value, small, large)
