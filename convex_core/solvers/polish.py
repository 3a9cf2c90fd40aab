r"""Newton's method on the active set: from an interior-point solution to rounding accuracy.

With the zero blocks and the tight cone rows fixed, write each live block as :math:`c_b = Z_b x_b`, where the columns of
:math:`Z_b` span the null space of its tight rows. What remains is smooth and convex,

.. math:: F(x) = \ell\Big(\sum_b G_b Z_b x_b, y\Big) + \beta \sum_b \|x_b\|_2 ,

and Newton converges quadratically. The active set is then checked: a violated row enters, a row with a negative
multiplier leaves. This is written for the squared loss and the Euclidean penalty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..program.blocks import Blocks

__all__ = ["Polished", "polish"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Polished:
    """Polished blocks.

    Attributes
    ----------
    C : (B, p) float64
        Blocks; those that were dropped are exactly zero.
    objective : float
        Convex objective of `C`.
    gradient : float
        Norm of the reduced gradient relative to beta.
    """

    C: _Array
    objective: float
    gradient: float


def polish(
    blocks: Blocks,
    C: _Array,
    y: _Array,
    beta: float,
    *,
    zero: float = 1e-6,
    tight: float = 1e-6,
    max_changes: int = 30,
) -> Polished | None:
    """Polish `C` (B, p), or return None when the active set does not settle.

    Parameters
    ----------
    blocks : Blocks
        Blocks of the restricted problem.
    C : (B, p)
        Interior-point solution.
    y, beta
        Targets and regularisation.
    zero : float
        Blocks with norm below ``zero`` times the largest are fixed at zero.
    tight : float
        Cone rows with ``|r . c| <= tight * ||c||`` start as tight.
    max_changes : int
        Limit on changes of the active set.
    """
    norms = np.sqrt(np.einsum("bp,bp->b", C, C))
    top = norms.max(initial=0.0)
    if top == 0.0:
        return None
    live = np.flatnonzero(norms > zero * top)
    rows = blocks.rows
    slack = blocks.sides[live] * (C[live] @ rows.T)
    fixed = slack <= tight * norms[live, None]
    c = C[live].copy()
    for _ in range(max_changes):
        bases = [_null_space(rows[fixed[i]], rows.shape[1]) for i in range(len(live))]
        if any(Z.shape[1] == 0 for Z in bases):
            return None
        newton = _newton([blocks.G[b] @ Z for b, Z in zip(live, bases, strict=True)], bases, c, y, beta)
        if newton is None:
            return None
        c, residual, gradient, vanished = newton
        if vanished.any():
            live, c, fixed = live[~vanished], c[~vanished], fixed[~vanished]
            if not len(live):
                return None
            continue
        size = np.linalg.norm(c, axis=1)
        slack = blocks.sides[live] * (c @ rows.T)
        violated = (slack < -1e-12 * size[:, None]) & ~fixed
        if violated.any():
            fixed |= violated
            # start the next round inside the new faces
            c = np.stack([c[i] if not violated[i].any() else _onto(rows[fixed[i]], c[i]) for i in range(len(live))])
            if np.any(np.linalg.norm(c, axis=1) <= zero * top):
                return None
            continue
        leaving = False
        for i, b in enumerate(live):
            index = np.flatnonzero(fixed[i])
            if not len(index):
                continue
            normals = blocks.sides[b, index][:, None] * rows[index]
            pull = blocks.G[b].T @ residual + beta * c[i] / size[i]
            multiplier = np.linalg.lstsq(normals.T, pull, rcond=1e-12)[0]
            worst = int(np.argmin(multiplier))
            if multiplier[worst] < -1e-10 * beta:
                fixed[i, index[worst]] = False
                leaving = True
        if not leaving:
            out = np.zeros_like(C)
            out[live] = c
            return Polished(out, 0.5 * float(residual @ residual) + beta * float(size.sum()), gradient / beta)
    return None


def _null_space(normals: _Array, p: int) -> _Array:
    """Orthonormal basis (p, q) of the vectors orthogonal to the rows `normals`."""
    if not len(normals):
        return np.eye(p)
    _, singular, Vt = np.linalg.svd(normals, full_matrices=True)
    return Vt[int(np.count_nonzero(singular > 1e-10 * singular[0])) :].T


def _onto(normals: _Array, c: _Array) -> _Array:
    """Orthogonal projection of `c` on the null space of `normals`."""
    Z = _null_space(normals, len(c))
    return Z @ (Z.T @ c)


def _newton(
    gates: list[_Array], bases: list[_Array], c: _Array, y: _Array, beta: float
) -> tuple[_Array, _Array, float, NDArray[np.bool_]] | None:
    """Minimise F; answer (c, residual f - y, gradient norm, blocks that go to zero), or None if Newton fails.

    When a block goes to zero the others are returned where they are, for a restart without it.
    """
    J = np.hstack(gates)
    ends = np.cumsum([Z.shape[1] for Z in bases])
    spans = [slice(int(end) - Z.shape[1], int(end)) for end, Z in zip(ends, bases, strict=True)]
    x = np.concatenate([Z.T @ ci for Z, ci in zip(bases, c, strict=True)])
    if any(not np.linalg.norm(x[s]) > 0.0 for s in spans):
        return None

    def value(point: _Array) -> tuple[float, _Array]:
        residual = J @ point - y
        penalty = sum(float(np.linalg.norm(point[s])) for s in spans)
        return 0.5 * float(residual @ residual) + beta * penalty, residual

    def blocks_of(point: _Array) -> _Array:
        return np.stack([Z @ point[s] for Z, s in zip(bases, spans, strict=True)])

    gram = J.T @ J
    current, residual = value(x)
    slope = np.inf
    for _ in range(50):
        gradient = J.T @ residual
        hessian = gram.copy()
        for s in spans:
            size = float(np.linalg.norm(x[s]))
            unit = x[s] / size
            gradient[s] += beta * unit
            hessian[s, s] += (beta / size) * (np.eye(len(unit)) - np.outer(unit, unit))
        slope = float(np.linalg.norm(gradient))
        if slope <= 1e-14 * beta * np.sqrt(len(spans)):
            break
        # the optimum need not be unique: a ridge at rounding level keeps the step bounded along flat directions
        hessian.flat[:: len(hessian) + 1] += 1e-13 * (np.trace(gram) / len(gram) + beta)
        try:
            step = -linalg.cho_solve(linalg.cho_factor(hessian), gradient)
        except linalg.LinAlgError:
            return None
        # F is not smooth at zero: a block whose full step passes it is dropped if it is tiny or better at zero;
        # should that be wrong, pricing brings it back
        crossing = np.array([(x[s] + step[s]) @ x[s] <= 1e-2 * (x[s] @ x[s]) for s in spans])
        if crossing.any():
            trial = x + step
            for s, crosses in zip(spans, crossing, strict=True):
                if crosses:
                    trial[s] = 0.0
            sizes = np.array([np.linalg.norm(x[s]) for s in spans])
            if sizes[crossing].max() <= 1e-4 * sizes.max() or value(trial)[0] <= value(x)[0]:
                return blocks_of(x), residual, slope, crossing
        length = 1.0
        while length > 1e-6:
            trial = x + length * step
            new, new_residual = value(trial)
            if new <= current + 1e-15 * abs(current) and all(trial[s].any() for s in spans):
                break
            length *= 0.5
        else:
            break
        done = float(np.linalg.norm(length * step)) <= 1e-15 * float(np.linalg.norm(x))
        x, current, residual = trial, new, new_residual
        if done:
            break
    if slope > 1e-6 * beta * np.sqrt(len(spans)):
        return None
    return blocks_of(x), residual, slope, np.zeros(len(spans), dtype=bool)
