"""The linear CNN in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex, listed
from .vector_outputs import FLAT

if TYPE_CHECKING:
    from ..linear import LinearCNN

__all__ = ["linear_formulas"]

_NEURONS = """\
a, sigma, b = np.linalg.svd(c.reshape(h, {columns}), full_matrices=False)  # a neuron per singular value sigma a b^T
u, w = np.sqrt(sigma)[:, None] * a.T, np.sqrt(sigma)[:, None] * b"""
_DESIGN = """\
G = np.zeros((n, q, h, K, q))
G[:, np.arange(q), :, :, np.arange(q)] = X.transpose(1, 2, 0)
G = G.reshape(1, n * q, h * K * q)  # sum_k X_k z_ko for each output o, for Z (h, K q) row by row"""


def linear_formulas(cnn: LinearCNN) -> NetworkFormulas:
    """The formulas of :class:`.LinearCNN`."""
    h, K, q = cnn.geometry.h, cnn.geometry.K, cnn.q
    if q > 1:
        return _several(cnn)
    return NetworkFormulas(
        title="linear CNN, a convolution without activation",
        network="sum_j sum_k X_k u_j w_jk",
        cost="(||u_j||^2 + ||w_j||^2) / 2",
        program="sum_k X_k z_k, Z = [z_1, ..., z_K]",
        constraints="",
        cells="",
        design="G = X.transpose(1, 2, 0).reshape(1, n, h * K)  # sum_k X_k z_k, for Z (h, K) row by row",
        cone="",
        neurons=_NEURONS.format(columns="K"),
        atoms="phi = X @ u.T",
        outputs='np.einsum("knm,mk->n", phi, w)',
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=NetworkLatex(
            network=rf"\sum_j \sum_{{k=1}}^{{{K}}} X_k u_j\, w_{{j,k}}",
            cost=r"\|u_j\|_2^2 + \|w_j\|_2^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}},\; w_j\in\mathbb{{R}}^{{{K}}}",
            blocks=("Z",),
            shape=(h, K),
            operator=rf"\sum_{{k=1}}^{{{K}}} X_k",
            operand="z_k",
            index="",
            columns=f"Z = [{listed('z_{{{}}}', K)}]",
        ),
    )


def _several(cnn: LinearCNN) -> NetworkFormulas:
    """Those of several outputs: Z has a column for each patch and output."""
    h, K, q = cnn.geometry.h, cnn.geometry.K, cnn.q
    return NetworkFormulas(
        title=f"linear CNN of {q} outputs, a convolution without activation",
        network="sum_j sum_k X_k u_j w_jk^T",
        cost="(||u_j||^2 + ||w_j||^2) / 2",
        program="sum_k X_k Z_k, Z = [Z_1, ..., Z_K]",
        constraints="",
        cells="",
        design=_DESIGN,
        cone="",
        neurons=f"{_NEURONS.format(columns='K * q')}\nw = w.reshape(len(w), K, q)",
        atoms="phi = X @ u.T",
        outputs='np.einsum("knm,mkq->nq", phi, w).ravel()',
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=NetworkLatex(
            network=rf"\sum_j \sum_{{k=1}}^{{{K}}} X_k u_j\, w_{{j,k}}^T",
            cost=r"\|u_j\|_2^2 + \|w_j\|_F^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}},\; w_j\in\mathbb{{R}}^{{{K}\times {q}}}",
            blocks=("Z",),
            shape=(h, K * q),
            operator=rf"\sum_{{k=1}}^{{{K}}} X_k",
            operand="Z_k",
            index="",
            order=FLAT,
            columns=f"Z = [{listed('Z_{{{}}}', K)}]",
        ),
    )
