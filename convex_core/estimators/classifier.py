"""The classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from ..errors import InputError
from ..lists.moments import Watch
from ..lists.weighted import WeightedLoss
from ..losses import Loss
from ..networks.classes import predicted_classes
from ..progress import CancelFlag, ProgressCallback
from .base import ConvexCNN, weights_of
from .samples import class_targets

__all__ = ["ConvexCNNClassifier"]

_Array = NDArray[np.float64]


def _tells_probabilities(estimator: Any) -> bool:
    name = estimator.loss if isinstance(estimator.loss, str) else estimator.loss.name
    if name in ("softmax", "logistic"):
        return True
    raise AttributeError(f"predict_proba: got the loss {name}, expected softmax or logistic")


class ConvexCNNClassifier(ClassifierMixin, ConvexCNN):  # type: ignore[misc]
    r"""A CNN with a pooling grid, trained to a certified gap by convex optimisation.

    .. math:: f_o(X) = b_o + \sum_j \sum_r \text{mean}_{k \in r}\, (x_k^T u_j)_+\, w_{jro}, \qquad
              \min \; \ell(f, Y) + \tfrac\beta2 \sum_j (\|u_j\|_2^2 + \|w_j\|^2)

    over filters that are drawn from the data's patches (or behind drawn gates): a convex program, solved to the
    relative gap `tol` **over that list**, as ``scope_`` says. There is nothing to tune: beta is chosen on a quarter
    of the training samples. Neither their order nor repetition matters: a weight of two is the sample twice.

    Parameters
    ----------
    input_shape : sequence of int, optional
        (d,), (H, W) or (H, W, C) of samples that are given flat; images (n, H, W) and (n, H, W, C) have their own.
    filter_size : int or sequence of int, optional
        By default a third of an image's shorter side, odd, 3 to 9; the whole of a short signal or a table's row.
    stride : int, sequence of int or "auto"
        Of the filters; ``auto`` is 1, or 2 for images where that would take more than 1e11 products.
    padding : {"auto", "valid", "zero", "circular"}
        ``auto`` is zero padding for images, none for signals.
    pooling_grid : int or sequence of int, optional
        Regions along each axis; by default 4, or 3 where there are fewer than 16 windows.
    kind : {"auto", "relu", "gated", "global"}
        Given filters; given gates; every filter (no free bias, short filters); ``auto`` is the last where
        it can be certified in the time there is, else the first.
    n_filters : int or "auto"
        Length of the list: 200 filters, or 40 gates.
    beta : float or "auto"
        Regularisation; nothing is divided by the number of samples.
    loss : str or Loss
        ``squared``, ``softmax``, ``logistic``, ``hinge``, ``huber``, ``absolute``. Two classes have one output with
        targets -1 and +1, but for softmax; hinge and logistic take one class against all others.
    bias : {"free", "regularised", "none"}
        Of the outputs.
    tol : float
        Relative gap.
    max_rounds : int
        Rounds of training at the final beta; from the second on the list grows by ascent of the prices.
    time_limit : float, optional
        Seconds; then the best network so far is kept, with valid bounds.
    random_state : int, RandomState or None
        Of the list and the hold-out.

    Attributes
    ----------
    network_ : ListedNetwork or Network
        The trained network; it carries the whitening of its patches.
    certificate_ : ListCertificate or Certificate
        Both bounds, computed anew from the data.
    scope_ : Scope
        ``restricted``: exact over the list; ``global``: over every filter.
    gap_ : float
        ``(objective - lower bound) / objective``.
    status_ : Status
        How training ended.
    beta_ : float
        Given or chosen.
    path_ : tuple of PathPoint
        Values of beta that were tried.
    filters_ : (m, *filter shape)
        Filters of patches that are not whitened, without their biases.
    directions_ : (P, h)
        The list, of whitened patches; only where training was over one.
    classes_ : (q,)
        As in y, sorted.
    n_features_in_, n_iter_ : int
        Entries of a sample; iterations of the final program.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> model = ConvexCNNClassifier(input_shape=(8, 8), n_filters=50, beta=0.5).fit(X[:300] / 16, y[:300])
    >>> model.score(X[300:600] / 16, y[300:600]) > 0.85, model.scope_.value, model.gap_ <= 1e-3
    (True, 'restricted', True)
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
    ) -> ConvexCNNClassifier:
        """Train on `X` (n, d), (n, H, W) or (n, H, W, C) with the classes `y` (n,).

        Parameters
        ----------
        X, y, sample_weight : array_like
            Samples, their classes, and how much each counts (n,).
        cancel, progress
            As for :func:`convex_core.solve`; after a cancel the best network so far is kept, with valid bounds.
        watch : callable, optional
            Called every few iterations with a ``convex_core.lists.Moment``: both bounds, and the best weights so far.

        Raises
        ------
        InputError
            For data or parameters that do not fit; scikit-learn's own errors for what is no array of numbers.
        """
        inputs, labels = self._inputs(X, y, fit=True)
        labels = column_or_1d(labels, warn=True)
        check_classification_targets(labels)
        weight = weights_of(sample_weight, len(inputs))
        used = weight > 0.0
        self.classes_ = np.unique(labels[used])
        if len(self.classes_) < 2:
            raise InputError(f"y: got one class, {self.classes_[0]!r}, expected at least two classes")
        loss = self._made_loss()
        Y = class_targets(np.searchsorted(self.classes_, labels[used]), len(self.classes_), loss.name)
        if not used.all():
            inputs, weight = inputs[used], weight[used]
        self._train(inputs, Y, weight, loss, _mistakes(loss), cancel, progress, watch)
        return self

    def decision_function(self, X: ArrayLike) -> _Array:
        """Outputs (n, q); for two classes one number (n,), positive for the second."""
        F = self._outputs(X)
        if len(self.classes_) > 2:
            return F
        return np.asarray(F[:, 1] - F[:, 0] if F.shape[1] == 2 else F[:, 0])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Classes (n,)."""
        F = self.decision_function(X)
        place = F.argmax(axis=1) if F.ndim == 2 else (F > 0.0).astype(np.int64)
        return np.asarray(self.classes_[place])

    @available_if(_tells_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike) -> _Array:
        """Probabilities (n, q), with the softmax and the logistic loss.

        Of one class against all others the logistic ones are divided by their sum.
        """
        check_is_fitted(self)
        F = self._outputs(X)
        if self._made_loss().name == "softmax":
            return np.asarray(softmax(F, axis=1))
        P = np.asarray(expit(F))
        if F.shape[1] == 1:
            return np.concatenate([1.0 - P, P], axis=1)
        return np.asarray(P / np.maximum(P.sum(axis=1, keepdims=True), 1e-300))

    @available_if(_tells_probabilities)  # type: ignore[untyped-decorator]
    def predict_log_proba(self, X: ArrayLike) -> _Array:
        """Logarithms of :meth:`predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X)))


def _mistakes(loss: Loss) -> Any:
    """Share of wrong classes, and the loss for those that are equal in it."""

    def measure(F: _Array, Y: _Array, weight: _Array) -> tuple[float, float]:
        if F.shape[1] == 1:
            wrong = predicted_classes(F[:, 0]) != np.sign(Y[:, 0])
        else:
            wrong = F.argmax(axis=1) != Y.argmax(axis=1)
        return float(weight @ wrong / weight.sum()), WeightedLoss(loss, Y, weight).value(F)

    return measure
