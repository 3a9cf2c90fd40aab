"""What an experiment found, ready for a file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contracts.records import record
from ..solution import Solution
from ..status import Status
from .plans import ArmPlan, Plan

__all__ = ["Arm", "ExperimentResult", "Training"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class Arm:
    """One convex program, solved and certified.

    Attributes
    ----------
    plan : ArmPlan
        What was asked for.
    solution : Solution
        The network with its certificate.
    train_accuracy, test_accuracy : float or None
        Shares of samples whose class is right; None where the targets are not -1 / +1, or without a test part.
    """

    plan: ArmPlan
    solution: Solution
    train_accuracy: float | None
    test_accuracy: float | None

    def to_dict(self) -> dict[str, Any]:
        """JSON fields."""
        s = self.solution
        return {
            "name": self.plan.name,
            "label": self.plan.label,
            "same_network": self.plan.same_network,
            "architecture": s.problem.architecture.name,
            "options": s.problem.architecture.options,
            "filter_length": s.problem.architecture.geometry.h,
            "beta": s.problem.beta,
            "convex_objective": s.objective,
            "network_objective": s.network_objective,
            "lower_bound": s.lower_bound if math.isfinite(s.lower_bound) else None,
            "relative_gap": s.relative_gap if math.isfinite(s.relative_gap) else None,
            "scope": s.scope.value,
            "status": s.status.value,
            "exactness": s.exactness.value,
            "patterns": s.patterns,
            "filters": s.active_filters,
            "rounds": s.rounds,
            "seconds": s.seconds.total,
            "train_accuracy": self.train_accuracy,
            "test_accuracy": self.test_accuracy,
        }


@record
@dataclass(frozen=True, slots=True)
class Training:
    """SGD from several seeds, recorded.

    Attributes
    ----------
    seeds : tuple of int
        Initialisations.
    iterations : (T,) int64
        Steps at each record.
    seconds : (T,) float64
        Wall-clock seconds of training at each record, all seeds side by side.
    objective : (S, T) float64
        Training objective; ``inf`` after divergence.
    test_accuracy : (S, T) float64 or None
        Share of test samples whose sign is right.
    settings : dict
        What determined the run.
    status : Status
        Why it ended.
    """

    seeds: tuple[int, ...]
    iterations: NDArray[np.int64]
    seconds: _Array
    objective: _Array
    test_accuracy: _Array | None
    settings: dict[str, Any]
    status: Status

    def to_dict(self) -> dict[str, Any]:
        """JSON fields."""
        return {
            "seeds": list(self.seeds),
            "iterations": self.iterations.tolist(),
            "seconds": self.seconds.tolist(),
            "objective": [[v if math.isfinite(v) else None for v in row] for row in self.objective.tolist()],
            "test_accuracy": None if self.test_accuracy is None else self.test_accuracy.tolist(),
            "settings": self.settings,
            "status": self.status.value,
        }


@record
@dataclass(frozen=True, slots=True)
class ExperimentResult:
    """One experiment: its plan, the convex programs, and SGD.

    Attributes
    ----------
    plan : Plan
        What was done, what the talk states, and what we chose.
    data : str
        What the data are, with every step of preprocessing.
    seed : int
        Seed of the data, the sampled patterns and the order of the batches.
    arms : tuple of Arm
        The convex programs that were finished.
    training : Training or None
        SGD; None if the experiment was stopped before it.
    stopped : Status or None
        Why the experiment was cut short, if it was.
    seconds : float
        Wall-clock seconds of the whole experiment.
    """

    plan: Plan
    data: str
    seed: int
    arms: tuple[Arm, ...]
    training: Training | None
    stopped: Status | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON fields."""
        plan = self.plan
        return {
            "experiment": plan.name,
            "title": plan.title,
            "stated_by_the_talk": list(plan.stated),
            "our_choices": list(plan.chosen),
            "data": self.data,
            "seed": self.seed,
            "filter_size": plan.filter_size,
            "stride": plan.stride,
            "m": plan.m,
            "arms": [arm.to_dict() for arm in self.arms],
            "sgd": None if self.training is None else self.training.to_dict(),
            "stopped": None if self.stopped is None else self.stopped.value,
            "seconds": self.seconds,
        }
