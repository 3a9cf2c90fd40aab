"""Lists against programs over all cells, written in CVXPY with their cone constraints: with the filters of such an
optimum in the list, and others, its optimum is that over every filter."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from few_cases import few

from convex_core import enumerate_patterns, patch_geometry
from convex_core.lists import train_list

BETA = 0.1


def instance(seed, n, K, h=2):
    rng = np.random.default_rng(seed)
    patches = rng.standard_normal((K, n, h))
    return patches, rng.standard_normal(n)


def signal(patches):
    """Signals (n, K h) whose windows, side by side, are the patches (K, n, h)."""
    K, n, h = patches.shape
    return patches.transpose(1, 0, 2).reshape(n, K * h), patch_geometry((K * h,), h, h)


def over_all_cells(groups, y, *, free):
    """The optimum of networks on each group of patches (K, n, h), their outputs added up, and its filters."""
    output, penalty, constraints, filters = cp.Variable() if free else 0.0, 0.0, [], []
    for patches in groups:
        K, n, h = patches.shape
        rows = patches.reshape(K * n, h)
        for active in enumerate_patterns(rows).active():
            G = np.einsum("kn,knh->nh", active.reshape(K, n), patches)
            for sign in (1.0, -1.0):
                c = cp.Variable(h)
                filters.append(c)
                output = output + sign * (G @ c)
                penalty = penalty + cp.norm(c)
                constraints.append(cp.multiply(2.0 * active - 1.0, rows @ c) >= 0)
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(output - y) + BETA * penalty), constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    used = np.array([c.value for c in filters if np.linalg.norm(c.value) > 1e-6])
    return problem.value, np.concatenate([used, np.random.default_rng(0).standard_normal((20, used.shape[1]))])


@pytest.mark.parametrize(("seed", "value"), few([(0, 0.39391402), (1, 0.32319566), (2, 0.42822707)]))
def test_a_free_output_bias_has_the_optimum_over_every_filter(seed, value):
    patches, y = instance(seed, n=6, K=3)
    optimum, filters = over_all_cells([patches], y, free=True)
    assert optimum == pytest.approx(value, abs=1e-7)
    X, geometry = signal(patches)
    found = train_list(
        X, y, geometry, directions=filters, pooling="sum", whiten=False, bias="free", beta=BETA, tol=1e-7
    )
    assert found.certificate.objective == pytest.approx(value, rel=1e-6)
    # every other direction has a price of at most beta: the bound over the list is one over every filter
    angles = np.linspace(0.0, 2.0 * np.pi, 20_000)
    circle = np.stack([np.cos(angles), np.sin(angles)])
    prices = np.abs(np.einsum("n,knm->m", found.certificate.dual[:, 0], np.maximum(patches @ circle, 0.0)))
    assert prices.max() <= BETA * (1 + 1e-3)


@pytest.mark.parametrize(("seed", "value"), few([(0, 0.24479785), (1, 0.10000302), (2, 0.23942876)]))
def test_regions_with_the_l1_norm_have_the_optimum_over_every_filter(seed, value):
    """One region and one filter to an atom: the cone program of each region has the rows of its own patches only."""
    patches, y = instance(seed, n=4, K=2)
    optimum, filters = over_all_cells([patches[:1], patches[1:]], y, free=False)
    assert optimum == pytest.approx(value, abs=1e-7)
    X, geometry = signal(patches)
    found = train_list(
        X, y, geometry, directions=filters, pooling_grid=2, whiten=False, bias="none", norm="l1", beta=BETA, tol=1e-7
    )
    assert found.certificate.objective == pytest.approx(value, rel=1e-6)
