"""Nuclear norms without cones: their proximal map, and the program by it against Clarabel, formulas and limits."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from few_cases import few
from hypothesis import example, given, settings
from hypothesis import strategies as st

from convex_core import HuberLoss, Interrupted, LogisticLoss, Problem, SquaredLoss, Status, beta_max, solve
from convex_core.losses.free_part import FreePart
from convex_core.numerics import conic_forms, interior_point
from convex_core.penalties import NuclearPenalty, Search, conic_supports
from convex_core.program import Blocks, CellFactory
from convex_core.progress import Budget
from convex_core.solvers.backends import clarabel
from convex_core.solvers.master import matrix_prox
from convex_core.solvers.master.matrix_prox import MatrixProx
from convex_core.solvers.master.proximal_gradient import proximal_gradient
from convex_core.solvers.master.semismooth import NewtonState


def matrices(seed, shape, B=2, n=7):
    """Blocks that are matrices, without cone rows."""
    G = np.random.default_rng(seed).standard_normal((B, n, shape[0] * shape[1]))
    return without_cones(G)


def without_cones(G):
    B, _, p = G.shape
    none = np.zeros((B, 0))
    return Blocks.of(G, np.zeros((0, p)), none.astype(np.int8), none.astype(bool), np.ones(B, np.int8))


SHAPES = [(3, 5), (5, 3), (4, 4), (1, 6), (6, 1)]


@pytest.mark.parametrize("seed", few(range(20), 5))
def test_proximal_gradient_ends_where_the_loss_is_next_to_nothing(seed, monkeypatch):
    """Its rounding is more than what a step should win then, however short: steps became shorter for ever."""
    rng = np.random.default_rng(seed)
    blocks = matrices(seed, (1, 3), B=1, n=1)
    blocks = replace(blocks, G=10.0 ** rng.uniform(9, 14) * blocks.G)
    y, maps, taken = rng.standard_normal(1), MatrixProx(blocks, 1e-3, Budget(), (1, 3)), []
    prox = maps.prox

    def counted(Z, sigma):
        taken.append(sigma)
        assert len(taken) < 5000
        return prox(Z, sigma)

    monkeypatch.setattr(maps, "prox", counted)
    start = NewtonState(np.zeros((1, 3)), y.copy(), 1.0)
    found = proximal_gradient(maps, y, SquaredLoss(), start, tol=1e-3, budget=Budget())
    assert np.isfinite(found.C).all()
    assert SquaredLoss().value(blocks.G[0] @ found.C[0], y) <= 1e-12


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(4))
def test_the_proximal_map_and_its_derivative(seed, shape):
    rng = np.random.default_rng(seed)
    blocks, penalty = matrices(seed, shape), NuclearPenalty(shape)
    maps = MatrixProx(blocks, 0.5, Budget(), shape)
    Z, D = 2.0 * rng.standard_normal((2, 2, shape[0] * shape[1]))
    C = maps.prox(Z, 2.0).copy()
    # of t ||C|| + ||C - Z||^2 / 2 with t = 1: Z - C is a subgradient of the norm at C
    assert penalty.dual_norm(Z - C).max() <= 1.0 + 1e-12
    assert np.vdot(Z - C, C) == pytest.approx(penalty.norm(C).sum())
    assert maps.sizes == pytest.approx(penalty.norm(C).sum())
    turned, W = maps.turned(D), maps.factor()
    G = blocks.G.transpose(1, 0, 2).reshape(7, -1)
    whole = np.stack([maps.turned(row.reshape(Z.shape)).ravel() for row in np.eye(Z.size)])
    assert whole == pytest.approx(whole.T)
    np.testing.assert_allclose(W @ W.T, G @ whole @ G.T, atol=1e-10)
    assert maps.J @ C.ravel() == pytest.approx(np.einsum("bnp,bp->n", blocks.G, C))
    assert 0.5 <= maps.gate / np.linalg.norm(G, 2) ** 2 <= 1.0 + 1e-12
    step = 1e-6
    slope = (maps.prox(Z + step * D, 2.0).copy() - maps.prox(Z - step * D, 2.0)) / (2.0 * step)
    assert turned == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_many_small_matrices_are_decomposed_at_once_and_others_one_by_one(shape, monkeypatch):
    blocks, Z = matrices(1, shape, B=30), np.random.default_rng(2).standard_normal((30, shape[0] * shape[1]))
    alone = [MatrixProx(without_cones(blocks.G[[b]]), 0.5, Budget(), shape) for b in range(30)]
    expected = np.concatenate([maps.prox(Z[[b]], 2.0) for b, maps in enumerate(alone)])
    asked, svd = [], np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda A, **options: asked.append(len(A)) or svd(A, **options))
    together = MatrixProx(blocks, 0.5, Budget(), shape)
    assert together.prox(Z, 2.0) == pytest.approx(expected, abs=1e-14)
    assert together.sizes == pytest.approx(sum(maps.sizes for maps in alone))
    assert together.turned(Z) == pytest.approx(np.concatenate([m.turned(Z[[b]]) for b, m in enumerate(alone)]))
    assert asked == [30]
    monkeypatch.setattr(matrix_prox, "SETTINGS", replace(matrix_prox.SETTINGS, moment=1.0))
    looks = iter([False, False, True])
    stopped = MatrixProx(blocks, 0.5, Budget(cancel=SimpleNamespace(is_set=lambda: next(looks))), shape)
    with pytest.raises(Interrupted):
        stopped.prox(Z, 2.0)
    assert asked == [30, 1, 1, 1]


@pytest.mark.parametrize("inexact", [1e-12, 0.0])  # what is never reached has an end too
@pytest.mark.parametrize("shape", SHAPES)
def test_conjugate_gradients_take_the_step_of_a_factorisation(shape, inexact, monkeypatch):
    monkeypatch.setattr(matrix_prox, "SETTINGS", replace(matrix_prox.SETTINGS, large=0, inexact=inexact, sparse=1.0))
    rng = np.random.default_rng(3)
    maps = MatrixProx(matrices(3, shape), 0.5, Budget(), shape)
    maps.prox(3.0 * rng.standard_normal((2, shape[0] * shape[1])), 2.0)
    half, gradient = rng.standard_normal((7, 7)), rng.standard_normal(7)
    S = half @ half.T + np.eye(7)
    W = maps.factor()
    step, near = maps.step(0.7, gradient, lambda r: S @ r)
    assert near
    assert step == pytest.approx(np.linalg.solve(np.linalg.inv(S) + 0.7 * W @ W.T, -gradient), abs=1e-8)


@pytest.fixture
def without_clarabel(monkeypatch):
    """Nobody may ask for a conic program."""

    def asked(*_, **__):
        raise AssertionError("a conic program was begun")

    monkeypatch.setattr(clarabel, "minimise", asked)
    monkeypatch.setattr("convex_core.penalties.supports.minimise", asked)


def labelled(loss, rng, n):
    return np.sign(rng.standard_normal(n)) if isinstance(loss, LogisticLoss) else rng.standard_normal(n)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(1, 9),
    d=st.integers(2, 7),
    h=st.integers(1, 5),
    beta=st.sampled_from([1e-3, 0.03, 0.3, 3.0]),
    loss=st.sampled_from([SquaredLoss(), HuberLoss(0.7), HuberLoss(0.01), LogisticLoss()]),
    kind=st.sampled_from(["linear", "outputs", "bias", "quadratic", "integers"]),
)
@example(seed=0, n=1, d=4, h=1, beta=1e-3, loss=HuberLoss(0.7), kind="bias")  # a block without outputs
def test_it_is_what_clarabel_finds(seed, n, d, h, beta, loss, kind):
    rng = np.random.default_rng(seed)
    X, y, options = rng.standard_normal((n, d)), labelled(loss, rng, n), {"architecture": "linear"}
    if kind == "integers":  # zero, equal and dependent rows
        X = np.rint(X)
    if kind == "outputs":
        options["outputs"], y = 2, np.stack([y, labelled(loss, rng, n)], axis=1)
    if kind == "bias":
        options["bias"] = "output"
    if kind == "quadratic":
        options = {"activation": "quadratic"}
    problem = Problem(X, y, filter_size=min(h, d), beta=beta, loss=loss, **options)
    found = solve(problem, tol=1e-8)
    other = solve(problem, method="clarabel", tol=1e-9)
    assert found.status in (Status.OPTIMAL, Status.PRECISION)
    scale = problem.loss.value(np.zeros(problem.size), problem.y)
    assert found.network_objective <= other.network_objective + 1e-7 * scale
    assert found.network_objective >= other.lower_bound - 1e-7 * scale
    assert found.lower_bound <= found.network_objective * (1.0 + 1e-12)


@pytest.mark.parametrize("loss", [SquaredLoss(), HuberLoss(0.5), LogisticLoss()], ids=lambda loss: loss.name)
@pytest.mark.parametrize(("n", "h"), few([(60, 9), (100, 9), (120, 50)]))
def test_wide_linear_networks_need_no_conic_program(n, h, loss, without_clarabel):
    rng = np.random.default_rng(0)
    problem = Problem(
        rng.standard_normal((n, n)), labelled(loss, rng, n), filter_size=h, beta=0.5, architecture="linear", loss=loss
    )
    solution = solve(problem, time_limit=1e6)
    assert (solution.status, solution.active_filters <= h) == (Status.OPTIMAL, True)
    assert solution.network_objective == problem.objective(solution.network)
    pulled = np.stack([Xk.T @ solution.dual for Xk in problem.patches], axis=1)
    assert np.linalg.norm(pulled, 2) <= problem.beta * (1.0 + 1e-12)


def test_several_outputs_share_a_softmax(without_clarabel):
    rng = np.random.default_rng(0)
    problem = Problem(
        rng.standard_normal((20, 12)), np.eye(3)[rng.integers(3, size=20)], filter_size=5, outputs=3, beta=0.3,
        architecture="linear", loss="softmax",
    )  # fmt: skip
    assert solve(problem, tol=1e-7).status is Status.OPTIMAL


@pytest.mark.parametrize("beta", [0.1, 20.0])
def test_an_autoencoder_is_its_formula(beta, without_clarabel):
    X = np.random.default_rng(0).standard_normal((24, 24))
    solution = solve(Problem.autoencoder(X, beta=beta, architecture="linear"), tol=1e-8)
    energy = np.linalg.svd(X, compute_uv=False) ** 2
    expected = np.where(energy > beta, beta - 0.5 * beta**2 / energy, 0.5 * energy).sum()
    assert solution.status is Status.OPTIMAL
    assert solution.network_objective == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize(("n", "h"), few([(4, 2), (5, 3)]))
def test_blocks_that_are_many_matrices_need_none_either(n, h, without_clarabel):
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((n, 2 * h)), rng.standard_normal((n, 2))
    problem = Problem(X, Y, filter_size=h, stride=h, outputs=2, output_norm="l2", relaxation="plain", beta=0.1)
    assert solve(problem, tol=1e-7).status in (Status.OPTIMAL, Status.BOUND_REACHED)


def test_a_free_bias_of_a_loss_without_a_hessian_is_found(without_clarabel):
    rng = np.random.default_rng(0)
    problem = Problem(
        rng.standard_normal((12, 8)), np.sign(rng.standard_normal(12) + 0.5), filter_size=3, beta=1.0, bias="output",
        architecture="linear", loss="logistic",
    )  # fmt: skip
    assert isinstance(problem.loss, FreePart)
    assert solve(problem, tol=1e-6).status is Status.OPTIMAL


@pytest.mark.slow
def test_a_small_beta_is_not_lost_in_the_rounding_of_gates_that_are_not_there():
    rng = np.random.default_rng(0)
    problem = Problem(
        rng.standard_normal((80, 80)), rng.standard_normal(80), filter_size=40, beta=0.01, architecture="linear"
    )
    assert solve(problem, tol=1e-7).status is Status.OPTIMAL


# -- limits
@pytest.mark.parametrize("looks", [100, 400])
def test_cut_short_it_has_a_network_and_a_bound(looks, ticking, without_clarabel):
    rng = np.random.default_rng(0)
    problem = Problem(
        rng.standard_normal((60, 60)), rng.standard_normal(60), filter_size=30, beta=0.01, architecture="linear"
    )
    ticking.tick = 1.0
    solution = solve(problem, tol=1e-12, time_limit=float(looks))
    assert solution.status is Status.TIME_LIMIT
    assert solution.objective < 0.2 * problem.loss.value(np.zeros(60), problem.y)
    assert solution.lower_bound <= solution.objective
    assert len(solution.history) > 2
    assert solution.history[-1].lower > solution.history[0].lower


def test_a_method_that_does_not_settle_beside_cones_that_are_too_large_leaves_what_there_is(monkeypatch):
    problem = Problem(
        np.random.default_rng(0).standard_normal((6, 6)), np.arange(6.0), filter_size=2, beta=0.1, architecture="linear"
    )
    monkeypatch.setattr(conic_forms, "MAX_DENSE_ENTRIES", 0)
    p = CellFactory(problem.architecture, problem.patches).p
    lost = NewtonState(np.zeros((1, p)), problem.y)  # error infinite
    for name in ("proximal_gradient", "semismooth_newton"):
        monkeypatch.setattr(f"convex_core.solvers.master.restricted.{name}", lambda *_, **__: lost)
    solution = solve(problem)
    assert (solution.status, solution.active_filters) == (Status.STALLED, 0)
    assert solution.lower_bound <= solution.objective


def test_supports_whose_programs_are_not_begun_say_so(monkeypatch):
    rng = np.random.default_rng(0)
    G, rows = rng.standard_normal((3, 6)), rng.standard_normal((4, 6))
    sides = np.sign(rng.standard_normal((3, 6)) @ rows.T).astype(np.int8)

    def supports(left):
        search = Search(remaining=lambda: left)
        return conic_supports(NuclearPenalty((2, 3)), G, np.arange(3), rows, sides, floor=0.0, want=2, search=search)

    found = [supports(1.0)]
    monkeypatch.setattr(interior_point, "setup_seconds", lambda *_: 1e6)
    found += [supports(1.0), supports(1e7)]
    assert [best.late for best in found] == [False, True, False]
    assert found[1].bound >= found[0].bound == pytest.approx(found[2].bound)
    X, Y = rng.standard_normal((5, 6)), rng.standard_normal((5, 2))
    problem = Problem(X, Y, filter_size=3, stride=3, outputs=2, output_norm="l2", relaxation="cone", beta=0.1)
    with pytest.raises(Interrupted):
        beta_max(problem, time_limit=100.0)
