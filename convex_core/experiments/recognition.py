"""Ten classes of images: a CNN with a pooling grid, trained over a list of filters while its bounds close.

Beside it stand two methods of scikit-learn on the pixels, logistic regression and nearest neighbours, with their
defaults. No method is tuned on the test part; beta is chosen on a quarter of the training samples.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..contracts.validation import frozen
from ..data import Dataset
from ..errors import InputError
from ..lists import ListCertificate, ListedNetwork, Moment, PathPoint
from ..numerics.threads import one_blas_thread
from ..presentation.recognised import RecognitionAnswer
from ..progress import Budget, CancelFlag, ProgressCallback
from ..status import Status

__all__ = ["Baseline", "Recognition", "RecognitionCurve", "RecognitionPoint", "recognise"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class RecognitionPoint:
    """One look at the training.

    Attributes
    ----------
    seconds : float
        Since it began.
    upper, lower : float
        Bounds on the program's value.
    beta : float
        Regularisation.
    chosen : bool
        Whether all samples are trained on at the beta that is kept; before that it is chosen.
    accuracy : float
        Share of the test samples whose class is right, with the best weights so far; nan while all are
        zero.
    """

    seconds: float
    upper: float
    lower: float
    beta: float
    chosen: bool
    accuracy: float

    @property
    def gap(self) -> float:
        """``(upper - lower) / upper``."""
        return (self.upper - self.lower) / self.upper if self.upper > 0.0 else 0.0


@record
@dataclass(frozen=True, slots=True)
class RecognitionCurve:
    """All looks at a training, (T,) each; the fields are those of :class:`RecognitionPoint`."""

    seconds: _Array
    gap: _Array
    beta: _Array
    chosen: NDArray[np.bool_]
    accuracy: _Array

    @classmethod
    def of(cls, points: list[RecognitionPoint]) -> RecognitionCurve:
        """The curve through points."""
        seconds, gap, beta, accuracy = (
            frozen(np.array([getattr(p, name) for p in points], float))
            for name in ("seconds", "gap", "beta", "accuracy")
        )
        return cls(seconds, gap, beta, frozen(np.array([p.chosen for p in points], bool)), accuracy)


@record
@dataclass(frozen=True, slots=True)
class Baseline:
    """Another method on the same images.

    Attributes
    ----------
    name : str
        What it is.
    accuracy : float
        On the test part.
    seconds : float
        Of training and testing.
    """

    name: str
    accuracy: float
    seconds: float


@record
@dataclass(frozen=True, slots=True, repr=False)
class Recognition(RecognitionAnswer):
    """A network for several classes, how it came about, and what it says about the test part.

    Attributes
    ----------
    data : Dataset
        Training and test images.
    network : ListedNetwork
        With an output for each of the classes `classes`.
    certificate : ListCertificate
        Both bounds over the list, in double precision from the data.
    status : Status
        How training ended.
    path : tuple of PathPoint
        Values of beta that were tried.
    curve : RecognitionCurve
        Bounds and accuracy as they went.
    classes : (q,) int64
        Classes that the training part has, as numbers in ``data.labels``.
    scores : (nt, q) float64
        Outputs for the test part.
    baselines : tuple of Baseline
        Those that there was time for.
    seconds : float
        Of training, its certificate included.
    seed : int
        Of the list and of the samples that beta is chosen on.
    directions : (P, h) float64
        The list.
    loss : str
        Name of the loss.
    tol : float
        Relative gap that was wanted.
    """

    data: Dataset
    network: ListedNetwork
    certificate: ListCertificate
    status: Status
    path: tuple[PathPoint, ...]
    curve: RecognitionCurve
    classes: NDArray[np.int64]
    scores: _Array
    baselines: tuple[Baseline, ...]
    seconds: float
    seed: int
    directions: _Array
    loss: str
    tol: float

    def __repr__(self) -> str:
        return (
            f"Recognition({self.data.name}, {self.accuracy:.1%} of {len(self.scores)}, gap "
            f"{self.certificate.relative_gap:.1e} over {self.certificate.listed} filters, {self.seconds:.2f} s)"
        )

    @property
    def truth(self) -> NDArray[np.int64]:
        """Classes (nt,) of the test part, as numbers in ``data.labels``."""
        y = self.data.numbered().y_test
        return np.zeros(0, np.int64) if y is None else y.astype(np.int64)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all classes of the data."""
        q = self.data.classes or 0
        return self.data.labels if self.data.labels is not None else tuple(map(str, range(q)))

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Classes (nt,) that the network says."""
        return self.said(self.scores)

    @property
    def accuracy(self) -> float:
        """Share of the test part whose class is right; nan without one."""
        return float(np.mean(self.predicted == self.truth)) if len(self.scores) else float("nan")

    @property
    def wrong(self) -> NDArray[np.int64]:
        """Test samples (places) whose class is wrong."""
        return np.flatnonzero(self.predicted != self.truth)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """Test samples by true class (rows) and the class that the network says (columns)."""
        counts = np.zeros((len(self.names),) * 2, np.int64)
        np.add.at(counts, (self.truth, self.predicted), 1)
        return counts

    def said(self, scores: _Array) -> NDArray[np.int64]:
        """Classes (n,) for outputs (n, q); of a single output the sign."""
        return np.asarray(self.classes[_places(scores)])

    def to_dict(self) -> dict[str, Any]:
        """What there is to say, as JSON fields."""
        c = self.certificate
        return {
            "data": self.data.description,
            "accuracy": self.accuracy,
            "test_images": len(self.scores),
            "objective": c.objective,
            "lower_bound": c.lower_bound,
            "relative_gap": c.relative_gap,
            "scope": c.scope.value,
            "listed_filters": c.listed,
            "price_of_others": None if c.looked == 0 else c.price,
            "beta": c.beta,
            "status": self.status.value,
            "filters": self.network.m,
            "seconds": self.seconds,
            "seed": self.seed,
            "confusion": self.confusion.tolist(),
            "baselines": [{"name": b.name, "accuracy": b.accuracy, "seconds": b.seconds} for b in self.baselines],
            "curve": {
                "seconds": self.curve.seconds.tolist(),
                "relative_gap": self.curve.gap.tolist(),
                "beta_chosen": self.curve.chosen.tolist(),
                "accuracy": self.curve.accuracy.tolist(),
            },
        }


def recognise(
    data: Dataset,
    *,
    filters: int = 200,
    beta: float | None = None,
    loss: str = "squared",
    tol: float = 1e-3,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
    seen: Callable[[RecognitionPoint], None] | None = None,
) -> Recognition:
    """Train on the classes of a dataset and look at its test part, the solver being that of the estimators.

    Parameters
    ----------
    data : Dataset
        Images with classes, and a test part.
    filters : int
        Length of the list.
    beta : float, optional
        Regularisation; chosen on a quarter of the training samples if it is not given.
    loss : str
        As for :class:`~convex_core.ConvexCNNClassifier`.
    tol : float
        Relative gap.
    seed : int
        Of the list and of the samples that beta is chosen on.
    time_limit, cancel, progress
        As for :func:`convex_core.solve`; the network so far is kept, with valid bounds.
    seen : callable, optional
        Gets a :class:`RecognitionPoint` at each look at the bounds.

    Raises
    ------
    InputError
        If the targets are no classes, or there is no test part.

    Examples
    --------
    >>> from convex_core import load_dataset
    >>> data = load_dataset("digits", classes="all", n=200, n_test=100, pool=1)
    >>> found = recognise(data, filters=40, beta=1.0)
    >>> found.accuracy > 0.8, found.certificate.relative_gap <= 1e-3, len(found.baselines), len(found.names)
    (True, True, 2, 10)
    """
    from ..estimators import ConvexCNNClassifier  # slow to import: scikit-learn comes with it

    data = data.numbered()
    if data.classes is None:
        raise InputError(f"data: got the targets of {data.name}, expected classes")
    if data.X_test is None or data.y_test is None:
        raise InputError(f"data: got no test part in {data.name}, expected one")
    points: list[RecognitionPoint] = []
    watcher = _Watcher(data, points, seen)
    shape = data.input_shape
    images, tests = (A.reshape(len(A), *shape) for A in (data.X, data.X_test))
    model = ConvexCNNClassifier(
        input_shape=shape,
        kind="relu",
        n_filters=filters,
        beta="auto" if beta is None else beta,
        loss=loss,
        tol=tol,
        time_limit=time_limit,
        random_state=seed,
    )
    began = time.perf_counter()
    model.fit(images, data.y, cancel=cancel, progress=progress, watch=watcher)
    seconds = time.perf_counter() - began
    classes = model.classes_.astype(np.int64)
    stopped = cancel is not None and cancel.is_set()
    return Recognition(
        data,
        model.network_,
        model.certificate_,
        model.status_,
        model.path_,
        RecognitionCurve.of(points),
        frozen(classes),
        frozen(model.network_.outputs(tests.reshape(len(tests), -1))),
        () if stopped else _baselines(data, cancel),
        seconds,
        seed,
        model.directions_,
        loss,
        tol,
    )


def _places(scores: _Array) -> NDArray[np.int64]:
    """Places (n,) of the classes that outputs (n, q) say; of a single output by its sign."""
    return scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0.0).astype(np.int64)


class _Watcher:
    """Measures the accuracy on the test part at each moment; its columns are computed once for each list."""

    def __init__(
        self, data: Dataset, points: list[RecognitionPoint], seen: Callable[[RecognitionPoint], None] | None
    ) -> None:
        assert data.X_test is not None
        assert data.y_test is not None
        self.X, self.y, self.points, self.seen = data.X_test, data.y_test, points, seen
        self.classes = np.unique(data.y)
        self.features: Any = None
        self.columns: NDArray[np.floating] = np.zeros((0, 0))

    def __call__(self, moment: Moment) -> None:
        if moment.features is not self.features:
            self.features = moment.features
            self.columns = moment.features.all(self.X, np.float32, Budget())
        right = float("nan")
        if moment.weights.any():
            right = float(np.mean(self.classes[_places(moment.outputs(self.columns))] == self.y))
        point = RecognitionPoint(moment.seconds, moment.upper, moment.lower, moment.beta, moment.chosen, right)
        self.points.append(point)
        if self.seen is not None:
            self.seen(point)


@one_blas_thread()
def _baselines(data: Dataset, cancel: CancelFlag | None) -> tuple[Baseline, ...]:
    """Two methods of scikit-learn on the pixels, with their defaults."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    k = min(5, data.n)
    found = []
    for name, model in (
        (f"{k} nearest neighbours", KNeighborsClassifier(k)),
        ("logistic regression", LogisticRegression()),
    ):
        if cancel is not None and cancel.is_set():
            break
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # its 100 iterations are its default
            model.fit(data.X, data.y)
        accuracy = float(model.score(data.X_test, data.y_test))
        found.append(Baseline(name, accuracy, time.perf_counter() - began))
    return tuple(found)
