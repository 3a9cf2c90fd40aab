"""The scenes one can begin with: small problems, each chosen because it shows one thing at first sight.

The numbers were found by search or drawn once and rounded. What the texts say of an optimum or of a training run is
checked by the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from convex_core import InputError

from .scene import Scene, read_scene

__all__ = ["FIRST", "SCENES", "BuiltIn", "built_in", "listed"]


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A scene with its title, and a sentence or two that say what to look at."""

    title: str
    text: str
    scene: Mapping[str, Any]


def _signals(X: list[list[float]], y: list[float], filter_size: int, beta: float, **other: Any) -> dict[str, Any]:
    return {"X": X, "y": y, "shape": [len(X[0])], "filter": [filter_size], "stride": [1], "beta": beta, **other}


def _pixels(X: list[str], y: list[float], filter_size: list[int], beta: float, **other: Any) -> dict[str, Any]:
    """Pictures as five rows of five letters, an x for a pixel of one."""
    rows = [[float(letter == "x") for letter in picture.replace(" ", "")] for picture in X]
    shape = {"shape": [5, 5], "filter": filter_size, "stride": [1, 1], "view": "pixels"}
    return {"X": rows, "y": y, "beta": beta, **shape, **other}


_LYING_AND_STANDING = [
    "..... xxxxx ..... ..... .....",
    "..... ..... ..... xxxxx .....",
    "..... ..... .xxx. ..... .....",
    ".x... .x... .x... .x... .x...",
    "....x ....x ....x ....x ....x",
    "..... ..x.. ..x.. ..x.. .....",
]

_SCENES = {
    "trap": BuiltIn(
        "SGD trap",
        "Four samples, filters of two numbers. The convex program finds the best network there is; gradient descent "
        "gets stuck above it from every one of its eight starts. Press Play.",
        _signals(
            [[0.6, 2.0, 1.5, 1.0], [0.1, -1.3, 1.1, -0.5], [0.3, -0.7, 0.5, -2.0], [-1.2, 1.7, -0.7, -1.2]],
            [0.3, -0.7, 0.8, 0.9],
            2,
            0.16,
        ),
    ),
    "deep": BuiltIn(
        "Deep trap",
        "Most starts end far above the optimum, and momentum does not help: the filters that are missing lie in cells "
        "that no neuron was born near.",
        _signals(
            [[-0.7, -0.7, 0.7, -0.4], [-0.1, 0.1, -1.8, 0.2], [-0.8, -0.2, 0.8, 1.6], [0.5, -0.5, -1.1, -0.1]],
            [1.0, 1.0, -1.0, -1.0],
            2,
            0.21,
        ),
    ),
    "one": BuiltIn(
        "One sample",
        "A single sample, and a single filter is best. Even here gradient descent can miss it: a neuron that starts "
        "where nothing fires never turns.",
        _signals([[-0.6, -0.1, 0.0, 0.3, -0.5, 0.0]], [1.0], 2, 0.5),
    ),
    "edge": BuiltIn(
        "Edge or no edge",
        "Is there a step in the signal? The two large filters are edge detectors, one for each way; the two small ones "
        "say no where the signal is flat.",
        _signals(
            [
                [0.0, 0.0, 0.0, 1.0, 1.0, 1.0],
                [1.0, 1.0, 1.0, 0.0, 0.0, 0.0],
                [0.0, 2.0, 2.0, 2.0, 2.0, 2.0],
                [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
                [2.0, 2.0, 2.0, 2.0, 2.0, 2.0],
                [-1.0, -1.0, -1.0, -1.0, -1.0, -1.0],
            ],
            [1.0, 1.0, 1.0, -1.0, -1.0, -1.0],
            2,
            0.2,
        ),
    ),
    "motifs": BuiltIn(
        "Two motifs",
        "One-two or two-one, anywhere in the signal. One filter for each motif tells all eight samples apart.",
        _signals(
            [
                [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0],
                [0.0, 0.0, 0.0, 0.0, 2.0, 1.0, 0.0],
                [0.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0],
                [0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0],
                [0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0],
            ],
            [1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0],
            2,
            0.3,
        ),
    ),
    "copies": BuiltIn(
        "Shifted copies",
        "Why convolution: one motif at five places. One filter reads it wherever it stands, so five samples have no "
        "more cells than one.",
        _signals(
            [
                [0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0, 0.0],
                [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0],
            ],
            [1.0, 1.0, 1.0, 1.0, 1.0],
            2,
            0.3,
        ),
    ),
    "dial": BuiltIn(
        "Filters die",
        "Five filters. Raise β: whole filters die, all their entries at once, until none is left. The penalty is a "
        "group lasso.",
        _signals(
            [
                [-1.6, 1.6, 0.3, 2.0, 1.3],
                [0.8, 1.4, -1.1, 0.8, -0.7],
                [-0.2, -1.2, -1.3, -0.4, -0.8],
                [1.6, -0.4, -1.6, 1.1, -1.2],
                [0.2, 0.2, -2.0, -1.7, 0.6],
                [-0.7, -0.9, 0.2, -0.1, 1.5],
            ],
            [1.0, -1.0, 1.0, -1.0, 1.0, -1.0],
            2,
            0.18,
        ),
    ),
    "anywhere": BuiltIn(
        "Is it anywhere?",
        "Up and down again, hidden in noise. Max pooling keeps the best patch of each sample alone, and the program is "
        "still convex and exact.",
        _signals(
            [
                [1.5, -1.5, -0.6, 0.4, -0.5, -0.5, 0.6],
                [-0.1, -0.2, -0.5, 1.5, -1.5, 0.0, -0.6],
                [-0.4, -0.3, -0.1, -0.2, 0.1, 1.5, -1.5],
                [0.6, -0.5, -0.3, 0.1, 0.3, -0.5, -0.4],
                [-0.1, 0.2, 0.5, 0.4, 0.4, -0.5, 0.6],
                [0.1, -0.5, -0.3, 0.1, -0.1, -0.1, 0.4],
            ],
            [1.0, 1.0, 1.0, -1.0, -1.0, -1.0],
            2,
            0.2,
            pooling="max",
        ),
    ),
    "sphere": BuiltIn(
        "Trap on the sphere",
        "Filters of three numbers are directions on a sphere, drawn as two discs. The dual function is a landscape "
        "now, and its ceiling a contour.",
        _signals(
            [
                [0.7, 1.5, -0.4, 1.6, -0.4, 0.0],
                [0.6, -1.1, -1.8, -1.3, -1.4, -1.3],
                [-0.4, -1.3, -1.0, 0.7, -0.2, -0.9],
                [-0.1, -1.5, -1.7, 0.8, -0.6, -2.0],
                [1.7, 0.7, -0.6, 1.5, -0.4, 1.1],
            ],
            [-0.6, 0.5, -1.2, 0.6, 0.5],
            3,
            0.42,
        ),
    ),
    "talk": BuiltIn(
        "The talk's signals",
        "Six random signals of fifteen numbers, rounded and cut to [−2, 2]; filters of three with steps of three, so "
        "that the sphere can be seen.",
        _signals(
            [
                [0.1, -0.1, 0.6, 0.1, -0.5, 0.4, 1.3, 0.9, -0.7, -1.3, -0.6, 0.0, -2.0, -0.2, -1.2],
                [-0.7, -0.5, -0.3, 0.4, 1.0, -0.1, 1.4, -0.7, 0.4, 0.9, 0.1, -0.7, -0.9, -0.5, 0.2],
                [-1.0, -0.2, -0.2, 0.5, 0.2, 0.4, -0.7, -0.1, 0.8, 1.5, -1.3, 1.5, 1.3, 0.8, 0.3],
                [-0.3, 1.5, 2.0, 1.8, 1.3, 0.4, -1.2, 0.0, 0.7, -1.3, 0.4, 0.4, 0.7, -1.2, -0.7],
                [-0.4, -1.2, 1.7, -0.5, 0.3, -0.3, 1.6, 1.3, 0.6, -2.0, 0.1, 0.7, 1.0, -0.6, 1.8],
                [-1.3, -0.7, 0.9, 0.0, 2.0, 0.2, -0.6, -0.4, -1.1, -1.3, 0.6, 0.6, 1.3, -0.8, 1.7],
            ],
            [-0.3, 1.6, -0.4, -0.7, 0.2, 1.0],
            3,
            0.3,
            stride=[3],
        ),
    ),
    "xor": BuiltIn(
        "Points: exclusive or",
        "One patch a sample is a fully connected network. Four filters, one for each corner, and the function is drawn "
        "over the plane.",
        _signals(
            [
                [0.6, 1.0], [1.4, 1.0], [1.3, 1.7], [1.1, 0.9], [-1.2, -0.8], [-1.1, -1.1], [-1.0, -0.8], [-1.3, -1.5],
                [0.3, -0.6], [1.0, -0.5], [1.0, -1.2], [1.1, -1.0], [-1.4, 0.7], [-0.5, 1.1], [-0.9, 0.9], [-1.2, 1.3],
            ],
            [1.0] * 8 + [-1.0] * 8,
            2,
            1.0,
            view="plane",
        ),
    ),
    "circle": BuiltIn(
        "Points: inside and outside",
        "With a bias a filter folds the plane along any line. One that fires everywhere is cut down by the others from "
        "all sides.",
        _signals(
            [
                [0.5, 0.0], [0.2, 0.4], [-0.2, 0.4], [-0.3, 0.0], [-0.3, -0.6], [0.3, -0.5],
                [1.6, 0.0], [1.3, 1.1], [0.3, 1.6], [-0.8, 1.3], [-1.6, 0.6], [-1.5, -0.5], [-0.8, -1.3], [0.3, -1.5],
                [1.3, -1.1],
            ],
            [1.0] * 6 + [-1.0] * 9,
            2,
            0.5,
            view="plane",
            bias="regularised",
        ),
    ),
    "moons": BuiltIn(
        "Points: two moons",
        "Two classes with the logistic loss. Drag a point across, and the border follows.",
        _signals(
            [
                [0.6, -0.3], [0.5, 0.2], [0.2, 0.6], [-0.1, 0.9], [-0.6, 0.9], [-1.1, 0.9], [-1.6, 0.5], [-1.9, 0.2],
                [-1.9, -0.3],
                [-0.6, 0.3], [-0.5, -0.2], [-0.2, -0.6], [0.1, -0.8], [0.7, -1.0], [1.0, -0.9], [1.6, -0.6],
                [1.8, -0.3], [1.9, 0.4],
            ],
            [1.0] * 9 + [-1.0] * 9,
            2,
            0.1,
            view="plane",
            bias="regularised",
            loss="logistic",
        ),
    ),
    "line": BuiltIn(
        "A line of numbers",
        "One number a sample, and a bias. The network is a piecewise linear function; it bends where a filter crosses "
        "zero, and nowhere else.",
        _signals(
            [[-2.0], [-1.6], [-1.1], [-0.7], [-0.3], [0.1], [0.5], [0.9], [1.4], [1.9]],
            [0.4, 0.9, 1.2, 0.3, -0.6, -0.8, -0.2, 0.9, 1.1, 0.2],
            1,
            0.05,
            view="line",
            bias="regularised",
        ),
    ),
    "spline": BuiltIn(
        "A spline",
        "The same numbers, and biases that cost nothing: training fits a spline of straight pieces. Every knot is "
        "at one of the numbers, none between them.",
        _signals(
            [[-2.0], [-1.6], [-1.1], [-0.7], [-0.3], [0.1], [0.5], [0.9], [1.4], [1.9]],
            [0.4, 0.9, 1.2, 0.3, -0.6, -0.8, -0.2, 0.9, 1.1, 0.2],
            1,
            0.2,
            view="line",
            bias="free",
        ),
    ),
    "staircase": BuiltIn(
        "A staircase",
        "Thresholds: a filter says one or nothing, the function is a staircase, training a lasso. The slope of a step "
        "is zero, so gradient descent cannot move one. Press Play.",
        _signals(
            [[-2.0], [-1.6], [-1.1], [-0.7], [-0.3], [0.1], [0.5], [0.9], [1.4], [1.9]],
            [0.9, 1.1, 1.0, -0.9, -1.0, -1.1, -0.8, 0.4, 0.6, 0.5],
            1,
            0.3,
            view="line",
            bias="regularised",
            activation="threshold",
        ),
    ),
    "square": BuiltIn(
        "Points: one square",
        "With squares exclusive or needs one filter: along one diagonal its square is large, along the other it is "
        "zero. There is a single cell, and the curve is smooth.",
        _signals(
            [
                [0.8, 1.1], [0.5, 1.2], [1.3, 0.9], [1.1, 1.1], [-1.1, -1.3], [-1.6, -0.6], [-1.0, -0.2], [-0.8, -0.9],
                [0.6, -0.4], [0.6, -0.3], [0.7, -0.7], [0.3, -0.1], [-0.8, 0.7], [-0.6, 0.5], [-0.6, 0.4], [-0.6, 0.5],
            ],
            [1.0] * 8 + [-1.0] * 8,
            2,
            1.0,
            view="plane",
            bias="output",
            activation="quadratic",
        ),
    ),
    "folds": BuiltIn(
        "Points: free folds",
        "A bias that costs nothing: a filter folds the plane at any distance at the same price, and the best folds run "
        "through a point. The directions stay on a circle.",
        _signals(
            [[0.2, 0.3], [-0.4, -0.1], [0.3, -0.5], [1.6, 0.2], [0.4, 1.5], [-1.3, 0.9], [-1.1, -1.2], [0.6, -1.6]],
            [1.0] * 3 + [-1.0] * 5,
            2,
            0.3,
            view="plane",
            bias="free",
        ),
    ),
    "rows": BuiltIn(
        "Pixels: lying or standing",
        "Bars in small pictures. A filter of one by three pixels slides over all of them: two are enough to tell lying "
        "bars from standing ones.",
        _pixels(_LYING_AND_STANDING, [1.0, 1.0, 1.0, -1.0, -1.0, -1.0], [1, 3], 0.3),
    ),
    "columns": BuiltIn(
        "Pixels: two by one",
        "The same pictures, read by filters of two pixels, one above the other: directions on a circle again. Paint, "
        "and watch the lines move.",
        _pixels(_LYING_AND_STANDING, [1.0, 1.0, 1.0, -1.0, -1.0, -1.0], [2, 1], 0.3),
    ),
    "empty": BuiltIn(
        "Empty",
        "Two samples of nothing: drag their bars and targets. Without data no network is better than none.",
        _signals([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], [1.0, -1.0], 2, 0.1),
    ),
}  # fmt: skip

#: Every built-in scene by name.
SCENES: Mapping[str, BuiltIn] = MappingProxyType(_SCENES)
#: What is shown to those who come without a link.
FIRST = "trap"


@cache
def built_in(name: str) -> Scene:
    """The scene of a name.

    Raises
    ------
    InputError
        If there is none.

    Examples
    --------
    >>> built_in("line").view
    'line'
    """
    if name not in SCENES:
        raise InputError(f"scene: got {name[:40]!r}, expected one of {', '.join(SCENES)}")
    return read_scene({"name": name, **SCENES[name].scene})


def listed() -> list[dict[str, Any]]:
    """All scenes for the browser."""
    return [
        {"name": name, "title": entry.title, "text": entry.text, "scene": built_in(name).to_dict()}
        for name, entry in SCENES.items()
    ]
