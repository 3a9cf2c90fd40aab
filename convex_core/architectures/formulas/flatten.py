"""The CNN with a flatten layer in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lifted_cells import lifted_formulas, lifted_latex
from .records import NetworkFormulas, NetworkLatex, listed
from .signed_cells import signed_formulas, signed_latex

if TYPE_CHECKING:
    from ..flatten import FlattenCNN
    from ..flatten_l1 import FlattenL1CNN
    from ..flatten_lifted import LiftedFlattenCNN

__all__ = ["flatten_formulas", "flatten_l1_formulas", "flatten_lifted_formulas"]

_CELLS = """\
active, mark = code[:, :n], code[:, n:]
patch = mark.argmax(axis=1)  # a block looks at one patch
"""
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u, w = c / root[:, None], (sign * root)[:, None] * mark[block]  # (||u||^2 + ||w||_1^2) / 2 = ||c||"""


def flatten_formulas(cnn: FlattenCNN) -> NetworkFormulas:
    """The formulas of :class:`.FlattenCNN`."""
    row = "z_ik" if cnn.plain else "(z'_ik - z_ik)"
    h, K, at = cnn.geometry.h, cnn.geometry.K, "i" if cnn.plain else "i,s"
    return signed_formulas(
        cnn,
        weights="K",
        title="CNN with one ReLU and a flatten layer",
        network="sum_j sum_k (X_k u_j)_+ w_jk",
        program=f"sum_i sum_k D_ik X_k {row}, Z_i = [z_i1, ..., z_iK]",
        constraints="s_ik (2 D_ik' - I) X_k' z_ik >= 0 for all k, k', and the same for z'_ik",
        design='G = np.einsum("ikn,knh->inkh", D, X).reshape(P, n, K * h)  # sum_k D_ik X_k z_k, for Z (K, h)',
        atoms="phi = np.maximum(X @ u.T, 0.0)",
        outputs='np.einsum("knm,mk->n", phi, w)',
        latex=signed_latex(
            cnn,
            row="l",
            network=rf"\sum_j \sum_{{k=1}}^{{{K}}} (X_k u_j)_+\, w_{{j,k}}",
            shape=(h, K),
            operand="z_{i,k}" if cnn.plain else "(z_{i,s,k}' - z_{i,s,k})",
            columns=f"Z_{{{at}}} = [{listed(f'z_{{{{{at},{{}}}}}}', K)}]",
        ),
    )


def flatten_lifted_formulas(cnn: LiftedFlattenCNN) -> NetworkFormulas:
    """The formulas of :class:`.LiftedFlattenCNN`."""
    K = cnn.geometry.K
    return lifted_formulas(
        cnn,
        weights="K",
        title="CNN with one ReLU and a flatten layer, lifted",
        network="sum_j sum_k (X_k u_j)_+ w_jk",
        program="sum_i sum_k D_ik X_k (z'_ik - z_ik), S_i = [[W_i, Z_i], [Z_i^T, U_i]], Z_i = [z_i1, ..., z_iK]^T",
        design='G = np.einsum("ikn,knh->inkh", D, X).reshape(P, n, K * h)  # sum_k D_ik X_k z_k, for Z (K, h)',
        atoms="phi = np.maximum(X @ u.T, 0.0)",
        outputs='np.einsum("knm,mk->n", phi, w)',
        latex=lifted_latex(
            cnn,
            network=rf"\sum_j \sum_{{k=1}}^{{{K}}} (X_k u_j)_+\, w_{{j,k}}",
            operand="(z_{i,k}' - z_{i,k})",
            rows=rf"Z_i = [{listed('z_{{i,{}}}', K)}]^T",
        ),
    )


def flatten_l1_formulas(cnn: FlattenL1CNN) -> NetworkFormulas:
    """The formulas of :class:`.FlattenL1CNN`."""
    h, K = cnn.geometry.h, cnn.geometry.K
    return NetworkFormulas(
        title="CNN with one ReLU and a flatten layer, a patch for each neuron",
        network="sum_j sum_k (X_k u_j)_+ w_jk",
        cost="(||u_j||^2 + ||w_j||_1^2) / 2",
        program="sum_i D_i X_k(i) (c'_i - c_i), k(i) the patch of block i",
        constraints="(2 D_i - I) X_k(i) c >= 0 for c = c_i, c'_i",
        cells=_CELLS,
        design="G = active[:, :, None] * X[patch]  # D_i X_k(i)",
        cone="cone = [(2 * bits - 1)[:, None] * X[k] for bits, k in zip(active, patch)]  # (2 D_i - I) X_k(i)",
        neurons=_NEURONS,
        atoms="phi = np.maximum(X @ u.T, 0.0)",
        outputs='np.einsum("knm,mk->n", phi, w)',
        costs="0.5 * (np.sum(u**2) + np.sum(np.sum(np.abs(w), axis=1) ** 2))",
        latex=NetworkLatex(
            network=rf"\sum_j \sum_{{k=1}}^{{{K}}} (X_k u_j)_+\, w_{{j,k}}",
            cost=r"\|u_j\|_2^2 + \|w_j\|_1^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}},\; w_j\in\mathbb{{R}}^{{{K}}}",
            blocks=("c_i", "c_i'"),
            shape=(h,),
            operator="D_i X_{k(i)}",
            operand="(c_i' - c_i)",
            cone=(r"(2D_i-I)\, X_{k(i)} c \ge 0",),
            members=r"c = c_i,\, c_i'",
            every="i",
            remarks=(r"k(i)\text{: the patch of block }i",),
        ),
    )
