r"""Kernel: local ascent of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, cell by cell.

In a cell f is linear and its best point is the projection of the gradient on the cell's cone; of many hyperplanes few
bound the part of a cell near a point, so projections ask those first. Where f is concave the maximum sits on
hyperplanes, and steps along the gradient alone would stop short of it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ...numerics.cone_projection import cone_scratch, count_below, project_on_cone
from ...numerics.jit import ZERO, njit

__all__ = ["ascend", "ascend_kernel", "respond", "respond_kernel"]

_Array = NDArray[np.float64]

# projections ask hyperplanes with a cosine below this first: others rarely bound the part of a cell around a point
_NEAR = 0.05
# rows taken at a time, so that their products stay in the cache
_PART = 2048
# relative growth of f that makes a gradient step worth it
_PAYS = 1e-4
# relative growth below which an ascent has arrived
_GROWTH = 1e-12


def respond(columns: _Array, a: _Array, linear: _Array, U: _Array) -> _Array:
    """Values f of the rows of `U` (m, h); `columns` (h, M) are the rows r_j, transposed."""
    value = np.zeros(len(U))
    respond_kernel(columns, a, linear, U, value, np.zeros(_PART))
    return value


def ascend(columns: _Array, a: _Array, linear: _Array, U: _Array, enough: float, moves: int) -> _Array:
    """Improve each unit row of `U` (m, h) in place; answers the values (m,). `columns` as in :func:`respond`.

    At most `moves` gradient steps lead to a cell; where it promises more than `enough`, to its best point.
    """
    h, M = columns.shape
    sides = np.zeros((2, M), np.int8)
    ascend_kernel(
        columns, a, linear, U, enough, moves, np.zeros((h, M)), sides, np.zeros(M, np.int64), *cone_scratch(h, M)
    )
    # a projection much shorter than g is known less well than its length says
    return respond(columns, a, linear, U)


@njit(borrowing=True, fastmath={"reassoc", "contract"})
def respond_kernel(columns: _Array, a: _Array, linear: _Array, U: _Array, value: _Array, d: _Array) -> None:
    """Write f of each row of `U` (m, h) to `value` (m,): part after part of the rows, in loops that vectorise."""
    h, M = columns.shape
    for i in range(U.shape[0]):
        value[i] = 0.0
        for t in range(h):
            value[i] += linear[t] * U[i, t]
    for start in range(0, M, _PART):
        size = M - start if M - start < _PART else _PART
        share = a[start:]
        first = columns[0, start:]
        for i in range(U.shape[0]):
            u = U[i, 0]
            for j in range(size):
                d[j] = first[j] * u
            for t in range(1, h):
                u = U[i, t]
                column = columns[t, start:]
                for j in range(size):
                    d[j] += column[j] * u
            f = 0.0
            for j in range(size):
                f += share[j] * (d[j] if d[j] > 0.0 else 0.0)
            value[i] += f


@njit(borrowing=True, inner=True, fastmath={"reassoc", "contract"})
def _gradient(columns: _Array, a: _Array, linear: _Array, u: _Array, g: _Array, d: _Array) -> None:
    """Gradient `g` (h,) of f in the cell of `u` (h,), and the products `d` (M,)."""
    for j in range(len(d)):
        d[j] = columns[0, j] * u[0]
    for t in range(1, len(u)):
        for j in range(len(d)):
            d[j] += columns[t, j] * u[t]
    for t in range(len(u)):
        column = columns[t]
        total = linear[t]
        for j in range(len(d)):
            total += (a[j] if d[j] >= 0.0 else 0.0) * column[j]
        g[t] = total


@njit(borrowing=True, inner=True)
def _gather(
    columns: _Array, sides: NDArray[np.int8], d: _Array, near: _Array, near_sides: NDArray[np.int8],
    index: NDArray[np.int64],
) -> int:  # fmt: skip
    """Copy the rows with small products `d` (M,) to `near` (h, M), with sides and positions; answers how many."""
    m = ZERO
    for j in range(len(d)):
        index[m] = j
        m += abs(d[j]) <= _NEAR
    for k in range(m):
        near_sides[k] = sides[index[k]]
        for t in range(len(columns)):
            near[t, k] = columns[t, index[k]]
    return m


@njit(borrowing=True)
def ascend_kernel(
    columns: _Array, a: _Array, linear: _Array, U: _Array, enough: float, moves: int,
    near: _Array, sides: NDArray[np.int8], index: NDArray[np.int64],
    bases: _Array, vectors: _Array, passive: NDArray[np.int64], d: _Array,
) -> None:  # fmt: skip
    """Improve each unit row of `U` (m, h) in place, as :func:`ascend` says; `columns` (h, M) are the rows, transposed.

    Work arrays: `near` (h, M), `sides` (2, M), `index` (M,), and :func:`.cone_scratch` for h coordinates.
    """
    h, M = columns.shape
    Q, T = bases[0], bases[1]
    g, r, lam, trial, best = vectors[0], vectors[1], vectors[2], vectors[3], vectors[4]
    own, near_sides = sides[0], sides[1]
    # a value at rounding level of the coefficients has no direction
    rounding = 0.0
    for t in range(h):
        rounding += abs(linear[t])
    for j in range(M):
        rounding += abs(a[j])
    rounding *= _GROWTH
    lowest = enough if enough > rounding else rounding
    for i in range(U.shape[0]):
        current = -math.inf
        for _move in range(moves):
            # gradient steps cross many cells at once: take them as long as they pay
            _gradient(columns, a, linear, U[i], g, d)
            here = 0.0
            length = 0.0
            for t in range(h):
                here += g[t] * U[i, t]
                length += g[t] * g[t]
            length = math.sqrt(length)
            if here > current * (1.0 + _PAYS) and here > rounding:
                current = here
                for t in range(h):
                    best[t] = U[i, t]
                    U[i, t] = g[t] / length
                continue
            if here <= current:  # the last step did not pay: back to where it started
                for t in range(h):
                    U[i, t] = best[t]
                _gradient(columns, a, linear, U[i], g, d)
                here = current
            least = here if here > lowest else lowest
            for j in range(M):
                own[j] = 1 if d[j] >= 0.0 else -1
            # the rows near the point make a larger cone: the projection on it is the one asked for if it is in the cell
            m = _gather(columns, own, d, near, near_sides, index)
            norm = project_on_cone(g, near, near_sides[:m], least, r, Q, T, lam, trial, passive, d, ZERO)[0]
            if norm > least and count_below(columns, own, r, -_GROWTH * norm, d) > 0:
                norm = project_on_cone(g, columns, own, least, r, Q, T, lam, trial, passive, d, ZERO)[0]
            if norm > least * (1.0 + _GROWTH):
                for t in range(h):
                    U[i, t] = r[t] / norm
            break
