"""The settings of one task of a sweep: their names, kinds and defaults, checked before any work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, get_args

import numpy as np

from ..architectures import ARCHITECTURES, OPTIONS, REFUSED
from ..contracts.validation import integer, positive_number, with_article
from ..data import dataset_info, dataset_names
from ..errors import InputError
from ..losses import LOSSES
from ..patches import Bias, Padding
from ..solution import METHODS
from ..solvers.search import MAX_PATTERNS

__all__ = ["DATA_OPTION", "DEFAULTS", "NETWORK", "SOLVING", "checked"]

#: what an option of a dataset begins with, as ``data.n``
DATA_OPTION = "data."
#: what a network is made of, by the name it has as an argument of :class:`Problem`
NETWORK = ("filter_size", "stride", "padding", "bias", "architecture", "loss", "delta", "autoencoder", *OPTIONS)
#: how it is solved, by the name it has as an argument of :func:`solve`; ``task_limit`` is its time limit
SOLVING = ("method", "tol", "max_rounds", "max_patterns", "seed", "task_limit")

#: Every setting with the value it has unless told otherwise; None leaves it to the dataset or the network.
DEFAULTS: Mapping[str, Any] = {
    "dataset": None,
    "beta": None,
    **dict.fromkeys(NETWORK),
    "bias": "none",
    "architecture": "two-layer",
    "loss": "squared",
    "method": "auto",
    "tol": 1e-6,
    "max_rounds": None,
    "max_patterns": MAX_PATTERNS,
    "seed": 0,
    "task_limit": None,
}


def checked(name: str, value: Any) -> Any:
    """The value of the setting `name` in the one form that has a place in JSON and in a key.

    Raises
    ------
    InputError
        For an unknown name, or a value that no task could have.

    Examples
    --------
    >>> checked("beta", 1), checked("filter_size", (3,)), checked("stride", (2, 1))
    (1.0, 3, [2, 1])
    >>> checked("beta", -1)
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: beta: got -1, expected a finite number > 0
    """
    if name.startswith(DATA_OPTION):
        return _data_option(name, value)
    if name not in DEFAULTS:
        raise InputError(
            f"sweep: got the setting {name!r}, expected some of {', '.join(DEFAULTS)}, problem, or {DATA_OPTION}NAME "
            "for an option of the dataset"
        )
    if value is None:
        return DEFAULTS[name]
    return _READERS[name](value, name)


def _data_option(name: str, value: Any) -> Any:
    option = name.removeprefix(DATA_OPTION)
    known = sorted({key for each in dataset_names() for key in dataset_info(each).options} - {"seed"})
    if option not in known:
        raise InputError(f"{name}: got an option that no dataset has, expected one of {', '.join(known)}")
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (tuple, list)):
        return [_data_option(name, part) for part in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise InputError(f"{name}: got {with_article(type(value).__name__)}, expected a number, a text or a tuple of them")


def _one_of(*names: str) -> Callable[[Any, str], str]:
    def read(value: Any, name: str) -> str:
        if not isinstance(value, str) or value not in names:
            why = f", {REFUSED[value]}" if isinstance(value, str) and value in REFUSED else ""
            raise InputError(f"{name}: got {value!r}{why}, expected one of {', '.join(names)}")
        return value

    return read


def _sizes(value: Any, name: str) -> int | list[int]:
    if isinstance(value, (tuple, list)):
        sizes = [integer(part, name) for part in value]
        return sizes[0] if len(sizes) == 1 else sizes
    return integer(value, name)


def _number(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{name}: got {value!r}, expected a number")
    return float(value)


def _positive(value: Any, name: str) -> float:
    return positive_number(value, name)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name}: got {value!r}, expected a text")
    return value


def _true(value: Any, name: str) -> bool | None:
    """False is what is meant without the setting, and has its key."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name}: got {value!r}, expected True or False")
    return True if value else None


def _seed(value: Any, name: str) -> int:
    return integer(value, name, minimum=0)


_KINDS: Mapping[type, Callable[[Any, str], Any]] = {str: _text, int: integer, float: _number}
_READERS: Mapping[str, Callable[[Any, str], Any]] = {
    "dataset": _one_of(*dataset_names()),
    "beta": _positive,
    "filter_size": _sizes,
    "stride": _sizes,
    "padding": _one_of(*get_args(Padding)),
    "bias": _one_of(*get_args(Bias)),
    "architecture": _one_of(*ARCHITECTURES),
    "loss": _one_of(*LOSSES),
    "delta": _positive,
    "autoencoder": _true,
    **{name: _KINDS[option.kind] for name, option in OPTIONS.items()},
    "method": _one_of(*METHODS),
    "tol": _positive,
    "max_rounds": integer,
    "max_patterns": integer,
    "seed": _seed,
    "task_limit": _positive,
}
