r"""Audit of a trained network: how far it is from the global optimum, and how much its own patterns allow.

A network trained by gradient methods holds certain sign patterns. The convex program over those patterns alone has a
value between the network's objective and the global optimum: a Clarke stationary point of the non-convex problem
*is* the optimum over its own patterns (Wang, Lacotte and Pilanci, arXiv 2006.05900). What remains between that value
and the global bound is the price of the patterns training ended in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrangement import distinct_rows
from .certificate import Certificate, certify_in
from .contracts.records import record
from .contracts.validation import check_arguments, targets
from .errors import Interrupted
from .networks.network import Network
from .networks.state_dict import network_from_arrays
from .presentation.answers import AuditAnswer
from .problem import Problem
from .program import CellFactory
from .progress import Budget, CancelFlag, ProgressCallback, together, within
from .solution import Solution, solve_over
from .solvers.incumbent import Incumbent
from .solvers.pricing.enumerated import Pricer
from .solvers.search import CellSearch, given_patterns

__all__ = ["Audit", "audit", "network_from_arrays", "own_patterns"]

_Array = NDArray[np.float64]
# share of the time for the certificate
_CERTIFYING = 0.7


@record
@dataclass(frozen=True, slots=True, repr=False)
class Audit(AuditAnswer):
    """What can be proved about a trained network.

    Attributes
    ----------
    network : Network
        The network.
    certificate : Certificate
        Its objective and the bound on the global optimum.
    own : Solution or None
        Optimum over the patterns of the network's own neurons (scope restricted); None for the zero network, or if no
        time was left for it. Its own network is never worse than the one that is audited.
    """

    network: Network
    certificate: Certificate
    own: Solution | None

    def __repr__(self) -> str:
        return f"Audit({self.certificate!r}, own patterns {self.own_objective:.6g})"

    @property
    def own_objective(self) -> float:
        """Best objective found over the network's own patterns, never above the network's."""
        own = np.inf if self.own is None else self.own.network_objective
        return min(own, self.certificate.objective)

    @property
    def training_excess(self) -> float:
        """Objective lost by stopping short of the optimum over the network's own patterns, >= 0."""
        return self.certificate.objective - self.own_objective

    @property
    def pattern_excess(self) -> float:
        """Objective lost, at most, by the choice of patterns: from :attr:`own_objective` to the lower bound."""
        return self.own_objective - self.certificate.lower_bound


@together()
def audit(
    problem: Problem,
    network: Network,
    *,
    dual: ArrayLike | None = None,
    tol: float = 1e-6,
    pricer: Pricer | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    max_rounds: int | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Audit:
    """Certify `network` and solve the convex program over its own patterns.

    Parameters
    ----------
    problem : Problem
        What the network was trained on.
    network : Network
        Any network of the problem's architecture.
    dual, pricer, seed, time_limit, cancel, progress
        As in :func:`certify`; the certificate takes at most 70 % of the time.
    max_rounds : int, optional
        Of the program over the network's own patterns, as in :func:`solve`.
    tol : float
        Relative gap.

    Raises
    ------
    InputError
        If the network does not fit the problem.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, train_sgd
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> trained = train_sgd(problem, seeds=[0], iterations=2000).best_networks[0]
    >>> result = audit(problem, trained)
    >>> result.certificate.lower_bound <= result.own_objective <= result.certificate.objective
    True
    """
    check_arguments("audit", problem=(problem, Problem), network=(network, Network))
    problem.check_network(network)
    given = None if dual is None else targets(dual, problem.size, "dual")
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress, max_rounds=max_rounds)
    certificate = certify_in(
        problem, network, dual=given, tol=tol, pricer=pricer, seed=seed, budget=budget.part(_CERTIFYING)
    )

    def search(inner: Budget) -> CellSearch | None:
        codes = own_patterns(problem, network)
        return given_patterns(problem, codes, seed=seed) if len(codes) else None

    own = None
    with suppress(Interrupted):
        found = within(budget, search) if budget.stop() is None else None
        if found is not None:
            incumbent = Incumbent(problem)
            incumbent.offer(incumbent.evaluated(network))
            own = solve_over(problem, found, tol=tol, budget=budget, incumbent=incumbent)
    return Audit(network, certificate, own)


def own_patterns(problem: Problem, network: Network) -> NDArray[np.bool_]:
    """Distinct codes (P, N) of the cells that hold the network's live neurons."""
    problem.check_network(network)
    architecture = problem.architecture
    parameters = architecture.balanced(network.parameters)
    cells = CellFactory(architecture, problem.patches)
    codes = architecture.codes(problem.patches, parameters)
    if not cells.coded and parameters["filters"].shape[1] == cells.p:
        # a filter on a hyperplane belongs to one cell, whatever the rounding of parallel rows
        patterns = cells.patterns(parameters["filters"])
        codes = np.concatenate([patterns, codes[:, patterns.shape[1] :]], axis=1)
    return distinct_rows(codes)
