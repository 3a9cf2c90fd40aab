r"""Kernels: projections on polyhedral cones, many at a time, pruned by sound bounds.

For a cone :math:`\{c : a_j^T c \ge 0\}` the projection of :math:`g` is :math:`r = g + \sum_j \lambda_j a_j` with the
:math:`\lambda \ge 0` that minimises :math:`\|r\|` (Lawson and Hanson, Solving Least Squares Problems, 1974, ch. 23).
The passive columns are kept orthonormal (Gram-Schmidt twice), so nothing is squared as in normal equations. The norm
of r never grows from step to step, and each iterate is a sound bound: a pair is dropped once its bound is at or below
what is wanted.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .gram_schmidt import orthogonalise
from .jit import NONE, ZERO, njit

__all__ = ["cone_scratch", "count_below", "project_on_cone", "top_cone_supports", "top_supports_kernel"]

_Array = NDArray[np.float64]

# a column is a candidate when its cosine with the residual is below -_COSINE
_COSINE = 1e-13


def cone_scratch(p: int, M: int, most: int | None = None) -> tuple[_Array, _Array, NDArray[np.int64], _Array]:
    """Work arrays of a kernel that projects on cones of M rows: `bases`, `vectors`, `passive`, `d`.

    Of shapes (2, p, p), or (2, most, p) where so few columns are passive, (5, p), (p,) and (M,). They come from Python
    since numba takes half a second to compile what allocates arrays in a kernel.
    """
    return np.zeros((2, p if most is None else most, p)), np.zeros((5, p)), np.zeros(p, np.int64), np.zeros(M)


@njit(borrowing=True, inner=True, fastmath={"contract"})
def count_below(columns: _Array, signs: NDArray[np.int8], r: _Array, level: float, d: _Array) -> int:
    """Write ``signs[j] * columns[:, j] @ r`` to `d`, in loops that vectorise; answers how many are below `level`."""
    M = len(signs)
    for j in range(M):
        d[j] = columns[0, j] * r[0]
    for t in range(1, len(r)):
        for j in range(M):
            d[j] += columns[t, j] * r[t]
    count = ZERO
    for j in range(M):
        d[j] *= signs[j]
        count += d[j] < level
    return count


@njit(borrowing=True)
def project_on_cone(
    g: _Array,
    columns: _Array,
    signs: NDArray[np.int8],
    floor: float,
    r: _Array,
    Q: _Array,
    T: _Array,
    lam: _Array,
    trial: _Array,
    passive: NDArray[np.int64],
    d: _Array,
    held: int,
) -> tuple[float, int]:
    """Project `g` (p,) on ``{c : signs[j] * columns[:, j] @ c >= 0}``; answers the norm of the residual `r` (p,).

    Stops early, with a sound bound, once the norm is at most `floor`. The first `held` entries of `passive` (p,) and
    `lam` (p,) are rows, with multipliers > 0, to start from; those of the end are left there, and their number is
    returned. `columns` (p, M or more) are the rows of the M `signs`, transposed. Work arrays: `Q`, `T` (p, p),
    `trial` (p,), `d` (M,).
    """
    p = g.shape[0]
    norm = 0.0
    for t in range(p):
        r[t] = g[t]
        norm += g[t] * g[t]
    norm = math.sqrt(norm)
    start = norm
    k = held
    for step_number in range(3 * (p + 10)):
        first = ZERO  # columns of Q from here on must be rebuilt
        if step_number == 0 and k > 0:
            norm = math.inf
        else:
            if norm <= floor or norm <= 1e-15 * start:
                return norm, k
            worst = -_COSINE * norm
            enter = NONE
            # most often there is none: a start that was given is seldom wrong
            outside = count_below(columns, signs, r, worst, d)
            for j in range(len(signs) if outside > 0 else 0):
                if d[j] < worst:
                    taken = False
                    for i in range(k):
                        if passive[i] == j:
                            taken = True
                            break
                    if not taken:
                        worst = d[j]
                        enter = j
            if enter < 0 or k == p:
                return norm, k
            passive[k] = enter
            lam[k] = 0.0
            first = k
            k += 1
        while True:
            # extend the orthonormal basis: a_i = sum_{l<=i} T[l, i] Q[l]
            i = first
            while i < k:
                j = passive[i]
                for t in range(p):
                    Q[i, t] = signs[j] * columns[t, j]
                if not orthogonalise(Q, T, i, 1e-12):  # dependent on the others: leave it out
                    for m in range(i, k - 1):
                        passive[m] = passive[m + 1]
                        lam[m] = lam[m + 1]
                    k -= 1
                    continue
                i += 1
            # least squares: T trial = -Q g
            for i in range(k - 1, -1, -1):
                e = 0.0
                for t in range(p):
                    e -= Q[i, t] * g[t]
                for m in range(i + 1, k):
                    e -= T[i, m] * trial[m]
                trial[i] = e / T[i, i]
            step = 1.0
            leave = NONE
            for i in range(k):
                if trial[i] <= 0.0:
                    gap = lam[i] - trial[i]
                    ratio = lam[i] / gap if gap > 0.0 else 0.0
                    if ratio < step or leave < 0:
                        step = ratio if ratio < step else step
                        leave = i
            for i in range(k):
                lam[i] = (1.0 - step) * lam[i] + step * trial[i]
            if leave < 0:
                break
            lam[leave] = 0.0
            first = k
            kept = ZERO
            for i in range(k):
                if lam[i] > 0.0:
                    passive[kept] = passive[i]
                    lam[kept] = lam[i]
                    kept += 1
                elif i < first:
                    first = i
            k = kept
            if first > k:
                first = k
            if k == 0:
                break
        new = 0.0
        for t in range(p):
            e = g[t]
            for i in range(k):
                e += lam[i] * signs[passive[i]] * columns[t, passive[i]]
            r[t] = e
            new += e * e
        new = math.sqrt(new)
        if new >= norm:  # rounding floor: no further descent
            return new, k
        norm = new
    return norm, k


def top_cone_supports(
    G: _Array,
    cells: NDArray[np.int64],
    rows: _Array,
    sides: NDArray[np.int8],
    floor: float,
    want: int,
    tilt: float = 0.0,
) -> tuple[NDArray[np.int64], _Array, _Array, _Array, float]:
    r"""Largest supports of ``+G[i]`` and ``-G[i]`` over the cone of cell ``cells[i]``, above `floor`.

    Answers positions (2 i for +, 2 i + 1 for -), values, unit directions, errors, and a bound on all pairs. Vectors
    with a large norm should come first: what is already held raises the bar that drops the rest. If every row is known
    to the error `tilt` only, a point of the unit ball in a cone has :math:`a_j^T c \ge -tilt`, and the support is at
    most :math:`\|r\| + tilt \sum_j \lambda_j`: the second part is the error, and the bound contains it.
    """
    p = G.shape[1]
    columns = np.ascontiguousarray(rows.T)
    index, found, direction = np.empty(want, np.int64), np.empty((2, want)), np.empty((want, p))
    # blocks may be much longer than their cones have rows: those of a quadratic network have none
    scratch = cone_scratch(p, len(rows), max(1, min(p, len(rows))))
    held, bound = top_supports_kernel(G, cells, columns, sides, floor, tilt, index, found, direction, *scratch)
    return index[:held], found[0, :held], direction[:held], found[1, :held], bound


@njit(borrowing=True)
def top_supports_kernel(
    G: _Array, cells: NDArray[np.int64], columns: _Array, sides: NDArray[np.int8], floor: float, tilt: float,
    index: NDArray[np.int64], found: _Array, direction: _Array,
    bases: _Array, vectors: _Array, passive: NDArray[np.int64], d: _Array,
) -> tuple[int, float]:  # fmt: skip
    """Fill `index` (want,), values and errors `found` (2, want) and `direction` (want, p) from the front.

    Answers how many, and the bound. The last four arrays are :func:`cone_scratch`.
    """
    m, p = G.shape
    want = len(index)
    Q, T = bases[0], bases[1]
    g, r, lam, trial = vectors[0], vectors[1], vectors[2], vectors[3]
    value = found[0]
    held = ZERO
    bar = floor
    bound = floor
    for pair in range(2 * m):
        i = pair // 2
        size = 0.0
        for t in range(p):
            g[t] = G[i, t] if pair % 2 == 0 else -G[i, t]
            size += g[t] * g[t]
        if size <= bar * abs(bar):  # most are dropped here
            continue
        norm, k = project_on_cone(g, columns, sides[cells[i]], bar, r, Q, T, lam, trial, passive, d, ZERO)
        error = 0.0
        for j in range(k):
            error += lam[j]
        error *= tilt
        if norm + error > bound:  # of one that is dropped too
            bound = norm + error
        if norm <= bar:
            continue
        slot = held
        if held < want:
            held += 1
        else:
            slot = ZERO
            for s in range(1, want):
                if value[s] < value[slot]:
                    slot = s
        index[slot] = pair
        value[slot] = norm
        found[1, slot] = error
        length = norm if norm > 0.0 else 1.0
        for t in range(p):
            direction[slot, t] = r[t] / length
        if held == want:
            bar = value[0]
            for s in range(1, want):
                if value[s] < bar:
                    bar = value[s]
    return held, bound
