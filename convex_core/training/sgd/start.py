"""Where a run starts: checked settings, first networks, step sizes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from ...architectures import Parameters
from ...contracts.validation import integer, positive_number, seed_list
from ...errors import InputError, SizeError
from ...networks.neurons import random_neurons
from ...problem import Problem
from ...progress import Budget
from .gradients import FREE, curvature_at, curvature_grown
from .results import Optimiser, Schedule, SGDSettings
from .rules import SETTINGS

__all__ = ["default_rates", "given_rates", "initial_networks", "make_settings"]

_Array = NDArray[np.float64]

#: Limit on the entries (seeds x filters x patches x batch) of the largest work array, 2 GiB of float64.
MAX_WORK_ENTRIES = 2**28
#: Limit on the number of records of one run.
MAX_RECORDS = 1_000_000
#: Limit on the steps of one run: hours, of the smallest networks.
MAX_ITERATIONS = 10**8


def make_settings(
    problem: Problem,
    m: int | None,
    seeds: int | Sequence[int],
    schedule: Schedule,
    momentum: float,
    batch_size: int | None,
    batch_seed: int,
    iterations: int,
    init_scale: float,
    record_every: int | None,
    dense_start: bool,
    optimiser: Optimiser,
    rates: int = 1,
) -> SGDSettings:
    """Check the settings and fill in their defaults, except for the learning rate; each seed once for each rate."""
    n = problem.n
    width = n + 1 if m is None else integer(m, "m", maximum=100_000)
    chosen = rates * seed_list(seeds)
    if optimiser not in get_args(Optimiser):
        raise InputError(f"optimiser: got {optimiser!r}, expected one of {', '.join(get_args(Optimiser))}")
    if schedule not in get_args(Schedule):
        raise InputError(f"schedule: got {schedule!r}, expected one of {', '.join(get_args(Schedule))}")
    if isinstance(momentum, bool) or not isinstance(momentum, (int, float)) or not 0.0 <= momentum < 1.0:
        raise InputError(f"momentum: got {momentum!r}, expected a number in [0, 1)")
    batch = min((n + 1) // 2, 64) if batch_size is None else integer(batch_size, "batch_size", maximum=n)
    steps = integer(iterations, "iterations", maximum=MAX_ITERATIONS)
    every = max(1, steps // 250) if record_every is None else integer(record_every, "record_every")
    if steps // every > MAX_RECORDS:
        raise InputError(f"record_every: got {every}, expected at least {-(-steps // MAX_RECORDS)}")
    entries = len(chosen) * width * problem.patches.shape[0] * batch
    if entries > MAX_WORK_ENTRIES:
        named = "seeds, m, batch_size" if rates == 1 else "learning_rates, seeds, m, batch_size"
        raise SizeError(
            f"{named}: got {entries} activations a step, expected at most {MAX_WORK_ENTRIES}",
            predicted=entries,
            limit=MAX_WORK_ENTRIES,
        )
    return SGDSettings(
        m=width,
        seeds=chosen,
        learning_rate=(),
        schedule=schedule,
        momentum=float(momentum),
        batch_size=batch,
        batch_seed=integer(batch_seed, "batch_seed", minimum=0),
        iterations=steps,
        init_scale=positive_number(init_scale, "init_scale"),
        record_every=every,
        dense_start=bool(dense_start),
        optimiser=optimiser,
    )


def initial_networks(problem: Problem, settings: SGDSettings) -> dict[str, _Array]:
    """Parameters (S, m, ...) whose outputs have norm init_scale * ||y|| (1 for ||y||, if y = 0)."""
    architecture = problem.architecture
    wanted = settings.init_scale * (float(np.linalg.norm(problem.y)) or 1.0)
    networks = []
    for seed in settings.seeds:
        drawn = random_neurons(architecture, settings.m, np.random.default_rng(seed))
        drawn["filters"] /= math.sqrt(architecture.unit_length or architecture.geometry.h)
        if "hidden" in drawn:
            drawn["hidden"] /= math.sqrt(drawn["hidden"].shape[1])
        start = architecture.project(drawn)
        # a network that is dead on all the data is scaled like its mirror image
        outputs = (architecture.outputs(problem.patches, network).sum(axis=1) for network in (start, mirrored(start)))
        size = next((float(np.linalg.norm(f)) for f in outputs if f.any()), 0.0)
        factor = wanted / size if size > 0.0 else 1.0
        networks.append(architecture.scaled(start, np.full(settings.m, factor)))
    state = {name: np.stack([network[name] for network in networks]) for name in architecture.shapes}
    free = architecture.free_columns(problem.patches).shape[1]
    return {**state, FREE: np.zeros((len(networks), free))} if free else state


def given_rates(rate: float | Sequence[float] | None, seeds: int) -> _Array | None:
    """One step size for every seed, or one for each, shape (seeds,); None where none is given."""
    if rate is None:
        return None
    if isinstance(rate, Sequence) and not isinstance(rate, str):
        if len(rate) != seeds:
            raise InputError(f"learning_rate: got {len(rate)} step sizes, expected one for each of the {seeds} seeds")
        return np.array([positive_number(value, "learning_rate") for value in rate])
    return np.full(seeds, positive_number(rate, "learning_rate"))


def mirrored(parameters: Parameters) -> Parameters:
    """The same neurons with their filters turned round."""
    return {**parameters, "filters": -parameters["filters"]}


def default_rates(problem: Problem, state: Parameters, settings: SGDSettings, budget: Budget) -> _Array:
    """The step size of each seed by the rule of the package's text."""
    if settings.optimiser == "adam":
        return SETTINGS.share * _grown(problem, state, settings)
    size, curvature = float(np.linalg.norm(problem.y)), problem.loss.curvature(problem.y)
    architecture, patches = problem.architecture, problem.patches
    columns = architecture.free_columns(patches)
    free = float(np.linalg.norm(columns, 2)) ** 2 if columns.size else 0.0
    rates = []

    def look() -> None:
        budget.check("sgd: stopped before its first step")

    for s in range(len(state["weights"])):
        look()
        neurons: Parameters = {name: value[s] for name, value in state.items() if name != FREE}
        if not architecture.outputs(patches, neurons).any():
            # momentum can carry dead filters through the origin, into the opposite cell
            neurons = mirrored(neurons)
        at_start = curvature_at(architecture, patches, neurons, look)
        later = curvature_grown(architecture, patches, neurons, size)
        steepest = max(at_start, later) + free
        rates.append(0.5 * settings.batch_size / problem.n / (curvature * steepest + problem.beta))
    return np.array(rates)


def _grown(problem: Problem, state: Parameters, settings: SGDSettings) -> _Array:
    """Root mean square of the parameters of each network once it has grown to outputs as large as the targets."""
    factor = np.full(settings.m, 1.0 / settings.init_scale)
    sizes = []
    for s in range(len(settings.seeds)):
        neurons = {name: value[s] for name, value in state.items() if name != FREE}
        grown = problem.architecture.scaled(neurons, factor)
        sizes.append(math.sqrt(np.mean(np.concatenate([value.ravel() for value in grown.values()]) ** 2)))
    return np.array(sizes)
