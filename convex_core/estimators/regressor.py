"""The regressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin

from ..errors import InputError
from ..lists.moments import Watch
from ..progress import CancelFlag, ProgressCallback
from .base import ConvexCNN, weights_of

__all__ = ["ConvexCNNRegressor"]

# losses of real targets
_LOSSES = ("squared", "huber", "absolute")


class ConvexCNNRegressor(RegressorMixin, ConvexCNN):  # type: ignore[misc]
    """A CNN with a pooling grid for real targets, of one or several outputs.

    Parameters and attributes are those of :class:`~convex_core.estimators.classifier.ConvexCNNClassifier`, but for the
    classes; losses are ``squared``, ``huber`` and ``absolute``. Targets are used as they are: nothing is rescaled.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 3))
    >>> y = np.maximum(X @ [1.0, -1.0, 0.5], 0.0)
    >>> model = ConvexCNNRegressor(beta=0.1, n_filters=100).fit(X, y)
    >>> model.score(X, y) > 0.9, model.gap_ <= 1e-3
    (True, True)
    """

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        cancel: CancelFlag | None = None,
        progress: ProgressCallback | None = None,
        watch: Watch | None = None,
    ) -> ConvexCNNRegressor:
        """Train on `X` (n, d), (n, H, W) or (n, H, W, C) with the targets `y` (n,) or (n, q).

        Parameters
        ----------
        X, y, sample_weight : array_like
            Samples, their targets, and how much each counts (n,).
        cancel, progress, watch
            As for the classifier.

        Raises
        ------
        InputError
            For data or parameters that do not fit; scikit-learn's own errors for what is no array of numbers.
        """
        inputs, targets = self._inputs(X, y, fit=True, multi_output=True, y_numeric=True)
        loss = self._made_loss()
        if loss.name not in _LOSSES:
            raise InputError(f"loss: got {loss.name} with real targets, expected one of {', '.join(_LOSSES)}")
        weight = weights_of(sample_weight, len(inputs))
        Y = np.asarray(targets, dtype=np.float64)
        self._one_column = Y.ndim == 1
        self._train(inputs, Y.reshape(len(Y), -1), weight, loss, None, cancel, progress, watch)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.float64]:
        """Outputs (n,), or (n, q) as y had them."""
        F = self._outputs(X)
        return F[:, 0] if self._one_column else F

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
