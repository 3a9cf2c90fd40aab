"""The words every result carries: how a run ended, what its bounds cover, how exact its program is."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Exactness", "Scope", "Status"]


class Status(StrEnum):
    """How a computation ended; :attr:`text` is the sentence for a person."""

    OPTIMAL = "optimal"
    RESTRICTED_OPTIMUM = "restricted optimum"
    TIME_LIMIT = "time limit"
    CANCELLED = "cancelled"
    ITERATION_LIMIT = "iteration limit"
    BOUND_REACHED = "bound reached"
    STALLED = "stalled"
    PRECISION = "precision"
    OUT_OF_REACH = "out of reach"
    FEASIBLE = "feasible"

    @property
    def text(self) -> str:
        """The status as one sentence."""
        return _STATUS_TEXT[self]


class Scope(StrEnum):
    """What a bound covers."""

    GLOBAL = "global"
    RESTRICTED = "restricted"

    @property
    def text(self) -> str:
        """The scope as one sentence."""
        return _SCOPE_TEXT[self]


class Exactness(StrEnum):
    """Relation between the convex program over all patterns and the non-convex training problem."""

    EXACT = "exact"
    EXACT_IF_RANK_ONE = "exact if rank one"
    BOUND_ONLY = "bound only"

    @property
    def text(self) -> str:
        """The exactness word as one sentence."""
        return _EXACTNESS_TEXT[self]


_STATUS_TEXT = {
    Status.OPTIMAL: "The requested relative gap was reached.",
    Status.RESTRICTED_OPTIMUM: (
        "The optimum over the sampled patterns or the listed filters was reached; the global optimum may be lower."
    ),
    Status.BOUND_REACHED: (
        "The convex program was solved to the requested gap; it is only a bound on this network's training problem, "
        "so that the network found may be farther from the optimum."
    ),
    Status.TIME_LIMIT: "Stopped at the time limit; the best answer so far and its bounds are valid.",
    Status.CANCELLED: "Cancelled; the best answer so far and its bounds are valid.",
    Status.ITERATION_LIMIT: "Stopped at the iteration limit; the best answer so far and its bounds are valid.",
    Status.STALLED: "No further numerical progress was possible; the bounds are valid but wider than requested.",
    Status.PRECISION: (
        "The bound cannot be tightened further in double precision: beside data of this scale beta is so small that "
        "rounding errors decide. It is valid, but wider than requested."
    ),
    Status.OUT_OF_REACH: (
        "Nothing was found that fits the targets, and a network that does has a larger norm than the bound, however "
        "small beta was made."
    ),
    Status.FEASIBLE: "A feasible network, certified as it stands; nothing was optimised.",
}
_SCOPE_TEXT = {
    Scope.GLOBAL: "The lower bound covers every sign pattern of the data.",
    Scope.RESTRICTED: (
        "Only some sign patterns were examined: the value is an upper bound on the global optimum, "
        "and there is no global lower bound."
    ),
}
_EXACTNESS_TEXT = {
    Exactness.EXACT: "The convex program has the same optimal value as the non-convex training problem.",
    Exactness.EXACT_IF_RANK_ONE: "The convex value equals the non-convex optimum if every block has rank one.",
    Exactness.BOUND_ONLY: "The convex value is only a lower bound on the non-convex optimum.",
}
