"""The two-layer CNN of maxout neurons in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex, averaged

if TYPE_CHECKING:
    from ..maxout import MaxoutCNN

__all__ = ["maxout_formulas"]

_CONE = """\
rows = X.reshape(K * n, h)
rows = np.hstack([rows, -rows])  # of the differences c_1 - c_2
cone = [(2 * bits - 1)[:, None] * rows for bits in code]  # (2 D_ik - I) X_k (c_1 - c_2) for all k"""
_DESIGN = """\
G = [np.einsum("ikn,knh->inh", gate, X) for gate in (D, 1 - D)]
G = np.concatenate(G, axis=2){divided}  # {scale}sum_k [D_ik X_k, (I - D_ik) X_k]"""
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u, w = c / root[:, None], sign * root  # both filters, one after the other: (||u||^2 + w^2) / 2 = ||c||"""


def maxout_formulas(cnn: MaxoutCNN) -> NetworkFormulas:
    """The formulas of :class:`.MaxoutCNN`."""
    h, K = cnn.geometry.h, cnn.geometry.K
    scale, divided, average = averaged(cnn.pooling, K)
    return NetworkFormulas(
        title=f"two-layer maxout CNN with {cnn.pooling} pooling",
        network=f"{scale}sum_j sum_k max(X_k u_j1, X_k u_j2) w_j",
        cost="(||u_j1||^2 + ||u_j2||^2 + w_j^2) / 2",
        program=f"{scale}sum_i sum_k [D_ik X_k, (I - D_ik) X_k] (c'_i - c_i), c_i = (c_i1, c_i2)",
        constraints="(2 D_ik - I) X_k (c_i1 - c_i2) >= 0 and (2 D_ik - I) X_k (c'_i1 - c'_i2) >= 0",
        cells="D = code.reshape(P, K, n)  # sign patterns D_ik: the samples in which the first filter wins at patch k",
        design=_DESIGN.format(divided=divided, scale=scale),
        cone=_CONE,
        neurons=_NEURONS,
        atoms=f"phi = sum(np.maximum(Xk @ u[:, :h].T, Xk @ u[:, h:].T) for Xk in X){divided}",
        outputs="phi @ w",
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=NetworkLatex(
            network=rf"{average}\sum_j \sum_{{k=1}}^{{{K}}} \max(X_k u_{{j,1}},\, X_k u_{{j,2}})\, w_j",
            cost=r"\|u_{j,1}\|_2^2 + \|u_{j,2}\|_2^2 + w_j^2",
            parameters=rf"u_{{j,1}},\, u_{{j,2}}\in\mathbb{{R}}^{{{h}}}",
            blocks=("c_i", "c_i'"),
            shape=(2 * h,),
            operator=rf"{average}\sum_{{k=1}}^{{{K}}} [D_{{i,k}} X_k,\, (I-D_{{i,k}}) X_k]",
            operand="(c_i' - c_i)",
            cone=(r"(2D_{i,k}-I)\, X_k (c_1 - c_2) \ge 0",),
            members=r"(c_1,\, c_2) = c_i,\, c_i'",
            every=r"i,\, k",
        ),
    )
