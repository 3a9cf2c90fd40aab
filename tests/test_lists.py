"""Programs over listed filters or gates: CVXPY's values, honest bounds, the network's own objective."""

from __future__ import annotations

import json
import threading

import numpy as np
import pytest
from few_cases import few
from hypothesis import given, settings
from hypothesis import strategies as st
from list_cases import LOSSES, PROGRAMS, cvxpy_optimum, small_features, small_images, targets_for

from convex_core import InputError, Problem, SizeError, Status, load_model, make_loss, patch_geometry, solve
from convex_core.export.listed import load_listed, save_listed
from convex_core.lists import ListedNetwork, ListFeatures, ListNorm, PoolingGrid, Whitening, train_list
from convex_core.lists import columns as columns_module
from convex_core.lists.admm import Tuning, iterate
from convex_core.lists.designs import Gram, Kernel
from convex_core.lists.filters import draw_directions, sample_patches
from convex_core.lists.prices import prices_of, search_prices
from convex_core.lists.weighted import WeightedLoss
from convex_core.losses import HingeLoss, LogisticLoss, SoftmaxLoss, SquaredLoss
from convex_core.progress import Budget

EACH_LOSS = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.name)
#: every loss with every program; by default each loss once and each program once
EACH_PAIR = pytest.mark.parametrize(
    ("loss", "kind", "norm"),
    [
        pytest.param(
            loss, *program, id="-".join((*program, loss.name)),
            marks=[] if (k + 2) % len(PROGRAMS) == j else pytest.mark.slow,
        )
        for k, loss in enumerate(LOSSES)
        for j, program in enumerate(PROGRAMS)
    ],
)  # fmt: skip


def train(loss, kind, norm, *, seed=0, beta=0.4, tol=1e-7, bias="free", weight=None, cuts=(2, 1), **options):
    """The solution, and what CVXPY needs for the same program."""
    X, geometry, classes = small_images(seed)
    features = small_features(geometry, kind=kind, cuts=cuts)
    Y = targets_for(loss, classes)
    solution = train_list(
        X, Y, geometry, kind=kind, pooling_grid=cuts, directions=features.directions, whiten=False, norm=norm,
        loss=loss, bias=bias, beta=beta, weight=weight, tol=tol, **options,
    )  # fmt: skip
    return solution, X, Y, features


# --- the optimum


@EACH_PAIR
def test_the_value_is_that_of_cvxpy(loss, kind, norm):
    # the absolute loss, whose every piece is flat, takes thousands of iterations for the last digits
    tol = 1e-5 if loss.name == "absolute" else 1e-7
    solution, X, Y, features = train(loss, kind, norm, tol=tol)
    value = cvxpy_optimum(features.of(X), Y, loss, norm, features.shape, 0.4)
    certificate = solution.certificate
    assert solution.status is Status.RESTRICTED_OPTIMUM
    assert certificate.objective == pytest.approx(value, rel=max(1e-6, tol))
    assert certificate.lower_bound <= value * (1 + 1e-7)
    assert certificate.relative_gap <= tol


@pytest.mark.slow
@pytest.mark.parametrize("loss", [SquaredLoss(), SoftmaxLoss(), HingeLoss()], ids=lambda loss: loss.name)
@pytest.mark.parametrize("bias", ["none", "regularised"])
def test_without_free_biases_too(loss, bias):
    solution, X, Y, features = train(loss, "relu", "group", bias=bias)
    listed = ListFeatures(features.geometry, features.whitening, features.grid, solution.directions, False)
    assert features.P + (bias == "regularised") == listed.P
    value = cvxpy_optimum(listed.of(X), Y, loss, "group", listed.shape, 0.4, free=False)
    assert solution.certificate.objective == pytest.approx(value, rel=1e-6)
    assert not solution.network.bias.any()


@EACH_LOSS
def test_a_weight_of_two_is_the_sample_twice(loss):
    X, geometry, classes = small_images(3)
    Y = targets_for(loss, classes)
    times = 1 + np.arange(len(X)) % 3
    options = {
        "pooling_grid": 2,
        "directions": np.eye(geometry.h)[:6] + 0.1,
        "loss": loss,
        "beta": 1.0,
        "tol": 1e-6,
        "whiten": False,
    }
    weighted = train_list(X, Y, geometry, weight=times, **options)
    repeated = train_list(X.repeat(times, axis=0), Y.repeat(times, axis=0), geometry, **options)
    assert weighted.certificate.objective == pytest.approx(repeated.certificate.objective, rel=3e-6)
    assert weighted.certificate.relative_gap <= 1e-6


@EACH_PAIR
def test_the_network_has_the_value_of_the_program(loss, kind, norm):
    solution, X, Y, _ = train(loss, kind, norm, tol=1e-4)
    network = solution.network
    own = loss.value(network.outputs(X).ravel(), Y.ravel()) + 0.4 * network.regulariser
    assert own == pytest.approx(solution.certificate.objective, rel=1e-9)
    assert network.regulariser == pytest.approx(network.sizes.sum(), rel=1e-9)


@pytest.mark.parametrize("kind", ["relu", "gated"])
def test_local_search_of_the_network_finds_nothing_below(kind):
    from scipy.optimize import minimize

    loss = SquaredLoss()
    norm = "group" if kind == "relu" else "nuclear"
    solution, X, Y, features = train(loss, kind, norm, beta=1.0)
    G = features.of(X).reshape(len(X), features.P, features.h, features.grid.R)
    copies = 3 if kind == "gated" else 1
    which = np.repeat(np.arange(features.P), copies)
    m, h, R, q = len(which), features.h, features.grid.R, Y.shape[1]

    def objective(parameters):
        u, w, b = np.split(parameters, [m * h, m * h + m * R * q])
        u, w = u.reshape(m, h), w.reshape(m, R, q)
        inside = np.einsum("njhr,jh->njr", G[:, which], u)
        rest = np.einsum("njr,jrq->nq", inside, w) + b - Y
        back = np.einsum("nq,jrq->njr", rest, w)
        slope = (np.einsum("njr,njhr->jh", back, G[:, which]) + u, np.einsum("njr,nq->jrq", inside, rest) + w)
        value = 0.5 * np.sum(rest**2) + 0.5 * (np.sum(u**2) + np.sum(w**2))
        return value, np.concatenate([slope[0].ravel(), slope[1].ravel(), rest.sum(axis=0)])

    found = [
        minimize(
            objective, np.random.default_rng(s).standard_normal(m * h + m * R * q + q), jac=True, method="L-BFGS-B"
        ).fun
        for s in range(5)
    ]
    assert min(found) >= solution.certificate.lower_bound * (1 - 1e-9)
    assert min(found) == pytest.approx(solution.certificate.objective, rel=1e-3)


# --- kernel and Gram


@pytest.mark.slow
@EACH_LOSS
@pytest.mark.parametrize("norm", ["group", "l1"])
def test_kernel_and_gram_give_the_same(loss, norm):
    rng = np.random.default_rng(5)
    shape, n, q = (6, 1, 2), 30, 3
    G = rng.standard_normal((n, 12))
    G -= G.mean(axis=0)
    Y = targets_for(loss, np.arange(n) % q)
    weighted = WeightedLoss(loss, Y, np.ones(n))
    W = Y - Y.mean(axis=0)
    gram = Gram(G.T @ G, n, B=G.T @ W, WW=float(np.vdot(W, W))) if weighted.squared else Gram(G.T @ G, n, G=G)
    states = [
        iterate(design, weighted, ListNorm(norm), 0.5, shape, free=True, tol=1e-6, budget=Budget())
        for design in (Kernel(G), gram)
    ]
    assert states[0].upper == pytest.approx(states[1].upper, rel=2e-6)
    assert states[0].gap <= 1e-6
    assert states[1].gap <= 1e-6


@pytest.mark.parametrize("beta", [1.0, None])
@pytest.mark.parametrize("bias", ["free", "none"])
def test_columns_that_are_summed_up_give_what_kept_ones_give(bias, beta, monkeypatch):
    X, geometry, classes = small_images(2, n=80)
    Y, weight = np.eye(3)[classes], np.where(classes == 1, 2.0, 1.0)
    options = {
        "directions": 6,
        "pooling_grid": 2,
        "beta": beta,
        "tol": 1e-7,
        "whiten": True,
        "weight": weight,
        "bias": bias,
        "seed": 4,
    }
    monkeypatch.setattr(columns_module, "_BLOCK", 7)  # blocks end inside chunks and chunks inside blocks
    summed = train_list(X, Y, geometry, **options)
    assert len(X) > 6 * 4
    monkeypatch.setattr(
        columns_module, "_Summed", lambda features, X, Y, weight, held, kind, **_: _kept(features, X, held)
    )
    kept = train_list(X, Y, geometry, **options)
    assert summed.certificate.objective == pytest.approx(kept.certificate.objective, rel=1e-6)
    assert summed.certificate.lower_bound == pytest.approx(kept.certificate.lower_bound, rel=1e-6)
    assert [point.beta for point in summed.path] == pytest.approx([point.beta for point in kept.path], rel=1e-9)
    assert [point.iterations for point in summed.path] == [point.iterations for point in kept.path]
    assert (len(kept.path) >= 3) == (beta is None)


def _kept(features, X, held):
    return columns_module._Kept(features.of(X), held)


def test_single_precision_is_certified_in_double(monkeypatch):
    monkeypatch.setattr(columns_module, "_DOUBLE", 0)
    for loss in (SquaredLoss(), SoftmaxLoss()):
        solution, X, Y, features = train(loss, "relu", "group", tol=1e-4)
        value = cvxpy_optimum(features.of(X), Y, loss, "group", features.shape, 0.4)
        assert solution.certificate.lower_bound <= value * (1 + 1e-9)
        assert solution.certificate.objective >= value * (1 - 1e-9)
        assert solution.certificate.relative_gap <= 1e-4


def test_too_many_columns_to_keep_are_refused(monkeypatch):
    monkeypatch.setattr(columns_module, "_MOST_KEPT", 100)
    with pytest.raises(SizeError, match="columns: got 24 samples with 8 columns each, expected at most 100 numbers"):
        train(SoftmaxLoss(), "relu", "group")


# --- the bounds


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 1000), which=st.integers(0, len(LOSSES) - 1), program=st.sampled_from(PROGRAMS),
    iterations=st.integers(1, 30), share=st.floats(0.01, 2.0),
)  # fmt: skip
def test_bounds_hold_whenever_the_iteration_ends(seed, which, program, iterations, share):
    loss, (kind, norm) = LOSSES[which], program
    X, geometry, classes = small_images(seed, n=12)
    features = small_features(geometry, kind=kind, seed=seed)
    G = features.of(X)
    G = G - G.mean(axis=0)
    weighted = WeightedLoss(loss, targets_for(loss, classes), np.ones(len(X)))
    early, late = (
        iterate(
            Kernel(G), weighted, ListNorm(norm), share, features.shape, free=True, tol=1e-4, budget=Budget(),
            tuning=Tuning(most=most),
        )
        for most in (iterations, 400)
    )  # fmt: skip
    assert early.lower <= late.upper * (1 + 1e-9)
    assert late.lower <= early.upper * (1 + 1e-9)


def test_a_time_that_is_over_leaves_the_network_without_filters_and_true_bounds():
    solution, X, Y, _features = train(SquaredLoss(), "relu", "group", time_limit=1e-9)
    assert solution.status is Status.TIME_LIMIT
    assert solution.network.m == 0
    assert solution.certificate.objective == pytest.approx(0.5 * np.sum((Y - Y.mean(axis=0)) ** 2))
    assert solution.certificate.lower_bound == 0.0
    np.testing.assert_allclose(solution.network.outputs(X), np.broadcast_to(Y.mean(axis=0), Y.shape))


def test_cancelling_in_the_middle_leaves_honest_bounds():
    stop = threading.Event()
    seen = []

    def progress(report):
        seen.append(report.stage)
        if report.stage == "solve" and report.round >= 10:
            stop.set()

    solution, X, Y, features = train(HingeLoss(), "relu", "group", tol=1e-9, cancel=stop, progress=progress)
    value = cvxpy_optimum(features.of(X), Y, HingeLoss(), "group", features.shape, 0.4)
    assert solution.status is Status.CANCELLED
    assert solution.certificate.lower_bound <= value <= solution.certificate.objective * (1 + 1e-9)
    assert "certify" in seen


def test_a_large_beta_gives_the_network_without_filters():
    for loss in LOSSES:
        solution, *_ = train(loss, "relu", "group", beta=1e4, tol=1e-6)
        assert solution.network.m == 0
        assert solution.certificate.relative_gap <= 1e-6


# --- prices of others


@pytest.mark.parametrize(("kind", "norm"), PROGRAMS)
def test_no_listed_price_is_above_beta(kind, norm):
    solution, X, _, features = train(SquaredLoss(), kind, norm, beta=0.2)
    prices = prices_of(features, X, solution.certificate.dual, ListNorm(norm), Budget())
    assert prices.max() <= 0.2 * (1 + 1e-9)


@pytest.mark.parametrize("norm", ["group", "l1"])
def test_ascent_prices_what_it_returns_and_only_improves(norm):
    solution, X, _, features = train(SquaredLoss(), "relu", norm, beta=0.2)
    V, patches = solution.certificate.dual, np.random.default_rng(0).standard_normal((200, 9))
    found = [
        search_prices(
            features,
            X,
            V,
            ListNorm(norm),
            patches,
            starts=8,
            steps=steps,
            rng=np.random.default_rng(0),
            budget=Budget(),
        )
        for steps in (0, 8)
    ]
    for directions, prices in found:
        one = ListFeatures(features.geometry, features.whitening, features.grid, directions, False)
        np.testing.assert_allclose(prices_of(one, X, V, ListNorm(norm), Budget()), prices, rtol=1e-12)
        np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert found[1][1].max() > found[0][1].max()


def test_a_list_that_grows_lowers_the_optimum_and_the_prices():
    X, geometry, classes = small_images(1, n=40)
    options = {"directions": 4, "pooling_grid": 2, "beta": 0.3, "tol": 1e-4}
    short = train_list(X, np.eye(3)[classes], geometry, **options)
    grown = train_list(X, np.eye(3)[classes], geometry, max_rounds=6, **options)
    assert short.certificate.price > 1.0
    assert "Others would still help" in short.certificate.text
    assert grown.rounds > 1
    assert grown.certificate.listed == len(grown.directions) > 4
    assert grown.certificate.objective < short.certificate.lower_bound
    np.testing.assert_array_equal(grown.directions[:4], short.directions)


# --- the hold-out


@pytest.mark.parametrize("loss", [SquaredLoss(), LogisticLoss()], ids=lambda loss: loss.name)
def test_beta_is_the_best_of_the_path(loss):
    X, geometry, classes = small_images(0, n=60)
    solution = train_list(X, targets_for(loss, classes), geometry, loss=loss, directions=20, pooling_grid=2)
    best = min(solution.path, key=lambda point: point.measure)
    assert solution.beta == best.beta
    betas = [point.beta for point in solution.path]
    assert betas == sorted(betas, reverse=True)
    assert all(point.relative_gap <= 1e-2 for point in solution.path)


def test_the_same_seed_gives_the_same_bits_and_another_another_list():
    X, geometry, classes = small_images(0, n=40)
    Y = np.eye(3)[classes]
    one, two, other = (train_list(X, Y, geometry, directions=8, seed=seed) for seed in (1, 1, 2))
    assert one.network == two.network
    assert one.certificate == two.certificate
    assert not np.array_equal(one.directions, other.directions)


# --- whitening, pooling, features


def test_whitening_changes_no_network():
    X, geometry, _ = small_images(0)
    rng = np.random.default_rng(2)
    white = Whitening.of(rng.standard_normal((500, 9)) @ rng.standard_normal((9, 9)) + 3.0)
    features = small_features(geometry, whitening=white)
    linear, offsets = white.filters(features.directions, biased=True)
    patches = geometry.extract(X)  # (K, n, h), ones at the end
    values = np.maximum(patches @ np.column_stack([linear, offsets]).T, 0.0)
    pooled = np.stack([values[:6].mean(axis=0), values[6:].mean(axis=0)], axis=2)  # rows 0 and 1, row 2
    np.testing.assert_allclose(features.of(X), pooled.reshape(len(X), -1), atol=1e-10)


@pytest.mark.parametrize("padding", ["valid", "zero", "circular"])
@pytest.mark.parametrize("shape", [(9,), (6, 5), (5, 5, 2)])
def test_patches_of_features_are_those_of_the_geometry(padding, shape):
    geometry = patch_geometry(shape, 3, 2, padding)
    X = np.random.default_rng(0).standard_normal((4, geometry.d))
    directions = np.random.default_rng(1).standard_normal((3, geometry.h))
    grid = PoolingGrid(geometry.grid, (1,) * len(geometry.grid), "sum")
    features = ListFeatures(geometry, Whitening.none(geometry.window), grid, directions, False)
    expected = np.maximum(geometry.extract(X) @ directions.T, 0.0).sum(axis=0)
    np.testing.assert_allclose(features.of(X), expected, atol=1e-12)


def test_the_maximum_over_a_region_is_that_of_its_windows():
    geometry = patch_geometry((6,), 2)
    X = np.random.default_rng(0).standard_normal((5, 6))
    grid = PoolingGrid(geometry.grid, (2,), "max")
    features = ListFeatures(geometry, Whitening.none(2), grid, np.array([[0.6, -0.8]]), False)
    values = np.maximum(geometry.extract(X) @ [0.6, -0.8], 0.0)
    np.testing.assert_allclose(features.of(X), np.stack([values[:3].max(axis=0), values[3:].max(axis=0)], axis=1))


def test_one_region_and_one_window_is_the_fully_connected_network():
    X = np.random.default_rng(0).standard_normal((20, 4))
    geometry = patch_geometry((4,), 4)
    u = np.random.default_rng(1).standard_normal((5, 4))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    solution = train_list(X, X[:, 0], geometry, directions=u, whiten=False, beta=0.3, bias="none", norm="l1", tol=1e-8)
    import cvxpy as cp

    w = cp.Variable(5)
    lasso = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(np.maximum(X @ u.T, 0) @ w - X[:, 0]) + 0.3 * cp.norm1(w)))
    assert solution.certificate.objective == pytest.approx(lasso.solve(solver="CLARABEL"), rel=1e-6)


# --- bad input


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "other"}, "kind: got 'other', expected one of relu, gated"),
        ({"bias": "some"}, "bias: got 'some', expected one of free, regularised, none"),
        ({"beta": 0.0}, "beta: got 0.0, expected a finite number > 0"),
        ({"pooling_grid": 9}, r"pooling_grid: got 9, expected an integer in \[1, 3\]"),
        ({"pooling_grid": (1, 1, 1)}, "pooling_grid: got 3 numbers, expected 2, one per axis"),
        ({"pooling": "min"}, "pooling: got 'min', expected one of mean, sum, max"),
        ({"kind": "gated", "pooling": "max"}, "pooling: got max with given gates, expected mean or sum"),
        ({"kind": "gated", "norm": "group"}, "norm: got group with given gates, expected nuclear or l1"),
        ({"norm": "l3"}, "norm: got 'l3', expected one of group, l1, nuclear"),
        ({"directions": np.zeros((2, 10))}, "directions: got a zero vector"),
        ({"directions": np.ones((2, 3))}, "directions: got 3 entries each, expected 10"),
        ({"weight": np.zeros(24)}, "weight: got shape"),
        ({"tol": -1.0}, "tol: got -1.0, expected a finite number > 0"),
        ({"loss": SoftmaxLoss(), "Y": np.zeros(24)}, "loss: got softmax with one output, expected at least two"),
        ({"Y": np.zeros((5, 3))}, "Y: got 5 targets, expected 24, one per sample"),
        ({"X": np.zeros((24, 7))}, "X: got 7 columns, expected 25"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(changed, message):
    X, geometry, classes = small_images(0)
    arguments = {"X": X, "Y": np.eye(3)[classes], "directions": 5, **changed}
    with pytest.raises(InputError, match=message) as caught:
        train_list(arguments.pop("X"), arguments.pop("Y"), geometry, **arguments)
    assert "\n" not in str(caught.value)


def test_gates_are_not_decided_by_rounding():
    # half of the patches are blank, and the same: no gate may open exactly there
    rng = np.random.default_rng(0)
    X = rng.random((200, 36)) * (rng.random((200, 36)) < 0.15)
    geometry = patch_geometry((6, 6), 2, bias="regularised")
    patches = sample_patches(geometry, X, rng)
    white = Whitening.of(patches)
    directions = draw_directions(geometry, white, patches, 60, rng)
    gates, offsets = white.filters(directions, biased=True)
    assert np.abs(patches @ gates.T + offsets).min() > 1e-7
    features = ListFeatures(geometry, white, PoolingGrid(geometry.grid, (2, 2), "mean"), directions, True)
    np.testing.assert_allclose(features.of(X, np.float32), features.of(X), atol=1e-4)


def test_what_single_precision_cannot_certify_is_done_again_in_double(monkeypatch):
    monkeypatch.setattr(columns_module, "_DOUBLE", 0)
    kinds = []
    real = ListFeatures.all

    def rough(self, X, kind, budget):
        kinds.append(kind)
        columns = real(self, X, kind, budget)
        return np.round(columns, 1) if kind is np.float32 else columns  # far worse than single precision

    monkeypatch.setattr(ListFeatures, "all", rough)
    solution, *_ = train(SoftmaxLoss(), "relu", "group", tol=1e-4)
    assert kinds == [np.float32, np.float64]
    assert solution.certificate.relative_gap <= 1e-4
    assert solution.rounds == 1


# --- files


@pytest.mark.parametrize(("kind", "norm"), PROGRAMS)
def test_a_saved_network_predicts_as_it_did(kind, norm, tmp_path):
    solution, X, _, _ = train(SquaredLoss(), kind, norm, tol=1e-3)
    solution.save(tmp_path / "model.npz")
    model = load_listed(tmp_path / "model.npz")
    np.testing.assert_array_equal(model.network.predict(X), solution.network.predict(X))
    assert model.network.regulariser == solution.network.regulariser
    certificate = solution.certificate
    assert (model.beta, model.objective, model.lower_bound) == (0.4, certificate.objective, certificate.lower_bound)


def test_a_listed_answer_says_itself_and_refuses_a_script_in_one_sentence():
    solution, *_ = train(SquaredLoss(), "relu", "group", tol=1e-3)
    said = json.loads(json.dumps(solution.to_dict(), allow_nan=False))
    assert (said["scope"], said["beta"], said["listed"]) == ("restricted", 0.4, len(solution.directions))
    assert said["objective"] == solution.certificate.objective
    assert solution.certificate.text in solution.summary()
    with pytest.raises(InputError, match="to_script: got a network over a list, expected one over cells"):
        solution.to_script()


def test_each_kind_of_model_file_says_which_reader_it_needs(tmp_path):
    solution, X, Y, _ = train(SquaredLoss(), "relu", "group", tol=1e-3)
    listed, cells, odd = (tmp_path / name for name in ("listed.npz", "cells.npz", "odd.npz"))
    solution.save(listed)
    with pytest.raises(InputError, match=r"got a network over a list, .*; load_listed reads it"):
        load_model(listed)
    solve(Problem(X[:6, :4], Y[:6, 0], filter_size=2, beta=0.5)).save(cells)
    with pytest.raises(InputError, match="expected a file that save_listed has written"):
        load_listed(cells)
    np.savez(odd, **np.load(listed), extra=np.ones(2))
    with pytest.raises(InputError, match="the array extra, which is not used"):
        load_listed(odd)
    with pytest.raises(InputError, match="save_listed: got the array dual"):
        save_listed(odd, solution.network, dual=np.ones(3))


def test_a_model_file_names_its_classes_and_shows_its_filters_as_they_are(tmp_path):
    solution, *_ = train(SquaredLoss(), "relu", "group", tol=1e-3)
    file, changed, older = (tmp_path / name for name in ("model.npz", "changed.npz", "older.npz"))
    save_listed(file, solution.network, classes=["a", "b", "c"])
    assert load_listed(file).classes == ("a", "b", "c")
    arrays = dict(np.load(file))
    linear, offsets = solution.network.patch_filters()
    np.testing.assert_array_equal(arrays["patch_filters"].reshape(len(linear), -1), linear)
    np.testing.assert_array_equal(arrays["offsets"], offsets)
    np.savez(changed, **{**arrays, "offsets": offsets + 1e-3})
    with pytest.raises(InputError, match="offsets: got others than the filters and the whitening give"):
        load_listed(changed)
    np.savez(older, **{name: array for name, array in arrays.items() if name not in ("patch_filters", "offsets")})
    assert load_listed(older).network == solution.network
    with pytest.raises(InputError, match="classes: got 2 names, expected 3 for 3 outputs"):
        save_listed(file, solution.network, classes=["a", "b"])
    zero, *_ = train(SquaredLoss(), "relu", "group", beta=1e4)
    assert zero.network.m == 0
    save_listed(file, zero.network)
    assert load_listed(file).network == zero.network


def test_a_network_without_filters_has_sizes_a_cost_and_outputs():
    geometry = patch_geometry((4,), 2)
    grid = PoolingGrid(geometry.grid, (1,), "sum")
    empty = ListedNetwork(geometry, Whitening.none(2), grid, np.zeros((0, 2)), np.zeros((0, 1, 3)), [0.5, 0.0, 1.0])
    assert (empty.sizes.shape, empty.regulariser) == ((0,), 0.0)
    assert empty.predict(np.ones((2, 4))).tolist() == [[0.5, 0.0, 1.0]] * 2


@pytest.mark.parametrize("loss", ["absolute", "huber"])
@pytest.mark.parametrize("norm", [None, "l1"])
@pytest.mark.parametrize("level", [0.0, 3.0])
def test_targets_that_are_all_alike_need_no_filter(loss, norm, level):
    """Weights that stay at zero asked for a smaller penalty for ever, until nothing could be factored."""
    X = (np.random.default_rng(0).random((3, 9)) < 0.4).astype(float)
    found = train_list(
        X, np.full((3, 2), level), patch_geometry((3, 3), 1), loss=make_loss(loss), directions=7, beta=2.4,
        whiten=False, norm=norm, pooling="max", pooling_grid=2, seed=50,
    )  # fmt: skip
    assert (found.network.m, found.certificate.objective, found.certificate.lower_bound) == (0, 0.0, 0.0)
    assert found.certificate.relative_gap == 0.0


@pytest.mark.parametrize(("n", "norm"), few([(1, None), (3, "l1"), (1, "l1"), (3, None)], 2))
def test_one_class_with_free_biases_has_the_bound_zero(n, norm):
    """What the biases fit entirely leaves rounding errors of 1e-16, which were taken for a dual vector."""
    X = np.random.default_rng(n).standard_normal((n, 4))
    Y = np.tile([0.0, 1.0], (n, 1))
    found = train_list(
        X, Y, patch_geometry((2, 2), 2), loss=make_loss("softmax"), directions=1, beta=0.14, norm=norm, pooling="max",
    )  # fmt: skip
    certificate = found.certificate
    assert np.abs(certificate.dual.sum(axis=0)).max() <= 1e-9 * np.abs(certificate.dual).sum()
    assert 0.0 == certificate.lower_bound <= certificate.objective <= 1e-12


def test_weights_that_stay_at_zero_keep_a_penalty_that_can_be_factored(monkeypatch):
    # without a smallest penalty some 700 iterations were enough
    monkeypatch.setattr("convex_core.lists.admm.Tuning", lambda: Tuning(most=2000))
    X = (np.random.default_rng(0).random((3, 9)) < 0.4).astype(float)
    Y = np.array([[0.0], [0.0], [1e-60]])
    found = train_list(
        X,
        Y,
        patch_geometry((3, 3), 1),
        loss=make_loss("absolute"),
        directions=7,
        beta=2.4,
        whiten=False,
    )
    assert found.certificate.objective <= 1e-59
