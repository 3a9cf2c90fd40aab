r"""Best of many local searches on the non-convex problem, for any architecture.

Each start is a random network, improved by L-BFGS on

.. math:: \ell\Big(\sum_j \varphi_{\theta_j}(X), y\Big) + \beta \sum_j \mathrm{cost}(\theta_j) .

Where the pieces of the filters must have norm at most 1 they are replaced by z / ||z|| inside the objective: at an
optimum they have norm 1, because the layers above could otherwise be made cheaper. The result is an upper bound on the
optimum and nothing else: it is what convex programs are compared with.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize

from .architectures import Architecture, Parameters
from .network import Network
from .problem import Problem
from .progress import Budget
from .recovery import prune
from .validation import integer

__all__ = ["local_search"]

_Array = NDArray[np.float64]

# every start is improved to the first relative change, the most promising ones to the second, the best to the end
_ROUGH, _FINE = 1e-6, 1e-10
_PROMISING = 5
# a kink of a ReLU ends the line search early; the search then goes on from points nearby
_NUDGES = (1e-2, 1e-3, 1e-4, 1e-5)
_MAX_STEPS = 3000


def local_search(
    problem: Problem,
    *,
    m: int | None = None,
    starts: int = 25,
    seed: int = 0,
    polish: bool = True,
    budget: Budget | None = None,
) -> Network:
    """Train from random starts and keep the best network, balanced and pruned.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    m : int, optional
        Neurons per network; default n + 1, enough for the global optimum.
    starts : int
        Number of random starts.
    seed : int
        Seed of the starts.
    polish : bool
        Whether the best starts are improved to full accuracy; otherwise the best is taken as it is.
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
    budget = budget or Budget()
    architecture = problem.architecture
    width = problem.n + 1 if m is None else integer(m, "m", maximum=100_000)
    starts = integer(starts, "starts")
    rng = np.random.default_rng(integer(seed, "seed", minimum=0))
    search = _Search(problem, width, budget)
    rough: list[tuple[float, _Array]] = []
    for start in range(starts):
        if budget.stop() is not None:
            break
        rough.append(search.improve(search.start(rng), _ROUGH))
        budget.report("local search", f"start {start + 1} of {starts}", fraction=(start + 1) / starts)
    rough.sort(key=lambda item: item[0])
    if polish and rough:
        budget.report("local search", "finishing the best starts", upper=rough[0][0])
        fine = [search.improve(theta, _FINE) for _, theta in rough[:_PROMISING]]
        rough = [search.finish(min(fine, key=lambda item: item[0])[1], rng)]
    zero = Network(architecture, **{name: np.zeros((0, *shape)) for name, shape in architecture.shapes.items()})
    found = [
        prune(Network.from_parameters(architecture, search.parameters(theta)), problem.patches)
        for _, theta in rough[:1]
    ]
    return min([zero, *found], key=problem.objective)


class _Search:
    """L-BFGS on all parameters of a network as one vector."""

    def __init__(self, problem: Problem, width: int, budget: Budget) -> None:
        self._problem = problem
        self._architecture: Architecture = problem.architecture
        self._shapes = {name: (width, *shape) for name, shape in problem.architecture.shapes.items()}
        self._budget = budget

    def improve(self, theta: _Array, tol: float) -> tuple[float, _Array]:
        """Value and place of a local minimum near `theta`, or where the time ran out."""
        answer: OptimizeResult = minimize(  # type: ignore[call-overload]
            self.objective,
            theta,
            jac=True,
            method="L-BFGS-B",
            callback=self._check,
            options={"maxiter": _MAX_STEPS, "maxfun": 2 * _MAX_STEPS, "maxcor": 40, "ftol": tol, "gtol": 1e-9},
        )
        return float(answer.fun), answer.x

    def finish(self, theta: _Array, rng: np.random.Generator) -> tuple[float, _Array]:
        """Value and place of the local minimum near `theta` to full accuracy."""
        value, best = self.improve(theta, 0.0)
        for nudge in _NUDGES:
            nudged = best + nudge * np.abs(best).max() * rng.standard_normal(best.shape)
            again, place = self.improve(nudged, 0.0)
            if again < value:
                value, best = again, place
        return value, best

    def parameters(self, theta: _Array) -> Parameters:
        """The network of `theta`, with the pieces of norm 1."""
        return self._unit(self._split(theta))[0]

    def _check(self, _: _Array) -> None:
        if self._budget.stop() is not None:
            raise StopIteration

    def start(self, rng: np.random.Generator) -> _Array:
        """Gaussian parameters, scaled to outputs as large as the targets."""
        drawn = {name: rng.standard_normal(shape) for name, shape in self._shapes.items()}
        network = Network.from_parameters(self._architecture, self._unit(drawn)[0])
        size = float(np.linalg.norm(network.predict_patches(self._problem.patches)))
        wanted = float(np.linalg.norm(self._problem.y))
        if size > 0.0 and wanted > 0.0:
            factor = np.full(network.m, wanted / size)
            drawn = dict(self._architecture.scaled(drawn, factor))
        return np.concatenate([drawn[name].ravel() for name in self._shapes])

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
        problem, architecture = self._problem, self._architecture
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
