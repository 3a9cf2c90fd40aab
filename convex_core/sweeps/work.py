"""The work of one task: a pure function from a task to its row, on one core, wherever it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..architectures import OPTIONS
from ..contracts.kept import KEPT
from ..data import Dataset, load_dataset
from ..errors import ConvexCoreError, InputError
from ..losses import make_loss
from ..networks.classes import accuracies
from ..numerics.jit import clock, cpu_clock
from ..numerics.threads import one_blas_thread, one_core
from ..presentation.text import jsonable
from ..problem import Problem, suited
from ..progress import CancelFlag
from ..solution import solve
from ..status import Status
from ..version import __version__
from .rows import FAILED, REFUSED, SweepRow
from .settings import DATA_OPTION
from .tasks import SweepTask

__all__ = ["run_task", "sentence"]


def run_task(task: SweepTask, cancel: CancelFlag | None = None) -> SweepRow | None:
    """The row of a task; None if it was cancelled.

    It depends on the task alone, bit by bit, unless the task has a ``task_limit`` that is reached. Whatever goes wrong
    is a row with one sentence.

    Examples
    --------
    >>> from convex_core.sweeps import tasks_of
    >>> row = run_task(tasks_of({"dataset": "talk", "beta": 0.1})[0])
    >>> row.status, row.filters, row.patterns
    ('optimal', 4, 4072)
    """
    begin, cpu = clock(), cpu_clock()
    try:
        with one_core(), one_blas_thread():
            found = _solved(task, cancel)
    except InputError as error:
        found = {"status": REFUSED, "error": sentence(error)}
    except Exception as error:  # a row too, so that the others go on
        found = {"status": FAILED, "error": sentence(error)}
    if found["status"] == Status.CANCELLED.value:
        return None
    return SweepRow(
        task.key, task.settings, version=__version__, seconds=clock() - begin, cpu_seconds=cpu_clock() - cpu, **found
    )


def sentence(error: BaseException) -> str:
    """What went wrong, in one line; errors that are not the library's own say their kind.

    Examples
    --------
    >>> sentence(InputError("beta: got 0")), sentence(KeyError("a"))
    ('beta: got 0', "KeyError: 'a'")
    """
    words = " ".join(str(error).split())
    if isinstance(error, ConvexCoreError) and words:
        return words
    return f"{type(error).__name__}: {words}"[:500] if words else type(error).__name__


def _solved(task: SweepTask, cancel: CancelFlag | None) -> dict[str, Any]:
    problem, dataset = _problem(task)
    said = task.settings
    solution = solve(
        problem,
        method=said["method"],
        tol=said["tol"],
        max_rounds=said["max_rounds"],
        max_patterns=said["max_patterns"],
        seed=said["seed"],
        time_limit=said["task_limit"],
        cancel=cancel,
    )
    train, test = (None, None) if dataset is None else accuracies(solution.network, dataset)
    return {
        "status": solution.status.value,
        "problem": jsonable(problem.to_dict()),
        "objective": _finite(solution.network_objective),
        "lower_bound": _finite(solution.lower_bound),
        "relative_gap": _finite(solution.relative_gap),
        "scope": solution.scope.value,
        "exactness": solution.exactness.value,
        "filters": solution.active_filters,
        "patterns": solution.patterns,
        "rounds": solution.rounds,
        "train_accuracy": train,
        "test_accuracy": test,
    }


def _problem(task: SweepTask) -> tuple[Problem, Dataset | None]:
    """The problem of a task, and the data that its accuracy is measured on, where there are classes."""
    said = task.settings
    if isinstance(task.given, Problem):
        problem = task.given if said["beta"] is None else task.given.with_beta(said["beta"])
        return problem, _classes(problem)
    dataset = task.given if isinstance(task.given, Dataset) else _named(said)
    loss = make_loss(said["loss"], delta=said["delta"])
    problem = Problem.from_dataset(
        dataset,
        filter_size=_sizes(said["filter_size"]),
        stride=_sizes(said["stride"]),
        padding=said["padding"],
        bias=said["bias"],
        architecture=said["architecture"],
        beta=said["beta"],
        loss=loss,
        autoencoder=bool(said["autoencoder"]),
        **{name: said[name] for name in OPTIONS if said[name] is not None},
    )
    if said["autoencoder"]:
        return problem, None
    return problem, suited(dataset, loss, outputs=problem.architecture.q)


def _classes(problem: Problem) -> Dataset | None:
    """The samples of a problem as classes; None where several targets of a sample are not one class of several."""
    if problem.architecture.q == 1:
        return Dataset("problem", problem.X, problem.y)
    targets = problem.y.reshape(problem.n, -1)
    chosen = targets.argmax(axis=1)
    if not np.array_equal(targets, np.eye(targets.shape[1])[chosen]):
        return None
    return Dataset("problem", problem.X, chosen)


def _sizes(value: int | list[int] | None) -> int | tuple[int, ...] | None:
    return tuple(value) if isinstance(value, list) else value


def _named(said: Mapping[str, Any]) -> Dataset:
    """A dataset by name; the last ones are kept, since neighbours in a grid share them."""
    options = {name.removeprefix(DATA_OPTION): value for name, value in said.items() if name.startswith(DATA_OPTION)}
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}
    name, seed = said["dataset"], said["seed"]
    return KEPT.answer(("dataset", name, seed, repr(options)), lambda: load_dataset(name, seed=seed, **options))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
