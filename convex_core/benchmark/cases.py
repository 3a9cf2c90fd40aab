"""The instances: sign patterns to count, problems over every pattern, problems with given patterns, and paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations, product
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..architectures import TwoLayerCNN
from ..arrangement import closed_form, enumerate_patterns
from ..certificate import beta_max
from ..contracts.records import record
from ..data import load_dataset
from ..patches import patch_geometry
from ..problem import Problem
from ..solvers.search import given_patterns
from .training import TrainInstance, digits, images

__all__ = ["CASES", "Case", "CountInstance", "SolveInstance", "all_patterns", "with_directions"]

_Array = NDArray[np.float64]


@record
@dataclass(frozen=True, slots=True)
class CountInstance:
    """Hyperplanes with normals `rows` (N, h), and the number of their cells as known in closed form."""

    rows: _Array
    cells: int


@record
@dataclass(frozen=True, slots=True)
class SolveInstance:
    """A training problem.

    Attributes
    ----------
    problem : Problem
        With its beta; of a path, the last one.
    tol : float
        Relative gap asked for.
    directions : (P, h) or None
        Gate vectors whose sign patterns are the given ones; None: every pattern.
    betas : (B,) or None
        Decreasing values of a path; None: the problem's own beta alone.
    method : str
        How this library solves it, where every pattern is meant.
    """

    problem: Problem
    tol: float
    directions: _Array | None = None
    betas: _Array | None = None
    method: str = "auto"


@dataclass(frozen=True, slots=True)
class Case:
    """A named instance; `make` may raise :class:`InputError` when its data are not there."""

    name: str
    title: str
    make: Callable[[], CountInstance | SolveInstance | TrainInstance]
    quick: bool = False


def _gaussian_rows(n: int, h: int) -> CountInstance:
    return CountInstance(np.random.default_rng(0).standard_normal((n, h)), closed_form(n, h))


def _binary_rows(k: int, *, threshold: bool, cells: int) -> CountInstance:
    cube = np.array(list(product((0.0, 1.0), repeat=k)))
    return CountInstance(np.column_stack([np.ones(len(cube)), cube]) if threshold else cube[1:], cells)


def _braid_rows(n: int) -> CountInstance:
    rows = [np.eye(n)[i] - np.eye(n)[j] for i, j in permutations(range(n), 2) if i < j]
    return CountInstance(np.array(rows), factorial(n))


def _dataset(
    name: str,
    tol: float,
    beta: float,
    *,
    filter_size: int | tuple[int, ...] | None = None,
    stride: int | tuple[int, ...] | None = None,
    **options: Any,
) -> SolveInstance:
    problem = Problem.from_dataset(load_dataset(name, **options), beta=beta, filter_size=filter_size, stride=stride)
    return SolveInstance(problem, tol)


def all_patterns(problem: Problem, budget_patterns: int) -> NDArray[np.bool_]:
    """Every sign pattern (P, N), :class:`SizeError` beyond `budget_patterns`."""
    return enumerate_patterns(problem.architecture.hyperplanes(problem.patches), max_patterns=budget_patterns).active()


def with_directions(
    n: int, d: int, patterns: int, share: float, *, filter_size: int | None = None, path: int = 0, tol: float = 1e-8
) -> SolveInstance:
    """Gaussian inputs, targets of five random neurons with noise 0.1, and the patterns of random directions.

    Parameters
    ----------
    n, d : int
        Samples and input length.
    patterns : int
        Distinct patterns wanted.
    share : float
        Beta over the beta_max of these patterns; the last one of a path.
    filter_size : int, optional
        Filter length of a CNN with stride 1; default: `d`, a fully connected network.
    path : int
        Points of a path from beta_max down; 0: one beta.
    tol : float
        Relative gap.
    """
    rng = np.random.default_rng(0)
    h = d if filter_size is None else filter_size
    X = rng.standard_normal((n, d))
    architecture = TwoLayerCNN(patch_geometry((d,), h))
    patches = architecture.geometry.extract(X)
    teacher, weights = rng.standard_normal((5, h)), rng.standard_normal(5)
    y = architecture.atoms(patches, teacher) @ weights + 0.1 * rng.standard_normal(n)
    directions = rng.standard_normal((4 * patterns, h))
    active = directions @ architecture.hyperplanes(patches).T >= 0.0
    first = np.sort(np.unique(active, axis=0, return_index=True)[1])[:patterns]
    problem = Problem(X, y, architecture=architecture, beta=1.0)
    limit, _ = beta_max(problem, pricer=given_patterns(problem, active[first]).pricer)
    betas = np.geomspace(limit, share * limit, path) if path else None
    return SolveInstance(problem.with_beta(share * limit), tol, directions[first], betas)


def _mnist_path() -> SolveInstance:
    single = _dataset("mnist", 1e-6, 0.1)
    limit, _ = beta_max(single.problem)
    return SolveInstance(single.problem, 1e-6, None, np.geomspace(limit, 0.1, 20))


_ALL = (
    Case("cells-gaussian-30-4", "30 random hyperplanes in R^4", lambda: _gaussian_rows(30, 4), quick=True),
    Case("cells-gaussian-24-6", "24 random hyperplanes in R^6", lambda: _gaussian_rows(24, 6)),
    Case("cells-gaussian-30-6", "30 random hyperplanes in R^6", lambda: _gaussian_rows(30, 6)),
    Case("cells-gaussian-20-10", "20 random hyperplanes in R^10", lambda: _gaussian_rows(20, 10)),
    Case(
        "cells-threshold-4", "threshold functions of 4 bits",
        lambda: _binary_rows(4, threshold=True, cells=1_882), quick=True,
    ),
    Case("cells-threshold-5", "threshold functions of 5 bits", lambda: _binary_rows(5, threshold=True, cells=94_572)),
    Case(
        "cells-threshold-6", "threshold functions of 6 bits",
        lambda: _binary_rows(6, threshold=True, cells=15_028_134),
    ),
    Case("cells-resonance-5", "all 0/1 vectors of length 5", lambda: _binary_rows(5, threshold=False, cells=11_292)),
    Case(
        "cells-resonance-6", "all 0/1 vectors of length 6",
        lambda: _binary_rows(6, threshold=False, cells=1_066_044),
    ),
    Case("cells-gaussian-2000-2", "2,000 random lines", lambda: _gaussian_rows(2_000, 2)),
    Case("cells-gaussian-1000-3", "1,000 random planes", lambda: _gaussian_rows(1_000, 3)),
    Case("cells-braid-8", "orders of 8 numbers", lambda: _braid_rows(8)),
    Case("talk", "6 x 15, filters of 10, all 4,072 patterns", lambda: _dataset("talk", 1e-8, 0.1), quick=True),
    Case("mnist-1", "MNIST 99 x 50, filters of 3, beta 1", lambda: _dataset("mnist", 1e-6, 1.0)),
    Case("mnist-0.1", "MNIST 99 x 50, filters of 3, beta 0.1", lambda: _dataset("mnist", 1e-6, 0.1)),
    Case("mnist-path", "MNIST 99 x 50, 20 betas from beta_max to 0.1", _mnist_path),
    Case("mnist-500", "MNIST 500 x 50, filters of 3, beta 10", lambda: _dataset("mnist", 1e-4, 10.0, n=500)),
    Case(
        "mnist-1500", "MNIST 1500 x 50, filters of 3, beta 30",
        lambda: _dataset("mnist", 1e-4, 30.0, n=1500, n_test=0),
    ),
    Case(
        "mnist-2x2", "MNIST 99 x 7 x 7, filters 2 x 2, beta 2",
        lambda: _dataset("mnist", 1e-4, 2.0, filter_size=2, stride=1, flatten=False, pad=0),
    ),
    Case("mnist-h5", "MNIST 30 x 50, filters of 5, beta 1", lambda: _dataset("mnist", 1e-4, 1.0, n=30, filter_size=5)),
    Case(
        "mnist-3x2", "MNIST 99 x 7 x 7, filters 3 x 2, beta 2",
        lambda: _dataset(
            "mnist", 1e-4, 2.0, filter_size=(3, 2), stride=1, flatten=False, pad=0
        ),
    ),
    Case(
        "digits-3x2-3x2", "20 digits of 8 x 8, filters 3 x 2, stride 3 x 2",
        lambda: _dataset("digits", 1e-6, 0.5, filter_size=(3, 2), stride=(3, 2), pool=1, selection="first"),
    ),
    Case(
        "digits-3x3-3", "20 digits of 8 x 8, filters 3 x 3, stride 3",
        lambda: _dataset("digits", 1e-6, 0.5, filter_size=3, stride=3, pool=1, selection="first"),
    ),
    Case(
        "digits-3x2-1", "20 digits of 8 x 8, filters 3 x 2, stride 1",
        lambda: _dataset("digits", 1e-4, 0.5, filter_size=(3, 2), stride=1, pool=1, selection="first"),
    ),
    Case(
        "digits-3x3-2", "20 digits of 8 x 8, filters 3 x 3, stride 2",
        lambda: _dataset("digits", 1e-3, 0.5, filter_size=3, stride=2, pool=1, selection="first"),
    ),
    Case(
        "digits-3x3-1", "20 digits of 8 x 8, filters 3 x 3, stride 1",
        lambda: _dataset("digits", 1e-1, 0.5, filter_size=3, stride=1, pool=1, selection="first"),
    ),
    Case("given-20-4", "(20, 4), 50 patterns, 0.1 beta_max", lambda: with_directions(20, 4, 50, 0.1), quick=True),
    Case("given-50-10", "(50, 10), 200 patterns, 0.1 beta_max", lambda: with_directions(50, 10, 200, 0.1), quick=True),
    Case("given-50-10-low", "(50, 10), 200 patterns, 0.01 beta_max", lambda: with_directions(50, 10, 200, 0.01)),
    Case("given-200-20", "(200, 20), 500 patterns, 0.1 beta_max", lambda: with_directions(200, 20, 500, 0.1)),
    Case("given-200-20-low", "(200, 20), 500 patterns, 0.01 beta_max", lambda: with_directions(200, 20, 500, 0.01)),
    Case(
        "given-cnn", "CNN (100, 24 patches of 5), 300 patterns, 0.05 beta_max",
        lambda: with_directions(100, 28, 300, 0.05, filter_size=5),
    ),
    Case(
        "given-path", "(200, 20), 500 patterns, 20 betas to 0.1 beta_max",
        lambda: with_directions(200, 20, 500, 0.1, path=20, tol=1e-6),
    ),
    Case("train-digits", "1,797 digits of 8 x 8, ten classes, five splits", digits),
    Case("train-mnist", "MNIST 1,050 / 450, ten classes, five splits", lambda: images("mnist", 1500, 1050)),
    Case("train-cifar10", "CIFAR-10 700 / 300, ten classes, five splits", lambda: images("cifar10", 1000, 700)),
)  # fmt: skip

#: every case by name
CASES: dict[str, Case] = {case.name: case for case in _ALL}
