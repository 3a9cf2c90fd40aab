"""Real images: preprocessing by hand, splits without overlap, the distributed formats, damaged files."""

import gzip
import os
import pickle

import numpy as np
import pytest
from sklearn.datasets import load_digits

from convex_core.data import Preprocessing, load_dataset
from convex_core.data.formats import read_cifar_batches, read_idx, read_images
from convex_core.data.images import find_images
from convex_core.data.preprocessing import grayscale, mean_pool, standardise
from convex_core.errors import InputError

RNG = np.random.default_rng(0)
MNIST = RNG.integers(0, 256, (40, 28, 28), dtype=np.uint8)
CIFAR = RNG.integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
LABELS = np.arange(40) % 10


def write_idx(path, array):
    head = bytes((0, 0, 8, array.ndim)) + b"".join(k.to_bytes(4, "big") for k in array.shape)
    data = head + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


class Python2Pickler(pickle._Pickler):
    """Writes bytes as Python 2 wrote its str, which is how the CIFAR-10 batches were made."""

    def save_bytes(self, value):
        self.write(b"T" + len(value).to_bytes(4, "little") + value)
        self.memoize(value)

    dispatch = pickle._Pickler.dispatch | {bytes: save_bytes}


def write_batch(path, images, labels, *, extra=None, python2=True):
    data = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    batch = {b"data": np.ascontiguousarray(data), b"labels": [int(k) for k in labels], b"batch_label": b"one"}
    with path.open("wb") as stream:
        if python2:
            Python2Pickler(stream, protocol=2).dump(batch | (extra or {}))
        else:
            pickle.dump(batch | (extra or {}), stream, protocol=4)
    if python2:
        path.write_bytes(path.read_bytes().replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))


# --- preprocessing


def test_mean_pool_is_the_mean_of_every_block():
    images = RNG.standard_normal((2, 6, 4, 3))
    pooled = mean_pool(images, 2)
    assert pooled.shape == (2, 3, 2, 3)
    for a in range(3):
        for b in range(2):
            block = images[:, 2 * a : 2 * a + 2, 2 * b : 2 * b + 2]
            np.testing.assert_allclose(pooled[:, a, b], block.mean(axis=(1, 2)))


def test_grayscale_is_rec601():
    image = np.array([[[[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]]])
    np.testing.assert_allclose(grayscale(image)[0, 0], [0.299, 0.587, 0.114, 1.0])


def test_standardise_uses_the_training_part_only():
    train, test = RNG.standard_normal((5, 4)) * 3 + 2, RNG.standard_normal((6, 4))
    a, b = standardise(train, test)
    np.testing.assert_allclose([a.mean(), a.std()], [0, 1], atol=1e-12)
    np.testing.assert_allclose(b, (test - train.mean()) / train.std())


def test_steps_are_applied_in_the_order_they_are_named():
    steps = Preprocessing(grayscale=True, pool=2, standardise=True, flatten=True, pad=3)
    train, test = RNG.random((4, 4, 6, 3)), RNG.random((2, 4, 6, 3))
    X, X_test, shape = steps.apply(train, test)
    expected, expected_test = standardise(mean_pool(grayscale(train), 2), mean_pool(grayscale(test), 2))
    np.testing.assert_allclose(X, np.c_[expected.reshape(4, -1), np.zeros((4, 3))])
    np.testing.assert_allclose(X_test, np.c_[expected_test.reshape(2, -1), np.zeros((2, 3))])
    assert shape == (9,)
    assert [text.split()[0] for text in steps.steps] == [
        "grayscale",
        "mean-pooled",
        "standardised",
        "flattened",
        "3",
    ]
    assert Preprocessing().steps == ()
    assert Preprocessing().apply(train)[2] == (4, 6, 3)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Preprocessing(pool=0), "pool"),
        (lambda: Preprocessing(pad=1), "pad"),
        (lambda: Preprocessing(flatten="yes"), "flatten"),
        (lambda: Preprocessing(pad=-1, flatten=True), "pad"),
        (lambda: Preprocessing(pool=3).apply(np.ones((1, 4, 4))), "pool"),
        (lambda: Preprocessing(grayscale=True).apply(np.ones((1, 4, 4))), "grayscale"),
        (lambda: Preprocessing(standardise=True).apply(np.ones((2, 4, 4))), "standardise"),
    ],
)
def test_impossible_preprocessing_is_named(make, named):
    with pytest.raises(InputError, match=f"^{named}: got"):
        make()


# --- digits


def test_digits_are_scikit_learns_pooled_and_split_without_overlap():
    dataset = load_dataset("digits", classes=(4, 9), n=30, seed=2)
    bunch = load_digits()
    of_class = np.isin(bunch.target, (4, 9))
    pooled = (bunch.images[of_class] / 16).reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4)).reshape(-1, 16)
    y = np.where(bunch.target[of_class] == 4, 1.0, -1.0)
    ours = np.c_[np.r_[dataset.X, dataset.X_test], np.r_[dataset.y, dataset.y_test]]
    theirs = np.c_[pooled, y]
    # every image once, in some order: a permutation of all of them, hence no overlap
    np.testing.assert_allclose(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])
    assert dataset.y.sum() == 0
    assert "mean-pooled 2 x 2" in dataset.description


def test_digits_have_all_ten_classes_when_asked_for():
    data = load_dataset("digits", classes="all", n=43, n_test=60, pool=1, seed=3)
    images, labels = load_digits(return_X_y=True)
    assert data.labels == tuple("0123456789")
    assert data.classes == 10
    assert data.X.shape == (43, 64)
    assert np.bincount(data.y.astype(int)).tolist() == [5, 5, 5, 4, 4, 4, 4, 4, 4, 4]
    place = {row.tobytes(): int(label) for row, label in zip(images / 16.0, labels, strict=True)}
    for X, y in ((data.X, data.y), (data.X_test, data.y_test)):
        assert [place[row.tobytes()] for row in X] == y.astype(int).tolist()
    assert not {row.tobytes() for row in data.X} & {row.tobytes() for row in data.X_test}
    assert "the 10 classes 0, 1, 2" in data.description
    drawn = load_dataset("digits", classes="all", n=1400, n_test=None, pool=1, selection="random")
    assert len(drawn.y_test) == 397


def test_every_class_of_files_with_its_name(tmp_path):
    np.savez(tmp_path / "cifar10.npz", images=CIFAR, labels=LABELS[:30])
    options = {"path": str(tmp_path), "n": 20, "n_test": 10, "pool": 1, "flatten": False, "grayscale": False}
    data = load_dataset("cifar10", classes="all", selection="balanced", **options)
    assert data.labels[0] == "airplane"
    assert data.labels[9] == "truck"
    assert data.input_shape == (32, 32, 3)
    # two classes are what they were, without names
    assert load_dataset("cifar10", selection="balanced", **options).labels == ("classes 5-9", "classes 0-4")
    some = np.where(LABELS % 3 == 0, 7, np.where(LABELS % 3 == 1, 2, 5))
    np.savez(tmp_path / "mnist.npz", images=MNIST, labels=some)
    three = load_dataset("mnist", path=str(tmp_path / "mnist.npz"), classes="all", n=12, n_test=8)
    assert three.labels == ("2", "5", "7")
    assert set(three.y) == {0.0, 1.0, 2.0}
    np.savez(tmp_path / "mnist.npz", images=MNIST, labels=LABELS % 2)
    with pytest.raises(InputError, match="classes: got all with 2 different labels"):
        load_dataset("mnist", path=str(tmp_path / "mnist.npz"), classes="all", n=12)


def test_digits_are_the_same_without_scikit_learns_file(monkeypatch):
    read = load_dataset("digits", n=20, seed=1)
    monkeypatch.setattr("pathlib.Path.is_file", lambda path: False)
    asked = load_dataset("digits", n=20, seed=1)
    np.testing.assert_array_equal(read.X, asked.X)
    np.testing.assert_array_equal(read.y_test, asked.y_test)


def test_digits_halves_and_sizes():
    dataset = load_dataset("digits", classes=None, n=51, n_test=100, pool=1, selection="random")
    assert dataset.input_shape == (8, 8)
    assert (dataset.n, len(dataset.y_test)) == (51, 100)
    assert load_dataset("digits", n=7).y.sum() == 1
    assert load_dataset("digits", n_test=0).X_test is None
    assert load_dataset("digits", flatten=True, pad=2).input_shape == (18,)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"classes": (3, 3)}, "classes"),
        ({"classes": (3, 11)}, "classes"),
        ({"classes": 3}, "classes"),
        ({"classes": "38"}, "classes"),
        ({"classes": (1, 2, 3)}, "classes"),
        ({"classes": (1.5, 2)}, "classes"),
        ({"n": 10_000}, "n"),
        ({"n": 357}, "n"),
        ({"n": 300, "n_test": 300}, "n_test"),
        ({"selection": "best"}, "selection"),
        ({"pool": 3}, "pool"),
    ],
)
def test_bad_digits_options(options, named):
    with pytest.raises(InputError, match=f"^{named}: got"):
        load_dataset("digits", **options)


# --- formats


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_idx_files_make_mnist(suffix, tmp_path, monkeypatch):
    write_idx(tmp_path / f"train-images-idx3-ubyte{suffix}", MNIST)
    write_idx(tmp_path / f"train-labels-idx1-ubyte{suffix}", LABELS)
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    dataset = load_dataset("mnist", n=10, n_test=20)
    pooled = (MNIST[:30] / 255).reshape(30, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(30, 49)
    np.testing.assert_allclose(dataset.X, np.c_[pooled[:10], np.zeros(10)])
    np.testing.assert_allclose(dataset.X_test, np.c_[pooled[10:], np.zeros(20)])
    np.testing.assert_array_equal(dataset.y, np.where(LABELS[:10] <= 4, 1.0, -1.0))
    same = load_dataset("mnist", n=10, n_test=20, path=str(tmp_path / f"train-images-idx3-ubyte{suffix}"))
    np.testing.assert_array_equal(same.X, dataset.X)


@pytest.mark.parametrize("python2", [True, False])
@pytest.mark.parametrize("folder", ["", "cifar-10-batches-py"])
def test_cifar_batches_make_cifar10(python2, folder, tmp_path):
    place = tmp_path / folder
    place.mkdir(exist_ok=True)
    write_batch(place / "data_batch_1", CIFAR[:20], LABELS[:20], python2=python2)
    write_batch(place / "data_batch_2", CIFAR[20:], LABELS[20:30], python2=python2)
    source = find_images("cifar10", str(tmp_path))
    np.testing.assert_allclose(source.images, CIFAR / 255)
    np.testing.assert_array_equal(source.labels, LABELS[:30])
    colour = load_dataset(
        "cifar10", n=10, n_test=5, grayscale=False, flatten=False, pool=8, path=str(place / "data_batch_1")
    )
    assert colour.input_shape == (4, 4, 3)
    assert colour.default_filter == (2, 2)
    gray = load_dataset("cifar10", n=10, n_test=5, path=str(tmp_path))
    luma = (CIFAR[:10] / 255) @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(gray.X, luma.reshape(10, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(10, 64))


def test_npz_images_are_found_by_name(tmp_path, monkeypatch):
    np.savez(tmp_path / "mnist_small.npz", images=MNIST, labels=LABELS)
    np.savez(tmp_path / "cifar10_small.npz", images=CIFAR, labels=LABELS[:30])
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    assert load_dataset("mnist", n=5, n_test=3, classes=(7, 1)).labels == ("class 1", "class 7")
    assert load_dataset("cifar10", n=10, n_test=5).d == 64
    drawn = load_dataset("mnist", n=10, n_test=10, selection="balanced", seed=3)
    assert drawn.y.sum() == 0
    assert drawn.seed == 3


def test_nothing_to_find(tmp_path, monkeypatch):
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)
    for name in ("mnist", "cifar10"):
        with pytest.raises(InputError, match="CONVEX_CORE_DATA"):
            load_dataset(name)
        with pytest.raises(InputError, match="path: got 3"):
            load_dataset(name, path=3)
        with pytest.raises(InputError, match="download: got 1"):
            load_dataset(name, download=1)
        with pytest.raises(InputError, match="got no file"):
            load_dataset(name, path=str(tmp_path))
        with pytest.raises(InputError, match="no such file"):
            load_dataset(name, path=str(tmp_path / "nowhere"))
        with pytest.raises(InputError, match="no such file"):
            load_dataset(name, path=str(tmp_path / "nowhere.npz"))


def sentence(function, *arguments, **options):
    with pytest.raises(InputError) as caught:
        function(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "got" in message
    assert "expected" in message
    return message


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": MNIST},
        {"labels": LABELS},
        {"images": MNIST, "labels": LABELS[:5]},
        {"images": MNIST[0], "labels": LABELS[:28]},
        {"images": MNIST[:0], "labels": LABELS[:0]},
        {"images": MNIST, "labels": LABELS + 0.5},
        {"images": MNIST.astype(str), "labels": LABELS},
        {"images": np.full((2, 28, 28), np.nan), "labels": LABELS[:2]},
        {"images": np.array([{}] * 2), "labels": LABELS[:2]},
    ],
)
def test_bad_image_npz(arrays, tmp_path):
    np.savez(tmp_path / "i.npz", **arrays)
    sentence(read_images, tmp_path / "i.npz")


def test_bad_idx_files(tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    write_idx(path, MNIST)
    whole = path.read_bytes()
    assert "no IDX file of one axis" in sentence(read_images, path)  # the labels are missing
    for data, says in (
        (whole[:-1], "bytes of data"),
        (whole[:9], "bytes of data"),
        (whole + b"x", "bytes of data"),
        (b"\0\0", "magic"),
        (b"\x89PNG" + whole, "magic"),
        (b"\0\0\x0a\x03" + whole[4:], "magic"),
        (b"\0\0\x0d\x03" + whole[4:], "bytes of data"),
    ):
        path.write_bytes(data)
        assert says in sentence(read_idx, path)
    packed = tmp_path / "train-images-idx3-ubyte.gz"
    packed.write_bytes(gzip.compress(whole)[:-20])
    sentence(read_idx, packed)
    packed.write_bytes(b"no gzip at all")
    sentence(read_idx, packed)
    packed.write_bytes(gzip.compress(b"\0" * 10_000))
    assert "unpacked" in sentence(read_idx, packed, max_bytes=5_000)


def test_a_batch_that_names_code_is_refused_and_nothing_is_run(tmp_path):
    class Malicious:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'run'}",))

    path = tmp_path / "data_batch_1"
    write_batch(path, CIFAR, LABELS[:30], extra={b"x": Malicious()}, python2=False)
    assert "forbidden name" in sentence(read_images, path)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {},
        {b"data": [1, 2], b"labels": [1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]},
        {b"data": np.zeros((2, 3072), np.uint8), b"labels": [1, "a"]},
        {b"data": np.zeros((2, 100), np.uint8), b"labels": [1, 2]},
        {b"data": np.zeros((2, 3072)), b"labels": [1, 2]},
        {b"data": np.array([None, None]), b"labels": [1, 2]},
    ],
)
def test_pickles_that_are_no_batch(content, tmp_path):
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(content, protocol=4))
    sentence(read_images, path)


def test_truncated_and_oversized_batches(tmp_path):
    path = tmp_path / "data_batch_1"
    write_batch(path, CIFAR[:2], LABELS[:2])
    whole = path.read_bytes()
    assert "at most 100" in sentence(read_cifar_batches, [path], max_bytes=100)
    for size in (1, 10, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        sentence(read_images, path)


# --- OpenML


class Bunch:
    def __init__(self, data, target):
        self.data, self.target = data, target


def test_download_happens_only_when_asked_and_is_read_like_the_files(monkeypatch):
    asked = []

    def fetch(title, **options):
        asked.append(title)
        if title == "mnist_784":
            return Bunch(MNIST.reshape(40, -1).astype(float), LABELS.astype(str))
        return Bunch(CIFAR.transpose(0, 3, 1, 2).reshape(30, -1).astype(float), LABELS[:30].astype(str))

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    monkeypatch.delenv("CONVEX_CORE_DATA", raising=False)
    with pytest.raises(InputError):
        load_dataset("mnist")
    assert asked == []
    pooled = (MNIST[:10] / 255).reshape(10, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(10, 49)
    np.testing.assert_allclose(load_dataset("mnist", n=10, n_test=5, download=True).X[:, :49], pooled)
    colour = load_dataset("cifar10", n=10, n_test=5, grayscale=False, flatten=False, pool=1, download=True)
    np.testing.assert_allclose(colour.X, CIFAR[:10].reshape(10, -1) / 255)
    assert asked == ["mnist_784", "CIFAR_10"]


def test_offline_download_is_one_sentence(monkeypatch):
    def fetch(title, **options):
        raise OSError("<urlopen error [Errno -3]\nTemporary failure in name resolution>")

    monkeypatch.setattr("sklearn.datasets.fetch_openml", fetch)
    assert "openml.org" in sentence(load_dataset, "mnist", download=True)


# --- the real thing, if there


@pytest.mark.skipif("CONVEX_CORE_DATA" not in os.environ, reason="CONVEX_CORE_DATA names no directory with MNIST")
def test_mnist_default_is_the_reference_case():
    source = find_images("mnist")
    dataset = load_dataset("mnist")
    pooled = source.images[:99].reshape(99, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(99, 49)
    np.testing.assert_allclose(dataset.X, np.c_[pooled, np.zeros(99)], atol=1e-15)
    np.testing.assert_array_equal(dataset.y, np.where(source.labels[:99] <= 4, 1.0, -1.0))
    assert (dataset.X.shape, dataset.default_filter, dataset.default_stride) == ((99, 50), (3,), (1,))
    assert (dataset.default_beta, dataset.seed) == (1.0, None)
    assert dataset.X.max() <= 1.0


@pytest.mark.skipif("CONVEX_CORE_DATA" not in os.environ, reason="CONVEX_CORE_DATA names no directory with CIFAR-10")
def test_cifar_default_is_grayscale_signals():
    dataset = load_dataset("cifar10")
    assert dataset.X.shape == (99, 64)
    assert "grayscale (Rec. 601" in dataset.description


def test_crop_keeps_the_centre():
    image = np.arange(25.0).reshape(1, 5, 5)
    X, _, shape = Preprocessing(crop=3).apply(image)
    assert (shape, X.tolist()) == ((3, 3), [image[0, 1:4, 1:4].ravel().tolist()])
    assert "cropped to the 3 x 3 centre" in Preprocessing(crop=3).steps
    with pytest.raises(InputError, match="crop: got 6 for 5 x 5 images"):
        Preprocessing(crop=6).apply(image)
