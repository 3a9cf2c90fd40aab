"""The front door: a problem from arrays and names, and what its answers can do."""

import numpy as np
import pytest

from convex_core import HuberLoss, InputError, Problem, TwoLayerCNN, load_dataset, patch_geometry, solve
from convex_core.architectures import make_architecture

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
    with pytest.warns(DeprecationWarning, match=r"is now Problem\(X, y, architecture=\.\.\., beta=\.\.\., loss=\.\.\.\)"):
        assert Problem(cnn, X, Y, 0.1) == new
    with pytest.warns(DeprecationWarning):
        assert Problem(cnn, X, Y, beta=0.1, loss=HuberLoss()).loss == HuberLoss()
    with pytest.warns(DeprecationWarning):
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
