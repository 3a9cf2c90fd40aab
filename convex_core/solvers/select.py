"""Which pricer a problem gets: patterns listed, searched by branch and bound, or sampled; the result says which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..architectures import CodeList
from ..arrangement import sample_patterns
from ..errors import Interrupted, SizeError
from ..penalties import L2Penalty
from ..problem import Problem
from ..program import CellFactory
from ..progress import Budget
from ..status import Scope, Status
from .pricing import EnumeratedPricer, Pricer
from .sphere_pricer import SpherePricer

__all__ = [
    "FEW_PATTERNS",
    "MAX_PATTERNS",
    "MAX_SEARCH_LENGTH",
    "enumerated_pricer",
    "make_pricer",
    "sampled_pricer",
    "searched_pricer",
]

#: patterns listed without asking; beyond, a solve takes minutes and samples are used unless told otherwise
MAX_PATTERNS = 2_000_000
#: patterns listed rather than searched for whatever the filter length
FEW_PATTERNS = 10_000
#: longest filter for branch and bound; the number of cones grows exponentially with it
MAX_SEARCH_LENGTH = 5
_SAMPLES = 2_000


def enumerated_pricer(problem: Problem, *, budget: Budget, max_patterns: int = MAX_PATTERNS) -> EnumeratedPricer:
    """Pricer over every pattern; :class:`SizeError` if they are more than `max_patterns`."""
    return _listed(CellFactory(problem.architecture, problem.patches), budget, max_patterns)


def _listed(factory: CellFactory, budget: Budget, max_patterns: int) -> EnumeratedPricer:
    budget.report("patterns", f"listing the cells of {len(factory.rows)} hyperplanes")
    return EnumeratedPricer(factory, factory.listed(max_patterns=max_patterns, budget=budget))


def sampled_pricer(problem: Problem, *, seed: int, samples: int = _SAMPLES) -> EnumeratedPricer:
    """Pricer over sampled patterns (scope restricted).

    Gaussian directions and the fixed points of local ascent on the correlation with y are used: cells that matter
    have large atoms, which uniform sampling over cells would miss.
    """
    factory = CellFactory(problem.architecture, problem.patches)
    if factory.coded:
        return EnumeratedPricer(factory, CodeList(_random_codes(factory, samples, seed)))
    found = sample_patterns(factory.hyperplanes, samples, method="gaussian", seed=seed).distinct().active()
    starts = np.random.default_rng(seed).standard_normal((64, factory.p))
    v = -problem.loss.gradient(np.zeros(problem.n), problem.y)
    lists = [found]
    for sign in (1.0, -1.0):
        lists.append(_ascend(factory, sign * v, starts))
    return EnumeratedPricer(factory, CodeList(np.unique(np.concatenate(lists), axis=0)))


def searched_pricer(problem: Problem, *, seed: int = 0) -> SpherePricer:
    """Pricer that covers every cell without listing any; :class:`BackendError` if the atoms are not additive."""
    factory = CellFactory(problem.architecture, problem.patches)
    factory.ridge(problem.y)  # raises if there are no ridge coefficients
    return SpherePricer(factory, seed=seed)


def make_pricer(
    problem: Problem, *, budget: Budget, seed: int = 0, max_patterns: int = MAX_PATTERNS
) -> tuple[Pricer, Status | None]:
    """The pricer that should be fastest, and why the choice was cut short if it was.

    Few patterns are listed. Otherwise short filters are searched by branch and bound, which does not depend on the
    number of patterns; long ones are listed up to `max_patterns` and sampled beyond.
    """
    factory = CellFactory(problem.architecture, problem.patches)
    predicted = factory.predicted
    short = factory.p <= MAX_SEARCH_LENGTH and isinstance(problem.architecture.penalty, L2Penalty)
    if predicted > min(FEW_PATTERNS, max_patterns) and short and factory.additive:
        return SpherePricer(factory, seed=seed), None
    try:
        pricer = _listed(factory, budget, max_patterns)
        if pricer.scope is Scope.RESTRICTED and short and factory.additive:  # the list could not be certified
            return SpherePricer(factory, seed=seed), None
        return pricer, None
    except SizeError:
        return sampled_pricer(problem, seed=seed), None
    except Interrupted as stop:
        return sampled_pricer(problem, seed=seed, samples=64), stop.status


def _random_codes(factory: CellFactory, samples: int, seed: int) -> NDArray[np.bool_]:
    """Cells of random neurons, for architectures that say their own sides."""
    rng = np.random.default_rng(seed)
    architecture = factory.architecture
    random = {name: rng.standard_normal((samples, *shape)) for name, shape in architecture.shapes.items()}
    return np.unique(architecture.codes(factory.patches, architecture.project(random)), axis=0)


def _ascend(
    factory: CellFactory, v: NDArray[np.float64], U: NDArray[np.float64], steps: int = 100
) -> NDArray[np.bool_]:
    """Patterns at the fixed points of ``u <- G(u)^T v / ||.||``, which never lowers v . phi(u) where v is positive."""
    active = factory.patterns(U)
    for _ in range(steps):
        g = factory.pull_backs(factory.gate_rows(active), v)
        size = np.linalg.norm(g, axis=1)
        g = g[size > 0.0]
        if not len(g):
            break
        new = factory.patterns(g)
        if new.shape == active.shape and np.array_equal(new, active):
            break
        active = new
    return active
