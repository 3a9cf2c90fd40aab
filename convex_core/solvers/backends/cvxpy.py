r"""The convex program as a vectorised CVXPY model, for any conic solver that CVXPY knows.

One matrix variable C (B, p) holds every block: a variable per pattern compiles 18 times slower.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from scipy import sparse

from ...errors import BackendError
from ...numerics.conic_forms import setup_seconds
from ...problem import Problem
from ...program import Blocks
from ...progress import Budget
from ...status import Status
from .clarabel import ConicSolution, unsolved

__all__ = ["solve_cvxpy"]


def solve_cvxpy(
    blocks: Blocks,
    problem: Problem,
    *,
    solver: str = "CLARABEL",
    tol: float = 1e-8,
    budget: Budget | None = None,
) -> tuple[ConicSolution, float]:
    """Solve the convex program over `blocks` with CVXPY.

    Parameters
    ----------
    blocks : Blocks
        The blocks.
    problem : Problem
        Targets, beta, loss and penalty.
    solver : str
        A conic solver that CVXPY has installed, for example ``CLARABEL`` or ``SCS``.
    tol : float
        Tolerance passed to CLARABEL or SCS; others run at their own default.
    budget : Budget, optional
        Its remaining time is passed to the solver.

    Returns
    -------
    solution : ConicSolution
        ``solved`` is False for ``optimal_inaccurate``.
    build_seconds : float
        Seconds for modelling and compiling.

    Raises
    ------
    BackendError
        If the solver is not installed or does not accept the cones that the loss and the penalty need.
    """
    import cvxpy as cp  # slow to import: only this route pays for it

    if solver not in cp.installed_solvers():
        raise BackendError(f"solver: got {solver!r}, expected one of {', '.join(cp.installed_solvers())}")
    begin = time.perf_counter()
    B, n, p = blocks.G.shape
    form = problem.architecture.penalty.form(p)
    setup = setup_seconds(B * n * p + np.count_nonzero(blocks.sides) * p, form.cones * B)
    if budget is not None and setup > budget.remaining:
        return unsolved(B, p, Status.TIME_LIMIT), 0.0
    C = cp.Variable((B, p))
    flat = cp.vec(C, order="C")
    outputs = blocks.G.transpose(1, 0, 2).reshape(n, B * p) @ flat
    f = cp.Variable(n)
    penalty, constraints = problem.architecture.penalty.cvxpy(C)
    defines = f == outputs
    constraints = [defines, *constraints]
    normals = [side[side != 0, None] * blocks.rows[side != 0] for side in blocks.sides]
    if sum(map(len, normals)):
        constraints.append(sparse.block_diag(normals, format="csc") @ flat >= 0)
    model = cp.Problem(cp.Minimize(problem.loss.cvxpy(f, problem.y) + problem.beta * penalty), constraints)
    options: dict[str, Any] = {}
    seconds_left = math.inf if budget is None else budget.remaining
    if solver == "CLARABEL":
        options = {"tol_gap_abs": tol, "tol_gap_rel": tol, "tol_feas": tol, "max_threads": 1}
        if math.isfinite(seconds_left):
            options["time_limit"] = max(seconds_left, 1e-3)
    elif solver == "SCS":
        options = {"eps_abs": tol, "eps_rel": tol, "max_iters": 200_000}
        if math.isfinite(seconds_left):
            options["time_limit_secs"] = max(seconds_left, 1e-3)
    try:
        model.solve(solver=solver, **options)
    except cp.error.SolverError as error:
        raise BackendError(f"solver: {solver} failed on {B} blocks ({error})") from error
    total = time.perf_counter() - begin
    solve_seconds = float(model.solver_stats.solve_time or 0.0) if model.solver_stats is not None else 0.0
    value = form.nearest(C.value) if C.value is not None else np.zeros((B, p))
    multiplier = defines.dual_value  # of f - outputs, minus a subgradient of the loss
    dual = np.zeros(n) if multiplier is None else np.asarray(multiplier)
    solution = ConicSolution(
        C=value,
        dual=dual,
        objective=float(model.value) if model.value is not None else math.nan,
        solved=model.status == cp.OPTIMAL,
        solver_status=str(model.status),
        iterations=int(model.solver_stats.num_iters or 0) if model.solver_stats is not None else 0,
        seconds=solve_seconds,
    )
    return solution, total - solve_seconds
