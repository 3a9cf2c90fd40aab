r"""A quick bound on all prices by second moments of directions: coarse, and cheap enough to choose a dual vector by.

As in :mod:`.sphere` the correlation of an atom is :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+`. Since
:math:`(x)_+ = (x + |x|) / 2`,

.. math:: 2 f(u) = t^T u + \sum_j a_j |r_j^T u| \le |t^T u| + \sum_j a_j |r_j^T u| , \qquad t = 2 b + \sum_j a_j r_j ,

and the right-hand side, which f attains at u or -u, is even: :mod:`.moment_kernel` bounds it by one quadratic form. The
row t is one more row with a positive coefficient.

With the parameters optimised the bound is a convex function of (a, b), hence of the dual vector. Its slope, a *relaxed
atom*, says how it changes with the dual vector. No proof rests on that: every bound is computed once more, from its
parameters, with its rounding errors.

The bound allows for mixtures of directions far apart. So the sphere is divided, by half spaces whose normals the
mixtures themselves suggest, and each part has a bound of its own, in which rows that lie along the normals cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.rounding import UNIT_ROUNDOFF, lengths
from ...program.blocks import CellFactory
from ...progress import Budget
from ...status import Scope
from .enumerated import PriceResult, SoundPricer
from .moment_kernel import move_moments

__all__ = ["MomentPricer", "Moments"]

_Array = NDArray[np.float64]
_Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MomentSettings:
    """Tuning of the bounds by moments."""

    payers: int = 16  # concave rows at most that pay for a convex one
    products_at_once: int = 1 << 22  # products of rows at a time when they are looked for: 32 MB
    most_rows: int = 8_000  # rows at most: the search for partners takes their square
    jacobian: int = 1 << 25  # entries of the matrix of all coefficients at most: 256 MB
    steps: int = 60  # steps between two choices of partners
    # as many for a part that is tried, and for one whose bound is below the share `low` of the largest
    few_steps: int = 30
    low: float = 0.8
    tried: int = 2  # directions of each kind that a part is tried to be divided by
    unmoved: float = 1e-4  # what a half wins at least, relative, when two are compared
    first_rounds: int = 6  # choices of partners for the first dual vector; one for those after it
    pace: float = 0.05  # share of the way that the moments go in one step
    # smoothing of the worst moments, relative to the bound, in the first and the last step of a round
    blur: float = 1e-3
    last_blur: float = 3e-4
    narrow: float = 1e-5  # width at least, relative to the row
    free: float = 1e-9  # share of a concave row below which nobody is said to use it
    light: float = 1e-60  # share of the largest coefficient up to which a row is left out
    tries: int = 8  # levels that a largest eigenvalue is tried to be below


SETTINGS = MomentSettings()


class _Split(NamedTuple):
    """Convex and concave rows of one output sign; the last convex one is t, if that is not zero.

    If it is not, the last `normals` concave rows are those of the part.
    """

    convex: _Index
    concave: _Index
    X: _Array
    a: _Array
    Y: _Array
    c: _Array
    normals: int
    partner: _Index
    side: _Array
    plan: _Array
    left: _Array


class Moments:
    """The bound for one output sign over given `rows` (M, h); what it has found is where it goes on.

    Attributes
    ----------
    value : float
        The last bound.
    """

    def __init__(self, rows: _Array) -> None:
        M, h = rows.shape
        self._rows = rows
        self._normals = np.zeros((0, h))
        self._U = np.eye(h) / h
        # the plan: who pays for each row, and how much; the last row is t, the normals pay behind the others
        self._payer = np.zeros((M + 1, SETTINGS.payers), np.int64)
        self._paid = np.zeros((M + 1, SETTINGS.payers))
        self._left = np.zeros(M)
        self._weight = np.zeros(0)
        self._new = True
        self._atom: tuple[_Array, _Array] = np.zeros(M), np.zeros(h)
        self._last = np.zeros((0, h)), np.zeros((0, h)), np.zeros(0)  # rows and residuals with widths, without t
        self.value = math.inf

    def half(self, normal: _Array) -> Moments:
        """The part in which `normal` (h,), of length 1, has products that are not negative; it goes on from here."""
        normals, weight = np.concatenate([self._normals, normal[None]]), np.append(self._weight, 0.0)
        return self._part(normals, weight, np.pad(self._paid, ((0, 0), (0, 1))), np.append(self._left, 0.0))

    def inside(self, normals: _Array) -> Moments:
        """The part in which all `normals` (k, h) have products that are not negative, in place of those before."""
        k, M = len(normals), len(self._rows)
        paid = np.pad(self._paid[:, : SETTINGS.payers], ((0, 0), (0, k)))
        return self._part(normals.copy(), np.zeros(k), paid, np.pad(self._left[:M], (0, k)))

    def replaced(self, place: int, normal: _Array) -> Moments:
        """The part with another normal (h,) in the place of one of those before."""
        part = self._part(self._normals.copy(), self._weight.copy(), self._paid.copy(), self._left.copy())
        part._normals[place], part._weight[place] = normal, 0.0
        part._paid[:, SETTINGS.payers + place] = 0.0
        part._left[len(self._rows) + place] = 0.0
        return part

    def _part(self, normals: _Array, weight: _Array, paid: _Array, left: _Array) -> Moments:
        """A part with other normals, which goes on from here."""
        part = copy(self)
        part._U, part._payer = self._U.copy(), self._payer.copy()
        part._normals, part._weight, part._paid, part._left = normals, weight, paid, left
        return part

    @property
    def normals(self) -> _Array:
        """Unit vectors (k, h) whose products with the directions of its part are not negative."""
        return self._normals

    @property
    def weights(self) -> _Array:
        """How heavy the normals (k,) are in the last bound."""
        return self._weight

    @property
    def U(self) -> _Array:
        """The second moments (h, h) of the relaxed direction."""
        moments: _Array = self._U
        return moments

    @property
    def memory(self) -> int:
        """Bytes that it keeps, about, with a normal for each entry of a filter."""
        M, h = self._rows.shape
        return int(8 * M * (2 * SETTINGS.payers + h + 8))

    def divided(self, a: _Array, linear: _Array, budget: Budget) -> list[Moments]:
        """The two halves whose bounds win most, by their product; none if time is up, or there is nothing to win."""
        best: list[Moments] = []
        most = -math.inf
        whole = self.bound(a, linear, budget)
        if not 0.0 < whole < math.inf:
            return best
        for axis in self._axes():
            halves = [self.half(axis), self.half(-axis)]
            won = [
                max(1.0 - half.bound(a, linear, budget, SETTINGS.few_steps) / whole, SETTINGS.unmoved)
                for half in halves
            ]
            if budget.stop() is not None:
                return []
            if won[0] * won[1] > most:
                most, best = won[0] * won[1], halves
        return best

    def _axes(self) -> list[_Array]:
        """Unit directions that a mixture may be divided by: where it is long, and rows and residuals it straddles."""
        X, R, width = self._last
        vectors = np.linalg.eigh(self._U)[1].T[::-1]
        straddling = np.argsort(np.abs(R @ vectors[0]) - width, kind="stable")[: SETTINGS.tried]
        found = [*vectors[1 : 1 + SETTINGS.tried], *X[straddling], *R[straddling]]
        lengths = [float(np.linalg.norm(axis)) for axis in found]
        return [axis / length for axis, length in zip(found, lengths, strict=True) if length > 0.0]

    def bound(
        self, a: _Array, linear: _Array, budget: Budget, steps: int = SETTINGS.steps, enough: float = -math.inf
    ) -> float:
        r"""A sound bound on :math:`b^T u + \sum_j a_j (r_j^T u)_+` over its part of the unit ball, for b = `linear`.

        It is as close as so many `steps` make it, at most: they end where it is `enough`, or that is out of reach.
        """
        peak = max(np.abs(a).max(initial=0.0), np.abs(linear).max(initial=0.0))
        t = 2.0 * linear + a @ self._rows
        error = (len(a) + 4.0) * UNIT_ROUNDOFF * float(2.0 * np.abs(linear).sum() + np.abs(a).sum())
        # rows whose squares may be no doubles are left out, and add their lengths at most
        light = np.abs(a) <= SETTINGS.light * peak
        error += float(np.abs(a[light]) @ lengths(self._rows[light]))
        a = np.where(light, 0.0, a)
        if (long := float(lengths(t))) <= SETTINGS.light * peak:
            t, error = np.zeros_like(t), error + long
        self.value = math.inf
        for _ in range(SETTINGS.first_rounds if self._new else 1):
            self.value = min(self.value, 0.5 * (self._round(a, t, steps, 2.0 * enough - error) + error))
            self._new = False
            if budget.stop() is not None:
                break
        return self.value

    def atom(self) -> tuple[_Array, _Array]:
        r"""Vectors :math:`\rho` (M,) and z (h,) with which the last bound is :math:`(t^T z + a^T \rho) / 2`, about."""
        return self._atom

    def _round(self, a: _Array, t: _Array, steps: int, enough: float) -> float:
        """Partners anew, some steps, and the bound on twice f."""
        split = self._split(a, t)
        (m, h), q = split.X.shape, len(split.c)
        if not m:
            self._atom = np.zeros(len(a)), np.zeros(h)
            return 0.0
        entry = np.argsort(split.partner, axis=None, kind="stable")
        start = np.searchsorted(split.partner.ravel()[entry], np.arange(q + 1))
        c, plan, left, U = split.c.copy(), split.plan.copy(), split.left.copy(), self._U.copy()
        length, work = np.zeros_like(plan), np.zeros((3, h, h))
        move_moments(
            split.X, split.a, split.Y, c, split.normals, split.partner, split.side, start, entry, plan, left, self._U,
            split.c, split.plan, split.left, U, steps, enough, SETTINGS.pace, SETTINGS.blur, SETTINGS.last_blur,
            plan.ravel(), length, length.ravel(), np.zeros((m, h)), np.zeros((q, h)), np.zeros((4, q)),
            work[0], work[1], work[2],
        )  # fmt: skip
        self._U = U
        self._remember(split)
        return self._evaluated(split, len(a))

    def _split(self, a: _Array, t: _Array) -> _Split:
        """The rows by the signs of their coefficients, and the partners of the convex ones."""
        M = len(a)
        convex, concave = np.flatnonzero(a > 0.0), np.flatnonzero(a < 0.0)
        X, weight = self._rows[convex], a[convex]
        long = float(np.linalg.norm(t))
        if long > 0.0:
            convex, X, weight = np.append(convex, M), np.concatenate([X, [t / long]]), np.append(weight, long)
        Y, c = np.ascontiguousarray(self._rows[concave]), -a[concave]
        m, q = len(weight), len(c)
        K = min(SETTINGS.payers, q)
        partner, plan = np.zeros((m, K), np.int64), np.zeros((m, K))
        left = np.minimum(self._left[concave], c)
        if K and m:
            column = np.full(M, -1)
            column[concave] = np.arange(q)
            # from now on a row that has become convex is paid, and pays nobody
            paid = self._paid[convex, : SETTINGS.payers]
            payer = np.where(paid > 0.0, column[self._payer[convex]], -1)
            step = max(1, SETTINGS.products_at_once // q)
            for first in range(0, m, step):
                part = slice(first, first + step)
                score = self._scores(X[part], weight[part], Y, payer[part], paid[part], concave)
                partner[part] = np.sort(np.argpartition(-score, K - 1, axis=1)[:, :K], axis=1)
                score.fill(0.0)
                row, k = np.nonzero(payer[part] >= 0)
                score[row, payer[part][row, k]] = paid[part][row, k]
                plan[part] = np.take_along_axis(score, partner[part], axis=1)
        normals = len(self._normals) if long > 0.0 else 0
        if normals:  # everybody may use them
            Y, c, left = np.concatenate([Y, self._normals]), np.append(c, self._weight), np.append(left, self._left[M:])
            partner = np.concatenate([partner, np.tile(np.arange(q, q + normals), (m, 1))], axis=1)
            plan = np.concatenate([plan, self._paid[convex, SETTINGS.payers :]], axis=1)
        if plan.size:
            # the weights have changed since: nobody pays more than there is
            total = np.bincount(partner.ravel(), plan.ravel(), len(c)) + left
            kept = c / np.maximum(np.maximum(total, c), 1e-300)
            plan, left = plan * kept[partner], left * kept
        side = np.where(np.einsum("ih,ikh->ik", X, Y[partner]) >= 0.0, 1.0, -1.0)
        return _Split(convex, concave, np.ascontiguousarray(X), weight, Y, c, normals, partner, side, plan, left)

    def _scores(self, X: _Array, weight: _Array, Y: _Array, payer: _Index, paid: _Array, concave: _Index) -> _Array:
        """For each convex row and concave row what a payment would shorten, by moments; who pays already comes first.

        At first there are no moments, and the nearest rows are taken.
        """
        score: _Array = X @ Y.T
        if self._new:
            return np.abs(score, out=score)
        row, k = np.nonzero(payer >= 0)
        places, amounts = payer[row, k], paid[row, k]
        signed = np.zeros_like(paid)
        signed[row, k] = np.where(score[row, places] >= 0.0, amounts, -amounts)
        R = weight[:, None] * X - np.einsum("ik,ikh->ih", signed, Y[payer])
        moved = R @ self._U
        width = np.sqrt(np.maximum(np.einsum("ih,ih->i", moved, R), 0.0) + (1e-3 * weight) ** 2)
        worth = (moved / width[:, None]) @ Y.T
        np.copysign(1.0, score, out=score)
        score *= worth
        # what one more unit of a concave row is worth elsewhere
        score -= np.maximum(np.linalg.norm(Y @ self._U, axis=1), self._atom[0][concave])
        np.minimum(score, 3.0, out=score)
        score[row, places] = 4.0 + amounts / weight[row]
        return score

    def _remember(self, split: _Split) -> None:
        q, K = len(split.concave), split.partner.shape[1] - split.normals
        self._left[:] = 0.0
        self._left[split.concave] = split.left[:q]
        if K:
            self._payer[split.convex, :K] = split.concave[split.partner[:, :K]]
        self._paid[:] = 0.0
        self._paid[split.convex, :K] = split.plan[:, :K]
        if split.normals:
            self._weight, self._left[-split.normals :] = split.c[q:], split.left[q:]
            self._paid[split.convex, SETTINGS.payers :] = split.plan[:, K:]

    def _evaluated(self, split: _Split, M: int) -> float:
        """The bound on twice f that the parameters give, with its rounding errors; the relaxed atom too."""
        X, a, Y, c, normals, partner, side, plan, left = split[2:]
        (m, h), q, K = X.shape, len(c), partner.shape[1]
        R = a[:, None] * X - np.einsum("ik,ikh->ih", side * plan, Y[partner])
        if normals:
            R[-1] += c[q - normals :] @ Y[q - normals :]
        moved = R @ self._U
        width = np.maximum(np.sqrt(np.maximum(np.einsum("ih,ih->i", moved, R), 0.0)), SETTINGS.narrow * a)
        toward = Y @ self._U
        long = np.linalg.norm(toward, axis=1)
        # shorter ones, whose squares are not exact, have a shorter direction still
        P = toward / np.maximum(long, 1e-140)[:, None] * (1.0 - 8.0 * (h + 2) * UNIT_ROUNDOFF)  # at most 1 long
        cross = (Y * left[:, None]).T @ P
        share = R / (2.0 * width)[:, None]
        Q = share.T @ R - 0.5 * (cross + cross.T)
        half = 0.5 * float(width.sum())
        # sizes of everything that was added up: sums of n terms are off by n units of them
        tall, deep = lengths(X), lengths(Y)
        kept = float(left @ deep)
        square = float(np.einsum("ih,ih->", share, R)) + kept
        size = 2.0 * float(a @ tall + c @ deep + (plan * deep[partner]).sum() + kept) + 2.0 * square + half
        rough = 4.0 * (m + q + K + 4.0 * h + 64.0) * UNIT_ROUNDOFF * size
        used = np.bincount(partner.ravel(), plan.ravel(), q) + left
        # who pays more than there is adds that, times |y^T u|, which is at most the length of the row
        beyond = float(np.maximum(used - c, 0.0) @ deep)
        # the relaxed atom: concave rows are priced at what those who use them gain, on the average
        z = moved / width[:, None]
        rho = np.zeros(M)
        own = split.convex < M
        rho[split.convex[own]] = np.einsum("ih,ih->i", X[own], z[own])
        gained = np.bincount(partner.ravel(), (plan * side * np.einsum("ikh,ih->ik", Y[partner], z)).ravel(), q)
        shared = used > SETTINGS.free * c
        price = np.where(shared, (gained + left * long) / np.where(shared, used, 1.0), long)
        rho[split.concave] = price[: q - normals]
        self._last = X[own], R[own], width[own]
        self._atom = rho, z[-1] if len(own) and not own[-1] else np.zeros(h)
        return float(half + _largest(Q) + beyond + rough)


def _largest(Q: _Array) -> float:
    """Proved bound on the largest eigenvalue of the symmetric Q (h, h) and 0.

    Cholesky's method succeeds for level I - Q: then that is positive semidefinite but for (h + 1) units of its trace
    (Higham 2002, theorem 10.7).
    """
    h = len(Q)
    size = float(np.abs(Q).sum())
    if not math.isfinite(size):
        return math.inf
    level = max(float(np.linalg.eigvalsh(Q)[-1]), 0.0)
    margin = 64.0 * h * UNIT_ROUNDOFF * size
    for _ in range(SETTINGS.tries):
        tried = level + margin
        try:
            np.linalg.cholesky(tried * np.eye(h) - Q)
        except np.linalg.LinAlgError:
            margin *= 16.0
            continue
        return tried + 4.0 * (h + 2.0) * UNIT_ROUNDOFF * (h * tried + size)
    return math.inf if size > 0.0 else 0.0


class MomentPricer(SoundPricer):
    """Bounds the prices of every cell by moments, part of the sphere by part, and finds no columns.

    Parameters
    ----------
    factory : CellFactory
        Cells of the problem, of an architecture with ridge coefficients and the Euclidean penalty.
    pool : Executor, optional
        Two threads for the parts, which are two at first, for the two output signs.
    """

    def __init__(self, factory: CellFactory, pool: Executor | None = None) -> None:
        self._factory = factory
        self._pool = pool or ThreadPoolExecutor(2, "moments")
        self._parts = [(sign, Moments(factory.rows)) for sign in (1.0, -1.0)]
        # coefficients of every row, and the linear part, for a dual vector of one entry
        n, (M, h) = factory.design.shape[1], factory.rows.shape
        self._a, self._b = np.zeros((n, M)), np.zeros((n, h))
        one = np.zeros(n)
        for i in range(n):
            one[i] = 1.0
            self._a[i], self._b[i] = factory.ridge(one)
            one[i] = 0.0

    @staticmethod
    def fits(factory: CellFactory) -> bool:
        """Whether what it keeps has a place in memory."""
        M, n = len(factory.rows), factory.design.shape[1]
        return len(factory.rows) <= SETTINGS.most_rows and M * n <= SETTINGS.jacobian

    @property
    def scope(self) -> Scope:
        """Every cell is covered."""
        return Scope.GLOBAL

    @property
    def factory(self) -> CellFactory:
        """Makes the blocks."""
        return self._factory

    @property
    def listed_count(self) -> int | None:
        """Nothing is listed."""
        return None

    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """Whatever is asked for, the answer is as close as some steps from the last dual vector make it."""
        a, linear = self._factory.ridge(v)
        low = SETTINGS.low * max(part.value for part in self.parts)

        def bounded(sign: float, part: Moments) -> float:
            if budget.stop() is not None:
                return math.inf
            return part.bound(
                sign * a, sign * linear, budget, SETTINGS.few_steps if part.value < low < math.inf else SETTINGS.steps
            )

        bounds = list(self._pool.map(lambda both: bounded(*both), self._parts))
        return PriceResult(
            max(0.0, *bounds), self._factory.nothing(), np.zeros((0, self._factory.p)), np.zeros(0), budget.stop()
        )

    @property
    def parts(self) -> list[Moments]:
        """The parts of the sphere, with their last bounds: for each output sign they cover it."""
        return [part for _, part in self._parts]

    def divide(self, v: _Array, chosen: Sequence[Moments], budget: Budget) -> None:
        """Divide each of the `chosen` parts in two, by what is best for `v` (n,), as long as there is time."""
        a, linear = self._factory.ridge(v)
        which = [number for number, part in enumerate(self.parts) if part in chosen]
        halves = self._pool.map(
            lambda both: both[1].divided(both[0] * a, both[0] * linear, budget), [self._parts[i] for i in which]
        )
        for number, found in zip(which, halves, strict=True):
            if found:
                sign = self._parts[number][0]
                self._parts[number] = sign, found[0]
                self._parts.append((sign, found[1]))

    def relaxed_atoms(self) -> _Array:
        """Outputs (parts, n) of relaxed atoms: their correlation with the last dual vector is about its bound there."""
        atoms = []
        for sign, part in self._parts:
            rho, z = part.atom()
            atoms.append(0.5 * sign * (2.0 * self._b @ z + self._a @ (self._factory.rows @ z + rho)))
        return np.stack(atoms)
