r"""Certificates: provable bounds for any network, recomputed from the data alone.

For any weights let f be the outputs, P the non-convex objective and :math:`v` a dual vector (by default
:math:`-\nabla\ell(f)`). With :math:`\tau(v) = \max |v^T\varphi|` over all atoms and :math:`\alpha` such that
:math:`|\alpha| \tau \le \beta`,

.. math:: D = -\ell^*(-\alpha v) \;\le\; p^* \;\le\; P ,

so the gap P - D is a proof: :math:`\tau` contains a bound on its own rounding errors and D is rounded down, so that D
is at most the exact objective of any network whose weights are doubles, whatever the scale of the data and of beta (see
:meth:`~convex_core.program.CellFactory.rounding`; P is what the forward pass computes). If only some cells were
examined there is no global lower bound, and the result says ``restricted``. No solver status is trusted here: outputs,
objective and :math:`\tau` are computed again.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .contracts.records import record
from .contracts.validation import check_arguments, frozen, targets
from .errors import InputError, Interrupted
from .networks.network import Network
from .numerics.rounding import UNIT_ROUNDOFF
from .numerics.threads import one_blas_thread
from .presentation.answers import CertificateAnswer
from .problem import Problem
from .progress import Budget, CancelFlag, ProgressCallback, within
from .solvers.closing import Closing
from .solvers.dual_bound import DualBound, dual_bound, relative_gap
from .solvers.pricing.elsewhere import check_executor
from .solvers.pricing.enumerated import Pricer
from .solvers.search import make_pricer, searched_pricer
from .status import Exactness, Scope, Status

__all__ = ["Certificate", "beta_max", "certify", "certify_known"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Certificate(CertificateAnswer):
    """What is proved about one network.

    Attributes
    ----------
    objective : float
        Non-convex objective P of the network, computed by a forward pass.
    lower_bound : float
        Lower bound D on the global optimum; ``-inf`` unless `scope` is global.
    restricted_lower_bound : float
        Lower bound on the optimum over the cells that were examined; equal to `lower_bound` for scope global.
    relative_gap : float
        ``(P - D) / P``; ``inf`` without a lower bound.
    tau : float
        Sound upper bound on the largest correlation of the unscaled dual vector with an atom, never below the floor
        at which cells need not be resolved.
    dual : (n,) float64
        The scaled, feasible dual vector that gives the bound.
    scope : Scope
        Whether every pattern was covered.
    status : Status
        ``optimal`` if `relative_gap` is at most `tol`, ``precision`` if rounding errors lower the bound by more than
        that, else ``feasible``; or why the run was cut short.
    exactness : Exactness
        How the convex program relates to the non-convex problem.
    patterns : int or None
        Number of patterns examined; None if the cells were searched without listing them.
    rounding : float
        The part of `tau` that stands for rounding errors.
    price : float
        Sound upper bound on the largest correlation of `dual` with an atom, at most beta; ``inf`` without a bound.
    """

    objective: float
    lower_bound: float
    restricted_lower_bound: float
    relative_gap: float
    tau: float
    dual: _Array
    scope: Scope
    status: Status
    exactness: Exactness
    patterns: int | None
    rounding: float = 0.0
    price: float = math.inf

    def __repr__(self) -> str:
        return (
            f"Certificate({self.status}, objective {self.objective:.6g}, lower bound {self.lower_bound:.6g}, "
            f"gap {self.relative_gap:.2g}, {self.scope}, {self.exactness})"
        )


def certify(
    problem: Problem,
    network: Network,
    *,
    dual: ArrayLike | None = None,
    tol: float = 1e-6,
    pricer: Pricer | None = None,
    seed: int = 0,
    executor: Executor | None = None,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Certificate:
    """Certify `network` on `problem`: how far is it, at most, from the global optimum.

    Parameters
    ----------
    problem : Problem
        The training problem.
    network : Network
        Any network of the problem's architecture, from the convex program, SGD or a file.
    dual : (n,), optional
        A dual vector to try besides the network's own residual (for example from a solution or a model file). It is
        not trusted: it is priced and scaled like any other.
    tol : float
        Relative gap at or below which the status is ``optimal``.
    pricer : Pricer, optional
        How to search the cells; chosen by size if not given.
    seed : int
        Seed of sampled patterns, if the cells are too many to list.
    executor : concurrent.futures.Executor, optional
        Processes, or the workers of a cluster (dask: ``client.get_executor()``), which share one proof: the cells are
        searched by branch and bound, whatever their number, in parts that are sent there and take a second or so each.
        A part that is lost with its worker is searched here. In a script, processes want
        ``if __name__ == "__main__":``.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`; parts that an executor has begun end by themselves.

    Raises
    ------
    InputError
        If the network or the dual vector does not fit the problem; with an executor, for a `pricer` besides it, and for
        a network whose cells cannot be searched by branch and bound.

    Examples
    --------
    >>> from convex_core import Network, Problem, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("talk"), beta=100.0)
    >>> zero = Network(problem.architecture, [], [])
    >>> certify(problem, zero).relative_gap  # beta is above beta_max: the zero network is optimal
    0.0
    >>> from concurrent.futures import ThreadPoolExecutor  # or ProcessPoolExecutor, or dask's
    >>> with ThreadPoolExecutor(2) as workers:
    ...     certify(problem.with_beta(0.05), zero, executor=workers).scope.value
    'global'
    """
    check_arguments("certify", problem=(problem, Problem), network=(network, Network))
    problem.check_network(network)
    given = None if dual is None else targets(dual, problem.size, "dual")
    if executor is not None:
        check_executor(executor)
        if pricer is not None:
            raise InputError("executor: got one and a pricer, expected one of them: a pricer searches where it is")
        pricer = searched_pricer(problem, seed=seed, executor=executor)
    return certify_in(
        problem, network, dual=given, tol=tol, pricer=pricer, seed=seed,
        budget=Budget(time_limit=time_limit, cancel=cancel, progress=progress),
    )  # fmt: skip


def certify_in(
    problem: Problem,
    network: Network,
    *,
    dual: _Array | None,
    tol: float,
    pricer: Pricer | None,
    seed: int,
    budget: Budget,
) -> Certificate:
    """:func:`certify` within a budget; what is not proved when that ends is left open."""
    noted: list[_Array] = []

    @one_blas_thread()
    def work(inner: Budget) -> Certificate:
        noted.append(network.predict_patches(problem.patches))
        used, stopped = (pricer, None) if pricer is not None else make_pricer(problem, budget=inner, seed=seed)
        return certify_known(
            problem, network, used, dual=dual, tol=tol, budget=inner, stopped=stopped, outputs=noted[0]
        )

    try:
        return within(budget, work)
    except Interrupted as stop:
        if not noted:
            raise Interrupted("the network was not evaluated", status=stop.status) from stop
        return certify_known(
            problem, network, None, dual=None, tol=tol, budget=budget, stopped=stop.status, outputs=noted[0]
        )


def certify_known(
    problem: Problem,
    network: Network,
    pricer: Pricer | None,
    *,
    outputs: _Array,
    dual: _Array | None,
    tol: float,
    budget: Budget,
    tau: float | None = None,
    stopped: Status | None = None,
) -> Certificate:
    """What :func:`certify` does, for known `outputs` of the network, and a dual vector whose price may be known.

    `tau` is what `pricer` itself proved about `dual`: it is priced once, and by nobody else. Without a pricer, or when
    `stopped`, nothing is priced.
    """
    objective = problem.objective_at(outputs, network)
    if pricer is None:
        return _unproved(problem, objective, stopped)
    factory = pricer.factory
    candidates: list[tuple[_Array, float | None]] = [(-problem.loss.gradient(outputs, problem.y), None)]
    if dual is not None:
        given = problem.loss.feasible(dual, problem.y)
        known = None if tau is None or not math.isfinite(tau) else tau + factory.reach(given - dual)
        candidates.insert(1 if known is None else 0, (given, known))
    vector = np.zeros(problem.size)
    best = DualBound(-math.inf, np.zeros(problem.size), math.inf)
    best_tau, best_rounding = math.inf, 0.0
    closing = Closing(problem, pricer)
    if tau is not None:
        closing.pending = False  # who proved it has looked for a better dual vector
    for v, known in candidates:
        if (known is None and stopped is not None) or relative_gap(objective, best.value) <= tol:
            break
        if known is None:
            slack = 0.1 * tol
            first = closing.first(budget)
            price = pricer.price(v, floor=problem.beta, want=1, budget=first, slack=slack, prove=True)
            if closing.pending and price.stopped is not None and budget.stop() is None:
                better = best
                if closing.needed(price.bound):
                    better = closing.run(v, np.zeros((0, problem.size)), objective, tol, best, budget)
                if better is not best:
                    best, best_tau, best_rounding = better, better.tau, pricer.rounding(better.dual)
                    vector = better.dual
                if first is not budget:  # the rest of the time
                    price = pricer.price(v, floor=problem.beta, want=1, budget=budget, slack=slack, prove=True)
            if price.bound - price.rounding <= problem.beta and math.isinf(relative_gap(objective, best.value)):
                # v may be scaled up: find out how far
                price = pricer.price(v, floor=0.0, want=1, budget=budget, slack=slack, prove=True)
            stopped, bound, rounding = price.stopped, price.bound, price.rounding
        else:
            bound, rounding = known, pricer.rounding(v)
        proved = dual_bound(problem, factory, v, bound)
        if proved.value > best.value:
            best, best_tau, best_rounding, vector = proved, bound, rounding, v
    lowest, tau, scaled = best.value, best_tau, best.dual
    reached = best.tau if math.isfinite(lowest) else math.inf
    if abs(objective - lowest) <= (problem.size + 8) * UNIT_ROUNDOFF * abs(objective):
        objective = lowest  # a sum of as many terms is not known better, and this is one of its values
    elif network.m == 0 and 0.0 < objective <= _rounding_of_a_fit(problem, network):
        objective = max(lowest, 0.0)  # what costs nothing fits the targets: the rest is rounding of the forward pass
    scope = pricer.scope if math.isfinite(lowest) else Scope.RESTRICTED
    lower = lowest if scope is Scope.GLOBAL else -math.inf
    gap = relative_gap(objective, lower)
    status = Status.OPTIMAL if gap <= tol else stopped or Status.FEASIBLE
    if status is Status.FEASIBLE and math.isfinite(lowest):
        exact = dual_bound(problem, factory, vector, max(best_tau - best_rounding, 0.0)).value
        if relative_gap(exact, lowest) > tol:  # a better network would not help
            status = Status.PRECISION
    return Certificate(
        objective=objective,
        lower_bound=lower,
        restricted_lower_bound=lowest,
        relative_gap=gap,
        tau=tau,
        dual=cast(_Array, frozen(scaled)),
        scope=scope,
        status=status,
        exactness=problem.architecture.exactness,
        patterns=pricer.listed_count,
        rounding=best_rounding,
        price=reached,
    )


def _rounding_of_a_fit(problem: Problem, network: Network) -> float:
    """A loss that outputs may have which are the targets but for rounding; 0 where nothing is for free."""
    loss, y = problem.whole_loss, problem.y
    if loss is problem.loss or loss.value(y, y) > 0.0:
        return 0.0
    terms = np.abs(problem.architecture.free_columns(problem.patches)) @ np.abs(network.free) + np.abs(y)
    return loss.value(y + (len(y) + 8) * UNIT_ROUNDOFF * float(terms.max(initial=0.0)), y)


def _unproved(problem: Problem, objective: float, stopped: Status | None) -> Certificate:
    """The objective alone: nothing was priced."""
    return Certificate(
        objective=objective,
        lower_bound=-math.inf,
        restricted_lower_bound=-math.inf,
        relative_gap=math.inf,
        tau=math.inf,
        dual=cast(_Array, frozen(np.zeros(problem.size))),
        scope=Scope.RESTRICTED,
        status=stopped or Status.FEASIBLE,
        exactness=problem.architecture.exactness,
        patterns=None,
    )


def beta_max(
    problem: Problem,
    *,
    pricer: Pricer | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> tuple[float, Scope]:
    r"""Smallest beta at which the zero network is optimal, :math:`\max_{\|u\| \le 1} |\nabla\ell(0)^T \varphi(u)|`.

    Parameters
    ----------
    problem : Problem
        Data; its own beta plays no role.
    pricer, seed, time_limit, cancel, progress
        As in :func:`certify`.

    Raises
    ------
    Interrupted
        If the time is up before the value is known.

    Returns
    -------
    value : float
        Over the cells searched, rounded up; with scope ``restricted`` it is, but for rounding, a lower bound on the
        true value.
    scope : Scope
        Whether every cell was covered.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> value, scope = beta_max(Problem.from_dataset(load_dataset("talk")))
    >>> scope.value
    'global'
    """
    check_arguments("beta_max", problem=(problem, Problem))
    return beta_max_in(problem, pricer, seed, Budget(time_limit=time_limit, cancel=cancel, progress=progress))


def beta_max_in(problem: Problem, pricer: Pricer | None, seed: int, budget: Budget) -> tuple[float, Scope]:
    """:func:`beta_max` within a budget."""

    @one_blas_thread()
    def work(inner: Budget) -> tuple[float, Scope]:
        used = make_pricer(problem, budget=inner, seed=seed)[0] if pricer is None else pricer
        v = problem.zero_dual
        price = used.price(v, floor=0.0, want=1, budget=inner, prove=True)
        if price.stopped is not None:
            raise Interrupted("beta max was not proved", status=price.stopped)
        return price.bound, used.scope

    return within(budget, work)
