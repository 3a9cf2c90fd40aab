"""The gated program: a lower bound, and a feasible ReLU network through cone decomposition."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import GATED_OPTIMA, TWO_LAYER_OPTIMA, patch_problem

from convex_core import Scope, Status, enumerate_patterns, solve
from convex_core.networks.recovery import recover
from convex_core.penalties import L2Penalty, NuclearPenalty
from convex_core.progress import Budget
from convex_core.solvers.column_generation import generate_columns
from convex_core.solvers.gated import _GatedCells, decompose, solve_gated
from convex_core.solvers.pricing.enumerated import EnumeratedPricer
from convex_core.solvers.search import enumerated_pricer


@pytest.mark.parametrize("seed", GATED_OPTIMA)
def test_gated_values(seed):
    problem = patch_problem(seed)
    solution = solve(problem, method="gated", tol=1e-8)
    assert solution.objective == pytest.approx(GATED_OPTIMA[seed], abs=5e-5)
    assert solution.status is Status.BOUND_REACHED
    assert solution.scope is Scope.GLOBAL
    exact = TWO_LAYER_OPTIMA[seed]
    assert solution.objective <= exact <= solution.network_objective
    assert solution.objective * (1 - 1e-7) <= solution.lower_bound <= exact


@pytest.mark.parametrize("seed", range(2))
def test_gated_program_against_cvxpy(seed):
    problem = patch_problem(seed, n=4, K=2)
    patterns = enumerate_patterns(problem.architecture.hyperplanes(problem.patches)).active()
    gates = patterns.reshape(len(patterns), 2, 4)
    G = np.einsum("mkn,knp->mnp", gates, problem.patches)
    C, D = cp.Variable((len(G), 2)), cp.Variable((len(G), 2))
    f = sum(G[i] @ (C[i] - D[i]) for i in range(len(G)))
    penalty = cp.sum(cp.norm(C, 2, axis=1)) + cp.sum(cp.norm(D, 2, axis=1))
    value = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - problem.y) + 0.1 * penalty)).solve(solver="CLARABEL")
    assert solve(problem, method="gated", tol=1e-8).objective == pytest.approx(value, rel=1e-6)


def test_the_split_blocks_have_the_gated_outputs_and_the_solution_is_no_worse():
    problem = patch_problem(0)
    pricer = enumerated_pricer(problem, budget=Budget())
    gated = solve_gated(problem, pricer, tol=1e-8, budget=Budget())
    free = EnumeratedPricer(_GatedCells(pricer.factory), pricer.patterns)
    run = generate_columns(problem, free, tol=1e-8, budget=Budget(), exact=False)
    assert (gated.upper, gated.lower, gated.history[-1].round) == (run.upper, run.lower, run.history[-1].round)
    outputs = np.einsum("bnp,bp->n", run.blocks.G, run.C)
    network = recover(problem.architecture, problem.patches, gated.C, gated.blocks.sign, gated.blocks.active)
    assert network.predict_patches(problem.patches) == pytest.approx(outputs, abs=1e-6)
    assert solve(problem, method="gated", tol=1e-8).network_objective <= problem.objective(network)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), penalty=st.sampled_from([L2Penalty(), NuclearPenalty((2, 2))]))
def test_decomposition(seed, penalty):
    rng = np.random.default_rng(seed)
    c, inner = rng.standard_normal((2, 4))
    rows = rng.standard_normal((5, 4))
    normals = np.sign(rows @ inner)[:, None] * rows
    a, b = decompose(penalty, c, normals)
    assert a - b == pytest.approx(c, abs=1e-7)
    assert min((normals @ a).min(), (normals @ b).min()) > -1e-6
    assert penalty.norm(np.array([a, b])).sum() >= penalty.norm(c[None])[0] * (1 - 1e-7)


def test_a_vector_in_the_cone_stays_whole():
    a, b = decompose(L2Penalty(), np.array([1.0, 2.0]), np.eye(2))
    assert a == pytest.approx([1.0, 2.0], abs=1e-6)
    assert b == pytest.approx([0.0, 0.0], abs=1e-6)
    assert [part.tolist() for part in decompose(L2Penalty(), np.zeros(2), np.eye(2))] == [[0.0, 0.0], [0.0, 0.0]]
