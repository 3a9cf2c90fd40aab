"""Problems shared by the tests, with where their values come from."""

from __future__ import annotations

import numpy as np

from convex_core import Problem, TwoLayerCNN, patch_geometry

#: value of the two-layer convex program on :func:`patch_problem`, by an independent implementation
TWO_LAYER_OPTIMA = {0: 0.68511304, 1: 0.34011483, 2: 0.73840097}
#: the same program without its cone rows (gated ReLU), to four digits
GATED_OPTIMA = {0: 0.2378, 1: 0.1234, 2: 0.2457}


def patch_problem(
    seed: int, n: int = 6, K: int = 3, h: int = 2, beta: float = 0.1, pooling: str = "sum", scale: float = 1.0
) -> Problem:
    """Gaussian patches that do not overlap: ``Xk = rng.standard_normal((K, n, h)); y = rng.standard_normal(n)``."""
    rng = np.random.default_rng(seed)
    patches = rng.standard_normal((K, n, h))
    y = rng.standard_normal(n)
    X = scale * patches.transpose(1, 0, 2).reshape(n, K * h)
    return Problem(X, y, architecture=TwoLayerCNN(patch_geometry((K * h,), h, h), pooling), beta=beta)


def brute_force_tau(problem: Problem, v: np.ndarray, directions: int = 20_000, seed: int = 0) -> float:
    """Largest correlation of v with an atom, from random directions improved by local ascent: a lower bound on tau."""
    rng = np.random.default_rng(seed)
    U = rng.standard_normal((directions, problem.patches.shape[2]))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    best = float(np.abs(v @ problem.architecture.atoms(problem.patches, U)).max())
    for sign in (1.0, -1.0):
        order = np.argsort(-sign * (v @ problem.architecture.atoms(problem.patches, U)))[:200]
        W = U[order]
        for _ in range(50):
            active = np.einsum("knh,mh->mkn", problem.patches, W) >= 0
            g = sign * problem.architecture.scale * np.einsum("mkn,n,knh->mh", active, v, problem.patches)
            W = g / np.maximum(np.linalg.norm(g, axis=1, keepdims=True), 1e-300)
            best = max(best, float((sign * (v @ problem.architecture.atoms(problem.patches, W))).max()))
    return best
