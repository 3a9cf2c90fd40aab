"""Solve a training problem to a certified global optimum."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ._arguments import check_arguments
from ._blas import one_blas_thread
from ._deadline import within
from ._numba import clock
from ._records import record
from .architectures import CodeList
from .arrangement import closed_form, count_patterns, distinct_rows
from .certificate import Certificate, judge
from .errors import InputError, Interrupted
from .export.answers import SolutionAnswer
from .local_search import descend
from .losses import SquaredLoss
from .network import Network
from .problem import Problem
from .program import Blocks, CellFactory
from .progress import Budget, CancelFlag, ProgressCallback
from .recovery import merge_same_cells, prune, recover
from .solvers.column_generation import Round, WarmStart, generate_columns, relative_gap
from .solvers.gated import solve_gated
from .solvers.incumbent import Candidate, Incumbent
from .solvers.pricing import EnumeratedPricer, Pricer
from .solvers.select import MAX_PATTERNS, enumerated_pricer, make_pricer, sampled_pricer, searched_pricer
from .solvers.whole import solve_whole
from .status import Exactness, Scope, Status
from .validation import frozen, integer, positive_number

__all__ = [
    "METHODS",
    "CellSearch",
    "Solution",
    "Timings",
    "choose_search",
    "given_patterns",
    "solve",
    "solve_in",
    "solve_over",
]

_Array = NDArray[np.float64]

#: What ``method`` accepts, with a sentence for each.
METHODS: dict[str, str] = {
    "auto": "column generation, priced over a list of every pattern, by branch and bound, or over samples",
    "column-generation": "column generation, priced over a list of every pattern",
    "branch-and-bound": "column generation, priced over every pattern by branch and bound, none listed (short filters)",
    "sampled": "column generation over sampled patterns, and those that ascent meets (restricted)",
    "clarabel": "every pattern in one conic program, given to Clarabel directly",
    "cvxpy": "every pattern in one vectorised CVXPY model",
    "gated": "the program without its cone rows: a lower bound, and a network by splitting its blocks into the cones",
}


#: methods that solve one program and know no rounds
_WITHOUT_ROUNDS = ("clarabel", "cvxpy")
# ways a run ends by itself
_FINISHED = (Status.OPTIMAL, Status.STALLED, Status.PRECISION, Status.ITERATION_LIMIT)
# multiplications of a forward pass up to which a network of blocks that have not rank one is improved by descent
_DESCENDS = 1_000_000
# seconds after the end of the time in which a bound is still looked for, where there is none
_AFTER = 0.05
# a network with fewer neurons is taken at this relative loss: rounding
_ROUNDING = 1e-13
#: patterns counted for information when they need not be listed
_COUNTED = 1_000_000
# in this share of the time at most
_COUNTING = 0.1


@record
@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds by stage; `total` is the whole call."""

    patterns: float
    build: float
    solve: float
    certify: float
    total: float


@record
@dataclass(frozen=True, slots=True, repr=False)
class Solution(SolutionAnswer):
    """A trained network with its certificate.

    Attributes
    ----------
    problem : Problem
        What was solved.
    network : Network
        The recovered network, pruned to at most n filters. Where the program is exact only if its blocks have rank one
        and they have not, the local minimum below the recovered network, unless that is large.
    objective : float
        Value of the convex program at the point found, evaluated through the ReLUs.
    certificate : Certificate
        Bounds recomputed from the data for `network`.
    predictions : (n,) float64
        Outputs of `network` on the training inputs.
    status : Status
        How the run ended.
    method : str
        The method that ran.
    patterns : int or None
        Exact number of cells: sign patterns, times what else tells cells apart, as signs of weights or outputs. None
        if they were sampled, or not counted because there are millions.
    patterns_bound : int
        Closed-form bound on the number of patterns of the merged hyperplanes.
    C : (B, p) float64
        Nonzero blocks of the convex program (before pruning).
    active : (B, N) bool
        Sign pattern of each block on the stacked patch rows.
    sign : (B,) int8
        Output sign of each block: +1 for c', -1 for c.
    history : tuple of Round
        Both bounds round by round; empty for the one-program methods.
    seconds : Timings
        Time by stage.
    seed : int
        Seed of sampled patterns.
    """

    problem: Problem
    network: Network
    objective: float
    certificate: Certificate
    predictions: _Array
    status: Status
    method: str
    patterns: int | None
    patterns_bound: int
    C: _Array
    active: NDArray[np.bool_]
    sign: NDArray[np.int8]
    history: tuple[Round, ...]
    seconds: Timings
    seed: int

    def __repr__(self) -> str:
        patterns = "" if self.patterns is None else f", {self.patterns:,} patterns"
        return (
            f"Solution({self.status}, objective {self.network_objective:.6g}, gap {self.relative_gap:.2g}, "
            f"{self.scope}, {self.active_filters} filters{patterns}, {self.seconds.total:.2f} s)"
        )

    @property
    def network_objective(self) -> float:
        """Non-convex objective of `network`."""
        return self.certificate.objective

    @property
    def lower_bound(self) -> float:
        """Lower bound on the global optimum, ``-inf`` unless the scope is global."""
        return self.certificate.lower_bound

    @property
    def relative_gap(self) -> float:
        """``(P - D) / P`` of the certificate."""
        return self.certificate.relative_gap

    @property
    def scope(self) -> Scope:
        """What the bound covers."""
        return self.certificate.scope

    @property
    def exactness(self) -> Exactness:
        """How the convex program that was solved relates to the non-convex problem; without its cones it is a bound."""
        return Exactness.BOUND_ONLY if self.method == "gated" else self.certificate.exactness

    @property
    def dual(self) -> _Array:
        """The feasible dual vector (n,) behind the lower bound."""
        return self.certificate.dual

    @property
    def active_filters(self) -> int:
        """Number of filters of `network`."""
        return self.network.m

    @property
    def rounds(self) -> int:
        """Rounds of column generation."""
        return len(self.history)


def solve(
    problem: Problem,
    *,
    method: str = "auto",
    tol: float = 1e-6,
    time_limit: float | None = None,
    max_rounds: int | None = None,
    seed: int = 0,
    max_patterns: int = MAX_PATTERNS,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Solution:
    r"""Solve the convex program of `problem`, recover the network and certify it.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    method : str
        One of :data:`METHODS`.
    tol : float
        Relative gap :math:`(P - D)/P` to reach, > 0.
    time_limit : float, optional
        Seconds; on reaching it the best network so far is returned with valid bounds, whatever was going on. That
        network is never worse than the zero network.
    max_rounds : int, optional
        Rounds of column generation, and of the search for cells by neurons. A limit that does not depend on the
        machine: without a time limit, or where that is not reached, the same call gives the same result, bit by bit.
    seed : int
        Seed of sampled patterns.
    max_patterns : int
        Most patterns that may be listed. Beyond, ``auto`` samples and the other methods raise.
    cancel : object with ``is_set()``, optional
        For example a :class:`threading.Event`; when set, the best answer so far is returned.
    progress : callable, optional
        Called with a :class:`Progress` at every round.

    Returns
    -------
    Solution
        With ``scope`` global only if every pattern was covered.

    Raises
    ------
    InputError
        For an unknown method or a bad number.
    SizeError
        If a method that lists every pattern would list more than `max_patterns`.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> solution = solve(Problem.from_dataset(load_dataset("talk")), tol=1e-8)
    >>> solution.scope.value, solution.patterns, solution.relative_gap <= 1e-8
    ('global', 4072, True)
    """
    check_arguments("solve", problem=(problem, Problem))
    tol = positive_number(tol, "tol")
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress, max_rounds=max_rounds)
    return solve_in(problem, method=method, tol=tol, seed=seed, max_patterns=max_patterns, budget=budget)


def solve_in(
    problem: Problem,
    *,
    method: str = "auto",
    tol: float,
    seed: int,
    max_patterns: int = MAX_PATTERNS,
    budget: Budget,
) -> Solution:
    """:func:`solve` within a budget; one that has ended gives the zero network at once."""
    incumbent = Incumbent(problem)
    try:
        search = choose_search(
            problem, method=method, seed=seed, max_patterns=max_patterns, budget=budget, incumbent=incumbent
        )
    except Interrupted as stop:
        return _unfinished(problem, incumbent, stop.status, method=method, seed=seed, tol=tol, budget=budget)
    return solve_over(problem, search, tol=tol, budget=budget, incumbent=incumbent)


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
    seconds : float
        Time it took to set up.
    """

    pricer: Pricer
    method: str
    patterns: int | None
    patterns_bound: int
    seed: int
    stopped: Status | None
    seconds: float


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
    if budget.max_rounds is not None and method in _WITHOUT_ROUNDS:
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
    begin = budget.seconds
    stopped: Status | None = None
    pricer: Pricer
    if method == "auto":
        pricer, stopped = make_pricer(problem, budget=budget, seed=seed, max_patterns=max_patterns, incumbent=incumbent)
        listed = "column-generation" if pricer.scope is Scope.GLOBAL else "sampled"
        method = "branch-and-bound" if pricer.listed is None else listed
    elif method == "branch-and-bound":
        pricer = searched_pricer(problem, seed=seed)
    elif method == "sampled":
        pricer = sampled_pricer(problem, seed=seed, budget=budget, incumbent=incumbent)
    else:
        try:
            pricer = enumerated_pricer(problem, budget=budget, max_patterns=max_patterns)
        except Interrupted as stop:
            pricer, stopped = sampled_pricer(problem, seed=seed, samples=64, budget=budget), stop.status
    predicted = pricer.factory.predicted
    patterns = pricer.listed if pricer.scope is Scope.GLOBAL else None
    # not needed, but quick and good to know
    if pricer.listed is None and pricer.factory.additive and predicted <= _COUNTED:
        with suppress(Interrupted):
            patterns = count_patterns(pricer.factory.hyperplanes, budget=budget.part(_COUNTING)).patterns
    return CellSearch(pricer, method, patterns, predicted, seed, stopped, budget.seconds - begin)


def given_patterns(problem: Problem, active: NDArray[np.bool_], *, seed: int = 0) -> CellSearch:
    """Search over given sign patterns (P, N) only; the scope is restricted, whatever the patterns are."""
    factory = CellFactory(problem.architecture, problem.patches)
    pricer = EnumeratedPricer(factory, CodeList(distinct_rows(factory.settled(active))))
    return CellSearch(pricer, "sampled", None, factory.predicted, seed, None, 0.0)


def solve_over(
    problem: Problem,
    search: CellSearch,
    *,
    tol: float,
    budget: Budget,
    start: WarmStart | None = None,
    incumbent: Incumbent | None = None,
) -> Solution:
    """Solve, recover and certify over the cells of `search`; the time of the search counts as the solution's own.

    Column generation starts from `start`, if it is given. The network is no worse than any that `incumbent` has met.
    """
    entered = budget.seconds
    known = incumbent or Incumbent(problem)
    try:
        stop = budget.stop()
        if stop is not None:
            raise Interrupted("the program was not begun", status=stop)
        return within(budget, lambda inner: _solve_over(problem, search, tol, inner, start, known, entered))
    except Interrupted as stopped:
        return _unfinished(
            problem, known, stopped.status, method=search.method, seed=search.seed, tol=tol, budget=budget,
            search=search, entered=entered,
        )  # fmt: skip


@one_blas_thread()
def _solve_over(
    problem: Problem,
    search: CellSearch,
    tol: float,
    budget: Budget,
    start: WarmStart | None,
    incumbent: Incumbent,
    entered: float,
) -> Solution:
    pricer, method = search.pricer, search.method
    dual: _Array | None
    tau: float | None = None
    history: Sequence[Round] = ()
    if isinstance(pricer, EnumeratedPricer) and method in _WITHOUT_ROUNDS:
        whole = solve_whole(problem, pricer, backend=method, tol=min(tol, 1e-8), budget=budget)
        C, blocks, dual, status = whole.C, whole.blocks, whole.dual, whole.status
        objective = problem.loss.value(whole.outputs, problem.y) + problem.beta * float(
            problem.architecture.penalty.norm(C).sum()
        )
        build, solving, pricing = whole.build_seconds, whole.solve_seconds, 0.0
    else:
        if isinstance(pricer, EnumeratedPricer) and method == "gated":
            gated = solve_gated(problem, pricer, tol=tol * 0.5, budget=budget, incumbent=incumbent)
            run, C, blocks = gated.run, gated.C, gated.blocks
        else:
            run = generate_columns(problem, pricer, tol=tol * 0.5, budget=budget, start=start, incumbent=incumbent)
            C, blocks, tau = run.C, run.blocks, run.tau
        dual, status, objective, history = run.dual, run.status, run.upper, run.history
        build, solving, pricing = run.build_seconds, run.solve_seconds, run.price_seconds

    begin = clock()
    budget.report("certify", "judging the recovered network", upper=objective)
    ended = status not in _FINISHED
    incumbent.offer(incumbent.judged(_network(problem, C, blocks, objective, tol, hurried=ended)))
    best = _few(incumbent, problem)
    status = search.stopped or status
    if method != "gated" and not ended:
        incumbent.offer(incumbent.judged(_descended(problem, best.network, objective, tol, budget)))
        best = _few(incumbent, problem)
    # a bound that was proved is enough; without one the judge has a moment of its own
    stopped = status if ended and tau is not None and math.isfinite(tau) else None
    extra = replace(budget, time_limit=budget.seconds + _AFTER, cancel=None) if ended else budget
    certificate = judge(
        problem, best.network, pricer, dual=dual, tau=tau, tol=tol, budget=extra, stopped=stopped, outputs=best.outputs
    )
    certify_seconds = clock() - begin + pricing
    relaxed = method == "gated" or problem.architecture.exactness is not Exactness.EXACT
    status = _final_status(status, certificate, objective if relaxed else None, tol)
    return Solution(
        problem=problem,
        network=best.network,
        objective=objective,
        certificate=certificate,
        predictions=cast(_Array, frozen(best.outputs)),
        status=status,
        method=method,
        patterns=search.patterns,
        patterns_bound=search.patterns_bound,
        C=cast(_Array, frozen(C)),
        active=cast(NDArray[np.bool_], frozen(blocks.active)),
        sign=cast(NDArray[np.int8], frozen(blocks.sign)),
        history=tuple(history),
        seconds=Timings(search.seconds, build, solving, certify_seconds, search.seconds + budget.seconds - entered),
        seed=search.seed,
    )


def _unfinished(
    problem: Problem,
    incumbent: Incumbent,
    status: Status,
    *,
    method: str,
    seed: int,
    tol: float,
    budget: Budget,
    search: CellSearch | None = None,
    entered: float | None = None,
) -> Solution:
    """What is known when the time is up: the best network met, and the bound of the last round."""
    best, run = incumbent.spare, incumbent.run
    dual, tau, history = (None, None, ()) if run is None else (run.dual, run.tau, run.history)
    pricer = None if search is None else search.pricer
    certificate = judge(
        problem, best.network, pricer, dual=dual, tau=tau, tol=tol, budget=budget, stopped=status, outputs=best.outputs
    )
    if best.blocks is None:  # the zero network, or one from elsewhere
        one = problem.patches[:, :1]
        C = np.zeros((0, problem.architecture.design(one).shape[2]))
        none = {name: np.zeros((0, *shape)) for name, shape in problem.architecture.shapes.items()}
        active, sign = problem.architecture.codes(problem.patches, none), np.zeros(0, dtype=np.int8)
        value = best.objective
    else:
        C, active, sign, value = cast(_Array, best.C), best.blocks.active, best.blocks.sign, best.value
    searched = budget.seconds if search is None else search.seconds
    solving = 0.0 if search is None or entered is None else budget.seconds - entered
    return Solution(
        problem=problem,
        network=best.network,
        objective=value,
        certificate=certificate,
        predictions=cast(_Array, frozen(best.outputs)),
        status=_final_status(status, certificate, None, tol),
        method=method,
        patterns=None if search is None else search.patterns,
        patterns_bound=_most_cells(problem) if search is None else search.patterns_bound,
        C=cast(_Array, frozen(C)),
        active=cast(NDArray[np.bool_], frozen(active)),
        sign=cast(NDArray[np.int8], frozen(sign)),
        history=tuple(history),
        seconds=Timings(searched, 0.0, solving, 0.0, searched + solving),
        seed=seed,
    )


def _most_cells(problem: Problem) -> int:
    """A bound on the number of cells without looking at the data: its rows in general position, and every sign."""
    architecture = problem.architecture.single
    one = problem.patches[:, :1]
    rows, p = architecture.hyperplanes(one).shape[0], architecture.design(one).shape[2]
    signs = 2 ** len(one) if "hidden" in architecture.shapes else architecture.copies
    return closed_form(rows * problem.n, p) * signs * problem.architecture.q


def _few(incumbent: Incumbent, problem: Problem) -> Candidate:
    """The incumbent, with at most n neurons and one for each cell, unless that costs more than rounding.

    A filter on a hyperplane may have come from the cells on both sides of it.
    """
    best = incumbent.best
    if best.network.m > problem.size:
        best = _no_worse(best, incumbent.judged(prune(best.network, problem.patches)))
    return _no_worse(best, incumbent.judged(merge_same_cells(best.network, problem.patches, relative_zero=0.0)))


def _no_worse(best: Candidate, few: Candidate) -> Candidate:
    """`few`, unless it is worse by more than rounding."""
    return few if few.objective <= best.objective * (1.0 + _ROUNDING) else best


def _network(problem: Problem, C: _Array, blocks: Blocks, objective: float, tol: float, *, hurried: bool) -> Network:
    """The pruned network of the blocks, without dust where that costs at most a tenth of `tol`.

    The smooth losses do not feel dust; a loss with kinks does, in first order. In a hurry nothing is weighed.
    """
    if hurried:
        return recover(problem.architecture, C, blocks.sign, blocks.active)

    def without(dust: float) -> Network:
        recovered = recover(problem.architecture, C, blocks.sign, blocks.active, relative_zero=dust)
        return prune(recovered, problem.patches, relative_zero=min(max(0.1 * dust, 1e-13), 1e-9))

    # Conic solvers leave blocks of a millionth of the largest. Newton's method, for the squared loss, leaves none, and
    # the dual vector of a network feels a small block in first order.
    if not isinstance(problem.loss, SquaredLoss):
        coarse = without(1e-5)
        if problem.objective(coarse) <= objective * (1.0 + 1e-10):
            return coarse
    network = without(1e-8)
    for dust in (1e-10, 0.0):
        reached, slack = problem.objective(network), 0.1 * tol * abs(objective)
        if reached <= objective + slack:
            break
        fuller = without(dust)
        if problem.objective(fuller) < reached - slack:
            network = fuller
    return network


def _descended(problem: Problem, network: Network, objective: float, tol: float, budget: Budget) -> Network:
    """The network, moved to the local minimum below it where blocks of a higher rank have left it above `objective`.

    Where several inputs are equal or zero the program has many optima, and an interior-point method ends in the middle
    of them: its blocks have a higher rank though others have rank one.
    """
    if problem.architecture.exactness is not Exactness.EXACT_IF_RANK_ONE:
        return network
    if network.m * problem.patches.size > _DESCENDS or problem.objective(network) <= objective * (1.0 + 0.5 * tol):
        return network
    return descend(problem, network, budget=budget)


def _final_status(run: Status, certificate: Certificate, relaxed: float | None, tol: float) -> Status:
    """Optimal only by the certificate; a finished run over sampled patterns is a restricted optimum.

    A convex program that is only a bound, of value `relaxed`, can be solved while its network is farther away.
    """
    if certificate.status is Status.OPTIMAL:
        return Status.OPTIMAL
    if run in (Status.OPTIMAL, Status.STALLED) and certificate.status is Status.PRECISION:
        return Status.PRECISION
    if run is not Status.OPTIMAL:
        return run
    if certificate.status in (Status.TIME_LIMIT, Status.CANCELLED):
        return certificate.status
    if certificate.scope is Scope.GLOBAL:
        return Status.STALLED if relaxed is None else Status.BOUND_REACHED
    value = certificate.objective if relaxed is None else relaxed
    reached = relative_gap(value, certificate.restricted_lower_bound) <= tol
    return Status.RESTRICTED_OPTIMUM if reached else Status.STALLED
