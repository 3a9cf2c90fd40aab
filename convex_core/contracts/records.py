"""How results behave as objects: one decorator for every frozen dataclass, arrays in it or not.

The methods that :func:`dataclasses.dataclass` generates take arrays for numbers: ``==`` raises on them, ``hash`` does
too, ``repr`` prints them, and unpickled they can be written to.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

__all__ = ["LONGEST", "locked", "record"]

#: characters of a ``repr`` at most
LONGEST = 180

_T = TypeVar("_T")


def record(cls: type[_T]) -> type[_T]:
    """Make the frozen dataclass `cls` a record: what holds the same is equal, and stays read-only.

    * ``==`` compares the fields by content: arrays have the same dtype, shape and entries, NaN equals NaN. Objects of
      two classes differ. A class made with ``eq=False`` is compared by identity.
    * ``hash`` goes with it.
    * ``repr`` is one line of at most :data:`LONGEST` characters, with the dtype and shape of an array in place of its
      entries; a class made with ``repr=False`` has its own.
    * Arrays of an unpickled or deeply copied object are read-only.

    Examples
    --------
    >>> @record
    ... @dataclasses.dataclass(frozen=True, slots=True)
    ... class Point:
    ...     name: str
    ...     at: np.ndarray
    >>> Point("a", np.zeros(3)), Point("a", np.zeros(3)) == Point("a", np.zeros(3))
    (Point(name='a', at=float64(3)), True)
    """
    params = cls.__dataclass_params__  # type: ignore[attr-defined]
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    names = tuple(field.name for field in fields)
    compared = tuple(field.name for field in fields if field.compare)
    shown = tuple(field.name for field in fields if field.repr)

    def equal(self: Any, other: object) -> Any:
        if other.__class__ is not self.__class__:
            # an array would take a sequence for one, and could not be compared with it
            return False if isinstance(other, np.ndarray) else NotImplemented
        return self is other or all(_same(getattr(self, name), getattr(other, name)) for name in compared)

    def digest(self: Any) -> int:
        return hash((self.__class__, *(_key(getattr(self, name)) for name in compared)))

    def words(self: Any) -> str:
        for text in (_text, _brief):
            line = f"{self.__class__.__qualname__}({', '.join(f'{n}={text(getattr(self, n))}' for n in shown)})"
            if len(line) <= LONGEST:
                return line
        return f"{line[: LONGEST - 4]}...)"

    def state(self: Any) -> list[Any]:
        return [getattr(self, name) for name in names]

    def restore(self: Any, values: list[Any]) -> None:
        for name, item in zip(names, values, strict=True):
            _lock(item)
            object.__setattr__(self, name, item)

    methods: dict[str, Any] = {"__getstate__": state, "__setstate__": restore}
    if params.eq:
        methods |= {"__eq__": equal, "__hash__": digest}
    if params.repr:
        methods["__repr__"] = words
    for name, method in methods.items():
        method.__name__, method.__qualname__ = name, f"{cls.__qualname__}.{name}"
        setattr(cls, name, method)
    return cls


def locked(made: _T) -> _T:
    """The newly made record or array `made`, its arrays read-only from now on: they must be nobody else's.

    Examples
    --------
    >>> locked(np.zeros(2)).flags.writeable
    False
    """
    if dataclasses.is_dataclass(made):
        for field in dataclasses.fields(made):
            _lock(getattr(made, field.name))
    else:
        _lock(made)
    return made


def _same(a: Any, b: Any) -> bool:
    """Whether `a` and `b` hold the same."""
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        if type(a) is not type(b) or a.dtype != b.dtype or a.shape != b.shape:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if isinstance(a, (tuple, list)) and type(a) is type(b):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    return bool(a == b or (a != a and b != b))


def _key(item: Any) -> Any:
    """Something to hash, the same for what :func:`_same` finds equal."""
    if isinstance(item, np.ndarray):
        if item.dtype.kind in "fc":  # one zero, one NaN
            item = np.where(np.isnan(item), np.nan, item) + 0.0
        return item.dtype.str, item.shape, item.tobytes()
    if isinstance(item, (tuple, list)):
        return tuple(map(_key, item))
    if isinstance(item, Mapping):
        return frozenset((key, _key(part)) for key, part in item.items())
    return None if item != item else item


def _text(item: Any) -> str:
    """`item` in full, but for arrays and long lists and texts."""
    if isinstance(item, np.generic):
        item = item.item()
    if isinstance(item, enum.Enum):
        return f"{item.__class__.__name__}.{item.name}"
    if isinstance(item, np.ndarray):
        return f"{item.dtype}({', '.join(map(str, item.shape))})"
    if isinstance(item, float):
        return f"{item:.6g}"
    if isinstance(item, str) and len(item) > 40:
        return f"{item[:37]!r}..."
    if isinstance(item, (tuple, list, Mapping)) and (len(item) > 4 or any(map(dataclasses.is_dataclass, item))):
        return f"<{len(item)} {next(iter(item)).__class__.__name__}>"
    if isinstance(item, Mapping):
        return f"<{', '.join(map(str, item))}>"
    if isinstance(item, tuple) and any(isinstance(part, (float, np.generic)) for part in item):
        return f"({', '.join(map(_text, item))}{',' * (len(item) == 1)})"
    return repr(item)


def _brief(item: Any) -> str:
    """`item`, or its class alone if it has parts of its own."""
    return f"{item.__class__.__qualname__}(...)" if dataclasses.is_dataclass(item) else _text(item)


def _lock(item: Any) -> None:
    """Make every array in `item` read-only."""
    if isinstance(item, np.ndarray):
        item.flags.writeable = False
    elif isinstance(item, (tuple, list)):
        for part in item:
            _lock(part)
    elif isinstance(item, Mapping):
        _lock(list(item.values()))
