"""What the Arrangement page computes: the arrangement of a few samples, its picture, one cell, and how it grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from convex_core.arrangement import (
    Arrangement,
    PatternCount,
    closed_form,
    count_patterns,
    enumerate_patterns,
    merge_rows,
    polynomial_bound,
)
from convex_core.data import Dataset
from convex_core.errors import Interrupted, SizeError
from convex_core.figures.arrangement_growth import Growth, measure_growth
from convex_core.figures.arrangement_paint import CellData, Mode, paint_cells
from convex_core.figures.arrangement_scene import MAX_FILLED, FilterMarks, Scene
from convex_core.figures.chart import Chart, encoded_once
from convex_core.figures.palette import Palette
from convex_core.geometry import (
    CircleCells,
    SphereCells,
    cell_usage,
    circle_cells,
    principal_directions,
    restrict,
    spanned_directions,
    sphere_cells,
)
from convex_core.patches import patch_geometry
from convex_core.program.blocks import CellFactory
from convex_core.progress import Budget
from convex_core.solve import Solution

from . import warm
from .compute import WARM_UP_SECONDS
from .spec import ProblemSpec

__all__ = [
    "Picture",
    "Size",
    "chart",
    "first_samples",
    "growths",
    "overtaking",
    "picture",
    "scene",
    "size",
    "unshared",
    "whole",
    "whole_data",
]

#: Patterns that are listed, and counted, while a visitor waits.
MAX_LISTED = 200_000
MAX_COUNTED = 3_000_000
COUNT_SECONDS = 1.0
#: Samples and counted patterns for each point of the growth charts.
MAX_SAMPLES = 60
MAX_GROWTH = 100_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many patterns; `count` is None where there were too many to count here."""

    rows: int
    hyperplanes: int
    rank: int
    closed: int
    bound: float
    count: PatternCount | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The arrangement as drawn.

    `arrangement` is the whole one if it has two or three dimensions, otherwise its slice along the columns of `basis`;
    `shapes` are its cells, None if there are too many or nothing cuts it; `usage` is that of the whole one's cells,
    empty if they are not listed.
    """

    arrangement: Arrangement
    basis: NDArray[np.float64]
    shapes: CircleCells | SphereCells | None
    data: CellData
    usage: NDArray[np.int8]
    filters: FilterMarks
    outside: int
    axes: tuple[str, ...]
    sliced: bool


@st.cache_resource(max_entries=128, show_spinner=False)
def chart(key: str, _build: Callable[[], Chart]) -> Chart:
    """A chart that was drawn before, or a new one; nothing may change it, and so it is encoded only once."""
    built = _build()
    return replace(built, figure=encoded_once(built.figure))


def first_samples(data: Dataset, count: int) -> Dataset:
    """The first `count` samples of a dataset."""
    return replace(data, X=data.X[:count], y=data.y[:count])


@st.cache_resource(max_entries=64, show_spinner=False)
def size(key: str, _rows: NDArray[np.float64], _n: int) -> Size:
    """Count the patterns of the rows of n samples."""
    merged = merge_rows(_rows).rows
    rank = int(np.linalg.matrix_rank(merged)) if len(merged) else 0
    closed = closed_form(len(merged), rank)
    _compiled()
    count = None
    if closed <= 100 * MAX_COUNTED:
        try:
            count = count_patterns(_rows, max_patterns=MAX_COUNTED, budget=Budget(time_limit=COUNT_SECONDS))
        except (SizeError, Interrupted):
            count = None
    return Size(len(_rows), len(merged), rank, closed, polynomial_bound(_n, len(_rows) // _n, rank), count)


@st.cache_resource(max_entries=32, show_spinner=False)
def whole(key: str, _rows: NDArray[np.float64]) -> Arrangement | None:
    """Every pattern of the rows, or None if there are too many."""
    _compiled()
    try:
        return enumerate_patterns(_rows, max_patterns=MAX_LISTED, budget=Budget(time_limit=2 * COUNT_SECONDS))
    except (SizeError, Interrupted):
        return None


@st.cache_resource(max_entries=32, show_spinner=False)
def picture(
    key: str,
    _rows: NDArray[np.float64],
    _everything: Arrangement | None,
    _dimension: int,
    _through_filters: bool,
    _solution: Solution | None,
) -> Picture | None:
    """The arrangement in 2 or 3 dimensions, with the filters of a solution; None if it cannot be listed."""
    h = _rows.shape[1]
    network = None if _solution is None else _solution.network
    filters = np.zeros((0, h)) if network is None else network.filters
    signs = np.zeros(0) if network is None else network.signs
    norms = np.zeros(0) if network is None else network.sizes
    order = np.argsort(-norms)
    filters, signs, norms = filters[order], signs[order], norms[order]
    q = min(_dimension, max(h, 2))
    sliced = q < h
    if not sliced:
        basis = np.eye(h, q)
    elif _through_filters:
        basis = spanned_directions(filters, _rows, q)
    else:
        basis = principal_directions(_rows, q)
    drawn = whole(f"{key} drawn", restrict(_rows, basis)) if sliced or q > h else _everything
    if drawn is None:
        return None
    one_by_one = drawn.rank > 0 and drawn.count <= MAX_FILLED
    shapes = None if not one_by_one else circle_cells(drawn) if q == 2 else sphere_cells(drawn)
    patterns = np.zeros((0, len(_rows)), dtype=bool)
    if _solution is not None and len(filters):
        # where the filter fires does not depend on the outputs it has
        single = _solution.problem.architecture.single
        patterns = CellFactory(single, _solution.problem.patches).patterns(filters)
    usage = cell_usage(drawn, patterns, signs)
    known = sliced and _everything is not None
    number, fires = np.arange(drawn.count), np.empty(drawn.count, dtype=np.int64)
    for start, active in drawn.chunks():
        here = slice(start, start + len(active))
        fires[here] = active.sum(axis=1)
        if known:
            number[here] = _everything.index_of(active)
    inside = filters @ basis
    here = np.linalg.norm(filters - inside @ basis.T, axis=1) <= 1e-9 * np.linalg.norm(filters, axis=1)
    name = "b" if sliced else "u"
    return Picture(
        arrangement=drawn,
        basis=basis,
        shapes=shapes,
        data=CellData(number, fires, usage),
        usage=np.zeros(0, dtype=np.int8) if _everything is None else cell_usage(_everything, patterns, signs),
        filters=FilterMarks(inside[here], signs[here], norms[here]),
        outside=int(np.count_nonzero(~here)),
        axes=tuple(name + "₁₂₃"[j] for j in range(q)),
        sliced=sliced,
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def scene(key: str, _picture: Picture, _K: int, _mode: Mode, _colours: Palette) -> Scene:
    """How a picture is to be drawn, without a chosen cell."""
    shapes, data = _picture.shapes, _picture.data
    # a scale needs every cell on its own
    mode = _mode if shapes is not None else "usage"
    return Scene(
        _picture.arrangement,
        paint_cells(_picture.arrangement, data, mode, colours=_colours),
        data,
        shapes,
        K=_K,
        filters=_picture.filters,
        axes=_picture.axes,
        colours=_colours,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def growths(key: str, _spec: ProblemSpec, _data: Dataset, _samples: int) -> tuple[Growth, ...]:
    """Counts as n, K and h grow around the present choice; after the training samples come test samples."""
    geometry = patch_geometry(_data.input_shape, _spec.filter_size, _spec.stride, _spec.padding)
    # the training set is often too small to show where the fully connected network overtakes
    inputs = _data.X if _data.X_test is None else np.concatenate([_data.X, _data.X_test])
    over = overtaking(geometry.K, geometry.h, inputs.shape[1]) or 0
    most = min(len(inputs), max(min(_data.n, MAX_SAMPLES), min(math.ceil(1.5 * over), MAX_SAMPLES)))
    patches = geometry.extract(inputs[:most])
    few = inputs[:_samples]
    longest = min(_data.input_shape[:2])
    _compiled()
    sizes = [patch_geometry(_data.input_shape, s, _spec.stride, _spec.padding) for s in _spread(min(longest, 16))]
    return (
        measure_growth("n", [(n, patches[:, :n], inputs[:n]) for n in _spread(most)], max_patterns=MAX_GROWTH),
        measure_growth("K", [(k, patches[:k, :_samples], few) for k in _spread(geometry.K)], max_patterns=MAX_GROWTH),
        measure_growth("h", [(g.h, g.extract(few), few) for g in sizes], max_patterns=MAX_GROWTH),
    )


def whole_data(everything: Arrangement, picture: Picture) -> CellData:
    """The same about every cell of the whole arrangement, for a picture that shows a slice."""
    return CellData(np.arange(everything.count), everything.active().sum(axis=1), picture.usage)


def overtaking(K: int, h: int, d: int) -> int | None:
    """Smallest number of samples at which the fully connected network has more patterns, in general position."""
    if h >= d:
        return None
    return next((n for n in range(1, 2_000) if closed_form(n, min(n, d)) > closed_form(n * K, min(n * K, h))), None)


def unshared(K: int, n: int, h: int) -> float:
    """Patterns if every patch had a filter of its own: a product over patches, in general position."""
    exponent = K * math.log10(closed_form(n, min(n, h)))
    return float(closed_form(n, min(n, h)) ** K) if exponent < 300 else math.inf


def _compiled() -> None:
    """Wait for the kernels: a count that runs out of time because they are being compiled would be kept."""
    warm.kernels().join(WARM_UP_SECONDS)


def _spread(most: int, points: int = 9) -> Sequence[int]:
    """At most `points` whole numbers from 1 to `most`."""
    return sorted({round(v) for v in np.linspace(1, most, min(points, most))})
