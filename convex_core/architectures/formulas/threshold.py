"""The threshold activation in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex, averaged

if TYPE_CHECKING:
    from ..threshold import ThresholdCNN

__all__ = ["threshold_formulas"]

_NEURONS = """\
rows, u = X.reshape(K * n, h), []
for bits in code[block]:  # a filter in the middle of the cell; none is inside where all are active
    inside, slack = cp.Variable(h), cp.Variable()
    within = [cp.multiply(2 * bits - 1, rows @ inside) >= slack, cp.norm(inside) <= 1]
    cp.Problem(cp.Maximize(slack), within).solve(solver=cp.CLARABEL)
    u.append(inside.value if slack.value > 1e-9 else np.zeros(h))
u, w = np.array(u), sign * c[:, 0]"""


def threshold_formulas(cnn: ThresholdCNN) -> NetworkFormulas:
    """The formulas of :class:`.ThresholdCNN`."""
    h, K = cnn.geometry.h, cnn.geometry.K
    scale, divided, average = averaged(cnn.pooling, K)
    return NetworkFormulas(
        title=f"two-layer threshold CNN with {cnn.pooling} pooling",
        network=f"{scale}sum_j sum_k 1[X_k u_j >= 0] w_j",
        cost="|w_j|",
        program=f"{scale}sum_i sum_k D_ik 1 (c'_i - c_i)",
        constraints="c_i >= 0 and c'_i >= 0",
        cells="D = code.reshape(P, K, n)  # sign patterns D_ik: the samples in which patch k is active",
        design=f"G = D.sum(axis=1)[:, :, None]{divided}  # {scale}sum_k D_ik 1",
        cone="cone = [np.ones((1, 1))] * P  # c >= 0",
        neurons=_NEURONS,
        atoms=f"phi = (X @ u.T >= 0.0).sum(axis=0){divided}",
        outputs="phi @ w",
        costs="np.sum(np.abs(w))",
        latex=NetworkLatex(
            network=rf"{average}\sum_j \sum_{{k=1}}^{{{K}}} 1[X_k u_j \ge 0]\, w_j",
            cost=r"2\,|w_j|",
            parameters=rf"u_j\in\mathbb{{R}}^{{{h}}}",
            blocks=("c_i", "c_i'"),
            shape=(1,),
            operator=rf"{average}\sum_{{k=1}}^{{{K}}} D_{{i,k}} 1",
            operand="(c_i' - c_i)",
            cone=(r"c \ge 0",),
            members=r"c = c_i,\, c_i'",
            every="i",
        ),
    )
