r"""The claims of a report about a solved problem, computed again.

For the network :math:`\theta` and the dual vector :math:`v` of a report,

.. math:: P = \ell(f_\theta(X), y) + \beta R(\theta), \qquad D = -\ell^*(-v) \quad\text{where}\quad
   \tau(v) = \max_{\text{atoms } \varphi} |v^T \varphi| \le \beta ,

the outputs and P are computed by a forward pass, D from v, and :math:`\tau(v)` is bounded by a search over every cell,
as in :mod:`convex_core.certificate`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..bounding import CLOSED
from ..data import dataset_info, dataset_names
from ..errors import SizeError
from ..numerics.threads import one_blas_thread
from ..presentation.text import counted, number
from ..program import CellFactory
from ..progress import Budget
from ..solvers.dual_bound import dual_bound, relative_gap
from ..solvers.search import CellSearch, choose_search
from ..status import Exactness, Scope, Status
from .drawn import drawn_again
from .state import Around, Point, State
from .verdicts import Check, Verdict

__all__ = ["Claimed", "compared"]


@dataclass(frozen=True, slots=True)
class ClaimSettings:
    """By how much numbers may differ that are computed on two machines."""

    outputs: float = 1e-11  # of the largest sum of outputs of the neurons: some thousand roundoffs
    relative: float = 1e-9  # of the objective, for bounds: what the search of all directions may leave open
    rounds: float = 1e-8  # of the objective: a round's upper value is its program's, as a conic solver leaves it
    slack: float = 1e-10  # share of the largest price that the search may leave open
    beta_max: float = 1e-6  # share by which two bounds on it may differ


SETTINGS = ClaimSettings()


class Claimed:
    """The two stages: what one forward pass says, and what takes a search over all cells."""

    def __init__(self, state: State, max_patterns: int, checks: list[Check]) -> None:
        self.state = state
        self.max_patterns = max_patterns
        self.checks = checks
        own = [("", state.point), *((f"path {at + 1} ", point) for at, point in enumerate(state.path))]
        others = [] if state.around is None else state.around.programs
        # one search of cells serves all points of a program
        self.programs = [own, *([(f"{label} ", point)] for label, point in others)]
        self.points = [item for program in self.programs for item in program]

    def say(self, name: str, right: bool, text: str) -> None:
        """Note a claim that holds or does not."""
        self.checks.append(Check(name, Verdict.HOLDS if right else Verdict.FAILS, text))

    @one_blas_thread()
    def near(self, budget: Budget) -> None:
        """Data, outputs, objectives, gaps and words."""
        state = self.state
        self._data()
        f = state.point.network.predict_patches(state.point.problem.patches)
        error = float(np.max(np.abs(f - state.predictions)))
        allowed = _allowed_outputs(state.point)
        self.say(
            "predictions", error <= allowed, f"of {counted(len(f), 'output')} the largest difference is {error:.1e}"
        )
        for place, point in self.points:
            budget.check("network")
            self._objective(place, point)
            self._dual_value(place, point)
            wrong = _wrong_words(point)
            self.say(
                f"{place}words", not wrong, wrong or f"{point.claims.status}, {point.claims.scope}, as they should be"
            )
        self._rounds()
        if state.around is not None:
            self._network_of_bounds(state.around)

    def _network_of_bounds(self, around: Around) -> None:
        """The best network, and what follows from all programs together."""
        problem = self.state.point.problem
        found = problem.objective(around.network)
        slack = SETTINGS.relative * abs(found)
        self.say("best network", abs(found - around.objective) <= slack, compared(around.objective, found))
        bounds = [point.claims.lower_bound for _, point in (*around.below, ("", self.state.point))]
        known = [bound for bound in bounds if bound is not None]
        best = max(known) if known else None
        gap = None if best is None else relative_gap(around.objective, best)
        wrong = [
            *([] if around.lower_bound == best else [f"lower bound {_shown(around.lower_bound)}, not {_shown(best)}"]),
            *([] if around.relative_gap == gap else [f"gap {_shown(around.relative_gap)}, not {_shown(gap)}"]),
        ]
        closed = gap is not None and gap <= CLOSED * self.state.point.tol
        if (around.status is Status.OPTIMAL) != closed:
            wrong.append(f"status {around.status}, gap {_shown(gap)}")
        self.say("all bounds", not wrong, "; ".join(wrong) or "they follow from the programs")

    def _objective(self, place: str, point: Point) -> None:
        problem, network, claimed = point.problem, point.network, point.claims.objective
        f = network.predict_patches(problem.patches)
        found = problem.objective_at(f, network)
        slope = float(np.abs(problem.whole_loss.gradient(f, problem.y)).sum())
        allowed = SETTINGS.relative * abs(found) + _allowed_outputs(point) * slope
        self.say(f"{place}objective", abs(found - claimed) <= allowed, compared(claimed, found))

    def _dual_value(self, place: str, point: Point) -> None:
        problem, claims = point.problem, point.claims
        if claims.dual is None or claims.lower_bound is None:
            return
        found = problem.loss.dual_value(claims.dual, problem.y)
        allowed = SETTINGS.relative * abs(claims.objective)
        self.say(f"{place}dual value", abs(found - claims.lower_bound) <= allowed, compared(claims.lower_bound, found))

    def _rounds(self) -> None:
        """No bound of a round may contradict those of the end; without its cones the program has others."""
        claims = self.state.point.claims
        if not self.state.rounds or claims.lower_bound is None or self.state.point.method == "gated":
            return
        slack = SETTINGS.rounds * abs(claims.objective)
        bad = [
            at
            for at, (upper, lower) in enumerate(self.state.rounds)
            if (upper is not None and upper < claims.lower_bound - slack)
            or (lower is not None and lower > claims.objective + slack)
        ]
        words = (
            f"{len(self.state.rounds)}, none contradicts the bounds" if not bad else f"round {bad[0]} contradicts them"
        )
        self.say("rounds", not bad, words)

    def _data(self) -> None:
        source, problem = self.state.source, self.state.point.problem
        if source is None:
            return
        label = f"{source.dataset}, seed {source.seed}"
        if source.dataset not in dataset_names():
            self.say("data", False, f"no dataset is called {source.dataset[:60]!r}")
        elif dataset_info(source.dataset).needs_files:
            self.say("data", False, f"the library draws no {source.dataset}, it is read from files")
        else:
            same = drawn_again(problem, source.dataset, source.seed, dict(source.options))
            words = f"drawn again: {label}" if same else f"other numbers than those of {label}"
            self.say("data", same, words)

    @one_blas_thread()
    def far(self, budget: Budget) -> None:
        """Prices over all cells, and how many there are, one program after the other."""
        for points in self.programs:
            self._searched(points, budget)

    def _searched(self, points: list[tuple[str, Point]], budget: Budget) -> None:
        proved = [(place, point) for place, point in points if point.claims.scope is Scope.GLOBAL]
        counted = any(point.claims.patterns is not None for _, point in points)
        place, first = points[0][0], (proved or points)[0][1]
        about = f"{place}{'bounds' if proved else 'patterns'}"
        if not proved:
            self.say(f"{place}bounds", True, "none is claimed: only some sign patterns were looked at")
            if not counted:
                self._at_most(points, CellFactory(first.problem.architecture, first.problem.patches).predicted)
                return
        budget.report("verify", "searching every cell")
        try:
            search = choose_search(
                first.problem, method=first.method, seed=self.state.seed, max_patterns=self.max_patterns, budget=budget
            )
        except SizeError as error:
            self._open(about, f"more than {error.limit:,} sign patterns would be listed: allow more")
            return
        if search.pricer.scope is not Scope.GLOBAL:
            stopped = search.stopped is not None or budget.stop() is not None
            self._open(about, "could not be checked in the time allowed" if stopped else "not every cell was covered")
            return
        self._count(points, search)
        for at, (place, point) in enumerate(proved):
            budget.report("verify", "pricing the dual vector over every cell", fraction=at / len(proved))
            self._bound(place, point, search, budget)
        if points is self.programs[0]:
            self._beta_max(search, budget)

    def _open(self, name: str, text: str) -> None:
        self.checks.append(Check(name, Verdict.UNDECIDED, text))

    def _count(self, points: list[tuple[str, Point]], search: CellSearch) -> None:
        for place, point in points:
            claims = point.claims
            if search.patterns is not None and claims.patterns is not None:
                words = f"{claims.patterns:,} claimed, {search.patterns:,} counted"
                self.say(f"{place}patterns", claims.patterns == search.patterns, words)
            elif claims.patterns is not None:
                self._open(f"{place}patterns", "not counted again in the time allowed")
        self._at_most(points, search.patterns_bound)

    def _at_most(self, points: list[tuple[str, Point]], most: int) -> None:
        """What is claimed to be no fewer than all sign patterns is compared with what `most` says of any data."""
        for place, point in points:
            claims = point.claims
            right = claims.patterns_bound >= max(most, claims.patterns or 0)
            self.say(f"{place}patterns at most", right, f"{claims.patterns_bound:,} claimed, {most:,} found")

    def _bound(self, place: str, point: Point, search: CellSearch, budget: Budget) -> None:
        problem, claims = point.problem, point.claims
        name = f"{place}lower bound"
        if claims.dual is None or claims.price is None or claims.lower_bound is None:
            self.say(name, False, "claimed for every cell, without the dual vector that would prove it")
            return
        # rounding errors are added to what is found: cells that come to the claim only with them must be resolved
        most = min(max(claims.price, 0.0), problem.beta)
        floor = max(0.0, most - search.pricer.rounding(claims.dual))
        price = search.pricer.price(claims.dual, floor=floor, want=1, budget=budget, slack=SETTINGS.slack, prove=True)
        if not math.isfinite(price.bound):
            self._open(name, "could not be checked in the time allowed")
            return
        ratio, claimed = price.bound / problem.beta, claims.price / problem.beta
        right = price.bound <= claims.price * (1.0 + SETTINGS.relative) and claimed <= 1.0 + SETTINGS.slack
        words = f"at most {claimed:.12g} of beta claimed, at most {ratio:.12g} found over every direction"
        self.say(f"{place}largest price", right, words)
        found = dual_bound(problem, search.pricer.factory, claims.dual, price.bound).value
        right = found >= claims.lower_bound - SETTINGS.relative * abs(claims.objective)
        self.say(name, right, compared(claims.lower_bound, found))

    def _beta_max(self, search: CellSearch, budget: Budget) -> None:
        claimed, problem = self.state.beta_max, self.state.point.problem
        if claimed is None:
            return
        v = problem.zero_dual
        price = search.pricer.price(v, floor=0.0, want=1, budget=budget, slack=SETTINGS.slack, prove=True)
        if not math.isfinite(price.bound):
            self._open("beta max", "could not be checked in the time allowed")
            return
        right = abs(price.bound - claimed) <= SETTINGS.beta_max * abs(claimed)
        self.say("beta max", right, compared(claimed, price.bound))


def _allowed_outputs(point: Point) -> float:
    """By how much an output may differ that is computed in another order."""
    problem = point.problem
    largest = float(np.abs(problem.y).max(initial=0.0))
    if point.network.m:
        outputs = problem.architecture.outputs(problem.patches, point.network.parameters)
        largest = max(largest, float(np.abs(outputs).sum(axis=1).max()))
    return SETTINGS.outputs * largest


def _wrong_words(point: Point) -> str:
    """What in the words, the gap and the counts does not follow from the numbers; nothing if all does."""
    claims, problem = point.claims, point.problem
    proved = claims.lower_bound is not None
    gap = None if claims.lower_bound is None else relative_gap(claims.objective, claims.lower_bound)
    exactness = Exactness.BOUND_ONLY if point.method == "gated" else problem.architecture.exactness
    optimal = gap is not None and gap <= point.tol
    status = claims.status
    rules: Iterable[tuple[bool, str]] = (
        (proved == (claims.scope is Scope.GLOBAL), f"scope {claims.scope} and the lower bound {claims.lower_bound}"),
        (proved == (claims.dual is not None), "a dual vector without a lower bound, or the other way round"),
        (proved == (claims.price is not None), "a largest price without a lower bound, or the other way round"),
        (
            gap == claims.relative_gap
            or (
                gap is not None
                and claims.relative_gap is not None
                and math.isclose(gap, claims.relative_gap, rel_tol=1e-12)
            ),
            f"gap {_shown(claims.relative_gap)}, but it is {_shown(gap)} between these bounds",
        ),
        (
            claims.lower_bound is None
            or claims.lower_bound <= claims.objective + SETTINGS.relative * abs(claims.objective),
            f"lower bound {_shown(claims.lower_bound)} above the objective",
        ),
        (claims.exactness is exactness, f"program {claims.exactness}, but it is {exactness}"),
        ((status is Status.OPTIMAL) == optimal, f"status {status}, gap {_shown(gap)} and wanted gap {point.tol:g}"),
        (
            status is not Status.RESTRICTED_OPTIMUM or claims.scope is Scope.RESTRICTED,
            f"status {status} with a bound that covers every cell",
        ),
        (
            status is not Status.BOUND_REACHED or (claims.scope is Scope.GLOBAL and exactness is not Exactness.EXACT),
            f"status {status} for a program that is {exactness}, scope {claims.scope}",
        ),
        (
            claims.active_filters == point.network.m,
            f"{claims.active_filters} filters, but the network has {point.network.m}",
        ),
    )
    return "; ".join(words for right, words in rules if not right)


def compared(claimed: float, found: float) -> str:
    """Two numbers, and their difference if there is one."""
    difference = f", difference {found - claimed:.1e}" if found != claimed else ""
    return f"{number(claimed, 12)} claimed, {number(found, 12)} found{difference}"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
