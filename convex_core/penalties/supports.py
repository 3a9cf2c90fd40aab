r"""Supports over cones for any norm with a conic form, by one small conic program per cell.

.. math::
   \max_{A c \ge 0,\ \|c\| \le 1} g^T c \;=\; \min_{\lambda \ge 0} \|g + A^T\lambda\|_*

The solver's answer is not trusted: its multipliers are clipped to :math:`\lambda \ge 0` and put into the dual norm,
which bounds the support from above whatever they are.
"""

from __future__ import annotations

import clarabel
import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..conic_forms import clarabel_cones
from .base import ConeSupports, Penalty

__all__ = ["conic_supports"]

_Array = NDArray[np.float64]

_TOL = 1e-10


def conic_supports(
    penalty: Penalty,
    G: _Array,
    cells: NDArray[np.int64],
    rows: _Array,
    sides: NDArray[np.int8],
    *,
    floor: float,
    want: int,
) -> ConeSupports:
    """The `want` largest supports of +-G[i] over cell ``cells[i]``; arguments as in :meth:`Penalty.top_supports`.

    Cells are taken by falling dual norm of G[i], which bounds their support, and the rest is left out as soon as that
    is no more than the floor, or than the smallest of `want` supports found.
    """
    G = np.atleast_2d(G)
    size = penalty.dual_norm(G) if len(G) else np.zeros(0)
    program = _SupportProgram(penalty, G.shape[1])
    found: list[tuple[float, int, _Array]] = []
    bar = bound = floor
    for i in np.argsort(-size, kind="stable"):
        if size[i] <= bar:
            break
        normals = sides[cells[i]][:, None] * rows
        for index, g in ((2 * int(i), G[i]), (2 * int(i) + 1, -G[i])):
            value, direction = program.solve(g, normals[np.any(normals != 0.0, axis=1)])
            bound = max(bound, value)
            if value > floor and direction is not None:
                found.append((value, index, direction))
        if len(found) > want:
            found.sort(key=lambda item: -item[0])
            del found[want:]
            bar = max(bar, found[-1][0])
    found.sort(key=lambda item: -item[0])
    return ConeSupports(
        np.array([item[1] for item in found], dtype=np.int64),
        np.array([item[0] for item in found]),
        np.array([item[2] for item in found]).reshape(-1, G.shape[1]),
        float(bound),
    )


class _SupportProgram:
    """``max g.c`` over a cone and the unit ball of a penalty."""

    def __init__(self, penalty: Penalty, p: int) -> None:
        self._penalty = penalty
        form = penalty.form(p)
        self._aux = len(form.q)
        self._p = p
        # the unit ball: cost of the epigraph at most 1
        self._ball = sparse.vstack([sparse.csc_matrix(np.concatenate([form.q, np.zeros(p)])[None, :]), form.A])
        self._cones = clarabel_cones(form.cones)
        self._settings = clarabel.DefaultSettings()
        self._settings.verbose = False
        self._settings.max_threads = 1
        self._settings.tol_gap_abs = self._settings.tol_gap_rel = self._settings.tol_feas = _TOL

    def solve(self, g: _Array, normals: _Array) -> tuple[float, _Array | None]:
        """Sound upper bound on the support, and a unit maximiser if there is one."""
        unit = float(np.abs(g).max(initial=0.0))
        if unit == 0.0:
            return 0.0, None
        M = len(normals)
        q = np.concatenate([np.zeros(self._aux), -g / unit])
        cone = sparse.hstack([sparse.csc_matrix((M, self._aux)), sparse.csc_matrix(-normals)])
        A = sparse.csc_matrix(sparse.vstack([cone, self._ball]))
        b = np.zeros(A.shape[0])
        b[M] = 1.0
        width = self._aux + self._p
        answer = clarabel.DefaultSolver(
            sparse.csc_matrix((width, width)),
            q,
            A,
            b,
            [clarabel.NonnegativeConeT(M + 1), *self._cones],
            self._settings,
        ).solve()
        multiplier = np.maximum(np.nan_to_num(np.array(answer.z)[:M]), 0.0)
        loose = float(self._penalty.dual_norm(g[None, :])[0])
        tight = float(self._penalty.dual_norm((g + unit * (multiplier @ normals))[None, :])[0])
        value = min(loose, tight)
        c = np.array(answer.x)[self._aux :]
        length = float(self._penalty.norm(c[None, :])[0]) if np.isfinite(c).all() else 0.0
        # at a support of zero the maximiser is the origin
        return value, None if length <= 1e-6 else c / length
