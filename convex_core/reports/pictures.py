"""The pictures of a report, drawn from what the report itself holds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .drawing import Drawing, Scale, ticks
from .state import Point, State

__all__ = ["Picture", "gauge", "pictures"]

_Array = NDArray[np.float64]

#: Units across a picture: on a phone it is as wide as the screen, so that its letters stay as large as the text.
WIDTH = 420.0
#: Most samples, filters, and squares of all samples that are drawn.
MAX_SAMPLES, MAX_FILTERS, MAX_SQUARES = 24, 24, 6_000
#: Samples that have a place of their own on an axis.
MAX_PLACES = 60
#: Directions along a circle, and squares across a disc of directions.
DIRECTIONS, ACROSS = 361, 37


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its title, a line that says how to read it, and its words for who cannot see it."""

    title: str
    note: str
    svg: str


def pictures(state: State) -> list[Picture]:
    """All that the state has."""
    found = [_prices(state.point), _fit(state), _filters(state.point), _samples(state), _closing(state), _path(state)]
    return [picture for picture in found if picture is not None]


def gauge(state: State) -> str:
    """The objective, the bound below it and the zero network on one line from zero on; its texts are the page's."""
    point = state.point
    problem, claims = point.problem, point.claims
    zero = problem.loss.value(np.zeros(problem.size), problem.y)
    high = 1.04 * max(zero, claims.objective) or 1.0

    def share(value: float) -> str:
        return f"{100.0 * max(value, 0.0) / high:.2f}%"

    below, words = "", f"this network {claims.objective:.6g}"
    if claims.lower_bound is not None:
        below = f'<i class="below" style="width:{share(claims.lower_bound)}"></i>'
        words = f'<span class="below">no network of this kind lies here</span><span class="here">{words}</span>'
    else:
        words = f'<span class="here">{words}</span>'
    return (
        f'<div class="track" aria-hidden="true">{below}<i class="zero" style="left:{share(zero)}"></i>'
        f'<i class="here" style="left:{share(claims.objective)}"></i></div>\n'
        f'<p class="key">{words}<span class="zero">no filter at all {zero:.6g}</span></p>'
    )


def _fit(state: State) -> Picture:
    """Predictions against targets."""
    problem, f = state.point.problem, state.predictions
    y, q = problem.y, problem.architecture.q
    low, high = min(y.min(), f.min(), 0.0), max(y.max(), f.max(), 0.0)
    pad = 0.08 * (high - low) or 0.5
    drawing = Drawing(WIDTH, 260)
    scale = Scale(low - pad, high + pad, 222, 12)
    at = ticks(low - pad, high + pad)
    drawing.axis_y(scale, 44, WIDTH - 8, at, [f"{value:g}" for value in at])
    alt = f"{len(y)} outputs against their targets, at most {float(np.abs(f - y).max()):.3g} apart"
    if problem.n > MAX_PLACES or (q > 1 and not _one_hot(y.reshape(-1, q))):
        x = Scale(low - pad, high + pad, 48, WIDTH - 12)
        drawing.line(x(low - pad), scale(low - pad), x(high + pad), scale(high + pad), "axis")
        for target, output in zip(y, f, strict=True):
            drawing.circle(x(target), scale(output), 2.5, "dot convex faint")
        drawing.axis_x(x, 226, at, [f"{value:g}" for value in at], "target")
        note = "Each dot is an output; on the diagonal it equals its target."
        return Picture("Predictions and targets", note, drawing.svg(alt))
    drawing.line(44, scale(0.0), WIDTH - 8, scale(0.0), "axis")
    x = Scale(0.5, problem.n + 0.5, 48, WIDTH - 12)
    if q > 1:
        rows, classes = f.reshape(-1, q), y.reshape(-1, q).argmax(axis=1)
        for i, (row, own) in enumerate(zip(rows, classes, strict=True)):
            for k, output in enumerate(row):
                drawing.circle(
                    x(i + 1), scale(output), 4 if k == own else 2.5, "dot convex" if k == own else "dot other"
                )
        right = int(np.count_nonzero(rows.argmax(axis=1) == classes))
        alt = f"Outputs for {problem.n} samples; the largest is that of the right class in {right}"
        note = f"An output for each class; green is the sample's own, on top in {right} of {problem.n} samples."
    else:
        for i, (target, output) in enumerate(zip(y, f, strict=True)):
            drawing.line(x(i + 1), scale(target), x(i + 1), scale(output), "residual")
            drawing.circle(x(i + 1), scale(target), 4.5, "ring")
            drawing.circle(x(i + 1), scale(output), 3, "dot convex")
        note = "Rings are targets, dots are what the network says, lines are what is left between them."
    whole = [value for value in ticks(1, problem.n, 8) if value == round(value) and value >= 1] or [1.0]
    drawing.axis_x(x, 226, whole, [f"{value:g}" for value in whole], "sample")
    return Picture("Predictions and targets", note, drawing.svg(alt))


def _one_hot(rows: _Array) -> bool:
    """Whether every row is a class."""
    return bool(np.all((rows == 0.0) | (rows == 1.0)) and np.all(rows.sum(axis=1) == 1.0))


def _filters(point: Point) -> Picture | None:
    """The filters, largest norm first."""
    network, geometry = point.network, point.problem.architecture.geometry
    if network.m == 0:
        return None
    sizes, signs = network.sizes, network.signs
    order = np.argsort(-np.round(sizes, 9), kind="stable")[:MAX_FILTERS]
    if network.filters.shape[1] == geometry.h:
        images = geometry.filter_image(network.filters[order])
        tiles = images.mean(axis=3) if images.ndim == 4 else images.reshape(len(order), -1, images.shape[-1])
    else:  # several filters a neuron, one behind the other
        tiles = network.drawn[order].reshape(len(order), -1, geometry.h)
    rows, columns = tiles.shape[1:]
    across = min(len(order), 4 if columns <= 6 else 3 if columns <= 12 else 2 if columns < 24 else 1)
    gap = 16.0
    size = min((WIDTH - 8 - gap * (across - 1)) / (across * columns), 26.0 if rows < 4 else 14.0)
    height, step = rows * size + 34, columns * size + gap
    step = max(step, (WIDTH - 8) / across)
    drawing = Drawing(WIDTH, math.ceil(len(order) / across) * height + 4)
    peaks = np.abs(tiles).reshape(len(order), -1).max(axis=1)
    for at, j in enumerate(order):
        x, y = 4 + (at % across) * step, (at // across) * height + 4
        sign = "+" if signs[j] > 0 else "−" if signs[j] < 0 else ""
        kind = "positive" if signs[j] > 0 else "negative"
        drawing.text(x, y + 12, f"{sign}{sizes[j]:.3g}", f"label {kind}")
        drawing.cells(tiles[at], x, y + 18, size, float(peaks[at]))
    left = "" if len(order) == network.m else f" The {len(order)} largest of {network.m}."
    bias = " Biases are not drawn." if geometry.biased and network.filters.shape[1] == geometry.h else ""
    note = (
        "Orange is positive, blue negative, each filter on its own scale; above it the sign of its weight and its "
        f"size (group norm).{left}{bias}"
    )
    alt = f"{network.m} filter{'s' if network.m > 1 else ''}, sizes " + ", ".join(f"{sizes[j]:.3g}" for j in order)
    return Picture("Filters" if network.m > 1 else "The filter", note, drawing.svg(alt))


def _prices(point: Point) -> Picture | None:
    """The proof in one picture: what the dual vector asks for each direction of a filter, under a ceiling at beta."""
    claims, problem = point.claims, point.problem
    if claims.dual is None or claims.price is None:
        return None
    architecture, h = problem.architecture, problem.architecture.geometry.h
    # a filter is a direction where its block is one, and its bias, if it has one, is measured like it
    plain = architecture.shapes == {"filters": (h,), "weights": ()} and architecture.by_anchor is None
    plain = plain and architecture.design(problem.patches).shape[-1] == h
    v = claims.dual / problem.beta
    if plain and h in (2, 3) and architecture.atoms(problem.patches, np.zeros((1, h))) is not None:
        return _curve(point, v) if h == 2 else _discs(point, v)
    return _bars(point, v)


_CEILING = "No direction rises above the ceiling, so no network can be better than the bound; a best one touches it."


def _values(point: Point, v: _Array, directions: _Array) -> _Array:
    atoms = point.problem.architecture.atoms(point.problem.patches, directions)
    assert atoms is not None
    found: _Array = v @ atoms
    return found


def _curve(point: Point, v: _Array) -> Picture:
    """Along the circle of directions."""
    angle = np.linspace(0.0, 2.0 * np.pi, DIRECTIONS)
    values = _values(point, v, np.column_stack([np.cos(angle), np.sin(angle)]))
    drawing = Drawing(WIDTH, 260)
    x, y = Scale(0.0, 360.0, 48, WIDTH - 12), Scale(-1.25, 1.25, 222, 12)
    drawing.line(48, y(0.0), WIDTH - 12, y(0.0), "hair")
    for ceiling, word in ((1.0, "β"), (-1.0, "−β")):
        drawing.line(48, y(ceiling), WIDTH - 12, y(ceiling), "ceiling")
        drawing.text(40, y(ceiling) + 4, word, "label convex", "end")
    drawing.text(40, y(0.0) + 4, "0", "tick", "end")
    drawing.curve([(x(d), y(value)) for d, value in zip(np.degrees(angle), values, strict=True)], "wave")
    for u, value in _own(point, v):
        drawing.circle(x(float(np.degrees(np.arctan2(u[1], u[0]))) % 360.0), y(value), 4.5, "dot convex")
    drawing.axis_x(x, 226, [0, 90, 180, 270, 360], ["0°", "90°", "180°", "270°", "360°"], "direction of a filter")
    alt = f"Prices of all directions of a filter, from {values.min():.4g} to {values.max():.4g} times beta"
    return Picture("Prices of all directions", f"The curve is the dual function. {_CEILING}", drawing.svg(alt))


def _own(point: Point, v: _Array) -> list[tuple[_Array, float]]:
    """Directions of the filters in use, and their prices."""
    filters = point.network.filters
    units = filters / np.linalg.norm(filters, axis=1, keepdims=True)
    return list(zip(units, (float(p) for p in _values(point, v, units)), strict=True)) if len(units) else []


def _discs(point: Point, v: _Array) -> Picture:
    """Both halves of the sphere of directions, each seen from above and drawn without changing areas."""
    radius = (WIDTH - 24) / 4
    side = 2.0 * radius / ACROSS
    drawing = Drawing(WIDTH, 2.0 * radius + 40)
    grid = (np.arange(ACROSS) + 0.5) / ACROSS * 2.0 - 1.0
    a, b = np.meshgrid(grid, -grid)
    inside = a**2 + b**2 <= 1.0
    r2 = np.minimum(a**2 + b**2, 1.0)
    extremes = []
    for half, up in enumerate((1.0, -1.0)):
        # Lambert's projection: at the radius r lies the height 1 - r^2
        slope = np.sqrt(2.0 - r2)
        directions = np.stack([a * slope, b * slope, up * (1.0 - r2)], axis=-1)[inside]
        values = np.full(inside.shape, np.nan)
        values[inside] = _values(point, v, directions)
        extremes += [float(np.nanmin(values)), float(np.nanmax(values))]
        left = 4 + half * (2.0 * radius + 16)
        drawing.cells(values, left, 4, side, 1.0, frame=False)
        drawing.circle(left + radius, 4 + radius, radius, "outline")
        for u, _ in _own(point, v):
            if (u[2] >= 0.0) == (up > 0.0):
                factor = radius / math.sqrt(1.0 + abs(u[2]))
                drawing.circle(left + radius + u[0] * factor, 4 + radius - u[1] * factor, 4.5, "dot convex")
        words = "last entry positive" if up > 0.0 else "last entry negative"
        drawing.text(left + radius, 2.0 * radius + 24, words, "tick", "middle")
    alt = f"Prices of all directions of a filter, from {min(extremes):.4g} to {max(extremes):.4g} times beta"
    note = f"The dual function over all directions: full colour is β, orange above zero, blue below. {_CEILING}"
    return Picture("Prices of all directions", note, drawing.svg(alt))


def _bars(point: Point, v: _Array) -> Picture | None:
    """The filters in use, each against the ceiling."""
    network, problem = point.network, point.problem
    if network.m == 0 or point.claims.price is None:
        return None
    sizes = network.sizes
    order = np.argsort(-np.round(sizes, 9), kind="stable")[:MAX_FILTERS]
    outputs = problem.architecture.outputs(problem.patches, network.parameters)
    prices = np.abs(v @ outputs) / np.maximum(sizes, np.finfo(float).tiny)
    drawing = Drawing(WIDTH, 22.0 * len(order) + 58)
    top = max(1.0, float(prices[order].max()))
    x = Scale(0.0, 1.08 * top, 48, WIDTH - 12)
    for at, j in enumerate(order):
        y = 22.0 * at + 10
        drawing.text(40, y + 11, str(at + 1), "tick", "end")
        drawing.rect(48, y, x(prices[j]) - 48, 14, "bar")
    bottom = 22.0 * len(order) + 12
    drawing.line(x(1.0), 2, x(1.0), bottom, "ceiling")
    drawing.axis_x(x, bottom, [0.0, 0.5, 1.0], ["0", "β/2", "β"], "price of a filter in use")
    largest = point.claims.price / problem.beta
    note = (
        f"Over every direction there is, the largest price is at most {largest:.9g} β: then no network can be better "
        "than the bound. The filters of a best network touch the ceiling β."
    )
    alt = f"Prices of {len(order)} filters, from {prices[order].min():.6g} to {prices[order].max():.6g} times beta"
    return Picture("Prices of the filters", note, drawing.svg(alt))


def _samples(state: State) -> Picture:
    """The inputs with their targets."""
    problem = state.point.problem
    shape = problem.architecture.geometry.input_shape
    X, q = problem.X, problem.architecture.q
    y = problem.y if q == 1 else problem.y.reshape(-1, q)
    shown = min(len(X), MAX_SAMPLES, max(1, MAX_SQUARES // max(1, math.prod(shape[:2]))))
    extent = float(np.abs(X[:shown]).max()) or 1.0
    left_out = "" if shown == len(X) else f" The first {shown} of {len(X)}."
    if len(shape) == 1:
        size = min((WIDTH - 110) / shape[0], 22.0)
        step = min(max(size, 4.0), 22.0)
        pitch = max(step, 15.0)
        drawing = Drawing(WIDTH, pitch * shown + 8)
        for i in range(shown):
            drawing.text(28, pitch * i + pitch / 2 + 8, str(i + 1), "tick", "end")
            drawing.cells(X[i : i + 1], 36, pitch * i + 4 + (pitch - size) / 2, size, extent)
            drawing.text(46 + size * shape[0], pitch * i + pitch / 2 + 8, _target(y[i]), "tick")
        note = "A row is a sample: orange is positive, blue negative; at its right the target."
    else:
        images = X[:shown].reshape(shown, shape[0], shape[1], -1).mean(axis=3)
        across = min(shown, 6)
        size = min((WIDTH - 8 - 10 * (across - 1)) / (across * shape[1]), 14.0)
        step, height = (WIDTH - 8 + 10) / across, shape[0] * size + 24
        drawing = Drawing(WIDTH, math.ceil(shown / across) * height + 4)
        for i in range(shown):
            x, top = 4 + (i % across) * step, (i // across) * height + 4
            drawing.cells(images[i], x, top, size, extent)
            drawing.text(x, top + shape[0] * size + 14, _target(y[i]), "tick")
        note = "Each picture is a sample: orange is positive, blue negative; below it the target."
    alt = f"{shown} of {len(X)} samples of {' x '.join(map(str, shape))} entries, from {X.min():.3g} to {X.max():.3g}"
    return Picture("Data", note + left_out, drawing.svg(alt))


def _target(value: object) -> str:
    if isinstance(value, np.ndarray):
        one = np.flatnonzero(value)
        if len(one) == 1 and value[one[0]] == 1.0:
            return f"class {one[0]}"
        return ", ".join(f"{part:.2g}" for part in value[:3]) + (", …" if len(value) > 3 else "")
    return f"{float(value):.3g}"  # type: ignore[arg-type]


def _closing(state: State) -> Picture | None:
    """The gap between the bounds, round by round."""
    pairs = [(at, (up - low) / up) for at, (up, low) in enumerate(state.rounds) if up and low is not None]
    if state.point.claims.lower_bound is None or len(pairs) < 2:
        return None
    floor = 1e-12
    gaps = [(at, max(gap, floor)) for at, gap in pairs]
    low = 10.0 ** math.floor(math.log10(min(gap for _, gap in gaps)))
    high = max(1.0, max(gap for _, gap in gaps))
    drawing = Drawing(WIDTH, 260)
    x, y = Scale(gaps[0][0], gaps[-1][0], 56, WIDTH - 16), Scale(low, high, 222, 12, log=True)
    powers = range(round(math.log10(low)), math.floor(math.log10(high)) + 1)
    powers = powers[:: max(1, math.ceil(len(powers) / 6))]
    at = [10.0**power for power in powers]
    drawing.axis_y(y, 52, WIDTH - 8, at, [f"{value:g}" for value in at])
    drawing.curve([(x(r), y(gap)) for r, gap in gaps], "wave convex")
    for r, gap in gaps:
        drawing.circle(x(r), y(gap), 3, "dot convex")
    whole = [v for v in ticks(gaps[0][0], gaps[-1][0], 6) if v == round(v)] or [gaps[0][0]]
    drawing.axis_x(x, 226, whole, [f"{v:g}" for v in whole], "round")
    alt = f"Relative gap over {len(gaps)} rounds, from {gaps[0][1]:.2g} down to {gaps[-1][1]:.2g}"
    return Picture("How the bounds closed", "Relative gap between both bounds, round by round.", drawing.svg(alt))


def _path(state: State) -> Picture | None:
    """Objective and number of filters along beta."""
    points = state.path
    if len(points) < 2:
        return None
    betas = [point.problem.beta for point in points]
    values = [point.claims.objective for point in points]
    counts = [point.network.m for point in points]
    drawing = Drawing(WIDTH, 330)
    x = Scale(min(betas), max(betas), 56, WIDTH - 16, log=True)
    high = max(values) or 1.0
    y = Scale(0.0, 1.06 * high, 180, 12)
    at = ticks(0.0, high, 4)
    drawing.axis_y(y, 52, WIDTH - 8, at, [f"{value:g}" for value in at])
    drawing.curve([(x(b), y(v)) for b, v in zip(betas, values, strict=True)], "wave convex")
    for b, v in zip(betas, values, strict=True):
        drawing.circle(x(b), y(v), 3, "dot convex")
    here = state.point.problem.beta
    if min(betas) <= here <= max(betas):
        drawing.line(x(here), 12, x(here), 292, "mark")
    most = max(counts) or 1
    z = Scale(0.0, 1.1 * most, 292, 204)
    marks = [v for v in ticks(0.0, most, 3) if v == round(v)]
    drawing.axis_y(z, 52, WIDTH - 8, marks, [f"{v:g}" for v in marks])
    steps = []
    for place, (b, count) in enumerate(zip(betas, counts, strict=True)):
        if place:
            steps.append((x(b), z(counts[place - 1])))
        steps.append((x(b), z(count)))
    drawing.curve(steps, "wave")
    low, top = math.ceil(math.log10(min(betas)) - 1e-9), math.floor(math.log10(max(betas)) + 1e-9)
    decades = [10.0**power for power in range(low, top + 1)] or [betas[len(betas) // 2]]
    drawing.axis_x(x, 296, decades, [f"{value:g}" for value in decades], "β, the price of a filter")
    proved = all(point.claims.lower_bound is not None for point in points)
    note = f"Above, the objective of {len(points)} networks{', each with its own proof' if proved else ''}; below, how "
    note += "many filters they have."
    if min(betas) <= here <= max(betas):
        note += " The line is this report's β."
    alt = f"Objective from {values[0]:.4g} to {values[-1]:.4g}, filters from {counts[0]} to {counts[-1]} as beta falls"
    return Picture("Path over beta", note, drawing.svg(alt))
