"""Pictures that are lessons: knots of splines, the way to the least norm, atoms, skip connections, whitening."""

from __future__ import annotations

import numpy as np
import pytest
from test_figures import check

from convex_core import InputError, Network, Problem, minimum_norm, solve, solve_path
from convex_core.architectures import TwoLayerCNN
from convex_core.figures.atoms import MAX_ATOMS, threshold_atoms
from convex_core.figures.colours import DARK, LIGHT
from convex_core.figures.directions import normalised_directions
from convex_core.figures.interpolation import least_norm
from convex_core.figures.knots import has_knots, knots_of, spline_knots
from convex_core.figures.skip import skip_as_two_relus
from convex_core.patches import patch_geometry


def line(seed=0, n=6, **options):
    x, y = np.random.default_rng(seed).standard_normal((2, n))
    return Problem(x[:, None], y, filter_size=1, beta=0.01, **{"bias": "free", "skip": "free", **options})


@pytest.mark.parametrize("options", [{}, {"activation": "leaky", "slope": 0.3}, {"activation": "absolute"}])
def test_knots_are_where_the_slope_changes_by_as_much(options):
    problem = line(1, **options)
    network = solve(problem, tol=1e-7).network
    place, change = knots_of(network)
    assert len(place) > 0
    step = 1e-4
    for at in np.unique(place.round(9)):
        f = network.predict(np.array([[at - step], [at], [at + step]])).ravel()
        expected = change[np.abs(place - at) < 1e-8].sum()
        assert (f[2] - 2.0 * f[1] + f[0]) / step == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_with_free_biases_knots_are_at_data_and_beta_takes_them_away():
    problem = line()
    path = solve_path(problem, points=6, tol=1e-8)
    chart = spline_knots(path)
    check(chart)
    assert np.abs(np.array(chart.table["place"])[:, None] - problem.X[:, 0]).min(axis=1).max() < 1e-6
    counts = [chart.table["beta"].count(solution.problem.beta) for solution in path]
    assert counts[0] == 0 < counts[-1] <= problem.n
    curve = chart.figure.data[-3]
    np.testing.assert_allclose(curve.y, path[-1].network.predict(np.array(curve.x)[:, None]))
    assert f"{sum(counts)} of {sum(counts)} knots are at data" in chart.alt
    assert spline_knots(path, colours=DARK).figure.data[0].line.color != chart.figure.data[0].line.color
    assert path.plot("knots", colours=LIGHT).alt == chart.alt


def test_only_splines_have_knots():
    assert has_knots(line())
    for options in ({"activation": "threshold"}, {"activation": "quadratic"}):
        other = line(bias="regularised", skip="none", **options)
        assert not has_knots(other)
        with pytest.raises(InputError, match=r"^path: got a network that is no linear spline"):
            spline_knots(solve_path(other, points=2))
    assert not has_knots(Problem(np.eye(3), [1.0, 0.0, 1.0], filter_size=2, beta=0.1))
    without = Network(TwoLayerCNN(patch_geometry((1,), 1)), [[2.0], [0.0]], [1.0, 1.0])
    assert [part.tolist() for part in knots_of(without)] == [[0.0], [2.0]]


@pytest.mark.parametrize("margin", [False, True])
def test_the_way_to_the_least_norm(margin):
    problem = line(2, bias="regularised", skip="none")
    if margin:
        problem = Problem(problem.X, np.sign(problem.y), architecture=problem.architecture, beta=0.1)
    found = minimum_norm(problem, margin=margin)
    chart = least_norm(found)
    check(chart)
    assert chart.table["objective over beta"] == found.values.tolist()
    assert f"{found.norm:.6g}" in chart.alt
    assert ("margin" in chart.alt) == margin
    assert found.plot(colours=DARK).alt == chart.alt
    first, last = chart.figure.layout.xaxis.range
    assert first > last


def test_the_atoms_of_thresholds_add_up_to_the_outputs():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 6)), rng.standard_normal(8)
    solution = solve(Problem(X, y, filter_size=2, stride=2, beta=0.5, activation="threshold"))
    chart = threshold_atoms(solution)
    check(chart)
    atoms = np.array([chart.table[f"sample {i + 1}"] for i in range(8)])
    np.testing.assert_allclose(atoms @ chart.table["weight"], solution.predictions, atol=1e-9)
    assert set(np.unique(atoms)) <= {0.0, 1.0, 2.0, 3.0}
    assert 0 < len(chart.table["weight"]) <= MAX_ATOMS
    assert np.all(np.diff(np.abs(chart.table["weight"])) <= 0.0)
    heat = np.array(chart.figure.data[0].z, dtype=float)
    np.testing.assert_allclose(heat, atoms.T[:, np.argsort(y, kind="stable")])
    assert solution.plot("atoms").alt == chart.alt
    with pytest.raises(InputError, match=r"^solution: got the architecture"):
        threshold_atoms(solve(Problem(X, y, filter_size=2, stride=2, beta=0.5)))


def test_a_skip_connection_is_two_relus():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 6)), rng.standard_normal(6)
    solution = solve(Problem(X, y, filter_size=2, stride=2, beta=0.1, skip="free", pooling="mean"), tol=1e-8)
    chart = skip_as_two_relus(solution)
    check(chart)
    up, down, both = (np.array(chart.table[k]) for k in ("ReLU of z", "minus ReLU of -z", "skip connection"))
    np.testing.assert_allclose(up + down, both, atol=1e-15)
    z = solution.network.free
    relus = Network(
        TwoLayerCNN(solution.problem.architecture.geometry, "mean"),
        np.stack([z, -z]) / np.sqrt(np.linalg.norm(z)), np.array([1.0, -1.0]) * np.sqrt(np.linalg.norm(z)),
    )  # fmt: skip
    np.testing.assert_allclose(relus.predict(X), both.reshape(6, 3).sum(axis=1), atol=1e-12)
    assert chart.alt.endswith(f"as the two ReLUs of z and -z it would cost {0.1 * relus.regulariser:.3g}.")
    # so that much is all it can be worth
    plain = solve(Problem(X, y, filter_size=2, stride=2, beta=0.1, pooling="mean"), tol=1e-8)
    assert solution.objective <= plain.objective <= solution.objective + 0.1 * relus.regulariser + 1e-9
    assert solution.plot("skip").alt == chart.alt
    with pytest.raises(InputError, match="got a network without a skip connection"):
        skip_as_two_relus(plain)
    with pytest.raises(InputError, match="got the activation 'leaky', expected relu"):
        skip_as_two_relus(solve(Problem(X, y, filter_size=2, beta=1.0, skip="free", activation="leaky")))


@pytest.mark.parametrize("h", [1, 2, 3])
def test_directions_before_and_after_normalisation(h):
    rng = np.random.default_rng(h)
    X, y = rng.standard_normal((6, 2 * h)) * (2 * [5.0, *[1.0] * (h - 1)]), rng.standard_normal(6)
    solution = solve(Problem(X, y, filter_size=h, stride=h, beta=0.1, normalisation="batch"), tol=1e-8)
    chart = normalised_directions(solution)
    check(chart)
    q = np.array([chart.table[f"q[{i}]"] for i in range(h)]).T
    np.testing.assert_allclose(np.linalg.norm(q, axis=1), 1.0)
    batch, network = solution.problem.architecture.statistics, solution.network
    white = batch.whitened(solution.problem.patches)
    gamma, alpha = network.filters[:, -2], network.filters[:, -1]
    t = white @ (gamma[:, None] * q).T + alpha / 12**0.5
    np.testing.assert_allclose(np.maximum(t, 0.0).sum(axis=0) @ network.weights, solution.predictions, atol=1e-9)
    dots = [trace for trace in chart.figure.data if trace.name == "patch rows"]
    assert [len(trace.x) for trace in dots] == [12, 12]
    after = np.stack([dots[1].x, dots[1].y], axis=1)
    spread = np.linalg.svd(after, compute_uv=False)
    np.testing.assert_allclose(spread[: min(h, 2)], 1.0)
    assert solution.plot("directions").alt == chart.alt
    with pytest.raises(InputError, match="got the architecture"):
        normalised_directions(solve(Problem(X, y, filter_size=h, stride=h, beta=0.5)))


def test_patches_that_are_all_alike_have_no_direction():
    solution = solve(Problem([[1.0], [1.0]], [1.0, 2.0], filter_size=1, beta=0.1, normalisation="batch"))
    with pytest.raises(InputError, match="got patches that are all alike, expected some that differ"):
        normalised_directions(solution)


def test_nothing_in_use_is_drawn_as_nothing():
    solution = solve(Problem([[1.0], [2.0]], [0.1, -0.1], filter_size=1, beta=50.0, activation="threshold"))
    check(threshold_atoms(solution))
