r"""Best of many local searches on the non-convex problem, for any architecture.

Each start is a random network, improved by BFGS (L-BFGS where it has many parameters) on

.. math:: \ell\Big(\sum_j \varphi_{\theta_j}(X), y\Big) + \beta \sum_j \mathrm{cost}(\theta_j) .

The best then go on from where they ended: the network is reduced to at most n neurons, random ones take the place of
the others, and what is better after another search is kept. A global optimum has at most n + 1 neurons, and fresh ones
find the way down that a poor local minimum does not see.

Where the pieces of the filters must have norm at most 1 they are replaced by z / ||z|| inside the objective: at an
optimum they have norm 1, because the layers above could otherwise be made cheaper. The result is an upper bound on the
optimum and nothing else: it is what convex programs are compared with. On tiny instances it usually is the optimum, to
nearly full accuracy for a smooth loss; with the hinge and absolute losses, whose optima lie on many kinks at once, it
may stay 1e-4 above.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture, Parameters
from ..contracts.validation import check_arguments, integer
from ..errors import InputError, Interrupted
from ..losses.free_part import FreePart
from ..networks.network import Network, some_at_once, take
from ..networks.recovery import prune
from ..numerics.quasi_newton import bfgs
from ..numerics.threads import one_blas_thread
from ..problem import Problem
from ..progress import Budget, CancelFlag, ProgressCallback, takes_budget, within

__all__ = ["descend", "local_search"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LocalSearchSettings:
    """Tuning of the local searches."""

    rough: float = 1e-6  # relative gain of many steps below which a start has ended
    full: float = 1e-14  # the same for the best one, which goes on to full accuracy
    promising: int = 3  # starts that go on
    same: float = 1e-5  # relative difference of the values of two starts that have most likely found one minimum
    renewals: int = 20  # times that neurons of a start that goes on are replaced by random ones
    vain: int = 8  # renewals in a row that may be in vain
    # relative moves from which the last search goes on: a kink may end it early
    nudges: tuple[float, ...] = (1e-2, 1e-3, 1e-4)
    dense: int = 400  # parameters beyond which BFGS and its square matrix are too slow
    max_steps: int = 3000  # steps of one minimisation
    # multiplications of the decompositions in which a network is reduced even after the end of the time: a moment
    moment: float = 3e7
    # multiplications of a decomposition in a second: one that would outlast the time is not begun
    in_a_second: float = 2e8
    wide: int = 40  # neurons where n is small: wider networks have fewer poor local minima


SETTINGS = LocalSearchSettings()


@takes_budget
def local_search(
    problem: Problem,
    *,
    m: int | None = None,
    begin: Sequence[Network] = (),
    starts: int = 25,
    seed: int = 0,
    polish: bool = True,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Network:
    """Train from given and from random starts and keep the best network, balanced and pruned.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    m : int, optional
        Neurons per network. The default is n + 1 (with q outputs nq + 1), enough for the global optimum, or for small
        n up to four times that and 40: wider networks have fewer poor local minima. The result is pruned to at most n.
    begin : sequence of Network
        Networks to start from too, for example those of convex programs that are only bounds; the result is no worse
        than any of them.
    starts : int
        Number of random starts; it may be 0 if there are networks to begin from.
    seed : int
        Seed of the starts.
    polish : bool
        Whether the best starts go on with random neurons and to full accuracy; otherwise the best is taken as it is.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`; a stopped search returns the best so far (the zero network before the first
        has ended), and does not prune it where that takes long.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("edge"), beta=2.0)
    >>> found = problem.objective(local_search(problem, m=3, starts=2))
    >>> bool(found >= solve(problem).lower_bound)
    True
    """
    check_arguments("local_search", problem=(problem, Problem))
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    architecture = problem.architecture
    enough = problem.size + 1
    width = max(enough, min(4 * enough, SETTINGS.wide)) if m is None else integer(m, "m", maximum=100_000)
    starts = integer(starts, "starts", minimum=0 if begin else 1)
    for network in begin:
        other = network.architecture
        if type(other) is not type(architecture) or other.shapes != architecture.shapes:
            raise InputError(
                f"begin: got a network {other.name} with parameters {dict(other.shapes)}, expected {architecture.name} "
                f"with {dict(architecture.shapes)}"
            )
        width = max(width, network.m)
    rng = np.random.default_rng(integer(seed, "seed", minimum=0))
    given = [problem.fitted(network) for network in (Network.zero(architecture), *begin)]
    known = [(problem.objective(network), network) for network in given]

    @one_blas_thread()  # in the thread of the search: one that is left must not keep BLAS from its caller
    def work(inner: Budget) -> Network:
        return _searched(_Search(problem, width, inner), known, starts, rng, polish)

    try:
        return within(budget, work)
    except Interrupted:
        return min(known, key=itemgetter(0))[1]


def _searched(
    search: _Search, known: list[tuple[float, Network]], starts: int, rng: np.random.Generator, polish: bool
) -> Network:
    """The best network found from the `known` ones with their objectives, the first of them zero, and from random ones.

    A better one joins those that are known as soon as there is one, with its objective: evaluating a wide network takes
    time, and whoever gives up waiting has none left.
    """
    budget, begin = search.budget, [network for _, network in known[1:]]
    given = list(known)
    ends: list[tuple[float, _Array]] = []
    total = len(begin) + starts
    for number in range(total):
        if budget.stop() is not None:
            break
        theta = search.widened(begin[number]) if number < len(begin) else search.start(rng)
        ends.append(search.improve(theta, SETTINGS.rough))
        if ends[-1][0] <= min(map(_value, ends)):
            known.append(search.met(*ends[-1]))
        budget.report("local search", f"start {number + 1} of {total}", fraction=(number + 1) / total)
    ends.sort(key=_value)
    if polish and ends:
        # starts that end at one value have most likely found one minimum
        apart = [ends[0], *(b for a, b in pairwise(ends) if b[0] > a[0] * (1.0 + SETTINGS.same))][: SETTINGS.promising]
        ends = []
        for number, (_, theta) in enumerate(apart, start=1):
            ends.append(search.renew(theta, rng))
            best = min(map(_value, ends))
            budget.report("local search", f"going on from the best starts, {number} of {len(apart)}", upper=best)
        ends = [search.finish(min(ends, key=_value)[1], rng)]
    found = [search.evaluated(search.pruned(search.network(theta))) for _, theta in ends[:1]]
    return min([*given, *found], key=itemgetter(0))[1]


def descend(problem: Problem, network: Network, *, budget: Budget | None = None) -> Network:
    """The local minimum below `network`, balanced and pruned; `network` itself where that is no better.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    network : Network
        Where the descent begins; what is zero in it stays zero.
    budget : Budget, optional
        Time limit and cancel flag; a stopped descent returns the best so far.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve
    >>> problem = Problem.from_dataset(load_dataset("edge"), beta=2.0)
    >>> network = solve(problem).network
    >>> bool(problem.objective(descend(problem, network)) <= problem.objective(network))
    True
    """
    problem.check_network(network)
    if network.m == 0:
        return network
    search = _Search(problem, network.m, budget or Budget())
    _, theta = search.improve(search.widened(network), SETTINGS.full)
    found = problem.fitted(search.pruned(search.network(theta)))
    return min([network, found], key=problem.objective)


def _value(end: tuple[float, _Array]) -> float:
    return end[0]


class _Search:
    """BFGS or L-BFGS on all parameters of a network as one vector."""

    def __init__(self, problem: Problem, width: int, budget: Budget) -> None:
        self.problem = problem
        self._architecture: Architecture = problem.architecture
        self._shapes = {name: (width, *shape) for name, shape in problem.architecture.shapes.items()}
        ends = list(accumulate(math.prod(shape) for shape in self._shapes.values()))
        #: where the parameters lie in a vector
        self._places = {name: slice(*ends_of) for name, ends_of in zip(self._shapes, pairwise([0, *ends]), strict=True)}
        #: what the coefficients of the part that costs nothing multiply; these are the last entries of a vector
        self._columns = problem.architecture.free_columns(problem.patches)
        self.budget = budget

    def improve(self, theta: _Array, tol: float) -> tuple[float, _Array]:
        """Value and place of a local minimum near `theta`, or where the time ran out; zeros of `theta` stay zero.

        So dropped neurons stay dropped, and neurons that were split into neurons of one output are not pulled back
        into the kink of an l1 norm.
        """
        free = np.flatnonzero(theta)

        def on_free(part: _Array) -> tuple[float, _Array]:
            point = np.zeros_like(theta)
            point[free] = part
            value, gradient = self.objective(point)
            return value, gradient[free]

        value, part = self._minimum(on_free, theta[free], tol)
        place = np.zeros_like(theta)
        place[free] = part
        return value, place

    def _minimum(
        self, function: Callable[[_Array], tuple[float, _Array]], x: _Array, tol: float
    ) -> tuple[float, _Array]:
        if len(x) <= SETTINGS.dense:
            return bfgs(function, x, tol=tol, max_steps=SETTINGS.max_steps, stop=self._is_over)
        from scipy.optimize import OptimizeResult, minimize  # slow to import: only this search pays for it

        best = (math.inf, x)

        def watched(point: _Array) -> tuple[float, _Array]:
            # a step takes several evaluations, and of a large network each of them takes long
            nonlocal best
            if math.isfinite(best[0]):
                self._look()
            value, gradient = function(point)
            if value < best[0]:
                best = value, point.copy()
            return value, gradient

        try:
            answer: OptimizeResult = minimize(
                watched,
                x,
                jac=True,
                method="L-BFGS-B",
                options={
                    "maxiter": SETTINGS.max_steps,
                    "maxfun": 2 * SETTINGS.max_steps,
                    "maxcor": 40,
                    "ftol": tol,
                    "gtol": 1e-9,
                },
            )
        except Interrupted:
            if not math.isfinite(best[0]):
                raise
            return best
        return float(answer.fun), answer.x

    def finish(self, theta: _Array, rng: np.random.Generator) -> tuple[float, _Array]:
        """Value and place of the local minimum of the few neurons that `theta` needs, to full accuracy."""
        before = self.objective(theta)[0], theta
        if self._is_over():
            return before
        value, best = self.improve(self._joined(theta, np.zeros_like(theta)), SETTINGS.full)
        for nudge in SETTINGS.nudges:
            if self.budget.stop() is not None:
                break
            again, place = self.improve(best * (1.0 + nudge * rng.standard_normal(best.shape)), SETTINGS.full)
            if again < value:
                value, best = again, place
        return min((value, best), before, key=_value)  # what was reduced in a hurry may be worse

    def renew(self, theta: _Array, rng: np.random.Generator) -> tuple[float, _Array]:
        """Value and place of the best local minimum from `theta` on with random neurons, again and again."""
        value, best = self.objective(theta)[0], theta
        vain = 0
        for _ in range(SETTINGS.renewals):
            if self.budget.stop() is not None or vain == SETTINGS.vain:
                break
            again, place = self.improve(self._joined(best, self.start(rng)), SETTINGS.rough)
            vain = 0 if again < value * (1.0 - SETTINGS.rough) else vain + 1
            if again < value:
                value, best = again, place
        return value, best

    def _joined(self, theta: _Array, fresh: _Array) -> _Array:
        """The network of `theta`, reduced to few neurons, with those of `fresh` in the place of the others."""
        network = self.network(theta)
        small = self.pruned(network)
        few, other = small.parameters, self.parameters(fresh)
        kept = {name: few[name][: len(other[name])] for name in self._shapes}
        parts = [np.concatenate([kept[name], other[name][len(kept[name]) :]]).ravel() for name in self._shapes]
        return np.concatenate([*parts, small.free])

    def pruned(self, network: Network) -> Network:
        """The network reduced to few neurons, as far as there is time for decompositions that take long."""
        multiplications = self.problem.size**2 * min(network.m, self.problem.size + 1)
        seconds = multiplications / SETTINGS.in_a_second
        decompositions = 0

        def stop() -> bool:  # asked before each decomposition: neurons of several outputs need many
            nonlocal decompositions
            decompositions += 1
            brief = decompositions * multiplications <= SETTINGS.moment
            return not brief and (self._is_over() or self.budget.remaining < seconds)

        return prune(network, self.problem.patches, stop=stop)

    def evaluated(self, network: Network) -> tuple[float, Network]:
        """The network with its objective, and the best of what costs nothing."""
        f = self._outputs(network.parameters)
        loss = self.problem.loss
        if isinstance(loss, FreePart):
            network = network.with_free(loss.fit(f, self.problem.y))
            f = f + self._columns @ network.free
        return self.problem.objective_at(f, network), network

    def met(self, value: float, theta: _Array) -> tuple[float, Network]:
        """The network of `theta`, whose `value` is known, as :meth:`evaluated` while there is time for it."""
        network = self.network(theta)
        return (value, network) if self._is_over() else self.evaluated(network)

    def _look(self) -> None:
        """Raise :class:`Interrupted` if the time is over."""
        self.budget.check("the search ended inside a minimisation")

    def _outputs(self, parameters: Parameters) -> _Array:
        """The outputs (n,) of all neurons, some of them at once."""
        patches = self.problem.patches
        total = np.zeros(self.problem.size)
        for _, some in self._some(parameters):
            total += self._architecture.outputs(patches, some).sum(axis=1)
        return total

    def _gradient(self, parameters: Parameters, slope: _Array) -> Parameters:
        """The gradient of the product of `slope` and the outputs, some neurons at once."""
        parts = []
        for m, some in self._some(parameters):
            V = np.empty((m, len(slope)))
            V[:] = slope
            parts.append(self._architecture.gradient(self.problem.patches, some, V))
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in self._shapes}

    def _some(self, parameters: Parameters) -> Iterator[tuple[int, Parameters]]:
        """The neurons in parts, most often one, with their numbers; between them the time may be over."""
        m = len(parameters["weights"])
        for some in some_at_once(self.problem.patches, m):
            if some.start:
                self._look()
            count = some.stop - some.start
            yield count, parameters if count == m else take(parameters, some)

    def network(self, theta: _Array) -> Network:
        """The network of `theta`."""
        return Network.from_parameters(self._architecture, self.parameters(theta), self._free(theta))

    def _free(self, theta: _Array) -> _Array:
        """The coefficients of what costs nothing."""
        return theta[len(theta) - self._columns.shape[1] :]

    def parameters(self, theta: _Array) -> Parameters:
        """The network of `theta`, with the pieces of norm 1."""
        return self._unit(self._split(theta))[0]

    def _is_over(self) -> bool:
        return self.budget.stop() is not None

    def start(self, rng: np.random.Generator) -> _Array:
        """Gaussian parameters, scaled to outputs as large as the targets."""
        drawn = {name: rng.standard_normal(shape) for name, shape in self._shapes.items()}
        network = Network.from_parameters(self._architecture, self._unit(drawn)[0])
        f = self._outputs(network.parameters)
        size = float(np.linalg.norm(f))
        wanted = float(np.linalg.norm(self.problem.y))
        if size > 0.0 and wanted > 0.0:
            factor = np.full(network.m, wanted / size)
            drawn = dict(self._architecture.scaled(drawn, factor))
        free = np.zeros(self._columns.shape[1])
        if len(free):
            free = self.problem.fitted(Network.from_parameters(self._architecture, self._unit(drawn)[0])).free
        return np.concatenate([*(drawn[name].ravel() for name in self._shapes), free])

    def widened(self, network: Network) -> _Array:
        """The parameters of `network` as one vector, with neurons that are zero, and stay it, up to the width."""
        given = network.parameters
        parts = [
            np.concatenate([given[name], np.zeros((shape[0] - network.m, *shape[1:]))]).ravel()
            for name, shape in self._shapes.items()
        ]
        return np.concatenate([*parts, network.free])

    def _split(self, theta: _Array) -> dict[str, _Array]:
        return {name: theta[self._places[name]].reshape(shape) for name, shape in self._shapes.items()}

    def _unit(self, parameters: dict[str, _Array]) -> tuple[dict[str, _Array], _Array | None]:
        """The parameters with pieces of norm 1 where the problem asks for it, and the norms they had."""
        length = self._architecture.unit_length
        if length is None:
            return parameters, None
        filters = parameters["filters"]
        pieces = filters.reshape(-1, length)
        norms = np.linalg.norm(pieces, axis=1, keepdims=True)
        norms[norms == 0.0] = 1.0
        return {**parameters, "filters": (pieces / norms).reshape(filters.shape)}, norms

    def objective(self, theta: _Array) -> tuple[float, _Array]:
        problem, architecture, loss = self.problem, self._architecture, self.problem.whole_loss
        parameters, norms = self._unit(self._split(theta))
        f = self._outputs(parameters)
        if self._columns.shape[1]:
            f += self._columns @ self._free(theta)
        slope = loss.gradient(f, problem.y)
        pulled = self._gradient(parameters, slope)
        decay = architecture.decay(parameters)
        gradient = {name: pulled[name] + problem.beta * decay[name] for name in self._shapes}
        if norms is not None:
            # d(z / |z|) = (I - u u^T) dz / |z|
            u = parameters["filters"].reshape(len(norms), -1)
            g = gradient["filters"].reshape(u.shape)
            along = np.einsum("ph,ph->p", u, g)[:, None]
            gradient["filters"] = (g - along * u) / norms
        value = loss.value(f, problem.y) + problem.beta * float(architecture.costs(parameters).sum())
        parts = [gradient[name].ravel() for name in self._shapes]
        if self._columns.shape[1]:
            parts.append(slope @ self._columns)
        return value, np.concatenate(parts)
