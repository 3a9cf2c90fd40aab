"""Clarabel, called directly on an assembled conic program."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record
from ...numerics.interior_point import NotBegunError, minimise
from ...program.conic import ConicProgram
from ...progress import Budget
from ...status import Status

__all__ = ["ConicSolution", "solve_clarabel", "unsolved"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class ConicSolution:
    """What a conic solver answered; nothing here is trusted until it has been certified from the data.

    Attributes
    ----------
    C : (B, p) float64
        Blocks.
    dual : (n,) float64 or None
        Multiplier v of the equality; None if the outputs were eliminated.
    objective : float
        The solver's own objective.
    solved : bool
        Whether the solver claims full accuracy (an almost solved or inaccurate answer does not count).
    solver_status : str
        The solver's own word.
    iterations : int
        Its iterations.
    seconds : float
        Its wall-clock seconds, without assembly.
    stopped : Status or None
        Why there is no answer, where time was what was missing.
    """

    C: _Array
    dual: _Array | None
    objective: float
    solved: bool
    solver_status: str
    iterations: int
    seconds: float
    stopped: Status | None = None


def unsolved(B: int, p: int, stopped: Status | None) -> ConicSolution:
    """What there is of `B` blocks where there is no answer: nothing, because it was `stopped` or has failed."""
    word = "failed" if stopped is None else "no time"
    return ConicSolution(np.full((B, p), np.nan), None, np.nan, False, word, 0, 0.0, stopped)


def solve_clarabel(program: ConicProgram, *, tol: float = 1e-9, budget: Budget | None = None) -> ConicSolution:
    """Solve `program` by Clarabel's interior-point method.

    Parameters
    ----------
    program : ConicProgram
        From :func:`convex_core.program.assemble`.
    tol : float
        Absolute and relative gap and feasibility tolerance.
    budget : Budget, optional
        Asked at every iteration whether to stop, and before the first one whether there is time to begin.
    """
    begin = time.perf_counter()
    budget = Budget() if budget is None else budget
    try:
        answer = minimise(
            program.P,
            program.q,
            program.A,
            program.b,
            program.cones,
            tol=tol,
            stop=lambda: budget.stop() is not None,
            remaining=budget.remaining,
        )
    except NotBegunError:
        return unsolved(program.blocks, program.p, budget.stop() or Status.TIME_LIMIT)
    if answer is None:
        return unsolved(program.blocks, program.p, budget.stop())
    return ConicSolution(
        C=program.split(answer.x),
        dual=program.multiplier(answer.z),
        objective=program.objective(answer.value),
        solved=answer.status == "Solved",
        solver_status=answer.status,
        iterations=answer.iterations,
        seconds=time.perf_counter() - begin,
    )
