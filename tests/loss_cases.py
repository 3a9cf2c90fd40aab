"""Every loss with targets that it takes, and its definition written again in CVXPY."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from problem_cases import patch_problem

from convex_core import AbsoluteLoss, HingeLoss, HuberLoss, LogisticLoss, Problem, SquaredLoss

EVERY = (SquaredLoss(), LogisticLoss(), HingeLoss(), AbsoluteLoss(), HuberLoss(0.5), HuberLoss(2.0))
OTHERS = EVERY[1:]
QUADRATIC = tuple(loss for loss in EVERY if loss.name != "logistic")
#: definitions, written again in CVXPY
MODELS = {
    "squared": lambda f, y: 0.5 * cp.sum_squares(f - y),
    "logistic": lambda f, y: cp.sum(cp.log_sum_exp(cp.vstack([np.zeros(len(y)), -cp.multiply(y, f)]), axis=0)),
    "hinge": lambda f, y: cp.sum(cp.maximum(0, 1 - cp.multiply(y, f))),
    "absolute": lambda f, y: cp.sum(cp.abs(f - y)),
}


def name_of(loss):
    return f"{loss.name}{''.join(f'-{value:g}' for value in loss.options.values())}"


def each(losses):
    return pytest.mark.parametrize("loss", losses, ids=name_of)


def model(loss, f, y):
    if loss.name != "huber":
        return MODELS[loss.name](f, y)
    # the infimal convolution of the quadratic and delta times the absolute value
    near = cp.Variable(len(y))
    return 0.5 * cp.sum_squares(near) + loss.delta * cp.norm(f - y - near, 1)


def fitting(loss, y):
    """Targets that the loss takes."""
    return np.where(y >= 0.0, 1.0, -1.0) if loss.name in ("logistic", "hinge") else y


def problem_with(loss, seed=0, beta=0.1, scale=1.0, **sizes):
    base = patch_problem(seed, **sizes)
    return Problem(base.X, scale * fitting(loss, base.y), architecture=base.architecture, beta=beta, loss=loss)
