"""A scene: the small problem that is on the screen, read from a browser that is not trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convex_core import InputError, Problem
from convex_core.architectures import EVERY_ACTIVATION

__all__ = [
    "BETAS",
    "BIASES",
    "DRAWN",
    "LOSSES",
    "MAX_PIXELS",
    "MAX_POINTS",
    "MAX_SAMPLES",
    "MAX_SIGNAL",
    "MAX_VALUE",
    "POOLINGS",
    "VIEWS",
    "Scene",
    "read_choice",
    "read_integer",
    "read_number",
    "read_numbers",
    "read_scene",
]

_Array = NDArray[np.float64]

#: Most samples; most points in the plane or on the line; longest signal; longest side of a picture.
MAX_SAMPLES, MAX_POINTS, MAX_SIGNAL, MAX_PIXELS = 12, 40, 16, 5
#: Largest magnitude of an entry or a target, and the smallest but zero.
MAX_VALUE, MIN_VALUE = 100.0, 1e-9
#: Smallest and largest beta.
BETAS = (1e-4, 1e3)
POOLINGS = ("sum", "mean", "max")
#: A neuron of maxout has two filters: it is no point of a circle or a sphere.
DRAWN = tuple(name for name in EVERY_ACTIVATION if name != "maxout")
BIASES = ("none", "regularised", "free", "output")
LOSSES = ("squared", "logistic")
#: How the data are drawn: bars, painted pixels, points in the plane, numbers on a line.
VIEWS = ("signals", "pixels", "plane", "line")
#: Entries of a direction that can be drawn: a circle, a sphere.
DIRECTIONS = (2, 3)
#: Characters of a scene's name.
MAX_NAME = 40


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Data and settings of one small problem, checked.

    Attributes
    ----------
    name : str
        Of the built-in scene it began as.
    edited : bool
        Whether it was changed since.
    X : (n, d) float64
        Samples; pixels row by row.
    y : (n,) float64
        Targets.
    shape, filter_size, stride : tuple of int
        One entry for signals, two for pixels.
    pooling, activation, slope, bias, loss, beta
        As for :class:`convex_core.Problem`; `slope` matters for the leaky ReLU alone.
    view : str
        One of :data:`VIEWS`.
    """

    name: str
    edited: bool
    X: _Array
    y: _Array
    shape: tuple[int, ...]
    filter_size: tuple[int, ...]
    stride: tuple[int, ...]
    pooling: str
    activation: str
    slope: float
    bias: str
    loss: str
    beta: float
    view: str

    def problem(self) -> Problem:
        """The training problem of the scene."""
        options: dict[str, Any] = {"pooling": self.pooling, "activation": self.activation}
        if self.activation == "leaky":
            options["slope"] = self.slope
        return Problem(
            self.X,
            self.y,
            filter_size=self.filter_size,
            stride=self.stride,
            bias=self.bias,  # type: ignore[arg-type]
            input_shape=self.shape,
            beta=self.beta,
            loss=self.loss,
            **options,
        )

    @property
    def cells_key(self) -> tuple[object, ...]:
        """What the cells depend on: neither the targets nor beta nor the loss."""
        return (self.X.tobytes(), self.X.shape, *self._settings)

    @property
    def key(self) -> tuple[object, ...]:
        """What training depends on."""
        return (*self.cells_key, self.y.tobytes(), self.loss, self.beta)

    @property
    def _settings(self) -> tuple[object, ...]:
        slope = self.slope if self.activation == "leaky" else 0.0
        return (self.shape, self.filter_size, self.stride, self.pooling, self.activation, slope, self.bias)

    def to_dict(self) -> dict[str, Any]:
        """The scene as the browser writes it."""
        return {
            "name": self.name,
            "edited": self.edited,
            "X": self.X.tolist(),
            "y": self.y.tolist(),
            "shape": list(self.shape),
            "filter": list(self.filter_size),
            "stride": list(self.stride),
            "pooling": self.pooling,
            "activation": self.activation,
            "slope": self.slope,
            "bias": self.bias,
            "loss": self.loss,
            "beta": self.beta,
            "view": self.view,
        }


def read_scene(raw: object) -> Scene:
    """The scene in what a browser or a link says.

    Raises
    ------
    InputError
        One sentence with what was got and what was expected.

    Examples
    --------
    >>> scene = read_scene({"X": [[1, 0]], "y": [1], "shape": [2], "filter": [2], "beta": 0.1})
    >>> scene.view, scene.problem().patches.shape
    ('signals', (1, 1, 2))
    """
    if not isinstance(raw, Mapping):
        raise InputError(f"scene: got {type(raw).__name__}, expected the fields of a scene")
    view = read_choice(raw.get("view", "signals"), "view", VIEWS)
    X = read_numbers(raw.get("X"), "X", ndim=2)
    n, d = X.shape
    y = read_numbers(raw.get("y"), "y", ndim=1)
    most = MAX_POINTS if view in ("plane", "line") else MAX_SAMPLES
    if n > most:
        raise InputError(f"X: got {n} samples, expected at most {most}")
    if len(y) != n:
        raise InputError(f"y: got {len(y)} targets, expected {n}, one per sample")
    shape = _lengths(raw.get("shape", [d]), "shape", (1, 2))
    axes = len(shape)
    longest = MAX_SIGNAL if axes == 1 else MAX_PIXELS
    if max(shape) > longest or math.prod(shape) != d:
        raise InputError(f"shape: got {list(shape)} for samples of {d} numbers, expected sides of at most {longest}")
    if (axes == 2) != (view == "pixels"):
        raise InputError(f"view: got {view!r} for the shape {list(shape)}, expected pixels where there are two sides")
    filter_size = _lengths(raw.get("filter"), "filter", (axes,))
    stride = _lengths(raw.get("stride", [1] * axes), "stride", (axes,))
    bias = read_choice(raw.get("bias", "none"), "bias", BIASES)
    if any(f > length for f, length in zip(filter_size, shape, strict=True)):
        raise InputError(f"filter: got {list(filter_size)}, expected no side longer than the sample's {list(shape)}")
    if any(s > length for s, length in zip(stride, shape, strict=True)):
        raise InputError(f"stride: got {list(stride)}, expected no step longer than the sample's {list(shape)}")
    entries = math.prod(filter_size)
    # a free bias is drawn beside a filter of one entry alone: each direction of others has its best one
    directions = entries + (bias == "regularised" or (bias == "free" and entries == 1))
    if directions not in DIRECTIONS:
        raise InputError(f"filter: got {directions} numbers a filter, a penalised bias included, expected 2 or 3")
    if (view == "plane" and d != 2) or (view == "line" and d != 1):
        raise InputError(f"view: got {view!r} for samples of {d} numbers, expected {2 if view == 'plane' else 1}")
    if view == "plane" and filter_size != (2,):
        raise InputError(f"filter: got {list(filter_size)}, expected [2]: a point in the plane is one patch")
    loss = read_choice(raw.get("loss", "squared"), "loss", LOSSES)
    return Scene(
        name=str(raw.get("name", ""))[:MAX_NAME],
        edited=bool(raw.get("edited", False)),
        X=X,
        y=y,
        shape=shape,
        filter_size=filter_size,
        stride=stride,
        pooling=read_choice(raw.get("pooling", "sum"), "pooling", POOLINGS),
        activation=read_choice(raw.get("activation", "relu"), "activation", DRAWN),
        slope=read_number(raw.get("slope", 0.1), "slope", -1.0, 1.0),
        bias=bias,
        loss=loss,
        beta=read_number(raw.get("beta"), "beta", *BETAS),
        view=view,
    )


def read_choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """`value`, if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name}: got {_shown(value)}, expected one of {', '.join(choices)}")
    return value


def read_number(value: object, name: str, least: float, most: float) -> float:
    """`value` as a float within bounds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most:
        raise InputError(f"{name}: got {_shown(value)}, expected a number from {least:g} to {most:g}")
    return float(value)


def read_integer(value: object, name: str, least: int, most: int) -> int:
    """`value` as a whole number within bounds; a browser has no other numbers than floats."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value <= most or value % 1:
        raise InputError(f"{name}: got {_shown(value)}, expected a whole number from {least} to {most}")
    return int(value)


def read_numbers(value: object, name: str, *, ndim: int, most: float = MAX_VALUE) -> _Array:
    """`value`, lists of numbers, as an array of moderate entries."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name}: got {_shown(value)}, expected rows of numbers") from error
    if array.ndim != ndim or not array.size:
        raise InputError(f"{name}: got an array of shape {array.shape}, expected {ndim} dimension(s) and an entry")
    size = np.abs(array)
    if not (size <= most).all():
        raise InputError(f"{name}: got {size.max():g}, expected numbers of magnitude at most {most:g}")
    array[size < MIN_VALUE] = 0.0
    array.flags.writeable = False
    return array


def _lengths(value: object, name: str, counts: tuple[int, ...]) -> tuple[int, ...]:
    if not isinstance(value, (list, tuple)) or len(value) not in counts:
        wanted = " or ".join(map(str, counts))
        raise InputError(f"{name}: got {_shown(value)}, expected a list of {wanted} whole number(s)")
    return tuple(read_integer(item, name, 1, MAX_SIGNAL) for item in value)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"
