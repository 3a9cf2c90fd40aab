"""Drawn strokes become images like those of the training set."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_digits import DRAWN
from few_cases import few

from convex_core import ConvexCNNClassifier, load_dataset
from convex_core.data.drawing import DIGITS_STYLE, MNIST_STYLE, draw_strokes, style_for
from convex_core.errors import InputError


@pytest.mark.parametrize("digit", DRAWN)
def test_a_drawn_digit_has_the_box_and_the_ink_of_the_training_images(digit):
    image = draw_strokes(DRAWN[digit], DIGITS_STYLE)
    assert image.shape == (8, 8)
    assert image.min() >= 0.0
    assert 0.8 < image.max() <= 1.0
    # every digit of the set touches the first and the last row, and has 19.0 to 20.6 pixels of ink on average
    assert image[0].max() > 0.1
    assert image[7].max() > 0.1
    assert abs(image.sum() - 19.5) < 1.0
    across = image.sum(axis=0) @ (np.arange(8) + 0.5) / image.sum()
    assert abs(across - 4.0) < 0.9


@pytest.mark.parametrize("digit", few(DRAWN, 4))
def test_a_drawing_for_mnist_fills_20_pixels_around_its_centre_of_mass(digit):
    image = draw_strokes(DRAWN[digit], MNIST_STYLE)
    rows, columns = np.flatnonzero(image.max(axis=1) > 0.05), np.flatnonzero(image.max(axis=0) > 0.05)
    assert max(np.ptp(rows), np.ptp(columns)) + 1 in (20, 21)
    middle = np.arange(28) + 0.5
    for axis in (0, 1):
        assert abs(image.sum(axis=axis) @ middle / image.sum() - 14.0) <= 0.5 + 1e-9


@pytest.mark.parametrize("style", [DIGITS_STYLE, MNIST_STYLE], ids=["digits", "mnist"])
def test_neither_place_nor_size_of_a_drawing_matters(style):
    strokes = [np.asarray(stroke) for stroke in DRAWN[5]]
    moved = [1e-3 * stroke + [40.0, -7.0] for stroke in strokes]
    np.testing.assert_allclose(draw_strokes(moved, style), draw_strokes(strokes, style), atol=0.07)


def test_a_dot_a_line_and_nothing_are_images_too():
    assert not draw_strokes([], MNIST_STYLE).any()
    assert not draw_strokes([np.zeros((0, 2))], DIGITS_STYLE).any()
    dot = draw_strokes([[[3.0, 3.0]]], MNIST_STYLE)
    assert 3 <= dot.sum() <= 8
    assert dot[14:, :].sum() == pytest.approx(dot[:14, :].sum())
    flat = draw_strokes([[[0.0, 0.5], [1.0, 0.5]]], DIGITS_STYLE)
    assert flat.max() == 1.0
    assert np.isfinite(flat).all()


def test_only_digits_can_be_drawn():
    assert style_for((8, 8)) is DIGITS_STYLE
    assert style_for((28, 28)) is MNIST_STYLE
    assert style_for((32, 32, 3)) is None


@pytest.mark.parametrize(
    "strokes", [[[[0.0, np.nan]]], [[[0.0, 1.0, 2.0]]], [np.zeros((20_001, 2))]], ids=["nan", "three", "too many"]
)
def test_other_strokes_are_refused(strokes):
    with pytest.raises(InputError, match="strokes: got"):
        draw_strokes(strokes, DIGITS_STYLE)


@pytest.mark.slow
def test_a_network_trained_on_digits_reads_drawn_ones():
    data = load_dataset("digits", classes="all", n=800, n_test=100, pool=1)
    model = ConvexCNNClassifier(n_filters=200, beta=1.0).fit(data.X.reshape(-1, 8, 8), data.y)
    images = np.stack([draw_strokes(strokes, DIGITS_STYLE) for strokes in DRAWN.values()])
    assert (model.predict(images) == list(DRAWN)).sum() >= 9
    # drawn as they are, with a thin pen in the middle, they are read worse
    thin = replace(DIGITS_STYLE, ink=None, pen=0.5, tall=5.0, wide=4.0)
    as_they_are = np.stack([draw_strokes(strokes, thin) for strokes in DRAWN.values()])
    assert (model.predict(as_they_are) == list(DRAWN)).sum() < 9
