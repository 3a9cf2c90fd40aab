r"""Activations with two slopes: ReLU, leaky ReLU, absolute value, residual.

.. math:: \sigma(t) = a\, t \text{ for } t \ge 0, \qquad b\, t \text{ for } t < 0 .

On the cell of a pattern D a neuron is linear with the gate :math:`a D + b (I - D)` in place of D; cells, cones, penalty
and the map back to a network do not know the slopes. Against a dual vector v an atom of sum pooling is
:math:`v^T \sigma(X u) = (a - b) \sum_i v_i (x_i^T u)_+ + b\, v^T X u`: a sum of ReLUs and a linear term.

What counts as active at zero is decided here and nowhere else: :math:`D = 1[t \ge 0]`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..errors import InputError

__all__ = ["ACTIVATIONS", "EVERY_ACTIVATION", "RELU", "Activation", "make_activation"]

_Array = NDArray[np.float64]

#: Every activation of two slopes by name, with a sentence.
ACTIVATIONS: dict[str, str] = {
    "relu": "max(t, 0)",
    "leaky": "t above zero, slope times t below",
    "absolute": "|t|",
    "residual": "t + max(t, 0), a ReLU beside a skip connection",
}
#: Those, and the ones that are not made of two slopes, which are networks of their own.
EVERY_ACTIVATION: dict[str, str] = {
    **ACTIVATIONS,
    "quadratic": "t squared; one cell, filters of any size",
    "maxout": "the larger of two filters' responses",
    "threshold": "1 where t is not negative, else 0; a lasso over the cells",
}
_SLOPES = {"relu": (1.0, 0.0), "absolute": (1.0, -1.0), "residual": (2.0, 1.0)}
_LEAK = 0.1


@record
@dataclass(frozen=True, slots=True)
class Activation:
    """The function of the module's formula.

    Attributes
    ----------
    name : str
        A key of :data:`ACTIVATIONS`.
    above, below : float
        Slopes a and b.

    Examples
    --------
    >>> leaky = make_activation("leaky", slope=0.5)
    >>> leaky(np.array([2.0, -2.0])), leaky.gate(np.array([2.0, -2.0, 0.0]))
    (array([ 2., -1.]), array([1. , 0.5, 1. ]))
    """

    name: str
    above: float
    below: float

    @property
    def options(self) -> dict[str, str | float]:
        """What rebuilds it, as options of an architecture; nothing for the ReLU."""
        if self.name == "relu":
            return {}
        return {"activation": self.name} | ({"slope": self.below} if self.name == "leaky" else {})

    @property
    def plain(self) -> bool:
        """Whether a gate is 1 or 0, so that bits say it."""
        return (self.above, self.below) == (1.0, 0.0)

    @property
    def even(self) -> bool:
        """Whether t and -t give the same."""
        return self.above == -self.below

    @property
    def gain(self) -> float:
        """``|a - b| + |b|``: at least each slope, and the jump between them."""
        return abs(self.above - self.below) + abs(self.below)

    def __call__(self, t: _Array) -> _Array:
        """``sigma(t)``, entry by entry."""
        if self.plain:
            return np.maximum(t, 0.0)
        # no product with a gate: t may be large and the slope zero
        value: _Array = np.where(t >= 0.0, self.above * t, self.below * t)
        return value

    def active(self, t: _Array) -> NDArray[np.bool_]:
        """``1[t >= 0]``."""
        active: NDArray[np.bool_] = t >= 0.0
        return active

    def gate(self, t: _Array) -> _Array:
        """Slope at t; at zero the one above."""
        return np.where(self.active(t), self.above, self.below)

    def gates(self, active: NDArray[np.bool_]) -> NDArray[Any]:
        """Slopes of what is `active` or not, as the bits themselves where these say it."""
        return active if self.plain else np.where(active, self.above, self.below)

    # -- as text, LaTeX and Python
    def text(self, t: str) -> str:
        """``sigma(t)`` as text."""
        return f"({t})_+" if self.plain else f"sigma({t})"

    def latex(self, t: str) -> str:
        r"""``\sigma(t)`` as LaTeX."""
        return f"({t})_+" if self.plain else rf"\sigma({t})"

    def python(self, t: str) -> str:
        """``sigma(t)`` as a numpy expression."""
        if self.plain:
            return f"np.maximum({t}, 0.0)"
        return f"{self.above - self.below!r} * np.maximum({t}, 0.0) + {self.below!r} * ({t})"

    def gated(self, D: str) -> str:
        """The gate of a pattern `D` of zeros and ones, as a Python expression."""
        return D if self.plain else f"({self.below!r} + {self.above - self.below!r} * {D})"

    @property
    def title(self) -> str:
        """Its name in a title."""
        return {"relu": "ReLU", "leaky": "leaky ReLU", "absolute": "absolute-value"}.get(self.name, self.name)

    @property
    def definition(self) -> str:
        """What the text calls sigma; empty for the ReLU."""
        return "" if self.plain else f"sigma(t) = {_times(self.above, 't')} for t >= 0, {_times(self.below, 't')} below"

    @property
    def gate_definition(self) -> str:
        """What the text of a program calls S, after a comma; empty for the ReLU."""
        if self.plain:
            return ""
        return f", S_ik = {_times(self.above, 'D_ik')} + {_times(self.below, '(I - D_ik)')}"

    @property
    def latex_definition(self) -> str:
        r"""What the LaTeX calls :math:`\sigma`; empty for the ReLU."""
        above, below = (_times(slope, "t", r"\,") for slope in (self.above, self.below))
        return "" if self.plain else rf"\sigma(t) = {above}\ (t\ge 0),\ {below}\ (t<0)"

    @property
    def latex_gate_definition(self) -> tuple[str, ...]:
        """What the LaTeX of a program calls S; nothing for the ReLU."""
        above, below = _times(self.above, "D_{i,k}", r"\,"), _times(self.below, "(I-D_{i,k})", r"\,")
        return () if self.plain else (rf"S_{{i,k}} = {above} + {below}",)


def _times(slope: float, t: str, times: str = " ") -> str:
    return {1.0: t, -1.0: f"-{t}", 0.0: "0"}.get(slope, f"{slope:g}{times}{t}")


#: The activation of the paper.
RELU = Activation("relu", 1.0, 0.0)


def make_activation(name: str = "relu", slope: float | None = None) -> Activation:
    """The activation `name`.

    Parameters
    ----------
    name : str
        A key of :data:`ACTIVATIONS`.
    slope : float, optional
        Of the leaky ReLU below zero, from -1 to 1, by default 0.1; 0 is the ReLU, 1 no activation at all.

    Raises
    ------
    InputError
        For an unknown name, a slope out of range, or one with another activation.

    Examples
    --------
    >>> make_activation("absolute")(np.array([-2.0, 3.0]))
    array([2., 3.])
    """
    if name not in ACTIVATIONS:
        raise InputError(f"activation: got {name!r}, expected one of {', '.join(ACTIVATIONS)}")
    if name == "leaky":
        below = _LEAK if slope is None else slope
        if isinstance(below, bool) or not isinstance(below, (int, float)) or not math.isfinite(below) or abs(below) > 1:
            raise InputError(f"slope: got {slope!r}, expected a number from -1 to 1")
        return Activation(name, 1.0, float(below))
    if slope is not None:
        raise InputError(f"slope: got {slope!r} with the activation {name!r}, expected it only with leaky")
    return RELU if name == "relu" else Activation(name, *_SLOPES[name])
