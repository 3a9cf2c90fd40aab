r"""Which cones of directions are left to be searched, once bounds by moments have closed what they can.

As in :mod:`.sphere` the price of an output sign is the maximum of :math:`f(u) = b^T u + \sum_j a_j (r_j^T u)_+` over
one half of the sphere, which simplicial cones cover. On a cone with vertices :math:`q_1 \dots q_h` a row that has one sign
at all of them is linear, and the facets are normals of a part of the sphere for :mod:`.moments`. Such a bound takes
a thousand times as long as that of :mod:`.sphere_kernel`, and with long filters it closes large cones that take many
thousands of those. Around the maxima it is the other way round: small cones are closed sooner one by one.

So a cone whose bound by moments is too high is cut along the edge that the convex rows bend most along, weighed by how
much of its ends there is in the mixture that attains the bound, until random (:meth:`.ConeSearch.estimate`) say that it is small, or it was cut often; what is open then is for
:mod:`.sphere_kernel`, and it is known about how many cones that takes.

A computed vertex is off by its rounding errors, and so are the facets: what f and the weights of the normals make of
that is added to every bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...numerics.rounding import UNIT_ROUNDOFF
from ...progress import Budget
from .cone_search import Cones, ConeSearch
from .moments import Moments
from .sphere import _Side

__all__ = ["OpenCone", "open_cones"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MomentConeSettings:
    """Tuning of the bounds by moments on cones."""

    steps: int = 300  # of the moments, for each cone, at most
    # cones that random paths, so many, expect for one that is not cut by moments any more; and cuts at most
    small: float = 1500.0
    paths: int = 12
    cuts: int = 16
    everywhere: float = 0.05  # share of all weights that an edge has beside those of its ends


SETTINGS = MomentConeSettings()


class OpenCone(NamedTuple):
    """A cone that is open, and how many cones its search examines, about."""

    side: _Side
    cone: Cones
    expected: float


class _Cut(NamedTuple):
    """A cone that is looked at: its vertices (h, h), moments, the bound of what it was cut from, and the cuts."""

    vertices: _Array
    moments: Moments
    bound: float
    level: int


def open_cones(
    side: _Side, root: _Array, whole: Moments, target: float, search: ConeSearch, budget: Budget
) -> list[OpenCone]:
    """The parts of a root cone in which f is not proved to be at most `target`, with the bounds that are proved.

    Parameters
    ----------
    side : _Side
        The function f.
    root : (h, h)
        Unit vertices of the cone, pairwise at angles of at most 90 degrees.
    whole : Moments
        Of the same rows; its last bound is on this f over the whole sphere.
    target : float
        Bounds at or below it close a cone.
    search : ConeSearch
        Of the same function; nobody else may use it meanwhile.
    budget : Budget
        Time limit and cancel flag.
    """
    halt = np.zeros(1, dtype=bool)
    left: list[OpenCone] = []
    stack = [_Cut(root, whole.inside(root), whole.value, 0)]
    while stack:
        cut = stack.pop()
        bound = cut.bound
        if budget.stop() is None:
            bound = min(bound, _bounded(side, cut, target, budget))
        if bound <= target:
            continue
        expected = search.estimate(cut.vertices, target, SETTINGS.paths, len(left) + 1, halt).mean()
        if expected <= SETTINGS.small or cut.level >= SETTINGS.cuts or budget.stop() is not None:
            cone = Cones(cut.vertices[None], np.array([bound]), np.zeros(1), np.array([cut.level]), np.array([-1]))
            left.append(OpenCone(side, cone, float(expected)))
        else:
            stack.extend(_halves(side, cut, bound))
    return left


def _bounded(side: _Side, cut: _Cut, target: float, budget: Budget) -> float:
    """A bound on f over the cone by moments, or an early one, where they do not seem to come down to the target."""
    Q, moments = cut.vertices, cut.moments
    (M, h), products = side.rows.shape, side.rows @ Q.T
    positive = (products >= 0.0).all(axis=1)
    undecided = ~(positive | (products <= 0.0).all(axis=1))
    linear = side.linear + (side.a * positive) @ side.rows
    # a point of the cone is a sum of vertices with weights of length 1 at most, and these are off by their roundings
    size = float(np.abs(side.a).sum() + np.sqrt(side.linear @ side.linear))
    rough = (4.0 * M + 64.0 + 8.0 * math.sqrt(h) * (cut.level + h + 2)) * UNIT_ROUNDOFF * size
    bound = moments.bound(
        np.where(undecided, side.a, 0.0), linear, budget, SETTINGS.steps, target - rough * (1.0 + 2.0 * math.sqrt(h))
    )
    outside = np.maximum(-(moments.normals @ Q.T).min(axis=1), 0.0) + (h + 2) * UNIT_ROUNDOFF
    added: float = rough + 2.0 * math.sqrt(h) * float(moments.weights @ outside)
    return bound + added


def _halves(side: _Side, cut: _Cut, bound: float) -> Iterator[_Cut]:
    """The cone cut in the middle of the edge along which the convex rows bend most, where the mixture is."""
    Q = cut.vertices
    convex = side.a > 0.0
    weight, products = side.a[convex], side.rows[convex] @ Q.T
    first, second = np.triu_indices(len(Q), 1)
    d0, d1 = products[:, first], products[:, second]
    bends = weight @ (np.maximum(np.minimum(d0, -d1), 0.0) + np.maximum(np.minimum(d1, -d0), 0.0))
    # x_p is the product with the facet's normal, over that of the vertex
    heights = np.maximum(np.einsum("ph,ph->p", cut.moments.normals, Q), 1e-150)
    share = np.sqrt(np.einsum("ph,hk,pk->p", cut.moments.normals, cut.moments.U, cut.moments.normals)) / heights
    bends *= share[first] + share[second] + SETTINGS.everywhere * share.sum()
    best = int(bends.argmax())
    p, q = int(first[best]), int(second[best])
    middle = Q[p] + Q[q]
    middle /= np.sqrt(middle @ middle)
    for kept, left in ((p, q), (q, p)):
        vertices = Q.copy()
        vertices[left] = middle
        # the facets that both ends of the edge are in, and the one that the middle takes over, stay as they are
        yield _Cut(vertices, cut.moments.replaced(kept, _facet(vertices, kept)), bound, cut.level + 1)


def _facet(vertices: _Array, opposite: int) -> _Array:
    """The unit normal of the facet without the vertex `opposite`, towards it."""
    others = np.delete(vertices, opposite, axis=0)
    normal: _Array = np.linalg.qr(np.column_stack([others.T, vertices[opposite]]))[0][:, -1]
    return normal if normal @ vertices[opposite] >= 0.0 else -normal
