"""How the cells of a problem are searched: the method that was asked for, or the one that should be fastest."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..architectures import CodeList
from ..arrangement import count_patterns, distinct_rows
from ..contracts.records import record
from ..contracts.validation import integer
from ..errors import InputError, Interrupted
from ..numerics.threads import one_blas_thread
from ..problem import Problem
from ..program import CellFactory
from ..progress import Budget, limits, within
from ..status import Scope, Status
from .incumbent import Incumbent
from .pricing.choice import enumerated_pricer, listed_pricer, make_pricer, sampled_pricer, searched_pricer
from .pricing.enumerated import EnumeratedPricer, Pricer

__all__ = ["METHODS", "WITHOUT_ROUNDS", "CellSearch", "choose_search", "given_patterns"]

#: What ``method`` accepts, with a sentence for each.
METHODS: dict[str, str] = {
    "auto": "column generation, priced over a list of every pattern, by branch and bound, or over samples",
    "column-generation": "column generation, priced over a list of every pattern",
    "branch-and-bound": "column generation, priced over every pattern by branch and bound (up to 12 entries a filter)",
    "sampled": "column generation over sampled patterns, and those that ascent visits (restricted)",
    "clarabel": "every pattern in one conic program, given to Clarabel directly",
    "cvxpy": "every pattern in one vectorised CVXPY model",
    "gated": "the program without its cone rows: a lower bound, and a network by splitting its blocks into the cones",
}


#: methods that solve one program and know no rounds
WITHOUT_ROUNDS = ("clarabel", "cvxpy")
#: patterns counted for information when they need not be listed
_COUNTED = 1_000_000
# in this share of the time at most
_COUNTING = 0.1


@record
@dataclass(frozen=True, slots=True)
class CellSearch:
    """How the cells of a problem are searched; it depends on the patches only, so one serves every beta.

    Attributes
    ----------
    pricer : Pricer
        Searches the cells.
    method : str
        The method that was chosen, a key of :data:`METHODS`.
    patterns : int or None
        Exact number of patterns, where known.
    patterns_bound : int
        Closed-form bound on it.
    seed : int
        Seed of sampled patterns.
    stopped : Status or None
        Why the listing of patterns was cut short, if it was.
    seconds, cpu_seconds : float
        Time it took to set up, by the clock and of all threads of the process.
    """

    pricer: Pricer
    method: str
    patterns: int | None
    patterns_bound: int
    seed: int
    stopped: Status | None
    seconds: float
    cpu_seconds: float


def choose_search(
    problem: Problem,
    *,
    method: str,
    seed: int,
    max_patterns: int,
    budget: Budget,
    incumbent: Incumbent | None = None,
) -> CellSearch:
    """Set up the search of `method`; arguments and errors as in :func:`solve`.

    Raises
    ------
    Interrupted
        If the budget ends before anything can be searched.
    """
    if method not in METHODS:
        raise InputError(f"method: got {method!r}, expected one of {', '.join(METHODS)}")
    if budget.max_rounds is not None and method in WITHOUT_ROUNDS:
        raise InputError(f"max_rounds: got {budget.max_rounds} with the method {method}, expected one that has rounds")
    seed = integer(seed, "seed", minimum=0)
    max_patterns = integer(max_patterns, "max_patterns")
    stop = budget.stop()
    if stop is not None:
        raise Interrupted("the search of the cells was not begun", status=stop)
    known = incumbent or Incumbent(problem)
    return within(budget, lambda inner: _search(problem, method, seed, max_patterns, inner, known))


@one_blas_thread()
def _search(
    problem: Problem, method: str, seed: int, max_patterns: int, budget: Budget, incumbent: Incumbent
) -> CellSearch:
    begin, cpu_begin = budget.seconds, budget.cpu_seconds
    stopped: Status | None = None
    pricer: Pricer
    if method == "auto":
        pricer, stopped = make_pricer(problem, budget=budget, seed=seed, max_patterns=max_patterns, incumbent=incumbent)
        listed = "column-generation" if pricer.scope is Scope.GLOBAL else "sampled"
        method = "branch-and-bound" if pricer.listed_count is None else listed
    elif method == "branch-and-bound":
        pricer = searched_pricer(problem, seed=seed)
    elif method == "sampled":
        pricer = sampled_pricer(problem, seed=seed, budget=budget, incumbent=incumbent)
    else:
        try:
            listing = listed_pricer if method == "column-generation" else enumerated_pricer
            pricer = listing(problem, budget=budget, max_patterns=max_patterns)
        except Interrupted as stop:
            pricer, stopped = sampled_pricer(problem, seed=seed, samples=64, budget=budget), stop.status
    predicted = pricer.factory.predicted
    patterns = pricer.listed_count if pricer.scope is Scope.GLOBAL else None
    # not needed, but quick and good to know
    if pricer.listed_count is None and pricer.factory.additive and predicted <= _COUNTED:
        with suppress(Interrupted):
            patterns = count_patterns(pricer.factory.hyperplanes, **limits(budget.part(_COUNTING))).patterns
    seconds, cpu = budget.seconds - begin, max(0.0, budget.cpu_seconds - cpu_begin)
    return CellSearch(pricer, method, patterns, predicted, seed, stopped, seconds, cpu)


def given_patterns(problem: Problem, active: NDArray[np.bool_], *, seed: int = 0) -> CellSearch:
    """Search over given sign patterns (P, N) only; the scope is restricted, whatever the patterns are."""
    factory = CellFactory(problem.architecture, problem.patches)
    pricer = EnumeratedPricer(factory, CodeList(distinct_rows(factory.decided(active))))
    return CellSearch(pricer, "sampled", None, factory.predicted, seed, None, 0.0, 0.0)
