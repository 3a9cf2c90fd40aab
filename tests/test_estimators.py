"""The estimators as scikit-learn's users meet them, and what they say of their certificates."""

from __future__ import annotations

import functools
import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import convex_core
from convex_core import ConvexCNNClassifier, ConvexCNNRegressor, InputError, Problem, Scope, Status, solve
from convex_core.estimators import base
from convex_core.estimators.samples import canonical
from convex_core.lists import ListCertificate, ListedNetwork, Whitening

LOSSES = ("squared", "softmax", "logistic", "hinge", "huber", "absolute")
#: Prints what scikit-learn's checks say of both estimators: the squared loss as it is, others with a short list.
CHECKS = """
import json, warnings
from sklearn.utils.estimator_checks import check_estimator
from convex_core import ConvexCNNClassifier, ConvexCNNRegressor

warnings.simplefilter("ignore")
losses = ("squared", "softmax", "logistic", "hinge", "huber", "absolute")
reports = {}
for name, made, known in (
    ("classifier", ConvexCNNClassifier, losses),
    ("regressor", ConvexCNNRegressor, ("squared", "huber", "absolute")),
):
    for loss in known:
        short = {} if loss == "squared" else {"n_filters": 20, "beta": 0.3, "tol": 1e-2}
        found = check_estimator(made(loss=loss, **short), on_skip=None, on_fail=None)
        reports[f"{name} {loss}"] = [[r["check_name"], r["status"], str(r["exception"])[:300]] for r in found]
print(json.dumps(reports))
"""


every_digit = functools.cache(load_digits)  # which reads a file of text each time


def digits(n=120, classes=4):
    data = every_digit()
    few = data.target < classes
    return data.images[few][:n] / 16.0, data.target[few][:n]


def small(**options):
    """A classifier with a short list at one beta, quick to train."""
    return ConvexCNNClassifier(**{"n_filters": 15, "beta": 1.0, "pooling_grid": 2, "tol": 1e-2, **options})


@pytest.mark.slow
def test_every_check_of_scikit_learn_passes_with_every_loss_and_none_is_left_out():
    # scipy reads the variable when it is imported, and scikit-learn leaves a check out without it
    run = subprocess.run(
        [sys.executable, "-c", CHECKS], env={**os.environ, "SCIPY_ARRAY_API": "1"}, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    reports = json.loads(run.stdout)
    assert set(reports) == {f"classifier {loss}" for loss in LOSSES} | {
        f"regressor {loss}" for loss in ("squared", "huber", "absolute")
    }
    for name, results in reports.items():
        assert len(results) > 50
        assert [result for result in results if result[1] != "passed"] == [], name


def test_names_are_there_without_being_listed():
    assert {"ConvexCNNClassifier", "ConvexCNNRegressor"} <= set(dir(convex_core))
    assert set(convex_core.LATER).isdisjoint(convex_core.__all__)
    with pytest.raises(AttributeError, match="no attribute 'ConvexCNNTransformer'"):
        convex_core.ConvexCNNTransformer  # noqa: B018


# --- what is learned


@pytest.mark.slow
def test_digits_are_told_apart_with_a_certificate_over_the_list():
    X, y = digits(600, 10)
    model = ConvexCNNClassifier(n_filters=200, beta=0.07).fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > 0.85
    assert isinstance(model.network_, ListedNetwork)
    assert isinstance(model.certificate_, ListCertificate)
    assert (model.scope_, model.status_) == (Scope.RESTRICTED, Status.RESTRICTED_OPTIMUM)
    assert model.gap_ == model.certificate_.relative_gap <= 1e-3
    assert model.filters_.shape[1:] == (3, 3)
    assert len(model.filters_) == model.network_.m
    assert model.n_features_in_ == 64
    assert model.path_ == ()


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("classes", [2, 3])
def test_every_loss_learns_two_classes_and_three(loss, classes):
    X, y = digits(100, classes)
    names = np.array(["zero", "one", "two"])[y]
    model = small(loss=loss, beta=0.3).fit(X, names)
    assert model.classes_.tolist() == sorted(set(names))
    assert model.score(X, names) > 0.95
    decision = model.decision_function(X)
    assert decision.shape == ((100,) if classes == 2 else (100, 3))
    own = model.classes_[(decision > 0).astype(int) if classes == 2 else decision.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), own)
    assert model.gap_ <= 1e-2


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_sum_to_one_and_agree_with_the_classes(loss, classes):
    X, y = digits(90, classes)
    model = small(loss=loss).fit(X, y)
    P = model.predict_proba(X)
    assert P.shape == (90, classes)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.classes_[P.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), P)


def test_other_losses_have_no_probabilities():
    assert not hasattr(small(), "predict_proba")
    assert not hasattr(small(loss="hinge"), "predict_log_proba")


def test_the_objective_is_loss_plus_penalty_of_the_network():
    X, y = digits()
    model = small().fit(X, y)
    Y = np.eye(4)[y]
    value = 0.5 * np.sum((model.network_.outputs(X) - Y) ** 2) + 1.0 * model.network_.regulariser
    assert value == pytest.approx(model.certificate_.objective, rel=1e-9)


def test_beta_is_chosen_without_the_test_part():
    X, y = digits()
    model = small(beta="auto", n_filters=10).fit(X, y)
    best = min(model.path_, key=lambda point: point.measure)
    assert model.beta_ == best.beta


def test_gates_have_free_filters_behind_them():
    X, y = digits(80, 2)
    model = small(kind="gated", n_filters=6, filter_size=2).fit(X, y)
    assert model.certificate_.gated
    assert model.network_.gates is not None
    assert model.gap_ <= 1e-2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "filters", "regions", "level"),
    [
        ((8, 8), (3, 3), (3, 3), 1.0),
        ((28, 28), (9, 9), (4, 4), 1.0),
        ((28, 28, 1), (9, 9), (4, 4), 1.0),
        ((32, 32, 3), (9, 9), (4, 4), 0.1),
        ((16, 40), (5, 5), (4, 4), 1.0),
        ((2, 9), (2, 3), (2, 3), 1.0),
        ((12,), (12,), (1,), 0.1),
    ],
)
def test_sizes_follow_from_the_shape_of_the_input_alone(shape, filters, regions, level):
    X = np.random.default_rng(0).random((8, *shape))
    network = ConvexCNNClassifier(n_filters=3, beta=1.0, tol=0.1).fit(X, [0, 1] * 4).network_
    geometry = network.geometry
    assert (geometry.filter_shape[: len(filters)], network.grid.cuts) == (filters, regions)
    assert geometry.padding == ("zero" if len(shape) > 1 else "valid")
    patches = geometry.windows(X.reshape(8, -1)).reshape(-1, geometry.window)
    again = Whitening.of(patches, level=level)
    np.testing.assert_allclose(network.whitening.matrix, again.matrix, rtol=1e-6, atol=1e-9)


def test_many_images_are_seen_at_every_second_place(monkeypatch):
    X, y = digits(60, 2)
    assert small().fit(X, y).network_.geometry.stride == (1, 1)
    monkeypatch.setattr(base, "_PRODUCTS", 60 * 64 * 9 * 15 - 1)
    assert small().fit(X, y).network_.geometry.stride == (2, 2)
    assert small(stride=1).fit(X, y).network_.geometry.stride == (1, 1)
    assert small().fit(np.repeat(X[:30], 2, axis=0), np.repeat(y[:30], 2)).network_.geometry.stride == (1, 1)
    wide = np.random.default_rng(0).random((4, 20, 20))
    assert small(stride=2, pooling_grid=None).fit(wide, [0, 1] * 2).network_.grid.cuts == (4, 4)
    with pytest.raises(InputError, match="stride: got 'none', expected 'auto'"):
        small(stride="none").fit(X, y)


def test_a_list_grows_in_rounds():
    X, y = digits(60, 2)
    model = small(max_rounds=3, beta=0.3).fit(X, y)
    assert model.certificate_.listed > 15


def test_a_regularised_bias_is_a_constant_filter():
    X, y = digits(60, 2)
    model = small(bias="regularised").fit(X, y)
    assert model.certificate_.listed == 16
    assert not model.network_.bias.any()


# --- every filter


def test_global_is_certified_over_every_filter():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 5))
    y = (X[:, 0] + X[:, 1] > 0).astype(int)
    options = {"kind": "global", "filter_size": 2, "pooling_grid": 1, "bias": "none", "beta": 0.1, "tol": 1e-5}
    model = ConvexCNNClassifier(**options).fit(X, y)
    assert (model.scope_, model.status_) == (Scope.GLOBAL, Status.OPTIMAL)
    same = solve(Problem(X, 2.0 * y - 1, filter_size=2, bias="regularised", pooling="mean", beta=0.1), tol=1e-6)
    assert model.certificate_.objective == pytest.approx(same.network_objective, rel=2e-5)
    auto = ConvexCNNClassifier(**{**options, "kind": "auto"}).fit(X, y)
    assert auto.scope_ is Scope.GLOBAL
    listed = ConvexCNNClassifier(**{**options, "kind": "relu"}).fit(X, y)
    assert listed.scope_ is Scope.RESTRICTED
    np.testing.assert_allclose(auto.decision_function(X), model.decision_function(X))


def test_global_over_regions_and_classes_is_the_program_with_a_weight_for_each():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 6)), np.arange(6) % 3
    options = {"kind": "global", "filter_size": 2, "pooling_grid": 2, "bias": "none", "beta": 0.1, "tol": 1e-5}
    model = ConvexCNNClassifier(loss="softmax", **options).fit(X, y)
    assert (model.scope_, model.status_) == (Scope.GLOBAL, Status.OPTIMAL)
    layers = {"bias": "regularised", "pooling": "mean", "pooling_grid": "2", "outputs": 3}
    same = solve(Problem(X, y, filter_size=2, beta=0.1, loss="softmax", **layers), tol=1e-6)
    assert model.certificate_.objective == pytest.approx(same.network_objective, rel=2e-5)


def test_auto_without_time_to_certify_stays_with_its_list():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((200, 12))
    y = rng.integers(2, size=200)
    options = {"filter_size": 4, "pooling_grid": 1, "bias": "none", "beta": 0.05, "time_limit": 0.1}
    model = ConvexCNNClassifier(**options).fit(X, y)
    assert model.scope_ is Scope.RESTRICTED
    assert model.predict(X).shape == (200,)


# --- samples


def test_neither_order_nor_repetition_matters():
    X, y = digits(60, 3)
    weight = np.random.default_rng(0).integers(0, 4, 60)
    weighted = small().fit(X, y, sample_weight=weight)
    repeated = np.repeat(np.arange(60), weight)
    np.random.default_rng(1).shuffle(repeated)
    copied = small().fit(X[repeated], y[repeated])
    np.testing.assert_array_equal(weighted.decision_function(X), copied.decision_function(X))


def test_a_sample_is_there_once_in_canonical_order():
    X = np.array([[1.0, 2.0], [-0.0, 1.0], [1.0, 2.0], [0.0, 1.0], [5.0, 5.0]])
    Y, weight = np.array([[1.0], [0.0], [2.0], [0.0], [1.0]]), np.array([1.0, 2.0, 1.0, 0.5, 0.0])
    one = canonical(X, Y, weight)
    other = canonical(X[::-1], Y[::-1], weight[::-1])
    assert sorted(one[2]) == [1.0, 1.0, 2.5]
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_random_state_decides():
    X, y = digits(60, 2)
    a, b, c = (small(random_state=state).fit(X, y).decision_function(X) for state in (1, 1, 2))
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)
    assert small(random_state=np.random.RandomState(0)).fit(X, y).score(X, y) > 0.9
    assert small(random_state=None).fit(X, y).score(X, y) > 0.9


# --- images


def test_images_in_any_shape_are_the_same_samples():
    X, y = digits(60, 3)
    flat = small(input_shape=(8, 8)).fit(X.reshape(60, -1), y)
    cubes = small().fit(X, y)
    channels = small().fit(X[..., None], y)
    np.testing.assert_allclose(flat.decision_function(X.reshape(60, -1)), cubes.decision_function(X))
    np.testing.assert_allclose(channels.decision_function(X[..., None]), cubes.decision_function(X), atol=1e-12)
    assert cubes.n_features_in_ == flat.n_features_in_ == 64


def test_colour_stride_and_padding():
    rng = np.random.default_rng(0)
    X = rng.random((40, 9, 7, 3))
    y = (X[:, :, :, 0].mean(axis=(1, 2)) > X[:, :, :, 1].mean(axis=(1, 2))).astype(int)
    for padding in ("valid", "zero", "circular"):
        model = small(filter_size=(3, 2), stride=(2, 1), padding=padding, beta=0.05).fit(X, y)
        assert model.filters_.shape[1:] == (3, 2, 3)
        assert model.score(X, y) > 0.8


# --- scikit-learn


def test_pipelines_grids_folds_clones_and_pickles():
    X, y = digits(90, 3)
    flat = X.reshape(90, -1)
    grid = GridSearchCV(
        make_pipeline(StandardScaler(), small(input_shape=(8, 8))), {"convexcnnclassifier__beta": [1.0, 30.0]}, cv=2
    )
    grid.fit(flat, y)
    assert grid.best_params_ == {"convexcnnclassifier__beta": 1.0}
    assert cross_val_score(small(input_shape=(8, 8)), flat, y, cv=2).min() > 0.7
    model = small().fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.decision_function(X), model.decision_function(X))
    assert copy.certificate_ == model.certificate_
    assert clone(model).get_params() == model.get_params()


@pytest.mark.slow
def test_a_regressor_takes_several_outputs_and_every_loss():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 4))
    Y = np.maximum(X @ rng.standard_normal((4, 2)), 0.0)
    for loss in ("squared", "huber", "absolute"):
        model = ConvexCNNRegressor(loss=loss, beta=0.1, n_filters=100, tol=1e-2).fit(X, Y)
        assert model.predict(X).shape == (80, 2)
        assert model.score(X, Y) > 0.9
    one = ConvexCNNRegressor(beta=0.1, n_filters=100).fit(X, Y[:, 0])
    assert one.predict(X).shape == (80,)


# --- bad input


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "deep"}, "kind: got 'deep', expected one of auto, relu, gated, global"),
        ({"n_filters": "many"}, "n_filters: got 'many', expected 'auto' or a positive integer"),
        ({"n_filters": 0}, "n_filters: got 0, expected an integer in"),
        ({"beta": -1.0}, "beta: got -1.0, expected a finite number > 0"),
        ({"beta": "best"}, "beta: got 'best', expected a positive number"),
        ({"loss": "squircle"}, "loss: got 'squircle', expected one of squared"),
        ({"bias": "maybe"}, "bias: got 'maybe', expected one of free"),
        ({"padding": "mirror"}, "padding: got 'mirror', expected one of valid"),
        ({"filter_size": 9}, "filter_shape: got"),
        ({"pooling_grid": 20}, "pooling_grid: got 20, expected an integer in"),
        ({"time_limit": 0.0}, "time_limit: got 0.0, expected a finite number > 0"),
        ({"input_shape": (4, 4)}, r"X: got images of shape \(8, 8\), expected input_shape \(4, 4\)"),
        ({"kind": "global"}, "bias: got 'free', expected 'none' or 'regularised'"),
        (
            {"kind": "global", "bias": "none"},
            "filter_size: got 10 entries with the bias, expected <= 5 with the kind global",
        ),
    ],
)  # fmt: skip
def test_bad_parameters_are_one_sentence(changed, message):
    X, y = digits(20, 2)
    with pytest.raises(InputError, match=message) as caught:
        small(**changed).fit(X, y)
    assert "\n" not in str(caught.value)


def test_bad_data_are_one_sentence():
    X, y = digits(20, 2)
    with pytest.raises(
        TypeError, match="X: got a sparse matrix, expected a dense array: sparse input is not supported"
    ):
        small().fit(sparse.csr_array(X.reshape(20, -1)), y)
    with pytest.raises(InputError, match=r"y: got one class, .*, expected at least two classes"):
        small().fit(X, np.zeros(20))
    with pytest.raises(InputError, match="sample_weight: got -1, expected weights >= 0"):
        small().fit(X, y, sample_weight=-np.ones(20))
    with pytest.raises(InputError, match=r"loss: got hinge with real targets, expected one of squared"):
        ConvexCNNRegressor(loss="hinge").fit(X, y)
    model = small().fit(X, y)
    with pytest.raises(InputError, match=r"X: got images of shape \(4, 16\), expected \(8, 8\) as in fit"):
        model.predict(X.reshape(20, 4, 16))


def test_a_time_that_is_over_still_predicts():
    X, y = digits(60, 3)
    model = small(time_limit=1e-6).fit(X, y)
    assert model.status_ is Status.TIME_LIMIT
    assert set(model.predict(X)) <= set(y)
    assert 0.0 <= model.gap_ <= 1.0
