"""The training loop, as a whole and as a stream of records."""

from __future__ import annotations

import functools
import inspect
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...contracts.validation import check_arguments, frozen
from ...errors import Interrupted
from ...numerics.jit import cpu_clock
from ...problem import Problem
from ...progress import Budget, CancelFlag, ProgressCallback, takes_budget, within
from ...status import Status
from .gradients import FREE, flat, gradients, objectives, stacked
from .results import Optimiser, Schedule, SGDRecord, SGDResult, SGDSettings, networks
from .rules import step_rule
from .start import default_rates, given_rates, initial_networks, make_settings

__all__ = ["History", "sgd_steps", "train_sgd", "watched"]

_Array = NDArray[np.float64]
_P = ParamSpec("_P")
_R = TypeVar("_R")


class History:
    """The records of a run, and the best network of each seed among them."""

    def __init__(self, first: SGDRecord) -> None:
        self.last = first
        self._moments = [(first.iteration, first.seconds, first.cpu_seconds, first.objective)]
        self.best = first.objective.copy()
        self._parameters = {name: value.copy() for name, value in first.parameters.items()}

    def add(self, record: SGDRecord) -> None:
        """The next record of the run."""
        self.last = record
        self._moments.append((record.iteration, record.seconds, record.cpu_seconds, record.objective))
        better = record.objective < self.best
        self.best[better] = record.objective[better]
        for name, value in record.parameters.items():
            self._parameters[name][better] = value[better]

    def result(self, problem: Problem, rows: slice = slice(None)) -> SGDResult:
        """The run of all seeds, or of those in these rows."""
        last, architecture = self.last, problem.architecture
        settings = replace(
            last.settings, seeds=last.settings.seeds[rows], learning_rate=last.settings.learning_rate[rows]
        )
        iteration, seconds, cpu, objective = zip(*self._moments, strict=True)
        best, final = (
            networks(architecture, {name: value[rows] for name, value in parameters.items()})
            for parameters in (self._parameters, last.parameters)
        )
        return SGDResult(
            settings,
            frozen(np.array(iteration, np.int64)),
            frozen(np.array(seconds)),
            frozen(np.array(cpu)),
            frozen(np.stack(objective, axis=1)[rows]),
            frozen(last.diverged[rows]),
            frozen(self.best[rows]),
            best,
            final,
            last.status or Status.ITERATION_LIMIT,
        )


@takes_budget
def sgd_steps(
    problem: Problem,
    *,
    m: int | None = None,
    seeds: int | Sequence[int] = (0, 1, 2, 3, 4),
    optimiser: Optimiser = "sgd",
    learning_rate: float | Sequence[float] | None = None,
    schedule: Schedule = "cosine",
    momentum: float = 0.9,
    batch_size: int | None = None,
    batch_seed: int = 0,
    iterations: int = 5000,
    init_scale: float = 0.1,
    record_every: int | None = None,
    dense_start: bool = False,
    time_limit: float | None = None,
    cancel: CancelFlag | None = None,
    progress: ProgressCallback | None = None,
) -> Iterator[SGDRecord]:
    """Train like :func:`train_sgd`, yielding a record at the start, every `record_every` steps, and at the end.

    The caller may draw, wait or stop between two records; the settings are checked at the call.

    Raises
    ------
    InputError
        If a setting is out of range.
    Interrupted
        If the time is up before the first networks are known.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> [record.iteration for record in sgd_steps(problem, iterations=20, record_every=8)]
    [0, 8, 16, 20]
    >>> [record.iteration for record in sgd_steps(problem, iterations=60, record_every=8, dense_start=True)][18:28]
    [18, 19, 20, 22, 24, 26, 28, 30, 33, 36]
    """
    check_arguments("sgd_steps", problem=(problem, Problem))
    settings = make_settings(
        problem, m, seeds, schedule, momentum, batch_size, batch_seed, iterations, init_scale, record_every,
        dense_start, optimiser,
    )  # fmt: skip
    given = given_rates(learning_rate, len(settings.seeds))
    budget = Budget(time_limit=time_limit, cancel=cancel, progress=progress)
    return watched(problem, settings, given, budget)


def _with_parameters_of(steps: Callable[_P, Any]) -> Callable[[Callable[..., _R]], Callable[_P, _R]]:
    """Give a function that hands everything on to `steps` the parameters and defaults of `steps`."""

    def named(function: Callable[..., _R]) -> Callable[_P, _R]:
        signature = inspect.signature(steps).replace(return_annotation=inspect.signature(function).return_annotation)

        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            signature.bind(*args, **kwargs)  # else the error would be one of `steps`
            return function(*args, **kwargs)

        call.__signature__ = signature  # type: ignore[attr-defined]
        return call

    return named


@takes_budget
@_with_parameters_of(sgd_steps)
def train_sgd(problem: Problem, **settings: Any) -> SGDResult:
    """Train one network per seed by mini-batch SGD with momentum, or by Adam.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    m : int, optional
        Filters per network; default n + 1, enough for the global optimum.
    seeds : int or sequence of int
        One initialisation each, or how many: 3 stands for 0, 1, 2. A seed gives the same run whatever other seeds stand
        beside it, up to rounding.
    optimiser : {"sgd", "adam"}
        How a step is made from a gradient; plain SGD is ``"sgd"`` with ``momentum=0``.
    learning_rate : float or sequence of float, optional
        First step size, for every seed or one for each; default: the rule of the package's text, per seed.
    schedule : {"cosine", "constant"}
        See :class:`SGDSettings`.
    momentum : float
        In [0, 1), see :class:`SGDSettings`; 0 is plain SGD, or gradient descent with full batches.
    batch_size : int, optional
        In [1, n]; default ceil(n/2), at most 64. Samples that do not fill a batch wait for the next shuffle.
    batch_seed : int
        Seed of the order of the samples.
    iterations : int
        Number of steps.
    init_scale : float
        Norm of the first outputs over the norm of the targets, > 0.
    record_every : int, optional
        Steps between two records; default: about 250 records.
    dense_start : bool
        Begin with a record at each step, and lengthen the way to the next to a tenth of the steps taken, until it is
        `record_every`: for a logarithmic axis.
    time_limit, cancel, progress
        As in :func:`convex_core.solve`; a stopped run returns what it has.

    Returns
    -------
    SGDResult
        Objectives by iteration and by wall-clock second, best and final networks.

    Raises
    ------
    InputError
        If a setting is out of range.
    Interrupted
        If the time is up before the first networks are known.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> result = train_sgd(Problem.from_dataset(load_dataset("talk")), seeds=(0, 1), iterations=100)
    >>> bool(result.objective[:, -1].max() < result.objective[:, 0].min())
    True
    """
    check_arguments("train_sgd", problem=(problem, Problem))
    steps = sgd_steps(problem, **settings)
    history = History(next(steps))
    for record in steps:
        history.add(record)
    return history.result(problem)


def watched(problem: Problem, settings: SGDSettings, given: _Array | None, budget: Budget) -> Iterator[SGDRecord]:
    """The records of a run; one that does not come in time ends it with those before."""

    def begin(inner: Budget) -> tuple[SGDSettings, dict[str, _Array], _Array]:
        state = initial_networks(problem, settings)
        rates = default_rates(problem, state, settings, inner) if given is None else given
        return replace(settings, learning_rate=tuple(rates.tolist())), state, rates

    settings, state, rates = within(budget, begin)
    records = _run(problem, settings, state, rates)
    next(records)
    record: SGDRecord | None = None
    while record is None or record.status is None:
        try:
            record = within(budget, records.send)
        except Interrupted as stop:
            if record is None:
                raise
            record = replace(record, status=stop.status)
        assert record is not None
        yield record


def _batches(problem: Problem, settings: SGDSettings) -> Iterator[tuple[_Array, _Array]]:
    """Endless batches (K, b, h), (b,): a new shuffle whenever the samples left do not fill a batch."""
    n, b = problem.n, settings.batch_size
    if b == n:
        while True:
            yield problem.patches, problem.y
    rng = np.random.default_rng(settings.batch_seed)
    targets = problem.y.reshape(n, -1)  # a row for each sample, whatever the number of outputs
    while True:
        order = rng.permutation(n)
        for start in range(0, n - b + 1, b):
            chosen = order[start : start + b]
            yield problem.patches[:, chosen], targets[chosen].ravel()


def _run(
    problem: Problem, settings: SGDSettings, state: dict[str, _Array], rates: _Array
) -> Generator[SGDRecord | None, Budget, None]:
    """Nothing at first, then a record for each budget that is sent: the one within which it is to be made."""
    architecture = problem.architecture
    batches = _batches(problem, settings)
    boost, beta = problem.n / settings.batch_size, problem.beta
    rule = step_rule(settings.optimiser, {name: value.shape for name, value in state.items()}, settings.momentum)
    S = len(settings.seeds)
    diverged = np.zeros(S, dtype=bool)
    last = state
    seconds, cpu_seconds, iteration = 0.0, 0.0, 0
    status: Status | None = None
    best = math.inf
    budget = yield None
    while True:
        with np.errstate(over="ignore", invalid="ignore"):
            objective = objectives(problem, state)
        diverged = diverged | ~np.isfinite(objective)
        if diverged.any():
            # a diverged seed goes back to its last finite state and stays there: its rate is zero from now on
            for name, value in state.items():
                value[diverged] = last[name][diverged]
            rule.forget(diverged)
            rates = np.where(diverged, 0.0, rates)
            objective = np.where(diverged, np.inf, objective)
        last = {name: value.copy() for name, value in state.items()}
        best = min(best, float(objective.min()))
        budget.report(
            "sgd",
            f"step {iteration} of {settings.iterations}",
            fraction=iteration / settings.iterations,
            upper=best,
            round=iteration,
        )
        if iteration >= settings.iterations:
            status = Status.ITERATION_LIMIT
        elif diverged.all():
            status = Status.STALLED
        else:
            status = status or budget.stop()
        record = {name: frozen(value) for name, value in state.items()}
        budget = yield SGDRecord(
            settings, iteration, seconds, cpu_seconds, frozen(objective), frozen(diverged), record, status
        )
        if status is not None:
            return
        started, cpu_started = time.perf_counter(), cpu_clock()
        ahead = settings.record_every
        if settings.dense_start:
            ahead = min(ahead, max(1, iteration // 10))
        target = min(iteration + ahead, settings.iterations)
        with np.errstate(over="ignore", invalid="ignore"):
            while iteration < target and status is None:
                patches, y = next(batches)
                gradient = gradients(problem, patches, y, state)
                decay = stacked(architecture.decay(flat(state)), S)
                step = rates
                if settings.schedule == "cosine":
                    step = rates * (0.5 + 0.5 * math.cos(math.pi * iteration / settings.iterations))
                for name, value in state.items():
                    cost = beta * decay[name] if name != FREE else np.zeros(())
                    direction = rule.direction(name, boost * gradient[name], cost)
                    state[name] = value - step.reshape(S, *(1,) * (value.ndim - 1)) * direction
                if architecture.unit_length is not None:
                    state = {**state, **stacked(architecture.project(flat(state)), S)}
                iteration += 1
                status = budget.stop()
        seconds += time.perf_counter() - started
        cpu_seconds += max(0.0, cpu_clock() - cpu_started)
