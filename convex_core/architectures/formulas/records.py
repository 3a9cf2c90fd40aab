"""An architecture in other languages, as :class:`convex_core.losses.base.Formulas` is for a loss."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import InputError

__all__ = ["NetworkFormulas", "NetworkLatex", "averaged", "formulas_of", "listed"]


@dataclass(frozen=True, slots=True)
class NetworkLatex:
    r"""A network and its convex program as LaTeX, the sizes as numbers; :mod:`convex_core.export.latex` composes it.

    The outputs of the program are :math:`\sum_i` `operator` `operand`, i over the sign patterns, its penalty the sum
    over `index` of the norms of the `blocks`.

    Attributes
    ----------
    network : str
        Outputs f as a sum over the neurons j.
    cost : str
        Twice what beta multiplies, per neuron j.
    parameters : str
        Space of the parameters of a neuron.
    blocks : tuple of str
        The two blocks of a cell, or the only one.
    shape : tuple of int
        Length of a block, or rows and columns of one that is a matrix.
    operator : str
        Matrix of the cell i.
    operand : str
        What it multiplies, in the blocks.
    constraint : str
        Constraint on the parameters, if there is any.
    index : str
        Indices of the blocks, i first; empty if there is one cell only.
    columns : str
        The block in its parts, where the formulas name those.
    cone : tuple of str
        Inequalities of a block called c or C; empty if there are none.
    members : str
        What in the blocks c or C stands for.
    every : str
        What else they hold for.
    remarks : tuple of str
        What the formulas of the program refer to besides.
    definition : str
        What the formula of the network refers to, if it is not known to everyone.
    order : str
        Order of the outputs, if there are several.
    skip : str
        What a free skip connection adds to the outputs, with the plus after it; empty if there is none.
    """

    network: str
    cost: str
    parameters: str
    blocks: tuple[str, ...]
    shape: tuple[int, ...]
    operator: str
    operand: str
    constraint: str = ""
    index: str = "i"
    columns: str = ""
    cone: tuple[str, ...] = ()
    members: str = ""
    every: str = ""
    remarks: tuple[str, ...] = ()
    definition: str = ""
    order: str = ""
    skip: str = ""


def averaged(pooling: str, K: int) -> tuple[str, str, str]:
    r"""What mean pooling puts before a sum over K patches in text, after it in Python, and before it in LaTeX.

    Examples
    --------
    >>> averaged("mean", 3), averaged("sum", 3)
    (('1/K ', ' / K', '\\tfrac{1}{3}'), ('', '', ''))
    """
    return ("1/K ", " / K", rf"\tfrac{{1}}{{{K}}}") if pooling == "mean" else ("", "", "")


def listed(symbol: str, number: int) -> str:
    r"""LaTeX of a list of symbols with the numbers 1 to `number` in place of ``{}``.

    Examples
    --------
    >>> print(listed("z_{}", 2), "and", listed("z_{}", 5))
    z_1,\, z_2 and z_1,\, \dots,\, z_5
    """
    shown = range(1, number + 1) if number <= 3 else (1, number)
    return (r",\, " if number <= 3 else r",\, \dots,\, ").join(symbol.format(k) for k in shown)


@dataclass(frozen=True, slots=True)
class NetworkFormulas:
    """A network and its convex program as text and LaTeX for people and as Python for a script.

    The Python is for :func:`~convex_core.cvxpy_script`. It refers to numpy as ``np``, scipy.sparse as ``sp`` and cvxpy
    as ``cp``, to the patches ``X`` (K, n, h), to ``code`` (P, N), the bits of each cell as 0.0 and 1.0, and to the
    sizes K, n, h and P (and q with several outputs). It takes nothing else from this library: a script made of it
    computes everything again.

    Attributes
    ----------
    title : str
        What the network is, without an article.
    network : str
        Outputs f as a sum over the neurons j.
    cost : str
        What beta multiplies, per neuron j, and any constraint on its parameters.
    program : str
        Outputs f as a sum over the cells i, with blocks c_i and c'_i (Z_i alone if there are no cones).
    constraints : str
        Cone of a block; empty if there is none, so that a cell has one block instead of a pair.
    cells : str
        Statements that name the parts of ``code``.
    design : str
        Statements that define ``G`` (P, len(y), p), the outputs of a block of each cell.
    cone : str
        Statements that define ``cone``, a list of P matrices (rows, p) with ``cone[i] @ c_i >= 0``; empty as above.
    neurons : str
        Statements that map the blocks ``c`` (m, p) of output signs ``sign`` (m,) in the cells ``block`` (m,) back to
        filters ``u`` and weights ``w``, or ``u``, ``w1`` and ``w2``.
    atoms : str
        Statements that define ``phi``: what the output weights multiply, by a forward pass.
    outputs : str
        Expression of the outputs (len(y),) in ``phi`` and the output weights.
    costs : str
        Expression of the sum of the costs.
    latex : NetworkLatex
        The same network and program as LaTeX.
    copies : str
        What tells apart the cells that share a sign pattern, after the word "each"; empty if no two do.
    skip : str
        Expression of the matrix (len(y), r) that a free skip connection multiplies; empty if there is none.
    """

    title: str
    network: str
    cost: str
    program: str
    constraints: str
    cells: str
    design: str
    cone: str
    neurons: str
    atoms: str
    outputs: str
    costs: str
    latex: NetworkLatex
    copies: str = ""
    skip: str = ""


def formulas_of(architecture: object) -> NetworkFormulas:
    """The text of an architecture that has any; nothing but scripts, LaTeX and pages needs it.

    Raises
    ------
    InputError
        If it has none.
    """
    formulas = getattr(architecture, "formulas", None)
    if not isinstance(formulas, NetworkFormulas):
        name = getattr(architecture, "name", type(architecture).__name__)
        raise InputError(f"formulas: got the architecture {name!r} without any, expected one with NetworkFormulas")
    return formulas
