"""The quadratic activation in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex, averaged

if TYPE_CHECKING:
    from ..quadratic import QuadraticCNN

__all__ = ["quadratic_formulas"]

_NEURONS = """\
Z = c.sum(axis=0).reshape(h, h)
value, vector = np.linalg.eigh((Z + Z.T) / 2)  # a neuron per eigenvalue
u = np.abs(value)[:, None] ** 0.25 * vector.T
w = np.sign(value) * np.sqrt(np.abs(value))  # (||u||^4 + w^2) / 2 = |value|"""


def quadratic_formulas(cnn: QuadraticCNN) -> NetworkFormulas:
    """The formulas of :class:`.QuadraticCNN`."""
    h, K = cnn.geometry.h, cnn.geometry.K
    scale, divided, average = averaged(cnn.pooling, K)
    return NetworkFormulas(
        title=f"two-layer quadratic CNN with {cnn.pooling} pooling",
        network=f"{scale}sum_j sum_k (X_k u_j)^2 w_j",
        cost="(||u_j||^4 + w_j^2) / 2",
        program=f"{scale}sum_k x_k^T Z x_k for the patches x_k of a sample, Z symmetric",
        constraints="",
        cells="",
        design=f'G = np.einsum("kni,knj->nij", X, X).reshape(1, n, h * h){divided}  # {scale}sum_k x_k x_k^T',
        cone="",
        neurons=_NEURONS,
        atoms=f"phi = np.square(X @ u.T).sum(axis=0){divided}",
        outputs="phi @ w",
        costs="0.5 * (np.sum(np.sum(u**2, axis=1) ** 2) + np.sum(w**2))",
        latex=NetworkLatex(
            network=rf"{average}\sum_j \sum_{{k=1}}^{{{K}}} (X_k u_j)^2\, w_j",
            cost=r"\|u_j\|_2^4 + w_j^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}}",
            blocks=("Z",),
            shape=(h, h),
            operator=rf"{average}\sum_{{k=1}}^{{{K}}} \operatorname{{diag}}(X_k",
            operand=r"Z X_k^T)",
            index="",
        ),
    )
