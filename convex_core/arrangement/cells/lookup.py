"""Find a pattern in an enumerated arrangement, and with it facets and neighbours, without linear programs.

In a simple arrangement hyperplane j is a facet of a cell exactly if flipping sign j gives another cell. So the facets
of a cell are M searches in a sorted table of keys. The key of a pattern is the exclusive or of its scrambled words, so
that flipping a bit scrambles one word; what the search finds is compared in full.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import locked, record
from ..rows import MergedRows

__all__ = ["Facets", "Lookup", "build_lookup", "find_facets"]

_Words = NDArray[np.uint64]
#: searches made at a time
_BATCH = 1 << 22
#: the sieve of a lookup has at most 2 to this many entries, one byte each
MAX_SIEVE_BITS = 26
_MIX = np.uint64(0x9E3779B97F4A7C15)


@record
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


@record
@dataclass(frozen=True, slots=True)
class Lookup:
    """Sorted keys of the stored half of an arrangement.

    Attributes
    ----------
    odd : ndarray (words,) of uint64
        Multipliers that scramble the words.
    keys : ndarray (P/2,) of uint64
        Keys, ascending.
    order : ndarray (P/2,) of int64
        Pattern that each key belongs to.
    sieve : ndarray (2^b,) of bool
        Whether some key has these b low bits: most searches end here.
    """

    odd: _Words
    keys: _Words
    order: NDArray[np.int64]
    sieve: NDArray[np.bool_]

    def find(self, bits: _Words, packed: _Words, mask: _Words) -> NDArray[np.int64]:
        """Index of packed patterns in the whole arrangement, -1 for those that are no cell."""
        lower = (packed[:, 0] & np.uint64(1)) == 0
        upper = np.where(lower[:, None], ~packed, packed) & mask
        position = np.minimum(np.searchsorted(self.keys, _keys(upper, self.odd)), len(self.keys) - 1)
        found = self.order[position]
        same = (bits[found] == upper).all(axis=1)
        return np.where(same, found + lower * len(bits), -1)


def _mix(word: _Words, odd: np.uint64) -> _Words:
    """Scramble words by a bijection of 64-bit integers that depends on `odd`."""
    word = word * odd
    word ^= word >> np.uint64(32)
    word *= _MIX
    word ^= word >> np.uint64(29)
    return word


def _keys(bits: _Words, odd: _Words) -> _Words:
    keys = np.zeros(len(bits), dtype=np.uint64)
    for w, multiplier in enumerate(odd):
        keys ^= _mix(bits[:, w], multiplier)
    return keys


def build_lookup(bits: _Words) -> Lookup:
    """Sort the keys of the patterns, with multipliers under which different patterns have different keys."""
    rng = np.random.default_rng(0)
    for _ in range(3):
        odd: _Words = rng.integers(2**63, size=(bits.shape[1],), dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        keys = _keys(bits, odd)
        order = np.argsort(keys)
        keys = keys[order]
        if (keys[1:] != keys[:-1]).all():
            break
        # else unlucky multipliers or, in an arrangement that is not certified, a pattern found twice
    low = np.uint64((1 << min(len(keys).bit_length() + 3, MAX_SIEVE_BITS)) - 1)
    sieve = np.zeros(int(low) + 1, dtype=np.bool_)
    sieve[keys & low] = True
    return locked(Lookup(odd, keys, order.astype(np.int64), sieve))


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
    first = np.zeros_like(everything)
    first[0] = 1
    cells, hyperplanes, neighbours = [], [], []
    for start in range(0, len(indices), max(1, _BATCH // m)):
        own = indices[start : start + max(1, _BATCH // m)] % half
        words = bits[own]
        flipped = np.empty((len(own), m), dtype=np.uint64)
        keys = _keys(words, lookup.odd)
        for w, multiplier in enumerate(lookup.odd):
            part = slice(64 * w, min(64 * w + 64, m))
            others = keys ^ _mix(words[:, w], multiplier)
            flipped[:, part] = others[:, None] ^ _mix(words[:, w, None] ^ unit[part], multiplier)
        # across row 0 lies the antipode of a stored pattern
        flipped[:, 0] = _keys(words ^ everything ^ first, lookup.odd)
        cell, plane = np.nonzero(lookup.sieve[flipped & np.uint64(len(lookup.sieve) - 1)])
        wanted = flipped[cell, plane]
        position = np.minimum(np.searchsorted(lookup.keys, wanted), half - 1)
        hit = lookup.keys[position] == wanted
        cell, plane, found = cell[hit], plane[hit], lookup.order[position[hit]]
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
    return locked(Facets(offsets, plane, rows, signs, (neighbour + half * lower) % (2 * half)))
