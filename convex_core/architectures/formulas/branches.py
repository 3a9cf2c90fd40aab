"""Filters of several sizes in text, LaTeX and Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .records import NetworkFormulas, NetworkLatex

if TYPE_CHECKING:
    from ..branches import BranchedCNN

__all__ = ["branches_formulas"]

_CELLS = """\
# the patches of every branch: those of shorter filters are columns of the long ones, or padded zeros
whole = np.hstack([X[:, :, :{window}].transpose(1, 0, 2).reshape(n, -1), np.zeros((n, 1))])
columns = {columns}
parts = [X] + [whole[:, np.array(c)].transpose(1, 0, 2) for c in columns]
parts = [X] + [np.concatenate([A, np.ones((*A.shape[:2], h - {window}))], axis=2) for A in parts[1:]]
A = np.concatenate([np.pad(part, ((0, 0), (0, 0), (0, h - part.shape[2]))) for part in parts])
bits, mark = code[:, :-len(parts)].reshape(P, len(A), n), code[:, -len(parts):]
own = np.repeat(mark, [len(part) for part in parts], axis=1)  # the patches of the branch of a cell"""
_DESIGN = 'G = np.einsum("ikn,knh->inh", bits * own[:, :, None], A)  # sum_k D_ik X_k, over the branch of cell i'
_CONE = """\
cone = [((2 * b - 1)[:, :, None] * A)[o > 0.0].reshape(-1, h) for b, o in zip(bits, own)]  # (2 D_ik - I) X_k"""
_NEURONS = """\
root = np.sqrt(np.linalg.norm(c, axis=1))
u = np.hstack([(c / root[:, None])[:, :part.shape[2]] * mark[block][:, [b]] for b, part in enumerate(parts)])
w = (sign * root)[:, None] * mark[block]  # (||u||^2 + ||w||^2) / 2 = ||c||"""
_ATOMS = """\
cuts = np.cumsum([part.shape[2] for part in parts])[:-1]
phi = np.stack([np.maximum(part @ v.T, 0.0).sum(axis=0) for part, v in zip(parts, np.split(u, cuts, axis=1))])"""


def branches_formulas(cnn: BranchedCNN) -> NetworkFormulas:
    """The formulas of :class:`.BranchedCNN`."""
    sizes = [g.h for g in cnn.every]
    return NetworkFormulas(
        title="two-layer ReLU CNN with sum pooling and filters of several sizes",
        network="sum_j sum_b sum_k (X^b_k u^b_j)_+ w^b_j",
        cost="sum_b (||u^b_j||^2 + (w^b_j)^2) / 2",
        program="sum_i sum_k D_ik X^b(i)_k (c'_i - c_i), b(i) the branch of block i",
        constraints="(2 D_ik - I) X^b(i)_k c >= 0 for c = c_i, c'_i",
        cells=_CELLS.format(window=cnn.geometry.window, columns=[column.tolist() for column in cnn.columns]),
        design=_DESIGN,
        cone=_CONE,
        neurons=_NEURONS,
        atoms=_ATOMS,
        outputs='np.einsum("bnm,mb->n", phi, w)',
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=NetworkLatex(
            network=rf"\sum_j \sum_{{b=1}}^{{{len(sizes)}}} \sum_k (X^b_k u^b_j)_+\, w^b_j",
            cost=r"\textstyle\sum_b \|u^b_j\|_2^2 + (w^b_j)^2",
            parameters=r",\; ".join(rf"u^{b}_j\in\mathbb{{R}}^{{{size}}}" for b, size in enumerate(sizes, start=1)),
            blocks=("c_i", "c_i'"),
            shape=(sizes[0],),
            operator=r"\sum_k D_{i,k} X^{b(i)}_k",
            operand="(c_i' - c_i)",
            cone=(r"(2D_{i,k}-I)\, X^{b(i)}_k c \ge 0",),
            members=r"c = c_i,\, c_i'",
            every=r"i,\, k",
            remarks=(r"b(i)\text{: the branch of block }i",),
        ),
    )
