"""Datasets by name: what there is, with which options, and one function that makes any of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ..errors import InputError
from . import images, toys
from .dataset import Dataset

__all__ = ["DatasetInfo", "dataset_info", "dataset_names", "load_dataset"]

_MAKERS: MappingProxyType[str, Callable[..., Dataset]] = MappingProxyType(
    {
        "talk": toys.talk,
        "edge": toys.edge,
        "motifs": toys.motifs,
        "motifs3": toys.motifs3,
        "bars": toys.bars,
        "planted": toys.planted,
        "shift": toys.shift,
        "patterns2d": toys.patterns2d,
        "digits": images.digits,
        "mnist": images.mnist,
        "cifar10": images.cifar10,
    }
)
_FROM_FILES = ("mnist", "cifar10")


@dataclass(frozen=True, slots=True)
class DatasetInfo:
    """What a person wants to know before choosing a dataset.

    Attributes
    ----------
    name : str
        Argument of :func:`load_dataset`.
    summary : str
        One sentence.
    details : str
        What else there is to say about it; may be empty.
    options : mapping
        Names and default values of its options, `seed` among them.
    needs_files : bool
        Whether it is read from files that are not part of the package.
    available : bool
        Whether it can be made now without a path or a download.
    """

    name: str
    summary: str
    details: str
    options: MappingProxyType[str, Any]
    needs_files: bool
    available: bool


def dataset_names() -> tuple[str, ...]:
    """List the names :func:`load_dataset` knows.

    Examples
    --------
    >>> dataset_names()[:3]
    ('talk', 'edge', 'motifs')
    """
    return tuple(_MAKERS)


def dataset_info(name: str) -> DatasetInfo:
    """Return the :class:`DatasetInfo` of `name`.

    Raises
    ------
    InputError
        If there is no such dataset.

    Examples
    --------
    >>> dict(dataset_info("talk").options)
    {'seed': 0, 'n': 6, 'd': 15}
    """
    maker = _maker(name)
    # the docstring's first two paragraphs, written for this purpose; empty under python -OO
    paragraphs = [" ".join(part.split()) for part in inspect.cleandoc(maker.__doc__ or "").split("\n\n")]
    details = paragraphs[1] if len(paragraphs) > 1 and "---" not in paragraphs[1] else ""
    options = {key: parameter.default for key, parameter in inspect.signature(maker).parameters.items()}
    needs_files = name in _FROM_FILES
    return DatasetInfo(
        name,
        paragraphs[0],
        details,
        MappingProxyType(options),
        needs_files,
        not needs_files or _found(name),
    )


def _found(name: str) -> bool:
    """Whether image files are where they are looked for."""
    try:
        images.locate_images(name)
    except InputError:
        return False
    return True


def load_dataset(name: str, *, seed: int = 0, **options: Any) -> Dataset:
    """Make the dataset `name`.

    Parameters
    ----------
    name : str
        One of :func:`dataset_names`.
    seed : int
        Seed >= 0 of everything that is drawn.
    **options
        As listed by :func:`dataset_info`; for example ``n=12, noise=0.2``.

    Raises
    ------
    InputError
        If the name or an option is unknown, or a value is out of range.

    Examples
    --------
    >>> load_dataset("talk", seed=1).d
    15
    """
    maker = _maker(name)
    known = inspect.signature(maker).parameters
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"{name}: got the unknown option {', '.join(unknown)}, expected one of {', '.join(known)}")
    return maker(seed=seed, **options)


def _maker(name: str) -> Callable[..., Dataset]:
    try:
        return _MAKERS[name]
    except (KeyError, TypeError):
        raise InputError(f"dataset: got {name!r}, expected one of {', '.join(_MAKERS)}") from None
