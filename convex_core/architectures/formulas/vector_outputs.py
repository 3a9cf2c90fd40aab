"""Several outputs in text, LaTeX and Python."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .lifted_cells import lifted_formulas, lifted_latex
from .records import NetworkFormulas, formulas_of, listed
from .signed_cells import signed_formulas, signed_latex

if TYPE_CHECKING:
    from ..vector_outputs import VectorOutputs
    from ..vector_outputs_l2 import VectorOutputsL2
    from ..vector_outputs_lifted import LiftedVectorOutputs

__all__ = ["vector_outputs_formulas", "vector_outputs_l2_formulas", "vector_outputs_lifted_formulas"]

# LaTeX of the order of the outputs
FLAT = r"f,\, y\text{: flat, sample by sample}"
_CELLS = "code, output = code[:, :-q], code[:, -q:]  # the last q bits mark the output of a cell"
_REGIONS_AND_OUTPUTS = "w[:, :, None] * output[block][:, None, :]"
_DESIGN = """\
G = np.einsum("inh,io->inoh", G, output).reshape(P, n * q, h)  # in the rows of the block's own output"""
_EVERY_DESIGN = """\
G = np.einsum("inh,op->inoph", G, np.eye(q)).reshape(P, n * q, q * h)  # for Z (q, h), sample by sample"""


def vector_outputs_formulas(cnn: VectorOutputs) -> NetworkFormulas:
    """The formulas of :class:`.VectorOutputs`."""
    one = formulas_of(cnn.single)
    shape, regions = "x".join(map(str, (*cnn.tail, cnn.q))), bool(cnn.tail)
    space = r"\times ".join(map(str, (*cnn.tail, cnn.q)))
    return NetworkFormulas(
        title=f"{one.title} and {cnn.q} outputs",
        network=f"{one.network}, w_j in R^{shape}",
        cost="(||u_j||_2^2 + ||w_j||_1^2) / 2",
        program=f"{one.program}, each i with one output",
        constraints=one.constraints,
        cells=f"{_CELLS}\n{one.cells}",
        design=f"{one.design}\n{_DESIGN}",
        cone=one.cone,
        neurons=f"{one.neurons}\nw = {_REGIONS_AND_OUTPUTS if regions else 'w[:, None] * output[block]'}",
        atoms=one.atoms,
        outputs='np.einsum("rnm,mrq->nq", phi, w).ravel()' if regions else "(phi @ w).ravel()",
        costs=f"0.5 * (np.sum(u**2) + np.sum(np.abs(w).sum(axis={(1, 2) if regions else 1}) ** 2))",
        latex=replace(
            one.latex,
            network=rf"{one.latex.network}^T",
            cost=r"\|u_j\|_2^2 + \|w_j\|_1^2",
            parameters=rf"u_j\in\mathbb{{R}}^{{{cnn.geometry.h}}},\; w_j\in\mathbb{{R}}^{{{space}}}"
            if regions
            else rf"{one.latex.parameters},\; w_j\in\mathbb{{R}}^{{{space}}}",
            blocks=("c_{i,o}", "c_{i,o}'"),
            operator=rf"\sum_{{o=1}}^{{{cnn.q}}} {one.latex.operator}",
            operand=r"(c_{i,o}' - c_{i,o})\, e_o^T",
            index=r"i,\, o",
            members=r"c = c_{i,o},\, c_{i,o}'",
            every=rf"{one.latex.every},\, o",
            order=FLAT,
        ),
        copies=f"for {cnn.q} outputs",
    )


def vector_outputs_l2_formulas(cnn: VectorOutputsL2) -> NetworkFormulas:
    """The formulas of :class:`.VectorOutputsL2`."""
    one = formulas_of(cnn.single)
    return signed_formulas(
        cnn,
        weights="q",
        title=f"{one.title} and {cnn.q} outputs",
        network=f"{one.network}, w_j in R^{cnn.q}",
        program=one.program.replace("(c'_i - c_i)", "Z_i^T" if cnn.plain else "(Z'_i - Z_i)^T"),
        constraints=f"every row of Z_i and of Z'_i, times its sign: {one.constraints}",
        design=f"{one.design}\n{_EVERY_DESIGN}",
        atoms=one.atoms,
        outputs="(phi @ w).ravel()",
        latex=signed_latex(
            cnn,
            row="o",
            network=rf"{one.latex.network}^T",
            shape=(cnn.q, cnn.geometry.h),
            operand="Z_i^T" if cnn.plain else "(Z_{i,s}' - Z_{i,s})^T",
            columns="" if cnn.plain else f"Z_{{i,s}} = [{listed('z_{{i,s,{}}}', cnn.q)}]^T",
            order=FLAT,
        ),
    )


def vector_outputs_lifted_formulas(cnn: LiftedVectorOutputs) -> NetworkFormulas:
    """The formulas of :class:`.LiftedVectorOutputs`."""
    one = formulas_of(cnn.single)
    program = one.program.replace("(c'_i - c_i)", "(Z'_i - Z_i)^T")
    blocks = "S_i = [[W_i, Z_i], [Z_i^T, U_i]]"
    return lifted_formulas(
        cnn,
        weights="q",
        title=f"{one.title} and {cnn.q} outputs, lifted",
        network=f"{one.network}, w_j in R^{cnn.q}",
        program=f"{program}, {blocks}",
        design=f"{one.design}\n{_EVERY_DESIGN}",
        atoms=one.atoms,
        outputs="(phi @ w).ravel()",
        latex=lifted_latex(
            cnn,
            network=rf"{one.latex.network}^T",
            operand="(Z_i' - Z_i)^T",
            rows=rf"Z_i\in\mathbb{{R}}^{{{cnn.q}\times {cnn.geometry.h}}}",
            order=FLAT,
        ),
    )
