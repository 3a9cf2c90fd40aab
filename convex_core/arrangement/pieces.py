r"""Pieces of a cone that are bounded by at most four hyperplanes and cover it, whatever rounding does.

A cone :math:`\{u : A u \ge 0\}` whose rows have rank r at most 4 is cut from one of its extreme rays v (*pulled*).
With the facets f that do not contain v, a point u of the cone is in the piece of the facet that is smallest in

.. math:: f^T u \,/\, f^T v ,

that is, behind which the line from v through u leaves the cone. Whatever positive numbers stand for the
:math:`f^T v`, some facet is the smallest, so that the pieces cover the cone though v was rounded. A row that is dropped
makes a piece larger: bounds over the pieces are bounds over the cone. Polygons (r = 3) become triangles at once, for
r = 4 pieces are pulled once more. Cones with at most four facets stay whole, and so do those so thin that rounding
leaves fewer extreme rays than r, with four of their rows.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST_FACETS", "facets_of", "four_of", "pieces_of"]

_Array = NDArray[np.float64]

#: facets of a piece at most
MOST_FACETS = 4


def pieces_of(A: _Array) -> list[_Array]:
    """Rows F (at most 4, h) of cones ``F u >= 0`` that cover the cone ``A u >= 0``, in an order only it decides.

    Parameters
    ----------
    A : (M, h) array
        Rows of rank at most 4, of a cone with an interior.

    Examples
    --------
    >>> square = np.array([[1.0, 0.0, 1.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, -1.0, 1.0]])
    >>> len(pieces_of(square)), len(pieces_of(np.vstack([square, [[-1.0, -1.0, 1.5]]])))
    (1, 3)
    """
    length = np.linalg.norm(A, axis=1)
    unit = A[length > 0.0] / length[length > 0.0, None]
    if not len(unit):
        return [unit]
    _, sigma, basis = np.linalg.svd(unit, full_matrices=False)
    basis = basis[sigma > 1e-10 * sigma[0]]
    rows, rays = facets_of(unit[np.lexsort(np.round(unit, 9).T)], basis)
    done: list[_Array] = []
    todo = [(rows, rays)]
    for _ in range(64 * len(unit) ** 2):
        if not todo:
            break
        rows, rays = todo.pop()
        if len(rows) <= 4 or len(rays) < len(basis):
            done.append(four_of(rows))
            continue
        on = np.abs(rows @ rays.T) <= 1e-9
        v = rays[np.argmin(on.sum(axis=0))]
        height = rows @ v
        away = np.flatnonzero(height > 1e-9)
        if len(away) < 2:  # nothing to cut it by
            done.append(four_of(rows))
            continue
        near = rows / np.where(height > 1e-9, height, 1.0)[:, None]
        for f in away:
            others = [near[g] - near[f] for g in away if g != f]
            cut = np.vstack([rows[f], *others, rows[height <= 1e-9]])
            length = np.linalg.norm(cut, axis=1)
            todo.append(facets_of(cut[length > 0.0] / length[length > 0.0, None], basis))
    # exact arithmetic makes no more: a polygon of m sides has m - 2, twice for r = 4
    most = max(1, len(A) - 2) ** max(0, len(basis) - 2)
    return done if not todo and len(done) <= most else [four_of(unit)]


def four_of(rows: _Array) -> _Array:
    """Four of the unit rows (M, h), as different as can be: two that are nearly opposite keep a thin cone thin."""
    cosine = rows @ rows.T
    chosen = [] if len(rows) <= 4 else [int(i) for i in np.unravel_index(cosine.argmin(), cosine.shape)]
    while 0 < len(chosen) < 4:
        chosen.append(int(cosine[chosen].max(axis=0).argmin()))
    return rows[sorted(chosen)] if chosen else rows


def facets_of(rows: _Array, basis: _Array) -> tuple[_Array, _Array]:
    """Those of the unit rows (M, h) that bound the cone ``rows @ u >= 0``, and its extreme rays (V, h).

    `basis` (r, h) is orthonormal, of the space of the rows.
    """
    r = len(basis)
    flat = rows @ basis.T
    if r == 1:
        rays = np.ones((1, 1))
    else:
        chosen = np.array(list(combinations(range(len(flat)), r - 1)), dtype=np.intp).reshape(-1, r - 1)
        _, sigma, V = np.linalg.svd(flat[chosen], full_matrices=True)
        rays = V[sigma[:, -1] > 1e-9, -1]
    rays = np.concatenate([rays, -rays])
    rays = rays[(rays @ flat.T >= -1e-9).all(axis=1)]
    rays = rays[np.unique(np.round(rays @ basis, 7) + 0.0, axis=0, return_index=True)[1]]
    kept: list[int] = []
    for i, row in enumerate(flat):
        on = np.abs(rays @ row) <= 1e-9
        again = any(row @ flat[k] > 1.0 - 1e-12 for k in kept)
        if not again and (r == 1 or (on.any() and np.linalg.matrix_rank(rays[on], tol=1e-7) == r - 1)):
            kept.append(i)
    return (rows[kept], rays @ basis) if kept else (rows, rays @ basis)
