r"""Closing: the dual vector is chosen for what is proved about it, where its exact price is out of reach.

Column generation hands over the dual vector of its master, and where only a bound :math:`\tilde\tau \ge \tau` on its
price is known, the lower bound is that of :math:`v \beta / \tilde\tau(v)`: a relaxation that is a factor off costs that
factor. Other dual vectors are priced better by the relaxation, and since :math:`\tilde\tau` is convex,

.. math:: \max_v \; -\ell^*(-v) \quad \text{s.t.} \quad \tilde\tau(v) \le \beta

is a convex program. It is solved by cutting planes: every price comes with relaxed atoms (:mod:`.pricing.moments`),
which join the atoms of the network in a master like that of column generation; the next vector lies between the best
one known and that of the master (in-out separation: Ben-Ameur and Neto, Networks 49, 2007). Whatever the cuts are, a
vector that is scaled by its proved price is feasible, and its dual value is a lower bound.

Where that makes no more progress, the parts of the sphere whose relaxed atoms the master uses are divided, and the
search goes on with the bounds of more and smaller parts: branch and bound in which the vector is chosen anew all the
time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..penalties import L2Penalty
from ..problem import Problem
from ..program import Blocks
from ..progress import Budget
from .dual_bound import DualBound, dual_bound, relative_gap
from .master.restricted import RestrictedMaster
from .pricing.enumerated import Pricer, PriceResult
from .pricing.moments import MomentPricer, Moments
from .pricing.outputs import OutputPricer
from .pricing.sphere import SETTINGS as SPHERE
from .pricing.sphere import SpherePricer

__all__ = ["Closing", "unit_outputs"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClosingSettings:
    """Tuning of the search for the dual vector with the best proved bound."""

    rounds: int = 200  # at most, without a time limit
    # relaxed atoms of so many rounds are kept, and twice as many as a dual vector has entries: early ones are coarse
    kept: int = 20
    worth: float = 0.7  # share of the largest bound from which on a part's relaxed atom is kept
    inside: float = 0.6  # where the next vector lies, from that of the master (0) to the best one known (1)
    patience: int = 3  # rounds in which the gap must fall by the share below, or parts are divided
    progress: float = 0.01
    settled: int = 6  # rounds at least between two divisions
    divided: float = 1.0 / 3.0  # share of the parts that is divided at a time
    used: float = 0.02  # share of the weights of relaxed atoms from which on a part is worth that
    # parts at most: without a time limit, and against the clock, where memory is the limit
    parts: int = 12
    most_parts: int = 1000
    accuracy: float = 1e-6  # of the master, relative to beta
    # against the clock: share of the time left that a proof gets before, and the search itself at most
    proof: float = 0.02
    share: float = 0.5
    whole: float = 0.97  # share that the proof by cones gets which is predicted to fit; the rest is for a bound without
    # excess over beta, relative, of the price of columns that come before a long proof by cones; before one by moments
    # on cones it is a share of the tolerance, but not less than the last; and the share of the tolerance it aims at
    higher: float = 0.02
    high: float = 0.2
    little: float = 1e-4
    close: float = 0.95
    halvings: int = 40  # of the price that is close enough
    converging: float = 1.5  # price over beta from which on proofs by cones get all the time


SETTINGS = ClosingSettings()


class _Cut(NamedTuple):
    """A relaxed atom (n,), the part it is of, and the round it is from."""

    atom: _Array
    part: Moments
    round: int


class Closing:
    """Chooses dual vectors for the bounds by moments, for one run; a search that was cut short goes on where it was.

    Attributes
    ----------
    pending : bool
        Whether there is a search that is not over.
    """

    def __init__(self, problem: Problem, pricer: Pricer) -> None:
        self._problem = problem
        self._pricer = pricer
        parts = pricer.pricers if isinstance(pricer, OutputPricer) else [pricer]
        self._parts = [part for part in parts if isinstance(part, SpherePricer)]
        self.pending = len(self._parts) == len(parts) and all(MomentPricer.fits(part.factory) for part in parts)
        self._by_cones = all(part.by_cones for part in self._parts)
        self._moments: list[MomentPricer] = []
        self._cuts: list[_Cut] = []
        self._reached: list[float] = []  # the best dual value after each round
        self._divided = 0  # rounds before the last division
        self._next = self._centre = np.zeros(problem.size)

    def first(self, budget: Budget) -> Budget:
        """The budget of a proof: with long filters part of it against the clock, as long as this is pending."""
        long = self._pricer.factory.p > SPHERE.short
        return budget.part(SETTINGS.proof) if self.pending and budget.paced and long else budget

    def needed(self, bound: float) -> bool:
        """Whether a proof that ended, or was cut short, with this `bound` leaves other dual vectors to be looked for.

        Once cones are small their bounds come close quickly, and whoever has them has no use for this from then on.
        """
        if self._by_cones and bound <= SETTINGS.converging * self._problem.beta:
            self.pending = False
        return self.pending

    @property
    def _proves(self) -> bool:
        """Whether a proof that fits the time may come before the search: not for several outputs, who share theirs."""
        return len(self._parts) == 1 and not self._moments

    def premature(self, price: PriceResult, tol: float) -> bool:
        """Whether columns above beta by more than a little should join the master before a long proof begins."""
        excess = SETTINGS.higher if self._by_cones else max(SETTINGS.high * tol, SETTINGS.little)
        high = (1.0 + excess) * self._problem.beta
        return self._proves and float(price.value.max(initial=0.0)) > high

    def run(self, v: _Array, atoms: _Array, upper: float, tol: float, best: DualBound, budget: Budget) -> DualBound:
        """The best bound found, `best` or a better one.

        Parameters
        ----------
        v : (n,)
            Feasible dual vector to begin with.
        atoms : (k, n)
            Outputs of unit neurons, with their signs, that dual vectors must not correlate with by more than beta.
        upper, tol
            The best objective known: the search ends when the relative gap to it is `tol`.
        best : DualBound
            The best bound known.
        budget : Budget
            Against the clock a proof by cones that is predicted to fit gets nearly all of it; the search without one
            half of what is left at most.
        """
        problem = self._problem
        if self._proves and budget.paced:
            best, over = self._prove(v, upper, tol, best, budget.part(SETTINGS.whole))
            if over:
                self.pending = not self._by_cones  # what time is left is for finer proofs
                return best
        if not self._moments:
            self._moments = [MomentPricer(one.factory, one.pool) for one in self._parts]
            self._next = self._centre = v
        pricer: Pricer = self._moments[0]
        if isinstance(self._pricer, OutputPricer):
            pricer = self._pricer.like(self._moments)
        part = budget.part(SETTINGS.share) if budget.paced else budget
        while part.stop() is None:
            v = self._next
            price = pricer.price(v, floor=0.0, want=1, budget=part, prove=True)
            proved = dual_bound(problem, self._pricer.factory, v, price.bound)
            most = self._reached[-1] if self._reached else -math.inf
            if proved.value > most:
                most, self._centre = proved.value, proved.dual
            if proved.value > best.value:
                best = proved
            self._reached.append(most)
            number = len(self._reached)
            budget.report(
                "solve", f"bound on all patterns at once, round {number}: gap {relative_gap(upper, best.value):.1e}",
                upper=upper, lower=best.value, round=number,
            )  # fmt: skip
            if relative_gap(upper, best.value) <= tol or (number >= SETTINGS.rounds and not budget.paced):
                self.pending = False
                break
            kept = max(SETTINGS.kept, math.ceil(2 * problem.size / self._count))
            self._cuts = [cut for cut in self._cuts if cut.round > number - kept] + self._relaxed(number)
            following, weights = self._master(np.stack([*atoms, *(cut.atom for cut in self._cuts)]), part)
            if following is None:
                self.pending = False
                break
            inside = SETTINGS.inside * self._centre + (1.0 - SETTINGS.inside) * following
            self._next = problem.loss.feasible(inside, problem.y)
            if self._stalled(upper) and part.stop() is None:
                self.pending = self._divide(weights[len(atoms) :], part)
                if not self.pending:
                    break
        return best

    def _prove(self, v: _Array, upper: float, tol: float, best: DualBound, budget: Budget) -> tuple[DualBound, bool]:
        """The best bound, and whether there was a proof for v itself; what it shows on the way is a bound too."""
        pricer, floor = self._parts[0], self._enough(v, upper, tol)

        def told(share: float, where: str) -> None:
            nonlocal best
            best = self._better(v, share * floor + pricer.rounding(v), best)
            message = f"{where}: gap {relative_gap(upper, best.value):.1e}"
            budget.report("solve", message, upper=upper, lower=best.value)

        closest = pricer.prove_in_time(v, floor=floor, budget=budget, told=told)
        return self._better(v, closest, best), math.isfinite(closest)

    def _better(self, v: _Array, price: float, best: DualBound) -> DualBound:
        """The bound that v has by its price, if it is better than `best`."""
        found = dual_bound(self._problem, self._pricer.factory, v, price)
        return found if found.value > best.value else best

    def _enough(self, v: _Array, upper: float, tol: float) -> float:
        """The largest price of v that closes the gap; beta if none does."""
        problem = self._problem

        def closes(price: float) -> bool:
            return (
                relative_gap(upper, dual_bound(problem, self._pricer.factory, v, price).value) <= SETTINGS.close * tol
            )

        least, most = problem.beta, 2.0 * problem.beta
        if not closes(least):
            return least
        for _ in range(SETTINGS.halvings):
            middle = 0.5 * (least + most)
            least, most = (middle, most) if closes(middle) else (least, middle)
        return least

    def _stalled(self, upper: float) -> bool:
        """Whether there was too little progress lately, for the parts that there are."""
        reached, patience = self._reached, SETTINGS.patience
        if len(reached) <= max(patience, self._divided + SETTINGS.settled):
            return False
        return not reached[-1] - reached[-1 - patience] >= SETTINGS.progress * (upper - reached[-1])

    def _divide(self, weights: _Array, budget: Budget) -> bool:
        """Divide the parts of the cuts with most of the `weights`; whether the search can go on."""
        count = self._count
        used: dict[int, float] = {}
        for cut, weight in zip(self._cuts, weights, strict=True):
            used[id(cut.part)] = used.get(id(cut.part), 0.0) + float(weight)
        most = max(1, int(SETTINGS.divided * count))
        least = SETTINGS.used * float(weights.sum())
        best = sorted(used, key=lambda key: -used[key])[:most]
        wanted = {key for key in best if used[key] > least}
        if not wanted or count >= (SETTINGS.most_parts if budget.paced else SETTINGS.parts):
            return False
        number, q = len(self._reached), len(self._moments)
        for output, one in enumerate(self._moments):
            one.divide(self._centre[output::q], [part for part in one.parts if id(part) in wanted], budget)
        self._divided = number
        if self._count == count:
            return budget.stop() is not None
        there = {id(part) for one in self._moments for part in one.parts}
        self._cuts = [cut for cut in self._cuts if id(cut.part) in there]
        # the halves have relaxed atoms already, of the best vector known
        known = {id(cut.part) for cut in self._cuts}
        self._cuts += [cut for cut in self._relaxed(number) if id(cut.part) not in known]
        return True

    @property
    def _count(self) -> int:
        """Parts of the sphere, of all outputs."""
        return sum(len(one.parts) for one in self._moments)

    def _relaxed(self, number: int) -> list[_Cut]:
        """The relaxed atoms of the last prices, of the parts that matter."""
        q = len(self._moments)
        least = SETTINGS.worth * max(part.value for one in self._moments for part in one.parts)
        cuts = []
        for output, one in enumerate(self._moments):
            for part, atom in zip(one.parts, one.relaxed_atoms(), strict=True):
                if part.value >= least:
                    whole = np.zeros(self._problem.size)
                    whole[output::q] = atom
                    cuts.append(_Cut(whole, part, number))
        return cuts

    def _master(self, atoms: _Array, budget: Budget) -> tuple[_Array | None, _Array]:
        """The dual vector of the program over `atoms` (k, n) with weights that are not negative, if any, and these."""
        problem = self._problem
        k = len(atoms)
        blocks = Blocks.of(
            np.ascontiguousarray(atoms[:, :, None]),
            np.ones((1, 1)),
            np.ones((k, 1), np.int8),
            np.zeros((k, 1), dtype=bool),
            np.ones(k, np.int8),
        )
        master = RestrictedMaster(blocks, problem.y, problem.beta, problem.loss, L2Penalty())
        master.expect(SETTINGS.accuracy)
        answer = master.solve(budget)
        weights = np.abs(answer.C[:, 0])
        if not np.isfinite(answer.dual).all():
            return None, weights
        return problem.loss.feasible(answer.dual, problem.y), weights


def unit_outputs(blocks: Blocks, C: _Array, size: _Array) -> _Array:
    """Outputs (k, n) of the blocks C (B, p) whose `size` (B,) is not zero, divided by it."""
    active = size > 0.0
    outputs: _Array = np.einsum("bnp,bp->bn", blocks.G[active], C[active] / size[active, None])
    return outputs
