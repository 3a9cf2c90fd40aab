"""Drive a sweep: which tasks are left, who computes them, and where the rows go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..contracts.validation import integer
from ..errors import InputError
from ..numerics.threads import available_cores
from ..progress import Budget, CancelFlag, ProgressCallback
from .engines import one_of
from .rows import FAILED, REFUSED
from .store import RowStore
from .table import Sweep
from .tasks import tasks_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from concurrent.futures import Executor

    from ..problem import Problem

__all__ = ["sweep"]


def sweep(
    tasks: Mapping[str, Any] | Problem | Sequence[Mapping[str, Any] | Problem],
    executor: Executor | None = None,
    *,
    workers: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Sweep:
    r"""Solve and certify every problem of a grid, a row each.

    Parameters
    ----------
    tasks : mapping, Problem, or sequence of them
        A mapping is a grid: a list is the values of one axis, anything else one value, and every combination is a task.
        Settings are ``dataset`` (a name or a :class:`Dataset`) with its options as ``data.n``, or ``problem``; the
        arguments of :meth:`Problem.from_dataset`, and ``method``, ``tol``, ``max_rounds``, ``max_patterns``, ``seed``
        of :func:`solve`; and ``task_limit``, the seconds of each task. ``seed`` is that of the dataset and of sampling.
    executor : concurrent.futures.Executor or joblib.Parallel, optional
        What runs the tasks: dask's ``Client.get_executor()`` for example, beyond one machine. It stays open.
    workers : int, optional
        Processes, where no executor is given; by default one for each core. With 1, tasks run in this process.
    out : str or Path, optional
        File that the rows are appended to as they come, a line of JSON each. Whatever happens, a row that is finished
        is kept.
    resume : bool
        Go on with the rows that `out` has: what is there is not computed again, but for failures.
    time_limit : float, optional
        Seconds for the whole sweep; then the rows so far are returned.
    cancel : object with ``is_set()``, optional
        When set, the rows so far are returned.
    progress : callable, optional
        Called with a :class:`Progress` at every row.

    Returns
    -------
    Sweep
        The rows, sorted by key: the same whatever the executor, the number of workers and the order of the grid. Only
        what a ``task_limit`` cuts short depends on the machine.

    Raises
    ------
    InputError
        For a bad grid, a file that cannot be written, holds rows without `resume`, or is written by another sweep.
        Settings that are bad only together are a row with the status ``refused``.
    BackendError
        If the executor breaks, or processes cannot be started.

    Examples
    --------
    >>> found = sweep({"dataset": "talk", "beta": [0.1, 1.0, 10.0]}, workers=1)
    >>> sorted((row.value("beta"), row.filters) for row in found.rows)
    [(0.1, 4), (1.0, 4), (10.0, 0)]
    """
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    if executor is not None and workers is not None:
        raise InputError(f"workers: got {workers!r} beside an executor that has its own, expected one of the two")
    if resume and out is None:
        raise InputError("resume: got it without out, expected a file to go on with")
    count = available_cores() if workers is None else integer(workers, "workers", maximum=1024)
    wanted = {task.key: task for task in tasks_of(tasks)}
    engine = one_of(executor, min(count, len(wanted)))
    with RowStore(out, resume=resume) as store:
        left = [task for key, task in wanted.items() if not (key in store.rows and store.rows[key].finished)]
        done, bad = len(wanted) - len(left), 0
        budget.report("sweep", _said(done, len(wanted), bad), fraction=done / len(wanted))
        rows = engine(left, budget)
        for row in rows:
            store.append(row)
            done += 1
            bad += row.status in (REFUSED, FAILED)
            budget.report("sweep", _said(done, len(wanted), bad), fraction=done / len(wanted))
        found = tuple(store.rows[key] for key in sorted(wanted.keys() & store.rows.keys()))
    return Sweep(found, len(wanted), budget.stop() if done < len(wanted) else None)


def _said(done: int, total: int, bad: int) -> str:
    errors = f", {bad} without an answer" if bad else ""
    return f"{done} of {total} rows{errors}"
