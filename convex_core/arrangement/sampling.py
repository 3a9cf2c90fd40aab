"""Sign patterns drawn at random: uniform over all cells without listing them, Gaussian directions, local ascent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import record
from ..contracts.validation import finite_array, frozen, integer
from ..errors import InputError, SizeError
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget, within
from .enumeration.batches import pack
from .patterns import MAX_BYTES, unpack_active
from .rows import MergedRows, PreparedRows, prepare_rows
from .zero_tests import EPS, ZeroTests

__all__ = ["SampledPatterns", "sample_patterns"]

Method = Literal["uniform", "gaussian", "ascent"]
#: draws without a single accepted one after which uniform sampling gives up
MAX_FAILURES = 2_000_000
#: steps of local ascent after which a draw is taken as it is
MAX_STEPS = 200
#: numbers in one array of a batch: 1 MB, so that it stays in the cache
_BATCH_ENTRIES = 1 << 17
_Floats = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class SampledPatterns:
    """Sign patterns drawn independently, possibly with repetitions.

    Attributes
    ----------
    rows : ndarray (N, h)
        The rows as given.
    merged : MergedRows
        The M distinct hyperplanes and the map from rows to them.
    bits : ndarray (m, ceil(M/64)) of uint64
        Packed patterns: bit j says whether the cell lies on the positive side of ``merged.rows[j]``.
    method : str
        ``"uniform"``: every cell equally likely; ``"gaussian"``: a cell as likely as its solid angle; ``"ascent"``:
        cells where local ascent ends.
    acceptance : float
        Share of the proposals that were accepted; 1 for Gaussian draws and ascent.
    certified : bool
        Whether every zero test was clear, in the sense of the enumeration: then all draws are cells.
    """

    rows: NDArray[np.float64]
    merged: MergedRows
    bits: NDArray[np.uint64]
    method: Method
    acceptance: float
    certified: bool

    def __len__(self) -> int:
        return len(self.bits)

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Activations 1[row_i . u >= 0] of draws start..stop as booleans (m, N); zero rows are active."""
        return unpack_active(self.bits[start:stop], self.merged)

    def distinct(self) -> SampledPatterns:
        """Drop repetitions; the order of first appearance is kept."""
        if self.bits.shape[1] == 1:
            first = np.sort(np.unique(self.bits[:, 0], return_index=True)[1])
        else:
            seen: dict[bytes, int] = {}
            for i, word in enumerate(self.bits):
                seen.setdefault(word.tobytes(), i)
            first = np.fromiter(seen.values(), np.int64, len(seen))
        bits = self.bits[first]
        bits.flags.writeable = False
        return SampledPatterns(self.rows, self.merged, bits, self.method, self.acceptance, self.certified)

    def share_seen(self, count: int) -> float:
        """Share of all `count` cells of the arrangement that were drawn at least once.

        Examples
        --------
        >>> sample_patterns([[1.0, 0.0], [0.0, 1.0]], 50).share_seen(4)
        1.0
        """
        return len(self.distinct()) / integer(count, "count")


@takes_budget
def sample_patterns(
    rows: ArrayLike,
    m: int,
    *,
    method: Method = "uniform",
    v: ArrayLike | None = None,
    seed: int | np.random.Generator = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> SampledPatterns:
    """Draw `m` sign patterns of `rows` (N, h) independently.

    ``"uniform"`` draws no-broken-circuit sets by rejection (see :mod:`convex_core.arrangement.enumeration.tasks`):
    every cell has exactly the same probability, however small its solid angle. ``"gaussian"`` takes the patterns of u ~
    N(0, I). ``"ascent"`` starts there and repeats u <- g(u) / ||g(u)||, g(u) = sum_i v_i 1[rows_i . u >= 0] rows_i,
    until the pattern stays, and finds cells that matter for a dual vector v: with v >= 0 the sum g(u) . u of v_i
    (rows_i . u)_+ never falls; with mixed signs it tends to grow, may cycle, and the last of 200 steps counts. Where
    g(u) = 0 the draw stays.

    Parameters
    ----------
    rows : array_like (N, h)
        Normals of hyperplanes through the origin.
    m : int
        Number of draws.
    method : {"uniform", "gaussian", "ascent"}
        The distribution.
    v : array_like (N,) or None
        Weights of the rows for ascent; None: a new Gaussian vector for every draw.
    seed : int or Generator
        Source of randomness.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix, the method is unknown, or `v` does not fit.
    SizeError
        If the draws do not fit the memory set aside for patterns, or if the rows are so degenerate that no proposal is
        accepted.
    Interrupted
        If the time is up first, or on cancelling.

    Examples
    --------
    >>> draws = sample_patterns([[1.0, 0.0], [0.0, 1.0]], 100, seed=1)
    >>> draws.active().shape, len(draws.distinct()), draws.certified
    ((100, 2), 4, True)
    >>> sample_patterns([[1.0, 0.0], [0.0, 1.0]], 50, method="ascent", v=[1.0, 1.0]).distinct().active().tolist()
    [[True, True], [False, False]]
    """
    array = finite_array(rows, "rows", ndim=2)
    m = integer(m, "m")
    if method not in get_args(Method):
        raise InputError(f"method: got {method!r}, expected one of {', '.join(get_args(Method))}")
    weights = None if v is None else finite_array(v, "v", ndim=1)
    if weights is not None and (method != "ascent" or len(weights) != len(array)):
        raise InputError(f"v: got {len(weights)} weights for {method!r}, expected {len(array)} for 'ascent'")
    rng = np.random.default_rng(seed)
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    return within(budget, lambda inner: _sample(array, m, method, weights, rng, inner))


def _sample(
    array: _Floats, m: int, method: Method, weights: _Floats | None, rng: np.random.Generator, budget: Budget
) -> SampledPatterns:
    prepared = prepare_rows(array)
    most = MAX_BYTES // (8 * prepared.words)
    if m > most:
        message = f"m: got {m:,} draws, expected at most {most:,} ({MAX_BYTES >> 30} GiB)"
        raise SizeError(message, predicted=m, limit=most)
    acceptance, zero_tests = 1.0, ZeroTests()
    if prepared.rank == 0:
        bits = np.zeros((m, 1), dtype=np.uint64)
    elif method == "uniform":
        bits, acceptance, zero_tests = _uniform(prepared, m, rng, budget)
    else:
        bits, zero_tests = _directions(array, prepared, m, rng, method == "ascent", weights, budget)
    bits.flags.writeable = False
    certified = (zero_tests | prepared.zero_tests).clear
    return SampledPatterns(frozen(array), prepared.merged, bits, method, acceptance, certified)


def _directions(
    rows: _Floats,
    prepared: PreparedRows,
    m: int,
    rng: np.random.Generator,
    ascend: bool,
    v: _Floats | None,
    budget: Budget,
) -> tuple[NDArray[np.uint64], ZeroTests]:
    """Patterns of Gaussian directions, or of where ascent from them ends."""
    step = max(1, _BATCH_ENTRIES // len(rows))
    parts, zero_tests = [], ZeroTests()
    for start in range(0, m, step):
        _go_on(budget)
        budget.report("patterns", f"{start:,} of {m:,} draws", fraction=start / m)
        begin = rng.standard_normal((min(step, m - start), rows.shape[1]))
        side, seen = _sides(begin, prepared)
        if ascend:
            weights = rng.standard_normal((len(begin), len(rows))) if v is None else np.tile(v, (len(begin), 1))
            end, at_end = _sides(_ascend(rows, weights, begin, budget), prepared)
            # an end on a hyperplane is moved towards its beginning, by less than the distance to any other
            side, seen = np.where(end == 0, side, end), seen | at_end
        parts.append(pack(side > 0))
        zero_tests |= seen
    return np.vstack(parts), zero_tests


def _sides(u: _Floats, prepared: PreparedRows) -> tuple[NDArray[np.int8], ZeroTests]:
    """Sides of the directions `u` (m, h) of the hyperplanes, 0 for on it, and the zero tests."""
    values = u @ prepared.merged.rows.T
    bound = 2 * prepared.error * np.abs(u).sum(axis=1, keepdims=True)
    return np.where(np.abs(values) <= bound, 0, np.sign(values)).astype(np.int8), ZeroTests.of(values, bound)


def _ascend(rows: _Floats, weights: _Floats, u: _Floats, budget: Budget) -> _Floats:
    """Repeat ``u <- g(u) / ||g(u)||`` from the directions `u` (m, h) with `weights` (m, N) until the patterns stay."""
    end = u.copy()
    moving = np.arange(len(u))
    active = u @ rows.T >= 0
    for _ in range(MAX_STEPS):
        _go_on(budget)
        g = (active * weights[moving]) @ rows
        size = np.linalg.norm(g, axis=1, keepdims=True)
        g = np.where(size > 0, g / np.where(size > 0, size, 1.0), end[moving])
        end[moving] = g
        new = g @ rows.T >= 0
        changed = (new != active).any(axis=1)
        moving, active = moving[changed], new[changed]
        if moving.size == 0:
            break
    return end


def _go_on(budget: Budget) -> None:
    budget.check("the sampling of sign patterns was stopped")


def _uniform(
    prepared: PreparedRows, m: int, rng: np.random.Generator, budget: Budget
) -> tuple[NDArray[np.uint64], float, ZeroTests]:
    """Patterns of uniform no-broken-circuit sets, the share of proposals accepted, and the zero tests."""
    n, r = prepared.n, prepared.rank
    weights = np.array([math.comb(n - 1, k - 1) for k in range(1, r + 1)], dtype=np.float64)
    weights /= weights.sum()
    every = pack(np.ones((1, n), dtype=np.bool_))
    bits = np.empty((m, every.shape[1]), dtype=np.uint64)
    got = tries = 0
    rate = 1.0
    zero_tests = ZeroTests()
    while got < m:
        _go_on(budget)
        budget.report("patterns", f"{got:,} of {m:,} draws", fraction=got / m)
        batch = int(min(max(64, 1.1 * (m - got) / rate), max(64, _BATCH_ENTRIES // n)))
        # a batch is kept or cut as a whole in random order, so that no rank is favoured
        ranks = rng.choice(r, size=batch, p=weights) + 1
        found = []
        for k in np.unique(ranks):
            _go_on(budget)
            proposals = _subsets(n, int(k), int((ranks == k).sum()), rng)
            decoded, seen = _decode(*prepared.level(int(k)), proposals)
            found.append(decoded)
            zero_tests |= seen
        new = rng.permutation(np.vstack(found))
        tries += batch
        rate = max(got + len(new), 1) / tries
        if len(new) == 0 and got == 0 and tries > MAX_FAILURES:
            raise SizeError(
                f"rows: got an arrangement where none of {tries} random subsets is a no-broken-circuit set, "
                "expected a less degenerate one",
                predicted=tries,
                limit=MAX_FAILURES,
            )
        new = new[: m - got]
        new ^= rng.integers(2, size=(len(new), 1), dtype=np.uint64) * every
        bits[got : got + len(new)] = new
        got += len(new)
    return bits, rate, zero_tests


def _subsets(n: int, k: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw uniform sorted k-subsets of {0, ..., n-1} that contain 0, as (count, k), by Floyd's algorithm."""
    chosen = np.zeros((count, k), dtype=np.int64)
    for a in range(1, k):
        last = n - k + a
        draw = rng.integers(1, last + 1, size=count)
        taken = (chosen[:, 1:a] == draw[:, None]).any(axis=1)
        chosen[:, a] = np.where(taken, last, draw)
    return np.sort(chosen, axis=1)


def _decode(matrix: _Floats, error: _Floats, subsets: NDArray[np.int64]) -> tuple[NDArray[np.uint64], ZeroTests]:
    """Decode those subsets that are no-broken-circuit bases of the truncation (k, n + 1), whose columns have `error`.

    From a_j = sum_i alpha_ji a_{b_i}, that is alpha = B^-1 A, follows the error of alpha_ji to first order: row i of
    |B^-1| times the errors of column j and of the basis columns that it combines, weighted by |alpha_j|. The row sums
    s_i of |B^-1| bound |alpha_ji| <= s_i max |a_j|, so one bound holds for all columns. Only the first alpha_ji
    that is not zero matters: in general position i = 1 for all columns but the basis itself.
    """
    k, n = matrix.shape[0], matrix.shape[1] - 1
    error = 2.5 * (error + (k + 2) * EPS)  # room for what is not of first order, as in the kernel
    bases = matrix.T[subsets].transpose(0, 2, 1)
    regular = np.linalg.det(bases) != 0  # an exactly singular one cannot be inverted at all
    subsets, bases = subsets[regular], bases[regular]
    inverse = np.linalg.inv(bases)
    spread = error[subsets]
    stretch = np.abs(inverse).sum(axis=2)
    # a basis is told from a dependent set by its distance to the singular matrices
    distance, bound = 1.0 / stretch.max(axis=1, initial=1.0), spread.sum(axis=1)
    zero_tests = ZeroTests.of(distance, bound)
    independent = distance > bound
    subsets, inverse, spread, stretch = (part[independent] for part in (subsets, inverse, spread, stretch))
    weighted = (spread * stretch).sum(axis=1, keepdims=True) * np.abs(matrix).max()
    bounds = stretch * (error.max() + weighted)
    objective = inverse @ matrix[:, n]
    own = (objective > 0) == (objective[:, :1] > 0)
    # the objective is generic: no coefficient may be zero
    zero_tests |= ZeroTests(0.0, float((np.abs(objective) / bounds).min(initial=math.inf)))
    positive = np.zeros((len(subsets), n), dtype=np.bool_)
    accepted = np.ones(len(subsets), dtype=np.bool_)
    left = np.arange(len(subsets))
    decided = np.zeros((len(subsets), n), dtype=np.bool_)  # columns with a nonzero coefficient so far, in rows `left`
    np.put_along_axis(decided, subsets, True, axis=1)
    for i in range(k):
        alpha = inverse[left, i] @ matrix[:, :n]
        side = (alpha > 0) == own[left, i, None]
        positive[left] = np.where(decided, positive[left], side) if i else side
        size = np.abs(alpha, out=alpha)
        size[decided] = math.inf
        limit = bounds[left, i]
        smallest = size.min(axis=1, initial=math.inf)
        clear = smallest > limit
        zero_tests |= ZeroTests(0.0, float((smallest[clear] / limit[clear]).min(initial=math.inf)))
        left, size, limit = left[~clear], size[~clear], limit[~clear, None]
        if left.size == 0:
            break
        zero_tests |= ZeroTests.of(size, limit)
        decided = size > limit
        # a column that comes before the next of the basis and depends on those after it is a broken circuit
        after = subsets[left, i + 1] if i + 1 < k else n
        broken = decided.argmin(axis=1) < after
        accepted[left[broken]] = False
        left, decided = left[~broken], decided[~broken]
    np.put_along_axis(positive, subsets, own, axis=1)
    return pack(positive[accepted]), zero_tests
