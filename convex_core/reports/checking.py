r"""Checking a report: everything that it claims is computed again from the data in it, and nothing else is believed.

For the network :math:`\theta` and the dual vector :math:`v` of a report,

.. math:: P = \ell(f_\theta(X), y) + \beta R(\theta), \qquad D = -\ell^*(-v) \quad\text{where}\quad
   \tau(v) = \max_{\text{atoms } \varphi} |v^T \varphi| \le \beta ,

the outputs and P are computed by a forward pass, D from v, and :math:`\tau(v)` is bounded by a search over every cell,
as in :mod:`convex_core.certificate`. The seal, a checksum, finds what was changed by accident; a forger can make a new
one, and these computations are what he cannot pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path as FilePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.strict_json import parse, seal
from ..data import dataset_info, dataset_names
from ..data.npz import check_file
from ..errors import InputError, Interrupted, SizeError
from ..interruption.deadline import within
from ..numerics.blas import one_blas_thread
from ..presentation.answers import Answer
from ..presentation.text import counted, jsonable, number
from ..program import CellFactory
from ..progress import Budget, CancelFlag, ProgressCallback
from ..solvers.column_generation import relative_gap
from ..solvers.dual_bound import dual_bound
from ..solvers.pricing.choice import MAX_PATTERNS
from ..solvers.search import CellSearch, choose_search
from ..status import Exactness, Scope, Status
from ..version import __version__
from .document import Report
from .drawn import drawn_again
from .reading import Point, State, rebuild

__all__ = ["Check", "Verdict", "Verification", "verify"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CheckingSettings:
    """By how much numbers may differ that are computed on two machines, and sizes."""

    outputs: float = 1e-11  # of the largest sum of outputs of the neurons: some thousand roundoffs
    relative: float = 1e-9  # of the objective, for bounds: what the search of all directions may leave open
    slack: float = 1e-10  # share of the largest price that the search may leave open
    beta_max: float = 1e-6  # share by which two bounds on it may differ
    file_bytes: int = 1 << 25  # largest file that is read
    page_characters: int = 2_000_000  # longest page
    place: float = 0.15  # in drawings, whose places have one decimal: it may be rounded up here and down there


SETTINGS = CheckingSettings()


class Verdict(StrEnum):
    """What was found out about a report, or one of its claims; :attr:`text` is the sentence for a person."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNDECIDED = "undecided"

    @property
    def text(self) -> str:
        """The verdict as one sentence."""
        return _VERDICT_TEXT[self]


_VERDICT_TEXT = {
    Verdict.HOLDS: "Every claim was computed again from the data in the report, and agrees.",
    Verdict.FAILS: "Something in the report is not what the data in it say.",
    Verdict.UNDECIDED: "It could not be checked in full in the time or the size allowed; what was checked agrees.",
}
#: What no later computation can say anything about.
RECORDS = (
    "seconds, method, wanted gap, seed, rounds, how a run without a proof ended, date, versions, link, and what is "
    "said about data that are not the library's own are records, and cannot be computed again"
)


@record
@dataclass(frozen=True, slots=True)
class Check:
    """One claim, and what it was compared with.

    Attributes
    ----------
    name : str
        What it is about.
    verdict : Verdict
        Whether it holds.
    text : str
        What was claimed and what was found.
    """

    name: str
    verdict: Verdict
    text: str


@record
@dataclass(frozen=True, slots=True, repr=False)
class Verification(Answer):
    """Whether a report holds, claim by claim; :func:`verify` makes it.

    Attributes
    ----------
    verdict : Verdict
        ``holds`` if every claim does, ``does not hold`` if one does not, ``undecided`` if one could not be checked.
    checks : tuple of Check
        Every claim in order.
    seconds : float
        What it took.
    """

    verdict: Verdict
    checks: tuple[Check, ...]
    seconds: float

    def __repr__(self) -> str:
        return f"Verification({self.verdict}, {len(self.checks)} claims, {self.seconds:.2f} s)"

    @property
    def holds(self) -> bool:
        """Whether every claim was computed again and agrees."""
        return self.verdict is Verdict.HOLDS

    @property
    def differences(self) -> tuple[Check, ...]:
        """The claims that do not hold."""
        return tuple(check for check in self.checks if check.verdict is Verdict.FAILS)

    def to_dict(self) -> dict[str, Any]:
        """Verdict and claims."""
        checks = [{"name": c.name, "verdict": c.verdict.value, "text": c.text} for c in self.checks]
        found: dict[str, Any] = jsonable(
            {"verdict": self.verdict.value, "holds": self.holds, "checks": checks, "seconds": self.seconds}
        )
        return found

    def lines(self) -> list[tuple[str, str]]:
        """The verdict, then every claim; those along a path that hold are counted."""
        along = [check for check in self.checks if check.name.startswith("path ")]
        shown = [check for check in self.checks if check not in along or check.verdict is not Verdict.HOLDS]
        claims = [
            (check.name, check.text if check.verdict is Verdict.HOLDS else f"{check.verdict.upper()}: {check.text}")
            for check in shown
        ]
        if along:
            agree = sum(check.verdict is Verdict.HOLDS for check in along)
            claims.append(("path", f"{agree} of {len(along)} claims about its points agree"))
        return [
            ("verdict", f"{self.verdict}. {self.verdict.text}"),
            *claims,
            ("not checked", RECORDS),
            ("seconds", f"{self.seconds:.2f}"),
        ]


def verify(
    source: str | FilePath | Report,
    *,
    max_patterns: int = MAX_PATTERNS,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Verification:
    r"""Compute everything that a report claims again from the data in it, and compare.

    The problem is rebuilt; the network's outputs, its objective, the dual value and the gap are computed; the largest
    price of the dual vector is searched over **all** cells where the claim is global; cells are counted; data with a
    name, seed and options are drawn again; words follow from numbers; every point of a path is treated like the
    solution; a page is compared with its JSON. What cannot be computed again, as seconds, is named in the answer.

    Parameters
    ----------
    source : str, Path or Report
        A file of :meth:`Report.save`, the page or the JSON.
    max_patterns : int
        Most sign patterns that may be listed.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`. What was not computed in time is ``undecided``, and then so is the report.

    Returns
    -------
    Verification
        With ``holds`` true only if every claim was computed again and agrees: outputs within 1e-11 of the neurons'
        largest sum, bounds within 1e-9 of the objective.

    Raises
    ------
    InputError
        If the file is no report, cut off, of an unknown version, or holds something that fits nowhere.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from convex_core import Problem, load_dataset, solve
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "report.json"
    >>> _ = solve(Problem.from_dataset(load_dataset("edge", n=4))).report(file)
    >>> verify(file).verdict.value
    'holds'
    >>> text = file.read_text()
    >>> _ = file.write_text(text.replace('"beta": 0.1', '"beta": 0.2'))
    >>> [check.name for check in verify(file).differences][:2]
    ['seal', 'objective']
    """
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    name, report, written = _read(source)
    document = report.to_dict()
    state = rebuild(document, name)
    checks = [_sealed(document), *([] if written is None else _page(report, state, document, written))]
    work = _Work(state, max_patterns, checks)
    stage: Callable[[Budget], None]
    for stage, about in ((work.near, "network"), (work.far, "bounds")):
        try:
            if budget.stop() is not None:
                raise Interrupted(about, status=budget.stop() or Status.TIME_LIMIT)
            within(budget, stage)
        except Interrupted:
            checks.append(Check(about, Verdict.UNDECIDED, "could not be checked in the time allowed"))
    found = tuple(checks)  # what goes on after the end is heard of no more
    verdicts = {check.verdict for check in found}
    worst = next(v for v in (Verdict.FAILS, Verdict.UNDECIDED, Verdict.HOLDS) if v in verdicts)
    return Verification(worst, found, budget.seconds)


_OPENING, _CLOSING = '<script type="application/json" id="report">', "</script>"
_PAGE_SEAL = re.compile(r'<meta name="seal" content="([0-9a-f]{64})">')
# places in drawings, which another processor may round in another way
_PLACES = re.compile(r'( (?:d|x|y|cx|cy|r|width|height|style)=")([^"<>]*)(?=")')
_NUMBER = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)")


def _read(source: str | FilePath | Report) -> tuple[str, Report, str | None]:
    """A name for messages, the report, and the page around it."""
    if isinstance(source, Report):
        return "report", source, None
    if not isinstance(source, (str, FilePath)):
        raise InputError(f"verify: got {type(source).__name__}, expected the path of a report, or a Report")
    file = check_file(source, SETTINGS.file_bytes)
    name = file.name[-80:]
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{name}: got bytes that are no UTF-8 text, expected a report, .json or .html") from None
    except OSError as error:
        raise InputError(f"{name}: got {error.strerror or error}, expected a readable file") from error
    if not text.lstrip().startswith("<"):
        parse(text, name)
        return name, Report(text), None
    if len(text) > SETTINGS.page_characters:
        raise InputError(
            f"{name}: got {len(text):,} characters, expected a page of at most {SETTINGS.page_characters:,}"
        )
    _, *inside = text.split(_OPENING)
    if len(inside) != 1 or _CLOSING not in inside[0]:
        raise InputError(f"{name}: got a page without a whole report in it, expected one, perhaps it is cut off")
    written = inside[0].partition(_CLOSING)[0]
    parse(written, name)
    return name, Report(written), text


def _sealed(document: dict[str, Any]) -> Check:
    if document["seal"] == seal(document):
        return Check("seal", Verdict.HOLDS, "unbroken: nothing in the file was changed after it was written")
    return Check("seal", Verdict.FAILS, "broken: something in the file was changed after it was written")


def _page(report: Report, state: State, document: dict[str, Any], written: str) -> list[Check]:
    """Whether the page is as it was written, and says what its JSON says."""
    from .page import page, page_seal

    found = _PAGE_SEAL.findall(written)
    sealed = len(found) == 1 and found[0] == page_seal(written)
    words = "unbroken" if sealed else "broken: something on the page was changed after it was written"
    checks = [Check("page", Verdict.HOLDS if sealed else Verdict.FAILS, words)]
    writer = document["made"]["convex_core"]
    if _same_page(page(state, document, report.text), written):
        checks.append(Check("page says", Verdict.HOLDS, "what its numbers say"))
    elif writer == __version__:
        words = "something else than its numbers: a text or a picture on it was changed"
        checks.append(Check("page says", Verdict.FAILS, words))
    else:
        words = f"other words than those of version {__version__} ({writer[:40]} is claimed): believe this check alone"
        checks.append(Check("page says", Verdict.UNDECIDED, words))
    return checks


def _same_page(one: str, other: str) -> bool:
    """Whether two pages are the same but for their seals and for roundings of the places in drawings."""
    ours, theirs = (_PLACES.split(_PAGE_SEAL.sub("", page)) for page in (one, other))
    # of every three parts the last is a place, and lies between numbers and letters
    return len(ours) == len(theirs) and all(
        a == b or (at % 3 == 2 and _same_place(a, b)) for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
    )


def _same_place(one: str, other: str) -> bool:
    ours, theirs = _NUMBER.split(one), _NUMBER.split(other)
    return len(ours) == len(theirs) and all(
        a == b or (at % 2 == 1 and abs(float(a) - float(b)) <= SETTINGS.place)
        for at, (a, b) in enumerate(zip(ours, theirs, strict=True))
    )


class _Work:
    """The two stages: what one forward pass says, and what takes a search over all cells."""

    def __init__(self, state: State, max_patterns: int, checks: list[Check]) -> None:
        self.state = state
        self.max_patterns = max_patterns
        self.checks = checks
        points = [("", state.point), *((f"path {at + 1} ", point) for at, point in enumerate(state.path))]
        self.points = points

    def say(self, name: str, right: bool, text: str) -> None:
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
            if budget.stop() is not None:
                raise Interrupted("network", status=budget.stop() or Status.TIME_LIMIT)
            self._objective(place, point)
            self._dual_value(place, point)
            wrong = _wrong_words(point)
            self.say(
                f"{place}words", not wrong, wrong or f"{point.claims.status}, {point.claims.scope}, as they should be"
            )
        self._rounds()

    def _objective(self, place: str, point: Point) -> None:
        problem, network, claimed = point.problem, point.network, point.claims.objective
        f = network.predict_patches(problem.patches)
        found = problem.objective_at(f, network)
        slope = float(np.abs(problem.whole_loss.gradient(f, problem.y)).sum())
        allowed = SETTINGS.relative * abs(found) + _allowed_outputs(point) * slope
        self.say(f"{place}objective", abs(found - claimed) <= allowed, _compared(claimed, found))

    def _dual_value(self, place: str, point: Point) -> None:
        problem, claims = point.problem, point.claims
        if claims.dual is None or claims.lower_bound is None:
            return
        found = problem.loss.dual_value(claims.dual, problem.y)
        allowed = SETTINGS.relative * abs(claims.objective)
        self.say(f"{place}dual value", abs(found - claims.lower_bound) <= allowed, _compared(claims.lower_bound, found))

    def _rounds(self) -> None:
        """No bound of a round may contradict those of the end; without its cones the program has others."""
        claims = self.state.point.claims
        if not self.state.rounds or claims.lower_bound is None or self.state.point.method == "gated":
            return
        slack = SETTINGS.relative * abs(claims.objective)
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
        """Prices over all cells, and how many there are."""
        proved = [(place, point) for place, point in self.points if point.claims.scope is Scope.GLOBAL]
        counted = any(point.claims.patterns is not None for _, point in self.points)
        first, about = (proved or self.points)[0][1], "bounds" if proved else "patterns"
        if not proved:
            self.say("bounds", True, "none is claimed: only some sign patterns were looked at")
            if not counted:
                self._at_most(CellFactory(first.problem.architecture, first.problem.patches).predicted)
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
        self._count(search)
        for at, (place, point) in enumerate(proved):
            budget.report("verify", "pricing the dual vector over every cell", fraction=at / len(proved))
            self._bound(place, point, search, budget)
        self._beta_max(search, budget)

    def _open(self, name: str, text: str) -> None:
        self.checks.append(Check(name, Verdict.UNDECIDED, text))

    def _count(self, search: CellSearch) -> None:
        for place, point in self.points:
            claims = point.claims
            if search.patterns is not None and claims.patterns is not None:
                words = f"{claims.patterns:,} claimed, {search.patterns:,} counted"
                self.say(f"{place}patterns", claims.patterns == search.patterns, words)
            elif claims.patterns is not None:
                self._open(f"{place}patterns", "not counted again in the time allowed")
        self._at_most(search.patterns_bound)

    def _at_most(self, most: int) -> None:
        """What is claimed to be no fewer than all sign patterns is compared with what `most` says of any data."""
        for place, point in self.points:
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
        self.say(name, right, _compared(claims.lower_bound, found))

    def _beta_max(self, search: CellSearch, budget: Budget) -> None:
        claimed, problem = self.state.beta_max, self.state.point.problem
        if claimed is None:
            return
        v = -problem.loss.gradient(np.zeros(problem.size), problem.y)
        price = search.pricer.price(v, floor=0.0, want=1, budget=budget, slack=SETTINGS.slack, prove=True)
        if not math.isfinite(price.bound):
            self._open("beta max", "could not be checked in the time allowed")
            return
        right = abs(price.bound - claimed) <= SETTINGS.beta_max * abs(claimed)
        self.say("beta max", right, _compared(claimed, price.bound))


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


def _compared(claimed: float, found: float) -> str:
    difference = f", difference {found - claimed:.1e}" if found != claimed else ""
    return f"{number(claimed, 12)} claimed, {number(found, 12)} found{difference}"


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"
