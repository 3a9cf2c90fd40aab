"""What the solver for lists asks of a loss: its proximal map, and dual vectors that sum to zero."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from list_cases import LOSSES, targets_for

EACH = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)


@EACH
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), step=st.floats(-4.0, 4.0), scale=st.floats(-2.0, 2.0))
@example(seed=2175, step=4.0, scale=1.44921875)  # Newton's method alone goes to and fro here
def test_the_proximal_map_is_the_minimiser(loss, seed, step, scale):
    rng = np.random.default_rng(seed)
    n, q = 5, 3
    y = targets_for(loss, np.arange(n) % q).ravel()
    w = 10.0**scale * rng.standard_normal(n * q)
    steps = np.repeat(10.0**step * rng.uniform(0.5, 2.0, n), q)
    f = loss.prox(w, y, steps)
    v = (f - w) / steps  # minus a subgradient, hence feasible, and equality in the inequality of Fenchel and Young
    near = loss.feasible(v, y)
    np.testing.assert_allclose(near, v, atol=1e-7 * (1.0 + np.abs(w).max() / steps.min()))
    slack = loss.value(f, y) + v @ f - loss.dual_value(near, y)
    assert abs(slack) <= 1e-7 * (1.0 + loss.value(f, y) + np.abs(v) @ np.abs(f))


@EACH
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_balanced_vector_is_feasible_and_sums_to_zero(loss, seed):
    rng = np.random.default_rng(seed)
    n, q = 9, 3
    Y, weight = targets_for(loss, np.arange(n) % q), rng.uniform(0.5, 3.0, n)
    V = -loss.gradient(3.0 * rng.standard_normal(n * q), Y.ravel()).reshape(n, q)
    balanced = loss.balanced(V, Y, weight)
    assert np.abs(weight @ balanced).max() <= 1e-11 * weight.sum()
    assert loss.dual_value(loss.feasible(balanced.ravel(), Y.ravel()), Y.ravel()) > -np.inf
    np.testing.assert_allclose(loss.feasible(balanced.ravel(), Y.ravel()), balanced.ravel(), atol=1e-12)
    np.testing.assert_allclose(loss.balanced(balanced, Y, weight), balanced, atol=1e-9)
