"""Newton's method for the restricted master against Clarabel, its own optimality conditions, and any start."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from few_cases import few
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from problem_cases import patch_problem

from convex_core import LogisticLoss, Problem, Status, load_dataset, solve
from convex_core.arrangement import enumerate_patterns
from convex_core.certificate import certify, certify_known
from convex_core.penalties import L2Penalty
from convex_core.program import Blocks, CellFactory, all_cone_rows, assemble
from convex_core.progress import Budget
from convex_core.solvers.backends.clarabel import solve_clarabel
from convex_core.solvers.column_generation import WarmStart, generate_columns
from convex_core.solvers.master import semismooth
from convex_core.solvers.master.cone_prox import cone_prox
from convex_core.solvers.master.proximal_newton import proximal_newton
from convex_core.solvers.master.restricted import RestrictedMaster
from convex_core.solvers.master.semismooth import NewtonState, _merged, semismooth_newton
from convex_core.solvers.search import enumerated_pricer


def some_blocks(problem, share, rng, silent=0.0):
    """Blocks of a random share of all cells, with a share of their sides silenced."""
    factory = CellFactory(problem.architecture, problem.patches)
    active = enumerate_patterns(factory.hyperplanes).active()
    sign = np.repeat(np.array([1, -1], np.int8), len(active))
    blocks = factory.blocks(np.concatenate([active, active]), sign)
    blocks = blocks.take(np.sort(rng.permutation(len(blocks))[: max(1, int(share * len(blocks)))]))
    sides = np.where(rng.random(blocks.sides.shape) < silent, 0, blocks.sides).astype(np.int8)
    return replace(blocks, sides=sides)


def cold(blocks, y):
    return NewtonState(np.zeros((len(blocks), blocks.G.shape[2])), y.copy())


def objective(blocks, problem, C):
    outputs = np.einsum("bnp,bp->n", blocks.G, C)
    return 0.5 * np.sum((outputs - problem.y) ** 2) + problem.beta * np.linalg.norm(C, axis=1).sum()


def supports(blocks, v):
    """Largest correlation of v with a unit vector of each block's cone."""
    pull = np.einsum("bnp,n->bp", blocks.G, v)
    out = []
    for b in range(len(blocks)):
        best = L2Penalty().top_supports(
            pull[b : b + 1], np.array([0]), blocks.rows, blocks.sides[b : b + 1], floor=0.0, want=2
        )
        out.append(max((best.value[i] for i in range(len(best.value)) if best.index[i] == 0), default=0.0))
    return np.array(out)


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 8),
    K=st.integers(1, 3),
    h=st.integers(1, 4),
    beta=st.sampled_from([1e-3, 0.03, 0.3, 3.0]),
    kind=st.sampled_from(["gaussian", "integers", "silent"]),
)
# a block on the wall of another one, almost parallel to it: its pull is less by a share of 1e-7 only
@example(seed=1728, n=2, K=1, h=3, beta=1e-3, kind="gaussian")
def test_it_equals_clarabel_and_every_zero_block_is_priced(seed, n, K, h, beta, kind):
    rng = np.random.default_rng(seed)
    problem = patch_problem(seed, n, K, h, beta)
    if kind == "integers":  # zero, parallel and dependent rows
        problem = Problem(np.rint(problem.X), problem.y, architecture=problem.architecture, beta=beta)
    blocks = some_blocks(problem, 0.5, rng, silent=0.3 if kind == "silent" else 0.0)
    answer = semismooth_newton(blocks, problem.y, beta, cold(blocks, problem.y), tol=1e-11, budget=Budget())
    program = assemble(
        blocks, problem.y, beta, all_cone_rows(blocks), loss=problem.loss, penalty=problem.architecture.penalty
    )
    other = solve_clarabel(program, tol=1e-11)
    scale = 0.5 * problem.y @ problem.y
    assert objective(blocks, problem, answer.C) <= other.objective + 1e-9 * scale
    # a lower bound of its own: the dual vector, scaled until it is feasible for these blocks
    largest = supports(blocks, answer.dual).max(initial=0.0)
    v = problem.loss.dual_scale(answer.dual, problem.y, largest, beta) * answer.dual
    assert objective(blocks, problem, answer.C) - problem.loss.dual_value(v, problem.y) <= 1e-9 * scale
    assert (blocks.sides * (answer.C @ blocks.rows.T)).min(initial=0.0) >= -1e-12 * np.abs(answer.C).max(initial=1.0)
    assert answer.dual == pytest.approx(problem.y - np.einsum("bnp,bp->n", blocks.G, answer.C), abs=1e-12)
    assert answer.error <= 1e-8
    priced = supports(blocks, answer.dual)
    assert priced.max(initial=0.0) <= beta * (1 + 1e-7)
    live = np.linalg.norm(answer.C, axis=1) > 0.0
    assert priced[live] == pytest.approx(np.full(live.sum(), beta), rel=1e-7)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), h=st.integers(2, 4))
def test_blocks_on_walls_are_merged_into_their_neighbours(seed, h):
    rng = np.random.default_rng(seed)
    problem = patch_problem(seed, 5, 2, h, 0.1)
    factory = CellFactory(problem.architecture, problem.patches)
    # a point on a wall, and the cells on both sides of it
    wall = factory.rows[rng.integers(len(factory.rows))]
    on = rng.standard_normal(h)
    on -= (on @ wall) * wall
    beside = np.stack([on + 1e-7 * wall, on - 1e-7 * wall])
    two = factory.patterns(beside)
    blocks = factory.blocks(np.concatenate([two, two]), np.array([1, 1, -1, -1], np.int8))
    assume(np.abs(blocks.G[0] @ on).max() > 1e-6)  # a block without outputs goes with any sign
    C = np.stack([on, beside[1], on, np.zeros(h)])
    merged = _merged(blocks, C)
    assert not merged[0].any()
    assert merged[1] == pytest.approx(C[0] + C[1], rel=1e-12)
    assert np.array_equal(merged[2:], C[2:])  # of the other sign, alone
    assert objective(blocks, problem, merged) <= objective(blocks, problem, C) * (1 + 1e-12)
    assert np.einsum("bnp,bp->n", blocks.G, merged) == pytest.approx(np.einsum("bnp,bp->n", blocks.G, C), abs=1e-10)


def test_any_start_leads_to_the_same_optimum():
    rng = np.random.default_rng(0)
    problem = patch_problem(3, 8, 3, 3, 0.05)
    blocks = some_blocks(problem, 0.7, rng)
    first = semismooth_newton(blocks, problem.y, 0.05, cold(blocks, problem.y), tol=1e-12, budget=Budget())
    again = semismooth_newton(blocks, problem.y, 0.05, first, tol=1e-12, budget=Budget())
    assert again.error <= 1e-11
    assert again.dual == pytest.approx(first.dual, abs=1e-9)
    for sigma in (0.0, 1.0, 1e6):
        start = NewtonState(rng.standard_normal(first.C.shape), 10 * rng.standard_normal(problem.n), sigma)
        other = semismooth_newton(blocks, problem.y, 0.05, start, tol=1e-11, budget=Budget())
        assert other.dual == pytest.approx(first.dual, abs=1e-8)
        assert objective(blocks, problem, other.C) == pytest.approx(objective(blocks, problem, first.C), rel=1e-11)


def test_copies_of_one_direction_do_no_harm():
    problem = patch_problem(0, 6, 3, 2, 0.1)
    blocks = some_blocks(problem, 1.0, np.random.default_rng(0))
    thrice = blocks.extended(blocks).extended(blocks)
    one, three = (
        semismooth_newton(b, problem.y, 0.1, cold(b, problem.y), tol=1e-11, budget=Budget()) for b in (blocks, thrice)
    )
    assert three.error <= 1e-11
    assert three.dual == pytest.approx(one.dual, abs=1e-10)


@pytest.mark.parametrize("near", [1e-3, 1e-4, 1e-5])
def test_near_copies_of_one_direction_do_no_harm(near):
    """The values of near copies are known to the share `near` only from their difference: blocks have far to move."""
    rng = np.random.default_rng(0)
    n, B = 20, 60
    y = rng.standard_normal(n)
    G = rng.standard_normal((B // 3, n, 2)) * np.geomspace(1.0, 30.0, B // 3)[:, None, None]
    G = np.concatenate([G, G + near * rng.standard_normal(G.shape), G + near * rng.standard_normal(G.shape)])
    blocks = Blocks.of(G, np.zeros((0, 2)), np.zeros((B, 0), np.int8), np.zeros((B, 1), bool), np.ones(B, np.int8))
    start = semismooth_newton(blocks, y, 0.011, cold(blocks, y), tol=1e-3, budget=Budget())
    answer = semismooth_newton(blocks, y, 0.01, start, tol=1e-9, budget=Budget())
    assert answer.error <= 1e-9
    pull = np.linalg.norm(np.einsum("bnp,n->bp", G, answer.dual), axis=1)
    assert pull.max() <= 0.01 * (1 + 1e-8)


def test_without_rows_blocks_or_outputs():
    rng = np.random.default_rng(0)
    y = rng.standard_normal(5)
    G = rng.standard_normal((3, 5, 2))
    free = Blocks.of(G, np.zeros((0, 2)), np.zeros((3, 0), np.int8), np.zeros((3, 1), bool), np.ones(3, np.int8))
    answer = semismooth_newton(free, y, 0.1, cold(free, y), tol=1e-12, budget=Budget())
    for b in range(3):  # group lasso: the gradient of a nonzero group has length beta
        size = np.linalg.norm(answer.C[b])
        pull = G[b].T @ answer.dual
        if size > 0:
            assert pull == pytest.approx(0.1 * answer.C[b] / size, abs=1e-10)
        else:
            assert np.linalg.norm(pull) <= 0.1 * (1 + 1e-9)
    for blocks in (free.take(np.zeros(0, np.intp)), replace(free, G=np.zeros_like(G))):
        nothing = semismooth_newton(blocks, y, 0.1, cold(blocks, y), tol=1e-12, budget=Budget())
        assert np.array_equal(nothing.dual, y)
        assert not nothing.C.any()


def test_a_cancelled_run_answers_blocks_in_their_cones():
    problem = patch_problem(3, 8, 3, 3, 0.05)
    blocks = some_blocks(problem, 0.7, np.random.default_rng(0))
    flag = threading.Event()
    flag.set()
    answer = semismooth_newton(blocks, problem.y, 0.05, cold(blocks, problem.y), tol=1e-12, budget=Budget(cancel=flag))
    assert np.isfinite(answer.C).all()
    assert (blocks.sides * (answer.C @ blocks.rows.T)).min() >= -1e-12
    assert answer.dual == pytest.approx(problem.y - np.einsum("bnp,bp->n", blocks.G, answer.C), rel=1e-12)


@pytest.mark.parametrize("loss", few(["squared", "logistic"]))
def test_large_blocks_are_mapped_one_by_one_and_a_stop_between_them_is_heard(loss, monkeypatch):
    problem = patch_problem(3, 8, 3, 3, 0.05)
    blocks = some_blocks(problem, 0.7, np.random.default_rng(0))
    y = np.sign(problem.y)

    def run(**limits):
        start, budget = cold(blocks, y), Budget(**limits)
        if loss == "squared":
            return semismooth_newton(blocks, y, 0.05, start, tol=1e-9, budget=budget)
        return proximal_newton(blocks, y, 0.05, LogisticLoss(), replace(start, dual=0.5 * y), tol=1e-9, budget=budget)

    together = run()
    monkeypatch.setattr(semismooth, "SETTINGS", replace(semismooth.SETTINGS, between_looks=1))
    one_by_one = run()
    assert one_by_one.error <= 1e-7
    np.testing.assert_array_equal(one_by_one.C, together.C)
    np.testing.assert_array_equal(one_by_one.dual, together.dual)
    flag = Counted(len(blocks) // 2)
    stopped = run(cancel=flag)
    assert flag.looks == len(blocks) // 2  # in the middle of the first map, and no further
    assert not stopped.C.any()


class Counted:
    """A cancel flag that is set from its k-th look on."""

    def __init__(self, k):
        self.k, self.looks = k, 0

    def is_set(self):
        self.looks += 1
        return self.looks >= self.k


def prox(Z, rows, sides, t):
    B, p = Z.shape
    C, F, width = np.empty((B, p)), np.zeros((B, p, p)), np.zeros(B, np.int64)
    cone_prox(
        Z,
        np.ascontiguousarray(rows.T),
        sides,
        t,
        np.zeros((B, p), np.int64),
        np.zeros((B, p)),
        np.zeros(B, np.int64),
        C,
        F,
        width,
        np.zeros((2, p, p)),
        np.empty((2, p)),
        np.empty(len(rows)),
    )
    return C, [F[b, : width[b]].T for b in range(B)]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), p=st.integers(1, 6), M=st.integers(0, 12))
def test_the_derivative_of_the_proximal_map(seed, p, M):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((M, p))
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    sides = np.where(rng.standard_normal((4, p)) @ rows.T >= 0, 1, -1).astype(np.int8)
    Z, D = 2 * rng.standard_normal((4, p)), rng.standard_normal((4, p))
    C, F = prox(Z, rows, sides, 0.5)
    # Moreau: C minimises t ||c|| + ||c - z||^2 / 2 over the cone, so no feasible direction is better
    assert (sides * (C @ rows.T)).min(initial=0.0) >= -1e-12
    value = 0.5 * np.linalg.norm(C, axis=1) + 0.5 * np.sum((C - Z) ** 2, axis=1)
    for _ in range(20):
        other, _ = prox(C + 0.1 * rng.standard_normal((4, p)), rows, sides, 1e-9)
        assert np.all(value <= 0.5 * np.linalg.norm(other, axis=1) + 0.5 * np.sum((other - Z) ** 2, axis=1) + 1e-12)
    step = 1e-6
    ahead, _ = prox(Z + step * D, rows, sides, 0.5)
    behind, _ = prox(Z - step * D, rows, sides, 0.5)
    for b in range(4):
        if np.linalg.norm(ahead[b] + behind[b] - 2 * C[b]) <= 1e-9:  # not at a kink
            assert F[b] @ (F[b].T @ D[b]) == pytest.approx((ahead[b] - behind[b]) / (2 * step), abs=1e-5)


def test_the_master_falls_back_on_clarabel(monkeypatch):
    problem = patch_problem(1)
    blocks = some_blocks(problem, 0.6, np.random.default_rng(0))

    def solved():
        master = RestrictedMaster(blocks.take(np.zeros(0, np.intp)), problem.y, 0.1, problem.loss, L2Penalty())
        master.add(blocks, np.ones((len(blocks), 2)))
        master.expect(1e-11)
        return master.solve(Budget())

    newton = solved()
    lost = NewtonState(np.zeros((len(blocks), 2)), problem.y)  # error infinite
    monkeypatch.setattr("convex_core.solvers.master.restricted.semismooth_newton", lambda *_, **__: lost)
    conic = solved()
    assert objective(blocks, problem, conic.C) == pytest.approx(objective(blocks, problem, newton.C), rel=1e-8)
    assert conic.dual == pytest.approx(newton.dual, abs=1e-6)


@pytest.fixture(scope="module")
def talk():
    return Problem.from_dataset(load_dataset("talk"), beta=0.1)


def test_column_generation_starts_from_blocks(talk):
    pricer = enumerated_pricer(talk, budget=Budget())
    alone = generate_columns(talk, pricer, tol=1e-9, budget=Budget())
    start = WarmStart(alone.blocks, alone.C, alone.dual)
    again = generate_columns(talk, pricer, tol=1e-9, budget=Budget(), start=start)
    assert again.status is Status.OPTIMAL
    assert len(again.history) < len(alone.history)
    assert again.history[0].upper <= alone.upper * (1 + 1e-9)
    assert again.upper == pytest.approx(alone.upper, rel=2e-9)
    # a start that is far off costs time, not truth
    other = generate_columns(talk.with_beta(1.0), pricer, tol=1e-9, budget=Budget(), start=start)
    cold_start = generate_columns(talk.with_beta(1.0), pricer, tol=1e-9, budget=Budget())
    assert other.upper == pytest.approx(cold_start.upper, rel=2e-9)
    nothing = WarmStart(alone.blocks.take(np.zeros(0, np.intp)), alone.C[:0], alone.dual)
    assert generate_columns(talk, pricer, tol=1e-9, budget=Budget(), start=nothing).upper == alone.upper


def test_the_final_dual_vector_is_priced_once(talk):
    pricer = enumerated_pricer(talk, budget=Budget())
    asked = []
    plain = pricer.price
    pricer.price = lambda v, **options: asked.append(v) or plain(v, **options)
    run = generate_columns(talk, pricer, tol=1e-9, budget=Budget())
    assert len(asked) == len(run.history)
    network = solve(talk, tol=1e-9).network
    f = network.predict_patches(talk.patches)
    known = certify_known(talk, network, pricer, outputs=f, dual=run.dual, tau=run.tau, tol=1e-8, budget=Budget())
    assert len(asked) == len(run.history)
    # what is known agrees with what anybody finds who prices it again
    own = certify(talk, network, dual=run.dual, tol=0.0, pricer=enumerated_pricer(talk, budget=Budget()))
    assert run.tau <= talk.beta * (1 + 1e-12)
    assert known.status is Status.OPTIMAL
    assert known.lower_bound == pytest.approx(own.lower_bound, rel=1e-8)
    assert known.objective == own.objective
