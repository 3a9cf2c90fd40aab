r"""The proximal map of the nuclear norm of blocks without a cone, and a factor of its derivative.

With the singular values of :math:`Z = \sum_i s_i u_i v_i^T` in falling order and :math:`g_i = (s_i - t)_+`, the map
and an element of its generalised derivative are

.. math::
   \operatorname{prox}(Z) = \sum_i g_i\, u_i v_i^T , \qquad
   D = \sum_i [g_i > 0]\, (u_i v_i^T)^{\otimes 2}
     + \sum_{i < j} \frac{g_i - g_j}{s_i - s_j} \Big(\frac{u_i v_j^T + u_j v_i^T}{\sqrt 2}\Big)^{\otimes 2}
     + \sum_{i < j} \frac{g_i + g_j}{s_i + s_j} \Big(\frac{u_i v_j^T - u_j v_i^T}{\sqrt 2}\Big)^{\otimes 2}
     + \sum_i \frac{g_i}{s_i} \sum_k (u_i w_k^T)^{\otimes 2} ,

:math:`w_k` an orthonormal basis of what is orthogonal to all v (for a matrix with more rows than columns, of what is
orthogonal to all u). Terms without a positive :math:`g_i` are zero: a matrix of rank r has a factor of about r times
the sum of its sides columns, however small its threshold.

Source: Jiang, Sun and Toh, "A partial proximal point algorithm for nuclear norm regularized matrix least squares
problems", Math. Program. Comput. 6, 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ...contracts.records import record
from ...program.blocks import Blocks
from ...progress import Budget

__all__ = ["MatrixProx"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MatrixSettings:
    """Tuning of Newton's steps for blocks that are matrices."""

    sparse: float = 0.2  # share of nonzeros up to which the gate matrices are multiplied as sparse ones
    inexact: float = 0.01  # share of the gradient that conjugate gradients leave
    # multiplications that one takes as long as in products of large matrices: those of vectors wait for memory
    memory: float = 4.0
    fewest: int = 10  # iterations that are worth beginning
    large: int = 50_000_000  # entries of a factor, beyond which iterations go on instead
    # multiplications of singular value decompositions that are made at once: a hundredth of a second
    moment: float = 2e6
    speed: float = 1e10  # multiplications a second at most: a factorisation that takes longer is not begun
    powers: int = 8  # iterations for the largest singular value of the gate matrices: some per cent below it


SETTINGS = MatrixSettings()


@record
@dataclass(frozen=True, slots=True)
class _Derivative:
    """The derivative at one matrix (a, b) with a <= b, over the r singular values above the threshold.

    Attributes
    ----------
    left, right : (a, a), (a, b)
        Singular vectors, as columns and as rows.
    inside : (r,)
        ``g_i / s_i``.
    even, odd : (r, a)
        Weights of the symmetric and of the skew terms of i and j.
    """

    left: _Array
    right: _Array
    inside: _Array
    even: _Array
    odd: _Array


def _derivative(left: _Array, s: _Array, right: _Array, g: _Array) -> _Derivative:
    """That of one matrix, by its singular vectors and values and what is left of these."""
    r = int(np.count_nonzero(g))
    above, value = g[:r, None], s[:r, None]
    # two that are above: their difference over itself, also where that is zero
    even = np.ones((r, len(s)))
    even[:, r:] = above / (value - s[r:])
    odd = (above + g) / (value + s)
    return _Derivative(left, right, above[:, 0] / value[:, 0], even, odd)


class MatrixProx:
    """Proximal maps of blocks that are matrices, with the methods of :class:`.semismooth.BlockProx`.

    Parameters
    ----------
    blocks : Blocks
        Blocks without cone rows.
    beta : float
        Regularisation.
    budget : Budget
        Asked between matrices that take a moment together.
    shape : (int, int)
        Rows and columns of a block.
    """

    def __init__(self, blocks: Blocks, beta: float, budget: Budget, shape: tuple[int, int]) -> None:
        self.budget = budget
        self.beta = beta
        self.wide = shape[0] <= shape[1]
        self.shape = shape
        B, n, p = blocks.G.shape
        J = blocks.G.transpose(1, 0, 2).reshape(n, B * p)
        count = int(np.count_nonzero(J))
        self.J: Any = sparse.csr_array(J) if count <= SETTINGS.sparse * J.size else J
        self.nonzero = count if sparse.issparse(self.J) else J.size
        self.G = self._wide(blocks.G)
        self.C = np.zeros((B, p))
        self.sizes = 0.0  # sum of the nuclear norms of C
        self._singular: list[tuple[_Array, _Array, _Array, _Array]] = []  # of some blocks each: left, s, right, g
        self._derivatives: list[_Derivative] | None = []
        self.hopeless = np.inf  # sigma from which on conjugate gradients are not tried

    @cached_property
    def gate(self) -> float:
        """About the largest squared singular value of all gate matrices together, and no more; 0 if they are zero."""
        v = np.random.default_rng(0).standard_normal(self.J.shape[0])
        value = 0.0
        for _ in range(SETTINGS.powers):
            length = float(np.linalg.norm(v))
            if length == 0.0:
                return 0.0
            pulled = (v / length) @ self.J
            value = float(pulled @ pulled)
            v = self.J @ pulled
        return value

    def _wide(self, A: _Array) -> _Array:
        """Vectors (..., p) as matrices with no more rows than columns."""
        matrices = A.reshape(*A.shape[:-1], *self.shape)
        return matrices if self.wide else matrices.swapaxes(-1, -2)

    def prox(self, Z: _Array, sigma: float) -> _Array:
        """Fill `C` with the proximal map of `Z` (B, p), and keep what its derivative is made of.

        Raises
        ------
        Interrupted
            If it is time to stop, between matrices that take a moment together.
        """
        t = sigma * self.beta
        matrices, out = self._wide(Z), self._wide(self.C)
        B, a, b = matrices.shape
        self.sizes, self._singular, self._derivatives = 0.0, [], None
        at_once = max(1, int(SETTINGS.moment / (a * a * b)))
        for begin in range(0, B, at_once):
            if begin:
                self.budget.check("some blocks have no proximal map")
            some = slice(begin, begin + at_once)
            left, s, right = np.linalg.svd(matrices[some], full_matrices=False)
            g = np.maximum(s - t, 0.0)
            self.sizes += float(g.sum())
            r = int(np.count_nonzero(g, axis=1).max())
            out[some] = (left[:, :, :r] * g[:, None, :r]) @ right[:, :r]
            self._singular.append((left, s, right, g))
        return self.C

    @property
    def derivatives(self) -> list[_Derivative]:
        """Those of the blocks at the last proximal map; many maps are made for their values alone."""
        if self._derivatives is None:
            self._derivatives = [_derivative(*of) for some in self._singular for of in zip(*some, strict=True)]
        return self._derivatives

    def factor(self) -> _Array:
        """``G_b F_b`` side by side (n, q), with ``F_b F_b^T`` the derivative of block b."""
        n = self.G.shape[1]
        columns = [np.zeros((n, 0))]
        for G, of in zip(self.G, self.derivatives, strict=True):
            r, a = of.even.shape
            turned = of.left[:, :r].T @ G
            core = turned @ of.right.T
            mirrored = of.left.T @ (G @ of.right[:r].T)
            i, j = np.nonzero(np.arange(a) > np.arange(r)[:, None])
            one, other = core[:, i, j], mirrored[:, j, i]
            columns.append(core[:, np.arange(r), np.arange(r)])
            columns.append((one + other) * np.sqrt(0.5 * of.even[i, j]))
            columns.append((one - other) * np.sqrt(0.5 * of.odd[i, j]))
            if G.shape[2] > a:
                # the projection on what is orthogonal is a basis of it times the transpose of that
                beside = turned - core @ of.right
                columns.append((beside * np.sqrt(of.inside)[:, None]).reshape(n, -1))
        return np.concatenate(columns, axis=1)

    def turned(self, D: _Array) -> _Array:
        """The derivative applied to `D` (B, p)."""
        out = np.zeros_like(D)
        result = self._wide(out)
        for b, (matrix, of) in enumerate(zip(self._wide(D), self.derivatives, strict=True)):
            r, a = of.even.shape
            turned = of.left.T @ matrix
            core = turned @ of.right.T
            inner = np.zeros((a, a))
            even, odd = 0.5 * (core + core.T)[:r], 0.5 * (core - core.T)[:r]
            inner[:r] = of.even * even + of.odd * odd
            inner[r:, :r] = (of.even * even - of.odd * odd)[:, r:].T
            rows = inner @ of.right
            rows[:r] += of.inside[:, None] * (turned[:r] - core[:r] @ of.right)
            result[b] = of.left @ rows
        return out

    def step(self, sigma: float, gradient: _Array, spread: Callable[[_Array], _Array]) -> tuple[_Array, bool]:
        r"""About ``-(S^-1 + sigma G D G^T)^-1 gradient`` by conjugate gradients, and whether it is near enough.

        They are preconditioned by the positive definite S, of which `spread` is the product with a vector; the vectors
        are kept as their images under its inverse too, which so is never asked for. They end where what is left is a
        hundredth of the gradient, and where a factorisation would have been as quick, or do not begin. Where there is
        no time or memory for one they go on, to where only rounding is left.
        """
        n = len(gradient)
        a, b = self.G.shape[2:]
        columns = sum(len(of.inside) * (a + b - len(of.inside)) for of in self.derivatives)
        x, r = np.zeros(n), -gradient
        if columns == 0:
            return spread(r), True
        small = min(n, columns)
        direct = sum(n * a * b * (a + len(of.inside)) for of in self.derivatives) + small * n * columns + small**3 / 3.0
        once = SETTINGS.memory * 2.0 * self.nonzero + 4.0 * len(self.G) * a * a * b
        fits = n * columns <= SETTINGS.large and direct / SETTINGS.speed <= self.budget.remaining
        most = direct / once if fits else 2.0 * n  # with exact numbers n would be enough
        if fits and (most < SETTINGS.fewest or sigma >= self.hopeless):
            return x, False
        near = SETTINGS.inexact * float(np.linalg.norm(r))
        p, p_under = spread(r), r  # of a vector S r the image is r
        product = float(r @ p)
        count = 0
        while product > 0.0 and count < most and self.budget.stop() is None:
            A = p_under + sigma * (self.J @ self.turned((p @ self.J).reshape(self.C.shape)).ravel())
            length = product / float(p @ A)
            x = x + length * p
            r = r - length * A
            if float(np.linalg.norm(r)) <= near:
                return x, True
            z = spread(r)
            product, before = float(r @ z), product
            p, p_under = z + (product / before) * p, r + (product / before) * p_under
            count += 1
        self.hopeless = sigma
        return x, not fits or self.budget.stop() is not None
