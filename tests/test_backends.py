"""Backends against each other: direct Clarabel, CVXPY with two solvers, OSQP where the problem is a QP."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import patch_problem
from scipy.optimize import linprog

from convex_core import (
    BackendError,
    FixedDirections,
    InputError,
    Network,
    Problem,
    TwoLayerCNN,
    load_dataset,
    patch_geometry,
    solve,
)
from convex_core.arrangement import enumerate_patterns
from convex_core.program import Blocks, CellFactory, ConeRows, all_cone_rows, assemble, facet_rows
from convex_core.solvers.backends.clarabel import solve_clarabel
from convex_core.solvers.backends.cvxpy import solve_cvxpy


def every_block(problem):
    factory = CellFactory(problem.architecture, problem.patches)
    active = enumerate_patterns(factory.hyperplanes).active()
    sign = np.repeat(np.array([1, -1], np.int8), len(active))
    return factory.blocks(np.concatenate([active, active]), sign)


@pytest.mark.parametrize(
    ("solver", "tol", "agree"), [("CLARABEL", 1e-9, 1e-7), pytest.param("SCS", 1e-7, 1e-4, marks=pytest.mark.slow)]
)
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


def random_sides(rng, kind, M, p):
    """Unit rows, and the sides of random points; some rows may state nothing."""
    rows = rng.standard_normal((M, p)) if kind == "gaussian" else rng.integers(-2, 3, (M, p)).astype(float)
    rows = rows[np.linalg.norm(rows, axis=1) > 0]
    if kind == "repeated":
        rows = np.concatenate([rows, -2.0 * rows[:3], rows[:2]])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sides = np.sign(rng.standard_normal((6, p)) @ rows.T).astype(np.int8)
    sides[:, rng.random(len(rows)) < 0.2] = 0
    return rows, sides


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    kind=st.sampled_from(["gaussian", "integers", "repeated"]),
    M=st.integers(3, 25),
    p=st.integers(1, 5),
)
def test_facet_rows_leave_the_cones_as_they_are(seed, kind, M, p):
    rng = np.random.default_rng(seed)
    rows, sides = random_sides(rng, kind, M, p)
    m = len(sides)
    blocks = Blocks.of(np.zeros((m, 1, p)), rows, sides, np.zeros((m, 1), bool), np.ones(m, np.int8))
    stated = facet_rows(blocks)
    for b in range(m):
        kept = sides[b].astype(float)[:, None] * rows
        facets = kept[stated[b]]
        for row in kept[sides[b] != 0]:  # no row goes below zero where the facets do not (Farkas, by a linear program)
            assert len(facets) > 0
            assert linprog(row, A_ub=-facets, b_ub=np.zeros(len(facets)), bounds=(-1, 1)).fun > -1e-8


def test_facets_are_few_and_give_the_same_optimum():
    problem = Problem.from_dataset(load_dataset("edge"))
    blocks = every_block(problem)
    every, few = all_cone_rows(blocks), ConeRows(*np.nonzero(facet_rows(blocks)))
    assert len(few) < 0.5 * len(every)
    answers = [
        solve_clarabel(
            assemble(blocks, problem.y, problem.beta, rows, loss=problem.loss, penalty=problem.architecture.penalty)
        )
        for rows in (every, few)
    ]
    assert answers[0].solved
    assert answers[1].solved
    assert answers[1].objective == pytest.approx(answers[0].objective, abs=1e-8)


@pytest.mark.parametrize("seed", range(8))
def test_directions_on_hyperplanes_get_a_cell_that_touches_them(seed):
    # where several hyperplanes meet, sides by rounding may be those of no cell, and blocks over it can only be zero
    rng = np.random.default_rng(seed)
    h = 3 + seed % 2
    # rows of small integers, turned so that nothing is exact
    rows = rng.integers(-1, 2, (20, h)) @ np.linalg.qr(rng.standard_normal((h, h)))[0]
    problem = Problem(rows, np.ones(len(rows)), architecture=TwoLayerCNN(patch_geometry((h,), h)), beta=0.1)
    factory = CellFactory(problem.architecture, problem.patches)
    edges = [np.linalg.svd(rows[rng.choice(len(rows), h - 1, replace=False)])[2][-1] for _ in range(40)]
    corners = np.array([*edges, *np.negative(edges)]) * rng.uniform(1e-3, 1e3, (80, 1))
    active = factory.patterns(corners)
    assert (enumerate_patterns(rows).index_of(active) >= 0).all()
    sides = np.where(active, 1.0, -1.0) * (corners @ rows.T)
    assert (sides >= -1e-9 * np.linalg.norm(corners, axis=1, keepdims=True)).all()


def test_cones_without_inside_keep_all_their_rows():
    rows = np.array([[1.0, 0.0], [0.6, 0.8], [1.0, 0.0]])
    sides = np.array([[1, 1, -1], [1, 1, 1]], np.int8)  # the first is a ray: one row and its opposite
    blocks = Blocks.of(np.zeros((2, 1, 2)), rows, sides, np.zeros((2, 1), bool), np.ones(2, np.int8))
    stated = facet_rows(blocks)
    assert stated[0].tolist() == [True, True, True]
    assert np.count_nonzero(stated[1]) == 2
