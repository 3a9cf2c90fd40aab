"""Networks moved within their cells: filters on walls of cells, where descent ends at kinks."""

import threading

import numpy as np
import pytest
from architecture_cases import random_network
from few_cases import few
from test_lifted import flat, vector

from convex_core import Network, Status, solve
from convex_core.architectures import in_cells_of
from convex_core.progress import Budget
from convex_core.training.within_cells import settle


@pytest.mark.parametrize("problem", [flat(0), vector(1), flat(2, n=3, h=3)], ids=["flatten", "l2", "h3"])
def test_a_neuron_is_bilinear_in_its_cell(problem):
    network = random_network(problem, 20, 0)
    maps, rows = in_cells_of(problem.architecture, problem.patches, network.parameters)
    u, w = network.filters, network.weights
    assert np.all(np.einsum("jrh,jh->jr", rows, u) >= -1e-9)
    outputs = problem.architecture.outputs(problem.patches, network.parameters)
    np.testing.assert_allclose(np.einsum("jnab,ja,jb->nj", maps, w, u), outputs, atol=1e-12)


@pytest.mark.parametrize("seed", few(range(3)))
def test_a_network_near_the_optimum_settles_there(seed):
    problem = flat(seed)
    solution = solve(problem, tol=1e-8)
    best = solution.network
    off = np.random.default_rng(seed)
    near = Network(
        problem.architecture,
        best.filters * (1.0 + 0.05 * off.standard_normal(best.filters.shape)),
        best.weights * (1.0 + 0.05 * off.standard_normal(best.weights.shape)),
    )
    settled = settle(problem, near)
    before, after = (problem.objective(one) / solution.lower_bound - 1.0 for one in (near, settled))
    assert before > 1e-4
    assert after < 1e-2 * before


def test_what_cannot_be_moved_stays():
    problem = flat(0)
    network = random_network(problem, 3, 1)
    cancel = threading.Event()
    cancel.set()
    assert settle(problem, network, budget=Budget(cancel=cancel)) is network
    assert settle(problem, random_network(problem, 0, 1)).m == 0
    wide = random_network(problem, 300, 1)
    assert settle(problem, wide) is wide
    plain = flat(0, relaxation="cone")
    other = random_network(plain, 3, 1)
    assert settle(plain, other) is other


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_thin_cells_do_not_keep_a_network_above_its_bound(seed):
    solution = solve(flat(seed, n=7, K=2, h=3), tol=1e-8)
    assert (solution.status, solution.relative_gap <= 1e-8) == (Status.OPTIMAL, True)
