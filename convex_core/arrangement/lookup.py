"""Find a pattern in an enumerated arrangement, and with it facets and neighbours, without linear programs.

In a simple arrangement hyperplane j is a facet of a cell exactly if flipping sign j gives another cell. So the facets
of a cell are M searches in a sorted table of keys. The key of a pattern is the pattern itself when it fits one word,
else the exclusive or of random words, one for each set bit (Zobrist hashing): flipping a bit costs one operation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .rows import MergedRows

__all__ = ["Facets", "Lookup", "build_lookup", "find_facets"]

_Words = NDArray[np.uint64]
#: searches made at a time
_BATCH = 1 << 22


@dataclass(frozen=True, slots=True)
class Facets:
    """Facets of m cells, cell by cell: those of cell i are entries ``offsets[i] : offsets[i + 1]``.

    Attributes
    ----------
    offsets : ndarray (m + 1,) of int64
        Where the facets of each cell begin.
    hyperplanes : ndarray (F,) of int64
        The hyperplanes (rows of ``merged.rows``) that bound the cell; no other constraint is needed.
    rows : ndarray (F,) of int64
        The first original row on that hyperplane.
    signs : ndarray (F,) of int8
        The cell satisfies ``signs * (rows . u) >= 0``.
    neighbours : ndarray (F,) of int64
        Pattern on the other side of the facet.
    """

    offsets: NDArray[np.int64]
    hyperplanes: NDArray[np.int64]
    rows: NDArray[np.int64]
    signs: NDArray[np.int8]
    neighbours: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True, slots=True)
class Lookup:
    """Sorted keys of the stored half of an arrangement.

    Attributes
    ----------
    marks : ndarray (64 words,) of uint64
        What each bit contributes to a key.
    keys : ndarray (P/2,) of uint64
        Keys, ascending.
    order : ndarray (P/2,) of int64
        Pattern that each key belongs to.
    """

    marks: _Words
    keys: _Words
    order: NDArray[np.int64]

    def find(self, bits: _Words, packed: _Words, mask: _Words) -> NDArray[np.int64]:
        """Index of packed patterns in the whole arrangement, -1 for those that are no cell."""
        lower = (packed[:, 0] & np.uint64(1)) == 0
        upper = np.where(lower[:, None], ~packed, packed) & mask
        position = np.minimum(np.searchsorted(self.keys, _keys(upper, self.marks)), len(self.keys) - 1)
        found = self.order[position]
        same = (bits[found] == upper).all(axis=1)
        return np.where(same, found + lower * len(bits), -1)


def _keys(bits: _Words, marks: _Words) -> _Words:
    """Combine by exclusive or the marks of the set bits of each pattern, eight bits at a time."""
    octets = np.ascontiguousarray(bits, dtype="<u8").view(np.uint8)
    value = np.arange(256, dtype=np.uint8)
    keys = np.zeros(len(bits), dtype=np.uint64)
    for b in range(octets.shape[1]):
        table = np.zeros(256, dtype=np.uint64)
        for t in range(8):
            table ^= np.where((value >> t) & 1, marks[8 * b + t], np.uint64(0))
        keys ^= table[octets[:, b]]
    return keys


def build_lookup(bits: _Words) -> Lookup:
    """Sort the keys of the patterns, with marks under which they all differ."""
    rng = np.random.default_rng(0)
    marks = np.uint64(1) << np.arange(64, dtype=np.uint64)
    while True:
        if bits.shape[1] > 1:
            marks = rng.integers(2**64, size=64 * bits.shape[1], dtype=np.uint64)
        keys = _keys(bits, marks)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        if (keys[1:] != keys[:-1]).all():
            return Lookup(marks, keys, order.astype(np.int64))


def find_facets(
    lookup: Lookup,
    bits: _Words,
    merged: MergedRows,
    first_rows: NDArray[np.int64],
    indices: NDArray[np.int64],
) -> Facets:
    """Facets and neighbours of the patterns `indices` of the arrangement with the stored half `bits`."""
    m, half = len(merged.rows), len(bits)
    j = np.arange(m)
    unit = np.uint64(1) << (j & 63).astype(np.uint64)
    everything = np.bitwise_or.reduceat(unit, np.arange(0, m, 64))
    antipode = np.bitwise_xor.reduce(lookup.marks[:m])
    cells, hyperplanes, neighbours = [], [], []
    for start in range(0, len(indices), max(1, _BATCH // m)):
        own = indices[start : start + max(1, _BATCH // m)] % half
        words = bits[own]
        flipped = _keys(words, lookup.marks)[:, None] ^ lookup.marks[:m]
        flipped[:, 0] ^= antipode  # across row 0 lies the antipode of a stored pattern
        position = np.minimum(np.searchsorted(lookup.keys, flipped), half - 1)
        cell, plane = np.nonzero(lookup.keys[position] == flipped)
        found = lookup.order[position[cell, plane]]
        expected = words[cell]
        expected[np.arange(len(cell)), plane >> 6] ^= unit[plane]
        expected[plane == 0] ^= everything
        true = (bits[found] == expected).all(axis=1)
        cells.append(cell[true] + start)
        hyperplanes.append(plane[true])
        neighbours.append((found + half * (plane == 0))[true])
    cell, plane, neighbour = (np.concatenate(part) for part in (cells, hyperplanes, neighbours))
    lower = indices[cell] >= half
    positive = ((bits[indices[cell] % half, plane >> 6] & unit[plane]) != 0) != lower
    rows = first_rows[plane]
    signs = np.where(positive, merged.sign[rows], -merged.sign[rows]).astype(np.int8)
    offsets = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=len(indices)))])
    return Facets(offsets, plane, rows, signs, (neighbour + half * lower) % (2 * half))
