"""Which network and which loss fit the targets: defaults for the controls, and what replaces a choice that does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convex_core.data import Dataset
from convex_core.errors import InputError
from convex_core.losses import Loss, make_loss
from convex_core.problem import suited

from .spec import SEVERAL, has_several_outputs, reconstructs

__all__ = ["Fit", "classes", "default_loss", "default_network", "fit"]

#: Targets with more different values than this are numbers, not classes.
MAX_CLASSES = 10


@dataclass(frozen=True, slots=True)
class Fit:
    """A network, its number of outputs and a loss that take the targets, and a sentence for each change.

    The dataset is the one given, with the numbers in y as classes where the network or the loss asks for classes.
    """

    dataset: Dataset
    network: str
    outputs: int
    loss: Loss
    remarks: tuple[str, ...]


def classes(dataset: Dataset) -> int | None:
    """Number of classes, None if the targets are numbers."""
    q = dataset.classes
    return None if q is None or q > MAX_CLASSES else q


def default_network(dataset: Dataset) -> str:
    """An output for each class where there are more than two."""
    return SEVERAL if (classes(dataset) or 0) > 2 else "two-layer"


def default_loss(dataset: Dataset) -> str:
    """The softmax loss where there are more than two classes."""
    return "softmax" if (classes(dataset) or 0) > 2 else "squared"


def fit(dataset: Dataset, network: str | None, loss: Loss) -> Fit:
    """What is wanted where it fits, else the nearest that does.

    Without a `network`, on pages that offer no choice of it, it has an output for each class if the loss is the softmax
    or there are more than two classes, and one output otherwise.
    """
    if network is not None and reconstructs(network):
        return _its_own_targets(dataset, network, loss)
    several = loss.name == "softmax" if network is None else has_several_outputs(network)
    if several:
        dataset = _classified(dataset)
    q, remarks = classes(dataset), []
    if network is None:
        network = SEVERAL if loss.name == "softmax" and q is not None else default_network(dataset)
    elif has_several_outputs(network) and q is None:
        remarks.append(
            f"network: got {network} for the real targets of {dataset.name}, expected at most {MAX_CLASSES} classes; "
            "the two-layer network is used."
        )
        network = "two-layer"
    if has_several_outputs(network) and q is not None:
        if not _takes(loss, np.eye(q).ravel()):
            remarks.append(
                f"loss: got {loss.name}, for labels -1 and +1, with a network of {q} outputs, expected softmax, "
                "squared, absolute or huber; the softmax loss is used."
            )
            loss = make_loss("softmax")
        return Fit(dataset, network, q, loss, tuple(remarks))
    if loss.name == "softmax":
        remarks.append(_no_softmax(dataset, network, q))
        loss = make_loss("squared")
    dataset = suited(dataset, loss)
    try:
        loss.check_targets(dataset.y)
    except InputError as error:
        remarks.append(f"{error}; the squared loss is used.")
        loss = make_loss("squared")
    if q is not None and q > 2:
        remarks.append(
            f"The network {network} has one output, which fits the numbers 0 to {q - 1} of the classes; the network "
            f"{SEVERAL} tells them apart."
        )
    return Fit(dataset, network, 1, loss, tuple(remarks))


def _its_own_targets(dataset: Dataset, network: str, loss: Loss) -> Fit:
    """An autoencoder has an output for each entry of the input, which is any number."""
    remarks: tuple[str, ...] = ()
    if loss.name == "softmax" or not _takes(loss, np.array([0.25])):
        remarks = (f"loss: got {loss.name} with an {network}, whose targets are the inputs; the squared loss is used.",)
        loss = make_loss("squared")
    return Fit(dataset, network, dataset.d, loss, remarks)


def _classified(dataset: Dataset) -> Dataset:
    """The dataset with the numbers in y as classes, if they are few."""
    if classes(dataset) is not None or len(np.unique(dataset.y)) > MAX_CLASSES:
        return dataset
    try:
        return dataset.classified()
    except InputError:
        return dataset


def _no_softmax(dataset: Dataset, network: str, q: int | None) -> str:
    """Why the softmax loss cannot be used."""
    if q is None:
        return (
            f"loss: got softmax for the real targets of {dataset.name}, expected at most {MAX_CLASSES} classes; "
            "the squared loss is used."
        )
    return (
        f"loss: got softmax with the network {network} of one output, expected the network {SEVERAL}; "
        "the squared loss is used."
    )


def _takes(loss: Loss, y: np.ndarray) -> bool:
    try:
        loss.check_targets(y)
    except InputError:
        return False
    return True
