r"""The training problem and its convex program as LaTeX, with the numbers of the present problem.

The formulas are those of the loss, the penalty and the architecture, as in :mod:`convex_core.export.script`.
"""

from __future__ import annotations

from ..architectures import NetworkLatex, formulas_of
from ..contracts.validation import check_arguments
from ..penalties import Penalty
from ..problem import Problem
from ..status import Exactness

__all__ = ["convex_latex", "training_latex"]

# characters of a loss beyond which the regulariser takes the next line: together they are wider than a phone
_WIDE = 40
_BOUNDS = {
    Exactness.EXACT: "",
    Exactness.EXACT_IF_RANK_ONE: r"\text{(a lower bound, exact if rank one)}",
    Exactness.BOUND_ONLY: r"\text{(a lower bound)}",
}


def training_latex(problem: Problem) -> str:
    r"""The non-convex training problem.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> print(training_latex(Problem.from_dataset(load_dataset("talk"), beta=0.1)))
    \begin{aligned}
    \min_{u,\,w}\;& \tfrac12 \|f - y\|_2^2 + \tfrac{0.1}{2}\sum_j \big(\|u_j\|_2^2 + w_j^2\big) \\
    & f = \sum_j \sum_{k=1}^{2} (X_k u_j)_+\, w_j \\
    & u_j\in\mathbb{R}^{10}
    \end{aligned}
    """
    check_arguments("training_latex", problem=(problem, Problem))
    latex = formulas_of(problem.architecture).latex
    cost = rf"\tfrac{{{_number(problem.beta)}}}{{2}}\sum_j \big({latex.cost}\big)"
    lines = [*_objective(r"\min_{u,\,w}", problem, cost), f"& f = {_offset(problem)}{latex.network}"]
    lines += [f"& {line}" for line in (latex.definition, latex.parameters, _bias(problem), latex.order) if line]
    if latex.constraint:
        lines.append(rf"\text{{s.t.}}\;& {latex.constraint}")
    return _aligned(lines)


def convex_latex(problem: Problem, cells: int | None = None) -> str:
    r"""The convex program over all cells, and whether it is only a bound.

    Parameters
    ----------
    problem : Problem
        Any architecture with any loss.
    cells : int, optional
        How many there are, as :attr:`Solution.patterns`; without it the number is called P.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> print(convex_latex(Problem.from_dataset(load_dataset("talk"), beta=0.1), 4072))
    \begin{aligned}
    \min_{c_i,\,c_i'\in\mathbb{R}^{10}}\;& \tfrac12 \|f - y\|_2^2 + 0.1\sum_{i} \big(\|c_i\|_2 + \|c_i'\|_2\big) \\
    & f = \sum_{i=1}^{4{,}072} \sum_{k=1}^{2} D_{i,k} X_k (c_i' - c_i) \\
    \text{s.t.}\;& (2D_{i,k}-I)\, X_k c \ge 0 \\
    & \text{for }c = c_i,\, c_i'\text{ and all }i,\, k
    \end{aligned}
    """
    check_arguments("convex_latex", problem=(problem, Problem))
    architecture = problem.architecture
    latex, penalty = formulas_of(architecture).latex, architecture.penalty
    blocks, size = r",\,".join(latex.blocks), r"\times ".join(map(str, latex.shape))
    count = "P" if cells is None else f"{cells // architecture.cells_per_pattern:,}".replace(",", "{,}")
    each = rf"\sum_{{i=1}}^{{{count}}} " if latex.index else ""
    cost = f"{_number(problem.beta)}{_penalty(latex, penalty)}"
    lines = _objective(rf"\min_{{{blocks}\in\mathbb{{R}}^{{{size}}}}}", problem, cost)
    lines.append(f"& f = {_offset(problem)}{latex.skip}{each}{latex.operator} {latex.operand}")
    if latex.columns:
        lines.append(f"& {latex.columns}")
    if latex.cone:
        first, *others = latex.cone
        lines += [rf"\text{{s.t.}}\;& {first}", *(f"& {line}" for line in others)]
        lines.append(rf"& \text{{for }}{latex.members}\text{{ and all }}{latex.every}")
    words = (_bias(problem), latex.order, _BOUNDS[architecture.exactness])
    remarks = (*penalty.formulas.latex_definition, *latex.remarks, *words)
    lines += [f"& {remark}" for remark in remarks if remark]
    return _aligned(lines)


def _objective(minimum: str, problem: Problem, cost: str) -> list[str]:
    """The loss plus the cost, in one line or in two."""
    loss = problem.loss.formulas.latex
    if len(loss) > _WIDE:
        return [rf"{minimum}\;& {loss}", rf"& {{}} + {cost}"]
    return [rf"{minimum}\;& {loss} + {cost}"]


def _penalty(latex: NetworkLatex, penalty: Penalty) -> str:
    """Sum of the norms of all blocks."""
    formulas = penalty.formulas
    before, after = formulas.latex
    if len(latex.shape) == 2 and formulas.latex_of_matrix is not None:
        before, after = formulas.latex_of_matrix
    norms = " + ".join(f"{before}{block}{after}" for block in latex.blocks)
    if len(latex.blocks) > 1:
        norms = rf"\big({norms}\big)"
    return rf"\sum_{{{latex.index}}} {norms}" if latex.index else norms


def _bias(problem: Problem) -> str:
    """What a bias adds, if there is one."""
    words = {
        "regularised": r"X_k\text{ ends in a column of ones: filters end in a bias}",
        "output": r"b\text{ is free}",
        "free": r"t_j\text{ and }b\text{ are free}",
    }
    return words.get(problem.architecture.geometry.bias, "")


def _offset(problem: Problem) -> str:
    """The output bias, if there is one."""
    return "b + " if problem.architecture.geometry.output_bias else ""


def _number(value: float) -> str:
    """The number, with a power of ten where it is long."""
    digits, _, power = f"{value:g}".partition("e")
    if not power:
        return digits
    return rf"10^{{{int(power)}}}" if digits == "1" else rf"{digits}\cdot 10^{{{int(power)}}}"


def _aligned(lines: list[str]) -> str:
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
