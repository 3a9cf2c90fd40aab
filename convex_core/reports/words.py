"""What a report says in sentences; the numbers are those of its claims."""

from __future__ import annotations

import math

from ..architectures import formulas_of
from ..presentation.text import counted, number
from ..status import Scope, Status
from .state import State

__all__ = ["facts", "headline", "lead", "notes"]

#: Largest relative gap of what is called best, whatever was asked for.
PROVED = 1e-6


def headline(state: State) -> str:
    """The verdict in one line."""
    claims = state.point.claims
    m = claims.active_filters
    what = "The zero network" if m == 0 else "1 filter" if m == 1 else f"{m} filters"
    if claims.scope is not Scope.GLOBAL:
        return f"{what}, an upper bound only"
    if claims.relative_gap is not None and claims.relative_gap <= PROVED:
        return f"{what}, proved best"
    return f"{what}, at most {percent(claims.relative_gap)} from the best"


def lead(state: State) -> str:
    """What that means, for somebody who reads one paragraph."""
    claims = state.point.claims
    objective = number(claims.objective, 10)
    if claims.lower_bound is None:
        return (
            f"This network has the objective {objective}. Only some sign patterns were looked at, so that nothing is "
            "proved about how much better another network could be."
        )
    if claims.patterns is None:
        covered = "all directions of a filter"
    elif claims.patterns == 1:
        covered = "the only cell there is"
    else:
        count, copies = _patterns(state, claims.patterns)
        covered = f"every sign pattern, {count:,} in all" + (f", each {copies}" if copies else "")
    return (
        f"This network has the objective {objective}. No network of this kind, whatever its number of filters, can "
        f"have less than {number(claims.lower_bound, 10)} on these data: the proof covers {covered}."
    )


def facts(state: State) -> list[tuple[str, str, str]]:
    """The numbers of the certificate: what, how much, and a note."""
    point = state.point
    claims = point.claims
    bound = "–" if claims.lower_bound is None else number(claims.lower_bound, 10)
    count, copies = _patterns(state, claims.patterns or 0)
    patterns = "not counted" if claims.patterns is None else f"{count:,}"
    largest = "–" if claims.price is None else f"≤ {claims.price / point.problem.beta:.9g}"
    return [
        ("objective", number(claims.objective, 10), "of this network (upper bound)"),
        ("lower bound", bound, "no network is below" if claims.lower_bound is not None else "none is claimed"),
        ("relative gap", gap(claims.relative_gap), f"wanted {point.tol:.0e}"),
        ("sign patterns", patterns, f"each {copies}" if copies else f"at most {_large(claims.patterns_bound)}"),
        ("largest price / β", largest, "over all directions" if claims.price is not None else "not known"),
        ("filters", str(claims.active_filters), counted(point.problem.n, "sample")),
    ]


def notes(state: State) -> list[tuple[str, str, bool]]:
    """The three words of every result: name and word, its sentence, and whether it is the best there is."""
    claims = state.point.claims
    reached = claims.status is Status.OPTIMAL or (
        claims.status is Status.BOUND_REACHED and claims.scope is Scope.GLOBAL
    )
    return [
        (f"program: {claims.exactness}", claims.exactness.text, claims.exactness == "exact"),
        (f"scope: {claims.scope}", claims.scope.text, claims.scope is Scope.GLOBAL),
        (f"status: {claims.status}", claims.status.text, reached),
    ]


def gap(value: float | None) -> str:
    """A relative gap; below 1e-12 it is rounding."""
    return "–" if value is None or not math.isfinite(value) else f"{value:.1e}" if value >= 1e-12 else "below 1e-12"


def percent(share: float | None) -> str:
    """A share of the objective."""
    return "–" if share is None else f"{100.0 * share:.2g} %"


def _patterns(state: State, cells: int) -> tuple[int, str]:
    """Sign patterns behind a number of cells, and what each of them comes with: outputs, or choices of signs."""
    architecture = state.point.problem.architecture
    return cells // architecture.cells_per_pattern, formulas_of(architecture).copies


def _large(count: int) -> str:
    return f"{count:,}" if count < 10**12 else f"10^{len(str(count)) - 1}"
