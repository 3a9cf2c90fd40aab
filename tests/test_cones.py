"""Cones of directions: majorants of concave rows, their mixtures, and estimates of how many cones a proof takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import brute_force_tau, patch_problem

from convex_core.numerics.jit import njit
from convex_core.program import CellFactory
from convex_core.progress import Budget
from convex_core.solvers.closing import Closing
from convex_core.solvers.dual_bound import DualBound
from convex_core.solvers.pricing import sphere
from convex_core.solvers.pricing.cone_search import ConeSearch
from convex_core.solvers.pricing.majorant_kernel import least_majorant, least_mixture
from convex_core.solvers.pricing.sphere import SpherePricer, _Side


@njit()
def shortest(Q, phi, enough, b, x, E, T, z, trial, passive, k):
    """`least_majorant`, which only kernels can call."""
    return least_majorant(Q, phi, enough, b, x, E, T, z, trial, passive, k)


@njit()
def mixture(Q, base, first, delta, norm, enough, steps, b, x, phi, E, T, z, trial, passive, k):
    """`least_mixture`, which only kernels can call."""
    return least_mixture(Q, base, first, delta, norm, enough, steps, b, x, phi, E, T, z, trial, passive, k)


def acute_vertices(rng, h):
    """Unit vertices (h, h) at angles of at most 90 degrees."""
    Q = np.abs(rng.standard_normal((h, h))) + 1e-3
    return Q / np.linalg.norm(Q, axis=1, keepdims=True)


def room(h):
    """b, x, E, T, z, trial and passive."""
    return *np.zeros((2, h)), *np.zeros((2, h, h)), *np.zeros((2, h)), np.zeros(h, np.int64)


def length_of(Q, phi):
    """The bound from nothing known."""
    b, x, E, T, z, trial, passive = room(len(Q))
    return shortest(Q, phi, -1.0, b, x, E, T, z, trial, passive, 0)[0]


@pytest.mark.slow  # the kernels are compiled for it
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**31), h=st.integers(1, 7))
def test_what_is_known_of_another_function_changes_no_bound(seed, h):
    rng = np.random.default_rng(seed)
    Q, first = acute_vertices(rng, h), rng.standard_normal(h)
    b, x, E, T, z, trial, passive = room(h)
    k = 0
    for share in (0.0, 0.1, 0.5, 1.0):
        phi = (1.0 - share) * first + share * rng.standard_normal(h)
        norm, k = shortest(Q, phi, -1.0, b, x, E, T, z, trial, passive, k)
        assert norm == pytest.approx(length_of(Q, phi), rel=1e-9, abs=1e-12)
        assert (Q @ b >= phi - 1e-9).all()
        assert (x >= 0.0).all()
        assert b == pytest.approx(x @ Q, abs=1e-9)


@pytest.mark.slow  # the kernels are compiled for it
@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**31), h=st.integers(1, 7))
def test_the_best_mixture_is_as_short_as_any_on_a_grid(seed, h):
    rng = np.random.default_rng(seed)
    Q, base, first, delta = acute_vertices(rng, h), *rng.standard_normal((3, h))
    b, x, E, T, z, trial, passive = room(h)
    norm, k = shortest(Q, base + first, -1.0, b, x, E, T, z, trial, passive, 0)
    short, share, k = mixture(Q, base, first, delta, norm, -1.0, 50, b, x, np.zeros(h), E, T, z, trial, passive, k)
    grid = [length_of(Q, base + first + t * delta) for t in np.linspace(0.0, 1.0, 101)]
    assert 0.0 <= share <= 1.0
    assert short == pytest.approx(length_of(Q, base + first + share * delta), rel=1e-9, abs=1e-9)
    assert short <= min(grid) + 0.02 * (max(grid) - min(grid)) + 1e-9


def some_rows(seed, n, h):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((n, h))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), rng.standard_normal(n), rng.standard_normal(h)


@pytest.mark.parametrize(("n", "h", "share"), [(400, 3, 1.01), (200, 4, 1.02), (40, 5, 1.02)])
def test_dives_estimate_the_cones_of_a_search(n, h, share):
    search = ConeSearch(*some_rows(n, n, h))
    found, halt = (np.zeros((1, h)), np.zeros(1)), np.zeros(1, bool)
    best = search.run(np.eye(h), 0.0, 1e-6, *found, np.inf, 10**7, halt)[1]
    nodes = search.run(np.eye(h), share * best, 0.0, *found, np.inf, 10**7, halt)[3]
    counts = search.estimate(np.eye(h), share * best, 4000, 7, halt)
    assert 20 < nodes < 10**7  # all of them: no search ended at its limit
    assert counts.mean() == pytest.approx(nodes, abs=5.0 * counts.std() / np.sqrt(len(counts)) + 1e-9)
    assert counts.tolist() == search.estimate(np.eye(h), share * best, 4000, 7, halt).tolist()
    # and a search after it is whole
    assert search.run(np.eye(h), share * best, 0.0, *found, np.inf, 10**7, halt)[3] == nodes


def long_problem():
    """Filters of six entries, few samples."""
    return patch_problem(4, n=6, K=3, h=6, beta=1.0)


def cones_of(problem):
    return SpherePricer(CellFactory(problem.architecture, problem.patches))


def test_a_proof_that_fits_the_time_is_as_fine_as_it_can_be(monkeypatch):
    problem = long_problem()
    v = np.random.default_rng(0).standard_normal(problem.n)
    pricer = cones_of(problem)
    true = brute_force_tau(problem, v)
    bound = pricer.prove_in_time(v, floor=0.5 * true, budget=Budget(time_limit=600.0))
    assert true * (1.0 - 1e-9) <= bound <= true * (1.0 + sphere.SETTINGS.fitting[0]) * (1.0 + 1e-6)
    # rounding of the coefficients is in the bound, and v may have any scale
    monkeypatch.setattr(pricer, "_bounded_in_time", lambda *_: 1.0)
    assert pricer.prove_in_time(v, floor=0.5, budget=Budget(time_limit=600.0)) == 1.0 + pricer.factory.rounding(
        v, listed=False
    )
    monkeypatch.undo()
    tiny = pricer.prove_in_time(2.0**-1000 * v, floor=2.0**-1000 * 0.5 * true, budget=Budget(time_limit=600.0))
    assert tiny == pytest.approx(2.0**-1000 * bound, rel=1e-6)


def test_no_proof_begins_that_does_not_fit(monkeypatch):
    problem = long_problem()
    pricer = cones_of(problem)
    pricer._pace = 1e6
    monkeypatch.setattr(pricer, "_prove", lambda *_: pytest.fail("a proof was begun"))
    v = np.random.default_rng(0).standard_normal(problem.n)
    assert pricer.prove_in_time(v, floor=0.1, budget=Budget(time_limit=600.0)) == np.inf


# cones for each accuracy: powers of it, two in one, and what was estimated for 99 images and filters of 3 x 2
LAWS = [
    lambda x: x**-0.4,
    lambda x: x**-2.0,
    lambda x: np.where(x > 0.17, x**-0.9, 0.17**-0.9 * (0.17 / x) ** 0.35),
    lambda x: np.interp(
        -np.log(x), -np.log([0.5, 0.18, 0.162, 0.141, 0.101, 0.03]), [5.72, 14.0, 15.18, 16.11, 18.35, 29.47]
    ),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("place", [0.02, 0.2, 0.4, 0.6, 0.8, 0.98])
def test_the_proof_that_fits_takes_most_of_the_time(law, place, monkeypatch):
    fine, coarse = sphere.SETTINGS.fitting
    pricer, chosen = cones_of(long_problem()), []
    v = np.random.default_rng(0).standard_normal(pricer.factory.design.shape[1])
    cones = float(law(coarse)) ** (1.0 - place) * float(law(fine)) ** place  # that there is time for
    budget = Budget(time_limit=6000.0)
    pricer._pace = sphere.SETTINGS.fits * 6000.0 * pricer._threads / cones
    monkeypatch.setattr(
        pricer, "_predicted", lambda sides, limit, _: [float(law(limit / max(0.1, sides[0].best, sides[1].best) - 1.0))]
    )
    monkeypatch.setattr(pricer, "_prove", lambda *given: chosen.append(given[2]) or 1.0)
    pricer.prove_in_time(v, floor=0.1, budget=budget)
    assert 0.7 * cones < law(chosen[0]) <= cones


def test_roots_that_are_late_have_coarser_bounds_which_are_sound():
    problem = long_problem()
    v = np.random.default_rng(0).standard_normal(problem.n)
    pricer = cones_of(problem)
    a, linear = pricer.factory.ridge(v)
    sides = [_Side(sign, pricer.factory.rows, sign * a, sign * linear) for sign in (1, -1)]
    true = brute_force_tau(problem, v)
    count = sum(len(side.roots()) for side in sides)
    budget = Budget(time_limit=600.0)
    punctual = pricer._prove(sides, true, 0.1, budget, [1.0] * count)
    # the first root meets a pace of 2 s a cone, the others that of their predecessors
    pricer._pace = 2.0
    late = pricer._prove(sides, true, 0.1, budget, [1000.0] * count)
    assert true <= punctual <= 1.1 * true * (1.0 + 1e-9)
    assert late > 1.2 * true


def test_the_last_roots_of_a_counted_proof_may_take_what_time_is_left():
    pricer = cones_of(long_problem())
    pricer._pace, threads = 1.0, pricer._threads
    assert pricer._late([1.0] * (10 * threads), 20.0, 21.0) == 1.0
    assert pricer._late([1.0] * (40 * threads), 20.0, 21.0) == pytest.approx(2.0, rel=0.05)
    # the reserve is gone
    assert pricer._late([1.0], -0.5, 2.0) == 1.0
    assert pricer._late([4.0], -0.5, 2.0) > 2.0


def test_closing_proves_by_cones_what_fits_and_is_over():
    problem = long_problem()
    v = np.random.default_rng(0).standard_normal(problem.n)
    v /= brute_force_tau(problem, v) / problem.beta
    pricer = cones_of(problem)
    closing = Closing(problem, pricer)
    assert closing.pending
    nothing = DualBound(-np.inf, v, np.inf)
    atoms = np.zeros((0, problem.size))
    found = closing.run(v, atoms, np.inf, 1e-6, nothing, Budget(time_limit=600.0))
    assert not closing.pending
    fine = 1.0 + sphere.SETTINGS.fitting[0]
    assert problem.beta * (1.0 - 1e-9) <= found.tau <= fine * problem.beta * (1.0 + 1e-6)
