r"""Cells found by climbing with neurons themselves, for architectures whose cells are too many to list.

Column generation over neurons: the program over the cells at hand gives a dual vector v, random neurons and those of
its own solution climb on :math:`v^T \varphi(\theta)`, and the cells of those above beta join. What is left is a list of
cells, over which every bound is restricted: nothing is proved about cells that no neuron met.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..architectures import CodeList
from ..arrangement import distinct_rows
from ..neurons import ascend, random_neurons, take
from ..problem import Problem
from ..program import CellFactory
from ..progress import Budget
from .column_generation import generate_columns
from .incumbent import Incumbent
from .pricing import EnumeratedPricer

__all__ = ["grown_codes"]

# neurons drawn in a round, copies of each of the solution's own, moved by a share of their size, and how many climb
_RANDOM, _COPIES, _MOVE, _CLIMBERS = 5000, 5, 0.2, 100
_ROUNDS = 20
# responses of all rows to all neurons drawn: 320 MB
_RESPONSES = 40_000_000
_STAGES, _STEPS = 8, 3
_TOL = 1e-4


def grown_codes(
    problem: Problem,
    factory: CellFactory,
    codes: NDArray[np.bool_],
    *,
    seed: int,
    budget: Budget | None = None,
    incumbent: Incumbent | None = None,
) -> NDArray[np.bool_]:
    """The cells `codes` (P, N) and those that neurons climb to, until none climbs above beta or the time is up.

    Examples
    --------
    >>> from convex_core import Problem, ThreeLayerCNN, patch_geometry
    >>> rng = np.random.default_rng(0)
    >>> cnn = ThreeLayerCNN(patch_geometry((4,), 2, 2), sharing="shared")
    >>> problem = Problem(rng.standard_normal((4, 4)), rng.standard_normal(4), architecture=cnn, beta=0.1)
    >>> factory = CellFactory(cnn, problem.patches)
    >>> one = factory.listed(max_patterns=1000).active(0, 1)
    >>> len(grown_codes(problem, factory, one, seed=0)) > 1
    True
    """
    budget = budget or Budget()
    architecture, patches = problem.architecture, problem.patches
    rng = np.random.default_rng(seed)
    known = incumbent or Incumbent(problem)
    drawn = max(_CLIMBERS, min(_RANDOM, _RESPONSES // max(1, factory.design.shape[0] * factory.design.shape[1])))
    for number in range(min(_ROUNDS, budget.max_rounds or _ROUNDS)):
        if budget.stop() is not None:
            break
        quiet = replace(budget, progress=None)
        run = generate_columns(
            problem, EnumeratedPricer(factory, CodeList(codes)), tol=_TOL, budget=quiet, incumbent=known
        )
        if len(run.blocks):
            known.offer_blocks(run.C, run.blocks, run.upper)
        known.run = None  # these bounds were over fewer cells
        if budget.stop() is not None:
            break
        own = architecture.neurons(run.C, run.blocks.sign, run.blocks.active)
        start = random_neurons(architecture, drawn, rng)
        for name, value in own.items():
            near = np.repeat(value, _COPIES, axis=0)
            moved = near + _MOVE * np.abs(near).max(initial=0.0) * rng.standard_normal(near.shape)
            start[name] = np.concatenate([start[name], moved])
        lists = [codes]
        found, value = ascend(architecture, patches, run.dual, start, steps=0)
        for _ in range(_STAGES):
            if budget.stop() is not None:
                break
            # where signs differ the correlation may fall again: what is met on the way counts too
            lists.append(architecture.codes(patches, take(found, value > problem.beta * (1.0 + _TOL))))
            start = take(found, np.arange(min(_CLIMBERS, len(value))))
            found, value = ascend(architecture, patches, run.dual, start, steps=_STEPS)
        grown = distinct_rows(np.concatenate(lists))
        budget.report("patterns", f"round {number}: {len(grown):,} cells met by neurons", upper=run.upper)
        if len(grown) == len(codes):
            break
        codes = grown
    return codes
