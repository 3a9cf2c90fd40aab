r"""The cheapest factors of a circular convolution: a convex problem in the power spectrum of the filter.

Which filters :math:`u_1, \dots, u_k \in R^h` of norm 1 and which :math:`w \in R^d` have
:math:`u_1 * \dots * u_k * w = c` with the smallest :math:`\|w\|_2`? In the frequency domain
:math:`\hat w = \hat c / \prod_i \hat u_i`, so only the power spectra :math:`p_i = |\hat u_i|^2` matter:

.. math:: \|w\|_2^2 = \frac1d \sum_f \frac{|\hat c_f|^2}{\prod_i p_i(f)} .

This is convex and symmetric in :math:`(p_1, \dots, p_k)`, so equal spectra are best. By the theorem of Fejer and Riesz
the power spectra of real filters of length h and norm 1 are exactly the non-negative trigonometric polynomials of
degree h - 1 and mean 1, that is
:math:`p(\omega) = \sum_{a,b} P_{ab} \cos\omega(a - b)` with :math:`P \succeq 0` and :math:`\operatorname{tr} P = 1`.
Hence the best factors solve a convex problem in P,

.. math:: \min_{P \succeq 0,\ \operatorname{tr} P = 1} \frac1d \sum_f |\hat c_f|^2 \, p(f)^{-k} ,

and a filter with the optimal spectrum exists. Sources: L. Fejer, J. reine angew. Math. 146 (1916); for the
parametrisation by P, B. Dumitrescu, Positive Trigonometric Polynomials, 2nd ed., 2017, ch. 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record

__all__ = ["Factors", "convolution", "factors", "half_spectrum_weights", "smallest_product", "some_at_once"]

_Array = NDArray[np.float64]

# multiplications of a Newton step of the vectors whose spectra are found together, of which there are some forty, and
# entries of their second derivatives: 256 MB
_AT_ONCE = 20_000_000
_ENTRIES = 1 << 25

# weight of the barrier at the end: values are then within h times this of the best, relative
_WEAKEST = 1e-12
# Newton's method has centred when half the squared decrement, in units of the barrier, is below this
_CENTRED = 0.1
# how much weaker the barrier then gets
_FALL = 0.01
_MAX_NEWTON = 400


@record
@dataclass(frozen=True, slots=True)
class Factors:
    """Factors of B vectors: the filter u (B, h) of norm 1, used k times, and the rest w (B, d)."""

    u: _Array
    w: _Array


def half_spectrum_weights(d: int) -> _Array:
    """How many of the d frequencies each entry of a half spectrum (d // 2 + 1,) stands for: 1 or 2.

    Examples
    --------
    >>> half_spectrum_weights(4), half_spectrum_weights(3)
    (array([1., 2., 1.]), array([1., 2.]))
    """
    weights = np.full(d // 2 + 1, 2.0)
    weights[0] = 1.0
    if d % 2 == 0:
        weights[-1] = 1.0
    return weights


def convolution(U: _Array, W: _Array) -> _Array:
    """Circular convolution of each row of `U` (m, h), padded with zeros, with that of `W` (m, d), h <= d.

    Examples
    --------
    >>> convolution(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0, 10.0]])).round(12)
    array([[21.,  2., 10.]])
    """
    d = W.shape[1]
    product: _Array = np.fft.irfft(np.fft.rfft(U, d) * np.fft.rfft(W), d)
    return product


def some_at_once(B: int, d: int, h: int) -> Iterator[slice]:
    """B vectors (d,) in parts whose spectra are found in a moment each, and in little memory: filters of length h.

    Examples
    --------
    >>> [part.stop for part in some_at_once(5, 60, 20)], [part.stop for part in some_at_once(5, 60, 60)]
    ([2, 4, 5], [5])
    """
    unknowns = 1 if h in (1, d) else h * (h + 1) // 2
    step = max(1, min(_AT_ONCE // unknowns**3, _ENTRIES // unknowns**2))
    for start in range(0, B, step):
        yield slice(start, min(B, start + step))


def smallest_product(C: _Array, h: int, k: int = 1) -> _Array:
    r"""Smallest :math:`\|w\|_2` with :math:`u_1 * \dots * u_k * w = c`, for each row of `C` (B, d), shape (B,).

    For k = 1 it is a norm of c; for more filters it is not convex in c.

    Parameters
    ----------
    C : (B, d) float64
        Vectors to factor.
    h : int
        Filter length, 1..d.
    k : int
        Number of filters.

    Examples
    --------
    >>> c = np.array([[3.0, 4.0, 0.0]])
    >>> smallest_product(c, 1), smallest_product(c, 3) <= smallest_product(c, 2)
    (array([5.]), array([ True]))
    """
    power, _ = _best_spectra(C, h, k)
    return np.asarray(np.sqrt(_rest(C, power, k)))


def factors(C: _Array, h: int, k: int = 1) -> Factors:
    r"""Filters and rests with ``u * ... * u * w = c`` (k times u), ||u|| = 1 and the smallest ||w||.

    Parameters
    ----------
    C : (B, d) float64
        Vectors to factor.
    h : int
        Filter length, 1..d.
    k : int
        Number of filters.

    Examples
    --------
    >>> c = np.array([[3.0, 4.0, 0.0]])
    >>> f = factors(c, 2)
    >>> np.allclose(convolution(f.u, f.w), c), bool(np.isclose(np.linalg.norm(f.w), smallest_product(c, 2)[0]))
    (True, True)
    """
    d = C.shape[1]
    power, correlation = _best_spectra(C, h, k)
    u = np.fft.irfft(np.sqrt(power), d) if h == d else np.array([_filter_of(r) for r in correlation]).reshape(-1, h)
    u = u / np.linalg.norm(u, axis=1, keepdims=True)
    top = np.fft.rfft(C)
    bottom = np.fft.rfft(u, d) ** k
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = top / bottom
    # where the filter has a zero of its spectrum, so has c: to rounding, nothing is left to divide
    negligible = np.abs(top) <= 1e-15 * np.abs(top).max(axis=1, keepdims=True)
    ratio[negligible] = 0.0
    return Factors(u, np.asarray(np.fft.irfft(ratio, d)))


def _rest(C: _Array, power: _Array, k: int) -> _Array:
    """``||w||^2`` for the filters' power spectra (B, F)."""
    d = C.shape[1]
    energy = half_spectrum_weights(d) * np.abs(np.fft.rfft(C)) ** 2 / d
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = energy / power**k
    return np.asarray(np.where(energy > 0.0, terms, 0.0).sum(axis=1))


def _best_spectra(C: _Array, h: int, k: int) -> tuple[_Array, _Array]:
    """Best power spectrum at each frequency (B, F) and its autocorrelation (B, h), ``rho[0] = 1``."""
    B, d = C.shape
    magnitude = np.abs(np.fft.rfft(C))
    magnitude[~C.any(axis=1)] = 1.0  # for a vector of zeros every spectrum is best
    if h == 1 or B == 0:
        return np.ones_like(magnitude), np.ones((B, 1)) * np.eye(1, h)
    if h == d:
        # every spectrum is possible: the derivatives of |c_f|^2 / p_f^k are equal at p_f ~ |c_f|^(2 / (k + 1))
        power = magnitude ** (2.0 / (k + 1))
        power /= (power * half_spectrum_weights(d)).sum(axis=1, keepdims=True) / d
        return power, np.asarray(np.fft.irfft(power, d))
    energy = half_spectrum_weights(d) * (magnitude / magnitude.max(axis=1, keepdims=True)) ** 2
    P = _barrier(energy / energy.sum(axis=1, keepdims=True), h, d, k)
    lags = np.stack([np.trace(P, offset=lag, axis1=1, axis2=2) for lag in range(h)], axis=1)
    lags /= lags[:, :1]
    # p_f = rho_0 + 2 sum_l rho_l cos(2 pi f l / d); lags from d / 2 on wrap around
    power = np.fft.rfft(lags, d).real * 2.0 - 1.0
    return power, lags


def _barrier(energy: _Array, h: int, d: int, k: int) -> _Array:
    r"""Matrices P (B, h, h) that minimise ``sum_f energy_f p_f^-k / k + tr P - mu log det P`` as mu falls to zero.

    The trace is free here: by homogeneity the optimum differs in scale only. A centred point is within mu h of it.
    With P = L L' the Newton step is L D L', where D solves a system whose barrier part is mu times the identity.
    """
    angle = 2.0 * np.pi * np.arange(d // 2 + 1)[:, None] * np.arange(h) / d
    waves = np.stack([np.cos(angle), np.sin(angle)])
    row, column = np.triu_indices(h)
    weight = np.where(row == column, 1.0, np.sqrt(2.0))
    identity = (row == column).astype(np.float64)
    B = len(energy)
    out: _Array = np.tile(np.eye(h) / h, (B, 1, 1))
    mu = np.full(B, 0.1 / h)
    live = np.arange(B)
    for _ in range(_MAX_NEWTON):
        P, e, weak = out[live], energy[live], mu[live]
        L = np.linalg.cholesky(P)
        z = np.einsum("sfh,bhg->bsfg", waves, L)
        power = np.einsum("bsfg,bsfg->bf", z, z)
        first = e / power ** (k + 1)
        A = np.einsum("bsfq,bsfq->bfq", z[..., row], z[..., column]) * weight
        trace = np.einsum("bhq,bhq->bq", L[..., row], L[..., column]) * weight
        gradient = trace - np.einsum("bf,bfq->bq", first, A) - weak[:, None] * identity
        stiff = np.sqrt((k + 1) * first / power)[:, :, None] * A
        hessian = stiff.transpose(0, 2, 1) @ stiff + weak[:, None, None] * np.eye(len(row))
        step = -_solved(hessian, gradient)
        decrement = -np.einsum("bq,bq->b", step, gradient) / weak
        D = np.zeros_like(P)
        D[:, row, column] = D[:, column, row] = step / weight
        lowest = np.linalg.eigvalsh(D)[:, 0]
        length = np.minimum(1.0, 0.9 / np.maximum(-lowest, 1e-300))
        out[live] = P + L @ (length[:, None, None] * D) @ L.transpose(0, 2, 1)
        centred = (decrement <= _CENTRED) & (length == 1.0)
        finished = centred & (weak <= _WEAKEST)
        mu[live[centred]] = np.maximum(_FALL * weak[centred], _WEAKEST)
        live = live[~finished]
        if not len(live):
            break
    return out


def _solved(hessian: _Array, gradient: _Array) -> _Array:
    """``hessian^-1 gradient`` (B, q); with many layers a Hessian can be singular in doubles, and gets a ridge then."""
    try:
        return np.asarray(np.linalg.solve(hessian, gradient[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        ridge = 1e-12 * np.einsum("bqq->b", hessian)[:, None, None] * np.eye(gradient.shape[1])
        return np.asarray(np.linalg.solve(hessian + ridge, gradient[:, :, None])[:, :, 0])


def _filter_of(correlation: _Array) -> _Array:
    """A real filter (h,) with the autocorrelation (h,): the roots of its polynomial inside the circle."""
    significant = np.flatnonzero(np.abs(correlation) > 1e-15 * correlation[0])
    degree = int(significant[-1])
    used = correlation[: degree + 1]
    roots = np.roots(np.concatenate([used[:0:-1], used]))
    inside = roots[np.argsort(np.abs(roots), kind="stable")[:degree]]
    u = np.zeros(len(correlation))
    u[: degree + 1] = np.real(np.poly(inside))
    return u
