"""How the cells of a problem are searched: by the method that was asked for, or the one that should be fastest.

Patterns are listed, searched by branch and bound, or sampled; the result says which.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture, CodeList
from ..arrangement import count_patterns, distinct_rows, sample_patterns
from ..contracts.records import record
from ..contracts.validation import integer
from ..errors import InputError, Interrupted, SizeError
from ..numerics.threads import one_blas_thread
from ..problem import Problem
from ..program import CellFactory
from ..progress import Budget, limits, within
from ..status import Scope, Status
from ..training.multistart import local_search
from .incumbent import Incumbent
from .pricing.anchors import AnchorPricer
from .pricing.ascent import AscentPricer, ascended
from .pricing.enumerated import EnumeratedPricer, Pricer
from .pricing.neuron_cells import grown_codes, random_codes
from .pricing.outputs import OutputPricer
from .pricing.sphere import SpherePricer
from .pricing.transport import TransportPricer

__all__ = [
    "FEW_PATTERNS",
    "FEW_SEEN",
    "LONGEST_SEARCHED",
    "MAX_PATTERNS",
    "MAX_SEARCH_LENGTH",
    "METHODS",
    "WITHOUT_ROUNDS",
    "CellSearch",
    "choose_search",
    "enumerated_pricer",
    "given_patterns",
    "is_searched",
    "listed_pricer",
    "make_pricer",
    "sampled_pricer",
    "searched_pricer",
]

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
#: patterns listed without asking; beyond, a solve takes minutes and samples are used unless told otherwise
MAX_PATTERNS = 2_000_000
#: patterns listed rather than searched for whatever the filter length
FEW_PATTERNS = 10_000
#: the same for the cells seen from one anchor, which take a moment each
FEW_SEEN = 1_000
#: longest filter that is searched by cones whatever the number of rows; the number of cones grows exponentially with it
MAX_SEARCH_LENGTH = 5
#: longest filter for branch and bound
LONGEST_SEARCHED = 12


@dataclass(frozen=True, slots=True)
class SamplingSettings:
    """How many cells are sampled, and the shares of the time."""

    samples: int = 2_000  # Gaussian directions drawn
    ascents: int = 64  # of them that ascend on the dual vector of the zero network
    visited: int = 200  # random neurons drawn where cells are not those of an arrangement
    trained: int = 20  # neurons at most of the network whose cells begin a list for another norm
    few: int = 16  # samples at least, and all there are when time is up
    bits: int = 1 << 26  # bits of all samples together: 64 MB unpacked, eight times that as gates
    bits_a_second: float = 5e6  # against the clock, bits for each second that is left
    listing: float = 0.7  # share of the time left for a list
    trying: float = 0.2  # share for a list that is most likely too long
    sampling: float = 0.4  # share for sampling


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What the searches cost, as far as it can be predicted.

    Measured on digits and MNIST: with 6 entries row signs prove 102 rows in 0.1 s where cones are at a gap of 20 %
    after 15 s, and with 595 rows cones are ahead; with 9 entries row signs are ahead from 69 to 662 rows.
    """

    even: float = 250.0  # rows with which, for filters of `even_length` entries, both searches take the same time
    even_length: int = 6
    growth: float = 3.0  # times as many rows for each entry more
    listed: float = 2e7  # patterns times rows of a list that is quicker than a search nobody can predict: seconds


SETTINGS = SamplingSettings()
SEARCH = SearchSettings()
# threads that the searches of all anchors share
_THREADS = 2


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
    budget.check("the search of the cells was not begun")
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


def make_pricer(
    problem: Problem,
    *,
    budget: Budget,
    seed: int = 0,
    max_patterns: int = MAX_PATTERNS,
    incumbent: Incumbent | None = None,
) -> tuple[Pricer, Status | None]:
    """The pricer that should be fastest, and why the choice was cut short if it was.

    Few patterns are listed. Otherwise filters of up to :data:`LONGEST_SEARCHED` entries are searched by branch and
    bound, which does not depend on the number of patterns: long filters unless a list is quick. Others are listed up to
    `max_patterns` and sampled beyond.
    """
    factory = CellFactory(_one_output(problem), problem.patches)
    predicted = factory.predicted
    by_anchor = factory.architecture.by_anchor
    anchored = 0 if by_anchor is None else len(by_anchor.anchor_rows(problem.patches))
    if anchored:
        searchable = factory.euclidean and factory.p <= MAX_SEARCH_LENGTH
        searched = predicted > min(FEW_SEEN * anchored, max_patterns)
    else:
        searchable = factory.euclidean and factory.additive and factory.p <= LONGEST_SEARCHED
        searched = is_searched(min(predicted, max_patterns + 1), len(factory.rows), factory.p, max_patterns)
    if searchable and searched:
        return _searched(problem, factory, seed, None), None
    try:
        # against the clock a list that is probably too long is no more than tried
        part = budget.part(SETTINGS.trying if predicted > max_patterns else SETTINGS.listing)
        if anchored:
            return listed_pricer(problem, budget=part, max_patterns=max_patterns), None
        pricer = _listed(factory, part, max_patterns)
        if pricer.scope is Scope.RESTRICTED and searchable:  # the list could not be certified
            return _searched(problem, factory, seed, None), None
        return _every_output(problem, lambda: pricer), None
    except SizeError:
        return _sampled(problem, factory, seed, SETTINGS.samples, budget, incumbent), None
    except Interrupted as stop:
        few = SETTINGS.few if budget.stop() is not None else SETTINGS.samples
        return _sampled(problem, factory, seed, few, budget, incumbent), stop.status


def given_patterns(problem: Problem, active: NDArray[np.bool_], *, seed: int = 0) -> CellSearch:
    """Search over given sign patterns (P, N) only; the scope is restricted, whatever the patterns are."""
    factory = CellFactory(problem.architecture, problem.patches)
    pricer = EnumeratedPricer(factory, CodeList(distinct_rows(factory.decided(active))))
    return CellSearch(pricer, "sampled", None, factory.predicted, seed, None, 0.0, 0.0)


def enumerated_pricer(problem: Problem, *, budget: Budget, max_patterns: int = MAX_PATTERNS) -> EnumeratedPricer:
    """Pricer over every pattern; :class:`SizeError` if they are more than `max_patterns`."""
    return _listed(CellFactory(problem.architecture, problem.patches), budget, max_patterns)


def _listed(factory: CellFactory, budget: Budget, max_patterns: int) -> EnumeratedPricer:
    budget.report("patterns", f"listing the cells of {len(factory.rows)} hyperplanes")
    return EnumeratedPricer(factory, factory.all_cells(max_patterns=max_patterns, budget=budget))


def listed_pricer(problem: Problem, *, budget: Budget, max_patterns: int = MAX_PATTERNS) -> Pricer:
    """As :func:`enumerated_pricer`, anchor by anchor where blocks have one: then no cone knows of other anchors."""
    if _one_output(problem).by_anchor is None:
        return enumerated_pricer(problem, budget=budget, max_patterns=max_patterns)
    pricer = _anchored(problem, budget=budget, max_patterns=max_patterns)
    return _every_output(problem, lambda: pricer)


def _anchored(
    problem: Problem,
    *,
    budget: Budget,
    max_patterns: int,
    searched: bool = False,
    seed: int = 0,
    executor: Executor | None = None,
) -> Pricer:
    """The pricer of a network with anchors, by lists of the cells seen from each, or by searches."""
    architecture = _one_output(problem).by_anchor
    assert architecture is not None
    patches = problem.patches
    anchors = architecture.anchor_rows(patches)
    pool = ThreadPoolExecutor(_THREADS, "pricing") if searched else None
    pricers: list[Pricer] = []
    total = 0
    for number, anchor in enumerate(anchors):
        budget.report("patterns", f"cells seen from patch {number + 1} of {len(anchors)}")
        budget.check("the cells were not all listed")
        factory = CellFactory(*architecture.seen_from(int(anchor), patches))
        if searched:
            factory.require("search over directions", *SpherePricer.needs)
            pricers.append(SpherePricer(factory, seed=seed, threads=_THREADS, pool=pool, executor=executor))
            continue
        listed = factory.all_cells(max_patterns=max(1, max_patterns - total), budget=budget)
        total += len(listed)
        pricers.append(EnumeratedPricer(factory, listed))
    return AnchorPricer(architecture, patches, anchors, pricers)


def sampled_pricer(
    problem: Problem,
    *,
    seed: int,
    samples: int = SETTINGS.samples,
    budget: Budget | None = None,
    incumbent: Incumbent | None = None,
) -> Pricer:
    """Pricer over sampled patterns (scope restricted).

    Gaussian directions and, with the Euclidean penalty, the fixed points of local ascent on the correlation with y are
    used: cells that matter have large atoms, which uniform sampling over cells would miss. Where the cells are not
    those of an arrangement, random neurons visit them, and those that ascend (:func:`grown_codes`). With another norm,
    and atoms that are sums over hyperplanes, the list begins with the cells of a trained network. Where atoms are such
    sums, the list grows by the ascents of :class:`AscentPricer`. Sampling gets a share of the time at most, and few
    samples of many rows. Networks that are found are offered to the `incumbent`.
    """
    factory = CellFactory(_one_output(problem), problem.patches)
    return _sampled(problem, factory, seed, samples, budget or Budget(), incumbent)


def _sampled(
    problem: Problem,
    factory: CellFactory,
    seed: int,
    samples: int,
    budget: Budget,
    incumbent: Incumbent | None,
) -> Pricer:
    """:func:`sampled_pricer` over known cells."""
    alone = problem.architecture.by_output is None
    budget = budget.part(SETTINGS.sampling)
    samples = max(SETTINGS.few, min(samples, SETTINGS.bits // max(1, factory.width)))
    if budget.paced:
        samples = max(
            SETTINGS.few, min(samples, int(SETTINGS.bits_a_second * budget.remaining) // max(1, factory.width))
        )
    if factory.additive and alone and not factory.euclidean:
        network = local_search(
            problem, m=min(problem.n + 1, SETTINGS.trained), starts=2, seed=seed, polish=False, **limits(budget)
        )
        if incumbent is not None:
            incumbent.offer(incumbent.evaluated(network))
        trained = factory.decided(problem.architecture.codes(problem.patches, network.parameters))
        drawn = sample_patterns(factory.hyperplanes, SETTINGS.few, method="gaussian", seed=seed).active()
        return AscentPricer(factory, distinct_rows(np.concatenate([trained, drawn])), seed=seed)
    if factory.coded:
        found = random_codes(factory, min(samples, SETTINGS.visited), seed)
        if alone:
            found = grown_codes(problem, factory, found, seed=seed, budget=budget, incumbent=incumbent)
    else:
        found = sample_patterns(factory.hyperplanes, samples, method="gaussian", seed=seed).distinct().active()
    if not factory.euclidean:
        over = EnumeratedPricer(factory, CodeList(found))
        return _every_output(problem, lambda: over)
    v = problem.zero_dual
    duals = [v] if alone else v.reshape(problem.n, -1).T
    starts = found[np.random.default_rng(seed).permutation(len(found))[: SETTINGS.ascents]]
    fixed = [ascended(factory, sign * v, starts, budget) for v in duals for sign in (1.0, -1.0)]
    codes = distinct_rows(np.concatenate([found, *fixed]))
    pricer = AscentPricer(factory, codes, seed=seed) if factory.additive else EnumeratedPricer(factory, CodeList(codes))
    return _every_output(problem, lambda: pricer)


def searched_pricer(problem: Problem, *, seed: int = 0, executor: Executor | None = None) -> Pricer:
    """Pricer that covers every cell without listing any; its proofs are searched in an `executor`, if given.

    Raises
    ------
    InputError
        If the atoms are not additive, blocks are not measured by the Euclidean norm, or filters are too long.
    """
    return _searched(problem, CellFactory(_one_output(problem), problem.patches), seed, executor)


def _searched(problem: Problem, factory: CellFactory, seed: int, executor: Executor | None) -> Pricer:
    """:func:`searched_pricer` over known cells."""
    anchored = factory.architecture.by_anchor is not None
    if not anchored:
        factory.require("search over directions", *SpherePricer.needs)
    if factory.p > LONGEST_SEARCHED:
        raise InputError(
            f"search over directions: got filters of {factory.p} entries, expected at most {LONGEST_SEARCHED}: the "
            "time of a proof grows exponentially with them"
        )
    if anchored:
        return _every_output(
            problem,
            lambda: _anchored(problem, budget=Budget(), max_patterns=1, searched=True, seed=seed, executor=executor),
        )
    search = SpherePricer if _by_cones(factory) else TransportPricer
    return _every_output(problem, lambda: search(factory, seed=seed, executor=executor))


def is_searched(patterns: int, rows: int, entries: int, max_patterns: int = MAX_PATTERNS) -> bool:
    """Whether `patterns` of `rows` different rows, with filters of so many `entries`, are searched and not listed.

    Examples
    --------
    >>> is_searched(4_000, 12, 10), is_searched(150_000, 80, 4), is_searched(10**10, 69, 9), is_searched(10**30, 69, 20)
    (False, True, True, False)
    """
    few = FEW_PATTERNS if entries <= MAX_SEARCH_LENGTH else max(FEW_PATTERNS, SEARCH.listed / max(1, rows))
    return entries <= LONGEST_SEARCHED and patterns > min(few, max_patterns)


def _by_cones(factory: CellFactory) -> bool:
    """Whether cones are predicted to be quicker than row signs."""
    rows = SEARCH.even * SEARCH.growth ** (factory.p - SEARCH.even_length)
    return factory.p <= MAX_SEARCH_LENGTH or len(factory.rows) > rows


def _one_output(problem: Problem) -> Architecture:
    """The network whose cells are searched: that of one output, where each output is priced alone."""
    architecture = problem.architecture
    return architecture if architecture.by_output is None else architecture.single


def _every_output(problem: Problem, make: Callable[[], Pricer]) -> Pricer:
    """The pricer that `make` gives for one output; where each output is priced alone, one out of those of all."""
    several = problem.architecture.by_output
    return make() if several is None else OutputPricer(several, [make() for _ in range(several.q)])
