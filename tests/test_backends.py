"""Backends against each other: direct Clarabel, CVXPY with two solvers, OSQP where the problem is a QP."""

import numpy as np
import pytest
from problem_cases import patch_problem

from convex_core import BackendError, FixedDirections, InputError, Network, Problem, load_dataset, solve
from convex_core.arrangement import enumerate_patterns
from convex_core.program import CellFactory, all_cone_rows, assemble
from convex_core.solvers.clarabel_backend import solve_clarabel
from convex_core.solvers.cvxpy_backend import solve_cvxpy


def every_block(problem):
    factory = CellFactory(problem.architecture, problem.patches)
    active = enumerate_patterns(factory.hyperplanes).active()
    sign = np.repeat(np.array([1, -1], np.int8), len(active))
    return factory.blocks(np.concatenate([active, active]), sign)


@pytest.mark.parametrize(("solver", "tol", "agree"), [("CLARABEL", 1e-9, 1e-7), ("SCS", 1e-7, 1e-4)])
def test_cvxpy_and_direct_clarabel_agree(solver, tol, agree):
    problem = patch_problem(1)
    blocks = every_block(problem)
    program = assemble(
        blocks,
        problem.y,
        problem.beta,
        all_cone_rows(blocks),
        loss=problem.loss,
        penalty=problem.architecture.penalty,
    )
    direct = solve_clarabel(program, tol=1e-9)
    modelled, _ = solve_cvxpy(blocks, problem, solver=solver, tol=tol)
    assert direct.solved
    assert modelled.solved
    assert modelled.objective == pytest.approx(direct.objective, abs=agree)
    assert modelled.dual == pytest.approx(direct.dual, abs=30 * agree)
    # the multiplier is the residual, in the problem's own units
    outputs = np.einsum("bnp,bp->n", blocks.G, direct.C)
    assert direct.dual == pytest.approx(problem.y - outputs, abs=1e-6)


def test_an_unknown_cvxpy_solver_is_named():
    problem = patch_problem(1)
    with pytest.raises(BackendError, match="'NONE', expected one of"):
        solve_cvxpy(every_block(problem), problem, solver="NONE")


@pytest.fixture(scope="module")
def fixed():
    problem = Problem.from_dataset(load_dataset("talk"), beta=0.1)
    rng = np.random.default_rng(0)
    network = Network(problem.architecture, rng.standard_normal((30, 10)), rng.choice([-1.0, 1.0], 30))
    return problem, FixedDirections(problem, network)


def lasso_by_nnls(Phi, y, beta):
    """Non-negative lasso by coordinate descent, run to rounding."""
    a = np.zeros(Phi.shape[1])
    squares = (Phi**2).sum(axis=0)
    for _ in range(20_000):
        before = a.copy()
        for j in np.flatnonzero(squares):
            gradient = Phi[:, j] @ (Phi @ a - y) + beta
            a[j] = max(0.0, a[j] - gradient / squares[j])
        if np.abs(a - before).max() < 1e-14:
            break
    return 0.5 * np.sum((Phi @ a - y) ** 2) + beta * a.sum()


def test_fixed_directions_equal_coordinate_descent_and_their_dual(fixed):
    problem, program = fixed
    rng = np.random.default_rng(0)
    U = rng.standard_normal((30, 10))
    sign = rng.choice([-1.0, 1.0], 30)
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    Phi = sign * problem.architecture.atoms(problem.patches, U)
    for beta in (2.0, 0.5, 0.1):  # warm-started from one to the next
        primal, dual = program.solve(beta), program.solve_dual(beta)
        assert primal.solved
        assert primal.objective == pytest.approx(lasso_by_nnls(Phi, problem.y, beta), abs=1e-6)
        assert dual.objective == pytest.approx(primal.objective, abs=1e-5)
        assert (Phi.T @ dual.x).max() <= beta + 1e-6


def test_fixed_directions_are_an_upper_bound_met_at_the_optimum(fixed):
    problem, program = fixed
    solution = solve(problem, tol=1e-9)
    assert program.solve(0.1).objective >= solution.lower_bound
    own = FixedDirections(problem, solution.network)
    answer = own.solve()
    assert answer.objective == pytest.approx(solution.network_objective, abs=1e-6)
    network = own.network(answer.x)
    assert problem.objective(network) == pytest.approx(answer.objective, rel=1e-12)


def test_fixed_directions_check_their_input(fixed):
    problem, program = fixed
    with pytest.raises(InputError, match="beta"):
        program.solve(0.0)
    with pytest.raises(InputError, match="network: got architecture"):
        FixedDirections(problem, Network(patch_problem(0).architecture, [[1.0, 0.0]], [1.0]))
