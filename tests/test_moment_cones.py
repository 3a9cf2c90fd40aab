"""Cones of directions that bounds by moments close, and what they leave open."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import patch_problem

from convex_core import Problem, load_dataset, solve
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers.closing import SETTINGS as CLOSING
from convex_core.solvers.closing import Closing
from convex_core.solvers.dual_bound import DualBound, dual_bound, relative_gap
from convex_core.solvers.pricing import moment_cones
from convex_core.solvers.pricing.cone_search import ConeSearch
from convex_core.solvers.pricing.moment_cones import close_cones
from convex_core.solvers.pricing.sphere import SpherePricer, _Side
from convex_core.solvers.pricing.transport import TransportPricer


def sides_of(problem, v):
    factory = CellFactory(problem.architecture, problem.patches)
    a, linear = factory.ridge(v)
    return [_Side(sign, factory.rows, sign * a, sign * linear) for sign in (1, -1)]


def true_price(problem, v):
    pricer = SpherePricer(CellFactory(problem.architecture, problem.patches))
    return pricer.price(v, floor=0.0, want=1, budget=Budget(), prove=True, slack=1e-9)


def closed(sides, targets, budget=None, told=lambda *_: None):
    with ThreadPoolExecutor(2) as pool:
        return close_cones(sides, targets, budget or Budget(time_limit=600.0), pool, 1e-6, told)


def some_problem(seed, n, h):
    rng = np.random.default_rng(seed)
    return patch_problem(seed, n=n, K=3, h=h, beta=1.0), rng.standard_normal(n)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(3, 8), h=st.integers(2, 6), share=st.sampled_from([0.6, 0.95, 1.05]))
def test_every_direction_above_the_target_is_in_a_cone_that_is_left(seed, n, h, share):
    problem, v = some_problem(seed, n, h)
    sides = sides_of(problem, v)
    price = true_price(problem, v)
    target = share * price.bound
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moment_cones, "SETTINGS", replace(moment_cones.SETTINGS, small=0.0, cuts=6, open=1.0))
        told = []
        reached, left = closed(sides, [target], told=lambda *what: told.append(what))
    assert reached == target
    assert min(bound for *_, bound in told) >= max(target, price.value.max(initial=0.0)) * (1.0 - 1e-12)
    rng = np.random.default_rng(seed)
    for side in sides:
        U = rng.standard_normal((4000, h))
        U /= np.linalg.norm(U, axis=1, keepdims=True)
        side.ascend(U, 0.0, Budget())
        U = np.concatenate([side.U, -side.U])
        U = U[(U @ side.tilt >= 0.0)]
        value = side.respond(U)
        covered = np.zeros(len(U), bool)
        for cone in (one for one in left if one.side is side):
            inside = (np.linalg.solve(cone.cone.vertices[0].T, U.T) >= -1e-9).all(axis=0)
            assert value[inside].max(initial=0.0) <= cone.cone.highest * (1.0 + 1e-12)
            covered |= inside
        assert covered[value > target * (1.0 + 1e-9)].all()


@pytest.mark.parametrize("share", [0.9, 1.001])
def test_what_is_closed_and_what_is_searched_one_by_one_make_a_close_bound(share):
    problem, v = some_problem(4, 6, 6)
    true = true_price(problem, v).value.max()
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    bound = pricer.prove_in_time(v, floor=share * true, budget=Budget(time_limit=600.0))
    assert true * (1.0 - 1e-9) <= bound <= max(share, 1.0) * true * (1.0 + 1e-4)


def test_many_cones_of_a_long_filter_are_closed_at_once():
    data = load_dataset("digits", pool=1, selection="first", n=12)
    problem = Problem.from_dataset(data, filter_size=3, stride=3, beta=0.5)
    v = 0.05 * problem.y
    sides = sides_of(problem, v)
    true = true_price(problem, v).value.max()
    waves = []
    target, left = closed(sides, [1.05 * true], told=lambda *what: waves.append(what))
    assert target == 1.05 * true
    assert waves[0][0] == 0
    roots = sum(len(side.roots()) for side in sides)
    assert waves[0][1] < 0.5 * roots  # more than half of them by their first bound
    assert all(cone.expected >= 1.0 for cone in left)


def test_when_the_time_is_over_all_of_it_is_left_with_the_bound_of_the_whole_sphere(monkeypatch):
    monkeypatch.setattr(moment_cones, "SETTINGS", replace(moment_cones.SETTINGS, share=0.0, open=1.0))
    problem, v = some_problem(4, 6, 5)
    sides = sides_of(problem, v)
    true = true_price(problem, v).value.max()
    _, left = closed(sides, [0.1 * true])
    assert len(left) == sum(len(side.roots()) for side in sides)
    assert true * (1.0 - 1e-9) <= max(cone.cone.highest for cone in left) < np.inf
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    assert pricer.prove_in_time(v, floor=0.1 * true, budget=Budget(time_limit=1e-9)) >= true


@pytest.mark.parametrize("end", [{"memory": 0}, {"open": 0.0}, {"begin": 0.0}])
def test_where_there_is_no_hope_nothing_is_proved(end, monkeypatch):
    problem, v = some_problem(4, 6, 6)
    monkeypatch.setattr(moment_cones, "SETTINGS", replace(moment_cones.SETTINGS, **end))
    assert closed(sides_of(problem, v), [1e-3]) is None
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    assert pricer.prove_in_time(v, floor=1e-3, budget=Budget(time_limit=600.0)) == np.inf


def test_what_takes_too_long_has_the_next_target_and_keeps_what_is_closed(monkeypatch):
    problem, v = some_problem(4, 6, 6)
    true = true_price(problem, v).value.max()
    changes = {"beyond": 0.0, "sight": 0, "small": 0.0, "open": 1.0, "cuts": 8}
    monkeypatch.setattr(moment_cones, "SETTINGS", replace(moment_cones.SETTINGS, **changes))
    targets = [0.5 * true, 0.8 * true, 1.01 * true, 2.0 * true]
    told = []
    target, left = closed(sides_of(problem, v), targets, told=lambda *what: told.append(what))
    assert min(bound for *_, bound in told) >= true
    assert target == 2.0 * true or not left
    assert target in targets[1:]
    pricer = TransportPricer(CellFactory(problem.architecture, problem.patches))
    bound = pricer.prove_in_time(v, floor=0.5 * true, budget=Budget(time_limit=600.0))
    assert bound >= true * (1.0 - 1e-9)


def test_what_is_left_because_its_paths_were_short_is_counted_by_others(monkeypatch):
    problem, v = some_problem(4, 6, 6)
    sides = sides_of(problem, v)
    true = true_price(problem, v).value.max()
    first, counts = {}, iter(range(1, 1000))

    def estimate(self, root, limit, dives, seed, halt):
        key = root.tobytes()
        if key not in first:
            first[key] = float(next(counts)), seed
            return np.full(dives, first[key][0])
        assert seed != first[key][1]
        return np.full(dives, 1e9 if limit < true else 7.0)

    monkeypatch.setattr(ConeSearch, "estimate", estimate)
    monkeypatch.setattr(moment_cones, "SETTINGS", replace(moment_cones.SETTINGS, open=1.0, rare=2.0))
    target, left = closed(sides, [0.5 * true, 0.9 * true], Budget(time_limit=60.0))
    assert target == 0.9 * true
    assert {cone.expected for cone in left} == {2e9}
    order = [first[cone.cone.vertices[0].tobytes()][0] for cone in left]
    assert order == sorted(order, reverse=True)
    assert len(order) > 1


def test_a_proof_of_a_long_filter_aims_at_what_closes_the_gap():
    problem, _ = some_problem(4, 6, 6)
    v = solve(problem, tol=1e-6).dual
    closing = Closing(problem, TransportPricer(CellFactory(problem.architecture, problem.patches)))
    factory = CellFactory(problem.architecture, problem.patches)
    tol = 1e-3
    upper = dual_bound(problem, factory, v, problem.beta).value * (1.0 + 0.5 * tol)
    price = closing._enough(v, upper, tol)
    assert problem.beta < price < 1.1 * problem.beta
    assert relative_gap(upper, dual_bound(problem, factory, v, price).value) <= CLOSING.close * tol
    assert relative_gap(upper, dual_bound(problem, factory, v, price * (1.0 + 1e-6)).value) > CLOSING.close * tol
    # no price closes a gap that is there without one
    assert closing._enough(v, 2.0 * upper, tol) == problem.beta
    found = closing.run(
        v, np.zeros((0, problem.size)), upper, tol, DualBound(-np.inf, v, np.inf), Budget(time_limit=600.0)
    )
    assert relative_gap(upper, found.value) <= tol


def test_bounds_on_the_way_to_a_proof_are_told_and_kept(monkeypatch):
    monkeypatch.setattr(moment_cones, "SETTINGS", replace(moment_cones.SETTINGS, small=0.0, open=1.0))
    problem, _ = some_problem(4, 6, 6)
    v = solve(problem, tol=1e-6).dual
    factory = CellFactory(problem.architecture, problem.patches)
    pricer = TransportPricer(factory)
    closing = Closing(problem, pricer)
    tol, reports = 1e-6, []
    upper = dual_bound(problem, factory, v, problem.beta).value * (1.0 + 0.5 * tol)
    nothing = DualBound(-np.inf, v, np.inf)
    budget = Budget(time_limit=600.0, progress=reports.append)
    found = closing.run(v, np.zeros((0, problem.size)), upper, tol, nothing, budget)
    lower = [report.lower for report in reports if np.isfinite(report.lower)]
    assert len(lower) > 1
    assert lower == sorted(lower)
    assert found.value >= lower[-1] > lower[0] > 0.0
    assert relative_gap(upper, found.value) <= tol
    # what was told is kept where the proof itself comes to nothing
    closing = Closing(problem, pricer)
    monkeypatch.setattr(
        pricer, "prove_in_time", lambda v, floor, budget, told: told(1.5 * problem.beta / floor, "half way") or np.inf
    )
    kept, over = closing._prove(v, upper, tol, nothing, budget)
    assert not over
    half = dual_bound(problem, factory, v, 1.5 * problem.beta)
    assert kept.value == pytest.approx(half.value, rel=1e-9)
