"""The path over beta: norms of the filters, how many are active, and the objective between its bounds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..path import Path, PathPreview
from ..status import Scope
from . import draft
from .chart import Chart, blank, power_ticks
from .colours import LIGHT, Palette
from .tracks import follow_filters

__all__ = ["norm_map", "objective_path", "over_strides"]

#: A relative gap below this is drawn here: the axis is logarithmic.
GAP_FLOOR = 1e-12
#: Pixels of a row of the norm map, fewest and most of the whole map, and of the panel of the counts below it.
ROW_PIXELS, MAP_PIXELS, COUNT_PIXELS = 18, (120, 360), 110

_Array = NDArray[np.float64]


def norm_map(path: Path, *, compact: bool = False, colours: Palette = LIGHT) -> Chart:
    """Group norm of every filter along the path, and below it how many filters are active.

    One row a filter, followed through beta (logarithmic, increasing to the right): orange with a positive output
    weight, blue with a negative one, grey where the whole group is zero. The shade is the square root of the norm, so
    that small ones are seen. A dotted line is beta_max, from where on every filter is dead.

    Parameters
    ----------
    path : Path
        At least one point.
    compact : bool
        A small version for rows of them: no axis titles, half as high.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the path has no point.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve_path
    >>> path = solve_path(Problem.from_dataset(load_dataset("shift")), points=4)
    >>> norm_map(path).table["active filters"]
    [0, 2, 2, 2]
    """
    betas = _betas(path)
    tracks, signs, _ = follow_filters([s.network for s in path])
    norms = np.linalg.norm(tracks, axis=2).T
    signed = norms * signs[:, None]
    active = np.count_nonzero(norms, axis=0)
    T = len(signs)
    rows = min(max(ROW_PIXELS * T, MAP_PIXELS[0]), MAP_PIXELS[1]) // (2 if compact else 1)
    counts = COUNT_PIXELS // (2 if compact else 1)
    between = 14 if compact else 22
    inner = rows + between + counts
    figure = draft.make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=between / inner,
        row_heights=[rows, counts],
        figure=blank(inner + (44 if compact else 68), left=44, right=10, top=16, bottom=28 if compact else 52),
    )
    edges = _edges(betas)
    for trace in _norm_heatmaps(betas, edges, norms, signed, colours):
        figure.add_trace(trace, row=1, col=1)
    figure.add_trace(_active_line(betas, active, colours), row=2, col=1)
    figure.update_yaxes(range=[T + 0.5, 0.5], showgrid=False, zeroline=False, row=1, col=1)
    figure.update_yaxes(range=[-0.06 * active.max() - 0.1, 1.15 * max(int(active.max()), 1)], row=2, col=1)
    figure.update_yaxes(gridcolor=colours.faint, zeroline=False, nticks=4, row=2, col=1)
    _beta_axes(figure, edges, compact, colours)
    _mark_beta_max(figure, path, edges, colours)
    if not compact:
        figure.update_yaxes(title_text="filter", row=1, col=1)
        figure.update_yaxes(title_text="active", row=2, col=1)
    alt = (
        f"Group norms of {T} filters at {len(path)} values of beta from {betas[0]:.3g} down to {betas[-1]:.3g}: "
        f"{active.min()} to {active.max()} active, none from beta_max = {path.beta_max:.4g} on; "
        f"largest norm {norms.max(initial=0.0):.3g}."
    )
    table: dict[str, Any] = {"beta": betas.tolist(), "active filters": active.tolist()}
    table |= {f"norm of filter {t + 1}": signed[t].tolist() for t in range(T)}
    return Chart(figure, alt, table, "filter-norms-path")


def objective_path(path: Path, previews: Sequence[PathPreview] = (), *, colours: Palette = LIGHT) -> Chart:
    """The objective between its bounds along the path, and below it the relative gap on a logarithmic axis.

    Exact points are filled and joined; previews are open circles, an upper bound each, with the lower bound that the
    neighbouring certificates imply.

    Parameters
    ----------
    path : Path
        At least one point; over sampled patterns it has no lower bound, and the legend says so.
    previews : sequence of PathPreview
        Between the points.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If the path has no point.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve_path
    >>> path = solve_path(Problem.from_dataset(load_dataset("shift")), points=4)
    >>> [trace.name for trace in objective_path(path, [path.preview(0.5 * path.beta_max)]).figure.data[:3]]
    ['lower bound', 'objective', 'preview']
    """
    betas = _betas(path)
    exact = path.scope is Scope.GLOBAL
    figure = draft.make_subplots(
        rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=[0.6, 0.4], figure=blank(430, left=62)
    )
    line = {"color": colours.convex, "width": 2.5}
    if exact:
        figure.add_trace(
            draft.Scatter(
                x=betas,
                y=path.lower_bound,
                name="lower bound",
                mode="lines+markers",
                line={**line, "dash": "dash"},
                marker={"symbol": "triangle-up", "size": 9},
                hovertemplate="β = %{x:.4g}: proved lower bound %{y:.8g}<extra></extra>",
            ),
            row=1,
            col=1,
        )
    figure.add_trace(
        draft.Scatter(
            x=betas,
            y=path.objective,
            name="objective" if exact else "objective over sampled patterns",
            mode="lines+markers",
            line=line,
            marker={"size": 7},
            hovertemplate="β = %{x:.4g}: objective %{y:.8g}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    open_circle = {"symbol": "circle-open", "size": 7, "color": colours.muted, "line": {"width": 1.5}}
    if previews:
        figure.add_trace(
            draft.Scatter(
                x=[p.beta for p in previews],
                y=[p.objective for p in previews],
                name="preview",
                mode="markers",
                marker=open_circle,
                customdata=[_finite(p.lower_bound) for p in previews],
                hovertemplate="β = %{x:.4g}: preview %{y:.6g}, at least %{customdata:.6g}<extra></extra>",
            ),
            row=1,
            col=1,
        )
    for x, gaps, style in (
        (betas, path.relative_gap, {"mode": "lines+markers", "line": line, "marker": {"size": 7}}),
        ([p.beta for p in previews], [p.relative_gap for p in previews], {"mode": "markers", "marker": open_circle}),
    ):
        figure.add_trace(
            draft.Scatter(
                x=x,
                y=[max(g, GAP_FLOOR) if math.isfinite(g) else None for g in gaps],
                customdata=[_finite(g) for g in gaps],
                hovertemplate="β = %{x:.4g}: relative gap %{customdata:.1e}<extra></extra>",
                showlegend=False,
                **style,
            ),
            row=2,
            col=1,
        )
    edges = _edges(betas)
    figure.update_yaxes(title_text="objective", gridcolor=colours.faint, rangemode="tozero", row=1, col=1)
    powers, texts = power_ticks(GAP_FLOOR, 0.5)
    figure.update_yaxes(
        title_text="relative gap",
        type="log",
        range=[math.log10(GAP_FLOOR) - 0.5, 0.0],
        tickvals=powers,
        ticktext=texts,
        gridcolor=colours.faint,
        row=2,
        col=1,
    )
    _beta_axes(figure, edges, False, colours)
    _mark_beta_max(figure, path, edges, colours)
    proof = f"largest certified relative gap {path.relative_gap.max():.1e}" if exact else "no global lower bound"
    alt = (
        f"Objective at {len(path)} values of beta from {betas[0]:.3g} down to {betas[-1]:.3g}: from "
        f"{path.objective[0]:.6g} down to {path.objective[-1]:.6g}, {proof}."
    )
    if previews:
        alt += f" {len(previews)} previews between them"
        worst = max(p.relative_gap for p in previews)
        alt += f", each within {worst:.1e} of the optimum." if math.isfinite(worst) else "."
    rows: list[tuple[Any, ...]] = [
        (s.problem.beta, "exact" if s.scope is Scope.GLOBAL else "restricted", s.network_objective, s.lower_bound,
         s.relative_gap, s.active_filters) for s in path
    ]  # fmt: skip
    rows += [(p.beta, "preview", p.objective, p.lower_bound, p.relative_gap, p.network.m) for p in previews]
    rows.sort(key=lambda row: -row[0])
    names = ("beta", "point", "objective", "lower bound", "relative gap", "active filters")
    return Chart(figure, alt, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)), "objective-path")


def over_strides(paths: Mapping[int, Path], *, colours: Palette = LIGHT) -> Chart:
    """Optimal objective along beta for several strides: a smaller stride shares one filter over more patches.

    Parameters
    ----------
    paths : mapping of int to Path
        Stride to path, at least one.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no path.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve_path
    >>> data = load_dataset("shift")
    >>> paths = {s: solve_path(Problem.from_dataset(data, stride=s), points=3) for s in (1, 2)}
    >>> [trace.name for trace in over_strides(paths).figure.data]
    ['stride 1', 'stride 2']
    """
    if not paths:
        raise InputError("paths: got none, expected at least one")
    figure = blank(300, left=62, bottom=52)
    for k, (stride, path) in enumerate(paths.items()):
        figure.add_trace(
            draft.Scatter(
                x=path.betas,
                y=path.objective,
                name=f"stride {stride}" + ("" if path.scope is Scope.GLOBAL else " (restricted)"),
                mode="lines+markers",
                line={"color": colours.ordered(k / max(len(paths) - 1, 1)), "width": 2.5},
                marker={"symbol": k, "size": 8},
                hovertemplate=f"stride {stride}, β = %{{x:.3g}}: %{{y:.6g}}<extra></extra>",
            )
        )
    every = np.concatenate([path.betas for path in paths.values()])
    ticks = _ticks(np.array([0.9 * every.min(), 1.1 * every.max()]), 8)
    figure.update_xaxes(title_text="β", type="log", gridcolor=colours.faint, tickmode="array", tickvals=ticks)
    figure.update_yaxes(title_text="objective", gridcolor=colours.faint, rangemode="tozero")
    limits = ", ".join(f"{path.beta_max:.3g} for stride {stride}" for stride, path in paths.items())
    table: dict[str, list[Any]] = {"stride": [], "beta": [], "objective": [], "lower bound": [], "active filters": []}
    for stride, path in paths.items():
        table["stride"] += [stride] * len(path)
        table["beta"] += path.betas.tolist()
        table["objective"] += path.objective.tolist()
        table["lower bound"] += path.lower_bound.tolist()
        table["active filters"] += path.active_filters.tolist()
    return Chart(figure, f"Optimal objective along beta by stride; beta_max is {limits}.", table, "over-strides")


def _betas(path: Path) -> _Array:
    if not len(path):
        raise InputError("path: got no points, expected at least one")
    return path.betas


def _edges(betas: _Array) -> _Array:
    """Borders between the points, rising; in the middle on a logarithmic axis."""
    logs: _Array = np.log(betas[::-1])
    middle = 0.5 * (logs[1:] + logs[:-1]) if len(logs) > 1 else logs + 0.5
    edges: _Array = np.exp(np.concatenate([[2 * logs[0] - middle[0]], middle, [2 * logs[-1] - middle[-1]]]))
    return edges if len(logs) > 1 else edges[[0, 1]]


def _norm_heatmaps(betas: _Array, edges: _Array, norms: _Array, signed: _Array, colours: Palette) -> list[Any]:
    """The living groups in shades of their sign, and the dead ones in grey; norms are (T, B)."""
    T = len(norms)
    extent = math.sqrt(float(norms.max(initial=0.0))) or 1.0
    number = np.broadcast_to(np.arange(1.0, T + 1)[:, None], norms.shape)
    shown = np.stack([number, np.broadcast_to(betas, norms.shape), signed], axis=2)
    living = np.where(norms == 0.0, np.nan, np.sign(signed) * np.sqrt(norms))
    dead = np.where(norms == 0.0, 0.0, np.nan)
    where = "filter %{customdata[0]}, β = %{customdata[1]:.3g}: "
    return [
        draft.Heatmap(
            x=edges,
            y=np.arange(T + 1) + 0.5,
            z=z[:, ::-1],
            customdata=shown[:, ::-1],
            colorscale=scale,
            zmin=-extent,
            zmax=extent,
            opacity=opacity,
            showscale=False,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            hovertemplate=where + hover + "<extra></extra>",
        )
        for z, scale, opacity, hover in (
            (living, colours.diverging, 1.0, "group norm %{customdata[2]:+.4g}"),
            (dead, [[0, colours.dead], [1, colours.dead]], 0.55, "the whole group is zero"),
        )
    ]


def _active_line(betas: _Array, active: NDArray[np.intp], colours: Palette) -> Any:
    return draft.Scatter(
        x=betas,
        y=active,
        mode="lines+markers",
        line={"color": colours.ink, "width": 2, "shape": "hvh"},
        marker={"size": 5},
        hovertemplate="β = %{x:.3g}: %{y} filters active<extra></extra>",
        showlegend=False,
    )


def _beta_axes(figure: Any, edges: _Array, compact: bool, colours: Palette) -> None:
    span = [math.log10(edges[0]), math.log10(edges[-1])]
    figure.update_xaxes(
        type="log",
        range=span,
        showgrid=False,
        zeroline=False,
        tickmode="array",
        tickvals=_ticks(edges, 3 if compact else 8),
        tickcolor=colours.faint,
    )
    if not compact:
        figure.update_xaxes(title_text="β", row=2, col=1)


def _ticks(edges: _Array, most: int) -> list[float]:
    """Round values of beta inside the range, at most about `most`."""
    low, high = math.log10(edges[0]), math.log10(edges[-1])
    for mantissas in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
        found = [
            m * 10.0**e
            for e in range(math.floor(low), math.ceil(high) + 1)
            for m in mantissas
            if low <= math.log10(m) + e <= high
        ]
        if len(found) <= most:
            break
    return [float(f"{v:.3g}") for v in found]


def _mark_beta_max(figure: Any, path: Path, edges: _Array, colours: Palette) -> None:
    if edges[0] < path.beta_max < edges[-1]:
        figure.add_vline(x=path.beta_max, line={"color": colours.muted, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=math.log10(path.beta_max),
            xref="x",
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="right",
            text="β<sub>max</sub>",
            showarrow=False,
            font={"color": colours.muted, "size": 13},
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
