r"""What a loss must say, and what most of them share.

The training problem and its dual are

.. math::
   \min_f \; \ell(f, y) + \beta\, \gamma(f)
   \qquad\text{and}\qquad
   \max_v \; -\ell^*(-v) \quad \text{s.t.}\quad \tau(v) = \max_{\text{atoms } \varphi} |v^T \varphi| \le \beta .

At an optimum :math:`-v` is a (sub)gradient of the loss at f.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import xlog1py, xlogy

from ..errors import InputError
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import TINY, sum_below

__all__ = ["BoundedLoss", "Formulas", "Loss", "Targets", "auxiliaries_only", "entropies_below", "labels"]

_Array = NDArray[np.float64]
# relative error of an entropy, in units of roundoff: 1 - s and the product one each, a logarithm 4 units in the last
# place (numpy and glibc stay below), which are 8
_ENTROPY = 16.0


@dataclass(frozen=True, slots=True)
class Formulas:
    """A loss in other languages, each a formula in ``f`` and ``y`` whose value is the loss.

    Attributes
    ----------
    latex : str
        With ``f`` and ``y`` for the vectors, and s for a sample.
    cvxpy : str
        A Python expression with ``cp`` for cvxpy.
    numpy : str
        A Python expression with ``np`` for numpy.
    """

    latex: str
    cvxpy: str
    numpy: str


class Loss(Protocol):
    """What a loss must say; solvers, certificates and SGD ask nothing else."""

    @property
    def name(self) -> str:
        """Short name, as on the command line and in model files."""
        ...

    @property
    def options(self) -> dict[str, float]:
        """What, besides the name, rebuilds it: arguments of :func:`make_loss`."""
        ...

    @property
    def formulas(self) -> Formulas:
        """The loss as LaTeX, CVXPY and numpy text."""
        ...

    @property
    def smooth(self) -> bool:
        """Whether the gradient exists everywhere, so that the outputs of an optimum determine its dual vector."""
        ...

    def check_targets(self, y: _Array) -> None:
        """Raise :class:`InputError` if the loss is not defined for the targets `y` (n,)."""
        ...

    def value(self, f: _Array, y: _Array) -> float:
        """Loss of the outputs `f` (n,) at the targets `y` (n,); never negative."""
        ...

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """A (sub)gradient with respect to `f`, shape (n,) (or (s, n) for a stack of outputs)."""
        ...

    def curvature(self, y: _Array) -> float:
        """Largest second derivative; where there is a kink, the change of slope over the scale of the targets."""
        ...

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """The vector nearest to `v` with a finite dual value, exactly; one that is feasible stays as it is."""
        ...

    def unresolved(self, v: _Array) -> _Array:
        """How far each entry of a feasible `v` may be from the exact vector that :meth:`dual_value` is about, (n,)."""
        ...

    def dual_value(self, v: _Array, y: _Array) -> float:
        r"""Dual objective :math:`-\ell^*(-v)`: a lower bound on the optimum if also :math:`\tau(v) \le \beta`.

        It is ``-inf`` where the conjugate is infinite. Elsewhere the number returned is never above the exact value for
        :meth:`feasible` of `v`: sums are exact and rounded down.
        """
        ...

    def dual_scale(self, v: _Array, y: _Array, tau: float, beta: float) -> float:
        """A scalar alpha that keeps ``alpha * v`` :meth:`feasible`, if `v` is, and has ``|alpha| * tau <= beta``."""
        ...

    def units(self, y: _Array) -> tuple[float, float]:
        """Units of the outputs and of the loss in which both are of order one, for solvers with absolute tolerances."""
        ...

    def form(self, y: _Array) -> LossForm:
        """Epigraph for conic solvers."""
        ...

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """The loss of a CVXPY expression `f` (n,), as a CVXPY expression."""
        ...


class Targets:
    """Defaults for a loss without options that takes any targets as they are."""

    __slots__ = ()

    @property
    def options(self) -> dict[str, float]:
        """None."""
        return {}

    def check_targets(self, y: _Array) -> None:
        """Every real vector will do."""

    def unresolved(self, v: _Array) -> _Array:
        """Zero: a feasible vector is the exact one."""
        return np.zeros(len(v))

    def units(self, y: _Array) -> tuple[float, float]:
        """As they are."""
        return 1.0, 1.0


class BoundedLoss(Targets):
    """Defaults for a loss whose slope is bounded, so that its conjugate has a bounded domain."""

    __slots__ = ()

    def balanced(self, V: _Array, Y: _Array, weight: _Array) -> _Array:
        """``weight @ V`` is zero after each column (n, q) of V has the heavier of its two signs scaled down.

        Feasible for a loss that is a sum over the entries: each one has an interval around zero for its domain. Then it
        is what the dual of a program with free output biases asks for, in place of the ``V`` given.
        """
        above = weight @ np.maximum(V, 0.0)
        below = weight @ np.maximum(-V, 0.0)
        least = np.minimum(above, below)
        with np.errstate(divide="ignore", invalid="ignore"):
            up, down = np.where(above > 0.0, least / above, 0.0), np.where(below > 0.0, least / below, 0.0)
        return cast(_Array, np.where(V > 0.0, V * up, V * down))

    def dual_scale(self, v: _Array, y: _Array, tau: float, beta: float) -> float:
        r"""``min(1, beta / tau)``.

        Shrinking keeps a vector feasible: the loss is bounded below, by zero, hence
        :math:`-\ell^*(0) = \inf_f \ell(f, y)` is finite and v = 0 is in the domain of :math:`v \mapsto \ell^*(-v)`;
        the domain of a convex function is convex, so with v it contains
        :math:`\alpha v = \alpha v + (1 - \alpha) 0` for :math:`0 \le \alpha \le 1`; and :math:`\tau` is homogeneous,
        :math:`\tau(\alpha v) = \alpha \tau(v) \le \beta`.
        """
        return 1.0 if tau <= beta else beta / tau


def labels(y: _Array, name: str) -> None:
    """Raise :class:`InputError` unless every target is -1 or +1.

    Examples
    --------
    >>> labels(np.array([1.0, -1.0, 0.0]), "hinge")
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: y: got the target 0 with the hinge loss, expected labels -1 and +1 only
    """
    wrong = np.abs(y) != 1.0
    if wrong.any():
        raise InputError(f"y: got the target {y[wrong][0]:g} with the {name} loss, expected labels -1 and +1 only")


def auxiliaries_only(n: int, cost: _Array) -> tuple[sparse.csc_matrix, _Array]:
    """P and q of a form that costs nothing but ``cost @ auxiliaries``."""
    size = n + len(cost)
    return sparse.csc_matrix((size, size)), cast(_Array, np.concatenate([np.zeros(n), cost]))


def entropies_below(s: _Array, t: _Array) -> float:
    r"""A number not above :math:`-\sum s \log s - \sum (1 - t) \log(1 - t)`, for s and t in [0, 1].

    With log1p the second sum keeps its digits where t is small, and its terms are about t.

    Examples
    --------
    >>> s = np.array([0.5])
    >>> float(round(entropies_below(s, s) / np.log(2.0), 12)), entropies_below(np.array([1.0]), np.array([0.0, 1.0]))
    (1.0, 0.0)
    """
    first, second = cast(_Array, -xlogy(s, s)), cast(_Array, -xlog1py(1.0 - t, -t))
    return max(0.0, sum_below(first, second, np.array([-TINY * (len(s) + len(t))]), error=_ENTROPY))
