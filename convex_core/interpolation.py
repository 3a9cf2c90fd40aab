r"""The limit of small beta: networks of least norm that fit the data exactly, or separate them with a margin.

.. math::
   R^* = \min_\theta \sum_j \mathrm{cost}(\theta_j) \;\text{ s.t. } f = y
   \qquad\text{or}\qquad \text{s.t. } y_i f_i \ge 1,

with the duals :math:`\max v^T y` and :math:`\max \sum_i y_i v_i,\; y_i v_i \ge 0`, both subject to
:math:`\tau(v) \le 1`. They are programs that are here already, by exact penalties. With the absolute loss, or the hinge
loss for the margin, :math:`p^*(\beta) \le \beta R^*`, since a network that fits has no loss; and every dual vector v
of these, whose entries are at most 1 in size, gives the bound :math:`R^* \ge D(v) / \beta`. Once an optimal v stays
inside its domain, :math:`|v_i| < 1`, its network fits, and :math:`p^*(\beta) = \beta R^*` for that beta and all smaller
ones: :math:`p^*(\beta) / \beta` rises to :math:`R^*` and stays there. So beta is made smaller until that happens.

The bound from below is proved like every other. The network from above fits to rounding, by how much is said; with a
margin it is scaled until the margin is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .certificate import beta_max_in
from .contracts.records import record
from .contracts.validation import check_arguments, frozen, positive_number
from .errors import InputError, Interrupted
from .losses import AbsoluteLoss, HingeLoss
from .networks.network import Network
from .networks.recovery import balanced
from .numerics.jit import clock
from .presentation.several import MinimumNormAnswer
from .problem import Problem
from .program import CellFactory
from .progress import Budget, CancelFlag, ProgressCallback, together
from .solution import Solution, solve_over
from .solvers.column_generation import WarmStart
from .solvers.dual_bound import relative_gap
from .solvers.search import MAX_PATTERNS, choose_search
from .status import Status

__all__ = ["MinimumNorm", "minimum_norm"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class InterpolationSettings:
    """Tuning of the way to small beta."""

    first: float = 0.1  # the first beta, as a share of the one at which the zero network is optimal
    shrink: float = 0.1  # the next one, as a share of the last
    most: int = 10  # values of beta: with the last one a fit would cost ten billion times as much as the data
    inside: float = 0.95  # largest entry of a dual vector that is inside its domain
    misfit: float = 1e-6  # share of the targets that a network that fits may miss: what a solver leaves
    accuracy: float = 0.1  # share of the tolerance for the program at each beta


SETTINGS = InterpolationSettings()


@record
@dataclass(frozen=True, slots=True, repr=False)
class MinimumNorm(MinimumNormAnswer):
    """The least norm of networks that fit, between bounds.

    Attributes
    ----------
    network : Network
        The network of least norm that was found.
    norm : float
        Its norm: the sum of what its neurons cost, for two layers ``sum_j ||u_j|| |w_j|``.
    lower_bound : float
        No network that fits has a smaller one; ``-inf`` unless every pattern was covered.
    misfit : float
        Largest ``|f - y|``, or with a margin by how much the smallest ``y f`` misses 1.
    margin : bool
        Whether a margin was asked for in place of a fit.
    betas, values : (S,) float64
        The values of beta that were solved, falling, and the objective over beta at each, which rises to the norm.
    solution : Solution
        The last of them, of the absolute or the hinge loss.
    status : Status
        ``optimal`` if it fits and the bounds meet; ``bound reached`` if it fits and the convex program, solved, is only
        a bound; ``out of reach`` if nothing fits, however small beta: the lower bound is some billions then.
    seconds : float
        Wall-clock seconds.
    """

    network: Network
    norm: float
    lower_bound: float
    misfit: float
    margin: bool
    betas: _Array
    values: _Array
    solution: Solution
    status: Status
    seconds: float

    def __repr__(self) -> str:
        return (
            f"MinimumNorm({self.status}, norm {self.norm:.6g}, lower bound {self.lower_bound:.6g}, "
            f"misfit {self.misfit:.1g}, {self.network.m} filters)"
        )

    @property
    def relative_gap(self) -> float:
        """How far the norm is from the least, at most, as a share of it; ``inf`` where the network does not fit."""
        return relative_gap(self.norm, self.lower_bound) if self.fits else math.inf

    @property
    def fits(self) -> bool:
        """Whether the network misses the targets, or the margin, by no more than a millionth of them."""
        return self.misfit <= SETTINGS.misfit * (
            1.0 if self.margin else float(np.abs(self.solution.problem.y).max()) or 1.0
        )


@together()
def minimum_norm(
    problem: Problem,
    *,
    margin: bool = False,
    method: str = "auto",
    tol: float = 1e-6,
    time_limit: float | None = None,
    max_rounds: int | None = None,
    seed: int = 0,
    max_patterns: int = MAX_PATTERNS,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> MinimumNorm:
    r"""Find the network of least norm that fits the targets, or separates the classes with a margin.

    Parameters
    ----------
    problem : Problem
        Architecture and data; its own beta and loss play no role.
    margin : bool
        Whether :math:`y_i f_i \ge 1` is asked for, with labels -1 and +1, in place of :math:`f = y`.
    method, seed, max_patterns
        As in :func:`convex_core.solve`.
    tol : float
        Relative gap to reach, > 0.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`, for all values of beta together.
    max_rounds : int, optional
        Of each value of beta.

    Raises
    ------
    InputError
        For a bad number, a free skip connection, or targets that are no labels where a margin is asked for.
    Interrupted
        If the time is up before the first program is solved.

    Examples
    --------
    >>> from convex_core import Problem
    >>> found = minimum_norm(Problem([[1.0], [2.0], [-1.0]], [1, 2, 2], filter_size=1, beta=1.0))
    >>> f"{found.norm:.6f}", found.status.value, found.misfit < 1e-9
    ('3.000000', 'optimal', True)
    """
    check_arguments("minimum_norm", problem=(problem, Problem))
    tol = positive_number(tol, "tol")
    if problem.architecture.options.get("skip", "none") == "free":
        raise InputError(
            "skip: got a free skip connection where the least norm is asked for, expected none: the penalty that finds "
            "it has dual vectors whose domain a projection on the balance of the skip connection would leave"
        )
    begin = clock()
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress, max_rounds=max_rounds)
    penal = problem.with_loss(HingeLoss() if margin else AbsoluteLoss())
    search = choose_search(penal, method=method, seed=seed, max_patterns=max_patterns, budget=budget)
    limit, _ = beta_max_in(penal, search.pricer, 0, budget)
    beta = SETTINGS.first * limit if limit > 0.0 else penal.beta
    betas: list[float] = []
    values: list[float] = []
    lower = -math.inf
    solution: Solution | None = None
    for _ in range(SETTINGS.most):
        start = None if solution is None else _start(search.pricer.factory, solution)
        solution = solve_over(penal.with_beta(beta), search, tol=SETTINGS.accuracy * tol, budget=budget, start=start)
        betas.append(beta)
        values.append(solution.network_objective / beta)
        if math.isfinite(solution.lower_bound):
            lower = max(lower, math.nextafter(solution.lower_bound / beta, -math.inf))
        # beside rounding errors a dual vector is made smaller than its optimum is
        inside = bool(np.abs(solution.dual).max(initial=0.0) <= SETTINGS.inside)
        if budget.stop() is not None or (inside and solution.status is not Status.PRECISION):
            break
        beta *= SETTINGS.shrink
    if solution is None:
        raise Interrupted("minimum_norm: stopped before its first program", status=budget.stop() or Status.STALLED)
    network = _separating(penal, solution.network) if margin else _interpolating(penal, solution.network)
    f = network.predict_patches(penal.patches)
    misfit = float(np.maximum(1.0 - penal.y * f, 0.0).max()) if margin else float(np.abs(f - penal.y).max())
    found = MinimumNorm(
        network,
        network.regulariser,
        lower,
        misfit,
        margin,
        frozen(np.array(betas)),
        frozen(np.array(values)),
        solution,
        Status.STALLED,
        clock() - begin,
    )
    return replace(found, status=_status(found, tol, budget.stop()))


def _status(found: MinimumNorm, tol: float, stopped: Status | None) -> Status:
    """How the way to small beta ended, unless it was `stopped`."""
    last = found.solution
    if found.relative_gap <= tol:
        return Status.OPTIMAL
    if stopped is not None:
        return stopped
    if found.fits and last.status in (Status.RESTRICTED_OPTIMUM, Status.BOUND_REACHED):
        return last.status
    if not found.fits and len(found.betas) == SETTINGS.most and math.isfinite(found.lower_bound):
        return Status.OUT_OF_REACH
    return Status.STALLED


def _start(factory: CellFactory, solution: Solution) -> WarmStart:
    """The blocks of the last value of beta."""
    return WarmStart(factory.blocks(solution.active, solution.sign), solution.C, solution.dual)


def _interpolating(problem: Problem, network: Network) -> Network:
    """The network with output weights changed, as little as possible, so that what a solver left of the loss goes.

    The outputs are linear in them: a weight that is 1 in place of all others of a neuron has a column for each neuron.
    Changes are shares of the length of a neuron's weights.
    """
    network = balanced(network)
    architecture, weights = network.architecture, network.weights
    length = np.sqrt(np.sum(weights**2, axis=tuple(range(1, weights.ndim))))
    columns = [architecture.free_columns(problem.patches)]
    for place in np.ndindex(weights.shape[1:]):
        one = np.zeros_like(weights)
        one[(slice(None), *place)] = length
        columns.append(architecture.outputs(problem.patches, {**network.parameters, "weights": one}))
    table = np.hstack(columns)
    left = problem.y - network.predict_patches(problem.patches)
    change = np.linalg.lstsq(table, left, rcond=None)[0] if table.size else np.zeros(table.shape[1])
    free, moved = np.split(change, [columns[0].shape[1]])
    shares = np.moveaxis(moved.reshape(*weights.shape[1:], network.m), -1, 0)
    longer = weights + shares * length.reshape(-1, *(1,) * (weights.ndim - 1))
    return balanced(
        Network.from_parameters(architecture, {**network.parameters, "weights": longer}, network.free + free)
    )


def _separating(problem: Problem, network: Network) -> Network:
    """The network times what its margin misses."""
    network = balanced(network)
    smallest = float((problem.y * network.predict_patches(problem.patches)).min())
    if not 0.0 < smallest < 1.0:
        return network
    factor = 1.0 / smallest
    scaled = network.architecture.scaled(network.parameters, np.full(network.m, factor))
    return Network.from_parameters(network.architecture, scaled, factor * network.free)
