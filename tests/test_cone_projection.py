"""The projection kernel against scipy's NNLS and against the definition of a projection."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from convex_core.numerics.cone_projection import project_on_cone
from convex_core.penalties import L2Penalty


def project(g, rows, sides, floor=0.0):
    p = len(g)
    r = np.empty(p)
    work = np.empty((p, p)), np.zeros((p, p)), np.empty(p), np.empty(p), np.empty(p, np.int64)
    columns, d = np.ascontiguousarray(rows.T), np.empty(len(rows))
    value, _ = project_on_cone(np.asarray(g, float), columns, sides, floor, r, *work, d, 0)
    return value, r


def random_cone(rng, p, M):
    rows = rng.standard_normal((M, p))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    # the signs of a point make a cone with interior
    return rows, np.where(rows @ rng.standard_normal(p) >= 0, 1, -1).astype(np.int8)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), p=st.integers(1, 8), M=st.integers(1, 40))
def test_projection_equals_nnls_and_satisfies_moreau(seed, p, M):
    rng = np.random.default_rng(seed)
    rows, sides = random_cone(rng, p, M)
    g = rng.standard_normal(p)
    value, r = project(g, rows, sides)
    A = sides[:, None] * rows
    multiplier, residual = nnls(A.T, -g, maxiter=1000)
    assert value == pytest.approx(residual, abs=1e-10)
    assert np.linalg.norm(r) == pytest.approx(value, abs=1e-12)
    assert (A @ r).min() >= -1e-10  # in the cone
    assert r @ (g - r) == pytest.approx(0.0, abs=1e-10)  # orthogonal to what was cut off
    assert (multiplier >= 0).all()


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), p=st.integers(2, 6))
def test_repeated_and_opposite_rows_do_no_harm(seed, p):
    rng = np.random.default_rng(seed)
    rows, sides = random_cone(rng, p, 2 * p)
    rows = np.concatenate([rows, rows, -rows])
    sides = np.concatenate([sides, sides, -sides])
    g = rng.standard_normal(p)
    value, _ = project(g, rows, sides)
    _, residual = nnls((sides[:, None] * rows).T, -g, maxiter=1000)
    assert value == pytest.approx(residual, abs=1e-9)


def test_polar_vector_projects_to_zero():
    rows = np.eye(3)
    value, r = project([-1.0, -2.0, -3.0], rows, np.ones(3, np.int8))
    assert value == pytest.approx(0.0, abs=1e-12)
    assert np.abs(r).max() <= 1e-12


def test_stopping_at_the_floor_still_bounds():
    rng = np.random.default_rng(3)
    for _ in range(200):
        rows, sides = random_cone(rng, 5, 20)
        g = rng.standard_normal(5)
        exact, _ = project(g, rows, sides)
        stopped, _ = project(g, rows, sides, floor=0.8 * np.linalg.norm(g))
        assert stopped >= exact - 1e-12


def test_top_supports_are_the_largest_of_all_pairs_and_bound_the_rest():
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((9, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sides = np.where(rng.standard_normal((50, 4)) @ rows.T >= 0, 1, -1).astype(np.int8)
    G = rng.standard_normal((50, 4))
    cells = np.arange(50)
    every = np.array([project(s * g, rows, side)[0] for g, side in zip(G, sides, strict=True) for s in (1, -1)])
    for want in (1, 7, 200):
        best = L2Penalty().top_supports(G, cells, rows, sides, floor=0.1, want=want)
        expected = np.sort(every[every > 0.1])[::-1][:want]
        assert best.value == pytest.approx(expected, abs=1e-10)
        assert every[best.index] == pytest.approx(best.value, abs=1e-10)
        assert best.bound == pytest.approx(max(every.max(), 0.1), abs=1e-10)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), p=st.integers(1, 8), M=st.integers(1, 40), held=st.integers(0, 8))
def test_it_may_start_from_any_rows(seed, p, M, held):
    rng = np.random.default_rng(seed)
    rows, sides = random_cone(rng, p, M)
    held = min(held, p, M)
    g, r = rng.standard_normal(p), np.empty(p)
    passive = np.zeros(p, np.int64)
    passive[:held] = rng.permutation(M)[:held]
    lam = rng.exponential(size=p)
    work = np.empty((p, p)), np.zeros((p, p)), lam, np.empty(p), passive
    value, count = project_on_cone(g, np.ascontiguousarray(rows.T), sides, 0.0, r, *work, np.empty(len(rows)), held)
    exact, expected = project(g, rows, sides)
    assert value == pytest.approx(exact, abs=1e-10)
    assert r == pytest.approx(expected, abs=1e-9)
    # the rows it ends with carry the projection, with multipliers > 0
    used = passive[:count]
    assert (lam[:count] > 0).all()
    assert g + (sides[used] * lam[:count]) @ rows[used] == pytest.approx(r, abs=1e-9)


def test_two_threads_find_what_one_finds(monkeypatch):
    rng = np.random.default_rng(3)
    rows = rng.standard_normal((6, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sides = np.sign(rng.standard_normal((1001, 4)) @ rows.T).astype(np.int8)
    G = rng.standard_normal((1001, 4))
    cells = np.arange(1001)
    two = L2Penalty().top_supports(G, cells, rows, sides, floor=0.5, want=30)
    monkeypatch.setattr("convex_core.penalties.euclidean._WORTH_THREADS", 10_000)
    one = L2Penalty().top_supports(G, cells, rows, sides, floor=0.5, want=30)
    assert two.index.tolist() == one.index.tolist()
    assert np.array_equal(two.value, one.value)
    assert np.array_equal(two.direction, one.direction)
    assert two.bound == one.bound
