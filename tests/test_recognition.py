"""Ten classes, trained while somebody watches: what is seen, what stays after a cancel, what stands beside it."""

import json
import threading

import numpy as np
import pytest

from convex_core import ConvexCNNClassifier, ConvexCNNRegressor, Dataset, load_dataset
from convex_core.errors import InputError
from convex_core.experiments import recognise
from convex_core.figures.colours import DARK
from convex_core.figures.listed import class_scores, listed_filters, listed_inside
from convex_core.figures.pictures import as_images, picture_grid
from convex_core.figures.recognition import recognition_confusion, recognition_curves
from convex_core.lists import feature_maps
from convex_core.status import Status


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits", classes="all", n=240, n_test=150, pool=1)


@pytest.fixture(scope="module")
def found(digits):
    return recognise(digits, filters=50)


def test_the_result_is_the_estimators(digits, found):
    model = ConvexCNNClassifier(kind="relu", n_filters=50).fit(digits.X.reshape(-1, 8, 8), digits.y)
    np.testing.assert_array_equal(found.scores, model.decision_function(digits.X_test))
    assert found.certificate.relative_gap == model.gap_ <= 1e-3
    assert found.accuracy == model.score(digits.X_test, digits.y_test) > 0.85
    assert found.status is Status.RESTRICTED_OPTIMUM
    assert found.names == tuple("0123456789")


def test_the_curve_ends_at_the_certificate(found):
    curve = found.curve
    assert (np.diff(curve.seconds) >= 0.0).all()
    assert (curve.gap >= 0.0).all()
    # beta is chosen first, along the path, and then kept
    assert curve.chosen.tolist() == sorted(curve.chosen.tolist())
    assert set(curve.beta[~curve.chosen]) == {point.beta for point in found.path}
    assert set(curve.beta[curve.chosen]) == {found.certificate.beta}
    # the iteration's own bounds, in single precision, against those computed anew
    assert curve.gap[-1] == pytest.approx(found.certificate.relative_gap, abs=2e-4)
    assert curve.accuracy[-1] == pytest.approx(found.accuracy, abs=1 / 150)


def test_the_confusion_matrix_and_the_mistakes_agree(found):
    counts = found.confusion
    assert counts.sum() == 150
    assert counts.trace() == 150 - len(found.wrong) == round(150 * found.accuracy)
    assert (found.predicted[found.wrong] != found.truth[found.wrong]).all()


def test_other_methods_stand_beside_it(digits, found):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    assert [b.name for b in found.baselines] == ["5 nearest neighbours", "logistic regression"]
    neighbours = KNeighborsClassifier().fit(digits.X, digits.y).score(digits.X_test, digits.y_test)
    regression = LogisticRegression().fit(digits.X, digits.y).score(digits.X_test, digits.y_test)
    assert [b.accuracy for b in found.baselines] == [neighbours, pytest.approx(regression, abs=0.01)]


def test_a_cancel_keeps_a_network_with_valid_bounds(digits):
    flag, points = threading.Event(), []

    def look(point):
        points.append(point)
        if point.chosen:
            flag.set()

    stopped = recognise(digits, filters=50, beta=0.3, cancel=flag, seen=look)
    assert stopped.status is Status.CANCELLED
    assert len(points) == 1
    assert stopped.baselines == ()
    whole = recognise(digits, filters=50, beta=0.3)
    c = stopped.certificate
    assert c.lower_bound <= whole.certificate.objective * (1 + 1e-9)
    assert c.objective >= whole.certificate.lower_bound
    assert c.relative_gap > whole.certificate.relative_gap


def test_estimators_can_be_watched_and_cancelled(digits):
    flag, moments, reports = threading.Event(), [], []

    def watch(moment):
        moments.append(moment)
        flag.set()

    model = ConvexCNNClassifier(input_shape=(8, 8), n_filters=20, beta=1.0)
    model.fit(digits.X, digits.y, cancel=flag, watch=watch, progress=reports.append)
    assert model.status_ is Status.CANCELLED
    assert len(moments) == 1
    assert {"features", "solve"} <= {report.stage for report in reports}
    flag.clear()
    y = digits.X[:60].sum(axis=1)
    regressor = ConvexCNNRegressor(input_shape=(8, 8), n_filters=20, beta=1.0)
    regressor.fit(digits.X[:60], y, cancel=flag, watch=watch)
    assert regressor.status_ is Status.CANCELLED
    assert len(moments) == 2


def test_it_says_what_it_needs():
    with pytest.raises(InputError, match="data: got the targets of mine, expected classes"):
        recognise(Dataset("mine", np.eye(3), [0.5, 1.5, 2.5]))
    with pytest.raises(InputError, match="data: got no test part in mine"):
        recognise(Dataset("mine", np.eye(3), [0.0, 1.0, 2.0]))


def test_it_is_json(found):
    fields = json.loads(json.dumps(found.to_dict(), allow_nan=True))
    assert fields["scope"] == "restricted"
    assert fields["accuracy"] == found.accuracy
    assert np.sum(fields["confusion"]) == 150


# ---------------------------------------------------------------- figures


def test_figures_say_the_numbers_of_the_result(found):
    curves = recognition_curves(found)
    assert f"{found.accuracy:.1%} of 150 test images" in curves.alt
    assert curves.table["relative gap"] == found.curve.gap.tolist()
    matrix = recognition_confusion(found)
    picks = matrix.figure.data[-1]
    assert [int(t) for t in picks.text] == found.confusion.ravel().tolist()
    assert list(picks.customdata[12]) == [1, 2]


def test_filters_come_by_their_size_with_their_weights(found):
    chart = listed_filters(found.network, found.names, most=3, colours=DARK)
    sizes = chart.table["cost"]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == found.network.m
    largest = int(found.network.sizes.argmax())
    assert chart.table["summed weight to 4"][0] == pytest.approx(found.network.weights[largest, :, 4].sum())
    # the drawn weights are those of the three largest, region by region
    weights = np.asarray(chart.figure.data[1].z, dtype=float)
    cuts = found.network.grid.cuts
    order = np.argsort(-found.network.sizes, kind="stable")[:3]
    first = weights[: cuts[0], : cuts[1]].ravel()
    np.testing.assert_allclose(first, found.network.weights[order[0], :, 0], rtol=1e-6)


def test_what_filters_give_adds_up_to_the_score(found):
    maps = feature_maps(found.network, found.data.X_test[5])
    for output in (0, 7):
        chart = listed_inside(maps, output, found.names, most=4)
        *parts, score = chart.table["gives"]
        assert sum(parts) == pytest.approx(score)
        assert score == pytest.approx(found.scores[5, output])
    assert class_scores(maps.outputs, found.names).table["score"] == pytest.approx(found.scores[5].tolist())


@pytest.mark.parametrize("scores", [[0.0, 0.4, 0.2], [-0.06, 0.4, 0.02], [-0.5, -0.1, -0.3]])
def test_numbers_beside_the_bars_have_room_in_the_axis(scores):
    figure = class_scores(np.array(scores), ["a", "b", "c"]).figure
    low, high = figure.layout.xaxis.range
    # a number is 31 pixels wide; what the labels of the classes leave of a column of 160
    pixel = (high - low) / (160 - figure.layout.margin.l - figure.layout.margin.r)
    assert high - max(0.0, *scores) >= 31 * pixel
    assert min(scores) >= 0.0 or min(scores) - low >= 31 * pixel


def test_the_curve_does_not_cross_the_names_of_the_baselines(found):
    layout = recognition_curves(found, height=300).figure.layout
    (names,) = [a for a in layout.annotations if "neighbours" in a.text]
    # they stand above the picture of the curve, where they have 16 pixels for a line
    assert (names.y, names.yref, names.yanchor) == (1.0, "y2 domain", "bottom")
    free = layout.yaxis.domain[0] - layout.yaxis2.domain[1]
    assert free * (layout.height - layout.margin.t - layout.margin.b) >= 16 * len(names.text.split("<br>"))


def test_pictures_tell_their_number():
    images = as_images(np.random.default_rng(0).random((7, 12)), (2, 2, 3))
    chart = picture_grid(images, list("abcdefg"), columns=3, numbers=range(10, 17))
    assert list(chart.figure.data[-1].customdata) == list(range(10, 17))
    with pytest.raises(InputError, match="labels: got 1, expected 7"):
        picture_grid(images, ["a"], columns=3)
