"""One audit for every solver: objective of the recovered network and violation of the cones, from the data alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..problem import Problem

__all__ = ["Audited", "audit_blocks", "audit_network"]

_Array = NDArray[np.float64]
# blocks below this share of the largest are what an interior-point method leaves of zero
_ZERO = 1e-9


@dataclass(frozen=True, slots=True)
class Audited:
    """What a solver's answer is worth.

    Attributes
    ----------
    objective : float
        ``1/2 ||f - y||^2 + beta/2 sum (||u||^2 + w^2)`` of the network, f by a forward pass through the ReLUs.
    violation : float
        Largest ``-side * (row . c)`` over all cone rows (of unit length) and blocks, over the largest ``||c||``;
        zero for a network that comes without blocks.
    filters : int
        Number of nonzero filters.
    """

    objective: float
    violation: float
    filters: int


def audit_network(problem: Problem, filters: _Array, weights: _Array) -> Audited:
    """Audit filters (m, h) with output weights (m,) on a two-layer problem with the squared loss."""
    outputs = np.zeros(problem.n)
    for X in problem.patches:
        outputs += np.maximum(X @ filters.T, 0.0) @ weights
    residual = problem.architecture.scale * outputs - problem.y
    penalty = float(np.sum(filters**2) + np.sum(weights**2))
    value = 0.5 * float(residual @ residual) + 0.5 * problem.beta * penalty
    return Audited(value, 0.0, int(np.count_nonzero(weights)))


def audit_blocks(problem: Problem, C: _Array, sign: NDArray[np.int8], rows: _Array, sides: NDArray[np.int8]) -> Audited:
    """Audit blocks (B, h) of the convex program by the network they stand for.

    Parameters
    ----------
    problem : Problem
        Two-layer problem with the squared loss.
    C : (B, h)
        Blocks.
    sign : (B,)
        Output sign of each.
    rows : (M, h)
        Unit normals of the hyperplanes.
    sides : (B, M)
        Cone of each block.
    """
    size = np.linalg.norm(C, axis=1)
    active = size > _ZERO * size.max(initial=0.0)
    C, size = C[active], size[active]
    root = np.sqrt(size)
    audited = audit_network(problem, C / root[:, None], sign[active] * root)
    slack = sides[active] * (C @ rows.T)
    violation = max(0.0, -float(slack.min(initial=0.0))) / float(size.max(initial=np.finfo(float).tiny))
    return Audited(audited.objective, violation, len(size))
