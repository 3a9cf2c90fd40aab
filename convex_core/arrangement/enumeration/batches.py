"""The enumeration of :mod:`.tasks` in numpy alone, many nodes at a time; for interpreters without numba.

The same search, kind of error bounds and zero tests as the compiled kernel, so degenerate rows are treated the same
way. The last step tests every row against every candidate line instead of sorting the lines. It takes 2 to 6
microseconds a cell, some 25 times as long as the kernel.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...progress import Budget
from ..rows import PreparedRows
from ..zero_tests import EPS, ZeroTests
from .tasks import Half, first_pattern

__all__ = ["batches_numpy", "enumerate_half_numpy", "pack"]

#: numbers in one batch: 8 MB of float64
BATCH = 1 << 20
_Floats = NDArray[np.float64]
_Bools = NDArray[np.bool_]


class _Nodes(NamedTuple):
    """A batch of nodes at one depth.

    `T` (b, k, n + 1) holds coordinates modulo the chosen rows, then on them (smallest index first), last column the
    objective; `E` and `F` (b, n + 1) bound the errors of the two parts; `L` (b, n) marks loops; rows below `top` (b,)
    may be chosen.
    """

    T: _Floats
    E: _Floats
    F: _Floats
    L: _Bools
    top: NDArray[np.int64]
    depth: int


def pack(positive: _Bools) -> NDArray[np.uint64]:
    """Pack booleans (m, n) into words (m, ceil(n / 64)), bit j of a row in word j // 64.

    Examples
    --------
    >>> pack(np.array([[True, False, True]])).tolist()
    [[5]]
    """
    m, n = positive.shape
    octets = np.zeros((m, 8 * max(1, -(-n // 64))), dtype=np.uint8)
    octets[:, : -(-n // 8)] = np.packbits(positive, axis=1, bitorder="little")
    return octets.view("<u8").astype(np.uint64, copy=False)


def enumerate_half_numpy(prepared: PreparedRows, *, fill: bool, limit: int, budget: Budget | None = None) -> Half:
    """Patterns (or their number) with row 0 positive. Stops soon after the number exceeds `limit`.

    Raises
    ------
    Interrupted
        If the budget ends first.
    """
    found = []
    count, zero_tests = 0, ZeroTests()
    for part in batches_numpy(prepared, fill=fill, budget=budget):
        if part.bits is not None:
            found.append(part.bits)
        count += part.count
        zero_tests |= part.zero_tests
        if count > limit:
            break
    return Half(np.vstack(found) if fill else None, count, zero_tests)


def batches_numpy(prepared: PreparedRows, *, fill: bool, budget: Budget | None = None) -> Iterator[Half]:
    """Enumerate (or count) the patterns with row 0 positive in batches.

    Raises
    ------
    Interrupted
        If the budget ends first.
    """
    first = first_pattern(prepared)
    yield Half(first.bits if fill else None, 1, first.zero_tests)
    for k in range(2, prepared.rank + 1):
        stack: list[Iterator[tuple[_Nodes, ZeroTests]]] = [iter([(_root(prepared, k), ZeroTests())])]
        while stack:
            item = next(stack[-1], None)
            if item is None:
                stack.pop()
                continue
            if budget is not None:
                budget.check("the enumeration of sign patterns was stopped")
            nodes, zero_tests = item
            if k - nodes.depth > 2:
                stack.append(_children(nodes))
                yield Half(None, 0, zero_tests)
                continue
            for positive, seen in _leaves(nodes):
                zero_tests |= seen
                yield Half(pack(positive) if fill else None, len(positive), zero_tests)


def _root(prepared: PreparedRows, k: int) -> _Nodes:
    """Truncate to rank `k`, nothing chosen yet."""
    matrix, error = prepared.level(k)
    n = prepared.n
    zeros = np.zeros((1, n + 1))
    return _Nodes(matrix[None], error[None], zeros, np.zeros((1, n), dtype=np.bool_), np.array([n]), 0)


def _children(nodes: _Nodes) -> Iterator[tuple[_Nodes, ZeroTests]]:
    """Nodes with one more row chosen, in batches, without those that contain a broken circuit."""
    k, width = nodes.T.shape[1:]
    q = k - nodes.depth
    rows = np.arange(width - 1)
    parent, chosen = np.nonzero((rows >= q - 1) & (rows < nodes.top[:, None]) & ~nodes.L)
    step = max(1, BATCH // (k * width))
    for start in range(0, len(parent), step):
        yield _pivot(nodes, parent[start : start + step], chosen[start : start + step])


def _pivot(nodes: _Nodes, parent: NDArray[np.intp], i: NDArray[np.intp]) -> tuple[_Nodes, ZeroTests]:
    """Eliminate row i[b] of node parent[b], for every b."""
    k, width = nodes.T.shape[1:]
    q = k - nodes.depth
    T, E, F, L = nodes.T[parent], nodes.E[parent], nodes.F[parent], nodes.L[parent].copy()
    at = np.arange(len(parent))
    column = T[at, :, i]
    p = np.abs(column[:, :q]).argmax(axis=1)
    piv = column[at, p]
    size = np.abs(piv)[:, None]
    m = T[at, p] / piv[:, None]
    new = T - column[:, :, None] * m[:, None, :]
    kept = np.argsort(np.arange(q) == p[:, None], axis=1, kind="stable")[:, : q - 1]
    new = np.concatenate([np.take_along_axis(new[:, :q], kept[:, :, None], axis=1), m[:, None], new[:, q:]], axis=1)
    big = np.abs(new[:, : q - 1]).max(axis=1)
    coordinate = np.abs(new[:, q:]).max(axis=1, initial=0.0)
    reach = np.abs(column[:, q:]).max(axis=1, initial=0.0)[:, None]
    a = np.abs(m)
    ei, fi = E[at, i][:, None], F[at, i][:, None]
    e = E + a * ei
    dm = 1.25 * e / size + 4 * EPS * a
    E = 2.5 * e + 4 * EPS * (big + a * size)
    F = dm * (1.0 + reach + fi) + F + a * fi + 4 * EPS * (coordinate + a * reach)
    rows = np.arange(width - 1)
    tested = ~L & (rows != i[:, None])
    zero = tested & (big[:, :-1] <= E[:, :-1])
    zero_tests = ZeroTests.of(big[:, :-1][tested], E[:, :-1][tested])
    L |= zero | (rows == i[:, None])
    loops = np.append(L, np.zeros((len(L), 1), dtype=np.bool_), axis=1)
    E[loops] = 0.0
    F[at, i] = 0.0
    new[:, : q - 1][np.broadcast_to(loops[:, None], (len(L), q - 1, width))] = 0.0
    keep = ~(zero & (rows < i[:, None])).any(axis=1)
    return _Nodes(new[keep], E[keep], F[keep], L[keep], i[keep].astype(np.int64), nodes.depth + 1), zero_tests


def _leaves(nodes: _Nodes) -> Iterator[tuple[_Bools, ZeroTests]]:
    """Patterns of the candidate lines of every residual plane, in batches."""
    n = nodes.L.shape[1]
    rows = np.arange(n)
    parent, b = np.nonzero((rows > 0) & (rows < nodes.top[:, None]))
    size = np.abs(nodes.T[:, 0]) + np.abs(nodes.T[:, 1])
    size = np.where(size > 0, size, 1.0)
    x, y, e = nodes.T[:, 0] / size, nodes.T[:, 1] / size, nodes.E / size
    step = max(1, BATCH // (4 * n))
    for start in range(0, len(parent), step):
        yield _signs(nodes, x, y, e, parent[start : start + step], b[start : start + step])


def _signs(
    nodes: _Nodes, x: _Floats, y: _Floats, e: _Floats, parent: NDArray[np.intp], b: NDArray[np.intp]
) -> tuple[_Bools, ZeroTests]:
    """Patterns of the pairs (node, b) that are no broken circuits."""
    k, width = nodes.T.shape[1:]
    n = width - 1
    rows = np.arange(n)
    xb, yb, eb = x[parent, b][:, None], y[parent, b][:, None], e[parent, b][:, None]
    f = x[parent] * yb - y[parent] * xb
    tested = np.append(~nodes.L[parent] & (rows != b[:, None]), np.ones((len(parent), 1), dtype=np.bool_), axis=1)
    bound = e[parent] + eb + 8 * EPS
    zero = (np.abs(f) <= bound)[:, :n]
    keep = ~(zero & (rows < b[:, None])).any(axis=1)
    tested[~keep, -1] = False
    zero_tests = ZeroTests.of(f[tested], bound[tested])
    parent, b, f, xb, yb, zero = parent[keep], b[keep], f[keep], xb[keep], yb[keep], zero[keep]
    positive = (f[:, :n] > 0) == (f[:, :1] > 0)
    # c = l0 v_0 + lb v_b in the plane; determinants of (v_0, v_b), (c, v_b), (v_0, c)
    (d0, e0), (d1, e1), (d2, e2) = (
        _cross(nodes, parent, u, v) for u, v in ((np.zeros_like(b), b), (np.full_like(b, n), b), (0 * b, 0 * b + n))
    )
    zero_tests |= ZeroTests(0.0, float(np.min([np.abs(d1) / e1, np.abs(d2) / e2], initial=np.inf)))
    sign_b = (d1 > 0) == (d2 > 0)
    same = x[parent][:, :n] * xb + y[parent][:, :n] * yb > 0
    positive = np.where(zero, same == sign_b[:, None], positive)
    T, F = nodes.T[parent], nodes.F[parent]
    at = np.arange(len(parent))
    loop = nodes.L[parent]
    placed = ~loop
    for t in range(2, k):
        u, v, z = T[:, t, n] * d0, T[:, t, 0] * d1, T[at, t, b] * d2
        value = u - v - z
        error = np.abs(d0) * F[:, n] + np.abs(T[:, t, n]) * e0 + np.abs(d1) * F[:, 0] + np.abs(T[:, t, 0]) * e1
        error += np.abs(d2) * F[at, b] + np.abs(T[at, t, b]) * e2 + 8 * EPS * (np.abs(u) + np.abs(v) + np.abs(z))
        zero_tests |= ZeroTests(0.0, float(np.min(np.abs(value) / error, initial=np.inf)))
        own = (value > 0) == (d1 > 0)
        zero_tests |= ZeroTests.of(T[:, t, :n][~placed], F[:, :n][~placed])
        now = ~placed & (np.abs(T[:, t, :n]) > F[:, :n])
        positive = np.where(now, (T[:, t, :n] > 0) == own[:, None], positive)
        placed |= now
    if not placed.all():  # a loop without a coordinate: the zero tests contradict each other
        zero_tests |= ZeroTests(0.0, 0.0)
    return positive, zero_tests


def _cross(
    nodes: _Nodes, parent: NDArray[np.intp], a: NDArray[np.intp], b: NDArray[np.intp]
) -> tuple[_Floats, _Floats]:
    """2 x 2 determinants of residual columns, and bounds on their errors."""
    xa, ya, xb, yb = (
        nodes.T[parent, 0, a],
        nodes.T[parent, 1, a],
        nodes.T[parent, 0, b],
        nodes.T[parent, 1, b],
    )
    sa, sb = np.abs(xa) + np.abs(ya), np.abs(xb) + np.abs(yb)
    return xa * yb - ya * xb, nodes.E[parent, a] * sb + nodes.E[parent, b] * sa + 4 * EPS * sa * sb
