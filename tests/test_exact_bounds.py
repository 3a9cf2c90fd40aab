"""Bounds called global, judged by exact arithmetic: rows that nearly coincide, scales and beta far apart."""

import math
from fractions import Fraction

import numpy as np
import pytest
from exact_cases import dual_value, fractions, objective, squared_price, squared_tau

from convex_core import Network, Problem, Scope, Status, audit, certify, solve, solve_path
from convex_core.architectures import make_architecture
from convex_core.losses import LOSSES, make_loss
from convex_core.patches import patch_geometry
from convex_core.solve import METHODS

ULP = 2.0**-52


def near_parallel(seed, loss_name):
    """A problem with two rows 1 to 300 ulp apart, and a network of doubles that tells them apart at a cost below one.

    The filter (b, -a) is orthogonal to the first row (a, b), exactly; its product with the second one is k ulp. The
    costs are such that beta weighs them about as much as the loss, for scales from 2^-40 to 2^40.
    """
    rng = np.random.default_rng(seed)
    k = int(rng.choice([1, 2, 3, 8, 17, 40, 100, 300]))
    scale = 2.0 ** float(rng.choice([-40, -13, 0, 0, 5, 30, 40]))
    a, b = 1.0, float(rng.choice([0.5, -0.25, 0.75, 1.0]))
    rows = [[a, b], [a + k * ULP, b]]
    if rng.random() < 0.5:
        rows.append([float(rng.choice([-1.0, 2.0, 0.0])) * a, float(rng.choice([-1.0, 1.0])) * b])
    X = scale * np.array(rows)
    y = np.array([1.0, -1.0, *np.sign(rng.standard_normal(len(rows) - 2))])
    step = k * ULP * b * scale  # of the second row along (b, -a)
    q = 2 if loss_name == "softmax" else 1
    cnn = make_architecture("two-layer", patch_geometry((2,), 2), **({"outputs": 2} if q == 2 else {}))
    reach = 4.0 if loss_name in ("logistic", "softmax") else 1.0  # of the outputs
    # neuron 1: y_1 on the first two rows; neuron 2: the difference, on the second
    length = math.hypot(a, b)
    first = (np.array([a, b]) / length, reach / (length * scale))
    second = (np.array([b, -a]) / length * np.sign(b), -2.0 * reach * length / abs(step))
    u = np.array([np.sqrt(abs(w)) * direction for direction, w in (first, second)])
    w = np.array([np.sign(w) * np.sqrt(abs(w)) for _, w in (first, second)])
    network = Network(cnn, u, w if q == 1 else np.stack([w, 0.0 * w], axis=1))
    beta = 10.0 ** rng.uniform(-3.0, -1.0) / abs(second[1])
    targets = y if q == 1 else (y < 0.0).astype(float)
    return Problem(cnn, X, targets, beta, make_loss(loss_name)), network


def assert_proved(problem, certificate, networks):
    """The bound is that of a dual vector that is feasible, both exactly; and no network lies below it."""
    if certificate.scope is not Scope.GLOBAL:
        assert certificate.lower_bound == -np.inf
        return
    assert squared_tau(problem, certificate.dual) <= Fraction(problem.beta) ** 2
    lower = Fraction(certificate.lower_bound)
    assert lower <= dual_value(problem, certificate.dual)
    for network in networks:
        assert lower <= objective(problem, network)


def test_the_exact_price_is_that_of_a_fine_grid():
    rng = np.random.default_rng(0)
    angle = np.linspace(0.0, 2.0 * np.pi, 200_001)
    U = np.stack([np.cos(angle), np.sin(angle)])
    for _ in range(20):
        n = int(rng.integers(1, 6))
        rows, v = rng.integers(-3, 4, (n, 2)).astype(float), rng.standard_normal(n)
        grid = np.abs(v @ np.maximum(rows @ U, 0.0)).max()
        exact = float(squared_price(fractions(v), fractions(rows))) ** 0.5
        assert grid * (1 - 1e-12) <= exact <= grid * (1 + 1e-8) + 1e-12


@pytest.mark.parametrize("loss", list(LOSSES))
@pytest.mark.parametrize("method", list(METHODS))
def test_no_network_of_doubles_is_below_a_bound_called_global(method, loss):
    for seed in range(2):
        problem, network = near_parallel(100 * list(METHODS).index(method) + 10 * list(LOSSES).index(loss) + seed, loss)
        solution = solve(problem, method=method, tol=1e-6, time_limit=5.0)
        assert_proved(problem, solution.certificate, [network, solution.network])
        if seed == 0:
            judged = certify(problem, network, dual=solution.dual, time_limit=5.0)
            assert_proved(problem, judged, [network, solution.network])
