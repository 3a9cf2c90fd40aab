"""An architecture in other languages, as :class:`convex_core.losses.base.Formulas` is for a loss."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NetworkFormulas"]


@dataclass(frozen=True, slots=True)
class NetworkFormulas:
    """A network and its convex program as text for people and as Python for :func:`~convex_core.cvxpy_script`.

    The Python refers to numpy as ``np``, scipy.sparse as ``sp`` and cvxpy as ``cp``, to the patches ``X`` (K, n, h), to
    ``code`` (P, N), the bits of each cell as 0.0 and 1.0, and to the sizes K, n, h and P (and q with several outputs).
    It takes nothing else from this library: a script made of it computes everything again.

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
