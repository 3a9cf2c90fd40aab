"""Neurons that are fixed but for their sizes: what the programs in the output weights alone have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...networks.network import Network
from ...networks.recovery import balanced
from ...problem import Problem

__all__ = ["FixedNeurons"]

_Array = NDArray[np.float64]


class FixedNeurons:
    r"""The neurons of a network at cost 1, :math:`\Phi = [\varphi_1, \dots, \varphi_m]` their outputs.

    Parameters
    ----------
    problem : Problem
        Data.
    network : Network
        Any network; it is balanced first, and neurons without output or cost are dropped.
    """

    def __init__(self, problem: Problem, network: Network) -> None:
        problem.check_network(network)
        self._fitted = problem.fitted
        self._network = balanced(network)
        self._costs = self._network.costs
        outputs = network.architecture.outputs(problem.patches, self._network.parameters)
        #: outputs (N, m) of the neurons at cost 1
        self.Phi: _Array = outputs / self._costs

    def network(self, a: _Array) -> Network:
        """The network in which neuron j has cost ``a[j] >= 0``; those of cost zero are left out."""
        architecture = self._network.architecture
        active = a > 0.0
        kept = {name: array[active] for name, array in self._network.parameters.items()}
        sized = Network.from_parameters(architecture, architecture.scaled(kept, a[active] / self._costs[active]))
        return self._fitted(sized)
