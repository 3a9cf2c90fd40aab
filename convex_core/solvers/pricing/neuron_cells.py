r"""Cells found by ascending with neurons themselves, for architectures whose cells are too many to list.

Column generation over neurons: the program over the cells at hand gives a dual vector v, random neurons and those of
its own solution ascend on :math:`v^T \varphi(\theta)`, and the cells of those above beta join. What is left is a list
of cells, over which every bound is restricted: nothing is proved about cells that no neuron visited.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...architectures import CodeList
from ...arrangement import distinct_rows
from ...networks.network import take
from ...networks.neurons import ascend, random_neurons
from ...problem import Problem
from ...program import CellFactory
from ...progress import Budget
from ..column_generation import generate_columns
from ..incumbent import Incumbent
from .enumerated import EnumeratedPricer

__all__ = ["grown_codes", "random_codes"]


@dataclass(frozen=True, slots=True)
class NeuronCellSettings:
    """Tuning of the search for cells by neurons."""

    random: int = 5000  # neurons drawn in a round
    moved: int = 5  # moved copies of each neuron of the round's own solution
    move: float = 0.2  # how far they are moved, as a share of their size
    ascending: int = 100  # neurons that ascend, the best ones
    rounds: int = 20  # rounds at most: most often no neuron is above beta after a few
    responses: int = 40_000_000  # responses of all rows to all neurons drawn: 320 MB
    stages: int = 8  # looks at the cells on the way of an ascent
    stage_steps: int = 3  # steps between two of them
    gap: float = 1e-4  # relative gap of the program of a round, and by how much a neuron must be above beta


SETTINGS = NeuronCellSettings()


def grown_codes(
    problem: Problem,
    factory: CellFactory,
    codes: NDArray[np.bool_],
    *,
    seed: int,
    budget: Budget | None = None,
    incumbent: Incumbent | None = None,
) -> NDArray[np.bool_]:
    """The cells `codes` (P, N) and those that neurons ascend to, until none ends above beta or the time is up.

    Examples
    --------
    >>> from convex_core import Problem, ThreeLayerCNN, patch_geometry
    >>> rng = np.random.default_rng(0)
    >>> cnn = ThreeLayerCNN(patch_geometry((4,), 2, 2), sharing="shared")
    >>> problem = Problem(rng.standard_normal((4, 4)), rng.standard_normal(4), architecture=cnn, beta=0.1)
    >>> factory = CellFactory(cnn, problem.patches)
    >>> one = factory.all_cells(max_patterns=1000).active(0, 1)
    >>> len(grown_codes(problem, factory, one, seed=0)) > 1
    True
    """
    budget = budget or Budget()
    architecture, patches = problem.architecture, problem.patches
    rng = np.random.default_rng(seed)
    known = incumbent or Incumbent(problem)
    drawn = max(
        SETTINGS.ascending,
        min(SETTINGS.random, SETTINGS.responses // max(1, factory.design.shape[0] * factory.design.shape[1])),
    )
    for number in range(min(SETTINGS.rounds, budget.max_rounds or SETTINGS.rounds)):
        if budget.stop() is not None:
            break
        quiet = replace(budget, progress=None)
        run = generate_columns(
            problem, EnumeratedPricer(factory, CodeList(codes)), tol=SETTINGS.gap, budget=quiet, incumbent=known
        )
        if len(run.blocks):
            known.offer_blocks(run.C, run.blocks, run.upper)
        known.run = None  # these bounds were over fewer cells
        if budget.stop() is not None:
            break
        own = architecture.neurons(run.C, run.blocks.sign, run.blocks.active, patches)
        start = random_neurons(architecture, drawn, rng)
        for name, value in own.items():
            near = np.repeat(value, SETTINGS.moved, axis=0)
            moved = near + SETTINGS.move * np.abs(near).max(initial=0.0) * rng.standard_normal(near.shape)
            start[name] = np.concatenate([start[name], moved])
        lists = [codes]
        found, value = ascend(architecture, patches, run.dual, start, steps=0)
        for _ in range(SETTINGS.stages):
            if budget.stop() is not None:
                break
            # where signs differ the correlation may fall again: what is visited on the way counts too
            lists.append(architecture.codes(patches, take(found, value > problem.beta * (1.0 + SETTINGS.gap))))
            start = take(found, np.arange(min(SETTINGS.ascending, len(value))))
            found, value = ascend(architecture, patches, run.dual, start, steps=SETTINGS.stage_steps)
        grown = distinct_rows(np.concatenate(lists))
        budget.report("patterns", f"round {number}: {len(grown):,} cells visited by neurons", upper=run.upper)
        if len(grown) == len(codes):
            break
        codes = grown
    return codes


def random_codes(factory: CellFactory, samples: int, seed: int) -> NDArray[np.bool_]:
    """Cells of random neurons, for architectures that say their own sides."""
    architecture = factory.architecture
    random = random_neurons(architecture, samples, np.random.default_rng(seed))
    return distinct_rows(architecture.codes(factory.patches, architecture.project(random)))
