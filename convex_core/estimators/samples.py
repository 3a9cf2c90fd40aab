"""Samples in an order of their own, each one once: what is learned depends on neither order nor repetition.

Two equal samples are one of twice the weight, and one of weight zero is none. Samples are sorted by a digest of their
bytes, which is as good as a random order and the same for every order they came in.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

__all__ = ["canonical", "class_targets"]

_Array = NDArray[np.float64]
# losses of labels -1 and +1, one output for each class
_OF_LABELS = ("hinge", "logistic")
# samples that are copied at a time
_BLOCK = 1024


def canonical(X: _Array, Y: _Array, weight: _Array) -> tuple[_Array, _Array, _Array]:
    """Distinct samples (X, Y) with their weights, in the order of their digests.

    Examples
    --------
    >>> X, Y, weight = canonical(np.array([[1.0], [2.0], [1.0]]), np.ones((3, 1)), np.array([1.0, 0.0, 2.0]))
    >>> X.tolist(), weight.tolist()
    ([[1.0]], [3.0])
    """
    used = np.flatnonzero(weight > 0.0)
    digests = np.empty(len(used), dtype="S16")
    for start in range(0, len(used), _BLOCK):
        rows = used[start : start + _BLOCK]
        block = np.concatenate([X[rows], Y[rows]], axis=1) + 0.0  # one zero
        digests[start : start + _BLOCK] = [blake2b(row.tobytes(), digest_size=16).digest() for row in block]
    _, first, which = np.unique(digests, return_index=True, return_inverse=True)
    total = np.bincount(which, weights=weight[used]).astype(np.float64)
    inputs, targets = X[used[first]], Y[used[first]]
    inputs += 0.0
    targets += 0.0
    return inputs, targets, total


def class_targets(place: NDArray[np.int64], q: int, loss: str) -> _Array:
    """Targets (n, q) of the classes `place` (n,) for a loss by its name; (n, 1) for two classes, but for softmax.

    Examples
    --------
    >>> class_targets(np.array([0, 1]), 2, "squared").ravel(), class_targets(np.array([0, 2]), 3, "hinge")[1]
    (array([-1.,  1.]), array([-1., -1.,  1.]))
    """
    if q == 2 and loss != "softmax":
        return 2.0 * place[:, None].astype(np.float64) - 1.0
    Y = np.eye(q)[place]
    return 2.0 * Y - 1.0 if loss in _OF_LABELS else Y
