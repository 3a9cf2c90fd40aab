r"""From gradients to steps: SGD with momentum, and Adam.

With the gradient :math:`g = \tfrac{n}{b} \nabla \ell_B(\theta) + \beta \nabla \mathrm{cost}(\theta)` of the objective
itself, SGD steps along the velocity :math:`v \leftarrow \mu v + g`, and Adam along
:math:`\hat m / (\sqrt{\hat s} + 10^{-8})` with

.. math:: m \leftarrow \mu m + (1 - \mu) g, \quad s \leftarrow 0.999\, s + 0.001\, g^2, \quad
          \hat m = m / (1 - \mu^t), \quad \hat s = s / (1 - 0.999^t) .

Source: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1. Weight decay is part of the
gradient, not a step of its own (AdamW): that would minimise another objective.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .results import Optimiser

__all__ = ["StepRule", "step_rule"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AdamSettings:
    """The constants of Adam, those of its authors."""

    second_decay: float = 0.999  # of the mean of the squares, a step
    floor: float = 1e-8  # added to the root of that mean
    # default step size, as a share of what parameters have to grow to: a step moves each by about the step size
    share: float = 0.01


SETTINGS = AdamSettings()


class StepRule(Protocol):
    """Turns the gradient of a parameter (S, m, ...), in two parts, into the direction of its step, step after step."""

    def direction(self, name: str, loss: _Array, decay: _Array) -> _Array:
        """The direction for the gradient ``loss + decay``; the step is minus the step size times it."""
        ...

    def forget(self, rows: NDArray[np.bool_]) -> None:
        """Begin anew in these rows (S,), which have diverged."""
        ...


class _Momentum:
    def __init__(self, shapes: dict[str, tuple[int, ...]], momentum: float) -> None:
        self._velocity = {name: np.zeros(shape) for name, shape in shapes.items()}
        self._momentum = momentum

    def direction(self, name: str, loss: _Array, decay: _Array) -> _Array:
        velocity = self._velocity[name] = self._momentum * self._velocity[name] + loss + decay
        return velocity

    def forget(self, rows: NDArray[np.bool_]) -> None:
        for value in self._velocity.values():
            value[rows] = 0.0


class _Adam:
    def __init__(self, shapes: dict[str, tuple[int, ...]], momentum: float) -> None:
        self._first = {name: np.zeros(shape) for name, shape in shapes.items()}
        self._second = {name: np.zeros(shape) for name, shape in shapes.items()}
        self._steps = dict.fromkeys(shapes, 0)
        self._momentum = momentum

    def direction(self, name: str, loss: _Array, decay: _Array) -> _Array:
        gradient = loss + decay
        self._steps[name] += 1
        t, mu, nu = self._steps[name], self._momentum, SETTINGS.second_decay
        first = self._first[name] = mu * self._first[name] + (1.0 - mu) * gradient
        second = self._second[name] = nu * self._second[name] + (1.0 - nu) * gradient**2
        root: _Array = np.sqrt(second / (1.0 - nu**t))
        return first / (1.0 - mu**t) / (root + SETTINGS.floor)

    def forget(self, rows: NDArray[np.bool_]) -> None:
        for moments in (self._first, self._second):
            for value in moments.values():
                value[rows] = 0.0


def step_rule(optimiser: Optimiser, shapes: dict[str, tuple[int, ...]], momentum: float) -> StepRule:
    """The rule of an optimiser for parameters of these shapes, before the first step."""
    return _Adam(shapes, momentum) if optimiser == "adam" else _Momentum(shapes, momentum)
