r"""Supports over cones for any norm with a conic form: bracketed by projections, decided by small conic programs.

.. math::
   \max_{A c \ge 0,\ \|c\| \le 1} g^T c \;=\; \min_{\lambda \ge 0} \|g + A^T\lambda\|_*

The solver's answer is not trusted: its multipliers are clipped to :math:`\lambda \ge 0` and put into the dual norm,
which bounds the support from above whatever they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..errors import SizeError
from ..numerics.cone_projection import top_cone_supports
from ..numerics.interior_point import NotBegunError, minimise
from ..numerics.rounding import UNIT_ROUNDOFF
from .base import BATCH_PRODUCTS, EXACT, ConeSupports, Penalty, Search

__all__ = ["ConicSupports", "above", "conic_supports"]

_Array = NDArray[np.float64]

_SUPPORT_ACCURACY = 1e-10


def conic_supports(
    penalty: Penalty,
    G: _Array,
    cells: NDArray[np.int64],
    rows: _Array,
    sides: NDArray[np.int8],
    *,
    floor: float,
    want: int,
    search: Search = EXACT,
    both: bool = True,
) -> ConeSupports:
    r"""The largest supports of +-G[i] over cell ``cells[i]``; arguments as in :meth:`Penalty.top_supports`.

    Where those of -G[i] are known to be the same they are left out (`both` is False).

    The Euclidean projection :math:`r = g + A^T\lambda` of g on the cone costs microseconds and brackets the support:
    its multipliers give the upper bound :math:`\|r\|_*`, and r itself, scaled to length one, attains
    :math:`\|r\|_2^2 / \|r\|`. Conic programs are solved for the pairs with the largest upper bounds only, until no
    other can beat the best value found.
    """
    p = G.shape[1]
    size = penalty.dual_norm(G) if len(G) else np.zeros(0)
    chosen = np.flatnonzero(size > floor)
    if not len(chosen):
        return ConeSupports.none(p, floor)
    batch = max(1, BATCH_PRODUCTS // max(1, rows.size * p))
    parts = []
    for start in range(0, len(chosen), batch):
        if start and search.stop():
            return ConeSupports.none(p, float(size[chosen].max()))
        some = chosen[start : start + batch]
        # a negative floor: none is dropped, because a projection to zero has an error too
        near_some = top_cone_supports(
            np.ascontiguousarray(G[some]), cells[some], rows, sides, -1.0, 2 * len(some), search.tilt
        )
        parts.append((near_some[0] + 2 * start, *near_some[1:4]))
    pair, length, unit, error = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    if not both:
        pair, length, unit, error = (array[pair % 2 == 0] for array in (pair, length, unit, error))
    near = length[:, None] * unit
    upper = np.minimum(penalty.dual_norm(near) + penalty.radius * error, size[chosen[pair // 2]])
    kept = above(upper, floor)
    pair, near, upper = pair[kept], near[kept], upper[kept]
    index = 2 * chosen[pair // 2] + pair % 2

    value = np.full(len(index), -np.inf)
    direction = np.zeros((len(index), p))
    first = slice(0, 2 * want)
    norms = penalty.norm(near[first])
    active = norms > 0.0
    value[first][active] = np.einsum("kp,kp->k", near[first], near[first])[active] / norms[active]
    direction[first][active] = near[first][active] / norms[active, None]
    program = _SupportProgram(penalty, p, search.tilt)
    best = max(floor, float(value.max(initial=-np.inf)))
    bound = best
    for k in range(len(index)):
        if upper[k] <= best * (1.0 + search.slack):
            bound = max(bound, upper[k])
            break
        if search.stop() or (not search.prove and best > floor and upper[k] - best <= best - floor):
            bound = max(bound, upper[k])
            break
        g = G[index[k] // 2] if index[k] % 2 == 0 else -G[index[k] // 2]
        normals = sides[cells[index[k] // 2]][:, None] * rows
        exact, maximiser = program.solve(g, normals[np.any(normals != 0.0, axis=1)], search)
        exact = min(exact, upper[k])
        bound = max(bound, exact)
        if maximiser is not None:
            value[k], direction[k] = exact, maximiser
            best = max(best, exact)
    found = above(value, floor)[:want]
    return ConeSupports(index[found], value[found], direction[found], float(bound), program.late)


def above(value: _Array, floor: float) -> NDArray[np.int64]:
    """Positions of the values above `floor`, the largest first.

    Examples
    --------
    >>> above(np.array([1.0, 4.0, 0.0, 2.0]), 0.5).tolist()
    [1, 3, 0]
    """
    found = np.flatnonzero(value > floor)
    return found[np.argsort(-value[found], kind="stable")]


class ConicSupports:
    """The supports of a penalty by :func:`conic_supports`."""

    __slots__ = ()

    def top_supports(
        self: Penalty,
        G: _Array,
        cells: NDArray[np.int64],
        rows: _Array,
        sides: NDArray[np.int8],
        *,
        floor: float,
        want: int,
        search: Search = EXACT,
    ) -> ConeSupports:
        """The `want` largest supports of +-G[i] over cell ``cells[i]``, and a bound on all (never below `floor`)."""
        return conic_supports(self, G, cells, rows, sides, floor=floor, want=want, search=search)


class _SupportProgram:
    """``max g.c`` over a cone and the unit ball of a penalty; `late` once there was no time to begin one."""

    late = False

    def __init__(self, penalty: Penalty, p: int, tilt: float) -> None:
        self._penalty = penalty
        self._tilt = tilt
        form = penalty.form(p)
        self._aux = len(form.q)
        self._p = p
        # the unit ball: cost of the epigraph at most 1
        self._ball = sparse.vstack([sparse.csc_matrix(np.concatenate([form.q, np.zeros(p)])[None, :]), form.A])
        self._cones, self._nearest = form.cones, form.nearest

    def solve(self, g: _Array, normals: _Array, search: Search) -> tuple[float, _Array | None]:
        """Sound upper bound on the support, however early the search stops, and a unit maximiser if there is one."""
        unit = float(np.abs(g).max(initial=0.0))
        if unit == 0.0:
            return 0.0, None
        M = len(normals)
        loose = float(self._penalty.dual_norm(g[None, :])[0])
        q = np.concatenate([np.zeros(self._aux), -g / unit])
        cone = sparse.hstack([sparse.csc_matrix((M, self._aux)), sparse.csc_matrix(-normals)])
        A = sparse.csc_matrix(sparse.vstack([cone, self._ball]))
        b = np.zeros(A.shape[0])
        b[M] = 1.0
        width = self._aux + self._p
        answer = None
        try:
            answer = minimise(
                sparse.csc_matrix((width, width)),
                q,
                A,
                b,
                (("nonnegative", M + 1), *self._cones),
                tol=_SUPPORT_ACCURACY,
                stop=search.stop,
                remaining=search.remaining(),
            )
        except NotBegunError:
            self.late = True
        except SizeError:
            pass
        if answer is None:
            return loose, None
        multiplier = np.maximum(np.nan_to_num(answer.z[:M]), 0.0)
        tight = float(self._penalty.dual_norm((g + unit * (multiplier @ normals))[None, :])[0])
        tight += self._penalty.radius * (self._tilt + M * UNIT_ROUNDOFF) * unit * float(multiplier.sum())
        value = min(loose, tight)
        c = self._nearest(answer.x[None, self._aux :])[0]
        length = float(self._penalty.norm(c[None, :])[0]) if np.isfinite(c).all() else 0.0
        # at a support of zero the maximiser is the origin
        return value, None if length <= 1e-6 else c / length
