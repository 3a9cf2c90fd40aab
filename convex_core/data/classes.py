"""Targets that are classes: names or any few numbers in a file, -1 and +1 or 0, 1, ..., q - 1 in a problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

__all__ = ["MAX_CLASSES", "Classes", "class_list", "classes_of_numbers", "classes_of_texts"]

#: Most classes that targets are taken for.
MAX_CLASSES = 1000
#: Classes that are listed one by one in a description.
_LISTED = 10

#: Targets of the training and of the test part, and the names of the classes in the order of the targets.
Classes = tuple[NDArray[np.float64], NDArray[np.float64] | None, tuple[str, ...]]


def classes_of_texts(y: Sequence[str], y_test: Sequence[str] | None = None, *, repeated: bool = False) -> Classes:
    """Names as targets: two are -1 and +1, more are 0, 1, ..., in alphabetical order, numbers in that of their values.

    Parameters
    ----------
    y, y_test : sequence of str
        Names of the classes of the samples.
    repeated : bool
        Whether names must repeat to be taken for classes.

    Raises
    ------
    InputError
        If there is one class alone, there are too many, or the test part has others.

    Examples
    --------
    >>> classes_of_texts(["dog", "cat", "dog"])
    (array([ 1., -1.,  1.]), None, ('cat', 'dog'))
    """
    found = set(y)
    try:
        names = sorted(found, key=float)
    except ValueError:
        names = sorted(found)
    if repeated and len(names) > max(2, len(y) // 2):
        raise InputError(
            f"y: got {len(names)} different texts in {len(y)} samples, such as {names[0][:40]!r}, expected names of "
            "classes, which repeat, or numbers (--target says which column is y)"
        )
    position = {name: k for k, name in enumerate(names)}
    return _numbered(
        np.array([position[name] for name in y], dtype=np.int64),
        None if y_test is None else np.array([position.get(name, -1) for name in y_test], dtype=np.int64),
        names,
        y_test,
    )


def classes_of_numbers(y: NDArray[np.float64], y_test: NDArray[np.float64] | None = None) -> Classes:
    """Any few different numbers as targets: two are -1 and +1, more are 0, 1, ..., the smaller first.

    Raises
    ------
    InputError
        If there is one number alone, there are too many to be classes, or the test part has others.

    Examples
    --------
    >>> classes_of_numbers(np.array([3.0, 8.0, 3.0]))
    (array([-1.,  1., -1.]), None, ('3', '8'))
    """
    values, indices = np.unique(y, return_inverse=True)
    whole = bool(np.all(values == np.round(values)))
    if len(values) > (MAX_CLASSES if whole else max(2, len(y) // 2)):
        raise InputError(f"y: got {len(values)} different numbers in {len(y)} samples, expected those of a few classes")
    others = None
    if y_test is not None:
        at = np.minimum(np.searchsorted(values, y_test), len(values) - 1)
        others = np.where(values[at] == y_test, at, -1)
    return _numbered(indices, others, [f"{value:.15g}" for value in values], y_test)


def class_list(y: NDArray[np.float64], labels: Sequence[str]) -> str:
    """The classes, their targets and their numbers of samples, in words.

    Examples
    --------
    >>> class_list(np.array([1.0, -1.0, 1.0]), ("cat", "dog"))
    'the 2 classes cat (-1, 1 sample) and dog (+1, 2 samples)'
    """
    numbers = (-1, 1) if len(labels) == 2 else range(len(labels))
    signed = "+d" if len(labels) == 2 else "d"
    counts = [int(np.count_nonzero(y == k)) for k in numbers]
    items = [
        f"{name[:40]} ({number:{signed}}, {count} sample{'' if count == 1 else 's'})"
        for name, number, count in zip(labels, numbers, counts, strict=True)
    ]
    if len(items) > _LISTED:
        return f"{len(items)} classes, {items[0]} to {items[-1]}"
    return f"the {len(items)} classes {', '.join(items[:-1])} and {items[-1]}"


def _numbered(
    y: NDArray[np.int64],
    y_test: NDArray[np.int64] | None,
    names: list[str],
    given: Sequence[str] | NDArray[np.float64] | None,
) -> Classes:
    """Targets of the classes at positions `y` in `names`."""
    if len(names) < 2:
        raise InputError(f"y: got the single class {names[0][:40]!r}, expected at least two")
    if len(names) > MAX_CLASSES:
        raise InputError(f"y: got {len(names)} classes, expected at most {MAX_CLASSES}")
    if y_test is not None and given is not None and (y_test < 0).any():
        other = given[int(np.argmax(y_test < 0))]
        shown = f"{other:g}" if isinstance(other, float) else str(other)[:40]
        raise InputError(f"y_test: got the class {shown}, expected classes that y has samples of")
    two = len(names) == 2
    scale, shift = (2.0, -1.0) if two else (1.0, 0.0)
    train = np.asarray(scale * y + shift, np.float64)
    test = None if y_test is None else np.asarray(scale * y_test + shift, np.float64)
    return train, test, tuple(names)
