"""Gradients of many networks at once, through whatever gates the architecture has."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture
from ..problem import Problem

__all__ = ["Layer", "gradients", "objectives"]

_Array = NDArray[np.float64]


class Layer:
    """Atoms of given filters (M, h) on given patches (K, b, h), with the gates held fixed, and their derivatives."""

    def __init__(self, architecture: Architecture, patches: _Array, filters: _Array) -> None:
        K, b, h = patches.shape
        self._rows = patches.reshape(-1, h)
        self._scale = architecture.scale
        hyperplanes = architecture.hyperplanes(patches)
        scores = filters @ hyperplanes.T
        self.gates = architecture.gates(scores >= 0.0, patches)
        # for sum and mean pooling the hyperplanes are the patch rows themselves: one product serves for both
        same = hyperplanes.size == patches.size and np.may_share_memory(hyperplanes, patches)
        responses = scores if same else filters @ self._rows.T
        self._work = responses.reshape(len(filters), K, b)
        self.atoms = self._pool()

    def _pool(self) -> _Array:
        """``s * sum_k D_k r_k`` for the responses r (M, K, b) in the work array, shape (M, b)."""
        np.multiply(self._work, self.gates, out=self._work)
        pooled: _Array = self._work.sum(axis=1)
        return np.multiply(pooled, self._scale, out=pooled)

    def push(self, directions: _Array) -> _Array:
        """``A_j u_j`` for each row u_j of `directions` (M, h), shape (M, b)."""
        np.matmul(directions, self._rows.T, out=self._work.reshape(len(directions), -1))
        return self._pool()

    def pull(self, outputs: _Array) -> _Array:
        """``A_j^T v_j`` for each row v_j of `outputs` (M, b), shape (M, h)."""
        np.multiply(outputs[:, None, :], self.gates, out=self._work)
        result: _Array = self._work.reshape(len(outputs), -1) @ self._rows
        return np.multiply(result, self._scale, out=result)

    def largest_curvature(self, weights: _Array, *, rounds: int = 20) -> float:
        """Estimate the largest eigenvalue of J J^T, J = [w_j A_j, phi_j], by power iteration (from below)."""
        z = np.ones(self.atoms.shape[1])
        value = 0.0
        for _ in range(rounds):
            z = z / np.linalg.norm(z)
            back = weights[:, None] * self.pull(weights[:, None] * z)
            z = self.push(back).sum(axis=0) + self.atoms.T @ (self.atoms @ z)
            value = float(np.linalg.norm(z))
            if value == 0.0:
                break
        return value

    def largest_filter_norm(self) -> float:
        """Estimate max_j ||A_j|| by one power step from the atoms (from below)."""
        norms = np.linalg.norm(self.atoms, axis=1)
        alive = norms > 0.0
        if not alive.any():
            return 0.0
        return float((np.linalg.norm(self.pull(self.atoms), axis=1)[alive] / norms[alive]).max())


def gradients(problem: Problem, patches: _Array, y: _Array, U: _Array, w: _Array) -> tuple[_Array, _Array]:
    """Gradients of the loss alone, on the given samples, for filters (S, m, h) and weights (S, m)."""
    S, m, h = U.shape
    layer = Layer(problem.architecture, patches, U.reshape(S * m, h))
    atoms = layer.atoms.reshape(S, m, -1)
    outputs = np.matmul(w[:, None, :], atoms)[:, 0]
    residual = problem.loss.gradient(outputs, y)
    weight_gradient: _Array = np.matmul(atoms, residual[:, :, None])[..., 0]
    back = layer.pull((w[:, :, None] * residual[:, None, :]).reshape(S * m, -1))
    return back.reshape(S, m, h), weight_gradient


def objectives(problem: Problem, U: _Array, w: _Array) -> _Array:
    """Objective of each seed over all samples, shape (S,); anything not finite becomes ``inf``."""
    S, m, h = U.shape
    parameters = {"filters": U.reshape(S * m, h), "weights": w.reshape(S * m)}
    outputs = problem.architecture.outputs(problem.patches, parameters).reshape(-1, S, m).sum(axis=2).T
    losses = np.array([problem.loss.value(f, problem.y) for f in outputs])
    decay = problem.architecture.costs(parameters).reshape(S, m).sum(axis=1)
    total = losses + problem.beta * decay
    return np.where(np.isfinite(total), total, np.inf)
