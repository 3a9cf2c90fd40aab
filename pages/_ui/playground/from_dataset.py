"""A small dataset of another page as a scene: what does not fit the playground is left out, and said."""

from __future__ import annotations

import streamlit as st

from convex_core import Dataset, InputError
from convex_core.architectures import ACTIVATIONS
from pages._ui import shell
from pages._ui.state.spec import ProblemSpec

from . import link
from .scene import DIRECTIONS, DRAWN, MAX_PIXELS, MAX_POINTS, MAX_SAMPLES, MAX_SIGNAL, Scene, read_scene

__all__ = ["differences", "fits", "offer", "scene_of"]

_BIASES = {"none": "no bias", "regularised": "a bias", "output": "an output bias", "free": "a free bias"}
#: Name of a scene that comes from data.
NAME = "dataset"


def fits(data: Dataset) -> int:
    """How many of the first samples the playground can show; 0 where a sample is too long for it."""
    height, width = (data.input_shape[0], data.input_shape[1:]) if len(data.input_shape) > 1 else (0, ())
    if height:
        return min(data.n, MAX_SAMPLES) if len(width) == 1 and max(height, *width) <= MAX_PIXELS else 0
    if data.d > MAX_SIGNAL:
        return 0
    return min(data.n, MAX_POINTS if data.d <= 2 else MAX_SAMPLES)


def offer(data: Dataset, spec: ProblemSpec) -> None:
    """A link to the playground with the first samples, and what is other there; nothing where it has no room."""
    try:
        scene = scene_of(data, spec)
    except InputError:
        return
    text = link.encode(scene)
    if text is not None:
        n = fits(data)
        label = "Open in the playground" if n == data.n else f"Open the first {n} samples in the playground"
        page = shell.page("playground")
        st.page_link(page, label=label, icon=":material/gesture:", query_params={link.KEY: text})
        others = differences(scene, data, spec)
        if others:
            st.caption(f"The playground has {', '.join(others)}.")


def scene_of(data: Dataset, spec: ProblemSpec) -> Scene:
    """The first samples of a dataset with the settings of a page, as far as the playground has them.

    Raises
    ------
    InputError
        If a sample is too long, or a number too large.
    """
    n = fits(data)
    if not n:
        raise InputError(
            f"X: got samples of shape {data.input_shape}, expected at most {MAX_SIGNAL} numbers, or "
            f"{MAX_PIXELS} x {MAX_PIXELS} pixels"
        )
    shape = list(data.input_shape)
    pixels, bias = len(shape) == 2, _bias(data, spec)
    # a penalised bias is an entry of the direction
    least, most = (entries - (bias == "regularised") for entries in (min(DIRECTIONS), max(DIRECTIONS)))
    view = "pixels" if pixels else {1: "line", 2: "plane"}.get(data.d, "signals")
    if view == "plane":
        size = [2]
    elif pixels:
        # along the rows, unless a column holds a longer one
        down, along = (min(most, side) for side in shape)
        size = [1, along] if along >= down else [down, 1]
    else:
        size = [min(max(spec.filter_size, least), most, data.d)]
    return read_scene(
        {
            "name": NAME,
            "edited": True,
            "X": data.X[:n].tolist(),
            "y": data.y[:n].tolist(),
            "shape": shape,
            "filter": size,
            "stride": [min(spec.stride, side) for side in shape],
            "pooling": "max" if spec.network == "max pooling" else spec.pooling,
            "activation": spec.activation if spec.activation in DRAWN else "relu",
            "slope": 0.1 if spec.slope is None else spec.slope,
            "bias": bias,
            "loss": spec.loss if spec.loss == "logistic" else "squared",
            "beta": spec.beta,
            "view": view,
        }
    )


def _bias(data: Dataset, spec: ProblemSpec) -> str:
    """The bias of a page, as far as there is a program and a picture for it."""
    free = spec.bias != "free" or (spec.activation in ACTIVATIONS and spec.network != "max pooling")
    bias = spec.bias if free else "none"
    # the direction of one number needs a bias of its own
    return "regularised" if data.d == 1 and bias in ("none", "output") else bias


def differences(scene: Scene, data: Dataset, spec: ProblemSpec) -> list[str]:
    """What a scene made from a page's data has instead of the page's settings, each in a few words.

    Examples
    --------
    >>> import numpy as np
    >>> from pages._ui.state.spec import DataSpec
    >>> data = Dataset("a", np.ones((3, 6)), np.ones(3))
    >>> spec = ProblemSpec(DataSpec("a"), 5, 1, "valid", "sum", 0.1, loss="hinge")
    >>> differences(scene_of(data, spec), data, spec)
    ['filters of 3 instead of 5', 'the squared loss instead of hinge']
    """
    axes = len(scene.shape)
    pooling = "max" if spec.network == "max pooling" else spec.pooling
    asked = (spec.filter_size,) * axes, (spec.stride,) * axes
    network = "two-layer" if spec.network == "max pooling" else spec.network
    pairs = [
        ("filters of {}", _sizes(scene.filter_size), _sizes(asked[0])),
        ("steps of {}", _sizes(scene.stride), _sizes(asked[1])),
        ("{} padding", "no", "no" if spec.padding == "valid" else spec.padding),
        ("the {} network", "two-layer", network),
        ("{} pooling", scene.pooling, pooling),
        ("the {} activation", scene.activation, spec.activation),
        ("{}", _BIASES[scene.bias], _BIASES[spec.bias]),
        ("the {} loss", scene.loss, spec.loss),
    ]
    found = [f"{text.format(here)} instead of {there}" for text, here, there in pairs if here != there]
    classes = spec.outputs if spec.outputs > 1 else data.classes or 0
    return [*found, f"the numbers 0 to {classes - 1} of the classes as targets"] if classes > 2 else found


def _sizes(sides: tuple[int, ...]) -> str:
    return " × ".join(map(str, sides))
