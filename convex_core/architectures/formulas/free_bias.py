"""Two-layer CNNs with free biases in text, LaTeX and Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .records import NetworkFormulas, averaged
from .two_layer import skip_of, two_layer_formulas

if TYPE_CHECKING:
    from ..free_bias import FreeBiasCNN

__all__ = ["free_bias_formulas"]

_CELLS = """\
rows = X[:, :, :-1].reshape(K * n, h - 1)  # the data patches
active, mark = np.split(code, 2, axis=1)
anchor = rows[mark.argmax(axis=1)]  # the kink of a cell is at this patch
D = active.reshape(P, K, n)  # sign patterns D_ik: the samples in which patch k is beyond the kink"""
_DESIGN = """\
S = {gate}
G = np.einsum("ikn,knh->inh", S, X[:, :, :-1]) - S.sum(axis=1)[:, :, None] * anchor[:, None, :]
G = G{divided}  # {scale}sum_k {symbol} (X_k - 1 a_i^T)"""
_CONE = """\
cone = [(2 * bits - 1)[:, None] * (rows - a) for bits, a in zip(active, anchor)]  # (2 D_ik - I) (X_k - 1 a_i^T)"""
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u = c / root[:, None]
u = np.hstack([u, -np.sum(u * anchor[block], axis=1)[:, None]])  # a filter ends in its bias, which is free
w = sign * root  # (||u||^2 + w^2) / 2 = ||c||"""


def free_bias_formulas(cnn: FreeBiasCNN) -> NetworkFormulas:
    """The formulas of :class:`.FreeBiasCNN`."""
    plain = two_layer_formulas(cnn)
    sigma, K, h = cnn.activation, cnn.geometry.K, cnn.geometry.window
    scale, divided, average = averaged(cnn.pooling, K)
    skip, latex_skip = skip_of(cnn)
    symbol, latex_symbol = ("D_ik", "D_{i,k}") if sigma.plain else ("S_ik", "S_{i,k}")
    network = f"{skip}{scale}sum_j sum_k {sigma.text('X_k u_j + t_j')} w_j"
    return replace(
        plain,
        title=f"{plain.title} and free biases",
        network=f"{network}, {sigma.definition}" if sigma.definition else network,
        program=(
            f"{skip}{scale}sum_i sum_k {symbol} (X_k - 1 a_i^T) (c'_i - c_i), a_i a data patch{sigma.gate_definition}"
        ),
        constraints="(2 D_ik - I) (X_k - 1 a_i^T) c >= 0 for c = c_i, c'_i",
        cells=_CELLS,
        design=_DESIGN.format(gate=sigma.gated("D"), divided=divided, scale=scale, symbol=symbol),
        cone=_CONE,
        neurons=_NEURONS,
        costs="0.5 * (np.sum(u[:, :-1] ** 2) + np.sum(w**2))",
        latex=replace(
            plain.latex,
            network=rf"{latex_skip}{average}\sum_j \sum_{{k=1}}^{{{K}}} {sigma.latex(r'X_k u_j + t_j')}\, w_j",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}},\; t_j\in\mathbb{{R}}",
            shape=(h,),
            operator=rf"{average}\sum_{{k=1}}^{{{K}}} {latex_symbol} (X_k - 1 a_i^T)",
            cone=(r"(2D_{i,k}-I)\, (X_k - 1 a_i^T)\, c \ge 0",),
            remarks=(r"a_i\text{: the data patch at the kink}", *plain.latex.remarks),
        ),
    )
