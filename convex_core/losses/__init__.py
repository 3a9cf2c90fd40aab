"""Convex losses: each one is a single module, and nothing else in the library knows its formula."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import InputError
from .absolute import AbsoluteLoss
from .base import Formulas, Loss
from .hinge import HingeLoss
from .huber import HuberLoss
from .logistic import LogisticLoss
from .softmax import SoftmaxLoss
from .squared import SquaredLoss

__all__ = [
    "LOSSES",
    "LOSS_OPTIONS",
    "AbsoluteLoss",
    "Formulas",
    "HingeLoss",
    "HuberLoss",
    "LogisticLoss",
    "Loss",
    "SoftmaxLoss",
    "SquaredLoss",
    "make_loss",
]

#: Every loss by the name it has on the command line and in model files.
LOSSES: dict[str, Callable[..., Loss]] = {
    "squared": SquaredLoss,
    "logistic": LogisticLoss,
    "hinge": HingeLoss,
    "absolute": AbsoluteLoss,
    "huber": HuberLoss,
    "softmax": SoftmaxLoss,
}

#: Every option that some loss has.
LOSS_OPTIONS = ("delta",)


def make_loss(name: str, **options: float | None) -> Loss:
    """The loss `name`; an option that is None is left at its default.

    Raises
    ------
    InputError
        For an unknown name, an option that the loss does not have, or a bad value.

    Examples
    --------
    >>> make_loss("huber", delta=0.5)
    HuberLoss(delta=0.5)
    >>> make_loss("hinge", delta=0.5)
    Traceback (most recent call last):
    ...
    convex_core.errors.InputError: delta: got 0.5 with the hinge loss, expected it only with the loss huber
    """
    if name not in LOSSES:
        raise InputError(f"loss: got {name!r}, expected one of {', '.join(LOSSES)}")
    given = {key: value for key, value in options.items() if value is not None}
    for key, value in given.items():
        if key not in LOSSES[name]().options:
            owners = ", ".join(other for other, make in LOSSES.items() if key in make().options)
            raise InputError(f"{key}: got {value!r} with the {name} loss, expected it only with the loss {owners}")
    return LOSSES[name](**given)
