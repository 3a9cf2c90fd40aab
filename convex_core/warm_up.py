"""Every kernel compiled ahead of its first use, here or by ``python -m convex_core warm-up`` in another process."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrangement import cell_facets
from .arrangement.cells.kernel import facets_kernel, witness_kernel
from .arrangement.enumeration.kernel import subtree
from .data import load_dataset
from .numerics.cone_projection import top_supports_kernel
from .numerics.jit import compiling, have_numba
from .problem import Problem
from .program import CellFactory
from .program.gate_kernel import gate_sums, gated_design
from .progress import Budget
from .solution import solve
from .solvers.master.cone_prox import cone_prox
from .solvers.pricing.ascent_kernel import ascend_kernel, respond_kernel
from .solvers.pricing.moment_kernel import move_moments
from .solvers.pricing.moments import MomentPricer
from .solvers.pricing.plan_kernel import transport_plan
from .solvers.pricing.sphere_kernel import cones_kernel
from .solvers.pricing.spread_kernel import keep_apart
from .solvers.pricing.transport import TransportPricer
from .solvers.pricing.transport_kernel import prove_kernel

__all__ = ["KERNELS", "compile_first", "compile_kernels", "compile_solvers", "keeps", "kept_on_disk", "tiny_problem"]

#: kernels that Python calls; others are part of these
KERNELS: tuple[Any, ...] = (
    ascend_kernel,
    cones_kernel,
    cone_prox,
    facets_kernel,
    gate_sums,
    keep_apart,
    move_moments,
    prove_kernel,
    respond_kernel,
    subtree,
    top_supports_kernel,
    transport_plan,
    witness_kernel,
)


@compiling()
def compile_first() -> None:
    """Compile, or load from numba's cache, what the first solution over listed cells needs."""
    solve(tiny_problem())


@compiling()
def compile_solvers() -> None:
    """Compile, or load from numba's cache, what solutions over listed cells and by search need."""
    compile_first()
    problem = tiny_problem()
    solve(problem, method="branch-and-bound")
    factory = CellFactory(problem.architecture, problem.patches)
    gated_design(np.ones((1, *problem.patches.shape[:2]), dtype=bool), problem.patches, 1.0)
    for pricer in (TransportPricer(factory), MomentPricer(factory)):
        pricer.price(problem.y, floor=problem.beta, want=1, budget=Budget(), prove=True)


@compiling()
def compile_kernels() -> None:
    """Compile, or load from numba's cache, all of :data:`KERNELS`; without numba only the slow imports are done."""
    compile_solvers()
    cell_facets(np.eye(2), np.ones((1, 2)))


def keeps() -> bool:
    """Whether there is a place for what is compiled, so that another process can load it."""
    return have_numba() and all(kernel.cached for kernel in KERNELS)


def kept_on_disk() -> bool:
    """Whether numba's cache has a file for each kernel: then nobody has to wait for its compiler."""
    return not have_numba() or all(kernel.kept for kernel in KERNELS)


def tiny_problem() -> Problem:
    """Two signals of length four, over in a moment."""
    return Problem.from_dataset(load_dataset("shift", n=2, d=4))
