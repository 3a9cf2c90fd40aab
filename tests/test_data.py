"""Datasets: seeded, sized so that the default arrangement can be enumerated, and meaning what they say."""

from math import comb, prod

import numpy as np
import pytest

from convex_core.data import Dataset, dataset_info, dataset_names, load_dataset
from convex_core.data.toys import MOTIFS, THREE_MOTIFS
from convex_core.errors import InputError
from convex_core.patches import patch_geometry

TOYS = ("talk", "edge", "motifs", "motifs3", "bars", "planted", "shift", "patterns2d")
BUILT_IN = (*TOYS, "digits")


def geometry_of(dataset):
    return patch_geometry(dataset.input_shape, dataset.default_filter, dataset.default_stride)


@pytest.mark.parametrize("name", BUILT_IN)
def test_same_seed_same_data_other_seed_other_data(name):
    first, again, other = (load_dataset(name, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    assert not np.array_equal(first.X, other.X)
    assert first.seed == 3
    assert "seed 3" in first.description


@pytest.mark.parametrize("name", BUILT_IN)
def test_default_filter_gives_an_arrangement_small_enough_to_enumerate(name):
    dataset = load_dataset(name)
    geometry = geometry_of(dataset)
    rows = dataset.n * geometry.K
    assert prod(dataset.input_shape) == dataset.d == geometry.d
    assert 2 * sum(comb(rows - 1, t) for t in range(geometry.h)) <= (200_000 if name == "digits" else 100_000)


@pytest.mark.parametrize("name", [name for name in TOYS if name != "talk"])
def test_training_part_does_not_depend_on_the_size_of_the_test_part(name):
    without, with_test = load_dataset(name, n_test=0), load_dataset(name, n_test=7)
    np.testing.assert_array_equal(without.X, with_test.X)
    np.testing.assert_array_equal(without.y, with_test.y)
    assert without.X_test is None
    assert without.y_test is None
    assert with_test.X_test.shape == (7, with_test.d)
    assert with_test.y_test.shape == (7,)


def test_talk_is_the_stated_draw():
    rng = np.random.default_rng(5)
    dataset = load_dataset("talk", seed=5)
    np.testing.assert_array_equal(dataset.X, rng.standard_normal((6, 15)))
    np.testing.assert_array_equal(dataset.y, rng.standard_normal(6))
    assert (dataset.default_filter, dataset.default_stride, dataset.default_beta) == ((10,), (5,), 0.1)
    geometry = geometry_of(dataset)
    assert (geometry.K, dataset.n * geometry.K) == (2, 12)


def test_edge_has_one_step_whose_direction_is_the_class():
    dataset = load_dataset("edge", noise=0, n=30)
    jumps = np.diff(dataset.X, axis=1)
    assert np.all(np.count_nonzero(jumps, axis=1) == 1)
    np.testing.assert_array_equal(np.sign(jumps.sum(axis=1)), dataset.y)


def test_motifs_are_where_they_should_be():
    dataset = load_dataset("motifs", noise=0, n=30)
    windows = np.lib.stride_tricks.sliding_window_view(dataset.X, 3, axis=1)
    # a unit motif answers to itself with its height 2, to the other one, at whatever shift, with less
    spike, slope = ((windows @ motif).max(axis=1) for motif in MOTIFS)
    np.testing.assert_array_equal(np.where(spike > slope, 1.0, -1.0), dataset.y)
    np.testing.assert_allclose(np.maximum(spike, slope), 2.0)


def test_three_motifs_are_where_they_should_be():
    dataset = load_dataset("motifs3", noise=0, n=31)
    windows = np.lib.stride_tricks.sliding_window_view(dataset.X, 3, axis=1)
    answers = np.stack([(windows @ motif).max(axis=1) for motif in THREE_MOTIFS])
    np.testing.assert_array_equal(answers.argmax(axis=0), dataset.y)
    np.testing.assert_allclose(answers.max(axis=0), 2.0)
    np.testing.assert_allclose(np.linalg.norm(THREE_MOTIFS, axis=1), 1.0)


def test_three_motifs_are_balanced_numbered_and_named():
    dataset = load_dataset("motifs3")
    assert np.bincount(dataset.y.astype(int)).tolist() == [3, 3, 3]
    assert dataset.labels == ("spike", "slope", "plateau")
    assert (dataset.classes, dataset.binary, dataset.numbered()) == (3, False, dataset)
    few = load_dataset("motifs3", n=2, n_test=0)
    assert (few.classes, few.y.tolist()) == (3, [0.0, 1.0])


@pytest.mark.parametrize(
    ("y", "classes", "numbers"),
    [
        ([1.0, -1.0, 1.0], 2, [1.0, 0.0, 1.0]),
        ([1.0, 1.0, 1.0], 2, [1.0, 1.0, 1.0]),
        ([0.0, 1.0, 1.0], 2, [0.0, 1.0, 1.0]),
        ([2.0, 0.0, 1.0], 3, [2.0, 0.0, 1.0]),
        ([0.0, 2.0, 2.0], None, [0.0, 2.0, 2.0]),
        ([0.0, 0.0, 0.0], None, [0.0, 0.0, 0.0]),
        ([0.5, 0.0, 1.0], None, [0.5, 0.0, 1.0]),
    ],
)
def test_classes_are_recognised_and_numbered(y, classes, numbers):
    dataset = Dataset("mine", np.eye(3), y, X_test=np.eye(3)[:2], y_test=y[:2])
    assert dataset.classes == classes
    assert dataset.numbered().y.tolist() == numbers
    assert dataset.numbered().y_test.tolist() == numbers[:2]


def test_bars_alternate_with_period_two_or_four():
    X, y = (lambda s: (s.X, s.y))(load_dataset("bars", noise=0, n=30))
    np.testing.assert_array_equal(X[y > 0, 1:], -X[y > 0, :-1])
    np.testing.assert_array_equal(X[y < 0, 2:], -X[y < 0, :-2])


def test_planted_targets_are_the_output_of_the_stated_network():
    dataset = load_dataset("planted", seed=2, noise=0, h=2, m=3)
    rng = np.random.default_rng(2)
    filters = rng.standard_normal((3, 2))
    filters /= np.linalg.norm(filters, axis=1, keepdims=True)
    for X, y in ((dataset.X, dataset.y), (dataset.X_test, dataset.y_test)):
        patches = patch_geometry((8,), 2).extract(X)
        out = sum(w * np.maximum(patches @ u, 0).sum(axis=0) for u, w in zip(filters, (1, -1, 1), strict=True))
        np.testing.assert_allclose(y, out, atol=1e-12)
    noisy = load_dataset("planted", seed=2, noise=0.5, h=2, m=3)
    np.testing.assert_array_equal(noisy.X, dataset.X)
    np.testing.assert_array_equal(noisy.y_test, dataset.y_test)
    assert 0.2 < np.std(noisy.y - dataset.y) / np.std(dataset.y) < 0.8


def test_shifts_make_no_new_patches():
    few, many = (load_dataset("shift", n=n) for n in (12, 200))
    counts = [len(np.unique(geometry_of(s).extract(s.X).reshape(-1, 3), axis=0)) for s in (few, many)]
    assert counts[1] == 2 * 8
    assert counts[0] <= 2 * 8
    for row, label in zip(many.X, many.y, strict=True):
        reference = many.X[0] if label > 0 else many.X[1]
        assert any(np.array_equal(row, np.roll(reference, k)) for k in range(8))


def test_patterns2d_bars_are_horizontal_or_vertical():
    dataset = load_dataset("patterns2d", noise=0, n=30, side=5)
    images = dataset.X.reshape(-1, 5, 5)
    horizontal = (images.sum(axis=2) == 5).any(axis=1)
    vertical = (images.sum(axis=1) == 5).any(axis=1)
    np.testing.assert_array_equal(horizontal, dataset.y > 0)
    np.testing.assert_array_equal(vertical, dataset.y < 0)


@pytest.mark.parametrize("name", [name for name in BUILT_IN if name not in ("talk", "planted", "motifs3")])
def test_two_class_sets_are_balanced_and_named(name):
    dataset = load_dataset(name)
    assert dataset.binary
    assert abs(dataset.y.sum()) <= 1
    assert len(dataset.labels) == 2


@pytest.mark.parametrize("name", dataset_names())
def test_every_dataset_says_what_it_is(name):
    info = dataset_info(name)
    assert info.summary.endswith(".")
    assert "seed" in info.options
    assert not info.needs_files or name in ("mnist", "cifar10")


def test_availability_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)
    assert not dataset_info("mnist").available
    assert dataset_info("digits").available
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    assert not dataset_info("mnist").available
    np.savez(tmp_path / "mnist_few.npz", images=np.zeros((1, 28, 28)), labels=[0])
    assert dataset_info("mnist").available
    assert not dataset_info("cifar10").available


@pytest.mark.parametrize(
    ("name", "options", "named"),
    [
        ("nosuch", {}, "dataset"),
        (["talk"], {}, "dataset"),
        ("talk", {"noise": 1}, "talk"),
        ("talk", {"seed": -1}, "seed"),
        ("talk", {"seed": 1.5}, "seed"),
        ("talk", {"n": 0}, "n"),
        ("talk", {"n": 10**9}, "n"),
        ("talk", {"n": 10_000, "d": 10_000}, "n, d"),
        ("edge", {"noise": -1}, "noise"),
        ("edge", {"noise": float("nan")}, "noise"),
        ("edge", {"noise": "loud"}, "noise"),
        ("edge", {"n_test": -1}, "n_test"),
        ("motifs", {"d": 2}, "d"),
        ("motifs3", {"d": 2}, "d"),
        ("motifs3", {"noise": -1}, "noise"),
        ("planted", {"h": 9}, "h"),
        ("planted", {"m": 0}, "m"),
        ("patterns2d", {"side": 1}, "side"),
        ("patterns2d", {"side": 1000}, "side"),
    ],
)
def test_bad_options_are_one_sentence(name, options, named):
    with pytest.raises(InputError) as caught:
        load_dataset(name, **options)
    assert str(caught.value).startswith(f"{named}: got")
    assert "\n" not in str(caught.value)


def test_a_dataset_is_frozen():
    dataset = load_dataset("talk")
    with pytest.raises(AttributeError):
        dataset.y = None
    with pytest.raises(ValueError, match="read-only"):
        dataset.X[0, 0] = 1.0


def test_constant_targets_are_allowed():
    assert not Dataset("flat", np.ones((2, 3)), [5.0, 5.0]).binary


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"X": np.ones(4)}, "X"),
        ({"X": np.ones((0, 4))}, "X"),
        ({"X": np.full((2, 4), np.nan)}, "X"),
        ({"X": np.full((2, 4), np.inf)}, "X"),
        ({"X": np.ones((2, 4), dtype=object)}, "X"),
        ({"y": np.ones(3)}, "y"),
        ({"y": np.ones((2, 1))}, "y"),
        ({"y": [1.0, np.nan]}, "y"),
        ({"y": ["a", "b"]}, "y"),
        ({"input_shape": (3,)}, "input_shape"),
        ({"input_shape": (1, 1, 2, 2)}, "input_shape"),
        ({"input_shape": (-2, -2)}, "input_shape"),
        ({"X_test": np.ones((1, 4))}, "X_test, y_test"),
        ({"X_test": np.ones((1, 3)), "y_test": [1.0]}, "X_test"),
        ({"X_test": np.ones((1, 4)), "y_test": [1.0, 2.0]}, "y_test"),
        ({"default_filter": (5,)}, "default_filter"),
        ({"default_stride": (0,)}, "default_stride"),
        ({"default_stride": (1, 1)}, "default_stride"),
        ({"default_beta": 0.0}, "default_beta"),
        ({"default_beta": float("nan")}, "default_beta"),
        ({"labels": ("a",)}, "labels"),
        ({"labels": ("a", "b", "c")}, "y"),
        ({"labels": ("a", "b", "c"), "y": [0.0, 2.5]}, "y"),
        ({"labels": ("a", "b", "c"), "y": [0.0, 2.0], "X_test": np.ones((1, 4)), "y_test": [3.0]}, "y_test"),
        ({"seed": -1}, "seed"),
    ],
)
def test_a_dataset_checks_its_fields(fields, named):
    with pytest.raises(InputError) as caught:
        Dataset(**({"name": "mine", "X": np.ones((2, 4)), "y": [1.0, -1.0]} | fields))
    assert str(caught.value).startswith(f"{named}: got")
