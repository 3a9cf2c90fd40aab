"""The training problem with the filters' directions fixed, for losses that OSQP does not take."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..network import Network
from ..penalties import L2Penalty
from ..problem import Problem
from ..program import Blocks, all_cone_rows, assemble
from ..validation import finite_array
from .clarabel_backend import solve_clarabel

__all__ = ["ConicDirections"]

_Array = NDArray[np.float64]


class ConicDirections:
    r"""Minimise :math:`\ell(\Phi a, y) + \beta \sum_j a_j` over a >= 0 with Clarabel, whatever the loss.

    The sizes a are blocks of length one in the cone a >= 0. Slower than :class:`FixedDirections`, which starts from the
    answer before.

    Parameters
    ----------
    problem : Problem
        Data and loss.
    directions : (m, h)
        Filters; only their directions matter.
    sign : (m,)
        Output sign of each, +1 or -1.

    Examples
    --------
    >>> from convex_core import LogisticLoss, Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("edge"), loss=LogisticLoss())
    >>> solution = solve(problem)
    >>> fixed = ConicDirections(problem, solution.network.filters, solution.network.weights)
    >>> network = fixed.network(fixed.sizes(problem.beta))
    >>> abs(problem.objective(network) - solution.objective) < 1e-6
    True
    """

    def __init__(self, problem: Problem, directions: ArrayLike, sign: ArrayLike) -> None:
        U = finite_array(directions, "directions", ndim=2)
        self._problem = problem
        self._unit = U / np.maximum(np.linalg.norm(U, axis=1, keepdims=True), np.finfo(float).tiny)
        self._sign = np.sign(finite_array(sign, "sign", ndim=1))
        Phi: _Array = self._sign * problem.architecture.atoms(problem.patches, self._unit)
        m = len(U)
        one = np.ones((m, 1))
        self._blocks = Blocks(Phi.T[:, :, None], one[:1], one.astype(np.int8), one.astype(bool), np.ones(m, np.int8))

    def sizes(self, beta: float) -> _Array:
        """The sizes a (m,) at `beta`."""
        program = assemble(
            self._blocks,
            self._problem.y,
            beta,
            all_cone_rows(self._blocks),
            loss=self._problem.loss,
            penalty=L2Penalty(),
        )
        sizes: _Array = np.maximum(np.nan_to_num(solve_clarabel(program).C[:, 0]), 0.0)
        return sizes

    def network(self, a: _Array) -> Network:
        """The network with sizes `a` (m,) on the fixed directions; those at the level of rounding are left out."""
        alive = a > 1e-10 * a.max(initial=0.0)
        root = np.sqrt(a[alive])
        return Network(self._problem.architecture, self._unit[alive] * root[:, None], self._sign[alive] * root)
