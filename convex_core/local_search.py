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
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from ._arguments import check_arguments
from ._blas import one_blas_thread
from ._deadline import within
from ._quasi_newton import bfgs
from .architectures import Architecture, Parameters
from .errors import InputError, Interrupted
from .network import Network
from .problem import Problem
from .progress import Budget
from .recovery import prune
from .validation import integer

__all__ = ["descend", "local_search"]

_Array = NDArray[np.float64]

# every start is improved until many steps gain no more than the first share, the best to the end
_ROUGH, _FULL = 1e-6, 1e-14
_PROMISING, _SAME = 3, 1e-5
# times that neurons of each of those are replaced by random ones, and how many of them in a row may be in vain
_RENEWALS, _VAIN = 20, 8
# a kink may end the last search early all the same; it then goes on from points nearby
_NUDGES = (1e-2, 1e-3, 1e-4)
# parameters beyond which BFGS and its square matrix are too slow
_DENSE = 400
_MAX_STEPS = 3000
# wider networks have fewer poor local minima: so wide, where n is small
_WIDE = 40


def local_search(
    problem: Problem,
    *,
    m: int | None = None,
    begin: Sequence[Network] = (),
    starts: int = 25,
    seed: int = 0,
    polish: bool = True,
    budget: Budget | None = None,
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
    budget : Budget, optional
        Time limit, cancel flag and progress callback; a stopped search returns the best so far (the zero network
        before the first has ended).

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
    budget = budget or Budget()
    architecture = problem.architecture
    enough = problem.size + 1
    width = max(enough, min(4 * enough, _WIDE)) if m is None else integer(m, "m", maximum=100_000)
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
    known: list[Network] = [Network.zero(architecture), *begin]
    try:
        with one_blas_thread():
            return within(budget, lambda inner: _searched(_Search(problem, width, inner), known, starts, rng, polish))
    except Interrupted:
        return min(known, key=problem.objective)


def _searched(search: _Search, known: list[Network], starts: int, rng: np.random.Generator, polish: bool) -> Network:
    """The best network found from the `known` ones, the first of which is zero, and from random ones.

    A better one joins those that are known as soon as there is one.
    """
    problem, budget, begin = search.problem, search.budget, known[1:]
    ends: list[tuple[float, _Array]] = []
    total = len(begin) + starts
    for number in range(total):
        if budget.stop() is not None:
            break
        theta = search.widened(begin[number]) if number < len(begin) else search.start(rng)
        ends.append(search.improve(theta, _ROUGH))
        if ends[-1][0] <= min(map(_value, ends)):
            known.append(search.network(ends[-1][1]))
        budget.report("local search", f"start {number + 1} of {total}", fraction=(number + 1) / total)
    ends.sort(key=_value)
    if polish and ends:
        # starts that end at one value have most likely found one minimum
        apart = [ends[0], *(b for a, b in pairwise(ends) if b[0] > a[0] * (1.0 + _SAME))][:_PROMISING]
        ends = []
        for number, (_, theta) in enumerate(apart, start=1):
            ends.append(search.renew(theta, rng))
            best = min(map(_value, ends))
            budget.report("local search", f"going on from the best starts, {number} of {len(apart)}", upper=best)
        ends = [search.finish(min(ends, key=_value)[1], rng)]
    found = [prune(search.network(theta), problem.patches) for _, theta in ends[:1]]
    return min([known[0], *begin, *found], key=problem.objective)


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
    _, theta = search.improve(search.widened(network), _FULL)
    found = prune(Network.from_parameters(problem.architecture, search.parameters(theta)), problem.patches)
    return min([network, found], key=problem.objective)


def _value(end: tuple[float, _Array]) -> float:
    return end[0]


class _OverError(Exception):
    """The time is over, inside a minimisation."""


class _Search:
    """BFGS or L-BFGS on all parameters of a network as one vector."""

    def __init__(self, problem: Problem, width: int, budget: Budget) -> None:
        self.problem = problem
        self._architecture: Architecture = problem.architecture
        self._shapes = {name: (width, *shape) for name, shape in problem.architecture.shapes.items()}
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
        if len(x) <= _DENSE:
            return bfgs(function, x, tol=tol, max_steps=_MAX_STEPS, stop=self._is_over)
        from scipy.optimize import OptimizeResult, minimize  # slow to import: only this search pays for it

        best = (math.inf, x)

        def watched(point: _Array) -> tuple[float, _Array]:
            # a step takes several evaluations, and of a large network each of them takes long
            nonlocal best
            if math.isfinite(best[0]) and self.budget.stop() is not None:
                raise _OverError
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
                options={"maxiter": _MAX_STEPS, "maxfun": 2 * _MAX_STEPS, "maxcor": 40, "ftol": tol, "gtol": 1e-9},
            )
        except _OverError:
            return best
        return float(answer.fun), answer.x

    def finish(self, theta: _Array, rng: np.random.Generator) -> tuple[float, _Array]:
        """Value and place of the local minimum of the few neurons that `theta` needs, to full accuracy."""
        value, best = self.improve(self._joined(theta, np.zeros_like(theta)), _FULL)
        for nudge in _NUDGES:
            if self.budget.stop() is not None:
                break
            again, place = self.improve(best * (1.0 + nudge * rng.standard_normal(best.shape)), _FULL)
            if again < value:
                value, best = again, place
        return value, best

    def renew(self, theta: _Array, rng: np.random.Generator) -> tuple[float, _Array]:
        """Value and place of the best local minimum from `theta` on with random neurons, again and again."""
        value, best = self.objective(theta)[0], theta
        vain = 0
        for _ in range(_RENEWALS):
            if self.budget.stop() is not None or vain == _VAIN:
                break
            again, place = self.improve(self._joined(best, self.start(rng)), _ROUGH)
            vain = 0 if again < value * (1.0 - _ROUGH) else vain + 1
            if again < value:
                value, best = again, place
        return value, best

    def _joined(self, theta: _Array, fresh: _Array) -> _Array:
        """The network of `theta`, reduced to few neurons, with those of `fresh` in the place of the others."""
        network = self.network(theta)
        few, other = prune(network, self.problem.patches).parameters, self.parameters(fresh)
        kept = {name: few[name][: len(other[name])] for name in self._shapes}
        return np.concatenate(
            [np.concatenate([kept[name], other[name][len(kept[name]) :]]).ravel() for name in self._shapes]
        )

    def network(self, theta: _Array) -> Network:
        """The network of `theta`."""
        return Network.from_parameters(self._architecture, self.parameters(theta))

    def parameters(self, theta: _Array) -> Parameters:
        """The network of `theta`, with the pieces of norm 1."""
        return self._unit(self._split(theta))[0]

    def _is_over(self) -> bool:
        return self.budget.stop() is not None

    def start(self, rng: np.random.Generator) -> _Array:
        """Gaussian parameters, scaled to outputs as large as the targets."""
        drawn = {name: rng.standard_normal(shape) for name, shape in self._shapes.items()}
        network = Network.from_parameters(self._architecture, self._unit(drawn)[0])
        size = float(np.linalg.norm(network.predict_patches(self.problem.patches)))
        wanted = float(np.linalg.norm(self.problem.y))
        if size > 0.0 and wanted > 0.0:
            factor = np.full(network.m, wanted / size)
            drawn = dict(self._architecture.scaled(drawn, factor))
        return np.concatenate([drawn[name].ravel() for name in self._shapes])

    def widened(self, network: Network) -> _Array:
        """The parameters of `network` as one vector, with neurons that are zero, and stay it, up to the width."""
        given = network.parameters
        return np.concatenate(
            [
                np.concatenate([given[name], np.zeros((shape[0] - network.m, *shape[1:]))]).ravel()
                for name, shape in self._shapes.items()
            ]
        )

    def _split(self, theta: _Array) -> dict[str, _Array]:
        parts = np.split(theta, np.cumsum([math.prod(shape) for shape in self._shapes.values()])[:-1])
        return {name: part.reshape(shape) for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)}

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
        problem, architecture = self.problem, self._architecture
        parameters, norms = self._unit(self._split(theta))
        f = architecture.outputs(problem.patches, parameters).sum(axis=1)
        slope = problem.loss.gradient(f, problem.y)
        m = len(parameters["weights"])
        gradient = dict(architecture.pull(problem.patches, parameters, np.broadcast_to(slope, (m, len(slope)))))
        decay = architecture.decay(parameters)
        gradient = {name: gradient[name] + problem.beta * decay[name] for name in self._shapes}
        if norms is not None:
            # d(z / |z|) = (I - u u^T) dz / |z|
            u = parameters["filters"].reshape(len(norms), -1)
            g = gradient["filters"].reshape(u.shape)
            along = np.einsum("ph,ph->p", u, g)[:, None]
            gradient["filters"] = (g - along * u) / norms
        value = problem.loss.value(f, problem.y) + problem.beta * float(architecture.costs(parameters).sum())
        return value, np.concatenate([gradient[name].ravel() for name in self._shapes])
