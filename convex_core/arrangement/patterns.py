"""Every sign pattern of the rows of a matrix, enumerated exactly and kept as packed bits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SizeError
from ..progress import Budget
from ..validation import finite_array, frozen, integer
from .certify import verdict
from .counts import closed_form, total
from .nbc import words_per_pattern
from .rows import MergedRows, prepare_rows
from .search import Engine, count_half, fill_half

__all__ = ["Arrangement", "enumerate_patterns"]

#: largest number of patterns that :func:`enumerate_patterns` stores unless told otherwise
MAX_PATTERNS = 20_000_000
#: largest memory for packed patterns, in bytes
MAX_BYTES = 2 << 30


@dataclass(frozen=True, slots=True)
class Arrangement:
    """All sign patterns of a central hyperplane arrangement {u : row_i . u = 0}.

    Pattern p and pattern ``(p + P/2) % P`` are antipodal; only the first half is stored.

    Attributes
    ----------
    rows : ndarray (N, h)
        The rows as given.
    merged : MergedRows
        The M distinct hyperplanes and the map from rows to them.
    bits : ndarray (P/2, ceil(M/64)) of uint64
        Bit j of a pattern: whether the cell lies on the positive side of ``merged.rows[j]``. Bit 0 is always
        set.
    rank : int
        Rank r of the rows.
    count : int
        Number of patterns P; 1 when every row is zero.
    closed_form : int
        P if the M hyperplanes were in general position, an upper bound.
    certified : bool
        Whether the enumeration is certain, for the reason `certified_reason`.
    max_zero, min_nonzero : float
        Largest value read as zero and smallest read as nonzero, scaled so that error bounds are 3.6e-15.
    seconds : float
        Wall-clock seconds of the enumeration.
    """

    rows: NDArray[np.float64]
    merged: MergedRows
    bits: NDArray[np.uint64]
    rank: int
    count: int
    closed_form: int
    certified: bool
    certified_reason: str
    max_zero: float
    min_nonzero: float
    seconds: float

    def __len__(self) -> int:
        return self.count

    def active(self, start: int = 0, stop: int | None = None) -> NDArray[np.bool_]:
        """Activations 1[row_i . u >= 0] in patterns start..stop as booleans (m, N); zero rows are active.

        Examples
        --------
        >>> enumerate_patterns([[1.0], [-2.0], [0.0]]).active().tolist()
        [[True, False, True], [False, True, True]]
        """
        return unpack_active(self._half_bits(start, stop), self.merged)

    def signs(self, start: int = 0, stop: int | None = None) -> NDArray[np.int8]:
        """Signs of row_i . u in patterns start..stop as int8 (m, N) in {-1, 0, 1}; 0 for zero rows.

        Examples
        --------
        >>> enumerate_patterns([[1.0], [-2.0], [0.0]]).signs().tolist()
        [[1, -1, 0], [-1, 1, 0]]
        """
        positive = self.active(start, stop)
        return np.where(self.merged.index >= 0, 2 * positive.astype(np.int8) - 1, 0).astype(np.int8)

    def chunks(self, size: int = 4096) -> Iterator[tuple[int, NDArray[np.bool_]]]:
        """Pairs (start, active) of consecutive patterns, `size` at a time."""
        size = integer(size, "size")
        for start in range(0, self.count, size):
            yield start, self.active(start, start + size)

    def _half_bits(self, start: int, stop: int | None) -> NDArray[np.uint64]:
        """Packed patterns start..stop, complemented in the second half; bits beyond M are arbitrary."""
        begin, end, _ = slice(start, stop).indices(self.count)
        half = len(self.bits)
        upper = self.bits[begin : min(end, half)] if begin < half else self.bits[:0]
        lower = ~self.bits[max(begin, half) - half : max(end, half) - half]
        return np.concatenate([upper, lower]) if len(lower) else upper


def unpack_active(bits: NDArray[np.uint64], merged: MergedRows) -> NDArray[np.bool_]:
    """Activations (m, N) on the original rows from packed patterns (m, words) on the merged ones."""
    octets = np.ascontiguousarray(bits, dtype="<u8").view(np.uint8)
    positive = np.unpackbits(octets, axis=1, bitorder="little").view(np.bool_)
    active = positive[:, np.maximum(merged.index, 0)]
    active ^= merged.sign < 0
    active |= merged.sign == 0
    return active


def enumerate_patterns(
    rows: ArrayLike,
    *,
    max_patterns: int = MAX_PATTERNS,
    max_bytes: int = MAX_BYTES,
    seed: int = 0,
    budget: Budget | None = None,
    engine: Engine = "auto",
) -> Arrangement:
    """Enumerate the sign patterns {sign(rows . u)} of all full-dimensional cells, without linear programs.

    The number is predicted before memory is spent: by the closed form, which bounds it, or by counting where
    the bound is too large. Method: see :mod:`convex_core.arrangement.nbc`.

    Parameters
    ----------
    rows : array_like (N, h)
        Normals of hyperplanes through the origin; zero, parallel and dependent rows are welcome.
    max_patterns : int
        Largest number of patterns allowed.
    max_bytes : int
        Largest memory allowed for the packed patterns.
    seed : int
        Seed of the random rotation; it decides the order of the patterns, not the set.
    budget : Budget or None
        Time limit, cancel flag and progress.
    engine : {"auto", "numba", "numpy"}
        Compiled kernels when numba is there, or one of the two.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix.
    SizeError
        If there are more patterns than `max_patterns` or `max_bytes` allow.
    Interrupted
        If the budget ends first.

    Examples
    --------
    >>> arrangement = enumerate_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> len(arrangement), arrangement.certified
    (6, True)
    """
    started = time.perf_counter()
    array = finite_array(rows, "rows", ndim=2)
    max_patterns, max_bytes = integer(max_patterns, "max_patterns"), integer(max_bytes, "max_bytes")
    prepared = prepare_rows(array, seed=seed)
    bound = closed_form(prepared.n, prepared.rank)
    limit = min(max_patterns, 2 * (max_bytes // (8 * words_per_pattern(prepared.n))))
    sizes: list[int] | None = None
    if bound > limit:
        counted, sizes = count_half(prepared, limit=limit // 2, budget=budget, engine=engine)
        if total(counted.count, prepared.rank) > limit:
            raise SizeError(
                f"rows: got {array.shape[0]} rows of rank {prepared.rank} with up to {bound} sign patterns, "
                f"expected at most {limit} (max_patterns, max_bytes)",
                predicted=bound,
                limit=limit,
            )
    half = fill_half(prepared, sizes=sizes, budget=budget, engine=engine)
    assert half.bits is not None
    bits = half.bits
    bits.flags.writeable = False
    count = total(half.count, prepared.rank)
    reads = prepared.reads | half.reads
    certified, reason = verdict(rows, prepared.n, count, reads)
    return Arrangement(
        rows=frozen(array),
        merged=prepared.merged,
        bits=bits,
        rank=prepared.rank,
        count=count,
        closed_form=bound,
        certified=certified,
        certified_reason=reason,
        max_zero=reads.max_zero,
        min_nonzero=reads.min_nonzero,
        seconds=time.perf_counter() - started,
    )
