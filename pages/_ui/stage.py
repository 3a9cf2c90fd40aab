"""What every page has to show: its main picture, which of its charts are compared, and scenes with a link each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

__all__ = ["PAGE", "STAGES", "Scene", "Stage", "current", "height", "name"]

#: Session key: the page that is shown.
PAGE = "_shell_page"


@dataclass(frozen=True, slots=True)
class Scene:
    """A state of a page worth showing: the settings that differ from the defaults, as their widgets have them."""

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def query(self) -> dict[str, str]:
        """The same as the page's address says it."""
        return {key: f"{value:g}" if isinstance(value, float) else str(value) for key, value in self.values.items()}


@dataclass(frozen=True, slots=True)
class Stage:
    """What one page shows.

    Attributes
    ----------
    main : mapping of str to int
        Keys of the main picture, one a tab, and the height that it has at most, in pixels: at 1280 x 720 it is seen
        without scrolling, and a presenter's screen belongs to it.
    beside : mapping of str to int
        The same of charts that stand in a row with it.
    compared : tuple of str
        Keys of the charts that are drawn twice once a state is pinned.
    scenes : tuple of Scene
        In the order of the arrow keys.
    """

    main: Mapping[str, int] = field(default_factory=dict)
    beside: Mapping[str, int] = field(default_factory=dict)
    compared: tuple[str, ...] = ()
    scenes: tuple[Scene, ...] = ()


_TWO_RELU = {"kind": "Two ReLU layers"}

STAGES: Mapping[str, Stage] = {
    # the steps of the Tour are its scenes, and it has the arrow keys itself
    "tour": Stage(),
    "playground": Stage(
        scenes=(
            Scene("A trap for gradient descent"),
            Scene("Edges", {"play": "edge"}),
            Scene("Motifs, and why convolution", {"play": "motifs"}),
            Scene("Filters that die as β grows", {"play": "dial"}),
            Scene("The largest response counts", {"play": "anywhere"}),
            Scene("Filters of three numbers", {"play": "sphere"}),
            Scene("A line of numbers", {"play": "line"}),
            Scene("Points inside and outside", {"play": "circle"}),
            Scene("Points in the plane", {"play": "moons"}),
            Scene("Bars in small pictures", {"play": "rows"}),
        )
    ),
    "home": Stage(
        {"dial": 540},
        scenes=(
            Scene("Half of the filters"),
            Scene("A few filters left", {"dial": "4.51"}),
            Scene("Every filter dead", {"dial": "13.1"}),
        ),
    ),
    "dataset": Stage(
        {"windows": 305},
        {"matrices": 305},
        scenes=(
            Scene("Two motifs in noise"),
            Scene("A larger stride, fewer patches", {"stride": 3}),
            Scene("One motif that shifts", {"data": "shift"}),
            Scene("Small pictures", {"data": "patterns2d"}),
            Scene("Digits", {"data": "digits"}),
        ),
    ),
    "arrangement": Stage(
        {"sphere": 330, "circle": 360, "near": 370, "growth-n": 320},
        {"disc_near": 320, "disc_far": 320, "graph": 360, "growth-K": 320},
        compared=("sphere", "disc_near", "circle"),
        scenes=(
            Scene("24 planes"),
            Scene("One cell from near", {"view": "One cell"}),
            Scene("Clean motifs", {"samples": 12, "noise": 0.0, "colour": "active"}),
            Scene("Twelve shifts", {"data": "shift", "samples": 12, "colour": "active"}),
            Scene("Stained glass", {"data": "planted", "samples": 6, "colour": "active"}),
            Scene("9,122 cells", {"samples": 12}),
            Scene("Edges, h = 2", {"data": "edge", "samples": 4}),
            Scene("Star, h = 2", {"data": "bars", "h": 2, "stride": 1, "noise": 0.5, "samples": 6, "colour": "plain"}),
            Scene("Slice, h = 10", {"data": "talk", "samples": 6}),
            Scene("Polynomial growth", {"view": "Growth"}),
        ),
    ),
    "solve": Stage(
        {"bounds": 300},
        compared=("bounds", "filters", "norms"),
        scenes=(
            Scene("Solved and certified"),
            Scene("A larger penalty, fewer filters", {"beta": "1"}),
            Scene("The zero network is optimal", {"beta": "10"}),
            Scene("Stride 3 instead of 1", {"stride": 3}),
            Scene("The largest response counts", {"network": "max pooling"}),
            Scene("A loss for outliers", {"loss": "huber"}),
        ),
    ),
    "filters_and_path": Stage(
        {"dial": 360},
        {"norms": 330},
        compared=("norms", "objective"),
        scenes=(
            Scene("Filters die one after the other"),
            Scene("Every filter dead", {"dial": "9.02"}),
            Scene("Stride 3 instead of 1", {"stride": 3}),
            Scene("Two filters are enough", {"data": "shift"}),
            Scene("Bars", {"data": "bars"}),
        ),
    ),
    "sweep": Stage(
        {"sweep_map": 400},
        scenes=(
            Scene("Filters die over β, at every stride"),
            Scene("Objective over β and loss", {"sweep_y": "Loss", "sweep_value": "objective"}),
            Scene("Filter size against stride", {"sweep_x": "Filter size", "sweep_value": "test accuracy"}),
            Scene("Every activation", {"sweep_y": "Activation", "sweep_value": "objective"}),
            Scene("Five seeds of the data", {"data": "shift", "sweep_y": "Data seed"}),
        ),
    ),
    "convex_vs_sgd": Stage(
        {"curves": 360},
        compared=("curves",),
        scenes=(
            Scene("Five starts, none at the optimum"),
            Scene("A larger penalty", {"beta": "1"}),
            Scene("Only two filters", {"width": "2"}),
            Scene("Small constant steps", {"rate": "1e-3", "schedule": "constant"}),
            Scene("One motif that shifts", {"data": "shift"}),
        ),
    ),
    "three_layer": Stage(
        {"circular_bounds": 260, "chain": 215},
        compared=("circular_bounds", "chain"),
        scenes=(
            Scene("Sparse spectra"),
            Scene("Four layers", {"circular_layers": 4}),
            Scene("A larger penalty", {"circular_beta": "0.5"}),
            Scene("Two ReLU layers", _TWO_RELU),
            Scene("Two ReLU layers, a larger penalty", {**_TWO_RELU, "relu_beta": "0.5"}),
        ),
    ),
    "real_images": Stage(
        {"ten_curves": 300, "training_objective": 320},
        {"test_accuracy": 320},
        scenes=(
            Scene("Draw a digit"),
            Scene("What is classified wrongly", {"ten_part": "Mistakes"}),
            Scene("The largest filters", {"ten_part": "Filters"}),
            Scene("Inside the network", {"ten_part": "Inside"}),
            Scene("Training images", {"ten_part": "Training images"}),
            Scene("The talk's experiment", {"images_view": "The talk's experiment"}),
        ),
    ),
}


def name() -> str:
    """The page that is shown."""
    return str(st.session_state.get(PAGE))


def current() -> Stage:
    """The stage of the page that is shown; without pictures and scenes if it has none."""
    return STAGES.get(name(), Stage())


def height(key: str) -> int | None:
    """Most pixels of a chart's height; None if it has its own."""
    stage = current()
    return stage.main.get(key) or stage.beside.get(key)
