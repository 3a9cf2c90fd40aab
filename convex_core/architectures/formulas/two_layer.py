"""Two-layer CNNs in text, LaTeX and Python, with what all poolings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex, averaged

if TYPE_CHECKING:
    from ..two_layer import PooledNeurons, TwoLayerCNN

__all__ = ["pooled_formulas", "pooled_latex", "two_layer_formulas"]

_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u, w = c / root[:, None], sign * root  # (||u||^2 + w^2) / 2 = ||c||"""
_CONE = """\
rows = X.reshape(K * n, h)
cone = [(2 * bits - 1)[:, None] * rows for bits in code]  # (2 D_ik - I) X_k for all k"""


def pooled_formulas(
    cnn: PooledNeurons,
    *,
    pooling: str,
    network: str,
    program: str,
    constraints: str,
    latex: NetworkLatex,
    **python: str,
) -> NetworkFormulas:
    """The text of a pooling with the map back and the costs that all poolings share."""
    sigma = cnn.activation
    return NetworkFormulas(
        title=f"two-layer {sigma.title} CNN with {pooling}",
        network=f"{network}, {sigma.definition}" if sigma.definition else network,
        cost="(||u_j||^2 + w_j^2) / 2",
        program=program,
        constraints=constraints,
        neurons=_NEURONS,
        outputs="phi @ w",
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=latex,
        **python,
    )


def pooled_latex(
    cnn: PooledNeurons,
    *,
    network: str,
    operator: str,
    cone: tuple[str, ...],
    every: str,
    remarks: tuple[str, ...] = (),
    skip: str = "",
) -> NetworkLatex:
    """The LaTeX of a pooling, with what all poolings share."""
    return NetworkLatex(
        definition=cnn.activation.latex_definition,
        network=f"{skip}{network}",
        skip=skip,
        cost=r"\|u_j\|_2^2 + w_j^2",
        parameters=rf"u_j\in\mathbb{{R}}^{{{cnn.geometry.h}}}",
        blocks=("c_i", "c_i'"),
        shape=(cnn.geometry.h,),
        operator=operator,
        operand="(c_i' - c_i)",
        cone=cone,
        members=r"c = c_i,\, c_i'",
        every=every,
        remarks=remarks,
    )


def skip_of(cnn: TwoLayerCNN) -> tuple[str, str]:
    """What a free skip connection adds to the outputs, in text and in LaTeX; empty if there is none."""
    if cnn.skip == "none":
        return "", ""
    K = cnn.geometry.K
    scale, _, average = averaged(cnn.pooling, K)
    return f"{scale}sum_k X_k z + ", rf"{average}\sum_{{k=1}}^{{{K}}} X_k z + "


def two_layer_formulas(cnn: TwoLayerCNN) -> NetworkFormulas:
    """The formulas of :class:`.TwoLayerCNN`."""
    K = cnn.geometry.K
    scale, divided, average = averaged(cnn.pooling, K)
    skip, latex_skip = skip_of(cnn)
    sigma = cnn.activation
    gate, latex_gate = ("D_ik", "D_{i,k}") if sigma.plain else ("S_ik", "S_{i,k}")
    return pooled_formulas(
        cnn,
        pooling=f"{cnn.pooling} pooling",
        network=f"{skip}{scale}sum_j sum_k {sigma.text('X_k u_j')} w_j",
        program=f"{skip}{scale}sum_i sum_k {gate} X_k (c'_i - c_i){sigma.gate_definition}",
        constraints="(2 D_ik - I) X_k c_i >= 0 and (2 D_ik - I) X_k c'_i >= 0",
        cells="D = code.reshape(P, K, n)  # sign patterns D_ik: the samples in which patch k is active",
        design=f'G = np.einsum("ikn,knh->inh", {sigma.gated("D")}, X){divided}  # {scale}sum_k {gate} X_k',
        cone=_CONE,
        atoms=f"phi = sum({sigma.python('Xk @ u.T')} for Xk in X){divided}",
        skip="" if cnn.skip == "none" else f"X.sum(axis=0)[:, :{cnn.geometry.window}]{divided}",
        latex=pooled_latex(
            cnn,
            skip=latex_skip,
            network=rf"{average}\sum_j \sum_{{k=1}}^{{{K}}} {sigma.latex('X_k u_j')}\, w_j",
            operator=rf"{average}\sum_{{k=1}}^{{{K}}} {latex_gate} X_k",
            remarks=sigma.latex_gate_definition,
            cone=(r"(2D_{i,k}-I)\, X_k c \ge 0",),
            every=r"i,\, k",
        ),
    )
