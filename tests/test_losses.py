"""Losses by themselves: each against its definition, its conjugate and a conic solver."""

import clarabel
import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loss_cases import EVERY, OTHERS, each, fitting, model
from problem_cases import patch_problem
from scipy import sparse

from convex_core import LOSSES, HuberLoss, InputError, LogisticLoss, Problem, make_loss
from convex_core.numerics.conic_forms import LossForm


def draw(loss, seed, n=7):
    """Targets, outputs and a vector in the domain of the conjugate."""
    rng = np.random.default_rng(seed)
    y = fitting(loss, rng.standard_normal(n))
    f = 10.0 ** rng.uniform(-2, 2) * rng.standard_normal(n)
    v = loss.feasible(10.0 ** rng.uniform(-1, 1) * rng.standard_normal(n), y)
    return y, f, v


@each(EVERY)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_fenchel_young_with_equality_at_the_gradient(loss, seed):
    y, f, v = draw(loss, seed)
    value = loss.value(f, y)
    assert value >= 0.0
    assert np.isfinite(loss.dual_value(v, y))
    assert value - loss.dual_value(v, y) + v @ f >= -1e-12 * (1.0 + value)
    own = -loss.gradient(f, y)
    assert loss.dual_value(own, y) - own @ f == pytest.approx(value, rel=1e-9, abs=1e-9)


@each(EVERY)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_gradient_is_a_subgradient_and_the_derivative_where_there_is_one(loss, seed):
    y, f, _ = draw(loss, seed)
    g = loss.gradient(f, y)
    other = f + np.random.default_rng(seed).standard_normal(len(f))
    assert loss.value(other, y) >= loss.value(f, y) + g @ (other - f) - 1e-10 * (1.0 + loss.value(f, y))
    step = 1e-6
    for i, e in enumerate(np.eye(len(f))):
        up, down = loss.value(f + step * e, y), loss.value(f - step * e, y)
        away = min(abs(f[i] - y[i]), abs(y[i] * f[i] - 1.0)) > 2 * step
        if loss.smooth or away:
            assert (up - down) / (2 * step) == pytest.approx(g[i], abs=1e-4 * (1.0 + abs(g[i])))
    stack = np.stack([f, other])
    assert np.array_equal(loss.gradient(stack, y), np.stack([g, loss.gradient(other, y)]))


@each(OTHERS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), tau=st.floats(0.0, 50.0), beta=st.floats(1e-6, 50.0))
def test_shrinking_keeps_a_dual_vector_feasible(loss, seed, tau, beta):
    y, _, v = draw(loss, seed)
    alpha = loss.dual_scale(v, y, tau, beta)
    assert 0.0 <= alpha <= 1.0
    assert alpha * tau <= beta * (1 + 1e-15)
    assert np.isfinite(loss.dual_value(alpha * v, y))
    assert np.array_equal(loss.feasible(v, y), v)


@each(OTHERS)
def test_outside_the_domain_there_is_no_bound(loss):
    y = fitting(loss, np.array([1.0, -2.0, 0.5]))
    inside = 0.4 * np.sign(y)
    assert np.isfinite(loss.dual_value(inside, y))
    reach = loss.options.get("delta", 1.0)
    for outside in (1.0001 * reach * np.sign(y), np.array([reach * 1.0001 * np.sign(y[0]), 0.0, 0.0])):
        assert loss.dual_value(outside, y) == -np.inf
        assert np.isfinite(loss.dual_value(loss.feasible(outside, y), y))
    if loss.name in ("logistic", "hinge"):
        assert loss.dual_value(-inside, y) == -np.inf
        assert np.array_equal(loss.feasible(-inside, y), 0.0 * y)


@each(EVERY)
def test_the_formulas_are_the_loss(loss):
    y, f, _ = draw(loss, 5)
    f = np.clip(f, -20.0, 20.0)
    expected = loss.value(f, y)
    assert model(loss, f, y).value == pytest.approx(expected) or cp.Problem(
        cp.Minimize(model(loss, f, y))
    ).solve() == pytest.approx(expected, rel=1e-6)
    assert loss.cvxpy(f, y).value == pytest.approx(expected)
    assert eval(loss.formulas.cvxpy, {"cp": cp, "f": f, "y": y}).value == pytest.approx(expected)
    assert eval(loss.formulas.numpy, {"np": np, "f": f, "y": y}) == pytest.approx(expected)
    assert "f" in loss.formulas.latex


@each(EVERY)
def test_the_epigraph_is_the_loss_in_any_units(loss):
    y, f, _ = draw(loss, 3)
    f = np.clip(f, -20.0, 20.0)
    kinds = {"nonnegative": clarabel.NonnegativeConeT, "exponential": lambda _: clarabel.ExponentialConeT()}
    for output, value in ((1.0, 1.0), (0.3, 2.5)):
        form = loss.form(y).in_units(output, value)
        assert isinstance(form, LossForm)
        n, k = len(y), len(form.q)
        A = sparse.csc_matrix(sparse.vstack([sparse.eye_array(n, k), form.A]))
        b = np.concatenate([f / output - form.shift, form.b])
        cones = [clarabel.ZeroConeT(n), *(kinds[kind](size) for kind, size in form.cones)]
        settings_ = clarabel.DefaultSettings()
        settings_.verbose = False
        answer = clarabel.DefaultSolver(sparse.triu(form.P, format="csc"), form.q, A, b, cones, settings_).solve()
        assert answer.obj_val * value == pytest.approx(loss.value(f, y), rel=1e-6, abs=1e-6)
        if loss.smooth:
            assert -np.array(answer.z)[:n] * value / output == pytest.approx(loss.gradient(f, y), abs=1e-4)


def test_the_logistic_loss_neither_overflows_nor_cancels():
    loss, y = LogisticLoss(), np.array([1.0, -1.0, 1.0])
    assert loss.value(np.array([-1e5, -1e5, 40.0]), y) == pytest.approx(1e5)
    assert loss.value(np.array([40.0]), y[:1]) == pytest.approx(np.exp(-40.0), rel=1e-12)
    assert np.array_equal(loss.gradient(np.array([-1e5, -1e5, 1e5]), y), [-1.0, 0.0, 0.0])


@each(EVERY)
def test_curvature_bounds_how_fast_the_gradient_changes(loss):
    y, f, _ = draw(loss, 2)
    width = 1.0 / loss.curvature(y)  # where there is a kink, over the scale of the targets
    near, far = loss.gradient(f, y), loss.gradient(f + width, y)
    assert np.abs(far - near).max() <= 2.0 * loss.curvature(y) * width + 1e-12
    if loss.smooth and loss.curvature(y) in (1.0, 0.25):
        assert np.abs(far - near).max() <= loss.curvature(y) * width + 1e-12


@pytest.mark.parametrize("name", ["logistic", "hinge"])
def test_labels_are_asked_for_in_one_sentence(name):
    base = patch_problem(0)
    with pytest.raises(InputError, match=rf"^y: got the target .* with the {name} loss, expected labels -1 and \+1"):
        Problem(base.X, base.y, architecture=base.architecture, beta=0.1, loss=make_loss(name))


def test_losses_by_name():
    assert [make_loss(name).name for name in LOSSES] == list(LOSSES)
    assert make_loss("huber", delta=None) == HuberLoss(1.0)
    assert make_loss("huber", delta=3) == HuberLoss(3.0)
    with pytest.raises(InputError, match="loss: got 'log', expected one of squared"):
        make_loss("log")
    with pytest.raises(
        InputError, match=r"delta: got 1\.0 with the squared loss, expected it only with the loss huber"
    ):
        make_loss("squared", delta=1.0)
    for delta in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="delta: got"):
            HuberLoss(delta)
