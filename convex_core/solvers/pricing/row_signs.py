"""Branch and bound over the signs of rows: the memory of :mod:`.transport_kernel`, and its first node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .transport_kernel import PAID, prove_kernel

__all__ = ["prove_below"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]


def prove_below(
    X: _Array, a: _Array, Y: _Array, c: _Array, linear: _Array, half: _Array, partner: _Index, plan: _Array,
    given: _Index, target: float, max_nodes: int, capacity: int, found: _Array, found_value: _Array, wanted: float,
    left: _Index, left_bound: _Array, halt: NDArray[np.bool_],
) -> tuple[float, float, int, int, int]:  # fmt: skip
    """Prove that f is at most `target` on the unit ball where `half` and the `given` signs hold.

    Parameters
    ----------
    X, a, Y, c, linear
        Unit convex rows (m, h) with weights (m,), unit concave rows (q, h) with weights (q,), linear part (h,).
    half : (k, h)
        Unit normals of half spaces.
    partner, plan : (m, K)
        As in :func:`.plan_kernel.transport_plan`; at most one entry for each partner.
    given : (g, 2)
        Convex rows whose sign is given, and the sign, 1 or -1.
    target : float
        What is to be proved.
    max_nodes, capacity : int
        Nodes examined at most, and signs on top of each other at most.
    found, found_value : (some, h), (some,)
        Filled with directions of values above `wanted`; a full one takes larger values in place of smaller ones.
    wanted : float
        See `found`.
    left, left_bound : (some, capacity, 2), (some,)
        Filled with the signs of nodes that were left open, ended by a row -1, and their bounds.
    halt : (1,)
        Another thread may set it: no node but the first is examined from then on.

    Returns
    -------
    bound : float
        A bound on f there but in the nodes that `left` names, at least `target`: equal to it if that is proved.
        Without a meaning if best > target.
    best : float
        Largest value found, 0 if none is positive. The search ends when it is above the target.
    count, nodes, open : int
        Directions found, nodes examined, nodes left open; those that `left` has no place for count in the bound.
    """
    (m, h), q, K = X.shape, len(c), partner.shape[1]
    first = q + len(half)
    decided, signs = given[:, 0], given[:, 1]
    widest = first + capacity
    sides = np.zeros((widest, h))
    sides[:q], sides[q:first] = -Y, half
    sides[first : first + len(given)] = signs[:, None] * X[decided]
    weight = np.ones((2, widest))
    weight[:, :q] = c
    vectors = np.zeros((m, 6, h))
    vectors[:, 4] = a[:, None] * X
    parts = np.empty(((capacity + 1) * m, PAID + K + 4 * (widest - q)))
    parts[:m] = 0.0
    parts[:m, :4] = np.inf
    parts[:m, PAID : PAID + K] = plan
    lines = np.zeros((3 * (capacity + 1), h))
    lines[0] = linear + vectors[decided[signs > 0], 4].sum(axis=0)
    duals = np.zeros((capacity + 1, 2 + widest))
    duals[0, 1], duals[0, 2 : 2 + q] = np.inf, 0.5
    state = np.zeros((capacity + 2, m), np.int8)
    state[0, decided] = signs
    path = np.zeros((capacity + 1, 3), np.int64)
    path[: len(given), :2] = given
    grain = float(np.abs(linear).sum() + a.sum() + c.sum())
    return prove_kernel(
        X, a, linear, partner, q, first, len(given), target, grain, max_nodes, found, found_value, wanted,
        left, left_bound, halt, sides, weight[0], vectors.reshape(6 * m, h), parts, lines, duals, state, path,
        np.zeros(q), weight[1], np.zeros(q), np.zeros(h),
    )  # fmt: skip
