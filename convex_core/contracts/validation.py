"""Input checks shared by the whole library; each failure is one :class:`InputError` sentence, got / expected."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import permutations
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError

_Scalar = TypeVar("_Scalar", bound=np.generic)

__all__ = [
    "MAX_MAGNITUDE",
    "check_arguments",
    "finite_array",
    "fits",
    "frozen",
    "integer",
    "moderate",
    "no_others",
    "positive_number",
    "seed_list",
    "targets",
    "with_article",
]

#: largest magnitude of an input or a target: squares of products of two of them stay finite
MAX_MAGNITUDE = 1e60
#: most seeds of one run
MAX_SEEDS = 1000


def finite_array(value: ArrayLike, name: str, *, ndim: int | tuple[int, ...]) -> NDArray[np.float64]:
    """`value` as a float64 array of `ndim` dimensions with finite entries.

    Examples
    --------
    >>> finite_array([[1, 2]], "X", ndim=2).shape
    (1, 2)
    """
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "fiub":
            raise TypeError(f"dtype {raw.dtype}")
        array = raw.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {error}, expected an array of real numbers") from error
    wanted = (ndim,) if isinstance(ndim, int) else ndim
    if array.ndim not in wanted:
        dims = " or ".join(str(k) for k in wanted)
        raise InputError(f"{name}: got an array of shape {array.shape}, expected {dims} dimension(s)")
    if array.size == 0:
        raise InputError(f"{name}: got an empty array of shape {array.shape}, expected at least 1 entry")
    bad = int(array.size - np.count_nonzero(np.isfinite(array)))
    if bad:
        raise InputError(f"{name}: got {bad} NaN or infinite entries, expected finite numbers")
    return array


def targets(value: ArrayLike, n: int, name: str = "y", *, outputs: int = 1) -> NDArray[np.float64]:
    """`value` as finite targets of shape (n,); with q > 1 `outputs`, (n, q) or labels (n,), as (n * q,).

    Examples
    --------
    >>> targets([1, 0], 2, outputs=3)
    array([0., 1., 0., 1., 0., 0.])
    """
    array = finite_array(value, name, ndim=1 if outputs == 1 else (1, 2))
    if array.shape[0] != n:
        raise InputError(f"{name}: got {array.shape[0]} targets, expected {n}, one per sample")
    if outputs == 1:
        return array
    if array.ndim == 1:
        wrong = (array != np.round(array)) | (array < 0) | (array >= outputs)
        if wrong.any():
            raise InputError(f"{name}: got the label {array[wrong][0]:g}, expected integers in [0, {outputs - 1}]")
        labels = array.astype(np.int64)
        array = np.zeros((n, outputs))
        array[np.arange(n), labels] = 1.0
    if array.shape[1] != outputs:
        raise InputError(f"{name}: got targets of shape {array.shape}, expected ({n}, {outputs})")
    return array.ravel()


def moderate(array: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """`array` if no magnitude is above :data:`MAX_MAGNITUDE`.

    Examples
    --------
    >>> moderate(np.array([1.0, -2.0]), "y")
    array([ 1., -2.])
    """
    largest = float(np.abs(array).max(initial=0.0))
    if largest > MAX_MAGNITUDE:
        raise InputError(f"{name}: got an entry of magnitude {largest:g}, expected at most {MAX_MAGNITUDE:g}")
    return array


def no_others(names: Iterable[str], used: Iterable[str], source: str) -> None:
    """Raise :class:`InputError` if a file holds arrays that are not used: none is ignored silently.

    Examples
    --------
    >>> no_others(["X", "y", "weight"], ["X", "y"], "mine.npz")
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: mine.npz: got the array weight, which is not used, expected none but X, y
    """
    known = list(used)
    others = [name for name in names if name not in known]
    if others:
        which = "the array" if len(others) == 1 else "the arrays"
        verb = "is" if len(others) == 1 else "are"
        shown = ", ".join([name[:80] for name in others[:5]] + (["..."] if len(others) > 5 else []))
        raise InputError(f"{source}: got {which} {shown}, which {verb} not used, expected none but {', '.join(known)}")


def positive_number(value: float, name: str) -> float:
    """`value` as a finite float > 0."""
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {value!r}, expected a positive number") from error
    if not (math.isfinite(number) and number > 0):
        raise InputError(f"{name}: got {value!r}, expected a finite number > 0")
    return number


def integer(value: int, name: str, *, minimum: int = 1, maximum: int | None = None) -> int:
    """`value` as an int in [minimum, maximum]."""
    span = f"an integer >= {minimum}" if maximum is None else f"an integer in [{minimum}, {maximum}]"
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError as error:
        raise InputError(f"{name}: got {value!r}, expected {span}") from error
    if number < minimum or (maximum is not None and number > maximum):
        raise InputError(f"{name}: got {number}, expected {span}")
    return number


def seed_list(seeds: int | Sequence[int]) -> tuple[int, ...]:
    """Seeds given one by one, or how many: 3 stands for 0, 1, 2.

    Examples
    --------
    >>> seed_list(3), seed_list([7])
    ((0, 1, 2), (7,))
    """
    if isinstance(seeds, (int, np.integer)) and not isinstance(seeds, bool):
        return tuple(range(integer(seeds, "seeds", maximum=MAX_SEEDS)))
    if isinstance(seeds, str) or not isinstance(seeds, Sequence) or not 1 <= len(seeds) <= MAX_SEEDS:
        raise InputError(f"seeds: got {seeds!r}, expected a list of 1 to {MAX_SEEDS} integers, or how many")
    return tuple(integer(seed, "seeds", minimum=0) for seed in seeds)


def frozen(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    """A C-contiguous copy of `array` that cannot be written to."""
    copy = np.array(array, order="C", copy=True)
    copy.flags.writeable = False
    return copy


def check_arguments(function: str, **given: tuple[object, type]) -> None:
    """Raise :class:`InputError` unless each argument is an instance of its class.

    Parameters
    ----------
    function : str
        Who asks.
    **given
        Each argument with its class, in the order of the parameters. A class that is a protocol asks for its public
        members.

    Raises
    ------
    InputError
        Says what was given, and whether the arguments are only in the wrong order.

    Examples
    --------
    >>> check_arguments("repeat", word=(3, str), times=("ab", int))
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: repeat: got (int, str), expected (word, times): the arguments are swapped
    """
    values = [value for value, _ in given.values()]
    kinds = [kind for _, kind in given.values()]
    if all(map(fits, values, kinds)):
        return
    if any(all(map(fits, order, kinds)) for order in permutations(values)):
        got = ", ".join(type(value).__name__ for value in values)
        raise InputError(f"{function}: got ({got}), expected ({', '.join(given)}): the arguments are swapped")
    name, value, kind = next((name, value, kind) for name, (value, kind) in given.items() if not fits(value, kind))
    lacks = _missing(value, kind)
    if 0 < len(lacks) < len(_members(kind)) / 2:  # meant to be one
        raise InputError(
            f"{function}: got {with_article(type(value).__name__)} without {', '.join(lacks)} for {name}, expected "
            f"{with_article(kind.__name__)}"
        )
    made = _MADE_BY.get((type(value).__name__, kind.__name__)) or _MADE_BY.get(("", kind.__name__))
    hint = f", for example {made}" if made else ""
    raise InputError(
        f"{function}: got {with_article(type(value).__name__)} for {name}, expected {with_article(kind.__name__)}{hint}"
    )


#: how to get from what people give to what is expected
_MADE_BY = {
    ("Dataset", "Problem"): "Problem.from_dataset(dataset)",
    ("Solution", "Network"): "solution.network",
    ("Solution", "Problem"): "solution.problem",
    ("Model", "Network"): "model.network",
    ("str", "Loss"): "make_loss(name)",
    ("str", "Dataset"): "load_dataset(name) or read_dataset(path)",
    ("", "PatchGeometry"): "patch_geometry(input_shape, filter_size, stride)",
    ("", "Architecture"): "TwoLayerCNN(patch_geometry(input_shape, filter_size, stride))",
}


def with_article(name: str) -> str:
    """A class in a sentence.

    Examples
    --------
    >>> with_article("int"), with_article("Problem")
    ('an int', 'a Problem')
    """
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def fits(value: object, kind: type) -> bool:
    """Whether `value` is a `kind`: an instance, or for a protocol whatever has its public members.

    Examples
    --------
    >>> fits("a", str), fits("a", int)
    (True, False)
    """
    if not getattr(kind, "_is_protocol", False):
        return isinstance(value, kind)
    return not isinstance(value, type) and not _missing(value, kind)  # a class has what its objects have


@cache
def _members(kind: type) -> tuple[str, ...]:
    """Public members of a protocol and of those that it is made of; none of a class."""
    protocols = kind.__mro__ if getattr(kind, "_is_protocol", False) else ()
    return tuple(sorted({name for part in protocols for name in vars(part) if not name.startswith("_")}))


def _missing(value: object, kind: type) -> list[str]:
    """What `value` lacks of a protocol."""
    # isinstance() would work out the properties; the class has them nearly always
    lacks = [name for name in _members(kind) if not hasattr(type(value), name)]
    return [name for name in lacks if not hasattr(value, name)]
