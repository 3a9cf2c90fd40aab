"""The l1 norm of a block's discrete Fourier transform, with a weight of its own on conjugate pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..contracts.records import record
from ..numerics.conic_forms import ConeKind, PenaltyForm
from ..numerics.power_spectra import half_spectrum_weights
from .base import PenaltyFormulas
from .supports import ConicSupports

__all__ = ["SpectralPenalty", "half_fourier", "surd"]

_Array = NDArray[np.float64]

_CVXPY = """\
F = np.fft.fft(np.eye({d}), norm="ortho")  # unitary DFT
omega = np.where(2 * np.arange({d}) % {d} == 0, 1.0, {pair!r})  # frequencies alone, and in conjugate pairs
penalty = {scale!r} * cp.sum(cp.abs(C @ F) @ omega)"""


@record
@dataclass(frozen=True, slots=True)
class SpectralPenalty(ConicSupports):
    r"""Weighted l1 norm in the frequency domain of real blocks :math:`c \in R^d`.

    .. math:: \|c\| = s \sum_{f=0}^{d-1} \omega_f |(F c)_f|, \qquad
       \|g\|_* = \max_f \frac{|(F g)_f|}{s\, \omega_f},

    F the unitary DFT, :math:`\omega_f` = 1 at frequency 0 and, for even d, d/2, and `pair` on all others, which come
    in conjugate pairs.

    Attributes
    ----------
    d : int
        Length of a block.
    scale : float
        Factor s > 0.
    pair : float
        Weight of the frequencies that come in pairs, > 0.

    Examples
    --------
    >>> penalty = SpectralPenalty(2, scale=1.0)
    >>> penalty.norm(np.array([[3.0, 1.0]])).round(6), penalty.dual_norm(np.array([[3.0, 1.0]])).round(6)
    (array([4.242641]), array([2.828427]))
    """

    d: int
    scale: float
    pair: float = 1.0

    @property
    def formulas(self) -> PenaltyFormulas:
        """The module's formula over all d frequencies."""
        norm = "||F c||_1" if self.pair == 1.0 else f"sum_f omega_f |(F c)_f|, omega = 1 or, on pairs, {self.pair:.6g}"
        return PenaltyFormulas(
            "N({c})",
            _CVXPY.format(d=self.d, pair=self.pair, scale=self.scale),
            ("N(", ")"),
            f"N(c) = {self.scale:.6g} {norm}, F the unitary DFT",
            self._latex_definition(),
        )

    def _latex_definition(self) -> tuple[str, ...]:
        """The module's formula as LaTeX."""
        scale, dft = surd(self.scale), r"F\text{ the unitary DFT}"
        if self.pair == 1.0:
            return (rf"N(c) = {scale}\,\|F c\|_1,\quad {dft}",)
        alone = "f = 0" if self.d % 2 else rf"f = 0,\, {self.d // 2}"
        return (
            rf"N(c) = {scale}\,\textstyle\sum_f \omega_f\, |(F c)_f|,\quad {dft}",
            rf"\omega_f = 1\text{{ for }}{alone}\text{{, else }}{surd(self.pair)}",
        )

    @property
    def _weights(self) -> _Array:
        """What each entry of a half spectrum (unnormalised DFT) costs."""
        number = half_spectrum_weights(self.d)
        weights: _Array = self.scale * number * np.where(number == 2.0, self.pair, 1.0) / np.sqrt(self.d)
        return weights

    @property
    def radius(self) -> float:
        """The unitary DFT keeps the Euclidean norm, which is at most the l1 norm: one over the smallest weight."""
        return 1.0 / (self.scale * min(1.0, self.pair))

    @property
    def digits_lost(self) -> float:
        """A fast transform loses less than 8 units for each of its log2(d) stages (Higham, theorem 24.2), 64 more."""
        return 64.0 + 8.0 * math.log2(self.d)

    def norm(self, C: _Array) -> _Array:
        """Norm of each row of `C` (B, d), shape (B,)."""
        return np.asarray(np.abs(np.fft.rfft(C, self.d)) @ self._weights)

    def dual_norm(self, G: _Array) -> _Array:
        """Dual norm of each row of `G` (m, d), shape (m,)."""
        per_entry = half_spectrum_weights(self.d) / (self.d * self._weights)
        return np.asarray((np.abs(np.fft.rfft(G, self.d)) * per_entry).max(axis=1))

    def cvxpy(self, C: Any) -> tuple[Any, list[Any]]:
        """Weighted sum of the moduli of the half spectrum of each row."""
        import cvxpy as cp  # slow to import: only this route pays for it

        real, imaginary = half_fourier(self.d)
        parts = cp.vstack([cp.vec(C @ part.T, order="C") for part in (real, imaginary)])
        return cp.norm(parts, 2, axis=0) @ np.tile(self._weights, C.shape[0]), []

    def form(self, p: int) -> PenaltyForm:
        """One second-order cone (t, Re, Im) per conjugate pair, (t, Re) for the frequencies that stand alone."""
        real, imaginary = half_fourier(p)
        number = half_spectrum_weights(p)
        F = len(number)
        rows: list[_Array] = []
        cones: list[tuple[ConeKind, int]] = []
        for f in range(F):
            auxiliary = np.eye(1, F, f)[0]
            rows.append(np.concatenate([auxiliary, np.zeros(p)]))
            rows.append(np.concatenate([np.zeros(F), real[f]]))
            if number[f] == 2.0:
                rows.append(np.concatenate([np.zeros(F), imaginary[f]]))
            cones.append(("second-order", 2 + int(number[f] == 2.0)))
        return PenaltyForm(self._weights, -sparse.csc_matrix(np.array(rows)), tuple(cones))


def surd(value: float) -> str:
    r"""LaTeX of a factor > 0, by preference as the square root of an integer, or one over it.

    Examples
    --------
    >>> print(surd(2.0), surd(2.0**0.5), surd(0.2**0.5), surd(0.3))
    2 \sqrt{2} \tfrac{1}{\sqrt{5}} 0.3
    """
    for square, form in ((value * value, "{}"), (1.0 / (value * value), r"\tfrac{{1}}{{{}}}")):
        whole = round(square)
        if whole and abs(square - whole) <= 1e-9 * whole:
            root = math.isqrt(whole)
            return form.format(root if root * root == whole else rf"\sqrt{{{whole}}}")
    return f"{value:.3g}"


def half_fourier(d: int) -> tuple[_Array, _Array]:
    """Real and imaginary parts (d // 2 + 1, d) of the matrix of :func:`numpy.fft.rfft`."""
    transform = np.fft.rfft(np.eye(d)).T
    return np.ascontiguousarray(transform.real), np.ascontiguousarray(transform.imag)
