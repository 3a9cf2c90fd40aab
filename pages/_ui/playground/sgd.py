r"""SGD as a stream of frames: every pull gives what was trained since the last one, judged by the library.

Full-batch gradient descent is SGD with batches of all samples and no momentum. All seeds advance together. Frames lie
densely at the start, where neurons turn; later their distance grows in proportion to the steps taken. A run can be made
again, frame by frame, from its settings, so one that was dropped only costs its time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from convex_core import InputError, Problem, SGDRecord, SGDSettings, sgd_steps

from .cells import Cells, finite
from .scene import Scene, read_choice, read_integer

__all__ = ["MOMENTUM", "OPTIMISERS", "Run", "pull"]

#: Momentum of each optimiser.
OPTIMISERS = {"gradient descent": 0.0, "momentum": 0.9}
MOMENTUM = OPTIMISERS["momentum"]
#: Most neurons, seeds, steps.
MAX_NEURONS, MAX_SEEDS, MAX_ITERATIONS = 24, 12, 50_000
#: Seconds of training a pull, about.
PULL_SECONDS = 0.1
#: Frames of a run behind its dense start.
_LATE_FRAMES = 30
#: Characters of a run's name.
_MAX_NAME = 80
_DIGITS = 9


@dataclass(slots=True)
class Run:
    """One run: its frames so far, and where it goes on."""

    key: tuple[object, ...]
    records: Iterator[SGDRecord]
    frames: list[dict[str, Any]] = field(default_factory=list)
    settings: SGDSettings | None = None
    done: bool = False


def pull(
    scene: Scene, problem: Problem, cells: Cells, request: Mapping[str, Any], run: Run | None
) -> tuple[Run, dict[str, Any]]:
    """The run a request is about, begun now if it is another one, and its frames from ``have`` on."""
    given = request.get("sgd")
    if not isinstance(given, Mapping):
        raise InputError(f"sgd: got {type(given).__name__}, expected its settings")
    optimiser = read_choice(given.get("optimiser", "gradient descent"), "optimiser", tuple(OPTIMISERS))
    m = read_integer(given.get("m", problem.n + 1), "m", 1, MAX_NEURONS)
    seeds = _seeds(given.get("seeds", 8))
    iterations = read_integer(given.get("iterations", 6000), "iterations", 1, MAX_ITERATIONS)
    name = str(request.get("run", ""))[:_MAX_NAME]
    have = read_integer(request.get("have", 0), "have", 0, MAX_ITERATIONS)
    key = (name, scene.key, optimiser, m, seeds, iterations)
    if run is None or run.key != key:
        run = Run(
            key,
            sgd_steps(
                problem,
                m=m,
                seeds=seeds,
                momentum=OPTIMISERS[optimiser],
                batch_size=problem.n,
                iterations=iterations,
                record_every=max(1, iterations // _LATE_FRAMES),
                dense_start=True,
            ),
        )
    end = time.monotonic() + PULL_SECONDS
    while not run.done and (len(run.frames) <= have or time.monotonic() < end):
        _advance(run, problem, cells)
        if len(run.frames) < have and time.monotonic() > end + PULL_SECONDS:
            break
    settings = run.settings
    assert settings is not None
    return run, {
        "run": name,
        "done": run.done,
        "settings": {
            "optimiser": optimiser,
            "m": m,
            "seeds": list(seeds),
            "rate": list(settings.learning_rate),
            "iterations": iterations,
            "text": _text(settings, optimiser),
        },
        "frames": run.frames[have:],
    }


def _advance(run: Run, problem: Problem, cells: Cells) -> None:
    """One frame more."""
    record = next(run.records)
    run.settings, run.done = record.settings, record.status is not None
    frame: dict[str, Any] = {
        "it": record.iteration,
        "nets": [],
        "objective": [],
        "lower": [],
        "ceiling": [],
        "peak": [],
    }
    for s, network in enumerate(record.networks(problem.architecture)):
        proof = cells.prove_network(problem, network)
        net = {"filters": network.filters, "weights": network.weights, "free": network.free}
        frame["nets"].append({name: _rounded(array) for name, array in net.items()})
        frame["objective"].append(finite(float(record.objective[s])))
        frame["lower"].append(finite(proof.lower_bound))
        frame["ceiling"].append(proof.ceiling)
        frame["peak"].append(_rounded(proof.peak))
    run.frames.append(frame)


def _rounded(array: Any) -> list[Any]:
    rounded: list[Any] = np.round(array, _DIGITS).tolist()
    return rounded


def _seeds(value: object) -> tuple[int, ...]:
    """Seeds, given one by one or as how many."""
    if isinstance(value, (list, tuple)):
        if not 1 <= len(value) <= MAX_SEEDS:
            raise InputError(f"seeds: got {len(value)}, expected 1 to {MAX_SEEDS}")
        return tuple(read_integer(seed, "seeds", 0, 10**6) for seed in value)
    return tuple(range(read_integer(value, "seeds", 1, MAX_SEEDS)))


def _text(settings: SGDSettings, optimiser: str) -> str:
    low, high = min(settings.learning_rate), max(settings.learning_rate)
    rate = f"{high:.2g}" if high < 1.01 * low else f"{low:.2g} to {high:.2g}"
    name = "Full-batch gradient descent" + ("" if optimiser == "gradient descent" else f" with momentum {MOMENTUM:g}")
    count = len(settings.seeds)
    seeds = f"seed {settings.seeds[0]}" if count == 1 else f"{count} seeds"
    return (
        f"{name}: {settings.m} neurons, {seeds}, {settings.iterations:,} steps of size {rate} that falls to zero "
        "like a cosine"
    )
