"""The incumbent: the best network that a computation has found, whatever its program says of it.

Convex programs that are only bounds, tolerances of solvers and limits of time can all end with a network that is worse
than one that was known before. So every network is measured by the objective of the training problem itself. What is
handed out is the network of the blocks without what is negligible, and of as few neurons as it needs.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..losses import SquaredLoss
from ..networks.network import Network
from ..networks.recovery import merge_same_cells, prune, recover
from ..penalties import L2Penalty
from ..problem import Problem
from ..program import Blocks
from ..progress import Budget
from ..status import Exactness
from ..training.multistart import descend
from ..training.within_cells import settle
from .rounds import Round, Run

__all__ = ["Candidate", "Incumbent", "RunSoFar", "descended", "few_neurons", "network_of"]

_Array = NDArray[np.float64]

# seconds before and after which networks are made only in case time runs out, the times that making the last one took
_EARLY, _SELDOM = 0.1, 20.0


@record
@dataclass(frozen=True, slots=True)
class Candidate:
    """A network with its objective and outputs, and the blocks it was made from, if it was.

    Attributes
    ----------
    network : Network
        The network.
    objective : float
        Its non-convex objective.
    outputs : (n,) float64
        Its outputs on the training inputs.
    C, blocks
        Values (B, p) of the blocks; None for a network from elsewhere.
    value : float
        Objective of the convex program at these blocks.
    """

    network: Network
    objective: float
    outputs: _Array
    C: _Array | None = None
    blocks: Blocks | None = None
    value: float = np.nan


@record
@dataclass(frozen=True, slots=True)
class RunSoFar:
    """The rounds of column generation so far, and the scaled dual vector of the best one with its proved price tau."""

    dual: _Array
    tau: float
    history: tuple[Round, ...]


@dataclass(slots=True)
class Incumbent:
    """What is known of `problem` so far; it begins with the zero network.

    Attributes
    ----------
    best : Candidate
        The best network that was offered; of equals the first.
    spare : Candidate
        The best one including those that are made only in case time runs out. Which ones these are depends on the
        clock, so that a computation that ends by itself must not look at it.
    run : RunSoFar or None
        What column generation noted down last.
    """

    problem: Problem
    best: Candidate = field(init=False)
    spare: Candidate = field(init=False)
    run: RunSoFar | None = None
    _next: float = _EARLY

    def __post_init__(self) -> None:
        self.best = self.spare = self.evaluated(Network.zero(self.problem.architecture))

    def evaluated(self, network: Network) -> Candidate:
        """The network with its objective, by a forward pass, and with the best of what costs nothing."""
        problem = self.problem
        network = problem.fitted(network)
        outputs = network.predict_patches(problem.patches)
        return Candidate(network, problem.objective_at(outputs, network), outputs)

    def offer(self, candidate: Candidate) -> None:
        """Keep the better one of what there is and `candidate`."""
        if candidate.objective < self.best.objective:
            self.best = candidate
        if candidate.objective < self.spare.objective:
            self.spare = candidate

    def offer_blocks(self, C: _Array, blocks: Blocks, value: float) -> None:
        """Keep the network of the blocks if it is better."""
        self.offer(self._of_blocks(C, blocks, value))

    def save_blocks(self, C: _Array, blocks: Blocks, value: float, budget: Budget) -> None:
        """Keep the network of the blocks as a spare, now and then, so that this takes no more than a twentieth."""
        begin = budget.seconds
        if begin < self._next:
            return
        candidate = self._of_blocks(C, blocks, value)
        if candidate.objective < self.spare.objective:
            self.spare = candidate
        end = budget.seconds
        self._next = end + _SELDOM * (end - begin)

    def _of_blocks(self, C: _Array, blocks: Blocks, value: float) -> Candidate:
        problem = self.problem
        one = self.evaluated(recover(problem.architecture, problem.patches, C, blocks.sign, blocks.active))
        return replace(one, C=C, blocks=blocks, value=value)


# multiplications of a forward pass up to which a network of blocks that have not rank one is improved by descent
_DESCENDS = 1_000_000
# a network with fewer neurons is taken at this relative loss: rounding
_ROUNDING = 1e-13


def few_neurons(incumbent: Incumbent) -> Candidate:
    """The incumbent's best, with at most n neurons and one for each cell, unless that costs more than rounding.

    A filter on a hyperplane may have come from the cells on both sides of it.
    """
    best, patches = incumbent.best, incumbent.problem.patches
    if best.network.m > len(best.outputs):
        best = _no_worse(best, incumbent.evaluated(prune(best.network, patches)))
    return _no_worse(best, incumbent.evaluated(merge_same_cells(best.network, patches, relative_zero=0.0)))


def _no_worse(best: Candidate, few: Candidate) -> Candidate:
    """`few`, unless it is worse by more than rounding."""
    return few if few.objective <= best.objective * (1.0 + _ROUNDING) else best


def network_of(incumbent: Incumbent, run: Run, tol: float, *, hurried: bool) -> Candidate:
    """The pruned network of the blocks, without negligible blocks where that costs at most a tenth of `tol`.

    The smooth losses do not feel them; a loss with kinks does, in first order. In a hurry nothing is weighed.
    """
    problem, objective = incumbent.problem, run.upper

    def without(negligible: float) -> Candidate:
        network = recover(
            problem.architecture, problem.patches, run.C, run.blocks.sign, run.blocks.active, relative_zero=negligible
        )
        if not hurried:
            network = prune(network, problem.patches, relative_zero=min(max(0.1 * negligible, 1e-13), 1e-9))
        return incumbent.evaluated(network)

    if hurried:
        return without(1e-8)
    # Conic solvers leave blocks of a millionth of the largest. Newton's method, for the squared loss and the Euclidean
    # norm, leaves none, and the dual vector of a network feels a small block in first order.
    coarse = None
    if not (isinstance(problem.loss, SquaredLoss) and isinstance(problem.architecture.penalty, L2Penalty)):
        coarse = without(1e-5)
        if coarse.objective <= objective * (1.0 + 1e-10):
            return coarse
    found, slack = without(1e-8), 0.1 * tol * abs(objective)
    for negligible in (1e-10, 0.0):
        if found.objective <= objective + slack:
            break
        fuller = without(negligible)
        if fuller.objective < found.objective - slack:
            found = fuller
    return found if coarse is None or found.objective <= coarse.objective else coarse


def descended(incumbent: Incumbent, best: Candidate, objective: float, tol: float, budget: Budget) -> Candidate:
    """`best`, moved to the local minimum below it where blocks of a higher rank have left it above `objective`.

    Where several inputs are equal or zero the program has many optima, and an interior-point method ends in the middle
    of them: its blocks have a higher rank though others have rank one. Of second moments in a thin cell the way back
    magnifies what the method leaves of the cone's inequalities.
    """
    problem, near = incumbent.problem, objective * (1.0 + 0.5 * tol)
    if problem.architecture.exactness is Exactness.BOUND_ONLY or best.objective <= near:
        return best
    if best.network.m * problem.patches.size > _DESCENDS:
        return best
    lower = incumbent.evaluated(descend(problem, best.network, budget=budget))
    if lower.objective <= near:
        return lower
    # descent ends at kinks, and an optimum may have filters on many walls
    return incumbent.evaluated(settle(problem, lower.network, budget=budget))
