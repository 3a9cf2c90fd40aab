"""Compiled kernels: interior points and facets of cells given by their signs, without neighbours or linear programs.

Both rest on projections on cones (:mod:`convex_core.numerics.cone_projection`), with unit normals a_j and signs s_j.

*Interior point.* The shortest x with s_j a_j . x >= 1 comes from the projection of (0, -1) on the cone
{(y, z) : s_j a_j . y + c z >= 0} for any scale c > 0 (Lawson & Hanson 1974, chapter 23); x / ||x|| has the largest
margin. From the constraints it touches, x is one triangular solve, free of the cancellation in the projection.

*Facets* (Clarkson 1994). A constraint is redundant if its normal lies in the cone of the facets found so far. If not,
the projection of minus the normal satisfies these and violates the constraint, so the first hyperplane on the way
there from an interior point is a new facet; the point is generic, so that the way leaves through no corner. A cell
with F facets takes M + F projections on at most F rows.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.cone_projection import project_on_cone
from ...numerics.gram_schmidt import orthogonalise
from ...numerics.jit import ZERO, njit

__all__ = ["facets_kernel", "witness_kernel"]

_Array = NDArray[np.float64]
#: distance of a unit normal from the cone of the facets below which the constraint is redundant
_REDUNDANT = 1e-11
#: the scale should be about the margin, which is not known beforehand: it is divided by this until it is
_RESCALE = 50.0


@njit(borrowing=True)
def witness_kernel(
    rows: _Array, signs: NDArray[np.int8], U: _Array, margin: _Array,
    wide: _Array, bases: _Array, vectors: _Array, touching: NDArray[np.int64], d: _Array,
) -> None:  # fmt: skip
    """Write to `U` (m, h) the point of largest margin of the cell of each of `signs` (m, M), and its margin.

    The margin is not positive where no interior point is found. `wide` (h + 1, M) holds the rows, transposed, and a
    row to work in; other work arrays: :func:`cone_scratch` for h + 1 coordinates.
    """
    M, h = rows.shape
    Q, T = bases[0], bases[1]
    g, r, lam, trial = vectors[0], vectors[1], vectors[2], vectors[3]
    for t in range(h):
        g[t] = 0.0
    g[h] = -1.0
    for i in range(signs.shape[0]):
        margin[i] = -math.inf
        scale = 1.0
        while scale > 1e-14 and margin[i] < 0.01 * scale:
            for j in range(M):
                wide[h, j] = scale * signs[i, j]
            k = project_on_cone(g, wide, signs[i], 0.0, r, Q, T, lam, trial, touching, d, ZERO)[1]
            # a_i = sum_l T[l, i] Q[l] and a_i . x = 1 for the rows touched: x = sum_l y[l] Q[l] with T' y = 1
            s = ZERO
            for a in range(k if k < h else h):
                j = touching[a]
                for t in range(h):
                    Q[s, t] = signs[i, j] * rows[j, t]
                Q[s, h] = 0.0
                if orthogonalise(Q, T, s, 1e-14):
                    trial[s] = 1.0
                    for m in range(s):
                        trial[s] -= T[m, s] * trial[m]
                    trial[s] /= T[s, s]
                    s += 1
            size = 0.0
            for t in range(h):
                r[t] = 0.0
                for m in range(s):
                    r[t] += trial[m] * Q[m, t]
                size += r[t] * r[t]
            size = math.sqrt(size)
            if size > 0.0:
                least = math.inf
                for j in range(M):
                    depth = 0.0
                    for t in range(h):
                        depth += rows[j, t] * r[t]
                    depth *= signs[i, j]
                    if signs[i, j] != 0 and depth < least:
                        least = depth
                if least / size > margin[i]:
                    margin[i] = least / size
                    for t in range(h):
                        U[i, t] = r[t] / size
            scale /= _RESCALE


@njit(borrowing=True)
def facets_kernel(
    rows: _Array, signs: NDArray[np.int8], U: _Array, margin: _Array, step: _Array, facet: NDArray[np.bool_],
    local: _Array, found: _Array, ones: NDArray[np.int8],
    bases: _Array, vectors: _Array, passive: NDArray[np.int64], d: _Array,
) -> None:  # fmt: skip
    """Mark in `facet` (m, M) the constraints that bound the cells of `signs` (m, M), given interior points `U` (m, h).

    `step` (h,) is a unit vector in general position that moves the point, by half of its margin. A thin cell is
    stretched across its point first, which changes no facet: normals near each other become far apart. `ones` (M,) is
    filled with 1; work arrays: `local` (M, h), `found` (h, M), and :func:`cone_scratch` for h coordinates.
    """
    M, h = rows.shape
    Q, T = bases[0], bases[1]
    g, r, lam, trial, x = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4]
    for i in range(signs.shape[0]):
        nearest = math.inf
        for j in range(M):
            depth = 0.0
            for t in range(h):
                depth += rows[j, t] * U[i, t]
            size = 0.0
            for t in range(h):
                local[j, t] = rows[j, t] + depth * (1.0 / margin[i] - 1.0) * U[i, t]
                size += local[j, t] * local[j, t]
            size = math.sqrt(size) * signs[i, j]  # 0 states nothing
            if size != 0.0:
                for t in range(h):
                    local[j, t] /= size
                near = depth / margin[i] / size
                nearest = near if near < nearest else nearest
        for t in range(h):
            x[t] = U[i, t] + 0.5 * nearest * step[t]
        count = ZERO
        for j in range(M):
            while signs[i, j] != 0 and not facet[i, j]:
                for t in range(h):
                    g[t] = -local[j, t]
                norm = project_on_cone(g, found, ones[:count], _REDUNDANT, r, Q, T, lam, trial, passive, d, ZERO)[0]
                if norm <= _REDUNDANT:
                    break
                first = j
                least = math.inf
                for a in range(M):
                    if signs[i, a] == 0 or facet[i, a]:
                        continue
                    here = 0.0
                    there = 0.0
                    for t in range(h):
                        here += local[a, t] * x[t]
                        there -= local[a, t] * r[t]
                    if there > 0.0 and here * norm < least * (here * norm + there):
                        least = here * norm / (here * norm + there)
                        first = a
                facet[i, first] = True
                for t in range(h):
                    found[t, count] = local[first, t]
                count += 1
