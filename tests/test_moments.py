"""Bounds by second moments, and the dual vectors chosen for them: never below what is true, and close to it."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest
from few_cases import few
from hypothesis import example, given, settings
from hypothesis import strategies as st
from problem_cases import brute_force_tau, patch_problem
from test_sphere import problem_of_rows
from test_transport import KINDS, long_filters, rows_of

from convex_core import Problem, Scope, Status, certify, load_dataset, solve
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers import closing
from convex_core.solvers.closing import Closing
from convex_core.solvers.dual_bound import DualBound, dual_bound
from convex_core.solvers.pricing import moments, transport
from convex_core.solvers.pricing.enumerated import EnumeratedPricer
from convex_core.solvers.pricing.moments import MomentPricer, Moments, _largest
from convex_core.solvers.pricing.sphere import SpherePricer
from convex_core.solvers.pricing.transport import TransportPricer
from convex_core.solvers.search import enumerated_pricer, make_pricer, searched_pricer


def moment_pricer(problem):
    return MomentPricer(CellFactory(problem.architecture, problem.patches))


def true_price(problem, v):
    budget = Budget()
    return float(
        enumerated_pricer(problem, budget=budget).price(v, floor=0.0, want=1, budget=budget).value.max(initial=0.0)
    )


def nothing_known(problem):
    return DualBound(-np.inf, np.zeros(problem.size), np.inf)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(KINDS), n=st.integers(1, 9), h=st.integers(1, 5))
@example(seed=1, kind="integers", n=1, h=1)
def test_the_bound_is_never_below_enumeration_whatever_was_priced_before(seed, kind, n, h):
    rng = np.random.default_rng(seed)
    problem = problem_of_rows(rows_of(rng, kind, n, h))
    pricer = moment_pricer(problem)
    for _ in range(3):
        v = rng.choice([rng.standard_normal, lambda n: rng.integers(-2, 3, n).astype(float)])(problem.n)
        price = pricer.price(v, floor=0.0, want=1, budget=Budget())
        assert price.bound >= true_price(problem, v) * (1 - 1e-12)
        relaxed = float((pricer.relaxed_atoms() @ v).max())
        assert relaxed <= price.bound * (1 + 1e-9) + 1e-300


@pytest.mark.slow
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(KINDS), n=st.integers(1, 9), h=st.integers(2, 5))
@example(seed=1, kind="integers", n=3, h=2)
def test_divided_again_and_again_the_bound_is_never_below_enumeration(seed, kind, n, h):
    rng = np.random.default_rng(seed)
    problem = problem_of_rows(rows_of(rng, kind, n, h))
    pricer = moment_pricer(problem)
    for _ in range(4):
        v = rng.choice([rng.standard_normal, lambda n: rng.integers(-2, 3, n).astype(float)])(problem.n)
        price = pricer.price(v, floor=0.0, want=1, budget=Budget())
        assert price.bound >= true_price(problem, v) * (1 - 1e-12)
        pricer.divide(v, rng.choice(np.array(pricer.parts, dtype=object), 2), Budget())


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31), kind=st.sampled_from(KINDS), n=st.integers(1, 12), h=st.integers(1, 6),
    normals=st.integers(0, 3),
)  # fmt: skip
@example(seed=554, kind="gaussian", n=1, h=1, normals=0)  # a row of length 1.46 that pays more than there is
@example(seed=1, kind="integers", n=1, h=1, normals=0)
@example(seed=0, kind="integers", n=1, h=1, normals=3)
def test_any_parameters_give_a_bound(seed, kind, n, h, normals):
    rng = np.random.default_rng(seed)
    rows = rows_of(rng, kind, n, h)
    a, linear = rng.standard_normal(len(rows)), rng.standard_normal(h)
    side = Moments(rows)
    sides = rng.standard_normal((normals, h))
    sides /= np.linalg.norm(sides, axis=1, keepdims=True)
    for normal in sides:
        side = side.half(normal)
    side._weight = rng.uniform(0.0, 1.0, normals) * rng.choice([0.0, 1.0, 100.0])
    t = 2.0 * linear + a @ rows
    split = side._split(a, t)
    left = split.c * rng.uniform(0.0, 1.0, len(split.c))
    plan = rng.uniform(0.0, 1.0, split.plan.shape) * rng.choice([0.0, 1.0, 10.0])  # who pays too much is charged
    square = rng.standard_normal((h, h))
    side._U = square @ square.T * rng.choice([1e-162, 1e-12, 1.0])  # of the least the squares are no doubles
    bound = 0.5 * side._evaluated(split._replace(plan=plan, left=left), len(a))
    U = rng.standard_normal((2000, h))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    U = np.concatenate(
        [U, rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300), [t / (t @ t) ** 0.5]]
    )
    for V in (U, -U):
        V = V[(V @ sides.T >= 0.0).all(axis=1)]
        assert (V @ linear + np.maximum(V @ rows.T, 0.0) @ a).max(initial=0.0) <= bound * (1 + 1e-12)


@pytest.mark.parametrize("h", [1, 2])
@pytest.mark.parametrize("tiny", [1e-150, 1e-161, 1e-200, 1e-290])
@pytest.mark.parametrize("opposite", [-1.0, 0.0, 1.0])
@pytest.mark.parametrize("kind", [EnumeratedPricer, MomentPricer, SpherePricer, TransportPricer])
def test_what_is_tiny_beside_a_row_that_vanishes_has_a_bound(kind, h, tiny, opposite):
    """A dual vector may be large where the data are zero, or nearly; its squares elsewhere are no doubles."""
    rows = np.zeros((3, h))
    rows[0, 0] = 0.0 if h == 1 else tiny
    rows[1:, 0] = 1.0, -1.0
    # at u = (1, 0, ...) and its opposite f is tiny, and tiny times `opposite`
    v = np.array([1.0, tiny, opposite * tiny])
    problem = problem_of_rows(rows)
    pricer = (
        enumerated_pricer(problem, budget=Budget())
        if kind is EnumeratedPricer
        else kind(CellFactory(problem.architecture, problem.patches))
    )
    assert tiny <= pricer.price(v, floor=0.0, want=1, budget=Budget()).bound <= 5.0 * tiny


def test_coefficients_of_any_sizes_have_a_bound():
    """A row that is lighter than its square can say neither hides the others nor makes the bound infinite."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((4, 3))
    pricer = moment_pricer(problem_of_rows(rows))
    for light in (1e-100, 1e-162, 1e-200, 1e-300):
        for heavy in range(4):
            v = light * rng.standard_normal(4)
            v[heavy] = 1.0
            bound = pricer.price(v, floor=0.0, want=1, budget=Budget()).bound
            assert np.linalg.norm(rows[heavy]) <= bound <= 1.01 * np.linalg.norm(rows[heavy])


@pytest.mark.parametrize("h", [1, 4, 9])
def test_one_line_of_rows_has_its_own_length_as_the_bound(h):
    rng = np.random.default_rng(h)
    line = rng.standard_normal(h)
    problem = problem_of_rows(np.outer([1.0, -2.0, 0.5], line))
    v = np.array([1.0, -3.0, 2.0])
    exact = np.linalg.norm(line) * max(1.0 + 1.0, 6.0)
    assert moment_pricer(problem).price(v, floor=0.0, want=1, budget=Budget()).bound == pytest.approx(exact, rel=1e-3)


def test_steps_end_early_where_a_bound_is_enough_or_out_of_reach_and_only_there():
    rng = np.random.default_rng(3)
    rows, a = rng.standard_normal((40, 6)), rng.standard_normal(40)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)

    def bound(enough):
        return Moments(rows).bound(a, np.zeros(6), Budget(), 60, enough)

    whole = bound(-np.inf)
    assert whole < bound(0.5 * whole)
    assert whole < bound(1.05 * whole) <= 1.05 * whole


def test_the_largest_eigenvalue_is_bounded_from_above_and_closely():
    rng = np.random.default_rng(0)
    for h in (1, 3, 9, 12):
        for scale in (1e-200, 1.0, 1e100):
            square = scale * rng.standard_normal((h, h))
            Q = square + square.T
            top = max(float(np.linalg.eigvalsh(Q)[-1]), 0.0)
            assert top <= _largest(Q) <= top + 1e-11 * h * np.abs(Q).sum()
    assert _largest(np.zeros((4, 4))) == 0.0
    assert 0.0 <= _largest(-np.eye(4)) < 1e-11
    assert _largest(np.full((2, 2), np.nan)) == np.inf


def test_rows_that_pay_for_each_other_make_the_bound_close():
    """On images with filters of nine entries it is near what ascent finds, where row signs need thousands of nodes."""
    problem = Problem.from_dataset(
        load_dataset("digits", pool=1, selection="first", n=20), filter_size=3, stride=2, beta=0.5
    )
    rng = np.random.default_rng(0)
    v = problem.y + 0.1 * rng.standard_normal(problem.n)
    bound = moment_pricer(problem).price(v, floor=0.0, want=1, budget=Budget()).bound
    reached = brute_force_tau(problem, v, directions=4000)
    assert reached <= bound <= 1.4 * reached


@pytest.mark.slow
def test_parts_of_the_sphere_bring_the_bound_closer(monkeypatch):
    """On images with filters of nine entries; the objective is that of a network that column generation found."""
    problem = Problem.from_dataset(
        load_dataset("digits", pool=1, selection="first", n=20), filter_size=3, stride=2, beta=0.5
    )
    found, none = 1.1616939, np.zeros((0, problem.n))
    gaps = []
    for parts in (2, 8):
        monkeypatch.setattr(closing, "SETTINGS", replace(closing.SETTINGS, parts=parts))
        search = Closing(problem, make_pricer(problem, budget=Budget())[0])
        gaps.append(found - search.run(problem.y, none, found, 1e-9, nothing_known(problem), Budget()).value)
    assert 0.0 < gaps[1] < 0.7 * gaps[0]


def test_without_time_nothing_is_divided_and_no_bound_is_made_up():
    problem = long_filters(n=10)
    pricer = moment_pricer(problem)
    pricer.price(problem.y, floor=0.0, want=1, budget=Budget())
    flag = threading.Event()
    flag.set()
    pricer.divide(problem.y, pricer.parts, Budget(cancel=flag))
    assert len(pricer.parts) == 2
    assert pricer.price(problem.y, floor=0.0, want=1, budget=Budget(cancel=flag)).bound == np.inf


@pytest.mark.parametrize("exponent", [-700, 700])
def test_the_bound_scales_with_the_data(exponent):
    problem = patch_problem(0)
    v = problem.y
    plain = moment_pricer(problem).price(v, floor=0.0, want=1, budget=Budget()).bound
    scaled = moment_pricer(problem).price(np.ldexp(v, exponent), floor=0.0, want=1, budget=Budget()).bound
    assert np.ldexp(scaled, -exponent) == pytest.approx(plain, rel=1e-6)


@pytest.fixture
def few_parts(monkeypatch):
    """A search that ends after two divisions or so."""
    monkeypatch.setattr(closing, "SETTINGS", replace(closing.SETTINGS, parts=5, rounds=30))


@pytest.mark.parametrize("seed", few(range(4)))
@pytest.mark.parametrize("options", few([{}, {"bias": "output"}, {"loss": "absolute"}, {"loss": "logistic"}], 2))
def test_the_chosen_vector_has_a_bound_below_the_optimum_and_no_worse_than_scaling(seed, options, few_parts):
    problem = patch_problem(seed, n=7, K=2, h=3, beta=0.3)
    if options.get("loss") == "logistic":
        problem = Problem(problem.X, np.sign(problem.y), architecture=problem.architecture, beta=0.3, loss="logistic")
    elif "loss" in options:
        problem = Problem(problem.X, problem.y, architecture=problem.architecture, beta=0.3, loss="absolute")
    elif options:
        problem = Problem(problem.X, problem.y, filter_size=3, stride=3, beta=0.3, bias="output")
    exact = solve(problem, tol=1e-8)
    rng = np.random.default_rng(seed)
    v = problem.loss.feasible(exact.dual + 0.1 * rng.standard_normal(problem.size), problem.y)
    pricer = searched_pricer(problem)
    tau = moment_pricer(problem).price(v, floor=0.0, want=1, budget=Budget()).bound
    scaling = dual_bound(problem, pricer.factory, v, tau)
    upper = exact.network_objective
    best = Closing(problem, pricer).run(v, np.zeros((0, problem.size)), upper, 1e-9, nothing_known(problem), Budget())
    assert scaling.value <= best.value <= upper * (1 + 1e-9)
    assert best.value > 0.8 * upper
    assert true_price(problem, best.dual) <= best.tau <= problem.beta


@pytest.mark.parametrize("name", ["motifs3"])
def test_every_output_has_moments_of_its_own(name, few_parts):
    problem = Problem.from_dataset(load_dataset(name), filter_size=3, beta=0.2)
    exact = solve(problem, tol=1e-6)
    pricer = searched_pricer(problem)
    v = problem.loss.feasible(exact.dual, problem.y)
    upper = exact.network_objective
    best = Closing(problem, pricer).run(v, np.zeros((0, problem.size)), upper, 1e-6, nothing_known(problem), Budget())
    assert 0.5 * upper < best.value <= upper * (1 + 1e-9)


@pytest.mark.slow
def test_a_search_goes_on_where_it_was_cut_short_and_ends_like_one_that_was_not(few_parts):
    problem = long_filters(n=10)
    v, upper = problem.y, problem.loss.value(0.0 * problem.y, problem.y)
    nothing, none = nothing_known(problem), np.zeros((0, problem.n))
    whole = Closing(problem, make_pricer(problem, budget=Budget())[0])
    straight = whole.run(v, none, upper, 1e-9, nothing, Budget())
    assert not whole.pending

    class AfterSome:
        left = 40

        def is_set(self):
            self.left -= 1
            return self.left < 0

    parts = Closing(problem, make_pricer(problem, budget=Budget())[0])
    first = parts.run(v, none, upper, 1e-9, nothing, Budget(cancel=AfterSome()))
    assert parts.pending
    assert first.value < straight.value
    resumed = parts.run(v, none, upper, 1e-9, first, Budget())
    assert not parts.pending
    assert resumed.value == pytest.approx(straight.value, rel=1e-2)
    again = Closing(problem, make_pricer(problem, budget=Budget())[0]).run(v, none, upper, 1e-9, nothing, Budget())
    assert again.value == straight.value  # bit by bit


def test_a_cancelled_search_keeps_the_bound_that_was_known():
    problem = long_filters(n=10)
    flag = threading.Event()
    flag.set()
    known = nothing_known(problem)
    search = Closing(problem, make_pricer(problem, budget=Budget())[0])
    assert search.run(problem.y, np.zeros((0, 10)), 5.0, 1e-6, known, Budget(cancel=flag)) is known
    assert search.pending


def test_cones_that_converge_have_no_use_for_another_dual_vector():
    problem = long_filters(n=10)
    factory = CellFactory(problem.architecture, problem.patches)
    for pricer, converges in ((SpherePricer(factory), True), (TransportPricer(factory), False)):
        search = Closing(problem, pricer)
        budget = Budget(time_limit=1e4)
        assert search.needed(math.inf)
        assert search.needed(2.0 * problem.beta)
        assert search.first(budget).time_limit < 2e3
        assert search.needed(1.3 * problem.beta) is not converges
        assert (search.first(budget) is budget) is converges


@pytest.mark.parametrize("architecture", ["two-layer", "circular"])
def test_listed_cells_have_no_moments(architecture):
    problem = Problem.from_dataset(load_dataset("edge"), architecture=architecture)
    assert not Closing(problem, make_pricer(problem, budget=Budget())[0]).pending


@pytest.fixture
def short_proofs(monkeypatch):
    """Proofs by row signs that meet their own limit at once, as long ones do after ten seconds."""
    monkeypatch.setattr(transport, "SETTINGS", replace(transport.SETTINGS, products=2e6, first_nodes=4))


@pytest.mark.slow
def test_a_proof_that_is_not_over_leaves_a_close_global_bound(short_proofs):
    problem = Problem.from_dataset(
        load_dataset("digits", pool=1, selection="first", n=20), filter_size=3, stride=2, beta=0.5
    )
    messages = []
    solution = solve(problem, progress=lambda report: messages.append(report.message))
    assert solution.scope is Scope.GLOBAL
    assert solution.status is Status.ITERATION_LIMIT
    assert solution.relative_gap < 0.12
    assert brute_force_tau(problem, solution.dual) <= problem.beta
    assert any(message.startswith("bound on all patterns") for message in messages)


@pytest.mark.slow
def test_a_certificate_looks_for_a_better_dual_vector_too(short_proofs, monkeypatch):
    problem = long_filters()
    network = solve(Problem(problem.X, problem.y, architecture=problem.architecture, beta=1.3 * problem.beta)).network
    chosen = certify(problem, network)
    monkeypatch.setattr(closing, "SETTINGS", replace(closing.SETTINGS, parts=0, patience=0, settled=0))
    scaled = certify(problem, network)
    assert chosen.scope is scaled.scope is Scope.GLOBAL
    assert scaled.lower_bound < chosen.lower_bound <= 0.858063
    assert chosen.price <= problem.beta


@pytest.mark.slow
def test_against_the_clock_the_bound_comes_before_the_proof(ticking):
    ticking.tick = 4e-3
    problem = Problem.from_dataset(load_dataset("digits", pool=1, selection="first"), filter_size=3, stride=2)
    messages = []
    solution = solve(problem, time_limit=3.0, progress=lambda report: messages.append(report.message))
    assert solution.scope is Scope.GLOBAL
    assert solution.status is Status.TIME_LIMIT
    assert 0.0 < solution.lower_bound <= solution.network_objective
    assert any(message.startswith("bound on all patterns") for message in messages)


def test_a_hard_proof_by_row_signs_begins_with_the_bound_by_moments(short_proofs):
    problem = Problem.from_dataset(load_dataset("digits", pool=1, selection="first"), filter_size=3, stride=2)
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches), threads=1)
    price = pricer.price(problem.y, floor=problem.beta, want=5, budget=Budget(), prove=True)
    reached = brute_force_tau(problem, problem.y, directions=2000)
    assert reached <= price.bound <= 1.4 * reached


def test_too_many_rows_are_left_to_others(monkeypatch):
    problem = long_filters(n=10)
    monkeypatch.setattr(moments, "SETTINGS", replace(moments.SETTINGS, most_rows=10))
    assert not Closing(problem, make_pricer(problem, budget=Budget())[0]).pending
