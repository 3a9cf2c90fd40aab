r"""The linear algebra of the iteration: least squares near a point, with one factorisation that serves all iterations.

.. math:: C = \arg\min_C \tfrac12 \|W - G C\|^2 + \tfrac{\kappa}{2} \|C - T\|^2, \qquad
          G^T (W - G C) = \kappa (C - T)

The second equation is why prices cost nothing: the transpose product with the residual is there already.

* **kernel**, for fewer samples than columns: :math:`S = (G G^T + \kappa I)^{-1} (W - G T)`,
  :math:`C = T + G^T S`, and the residual is :math:`\kappa S`;
* **Gram**, for more: :math:`C = (G^T G + \kappa I)^{-1} (G^T W + \kappa T)`. With the squared loss G is needed for
  :math:`G^T G` and :math:`G^T W` only, and these are summed up from columns that are never kept.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..numerics.threads import at_once

__all__ = ["Design", "Gram", "Kernel", "Step", "outer"]

_Array = NDArray[np.floating]
_Double = NDArray[np.float64]


class Step(NamedTuple):
    """C (N, q), its outputs G C (n, q) where G is kept, and the residual W - G C likewise."""

    C: _Array
    outputs: _Double | None
    residual: _Double | None


class Design(Protocol):
    """What the iteration asks of the columns; they are centred already where output biases are free."""

    @property
    def N(self) -> int:
        """Columns."""
        ...

    @property
    def kind(self) -> np.dtype[np.floating]:
        """Precision of the weights."""
        ...

    @property
    def level(self) -> float:
        """Mean of the eigenvalues of G G^T over the samples."""
        ...

    def factor(self, kappa: float) -> None:
        """Make ready for another kappa."""
        ...

    def step(self, W: _Double, T: _Array) -> Step:
        """The least squares above."""
        ...

    def outputs(self, C: _Array) -> _Double:
        """G C."""
        ...

    def back(self, V: _Double) -> _Array:
        """G^T V."""
        ...

    def squares(self, step: Step, T: _Array, Z: _Array, W: _Double) -> tuple[_Double, float, float, float]:
        """For V = W - G C: G^T V, V.W, V.V; and half the squares of W - G Z."""
        ...


class Kernel:
    """Columns G (n, N) kept, with the matrix of their inner products (n, n)."""

    def __init__(self, G: _Array, products: _Double | None = None) -> None:
        self.G = G
        self.products = outer(G) if products is None else products
        self.kappa = 0.0
        self._factor: tuple[_Array, bool] | None = None
        self._move = np.zeros((0, 0), G.dtype)

    @property
    def N(self) -> int:
        """Columns."""
        return int(self.G.shape[1])

    @property
    def kind(self) -> np.dtype[np.floating]:
        """Precision of the weights."""
        return self.G.dtype

    @property
    def level(self) -> float:
        """Mean of the eigenvalues of G G^T."""
        return float(np.trace(self.products)) / len(self.products)

    def factor(self, kappa: float) -> None:
        """Cholesky factor of ``G G^T + kappa I``, in double precision."""
        self._factor = None  # two at a time would be most of the memory
        self._factor = _factored(self.products, kappa)
        self.kappa = kappa

    def step(self, W: _Double, T: _Array) -> Step:
        """The least squares of the module."""
        assert self._factor is not None
        S = linalg.cho_solve(self._factor, W - self.outputs(T), check_finite=False)
        self._move = self.back(S)
        return Step(T + self._move, W - self.kappa * S, self.kappa * S)

    def outputs(self, C: _Array) -> _Double:
        """G C."""
        return np.asarray(self.G @ C, dtype=np.float64)

    def back(self, V: _Double) -> _Array:
        """G^T V."""
        return np.asarray(self.G.T @ V.astype(self.kind))

    def squares(self, step: Step, T: _Array, Z: _Array, W: _Double) -> tuple[_Double, float, float, float]:
        """For V = W - G C: G^T V, V.W, V.V; and half the squares of W - G Z."""
        V = step.residual
        assert V is not None
        rest = W - self.outputs(Z)
        products = self.kappa * self._move.astype(np.float64)  # not C - T, which cancels
        return products, float(np.vdot(V, W)), float(np.vdot(V, V)), 0.5 * float(np.vdot(rest, rest))


class Gram:
    """``H = G^T G`` (N, N); with ``B = G^T W`` and ``WW = W.W`` for the one W of the squared loss, or with G itself."""

    def __init__(
        self, H: _Double, n: int, *, B: _Double | None = None, WW: float = 0.0, G: _Array | None = None
    ) -> None:
        self.H, self.n, self.B, self.WW, self.G = H, n, B, WW, G
        self.kappa = 0.0
        self._factor: tuple[_Array, bool] | None = None

    @property
    def N(self) -> int:
        """Columns."""
        return len(self.H)

    @property
    def kind(self) -> np.dtype[np.floating]:
        """Precision of the weights."""
        return np.dtype(np.float64)

    @property
    def level(self) -> float:
        """Mean of the eigenvalues of G G^T."""
        return float(np.trace(self.H)) / min(self.n, self.N)

    def factor(self, kappa: float) -> None:
        """Cholesky factor of ``G^T G + kappa I``.

        In double precision: at small beta kappa is a millionth of the largest eigenvalue, and single precision stalls.
        """
        self._factor = None
        self._factor = _factored(self.H, kappa)
        self.kappa = kappa

    def step(self, W: _Double, T: _Array) -> Step:
        """The least squares of the module."""
        assert self._factor is not None
        right = self.back(W) if self.B is None else self.B
        C = linalg.cho_solve(self._factor, right + self.kappa * T, check_finite=False)
        if self.G is None:
            return Step(C, None, None)
        outputs = self.outputs(C)
        return Step(C, outputs, W - outputs)

    def outputs(self, C: _Array) -> _Double:
        """G C."""
        assert self.G is not None
        return np.asarray(self.G @ C.astype(self.G.dtype), dtype=np.float64)

    def back(self, V: _Double) -> _Array:
        """G^T V; without G it is known for V = W only."""
        if self.G is None:
            assert self.B is not None
            return self.B
        return np.asarray(self.G.T @ V.astype(self.G.dtype))

    def squares(self, step: Step, T: _Array, Z: _Array, W: _Double) -> tuple[_Double, float, float, float]:
        """For V = W - G C: G^T V, V.W, V.V; and half the squares of W - G Z."""
        assert self.B is not None
        C = step.C
        HC, HZ = np.split(self.H @ np.concatenate([C, Z], axis=1), 2, axis=1)  # H is read once
        BC = float(np.vdot(self.B, C))
        rest = self.WW - 2.0 * float(np.vdot(self.B, Z)) + float(np.vdot(Z, HZ))
        return self.B - HC, self.WW - BC, self.WW - 2.0 * BC + float(np.vdot(C, HC)), 0.5 * max(rest, 0.0)


def _factored(M: _Double, kappa: float) -> tuple[_Array, bool]:
    """Cholesky factor of the symmetric ``M + kappa I``, over one copy of M: its transpose is in LAPACK's own order."""
    shifted = M.copy()
    shifted.flat[:: len(M) + 1] += kappa
    factor, lower = linalg.cho_factor(shifted.T, lower=True, overwrite_a=True, check_finite=False)
    return factor, lower


def outer(G: _Array) -> _Double:
    """``G G^T`` in double precision, half of the rows on each of two cores."""
    half = len(G) // 2
    top, bottom = at_once(lambda rows: (G[rows] @ G.T).astype(np.float64), [slice(0, half), slice(half, len(G))])
    return np.concatenate([top, bottom])
