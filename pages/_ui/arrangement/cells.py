"""What the Arrangement page computes: the arrangement of a few samples, its picture, one cell, and how it grows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convex_core.architectures import TwoLayerCNN
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
from convex_core.figures.arrangement.growth import Growth, measure_growth
from convex_core.figures.arrangement.paint import CellData, Mode, paint_cells
from convex_core.figures.arrangement.scene import MAX_FILLED, FilterMarks, Scene
from convex_core.figures.chart import Chart
from convex_core.figures.colours import Palette
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
from convex_core.networks.neurons import directions_of
from convex_core.patches import patch_geometry
from convex_core.program.blocks import CellFactory
from convex_core.progress import Budget, limits
from convex_core.solution import Solution

from ..state.spec import ProblemSpec
from ..work import calls, keep

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


def chart(key: str, build: Callable[[], Chart]) -> Chart:
    """A chart that was drawn before, or a new one; nothing may change it."""
    return keep.kept("chart", key, build)


def first_samples(data: Dataset, count: int) -> Dataset:
    """The first `count` samples of a dataset."""
    return replace(data, X=data.X[:count], y=data.y[:count])


def size(key: str, rows: NDArray[np.float64], n: int) -> Size:
    """Count the patterns of the rows of n samples."""
    return calls.run("size", key, lambda budget: _size(rows, n, budget), COUNT_SECONDS, heavy=False)


def _size(rows: NDArray[np.float64], n: int, budget: Budget) -> Size:
    merged = merge_rows(rows).rows
    rank = int(np.linalg.matrix_rank(merged)) if len(merged) else 0
    closed = closed_form(len(merged), rank)
    count = None
    if closed <= 100 * MAX_COUNTED:
        try:
            count = count_patterns(rows, max_patterns=MAX_COUNTED, **limits(budget))
        except SizeError:
            count = None
        except Interrupted:
            keep.cut_short()
    return Size(len(rows), len(merged), rank, closed, polynomial_bound(n, len(rows) // n, rank), count)


def whole(key: str, rows: NDArray[np.float64]) -> Arrangement | None:
    """Every pattern of the rows, or None if there are too many."""
    return calls.run("whole", key, lambda budget: _whole(rows, budget), 2 * COUNT_SECONDS, heavy=False)


def _whole(rows: NDArray[np.float64], budget: Budget) -> Arrangement | None:
    try:
        return enumerate_patterns(rows, max_patterns=MAX_LISTED, **limits(budget))
    except SizeError:
        return None
    except Interrupted:
        keep.cut_short()
        return None


def picture(
    key: str,
    rows: NDArray[np.float64],
    everything: Arrangement | None,
    dimension: int,
    through_filters: bool,
    solution: Solution | None,
) -> Picture | None:
    """The arrangement in 2 or 3 dimensions, with the filters of a solution; None if it cannot be listed."""
    wanted = (rows, everything, dimension, through_filters, solution)
    return keep.kept("picture", key, lambda: _picture(key, *wanted))


def _picture(
    key: str,
    rows: NDArray[np.float64],
    everything: Arrangement | None,
    dimension: int,
    through_filters: bool,
    solution: Solution | None,
) -> Picture | None:
    h = rows.shape[1]
    network = None if solution is None else solution.network
    filters = np.zeros((0, h)) if network is None else directions_of(network)
    signs = np.zeros(0) if network is None else network.signs
    norms = np.zeros(0) if network is None else network.sizes
    order = np.argsort(-norms)
    filters, signs, norms = filters[order], signs[order], norms[order]
    q = min(dimension, max(h, 2))
    sliced = q < h
    if not sliced:
        basis = np.eye(h, q)
    elif through_filters:
        basis = spanned_directions(filters, rows, q)
    else:
        basis = principal_directions(rows, q)
    drawn = whole(f"{key} drawn", restrict(rows, basis)) if sliced or q > h else everything
    if drawn is None:
        return None
    one_by_one = drawn.rank > 0 and drawn.count <= MAX_FILLED
    shapes = None if not one_by_one else circle_cells(drawn) if q == 2 else sphere_cells(drawn)
    patterns = np.zeros((0, len(rows)), dtype=bool)
    if solution is not None and len(filters):
        # where the filter fires depends on the patches alone, whatever the network makes of it
        patches = solution.problem.patches
        plain = TwoLayerCNN(patch_geometry((patches.shape[2],), patches.shape[2]))
        patterns = CellFactory(plain, patches).patterns(filters)
    usage = cell_usage(drawn, patterns, signs)
    number, fires = np.arange(drawn.count), np.empty(drawn.count, dtype=np.int64)
    for start, active in drawn.chunks():
        here = slice(start, start + len(active))
        fires[here] = active.sum(axis=1)
        if sliced and everything is not None:
            number[here] = everything.index_of(active)
    inside = filters @ basis
    here = np.linalg.norm(filters - inside @ basis.T, axis=1) <= 1e-9 * np.linalg.norm(filters, axis=1)
    name = "b" if sliced else "u"
    return Picture(
        arrangement=drawn,
        basis=basis,
        shapes=shapes,
        data=CellData(number, fires, usage),
        usage=np.zeros(0, dtype=np.int8) if everything is None else cell_usage(everything, patterns, signs),
        filters=FilterMarks(inside[here], signs[here], norms[here]),
        outside=int(np.count_nonzero(~here)),
        axes=tuple(name + "₁₂₃"[j] for j in range(q)),
        sliced=sliced,
    )


def scene(key: str, picture: Picture, K: int, mode: Mode, colours: Palette) -> Scene:
    """How a picture is to be drawn, without a chosen cell."""
    return keep.kept("scene", key, lambda: _scene(picture, K, mode, colours))


def _scene(picture: Picture, K: int, wanted: Mode, colours: Palette) -> Scene:
    shapes, data = picture.shapes, picture.data
    # a scale needs every cell on its own
    mode = wanted if shapes is not None else "usage"
    return Scene(
        picture.arrangement,
        paint_cells(picture.arrangement, data, mode, colours=colours),
        data,
        shapes,
        K=K,
        filters=picture.filters,
        axes=picture.axes,
        colours=colours,
    )


def growths(key: str, spec: ProblemSpec, data: Dataset, samples: int) -> tuple[Growth, ...]:
    """Counts as n, K and h grow around the present choice; after the training samples come test samples."""
    return calls.run("growths", key, lambda _: _growths(spec, data, samples), heavy=False)


def _growths(spec: ProblemSpec, data: Dataset, samples: int) -> tuple[Growth, ...]:
    geometry = patch_geometry(data.input_shape, spec.filter_size, spec.stride, spec.padding, spec.bias)
    # the training set is often too small to show where the fully connected network overtakes
    inputs = data.X if data.X_test is None else np.concatenate([data.X, data.X_test])
    over = overtaking(geometry.K, geometry.h, inputs.shape[1]) or 0
    most = min(len(inputs), max(min(data.n, MAX_SAMPLES), min(math.ceil(1.5 * over), MAX_SAMPLES)))
    patches = geometry.extract(inputs[:most])
    few = inputs[:samples]
    longest = min(data.input_shape[:2])
    sizes = [
        patch_geometry(data.input_shape, s, spec.stride, spec.padding, spec.bias) for s in _spread(min(longest, 16))
    ]
    every = (
        measure_growth("n", [(n, patches[:, :n], inputs[:n]) for n in _spread(most)], max_patterns=MAX_GROWTH),
        measure_growth("K", [(k, patches[:k, :samples], few) for k in _spread(geometry.K)], max_patterns=MAX_GROWTH),
        measure_growth("h", [(g.h, g.extract(few), few) for g in sizes], max_patterns=MAX_GROWTH),
    )
    if any(e is None and c <= MAX_GROWTH for g in every for e, c in zip(g.exact, g.closed, strict=True)):
        keep.cut_short()
    return every


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


def _spread(most: int, points: int = 9) -> Sequence[int]:
    """At most `points` whole numbers from 1 to `most`."""
    return sorted({round(v) for v in np.linspace(1, most, min(points, most))})
