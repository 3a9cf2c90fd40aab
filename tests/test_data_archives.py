"""NPZ files under the usual names: every array is used or refused by name, and channels are put last."""

import numpy as np
import pytest

from convex_core.data import load_dataset, read_dataset, save_dataset
from convex_core.errors import InputError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 5))
Y = np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
PICTURES = RNG.integers(0, 256, (6, 7, 7), dtype=np.uint8)
DIGITS = np.array([0, 1, 2, 2, 1, 0], dtype=np.uint8)


@pytest.fixture
def read(tmp_path):
    def read(**arrays):
        np.savez(tmp_path / "mine.npz", **arrays)
        return read_dataset(tmp_path / "mine.npz")

    return read


@pytest.fixture
def refused(read):
    def refused(**arrays):
        with pytest.raises(InputError) as caught:
            read(**arrays)
        assert "\n" not in str(caught.value)
        assert "expected" in str(caught.value)
        return str(caught.value)

    return refused


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        ("X", "y"),
        ("x", "Y"),
        ("data", "target"),
        ("data", "labels"),
        ("features", "targets"),
        ("x_train", "y_train"),
        ("X_train", "y_train"),
        ("train_data", "train_labels"),
        ("arr_0", "arr_1"),
        ("arr_1", "arr_0"),
    ],
)
def test_usual_names_are_known(inputs, targets, read):
    dataset = read(**{inputs: X, targets: Y})
    np.testing.assert_array_equal(dataset.X, X)
    np.testing.assert_array_equal(dataset.y, Y)
    assert f"inputs {inputs}, targets {targets}" in dataset.description


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("X_train", "y_train", "X_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
    ],
)
def test_a_test_part_is_used(names, read):
    dataset = read(**dict(zip(names, (PICTURES, DIGITS, PICTURES[::-1], DIGITS[::-1, None]), strict=True)))
    assert dataset.input_shape == (7, 7)
    np.testing.assert_array_equal(dataset.X_test, PICTURES[::-1].reshape(6, -1))
    np.testing.assert_array_equal(dataset.y_test, DIGITS[::-1])
    assert "6 samples and 6 to test of 7 x 7 pixels" in dataset.description
    assert "nothing scaled" in dataset.description


def test_arrays_without_names_are_told_apart_by_shape_or_refused(read, refused):
    np.testing.assert_array_equal(read(arr_0=PICTURES, arr_1=DIGITS[:, None]).y, DIGITS)
    assert "called X and y" in refused(arr_0=Y, arr_1=Y)
    assert "called X and y" in refused(arr_0=X, arr_1=X)
    assert "arr_2" in refused(arr_0=X, arr_1=Y, arr_2=Y)


@pytest.mark.parametrize(
    "extra", ["sample_weight", "X_val", "ids", "scale", "mask", "DESCR", "feature_names", "weights"]
)
def test_an_array_of_no_use_is_refused_by_its_name(extra, refused):
    assert f"got {extra} besides X, y" in refused(X=X, y=Y, **{extra: np.ones(6)})


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"X": X, "data": X, "y": Y}, "got X and data"),
        ({"X": X, "y": Y, "target": Y}, "got y and target"),
        ({"X": X, "y": Y, "x_test": X}, "got x_test alone"),
        ({"X": X, "y": Y, "y_test": Y}, "got y_test alone"),
        ({"x_train": X, "x_test": X}, "expected y and one of X and images"),
        ({"X": X, "y": np.eye(6)}, "(n,) or (n, 1)"),
        ({"X": X, "y": Y, "name": np.array(3)}, "name: got int64"),
        ({"X": X, "y": Y, "description": np.array(["a", "b"])}, "description: got"),
        ({"X": X, "y": np.array(["a"] * 6)}, "single class 'a'"),
        (
            {"X": X, "y": np.array(list("ababab")), "x_test": X, "y_test": np.array(list("ababac"))},
            "y_test: got the class c",
        ),
        ({"X": X, "y": np.array(list("ababab")), "labels": np.array(["u", "v"])}, "got text and names of classes"),
        ({"X": X, "y": Y, "target_names": np.arange(2)}, "target_names: got int64"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_sentence(arrays, says, refused):
    assert says in refused(**arrays)


def test_targets_in_a_column_are_squeezed(read):
    np.testing.assert_array_equal(read(X=X, y=Y[:, None]).y, Y)


@pytest.mark.parametrize("y", [np.array(list("ababab")), np.array([b"a", b"b"] * 3), np.array([False, True] * 3)])
def test_text_and_booleans_become_named_classes(y, read):
    dataset = read(X=X, y=y)
    assert dataset.y.tolist() == [-1, 1] * 3
    assert dataset.labels == (("False", "True") if y.dtype == bool else ("a", "b"))


def test_names_of_classes_are_kept(read):
    dataset = read(images=PICTURES, y=DIGITS, labels=["zero", "one", "two"])
    assert (dataset.labels, dataset.y.tolist()) == (("zero", "one", "two"), DIGITS.tolist())
    dataset = read(data=X, target=[0, 1, 1, 0, 1, 0], target_names=["cat", "dog"])
    assert (dataset.labels, dataset.y.tolist()) == (("cat", "dog"), [-1, 1, 1, -1, 1, -1])
    assert "the classes 0 and 1 of the file are -1 and +1" in dataset.description


@pytest.mark.parametrize(("shape", "channels"), [((3, 8, 8), 3), ((1, 4, 4), 1), ((3, 4, 4), 3), ((4, 9, 9), 4)])
def test_channels_that_come_first_are_moved_last_and_said(shape, channels, read):
    first = RNG.normal(size=(6, *shape))
    dataset = read(images=first, y=Y)
    assert dataset.input_shape == (*shape[1:], channels)
    np.testing.assert_array_equal(dataset.X.reshape(6, *dataset.input_shape), np.moveaxis(first, 1, 3))
    assert "channels came first" in dataset.description
    both = read(x_train=first, y_train=Y, x_test=first[:2], y_test=Y[:2])
    np.testing.assert_array_equal(both.X_test, dataset.X[:2])


@pytest.mark.parametrize("shape", [(8, 8, 3), (4, 4, 1), (4, 4, 3), (5, 9, 3), (3, 2, 3), (8, 8, 2)])
def test_channels_that_come_last_stay(shape, read):
    images = RNG.normal(size=(6, *shape))
    dataset = read(images=images, y=Y)
    assert dataset.input_shape == shape
    np.testing.assert_array_equal(dataset.X, images.reshape(6, -1))
    assert "channels came first" not in dataset.description


def test_channels_that_may_be_either_are_decided_by_an_array(read, refused):
    images = RNG.normal(size=(6, 5, 9, 12))
    assert "expected an array input_shape" in refused(images=images, y=Y)
    assert "input_shape: got (9, 5, 12)" in refused(images=images, y=Y, input_shape=[9, 5, 12])
    assert read(images=images, y=Y, input_shape=[5, 9, 12]).input_shape == (5, 9, 12)
    moved = read(images=images, y=Y, input_shape=[9, 12, 5])
    np.testing.assert_array_equal(moved.X, np.moveaxis(images, 1, 3).reshape(6, -1))
    assert "expected an array input_shape" in refused(images=RNG.normal(size=(6, 3, 3, 3)), y=Y)


@pytest.mark.parametrize("name", ["talk", "motifs3", "patterns2d"])
def test_what_save_dataset_writes_keeps_every_word(name, tmp_path):
    dataset = load_dataset(name)
    back = read_dataset(save_dataset(dataset, tmp_path / "d"))
    assert (back.name, back.description, back.labels) == (dataset.name, dataset.description, dataset.labels)


def test_arrays_say_themselves_which_is_y(tmp_path):
    np.savez(tmp_path / "mine.npz", X=X, y=Y)
    with pytest.raises(InputError, match="target: got 'first' with arrays"):
        read_dataset(tmp_path / "mine.npz", target="first")
