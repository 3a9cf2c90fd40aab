r"""BFGS with a weak Wolfe line search: local minima of piecewise smooth functions to full accuracy.

Objectives of ReLU networks often have their minima on kinks. Line searches that ask for the strong Wolfe conditions, as
those of the usual L-BFGS codes, end there early; the weak conditions

.. math:: f(x + t d) \le f(x) + c_1 t\, g^T d, \qquad \nabla f(x + t d)^T d \ge c_2\, g^T d

can be met by doubling and bisection across a kink, and BFGS then converges all the same, its inverse Hessian shrinking
in the directions across the kink. Source: A. S. Lewis and M. L. Overton, Nonsmooth optimization via quasi-Newton
methods, Math. Program. 141 (2013) 135-163.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["bfgs"]

_Array = NDArray[np.float64]

_ARMIJO, _WOLFE = 1e-4, 0.9
# doublings and halvings of one line search: the step then is below rounding
_MAX_HALVINGS = 60
# the first step is this share of the length of x
_FIRST = 0.1
# iterations that together must gain the wanted share of the value
_PATIENCE = 60
# share of the first value below which a minimum of value zero, which no relative gain ends, has been reached
_NOTHING = 1e-30


def bfgs(
    function: Callable[[_Array], tuple[float, _Array]],
    x: _Array,
    *,
    tol: float,
    max_steps: int,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[float, _Array]:
    """Value and place of a local minimum near `x`.

    Parameters
    ----------
    function : callable
        Value and gradient (one of a smooth piece, at a kink) at a point.
    x : (p,) float64
        Start. The memory is that of a (p, p) matrix.
    tol : float
        Ends when 60 steps together reduce the value by no more than this share.
    max_steps : int
        Most steps.
    stop : callable
        Asked at every step whether to end with the point reached so far.

    Examples
    --------
    >>> kink = lambda x: (abs(x[0]) + x[1] ** 2, np.array([np.sign(x[0]), 2.0 * x[1]]))
    >>> value, place = bfgs(kink, np.array([1.0, 1.0]), tol=0.0, max_steps=500)
    >>> bool(value < 1e-12)
    True
    """
    value, gradient = function(x)
    length = float(np.linalg.norm(gradient))
    if length == 0.0:
        return value, x
    least = _NOTHING * abs(value)
    H = np.eye(len(x)) * (_FIRST * max(1.0, float(np.linalg.norm(x))) / length)
    reference, since, first = value, 0, True
    for _ in range(max_steps):
        if stop():
            break
        direction = -(H @ gradient)
        slope = float(gradient @ direction)
        if slope >= 0.0:  # rounding has spoilt H
            break
        step, reached, new = _line_search(function, x, value, direction, slope)
        if step == 0.0:
            break
        moved, turned = step * direction, new - gradient
        x, value, gradient = x + moved, reached, new
        curvature = float(moved @ turned)
        if curvature > 0.0:
            if first:
                H, first = np.eye(len(x)) * (curvature / float(turned @ turned)), False
            _update(H, moved, turned, curvature)
        since += 1
        if reference - value > tol * abs(value):
            reference, since = value, 0
        if since >= _PATIENCE or abs(value) <= least:
            break
    return value, x


def _line_search(
    function: Callable[[_Array], tuple[float, _Array]], x: _Array, value: float, direction: _Array, slope: float
) -> tuple[float, float, _Array]:
    """The step, 0 if no step lowers the value, and the value and gradient there."""
    low, high, step = 0.0, np.inf, 1.0
    best: tuple[float, float, _Array] = (0.0, value, direction)
    for _ in range(_MAX_HALVINGS):
        reached, gradient = function(x + step * direction)
        if not reached <= value + _ARMIJO * step * slope:  # nan is no decrease
            high = step
        else:
            if reached < value:
                best = (step, reached, gradient)
            if float(gradient @ direction) >= _WOLFE * slope:
                break
            low = step
        step = 2.0 * low if np.isinf(high) else 0.5 * (low + high)
    return best


def _update(H: _Array, moved: _Array, turned: _Array, curvature: float) -> None:
    """The BFGS update of the inverse Hessian, in place."""
    pushed = H @ turned
    factor = (1.0 + float(turned @ pushed) / curvature) / curvature
    mixed = np.outer(pushed / curvature, moved)
    H += factor * np.outer(moved, moved)
    H -= mixed
    H -= mixed.T
