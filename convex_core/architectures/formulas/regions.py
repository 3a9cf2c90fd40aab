"""Pooling over regions in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .records import NetworkFormulas, NetworkLatex

if TYPE_CHECKING:
    from ..regions import RegionsCNN

__all__ = ["regions_formulas"]

_CELLS = """\
regions = np.array({regions})  # of each place
pool = (np.arange({R})[:, None] == regions) * np.array({scales})[:, None]  # what makes the {kinds}
places = [np.flatnonzero(row) for row in pool]
active, mark = code[:, :-{R}], code[:, -{R}:]
region = mark.argmax(axis=1)  # a block looks at one region
bits = [b[:len(places[r]) * n].reshape(-1, n) for b, r in zip(active, region)]"""
_DESIGN = """\
G = [np.einsum("k,kn,knh->nh", pool[r][places[r]], b, X[places[r]]) for b, r in zip(bits, region)]
G = np.array(G).reshape(P, n, h)  # s_r sum_k D_ik X_k, over the region of cell i"""
_CONE = """\
cone = [((2 * b - 1)[:, :, None] * X[places[r]]).reshape(-1, h) for b, r in zip(bits, region)]  # (2 D_ik - I) X_k"""
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u, w = c / root[:, None], (sign * root)[:, None] * mark[block]  # (||u||^2 + ||w||_1^2) / 2 = ||c||"""


def regions_formulas(cnn: RegionsCNN) -> NetworkFormulas:
    """The formulas of :class:`.RegionsCNN`."""
    h, R, kinds = cnn.geometry.h, len(cnn.scales), f"{cnn.pooling}s"
    s, scale = ("", "") if cnn.pooling == "sum" else ("s_r ", r"\tfrac{1}{|R_r|} ")
    places = [int(count) for count in np.bincount(cnn.regions)]
    return NetworkFormulas(
        title=f"two-layer ReLU CNN with {cnn.pooling} pooling over {R} regions",
        network=f"sum_j sum_r {s}sum_(k in region r) (X_k u_j)_+ w_jr",
        cost="(||u_j||^2 + ||w_j||_1^2) / 2",
        program=f"sum_i {s.replace('_r', '_r(i)')}sum_(k in r(i)) D_ik X_k (c'_i - c_i), r(i) the region of block i",
        constraints="(2 D_ik - I) X_k c >= 0 for k in r(i), c = c_i, c'_i",
        cells=_CELLS.format(regions=cnn.regions.tolist(), scales=cnn.scales.tolist(), R=R, kinds=kinds),
        design=_DESIGN,
        cone=_CONE,
        neurons=_NEURONS,
        atoms='phi = np.einsum("rk,knm->rnm", pool, np.maximum(X @ u.T, 0.0))',
        outputs='np.einsum("rnm,mr->n", phi, w)',
        costs="0.5 * (np.sum(u**2) + np.sum(np.sum(np.abs(w), axis=1) ** 2))",
        latex=NetworkLatex(
            network=rf"\sum_j \sum_{{r=1}}^{{{R}}} {scale}\sum_{{k\in R_r}} (X_k u_j)_+\, w_{{j,r}}",
            cost=r"\|u_j\|_2^2 + \|w_j\|_1^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}},\; w_j\in\mathbb{{R}}^{{{R}}}",
            blocks=("c_i", "c_i'"),
            shape=(h,),
            operator=rf"{scale.replace('_r', '_{r(i)}')}\sum_{{k\in R_{{r(i)}}}} D_{{i,k}} X_k",
            operand="(c_i' - c_i)",
            cone=(r"(2D_{i,k}-I)\, X_k c \ge 0",),
            members=r"c = c_i,\, c_i'",
            every=r"i,\, k\in R_{r(i)}",
            remarks=(
                r"r(i)\text{: the region of block }i",
                rf"R_r\text{{: regions of {', '.join(map(str, places))} places}}",
            ),
        ),
    )
