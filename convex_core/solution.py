"""Solve a training problem to a certified global optimum."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .architectures import no_codes
from .certificate import Certificate, certify_known
from .contracts.records import record
from .contracts.validation import check_arguments, frozen, positive_number
from .errors import Interrupted
from .networks.network import Network
from .numerics.threads import one_blas_thread
from .presentation.answers import SolutionAnswer
from .problem import Problem
from .progress import Budget, CancelFlag, ProgressCallback, within
from .solvers.column_generation import Round, WarmStart, generate_columns
from .solvers.dual_bound import relative_gap
from .solvers.gated import solve_gated
from .solvers.incumbent import Incumbent, descended, few_neurons, network_of
from .solvers.pricing.enumerated import EnumeratedPricer
from .solvers.search import MAX_PATTERNS, METHODS, WITHOUT_ROUNDS, CellSearch, choose_search
from .solvers.whole import solve_whole
from .status import Exactness, Scope, Status

__all__ = ["METHODS", "Solution", "Timings", "solve", "solve_in", "solve_over"]

_Array = NDArray[np.float64]

# ways a run ends by itself
_FINISHED = (Status.OPTIMAL, Status.STALLED, Status.PRECISION, Status.ITERATION_LIMIT)
# seconds after the end of the time in which a bound is still looked for, where there is none
_AFTER = 0.05


@record
@dataclass(frozen=True, slots=True)
class Timings:
    """Wall-clock seconds by stage; `total` is the whole call.

    `cpu` are its processor seconds, of all threads of the process meanwhile: what else goes on in it counts too.
    """

    patterns: float
    build: float
    solve: float
    certify: float
    total: float
    cpu: float


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
    tol : float
        Relative gap that was asked for.
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
    tol: float = 1e-6

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
    entered = budget.seconds, budget.cpu_seconds
    incumbent = Incumbent(problem)
    try:
        search = choose_search(
            problem, method=method, seed=seed, max_patterns=max_patterns, budget=budget, incumbent=incumbent
        )
    except Interrupted as stop:
        return _unfinished(
            problem, incumbent, stop.status, method=method, seed=seed, tol=tol, budget=budget, entered=entered
        )
    return solve_over(problem, search, tol=tol, budget=budget, incumbent=incumbent)


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

    Column generation starts from `start`, if it is given. The network is no worse than any that `incumbent` knows.
    """
    entered = budget.seconds, budget.cpu_seconds
    known = incumbent or Incumbent(problem)
    try:
        budget.check("the program was not begun")
        return within(budget, lambda inner: _solve_over(problem, search, tol, inner, start, known, entered))
    except Interrupted as stopped:
        return _unfinished(
            problem, known, stopped.status, method=search.method, seed=search.seed, tol=tol, budget=budget,
            entered=entered, search=search,
        )  # fmt: skip


@one_blas_thread()
def _solve_over(
    problem: Problem,
    search: CellSearch,
    tol: float,
    budget: Budget,
    start: WarmStart | None,
    incumbent: Incumbent,
    entered: tuple[float, float],
) -> Solution:
    pricer, method = search.pricer, search.method
    if isinstance(pricer, EnumeratedPricer) and method in WITHOUT_ROUNDS:
        run = solve_whole(problem, pricer, backend=method, tol=min(tol, 1e-8), budget=budget)
    elif isinstance(pricer, EnumeratedPricer) and method == "gated":
        run = solve_gated(problem, pricer, tol=tol * 0.5, budget=budget, incumbent=incumbent)
    else:
        run = generate_columns(problem, pricer, tol=tol * 0.5, budget=budget, start=start, incumbent=incumbent)
    status, objective = run.status, run.upper

    begin = budget.seconds
    budget.report("certify", "certifying the recovered network", upper=objective)
    ended = status not in _FINISHED
    incumbent.offer(network_of(incumbent, run, tol, hurried=ended))
    best = few_neurons(incumbent)
    status = search.stopped or status
    if method != "gated" and not ended:
        lower = descended(incumbent, best, objective, tol, budget)
        if lower is not best:
            incumbent.offer(lower)
            best = few_neurons(incumbent)
    # a bound that was proved is enough; without one one more moment is spent on it
    stopped = status if ended and math.isfinite(run.tau) else None
    extra = replace(budget, time_limit=budget.seconds + _AFTER, cancel=None) if ended else budget
    certificate = certify_known(
        problem, best.network, pricer, dual=run.dual, tau=run.tau, tol=tol, budget=extra, stopped=stopped,
        outputs=best.outputs,
    )  # fmt: skip
    certify_seconds = budget.seconds - begin + run.price_seconds
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
        C=cast(_Array, frozen(run.C)),
        active=cast(NDArray[np.bool_], frozen(run.blocks.active)),
        sign=cast(NDArray[np.int8], frozen(run.blocks.sign)),
        history=run.history,
        seconds=Timings(
            search.seconds,
            run.build_seconds,
            run.solve_seconds,
            certify_seconds,
            search.seconds + budget.seconds - entered[0],
            max(0.0, search.cpu_seconds + budget.cpu_seconds - entered[1]),
        ),
        seed=search.seed,
        tol=tol,
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
    entered: tuple[float, float],
    search: CellSearch | None = None,
) -> Solution:
    """What is known when the time is up: the best network found, and the bound of the last round."""
    best, run = incumbent.spare, incumbent.run
    dual, tau, history = (None, None, ()) if run is None else (run.dual, run.tau, run.history)
    pricer = None if search is None else search.pricer
    certificate = certify_known(
        problem, best.network, pricer, dual=dual, tau=tau, tol=tol, budget=budget, stopped=status, outputs=best.outputs
    )
    if best.blocks is None:  # the zero network, or one from elsewhere
        one = problem.patches[:, :1]
        C = np.zeros((0, problem.architecture.design(one).shape[2]))
        active, sign = no_codes(problem.architecture, problem.patches), np.zeros(0, dtype=np.int8)
        value = best.objective
    else:
        C, active, sign, value = cast(_Array, best.C), best.blocks.active, best.blocks.sign, best.value
    spent, cpu = budget.seconds - entered[0], budget.cpu_seconds - entered[1]
    searched, solving = (spent, 0.0) if search is None else (search.seconds, spent)
    cpu = max(0.0, cpu if search is None else search.cpu_seconds + cpu)
    return Solution(
        problem=problem,
        network=best.network,
        objective=value,
        certificate=certificate,
        predictions=cast(_Array, frozen(best.outputs)),
        status=_final_status(status, certificate, None, tol),
        method=method,
        patterns=None if search is None else search.patterns,
        patterns_bound=problem.architecture.most_cells(problem.patches) if search is None else search.patterns_bound,
        C=cast(_Array, frozen(C)),
        active=cast(NDArray[np.bool_], frozen(active)),
        sign=cast(NDArray[np.int8], frozen(sign)),
        history=tuple(history),
        seconds=Timings(searched, 0.0, solving, 0.0, searched + solving, cpu),
        seed=seed,
        tol=tol,
    )


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
