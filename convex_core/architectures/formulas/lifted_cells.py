"""Networks of lifted cells in text, LaTeX and Python: what all of them share."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from ...arrangement.pieces import facets_of, four_of, pieces_of
from ...numerics.completely_positive import nonnegative_factor, pivoted_factor, taken
from .records import NetworkFormulas, NetworkLatex, formulas_of

if TYPE_CHECKING:
    from ..lifted_cells import LiftedCells

__all__ = ["lifted_formulas", "lifted_latex", "lifted_prelude"]

# r is the name of the number of weights, width that of the bits before those of a piece
_CELLS = """\
from itertools import combinations

_Array = np.ndarray


{functions}


def upper(S):  # the upper triangle by columns, with the entries off the diagonal times sqrt(2)
    column, row = np.tril_indices(len(S))
    return S[row, column] * np.where(row == column, 1.0, np.sqrt(2.0))


def lifted(Z):  # the vector G of upper(S) with G @ upper(S) = sum(Z * S[:{r}, {r}:])
    S = np.zeros(({r} + h, {r} + h))
    S[:{r}, {r}:] = S[:{r}, {r}:] + 0.5 * Z
    return upper(S + S.T)


bits = code[:, {width} :]  # the number of the piece, the lowest bit first
code, piece = code[:, : {width}], (bits @ 2.0 ** np.arange(bits.shape[1])).astype(int)"""
_DESIGN = """\
G = np.array([[lifted(Z) for Z in cell.reshape(-1, {r}, h)] for cell in G])  # for S, of order {r} + h"""
_CONE = """\
facets = [pieces_of(A)[k] for A, k in zip(cone, piece)]  # at most four rows F of a piece, F u >= 0
cone = []
for F in facets:  # F U F^T >= 0; its diagonal is anyway
    pairs = [np.outer(F[i], F[j]) for i in range(len(F)) for j in range(i)]
    lower = [np.pad(0.5 * (pair + pair.T), (({r}, 0), ({r}, 0))) for pair in pairs]
    cone.append(np.array([upper(S) for S in lower]).reshape(-1, G.shape[2]))"""
_NEURONS = """\
u, w = [], []
for part, F, side in zip(c, [facets[k] for k in block], sign):
    column, row = np.tril_indices({r} + h)
    S = np.zeros(({r} + h, {r} + h))
    S[row, column] = S[column, row] = part / np.where(row == column, 1.0, np.sqrt(2.0))
    size, axes = np.linalg.eigh(S)
    root = axes * np.sqrt(np.maximum(size, 0.0))  # S = root root^T
    own = F @ root[{r}:]
    new = np.linalg.pinv(F) @ nonnegative_factor(own @ own.T)  # u_j = F^+ b_j with F U F^T = sum_j b_j b_j^T
    u.extend(new.T)
    w.extend(side * (root[:{r}] @ (np.linalg.pinv(root[{r}:], rcond=1e-6) @ new)).T)
u, w = np.array(u), np.array(w)"""


@cache
def _source(function: Callable[..., Any]) -> str:
    """The text of a function, with the first line of its docstring only."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    body = tree.body[0]
    assert isinstance(body, ast.FunctionDef)
    first = (ast.get_docstring(body) or "").splitlines()[0]
    body.body[0] = ast.Expr(ast.Constant(first))
    return ast.unparse(tree)


def lifted_prelude(weights: str, width: str) -> str:
    """Statements that cut cells in pieces, and ``piece``, the number of each, from the bits behind `width`."""
    functions = "\n\n\n".join(map(_source, (pieces_of, four_of, facets_of, nonnegative_factor, taken, pivoted_factor)))
    return _CELLS.format(functions=functions, r=weights, width=width)


def lifted_formulas(
    cnn: LiftedCells,
    *,
    weights: str,
    title: str,
    network: str,
    program: str,
    design: str,
    atoms: str,
    outputs: str,
    latex: NetworkLatex,
) -> NetworkFormulas:
    """The text of a network whose number of weights has the name `weights`, with what all of them share.

    `design` are statements that define ``G`` (P, len(y), r * h), the outputs of Z.
    """
    base = formulas_of(cnn.base)
    return NetworkFormulas(
        title=title,
        network=network,
        cost="(||u_j||^2 + ||w_j||^2) / 2",
        program=program,
        constraints="F_i U F_i^T >= 0 for the block U of S_i and of S'_i, F_i u >= 0 the piece of block i",
        cells=f"{lifted_prelude(weights, 'K * n')}\n{base.cells}",
        design=f"{design}\n{_DESIGN.format(r=weights)}",
        cone=f"{base.cone}\n{_CONE.format(r=weights)}",
        neurons=_NEURONS.format(r=weights),
        atoms=atoms,
        outputs=outputs,
        costs="0.5 * (np.sum(u**2) + np.sum(w**2))",
        latex=latex,
    )


def lifted_latex(cnn: LiftedCells, *, network: str, operand: str, rows: str, order: str = "") -> NetworkLatex:
    """The LaTeX of a network whose matrix Z_i has the `rows`, with what all of them share."""
    one, r, h = formulas_of(cnn.base).latex, cnn.fan_out, cnn.base.geometry.h
    return replace(
        one,
        network=network,
        cost=r"\|u_j\|_2^2 + \|w_j\|_2^2",
        parameters=rf"{one.parameters},\; w_j\in\mathbb{{R}}^{{{r}}}",
        blocks=("S_i", "S_i'"),
        shape=(r + h, r + h),
        operand=operand,
        columns=rf"S_i\text{{: blocks }}W_i,\, Z_i;\; Z_i^T,\, U_i,\quad {rows}",
        cone=(r"F_i\, U F_i^T \ge 0",),
        members=r"U = U_i,\, U_i'",
        every="i",
        order=order,
        remarks=(*one.remarks, r"F_i u\ge 0\text{: piece }i\text{ of the cells, at most four facets}"),
    )
