"""One cell: its pattern matrix and the linear map that the network is on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arrangement import Cell
from ...errors import InputError
from .. import draft
from ..chart import Chart, blank
from ..colours import LIGHT, Palette

__all__ = ["linear_piece", "pattern_matrix"]

#: more samples than this are not drawn
MAX_ROWS = 40

_Floats = NDArray[np.float64]


def pattern_matrix(cell: Cell, K: int, *, colours: Palette = LIGHT) -> Chart:
    """Draw D_{i,k}: samples down, patches across, filled where patch k of sample i passes the ReLU.

    A ring marks the entries whose hyperplane bounds the cell: flipping exactly one of them leads into a neighbour.

    Parameters
    ----------
    cell : Cell
        Of an arrangement of K n rows, patch by patch.
    K : int
        Number of patches.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If K does not divide the number of rows.
    """
    N = len(cell.active)
    if K < 1 or N % K:
        raise InputError(f"K: got {K}, expected a divisor of {N} rows")
    gates = cell.active.reshape(K, N // K).T
    n = len(gates)
    shown = min(n, MAX_ROWS)
    figure = blank(90 + min(340, max(110, 30 * shown)), left=52, right=8, top=8, bottom=42)
    figure.add_trace(gate_map(gates[:shown], colours))
    k, i = np.divmod(cell.facet_rows, n)
    here = i < shown
    figure.add_trace(
        draft.Scatter(
            x=k[here] + 1,
            y=i[here],
            mode="markers",
            marker={"symbol": "circle", "size": 11, "color": colours.paper, "line": {"color": colours.ink, "width": 2}},
            customdata=cell.neighbours[here],
            hovertemplate="a facet: flipping this bit leads into cell %{customdata}<extra></extra>",
            showlegend=False,
        )
    )
    matrix_axes(figure, shown, K)
    alt = (
        f"Pattern matrix of cell {cell.index}: {int(gates.sum())} of {N} entries are active "
        f"({n} samples, {K} patches); {len(cell.facet_rows)} facets."
    )
    table = {
        "sample": np.tile(np.arange(n), K).tolist(),
        "patch": np.repeat(np.arange(1, K + 1), n).tolist(),
        "active": cell.active.astype(int).tolist(),
        "facet": np.isin(np.arange(N), cell.facet_rows).tolist(),
    }
    return Chart(figure, alt, table, f"pattern-{cell.index}")


def linear_piece(patches: _Floats, active: NDArray[np.bool_], *, scale: float = 1.0, colours: Palette = LIGHT) -> Chart:
    """Draw the matrix G = s sum_k D_k X_k (n, h) of a pattern: inside the cell one filter u outputs G u.

    Parameters
    ----------
    patches : ndarray (K, n, h)
        Patch matrices.
    active : ndarray (K n,) of bool
        The pattern.
    scale : float
        s: 1 for sum pooling, 1/K for mean pooling.
    colours : Palette
        The theme.

    Examples
    --------
    >>> linear_piece(np.ones((2, 1, 3)), np.array([True, True])).table["entry 0"]
    [2.0]
    """
    K, n, h = patches.shape
    G = scale * np.einsum("kn,knh->nh", active.reshape(K, n).astype(float), patches)
    shown = min(n, MAX_ROWS)
    extent = float(np.abs(G).max()) or 1.0
    figure = blank(90 + min(340, max(110, 30 * shown)), left=52, right=8, top=8, bottom=42)
    figure.add_trace(
        draft.Heatmap(
            z=G[:shown],
            x=np.arange(1, h + 1),
            colorscale=colours.diverging,
            zmin=-extent,
            zmax=extent,
            showscale=False,
            xgap=2,
            ygap=2,
            hovertemplate="sample %{y}, entry %{x}: %{z:.4g}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="filter entry", dtick=max(1, h // 8), showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text="sample", autorange="reversed", dtick=max(1, shown // 6), showgrid=False, zeroline=False
    )
    rank = int(np.linalg.matrix_rank(G))
    alt = f"The linear map of the cell, {n} samples by {h} filter entries, rank {rank}, largest entry {extent:.3g}."
    table: dict[str, Any] = {"sample": list(range(n)), **{f"entry {j}": G[:, j].tolist() for j in range(h)}}
    return Chart(figure, alt, table, "linear-piece")


def matrix_axes(figure: Any, n: int, K: int, **where: Any) -> None:
    """Axes of a samples-by-patches matrix."""
    figure.update_xaxes(
        title_text="patch k",
        range=[0.5, K + 0.5],
        dtick=max(1, K // 8),
        tick0=1,
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        **where,
    )
    figure.update_yaxes(
        title_text="sample i",
        range=[n - 0.5, -0.5],
        dtick=max(1, n // 6),
        showgrid=False,
        zeroline=False,
        fixedrange=True,
        **where,
    )


def gate_map(gates: NDArray[np.bool_], colours: Palette) -> Any:
    """Heat map of gates (n, K): active entries filled, the others faint."""
    return draft.Heatmap(
        z=gates.astype(np.uint8),
        x=np.arange(1, gates.shape[1] + 1),
        colorscale=[[0, colours.faint], [1, colours.convex]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        hovertemplate="patch %{x} of sample %{y}: gate %{z}<extra></extra>",
    )
