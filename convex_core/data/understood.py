"""What was understood of a file, in one sentence that is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .classes import class_list
from .dataset import Dataset

__all__ = ["plain_name", "sentence"]

#: Targets with more different values are described by their range.
_LISTED = 10


def plain_name(name: str) -> str:
    r"""The name of a file on one line, at most 100 characters.

    Examples
    --------
    >>> plain_name("a\nb.csv")
    'a b.csv'
    """
    line = "".join(c if c.isprintable() else " " for c in name).strip()
    return line if len(line) <= 100 else line[:60] + "..." + line[-37:]


def sentence(dataset: Dataset, file: str, notes: Sequence[str], *, description: str = "") -> Dataset:
    """`dataset` with a description that says file, shape, scaling, classes, and `notes` on how it was read.

    Parameters
    ----------
    dataset : Dataset
        As read.
    file : str
        Name of the file.
    notes : sequence of str
        Parts of the sentence.
    description : str
        The file's own description, which is kept as it is if there is one.
    """
    if description:
        return replace(dataset, description=description)
    shape = dataset.input_shape
    what = (
        f"number{'' if shape == (1,) else 's'}"
        if len(shape) == 1
        else "pixels"
        if len(shape) == 2
        else "pixels and channels"
    )
    held = "" if dataset.X_test is None else f" and {len(dataset.X_test)} to test"
    size = " x ".join(map(str, shape))
    low, high = float(dataset.X.min()), float(dataset.X.max())
    parts = [
        f"Read from {plain_name(file)}: {dataset.n} sample{'' if dataset.n == 1 else 's'}{held} of {size} {what}, "
        f"{low:g} to {high:g}, as in the file, nothing scaled",
        *notes,
        _said(dataset.y, dataset.labels),
    ]
    return replace(dataset, description="; ".join(part for part in parts if part) + ".")


def _said(y: NDArray[np.float64], labels: tuple[str, ...] | None) -> str:
    """The targets in words."""
    if labels is not None:
        return f"its values are {class_list(y, labels)}"
    values, counts = np.unique(y, return_counts=True)
    if len(values) > _LISTED or (len(values) > 2 and len(values) > len(y) / 2):
        return f"its values are numbers from {values[0]:g} to {values[-1]:g}"
    items = [
        f"{value:g} ({count} time{'' if count == 1 else 's'})" for value, count in zip(values, counts, strict=True)
    ]
    return f"its values are the number{'s' if len(items) > 1 else ''} {', '.join(items)}"
