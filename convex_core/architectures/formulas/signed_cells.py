"""Networks of signed cells in text, LaTeX and Python: what all of them share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex, formulas_of

if TYPE_CHECKING:
    from ..signed_cells import SignedCells

__all__ = ["signed_formulas", "signed_latex"]

# Python of the map back; r is the name of the number of weights
_NEURONS = """\
u, w, ratio = [], [], 0.0
for Z, s_i, side in zip(c.reshape(-1, {r}, h), s[block], sign):
    b, sigma, a = np.linalg.svd(Z, full_matrices=False)  # sigma_1 b_1 a_1^T if Z has rank one
    second = sigma[1:].sum() / sigma[0]
    ratio = max(ratio, second)
    if second <= 1e-4:
        b, sigma, a = b[:, :1], sigma[:1], a[:1]
    else:  # a neuron per row has the same outputs at a larger cost
        b, sigma = np.eye({r}), np.linalg.norm(Z, axis=1)
        a = Z / np.maximum(sigma, 1e-300)[:, None]
    root = np.where(s_i @ b >= 0.0, 1.0, -1.0) * np.sqrt(sigma)  # so that the weights have the signs s
    u.extend(root[:, None] * a)
    w.extend(side * root[:, None] * b.T)
u, w = np.array(u), np.array(w)
print("blocks of rank one up to", ratio)"""
_PLAIN_NEURONS = """\
b, sigma, a = np.linalg.svd(c.reshape(-1, {r}, h), full_matrices=False)  # a neuron per singular value
root = np.where(b.sum(axis=1) >= 0.0, 1.0, -1.0) * np.sqrt(sigma)
u = (root[:, :, None] * a).reshape(-1, h)
w = (root[:, :, None] * b.transpose(0, 2, 1)).reshape(-1, {r})"""


def signed_formulas(
    cnn: SignedCells,
    *,
    weights: str,
    title: str,
    network: str,
    program: str,
    constraints: str,
    design: str,
    atoms: str,
    outputs: str,
    latex: NetworkLatex,
) -> NetworkFormulas:
    """The text of a network whose number of weights has the name `weights`, with what all of them share."""
    base = formulas_of(cnn.base)
    cells, cone = base.cells, ""
    if not cnn.plain:
        split = f"code, same = np.split(code, [-{cnn.sign_bits}], axis=1)\n" if cnn.sign_bits else ""
        ones, same = "np.ones((P, 1))", ", 2 * same - 1" if cnn.sign_bits else ""
        signs = f"s = np.hstack([{ones}{same}])  # signs of the weights of a cell, up to one for all\n"
        cells = f"{split}{signs}{base.cells}"
        cone = f"{base.cone}\ncone = [np.kron(np.diag(s_i), A) for s_i, A in zip(s, cone)]  # for every row of Z"
    neurons = _PLAIN_NEURONS if cnn.plain else _NEURONS
    return NetworkFormulas(
        title=title,
        network=network,
        cost="(||u_j||^2 + ||w_j||^2) / 2",
        program=program,
        constraints="" if cnn.plain else constraints,
        cells=cells,
        design=design,
        cone=cone,
        neurons=neurons.format(r=weights),
        atoms=atoms,
        outputs=outputs,
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=latex,
        copies=f"with {cnn.cells_per_pattern} choices of signs" if cnn.sign_bits else "",
    )


def signed_latex(
    cnn: SignedCells, *, row: str, network: str, shape: tuple[int, ...], operand: str, columns: str, order: str = ""
) -> NetworkLatex:
    """The LaTeX of a network whose vectors in Z_i have the index `row`, with what all of them share."""
    one, r = formulas_of(cnn.base).latex, cnn.fan_out
    free = replace(
        one,
        network=network,
        cost=r"\|u_j\|_2^2 + \|w_j\|_2^2",
        parameters=rf"{one.parameters},\; w_j\in\mathbb{{R}}^{{{r}}}",
        blocks=("Z_i",),
        shape=shape,
        operand=operand,
        columns=columns,
        cone=(),
        members="",
        every="",
        order=order,
    )
    if cnn.plain:
        return free
    signs = rf"\{{1\}}\times\{{\pm1\}}^{{{r - 1}}}" if r > 1 else r"\{1\}"
    return replace(
        free,
        blocks=("Z_{i,s}", "Z_{i,s}'"),
        operator=rf"\sum_s {one.operator}",
        index=r"i,\, s",
        cone=one.cone,
        members=rf"c = s_{row} z_{{i,s,{row}}},\, s_{row} z_{{i,s,{row}}}'",
        every=rf"{one.every},\, {row},\, s",
        remarks=(*free.remarks, rf"s\in{signs}\text{{: signs of }}w"),
    )
