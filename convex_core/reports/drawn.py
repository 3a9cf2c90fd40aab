"""Data of the library, drawn again by name, seed and options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..data import load_dataset
from ..errors import ConvexCoreError
from ..problem import Problem, suited

__all__ = ["drawn_again"]

#: By how much two machines may differ, as a share of the largest entry.
DRAWN = 1e-12
#: Largest number among the options: a stranger's are not to fill the memory.
MAX_DRAWN_OPTION = 10_000


def drawn_again(problem: Problem, name: str, seed: int | None, options: Mapping[str, Any]) -> bool:
    """Whether the built-in dataset of that name, seed and options has the inputs and targets of `problem`.

    Examples
    --------
    >>> from convex_core import Problem, load_dataset
    >>> problem = Problem.from_dataset(load_dataset("edge", n=4))
    >>> drawn_again(problem, "edge", 0, {"n": 4}), drawn_again(problem, "edge", 1, {"n": 4})
    (True, False)
    """
    sizes = {"n": problem.n, "d": problem.architecture.geometry.d}  # a stranger's options are not to fill the memory
    numbers = [(key, value) for key, value in options.items() if isinstance(value, (int, float))]
    if any(value != sizes[key] if key in sizes else not abs(value) <= MAX_DRAWN_OPTION for key, value in numbers):
        return False
    try:
        data = load_dataset(name, **({} if seed is None else {"seed": seed}), **options)
        q = problem.architecture.q
        data = suited(data, problem.loss, outputs=q)
        data = data.numbered() if q > 1 else data
        again = Problem(data.X, data.y, architecture=problem.architecture, beta=problem.beta, loss=problem.loss)
    except (ConvexCoreError, TypeError):  # options that the dataset does not have, or data that do not fit
        return False
    return all(
        a.shape == b.shape and float(np.abs(a - b).max()) <= DRAWN * float(np.abs(b).max())
        for a, b in ((problem.X, again.X), (problem.y, again.y))
    )
