r"""Classes that a network predicts: the sign of a single output, the largest of several.

A single output f says the class +1 where :math:`f \ge 0` and -1 elsewhere; q outputs say the class
:math:`\arg\max_o f_o \in \{0, \dots, q - 1\}`, the first one of equals.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..data import Dataset
from .network import Network

__all__ = ["accuracies", "confusion_matrix", "predicted_classes"]

_Array = NDArray[np.float64]


def predicted_classes(f: _Array) -> NDArray[np.int64]:
    """Classes (n,) said by outputs (n,), as -1 and +1, or (n, q), as 0, ..., q - 1.

    Examples
    --------
    >>> predicted_classes(np.array([-0.5, 0.0])), predicted_classes(np.array([[0.1, 0.7, 0.2]]))
    (array([-1,  1]), array([1]))
    """
    return f.argmax(axis=1) if f.ndim == 2 else np.where(f >= 0.0, 1, -1)


def accuracies(network: Network, dataset: Dataset) -> tuple[float | None, float | None]:
    """Shares of the training and of the test samples whose class is right.

    None without a test part, or where a single output says no class because the targets are not -1 and +1.

    Examples
    --------
    >>> from convex_core import Dataset, Network, TwoLayerCNN, patch_geometry
    >>> edge = Network(TwoLayerCNN(patch_geometry((2,), 2)), [[-1.0, 1.0], [1.0, -1.0]], [1.0, -1.0])
    >>> accuracies(edge, Dataset("steps", [[0.0, 1.0], [1.0, 0.0]], [1, -1]))
    (1.0, None)
    """
    several = network.architecture.q > 1
    if not (several or dataset.binary):
        return None, None
    data = dataset.numbered() if several else dataset
    train = float(np.mean(predicted_classes(network.predict(data.X)) == data.y))
    if data.X_test is None:
        return train, None
    return train, float(np.mean(predicted_classes(network.predict(data.X_test)) == data.y_test))


def confusion_matrix(network: Network, dataset: Dataset) -> NDArray[np.int64] | None:
    """Counts (q, q) of the test samples, true class by predicted class, for a network with q outputs.

    None without a test part, for a single output, or where a test target is no class of the network.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, make_loss, solve
    >>> data = load_dataset("motifs3")
    >>> solution = solve(Problem.from_dataset(data, loss=make_loss("softmax")))
    >>> counts = confusion_matrix(solution.network, data)
    >>> counts.sum(axis=1)
    array([67, 67, 66])
    >>> bool(np.isclose(counts.trace() / 200, accuracies(solution.network, data)[1]))
    True
    """
    q, data = network.architecture.q, dataset.numbered()
    if q == 1 or data.X_test is None or data.y_test is None:
        return None
    if not np.isin(data.y_test, np.arange(q)).all():
        return None
    counts = np.zeros((q, q), dtype=np.int64)
    np.add.at(counts, (data.y_test.astype(np.int64), predicted_classes(network.predict(data.X_test))), 1)
    return counts
