r"""Accelerated proximal gradient for blocks that are matrices: near the optimum soon, whatever the size.

.. math::
   C^+ = \operatorname{prox}_{\beta / L}\big(Y - L^{-1} \textstyle\sum_b G_b^T \nabla\ell\big), \qquad
   Y^+ = C^+ + \frac{t - 1}{t^+} (C^+ - C), \qquad t^+ = \tfrac12 \big(1 + \sqrt{1 + 4 t^2}\big),

with t = 1 again where the momentum points uphill. A step costs two products with the gate matrices and one singular
value decomposition, where one of Newton's method may take minutes; that method goes on from here.

Sources: Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J.
Imaging Sci. 2(1), 2009; O'Donoghue and Candes, "Adaptive restart for accelerated gradient schemes", Found. Comput.
Math. 15, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...losses import Loss
from ...progress import Budget
from .matrix_prox import MatrixProx
from .semismooth import NewtonState, block_error

__all__ = ["proximal_gradient"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradientSettings:
    """Tuning of the method."""

    steps: int = 500  # at most: where these are not enough Newton's method is quicker
    look: int = 20  # steps between two looks at the error
    margin: float = 1.1  # the largest singular value is estimated some per cent too low
    growth: float = 2.0  # factor by which L grows where the loss is more curved than was expected
    rounding: float = 1e-12  # share of the loss that is rounding


SETTINGS = GradientSettings()


def proximal_gradient(
    maps: MatrixProx, y: _Array, loss: Loss, start: NewtonState, *, tol: float, budget: Budget
) -> NewtonState:
    """Go from the blocks of `start` towards the optimum; the best point found, with its error.

    Parameters
    ----------
    maps : MatrixProx
        Proximal maps, gate matrices and beta.
    y, loss
        Targets, and a loss with a gradient.
    start : NewtonState
        Blocks to start from.
    tol : float
        Error at which to stop, relative to beta.
    budget : Budget
        Asked at every step whether to stop.
    """
    J, beta, shape = maps.J, maps.beta, start.C.shape
    L = SETTINGS.margin * maps.gate * loss.curvature(y)
    if L == 0.0:  # no block says anything
        return NewtonState(0.0 * start.C, -loss.gradient(0.0 * y, y), 0.0, 0.0)
    # no step needs more: the sum of all squared singular values
    most = max(L, loss.curvature(y) * float(np.square(maps.G).sum()))
    C = Y = start.C
    f = at = J @ C.ravel()
    best, best_f, least = C, f, np.inf
    t = 1.0

    def state() -> NewtonState:
        dual = -loss.gradient(best_f, y)
        return NewtonState(best, dual, 0.0, block_error(maps, best, (dual @ J).reshape(shape)))

    for step in range(SETTINGS.steps):
        if budget.stop() is not None:
            break
        gradient, value = loss.gradient(at, y), loss.value(at, y)
        pull = (gradient @ J).reshape(shape)
        while True:
            new = maps.prox(Y - pull / L, 1.0 / L).copy()
            new_f = J @ new.ravel()
            reached = loss.value(new_f, y)
            excess = reached - value - float(gradient @ (new_f - at)) - SETTINGS.rounding * (value + reached)
            # where the loss is next to nothing its rounding is more than the excess
            if excess <= 0.5 * L * float(np.square(new - Y).sum()) or most <= L:
                break
            L = min(SETTINGS.growth * L, most)
        objective = reached + beta * maps.sizes
        if objective < least:
            best, best_f, least = new, new_f, objective
        if step % SETTINGS.look == SETTINGS.look - 1:
            now = state()
            if now.error <= tol:
                return now
        if float(np.vdot(Y - new, new - C)) > 0.0:
            t = 1.0
        after = 0.5 * (1.0 + np.sqrt(1.0 + 4.0 * t * t))
        pace = (t - 1.0) / after
        Y, at = new + pace * (new - C), new_f + pace * (new_f - f)
        C, f, t = new, new_f, after
    return state()
