"""Softmax cross-entropy by itself: its definition, its conjugate, a conic solver, and the logistic loss."""

import clarabel
import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from convex_core import Dataset, InputError, LogisticLoss, Problem
from convex_core.losses import SoftmaxLoss

LOSS = SoftmaxLoss()


def one_hot(labels, C):
    """Flat targets, sample by sample."""
    return np.eye(C)[labels].ravel()


def draw(seed, n=6, C=3):
    """Targets, outputs and a vector in the domain of the conjugate, each flat, sample by sample."""
    rng = np.random.default_rng(seed)
    y = one_hot(rng.integers(0, C, n), C)
    f = 10.0 ** rng.uniform(-2, 2) * rng.standard_normal(n * C)
    return y, f, LOSS.feasible(10.0 ** rng.uniform(-1, 1) * rng.standard_normal(n * C), y)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), C=st.integers(2, 5))
def test_fenchel_young_with_equality_at_the_gradient(seed, C):
    y, f, v = draw(seed, C=C)
    value = LOSS.value(f, y)
    assert value >= 0.0
    assert np.isfinite(LOSS.dual_value(v, y))
    assert value - LOSS.dual_value(v, y) + v @ f >= -1e-10 * (1.0 + np.abs(f).max())
    own = -LOSS.gradient(f, y)
    assert LOSS.dual_value(own, y) - own @ f == pytest.approx(value, rel=1e-9, abs=1e-9)
    # probabilities: shrinking keeps them so
    alpha = LOSS.dual_scale(v, y, 2.0, 0.7)
    assert alpha == 0.35
    p = (y - alpha * v).reshape(-1, C)
    assert p.min() >= 0.0
    assert p.sum(axis=1) == pytest.approx(1.0)
    assert np.isfinite(LOSS.dual_value(alpha * v, y))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_gradient_is_the_derivative(seed):
    y, f, _ = draw(seed)
    g, step = LOSS.gradient(f, y), 1e-6
    for i, e in enumerate(np.eye(len(f))):
        slope = (LOSS.value(f + step * e, y) - LOSS.value(f - step * e, y)) / (2 * step)
        assert slope == pytest.approx(g[i], abs=1e-6)
    assert g.reshape(-1, 3).sum(axis=1) == pytest.approx(0.0, abs=1e-14)
    assert np.array_equal(LOSS.gradient(np.stack([f, 2 * f]), y)[1], LOSS.gradient(2 * f, y))
    move = 0.01 * np.sign(f)
    change = np.linalg.norm(LOSS.gradient(f + move, y) - g)
    assert change <= LOSS.curvature(y) * np.linalg.norm(move) * (1 + 1e-9)


def test_it_neither_overflows_nor_depends_on_a_common_shift():
    y = one_hot([0, 1], 2)
    f = np.array([1e4, 0.0, 1e4, 0.0])
    assert LOSS.value(f, y) == pytest.approx(1e4)
    assert LOSS.value(f + 1e6, y) == pytest.approx(1e4)
    assert np.array_equal(LOSS.gradient(f, y), [0.0, 0.0, 1.0, -1.0])


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_with_two_classes_it_is_the_logistic_loss_of_the_difference(seed):
    Y, F, _ = draw(seed, C=2)
    y, f = Y[1::2] - Y[::2], F[1::2] - F[::2]
    logistic = LogisticLoss()
    assert LOSS.value(F, Y) == pytest.approx(logistic.value(f, y), rel=1e-12)
    assert LOSS.gradient(F, Y)[1::2] == pytest.approx(logistic.gradient(f, y), abs=1e-14)
    v = -logistic.gradient(f, y)
    both = np.stack([-v, v], axis=1).ravel()
    assert LOSS.dual_value(both, Y) == pytest.approx(logistic.dual_value(v, y), rel=1e-9, abs=1e-12)


def test_the_domain_is_the_simplex():
    y = one_hot([0, 2, 1], 3)
    assert LOSS.dual_value(np.full(9, 0.2), y) == -np.inf
    assert LOSS.dual_value(np.tile([0.5, 0.5, -1.0], 3), y) == -np.inf
    # the projection is the nearest point: no feasible vector is nearer
    rng = np.random.default_rng(0)
    v = rng.standard_normal(9)
    nearest = LOSS.feasible(v, y)
    for p in rng.dirichlet(np.ones(3), size=(200, 3)):
        assert np.linalg.norm(v - nearest) <= np.linalg.norm(v - (y - p.ravel())) + 1e-12
    assert LOSS.feasible(nearest, y) == pytest.approx(nearest, abs=1e-15)


def test_formulas_and_epigraph_are_the_loss():
    y, f, _ = draw(3)
    f = np.clip(f, -20.0, 20.0)
    expected = LOSS.value(f, y)
    names = {"cp": cp, "np": np, "n": 6, "q": 3, "y": y}
    assert LOSS.cvxpy(cp.Constant(f), y).value == pytest.approx(expected)
    assert eval(LOSS.formulas.cvxpy, names | {"f": cp.Constant(f)}).value == pytest.approx(expected)
    assert eval(LOSS.formulas.numpy, names | {"f": f}) == pytest.approx(expected)
    form = LOSS.form(y)
    A = sparse.csc_matrix(sparse.vstack([sparse.eye_array(len(f), len(form.q)), form.A]))
    kinds = {"nonnegative": clarabel.NonnegativeConeT, "exponential": lambda _: clarabel.ExponentialConeT()}
    cones = [clarabel.ZeroConeT(len(f)), *(kinds[kind](size) for kind, size in form.cones)]
    quiet = clarabel.DefaultSettings()
    quiet.verbose = False
    answer = clarabel.DefaultSolver(form.P, form.q, A, np.concatenate([f - form.shift, form.b]), cones, quiet).solve()
    assert answer.obj_val == pytest.approx(expected, rel=1e-6)
    assert -np.array(answer.z)[: len(f)] == pytest.approx(LOSS.gradient(f, y), abs=1e-4)


@pytest.mark.parametrize(
    "y", [np.ones(3), np.array([1.0, 0, 1, 1]), np.array([0.5, 0.5]), np.zeros(4), np.array([2.0, 0])]
)
def test_targets_are_checked(y):
    with pytest.raises(InputError, match="with the softmax loss, expected a one-hot row"):
        LOSS.check_targets(y)


def test_a_test_part_with_other_classes_is_refused():
    X, y = [[1.0, 2.0], [3.0, 4.0], [0.5, 1.0]], [0, 1, 0]
    data = Dataset("mine", X, y, X_test=X, y_test=[0, 5, 1])
    with pytest.raises(InputError, match="y_test: got the class 5, expected those of the 3 training samples"):
        Problem.from_dataset(data, filter_size=1, beta=0.1, loss="softmax")
