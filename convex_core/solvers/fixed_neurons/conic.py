"""The training problem with the neurons fixed but for their sizes, for losses that OSQP does not take."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...networks.network import Network
from ...penalties import L2Penalty
from ...problem import Problem
from ...program import Blocks, all_cone_rows, assemble
from ..backends.clarabel import solve_clarabel
from .base import FixedNeurons

__all__ = ["ConicDirections"]

_Array = NDArray[np.float64]
# sizes below this share of the largest are what an interior-point method leaves of zero
_NEGLIGIBLE = 1e-9


class ConicDirections:
    r"""Minimise :math:`\ell(\Phi a, y) + \beta \sum_j a_j` over a >= 0 with Clarabel, whatever the loss.

    The sizes a are blocks of length one in the cone a >= 0. Slower than :class:`FixedDirections`, which starts from the
    answer before.

    Parameters
    ----------
    problem : Problem
        Data and loss.
    network : Network
        Its neurons are fixed but for their sizes.

    Examples
    --------
    >>> from convex_core import LogisticLoss, Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("edge"), loss=LogisticLoss())
    >>> solution = solve(problem)
    >>> fixed = ConicDirections(problem, solution.network)
    >>> network = fixed.network(fixed.sizes(problem.beta))
    >>> abs(problem.objective(network) - solution.objective) < 1e-6
    True
    """

    def __init__(self, problem: Problem, network: Network) -> None:
        self._problem = problem
        self._neurons = FixedNeurons(problem, network)
        Phi = self._neurons.Phi
        m = Phi.shape[1]
        one = np.ones((m, 1))
        self._blocks = Blocks.of(Phi.T[:, :, None], one[:1], one.astype(np.int8), one.astype(bool), np.ones(m, np.int8))

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
        a: _Array = np.nan_to_num(solve_clarabel(program).C[:, 0])
        return np.where(a > _NEGLIGIBLE * a.max(initial=0.0), a, 0.0)

    def network(self, a: _Array) -> Network:
        """The network with sizes `a` (m,) of the fixed neurons."""
        return self._neurons.network(a)
