"""The front door: a problem from arrays and names, and what its answers can do."""

import json
import re

import numpy as np
import pytest

from convex_core import (
    HuberLoss,
    InputError,
    Problem,
    TwoLayerCNN,
    audit,
    bounds,
    certify,
    enumerate_patterns,
    load_dataset,
    load_model,
    patch_geometry,
    solve,
    solve_path,
)
from convex_core.architectures import make_architecture
from convex_core.figures import Chart

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((6, 8)), RNG.standard_normal(6)


def test_names_and_objects_say_the_same():
    cnn = make_architecture("two-layer", patch_geometry((8,), 3, 2), pooling="mean", activation="leaky")
    by_object = Problem(X, Y, architecture=cnn, beta=0.2, loss=HuberLoss(0.5))
    by_name = Problem(
        X, Y, filter_size=3, stride=2, pooling="mean", activation="leaky", beta=0.2, loss="huber", delta=0.5
    )
    assert by_name == by_object
    assert Problem(X, Y, filter_size=3, beta=0.2).architecture == TwoLayerCNN(patch_geometry((8,), 3))


def test_images_may_keep_their_shape():
    images = X.reshape(6, 2, 4)
    shaped = Problem(images, Y, filter_size=2, beta=0.1)
    assert shaped == Problem(X, Y, filter_size=2, input_shape=(2, 4), beta=0.1)
    assert shaped.architecture.geometry.input_shape == (2, 4)
    colour = Problem(X.reshape(6, 2, 2, 2), Y, filter_size=2, beta=0.1)
    assert colour.architecture.geometry.filter_shape == (2, 2, 2)


def test_classes_bring_their_outputs():
    three = Problem(X, [0, 1, 2, 0, 1, 2], filter_size=3, beta=0.1, loss="softmax")
    assert three.architecture.q == 3
    assert Problem(X, np.eye(4)[[0, 1, 2, 3, 0, 1]], filter_size=3, beta=0.1, loss="softmax").architecture.q == 4
    assert Problem(X, Y, filter_size=2, beta=0.1, architecture="circular").architecture.geometry.padding == "circular"


def test_the_old_spelling_works_and_says_the_new_one():
    cnn = TwoLayerCNN(patch_geometry((8,), 3))
    new = Problem(X, Y, architecture=cnn, beta=0.1)
    now = re.escape("is now Problem(X, y, architecture=..., beta=..., loss=...)")
    with pytest.warns(DeprecationWarning, match=now):
        assert Problem(cnn, X, Y, 0.1) == new
    with pytest.warns(DeprecationWarning, match=now):
        assert Problem(cnn, X, Y, beta=0.1, loss=HuberLoss()).loss == HuberLoss()
    with pytest.warns(DeprecationWarning, match=now):
        assert Problem(cnn, X, Y, 0.1, HuberLoss()).loss == HuberLoss()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 0.1}, "filter_size: got none"),
        ({"filter_size": 3}, "beta: got none"),
        ({"filter_size": 3, "beta": 0.1, "loss": "l2"}, "loss: got 'l2'"),
        ({"filter_size": 3, "beta": 0.1, "delta": 1.0}, "delta: got 1.0 with the squared loss"),
        ({"filter_size": 3, "beta": 0.1, "architecture": "resnet"}, "architecture: got 'resnet'"),
        ({"filter_size": 9, "beta": 0.1}, "filter_shape"),
        ({"filter_size": 3, "beta": 0.1, "pool": 2}, "pool: got 2"),
        ({"filter_size": 3, "beta": 0.1, "input_shape": (3, 3)}, "X: got 8 columns, expected 9"),
        ({"filter_size": 3, "beta": 0.1, "architecture": TwoLayerCNN(patch_geometry((8,), 3))}, "filter_size: got 3"),
        ({"architecture": 7, "beta": 0.1}, "expected an Architecture"),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message):
        Problem(X, Y, **arguments)


def test_arguments_without_a_name_are_two():
    with pytest.raises(InputError, match="got 3 arguments without a name, expected two, X and y"):
        Problem(X, Y, 0.1)


@pytest.fixture(scope="module")
def answers():
    """One of everything that can say itself."""
    problem = Problem.from_dataset(load_dataset("edge"))
    solution = solve(problem)
    deep = Problem(X[:3, :4], Y[:3], filter_size=2, stride=2, architecture="three-layer", sharing="shared", beta=0.1)
    round_ = Problem(X[:4, :4], Y[:4], filter_size=2, architecture="circular", beta=0.1)
    return {
        "problem": problem,
        "solution": solution,
        "path": solve_path(problem, points=3),
        "audit": audit(problem, solution.network),
        "certificate": certify(problem, solution.network),
        "chain": bounds(deep, starts=1),
        "sandwich": bounds(round_),
        "arrangement": enumerate_patterns([[1.0, 0.0], [0.5, 1.0], [1.0, 1.0]]),
    }


NAMES = ("problem", "solution", "path", "audit", "certificate", "chain", "sandwich", "arrangement")


@pytest.mark.parametrize("name", NAMES)
def test_everything_says_itself_as_text_html_and_json(answers, name):
    answer = answers[name]
    as_dict = answer.to_dict()
    assert json.loads(json.dumps(as_dict, allow_nan=False)) == as_dict
    assert all(value.split("\n")[0] in answer.summary() for _, value in answer.lines())
    shown = answer._repr_html_()
    assert shown.count("<tr>") == len(answer.lines())
    assert "<script" not in shown


@pytest.mark.parametrize("name", [name for name in NAMES if name != "certificate"])
def test_everything_can_be_drawn(answers, name):
    chart = answers[name].plot()
    assert isinstance(chart, Chart)
    assert chart.alt
    assert "plotly" in chart._repr_html_()
    assert len(chart.html()) < 1_000_000


def test_pictures_by_name(answers):
    for what in ("filters", "norms", "bounds", "seconds"):
        assert isinstance(answers["solution"].plot(what), Chart)
    assert isinstance(answers["path"].plot("objective"), Chart)
    with pytest.raises(InputError, match="plot: got 'weights', expected one of filters, norms, bounds, seconds"):
        answers["solution"].plot("weights")
    with pytest.raises(InputError, match="plot: got rows of 4 entries and rank 4, expected 2 or 3"):
        enumerate_patterns(np.eye(4)).plot()
    assert isinstance(enumerate_patterns(np.eye(3)).plot(), Chart)


def test_a_solution_predicts_saves_and_becomes_a_script(answers, tmp_path):
    solution = answers["solution"]
    assert solution.predict(solution.problem.X) == pytest.approx(solution.predictions)
    solution.save(tmp_path / "model.npz")
    assert load_model(tmp_path / "model.npz").network == solution.network
    assert "cp.Variable" in solution.to_script()
    assert "whole program" in answers["problem"].to_script()
    images = Problem(X.reshape(6, 2, 4), Y, filter_size=2, beta=0.1)
    assert solve(images).predict(X.reshape(6, 2, 4)).shape == (6,)


def test_numbers_that_are_not_finite_are_none(answers):
    restricted = certify(answers["problem"], answers["solution"].network, time_limit=1e-9)
    assert restricted.to_dict()["lower_bound"] is None
