r"""Kernel: the proximal map of the cone-constrained Euclidean norm, and a basis of its derivative, block by block.

For a cone K the map is a projection followed by a shrinkage,

.. math:: \operatorname{prox}(z) = \Big(1 - \frac{t}{\|P_K z\|}\Big)_+ P_K z ,

since K is a cone. With u the unit vector along :math:`P_K z`, the columns of an orthonormal basis of the face that
holds it and :math:`s = 1 - t / \|P_K z\|`, an element of its generalised derivative is :math:`F F^T`, where F has the
column u and :math:`\sqrt s` times the other columns of the basis.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.cone_projection import project_on_cone
from ...numerics.gram_schmidt import orthogonalise
from ...numerics.jit import ZERO, njit

__all__ = ["cone_prox"]

_Array = NDArray[np.float64]


@njit(borrowing=True)
def cone_prox(
    Z: _Array,
    columns: _Array,
    sides: NDArray[np.int8],
    t: float,
    passive: NDArray[np.int64],
    lam: _Array,
    held: NDArray[np.int64],
    C: _Array,
    F: _Array,
    width: NDArray[np.int64],
    bases: _Array,
    vectors: _Array,
    d: _Array,
) -> None:
    """Proximal map `C` (B, p) of the rows of `Z` (B, p), and the columns ``F[b, : width[b]].T`` of its derivative.

    Parameters
    ----------
    Z : (B, p)
        Points.
    columns, sides : (p, M), (B, M)
        Cones ``sides[b, j] * columns[:, j] @ c >= 0``; a side of 0 is no constraint.
    t : float
        Shrinkage, > 0.
    passive, lam, held : (B, p), (B, p), (B,)
        Rows that carried each projection, their multipliers and their number: where it starts, and where it ends.
    C, F, width : (B, p), (B, p, p), (B,)
        Filled; a block that goes to zero has width 0.
    bases, vectors, d : (2, p, p), (2 or more, p), (M,)
        Work arrays.
    """
    B, p = Z.shape
    Q, T = bases[0], bases[1]
    r, trial = vectors[0], vectors[1]
    for b in range(B):
        width[b] = 0
        norm = 0.0
        for i in range(p):
            C[b, i] = 0.0
            norm += Z[b, i] * Z[b, i]
        if norm <= t * t:
            continue
        norm, k = project_on_cone(Z[b], columns, sides[b], t, r, Q, T, lam[b], trial, passive[b], d, held[b])
        held[b] = k
        if norm <= t:
            continue
        share = 1.0 - t / norm
        root = math.sqrt(share)
        for i in range(p):
            C[b, i] = share * r[i]
            Q[k, i] = r[i] / norm
        # u is orthogonal to the rows that carry it; whatever rounding left is removed, so that F stays a basis
        count = k
        if orthogonalise(Q, T, count, 0.5):
            count += 1
        while count < p:
            # the unit vector that is least in the span of what there is
            best = -1.0
            axis = ZERO
            for i in range(p):
                left = 1.0
                for m in range(count):
                    left -= Q[m, i] * Q[m, i]
                if left > best:
                    best = left
                    axis = i
            for i in range(p):
                Q[count, i] = 0.0
            Q[count, axis] = 1.0
            if not orthogonalise(Q, T, count, 1e-8):
                break
            count += 1
        width[b] = count - k
        for m in range(k, count):
            factor = 1.0 if m == k else root
            for i in range(p):
                F[b, m - k, i] = factor * Q[m, i]
