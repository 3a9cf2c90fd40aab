"""The network that is handed out: that of the blocks, without what is negligible, and of as few neurons as it needs."""

from __future__ import annotations

from ..losses import SquaredLoss
from ..networks.network import Network
from ..networks.recovery import merge_same_cells, prune, recover
from ..penalties import L2Penalty
from ..problem import Problem
from ..progress import Budget
from ..status import Exactness
from ..training.multistart import descend
from ..training.within_cells import settle
from .incumbent import Candidate, Incumbent
from .rounds import Run

__all__ = ["descended", "few_neurons", "network_of"]

# multiplications of a forward pass up to which a network of blocks that have not rank one is improved by descent
_DESCENDS = 1_000_000
# a network with fewer neurons is taken at this relative loss: rounding
_ROUNDING = 1e-13


def few_neurons(incumbent: Incumbent, problem: Problem) -> Candidate:
    """The incumbent, with at most n neurons and one for each cell, unless that costs more than rounding.

    A filter on a hyperplane may have come from the cells on both sides of it.
    """
    best = incumbent.best
    if best.network.m > problem.size:
        best = _no_worse(best, incumbent.evaluated(prune(best.network, problem.patches)))
    return _no_worse(best, incumbent.evaluated(merge_same_cells(best.network, problem.patches, relative_zero=0.0)))


def _no_worse(best: Candidate, few: Candidate) -> Candidate:
    """`few`, unless it is worse by more than rounding."""
    return few if few.objective <= best.objective * (1.0 + _ROUNDING) else best


def network_of(problem: Problem, run: Run, tol: float, *, hurried: bool) -> Network:
    """The pruned network of the blocks, without negligible blocks where that costs at most a tenth of `tol`.

    The smooth losses do not feel them; a loss with kinks does, in first order. In a hurry nothing is weighed.
    """
    C, sign, active, objective = run.C, run.blocks.sign, run.blocks.active, run.upper
    if hurried:
        return recover(problem.architecture, problem.patches, C, sign, active)

    def without(negligible: float) -> Network:
        recovered = recover(problem.architecture, problem.patches, C, sign, active, relative_zero=negligible)
        few = prune(recovered, problem.patches, relative_zero=min(max(0.1 * negligible, 1e-13), 1e-9))
        return problem.fitted(few)

    # Conic solvers leave blocks of a millionth of the largest. Newton's method, for the squared loss and the Euclidean
    # norm, leaves none, and the dual vector of a network feels a small block in first order.
    coarse = None
    if not (isinstance(problem.loss, SquaredLoss) and isinstance(problem.architecture.penalty, L2Penalty)):
        coarse = without(1e-5)
        if problem.objective(coarse) <= objective * (1.0 + 1e-10):
            return coarse
    network = without(1e-8)
    for negligible in (1e-10, 0.0):
        reached, slack = problem.objective(network), 0.1 * tol * abs(objective)
        if reached <= objective + slack:
            break
        fuller = without(negligible)
        if problem.objective(fuller) < reached - slack:
            network = fuller
    return network if coarse is None else min([network, coarse], key=problem.objective)


def descended(problem: Problem, network: Network, objective: float, tol: float, budget: Budget) -> Network:
    """The network, moved to the local minimum below it where blocks of a higher rank have left it above `objective`.

    Where several inputs are equal or zero the program has many optima, and an interior-point method ends in the middle
    of them: its blocks have a higher rank though others have rank one. Of second moments in a thin cell the way back
    magnifies what the method leaves of the cone's inequalities.
    """
    if problem.architecture.exactness is Exactness.BOUND_ONLY:
        return network
    if network.m * problem.patches.size > _DESCENDS or problem.objective(network) <= objective * (1.0 + 0.5 * tol):
        return network
    lower = descend(problem, network, budget=budget)
    # descent ends at kinks, and an optimum may have filters on many walls
    return lower if problem.objective(lower) <= objective * (1.0 + 0.5 * tol) else settle(problem, lower, budget=budget)
