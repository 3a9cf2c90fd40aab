r"""Rounding errors, bounded a priori: what a computed sum or norm may be off by.

With the unit roundoff :math:`u = 2^{-53}` a sum of n terms, added in any order, with or without fused operations, is
off by at most :math:`\gamma_{n-1} \sum |t_i|`, a scalar product by :math:`\gamma_n \sum |a_i b_i|`, where
:math:`\gamma_n = n u / (1 - n u)` (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, sections 3.1
and 4.2). Here n u is below 1e-4, so that :math:`\gamma_n \le 1.0002\, n u`: constants are rounded up by more than that.

Values that are to be *bounds* are not corrected by such a term: they are summed exactly and rounded down. A product of
two doubles is the sum of two (Dekker, Numerische Mathematik 18, 1971), and :func:`math.fsum` rounds an exact sum once.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .short_rows import in_parts, norms, peaks

__all__ = [
    "TINY",
    "UNIT_ROUNDOFF",
    "block_product",
    "block_terms",
    "exact_differences",
    "lengths",
    "products_below",
    "sum_below",
]

_Array = NDArray[np.float64]

#: half the distance from 1 to the next double
UNIT_ROUNDOFF = 2.0**-53
#: what an operation in the range of subnormal numbers may lose at most, and more
TINY = 2.0**-1070
# products at least as large have a low part that is a double
_NORMAL = 2.0**-900
# Dekker's constant: it splits a double in two halves of 26 bits
_SPLIT = 2.0**27 + 1.0
# terms that are added exactly; more are paired first, which is quicker
_FEW = 512
# terms of a sum that are added up before the sums are added
_BLOCK = 256
# powers of ten by which decimal fractions are multiplied to integers
_DECIMALS = tuple(10.0**k for k in range(7))


def products_below(a: _Array, b: _Array) -> tuple[_Array, _Array]:
    """Arrays whose sum is exactly ``a * b``, entry by entry; not above it where the product is below 2^-900.

    What overflows is not finite.

    Examples
    --------
    >>> high, low = products_below(np.array([1.0 + 2.0**-52]), np.array([1.0 + 2.0**-52]))
    >>> float(high[0]) == 1.0 + 2.0**-51, float(low[0]) == 2.0**-104
    (True, True)
    """
    with np.errstate(over="ignore", invalid="ignore"):
        product = a * b
        a1, b1 = _SPLIT * a, _SPLIT * b
        a1, b1 = a1 - (a1 - a), b1 - (b1 - b)
        a2, b2 = a - a1, b - b1
        rest = ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2
    small = (np.abs(product) < _NORMAL) & (a != 0.0) & (b != 0.0)
    return product, np.where(small, rest - TINY, rest)


def sum_below(*parts: _Array, error: float = 0.0) -> float:
    """A double that is not above the exact sum of all entries, and most often the largest one; ``-inf`` on overflow.

    Parameters
    ----------
    *parts : arrays
        Entries to be added.
    error : float
        If the entries themselves are off by at most this many units of roundoff, relatively.

    Examples
    --------
    >>> sum_below(np.array([1.0, 2.0])), sum_below(np.array([1.0, 2.0**-60])) == 1.0
    (3.0, True)
    >>> sum_below(np.array([1.0, -(2.0**-60)])) == 1.0 - 2.0**-53
    True
    """
    flat = np.concatenate([np.ravel(part) for part in parts])
    if not np.isfinite(flat).all():
        return -math.inf
    size = np.abs(flat)
    wrong = error * UNIT_ROUNDOFF * (1.01 * float(size.sum())) if error > 0.0 else 0.0
    while len(flat) > _FEW:
        flat, lost, doubt = _halved(flat)
        wrong += doubt - lost  # the second with the sign of a correction
    terms = [*flat.tolist(), -wrong]
    try:
        total = math.fsum(terms)
        if not math.isfinite(total):
            return -math.inf
        terms.append(-total)
        return total if math.fsum(terms) >= 0.0 else math.nextafter(total, -math.inf)
    except OverflowError:
        return -math.inf


def _halved(terms: _Array) -> tuple[_Array, float, float]:
    """Sums of pairs of terms, the sum of what their rounding lost, and a bound on the error of that.

    What the sum of two doubles loses is a double (Knuth, The Art of Computer Programming 2, section 4.2.2).
    """
    a, b = terms[: len(terms) // 2], terms[len(terms) // 2 : 2 * (len(terms) // 2)]
    pairs = a + b
    part = pairs - a
    lost = (a - (pairs - part)) + (b - part)
    doubt = 2.0 * len(lost) * UNIT_ROUNDOFF * float(np.abs(lost).sum())
    return np.concatenate([pairs, terms[2 * len(a) :]]), float(lost.sum()), doubt


def lengths(rows: _Array) -> _Array:
    """Euclidean norms along the last axis, without over- or underflow; off by at most ``p + 3`` units of roundoff.

    Examples
    --------
    >>> lengths(np.array([[3e-200, 4e-200], [0.0, 0.0]])).tolist()
    [5e-200, 0.0]
    """
    flat = rows.reshape(math.prod(rows.shape[:-1]), rows.shape[-1])
    norm = np.empty(len(flat))

    def fill(part: slice) -> None:
        peak = peaks(flat[part])
        safe = np.where(peak > 0.0, peak, 1.0)
        norm[part] = peak * norms(flat[part] / safe[:, None])

    in_parts(fill, *flat.shape)
    return norm.reshape(rows.shape[:-1])


def block_product(a: _Array, rows: _Array) -> _Array:
    """``a @ rows`` for a (N,) and rows (N, p), added up in blocks: off by :func:`block_terms` units of roundoff.

    Examples
    --------
    >>> block_product(np.ones(1000), np.ones((1000, 2))).tolist()
    [1000.0, 1000.0]
    """
    N, p = rows.shape
    if N <= 2 * _BLOCK:
        short: _Array = a @ rows
        return short
    whole = N - N % _BLOCK
    sums = np.matmul(a[:whole].reshape(-1, 1, _BLOCK), rows[:whole].reshape(-1, _BLOCK, p))[:, 0]
    last: _Array = a[whole:] @ rows[whole:]
    return block_product(np.ones(len(sums)), sums) + last


def block_terms(N: int) -> int:
    """A number n such that :func:`block_product` of N terms has the error of a scalar product of n.

    Examples
    --------
    >>> block_terms(100), block_terms(100_000), block_terms(3_000_000)
    (100, 647, 559)
    """
    return N if N <= 2 * _BLOCK else _BLOCK + 1 + block_terms(N // _BLOCK)


def exact_differences(rows: _Array, first: NDArray[np.integer], second: NDArray[np.integer]) -> _Array:
    """``rows[first] - rows[second]``; of decimal fractions the nearest number to their exact difference.

    Differences of rounded numbers lose digits: those of 1.5 - 1.4 and 0.4 - 0.3 would not be equal, nor, in the end,
    hyperplanes that are one.

    Examples
    --------
    >>> exact_differences(np.array([0.3, 0.4, 1.4, 1.5]), np.array([1, 3]), np.array([0, 2])).tolist()
    [0.1, 0.1]
    """
    for power in _DECIMALS:
        scaled = rows * power
        whole = np.rint(scaled)
        if (np.abs(scaled - whole) <= 4.0 * UNIT_ROUNDOFF * np.abs(scaled)).all():
            exact: _Array = (whole[first] - whole[second]) / power
            return exact
    plain: _Array = rows[first] - rows[second]
    return plain
