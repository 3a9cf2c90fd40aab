r"""Non-negative factors of small matrices: what is positive semidefinite and has no negative entry is B B^T, B >= 0.

A matrix with a non-negative factor is *completely positive*. Up to order 4 these are exactly the matrices that are
positive semidefinite and entrywise non-negative (Maxfield and Minc, Proc. Edinburgh Math. Soc. 13, 1962); here the
factor is made, so that this is seen and not believed:

* Order 2, and order 3 with the right pivot: the Cholesky factor has no negative entry. If no pivot of the three would
  do, :math:`N_{jk} N_{ii} < N_{ij} N_{ik}` for all i, and two of these multiplied contradict a minor.
* Order 4 without a zero off the diagonal: with the Perron vector p > 0 and the smallest t with
  :math:`N_{ij} = t p_i p_j` for some :math:`i \ne j`, what is left of :math:`N - t p p^T` is of the same kind and has a
  zero. It stays positive semidefinite: at t the largest eigenvalue its product with p would be zero, so that some entry
  is zero by then.
* Order 4 with a zero :math:`N_{ij}`: it is the sum of one without row i and one without row j. Both Schur complements
  taken from the other two rows leave R, positive semidefinite, and if :math:`R_{12} < 0` some share s R and (1 - s) R
  leaves neither part a negative entry, since the entries of N have none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["nonnegative_factor"]

_Array = NDArray[np.float64]


def nonnegative_factor(N: _Array) -> _Array:
    """A matrix B >= 0 (m, k), k at most 7, with ``B @ B.T == N`` but for rounding.

    Parameters
    ----------
    N : (m, m) array
        Positive semidefinite with no negative entry, m at most 4; what is negative is taken for zero.

    Examples
    --------
    >>> N = np.array([[2.0, 0.0, 1.0, 1.0], [0.0, 2.0, 1.0, 1.0], [1.0, 1.0, 2.0, 0.0], [1.0, 1.0, 0.0, 2.0]])
    >>> B = nonnegative_factor(N)  # of rank 3, and none of its Cholesky factors would do
    >>> bool(B.min() >= 0.0), bool(np.allclose(B @ B.T, N))
    (True, True)
    """
    N = np.maximum(0.5 * (N + N.T), 0.0)
    if len(N) < 4:
        return pivoted_factor(N)
    parts: list[_Array] = []
    apart = N + np.diag(np.full(4, np.inf))
    i, j = divmod(int(np.argmin(apart)), 4)
    if apart[i, j] > 0.0:
        p = np.abs(np.linalg.eigh(N)[1][:, -1])
        share = apart / np.maximum(np.outer(p, p), 1e-300)
        i, j = divmod(int(np.argmin(share)), 4)
        parts.append(np.sqrt(share[i, j]) * p[:, None])
        N = np.maximum(N - share[i, j] * np.outer(p, p), 0.0)
        N[i, j] = N[j, i] = 0.0
    both = [k for k in range(4) if k not in (i, j)]
    own = [taken(N, k)[np.ix_(both, both)] for k in (i, j)]
    rest = N[np.ix_(both, both)] - own[0] - own[1]
    first = 1.0 if rest[0, 1] >= 0.0 else min(1.0, own[0][0, 1] / -rest[0, 1])
    for k, start, part in ((i, own[0], first), (j, own[1], 1.0 - first)):
        three = [k, *both]
        P = N[np.ix_(three, three)]
        P[1:, 1:] = np.maximum(start + part * rest, 0.0)
        B = np.zeros((4, 3))
        B[three] = pivoted_factor(P)
        parts.append(B)
    return np.hstack(parts)


def taken(N: _Array, k: int) -> _Array:
    """What a Cholesky step with the pivot k takes from N >= 0: all of its row, and never more than a diagonal entry.

    Examples
    --------
    >>> taken(np.array([[4.0, 2.0], [2.0, 2.0]]), 0)
    array([[4., 2.],
           [2., 1.]])
    """
    if N[k, k] <= 0.0:
        return np.zeros(N.shape)
    column = np.minimum(N[:, k], np.sqrt(N[k, k]) * np.sqrt(np.diag(N))) / np.sqrt(N[k, k])
    return np.outer(column, column)


def pivoted_factor(N: _Array) -> _Array:
    """:func:`nonnegative_factor` of order at most 3: Cholesky steps, each with the largest pivot that fits.

    Examples
    --------
    >>> pivoted_factor(np.array([[4.0, 2.0], [2.0, 2.0]]))
    array([[2., 0.],
           [1., 1.]])
    """
    B, N = np.zeros(N.shape), np.array(N)
    rest = list(range(len(N)))
    negligible = 1e-14 * N.max(initial=0.0)
    for step in range(len(N)):
        lowest = np.array([(N - taken(N, k))[np.ix_(rest, rest)].min() for k in rest])
        fit = lowest >= min(-negligible, lowest.max())
        k = rest[int(np.argmax(np.where(fit, np.diag(N)[rest], -1.0)))]
        whole = taken(N, k)
        rest.remove(k)
        if N[k, k] > 0.0:
            B[:, step] = whole[:, k] / np.sqrt(N[k, k])
        N = np.maximum(N - whole, 0.0)
        N[k] = N[:, k] = 0.0
    return B
