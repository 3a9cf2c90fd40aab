"""From a grid to tasks: each one has every setting written out, and a key that is the hash of them."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..contracts.records import record
from ..contracts.strict_json import seal
from ..contracts.validation import with_article
from ..data import Dataset
from ..errors import InputError, SizeError
from ..problem import Problem
from .settings import DATA_OPTION, DEFAULTS, SOLVING, checked

__all__ = ["MAX_TASKS", "SweepTask", "tasks_of"]

#: most tasks of one sweep: every one of them is a row in memory
MAX_TASKS = 100_000
_KEY_LENGTH = 24


@record
@dataclass(frozen=True, slots=True)
class SweepTask:
    """One problem to be solved, as it is sent to a worker.

    Attributes
    ----------
    key : str
        Hash of the settings but None, and of the content of `given`: the same settings have the same key, on every
        machine and in later versions, whose further options are None.
    settings : mapping
        Every setting with its value, defaults included, ready for JSON.
    given : Dataset, Problem or None
        What has no name: data of the caller's own, or a whole problem.
    """

    key: str
    settings: Mapping[str, Any]
    given: Dataset | Problem | None = None


def tasks_of(source: Any) -> tuple[SweepTask, ...]:
    """The tasks of a grid, of a problem, or of several of them; what comes twice is there once.

    Parameters
    ----------
    source : mapping, Problem, or sequence of them
        A mapping is a grid: each setting has one value, or a list of values (a range or an array of one axis too), and
        every combination is a task. A tuple is one value: ``filter_size=(3, 2)``.

    Raises
    ------
    InputError
        For an unknown setting or a bad value, or without data.
    SizeError
        For more than :data:`MAX_TASKS` tasks.

    Examples
    --------
    >>> found = tasks_of({"dataset": "talk", "beta": [0.1, 0.2], "stride": [5, 1]})
    >>> [(task.settings["beta"], task.settings["stride"]) for task in found]
    [(0.1, 5), (0.1, 1), (0.2, 5), (0.2, 1)]
    """
    if isinstance(source, (Mapping, Problem)):
        parts: Sequence[Any] = [source]
    elif isinstance(source, Sequence) and not isinstance(source, str):
        parts = source
    else:
        raise InputError(
            f"sweep: got {with_article(type(source).__name__)}, expected a mapping from settings to values, "
            "problems, or a list of them"
        )
    found: dict[str, SweepTask] = {}
    for part in parts:
        for task in _tasks(part, MAX_TASKS - len(found)):
            found.setdefault(task.key, task)
    if not found:
        raise InputError("sweep: got no task, expected at least one")
    return tuple(found.values())


def _tasks(part: Any, room: int) -> Iterator[SweepTask]:
    if isinstance(part, Problem):
        part = {"problem": part}
    if not isinstance(part, Mapping):
        raise InputError(
            f"sweep: got {with_article(type(part).__name__)} among the grids, expected a Problem or a mapping "
            "from settings to values"
        )
    listed = {str(name): _listed(values) for name, values in part.items()}
    count = math.prod(map(len, listed.values()))
    if count > room:
        raise SizeError(
            f"sweep: got {count:,} tasks, expected at most {MAX_TASKS:,} in one sweep", predicted=count, limit=MAX_TASKS
        )
    axes = {name: _values(name, values) for name, values in listed.items()}
    if "problem" in axes:
        foreign = sorted(axes.keys() - {"problem", "beta", *SOLVING})
        if foreign:
            raise InputError(f"{foreign[0]}: got it beside a problem that has its own, expected one of the two")
    elif "dataset" not in axes:
        raise InputError("dataset: got none, expected the name of a dataset, a Dataset, or a problem")
    for values in itertools.product(*axes.values()):
        yield _task(dict(zip(axes, values, strict=True)))


def _listed(values: Any) -> Sequence[Any]:
    """What stands for an axis, nothing copied; anything else is one value."""
    if isinstance(values, np.ndarray) and values.ndim == 1:
        values = values.tolist()
    return values if isinstance(values, (list, range)) else [values]


def _values(name: str, listed: Sequence[Any]) -> Sequence[Any]:
    """The values along one axis, checked."""
    if not listed:
        raise InputError(f"{name}: got an empty list, expected at least one value")
    if name == "problem":
        for value in listed:
            if not isinstance(value, Problem):
                raise InputError(f"problem: got {with_article(type(value).__name__)}, expected a Problem")
        return listed
    return [value if name == "dataset" and isinstance(value, Dataset) else checked(name, value) for value in listed]


def _task(chosen: dict[str, Any]) -> SweepTask:
    given: Dataset | Problem | None = None
    problem = chosen.pop("problem", None)
    if problem is not None:
        given = problem
        solving = {name: DEFAULTS[name] for name in SOLVING}
        settings = {"problem": _problem_hash(problem), "beta": None, **solving, **chosen}
    else:
        settings = {**DEFAULTS, **chosen}
        if isinstance(settings["dataset"], Dataset):
            given = settings["dataset"]
            named = [name for name in settings if name.startswith(DATA_OPTION)]
            if named:
                raise InputError(f"{named[0]}: got it beside data of your own, expected it with a dataset by name")
            settings |= {"dataset": given.name, "content": _dataset_hash(given)}
    # what is left to its default None is not in the key: an option that a later version has changes no key
    meant = {name: value for name, value in settings.items() if value is not None}
    return SweepTask(seal(meant)[:_KEY_LENGTH], settings, given)


def _dataset_hash(dataset: Dataset) -> str:
    """Hash of all that changes a result."""
    words = (dataset.input_shape, dataset.labels, dataset.default_filter, dataset.default_stride, dataset.default_beta)
    return _hash(repr(words), dataset.X, dataset.y, dataset.X_test, dataset.y_test)


def _problem_hash(problem: Problem) -> str:
    """Hash of data, network, loss and beta: a loss is told by its class and the options that rebuild it."""
    words = {**problem.to_dict(), "class": type(problem.whole_loss).__qualname__, "repr": repr(problem.architecture)}
    return _hash(seal(words), problem.X, problem.y)


def _hash(words: str, *arrays: np.ndarray | None) -> str:
    sha = hashlib.sha256(words.encode())
    for array in arrays:
        sha.update(b"-" if array is None else repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()[:_KEY_LENGTH]
