"""Training for accuracy: the estimator of this library beside those of scikit-learn, on the same splits, none tuned.

Every contender learns on the training part of each split and is scored on its test part, once. The beta of
the library is chosen on the training part; the others have scikit-learn's defaults, but for ``C=10`` of the SVC and
more iterations where the defaults do not converge. Adam trains the library's own CNN, all of its filters free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..data.images import find_images
from ..errors import InputError
from ..progress import Budget
from .adam import AdamCNN
from .clock import Clock, Spent
from .memory import peak_memory

__all__ = ["TrainInstance", "digits", "images", "train"]

#: contenders of scikit-learn: module, class, arguments
_OTHERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "SVC": ("sklearn.svm", "SVC", {"C": 10.0}),
    "MLPClassifier": ("sklearn.neural_network", "MLPClassifier", {"max_iter": 1000, "random_state": 0}),
    "LogisticRegression": ("sklearn.linear_model", "LogisticRegression", {"max_iter": 2000}),
}
# filters and epochs of Adam
_ADAM_FILTERS, _EPOCHS = 200, 30
#: kinds of this library, by what is added to its name
_KINDS: dict[str, dict[str, Any]] = {"": {"kind": "relu"}, ", given gates": {"kind": "gated"}}


@record
@dataclass(frozen=True, slots=True)
class TrainInstance:
    """Images with their classes, and how they are split.

    Attributes
    ----------
    images : (n, H, W) or (n, H, W, C)
        Between 0 and 1.
    labels : (n,)
        Classes.
    train : int
        Samples of the training part; the others are the test part.
    splits : int
        Random splits, of seeds 0, 1, ...
    options : dict
        Further arguments of the library's estimator.
    """

    images: NDArray[np.float64]
    labels: NDArray[np.int64]
    train: int
    splits: int = 5
    options: dict[str, Any] = field(default_factory=dict)


def digits(splits: int = 5) -> TrainInstance:
    """All 1,797 digits of scikit-learn, three quarters for training."""
    from sklearn.datasets import load_digits  # slow to import: only this case pays for it

    data = load_digits()
    return TrainInstance(data.images / 16.0, data.target.astype(np.int64), 1347, splits)


def images(name: Literal["mnist", "cifar10"], n: int, train: int, splits: int = 5) -> TrainInstance:
    """The first `n` images, with all ten classes; :class:`InputError` where they are missing or fewer."""
    found = find_images(name)
    if len(found.labels) < n:
        raise InputError(f"{name}: got {len(found.labels)} images, expected at least {n}")
    return TrainInstance(np.asarray(found.images[:n], dtype=np.float64), found.labels[:n], train, splits)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a contender did on the splits.

    Attributes
    ----------
    runs : tuple of Spent
        Seconds of each fit.
    accuracy : tuple of float
        On the test part of each split.
    objective, lower : float or None
        Of the split with the largest gap, where there is a certificate.
    peak : int or None
        Largest resident memory in bytes.
    """

    runs: tuple[Spent, ...]
    accuracy: tuple[float, ...]
    objective: float | None = None
    lower: float | None = None
    peak: int | None = None

    @property
    def note(self) -> str:
        """Accuracies in words."""
        mean, least, most = np.mean(self.accuracy), min(self.accuracy), max(self.accuracy)
        return f"accuracy {mean:.4f} ({least:.4f} to {most:.4f}) on {len(self.accuracy)} splits"


def train(instance: TrainInstance, ours: str) -> dict[str, Callable[[Budget], Scores]]:
    """The contenders by name, this library's first; its name is `ours`."""
    found: dict[str, Callable[[Budget], Scores]] = {}
    for name, options in _KINDS.items():
        found[f"{ours}{name}"] = lambda budget, options=options: _ours(instance, options, budget)  # type: ignore[misc]
    found["Adam, same CNN"] = lambda budget: _adam(instance, budget)
    for name in _OTHERS:
        found[name] = lambda budget, name=name: _others(instance, name, budget)  # type: ignore[misc]
    return found


def _splits(instance: TrainInstance) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    orders = [np.random.default_rng(seed).permutation(len(instance.labels)) for seed in range(instance.splits)]
    return [(order[: instance.train], order[instance.train :]) for order in orders]


def _fitted(
    instance: TrainInstance, inputs: NDArray[np.float64], make: Callable[[], Any], budget: Budget
) -> Iterator[tuple[Any, Spent, float]]:
    """A model for each split, what its fit took, and its accuracy on the test part; fewer where the budget ends."""
    for inside, outside in _splits(instance):
        model = make()
        clock = Clock()
        model.fit(inputs[inside], instance.labels[inside])
        spent = clock.spent()
        yield model, spent, float(model.score(inputs[outside], instance.labels[outside]))
        if budget.stop() is not None:
            return


def _ours(instance: TrainInstance, options: dict[str, Any], budget: Budget) -> Scores:
    from ..estimators import ConvexCNNClassifier

    def make() -> ConvexCNNClassifier:
        return ConvexCNNClassifier(time_limit=budget.time_limit, **instance.options, **options)

    models, runs, accuracy = zip(*_fitted(instance, instance.images, make, budget), strict=True)
    worst = max((model.certificate_ for model in models), key=lambda certificate: certificate.relative_gap)
    return Scores(runs, accuracy, worst.objective, worst.lower_bound, peak_memory())


def _adam(instance: TrainInstance, budget: Budget) -> Scores:
    from ..estimators import ConvexCNNClassifier

    inputs, labels = instance.images, instance.labels
    runs, accuracy = [], []
    for inside, outside in _splits(instance):
        # one filter at one beta has the layers that the estimator makes for these images
        layers = ConvexCNNClassifier(**{**instance.options, "n_filters": 1, "beta": 1.0, "tol": 0.5})
        like = layers.fit(inputs[inside], labels[inside]).network_
        clock = Clock()
        model = AdamCNN(like, filters=_ADAM_FILTERS, epochs=_EPOCHS).fit(inputs[inside], labels[inside])
        runs.append(clock.spent())
        accuracy.append(model.score(inputs[outside], labels[outside]))
        if budget.stop() is not None:
            break
    return Scores(tuple(runs), tuple(accuracy), peak=peak_memory())


def _others(instance: TrainInstance, name: str, budget: Budget) -> Scores:
    from importlib import import_module  # slow to import: only these contenders pay for it, and not on their time

    module, kind, options = _OTHERS[name]
    make = getattr(import_module(module), kind)
    flat = instance.images.reshape(len(instance.images), -1)
    _, runs, accuracy = zip(*_fitted(instance, flat, lambda: make(**options), budget), strict=True)
    return Scores(runs, accuracy, peak=peak_memory())
