r"""Audit of a trained network: how far it is from the global optimum, and how much its own patterns allow.

A network trained by gradient methods holds certain sign patterns. The convex program over those patterns alone has a
value between the network's objective and the global optimum: a Clarke stationary point of the non-convex problem
*is* the optimum over its own patterns (Wang, Lacotte and Pilanci, arXiv 2006.05900). What remains between that value
and the global bound is the price of the patterns training settled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._arguments import check_arguments
from ._records import record
from .architectures import Architecture
from .certificate import Certificate, certify
from .errors import InputError
from .export.answers import AuditAnswer
from .network import Network
from .problem import Problem
from .program import CellFactory
from .progress import Budget, CancelFlag, ProgressCallback
from .solve import Solution, given_patterns, solve_over
from .solvers.pricing import Pricer
from .validation import finite_array

__all__ = ["Audit", "audit", "network_from_arrays", "own_patterns"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True, repr=False)
class Audit(AuditAnswer):
    """What can be proved about a trained network.

    Attributes
    ----------
    network : Network
        The network.
    certificate : Certificate
        Its objective and the bound on the global optimum.
    own : Solution or None
        Optimum over the patterns of the network's own neurons (scope restricted); None for the zero network.
    """

    network: Network
    certificate: Certificate
    own: Solution | None

    def __repr__(self) -> str:
        return f"Audit({self.certificate!r}, own patterns {self.own_objective:.6g})"

    @property
    def own_objective(self) -> float:
        """Best objective found over the network's own patterns, never above the network's."""
        own = np.inf if self.own is None else self.own.network_objective
        return min(own, self.certificate.objective)

    @property
    def training_excess(self) -> float:
        """Objective lost by stopping short of the optimum over the network's own patterns, >= 0."""
        return self.certificate.objective - self.own_objective

    @property
    def pattern_excess(self) -> float:
        """Objective lost, at most, by the choice of patterns: from :attr:`own_objective` to the lower bound."""
        return self.own_objective - self.certificate.lower_bound


def audit(
    problem: Problem,
    network: Network,
    *,
    dual: ArrayLike | None = None,
    tol: float = 1e-6,
    pricer: Pricer | None = None,
    seed: int = 0,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Audit:
    """Certify `network` and solve the convex program over its own patterns.

    Parameters
    ----------
    problem : Problem
        What the network was trained on.
    network : Network
        Any network of the problem's architecture.
    dual, pricer, seed, time_limit, cancel, progress
        As in :func:`certify`; the time limit holds for each of the two parts.
    tol : float
        Relative gap.

    Raises
    ------
    InputError
        If the network does not fit the problem.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset, train_sgd
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> trained = train_sgd(problem, seeds=[0], iterations=2000).best_networks[0]
    >>> result = audit(problem, trained)
    >>> result.certificate.lower_bound <= result.own_objective <= result.certificate.objective
    True
    """
    check_arguments("audit", problem=(problem, Problem), network=(network, Network))
    certificate = certify(
        problem,
        network,
        dual=dual,
        tol=tol,
        pricer=pricer,
        seed=seed,
        time_limit=time_limit,
        cancel=cancel,
        progress=progress,
    )
    codes = own_patterns(problem, network)
    own = None
    if len(codes):
        budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
        own = solve_over(problem, given_patterns(problem, codes, seed=seed), tol=tol, budget=budget)
    return Audit(network, certificate, own)


def own_patterns(problem: Problem, network: Network) -> NDArray[np.bool_]:
    """Distinct codes (P, N) of the cells that hold the network's live neurons."""
    problem.check_network(network)
    architecture = problem.architecture
    parameters = architecture.balanced(network.parameters)
    cells = CellFactory(architecture, problem.patches)
    codes = architecture.codes(problem.patches, parameters)
    if not cells.coded and parameters["filters"].shape[1] == cells.p:
        # a filter on a hyperplane belongs to one cell, whatever the rounding of parallel rows
        patterns = cells.patterns(parameters["filters"])
        codes = np.concatenate([patterns, codes[:, patterns.shape[1] :]], axis=1)
    return np.unique(codes, axis=0) if len(codes) else codes


def network_from_arrays(architecture: Architecture, arrays: Mapping[str, Any]) -> Network:
    """The network in a mapping of arrays: by our names, or a PyTorch state dict saved as arrays.

    Our names are those of :attr:`Network.parameters` (``filters``, ``weights`` and in deeper networks ``hidden``).
    Otherwise the first array must be the weight of a convolution, (m, C, h) or (m, C, H, W) in PyTorch's order with the
    channels first (or a linear layer, (m, d)), and the second the weight of the linear layer behind the pooling,
    (1, m). Biases must be absent or zero: these networks have none.

    Raises
    ------
    InputError
        If arrays are missing, or of the wrong shape, or a bias is not zero.

    Examples
    --------
    >>> from convex_core import TwoLayerCNN, patch_geometry
    >>> cnn = TwoLayerCNN(patch_geometry((4,), 2))
    >>> state = {"conv.weight": np.ones((3, 1, 2)), "conv.bias": np.zeros(3), "fc.weight": np.ones((1, 3))}
    >>> network_from_arrays(cnn, state).filters.shape
    (3, 2)
    """
    check_arguments("network_from_arrays", architecture=(architecture, Architecture), arrays=(arrays, Mapping))
    if "filters" in arrays:
        missing = [name for name in architecture.shapes if name not in arrays]
        if missing:
            raise InputError(f"network: got no {', '.join(missing)}, expected {', '.join(architecture.shapes)}")
        return Network.from_parameters(architecture, {name: arrays[name] for name in architecture.shapes})
    if list(architecture.shapes) != ["filters", "weights"] or architecture.shapes["weights"]:
        raise InputError(
            f"network: got {', '.join(arrays) or 'no arrays'}, expected {', '.join(architecture.shapes)} "
            f"for the architecture {architecture.name}"
        )
    for name in (name for name in arrays if name.endswith("bias")):
        if np.any(finite_array(arrays[name], name, ndim=1) != 0.0):
            raise InputError(f"{name}: got a bias that is not zero, expected none: these networks have no biases")
    layers = [name for name in arrays if name.endswith("weight")]
    if len(layers) != 2:
        raise InputError(
            f"network: got {', '.join(arrays) or 'no arrays'}, expected filters and weights, or a PyTorch state dict "
            "with two layers, whose names end in weight"
        )
    kernel = finite_array(arrays[layers[0]], layers[0], ndim=(2, 3, 4))
    output = finite_array(arrays[layers[1]], layers[1], ndim=2)
    if output.shape != (1, len(kernel)):
        raise InputError(f"{layers[1]}: got shape {output.shape}, expected (1, {len(kernel)}), one weight per filter")
    if kernel.ndim > 2:  # channels first there, last here
        kernel = np.moveaxis(kernel, 1, -1)
    return Network(architecture, kernel.reshape(len(kernel), -1), output[0])
