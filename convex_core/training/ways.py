r"""Two ways from one network to another: straight through the weights, and straight through the blocks.

In the weights the training objective is not convex: between a network that SGD ended with and the optimum there may be
a barrier. In the space of blocks, where the convex program lives, the same two networks are joined by a line on which
the objective is convex; if it ends at the global optimum, it falls all the way. Nothing that follows the slope can be
stuck there. Barriers on lines between trained networks: Goodfellow, Vinyals & Saxe 2015 (arXiv 1412.6544); matching
neurons first: Entezari et al. 2022 (arXiv 2110.06296).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..architectures import Architecture, Parameters
from ..contracts.records import record
from ..contracts.validation import check_arguments, frozen, integer
from ..networks.network import Network
from ..problem import Problem

__all__ = ["TwoWays", "two_ways"]

_Array = NDArray[np.float64]
# points of a way: each is a forward pass
_MOMENTS, _MOST_MOMENTS = 101, 10_001
# neurons that are matched: the assignment takes their cube
_MOST_NEURONS = 2_000


@record
@dataclass(frozen=True, slots=True)
class TwoWays:
    """The training objective along two straight lines from one network to another.

    Attributes
    ----------
    share : (T,) float64
        How far along, from 0 (the first network) to 1 (the second).
    weights : (T,) float64
        Objective of the network whose weights are that share of the way, neuron by neuron.
    blocks : (T,) float64
        Objective of the convex program where the blocks are that share of the way.
    order : (M,) int
        Neuron of the second network that each of the first is led to; numbers from its m on are neurons of zeros,
        and the last M - m of the first network are neurons of zeros.
    """

    share: _Array
    weights: _Array
    blocks: _Array
    order: NDArray[np.intp]

    @property
    def barrier(self) -> float:
        """How far the way through the weights climbs above the higher of its ends, >= 0."""
        return float(self.weights.max() - max(self.weights[0], self.weights[-1]))


def two_ways(problem: Problem, start: Network, end: Network, *, points: int = _MOMENTS) -> TwoWays:
    r"""Follow the training objective from `start` to `end`, through the weights and through the blocks.

    Both networks are balanced first: neurons are rescaled to the least cost of the same outputs. The smaller one gets
    neurons of zeros until both have M, and neurons are matched so that the sum of squared distances between their
    weights is least (an assignment problem). With :math:`\theta_j` led to :math:`\theta'_j`,

    .. math:: \text{weights}(t) = P\big((1 - t)\, \theta + t\, \theta'\big), \qquad
              \text{blocks}(t) = \ell\big((1 - t) f + t f', y\big) + \beta \big((1 - t) R + t R'\big),

    where f, f' are the outputs and R, R' the regularisers of the two. The second is the objective of the convex program
    at the blocks of both networks, those of the first times 1 - t, those of the second times t. It is convex in t; if
    `end` is a global optimum it does not increase.

    Parameters
    ----------
    problem : Problem
        Data, architecture, loss and beta.
    start, end : Network
        Two networks of the problem's architecture, with at most 2,000 neurons.
    points : int
        Moments t, evenly spaced, from 2 to 10,001.

    Raises
    ------
    InputError
        If a network has another architecture or too many neurons, or for a bad number of points.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, solve, train_sgd
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> sgd = train_sgd(problem, seeds=[0], iterations=300).best_networks[0]
    >>> ways = two_ways(problem, sgd, solve(problem).network)
    >>> ways.barrier > 0.0, bool(np.all(np.diff(ways.blocks) <= 0.0))
    (True, True)
    """
    check_arguments("two_ways", problem=(problem, Problem), start=(start, Network), end=(end, Network))
    points = integer(points, "points", minimum=2, maximum=_MOST_MOMENTS)
    for network in (start, end):
        problem.check_network(network)
        integer(network.m, "neurons of a network", minimum=0, maximum=_MOST_NEURONS)
    architecture, patches = problem.architecture, problem.patches
    balanced = [Network.from_parameters(architecture, architecture.balanced(n.parameters)) for n in (start, end)]
    m = max(network.m for network in balanced)
    first, second = (_with_zeros(network.parameters, m) for network in balanced)
    order = _matched(first, second)
    second = {name: array[order] for name, array in second.items()}
    share = np.linspace(0.0, 1.0, points)
    weights = [problem.objective(problem.fitted(_between(architecture, first, second, t))) for t in share]
    f, g = (architecture.outputs(patches, network.parameters).sum(axis=1) for network in balanced)
    regulariser = [network.regulariser for network in balanced]
    blocks = [
        problem.loss.value((1.0 - t) * f + t * g, problem.y)
        + problem.beta * ((1.0 - t) * regulariser[0] + t * regulariser[1])
        for t in share
    ]
    return TwoWays(frozen(share), frozen(np.array(weights)), frozen(np.array(blocks)), frozen(order))


def _between(architecture: Architecture, first: Parameters, second: Parameters, t: float) -> Network:
    """The network whose weights are the share `t` of the way from the first to the second."""
    return Network.from_parameters(architecture, {name: (1.0 - t) * first[name] + t * second[name] for name in first})


def _with_zeros(parameters: Parameters, m: int) -> dict[str, _Array]:
    """Neurons of zeros until there are m."""
    return {
        name: np.concatenate([array, np.zeros((m - len(array), *array.shape[1:]))])
        for name, array in parameters.items()
    }


def _matched(first: Parameters, second: Parameters) -> NDArray[np.intp]:
    """Neuron of `second` for each of `first`, at the least sum of squared distances."""
    from scipy.optimize import linear_sum_assignment  # slow to import, and seldom needed

    m = len(first["weights"])
    one, other = (
        np.concatenate([array.reshape(m, math.prod(array.shape[1:])) for array in parameters.values()], axis=1)
        for parameters in (first, second)
    )
    _, order = linear_sum_assignment(-one @ other.T)  # squared lengths are the same whatever the order
    return np.asarray(order, dtype=np.intp)
