"""The cell graph: all cells of a small arrangement, also where no picture of the directions themselves is left."""

from __future__ import annotations

import numpy as np

from ...geometry import CellGraph, Usage
from .. import draft
from ..chart import Chart, blank
from ..colours import LIGHT, Palette
from .paint import CellData, Paint, patch_colours

__all__ = ["graph"]


def graph(
    cells: CellGraph,
    paint: Paint,
    data: CellData,
    hyperplane_patch: np.ndarray[tuple[int], np.dtype[np.int64]],
    *,
    K: int = 1,
    selected: int | None = None,
    colours: Palette = LIGHT,
) -> Chart:
    """Draw every cell as a point and every facet as an edge in the colour of its patch.

    Parameters
    ----------
    cells : CellGraph
        Cells, edges and positions.
    paint, data : Paint, CellData
        Colours of the cells and what to say about them.
    hyperplane_patch : ndarray (M,)
        Patch of each distinct hyperplane.
    K : int
        Number of patches.
    selected : int or None
        Cell with a ring.
    colours : Palette
        The theme.
    """
    P = len(cells.positions)
    figure = blank(470, left=0, right=0, top=30, bottom=0)
    for k, colour in enumerate(patch_colours(K, colours)):
        own = cells.edges[hyperplane_patch[cells.hyperplanes] == k]
        if len(own):
            x, y = (_gapped(cells.positions[own, axis]) for axis in (0, 1))
            figure.add_trace(
                draft.Scatter(
                    x=x,
                    y=y,
                    mode="lines",
                    line={"color": colour, "width": 0.8},
                    opacity=0.55,
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
    fill = [paint.colours[c] for c in paint.index]
    used = data.usage > 0
    figure.add_trace(
        draft.Scatter(
            x=cells.positions[:, 0],
            y=cells.positions[:, 1],
            mode="markers",
            marker={
                "size": np.where(used, 16, 8 if P < 300 else 5),
                "color": fill,
                "symbol": ["diamond" if u == Usage.NEGATIVE else "circle" for u in data.usage],
                "line": {
                    "color": [colours.ink if p == selected else colours.muted for p in range(P)],
                    "width": [3.5 if p == selected else 0.6 for p in range(P)],
                },
                "opacity": 1,
            },
            unselected={"marker": {"opacity": 1}},
            **data.hover(list(range(P))),
            showlegend=False,
        )
    )
    figure.update_xaxes(visible=False, range=[-1.08, 1.08], fixedrange=True)
    figure.update_yaxes(visible=False, range=[-1.08, 1.08], fixedrange=True)
    figure.update_layout(hovermode="closest", dragmode=False, clickmode="event+select")
    degree = np.bincount(cells.edges.ravel(), minlength=P)
    alt = (
        f"Graph of all {P} cells with {len(cells.edges)} facets between them, {degree.min()} to {degree.max()} a cell; "
        f"{int(used.sum())} cells are used."
    )
    table = {
        "cell": data.number.tolist(),
        "active entries": data.active.tolist(),
        "usage": [Usage(int(u)).text for u in data.usage],
        "facets": degree.tolist(),
    }
    return Chart(figure, alt, table, "cell-graph")


def _gapped(pairs: np.ndarray[tuple[int, int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Pairs (E, 2) in a row, separated by NaN."""
    return np.column_stack([pairs, np.full(len(pairs), np.nan)]).ravel().astype(np.float32)
