r"""Column generation: solve over a few cells, price over all of them, repeat until both bounds meet.

Each round solves the restricted master over the blocks at hand, then prices its dual vector v over every cell. The
price gives the columns to add and, by scaling v until it is dual feasible, a lower bound; the recovered network's own
objective (a forward pass through the real ReLUs) is the upper bound. Both are valid at every round.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..numerics.threads import one_blas_thread
from ..problem import Problem
from ..program import Blocks
from ..progress import Budget
from ..status import Exactness, Status
from .closing import Closing, unit_outputs
from .dual_bound import DualBound, dual_bound, relative_gap
from .incumbent import Incumbent, RunSoFar
from .master.restricted import MasterSolution, RestrictedMaster
from .pricing.enumerated import Pricer, PriceResult
from .rounds import Round, Run

__all__ = ["Round", "WarmStart", "generate_columns"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColumnSettings:
    """Tuning of column generation."""

    felt: float = 0.01  # share of the tolerance below which rounding errors of a price are not worth a look
    rounds: int = 500  # rounds at most, unless told otherwise
    column_entries: int = 1 << 25  # columns of a round, in numbers of their gate matrices: 256 MB
    # share of the time: against the clock a bound is asked for when no more is left and there is none
    last: float = 0.3


SETTINGS = ColumnSettings()
# times beta above which a column is violated, and not by rounding
_ABOVE = 1.0 + 1e-13


@record
@dataclass(frozen=True, slots=True)
class WarmStart:
    """Blocks to start from: those of a problem that differs in beta only, say.

    Attributes
    ----------
    blocks : Blocks
        Blocks of the same cells.
    C : (B, p) float64
        Their values.
    dual : (n,) float64
        Dual vector that goes with them.
    expected : (n,) float64, optional
        A guess at the optimal dual vector: the blocks that it violates join before the first solve.
    """

    blocks: Blocks
    C: _Array
    dual: _Array
    expected: _Array | None = None


@one_blas_thread()
def generate_columns(
    problem: Problem,
    pricer: Pricer,
    *,
    tol: float,
    budget: Budget,
    start: WarmStart | None = None,
    incumbent: Incumbent | None = None,
    exact: bool = True,
) -> Run:
    """Solve `problem` over the cells of `pricer` to the relative gap `tol`.

    Parameters
    ----------
    problem : Problem
        The training problem.
    pricer : Pricer
        Which cells exist, and how to search them.
    tol : float
        Relative gap at which to stop.
    budget : Budget
        Time limit, cancel flag, progress callback and limit of the rounds, 500 without one.
    start : WarmStart, optional
        Blocks to start from instead of the zero network.
    incumbent : Incumbent, optional
        Told of the networks of the blocks, and of every round.
    exact : bool
        Whether blocks have the objective of their network, as far as the architecture's program is exact: then only the
        best ones are of interest.
    """
    y, beta, loss, factory = problem.y, problem.beta, problem.loss, pricer.factory
    n = len(y)
    # columns added in a round
    want = max(1, min(200, max(20, 2 * n), SETTINGS.column_entries // max(1, n * factory.p)))
    exact = exact and problem.architecture.exactness is Exactness.EXACT

    known = incumbent or Incumbent(problem)
    closing = Closing(problem, pricer)
    master = RestrictedMaster(factory.nothing(), y, beta, loss, factory.penalty)
    best, best_blocks = MasterSolution(master.start.C, np.zeros(0), master.start.dual), master.blocks
    upper, lower = loss.value(np.zeros(n), y), -math.inf
    v = best_dual = master.start.dual
    best_tau = math.inf
    without = -math.inf  # the bound, had prices no rounding errors
    history: list[Round] = []
    solve_seconds = price_seconds = 0.0
    status = Status.ITERATION_LIMIT
    solving = start is not None and len(start.blocks) > 0
    missed: Status | None = None  # why the master was not solved

    def close() -> None:
        """Look for a dual vector with a better bound than scaling has, where a proof takes too long."""
        nonlocal lower, best_dual, best_tau, without
        before = DualBound(lower, best_dual, best_tau)
        found = closing.run(v, unit_outputs(best_blocks, best.C, best.sizes), upper, tol, before, budget)
        if found is not before:
            lower, best_dual, best_tau = found.value, found.dual, found.tau
            without = max(without, lower)
            known.run = RunSoFar(best_dual, best_tau, tuple(history))

    def value(blocks: Blocks, at: MasterSolution) -> float:
        return loss.value(factory.outputs(blocks, at.C), y) + beta * float(at.sizes.sum())

    if start is not None and solving:
        given = master.begin(start.blocks, start.C, start.dual)
        reached = value(start.blocks, given)
        if reached < upper:
            upper, best, best_blocks = reached, given, start.blocks
        if start.expected is not None:
            begin = budget.seconds
            guess = loss.feasible(start.expected, y)
            _join(master, pricer.price(guess, floor=beta, want=want, budget=budget, slack=0.1 * tol), beta)
            price_seconds += budget.seconds - begin
    for number in range(budget.max_rounds or SETTINGS.rounds):
        if solving:
            begin = budget.seconds
            answer = master.solve(budget)
            solve_seconds += budget.seconds - begin
            missed = answer.stopped
            if np.isfinite(answer.C).all():  # else stopped before its first iterate
                v = loss.feasible(answer.dual, y)  # a solver may leave the domain of the conjugate by its tolerance
                objective = value(master.blocks, answer)
                # blocks leave only when the value has dropped: otherwise the same ones could leave and return for ever
                dropped = objective < upper * (1.0 - 1e-9)
                if not exact:
                    known.offer_blocks(answer.C, master.blocks, objective)
                if objective < upper:
                    upper, best, best_blocks = objective, answer, master.blocks
                    if exact and budget.limited:
                        known.save_blocks(answer.C, master.blocks, objective, budget)
                if dropped:
                    master.retire(answer.sizes)
        late = (
            budget.paced and lower == -math.inf and budget.remaining < SETTINGS.last * (budget.time_limit or math.inf)
        )
        begin = budget.seconds
        if late and closing.pending:
            close()
            late = False
        first = closing.first(budget)
        price = pricer.price(v, floor=beta, want=want, budget=first, slack=0.1 * tol, prove=late)
        # a proof that is not over after its part of the time, or that has met its own limit
        hard = closing.pending and price.stopped is not None and budget.stop() is None
        if closing.needed(price.bound) and hard and not closing.premature(price, tol):
            close()
        price_seconds += budget.seconds - begin
        if price.grown:  # what was proved before is not about the cells that joined
            lower, best_tau, without = -math.inf, math.inf, -math.inf
        if math.isfinite(price.bound):
            proved = dual_bound(problem, factory, v, price.bound)
            if proved.value > lower:
                lower, best_dual, best_tau = proved.value, proved.dual, proved.tau
                without = lower
            if relative_gap(upper, lower) > tol and price.rounding > SETTINGS.felt * tol * price.bound:
                unrounded = dual_bound(problem, factory, v, max(price.bound - price.rounding, 0.0))
                without = max(without, unrounded.value)
        history.append(Round(number, upper, lower, len(master.blocks), price.bound / beta - 1.0, budget.seconds))
        known.run = RunSoFar(best_dual, best_tau, tuple(history))
        budget.report(
            "solve",
            f"round {number}: {len(master.blocks)} columns, gap {relative_gap(upper, lower):.1e}",
            upper=upper,
            lower=lower,
            round=number,
        )
        if relative_gap(upper, lower) <= tol:
            status = Status.OPTIMAL
            break
        stop = budget.stop() or missed or (None if hard and price.stopped is Status.TIME_LIMIT else price.stopped)
        if stop is not None:
            status = stop
            break
        if relative_gap(upper, without) <= tol:  # only rounding errors are left
            status = Status.PRECISION
            break
        new = _join(master, price, beta)
        if hard and not new:  # the proof of the same vector gets the time that is left
            solving = False
            continue
        if new:
            master.expect(1e-4 * max(float(price.value.max()) / beta - 1.0, tol))
        # without new columns only accuracy can help: the same blocks, solved harder
        if not new and not master.tighten():
            status = Status.PRECISION if relative_gap(without, lower) > tol else Status.STALLED
            break
        solving = True
    active = best.sizes > 0.0
    return Run(
        C=best.C[active],
        blocks=best_blocks.take(active),
        dual=best_dual,
        tau=best_tau,
        upper=upper,
        lower=lower,
        status=status,
        history=tuple(history),
        build_seconds=master.build_seconds,
        solve_seconds=solve_seconds - master.build_seconds,
        price_seconds=price_seconds,
    )


def _join(master: RestrictedMaster, price: PriceResult, beta: float) -> int:
    """Add the columns of `price` that are above beta; answer how many were new."""
    violating = price.value > beta * _ABOVE
    return master.add(price.columns.take(violating), price.directions[violating])
