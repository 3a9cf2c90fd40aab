"""What there is at a moment of training, for those who watch: both bounds, and the best weights so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from .features import ListFeatures

__all__ = ["Moment", "Watch"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class Moment:
    """Training over a list at one look at its bounds.

    Attributes
    ----------
    seconds : float
        Since training began.
    beta : float
        Regularisation for all samples.
    chosen : bool
        Whether all samples are trained on at the beta that is kept; before that beta is chosen, and the bounds are
        those of the training part of the samples.
    upper, lower : float
        Bounds on the program's value over the list, as the iteration has them.
    features : ListFeatures
        The list and its columns.
    weights : (N, q) float64
        The best weights so far, one row for each column.
    bias : (q,) float64
        Output biases.

    Examples
    --------
    >>> from convex_core import load_dataset, patch_geometry
    >>> from convex_core.lists import train_list
    >>> data, seen = load_dataset("motifs"), []
    >>> solution = train_list(data.X, data.y, patch_geometry((10,), 3), beta=0.1, directions=30, watch=seen.append)
    >>> last = seen[-1]
    >>> outputs = last.outputs(last.features.of(data.X))[:, 0]
    >>> last.chosen, last.lower <= last.upper, bool(abs(outputs - solution.network.predict(data.X)).max() < 1e-5)
    (True, True, True)
    """

    seconds: float
    beta: float
    chosen: bool
    upper: float
    lower: float
    features: ListFeatures
    weights: _Array
    bias: _Array

    def outputs(self, columns: NDArray[np.floating]) -> _Array:
        """Outputs (n, q) for the columns (n, N) of any inputs, as ``features.of(X)`` gives them."""
        return np.asarray(columns @ self.weights.astype(columns.dtype) + self.bias, dtype=np.float64)


#: Called with a :class:`Moment` every few iterations.
Watch = Callable[[Moment], None]
