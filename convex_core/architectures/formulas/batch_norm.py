"""The two-layer CNN with batch normalisation in text, LaTeX and Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .records import NetworkFormulas, averaged
from .two_layer import two_layer_formulas

if TYPE_CHECKING:
    from ..batch_norm import BatchNormCNN

__all__ = ["batch_norm_formulas"]

_CELLS = """\
D = code.reshape(P, K, n)  # sign patterns D_ik: the samples in which patch k is active
M, N = X.reshape(K * n, h), K * n  # all patch rows: the batch
mean = M.mean(axis=0)
U, S, Vt = np.linalg.svd(M - mean, full_matrices=False)
varies = S > 1e-8 * max(S.max(), 1e-300)
U, S, Vt = U[:, varies], S[varies], Vt[varies]
Z = np.column_stack([U, np.full(N, N**-0.5)]).reshape(K, n, -1)  # rows [U_k, 1 / sqrt(N)]"""
_CONE = """\
rows = Z.reshape(K * n, -1)
cone = [(2 * bits - 1)[:, None] * rows for bits in code]  # (2 D_ik - I) [U_k, 1 / sqrt(N)] for all k"""
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
length = np.linalg.norm(c[:, :-1], axis=1)
direction = (c[:, :-1] / (np.maximum(length, 1e-300)[:, None] * S)) @ Vt  # V S^-1 q with a unit vector q
gamma, alpha, w = length / root, c[:, -1] / root, sign * root  # (gamma^2 + alpha^2 + w^2) / 2 = ||c||
u = np.column_stack([direction, gamma, alpha])"""
_ATOMS = """\
response = M @ u[:, :-2].T
response = response - response.mean(axis=0)
size = np.linalg.norm(response, axis=0)
response = u[:, -2] * response / np.where(size > 0.0, size, 1.0) + u[:, -1] / N**0.5
phi = sum({activated} for Rk in response.reshape(K, n, -1)){divided}"""
_MEAN = r"\overline{M u_j}"


def batch_norm_formulas(cnn: BatchNormCNN) -> NetworkFormulas:
    """The formulas of :class:`.BatchNormCNN`."""
    plain, sigma, K = two_layer_formulas(cnn.plain), cnn.activation, cnn.geometry.K
    scale, divided, average = averaged(cnn.pooling, K)
    entering = "gamma_j (X_k u_j - mean) / ||M u_j - mean|| + alpha_j / sqrt(N)"
    network = f"{scale}sum_j sum_k {sigma.text(entering)} w_j, M the N patch rows of the batch, mean that of M u_j"
    latex = rf"\gamma_j\tfrac{{X_k u_j-{_MEAN}}}{{\|M u_j-{_MEAN}\|_2}} + \tfrac{{\alpha_j}}{{\sqrt N}}"
    activated = rf"\Big({latex}\Big)_+" if sigma.plain else rf"\sigma\Big({latex}\Big)"
    rows, gate = r"[U_k,\, \tfrac{1}{\sqrt N}]", "D_{i,k}" if sigma.plain else "S_{i,k}"
    r = cnn.geometry.h if cnn.statistics is None else cnn.statistics.r
    return replace(
        plain,
        title=f"two-layer {sigma.title} CNN with batch normalisation and {cnn.pooling} pooling",
        network=f"{network}, {sigma.definition}" if sigma.definition else network,
        cost="(gamma_j^2 + alpha_j^2 + w_j^2) / 2",
        program=f"{plain.program.replace('X_k', '[U_k, 1 / sqrt(N)]')}, M - mean = U S V^T",
        constraints=plain.constraints.replace("X_k", "[U_k, 1 / sqrt(N)]"),
        cells=_CELLS,
        design=f'G = np.einsum("ikn,knp->inp", {sigma.gated("D")}, Z){divided}  # of the rows Z in place of X',
        cone=_CONE,
        neurons=_NEURONS,
        atoms=_ATOMS.format(activated=sigma.python("Rk"), divided=divided),
        costs="0.5 * (np.sum(u[:, -2:] ** 2) + np.sum(w**2))",
        latex=replace(
            plain.latex,
            network=rf"{average}\sum_j \sum_{{k=1}}^{{{K}}} {activated}\, w_j",
            cost=r"\gamma_j^2 + \alpha_j^2 + w_j^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{cnn.geometry.h}}},\; M = [X_1; \dots; X_{{{K}}}]"
            rf"\text{{, the mean }}{_MEAN}\text{{ over its }}N\text{{ rows}}",
            shape=(r + 1,),
            operator=rf"{average}\sum_{{k=1}}^{{{K}}} {gate} {rows}",
            cone=(rf"(2D_{{i,k}}-I)\, {rows} c \ge 0",),
            remarks=(*plain.latex.remarks, r"M - \overline{M} = U S V^T"),
        ),
    )
