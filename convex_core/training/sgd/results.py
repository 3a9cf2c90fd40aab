"""What a run of SGD is made of and what it gives: settings, records, result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...architectures import Architecture, Parameters
from ...contracts.records import record
from ...networks.network import Network
from ...status import Status
from .gradients import FREE

__all__ = ["Optimiser", "SGDRecord", "SGDResult", "SGDSettings", "Schedule", "networks"]

_Array = NDArray[np.float64]
Optimiser = Literal["sgd", "adam"]
Schedule = Literal["cosine", "constant"]


def networks(architecture: Architecture, parameters: Parameters) -> tuple[Network, ...]:
    """The networks of parameters (S, m, ...)."""
    seeds = range(len(parameters["weights"]))
    found = []
    for s in seeds:
        own = {name: value[s] for name, value in parameters.items()}
        free = own.pop(FREE, None)
        found.append(Network.from_parameters(architecture, own, free))
    return tuple(found)


@record
@dataclass(frozen=True, slots=True)
class SGDSettings:
    """Everything that, with the problem, determines a run.

    Attributes
    ----------
    m : int
        Filters per network.
    seeds : tuple of int
        One initialisation each.
    learning_rate : tuple of float
        First step size of each seed.
    schedule : {"cosine", "constant"}
        Whether the step size falls to zero like ``(1 + cos(pi t / iterations)) / 2`` or stays.
    momentum : float
        In [0, 1): what the velocity keeps of itself in a step, 0 for plain SGD; with Adam, what the mean of the
        gradients keeps.
    batch_size : int
        Samples per step; n is full-batch gradient descent.
    batch_seed : int
        Seed of the order of the samples, which all initialisations share.
    iterations : int
        Number of steps.
    init_scale : float
        Norm of the first outputs over the norm of the targets.
    record_every : int
        Steps between two records.
    dense_start : bool
        Whether there are more of them at the start.
    optimiser : {"sgd", "adam"}
        How a step is made from a gradient.
    """

    m: int
    seeds: tuple[int, ...]
    learning_rate: tuple[float, ...]
    schedule: Schedule
    momentum: float
    batch_size: int
    batch_seed: int
    iterations: int
    init_scale: float
    record_every: int
    dense_start: bool = False
    optimiser: Optimiser = "sgd"


@record
@dataclass(frozen=True, slots=True)
class SGDRecord:
    """The state of all seeds after some steps.

    Attributes
    ----------
    settings : SGDSettings
        The settings of the run.
    iteration : int
        Steps taken.
    seconds, cpu_seconds : float
        Spent on training steps, without set-up, records, and whatever the caller does in between: by the clock, and
        processor seconds of all threads of the process.
    objective : ndarray, shape (S,)
        Objective over all samples; ``inf`` for a seed that has diverged.
    diverged : ndarray of bool, shape (S,)
        Seeds that have diverged; their parameters are the last finite ones recorded.
    parameters : mapping of str to ndarray
        The networks: ``filters`` (S, m, a), ``weights`` (S, m) and whatever else the architecture has; ``free``
        (S, r) where a part of the outputs costs nothing.
    status : Status or None
        Why the run ended; None while it goes on.
    """

    settings: SGDSettings
    iteration: int
    seconds: float
    cpu_seconds: float
    objective: _Array
    diverged: NDArray[np.bool_]
    parameters: Parameters
    status: Status | None

    @property
    def filters(self) -> _Array:
        """Filters of all networks, (S, m, a)."""
        return self.parameters["filters"]

    @property
    def weights(self) -> _Array:
        """Output weights of all networks, (S, m)."""
        return self.parameters["weights"]

    def networks(self, architecture: Architecture) -> tuple[Network, ...]:
        """One network per seed."""
        return networks(architecture, self.parameters)


@record
@dataclass(frozen=True, slots=True, repr=False)
class SGDResult:
    """The history and the networks of a run.

    Attributes
    ----------
    settings : SGDSettings
        What determined the run, the seeds among it.
    iterations : ndarray of int64, shape (T,)
        Steps taken at each record, from 0.
    seconds, cpu_seconds : ndarray, shape (T,)
        Wall-clock and processor seconds of training at each record.
    objective : ndarray, shape (S, T)
        Objective of each seed at each record, ``inf`` after divergence.
    diverged : ndarray of bool, shape (S,)
        Seeds that have diverged.
    best_objective : ndarray, shape (S,)
        Smallest recorded objective of each seed.
    best_networks, final_networks : tuple of Network
        One per seed: where that objective was seen, and the last finite one recorded.
    status : Status
        Why the run ended.
    """

    settings: SGDSettings
    iterations: NDArray[np.int64]
    seconds: _Array
    cpu_seconds: _Array
    objective: _Array
    diverged: NDArray[np.bool_]
    best_objective: _Array
    best_networks: tuple[Network, ...]
    final_networks: tuple[Network, ...]
    status: Status

    def __repr__(self) -> str:
        return (
            f"SGDResult({self.status}, {len(self.seeds)} seeds, {self.settings.iterations} iterations, "
            f"best objective {self.best_objective[self.best]:.6g} at seed {self.seeds[self.best]})"
        )

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the initialisations."""
        return self.settings.seeds

    @property
    def best(self) -> int:
        """Position of the seed with the smallest recorded objective."""
        return int(np.argmin(self.best_objective))
