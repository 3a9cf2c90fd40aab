"""Data and patches: one sample with the windows the filter slides over, and the patch matrices X_k."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..data import Dataset
from ..errors import InputError
from ..patches import PatchGeometry
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["patch_matrices", "sample_windows"]

#: More patches than this are not drawn one by one.
MAX_WINDOWS = 64
MAX_MATRICES = 8
MAX_ROWS = 40

_Array = NDArray[np.float64]


def sample_windows(dataset: Dataset, geometry: PatchGeometry, sample: int = 0, *, colours: Palette = LIGHT) -> Chart:
    """One sample and the K windows of the filter over it.

    A signal is drawn as bars above a map of the windows (row k: the entries patch k covers, wrapped or cut as the
    padding says); an image as a map with the windows' outlines.

    Parameters
    ----------
    dataset : Dataset
        With input shape ``geometry.input_shape``.
    geometry : PatchGeometry
        Filter size, stride and padding.
    sample : int
        Row of ``dataset.X``, 0 <= sample < n.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no such sample.

    Examples
    --------
    >>> from convex_core.data import load_dataset
    >>> from convex_core.patches import patch_geometry
    >>> sample_windows(load_dataset("talk"), patch_geometry((15,), 10, 5)).alt[:58]
    'Sample 0 of talk: 15 entries from -2.33 to 1.30, target y '
    """
    if not 0 <= sample < dataset.n:
        raise InputError(f"sample: got {sample}, expected 0 to {dataset.n - 1}")
    x = dataset.X[sample]
    draw = _signal if len(geometry.input_shape) == 1 else _image
    figure = draw(x, geometry, colours)
    step = "x".join(str(s) for s in geometry.stride)
    size = "x".join(str(s) for s in geometry.filter_shape)
    alt = (
        f"Sample {sample} of {dataset.name}: {x.size} entries from {x.min():.2f} to {x.max():.2f}, "
        f"target y = {dataset.y[sample]:.3g}; {geometry.K} windows of size {size}, stride {step}, "
        f"{geometry.padding} padding."
    )
    table = {
        "entry": list(range(x.size)),
        "value": x.tolist(),
        "windows covering it": _coverage(geometry).tolist(),
    }
    return Chart(figure, alt, table, f"{dataset.name}-sample-{sample}")


def patch_matrices(patches: _Array, *, colours: Palette = LIGHT) -> Chart:
    """The patch matrices X_1, ..., X_K side by side, one row a sample, on one colour scale around 0.

    Parameters
    ----------
    patches : ndarray, shape (K, n, h)
        The first 8 patches and 40 samples are drawn, and the alternative text says so.
    colours : Palette
        The theme.

    Examples
    --------
    >>> patch_matrices(np.ones((2, 3, 4))).alt
    '2 patch matrices of 3 rows and 4 columns, entries from 1.00 to 1.00.'
    """
    K, n, h = patches.shape
    shown_k, shown_n = min(K, MAX_MATRICES), min(n, MAX_ROWS)
    block = patches[:shown_k, :shown_n]
    canvas = np.full((shown_n, shown_k * (h + 1) - 1), np.nan)
    hover = np.full(canvas.shape, "", dtype=object)
    for k in range(shown_k):
        at = k * (h + 1)
        canvas[:, at : at + h] = block[k]
        for i in range(shown_n):
            for j in range(h):
                hover[i, at + j] = f"X<sub>{k + 1}</sub>, sample {i}, entry {j}: {block[k, i, j]:.3g}"
    figure = blank(max(170, min(420, 60 + 22 * shown_n)), left=40, top=30, bottom=16)
    figure.add_trace(
        draft.Heatmap(
            z=canvas,
            text=hover,
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            colorscale=colours.diverging,
            zmid=0,
            zmin=-_extent(block),
            zmax=_extent(block),
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    for k in range(shown_k):
        _heading(figure, f"X<sub>{k + 1}</sub>", k * (h + 1) + (h - 1) / 2, colours)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False, ticks="", dtick=max(1, shown_n // 6))
    left_out = [] if shown_k == K else [f"the first {shown_k} matrices"]
    left_out += [] if shown_n == n else [f"the first {shown_n} rows"]
    alt = f"{K} patch matrices of {n} rows and {h} columns, entries from {patches.min():.2f} to {patches.max():.2f}"
    alt += f"; drawn: {' and '.join(left_out)}." if left_out else "."
    rows: dict[str, list[Any]] = {"patch": [], "sample": []}
    rows["patch"] = np.repeat(np.arange(1, shown_k + 1), shown_n).tolist()
    rows["sample"] = np.tile(np.arange(shown_n), shown_k).tolist()
    for j in range(h):
        rows[f"entry {j}"] = block[:, :, j].ravel().tolist()
    return Chart(figure, alt, rows, "patch-matrices")


def _signal(x: _Array, geometry: PatchGeometry, colours: Palette) -> Any:
    K, d = geometry.K, x.size
    drawn = min(K, MAX_WINDOWS)
    covered = np.full((drawn, d), np.nan)
    for k in range(drawn):
        index = geometry.index[k]
        covered[k, index[index >= 0]] = k
    windows = min(260, 24 + 18 * drawn)
    figure = draft.make_subplots(
        rows=2,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.06,
        row_heights=[190, windows],
        figure=blank(250 + windows),
    )
    figure.add_trace(
        draft.Bar(
            x=list(range(d)),
            y=x,
            marker_color=[colours.sign(v) for v in x],
            hovertemplate="entry %{x}: %{y:.3g}<extra></extra>",
            showlegend=False,
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        draft.Heatmap(
            z=covered,
            y=list(range(1, drawn + 1)),
            colorscale=[[s / 8, colours.ordered(s / 8)] for s in range(9)],
            zmin=0,
            zmax=max(1, drawn - 1),
            showscale=False,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            hovertemplate="patch %{y} covers entry %{x}<extra></extra>",
        ),
        row=2,
        col=1,
    )
    figure.update_xaxes(showgrid=False, zeroline=False)
    figure.update_xaxes(title_text="entry of the signal", row=2, col=1)
    figure.update_yaxes(title_text="value", gridcolor=colours.faint, zerolinecolor=colours.muted, row=1, col=1)
    figure.update_yaxes(
        title_text="patch k", autorange="reversed", showgrid=False, dtick=max(1, drawn // 6), row=2, col=1
    )
    figure.update_layout(bargap=0.15)
    return figure


def _image(x: _Array, geometry: PatchGeometry, colours: Palette) -> Any:
    H, W = geometry.input_shape[:2]
    pixels = x.reshape(H, W, -1).mean(axis=2)
    figure = blank(420, left=36, top=12, bottom=30)
    figure.add_trace(
        draft.Heatmap(
            z=pixels,
            colorscale=colours.diverging if pixels.min() < 0 else "Cividis",
            zmid=0 if pixels.min() < 0 else None,
            showscale=False,
            hovertemplate="row %{y}, column %{x}: %{z:.3g}<extra></extra>",
        )
    )
    fh, fw = geometry.filter_shape[:2]
    drawn = min(geometry.K, MAX_WINDOWS)
    inset = 0.06
    for k, (row, column) in enumerate(geometry.corners[:drawn]):
        first = k == 0
        figure.add_shape(
            type="rect",
            x0=column - 0.5 + inset,
            x1=column + fw - 0.5 - inset,
            y0=row - 0.5 + inset,
            y1=row + fh - 0.5 - inset,
            line={"color": colours.positive if first else colours.ink, "width": 3 if first else 1},
            opacity=1.0 if first else 0.35,
        )
    step = max(1, max(H, W) // 8)
    figure.update_xaxes(showgrid=False, zeroline=False, constrain="domain", dtick=step)
    figure.update_yaxes(autorange="reversed", showgrid=False, zeroline=False, scaleanchor="x", constrain="domain")
    return figure


def _coverage(geometry: PatchGeometry) -> NDArray[np.int64]:
    """How many windows read each input entry."""
    index = geometry.index.ravel()
    counts: NDArray[np.int64] = np.bincount(index[index >= 0], minlength=geometry.d).astype(np.int64)
    return counts


def _extent(values: _Array) -> float:
    return float(np.max(np.abs(values), initial=0.0)) or 1.0


def _heading(figure: Any, text: str, x: float, colours: Palette) -> None:
    font = {"color": colours.muted}
    figure.add_annotation(x=x, y=1.0, yref="paper", yanchor="bottom", text=text, showarrow=False, font=font)
