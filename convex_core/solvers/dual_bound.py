r"""From the price of a dual vector to a lower bound: the one place where they are made.

With :math:`\tau(v)` bounded by a pricer and :math:`|\alpha| \tau(v) \le \beta`, the dual value of :math:`\alpha v` is
a lower bound on the objective of every network. In floating point the scaled vector is rounded, and made feasible once
more; by how much it then differs from :math:`\alpha v` is counted in its own :math:`\tau`, and the dual value is
rounded down. So the bound holds for exact numbers: for the vector that is returned, :math:`\tau \le \beta` and the
value is at most :math:`-\ell^*(-v)`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..numerics.rounding import TINY, UNIT_ROUNDOFF
from ..problem import Problem
from ..program import CellFactory

__all__ = ["DualBound", "dual_bound", "relative_gap"]

_Array = NDArray[np.float64]

# rounding needs one correction of alpha, seldom two
_CORRECTIONS = 8


@record
@dataclass(frozen=True, slots=True)
class DualBound:
    """A lower bound with its proof.

    Attributes
    ----------
    value : float
        Dual value of `dual`, rounded down; ``-inf`` if there is none.
    dual : (n,) float64
        The scaled dual vector, feasible.
    tau : float
        Bound on its correlation with any atom, at most beta.
    """

    value: float
    dual: _Array
    tau: float


def dual_bound(problem: Problem, factory: CellFactory, v: _Array, tau: float) -> DualBound:
    """The best lower bound along the line of the feasible `v` (n,), whose correlation with any atom is at most `tau`.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("talk"), beta=100.0)
    >>> factory = CellFactory(problem.architecture, problem.patches)
    >>> bound = dual_bound(problem, factory, problem.y, 200.0)  # alpha = 1/2
    >>> bound.tau <= 100.0, bool(0.374 < bound.value / (problem.y @ problem.y) < 0.375)
    (True, True)
    """
    loss, y, beta = problem.loss, problem.y, problem.beta
    if not math.isfinite(tau):
        return DualBound(-math.inf, v, tau)
    alpha = loss.dual_scale(v, y, tau, beta)
    for _ in range(_CORRECTIONS):
        product = alpha * v
        scaled = loss.feasible(product, y)
        # what alpha * v itself was rounded by, and what was changed to make it feasible
        lost = 0.0 if abs(alpha) == 1.0 else UNIT_ROUNDOFF
        moved = factory.reach(
            np.abs(scaled - product) + lost * np.abs(product) + TINY * (lost > 0.0) + loss.unresolved(scaled)
        )
        reached = (abs(alpha) * tau) * (1.0 + 4.0 * UNIT_ROUNDOFF) + moved
        if lost == 0.0 and moved == 0.0:
            reached = tau
        if reached <= beta:
            return DualBound(loss.dual_value(scaled, y), scaled, reached)
        alpha *= beta / reached * (1.0 - 4.0 * UNIT_ROUNDOFF)
    return DualBound(-math.inf, v, tau)


def relative_gap(upper: float, lower: float) -> float:
    """``(upper - lower) / upper``, 0 when the bounds coincide, ``inf`` without a lower bound.

    Examples
    --------
    >>> relative_gap(2.0, 1.0), relative_gap(0.0, 0.0)
    (0.5, 0.0)
    """
    gap = max(upper - lower, 0.0)
    if gap == 0.0:
        return 0.0
    return math.inf if not math.isfinite(gap) else gap / max(abs(upper), np.finfo(float).tiny)
