"""One dial over beta: the filters of the optimum, dead ones grey, and SGD above the certified value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..errors import InputError
from ..networks.network import Network
from ..path import PathPreview
from ..solution import Solution
from ..status import Scope
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette
from .tiles import TileGrid, opacities, signed_label, tile_colours, tile_grid, tiles_of
from .tracks import follow_filters, unit_rows

__all__ = ["SGDCurves", "beta_dial"]

#: Room above the figure for the headline and the slider, and below it for the axis of the curves, in pixels.
TOP, BOTTOM = 136, 48
#: Height of the panel of SGD's curves and the room above it, in pixels.
CURVES, BETWEEN = 190, 54
#: SGD's objective over the optimum: what is drawn, and where there is a grid line.
RATIO_RANGE = (0.97, 2.2)
RATIO_TICKS: tuple[float, ...] = (1.0, 1.1, 1.2, 1.5, 2.0)
#: On a screen of its own the type is larger: higher rows of tiles below their labels, lower curves with fewer ticks.
WIDE_TILES, WIDE_CURVES, WIDE_TICKS = 1.35, 130, (1.0, 1.2, 1.5, 2.0)

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class SGDCurves:
    """Recorded SGD runs at one beta: iterations (T,) and the objective (S, T) of S seeds."""

    iterations: _Array
    objective: _Array


@dataclass(frozen=True, slots=True)
class _Point:
    """What one position shows: a network, its objective, and what is proved about it."""

    beta: float
    network: Network
    objective: float
    lower_bound: float
    gap: float
    bounded: bool
    exact: bool


def beta_dial(
    solutions: Sequence[Solution],
    curves: Sequence[SGDCurves] = (),
    *,
    previews: Sequence[PathPreview] = (),
    start: int = 0,
    wide: bool = False,
    colours: Palette = LIGHT,
) -> Chart:
    """One slider over beta, all frames in the figure, so that turning it needs no server.

    Above, one tile a filter of the optimal network, followed through beta: its direction, and over it the sign of the
    output weight and the group norm, and with several outputs an arrow to the number of its own. A tile is fainter the
    smaller its norm, and grey if its whole group is zero. Below, SGD's objective divided by the certified optimum of
    the same beta: 1 is the optimum.

    Parameters
    ----------
    solutions : sequence of Solution
        At decreasing beta, for example a :class:`Path`; the slider's right end is the largest.
    curves : sequence of SGDCurves
        One per solution, with the same number of seeds, or none.
    previews : sequence of PathPreview
        Positions between those of `solutions`, said to be previews; not together with `curves`.
    start : int
        Position that is shown first, of all of them at decreasing beta.
    wide : bool
        Twice as many tiles in a row, for a figure of a screen's width.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no solution, or the lengths do not fit.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("shift"))
    >>> dial = beta_dial([solve(problem.with_beta(beta)) for beta in (100.0, 1.0)])
    >>> dial.table["active filters"][0], len(dial.figure.frames)
    (0, 2)
    """
    if not len(solutions) or len(curves) not in (0, len(solutions)):
        raise InputError(f"solutions, curves: got {len(solutions)} and {len(curves)}, expected as many, at least one")
    if curves and previews:
        raise InputError(f"previews: got {len(previews)} together with curves, expected none")
    scene = _Scene(_points(solutions, previews), curves, colours, wide)
    figure = scene.axes()
    for trace, row in scene.traces(start):
        figure.add_trace(trace, row=row, col=1)
    if curves:
        figure.add_trace(_optimum(max(float(c.iterations[-1]) for c in curves), colours), row=2, col=1)
    figure.update_layout(annotations=scene.headline(start))
    figure.frames = [
        draft.Frame(
            name=str(b),
            data=[trace for trace, _ in scene.traces(b)],
            traces=list(range(len(scene.traces(b)))),
            layout={"annotations": scene.headline(b)},
        )
        for b in reversed(range(len(scene.points)))
    ]
    _slider(figure, [p.beta for p in scene.points], start, colours)
    return Chart(figure, scene.alt(), scene.table(), "beta-dial")


class _Scene:
    """What the dial shows at each position."""

    def __init__(self, points: Sequence[_Point], curves: Sequence[SGDCurves], colours: Palette, wide: bool) -> None:
        self.points, self.curves, self.colours, self.wide = points, curves, colours, wide
        self.tracks, self.signs, self.outputs = follow_filters([p.network for p in points])
        self.norms = np.linalg.norm(self.tracks, axis=2)
        # by the largest norm anywhere on the path, so that a filter is seen to fade before it dies
        self.strength = opacities(self.norms)
        geometry = points[0].network.architecture.geometry
        self.tiles = [tiles_of(geometry, unit_rows(now)) for now in self.tracks]
        self.extent = max(float(np.abs(t).max(initial=0.0)) for t in self.tiles) or 1.0
        self.grid: TileGrid = tile_grid(*self.tiles[0].shape, wide=wide)

    @property
    def active(self) -> list[int]:
        """Filters that are not zero, by position."""
        return [int(np.count_nonzero(row)) for row in self.norms]

    def axes(self) -> Any:
        """The empty figure."""
        tiles, curves, ticks = self.grid.pixels, CURVES, RATIO_TICKS
        if self.wide:
            tiles, curves, ticks = round(WIDE_TILES * tiles), WIDE_CURVES, WIDE_TICKS
        inner = tiles + (BETWEEN + curves if self.curves else 0)
        bottom = BOTTOM if self.curves else 12
        figure = draft.make_subplots(
            rows=2 if self.curves else 1,
            cols=1,
            vertical_spacing=BETWEEN / inner if self.curves else 0.0,
            row_heights=[tiles, curves] if self.curves else [1.0],
            figure=blank(inner + TOP + bottom, left=52, right=12, top=TOP, bottom=bottom),
        )
        self.grid.fit_axes(figure, row=1, col=1)
        if self.curves:
            figure.update_xaxes(title_text="SGD iteration", showgrid=False, zeroline=False, row=2, col=1)
            figure.update_yaxes(
                title_text="objective ÷ optimum",
                type="log",
                range=[math.log10(v) for v in RATIO_RANGE],
                tickvals=ticks,
                ticktext=[f"{v:g}" for v in ticks],
                gridcolor=self.colours.faint,
                zeroline=False,
                row=2,
                col=1,
            )
            figure.update_layout(legend={"y": curves / inner, "yanchor": "bottom"})
        return figure

    def traces(self, b: int) -> list[tuple[Any, int]]:
        """Everything that changes with beta, in a fixed order, with its row."""
        tiles, norms = self.tiles[b], self.norms[b]
        dead = norms == 0.0
        numbers = range(1, len(norms) + 1)
        lit = np.where(dead[:, None, None], np.nan, tiles)
        grey = np.where(dead[:, None, None], 1.0, np.nan) * np.ones(tiles.shape)
        shown: list[tuple[Any, int]] = [
            (
                self.grid.heatmap(
                    lit,
                    numbers,
                    "filter %{customdata}: %{hovertext}",
                    self.strength[b],
                    colorscale=self.colours.diverging,
                    zmid=0,
                    zmin=-self.extent,
                    zmax=self.extent,
                    showscale=False,
                ),
                1,
            ),
            (
                self.grid.heatmap(
                    grey,
                    numbers,
                    "filter %{customdata}: the whole group is zero",
                    colorscale=[[0, self.colours.dead], [1, self.colours.dead]],
                    opacity=0.55,
                    showscale=False,
                ),
                1,
            ),
            (
                self.grid.labels(
                    self.labels(norms),
                    tile_colours(norms, self.signs.tolist(), self.colours),
                ),
                1,
            ),
        ]
        if self.curves:
            shown.extend((line, 2) for line in self._seeds(b))
        return shown

    def labels(self, norms: _Array) -> list[str]:
        """Norm and sign over each tile, and the output it belongs to if there are several."""
        several = self.points[0].network.weights.ndim > 1
        return [
            signed_label(n, s) + (f"→{o}" if several and n else "")
            for n, s, o in zip(norms, self.signs, self.outputs, strict=True)
        ]

    def _seeds(self, b: int) -> list[Any]:
        optimum = self.points[b].objective or 1.0
        return [
            draft.Scatter(
                x=self.curves[b].iterations,
                y=values / optimum,
                name="SGD, one line a seed",
                showlegend=s == 0,
                mode="lines",
                line={
                    "color": self.colours.sgd,
                    "width": 1.6,
                    "dash": ("solid", "dash", "dot", "dashdot", "longdash")[s % 5],
                },
                hovertemplate="iteration %{x}: %{y:.4f} times the optimum<extra></extra>",
            )
            for s, values in enumerate(self.curves[b].objective)
        ]

    def headline(self, b: int) -> list[dict[str, Any]]:
        """Two lines of text over the figure; the bound is named for what it is."""
        point, gap = self.points[b], self.points[b].gap
        if not point.bounded:
            proof = "restricted to sampled patterns, no global bound"
        elif not point.exact:
            proof = f"the optimum is at least {point.lower_bound:.6g}"
        else:
            proof = f"certified gap {gap:.0e}" if gap >= 1e-12 else "certified gap below 1e-12"
        colour = self.colours.convex if point.exact else self.colours.muted
        value = "preview" if not point.exact else "optimum" if point.bounded else "objective"
        lines = (
            (f"<b>{self.active[b]} of {len(self.signs)} filters active</b>", 27, 100, self.colours.ink),
            (f"{value} {point.objective:.6g}, {proof}", 16, 76, colour),
        )
        return [
            {
                "text": text,
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "xshift": -52,
                "y": 1,
                "yref": "paper",
                "yanchor": "bottom",
                "yshift": shift,
                "showarrow": False,
                "font": {"size": size, "color": colour},
            }
            for text, size, shift, colour in lines
        ]

    def alt(self) -> str:
        """The numbers of the figure in words."""
        exact = [p for p in self.points if p.exact]
        text = (
            f"Optimum at {len(exact)} values of beta from {exact[0].beta:.3g} to "
            f"{exact[-1].beta:.3g}: {min(self.active)} to {max(self.active)} of {len(self.signs)} filters active"
        )
        worst = max(p.gap for p in exact)
        bounded = all(p.bounded for p in exact)
        text += f", largest certified relative gap {worst:.1e}." if bounded else ", without a global lower bound."
        if self.curves:
            excess = self._ends() / np.array([[p.objective] for p in self.points]) - 1.0
            text += f" SGD ends {100 * excess.min():.2g} % to {100 * excess.max():.2g} % above the optimum."
        return text

    def table(self) -> dict[str, Any]:
        """The numbers of every position."""
        table: dict[str, Any] = {
            "beta": [p.beta for p in self.points],
            "objective": [p.objective for p in self.points],
            "lower bound": [p.lower_bound for p in self.points],
            "relative gap": [p.gap for p in self.points],
            "active filters": self.active,
        }
        if len({p.exact for p in self.points}) > 1:
            table["kind"] = ["exact" if p.exact else "preview" for p in self.points]
        if self.curves:
            table["best SGD"] = self._ends().min(axis=1).tolist()
            table["worst SGD"] = self._ends().max(axis=1).tolist()
        return table

    def _ends(self) -> _Array:
        return np.array([c.objective[:, -1] for c in self.curves])


def _points(solutions: Sequence[Solution], previews: Sequence[PathPreview]) -> list[_Point]:
    """Every position, at decreasing beta."""
    points = [
        _Point(
            s.problem.beta,
            s.network,
            s.network_objective,
            s.lower_bound,
            s.relative_gap,
            s.scope is Scope.GLOBAL and math.isfinite(s.relative_gap),
            True,
        )
        for s in solutions
    ]
    points += [
        _Point(p.beta, p.network, p.objective, p.lower_bound, p.relative_gap, math.isfinite(p.lower_bound), False)
        for p in previews
    ]
    return sorted(points, key=lambda p: -p.beta)


def _optimum(last: float, colours: Palette) -> Any:
    return draft.Scatter(
        x=[0, last],
        y=[1, 1],
        name="certified optimum",
        mode="lines",
        line={"color": colours.convex, "width": 3},
        hovertemplate="the certified optimum<extra></extra>",
    )


def _slider(figure: Any, betas: Sequence[float], start: int, colours: Palette) -> None:
    jump = {"frame": {"duration": 0, "redraw": True}, "transition": {"duration": 0}, "mode": "immediate"}
    figure.update_layout(
        sliders=[
            {
                "active": len(betas) - 1 - start,
                "x": 0,
                "len": 1,
                "y": 1,
                "yanchor": "bottom",
                "pad": {"l": 0, "r": 0, "t": 0, "b": 2},
                "bgcolor": colours.convex,
                "activebgcolor": colours.convex,
                "bordercolor": colours.convex,
                "currentvalue": {
                    "prefix": "β = ",
                    "xanchor": "right",
                    "offset": 10,
                    "font": {"size": 20, "color": colours.ink},
                },
                # the labels of the steps would overlap; the current value says it
                "font": {"color": "rgba(0,0,0,0)", "size": 1},
                "ticklen": 4,
                "tickcolor": colours.muted,
                "minorticklen": 0,
                "steps": [
                    {
                        "label": f"{betas[int(frame['name'])]:.3g}",
                        "method": "animate",
                        "args": [[frame["name"]], jump],
                    }
                    for frame in figure.frames
                ],
            }
        ]
    )
