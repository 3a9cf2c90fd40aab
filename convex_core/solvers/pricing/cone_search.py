"""Branch and bound over cones of directions: the memory of :mod:`.sphere_kernel`, and small cones one by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record
from ...numerics.rounding import UNIT_ROUNDOFF
from .sphere_kernel import LINEAR, OFFSETS, cones_kernel, fields

__all__ = ["ConeSearch", "Cones", "search_cones"]

_Array = NDArray[np.float64]

# directions kept from a small cone
_FOUND = 16
# cones on top of each other at most
_CAPACITY = 4096


@record
@dataclass(frozen=True, slots=True)
class Cones:
    """Cones that are to be searched, in the order in which they were cut, with what is known of them.

    Attributes
    ----------
    vertices : (k, h, h) float64
        Unit vertices.
    bound, rough : (k,) float64
        Bound on f over each, ``inf`` for a root, and the rounding error of the bound.
    level, cut : (k,) int64
        Cuts that led to each, which its rounding errors grow with; the row that is being cut, -1 without one.
    """

    vertices: _Array
    bound: _Array
    rough: _Array
    level: NDArray[np.int64]
    cut: NDArray[np.int64]

    @classmethod
    def roots(cls, vertices: _Array) -> Cones:
        """Cones (k, h, h) of which nothing is known."""
        k = len(vertices)
        level, cut = np.zeros(k, np.int64), np.full(k, -1, np.int64)
        return cls(vertices, np.full(k, np.inf), np.zeros(k), level, cut)

    def __len__(self) -> int:
        return len(self.bound)

    def take(self, which: NDArray[np.intp] | NDArray[np.bool_] | slice) -> Cones:
        """Some of them."""
        return Cones(self.vertices[which], self.bound[which], self.rough[which], self.level[which], self.cut[which])

    @classmethod
    def together(cls, parts: list[Cones]) -> Cones:
        """All of some, in their order."""
        names = ("vertices", "bound", "rough", "level", "cut")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def highest(self) -> float:
        """The largest bound with its rounding error."""
        return float((self.bound + self.rough).max(initial=-np.inf))


class ConeSearch:
    """Branch and bound for f over one root cone after another, in the same memory: one thread at a time.

    Parameters
    ----------
    R : (M, h)
        Unit rows.
    a : (M,)
        Coefficients.
    linear : (h,)
        Linear part b.
    """

    def __init__(self, R: _Array, a: _Array, linear: _Array) -> None:
        M, h = R.shape
        self.linear = linear
        # convex rows first, and so on every list of rows
        convex, concave = np.flatnonzero(a > 0.0), np.flatnonzero(a < 0.0)
        order = np.concatenate([convex, concave])
        self.convex, self.columns = len(convex), np.ascontiguousarray(R.take(order, axis=0).T)
        self.grain = 1.001 * UNIT_ROUNDOFF * float(np.sqrt(linear @ linear) + np.abs(a).sum())
        size = max(1024, 2 * M)
        self.rows, self.coef, self.products = np.empty(size, np.int64), np.empty(size), np.empty((h + 1) * size)
        self.rows[: len(order)], self.coef[: len(order)] = order, a[order]
        self.vertices = np.empty((_CAPACITY * h, h))
        real, whole = fields(h)
        self.real, self.whole = np.empty((_CAPACITY, real)), np.empty((_CAPACITY, whole), np.int64)
        self._depth = 0
        #: Bound of the last run on what it closed.
        self.closed = 0.0
        self.dive = np.array([-1.0, 0.0])
        self.work = (
            *np.empty((3, len(order))), np.empty(len(order), np.int64), *np.zeros((2, h), np.int64),
            *np.zeros((3, h, h)), *np.zeros((10, h)), self.dive,
        )  # fmt: skip

    def run(
        self, root: _Array | Cones, floor: float, slack: float, found: _Array, found_value: _Array, wanted: float,
        max_nodes: int, halt: NDArray[np.bool_],
    ) -> tuple[float, float, int, int]:  # fmt: skip
        """Bound f over one cone; what it leaves open is in :meth:`left`.

        Parameters
        ----------
        root : (h, h), or Cones of one
            Unit vertices of the cone, pairwise at angles of at most 90 degrees, or a cone that another search left.
        floor : float
            Values at or below it need not be told apart (an incumbent found elsewhere).
        slack : float
            Relative accuracy: a cone is closed when its bound is at most ``(1 + slack) * max(floor, best)``.
        found, found_value : (capacity, h), (capacity,)
            Filled with directions of value above `wanted`, in the order found; a full one takes larger values in place
            of smaller ones. Begin with values of 0.
        wanted : float
            See `found`.
        max_nodes : int
            Cones examined at most; beyond, the bounds of the open cones count.
        halt : (1,)
            Another thread may set it: no cone but the first is examined from then on.

        Returns
        -------
        bound : float
            Sound upper bound on f over the cone and the unit ball, at least `floor`.
        best : float
            Largest value found (0 if none was positive).
        count : int
            Directions found.
        nodes : int
            Cones examined.
        """
        h, top = self.columns.shape
        cone = root if isinstance(root, Cones) else Cones.roots(root[None])
        # products are computed anew, and are off by no more than those that the cuts would have handed down
        self.products[: h * top] = np.einsum("pt,tj->pj", cone.vertices[0], self.columns).ravel()
        self.vertices[:h] = cone.vertices[0]
        self.real[0] = -1.0
        self.real[0, :LINEAR] = cone.bound[0], 0.0, cone.rough[0], 0.0
        self.real[0, LINEAR : LINEAR + h] = 0.0
        self.real[0, LINEAR + 2 * h : LINEAR + 3 * h] = np.einsum("pt,t->p", cone.vertices[0], self.linear)
        self.whole[0, :OFFSETS] = cone.level[0], cone.cut[0], -1, 0, self.convex, top, 0, h * top
        self.whole[0, OFFSETS:] = np.arange(h) * top
        bound, best, count, nodes, depth, need = floor, 0.0, 0, 0, 1, 0
        while depth > 0:
            if need > 0:
                more = 2 * need - len(self.rows)
                self.rows, self.coef = np.pad(self.rows, (0, more)), np.pad(self.coef, (0, more))
                self.products = np.pad(self.products, (0, (h + 1) * more))
            bound, best, count, nodes, depth, need = cones_kernel(
                self.grain, floor, slack, found, found_value, wanted, max_nodes, halt,
                bound, best, count, nodes, depth,
                self.vertices, self.real, self.whole, self.rows, self.coef, self.products, *self.work,
            )  # fmt: skip
            if need < 0:
                break
        self._depth, self.closed = depth, bound
        return float((self.real[:depth, 0] + self.real[:depth, 2]).max(initial=bound)), best, count, nodes

    def estimate(self, root: _Array, limit: float, dives: int, seed: int, halt: NDArray[np.bool_]) -> _Array:
        """Estimates (dives,) of how many cones :meth:`run` would examine until all bounds are at most `limit`.

        Each follows one path down, and is right in the mean (Knuth 1975).
        """
        counts = np.zeros(dives)
        found, found_value = np.zeros((1, len(self.linear))), np.zeros(1)
        self.dive[0] = 1.0 + seed
        for i in range(dives):
            self.dive[1] = 0.0
            self.run(root, limit, 0.0, found, found_value, np.inf, _CAPACITY, halt)
            counts[i] = self.dive[1]
        self.dive[0] = -1.0
        return counts

    def left(self) -> Cones:
        """What the last run left open, because of its limit or a halt; a bound of the rest is at most that run's."""
        h, depth = len(self.linear), self._depth
        vertices = self.vertices[: depth * h].reshape(depth, h, h).copy()
        return Cones(
            vertices, self.real[:depth, 0].copy(), self.real[:depth, 2].copy(), *self.whole[:depth, :2].T.copy()
        )


def search_cones(
    R: _Array,
    a: _Array,
    linear: _Array,
    cones: _Array,
    known: _Array,
    slack: float,
    max_nodes: int,
    halt: NDArray[np.bool_],
) -> tuple[_Array, _Array]:
    """Search for values above those known in each of some small cones.

    Parameters
    ----------
    R, a, linear
        As in :class:`ConeSearch`.
    cones : (m, h, h)
        Unit vertices.
    known : (m,)
        Values that are known there.
    slack, max_nodes, halt
        As in :meth:`ConeSearch.run`; cones that are left when it is halted are not searched.

    Returns
    -------
    better, value : (m, h), (m,)
        Best direction found in each cone, and its value; 0 where none is better than known.
    """
    better, value = np.zeros(cones.shape[:2]), np.zeros(len(cones))
    found, found_value = np.zeros((_FOUND, R.shape[1])), np.zeros(_FOUND)
    search = ConeSearch(R, a, linear)
    for i in range(len(cones)):
        if halt[0]:
            break
        found_value[:] = 0.0
        above = known[i] * (1.0 + slack)
        search.run(cones[i], float(known[i]), slack, found, found_value, float(above), max_nodes, halt)
        best = int(found_value.argmax())
        if found_value[best] > known[i]:
            better[i], value[i] = found[best], found_value[best]
    return better, value
