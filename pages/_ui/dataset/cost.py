"""What the present choice will cost, before it is paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convex_core.arrangement import closed_form, count_patterns, merge_rows, polynomial_bound
from convex_core.errors import Interrupted, SizeError
from convex_core.progress import Budget, limits
from convex_core.solvers.search import is_searched

from ..layout import Fact, large
from ..work import calls, keep
from ..work.compute import MAX_PATTERNS

__all__ = ["Cost", "estimate", "meter"]

#: Patterns counted exactly while a visitor waits, and for how long.
COUNT_LIMIT = 3_000_000
COUNT_SECONDS = 1.0
#: Fitted to column generation on the toy sets, one core: seconds = BASE + PER_ENTRY * P * N.
BASE_SECONDS = 0.05
PER_ENTRY_SECONDS = 2.5e-7


@dataclass(frozen=True, slots=True)
class Cost:
    """Size of an arrangement; `patterns` is exact or, if it was too many to count here, a bound."""

    rows: int
    merged_rows: int
    rank: int
    patterns: int
    exact: bool
    bound: float

    @property
    def seconds(self) -> float:
        """Estimated seconds of a solve to 1e-8 that lists every pattern."""
        return BASE_SECONDS + PER_ENTRY_SECONDS * self.patterns * self.rows


def estimate(key: str, patches: NDArray[np.float64]) -> Cost:
    """Count the patterns if that is quick, otherwise bound them."""
    return calls.run("estimate", key, lambda budget: _count(patches, budget), COUNT_SECONDS, heavy=False)


def _count(patches: NDArray[np.float64], budget: Budget) -> Cost:
    K, n, h = patches.shape
    rows = patches.reshape(n * K, h)
    merged = merge_rows(rows).rows
    rank = int(np.linalg.matrix_rank(merged)) if len(merged) else 0
    bound = closed_form(len(merged), rank)
    polynomial = polynomial_bound(n, K, rank)
    try:
        if bound > 100 * COUNT_LIMIT:
            raise SizeError("patterns", predicted=bound, limit=COUNT_LIMIT)
        count = count_patterns(rows, max_patterns=COUNT_LIMIT, **limits(budget))
    except (SizeError, Interrupted) as error:
        if isinstance(error, Interrupted):
            keep.cut_short()
        return Cost(n * K, len(merged), rank, bound, False, polynomial)
    return Cost(n * K, count.merged_rows, count.rank, count.patterns, True, polynomial)


def meter(patches: NDArray[np.float64], cost: Cost) -> list[Fact]:
    """The live cost meter: patches, rows, sign patterns, seconds."""
    K, n, h = patches.shape
    merged = f"{cost.merged_rows:,} after merging" if cost.merged_rows < cost.rows else "all different"
    if is_searched(cost.patterns, cost.merged_rows, h):
        time = Fact("searched", "to solve", "branch and bound: global, nothing listed")
    elif cost.exact and cost.patterns <= MAX_PATTERNS:
        time = Fact(f"≈ {cost.seconds:.2g} s", "to solve", "estimated, every pattern listed")
    else:
        time = Fact("sampled", "to solve", f"over {MAX_PATTERNS:,} patterns: restricted")
    return [
        Fact(str(K), "patches K", f"of h = {h} entries"),
        Fact(f"{n * K:,}", "patch rows N = nK", merged),
        Fact(
            large(cost.patterns) if cost.exact else f"≤ {large(cost.patterns)}",
            "sign patterns P",
            "counted exactly" if cost.exact else "closed form, not counted",
        ),
        Fact(large(cost.bound), "bound O((nK/r)ʳ)", f"rank r = {cost.rank}"),
        time,
    ]
