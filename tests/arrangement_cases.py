"""Arrangements whose number of cells is known in closed form or from the literature."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def threshold(k: int) -> NDArray[np.int64]:
    """Rows (1, x), x in {0, 1}^k: cells are the threshold functions of k variables (OEIS A000609)."""
    return np.array([(1, *x) for x in itertools.product((0, 1), repeat=k)])


THRESHOLD = {1: 4, 2: 14, 3: 104, 4: 1882, 5: 94572, 6: 15028134}


def resonance(k: int) -> NDArray[np.int64]:
    """All nonzero 0/1 vectors of length k: the resonance arrangement (OEIS A034997)."""
    return np.array([x for x in itertools.product((0, 1), repeat=k) if any(x)])


RESONANCE = {1: 2, 2: 6, 3: 32, 4: 370, 5: 11292, 6: 1066044}


def graphic(vertices: int, edges: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """Rows e_a - e_b of a graph: cells are its acyclic orientations (Stanley 1973)."""
    rows = [[(t == a) - (t == b) for t in range(vertices)] for a, b in edges]
    return np.array(rows, dtype=np.int64)


def braid(m: int) -> NDArray[np.int64]:
    """Type A_{m-1}: m! cells."""
    return graphic(m, itertools.combinations(range(m), 2))


def type_d(n: int) -> NDArray[np.int64]:
    """Type D_n: 2^(n-1) n! cells."""
    return np.array(
        [[(t == a) + s * (t == b) for t in range(n)] for a, b in itertools.combinations(range(n), 2) for s in (1, -1)]
    )


def type_b(n: int) -> NDArray[np.int64]:
    """Type B_n: 2^n n! cells."""
    return np.vstack([type_d(n).reshape(-1, n), np.eye(n, dtype=np.int64)])


def acyclic_orientations(vertices: int, edges: list[tuple[int, int]]) -> int:
    """Number of acyclic orientations, by trying all orientations."""
    count = 0
    for flips in itertools.product((False, True), repeat=len(edges)):
        oriented = [(b, a) if flip else (a, b) for (a, b), flip in zip(edges, flips, strict=True)]
        left = set(range(vertices))
        while True:
            sources = {v for v in left if not any(b == v and a in left for a, b in oriented)}
            if not sources:
                break
            left -= sources
        count += not left
    return count


KNOWN: dict[str, tuple[NDArray[np.int64], int]] = {
    **{f"threshold {k}": (threshold(k), THRESHOLD[k]) for k in range(1, 6)},
    **{f"resonance {k}": (resonance(k), RESONANCE[k]) for k in range(1, 6)},
    **{f"A{m - 1}": (braid(m), math.factorial(m)) for m in range(2, 9)},
    **{f"B{n}": (type_b(n), 2**n * math.factorial(n)) for n in range(2, 7)},
    **{f"D{n}": (type_d(n), 2 ** (n - 1) * math.factorial(n)) for n in range(2, 7)},
}
