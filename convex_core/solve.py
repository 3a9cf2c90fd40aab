"""Solve a training problem to a certified global optimum."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ._arguments import check_arguments
from ._blas import one_blas_thread
from ._records import record
from .architectures import CodeList
from .arrangement import count_patterns
from .certificate import Certificate, judge
from .errors import InputError, Interrupted
from .export.answers import SolutionAnswer
from .losses import SquaredLoss
from .network import Network
from .problem import Problem
from .program import Blocks, CellFactory
from .progress import Budget, CancelFlag, ProgressCallback
from .recovery import prune, recover
from .solvers.column_generation import Round, WarmStart, generate_columns, relative_gap
from .solvers.gated import solve_gated
from .solvers.pricing import EnumeratedPricer, Pricer
from .solvers.select import MAX_PATTERNS, enumerated_pricer, make_pricer, sampled_pricer, searched_pricer
from .solvers.whole import solve_whole
from .status import Exactness, Scope, Status
from .validation import frozen, integer, positive_number

__all__ = ["METHODS", "CellSearch", "Solution", "Timings", "choose_search", "given_patterns", "solve", "solve_over"]

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


# ways a run ends by itself
_FINISHED = (Status.OPTIMAL, Status.STALLED, Status.ITERATION_LIMIT)
#: patterns counted for information when they need not be listed
_COUNTED = 1_000_000


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
        The recovered network, pruned to at most n filters.
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
        """How the convex program relates to the non-convex problem."""
        return self.certificate.exactness

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
        Seconds; on reaching it the best network so far is returned with valid bounds.
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
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    search = choose_search(problem, method=method, seed=seed, max_patterns=max_patterns, budget=budget)
    return solve_over(problem, search, tol=tol, budget=budget)


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


def choose_search(problem: Problem, *, method: str, seed: int, max_patterns: int, budget: Budget) -> CellSearch:
    """Set up the search of `method`; arguments and errors as in :func:`solve`."""
    if method not in METHODS:
        raise InputError(f"method: got {method!r}, expected one of {', '.join(METHODS)}")
    seed = integer(seed, "seed", minimum=0)
    max_patterns = integer(max_patterns, "max_patterns")
    begin = budget.seconds
    stopped: Status | None = None
    pricer: Pricer
    if method == "auto":
        pricer, stopped = make_pricer(problem, budget=budget, seed=seed, max_patterns=max_patterns)
        listed = "column-generation" if pricer.scope is Scope.GLOBAL else "sampled"
        method = "branch-and-bound" if pricer.listed is None else listed
    elif method == "branch-and-bound":
        pricer = searched_pricer(problem, seed=seed)
    elif method == "sampled":
        pricer = sampled_pricer(problem, seed=seed, budget=budget)
    else:
        try:
            pricer = enumerated_pricer(problem, budget=budget, max_patterns=max_patterns)
        except Interrupted as stop:
            pricer, stopped = sampled_pricer(problem, seed=seed, samples=64, budget=budget), stop.status
    predicted = pricer.factory.predicted
    patterns = pricer.listed if pricer.scope is Scope.GLOBAL else None
    # not needed, but quick and good to know
    if pricer.listed is None and pricer.factory.additive and predicted <= _COUNTED:
        patterns = count_patterns(pricer.factory.hyperplanes).patterns
    return CellSearch(pricer, method, patterns, predicted, seed, stopped, budget.seconds - begin)


def given_patterns(problem: Problem, active: NDArray[np.bool_], *, seed: int = 0) -> CellSearch:
    """Search over given sign patterns (P, N) only; the scope is restricted, whatever the patterns are."""
    factory = CellFactory(problem.architecture, problem.patches)
    pricer = EnumeratedPricer(factory, CodeList(np.unique(active, axis=0)))
    return CellSearch(pricer, "sampled", None, factory.predicted, seed, None, 0.0)


@one_blas_thread()
def solve_over(
    problem: Problem, search: CellSearch, *, tol: float, budget: Budget, start: WarmStart | None = None
) -> Solution:
    """Solve, recover and certify over the cells of `search`; the time of the search counts as the solution's own.

    Column generation starts from `start`, if it is given.
    """
    entered = budget.seconds
    pricer, method = search.pricer, search.method
    dual: _Array | None
    tau: float | None = None
    history: Sequence[Round] = ()
    if isinstance(pricer, EnumeratedPricer) and method in ("clarabel", "cvxpy"):
        whole = solve_whole(problem, pricer, backend=method, tol=min(tol, 1e-8), budget=budget)
        C, blocks, dual, status = whole.C, whole.blocks, whole.dual, whole.status
        objective = problem.loss.value(whole.outputs, problem.y) + problem.beta * float(
            problem.architecture.penalty.norm(C).sum()
        )
        build, solving, pricing = whole.build_seconds, whole.solve_seconds, 0.0
    else:
        if isinstance(pricer, EnumeratedPricer) and method == "gated":
            gated = solve_gated(problem, pricer, tol=tol * 0.5, budget=budget)
            run, C, blocks = gated.run, gated.C, gated.blocks
        else:
            run = generate_columns(problem, pricer, tol=tol * 0.5, budget=budget, start=start)
            C, blocks, tau = run.C, run.blocks, run.tau
        dual, status, objective, history = run.dual, run.status, run.upper, run.history
        build, solving, pricing = run.build_seconds, run.solve_seconds, run.price_seconds

    begin = time.perf_counter()
    budget.report("certify", "judging the recovered network", upper=objective)
    network = _network(problem, C, blocks, objective, tol)
    status = search.stopped or status
    if status in _FINISHED:
        extra, stopped = Budget(), None
    else:  # a bound that was proved is enough; without one the judge has a time of its own
        extra = Budget(time_limit=max(1.0, 0.25 * (budget.time_limit or 0.0)))
        stopped = status if tau is not None and math.isfinite(tau) else None
    certificate = judge(problem, network, pricer, dual=dual, tau=tau, tol=tol, budget=extra, stopped=stopped)
    certify_seconds = time.perf_counter() - begin + pricing
    relaxed = method == "gated" or problem.architecture.exactness is not Exactness.EXACT
    status = _final_status(status, certificate, objective if relaxed else None, tol)
    return Solution(
        problem=problem,
        network=network,
        objective=objective,
        certificate=certificate,
        predictions=cast(_Array, frozen(network.predict_patches(problem.patches))),
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


def _network(problem: Problem, C: _Array, blocks: Blocks, objective: float, tol: float) -> Network:
    """The pruned network of the blocks, without dust where that costs at most a tenth of `tol`.

    The smooth losses do not feel dust; a loss with kinks does, in first order.
    """

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


def _final_status(run: Status, certificate: Certificate, relaxed: float | None, tol: float) -> Status:
    """Optimal only by the certificate; a finished run over sampled patterns is a restricted optimum.

    A convex program that is only a bound, of value `relaxed`, can be solved while its network is farther away.
    """
    if certificate.status is Status.OPTIMAL:
        return Status.OPTIMAL
    if run is not Status.OPTIMAL:
        return run
    if certificate.scope is Scope.GLOBAL:
        return Status.STALLED if relaxed is None else Status.BOUND_REACHED
    value = certificate.objective if relaxed is None else relaxed
    reached = relative_gap(value, certificate.restricted_lower_bound) <= tol
    return Status.RESTRICTED_OPTIMUM if reached else Status.STALLED
