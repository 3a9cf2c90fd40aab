"""The incumbent: the best network that a computation has found, whatever its program says of it.

Convex programs that are only bounds, tolerances of solvers and limits of time can all end with a network that is worse
than one that was known before. So every network is measured by the objective of the training problem itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..networks.network import Network
from ..networks.recovery import recover
from ..problem import Problem
from ..program import Blocks
from ..progress import Budget
from .rounds import Round

__all__ = ["Candidate", "Incumbent", "RunSoFar"]

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
        if not budget.limited or begin < self._next:
            return
        candidate = self._of_blocks(C, blocks, value)
        if candidate.objective < self.spare.objective:
            self.spare = candidate
        end = budget.seconds
        self._next = end + _SELDOM * (end - begin)

    def _of_blocks(self, C: _Array, blocks: Blocks, value: float) -> Candidate:
        problem = self.problem
        one = self.evaluated(recover(problem.architecture, problem.patches, C, blocks.sign, blocks.active))
        return Candidate(one.network, one.objective, one.outputs, C, blocks, value)
