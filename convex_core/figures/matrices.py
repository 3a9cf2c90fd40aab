"""Matrix blocks of the convex program as small heat maps, which go grey as a whole group when they are zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..architectures import ThreeLayerCNN, of_kind
from ..errors import InputError
from ..solution import Solution
from . import draft
from .chart import Chart, blank
from .colours import LIGHT, Palette

__all__ = ["MAX_BLOCKS", "matrix_blocks"]

#: Blocks side by side; of more, the largest are drawn.
MAX_BLOCKS = 14
# a block below this share of the largest is negligible: an interior-point method leaves it
_ZERO = 1e-6

_Array = NDArray[np.float64]


def matrix_blocks(solutions: Sequence[Solution], *, colours: Palette = LIGHT) -> Chart:
    """Blocks C (K, h) of solutions of one problem at several beta: a row per beta, a column per cell and sign.

    Colours are relative to the largest entry at that beta.

    Parameters
    ----------
    solutions : sequence of Solution
        Of three-layer problems that differ in beta only.
    colours : Palette
        The theme.

    Raises
    ------
    InputError
        If there is no solution, or one of another architecture.

    Examples
    --------
    >>> from convex_core import Problem, ThreeLayerCNN, patch_geometry, solve
    >>> cnn = ThreeLayerCNN(patch_geometry((4,), 2, 2))
    >>> problem = Problem([[1.0, 2.0, 0.0, 1.0], [0.0, 1.0, 1.0, -1.0]], [1.0, -1.0], architecture=cnn, beta=0.1)
    >>> matrix_blocks([solve(problem), solve(problem.with_beta(50.0))]).table["beta"]
    [0.1, 50.0]
    """
    if not solutions:
        raise InputError("solutions: got none, expected at least one")
    cnn = of_kind(solutions[0].problem.architecture, ThreeLayerCNN, "solutions", "three-layer")
    for solution in solutions:
        of_kind(solution.problem.architecture, ThreeLayerCNN, "solutions", "three-layer")
    K, h = cnn.geometry.K, cnn.geometry.h
    found = [_by_cell(solution, cnn) for solution in solutions]
    size: dict[bytes, float] = {}
    for blocks in found:
        for key, C in blocks.items():
            size[key] = max(size.get(key, 0.0), float(np.linalg.norm(C)))
    order = sorted(size, key=lambda key: -size[key])
    shown = order[:MAX_BLOCKS]
    B = max(len(shown), 1)
    z = np.full((len(solutions) * (K + 1) - 1, B * (h + 1) - 1), np.nan)
    dead = z.copy()
    for row, blocks in enumerate(found):
        for column, key in enumerate(shown):
            at = (slice(row * (K + 1), row * (K + 1) + K), slice(column * (h + 1), column * (h + 1) + h))
            if key in blocks:
                z[at] = blocks[key]
            else:
                dead[at] = 1.0
    # each row has its own scale: a large beta leaves small entries
    scale = np.ones((len(z), 1))
    for row, blocks in enumerate(found):
        largest = max((float(np.abs(C).max()) for C in blocks.values()), default=1.0)
        scale[row * (K + 1) : row * (K + 1) + K] = largest
    figure = blank(70 + 34 * len(z), left=70, right=16, top=40, bottom=16)
    figure.add_trace(
        draft.Heatmap(
            z=dead,
            colorscale=[[0.0, colours.faint], [1.0, colours.faint]],
            showscale=False,
            hovertemplate="zero<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    figure.add_trace(
        draft.Heatmap(
            z=z / scale,
            customdata=z,
            colorscale=colours.diverging,
            zmin=-1.0,
            zmax=1.0,
            showscale=False,
            hovertemplate="%{customdata:.4g}<extra></extra>",
            xgap=1,
            ygap=1,
        )
    )
    betas = [solution.problem.beta for solution in solutions]
    figure.update_yaxes(
        autorange="reversed",
        tickvals=[row * (K + 1) + 0.5 * (K - 1) for row in range(len(betas))],
        ticktext=[f"β = {beta:.3g}" for beta in betas],
        showgrid=False,
        zeroline=False,
    )
    figure.update_xaxes(
        side="top",
        tickfont={"size": 16, "color": colours.ink},
        tickvals=[column * (h + 1) + 0.5 * (h - 1) for column in range(len(shown))],
        ticktext=["+" if key[:1] == b"+" else "\N{MINUS SIGN}" for key in shown],
        showgrid=False,
        zeroline=False,
    )
    active = [len(blocks) for blocks in found]
    more = f"; the {MAX_BLOCKS} largest of {len(order)} cells are drawn" if len(order) > MAX_BLOCKS else ""
    counts = ", ".join(f"{n} at beta {beta:.3g}" for n, beta in zip(active, betas, strict=True))
    return Chart(
        figure,
        f"Blocks C of {K} by {h} entries, a column per cell and output sign. Blocks that are not zero: {counts}{more}.",
        {
            "beta": betas,
            "blocks": active,
            "sum of norms": [sum(float(np.linalg.norm(C)) for C in blocks.values()) for blocks in found],
        },
        "matrix-blocks",
    )


def _by_cell(solution: Solution, cnn: ThreeLayerCNN) -> dict[bytes, _Array]:
    """The matrices (K, h) of the blocks that are not zero, by output sign and cell."""
    C = cnn.block_matrices(solution.C)
    norms = np.linalg.norm(C, axis=(1, 2))
    active = np.flatnonzero(norms > _ZERO * norms.max(initial=0.0))
    return {(b"+" if solution.sign[b] > 0 else b"-") + np.packbits(solution.active[b]).tobytes(): C[b] for b in active}
