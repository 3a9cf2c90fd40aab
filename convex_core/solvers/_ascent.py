r"""Kernel: local ascent of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over the unit ball, cell by cell.

In a cell f is linear and its best point is the projection of the gradient on the cell's cone. If that point lies on
hyperplanes, the cells across them are tried one at a time. Where f is concave the maximum sits on such hyperplanes, and
steps along the gradient alone would stop short of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._cone_projection import project_on_cone
from .._numba import njit

__all__ = ["ascend", "respond"]

_Array = NDArray[np.float64]

# a hyperplane is tight when the cosine with its normal is below this
_TIGHT = 1e-9
# relative growth of f that makes a gradient step worth it
_PAYS = 1e-4
# relative growth below which an ascent has arrived
_GROWTH = 1e-12


@njit(error_model="numpy")
def respond(R: _Array, a: _Array, linear: _Array, U: _Array, value: _Array) -> None:
    """Write f of each row of `U` (m, h) to `value` (m,): one pass, no (m, M) products kept."""
    M, h = R.shape
    for i in range(U.shape[0]):
        f = 0.0
        for t in range(h):
            f += linear[t] * U[i, t]
        for j in range(M):
            d = 0.0
            for t in range(h):
                d += R[j, t] * U[i, t]
            f += a[j] * max(d, 0.0)
        value[i] = f


@njit(error_model="numpy")
def _gradient(R: _Array, a: _Array, linear: _Array, u: _Array, g: _Array, sides: NDArray[np.int8]) -> None:
    """Gradient `g` (h,) of f in the cell of `u` (h,), and the `sides` (M,) of that cell."""
    M, h = R.shape
    for t in range(h):
        g[t] = linear[t]
    for j in range(M):
        d = 0.0
        for t in range(h):
            d += R[j, t] * u[t]
        if d >= 0.0:
            sides[j] = 1
            for t in range(h):
                g[t] += a[j] * R[j, t]
        else:
            sides[j] = -1


@njit(error_model="numpy")
def ascend(
    R: _Array, a: _Array, linear: _Array, U: _Array, value: _Array, enough: float, moves: int, hops: int
) -> None:
    """Improve each unit row of `U` (m, h) in place; the values go to `value` (m,).

    Where a cell promises no more than `enough` the ascent ends with its gradient steps, at most `moves`; no more than
    `hops` walls are crossed after that.
    """
    M, h = R.shape
    sides = np.empty(M, np.int8)
    g = np.empty(h)
    trial_g = np.empty(h)
    best = np.empty(h)
    r = np.empty(h)
    Q = np.empty((h, h))
    T = np.zeros((h, h))
    lam = np.empty(h)
    trial = np.empty(h)
    passive = np.empty(h, np.int64)
    tight = np.empty(64, np.int64)
    # a value at rounding level of the coefficients has no direction
    rounding = 0.0
    for t in range(h):
        rounding += abs(linear[t])
    for j in range(M):
        rounding += abs(a[j])
    rounding *= _GROWTH
    for i in range(U.shape[0]):
        current = -np.inf
        visited = 0
        while visited < moves:
            visited += 1
            # gradient steps cross many cells at once: take them as long as they pay
            _gradient(R, a, linear, U[i], g, sides)
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
            if here > current:
                current = here
            else:  # the last step did not pay: back to where it started
                for t in range(h):
                    U[i, t] = best[t]
                _gradient(R, a, linear, U[i], g, sides)
            least = max(current, enough, rounding)
            norm, _ = project_on_cone(g, R, sides, least, r, Q, T, lam, trial, passive, 0)
            if norm <= least * (1.0 + _GROWTH):
                break
            current = norm
            for t in range(h):
                U[i, t] = r[t] / norm
            # from here on the cell is known by its sides: points on hyperplanes have no sides of their own
            for _hop in range(hops):
                count = 0
                for j in range(M):
                    d = 0.0
                    for t in range(h):
                        d += R[j, t] * U[i, t]
                    if abs(d) <= _TIGHT and count < 64:
                        tight[count] = j
                        count += 1
                chosen = -1
                goal = current * (1.0 + _GROWTH)
                for k in range(count):
                    j = tight[k]
                    for t in range(h):
                        trial_g[t] = g[t] - sides[j] * a[j] * R[j, t]
                    sides[j] = -sides[j]
                    norm, _ = project_on_cone(trial_g, R, sides, goal, r, Q, T, lam, trial, passive, 0)
                    sides[j] = -sides[j]
                    if norm > goal:
                        goal = norm
                        chosen = j
                        for t in range(h):
                            best[t] = r[t] / norm
                if chosen < 0:
                    break
                for t in range(h):
                    g[t] -= sides[chosen] * a[chosen] * R[chosen, t]
                    U[i, t] = best[t]
                sides[chosen] = -sides[chosen]
                current = goal
            break
    # a projection much shorter than g is known less well than its length says
    respond(R, a, linear, U, value)
