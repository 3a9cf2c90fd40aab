"""Which labelled images are used, in which order, and what their labels mean as targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import integer
from ..errors import InputError
from .classes import MAX_CLASSES
from .labelled import LabelledImages

__all__ = ["ALL_CLASSES", "ImageTargets", "Selection", "image_targets", "some", "training_rows"]

Selection = Literal["first", "random", "balanced"]
#: What `classes` is where each label is a class of its own.
ALL_CLASSES = "all"

_DIGITS = 10


@record
@dataclass(frozen=True, slots=True, eq=False)
class ImageTargets:
    """What the labels of all images mean.

    Attributes
    ----------
    used : (N,) bool
        Images of the classes.
    y : (N,) float64
        Targets of these.
    values : tuple of float
        Targets of the classes, in the order in which balanced samples are drawn.
    names : tuple of str
        Of the classes in the order of their targets.
    said : str
        Which target is which class.
    """

    used: NDArray[np.bool_]
    y: NDArray[np.float64]
    values: tuple[float, ...]
    names: tuple[str, ...]
    said: str


def image_targets(source: LabelledImages, classes: Sequence[int | str] | str | None) -> ImageTargets:
    """Two classes as +1 and -1, or all of them as 0, 1, ..."""
    if isinstance(classes, str) and classes.strip() == ALL_CLASSES:
        return _every_class(source)
    signs, names = _signs(source, classes)
    order = ""
    if source.names is not None and names[0] not in source.names:
        order = f" ({', '.join(f'{k} {text}' for k, text in enumerate(source.names))})"
    return ImageTargets(signs != 0.0, signs, (1.0, -1.0), names, f"y = +1 for {names[1]}, -1 for {names[0]}{order}")


def _every_class(source: LabelledImages) -> ImageTargets:
    """Each label that occurs is a class."""
    present, place = np.unique(source.labels, return_inverse=True)
    if not 3 <= len(present) <= MAX_CLASSES:
        raise InputError(
            f"classes: got all with {len(present)} different labels in {source.source}, expected 3 to {MAX_CLASSES}"
        )
    names = tuple(str(k) if source.names is None else source.named(int(k)) for k in present)
    return ImageTargets(
        np.ones(len(place), bool),
        place.astype(np.float64),
        tuple(float(k) for k in range(len(present))),
        names,
        f"the {len(names)} classes {some(names, _DIGITS)} as y = 0 to {len(names) - 1}",
    )


def _signs(
    source: LabelledImages, classes: Sequence[int | str] | str | None
) -> tuple[NDArray[np.float64], tuple[str, str]]:
    """+1 / -1 / 0 (not used) for every label, and the names of -1 and +1."""
    labels = source.labels
    if classes is not None:
        plus, minus = _two_classes(source, classes)
    else:
        present = np.unique(labels)
        # ten digits, or the ten classes of CIFAR-10 in alphabetical order; other names have no order
        if (source.names is None or len(source.names) == _DIGITS) and np.isin(present, range(_DIGITS)).all():
            first = labels < _DIGITS // 2
            if first.any() and not first.all():
                return np.where(first, 1.0, -1.0), ("classes 5-9", "classes 0-4")
        if len(present) != 2:
            found = some([str(k) if source.names is None else source.named(int(k)) for k in present], 12)
            raise InputError(
                f"classes: got the labels {found} in {source.source}, expected 0 to 9 for 0-4 against 5-9, two labels, "
                "or classes=A,B with two of these"
            )
        minus, plus = (int(label) for label in present)
    return np.where(labels == plus, 1.0, 0.0) - np.where(labels == minus, 1.0, 0.0), (
        source.named(minus),
        source.named(plus),
    )


def _two_classes(source: LabelledImages, classes: Sequence[int | str] | str) -> tuple[int, int]:
    """The labels of +1 and -1 that were asked for, by number or by name."""
    wanted = [part.strip() for part in classes.split(",")] if isinstance(classes, str) else classes
    if not isinstance(wanted, Sequence) or len(wanted) != 2 or wanted[0] == wanted[1]:
        raise InputError(f"classes: got {classes!r}, expected two different classes, all, or None for 0-4 against 5-9")
    return _label(source, wanted[0]), _label(source, wanted[1])


def _label(source: LabelledImages, wanted: int | str) -> int:
    """The label of one class."""
    labels = source.labels
    if isinstance(wanted, str):
        if source.names is not None and wanted in source.names:
            wanted = source.names.index(wanted)
        elif source.names is None and wanted.removeprefix("-").isdecimal():
            wanted = int(wanted)
        else:
            found = "no names of classes" if source.names is None else some(source.names, 12)
            raise InputError(f"classes: got {wanted!r} for {source.source}, expected one of {found}")
    number = integer(wanted, "classes", minimum=int(min(labels.min(), 0)))
    if not np.any(labels == number):
        raise InputError(f"classes: got {number}, expected labels between {labels.min()} and {labels.max()}")
    return number


def training_rows(targets: ImageTargets, n: int, selection: Selection, seed: int) -> NDArray[np.intp]:
    """All usable rows in the order of use: the first n are the training part."""
    y, usable = targets.y, np.flatnonzero(targets.used)
    if selection != "first":
        usable = np.random.default_rng(seed).permutation(usable)
    if selection == "balanced":
        values = targets.values
        share = {value: n // len(values) + (k < n % len(values)) for k, value in enumerate(values)}
        chosen = [usable[y[usable] == value][:count] for value, count in share.items()]
        if any(len(part) < count for part, count in zip(chosen, share.values(), strict=True)):
            counts = [int(np.sum(y[targets.used] == value)) for value in values]
            which = "two classes" if len(values) == 2 else "classes"
            raise InputError(f"n: got {n}, expected at most {counts} of the {which}")
        train = np.concatenate(chosen)
        usable = np.concatenate([train, usable[~np.isin(usable, train)]])
    return usable


def some(names: Sequence[str], most: int = 4) -> str:
    """The first names of a list, in words."""
    return ", ".join([*names[:most], *(["..."] if len(names) > most else [])])
