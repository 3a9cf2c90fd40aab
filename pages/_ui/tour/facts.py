"""What the Tour says in numbers: each is the library's answer about a small scene, computed once a process.

Nothing here is written by hand but the scenes, the filters that are compared, and the settings of training.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from convex_core import Network, Problem, Solution, beta_max, count_patterns, solve, train_sgd
from convex_core.numerics.threads import one_blas_thread
from pages._ui.playground.cells import TOL
from pages._ui.playground.scene import Scene, read_scene
from pages._ui.playground.scenes import built_in

__all__ = [
    "COMPARED", "FILTER", "FOUND", "GROWTH", "NEURONS", "ONE", "SAMPLES", "SEEDS", "SIGNAL", "STEPS",
    "Ceiling", "Growth", "Linear", "Runs",
    "borders", "cells", "dying", "growth", "linear", "optimum", "readings", "runs",
]  # fmt: skip

_Array = NDArray[np.float64]

#: One short signal that rises in the middle, four samples on which gradient descent gets stuck, and one sample.
SIGNAL = read_scene(
    {"name": "signal", "X": [[0.5, -1.0, 1.0, 2.0, -0.5]], "y": [1.0], "shape": [5], "filter": [2], "beta": 0.5}
)
SAMPLES, ONE = built_in("trap"), built_in("one")
#: The filter that measures how much a pair of numbers rises.
FILTER = (-1.0, 1.0)
#: Two filters of one cell, and one of another.
COMPARED = ((1.0, 0.2), (1.0, -0.2), (0.0, 1.0))
#: Gradient descent: random starts, steps, and neurons on the one sample and on the four.
SEEDS, STEPS = 8, 6000
NEURONS = {"one": 2, "trap": 5}
#: A run has found the optimum if it ends at most this share above it.
FOUND = 1e-3
#: Random patches whose cells are counted.
GROWTH = (4, 8, 16, 32, 64)


@dataclass(frozen=True, slots=True)
class Linear:
    """What two filters of one cell answer, together and apart; and the first with one of another cell."""

    first: float
    second: float
    both: float
    other: float
    across: float


@dataclass(frozen=True, slots=True)
class Runs:
    """How far every run of gradient descent ends above the optimum, as a share of it; what it was trained with."""

    excess: tuple[float, ...]
    neurons: int
    steps: int

    @property
    def found(self) -> int:
        """How many reach the optimum."""
        return sum(share <= FOUND for share in self.excess)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """Where no filter is left, and how many are at half of it."""

    beta: float
    half: float
    left: int


@dataclass(frozen=True, slots=True)
class Growth:
    """So many random patches, and their cells for filters of two and of three weights."""

    patches: int
    cells: tuple[int, int]


def readings() -> tuple[_Array, _Array, float]:
    """The patches of the signal, what the filter makes of each before the ReLU, and what the network answers."""
    problem = SIGNAL.problem()
    rows = problem.patches[:, 0]
    return rows, rows @ np.array(FILTER), _answer(problem, FILTER)


def borders(patch: int) -> tuple[float, float]:
    """The two directions, in degrees, in which a filter makes nothing of this patch of the signal."""
    x, y = readings()[0][patch]
    angle = float(np.degrees(np.arctan2(y, x)) + 90.0) % 180.0
    return angle, angle + 180.0


@cache
def cells(scene: Scene) -> int:
    """How many cells the lines of a scene make."""
    found = solution(scene).patterns
    assert found is not None
    return found


def linear() -> Linear:
    """Answers of the filters that are compared, and of their sums."""
    problem = SIGNAL.problem()
    first, second, other = (np.array(u) for u in COMPARED)
    return Linear(*(_answer(problem, u) for u in (first, second, first + second, other, first + other)))


def optimum() -> Solution:
    """The best network for the four samples, with its certificate."""
    return solution(SAMPLES)


@cache
def solution(scene: Scene) -> Solution:
    """The certified optimum of a scene."""
    with one_blas_thread():
        return solve(scene.problem(), tol=TOL)


@cache
def dying() -> Ceiling:
    """The beta at which the last filter goes, and how many there are at half of it."""
    problem = SAMPLES.problem()
    with one_blas_thread():
        last, _ = beta_max(problem)
        half = float(f"{last / 2.0:.2g}")
        return Ceiling(last, half, solve(problem.with_beta(half), tol=TOL).network.m)


@cache
def runs(name: str) -> Runs:
    """Gradient descent from eight random starts on the one sample ("one") or on the four ("trap")."""
    scene = {"one": ONE, "trap": SAMPLES}[name]
    problem = scene.problem()
    with one_blas_thread():
        ended = train_sgd(
            problem, m=NEURONS[name], seeds=SEEDS, momentum=0.0, batch_size=problem.n, iterations=STEPS,
            record_every=STEPS,
        )  # fmt: skip
    best = solution(scene).network_objective
    return Runs(tuple(float(value / best - 1.0) for value in ended.objective[:, -1]), NEURONS[name], STEPS)


@cache
def growth() -> tuple[Growth, ...]:
    """Cells of more and more random patches, counted one by one."""
    rng = np.random.default_rng(0)

    def cells_of(patches: int, weights: int) -> int:
        return count_patterns(rng.standard_normal((patches, weights))).patterns

    return tuple(Growth(patches, (cells_of(patches, 2), cells_of(patches, 3))) for patches in GROWTH)


def _answer(problem: Problem, u: object) -> float:
    """What the network of this one filter, with weight one, answers to the first sample."""
    network = Network(problem.architecture, np.atleast_2d(np.asarray(u, dtype=np.float64)), np.ones(1))
    return float(network.predict_patches(problem.patches)[0])
