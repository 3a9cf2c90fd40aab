"""The one form in which data enters the library: samples X (n, d), targets y (n,), and the input's shape."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import finite_array, frozen, integer, positive_number, targets
from ..errors import InputError
from .classes import class_list, classes_of_numbers

__all__ = ["Dataset"]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Dataset:
    """Samples, targets, and what is needed to draw and to describe them.

    A constant y is allowed (it is a legitimate regression target).

    Attributes
    ----------
    name : str
        Short name, for example ``"talk"``.
    X : ndarray, shape (n, d)
        Flattened inputs, row-major; images with channels as (H, W, C).
    y : ndarray, shape (n,)
        Real targets; -1 / +1 for two classes, 0, 1, ..., q - 1 for q of them.
    input_shape : tuple of int
        (d,), (H, W) or (H, W, C), with product d; the empty tuple means (d,).
    X_test, y_test : ndarray or None
        Held-out samples (nt, d) and targets (nt,), both or neither.
    seed : int or None
        Seed of the generator or of the split; None when nothing was drawn.
    description : str
        What the data is and what was done to it, in words.
    labels : tuple of str, or None
        Names of the classes in the order of their targets: two for -1 and +1, q >= 3 for 0, 1, ..., q - 1.
    default_filter, default_stride : tuple of int
        Suggested filter size and stride, one entry per spatial axis; the empty tuple means min(3, length),
        and 1.
    default_beta : float
        Suggested regularisation, > 0.

    Raises
    ------
    InputError
        If an array is empty, not finite or of a wrong shape, or a field does not fit the others.

    Examples
    --------
    >>> data = Dataset("mine", [[1.0, 2.0, 3.0]], [1.0])
    >>> data.n, data.d, data.input_shape, data.default_filter
    (1, 3, (3,), (3,))
    """

    name: str
    X: NDArray[np.float64]
    y: NDArray[np.float64]
    input_shape: tuple[int, ...] = ()
    X_test: NDArray[np.float64] | None = None
    y_test: NDArray[np.float64] | None = None
    seed: int | None = None
    description: str = ""
    labels: tuple[str, ...] | None = None
    default_filter: tuple[int, ...] = ()
    default_stride: tuple[int, ...] = ()
    default_beta: float = 0.1

    def __post_init__(self) -> None:
        X = finite_array(self.X, "X", ndim=2)
        y = targets(self.y, len(X))
        d = X.shape[1]
        shape = tuple(integer(k, "input_shape") for k in self.input_shape) or (d,)
        if len(shape) > 3 or math.prod(shape) != d:
            raise InputError(f"input_shape: got {shape}, expected 1 to 3 lengths with product {d}")
        if (self.X_test is None) != (self.y_test is None):
            raise InputError("X_test, y_test: got one of the two, expected both or neither")
        spatial = shape[:2]
        sizes = tuple(integer(k, "default_filter") for k in self.default_filter) or tuple(min(3, k) for k in spatial)
        strides = tuple(integer(k, "default_stride") for k in self.default_stride) or (1,) * len(spatial)
        if len(sizes) != len(spatial) or any(f > k for f, k in zip(sizes, spatial, strict=True)):
            raise InputError(f"default_filter: got {sizes}, expected at most {spatial}")
        if len(strides) != len(spatial):
            raise InputError(f"default_stride: got {strides}, expected {len(spatial)} entries")
        if self.labels is not None and len(self.labels) < 2:
            raise InputError(f"labels: got {self.labels!r}, expected a name for each of at least two classes")
        if self.seed is not None:
            integer(self.seed, "seed", minimum=0)
        fields = {
            "X": frozen(X),
            "y": frozen(y),
            "input_shape": shape,
            "default_filter": sizes,
            "default_stride": strides,
            "default_beta": positive_number(self.default_beta, "default_beta"),
        }
        if self.X_test is not None and self.y_test is not None:
            X_test = finite_array(self.X_test, "X_test", ndim=2)
            if X_test.shape[1] != d:
                raise InputError(f"X_test: got {X_test.shape[1]} columns, expected {d} as in X")
            fields["X_test"] = frozen(X_test)
            fields["y_test"] = frozen(targets(self.y_test, len(X_test), "y_test"))
        if self.labels is not None and len(self.labels) > 2:
            _check_numbers(y, "y", len(self.labels))
            if self.y_test is not None:
                _check_numbers(np.asarray(fields["y_test"]), "y_test", len(self.labels))
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        test = "" if self.y_test is None else f", {len(self.y_test)} test samples"
        name = self.name if len(self.name) <= 60 else f"{self.name[:57]}..."
        return f"Dataset({name!r}, n={self.n}, input shape {self.input_shape}{test})"

    @property
    def n(self) -> int:
        """Number of training samples."""
        return int(self.X.shape[0])

    @property
    def d(self) -> int:
        """Input length."""
        return int(self.X.shape[1])

    @property
    def binary(self) -> bool:
        """Whether every target, test targets included, is -1 or +1, so that an accuracy has a meaning."""
        both = self.y if self.y_test is None else np.concatenate([self.y, self.y_test])
        return bool(np.all(np.abs(both) == 1.0))

    @property
    def classes(self) -> int | None:
        """Number of classes; None if the targets are none.

        As many as there are names for; without names, 2 if :attr:`binary`, and q if the targets are the numbers
        0, ..., q - 1, each of them at least once.

        Examples
        --------
        >>> X = [[1.0], [2.0], [3.0]]
        >>> [Dataset("mine", X, y).classes for y in ([-1, 1, 1], [0, 2, 1], [0, 2, 2])]
        [2, 3, None]
        """
        if self.labels is not None and len(self.labels) > 2:
            return len(self.labels)
        if self.binary:
            return 2
        found = np.unique(self.y)
        return len(found) if len(found) > 1 and np.array_equal(found, np.arange(len(found))) else None

    def numbered(self) -> Dataset:
        """The same data with the classes as targets 0, 1, ..., for networks with an output for each of them.

        -1 and +1 become 0 and 1; other targets are kept.

        Examples
        --------
        >>> Dataset("mine", [[1.0], [2.0]], [-1, 1]).numbered().y.tolist()
        [0.0, 1.0]
        """
        if not self.binary:
            return self
        y_test = None if self.y_test is None else 0.5 * (self.y_test + 1.0)
        return replace(self, y=0.5 * (self.y + 1.0), y_test=y_test)

    def classified(self) -> Dataset:
        """The same data with the different numbers of y as classes, for losses that ask for classes.

        Two become -1 and +1, more become 0, 1, ..., q - 1, the smaller first, with the numbers as their names; the
        description says so. Data whose targets are -1 and +1, or named classes, are kept.

        Raises
        ------
        InputError
            If there is one number alone, there are too many to be classes, or the test part has others.

        Examples
        --------
        >>> data = Dataset("mine", [[1.0], [2.0], [3.0]], [2, 1, 2]).classified()
        >>> data.y.tolist(), data.labels
        ([1.0, -1.0, 1.0], ('1', '2'))
        """
        if self.binary or (self.labels is not None and len(self.labels) > 2):
            return self
        y, y_test, labels = classes_of_numbers(self.y, self.y_test)
        said = f"taken as {class_list(y, labels)}."
        description = f"{self.description.removesuffix('.')}; {said}" if self.description else said
        return replace(self, y=y, y_test=y_test, labels=labels, description=description)


def _check_numbers(y: NDArray[np.float64], name: str, q: int) -> None:
    """Raise :class:`InputError` unless the targets are class numbers 0, ..., q - 1."""
    wrong = y[~np.isin(y, np.arange(q))]
    if wrong.size:
        raise InputError(f"{name}: got the target {wrong[0]:g} with {q} names of classes, expected 0 to {q - 1}")
