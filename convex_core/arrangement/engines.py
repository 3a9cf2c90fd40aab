"""The choice of engine: compiled kernels over tasks and threads, or batches in numpy."""

from __future__ import annotations

from typing import Literal

from ..errors import BackendError, InputError
from ..numerics.jit import have_numba
from ..progress import Budget
from .enumeration.batches import enumerate_half_numpy
from .enumeration.tasks import Half, load_kernels, run_tasks
from .rows import PreparedRows

__all__ = ["Engine", "enumerate_half", "use_numba", "warm_up"]

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


def enumerate_half(
    prepared: PreparedRows,
    *,
    fill: bool,
    limit: int,
    sizes: list[int] | None = None,
    budget: Budget | None = None,
    engine: Engine = "auto",
) -> Half:
    """One pattern of each antipodal pair, or unless `fill` only their number, stopping soon after `limit`.

    `sizes` are those of a :class:`Half` that was counted before; otherwise address space is reserved for the bound.
    """
    if not use_numba(engine):
        return enumerate_half_numpy(prepared, fill=fill, limit=limit, budget=budget)
    return run_tasks(prepared, fill=fill, limit=limit, sizes=sizes, budget=budget)
