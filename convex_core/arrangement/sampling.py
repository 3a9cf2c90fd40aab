"""Sign patterns drawn at random: uniform over all cells without listing them, or by Gaussian directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, SizeError
from ..validation import finite_array, frozen, integer
from .nbc import first_pattern
from .nbc_numpy import pack
from .patterns import unpack_active
from .rows import MergedRows, PreparedRows, prepare_rows

__all__ = ["SampledPatterns", "sample_patterns"]

Method = Literal["uniform", "gaussian"]
#: draws without a single accepted one after which uniform sampling gives up
MAX_FAILURES = 2_000_000
#: coefficients below this, relative to the largest, are read as zero
COEFFICIENT_TOLERANCE = 1e-9
_BATCH_ENTRIES = 1 << 21


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
        ``"uniform"``: every cell equally likely; ``"gaussian"``: a cell as likely as its solid angle.
    acceptance : float
        Share of the proposals that were accepted, 1 for Gaussian draws.
    """

    rows: NDArray[np.float64]
    merged: MergedRows
    bits: NDArray[np.uint64]
    method: Method
    acceptance: float

    def __len__(self) -> int:
        return len(self.bits)

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Activations 1[row_i . u >= 0] of draws start..stop as booleans (m, N); zero rows are active."""
        return unpack_active(self.bits[start:stop], self.merged)

    def distinct(self) -> SampledPatterns:
        """Drop repetitions; the order of first appearance is kept."""
        first = np.sort(np.unique(self.bits, axis=0, return_index=True)[1])
        bits = self.bits[first]
        bits.flags.writeable = False
        return SampledPatterns(self.rows, self.merged, bits, self.method, self.acceptance)

    def share_seen(self, count: int) -> float:
        """Share of all `count` cells of the arrangement that were drawn at least once.

        Examples
        --------
        >>> sample_patterns([[1.0, 0.0], [0.0, 1.0]], 50).share_seen(4)
        1.0
        """
        return len(self.distinct()) / integer(count, "count")


def sample_patterns(
    rows: ArrayLike, m: int, *, method: Method = "uniform", seed: int | np.random.Generator = 0
) -> SampledPatterns:
    """Draw `m` sign patterns of `rows` (N, h) independently.

    ``"uniform"`` draws no-broken-circuit sets by rejection (see :mod:`convex_core.arrangement.nbc`): every
    cell has exactly the same probability, however small its solid angle. ``"gaussian"`` takes the patterns of
    u ~ N(0, I).

    Parameters
    ----------
    rows : array_like (N, h)
        Normals of hyperplanes through the origin.
    m : int
        Number of draws.
    method : {"uniform", "gaussian"}
        The distribution.
    seed : int or Generator
        Source of randomness.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix, or the method is unknown.
    SizeError
        If the rows are so degenerate that no proposal is accepted.

    Examples
    --------
    >>> draws = sample_patterns([[1.0, 0.0], [0.0, 1.0]], 100, seed=1)
    >>> draws.active().shape, len(draws.distinct())
    ((100, 2), 4)
    """
    array = finite_array(rows, "rows", ndim=2)
    m = integer(m, "m")
    if method not in ("uniform", "gaussian"):
        raise InputError(f"method: got {method!r}, expected 'uniform' or 'gaussian'")
    rng = np.random.default_rng(seed)
    prepared = prepare_rows(array)
    if prepared.rank == 0:
        bits, acceptance = np.zeros((m, 1), dtype=np.uint64), 1.0
    elif method == "gaussian":
        bits, acceptance = _gaussian(prepared, m, rng), 1.0
    else:
        bits, acceptance = _uniform(prepared, m, rng)
    bits.flags.writeable = False
    return SampledPatterns(frozen(array), prepared.merged, bits, method, acceptance)


def _gaussian(prepared: PreparedRows, m: int, rng: np.random.Generator) -> NDArray[np.uint64]:
    """Patterns of Gaussian directions."""
    step = max(1, _BATCH_ENTRIES // prepared.n)
    parts = []
    for start in range(0, m, step):
        u = rng.standard_normal((min(step, m - start), prepared.rank))
        parts.append(pack(u @ prepared.coordinates.T >= 0))
    return np.vstack(parts)


def _uniform(prepared: PreparedRows, m: int, rng: np.random.Generator) -> tuple[NDArray[np.uint64], float]:
    """Patterns of uniform no-broken-circuit sets, and the share of proposals accepted."""
    n, r = prepared.n, prepared.rank
    weights = np.array([math.comb(n - 1, k - 1) for k in range(1, r + 1)], dtype=np.float64)
    weights /= weights.sum()
    levels = [prepared.level(k)[0] for k in range(1, r + 1)]
    words = first_pattern(prepared).bits.shape[1]
    bits = np.empty((m, words), dtype=np.uint64)
    got = tries = 0
    rate = 1.0
    while got < m:
        batch = int(min(max(64, 1.1 * (m - got) / rate), max(64, _BATCH_ENTRIES // (n * r))))
        # a batch is kept or cut as a whole in random order, so that no rank is favoured
        ranks = rng.choice(r, size=batch, p=weights) + 1
        found = []
        for k in np.unique(ranks):
            proposals = _subsets(n, int(k), int((ranks == k).sum()), rng)
            found.append(_decode(levels[k - 1], proposals))
        positive = rng.permutation(np.vstack(found))
        tries += batch
        rate = max(got + len(positive), 1) / tries
        if len(positive) == 0 and got == 0 and tries > MAX_FAILURES:
            raise SizeError(
                f"rows: got an arrangement where none of {tries} random subsets is a no-broken-circuit set, "
                "expected a less degenerate one",
                predicted=tries,
                limit=MAX_FAILURES,
            )
        positive = positive[: m - got]
        positive ^= rng.integers(2, size=(len(positive), 1), dtype=np.uint8).astype(np.bool_)
        bits[got : got + len(positive)] = pack(positive)
        got += len(positive)
    return bits, rate


def _subsets(n: int, k: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw uniform sorted k-subsets of {0, ..., n-1} that contain 0, as (count, k), by Floyd's algorithm."""
    chosen = np.zeros((count, k), dtype=np.int64)
    for a in range(1, k):
        last = n - k + a
        draw = rng.integers(1, last + 1, size=count)
        taken = (chosen[:, 1:a] == draw[:, None]).any(axis=1)
        chosen[:, a] = np.where(taken, last, draw)
    return np.sort(chosen, axis=1)


def _decode(matrix: NDArray[np.float64], subsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Decode those subsets that are no-broken-circuit bases of the truncation (k, n + 1)."""
    k, n = matrix.shape[0], matrix.shape[1] - 1
    bases = matrix.T[subsets]
    singular = np.linalg.svd(bases, compute_uv=False)
    independent = singular[:, -1] > COEFFICIENT_TOLERANCE * singular[:, 0]
    subsets, bases = subsets[independent], bases[independent]
    # a_j = sum_i alpha_ji a_{b_i}; the last column gives the objective's coefficients
    alpha = np.linalg.solve(bases.transpose(0, 2, 1), np.broadcast_to(matrix, (len(bases), k, n + 1)))
    big = np.abs(alpha).max(axis=1, keepdims=True)
    nonzero = np.abs(alpha[:, :, :n]) > COEFFICIENT_TOLERANCE * big[:, :, :n]
    first = nonzero.argmax(axis=1)
    smallest = np.take_along_axis(subsets, first, axis=1)
    accepted = (smallest <= np.arange(n)).all(axis=1)
    alpha, first = alpha[accepted], first[accepted]
    own = (alpha[:, :, n] > 0) == (alpha[:, :1, n] > 0)
    coefficient = np.take_along_axis(alpha[:, :, :n], first[:, None], axis=1)[:, 0]
    positive: NDArray[np.bool_] = (coefficient > 0) == np.take_along_axis(own, first, axis=1)
    return positive
