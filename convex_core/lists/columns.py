"""Columns of all samples, made ready for the iteration: kept, or summed up where samples outnumber columns.

With free output biases columns are centred, for the squared loss by their weighted mean; with the squared loss samples
are multiplied by the root of their weight. Both leave the program what it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import SizeError
from ..numerics.threads import at_once
from ..progress import Budget
from .designs import Design, Gram, Kernel
from .features import ListFeatures
from .weighted import WeightedLoss

__all__ = ["Columns", "make_columns"]

_Array = NDArray[np.floating]
_Double = NDArray[np.float64]
_Rows = NDArray[np.int64]
# numbers in columns that are kept at most: 2 GB in single precision
_MOST_KEPT = 2**29
# numbers in columns up to which everything is in double precision
_DOUBLE = 2**20
# samples whose columns are multiplied at a time
_BLOCK = 2048


class Columns(Protocol):
    """Columns of the training part, of the part held out, and of both."""

    def design(self, loss: WeightedLoss, rows: _Rows, *, free: bool) -> tuple[Design, _Double]:
        """The design of some rows, and the mean (N,) that was taken off."""
        ...

    def held_out(self) -> _Array:
        """Columns of the samples held out."""
        ...


class _Kept:
    def __init__(self, G: _Array, held: _Rows) -> None:
        self.G, self.held = G, held

    def design(self, loss: WeightedLoss, rows: _Rows, *, free: bool) -> tuple[Design, _Double]:
        G = self.G[rows]
        mean = np.zeros(G.shape[1])
        if free:
            share = loss.weight / loss.weight.sum() if loss.squared else np.full(len(G), 1.0 / len(G))
            mean = np.asarray(share.astype(G.dtype) @ G, dtype=np.float64)
            G -= mean.astype(G.dtype)
        if loss.squared and (loss.weight != 1.0).any():
            G *= np.sqrt(loss.weight)[:, None].astype(G.dtype)
        if len(G) <= G.shape[1]:
            return Kernel(G), mean
        H = (G.T @ G).astype(np.float64)
        if not loss.squared:
            return Gram(H, len(G), G=G), mean
        base = loss.constant() if free else 0.0
        W = np.sqrt(loss.weight)[:, None] * (loss.Y - base)
        B = np.asarray(G.T @ W.astype(G.dtype), dtype=np.float64)
        return Gram(H, len(G), B=B, WW=float(np.vdot(W, W))), mean

    def held_out(self) -> _Array:
        return self.G[self.held]


@dataclass(slots=True)
class _Moments:
    """Weighted sums over samples, of columns less a constant (N,)."""

    total: float
    first: _Double
    H: _Double
    B: _Double
    y: _Double
    yy: float
    n: int

    @classmethod
    def none(cls, N: int, q: int) -> _Moments:
        return cls(0.0, np.zeros(N), np.zeros((N, N)), np.zeros((N, q)), np.zeros(q), 0.0, 0)

    def add(self, G: _Array, Y: _Double, weight: _Double) -> None:
        root = np.sqrt(weight)[:, None].astype(G.dtype)
        GW = G * root
        half = len(G) // 2
        for product in at_once(lambda rows: GW[rows].T @ GW[rows], [slice(0, half), slice(half, len(G))]):
            self.H += product
        self.first += weight @ G.astype(np.float64)
        self.B += GW.T @ (root * Y).astype(G.dtype)
        self.total += float(weight.sum())
        self.y += weight @ Y
        self.yy += float(weight @ (Y * Y).sum(axis=1))
        self.n += len(G)

    def add_square(self, v: _Double, sign: float) -> None:
        """``H += sign v v^T``, in place: a second H is what memory is short of."""
        for start in range(0, len(v), _BLOCK):
            rows = slice(start, start + _BLOCK)
            self.H[rows] += np.outer(sign * v[rows], v)


class _Summed:
    def __init__(
        self,
        features: ListFeatures,
        X: _Double,
        Y: _Double,
        weight: _Double,
        held: _Rows,
        kind: type[np.floating],
        *,
        free: bool,
        budget: Budget,
    ) -> None:
        N = features.N
        self.kind = kind
        self.held = held
        self._kept = np.empty((len(held), N), kind)
        # columns are far from zero and close to each other: what they share is taken off before they are multiplied
        self.shift = features.of(X[: features.chunk], kind).mean(axis=0) if free else np.zeros(N, kind)
        inside = np.ones(len(X), dtype=bool)
        inside[held] = False
        self._moments = _Moments.none(N, Y.shape[1])
        self._sum(features, X, Y, weight, np.flatnonzero(inside), budget)
        for part, G in features.stream(X[held], kind, budget):
            self._kept[part] = G
        self._of_held = Y[held], weight[held]
        # the square of it is taken off H, while a design is in use
        self._mean: _Double | None = None

    def _sum(
        self, features: ListFeatures, X: _Double, Y: _Double, weight: _Double, rows: _Rows, budget: Budget
    ) -> None:
        block = np.empty((min(_BLOCK, len(rows)), features.N), self.kind)
        filled = begin = 0
        for part, G in features.stream(X, self.kind, budget, rows=rows):
            done = 0
            while done < len(G):
                take = min(len(G) - done, len(block) - filled)
                np.subtract(G[done : done + take], self.shift, out=block[filled : filled + take])
                filled, done = filled + take, done + take
                if filled == len(block) or (done == len(G) and part.stop == len(rows)):
                    chosen = rows[begin : begin + filled]
                    self._moments.add(block[:filled], Y[chosen], weight[chosen])
                    begin, filled = begin + filled, 0

    def design(self, loss: WeightedLoss, rows: _Rows, *, free: bool) -> tuple[Design, _Double]:
        """As for :class:`Columns`; the design before it, of the training part, is of no use any more."""
        m = self._moments
        if self._mean is not None:
            m.add_square(self._mean, 1.0)
            self._mean = None
        if len(rows) > m.n:
            Y, weight = self._of_held
            for start in range(0, len(Y), _BLOCK):
                part = slice(start, start + _BLOCK)
                m.add(self._kept[part] - self.shift, Y[part], weight[part])
        if not free:
            return Gram(m.H, m.n, B=m.B, WW=m.yy), np.zeros(len(m.H))
        self._mean = m.first / np.sqrt(m.total)
        m.add_square(self._mean, -1.0)
        B = m.B - np.outer(m.first, m.y / m.total)
        WW = m.yy - float(m.y @ m.y) / m.total
        return Gram(m.H, m.n, B=B, WW=max(WW, 0.0)), self.shift + m.first / m.total

    def held_out(self) -> _Array:
        return self._kept


def make_columns(
    features: ListFeatures,
    X: _Double,
    loss: WeightedLoss,
    held: _Rows,
    *,
    free: bool,
    precise: bool,
    budget: Budget,
) -> Columns:
    """The columns of all samples, with those of `held` at hand; in double precision if `precise`, or if they are few.

    Raises
    ------
    Interrupted
        If the budget ends first.
    SizeError
        If columns that must be kept, since the loss is not the squared one, are too many.
    """
    n, N = len(X), features.N
    kind: type[np.floating] = np.float64 if precise or n * N <= _DOUBLE else np.float32
    if loss.squared and n - len(held) > N:
        return _Summed(features, X, loss.Y, loss.weight, held, kind, free=free, budget=budget)
    if n * N > _MOST_KEPT:
        raise SizeError(
            f"columns: got {n:,} samples with {N:,} columns each, expected at most {_MOST_KEPT:,} numbers; fewer "
            "filters or regions, or the squared loss, which keeps no columns, need less",
            predicted=n * N,
            limit=_MOST_KEPT,
        )
    return _Kept(features.all(X, kind, budget), held)
