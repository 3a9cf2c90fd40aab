r"""A loss with a part of the outputs that costs nothing: a free output bias, a free skip connection.

With outputs :math:`f + E z`, where f is what the neurons give and z is free, the loss that the convex program sees is

.. math:: \bar\ell(f, y) = \min_z \; \ell(f + E z, y), \qquad -\bar\ell^*(-v) = -\ell^*(-v) \text{ if } E^T v = 0,
          \text{ else } -\infty ,

so that nothing but the domain of the dual changes. Solvers, prices and certificates do not know of z.

A bound needs :math:`E^T v = 0` *exactly*: z is not bounded, and whatever is left of :math:`E^T v` would be multiplied
by it. For output biases, where E repeats the identity, sums of doubles can be exactly zero: entries are rounded to
multiples of one power of two, and one of them takes what is left. For other E (squared loss only, whose dual vectors
have no domain to leave) a computed v stands for its projection :math:`v - E (E^T E)^{-1} E^T v`, whose distance is
bounded and counted, in :math:`\tau` and in the dual value.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..errors import InputError
from ..numerics.conic_forms import LossForm
from ..numerics.rounding import UNIT_ROUNDOFF
from .base import Formulas, Loss
from .softmax import SoftmaxLoss
from .squared import SquaredLoss

__all__ = ["FreePart"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FreePartSettings:
    """Tuning of the search for the free part."""

    dependent: float = 1e-10  # a column of unit length this near to the span of the others is left out: its z is 0
    digits: int = 50  # binary digits that the largest entry of a balanced vector keeps
    steps: int = 200  # of a search for output biases, which halves an interval at worst
    doublings: int = (
        12  # of that interval, until it holds the minimiser: a class alone has none, its loss falls for ever
    )
    rounding: float = 4.0 * UNIT_ROUNDOFF  # share of the sizes of its terms at which the slope of z is zero
    outside: float = 1e-9  # share of its entries that the sum of a vector may be off to be taken for balanced


SETTINGS = FreePartSettings()


@record
@dataclass(frozen=True, slots=True)
class FreePart:
    """The loss of the module's formula.

    Parameters
    ----------
    inner : Loss
        The loss of whole outputs.
    E : (N, r) float64
        What the free coefficients z multiply.

    Raises
    ------
    InputError
        For the softmax loss, and for a loss other than the squared one unless E is that of output biases.

    Examples
    --------
    >>> loss = FreePart(SquaredLoss(), np.ones((3, 1)))
    >>> y = np.array([1.0, 2.0, 6.0])
    >>> loss.value(np.zeros(3), y), loss.fit(np.zeros(3), y), loss.gradient(np.zeros(3), y)
    (7.0, array([3.]), array([ 2.,  1., -3.]))
    """

    inner: Loss
    E: _Array
    inverse: _Array = field(init=False, repr=False, compare=False)
    smallest: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if isinstance(self.inner, SoftmaxLoss) or not hasattr(self.inner, "balanced"):
            raise InputError(
                f"bias: got free output biases with the {self.inner.name} loss, expected a loss that is a sum over the "
                "outputs: its dual vectors are not made to balance in every class at once"
            )
        if not self.biases and not isinstance(self.inner, SquaredLoss):
            raise InputError(
                f"skip: got a free skip connection with the {self.inner.name} loss, expected the squared one: the dual "
                "vectors of others have a domain that a projection would leave"
            )
        kept = _independent(self.E)
        E = np.where(kept, self.E, 0.0)
        object.__setattr__(self, "E", E)
        singular = np.linalg.svd(E[:, kept], compute_uv=False)
        object.__setattr__(self, "inverse", np.linalg.pinv(E))
        object.__setattr__(self, "smallest", float(singular.min(initial=np.inf)))

    @property
    def biases(self) -> bool:
        """Whether E repeats the identity: z are output biases."""
        r = self.E.shape[1]
        return np.array_equal(self.E, np.tile(np.eye(r), (len(self.E) // r, 1)))

    @property
    def name(self) -> str:
        """That of the loss."""
        return self.inner.name

    @property
    def options(self) -> dict[str, float]:
        """Those of the loss."""
        return self.inner.options

    @property
    def formulas(self) -> Formulas:
        """Those of the loss, of whole outputs."""
        return self.inner.formulas

    @property
    def smooth(self) -> bool:
        """As the loss."""
        return self.inner.smooth

    def check_targets(self, y: _Array) -> None:
        """As the loss."""
        self.inner.check_targets(y)

    def fit(self, f: _Array, y: _Array) -> _Array:
        """The best coefficients z (r,) beside outputs `f` (N,) of the neurons."""
        if isinstance(self.inner, SquaredLoss):
            best: _Array = self.inverse @ (y - f)
            return best
        return self._levels(f, y)

    def _levels(self, f: _Array, y: _Array) -> _Array:
        """Output biases by Newton's method inside an interval that is halved where that leaves it."""
        inner, E = self.inner, self.E
        curved = getattr(inner, "hessian_times", None)
        apart = (y - f).reshape(-1, E.shape[1])
        low, high = apart.min(axis=0), apart.max(axis=0)
        width = 1.0 + high - low
        for _ in range(SETTINGS.doublings):
            down, up = E.T @ inner.gradient(f + E @ low, y) >= 0.0, E.T @ inner.gradient(f + E @ high, y) <= 0.0
            if not (down | up).any():
                break
            low, high = np.where(down, low - width, low), np.where(up, high + width, high)
            width = 2.0 * width
        z = 0.5 * (low + high)
        for _ in range(SETTINGS.steps):
            at = f + E @ z
            terms = inner.gradient(at, y)
            slope, rounding = E.T @ terms, SETTINGS.rounding * (E.T @ np.abs(terms))
            if (np.abs(slope) <= rounding).all():
                break
            low, high = np.where(slope < 0.0, z, low), np.where(slope > 0.0, z, high)
            move = 0.5 * (low + high)
            if curved is not None:
                bend = np.einsum("nr,nr->r", E, curved(at, y, E))
                newton = z - np.divide(slope, bend, out=np.full_like(slope, np.inf), where=bend > 0.0)
                move = np.where((newton > low) & (newton < high), newton, move)
            move = np.where(np.abs(slope) <= rounding, z, move)
            if (np.abs(move - z) <= 2.0 * UNIT_ROUNDOFF * np.abs(z)).all():
                break
            z = move
        return cast(_Array, z)

    def value(self, f: _Array, y: _Array) -> float:
        """Least loss of ``f + E z``."""
        return self.inner.value(f + self.E @ self.fit(f, y), y)

    def gradient(self, f: _Array, y: _Array) -> _Array:
        """That of the loss at the best z, made orthogonal to E."""
        return -self.feasible(-self.inner.gradient(f + self.E @ self.fit(f, y), y), y)

    def curvature(self, y: _Array) -> float:
        """That of the loss."""
        return self.inner.curvature(y)

    def centred(self, A: _Array) -> _Array:
        """`A` (N, ...) less its projection on the columns of E."""
        flat = A.reshape(len(A), -1)
        rest: _Array = (flat - self.E @ (self.inverse @ flat)).reshape(A.shape)
        return rest

    def feasible(self, v: _Array, y: _Array) -> _Array:
        """A vector near `v` in the domain of the loss and orthogonal to E: exactly for output biases."""
        if not self.biases:
            return self.centred(self.centred(v))
        inside = self.inner.feasible(v, y)
        q = self.E.shape[1]
        V, Y = inside.reshape(-1, q), y.reshape(-1, q)
        off = np.array([math.fsum(column) != 0.0 for column in V.T])
        if not off.any():
            return inside
        balanced = cast(Callable[..., _Array], cast(Any, self.inner).balanced)
        near = balanced(V, Y, np.ones(len(V)))
        exact = np.stack([_sum_to_zero(new) if o else old for o, new, old in zip(off, near.T, V.T, strict=True)])
        return np.ascontiguousarray(exact.T).ravel()

    def unresolved(self, v: _Array) -> _Array:
        """How far each entry of the exact vector may be from `v`: nothing for output biases."""
        inner = self.inner.unresolved(v)
        return inner if self.biases else inner + self._along(v)

    def _along(self, v: _Array) -> float:
        """A bound on the length of the part of `v` in the span of E."""
        size = np.abs(self.E).T @ np.abs(v)
        left = float(np.linalg.norm(np.abs(self.E.T @ v) + (len(v) + 4.0) * UNIT_ROUNDOFF * size))
        return 1.01 * left / self.smallest if math.isfinite(self.smallest) else 0.0

    def dual_value(self, v: _Array, y: _Array) -> float:
        """That of the loss for the exact vector that `v` stands for, rounded down; -inf unless orthogonal to E."""
        if self.biases:
            sums, sizes = (part.reshape(-1, self.E.shape[1]).sum(axis=0) for part in (v, np.abs(v)))
            if (np.abs(sums) > SETTINGS.outside * sizes).any():
                return -math.inf
            return self.inner.dual_value(self.feasible(v, y), y)
        lost = self._along(v) * float(np.linalg.norm(y))
        return math.nextafter(self.inner.dual_value(v, y) - 1.01 * lost, -math.inf)

    def dual_scale(self, v: _Array, y: _Array, tau: float, beta: float) -> float:
        """That of the loss: a multiple is orthogonal too."""
        return self.inner.dual_scale(v, y, tau, beta)

    def units(self, y: _Array) -> tuple[float, float]:
        """Those of the loss."""
        return self.inner.units(y)

    @property
    def _columns(self) -> _Array:
        return self.E[:, self.E.any(axis=0)]

    def form(self, y: _Array) -> LossForm:
        """That of the loss in ``f + E z``, with z among the auxiliaries."""
        head, E = self.inner.form(y), self._columns
        N, r = E.shape
        k = len(head.q) - N
        if not r:
            return head
        # (f + E z, auxiliaries) out of f, the auxiliaries and z
        parts: list[Any] = [sparse.eye_array(N + k), sparse.csc_matrix(np.concatenate([E, np.zeros((k, r))]))]
        whole: Any = sparse.csc_matrix(sparse.hstack(parts))
        turned = sparse.csc_matrix(whole.T @ head.P @ whole), whole.T @ head.q, sparse.csc_matrix(head.A @ whole)
        return LossForm(head.shift, *turned, head.b, head.cones)

    def cvxpy(self, f: Any, y: _Array) -> Any:
        """That of ``f + E z`` with a variable z."""
        import cvxpy as cp  # slow to import: only this route pays for it

        E = self._columns
        return self.inner.cvxpy(f + E @ cp.Variable(E.shape[1]) if E.shape[1] else f, y)


def _independent(E: _Array) -> NDArray[np.bool_]:
    """Columns that are far enough from the span of those before them, the last one first: it is the bias."""
    kept = np.zeros(E.shape[1], dtype=bool)
    basis = np.zeros((len(E), 0))
    for j in reversed(range(E.shape[1])):
        length = float(np.linalg.norm(E[:, j]))
        if length == 0.0:
            continue
        rest = E[:, j] / length
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) > SETTINGS.dependent:
            kept[j] = True
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return kept


def _sum_to_zero(v: _Array) -> _Array:
    """`v` (n,) with entries shortened by units of rounding of the largest, so that the exact sum is zero."""
    largest = float(np.abs(v).max(initial=0.0))
    if largest == 0.0:
        return v
    unit = math.ldexp(1.0, max(math.frexp(largest)[1] - SETTINGS.digits, -1074))
    exact = np.trunc(v / unit) * unit
    left = math.fsum(exact)
    # of the heavier sign, the largest first, until nothing is left: each difference is a multiple of the unit
    for i in np.argsort(-exact * math.copysign(1.0, left), kind="stable"):
        if left == 0.0:
            break
        taken = math.copysign(min(abs(left), abs(exact[i])), left)
        exact[i] -= taken
        left -= taken
    return exact
