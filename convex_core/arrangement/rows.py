"""From the rows of a matrix to a simple arrangement, and how many cells it can have.

Zero rows are dropped, parallel ones merged, and the rank is found.

A hyperplane {u : r.u = 0} does not change when its row is scaled, so rows are made unit; zero rows give no
hyperplane; parallel and antiparallel rows give one. What is left is reordered so that its first `rank` rows
are a well-conditioned basis, and rotated at random inside its row space, which makes leading coordinates
generic. The number of hyperplanes and the rank bound the number of cells from both sides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr

from ..contracts.records import locked, record
from ..contracts.validation import integer
from ..numerics.short_rows import in_parts, norms, peaks
from .zero_tests import EPS, UNIT, ZeroTests

__all__ = [
    "MergedRows",
    "PreparedRows",
    "closed_form",
    "fewest_cells",
    "first_of_each",
    "merge_rows",
    "pattern_bound",
    "polynomial_bound",
    "prepare_rows",
]


@record
@dataclass(frozen=True, slots=True)
class MergedRows:
    """Distinct hyperplanes of a matrix of rows.

    Attributes
    ----------
    rows : ndarray (M, h)
        Unit normals, one per hyperplane.
    index : ndarray (N,) of int64
        Hyperplane of each original row, -1 for a zero row.
    sign : ndarray (N,) of int8
        Original row i is ``|row i| * sign[i] * rows[index[i]]``; 0 for a zero row.
    zero_tests : ZeroTests
        Zero tests made while merging.
    """

    rows: NDArray[np.float64]
    index: NDArray[np.int64]
    sign: NDArray[np.int8]
    zero_tests: ZeroTests


@record
@dataclass(frozen=True, slots=True)
class PreparedRows:
    """Merged rows in basis-first order with generic coordinates.

    Attributes
    ----------
    merged : MergedRows
        The hyperplanes, in the order of the bits of a packed pattern.
    rank : int
        Rank r of the rows.
    coordinates : ndarray (M, r)
        Rows in a random orthonormal basis of the row space.
    error : float
        Bound on the error of each coordinate.
    zero_tests : ZeroTests
        Zero tests made while merging and finding the rank.
    """

    merged: MergedRows
    rank: int
    coordinates: NDArray[np.float64]
    error: float
    zero_tests: ZeroTests

    @property
    def n(self) -> int:
        """Number of hyperplanes M."""
        return int(self.merged.rows.shape[0])

    @property
    def words(self) -> int:
        """Number of 64-bit words of a packed pattern."""
        return max(1, -(-self.n // 64))

    def cells(self, half: int) -> int:
        """Number of cells, from that of antipodal pairs; without hyperplanes there is one cell."""
        return 2 * half if self.rank else 1

    def level(self, k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Truncate to rank `k`: matrix (k, M + 1), last column the objective, and error bounds (M + 1,)."""
        matrix = np.zeros((k, self.n + 1))
        matrix[:, :-1] = self.coordinates[:, :k].T
        scale = np.abs(matrix[:, :-1]).max(axis=0)
        matrix[:, :-1] /= scale
        matrix[k - 1, -1] = 1.0
        return matrix, np.append(self.error / scale, EPS)


def merge_rows(rows: NDArray[np.float64]) -> MergedRows:
    """Drop zero rows and merge parallel and antiparallel ones, in order of first appearance.

    Examples
    --------
    >>> merged = merge_rows(np.array([[1.0, 0.0], [0.0, 0.0], [-2.0, 0.0], [0.0, 3.0]]))
    >>> merged.index.tolist(), merged.sign.tolist()
    ([0, -1, 0, 1], [1, 0, -1, 1])
    """
    n, h = rows.shape
    index = np.full(n, -1, dtype=np.int64)
    sign = np.zeros(n, dtype=np.int8)
    peak = np.concatenate([np.zeros(0), *in_parts(lambda part: peaks(rows[part]), n, h)])
    # the error of an entry is relative to the largest entry of the data, as after centring or scaling
    zero_bound = UNIT * peak.max(initial=0.0)
    live = np.flatnonzero(peak > zero_bound)
    zero_tests = ZeroTests.of(peak[peak > 0], zero_bound)
    if live.size == 0:
        return locked(MergedRows(np.zeros((0, h)), index, sign, zero_tests))
    unit = _unit(rows, live, peak)
    del peak  # what is of no use any more makes place: rows may be by the million
    key, negative = _orient(unit)
    bound = 2 * (UNIT + h * EPS)
    label, merge_tests = _parallel_classes(unit, key, bound)
    del key
    first = first_of_each(label, int(label.max()) + 1)
    order = np.argsort(first, kind="stable")
    rename = np.empty_like(order)
    rename[order] = np.arange(order.size)
    index[live] = rename[label]
    representatives = first[order]
    # a hyperplane is oriented as its first row was given
    sign[live] = 1 - 2 * (negative ^ negative[first[label]]).view(np.int8)
    merged = np.where(negative[representatives, None], -1.0, 1.0) * unit[representatives]
    return locked(MergedRows(merged, index, sign, zero_tests | merge_tests))


def _unit(rows: NDArray[np.float64], live: NDArray[np.intp], peak: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rows at `live`, whose largest entries are `peak` (of all rows), with norm 1."""
    unit = np.empty((live.size, rows.shape[1]))

    def normed(part: slice) -> None:
        own = rows[live[part]] / peak[live[part], None]
        unit[part] = own / norms(own)[:, None]

    in_parts(normed, *unit.shape)
    return unit


def first_of_each(label: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Position of the first row of each of so many labels 0, 1, ..., all of which are there."""
    first = np.empty(count, dtype=np.int64)
    first[label[::-1]] = np.arange(label.size - 1, -1, -1)  # of several that are written the last one stays
    return first


def _orient(unit: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Turn the rows, in place, to the positive side of a direction that none is nearly orthogonal to.

    Their projections on it, and which rows were turned.
    """
    directions = np.random.default_rng(0).standard_normal((unit.shape[1], 8))
    directions /= np.linalg.norm(directions, axis=0)
    m, h = unit.shape
    nearest = in_parts(lambda part: np.abs(directions.T @ unit[part].T).min(axis=1), m, h + 8)
    best = directions[:, np.min(nearest, axis=0).argmax()]
    key, negative = np.empty(m), np.empty(m, dtype=bool)

    def turn(part: slice) -> None:
        own = unit[part]
        along = own @ best
        negative[part] = along < 0.0
        own[negative[part]] *= -1.0
        key[part] = np.abs(along)

    in_parts(turn, m, h)
    return key, negative


def _parallel_classes(
    unit: NDArray[np.float64], key: NDArray[np.float64], bound: float
) -> tuple[NDArray[np.int64], ZeroTests]:
    """Label rows that agree within `bound`; equal rows have nearly equal keys, so only those are compared."""
    order = np.argsort(key, kind="stable")
    width = bound * unit.shape[1] ** 0.5
    run = np.cumsum(np.diff(key[order], prepend=key[order[0]]) > width)
    leaders = order[np.flatnonzero(np.diff(run, prepend=-1))]
    distance = np.concatenate(in_parts(lambda part: peaks(unit[order[part]] - unit[leaders[run[part]]]), *unit.shape))
    label = np.empty(order.size, dtype=np.int64)
    label[order] = leaders[run]
    mixed = np.unique(run[distance > bound])
    tested = distance > 0
    if mixed.size:
        tested &= ~np.isin(run, mixed)
    zero_tests = ZeroTests.of(distance[tested], bound)
    del distance, tested
    for value in mixed:  # distinct rows with nearly equal keys: compare within the run
        kept: list[int] = []
        for i in order[run == value]:
            gaps = np.abs(unit[kept] - unit[i]).max(axis=1) if kept else np.empty(0)
            zero_tests |= ZeroTests.of(gaps, bound)
            match = np.flatnonzero(gaps <= bound)
            label[i] = kept[match[0]] if match.size else i
            if not match.size:
                kept.append(int(i))
    # numbers 0, 1, ... for the rows that labels name
    named = np.zeros(label.size, dtype=bool)
    named[label] = True
    number = np.cumsum(named) - 1
    return number[label], zero_tests


def prepare_rows(rows: NDArray[np.float64], *, seed: int = 0) -> PreparedRows:
    """Merge `rows` (N, h), put a well-conditioned basis first, and rotate by the random rotation of `seed`."""
    merged = merge_rows(rows)
    m, h = merged.rows.shape
    if m == 0:
        return PreparedRows(merged, 0, np.zeros((0, 0)), 0.0, merged.zero_tests)
    q, r, pivots = qr(merged.rows.T, mode="economic", pivoting=True)
    diagonal = np.abs(np.diag(r))
    error = UNIT + h * EPS
    # each elimination can at most double a row's error relative to the last accepted pivot
    bounds = np.minimum(1.0, 2 * error * np.append(1.0, 1.0 / np.maximum(diagonal[:-1], EPS)))
    rank = int(np.argmin(np.append(diagonal > bounds, False)))
    tail = np.abs(r[rank:, :]).max(initial=0.0)
    zero_tests = merged.zero_tests | ZeroTests.of(diagonal[:rank], bounds[:rank])
    if tail > 0:
        zero_tests |= ZeroTests.of(np.array([tail]), bounds[rank])
    order = np.concatenate([pivots[:rank], np.setdiff1d(np.arange(m), pivots[:rank])]).astype(np.int64)
    rename = np.empty_like(order)
    rename[order] = np.arange(m)
    index = np.where(merged.index >= 0, rename[merged.index], -1)
    ordered = locked(MergedRows(merged.rows[order], index, merged.sign, merged.zero_tests))
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((rank, rank)))[0]
    coordinates = np.ascontiguousarray(ordered.rows @ q[:, :rank] @ rotation)
    return PreparedRows(ordered, rank, coordinates, error, zero_tests)


def closed_form(n_rows: int, rank: int) -> int:
    """Count the sign patterns of `n_rows` hyperplanes through 0 of the given rank in general position.

    P = 2 sum_{t < rank} C(n_rows - 1, t) (Cover 1965), 1 without hyperplanes; an upper bound otherwise.

    Examples
    --------
    >>> closed_form(12, 10)
    4072
    """
    n_rows, rank = integer(n_rows, "n_rows", minimum=0), integer(rank, "rank", minimum=0)
    if n_rows == 0 or rank == 0:
        return 1
    term = cells = 1
    for t in range(1, min(rank, n_rows)):
        term = term * (n_rows - t) // t  # C(n_rows - 1, t)
        cells += term
    return 2 * cells


def fewest_cells(n_rows: int, rank: int) -> int:
    """The fewest cells that `n_rows` distinct hyperplanes through 0 of the given rank can have.

    A basis has 2^rank cells. Each further hyperplane is cut by the basis into an arrangement of rank - 1, with at least
    2^(rank - 1) cells, and every one of these divides a cell.

    Examples
    --------
    >>> fewest_cells(3, 2), closed_form(3, 2)
    (6, 6)
    """
    if n_rows == 0 or rank == 0:
        return 1
    cells: int = 2 ** (rank - 1) * (n_rows - rank + 2)
    return cells


def pattern_bound(rows: NDArray[np.float64]) -> int:
    """The closed form for the distinct hyperplanes of `rows` (N, h): an upper bound on their sign patterns.

    Examples
    --------
    >>> pattern_bound(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, -2.0], [0.0, 0.0]]))
    4
    """
    merged = merge_rows(rows).rows
    return closed_form(len(merged), int(np.linalg.matrix_rank(merged)) if len(merged) else 0)


def polynomial_bound(n: int, K: int, r: int) -> float:
    """Bound the number of sign patterns by O((nK/r)^r), with its constants: 2 r (e (nK - 1) / r)^r.

    Polynomial in the number n of samples and K of patches for a fixed rank r <= h of the patch matrices.
    Valid for nK - 1 >= r; for fewer rows the trivial bound 2^(nK) is returned.

    Source: Pilanci & Ergen 2020; Ergen & Pilanci 2021, section 2.

    Examples
    --------
    >>> polynomial_bound(6, 2, 10) > closed_form(12, 10)
    True
    """
    n, K, r = integer(n, "n"), integer(K, "K"), integer(r, "r", minimum=0)
    if r == 0:
        return 1.0
    if n * K - 1 < r:
        return float(2 ** (n * K))
    exponent = math.log(2 * r) + r * (1.0 + math.log((n * K - 1) / r))
    return math.exp(exponent) if exponent < 700 else math.inf
