"""The programs around a network's optimum, in the time of a page."""

from __future__ import annotations

from convex_core.bounding import Bounds, bounds
from convex_core.data import Dataset
from convex_core.problem import Problem
from convex_core.progress import Budget, limits

from ..work import keep

__all__ = ["gaussian", "solved"]


def solved(problem: Problem, starts: int, budget: Budget) -> Bounds:
    """Every bound; kept for nobody else if one of the programs was cut short in its share of the time."""
    found = bounds(problem, starts=starts, **limits(budget))
    if any(link.solution.status in keep.CUT for link in found.programs):
        keep.cut_short()
    return found


def gaussian(found: Bounds, seed: int) -> Dataset:
    """The data that bounds are about, with where they come from in words."""
    problem = found.links[-1].solution.problem
    words = f"{problem.n} samples of {problem.X.shape[1]} standard normal numbers, seed {seed}."
    return Dataset("Gaussian data", problem.X, problem.y, description=words)
