r"""The cost of a block as the circular convolution of a short filter and a vector: a nuclear norm after lifting.

.. math:: \|c\| = s \min\{\|Z\|_* : Z \in R^{h \times d},\ \textstyle\sum_a Z_{a, (t - a) \bmod d} = c_t\}

With :math:`\|Z\|_* = \tfrac12 \min_{P \succ 0} \operatorname{tr}(Z^T P^{-1} Z) + \operatorname{tr} P` the minimum over
Z is known, and the norm is a small problem in :math:`P \in R^{h \times h}` with its power spectrum
:math:`p_f = \sum_{a,b} P_{ab} \cos(2 \pi f (a - b) / d)`:

.. math:: \|c\| = \frac s2 \min_{P \succeq 0} \frac1d \sum_f \frac{|\hat c_f|^2}{p_f} + \operatorname{tr} P .

A filter u of length h has any such spectrum (Fejer and Riesz), so that the norm is :math:`s \min \|u\| \|w\|` over
:math:`u * w = c` (see :mod:`convex_core.numerics.power_spectra`): some minimum :math:`Z = u w^T` has rank one,
whatever the rank of the one that an interior-point method finds. The dual norm is the largest singular value of
:math:`g_{(a + b) \bmod d}`, whose Gram matrix is Toeplitz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import ConeKind, PenaltyForm
from ..numerics.power_spectra import half_spectrum_weights, smallest_product, some_at_once
from ..progress import around
from .base import PenaltyFormulas
from .nuclear import symmetric_entries
from .spectral import half_fourier, surd
from .supports import ConicSupports

__all__ = ["NuclearLiftPenalty"]

_Array = NDArray[np.float64]


_CVXPY = """\
lifts = [cp.Variable(({h}, {d})) for _ in range(C.shape[0])]  # Z with sum_a Z[a, t - a] = c_t
for b, Z in enumerate(lifts):
    constraints.append(sum(np.roll(np.eye({d}), a, axis=0) @ Z[a] for a in range({h})) == C[b])
penalty = {scale!r} * sum(cp.normNuc(Z) for Z in lifts)"""


@record
@dataclass(frozen=True, slots=True)
class NuclearLiftPenalty(ConicSupports):
    """Norm of the module's formula.

    Attributes
    ----------
    h : int
        Filter length, 1..d.
    d : int
        Length of a block.
    scale : float
        Factor s > 0.

    Examples
    --------
    >>> penalty = NuclearLiftPenalty(1, 2)  # a filter of length 1 only scales: the Euclidean norm
    >>> penalty.norm(np.array([[3.0, 4.0]])).round(6), penalty.dual_norm(np.array([[3.0, 4.0]])).round(6)
    (array([5.]), array([5.]))
    """

    h: int
    d: int
    scale: float = 1.0

    @property
    def formulas(self) -> PenaltyFormulas:
        """The definition itself."""
        factor = "" if self.scale == 1.0 else f"{self.scale:.6g} "
        return PenaltyFormulas(
            "N({c})",
            _CVXPY.format(h=self.h, d=self.d, scale=self.scale),
            ("N(", ")"),
            f"N(c) = {factor}min ||Z||_* over the Z in R^({self.h} x {self.d}) with sum_a Z[a, t - a] = c_t",
            (
                rf"N(c) = {'' if self.scale == 1.0 else surd(self.scale)}\min \|Z\|_*\text{{ over }}"
                rf"Z\in\mathbb{{R}}^{{{self.h}\times {self.d}}}",
                rf"\text{{with }}\textstyle\sum_a Z_{{a,\,(t-a)\bmod {self.d}}} = c_t\text{{ for all }}t",
            ),
        )

    @property
    def radius(self) -> float:
        r"""An entry of c is a sum of h entries of Z, hence :math:`\|c\|_2^2 \le h \|Z\|_F^2`."""
        return math.sqrt(self.h) / self.scale

    @property
    def digits_lost(self) -> float:
        """Those of transforms, and 16 for each row of the matrix: its largest eigenvalue is at least its diagonal."""
        return 64.0 + 16.0 * math.log2(self.d) + 16.0 * self.h

    def norm(self, C: _Array) -> _Array:
        """Norm of each row of `C` (B, d), shape (B,)."""
        finite = np.isfinite(C).all(axis=1)
        out = np.where(finite, 0.0, np.nan)
        active = finite & np.any(C != 0.0, axis=1)
        place = np.flatnonzero(active)
        for part in some_at_once(len(place), self.d, self.h):
            if part.start:
                around().check("the norms were not all found")
            some = place[part]
            out[some] = self.scale * smallest_product(C[some], self.h)
        return out

    def dual_norm(self, G: _Array) -> _Array:
        """Dual norm of each row of `G` (m, d), shape (m,)."""
        if not len(G):
            return np.zeros(0)
        correlation = np.fft.irfft(np.abs(np.fft.rfft(G)) ** 2, self.d)
        lag = np.abs(np.arange(self.h)[:, None] - np.arange(self.h))
        largest = np.linalg.eigvalsh(correlation[:, lag])[:, -1]
        return np.asarray(np.sqrt(np.maximum(largest, 0.0)) / self.scale)

    def cvxpy(self, C: Any) -> tuple[Any, list[Any]]:
        """``sum_b ||Z_b||_*`` over the lifts ``sum_a Z_b[a, (s - a) mod d] = c_b[s]``: the definition itself."""
        import cvxpy as cp  # slow to import: only this route pays for it

        d, h = self.d, self.h
        total: list[Any] = []
        constraints: list[Any] = []
        for b in range(C.shape[0]):
            Z = cp.Variable((h, d))
            total.append(cp.normNuc(Z))
            shifted = [np.roll(np.eye(d), a, axis=0) @ Z[a] for a in range(h)]
            constraints.append(cp.sum(cp.vstack(shifted), axis=0) == C[b])
        return self.scale * cp.sum(cp.hstack(total)), constraints

    def form(self, p: int) -> PenaltyForm:
        r"""Auxiliaries t (F) and P; a second-order cone per frequency says :math:`|\hat c_f|^2 \le d\, t_f p_f`."""
        column, row, weight = symmetric_entries(self.h)
        number = half_spectrum_weights(p)
        F, q = len(number), len(row)
        lag = column - row
        spectrum = np.cos(2.0 * np.pi * np.arange(F)[:, None] * lag / p) * np.where(lag == 0, 1.0, 2.0)
        root = 2.0 * np.sqrt(number / p)[:, None]
        real, imaginary = (root * part for part in half_fourier(p))
        rows: list[_Array] = []
        cones: list[tuple[ConeKind, int]] = []
        for f in range(F):
            t = np.eye(1, F, f)[0]
            rows.append(np.concatenate([t, spectrum[f], np.zeros(p)]))
            rows.append(np.concatenate([t, -spectrum[f], np.zeros(p)]))
            rows.append(np.concatenate([np.zeros(F + q), real[f]]))
            if number[f] == 2.0:
                rows.append(np.concatenate([np.zeros(F + q), imaginary[f]]))
            cones.append(("second-order", 3 + int(number[f] == 2.0)))
        semidefinite = np.hstack([np.zeros((q, F)), np.diag(weight), np.zeros((q, p))])
        cones.append(("semidefinite", self.h))
        A = -sparse.csc_matrix(np.vstack([np.array(rows), semidefinite]))
        cost = 0.5 * self.scale * np.concatenate([np.ones(F), (lag == 0).astype(np.float64)])
        return PenaltyForm(cost, A, tuple(cones))
