r"""The path over beta: certified optima from the zero network down a grid, and previews between them.

The optimal value :math:`p^*(\beta) = \min_\theta \ell(\theta) + \beta R(\theta)` is a minimum of affine functions of
beta, hence **concave and nondecreasing**. Two consequences are used:

* any network is an upper bound at *every* beta: :math:`p^*(\beta) \le \ell(\theta) + \beta R(\theta)`;
* the chord between two certified lower bounds is a certified lower bound in between.

The search of the cells does not depend on beta: it is set up once, and each point starts from the blocks that were
nonzero at the point before; where cells were hard to find it starts also from those that the two points before let
expect. Source: theory of the solution path in Mishkin and Pilanci 2023 (arXiv 2306.00119).
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .certificate import beta_max_in
from .contracts.records import record
from .contracts.validation import check_arguments, finite_array, frozen, integer, positive_number
from .errors import InputError, Interrupted
from .networks.network import Network
from .networks.recovery import merge_same_cells
from .numerics.rounding import UNIT_ROUNDOFF
from .presentation.several import PathAnswer
from .problem import Problem
from .program import block_keys
from .progress import Budget, CancelFlag, Progress, ProgressCallback, together
from .solution import Solution, solve_over
from .solvers.column_generation import WarmStart
from .solvers.dual_bound import relative_gap
from .solvers.fixed_neurons.conic import ConicDirections
from .solvers.fixed_neurons.osqp import FixedDirections, is_quadratic
from .solvers.incumbent import Incumbent
from .solvers.pricing.enumerated import Pricer
from .solvers.search import MAX_PATTERNS, CellSearch, choose_search
from .status import Scope, Status

__all__ = ["Path", "PathPreview", "follow_path", "solve_path"]

_Array = NDArray[np.float64]
# intervals whose ends differ by less than this share are not refined
_SHORTEST = 1e-3
# rounds of the point before from which a guess at the next dual vector is worth its price: with fewer there is little
# for it to find
_ROUNDS = 4
#: most points of a path: each is a solution of its own, with its network and its cells
MAX_POINTS = 10_000
# points of the default grid, and its last beta as a share of beta_max
_POINTS, _SMALLEST = 20, 0.01


@record
@dataclass(frozen=True, slots=True)
class PathPreview:
    """A quick answer between the exact points of a path. It is a preview: near the optimum, not the optimum.

    Attributes
    ----------
    beta : float
        Where.
    network : Network
        The best output weights on the filter directions of the neighbouring points.
    objective : float
        Non-convex objective of `network` by a forward pass: an upper bound on the optimum.
    lower_bound : float
        Certified lower bound on the optimum at this beta, from the neighbouring points by concavity; ``-inf`` if their
        scope is restricted.
    """

    beta: float
    network: Network
    objective: float
    lower_bound: float

    @property
    def relative_gap(self) -> float:
        """``(P - D) / P``: how far the preview is from the optimum, at most."""
        return relative_gap(self.objective, self.lower_bound)

    @property
    def is_preview(self) -> bool:
        """Always true; a point of the path is a :class:`Solution` and has its own certificate."""
        return True


@record
@dataclass(frozen=True, slots=True, repr=False)
class Path(PathAnswer):
    """Certified solutions at decreasing beta.

    Attributes
    ----------
    beta_max : float
        Smallest beta at which the zero network is optimal.
    beta_max_scope : Scope
        Whether `beta_max` covers every cell; restricted, it is a lower bound on the true value.
    requested : (R,) float64
        Every beta asked for and every one that refinement added, decreasing.
    solutions : tuple of Solution
        One per beta that was finished, in the same order, each with its own certificate.
    status : Status
        ``optimal`` if every point asked for is; else why the path is shorter, or the first other status on it.
    seconds : float
        Wall-clock seconds of the whole path.
    """

    beta_max: float
    beta_max_scope: Scope
    requested: _Array
    solutions: tuple[Solution, ...]
    status: Status
    seconds: float
    _quick: _Quick = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_quick", _Quick(self.solutions))

    def __repr__(self) -> str:
        ends = f", beta {self.requested[0]:.4g} to {self.requested[-1]:.4g}" if len(self.requested) else ""
        return f"Path({self.status}, {len(self)} of {len(self.requested)} points{ends}, {self.seconds:.2f} s)"

    def __len__(self) -> int:
        return len(self.solutions)

    def __iter__(self) -> Iterator[Solution]:
        return iter(self.solutions)

    def __getitem__(self, index: int) -> Solution:
        return self.solutions[index]

    @property
    def betas(self) -> _Array:
        """Every beta that was finished, decreasing (B,)."""
        return self.requested[: len(self.solutions)]

    @property
    def objective(self) -> _Array:
        """Non-convex objective of each network (B,)."""
        return np.array([s.network_objective for s in self.solutions])

    @property
    def lower_bound(self) -> _Array:
        """Lower bound of each point (B,); ``-inf`` where the scope is restricted."""
        return np.array([s.lower_bound for s in self.solutions])

    @property
    def relative_gap(self) -> _Array:
        """``(P - D) / P`` of each point (B,)."""
        return np.array([s.relative_gap for s in self.solutions])

    @property
    def scope(self) -> Scope:
        """Global only if every point is."""
        every = all(s.scope is Scope.GLOBAL for s in self.solutions)
        return Scope.GLOBAL if every else Scope.RESTRICTED

    @property
    def active_filters(self) -> NDArray[np.int64]:
        """Number of filters of each network (B,)."""
        return np.array([s.active_filters for s in self.solutions], dtype=np.int64)

    @property
    def alive(self) -> NDArray[np.int64]:
        """Deprecated: :attr:`active_filters`."""
        warnings.warn("Path.alive: use active_filters", DeprecationWarning, stacklevel=2)
        return self.active_filters

    @property
    def filter_norms(self) -> tuple[_Array, ...]:
        """Group norm of each filter at each point, in the order of the network: :attr:`Network.sizes`."""
        return tuple(s.network.sizes for s in self.solutions)

    def preview(self, beta: float) -> PathPreview:
        """A network for any `beta` > 0 in milliseconds, from the directions of the neighbouring points.

        Raises
        ------
        InputError
            If beta is not a positive number.
        """
        return self._quick.preview(positive_number(beta, "beta"))


class _Quick:
    """Previews of a path: one program of fixed directions per interval, set up at the first question about it."""

    def __init__(self, solutions: tuple[Solution, ...]) -> None:
        self._solutions = solutions
        self._rising = frozen(np.array([s.problem.beta for s in reversed(solutions)]))
        self._programs: dict[tuple[int, ...], FixedDirections | ConicDirections] = {}
        # a program is warm-started, so that two questions at once would spoil each other
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[_Quick], tuple[tuple[Solution, ...]]]:
        return _Quick, (self._solutions,)  # neither a lock nor a solver's workspace can be pickled

    def preview(self, beta: float) -> PathPreview:
        last = len(self._solutions) - 1
        right = int(np.searchsorted(self._rising, beta))
        around = tuple(last - i for i in (right, right - 1) if 0 <= i <= last)
        problem = self._solutions[0].problem
        candidates = [self._solutions[i].network for i in around]
        if any(network.m for network in candidates):
            with self._lock:
                program = self._programs.get(around)
                if program is None:
                    fixed = FixedDirections if is_quadratic(problem) else ConicDirections
                    program = self._programs[around] = fixed(problem, _together(candidates))
                # both neighbours bring their own version of a filter
                sized = merge_same_cells(program.network(program.sizes(beta)), problem.patches)
                candidates.append(problem.fitted(sized))
        values = [
            problem.whole_loss.value(network.predict_patches(problem.patches), problem.y) + beta * network.regulariser
            for network in candidates
        ]
        for place, i in enumerate(around):  # at a point its own certificate says the value
            if self._solutions[i].problem.beta == beta:
                values[place] = self._solutions[i].network_objective
        best = int(np.argmin(values))
        return PathPreview(beta, candidates[best], values[best], self._lower(beta, around))

    def _lower(self, beta: float, around: tuple[int, ...]) -> float:
        """The chord of a concave nondecreasing function, from below."""
        points = [(self._solutions[i].problem.beta, self._solutions[i].lower_bound) for i in around]
        if beta < self._rising[0]:
            points.append((0.0, 0.0))  # no loss is negative
        elif beta > self._rising[-1]:
            return points[0][1]
        if len(points) == 1:
            return points[0][1]
        (high, above), (low, below) = points
        if not (math.isfinite(above) and math.isfinite(below)):
            return -math.inf
        share = (beta - low) / (high - low)
        # five operations, each rounded
        return below + share * (above - below) - 8.0 * UNIT_ROUNDOFF * max(abs(above), abs(below))


def solve_path(
    problem: Problem,
    *,
    betas: ArrayLike | None = None,
    points: int | None = None,
    smallest: float | None = None,
    refine: int = 0,
    tol: float = 1e-6,
    method: str = "auto",
    time_limit: float | None = None,
    max_rounds: int | None = None,
    seed: int = 0,
    max_patterns: int = MAX_PATTERNS,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Path:
    r"""Solve `problem` at one beta after another, from the largest down, each point with its own certificate.

    Parameters
    ----------
    problem : Problem
        Architecture, data and loss; its own beta plays no role.
    betas : (R,), optional
        Values > 0, in any order. By default `points` values, evenly spaced in the logarithm, from
        :math:`\beta_{\max}` (where the zero network becomes optimal) down to ``smallest`` times that.
    points : int, optional
        Points of the default grid: 20, unless `betas` are given instead.
    smallest : float, optional
        Last beta of the default grid as a share of beta_max, in (0, 1): 0.01, unless `betas` are given instead.
    refine : int
        Points added after the grid is done, one at a time: each halves, in the logarithm, the interval in which most
        cells become active or cease to be, weighted by its length; fewer where nothing changes.
    tol : float
        Relative gap of each point.
    method, seed, max_patterns
        As in :func:`solve`.
    time_limit, cancel
        Stop the whole path; the points that are finished are returned.
    max_rounds : int, optional
        Of each point, as in :func:`solve`.
    progress : callable, optional
        Called during every point, with the share of the path that is done.

    Raises
    ------
    InputError
        For bad numbers, or data for which the zero network is optimal at every beta.
    SizeError
        As in :func:`solve`.
    Interrupted
        If not even the first point was finished.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> path = solve_path(Problem.from_dataset(load_dataset("talk")), points=5)
    >>> len(path), path.scope.value, int(path.active_filters[0]), bool(path.relative_gap.max() <= 1e-6)
    (5, 'global', 0, True)
    >>> quick = path.preview(0.5 * path.beta_max)
    >>> quick.lower_bound <= quick.objective
    True
    """
    check_arguments("solve_path", problem=(problem, Problem))
    tol = positive_number(tol, "tol")
    for name, given in (("points", points), ("smallest", smallest)):
        if betas is not None and given is not None:
            raise InputError(f"{name}: got {given!r} beside betas, expected one of the two: betas are the grid")
    points = integer(_POINTS if points is None else points, "points", maximum=MAX_POINTS)
    smallest = _SMALLEST if smallest is None else smallest
    refine = integer(refine, "refine", minimum=0, maximum=MAX_POINTS)
    if not 0.0 < positive_number(smallest, "smallest") < 1.0:
        raise InputError(f"smallest: got {smallest!r}, expected a share of beta_max in (0, 1)")
    asked = None if betas is None else finite_array(betas, "betas", ndim=1)
    if asked is not None and asked.size > MAX_POINTS:
        raise InputError(f"betas: got {asked.size:,} values, expected at most {MAX_POINTS:,}")
    if asked is not None and asked.min() <= 0.0:
        raise InputError(f"betas: got {asked.min():g}, expected numbers > 0")
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress, max_rounds=max_rounds)
    search = choose_search(problem, method=method, seed=seed, max_patterns=max_patterns, budget=budget)
    return follow_path(
        problem, search, betas=asked, points=points, smallest=smallest, refine=refine, tol=tol, budget=budget
    )


@together()
def follow_path(
    problem: Problem,
    search: CellSearch,
    *,
    betas: _Array | None,
    points: int,
    smallest: float,
    tol: float,
    budget: Budget,
    refine: int = 0,
) -> Path:
    """The path over the cells of `search`; arguments and errors as in :func:`solve_path`."""
    stop = search.stopped or budget.stop()
    if stop is not None:
        raise Interrupted("path: stopped before its first point", status=stop)
    limit, limit_scope = beta_max_in(problem, search.pricer, 0, budget)
    if betas is None:
        if limit == 0.0:
            raise InputError("y: got targets for which the zero network is optimal at every beta, expected others")
        grid = np.geomspace(limit, smallest * limit, points)
        grid[0] = limit  # the logarithm may round below it
    else:
        grid = np.unique(betas)[::-1]

    solutions: list[Solution] = []
    total = len(grid) + refine

    def extend(beta: float, place: int) -> Status | None:
        """Solve one more point, from the one before `place`, and keep it there; says why the path ends, if it does."""
        part = replace(budget, progress=_share(budget.progress, len(solutions), total, beta))
        setup = replace(search, seconds=0.0) if solutions else search
        here = problem.with_beta(beta)
        start = _start(search.pricer, solutions[:place][-2:], beta) if place else None
        incumbent = Incumbent(here)
        if place:
            incumbent.offer(incumbent.evaluated(solutions[place - 1].network))
        solution = solve_over(here, setup, tol=tol, budget=part, start=start, incumbent=incumbent)
        stop = budget.stop()
        if stop is None or solution.status in (Status.OPTIMAL, Status.RESTRICTED_OPTIMUM):
            solutions.insert(place, solution)
        return stop

    for beta in grid:
        stop = extend(float(beta), len(solutions))
        if stop is not None:
            break
    if not solutions:
        raise Interrupted("path: stopped before its first point", status=cast(Status, stop))
    whole = len(solutions) == len(grid)
    while whole and len(solutions) < total and (place := _most_changed(solutions)) is not None:
        ends = solutions[place - 1].problem.beta, solutions[place].problem.beta
        stop = stop or extend(math.sqrt(ends[0] * ends[1]), place)
        whole = stop is None or len(solutions) == total
    if len(solutions) > len(grid):
        grid = np.array([s.problem.beta for s in solutions])
    others = [s.status for s in solutions if s.status is not Status.OPTIMAL]
    status = (others[0] if others else Status.OPTIMAL) if whole else cast(Status, stop)
    return Path(limit, limit_scope, cast(_Array, frozen(grid)), tuple(solutions), status, budget.seconds)


def _most_changed(solutions: list[Solution]) -> int | None:
    """Where to put a point: the later end of the interval with the most changes of the active set times its length."""
    active = [set(block_keys(solution.active, solution.sign)) for solution in solutions]
    betas = np.array([solution.problem.beta for solution in solutions])
    length = np.log(betas[:-1] / betas[1:])
    changes = np.array([len(a ^ b) for a, b in pairwise(active)])
    score = np.where(length > _SHORTEST, changes * length, 0.0)
    return int(np.argmax(score)) + 1 if len(score) and score.max() > 0.0 else None


def _together(networks: list[Network]) -> Network:
    """One network of all their neurons."""
    first = networks[0]
    parts = [network.parameters for network in networks]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in first.parameters}
    return Network.from_parameters(first.architecture, arrays)


def _start(pricer: Pricer, before: list[Solution], beta: float) -> WarmStart:
    """Start from the blocks of the last solution `before` `beta`, all of them nonzero.

    Between betas where cells become active or cease to be, the dual vector is a smooth function of beta: the last two
    say about where it goes. That is looked at only where the point before had to look for its cells.
    """
    last = before[-1]
    expected = None
    if len(before) == 2 and last.rounds >= _ROUNDS:
        far, near = (solution.problem.beta for solution in before)
        expected = last.dual + (near - beta) / (far - near) * (last.dual - before[0].dual)
    return WarmStart(pricer.factory.blocks(last.active, last.sign), last.C, last.dual, expected)


def _share(progress: ProgressCallback | None, number: int, total: int, beta: float) -> ProgressCallback | None:
    """A callback that says which point of the path a report belongs to."""
    if progress is None:
        return None
    send = progress

    def report(item: Progress) -> None:
        message = f"point {number + 1} of {total}, beta {beta:.4g}, {item.message}"
        send(replace(item, message=message, fraction=number / total))

    return report
