"""Branch and bound over directions against exact enumeration; its bounds hold whatever stops it."""

import threading
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from few_cases import few
from hypothesis import example, given, settings
from hypothesis import strategies as st
from problem_cases import brute_force_tau, patch_problem

from convex_core import Problem, Scope, Status, TwoLayerCNN, load_dataset, patch_geometry, solve
from convex_core.benchmark.cases import CASES
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers.column_generation import generate_columns
from convex_core.solvers.pricing import sphere
from convex_core.solvers.pricing.cone_search import ConeSearch, search_cones
from convex_core.solvers.pricing.enumerated import spread
from convex_core.solvers.pricing.sphere import SpherePricer, _Side, _surroundings, _thinned
from convex_core.solvers.pricing.transport import TransportPricer
from convex_core.solvers.search import enumerated_pricer, searched_pricer


def problem_of_rows(rows):
    """A fully connected problem whose hyperplanes are the rows."""
    return Problem(
        rows, np.ones(len(rows)), architecture=TwoLayerCNN(patch_geometry((rows.shape[1],), rows.shape[1])), beta=1.0
    )


def random_rows(rng, kind, n, h):
    if kind == "gaussian":
        return rng.standard_normal((n, h))
    if kind == "integers":  # zero, parallel and dependent rows
        return rng.integers(-2, 3, (n, h)).astype(float)
    if kind == "flat":  # rank below h
        return rng.standard_normal((n, max(1, h - 1))) @ rng.standard_normal((max(1, h - 1), h))
    rows = rng.standard_normal((n, h))  # nearly parallel rows
    return np.concatenate([rows, rows + 1e-7 * rng.standard_normal((n, h))])


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    kind=st.sampled_from(["gaussian", "integers", "flat", "near"]),
    n=st.integers(1, 12),
    h=st.integers(1, 5),
)
@example(seed=8011, kind="near", n=1, h=2)  # a projection 1e-10 times as long as what is projected
def test_bound_equals_enumeration(seed, kind, n, h):
    rng = np.random.default_rng(seed)
    problem = problem_of_rows(random_rows(rng, kind, n, h))
    v = rng.standard_normal(problem.n) * rng.choice([0.0, 1.0, 1.0], problem.n)
    budget = Budget()
    listed = enumerated_pricer(problem, budget=budget).price(v, floor=0.0, want=1, budget=budget)
    exact = listed.bound - listed.rounding
    searched = searched_pricer(problem).price(v, floor=0.0, want=5, budget=budget, prove=True)
    assert searched.bound >= exact * (1 - 1e-12)
    assert searched.bound <= exact * (1 + 1e-6) + 1e-12
    if exact > 0:
        assert searched.value.max() >= exact * (1 - 1e-6)
        # what a column promises is what its block delivers
        delivered = np.einsum("n,bnp,bp->b", v, searched.columns.G, searched.directions)
        assert delivered == pytest.approx(searched.value, rel=1e-7, abs=1e-6 * exact)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), nodes=st.integers(1, 50), h=st.integers(2, 4), halted=st.booleans())
def test_stopping_at_any_node_keeps_the_bound_sound(seed, nodes, h, halted):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((30, h))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    a, linear = rng.standard_normal(30), rng.standard_normal(h)
    U = rng.standard_normal((4000, h))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    values = np.maximum(U @ rows.T, 0.0) @ a + U @ linear
    for corner in product((1.0, -1.0), repeat=h):
        found, value = np.zeros((8, h)), np.zeros(8)
        bound, best, count, used = ConeSearch(rows, a, linear).run(
            np.diag(corner), 0.0, 1e-9, found, value, np.inf, nodes, np.array([halted])
        )
        inside = (U * np.array(corner) >= 0).all(axis=1)
        assert used <= (1 if halted else nodes)
        assert count == 0
        assert bound >= values[inside].max(initial=0.0) - 1e-12
        assert best <= bound + 1e-12


@pytest.mark.slow
@pytest.mark.parametrize(("name", "nearby"), [("edge", False), ("motifs", True), ("bars", False), ("patterns2d", True)])
def test_solutions_equal_those_over_listed_patterns(name, nearby, monkeypatch):
    if nearby:
        monkeypatch.setattr(sphere, "SETTINGS", replace(sphere.SETTINGS, many=-1))
    problem = Problem.from_dataset(load_dataset(name))
    listed = solve(problem, method="column-generation", tol=1e-7)
    searched = solve(problem, method="branch-and-bound", tol=1e-7)
    assert searched.status is listed.status is Status.OPTIMAL
    assert searched.scope is Scope.GLOBAL
    assert searched.objective == pytest.approx(listed.objective, rel=2e-7)
    assert searched.patterns == listed.patterns
    assert brute_force_tau(problem, searched.dual) <= problem.beta * (1 + 1e-9)


def test_one_and_two_threads_give_the_same_result():
    problem = Problem.from_dataset(load_dataset("digits"))
    factory = CellFactory(problem.architecture, problem.patches)
    one, two = (
        SpherePricer(factory, threads=k).price(problem.y, floor=0.5, want=20, budget=Budget(), prove=True)
        for k in (1, 2)
    )
    assert one.bound == two.bound
    assert np.array_equal(one.directions, two.directions)
    assert np.array_equal(one.columns.active, two.columns.active)


def test_the_surroundings_of_ends_are_searched_after_expensive_proofs(monkeypatch):
    problem = Problem.from_dataset(load_dataset("digits"), beta=0.5)
    factory = CellFactory(problem.architecture, problem.patches)
    rested = SpherePricer(factory).price(problem.y, floor=0.5, want=20, budget=Budget())
    hurried = SpherePricer(factory).price(problem.y, floor=0.5, want=20, budget=Budget(time_limit=60.0))
    assert hurried.value.max() >= rested.value.max()  # nor before the first one, which may take all the time there is
    monkeypatch.setattr(sphere, "SETTINGS", replace(sphere.SETTINGS, many=-1))  # as if every proof were
    nearby = [
        SpherePricer(factory, threads=k).price(problem.y, floor=0.5, want=20, budget=Budget(), prove=True)
        for k in (1, 2)
    ]
    assert rested.value.max() <= nearby[0].value.max() <= nearby[0].bound
    assert np.array_equal(nearby[0].directions, nearby[1].directions)
    assert np.array_equal(np.sort(nearby[0].value)[::-1], nearby[0].value)


def test_nobody_is_told_to_stop_before_the_surroundings_of_ends_are_searched(monkeypatch):
    """Ascents end first: what told them to stop is not what tells the searches."""
    problem = Problem.from_dataset(load_dataset("digits"), beta=0.5)
    factory = CellFactory(problem.architecture, problem.patches)
    floor = 0.995 * SpherePricer(factory).price(problem.y, floor=0.5, want=20, budget=Budget()).value.max()
    searched, search = [], sphere.search_cones

    def told(*arguments):
        searched.append(not arguments[-1][0])
        return search(*arguments)

    monkeypatch.setattr(sphere, "search_cones", told)
    SpherePricer(factory).explore(problem.y, floor=floor, want=20, budget=Budget())
    assert searched
    assert all(searched)


@pytest.mark.parametrize(("h", "n", "more"), [(5, 900, True), (5, 700, False), (4, 900, False)])
def test_before_proofs_that_take_long_there_are_more_ascents(h, n, more, monkeypatch):
    """By cones a proof takes long with many rows of more than four entries."""
    problem = problem_of_rows(np.random.default_rng(0).standard_normal((n, h)))
    improved, ascend = [], _Side.ascend
    monkeypatch.setattr(_Side, "ascend", lambda side, U, *rest: improved.append(len(U)) or ascend(side, U, *rest))
    pricer = SpherePricer(CellFactory(problem.architecture, problem.patches))
    pricer.explore(problem.y, floor=1e9, want=1, budget=Budget())
    assert (max(improved) > sphere.SETTINGS.few.kept) is more
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    improved.clear()
    pricer.explore(problem.y, floor=1e9, want=1, budget=Budget())
    assert max(improved) <= sphere.SETTINGS.few.kept


@pytest.mark.parametrize("seed", few(range(6), 2))
def test_before_proofs_that_take_long_wide_surroundings_of_ends_are_searched(seed, monkeypatch):
    """Without ascents that lead there, what they miss is found beside the few ends there are, and proved to be all."""
    problem = patch_problem(seed, n=8, K=2, h=5)
    few_ascents = sphere.Ascents(starts=(1, 1), kept=1, wide=True)
    monkeypatch.setattr(sphere, "SETTINGS", replace(sphere.SETTINGS, thorough_rows=0, thorough=few_ascents))
    factory = CellFactory(problem.architecture, problem.patches)
    highest = enumerated_pricer(problem, budget=Budget()).price(
        problem.y, floor=0.0, want=20, budget=Budget(), prove=True, slack=1e-9
    ).bound  # fmt: skip
    pricer, around = SpherePricer(factory), []
    search = pricer._search_near
    monkeypatch.setattr(
        pricer, "_search_near", lambda *args, **how: (around.append(how["around"]), search(*args, **how))[1]
    )
    floor = 1e-3
    found = pricer.price(problem.y, floor=floor, want=20, budget=Budget(), slack=1e-6)
    while found.bound == np.inf:  # no proof yet: something higher was found
        assert floor < found.value.max() <= highest * (1.0 + 1e-9)
        floor = float(found.value.max())
        found = pricer.price(problem.y, floor=floor, want=20, budget=Budget(), slack=1e-6)
    assert sphere.SETTINGS.wide in around
    assert highest * (1.0 - 1e-9) <= found.bound <= highest * (1.0 + 1e-5)


def staired(monkeypatch, problem):
    """A pricer by cones that never finds a proof quick, and the accuracies that it proves."""
    monkeypatch.setattr(sphere, "SETTINGS", replace(sphere.SETTINGS, very_quick=0.0, well_known=0.0))
    pricer = SpherePricer(CellFactory(problem.architecture, problem.patches), threads=1)
    asked, prove = [], pricer._prove
    monkeypatch.setattr(pricer, "_prove", lambda sides, known, step, budget: (
        asked.append(step) or prove(sides, known, step, budget)
    ))  # fmt: skip
    return pricer, asked


def test_against_the_clock_proofs_with_long_filters_go_down_a_stair(monkeypatch):
    rng = np.random.default_rng(3)
    problem = problem_of_rows(rng.standard_normal((10, 6)))
    pricer, asked = staired(monkeypatch, problem)
    for v in (problem.y, rng.standard_normal(10)):
        listed = enumerated_pricer(problem, budget=Budget()).price(v, floor=0.0, want=1, budget=Budget())
        exact = listed.bound - listed.rounding
        asked.clear()
        price = pricer.price(v, floor=0.0, want=1, budget=Budget(time_limit=1e4), slack=1e-6, prove=True)
        assert asked == [*sphere.SETTINGS.stairs, 1e-6]
        assert exact * (1 - 1e-12) <= price.bound <= exact * (1 + 1e-5)
    asked.clear()
    pricer.price(problem.y, floor=0.0, want=1, budget=Budget(), slack=1e-6, prove=True)
    assert asked == [1e-6]


@pytest.mark.parametrize(("excess", "ends"), [(0.2, 0.3), (0.02, 0.03), (1e-3, 2e-3), (1e-6, 1e-6)])
def test_a_stair_ends_where_a_direction_is_high_for_its_step(excess, ends, monkeypatch):
    problem = problem_of_rows(np.random.default_rng(3).standard_normal((10, 6)))
    pricer, asked = staired(monkeypatch, problem)
    a, linear = pricer.factory.ridge(problem.y)
    side = _Side(1, pricer.factory.rows, a, linear)
    side.found_value = np.array([1.0 + excess])
    monkeypatch.setattr(pricer, "_prove", lambda sides, known, step, budget: asked.append(step) or known * (1.0 + step))
    assert pricer._bounded([side], 1.0, 1e-6, Budget(time_limit=1e4), False) == 1.0 + ends
    assert asked[-1] == ends
    side.found_value = np.zeros(0)
    asked.clear()
    pricer._bounded([side], 1.0, 1e-6, Budget(time_limit=1e4), False)
    assert asked == [step for step in (*sphere.SETTINGS.stairs, 1e-6) if step < ends or step == 1e-6]


def test_after_a_fine_proof_that_was_over_no_coarse_one_comes_before_the_next(monkeypatch):
    problem = problem_of_rows(np.random.default_rng(3).standard_normal((10, 4)))
    pricer, asked = staired(monkeypatch, problem)
    monkeypatch.setattr(sphere, "SETTINGS", replace(sphere.SETTINGS, quick=0.0, well_known=0.3))
    for expected in ([*sphere.SETTINGS.coarse, 1e-6], [1e-6]):
        asked.clear()
        pricer.price(problem.y, floor=0.0, want=1, budget=Budget(time_limit=1e4), slack=1e-6, prove=True)
        assert asked == expected


def test_a_cancelled_search_keeps_a_sound_bound():
    problem = patch_problem(0)
    flag = threading.Event()
    flag.set()
    price = searched_pricer(problem).price(problem.y, floor=1e-3, want=5, budget=Budget(cancel=flag), prove=True)
    assert brute_force_tau(problem, problem.y, directions=500) <= price.bound < np.inf
    assert price.stopped is Status.CANCELLED


def test_long_filters_are_listed_instead():
    problem = Problem.from_dataset(load_dataset("talk"))  # h = 10
    assert solve(problem).method == "column-generation"
    assert solve(Problem.from_dataset(load_dataset("digits")), tol=1e-4).method == "branch-and-bound"


@pytest.mark.parametrize("h", range(1, 7))
def test_a_cone_holds_the_surroundings_of_its_centre(h):
    rng = np.random.default_rng(h)
    radius = 0.02
    U = rng.standard_normal((20, h))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    for u, vertices in zip(U, _surroundings(U, radius), strict=True):
        assert np.linalg.norm(vertices, axis=1) == pytest.approx(np.ones(h))
        assert (vertices @ vertices.T).min() > 0.0  # branch and bound asks for angles of at most 90 degrees
        away = rng.standard_normal((200, h))
        away -= np.outer(away @ u, u)
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-300)
        inside = np.cos(radius) * u + (np.sin(radius) * away if h > 1 else 0.0)
        assert np.linalg.solve(vertices.T, inside.T).min() >= -1e-10


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), h=st.integers(2, 4), share=st.sampled_from([0.3, 0.9, 1.5]))
def test_small_cones_are_searched_for_values_above_those_known(seed, h, share):
    rng = np.random.default_rng(seed)
    rows, a, linear = rng.standard_normal((30, h)), rng.standard_normal(30), rng.standard_normal(h)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    U = rng.standard_normal((5, h))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    cones = _surroundings(U, 0.1)
    inside = rng.dirichlet(np.ones(h), (5, 400)) @ cones
    inside /= np.linalg.norm(inside, axis=2, keepdims=True)
    value = inside @ linear + np.maximum(inside @ rows.T, 0.0) @ a
    known = share * np.maximum(value.max(axis=1), 0.01)
    halt = np.zeros(1, dtype=bool)
    better, found = search_cones(rows, a, linear, cones, known, 1e-8, 100_000, halt)
    halt[0] = True
    assert not search_cones(rows, a, linear, cones, known, 1e-8, 100_000, halt)[1].any()
    for i in range(5):
        if found[i] == 0.0:  # nothing but what is known
            assert value[i].max() <= known[i] * (1 + 2e-8)
            continue
        assert found[i] > known[i]
        assert found[i] >= value[i].max() * (1 - 1e-7)
        assert found[i] == pytest.approx(better[i] @ linear + np.maximum(better[i] @ rows.T, 0.0) @ a, rel=1e-12)
        assert np.linalg.norm(better[i]) == pytest.approx(1.0)
        assert np.linalg.solve(cones[i].T, better[i]).min() >= -1e-9


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**31), m=st.integers(0, 60), want=st.integers(0, 20), signed=st.booleans())
def test_what_is_kept_apart_is_the_best_of_its_copies(seed, m, want, signed):
    rng = np.random.default_rng(seed)
    U, value = rng.standard_normal((m, 3)), rng.integers(0, 10, m).astype(float)
    sign = rng.choice(np.array([-1, 1], np.int8), m) if signed else None
    kept = spread(U, value, want, sign=sign, near=0.7)
    unit = U / np.linalg.norm(U, axis=1, keepdims=True)
    copies = unit @ unit.T > 0.7
    if sign is not None:
        copies &= sign[:, None] == sign
    assert len(kept) <= want
    assert np.all(np.diff(value[kept]) <= 0.0)
    assert copies[np.ix_(kept, kept)].sum() == len(kept)
    if len(kept) < want:  # whatever was left out is a copy of one that is no worse
        for i in set(range(m)) - set(kept.tolist()):
            assert (copies[i, kept] & (value[kept] >= value[i])).any()


@pytest.mark.parametrize("h", few([3, 1, 2, 4], 3))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), capacity=st.sampled_from([4, 4000]))
def test_directions_told_have_their_values_and_are_told_once(seed, h, capacity):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((20, h))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    a, linear = rng.standard_normal(20), rng.standard_normal(h)
    for corner in product((1.0, -1.0), repeat=h):
        found, value = np.zeros((capacity, h)), np.zeros(capacity)
        bound, best, count, nodes = ConeSearch(rows, a, linear).run(
            np.diag(corner), 0.0, 1e-9, found, value, 0.0, 10_000, np.zeros(1, bool)
        )
        found, value = found[: min(count, capacity)], value[: min(count, capacity)]
        assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(found)))
        assert value == pytest.approx(np.maximum(found @ rows.T, 0.0) @ a + found @ linear, abs=1e-10)
        assert value.max(initial=0.0) <= bound * (1 + 1e-12)
        if count <= capacity:
            assert value.max(initial=0.0) == pytest.approx(best, rel=1e-12)
        # a vertex is told once, not by every cone it belongs to, and each cone has one more place to look at
        assert count <= h + nodes + (nodes - 1) // 2


def test_a_full_list_keeps_larger_values_in_place_of_smaller_ones():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    a = rng.standard_normal(200)

    def told(capacity):
        found, value = np.zeros((capacity, 3)), np.zeros(capacity)
        count = ConeSearch(rows, a, np.zeros(3)).run(
            np.eye(3), 0.0, 1e-6, found, value, 0.0, 10_000, np.zeros(1, bool)
        )[2]
        return count, value

    count, every = told(10_000)
    again, few = told(4)
    assert again == count > 4
    # each of the 4 places holds the largest of the values that came to it
    assert few == pytest.approx([every[:count][i::4].max() for i in range(4)], rel=1e-15)


def test_a_search_whose_lists_grow_on_the_way_goes_on_where_it_was():
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((1200, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    search = ConeSearch(rows, rng.standard_normal(1200), rng.standard_normal(3))
    place = len(search.rows)

    def answer():
        found, value = np.zeros((32, 3)), np.zeros(32)
        told = search.run(np.eye(3), 0.0, 1e-6, found, value, 0.0, 10_000, np.zeros(1, bool))
        return told, found.tolist(), value.tolist()

    first = answer()
    assert len(search.rows) > place
    assert first[0][3] > 10
    assert answer() == first  # now there is room from the beginning


def test_starts_are_thinned_to_the_best_of_each_cell_of_a_grid():
    rng = np.random.default_rng(0)
    U = rng.standard_normal((5000, 3))
    U /= np.linalg.norm(U, axis=1, keepdims=True)
    U = np.concatenate([U, U + 1e-7])
    value = rng.random(10_000)
    kept = _thinned(U, value, 1000)
    assert len(kept) == 1000
    assert np.array_equal(kept[0], U[value.argmax()])
    cells = np.round(sphere.SETTINGS.grid * kept)
    assert len(np.unique(cells, axis=0)) == len(kept)
    assert len(_thinned(U[:0], value[:0], 1000)) == 0


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("h", range(1, 6))
def test_the_half_that_is_searched_holds_the_maximum(h, flat):
    rng = np.random.default_rng(h)
    rows = rng.standard_normal((15, h))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    a = rng.standard_normal(15)
    side = _Side(1, rows, a, -0.5 * a @ rows if flat else rng.standard_normal(h))
    U = rng.standard_normal((500, h))
    difference = side.respond(U) - side.respond(-U)
    assert difference == pytest.approx(U @ side.tilt, abs=1e-10)
    if flat:
        assert difference == pytest.approx(np.zeros(500), abs=1e-10)
    roots = side.roots()
    assert len(roots) == 2 ** (h - 1)
    inside = np.stack([np.linalg.solve(root.T, U.T).min(axis=0) >= 0.0 for root in roots])
    higher = difference > 1e-9
    assert (inside.sum(axis=0)[higher] == 1).all()  # the roots do not overlap
    assert not inside[:, difference < -1e-9].any()
    for root in roots:
        assert root @ root.T == pytest.approx(np.eye(h), abs=1e-12)


def test_opposites_of_good_directions_are_columns_too():
    problem = Problem.from_dataset(load_dataset("digits"))
    price = searched_pricer(problem).price(problem.y, floor=0.1, want=200, budget=Budget(), prove=True)
    factory = CellFactory(problem.architecture, problem.patches)
    a, linear = factory.ridge(problem.y)
    sign = price.columns.sign
    responses = sign * (np.maximum(price.directions @ factory.rows.T, 0.0) @ a + price.directions @ linear)
    assert price.value == pytest.approx(responses, rel=1e-9)
    tilts = sign * (price.directions @ (2.0 * linear + a @ factory.rows))
    assert (tilts > 0.0).any()
    assert (tilts < 0.0).any()


def wide_problem(seed, n=400, h=9):
    rng = np.random.default_rng(seed)
    return Problem(
        rng.standard_normal((n, h)), rng.standard_normal(n), architecture=TwoLayerCNN(patch_geometry((h,), h)), beta=1.0
    )


def explored(problem, hops, floor=1e-3, calls=6):
    """The highest value that so many explorations find, and the directions of the last one."""
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    pricer._ascents = replace(pricer._ascents, hops=hops)
    prices = [pricer.explore(problem.y, floor=floor, want=20, budget=Budget()) for _ in range(calls)]
    return max(price.value.max(initial=0.0) for price in prices), prices[-1].directions


@pytest.mark.parametrize("floor", [0.0, 1e-3])
@pytest.mark.parametrize("seed", few(range(4), 1))
def test_with_long_filters_what_ascents_miss_is_a_turn_away_from_their_ends(seed, floor):
    problem = wide_problem(seed)
    hops = sphere.SETTINGS.some.hops
    found, directions = explored(problem, hops, floor)
    assert found > explored(problem, None, floor)[0] * (1.0 + 5e-4)
    again, same = explored(problem, hops, floor)
    assert found == again
    assert np.array_equal(directions, same)


def test_a_solution_by_ascents_with_long_filters_is_as_good_as_the_best_one_known():
    """Found by an independent search from 1,500 ends for each sign, each turned 15 times, until no price was above."""
    problem = CASES["digits-3x3-2"].make().problem
    pricer = searched_pricer(problem)
    run = generate_columns(problem, Explorer(pricer), tol=1e-9, budget=Budget(max_rounds=40))
    assert run.upper == pytest.approx(1.160646, rel=2e-5)


class Explorer:
    """A pricer that explores, six times over where it finds nothing, and never proves."""

    scope, listed_count = Scope.GLOBAL, None

    def __init__(self, pricer):
        self.pricer, self.factory = pricer, pricer.factory

    def price(self, v, *, floor, want, budget, slack=0.0, prove=False):
        for _ in range(6):
            price = self.pricer.explore(v, floor=floor * (1.0 + 1e-6), want=want, budget=budget)
            if len(price.value):
                break
        return price


def test_against_the_clock_hops_take_no_longer_than_one_price():
    problem = wide_problem(0)
    factory = CellFactory(problem.architecture, problem.patches)
    turned = []

    def spent(seconds):
        pricer = TransportPricer(factory)
        pricer._hopping = seconds
        pricer._hop = lambda *args: turned.append(seconds)
        pricer.explore(problem.y, floor=1e-3, want=20, budget=Budget(time_limit=1e4))
        return pricer

    assert spent(9e3)._hopping > 9e3
    assert spent(2e4)._hopping == 2e4
    assert set(turned) == {9e3}


def test_many_rows_leave_room_for_few_turns(monkeypatch):
    problem = wide_problem(0, n=50)
    improved, ascend = [], _Side.ascend
    monkeypatch.setattr(_Side, "ascend", lambda side, U, *rest: improved.append(len(U)) or ascend(side, U, *rest))
    monkeypatch.setattr(sphere, "SETTINGS", replace(sphere.SETTINGS, start_products=50 * 30))
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    for _ in range(3):
        pricer.explore(problem.y, floor=1e-3, want=20, budget=Budget())
    assert max(improved) <= max(2 * 30, sphere.SETTINGS.some.kept)
