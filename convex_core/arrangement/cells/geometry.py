"""The geometry of one cell: the interior point with the largest margin, and extreme rays in the plane and in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record

__all__ = ["Cell", "cell_rays", "cell_witness"]

_Floats = NDArray[np.float64]
#: the witness problem is well scaled when the scale is at most about the margin, which is not known beforehand
_SCALES = 10.0 ** -np.arange(0.0, 15.0, 2.0)


@record
@dataclass(frozen=True, slots=True)
class Cell:
    """One cell {u : signs_i row_i . u > 0} of an arrangement.

    Attributes
    ----------
    index : int
        Pattern p.
    active : ndarray (N,) of bool
        Activations 1[row_i . u >= 0].
    signs : ndarray (N,) of int8
        Signs of row_i . u; 0 for zero rows.
    witness : ndarray (h,)
        Unit vector inside the cell whose smallest distance to the hyperplanes is largest.
    margin : float
        That distance, in (0, 1]; inf when there is no hyperplane.
    facet_rows : ndarray (F,) of int64
        Rows whose hyperplanes bound the cell.
    facet_signs : ndarray (F,) of int8
        The cell is {u : facet_signs * (rows[facet_rows] . u) > 0}.
    neighbours : ndarray (F,) of int64
        Patterns across the facets.
    rays : ndarray (R, h) or None
        Unit extreme rays when the rank is at most 3 (in rank 3 in cyclic order), else None. When the rank is less
        than h, the cell is their cone plus the null space of the rows.
    """

    index: int
    active: NDArray[np.bool_]
    signs: NDArray[np.int8]
    witness: _Floats
    margin: float
    facet_rows: NDArray[np.int64]
    facet_signs: NDArray[np.int8]
    neighbours: NDArray[np.int64]
    rays: _Floats | None


def cell_witness(normals: _Floats) -> tuple[_Floats, float]:
    """Point of the unit sphere with the largest margin min_j normals_j . u, and the margin.

    With unit `normals` (F, h) pointing into the cell; the redundant ones may be left out, since a unit conic
    combination of others has at least their margin. The point is x/||x|| for the shortest x with normals x >= 1; the
    facets that it touches come from non-negative least squares (Lawson & Hanson 1974, chapter 23).

    Examples
    --------
    >>> u, margin = cell_witness(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> [round(float(x), 6) for x in (*u, margin)]
    [0.707107, 0.707107, 0.707107]
    """
    f, h = normals.shape
    target = np.zeros(h + 1)
    target[h] = 1.0
    best, margin = normals.mean(axis=0), -np.inf
    for scale in _SCALES:
        from scipy.optimize import nnls  # slow to import: only cells that are looked at pay for it

        touching = nnls(np.vstack([normals.T, np.full(f, scale)]), target)[0] > 0
        for _ in range(h):
            # from the touching facets the shortest x is one least-norm solve, free of the residual's cancellation
            x = np.linalg.lstsq(normals[touching], np.ones(touching.sum()))[0]
            values = normals @ x
            reached = float(values.min()) / max(float(np.linalg.norm(x)), 1e-300)
            if reached > margin:
                best, margin = x / np.linalg.norm(x), reached
            if values.min() > 1 - 1e-9:
                break
            touching[values.argmin()] = True  # a facet whose multiplier is below rounding
        if margin > 0.01 * scale:
            break
    return best, margin


def cell_rays(normals: _Floats, witness: _Floats) -> _Floats | None:
    """Unit extreme rays of the cell with the facet `normals` (F, h), inside their row space of rank at most 3.

    Examples
    --------
    >>> cell_rays(np.eye(2), np.array([0.6, 0.8])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    basis = np.linalg.svd(normals, full_matrices=False)[2]
    rank = int(np.linalg.matrix_rank(normals))
    if rank > 3:
        return None
    basis = basis[:rank]
    a, u = normals @ basis.T, basis @ witness
    if rank == 1:
        rays = u[None]
    elif rank == 2:
        rays = np.column_stack([-a[:, 1], a[:, 0]])
    else:
        frame = np.linalg.svd(u[None])[2][1:]
        x, y = frame @ (a / (a @ u)[:, None]).T
        turn = np.argsort(np.arctan2(y, x))
        rays = np.cross(a[turn], a[np.roll(turn, -1)])
    # a ray of a wide cell may be orthogonal to the witness, but not to every facet
    rays = np.where((rays @ a.sum(axis=0) < 0)[:, None], -rays, rays) @ basis
    unit: _Floats = rays / np.linalg.norm(rays, axis=1, keepdims=True)
    return unit
