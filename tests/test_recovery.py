"""The map back from blocks to filters, and pruning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problem_cases import patch_problem

from convex_core import InputError, Network
from convex_core.networks.recovery import balanced, independent_atoms, prune, recover


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(0, 20))
def test_recovered_network_has_the_blocks_penalty_and_outputs(seed, m):
    problem = patch_problem(0)
    rng = np.random.default_rng(seed)
    C = rng.standard_normal((m, 2))
    sign = rng.choice(np.array([-1, 1], np.int8), m)
    network = recover(problem.architecture, problem.patches, C, sign)
    assert network.regulariser == pytest.approx(np.linalg.norm(C, axis=1).sum())
    outputs = problem.architecture.atoms(problem.patches, C) @ sign
    assert network.predict(problem.X) == pytest.approx(outputs)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 10_000), m=st.integers(1, 40), repeats=st.booleans())
def test_pruning_keeps_outputs_and_never_raises_the_penalty(seed, m, repeats):
    problem = patch_problem(seed % 5)
    rng = np.random.default_rng(seed)
    filters, weights = rng.standard_normal((m, 2)), rng.standard_normal(m)
    if repeats:
        filters[: m // 2] = filters[0] * rng.uniform(0.5, 2.0, (m // 2, 1))
    network = Network(problem.architecture, filters, weights)
    pruned = prune(network, problem.patches)
    assert pruned.m <= problem.n
    scale = np.abs(network.predict(problem.X)).max() + 1.0
    assert pruned.predict(problem.X) == pytest.approx(network.predict(problem.X), abs=1e-7 * scale)
    assert pruned.regulariser <= network.regulariser * (1 + 1e-9)
    Phi = problem.architecture.atoms(problem.patches, pruned.filters)
    assert np.linalg.matrix_rank(Phi) == pruned.m


def test_balancing_minimises_the_regulariser():
    problem = patch_problem(0)
    network = Network(problem.architecture, [[3.0, 4.0], [0.0, 0.0], [1.0, 0.0]], [0.2, 1.0, 0.0])
    even = balanced(network)
    assert even.m == 1  # a zero filter or weight contributes nothing
    assert even.predict(problem.X) == pytest.approx(network.predict(problem.X))
    assert even.regulariser == pytest.approx(1.0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 20), m=st.integers(1, 50), rank=st.integers(1, 20))
def test_as_many_atoms_are_kept_as_are_independent(seed, n, m, rank):
    """Many are dropped after one decomposition; at an optimum, where v . phi is the same for all, no size is lost."""
    rng = np.random.default_rng(seed)
    rank = min(n, m, rank)
    Phi = rng.standard_normal((n, rank)) @ rng.standard_normal((rank, m))
    size = rng.uniform(0.1, 2.0, m)
    keep, new = independent_atoms(Phi, size)
    assert len(keep) <= rank == np.linalg.matrix_rank(Phi)
    assert len(set(keep.tolist())) == len(keep)
    assert new.min() > 0.0
    assert Phi[:, keep] @ new == pytest.approx(Phi @ size, abs=1e-9 * np.abs(Phi).max() * size.sum())
    assert new.sum() <= size.sum() * (1 + 1e-12)
    even = np.vstack([Phi, np.ones(m)])  # v picks the last output
    keep, new = independent_atoms(even, size)
    assert new.sum() == pytest.approx(size.sum(), rel=1e-9)


def test_atoms_beyond_a_full_set_are_reduced_many_at_a_time(monkeypatch):
    """As those of several outputs, of which each has outputs of one alone: a decomposition for each took minutes."""
    rng = np.random.default_rng(0)
    Phi, size = np.kron(np.eye(8), np.ones((5, 50))) * rng.standard_normal((40, 400)), rng.uniform(0.5, 2.0, 400)
    calls, svd = [], np.linalg.svd
    monkeypatch.setattr(np.linalg, "svd", lambda *args, **options: calls.append(1) or svd(*args, **options))
    keep, new = independent_atoms(Phi, size)
    assert len(keep) <= 40
    assert Phi[:, keep] @ new == pytest.approx(Phi @ size, abs=1e-9 * np.abs(Phi).max() * size.sum())
    assert new.sum() <= size.sum() * (1 + 1e-12)
    assert len(calls) < 100  # of 360 atoms that go


def test_dead_atoms_are_dropped():
    keep, size = independent_atoms(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([1.0, 5.0]))
    assert (keep.tolist(), size.tolist()) == ([0], [1.0])
    keep, size = independent_atoms(np.zeros((2, 0)), np.zeros(0))
    assert (len(keep), len(size)) == (0, 0)


def test_zero_network_predicts_zero():
    problem = patch_problem(0)
    zero = Network(problem.architecture, [], [])
    assert (zero.m, zero.regulariser) == (0, 0.0)
    assert zero.predict(problem.X).tolist() == [0.0] * 6
    assert prune(zero, problem.patches).m == 0


@pytest.mark.parametrize(
    ("filters", "weights"),
    [([[1.0]], [1.0]), ([[1.0, 2.0]], [1.0, 2.0]), ([1.0, 2.0], [1.0]), ([[np.nan, 1.0]], [1.0]), ([[1, 2]], ["a"])],
)
def test_networks_that_do_not_fit_are_refused(filters, weights):
    with pytest.raises(InputError, match="got"):
        Network(patch_problem(0).architecture, filters, weights)
