"""The choice of engine: compiled kernels over tasks and threads, or batches in numpy."""

from __future__ import annotations

from typing import Literal

from ..errors import BackendError, InputError
from ..numerics.jit import have_numba
from ..progress import Budget
from .enumeration.batches import enumerate_half_numpy
from .enumeration.tasks import Half, load_kernels, run_tasks, tasks
from .rows import PreparedRows

__all__ = ["Engine", "count_half", "fill_half", "use_numba", "warm_up"]

Engine = Literal["auto", "numba", "numpy"]


def warm_up() -> None:
    """Compile the kernels, or load them from numba's cache, ahead of the first use; without numba do nothing."""
    if have_numba():
        load_kernels()


def use_numba(engine: Engine) -> bool:
    """Decide whether the compiled kernels are to be used, and have them ready if so.

    Raises
    ------
    InputError
        If the engine is unknown.
    BackendError
        If numba is asked for and missing.
    """
    if engine not in ("auto", "numba", "numpy"):
        raise InputError(f"engine: got {engine!r}, expected 'auto', 'numba' or 'numpy'")
    if engine == "numba" and not have_numba():
        raise BackendError("engine: got 'numba', which is not installed, expected 'auto' or 'numpy'")
    if engine == "numpy" or not have_numba():
        return False
    load_kernels()
    return True


def count_half(
    prepared: PreparedRows, *, limit: int, budget: Budget | None = None, engine: Engine = "auto"
) -> tuple[Half, list[int] | None]:
    """Count antipodal pairs, stopping soon after `limit`; also per task, for :func:`fill_half`."""
    if not use_numba(engine):
        return enumerate_half_numpy(prepared, fill=False, limit=limit, budget=budget), None
    todo = list(tasks(prepared.n, prepared.rank))
    return run_tasks(prepared, todo, None, limit=limit, budget=budget)


def fill_half(
    prepared: PreparedRows,
    *,
    limit: int,
    sizes: list[int] | None = None,
    budget: Budget | None = None,
    engine: Engine = "auto",
) -> Half:
    """Enumerate one pattern of each antipodal pair, stopping soon after `limit`.

    `sizes` are the numbers per task where they are known; otherwise address space is reserved for the bound.
    """
    if not use_numba(engine):
        return enumerate_half_numpy(prepared, fill=True, limit=limit, budget=budget)
    todo = list(tasks(prepared.n, prepared.rank))
    room = [task.size for task in todo] if sizes is None else sizes
    return run_tasks(prepared, todo, room, limit=limit, budget=budget)[0]
