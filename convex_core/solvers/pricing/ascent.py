r"""Pricing over a list of cells that grows by local ascent, for norms and sizes that no search covers.

With the Euclidean norm the ascents are those of :mod:`.sphere`, without its proofs. For other norms, with ridge
coefficients a and b the correlation of a dual vector with the atom of c is
:math:`b^T c + \sum_j a_j (r_j^T c)_+`, a difference of convex functions. Its convex part (a > 0) is replaced by the
tangent at the present c, the concave part is kept, and the conic program

.. math:: \max_{\|c\| \le 1} \; b^T c + \sum_{a_j > 0} a_j 1[r_j^T c_0 > 0]\, r_j^T c + \sum_{a_j < 0} a_j (r_j^T c)_+

gives the next c (the convex-concave procedure; Yuille and Rangarajan, Neural Computation 15, 2003). The correlation
never falls, and unlike steps along the gradient the procedure ends on the borders between cells where maxima lie. The
cells visited with a violation join the list. Nothing is proved about cells that were not visited.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ...architectures import CodeList
from ...arrangement import distinct_rows
from ...numerics.conic_forms import ConeKind
from ...numerics.interior_point import NotBegunError, minimise
from ...program.blocks import CellFactory
from ...progress import Budget
from .enumerated import EnumeratedPricer, PriceResult
from .sphere import SpherePricer

__all__ = ["AscentPricer", "ascended"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AscentSettings:
    """Tuning of the ascents that enlarge a list."""

    remembered: int = 24  # directions of earlier columns that each phase of ascents starts from
    fresh: int = 6  # random directions beside them
    steps: int = 12  # convex programs of one ascent
    fixed: int = 100  # steps at most to a fixed point, of the ascents that begin a list
    little: float = 0.02  # violation in the list, relative to the floor, below which ascents begin
    arrived: float = 1e-4  # relative growth below which an ascent has arrived
    accuracy: float = 1e-7  # accuracy of each of its programs
    added: int = 200  # cells that one exploration adds at most
    patience: int = 4  # explorations in a row without a new cell that end the growth


SETTINGS = AscentSettings()


class AscentPricer(EnumeratedPricer):
    """Prices over a list of cells, which ascents enlarge whenever it holds little violation.

    Parameters
    ----------
    factory : CellFactory
        Cells of a problem with ridge coefficients.
    codes : (m, N) bool
        Cells to begin with.
    seed : int
        Seed of the random starts.
    """

    def __init__(self, factory: CellFactory, codes: NDArray[np.bool_], *, seed: int) -> None:
        super().__init__(factory, CodeList(codes))
        self._rng = np.random.default_rng(seed)
        self._sphere = SpherePricer(factory, seed=seed) if factory.euclidean else None
        self._starts = np.zeros((0, factory.p))
        self._signs = np.zeros(0)

    def _search(self, v: _Array, *, floor: float, want: int, budget: Budget, slack: float, prove: bool) -> PriceResult:
        """Price `v` over the list; unless asked to prove, look further when little is found above the floor."""
        best = super()._search(v, floor=floor, want=want, budget=budget, slack=slack, prove=prove)
        if prove or best.stopped is not None or best.bound > floor * (1.0 + SETTINGS.little):
            self._remember(best)
            return best
        self._remember(best)
        if not self._grow(v, floor * (1.0 + slack), budget):
            return best
        best = super()._search(v, floor=floor, want=want, budget=budget, slack=slack, prove=False)
        self._remember(best)
        return replace(best, grown=True)

    def _remember(self, best: PriceResult) -> None:
        sign = best.columns.sign.astype(np.float64)
        self._starts = np.concatenate([best.directions, self._starts])[: SETTINGS.remembered]
        self._signs = np.concatenate([sign, self._signs])[: SETTINGS.remembered]

    def _grow(self, v: _Array, floor: float, budget: Budget) -> bool:
        """Add the cells of ascents that end above `floor`; whether there were new ones."""
        have = self.patterns.active()
        for _ in range(SETTINGS.patience if self._sphere is not None else 1):
            if budget.stop() is not None:
                break
            if self._sphere is not None:
                found = self._sphere.explore(v, floor=floor, want=SETTINGS.added, budget=budget).columns.active
            else:
                found = self.factory.patterns(self._ends(v, floor, budget))
            codes = distinct_rows(np.concatenate([have, found]))
            if len(codes) > len(have):
                super().__init__(self.factory, CodeList(codes))
                return True
        return False

    def _ends(self, v: _Array, floor: float, budget: Budget) -> _Array:
        """Ends above `floor` of convex-concave procedures (m, p)."""
        factory = self.factory
        fresh = self._rng.standard_normal((SETTINGS.fresh, factory.p))
        starts = np.concatenate([self._starts, fresh, fresh])
        signs = np.concatenate([self._signs, np.ones(SETTINGS.fresh), -np.ones(SETTINGS.fresh)])
        found = []
        for sign in (1.0, -1.0):
            ascent = _Ascent(factory, sign * v, budget)
            for c in starts[signs == sign]:
                if budget.stop() is not None:
                    break
                value, end = ascent.run(c)
                if value > floor:
                    found.append(end)
        return np.array(found).reshape(-1, factory.p)


class _Ascent:
    """The convex-concave procedure for one dual vector."""

    def __init__(self, factory: CellFactory, v: _Array, budget: Budget) -> None:
        self._budget = budget
        self._penalty = factory.penalty
        self._rows = factory.rows
        self._a, self._b = factory.ridge(v)
        p = factory.p
        form = self._penalty.form(p)
        self._aux = len(form.q)
        concave = self._rows[self._a < 0.0]
        n = len(concave)
        # variables: auxiliaries of the norm, c, t; rows: r.c <= t, 0 <= t, norm at most 1
        ball = sparse.vstack([sparse.csc_matrix(np.concatenate([form.q, np.zeros(p)])[None, :]), form.A])
        none, minus = sparse.csc_matrix((n, self._aux)), -sparse.eye_array(n)
        below = sparse.hstack([none, sparse.csc_matrix(concave), minus])
        positive = sparse.hstack([sparse.csc_matrix((n, self._aux + p)), minus])
        norm = sparse.hstack([ball, sparse.csc_matrix((ball.shape[0], n))])
        self._A = sparse.csc_matrix(sparse.vstack([below, positive, norm]))
        self._limits = np.zeros(self._A.shape[0])
        self._limits[2 * n] = 1.0
        self._cones: tuple[tuple[ConeKind, int], ...] = (("nonnegative", 2 * n + 1), *form.cones)

    def run(self, c: _Array) -> tuple[float, _Array]:
        """Correlation of the atom at the end, and the block of norm 1 it belongs to."""
        convex = np.maximum(self._a, 0.0)
        unit = float(np.abs(self._a).max(initial=0.0)) or 1.0
        width = self._A.shape[1]
        quadratic = sparse.csc_matrix((width, width))
        p = len(c)
        value, best = -np.inf, c
        for _ in range(SETTINGS.steps):
            tangent = self._b + (convex * (self._rows @ c > 0.0)) @ self._rows
            q = np.concatenate([np.zeros(self._aux), -tangent, -self._a[self._a < 0.0]]) / unit
            answer = None
            with suppress(NotBegunError):
                answer = minimise(
                    quadratic,
                    q,
                    self._A,
                    self._limits,
                    self._cones,
                    tol=SETTINGS.accuracy,
                    stop=lambda: self._budget.stop() is not None,
                    remaining=self._budget.remaining,
                )
            if answer is None:
                break
            c = answer.x[self._aux : self._aux + p]
            length = float(self._penalty.norm(c[None, :])[0])
            if not length > 1e-9:  # the origin: no atom correlates from here (or NaN: no answer)
                break
            c = c / length
            new = float(self._b @ c + self._a @ np.maximum(self._rows @ c, 0.0))
            if new <= value * (1.0 + SETTINGS.arrived):
                break
            value, best = new, c
        return value, best


def ascended(factory: CellFactory, v: _Array, codes: NDArray[np.bool_], budget: Budget) -> NDArray[np.bool_]:
    """Cells at the fixed points of ``u <- G(u)^T v / ||.||``, which never lowers v . phi(u) where v is positive."""
    for _ in range(SETTINGS.fixed):
        if budget.stop() is not None:
            break
        g = factory.transpose_products(codes, factory.gate_rows(codes), v)
        active = np.linalg.norm(g, axis=1) > 0.0
        if not active.any():
            break
        new = factory.cells(g[active], codes[active])
        if np.array_equal(new, codes):
            break
        codes = new
    return codes
