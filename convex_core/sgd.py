r"""Mini-batch SGD with momentum on the non-convex training problem, several initialisations advanced together.

The objective is the one that the convex program solves, with no 1/n,

.. math:: \ell(f(X), y) + \tfrac{\beta}{2} \sum_j (\|u_j\|_2^2 + w_j^2),

so that its regulariser is a weight decay of `beta` on filters and output weights. One step on a batch B of b
samples is

.. math:: v \leftarrow \mu v + \tfrac{n}{b} \nabla \ell_B(\theta) + \beta \theta, \qquad
          \theta \leftarrow \theta - \eta_t v;

the factor n/b makes the batch gradient unbiased. The gradient of the ReLU at zero follows the library's tie
rule 1[x >= 0].

Filters are drawn as N(0, 1/h) and weights as N(0, 1) and then both scaled by one factor such that the first
outputs have norm ``init_scale * ||y||``. The default step size is

.. math:: \eta = \frac{b}{n} \cdot \frac{1/2}{\max(L_0, L_1) + \beta}

where :math:`L_0` is the largest eigenvalue of :math:`J J^T` at the start (J the Jacobian of the outputs), and
:math:`L_1 = 2 \|y\| \max_j \|A_j\|` its value for one balanced filter that has grown to explain y, with
:math:`A_j = s \sum_k D_{jk} X_k` the linear map of filter j at the start. A network that is dead on all the data is
judged by its mirror image. These are estimates, not bounds: a seed may still diverge, and is then marked and left
where it was.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from .architectures import Architecture
from .errors import InputError, SizeError
from .network import Network
from .problem import Problem
from .progress import Budget
from .status import Status
from .validation import frozen, integer, positive_number

__all__ = ["SGDRecord", "SGDResult", "SGDSettings", "Schedule", "sgd_steps", "train_sgd"]

_Array = NDArray[np.float64]
Schedule = Literal["cosine", "constant"]

#: Limit on the entries (seeds x filters x patches x batch) of the largest work array, 2 GiB of float64.
MAX_WORK_ENTRIES = 2**28
#: Limit on the number of records of one run.
MAX_RECORDS = 1_000_000


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
        In [0, 1).
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


@dataclass(frozen=True, slots=True, eq=False)
class SGDRecord:
    """The state of all seeds after some steps.

    Attributes
    ----------
    settings : SGDSettings
        The settings of the run.
    iteration : int
        Steps taken.
    seconds : float
        Wall-clock seconds spent on training steps, without set-up, records, and whatever the caller does in
        between.
    objective : ndarray, shape (S,)
        Objective over all samples; ``inf`` for a seed that has diverged.
    diverged : ndarray of bool, shape (S,)
        Seeds that have diverged; their filters and weights are the last finite ones recorded.
    filters, weights : ndarray, shapes (S, m, h) and (S, m)
        The networks.
    status : Status or None
        Why the run ended; None while it goes on.
    """

    settings: SGDSettings
    iteration: int
    seconds: float
    objective: _Array
    diverged: NDArray[np.bool_]
    filters: _Array
    weights: _Array
    status: Status | None


@dataclass(frozen=True, slots=True, eq=False)
class SGDResult:
    """The history and the networks of a run.

    Attributes
    ----------
    settings : SGDSettings
        What determined the run, the seeds among it.
    iterations : ndarray of int64, shape (T,)
        Steps taken at each record, from 0.
    seconds : ndarray, shape (T,)
        Wall-clock seconds of training at each record.
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
    objective: _Array
    diverged: NDArray[np.bool_]
    best_objective: _Array
    best_networks: tuple[Network, ...]
    final_networks: tuple[Network, ...]
    status: Status

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the initialisations."""
        return self.settings.seeds

    @property
    def best(self) -> int:
        """Position of the seed with the smallest recorded objective."""
        return int(np.argmin(self.best_objective))


def train_sgd(
    problem: Problem,
    *,
    m: int | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    learning_rate: float | None = None,
    schedule: Schedule = "cosine",
    momentum: float = 0.9,
    batch_size: int | None = None,
    batch_seed: int = 0,
    iterations: int = 5000,
    init_scale: float = 0.1,
    record_every: int | None = None,
    budget: Budget | None = None,
) -> SGDResult:
    """Train one network per seed by mini-batch SGD with momentum.

    Parameters
    ----------
    problem : Problem
        Architecture, data, beta and loss.
    m : int, optional
        Filters per network; default n + 1, enough for the global optimum.
    seeds : sequence of int
        One initialisation each; a seed gives the same run whatever other seeds stand beside it, up to
        rounding.
    learning_rate : float, optional
        First step size; default: the rule of the module's text, per seed.
    schedule : {"cosine", "constant"}
        See :class:`SGDSettings`.
    momentum : float
        In [0, 1).
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
    budget : Budget, optional
        Time limit, cancel flag and progress callback; a stopped run returns what it has.

    Returns
    -------
    SGDResult
        Objectives by iteration and by wall-clock second, best and final networks.

    Raises
    ------
    InputError
        If a setting is out of range.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> result = train_sgd(Problem.from_dataset(load_dataset("talk")), seeds=(0, 1), iterations=100)
    >>> bool(result.objective[:, -1].max() < result.objective[:, 0].min())
    True
    """
    steps = sgd_steps(
        problem,
        m=m,
        seeds=seeds,
        learning_rate=learning_rate,
        schedule=schedule,
        momentum=momentum,
        batch_size=batch_size,
        batch_seed=batch_seed,
        iterations=iterations,
        init_scale=init_scale,
        record_every=record_every,
        budget=budget,
    )
    record = next(steps)
    history = [(record.iteration, record.seconds, record.objective)]
    best, filters, weights = record.objective.copy(), record.filters.copy(), record.weights.copy()
    for record in steps:
        history.append((record.iteration, record.seconds, record.objective))
        better = record.objective < best
        best[better] = record.objective[better]
        filters[better], weights[better] = record.filters[better], record.weights[better]
    iteration, seconds, objective = zip(*history, strict=True)

    def networks(U: _Array, w: _Array) -> tuple[Network, ...]:
        return tuple(Network(problem.architecture, *pair) for pair in zip(U, w, strict=True))

    return SGDResult(
        record.settings,
        cast("NDArray[np.int64]", frozen(np.array(iteration, np.int64))),
        cast(_Array, frozen(np.array(seconds))),
        cast(_Array, frozen(np.stack(objective, axis=1))),
        record.diverged,
        cast(_Array, frozen(best)),
        networks(filters, weights),
        networks(record.filters, record.weights),
        record.status or Status.ITERATION_LIMIT,
    )


def sgd_steps(
    problem: Problem,
    *,
    m: int | None = None,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    learning_rate: float | None = None,
    schedule: Schedule = "cosine",
    momentum: float = 0.9,
    batch_size: int | None = None,
    batch_seed: int = 0,
    iterations: int = 5000,
    init_scale: float = 0.1,
    record_every: int | None = None,
    budget: Budget | None = None,
) -> Iterator[SGDRecord]:
    """Train like :func:`train_sgd`, yielding a record at the start, every `record_every` steps, and at the end.

    The caller may draw, wait or stop between two records; the settings are checked at the call.

    Raises
    ------
    InputError
        If a setting is out of range.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("talk"))
    >>> [record.iteration for record in sgd_steps(problem, iterations=20, record_every=8)]
    [0, 8, 16, 20]
    """
    settings = _settings(
        problem, m, seeds, schedule, momentum, batch_size, batch_seed, iterations, init_scale, record_every
    )
    U, w = _initial(problem, settings)
    if learning_rate is None:
        rates = _default_rates(problem, U, w, settings.batch_size)
    else:
        rates = np.full(len(settings.seeds), positive_number(learning_rate, "learning_rate"))
    settings = replace(settings, learning_rate=tuple(rates.tolist()))
    return _run(problem, settings, U, w, rates, budget or Budget())


def _settings(
    problem: Problem,
    m: int | None,
    seeds: Sequence[int],
    schedule: Schedule,
    momentum: float,
    batch_size: int | None,
    batch_seed: int,
    iterations: int,
    init_scale: float,
    record_every: int | None,
) -> SGDSettings:
    """Check the settings and fill in their defaults, except for the learning rate."""
    n = problem.n
    width = n + 1 if m is None else integer(m, "m", maximum=100_000)
    if isinstance(seeds, str) or not isinstance(seeds, Sequence) or not 1 <= len(seeds) <= 1000:
        raise InputError(f"seeds: got {seeds!r}, expected a list of 1 to 1000 integers")
    if schedule not in get_args(Schedule):
        raise InputError(f"schedule: got {schedule!r}, expected one of {', '.join(get_args(Schedule))}")
    if isinstance(momentum, bool) or not isinstance(momentum, (int, float)) or not 0.0 <= momentum < 1.0:
        raise InputError(f"momentum: got {momentum!r}, expected a number in [0, 1)")
    batch = min((n + 1) // 2, 64) if batch_size is None else integer(batch_size, "batch_size", maximum=n)
    steps = integer(iterations, "iterations", maximum=10**9)
    every = max(1, steps // 250) if record_every is None else integer(record_every, "record_every")
    if steps // every > MAX_RECORDS:
        raise InputError(f"record_every: got {every}, expected at least {-(-steps // MAX_RECORDS)}")
    entries = len(seeds) * width * problem.patches.shape[0] * batch
    if entries > MAX_WORK_ENTRIES:
        raise SizeError(
            f"seeds, m, batch_size: got {entries} activations a step, expected at most {MAX_WORK_ENTRIES}",
            predicted=entries,
            limit=MAX_WORK_ENTRIES,
        )
    return SGDSettings(
        m=width,
        seeds=tuple(integer(seed, "seeds", minimum=0) for seed in seeds),
        learning_rate=(),
        schedule=schedule,
        momentum=float(momentum),
        batch_size=batch,
        batch_seed=integer(batch_seed, "batch_seed", minimum=0),
        iterations=steps,
        init_scale=positive_number(init_scale, "init_scale"),
        record_every=every,
    )


def _initial(problem: Problem, settings: SGDSettings) -> tuple[_Array, _Array]:
    """Filters (S, m, h) and weights (S, m) whose outputs have norm init_scale * ||y|| (1 for ||y||, if y = 0)."""
    h = problem.architecture.geometry.h
    filters, weights = [], []
    for seed in settings.seeds:
        rng = np.random.default_rng(seed)
        U, w = rng.standard_normal((settings.m, h)) / math.sqrt(h), rng.standard_normal(settings.m)
        # a network that is dead on all the data is scaled like its mirror image
        outputs = (problem.architecture.atoms(problem.patches, V) @ w for V in (U, -U))
        size = next((float(np.linalg.norm(f)) for f in outputs if f.any()), 0.0)
        wanted = settings.init_scale * (float(np.linalg.norm(problem.y)) or 1.0)
        factor = math.sqrt(wanted / size) if size > 0.0 else 1.0
        filters.append(factor * U)
        weights.append(factor * w)
    return np.stack(filters), np.stack(weights)


def _default_rates(problem: Problem, U: _Array, w: _Array, batch_size: int) -> _Array:
    """The step size of each seed by the rule of the module's text, from power iterations on the data."""
    size = float(np.linalg.norm(problem.y))
    rates = []
    for filters, weights in zip(U, w, strict=True):
        layer = _Layer(problem.architecture, problem.patches, filters)
        if not layer.atoms.any():
            # momentum can carry dead filters through the origin, into the opposite cell
            layer = _Layer(problem.architecture, problem.patches, -filters)
        at_start, later = layer.largest_curvature(weights), 2.0 * size * layer.largest_filter_norm()
        rates.append(0.5 * batch_size / problem.n / (max(at_start, later) + problem.beta))
    return np.array(rates)


class _Layer:
    """Atoms of given filters (M, h) on given patches (K, b, h), with the gates held fixed, and their derivatives."""

    def __init__(self, architecture: Architecture, patches: _Array, filters: _Array) -> None:
        K, b, h = patches.shape
        self._rows = patches.reshape(-1, h)
        self._scale = architecture.scale
        hyperplanes = architecture.hyperplanes(patches)
        scores = filters @ hyperplanes.T
        self.gates = architecture.gates(scores >= 0.0, patches)
        # for sum and mean pooling the hyperplanes are the patch rows themselves: one product serves for both
        same = hyperplanes.size == patches.size and np.may_share_memory(hyperplanes, patches)
        responses = scores if same else filters @ self._rows.T
        self._work = responses.reshape(len(filters), K, b)
        self.atoms = self._pool()

    def _pool(self) -> _Array:
        """``s * sum_k D_k r_k`` for the responses r (M, K, b) in the work array, shape (M, b)."""
        np.multiply(self._work, self.gates, out=self._work)
        pooled: _Array = self._work.sum(axis=1)
        return np.multiply(pooled, self._scale, out=pooled)

    def push(self, directions: _Array) -> _Array:
        """``A_j u_j`` for each row u_j of `directions` (M, h), shape (M, b)."""
        np.matmul(directions, self._rows.T, out=self._work.reshape(len(directions), -1))
        return self._pool()

    def pull(self, outputs: _Array) -> _Array:
        """``A_j^T v_j`` for each row v_j of `outputs` (M, b), shape (M, h)."""
        np.multiply(outputs[:, None, :], self.gates, out=self._work)
        result: _Array = self._work.reshape(len(outputs), -1) @ self._rows
        return np.multiply(result, self._scale, out=result)

    def largest_curvature(self, weights: _Array, *, rounds: int = 20) -> float:
        """Estimate the largest eigenvalue of J J^T, J = [w_j A_j, phi_j], by power iteration (from below)."""
        z = np.ones(self.atoms.shape[1])
        value = 0.0
        for _ in range(rounds):
            z = z / np.linalg.norm(z)
            back = weights[:, None] * self.pull(weights[:, None] * z)
            z = self.push(back).sum(axis=0) + self.atoms.T @ (self.atoms @ z)
            value = float(np.linalg.norm(z))
            if value == 0.0:
                break
        return value

    def largest_filter_norm(self) -> float:
        """Estimate max_j ||A_j|| by one power step from the atoms (from below)."""
        norms = np.linalg.norm(self.atoms, axis=1)
        alive = norms > 0.0
        if not alive.any():
            return 0.0
        return float((np.linalg.norm(self.pull(self.atoms), axis=1)[alive] / norms[alive]).max())


def _gradients(problem: Problem, patches: _Array, y: _Array, U: _Array, w: _Array) -> tuple[_Array, _Array]:
    """Gradients of the loss alone, on the given samples, for filters (S, m, h) and weights (S, m)."""
    S, m, h = U.shape
    layer = _Layer(problem.architecture, patches, U.reshape(S * m, h))
    atoms = layer.atoms.reshape(S, m, -1)
    outputs = np.matmul(w[:, None, :], atoms)[:, 0]
    residual = problem.loss.gradient(outputs, y)
    weight_gradient: _Array = np.matmul(atoms, residual[:, :, None])[..., 0]
    back = layer.pull((w[:, :, None] * residual[:, None, :]).reshape(S * m, -1))
    return back.reshape(S, m, h), weight_gradient


def _objectives(problem: Problem, U: _Array, w: _Array) -> _Array:
    """Objective of each seed over all samples, shape (S,); anything not finite becomes ``inf``."""
    S, m, h = U.shape
    atoms = problem.architecture.atoms(problem.patches, U.reshape(S * m, h)).reshape(-1, S, m)
    outputs = np.einsum("nsm,sm->sn", atoms, w)
    losses = np.array([problem.loss.value(f, problem.y) for f in outputs])
    decay = 0.5 * problem.beta * (np.einsum("smh,smh->s", U, U) + np.einsum("sm,sm->s", w, w))
    total = losses + decay
    return np.where(np.isfinite(total), total, np.inf)


def _batches(problem: Problem, settings: SGDSettings) -> Iterator[tuple[_Array, _Array]]:
    """Endless batches (K, b, h), (b,): a new shuffle whenever the samples left do not fill a batch."""
    n, b = problem.n, settings.batch_size
    if b == n:
        while True:
            yield problem.patches, problem.y
    rng = np.random.default_rng(settings.batch_seed)
    while True:
        order = rng.permutation(n)
        for start in range(0, n - b + 1, b):
            chosen = order[start : start + b]
            yield problem.patches[:, chosen], problem.y[chosen]


def _run(
    problem: Problem, settings: SGDSettings, U: _Array, w: _Array, rates: _Array, budget: Budget
) -> Iterator[SGDRecord]:
    batches = _batches(problem, settings)
    boost, beta, mu = problem.n / settings.batch_size, problem.beta, settings.momentum
    velocity_U, velocity_w = np.zeros_like(U), np.zeros_like(w)
    diverged = np.zeros(len(U), dtype=bool)
    last_U, last_w = U, w
    seconds, iteration = 0.0, 0
    status: Status | None = None
    best = math.inf
    while True:
        with np.errstate(over="ignore", invalid="ignore"):
            objective = _objectives(problem, U, w)
        diverged = diverged | ~np.isfinite(objective)
        if diverged.any():
            # a diverged seed goes back to its last finite state and stays there: its rate is zero from now on
            U, w = np.where(diverged[:, None, None], last_U, U), np.where(diverged[:, None], last_w, w)
            velocity_U[diverged], velocity_w[diverged] = 0.0, 0.0
            rates = np.where(diverged, 0.0, rates)
            objective = np.where(diverged, np.inf, objective)
        last_U, last_w = U.copy(), w.copy()
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
        yield SGDRecord(
            settings,
            iteration,
            seconds,
            cast(_Array, frozen(objective)),
            cast("NDArray[np.bool_]", frozen(diverged)),
            cast(_Array, frozen(U)),
            cast(_Array, frozen(w)),
            status,
        )
        if status is not None:
            return
        started = time.perf_counter()
        target = min(iteration + settings.record_every, settings.iterations)
        with np.errstate(over="ignore", invalid="ignore"):
            while iteration < target and status is None:
                patches, y = next(batches)
                gradient_U, gradient_w = _gradients(problem, patches, y, U, w)
                velocity_U = mu * velocity_U + boost * gradient_U + beta * U
                velocity_w = mu * velocity_w + boost * gradient_w + beta * w
                step = rates
                if settings.schedule == "cosine":
                    step = rates * (0.5 + 0.5 * math.cos(math.pi * iteration / settings.iterations))
                U = U - step[:, None, None] * velocity_U
                w = w - step[:, None] * velocity_w
                iteration += 1
                status = budget.stop()
        seconds += time.perf_counter() - started
