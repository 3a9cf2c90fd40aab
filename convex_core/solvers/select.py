"""Which pricer a problem gets: patterns listed, searched by branch and bound, or sampled; the result says which."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..architectures import CodeList, VectorOutputs
from ..arrangement import distinct_rows, sample_patterns
from ..errors import InputError, Interrupted, SizeError
from ..local_search import local_search
from ..neurons import random_neurons
from ..penalties import L2Penalty
from ..problem import Problem
from ..program import CellFactory
from ..progress import Budget
from ..status import Scope, Status
from .ascent_pricer import AscentPricer
from .incumbent import Incumbent
from .neuron_cells import grown_codes
from .output_pricer import OutputPricer
from .pricing import EnumeratedPricer, Pricer
from .sphere_pricer import SpherePricer

__all__ = [
    "FEW_PATTERNS",
    "LONGEST_SEARCHED",
    "MAX_PATTERNS",
    "MAX_SEARCH_LENGTH",
    "enumerated_pricer",
    "make_pricer",
    "sampled_pricer",
    "searched_pricer",
]

_Array = NDArray[np.float64]

#: patterns listed without asking; beyond, a solve takes minutes and samples are used unless told otherwise
MAX_PATTERNS = 2_000_000
#: patterns listed rather than searched for whatever the filter length
FEW_PATTERNS = 10_000
#: longest filter for branch and bound unless it is asked for; the number of cones grows exponentially with it
MAX_SEARCH_LENGTH = 5
#: longest filter for branch and bound at all
LONGEST_SEARCHED = 12
_SAMPLES = 2_000
_ASCENTS = 64
_MET = 200
_TRAINED = 20
_FEW = 16
# bits of all samples together: 64 MB unpacked, eight times that as gates
_SAMPLED_BITS = 1 << 26
# against the clock
_SAMPLED_BITS_A_SECOND = 5e6
# shares of the time left for a list, for one that is most likely too long, and for sampling
_LISTING, _TRYING, _SAMPLING = 0.7, 0.2, 0.4


def enumerated_pricer(problem: Problem, *, budget: Budget, max_patterns: int = MAX_PATTERNS) -> EnumeratedPricer:
    """Pricer over every pattern; :class:`SizeError` if they are more than `max_patterns`."""
    return _listed(CellFactory(problem.architecture, problem.patches), budget, max_patterns)


def _listed(factory: CellFactory, budget: Budget, max_patterns: int) -> EnumeratedPricer:
    budget.report("patterns", f"listing the cells of {len(factory.rows)} hyperplanes")
    return EnumeratedPricer(factory, factory.listed(max_patterns=max_patterns, budget=budget))


def sampled_pricer(
    problem: Problem,
    *,
    seed: int,
    samples: int = _SAMPLES,
    budget: Budget | None = None,
    incumbent: Incumbent | None = None,
) -> Pricer:
    """Pricer over sampled patterns (scope restricted).

    Gaussian directions and, with the Euclidean penalty, the fixed points of local ascent on the correlation with y are
    used: cells that matter have large atoms, which uniform sampling over cells would miss. Where the cells are not
    those of an arrangement, random neurons meet them, and neurons that climb (:func:`grown_codes`). With another norm,
    and atoms that are sums over hyperplanes, the list begins with the cells of a trained network. Where atoms are such
    sums, the list grows by the ascents of :class:`AscentPricer`. Sampling gets a share of the time at most, and few
    samples of many rows. Networks that are met are offered to the `incumbent`.
    """
    factory, duals = _one_output(problem)
    budget = (budget or Budget()).part(_SAMPLING)
    samples = max(_FEW, min(samples, _SAMPLED_BITS // max(1, factory.width)))
    if budget.paced:
        samples = max(_FEW, min(samples, int(_SAMPLED_BITS_A_SECOND * budget.remaining) // max(1, factory.width)))
    if factory.additive and len(duals) == 1 and not isinstance(problem.architecture.penalty, L2Penalty):
        network = local_search(
            problem, m=min(problem.n + 1, _TRAINED), starts=2, seed=seed, polish=False, budget=budget
        )
        if incumbent is not None:
            incumbent.offer(incumbent.judged(network))
        trained = problem.architecture.codes(problem.patches, network.parameters)
        drawn = sample_patterns(factory.hyperplanes, _FEW, method="gaussian", seed=seed).active()
        return AscentPricer(factory, distinct_rows(np.concatenate([trained, drawn])), seed=seed)
    if factory.coded:
        found = _random_codes(factory, min(samples, _MET), seed)
        if len(duals) == 1:
            found = grown_codes(problem, factory, found, seed=seed, budget=budget, incumbent=incumbent)
    else:
        found = sample_patterns(factory.hyperplanes, samples, method="gaussian", seed=seed).distinct().active()
    if not isinstance(problem.architecture.penalty, L2Penalty):
        return _every_output(problem, [EnumeratedPricer(factory, CodeList(found))] * len(duals))
    starts = found[np.random.default_rng(seed).permutation(len(found))[:_ASCENTS]]
    climbed = [_ascend(factory, sign * v, starts, budget) for v in duals for sign in (1.0, -1.0)]
    codes = distinct_rows(np.concatenate([found, *climbed]))
    pricer = AscentPricer(factory, codes, seed=seed) if factory.additive else EnumeratedPricer(factory, CodeList(codes))
    return _every_output(problem, [pricer] * len(duals))


def searched_pricer(problem: Problem, *, seed: int = 0) -> Pricer:
    """Pricer that covers every cell without listing any.

    Raises
    ------
    InputError
        If the atoms are not additive, blocks are not measured by the Euclidean norm, or filters are too long.
    """
    factory, duals = _one_output(problem)
    factory.ridge(duals[0])  # raises if there are no ridge coefficients
    if not isinstance(factory.architecture.penalty, L2Penalty):  # its bound is over the Euclidean ball
        raise InputError(
            f"search over directions: got the architecture {problem.architecture.name!r} with a block norm of its own, "
            "expected the Euclidean norm"
        )
    if factory.p > LONGEST_SEARCHED:
        raise InputError(
            f"search over directions: got filters of {factory.p} entries, expected at most {LONGEST_SEARCHED}: it "
            "begins with 2^(entries - 1) cones"
        )
    return _every_output(problem, [SpherePricer(factory, seed=seed) for _ in duals])


def make_pricer(
    problem: Problem,
    *,
    budget: Budget,
    seed: int = 0,
    max_patterns: int = MAX_PATTERNS,
    incumbent: Incumbent | None = None,
) -> tuple[Pricer, Status | None]:
    """The pricer that should be fastest, and why the choice was cut short if it was.

    Few patterns are listed. Otherwise short filters are searched by branch and bound, which does not depend on the
    number of patterns; long ones are listed up to `max_patterns` and sampled beyond.
    """
    factory, duals = _one_output(problem)
    predicted = factory.predicted
    short = factory.p <= MAX_SEARCH_LENGTH and isinstance(problem.architecture.penalty, L2Penalty)
    if predicted > min(FEW_PATTERNS, max_patterns) and short and factory.additive:
        return searched_pricer(problem, seed=seed), None
    try:
        # against the clock a list that is probably too long is no more than tried
        pricer = _listed(factory, budget.part(_TRYING if predicted > max_patterns else _LISTING), max_patterns)
        if pricer.scope is Scope.RESTRICTED and short and factory.additive:  # the list could not be certified
            return searched_pricer(problem, seed=seed), None
        return _every_output(problem, [pricer] * len(duals)), None
    except SizeError:
        return sampled_pricer(problem, seed=seed, budget=budget, incumbent=incumbent), None
    except Interrupted as stop:
        few = _FEW if budget.stop() is not None else _SAMPLES
        return sampled_pricer(problem, seed=seed, samples=few, budget=budget, incumbent=incumbent), stop.status


def _one_output(problem: Problem) -> tuple[CellFactory, list[_Array]]:
    """Cells of the network with one output, and the dual vector (n,) of the zero network for each output."""
    architecture = problem.architecture
    v = -problem.loss.gradient(np.zeros(problem.size), problem.y)
    if isinstance(architecture, VectorOutputs):
        return CellFactory(architecture.single, problem.patches), list(v.reshape(-1, architecture.q).T)
    return CellFactory(architecture, problem.patches), [v]


def _every_output(problem: Problem, pricers: Sequence[Pricer]) -> Pricer:
    """One pricer out of those of the outputs."""
    architecture = problem.architecture
    return OutputPricer(architecture, pricers) if isinstance(architecture, VectorOutputs) else pricers[0]


def _random_codes(factory: CellFactory, samples: int, seed: int) -> NDArray[np.bool_]:
    """Cells of random neurons, for architectures that say their own sides."""
    architecture = factory.architecture
    random = random_neurons(architecture, samples, np.random.default_rng(seed))
    return distinct_rows(architecture.codes(factory.patches, architecture.project(random)))


def _ascend(
    factory: CellFactory, v: _Array, codes: NDArray[np.bool_], budget: Budget, steps: int = 100
) -> NDArray[np.bool_]:
    """Cells at the fixed points of ``u <- G(u)^T v / ||.||``, which never lowers v . phi(u) where v is positive."""
    for _ in range(steps):
        if budget.stop() is not None:
            break
        g = factory.pull_backs(factory.gate_rows(codes), v)
        alive = np.linalg.norm(g, axis=1) > 0.0
        if not alive.any():
            break
        new = factory.cells(g[alive], codes[alive])
        if np.array_equal(new, codes):
            break
        codes = new
    return codes
