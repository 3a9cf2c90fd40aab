r"""Kernel: local ascent of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, cell by cell.

In a cell f is linear and its best point is the projection of the gradient on the cell's cone; of many hyperplanes few
bound the part of a cell near a point, so projections ask those first. Where f is concave the maximum sits on
hyperplanes, and steps along the gradient alone would stop short of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._cone_projection import NONE_HELD, count_below, project_on_cone
from .._numba import njit

__all__ = ["ascend", "respond"]

_Array = NDArray[np.float64]

# projections ask hyperplanes with a cosine below this first: others rarely bound the part of a cell around a point
_NEAR = 0.05
# rows taken at a time, so that their products stay in the cache
_PART = 2048
# relative growth of f that makes a gradient step worth it
_PAYS = 1e-4
# relative growth below which an ascent has arrived
_GROWTH = 1e-12


@njit(fastmath={"reassoc", "contract"})
def respond(R: _Array, a: _Array, linear: _Array, U: _Array, value: _Array) -> None:
    """Write f of each row of `U` (m, h) to `value` (m,): part after part of the rows, in loops that vectorise."""
    M, h = R.shape
    d = np.empty(_PART)
    for i in range(U.shape[0]):
        value[i] = 0.0
        for t in range(h):
            value[i] += linear[t] * U[i, t]
    for start in range(0, M, _PART):
        part = np.ascontiguousarray(R[start : start + _PART].T)
        share = a[start : start + _PART]
        size = part.shape[1]
        for i in range(U.shape[0]):
            for j in range(size):
                d[j] = part[0, j] * U[i, 0]
            for t in range(1, h):
                for j in range(size):
                    d[j] += part[t, j] * U[i, t]
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
    m = 0
    for j in range(len(d)):
        index[m] = j
        m += abs(d[j]) <= _NEAR
    for k in range(m):
        near_sides[k] = sides[index[k]]
        for t in range(len(columns)):
            near[t, k] = columns[t, index[k]]
    return m


@njit(borrowing=True, inner=True)
def _project(
    g: _Array, columns: _Array, sides: NDArray[np.int8], near: _Array, near_sides: NDArray[np.int8],
    floor: float, r: _Array, d: _Array, Q: _Array, T: _Array, lam: _Array, trial: _Array, passive: NDArray[np.int64],
) -> float:  # fmt: skip
    """Length of the projection `r` of `g` on the cell of `sides`; if that is at most `floor`, only a bound at most it.

    The rows of `near` alone make a larger cone, so a longer projection: it is the one asked for if it is in the cell.
    """
    norm = project_on_cone(g, near, near_sides, floor, r, Q, T, lam, trial, passive, d, NONE_HELD)[0]
    if norm <= floor:
        return norm
    if count_below(columns, sides, r, -_GROWTH * norm, d) == 0:
        return norm
    return project_on_cone(g, columns, sides, floor, r, Q, T, lam, trial, passive, d, NONE_HELD)[0]


@njit()
def ascend(R: _Array, a: _Array, linear: _Array, U: _Array, value: _Array, enough: float, moves: int) -> None:
    """Improve each unit row of `U` (m, h) in place; the values go to `value` (m,).

    At most `moves` gradient steps lead to a cell; where it promises more than `enough`, to its best point.
    """
    M, h = R.shape
    columns = np.ascontiguousarray(R.T)
    d = np.empty(M)
    sides = np.empty(M, np.int8)
    g = np.empty(h)
    best = np.empty(h)
    r = np.empty(h)
    Q = np.empty((h, h))
    T = np.zeros((h, h))
    lam = np.empty(h)
    trial = np.empty(h)
    passive = np.empty(h, np.int64)
    near, near_sides, index = np.empty((h, M)), np.empty(M, np.int8), np.empty(M, np.int64)
    # a value at rounding level of the coefficients has no direction
    rounding = 0.0
    for t in range(h):
        rounding += abs(linear[t])
    for j in range(M):
        rounding += abs(a[j])
    rounding *= _GROWTH
    for i in range(U.shape[0]):
        current = -np.inf
        for _move in range(moves):
            # gradient steps cross many cells at once: take them as long as they pay
            _gradient(columns, a, linear, U[i], g, d)
            here = 0.0
            length = 0.0
            for t in range(h):
                here += g[t] * U[i, t]
                length += g[t] * g[t]
            length = np.sqrt(length)
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
            least = max(current, here, enough, rounding)
            for j in range(M):
                sides[j] = 1 if d[j] >= 0.0 else -1
            m = _gather(columns, sides, d, near, near_sides, index)
            norm = _project(g, columns, sides, near, near_sides[:m], least, r, d, Q, T, lam, trial, passive)
            if norm > least * (1.0 + _GROWTH):
                for t in range(h):
                    U[i, t] = r[t] / norm
            break
    # a projection much shorter than g is known less well than its length says
    respond(R, a, linear, U, value)
