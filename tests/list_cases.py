"""Small programs over lists, and their definitions written again in CVXPY."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from convex_core import patch_geometry
from convex_core.lists import ListedNetwork, ListFeatures, PoolingGrid, Whitening
from convex_core.losses import AbsoluteLoss, HingeLoss, HuberLoss, LogisticLoss, SoftmaxLoss, SquaredLoss

LOSSES = (SquaredLoss(), SoftmaxLoss(), HingeLoss(), HuberLoss(0.3), LogisticLoss(), AbsoluteLoss())
#: what is listed, and the norm of its weights
PROGRAMS = (("relu", "group"), ("relu", "l1"), ("gated", "nuclear"), ("gated", "l1"))


def small_images(seed=0, *, n=24, side=5, q=3, bias="regularised", channels=()):
    """Images, a geometry and the classes 0 to q - 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, side, side, *channels))
    return X.reshape(n, -1), patch_geometry(X.shape[1:], 3, 1, bias=bias), np.arange(n) % q


def targets_for(loss, classes, q=3):
    """One-hot targets, with -1 for 0 where the loss asks for it."""
    Y = np.eye(q)[classes]
    return 2.0 * Y - 1.0 if loss.name in ("hinge", "logistic") else Y


def small_features(geometry, *, kind="relu", P=4, cuts=(2, 1), pooling="mean", seed=1, whitening=None):
    directions = np.random.default_rng(seed).standard_normal((P, geometry.h))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    white = Whitening.none(geometry.window) if whitening is None else whitening
    return ListFeatures(geometry, white, PoolingGrid(geometry.grid, cuts, pooling), directions, kind == "gated")


def cvxpy_loss(loss, F, Y, weight):
    """The weighted loss of outputs F (n, q) as a CVXPY expression."""
    if loss.name == "softmax":
        return weight @ (cp.log_sum_exp(F, axis=1) - cp.sum(cp.multiply(F, Y), axis=1))
    each = {
        "squared": lambda: 0.5 * cp.square(F - Y),
        "hinge": lambda: cp.pos(1.0 - cp.multiply(Y, F)),
        "huber": lambda: 0.5 * cp.huber(F - Y, getattr(loss, "delta", 1.0)),
        "logistic": lambda: cp.logistic(-cp.multiply(Y, F)),
        "absolute": lambda: cp.abs(F - Y),
    }[loss.name]()
    return cp.sum(cp.multiply(weight[:, None], each))


def cvxpy_norm(norm, C, shape):
    """The sum of the norms of the blocks of C (N, q)."""
    P, h, R = shape
    q = C.shape[1]
    total = 0
    for p in range(P):
        block = C[p * h * R : (p + 1) * h * R]
        if norm == "group":
            total += cp.norm(block, "fro")
        elif norm == "l1":
            total += sum(cp.norm(block[[a * R + r for a in range(h)], o]) for r in range(R) for o in range(q))
        else:
            total += cp.normNuc(cp.vstack([cp.hstack([block[a * R + r] for r in range(R)]) for a in range(h)]))
    return total


def cvxpy_optimum(G, Y, loss, norm, shape, beta, *, free=True, weight=None):
    """The optimal value of the program with the columns G (n, N)."""
    n, q = Y.shape
    C, b = cp.Variable((G.shape[1], q)), cp.Variable((1, q))
    F = G @ C + (np.ones((n, 1)) @ b if free else 0)
    weight = np.ones(n) if weight is None else weight
    problem = cp.Problem(cp.Minimize(cvxpy_loss(loss, F, Y, weight) + beta * cvxpy_norm(norm, C, shape)))
    return float(problem.solve(solver="CLARABEL"))


def listed_networks(seed=0):
    """Networks with every pooling, gates, paddings, biases, channels, strides, uneven regions, an output or three."""
    rng = np.random.default_rng(seed)
    shapes = (((7,), 3, 1, (2,)), ((5, 4), 2, 1, (2, 3)), ((6, 6), 3, 2, (1, 2)), ((5, 5, 2), 2, 2, (2, 1)))
    for shape, size, stride, cuts in shapes:
        for padding in ("valid", "zero", "circular"):
            for pooling in ("mean", "sum", "max"):
                for gated in (False, True):
                    if gated and pooling == "max":
                        continue
                    bias = ("none", "regularised")[int(rng.integers(2))]
                    geometry = patch_geometry(shape, size, stride, padding=padding, bias=bias)
                    window, m, q = geometry.window, int(rng.integers(1, 5)), (1, 3)[int(rng.integers(2))]
                    seen = rng.standard_normal((50, window)) @ rng.standard_normal((window, window)) + 1.0
                    grid = PoolingGrid(geometry.grid, cuts, pooling)
                    filters, gates = rng.standard_normal((2, m, geometry.h))
                    weights = rng.standard_normal((m, grid.R, q))
                    given = gates if gated else None
                    parts = geometry, Whitening.of(seen), grid, filters, weights, rng.standard_normal(q)
                    yield ListedNetwork(*parts, given)
