r"""Optimisers compared fairly: each is tuned over the same step sizes, with the same starts, batches and budget.

For every optimiser and every step size of the grid, one network is trained from each seed, all with the full number of
steps: nothing is tuned on shorter runs. Of an optimiser that step size counts at which the best of its seeds gets
lowest on the training objective,

.. math:: \hat\eta = \operatorname*{argmin}_{\eta \in \text{grid}} \; \min_{\text{seeds } s} \; \min_t \;
          P(\theta^{(\eta, s)}_t),

the choice that favours training most: it may look at what it is judged by. All optimisers advance side by side, so
that a time limit leaves each with the same number of steps; records begin close to one another for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...contracts.records import record
from ...contracts.validation import check_arguments, frozen, positive_number
from ...errors import InputError
from ...problem import Problem
from ...progress import Budget, CancelFlag, ProgressCallback, takes_budget
from ...status import Status
from .results import Optimiser, Schedule, SGDRecord, SGDResult, SGDSettings
from .start import make_settings
from .train import History, watched

__all__ = ["LEARNING_RATES", "OPTIMISERS", "Comparison", "TunedRun", "compare_optimisers"]

_Array = NDArray[np.float64]

#: What is compared: a key for each, what it is called, how it steps, and its momentum.
OPTIMISERS: dict[str, tuple[str, Optimiser, float]] = {
    "plain": ("plain SGD", "sgd", 0.0),
    "momentum": ("momentum SGD", "sgd", 0.9),
    "adam": ("Adam", "adam", 0.9),
}
#: The step sizes that every optimiser is tuned over: two a decade.
LEARNING_RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)


@record
@dataclass(frozen=True, slots=True)
class TunedRun:
    """One optimiser, tuned.

    Attributes
    ----------
    optimiser : str
        A key of :data:`OPTIMISERS`.
    learning_rates : tuple of float
        The grid, in rising order.
    objective : ndarray, shape (G, S)
        Smallest recorded objective at each step size and seed.
    chosen : int
        Position of the step size at which the best seed is lowest; the smallest such.
    result : SGDResult
        The run of all seeds with that step size. Its seconds are those of the whole grid, trained side by side.
    """

    optimiser: str
    learning_rates: tuple[float, ...]
    objective: _Array
    chosen: int
    result: SGDResult

    @property
    def name(self) -> str:
        """What it is called."""
        return OPTIMISERS[self.optimiser][0]

    @property
    def learning_rate(self) -> float:
        """The step size that was chosen."""
        return self.learning_rates[self.chosen]

    @property
    def best_objective(self) -> float:
        """Smallest objective of any step size and seed."""
        return float(self.objective[self.chosen].min())

    @property
    def at_edge(self) -> bool:
        """Whether the choice is the first or the last of the grid, so that a wider one might have done better."""
        return self.chosen in (0, len(self.learning_rates) - 1)

    @property
    def steps(self) -> int:
        """Steps spent on all step sizes and seeds together."""
        return int(self.result.iterations[-1]) * self.objective.size


@record
@dataclass(frozen=True, slots=True)
class Comparison:
    """Optimisers on one problem, each tuned over the same step sizes with the same budget.

    Attributes
    ----------
    runs : tuple of TunedRun
        One for each optimiser, in the order they were asked for.
    """

    runs: tuple[TunedRun, ...]

    @property
    def settings(self) -> SGDSettings:
        """What all have in common: width, seeds, batches, steps, schedule, start."""
        return self.runs[0].result.settings

    @property
    def best(self) -> int:
        """Position of the run with the smallest objective."""
        return int(np.argmin([run.best_objective for run in self.runs]))

    @property
    def status(self) -> Status:
        """Why it ended: for the reason of the first that was cut short, if one was."""
        ends = [run.result.status for run in self.runs]
        return next((end for end in ends if end in (Status.CANCELLED, Status.TIME_LIMIT)), ends[0])


@takes_budget
def compare_optimisers(
    problem: Problem,
    *,
    optimisers: Sequence[str] = tuple(OPTIMISERS),
    learning_rates: Sequence[float] | _Array = LEARNING_RATES,
    m: int | None = None,
    seeds: int | Sequence[int] = (0, 1, 2, 3, 4),
    schedule: Schedule = "cosine",
    batch_size: int | None = None,
    batch_seed: int = 0,
    iterations: int = 5000,
    init_scale: float = 0.1,
    record_every: int | None = None,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Comparison:
    """Train by plain SGD, SGD with momentum and Adam, each tuned over the same grid of step sizes.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    optimisers : sequence of str
        Some of ``"plain"``, ``"momentum"`` (0.9) and ``"adam"`` (0.9 and 0.999).
    learning_rates : sequence of float, or (G,) array
        The grid: first step sizes, > 0, all different; the same for every optimiser.
    m, seeds, schedule, batch_size, batch_seed, iterations, init_scale, record_every
        As in :func:`convex_core.train_sgd` with a dense start, and the same for every optimiser and step size.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`; stopped, each optimiser has what it had until then, all after the same number
        of steps: those of the last record that all of them reached, at most a tenth of the steps earlier.

    Raises
    ------
    InputError
        If a setting is out of range.
    SizeError
        If all step sizes and seeds side by side take more memory than is allowed.
    Interrupted
        If the time is up before the first networks are known.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("shift"))
    >>> found = compare_optimisers(problem, learning_rates=[0.003, 0.03], seeds=2, iterations=200)
    >>> [(run.name, run.objective.shape) for run in found.runs]
    [('plain SGD', (2, 2)), ('momentum SGD', (2, 2)), ('Adam', (2, 2))]
    """
    check_arguments("compare_optimisers", problem=(problem, Problem))
    names = (optimisers,) if isinstance(optimisers, str) else tuple(_listed(optimisers, "optimisers"))
    known = [name for name in names if isinstance(name, str) and name in OPTIMISERS]
    if not names or len(set(known)) < len(names):
        raise InputError(f"optimisers: got {_short(names)}, expected different ones of {', '.join(OPTIMISERS)}")
    rates = tuple(sorted(positive_number(rate, "learning_rates") for rate in _listed(learning_rates, "learning_rates")))
    if not rates or len(set(rates)) < len(rates):
        raise InputError(f"learning_rates: got {_short(rates)}, expected different step sizes")
    settings = [
        make_settings(
            problem, m, seeds, schedule, OPTIMISERS[name][2], batch_size, batch_seed, iterations, init_scale,
            record_every, True, OPTIMISERS[name][1], len(rates),
        )
        for name in names
    ]  # fmt: skip
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    silent = Budget(time_limit=time_limit, cancel=cancel)
    each = len(settings[0].seeds) // len(rates)
    given = np.repeat(rates, each)
    histories = _side_by_side([watched(problem, one, given, silent) for one in settings], names, budget)
    return Comparison(
        tuple(_tuned(problem, name, rates, history) for name, history in zip(names, histories, strict=True))
    )


def _listed(given: object, name: str) -> list[Any]:
    """What is given as a list: a tuple or a row of an array serves as well."""
    if isinstance(given, np.ndarray) and given.ndim == 1:
        return cast("list[Any]", given.tolist())
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise InputError(f"{name}: got {type(given).__name__}, expected a list")
    return list(given)


def _short(values: tuple[Any, ...]) -> str:
    text = repr(list(values))
    return text if len(text) <= 100 else f"{text[:97]}..."


def _side_by_side(streams: list[Iterator[SGDRecord]], names: Sequence[str], budget: Budget) -> list[History]:
    """Records of all streams in turns, until each has ended."""
    histories = [History(next(stream)) for stream in streams]
    while any(history.last.status is None for history in histories):
        going = [at for at, history in enumerate(histories) if history.last.status is None]
        records = {at: next(streams[at]) for at in going}
        cut = [r.status for r in records.values() if r.status in (Status.CANCELLED, Status.TIME_LIMIT)]
        # nobody keeps steps that others had no time for
        if not cut or len({r.iteration for r in records.values()}) == 1:
            for at in going:
                histories[at].add(records[at])
        if cut:
            # nor does one go on that was in time with the last of them
            for history in histories:
                history.last = replace(history.last, status=history.last.status or cut[0])
        behind = min(histories, key=lambda history: history.last.iteration).last
        lowest = [float(history.best.min()) for history in histories]
        so_far = ", ".join(f"{OPTIMISERS[name][0]} {value:.5g}" for name, value in zip(names, lowest, strict=True))
        total = behind.settings.iterations
        budget.report(
            "sgd",
            f"step {behind.iteration} of {total}; lowest so far: {so_far}",
            fraction=behind.iteration / total,
            upper=min(lowest, default=math.inf),
            round=behind.iteration,
        )
    return histories


def _tuned(problem: Problem, name: str, rates: tuple[float, ...], history: History) -> TunedRun:
    objective = history.best.reshape(len(rates), -1)
    chosen = int(objective.min(axis=1).argmin())
    S = objective.shape[1]
    result = history.result(problem, slice(chosen * S, (chosen + 1) * S))
    return TunedRun(name, rates, frozen(objective), chosen, result)
