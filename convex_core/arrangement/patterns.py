"""Every sign pattern of the rows of a matrix, enumerated exactly and kept as packed bits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..contracts.records import locked, record
from ..contracts.validation import finite_array, frozen, integer
from ..errors import InputError, SizeError
from ..presentation.arrangements import ArrangementAnswer
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget, within
from .cells.batch import Witnesses, cell_witnesses
from .cells.geometry import Cell, cell_rays, cell_witness
from .cells.lookup import Facets, Lookup, build_lookup, find_facets
from .engines import Engine, enumerate_half, use_numba
from .enumeration.batches import pack
from .enumeration.tasks import Half
from .rows import MergedRows, closed_form, fewest_cells, prepare_rows
from .zero_tests import certify_count

__all__ = ["Arrangement", "enumerate_in", "enumerate_patterns", "unpack_active"]

#: largest number of patterns that :func:`enumerate_patterns` stores unless told otherwise
MAX_PATTERNS = 20_000_000
#: largest memory for packed patterns, in bytes
MAX_BYTES = 2 << 30
#: signs unpacked at a time
_WITNESS_ENTRIES = 1 << 22


@record
@dataclass(frozen=True, slots=True, repr=False)
class Arrangement(ArrangementAnswer):
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
        Wall-clock seconds of the enumeration, without compilation.
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
    _lookup: list[Lookup] = field(default_factory=list, repr=False, compare=False)

    def __repr__(self) -> str:
        N, h = self.rows.shape
        certain = "certified" if self.certified else "not certified"
        return f"Arrangement({self.count:,} patterns of {N:,} rows in R^{h}, rank {self.rank}, {certain})"

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

    def index_of(self, active: ArrayLike) -> NDArray[np.int64]:
        """Find activations (m, N) or (N,) among the patterns: their indices (m,), -1 for what is no pattern.

        Zero rows are not compared.

        Raises
        ------
        InputError
            If `active` has not N columns.

        Examples
        --------
        >>> arrangement = enumerate_patterns([[1.0, 0.0], [0.0, 1.0]])
        >>> int(arrangement.index_of(arrangement.active(3))[0])
        3
        """
        given = np.atleast_2d(np.asarray(active, dtype=np.bool_))
        if given.ndim != 2 or given.shape[1] != len(self.rows):
            raise InputError(f"active: got shape {given.shape}, expected (m, {len(self.rows)})")
        if self.rank == 0:
            return np.zeros(len(given), dtype=np.int64)
        positive = given ^ (self.merged.sign < 0)
        first = self._first_rows()
        packed = pack(positive[:, first])
        mask = pack(np.ones((1, len(first)), dtype=np.bool_))[0]
        found = self._table().find(self.bits, packed, mask)
        live = self.merged.index >= 0  # parallel rows must agree with the first of them
        agree = (positive[:, live] == positive[:, first][:, self.merged.index[live]]).all(axis=1)
        return np.where(agree, found, -1)

    def facets(self, indices: ArrayLike | None = None) -> Facets:
        """Irredundant facets and neighbours of the patterns `indices` (m,), of all patterns by default.

        A cell in rank r has about 2 (r - 1) facets, however large N is.

        Raises
        ------
        InputError
            If an index is not in [0, P).

        Examples
        --------
        >>> facets = enumerate_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).facets()
        >>> len(facets), facets.offsets.tolist()
        (6, [0, 2, 4, 6, 8, 10, 12])
        """
        chosen = np.arange(self.count) if indices is None else np.atleast_1d(np.asarray(indices))
        if chosen.dtype.kind not in "iu" or chosen.ndim != 1:
            raise InputError(f"indices: got dtype {chosen.dtype} and shape {chosen.shape}, expected integers (m,)")
        if chosen.size and not (chosen.min() >= 0 and chosen.max() < self.count):
            raise InputError(f"indices: got values in [{chosen.min()}, {chosen.max()}], expected [0, {self.count - 1}]")
        if self.rank == 0:
            empty = np.zeros(0, dtype=np.int64)
            return locked(Facets(np.zeros(len(chosen) + 1, dtype=np.int64), empty, empty, empty.astype(np.int8), empty))
        return find_facets(self._table(), self.bits, self.merged, self._first_rows(), chosen.astype(np.int64))

    def cell(self, index: int) -> Cell:
        """Describe the cell of one pattern: witness point, margin, facets, neighbours, rays.

        Raises
        ------
        InputError
            If `index` is not in [0, P).

        Examples
        --------
        >>> cell = enumerate_patterns([[1.0, 0.0], [0.0, 1.0]]).cell(0)
        >>> cell.facet_rows.tolist(), round(cell.margin, 6), cell.rays.shape
        ([0, 1], 0.707107, (2, 2))
        """
        p = integer(index, "index", minimum=0, maximum=self.count - 1)
        facets = self.facets([p])
        normals = facets.signs[:, None] * self.rows[facets.rows]
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        rays: NDArray[np.float64] | None = None
        if self.rank == 0:
            witness, margin = np.eye(self.rows.shape[1])[0], np.inf
        else:
            witness, margin = cell_witness(normals)
            rays = cell_rays(normals, witness)
        return locked(
            Cell(
                index=p,
                active=self.active(p, p + 1)[0],
                signs=self.signs(p, p + 1)[0],
                witness=witness,
                margin=margin,
                facet_rows=facets.rows,
                facet_signs=facets.signs,
                neighbours=facets.neighbours,
                rays=rays,
            )
        )

    def witnesses(self, start: int = 0, stop: int | None = None) -> Witnesses:
        """Interior points (m, h) of the cells start..stop with their margins, many at a time.

        Examples
        --------
        >>> enumerate_patterns([[1.0, 0.0], [0.0, 1.0]]).witnesses(0, 2).margins.round(6).tolist()
        [0.707107, 0.707107]
        """
        bits = self._half_bits(start, stop)
        m, h = len(bits), self.rows.shape[1]
        if self.rank == 0:
            return Witnesses(frozen(np.tile(np.eye(h)[0], (m, 1))), frozen(np.full(m, np.inf)))
        points, margins = np.empty((m, h)), np.empty(m)
        step = max(1, _WITNESS_ENTRIES // len(self.merged.rows))
        for first in range(0, m, step):
            part = slice(first, first + step)
            positive = unpack(bits[part], len(self.merged.rows))
            found = cell_witnesses(self.merged.rows, np.where(positive, 1, -1))
            points[part], margins[part] = found.points, found.margins
        return Witnesses(frozen(points), frozen(margins))

    def _table(self) -> Lookup:
        """Sorted keys of the patterns, made on first use."""
        if not self._lookup:
            self._lookup.append(build_lookup(self.bits))
        return self._lookup[0]

    def _first_rows(self) -> NDArray[np.int64]:
        """Find the first original row of each hyperplane."""
        first = np.full(len(self.merged.rows), len(self.rows), dtype=np.int64)
        live = np.flatnonzero(self.merged.index >= 0)
        np.minimum.at(first, self.merged.index[live], live)
        return first

    def _half_bits(self, start: int, stop: int | None) -> NDArray[np.uint64]:
        """Packed patterns start..stop, complemented in the second half; bits beyond M are arbitrary."""
        begin, end, _ = slice(start, stop).indices(self.count)
        half = len(self.bits)
        upper = self.bits[begin : min(end, half)] if begin < half else self.bits[:0]
        lower = ~self.bits[max(begin, half) - half : max(end, half) - half]
        return np.concatenate([upper, lower]) if len(lower) else upper


def unpack(bits: NDArray[np.uint64], n: int) -> NDArray[np.bool_]:
    """Booleans (m, n) from packed patterns (m, words)."""
    octets = np.ascontiguousarray(bits, dtype="<u8").view(np.uint8)
    return np.unpackbits(octets, axis=1, count=n, bitorder="little").view(np.bool_)


def unpack_active(bits: NDArray[np.uint64], merged: MergedRows) -> NDArray[np.bool_]:
    """Activations (m, N) on the original rows from packed patterns (m, words) on the merged ones."""
    active = unpack(bits, 64 * bits.shape[1])[:, np.maximum(merged.index, 0)]
    active ^= merged.sign < 0
    active |= merged.sign == 0
    return active


@takes_budget
def enumerate_patterns(
    rows: ArrayLike,
    *,
    max_patterns: int = MAX_PATTERNS,
    max_bytes: int = MAX_BYTES,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    engine: Engine = "auto",
) -> Arrangement:
    """Enumerate the sign patterns {sign(rows . u)} of all full-dimensional cells, without linear programs.

    Memory is never spent beyond the limits: the closed form bounds the number; where that is too much the patterns
    are counted first, and a run stops as soon as it has found too many. Method: see
    :mod:`convex_core.arrangement.enumeration.tasks`.

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
    time_limit, cancel, progress
        As in :func:`convex_core.solve`.
    engine : {"auto", "numba", "numpy"}
        Compiled kernels when numba is there, or one of the two.

    Raises
    ------
    InputError
        If `rows` is not a finite real matrix.
    SizeError
        If there are more patterns than `max_patterns` or `max_bytes` allow.
    Interrupted
        If the time is up first, or on cancelling.

    Examples
    --------
    >>> arrangement = enumerate_patterns([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    >>> len(arrangement), arrangement.certified
    (6, True)
    """
    return enumerate_in(
        rows, max_patterns=max_patterns, max_bytes=max_bytes, seed=seed, engine=engine,
        budget=Budget(time_limit=time_limit, cancel=cancel, progress=progress),
    )  # fmt: skip


def enumerate_in(
    rows: ArrayLike,
    *,
    max_patterns: int = MAX_PATTERNS,
    max_bytes: int = MAX_BYTES,
    seed: int = 0,
    budget: Budget | None,
    engine: Engine = "auto",
) -> Arrangement:
    """:func:`enumerate_patterns` within a budget."""
    use_numba(engine)  # compilation is not part of the seconds
    array = finite_array(rows, "rows", ndim=2)
    max_patterns, max_bytes = integer(max_patterns, "max_patterns"), integer(max_bytes, "max_bytes")
    return within(
        budget or Budget(), lambda inner: _enumerate(array, max_patterns, max_bytes, seed, inner, engine, rows)
    )


def _enumerate(
    array: NDArray[np.float64],
    max_patterns: int,
    max_bytes: int,
    seed: int,
    budget: Budget,
    engine: Engine,
    rows: ArrayLike,
) -> Arrangement:
    started = budget.seconds
    prepared = prepare_rows(array, seed=seed)
    bound = closed_form(prepared.n, prepared.rank)
    most = 2 * (max_bytes // (8 * prepared.words))
    limit = min(max_patterns, most)
    sizes: list[int] | None = None
    half: Half | None = None
    count = fewest_cells(prepared.n, prepared.rank)
    # without room to reserve for the bound they are counted first
    for fill in (False, True) if bound > most else (True,):
        if count <= limit:
            half = enumerate_half(prepared, fill=fill, limit=limit // 2, sizes=sizes, budget=budget, engine=engine)
            count, sizes = prepared.cells(half.count), half.sizes
    if count > limit:
        raise SizeError(
            f"rows: got {array.shape[0]} rows of rank {prepared.rank} with up to {bound} sign patterns, "
            f"expected at most {limit} (max_patterns, max_bytes)",
            predicted=bound,
            limit=limit,
        )
    assert half is not None
    assert half.bits is not None
    bits = half.bits
    bits.flags.writeable = False
    zero_tests = prepared.zero_tests | half.zero_tests
    certified, reason = certify_count(rows, prepared.n, count, zero_tests, budget)
    return Arrangement(
        rows=frozen(array),
        merged=prepared.merged,
        bits=bits,
        rank=prepared.rank,
        count=count,
        closed_form=bound,
        certified=certified,
        certified_reason=reason,
        max_zero=zero_tests.max_zero,
        min_nonzero=zero_tests.min_nonzero,
        seconds=budget.seconds - started,
    )
