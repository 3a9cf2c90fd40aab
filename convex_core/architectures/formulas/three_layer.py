"""The three-layer CNN in text, LaTeX and Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .lifted_cells import lifted_prelude
from .records import NetworkFormulas, NetworkLatex, listed

if TYPE_CHECKING:
    from ..three_layer import ThreeLayerCNN
    from ..three_layer_lifted import LiftedThreeLayerCNN

__all__ = ["three_layer_formulas", "three_layer_lifted_formulas"]

_CELLS = """\
D1, plus, D2 = np.split(code, [K * n, K * n + K], axis=1)  # patterns of the second layer: D2
D1, s = D1.reshape(P, K, n), 2 * plus - 1  # patterns of the first layer, signs of the hidden weights"""
_CONE = """\
cone = []
for d1, s_i, d2 in zip(D1, s, D2):
    own = (2 * d1 - 1)[:, :, None] * X
    first = {first}
    second = (2 * d2 - 1)[:, None] * np.hstack(d1[:, :, None] * X)  # (2 D2 - I) sum_k D1_k X_k c_k
    cone.append(sp.vstack([first, second]))"""
_OWN = "sp.block_diag(list(s_i[:, None, None] * own))  # s_k (2 D1_k - I) X_k c_k"
_EVERY = "sp.kron(np.diag(s_i), own.reshape(K * n, h))  # s_k (2 D1_k' - I) X_k' c_k for all k, k'"
_PER_PATCH_NEURONS = """\
c, s_j = c.reshape(-1, K, h), s[block]
length = np.linalg.norm(c, axis=2)
root = np.sqrt(np.linalg.norm(length, axis=1))
u = (s_j / np.maximum(length, 1e-300))[:, :, None] * c  # c_k = w_1k u_k with ||u_k|| = 1
w1, w2 = s_j * length / root[:, None], sign * root"""
_SHARED_NEURONS = """\
b, sigma, a = np.linalg.svd(c.reshape(-1, K, h), full_matrices=False)  # the part of rank one, sigma b a^T
print("blocks of rank one up to", (sigma[:, 1:].sum(axis=1) / sigma[:, 0]).max())
b, sigma, a = b[:, :, 0], sigma[:, 0], a[:, 0]
turn = np.where(np.sum(b * s[block], axis=1) >= 0.0, 1.0, -1.0)[:, None]  # so that w_1 has the signs s
u, w1, w2 = turn * a, turn * np.sqrt(sigma)[:, None] * b, sign * np.sqrt(sigma)"""
_ATOMS = """\
hidden = {first}
phi = np.maximum(np.einsum("knm,mk->nm", hidden, w1), 0.0)"""

_LIFTED_DESIGN = """\
G = np.einsum("in,ikn,knh->inkh", D2, D1, X).reshape(P, n, K * h)  # D2 sum_k D1_k X_k z_k, for Z (K, h)
G = np.array([[lifted(Z) for Z in cell.reshape(-1, K, h)] for cell in G])  # for S, of order K + h"""
_LIFTED_CONE = """\
facets = []  # at most four rows F of a piece, F u >= 0
cone = []
for d1, s_i, d2, k in zip(D1, s, D2, piece):
    F = pieces_of(((2 * d1 - 1)[:, :, None] * X).reshape(K * n, h))[k]
    facets.append(F)
    not_negative = [*np.pad(np.diag(s_i), ((0, 0), (0, h))), *np.pad(F, ((0, 0), (K, 0)))]  # of one neuron (w_1, u)
    pairs = [np.outer(a, b) for i, a in enumerate(not_negative) for b in not_negative[:i]]
    second = (2 * d2 - 1)[:, None] * np.hstack(d1[:, :, None] * X)  # (2 D2 - I) sum_k D1_k X_k z_k
    cone.append(np.array([*(upper(0.5 * (S + S.T)) for S in pairs), *(lifted(Z.reshape(K, h)) for Z in second)]))"""
_LIFTED_NEURONS = """\
S = np.zeros((len(c), K + h, K + h))
column, row = np.tril_indices(K + h)
S[:, row, column] = S[:, column, row] = c / np.where(row == column, 1.0, np.sqrt(2.0))
c = S[:, :K, K:].reshape(len(c), K * h)
{neurons}"""


def three_layer_formulas(cnn: ThreeLayerCNN) -> NetworkFormulas:
    """The formulas of :class:`.ThreeLayerCNN`."""
    every = "s_ik (2 D1_ik' - I) X_k' c_ik >= 0 for all k'"
    first = every if cnn.every_column else "s_ik (2 D1_ik - I) X_k c_ik >= 0"
    u = "u_j" if cnn.shared else "u_jk"
    copies = cnn.geometry.copies
    each = "a filter" if copies == 1 else f"{copies} parallel filters"
    filters = "a shared filter" if cnn.shared else f"{each} for every patch"
    atoms = "X @ u.T" if cnn.shared else 'np.einsum("knh,mkh->knm", X, u)'
    h, K = cnn.geometry.h, cnn.geometry.K
    own = "u_j" if cnn.shared else "u_{j,k}"
    row, also = ("k'", r",\, k'") if cnn.every_column else ("k", "")
    return NetworkFormulas(
        title=f"three-layer CNN, two ReLU layers with {filters}",
        network=f"sum_j (sum_k (X_k {u})_+ w_1jk)_+ w_2j",
        cost=f"(||w_1j||^2 + w_2j^2) / 2 with ||{u}|| <= 1",
        program="sum_i D2_i sum_k D1_ik X_k (c'_ik - c_ik), C_i = [c_i1, ..., c_iK]",
        constraints=f"{first}, (2 D2_i - I) sum_k D1_ik X_k c_ik >= 0, and the same for c'_ik",
        cells=_CELLS,
        design='G = np.einsum("in,ikn,knh->inkh", D2, D1, X).reshape(P, n, K * h)  # D2 sum_k D1_k X_k c_k',
        cone=_CONE.format(first=_EVERY if cnn.every_column else _OWN),
        neurons=_SHARED_NEURONS if cnn.shared else _PER_PATCH_NEURONS,
        atoms=_ATOMS.format(first=f"np.maximum({atoms}, 0.0)"),
        outputs="phi @ w2",
        costs="0.5 * (np.sum(w1**2) + np.sum(w2**2))",
        latex=NetworkLatex(
            network=rf"\sum_j \Big(\sum_{{k=1}}^{{{K}}} (X_k {own})_+\, w_{{1j,k}}\Big)_+ w_{{2j}}",
            cost=r"\|w_{1j}\|_2^2 + w_{2j}^2",
            parameters=rf"{own}\in\mathbb{{R}}^{{{h}}},\; w_{{1j}}\in\mathbb{{R}}^{{{K}}}",
            constraint=rf"\|{own}\|_2 \le 1",
            blocks=("C_i", "C_i'"),
            shape=(h, K),
            operator=rf"D^2_i \sum_{{k=1}}^{{{K}}} D^1_{{i,k}} X_k",
            operand="(c_{i,k}' - c_{i,k})",
            columns=f"C_i = [{listed('c_{{i,{}}}', K)}]",
            cone=(
                rf"s_{{i,k}}\, (2D^1_{{i,{row}}}-I)\, X_{{{row}}} c_k \ge 0",
                r"(2D^2_i-I) \textstyle\sum_k D^1_{i,k} X_k c_k \ge 0",
            ),
            members=r"c_k = c_{i,k},\, c_{i,k}'",
            every=rf"i,\, k{also}",
            remarks=(
                rf"s_i\in\{{\pm1\}}^{{{K}}}\text{{: signs of }}w_{{1j}}",
                *([rf"X_1, \dots, X_{{{K}}}\text{{: each patch }}{copies}\text{{ times}}"] if copies > 1 else ()),
            ),
        ),
    )


def three_layer_lifted_formulas(cnn: LiftedThreeLayerCNN) -> NetworkFormulas:
    """The formulas of :class:`.LiftedThreeLayerCNN`."""
    one, h, K = three_layer_formulas(cnn), cnn.geometry.h, cnn.geometry.K
    return replace(
        one,
        title=f"{one.title}, lifted",
        program="sum_i D2_i sum_k D1_ik X_k (z'_ik - z_ik), S_i = [[W_i, Z_i], [Z_i^T, U_i]], "
        "Z_i = [z_i1, ..., z_iK]^T",
        constraints="s_ik s_il W_ikl, s_ik F_i z_ik, F_i U_i F_i^T >= 0, (2 D2_i - I) sum_k D1_ik X_k z_ik >= 0, and "
        "the same for S'_i, F_i u >= 0 the piece of block i",
        cells=f"{lifted_prelude('K', 'K * n + K + n')}\n{one.cells}",
        design=_LIFTED_DESIGN,
        cone=_LIFTED_CONE,
        neurons=_LIFTED_NEURONS.format(neurons=one.neurons),
        latex=replace(
            one.latex,
            blocks=("S_i", "S_i'"),
            shape=(K + h, K + h),
            operand="(z_{i,k}' - z_{i,k})",
            columns=rf"S_i\text{{: blocks }}W_i,\, Z_i;\; Z_i^T,\, U_i,\quad Z_i = [{listed('z_{{i,{}}}', K)}]^T",
            cone=(
                r"s_{i,k}\, s_{i,l}\, W_{k,l} \ge 0,\; s_{i,k}\, F_i z_k \ge 0,\; F_i U F_i^T \ge 0",
                r"(2D^2_i-I) \textstyle\sum_k D^1_{i,k} X_k z_k \ge 0",
            ),
            members=r"W, z_k, U\text{ of }S_i,\, S_i'",
            every=r"i,\, k,\, l",
            remarks=(*one.latex.remarks, r"F_i u\ge 0\text{: piece }i\text{ of the cells, at most four facets}"),
        ),
    )
