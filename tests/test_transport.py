"""Branch and bound over row signs, with transport between rows, against enumeration, cones and directions."""

import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import brute_force_tau, patch_problem
from test_sphere import problem_of_rows, random_rows

from convex_core import Problem, Scope, Status, load_dataset, solve
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers.pricing import transport
from convex_core.solvers.pricing.sphere import SpherePricer, _Side
from convex_core.solvers.pricing.transport import TransportPricer, _Part
from convex_core.solvers.search import enumerated_pricer, make_pricer, searched_pricer


def transport_pricer(problem, threads=1):
    return TransportPricer(CellFactory(problem.architecture, problem.patches), threads=threads)


def long_filters(beta=0.5, **options):
    data = load_dataset("digits", pool=1, selection="first", n=options.pop("n", 20))
    return Problem.from_dataset(data, filter_size=options.pop("filter_size", 3), stride=3, beta=beta, **options)


def rows_of(rng, kind, n, h):
    if kind == "positive":
        return np.abs(rng.standard_normal((n, h)))
    if kind == "pairs":  # nearly parallel rows, at any distance
        rows = rng.standard_normal((max(1, n // 2), h))
        return np.concatenate([rows, rows + rng.choice([0.1, 1e-3, 1e-9]) * rng.standard_normal(rows.shape)])
    return random_rows(rng, kind, n, h)


def check_bound(seed, kind, n, h, share):
    """The bound is not below what is known to be reached, and not above it by more than was asked for."""
    rng = np.random.default_rng(seed)
    problem = problem_of_rows(rows_of(rng, kind, n, h))
    v = rng.standard_normal(problem.n) * rng.choice([0.0, 1.0, 1.0], problem.n)
    if seed % 5 == 0:
        v = rng.integers(-2, 3, problem.n).astype(float)
    budget = Budget()
    listed = enumerated_pricer(problem, budget=budget).price(v, floor=0.0, want=1, budget=budget)
    cones = SpherePricer(CellFactory(problem.architecture, problem.patches)).price(
        v, floor=0.0, want=1, budget=budget, prove=True
    )
    reached = max(listed.value.max(initial=0.0), cones.value.max(initial=0.0))
    price = transport_pricer(problem).price(v, floor=share * reached, want=5, budget=budget, prove=True, slack=1e-8)
    assert price.bound >= reached * (1 - 1e-12)
    assert price.bound <= max(reached, share * reached) * (1 + 1e-7) + 2 * price.rounding + 1e-300
    delivered = np.einsum("n,bnp,bp->b", v, price.columns.G, price.directions)
    assert delivered == pytest.approx(price.value, rel=1e-7, abs=1e-6 * max(reached, 1e-300))


KINDS = ["gaussian", "integers", "flat", "near", "positive", "pairs"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(KINDS), n=st.integers(1, 8), h=st.integers(1, 4))
def test_few_rows_have_the_bound_of_enumeration(seed, kind, n, h):
    check_bound(seed, kind, n, h, 0.0)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    kind=st.sampled_from(KINDS),
    n=st.integers(1, 10),
    h=st.integers(2, 9),
    share=st.sampled_from([0.0, 0.5, 0.999, 1 - 1e-9, 1.0, 1.2]),
)
def test_the_bound_equals_enumeration_for_long_filters(seed, kind, n, h, share):
    check_bound(seed, kind, n, h, share)


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), h=st.integers(2, 9), nodes=st.integers(1, 40), products=st.sampled_from([1.0, 1e6]))
def test_stopping_at_any_node_keeps_the_bound_sound(seed, h, nodes, products):
    rng = np.random.default_rng(seed)
    problem = problem_of_rows(rng.standard_normal((40, h)))
    v = rng.standard_normal(problem.n)
    pricer = transport_pricer(problem)
    before = transport.SETTINGS
    try:
        transport.SETTINGS = replace(before, first_nodes=nodes, products=products, most_nodes=nodes)
        pricer._products = products
        price = pricer.price(v, floor=0.0, want=5, budget=Budget(), prove=True)
    finally:
        transport.SETTINGS = before
    assert np.isfinite(price.bound)
    assert max(brute_force_tau(problem, v, directions=2000), price.value.max()) <= price.bound * (1 + 1e-12)
    assert price.stopped in (None, Status.ITERATION_LIMIT)


@pytest.mark.parametrize("h", [2, 5, 9])
def test_the_plan_pays_with_what_there_is_and_residuals_are_shorter_than_rows(h):
    rng = np.random.default_rng(h)
    rows = np.abs(rng.standard_normal((60, h)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    a = rng.standard_normal(60)
    part = _Part(_Side(1, rows, a, np.zeros(h)), None)
    paid = np.bincount(part.partner.ravel(), part.plan.ravel(), len(part.c))
    assert part.plan.min() >= 0.0
    assert np.all(paid <= part.c * (1 + 1e-12))
    residuals = part.a[:, None] * part.X - np.einsum("ik,ikh->ih", part.plan, part.Y[part.partner])
    assert np.linalg.norm(residuals, axis=1).sum() < 0.8 * part.a.sum()
    again = _Part(part.side, part.pairs())  # the plan of the last proof is where the next one begins
    closer = again.a[:, None] * again.X - np.einsum("ik,ikh->ih", again.plan, again.Y[again.partner])
    assert np.linalg.norm(closer, axis=1).sum() <= np.linalg.norm(residuals, axis=1).sum() * (1 + 1e-3)


def test_one_and_two_threads_give_the_same_result():
    problem = long_filters(n=10)
    one, two = (
        transport_pricer(problem, threads=k).price(problem.y, floor=0.5, want=20, budget=Budget(), prove=True)
        for k in (1, 2)
    )
    assert one.bound == two.bound
    assert np.array_equal(one.directions, two.directions)


def test_a_cancelled_search_keeps_a_sound_bound():
    problem = patch_problem(0)
    flag = threading.Event()
    flag.set()
    price = transport_pricer(problem).price(problem.y, floor=1e-3, want=5, budget=Budget(cancel=flag), prove=True)
    assert brute_force_tau(problem, problem.y, directions=500) <= price.bound < np.inf
    assert price.stopped is Status.CANCELLED


def test_a_zero_dual_vector_has_the_price_zero():
    problem = patch_problem(0)
    price = transport_pricer(problem).price(np.zeros(problem.n), floor=0.0, want=5, budget=Budget(), prove=True)
    assert price.bound == 0.0


def test_filters_of_nine_entries_are_certified_by_themselves():
    problem = long_filters()
    solution = solve(problem, tol=1e-6)
    assert (solution.status, solution.scope, solution.method) == (Status.OPTIMAL, Scope.GLOBAL, "branch-and-bound")
    assert solution.network_objective == pytest.approx(0.858062, rel=1e-5)
    assert brute_force_tau(problem, solution.dual) <= problem.beta * (1 + 1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{"activation": "leaky"}, {"activation": "absolute"}, {"bias": "regularised", "filter_size": (3, 2)}]
)
def test_every_additive_network_has_the_bound_of_cones(options):
    problem = long_filters(n=6, **{"filter_size": (2, 3), **options})
    rng = np.random.default_rng(0)
    for v in (problem.y, rng.standard_normal(problem.n)):
        prices = [
            kind(CellFactory(problem.architecture, problem.patches)).price(
                v, floor=0.0, want=5, budget=Budget(), prove=True, slack=1e-6
            )
            for kind in (TransportPricer, SpherePricer)
        ]
        assert prices[0].bound == pytest.approx(prices[1].bound, rel=1e-5)
        assert prices[0].value.max() == pytest.approx(prices[1].value.max(), rel=1e-5)


def test_the_choice_goes_by_rows_and_entries():
    assert isinstance(searched_pricer(long_filters()), TransportPricer)
    assert type(make_pricer(long_filters(), budget=Budget())[0]) is TransportPricer
    many = Problem.from_dataset(load_dataset("digits", pool=1), filter_size=(3, 2), stride=1)
    assert type(searched_pricer(many)) is SpherePricer
    assert type(searched_pricer(Problem.from_dataset(load_dataset("digits")))) is SpherePricer
    assert solve(Problem.from_dataset(load_dataset("talk"))).method == "column-generation"  # a list is quicker


@pytest.mark.slow
def test_without_enough_time_the_bound_is_global_and_honest(ticking):
    ticking.tick = 4e-3
    problem = Problem.from_dataset(load_dataset("digits", pool=1, selection="first"), filter_size=3, stride=2)
    solution = solve(problem, time_limit=1.5)
    assert solution.scope is Scope.GLOBAL
    assert 0.0 < solution.lower_bound <= solution.network_objective < 1.2
    assert solution.status is Status.TIME_LIMIT
