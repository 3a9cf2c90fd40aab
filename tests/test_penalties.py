"""Norms, dual norms, conic forms and supports over cones, each by a second route."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from convex_core.numerics.interior_point import minimise
from convex_core.penalties import (
    L2Penalty,
    NuclearLiftPenalty,
    NuclearPenalty,
    Search,
    SpectralPenalty,
    conic_supports,
)

PENALTIES = [L2Penalty(), NuclearPenalty((2, 3)), NuclearPenalty((3, 2)), NuclearPenalty((1, 6))]


def epigraph_value(penalty, c):
    """The norm as its conic form says it, by Clarabel."""
    form = penalty.form(len(c))
    aux = len(form.q)
    fixed = sparse.hstack([sparse.csc_matrix((len(c), aux)), sparse.eye_array(len(c))])
    A = sparse.csc_matrix(sparse.vstack([fixed, form.A]))
    b = np.concatenate([c, np.zeros(form.A.shape[0])])
    q = np.concatenate([form.q, np.zeros(len(c))])
    answer = minimise(sparse.csc_matrix((len(q), len(q))), q, A, b, (("zero", len(c)), *form.cones), tol=1e-8)
    return answer.value


@pytest.mark.parametrize("penalty", PENALTIES, ids=str)
def test_the_conic_form_is_the_norm(penalty):
    for c in np.random.default_rng(0).standard_normal((5, 6)):
        assert epigraph_value(penalty, c) == pytest.approx(penalty.norm(c[None])[0], rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), which=st.sampled_from(PENALTIES))
def test_dual_norm_bounds_every_product(seed, which):
    c, g = np.random.default_rng(seed).standard_normal((2, 1, 6))
    assert float(c[0] @ g[0]) <= which.norm(c)[0] * which.dual_norm(g)[0] * (1 + 1e-12)


def test_nuclear_norm_of_one_row_is_euclidean():
    C = np.random.default_rng(0).standard_normal((4, 6))
    assert NuclearPenalty((1, 6)).norm(C) == pytest.approx(L2Penalty().norm(C))
    assert NuclearPenalty((1, 6)).dual_norm(C) == pytest.approx(L2Penalty().dual_norm(C))
    assert NuclearPenalty((2, 3)).norm(np.zeros((0, 6))).shape == (0,)


def cells_and_vectors(seed, cells=8, p=6, M=7):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((M, p))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    sides = np.sign(rng.standard_normal((cells, p)) @ rows.T).astype(np.int8)
    G = rng.standard_normal((cells, p))
    return G[np.argsort(-np.linalg.norm(G, axis=1))], rows, sides


def test_two_routes_to_the_euclidean_supports():
    G, rows, sides = cells_and_vectors(0)
    cells = np.arange(len(G))
    kernel = L2Penalty().top_supports(G, cells, rows, sides, floor=0.1, want=5)
    conic = conic_supports(L2Penalty(), G, cells, rows, sides, floor=0.1, want=5)
    assert conic.value == pytest.approx(kernel.value, rel=1e-7)
    assert conic.index.tolist() == kernel.index.tolist()
    assert conic.direction == pytest.approx(kernel.direction, abs=1e-4)
    assert conic.bound == pytest.approx(kernel.bound, rel=1e-7)


@pytest.mark.parametrize("seed", range(3))
def test_supports_of_the_nuclear_norm_against_cvxpy(seed):
    penalty = NuclearPenalty((2, 3))
    G, rows, sides = cells_and_vectors(seed)
    sides[:, 0] = 0  # a row that states nothing
    best = penalty.top_supports(G, np.arange(len(G)), rows, sides, floor=0.0, want=4)
    for index, value, direction in zip(best.index, best.value, best.direction, strict=True):
        i, sign = index // 2, 1 - 2 * (index % 2)
        Z = cp.Variable((2, 3))
        c = cp.vec(Z, order="C")
        model = cp.Problem(cp.Maximize(sign * (G[i] @ c)), [cp.normNuc(Z) <= 1, cp.multiply(sides[i], rows @ c) >= 0])
        most = model.solve(solver="CLARABEL")
        # the largest is settled, the others are attained by what is returned
        assert value == pytest.approx(most, rel=1e-6) if index == best.index[0] else value <= most * (1 + 1e-6)
        assert sign * float(G[i] @ direction) == pytest.approx(value, rel=1e-6)
        assert (sides[i] * (rows @ direction)).min() > -1e-6
    assert best.bound == pytest.approx(best.value.max())


@pytest.mark.parametrize("seed", range(3))
def test_a_search_cut_short_has_a_sound_bound(seed):
    penalty = NuclearPenalty((2, 3))
    G, rows, sides = cells_and_vectors(seed, cells=30)
    cells = np.arange(len(G))
    exact = penalty.top_supports(G, cells, rows, sides, floor=0.5, want=60).bound
    for search in (Search(prove=False), Search(slack=0.3), Search(stop=lambda: True)):
        quick = penalty.top_supports(G, cells, rows, sides, floor=0.5, want=60, search=search)
        assert quick.bound >= exact * (1 - 1e-9)
        assert quick.value.max() <= exact * (1 + 1e-7)
    assert penalty.top_supports(G, cells, rows, sides, floor=9.0, want=5).bound == 9.0


def test_without_rows_the_support_is_the_dual_norm():
    G, rows, sides = cells_and_vectors(1)
    for free in (conic_supports, lambda p, *a, **k: p.top_supports(*a, **k)):
        penalty = NuclearPenalty((2, 3))
        best = free(penalty, G, np.arange(len(G)), rows[:0], sides[:, :0], floor=0.0, want=2)
        assert best.bound == pytest.approx(penalty.dual_norm(G).max())
    gated = L2Penalty().top_supports(G, np.arange(len(G)), rows, np.zeros_like(sides), floor=0.0, want=2)
    assert gated.bound == pytest.approx(L2Penalty().dual_norm(G).max())


@pytest.mark.parametrize(
    "penalty",
    [
        *PENALTIES,
        SpectralPenalty(6, 0.4),
        SpectralPenalty(5, 1.0, pair=2.0**0.5),
        NuclearLiftPenalty(3, 6),
        NuclearLiftPenalty(2, 5, 0.7),
    ],
    ids=str,
)
def test_the_cvxpy_form_is_the_norm(penalty):
    p = getattr(penalty, "d", 6)
    values = np.random.default_rng(1).standard_normal((3, p))
    C = cp.Variable(values.shape)
    total, constraints = penalty.cvxpy(C)
    model = cp.Problem(cp.Minimize(total), [*constraints, values == C])
    assert model.solve(solver="CLARABEL") == pytest.approx(penalty.norm(values).sum(), rel=1e-6)


@pytest.mark.parametrize(
    "penalty",
    [*PENALTIES, SpectralPenalty(6, 0.7, 1.5), SpectralPenalty(6, 0.4), NuclearLiftPenalty(3, 6, 0.8)],
    ids=str,
)
def test_the_formulas_are_the_norm(penalty):
    formulas = penalty.formulas
    C = np.random.default_rng(1).standard_normal((3, 6))
    names = {"np": np, "cp": cp, "C": cp.Variable((3, 6)), "constraints": []}
    exec(formulas.cvxpy, names)
    model = cp.Problem(cp.Minimize(names["penalty"]), [names["C"] == C, *names["constraints"]])
    model.solve(solver=cp.CLARABEL)
    assert model.value == pytest.approx(penalty.norm(C).sum(), rel=1e-6)
    assert "c_i" in formulas.text.format(c="c_i")
    # a name that not everyone knows is defined
    assert ("N(" in formulas.text) == formulas.definition.startswith("N(c) = ")
