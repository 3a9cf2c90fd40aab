"""The images that were meant: scaling, shape and classes found and said, or refused; nothing in a file is left out."""

import gzip
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from image_cases import GRAY, LABELS, PLAIN, RGB, RNG, refused, save

from convex_core import InputError, load_dataset
from convex_core.cli import main
from convex_core.data.formats import read_idx, read_images
from convex_core.data.images import count_images, find_images, locate_images
from convex_core.data.labelled import labelled_images

IDX_TYPES = {0x08: "u1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def idx_bytes(array, kind=0x08):
    lengths = b"".join(k.to_bytes(4, "big") for k in array.shape)
    return bytes((0, 0, kind, array.ndim)) + lengths + array.astype(IDX_TYPES[kind]).tobytes()


# --- scaling


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint16, np.float32, np.float64])
def test_8_bit_values_are_divided_by_255_however_they_are_stored(dtype, tmp_path):
    dataset = load_dataset("mnist", path=save(tmp_path, images=GRAY.astype(dtype), labels=LABELS), **PLAIN)
    np.testing.assert_allclose(dataset.X, GRAY[:10].reshape(10, -1) / 255, rtol=1e-15)
    assert "8 x 12 images, 8-bit values / 255." in dataset.description


@pytest.mark.parametrize(
    ("values", "factor", "said"),
    [
        (GRAY / 255, 1, "values from 0 to 1 as in the file"),
        (GRAY > 99, 1, "values from 0 to 1 as in the file"),
        ((GRAY > 99).astype(np.uint8), 1, "values from 0 to 1 as in the file"),
        (GRAY / 127.5 - 1, 1, "values from -1 to 1 as in the file"),
        ((GRAY - 40.5) / 60, 1, "values from -0.675 to 3.575 as in the file"),
        (GRAY.astype(np.uint16) * 257, 65535, "16-bit values / 65535"),
        (GRAY // 3, 255, "8-bit values / 255"),
    ],
)
def test_what_was_done_to_the_values_is_what_the_description_says(values, factor, said, tmp_path):
    dataset = load_dataset("mnist", path=save(tmp_path, images=values, labels=LABELS), **PLAIN)
    np.testing.assert_allclose(dataset.X, values[:10].reshape(10, -1) / factor, rtol=1e-15)
    assert dataset.description.endswith(f"8 x 12 images, {said}.")


@pytest.mark.parametrize("values", [GRAY.astype(int) // 16, GRAY * 1.0 - 128, GRAY.astype(np.int32) * 1000])
def test_whole_numbers_of_an_unknown_scale_need_the_option_that_decides(values, tmp_path):
    path = save(tmp_path, images=values, labels=LABELS)
    assert "the option scale" in refused(load_dataset, "mnist", path=path, **PLAIN)
    dataset = load_dataset("mnist", path=path, scale=15, **PLAIN)
    np.testing.assert_allclose(dataset.X, values[:10].reshape(10, -1) / 15)
    assert "divided by 15" in dataset.description
    assert refused(load_dataset, "mnist", path=path, scale=0, **PLAIN).startswith("scale: got 0")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((24, 8, 12), np.uint8), "the value 0 in every pixel"),
        (np.where(GRAY[3, 3, 3] == GRAY, np.nan, GRAY), "NaN"),
        (np.where(GRAY[3, 3, 3] == GRAY, np.inf, GRAY), "infinite"),
        (GRAY * 1j, "dtype complex128"),
        (GRAY.astype(str), "dtype <U"),
    ],
)
def test_pixels_that_are_no_picture_are_refused(values, says, tmp_path):
    assert says in refused(load_dataset, "mnist", path=save(tmp_path, images=values, labels=LABELS), **PLAIN)


# --- shapes


@pytest.mark.parametrize(
    ("stored", "meant", "said"),
    [
        (RGB, RGB, "8 x 12 RGB images, 8-bit"),
        (RGB.transpose(0, 3, 1, 2), RGB, "8 x 12 RGB images (channels first in the file), 8-bit"),
        (GRAY[..., None], GRAY, "8 x 12 images, 8-bit"),
        (GRAY[:, None], GRAY, "8 x 12 images, 8-bit"),
    ],
)
def test_channels_first_and_last_are_the_same_images(stored, meant, said, tmp_path):
    source = read_images(Path(save(tmp_path, images=stored, labels=LABELS)) / "mnist.npz")
    np.testing.assert_array_equal(source.images, meant / 255)
    assert source.understood.startswith(said)


@pytest.mark.parametrize("shape", [(24, 3, 8, 3), (24, 1, 1, 3), (24, 5, 8, 2), (24, 96), (24,), (2, 24, 8, 4, 3)])
def test_shapes_with_two_readings_or_none_are_refused(shape, tmp_path):
    values = np.arange(math.prod(shape)).reshape(shape) % 256
    assert f"{shape}" in refused(load_dataset, "mnist", path=save(tmp_path, images=values, labels=LABELS), **PLAIN)


def test_the_description_has_the_real_size(tmp_path):
    wide = np.pad(GRAY, ((0, 0), (4, 4), (0, 0)))
    dataset = load_dataset("mnist", path=save(tmp_path, images=wide, labels=LABELS), n=10, n_test=0)
    assert "16 x 12 images" in dataset.description
    assert "28" not in dataset.description


# --- labels


@pytest.mark.parametrize(
    "labels", [LABELS[:, None], LABELS.astype(float), LABELS.astype(str), LABELS.astype("S2"), np.eye(10)[LABELS]]
)
def test_labels_in_any_usual_form_are_the_same_classes(labels, tmp_path):
    source = read_images(Path(save(tmp_path, images=GRAY, labels=labels)) / "mnist.npz")
    np.testing.assert_array_equal(source.labels, LABELS)


@pytest.mark.parametrize(
    ("labels", "plus", "names"),
    [
        (np.arange(24) % 2, 1, ("class 0", "class 1")),
        (np.arange(24) % 2 == 0, 1, ("class 0", "class 1")),
        (np.where(np.arange(24) % 2, 7, -3), 7, ("class -3", "class 7")),
        (np.where(np.arange(24) % 2, "cat", "dog"), 1, ("cat", "dog")),
    ],
)
def test_any_two_labels_are_two_classes_the_smaller_one_negative(labels, plus, names, tmp_path):
    dataset = load_dataset("mnist", path=save(tmp_path, images=GRAY, labels=labels), **PLAIN)
    numbers = labels if labels.dtype.kind != "U" else labels == "dog"
    np.testing.assert_array_equal(dataset.y, np.where(numbers[:10] == plus, 1, -1))
    assert dataset.labels == names
    assert f"y = +1 for {names[1]}, -1 for {names[0]}" in dataset.description


@pytest.mark.parametrize("labels", [LABELS + 1, np.arange(24) % 3, np.arange(24) % 3 + 5, LABELS - 1, LABELS * 100])
def test_labels_that_are_not_the_ten_digits_are_never_lumped_into_halves(labels, tmp_path):
    path = save(tmp_path, images=GRAY, labels=labels)
    message = refused(load_dataset, "mnist", path=path, **PLAIN)
    assert message.startswith("classes: got the labels")
    assert str(labels.max()) in message
    chosen = load_dataset(
        "mnist", path=path, classes=(int(labels[2]), int(labels[1])), **{**PLAIN, "n": 2, "n_test": 0}
    )
    np.testing.assert_array_equal(sorted(chosen.y), [-1, 1])


def test_classes_can_be_asked_for_by_name(tmp_path):
    names = np.array(["ship", "cat", "dog"])
    path = save(tmp_path, images=GRAY, labels=names[np.arange(24) % 3])
    assert "cat, dog, ship" in refused(load_dataset, "mnist", path=path, **PLAIN)
    for classes in (("ship", "cat"), "ship,cat"):
        dataset = load_dataset("mnist", path=path, classes=classes, **{**PLAIN, "n_test": None})
        assert dataset.labels == ("cat", "ship")
        np.testing.assert_allclose(dataset.X[0], GRAY[0].ravel() / 255)
        assert dataset.y[0] == 1
    assert "'bird'" in refused(load_dataset, "mnist", path=path, classes=("bird", "cat"), **PLAIN)
    assert "no names of classes" in refused(load_dataset, "digits", classes=("bird", "cat"))


def test_names_of_classes_in_an_npz_are_kept(tmp_path):
    path = save(tmp_path, images=GRAY, labels=np.arange(24) % 2, class_names=np.array(["no", "yes"]))
    assert load_dataset("mnist", path=path, **PLAIN).labels == ("no", "yes")
    for names in (np.array(["no"]), np.array(["no", "no"]), np.arange(2)):
        save(tmp_path, images=GRAY, labels=np.arange(24) % 2, class_names=names)
        refused(load_dataset, "mnist", path=path, **PLAIN)


@pytest.mark.parametrize(
    "labels", [LABELS[:5], LABELS + 0.5, LABELS * 1e300, np.full(24, np.nan), np.full(24, ""), np.ones((24, 2)), 3]
)
def test_labels_that_name_no_class_are_refused(labels, tmp_path):
    refused(load_dataset, "mnist", path=save(tmp_path, images=GRAY, labels=labels), **PLAIN)


def test_the_first_images_of_a_sorted_file_are_not_trained_on_alone(tmp_path):
    order = np.argsort(LABELS, kind="stable")
    path = save(tmp_path, images=GRAY[order], labels=LABELS[order])
    assert "selection=balanced" in refused(load_dataset, "mnist", path=path, **PLAIN)
    assert load_dataset("mnist", path=path, selection="balanced", **PLAIN).y.sum() == 0


# --- how many


def test_gray_images_have_no_colours_to_weigh(tmp_path):
    path = save(tmp_path, "cifar10.npz", images=GRAY, labels=LABELS)
    assert "grayscale=False" in refused(load_dataset, "cifar10", path=path, **PLAIN)
    assert load_dataset("cifar10", path=path, grayscale=False, **PLAIN).input_shape == (8, 12)
    assert load_dataset("cifar10", path=tmp_path / "cifar10.npz", grayscale=False, **PLAIN).n == 10


def test_too_few_images_are_one_sentence_and_can_be_counted_before(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVEX_CORE_DATA", save(tmp_path, images=GRAY, labels=LABELS))
    assert refused(load_dataset, "mnist", pool=1).startswith("n: got 99, expected at most 24,")
    assert count_images("mnist") == 24
    assert count_images("mnist", classes=(3, 4)) == 5
    # 500 test images are the default where there are as many
    assert len(load_dataset("mnist", n=20, pool=1).y_test) == 4
    assert "20 training and 4 test images" in load_dataset("mnist", n=20, pool=1).description
    assert refused(load_dataset, "mnist", n=20, n_test=5, pool=1).startswith("n_test: got 20 + 5 images")


def test_a_file_that_does_not_fit_hides_no_other_dataset(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CONVEX_CORE_DATA", save(tmp_path, images=GRAY, labels=LABELS))
    assert main(["datasets", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)["datasets"]}
    assert entries["mnist"]["problem"].startswith("n: got 99")
    assert entries["talk"]["problem"] is None
    assert entries["talk"]["n"] == 6
    assert main(["datasets"]) == 0
    assert "n: got 99" in capsys.readouterr().out


# --- arrays and files by name and content


@pytest.mark.parametrize(
    ("images", "labels"),
    [("x_train", "y_train"), ("X_train", "y_train"), ("train_images", "train_labels"), ("data", "target"), ("X", "y")],
)
def test_the_usual_names_are_known(images, labels, tmp_path):
    source = find_images("mnist", save(tmp_path, **{images: GRAY, labels: LABELS}))
    np.testing.assert_array_equal(source.images, GRAY / 255)


def test_parts_for_testing_are_left_aside_and_that_is_said(tmp_path):
    path = save(tmp_path, x_train=GRAY, y_train=LABELS, x_test=GRAY[:3], y_test=LABELS[:3])
    assert load_dataset("mnist", path=path, **PLAIN).description.startswith("mnist.npz (x_test, y_test not used): ")


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ({"images": GRAY, "labels": LABELS, "sample_weight": np.ones(24)}, "sample_weight"),
        ({"images": GRAY, "labels": LABELS, "x_test": GRAY}, "x_test"),
        ({"images": GRAY, "labels": LABELS, "mask": GRAY, "mean": np.ones(1)}, "mask, mean"),
        ({"images": GRAY, "labels": LABELS, "X": GRAY}, "X"),
        ({"images": GRAY, "Images": GRAY, "labels": LABELS}, "Images"),
        ({"images": GRAY, "target": LABELS}, "target"),
        ({"pictures": GRAY, "labels": LABELS}, "images"),
    ],
)
def test_arrays_that_are_not_used_are_refused_by_name(arrays, named, tmp_path):
    assert named in refused(find_images, "mnist", save(tmp_path, **arrays))


@pytest.mark.parametrize("packed", [(True, False), (False, True), (True, True), (False, False)])
@pytest.mark.parametrize(
    "names",
    [
        ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte"),
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz"),
        ("train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("Train_Images.idx", "train.labels.idx"),
        ("my-images.gz", "labels"),
    ],
)
def test_idx_files_are_found_whatever_their_punctuation_and_packing(names, packed, tmp_path):
    for name, array, pack in zip(names, (GRAY, LABELS), packed, strict=True):
        (tmp_path / name).write_bytes(gzip.compress(idx_bytes(array)) if pack else idx_bytes(array))
    for path in (tmp_path, tmp_path / names[0]):
        source = find_images("mnist", str(path))
        np.testing.assert_array_equal(source.images, GRAY / 255)
        np.testing.assert_array_equal(source.labels, LABELS)
        assert source.source.startswith(f"{names[0]} with {names[1]}")


@pytest.mark.parametrize("kind", list(IDX_TYPES))
def test_idx_files_of_every_type_of_number(kind, tmp_path):
    (tmp_path / "images.idx").write_bytes(idx_bytes(GRAY, kind))
    (tmp_path / "labels.idx").write_bytes(idx_bytes(LABELS, kind))
    np.testing.assert_array_equal(read_idx(tmp_path / "images.idx"), GRAY)
    source = find_images("mnist", str(tmp_path))
    np.testing.assert_array_equal(source.images, GRAY / 255)
    np.testing.assert_array_equal(source.labels, LABELS)


def test_labels_of_idx_files_belong_to_their_images(tmp_path):
    for part, shift in (("train", 0), ("t10k", 3)):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(np.roll(GRAY, shift, axis=0)))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.roll(LABELS, shift)))
    source = find_images("mnist", str(tmp_path))
    np.testing.assert_array_equal(source.labels, LABELS)
    assert source.source.endswith("(not used: t10k-images-idx3-ubyte)")
    test = find_images("mnist", str(tmp_path / "t10k-images-idx3-ubyte"))
    np.testing.assert_array_equal(test.labels, np.roll(LABELS, 3))
    (tmp_path / "train-labels-idx1-ubyte").unlink()
    # labels of the other part are not taken for these, were they as many
    (tmp_path / "t10k-images-idx3-ubyte").unlink()
    assert "t10k-labels-idx1-ubyte beside the images" in refused(find_images, "mnist", str(tmp_path))


def test_label_files_that_do_not_fit_are_refused(tmp_path):
    images, labels = tmp_path / "images-idx3-ubyte", tmp_path / "labels-idx1-ubyte"
    images.write_bytes(idx_bytes(GRAY))
    labels.write_bytes(idx_bytes(LABELS[:20]))
    assert "labels of shape (20,), expected (24,)" in refused(find_images, "mnist", str(tmp_path))
    labels.write_bytes(b"no IDX")
    assert "no IDX file of one axis" in refused(find_images, "mnist", str(tmp_path))
    for name in ("a-labels", "b-labels"):
        (tmp_path / name).write_bytes(idx_bytes(LABELS))
    assert "a-labels, b-labels" in refused(find_images, "mnist", str(tmp_path))
    assert "expected the images" in refused(find_images, "mnist", str(tmp_path / "a-labels"))


def test_what_else_could_have_been_meant_is_said(tmp_path):
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx_bytes(GRAY))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    save(tmp_path, images=GRAY[::-1], labels=LABELS)
    save(tmp_path, "mnist_b.npz", images=GRAY[::-1], labels=LABELS)
    dataset = load_dataset("mnist", path=str(tmp_path), **PLAIN)
    np.testing.assert_allclose(dataset.X, GRAY[:10].reshape(10, -1) / 255)
    assert "(not used: mnist.npz, mnist_b.npz)" in dataset.description


@pytest.mark.parametrize("place", ["MNIST/raw", "mnist"])
def test_the_places_where_others_leave_the_files_are_searched(place, tmp_path):
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "train-images-idx3-ubyte").write_bytes(idx_bytes(GRAY))
    (tmp_path / place / "train-labels-idx1-ubyte").write_bytes(idx_bytes(LABELS))
    assert locate_images("mnist", str(tmp_path)) == [tmp_path / place / "train-images-idx3-ubyte"]


def test_files_of_no_kind_are_refused_whatever_they_are_called(tmp_path):
    for name, data in {
        "mnist.npz": b"no archive",
        "train-images-idx3-ubyte": gzip.compress(idx_bytes(GRAY))[:-9],
        "words.txt": b"hello, this is text",
        "one.png": b"\x89PNG\r\n",
        "set.tar.gz": gzip.compress(bytes(2048)),
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(data)
        refused(read_images, tmp_path / name)
    refused(read_images, "x" * 5000)
    refused(read_images, "\0")
    (tmp_path / "nothing").mkdir()
    refused(read_images, tmp_path / "nothing")
    refused(find_images, "mnist", str(tmp_path / "nothing"))


def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path, monkeypatch):
    path = Path(save(tmp_path, images=GRAY, labels=LABELS)) / "mnist.npz"

    def forbidden(self, *_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert "Permission denied" in refused(read_images, path)


# --- CIFAR-10


def binary(images, labels):
    return np.c_[labels.astype(np.uint8), images.transpose(0, 3, 1, 2).reshape(len(images), -1)].tobytes()


@pytest.mark.parametrize("packed", [False, True])
def test_binary_cifar_batches_are_the_python_ones(packed, tmp_path):
    images, ending = RNG.integers(0, 256, (20, 32, 32, 3), dtype=np.uint8), ".bin.gz" if packed else ".bin"
    for k, part in enumerate((slice(0, 12), slice(12, 20)), 1):
        data = binary(images[part], LABELS[:20][part])
        (tmp_path / f"data_batch_{k}{ending}").write_bytes(gzip.compress(data) if packed else data)
    source = find_images("cifar10", str(tmp_path))
    np.testing.assert_array_equal(source.images, images / 255)
    np.testing.assert_array_equal(source.labels, LABELS[:20])


def test_what_is_no_binary_batch_is_refused(tmp_path):
    images = RNG.integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    path = tmp_path / "data_batch_1.bin"
    good = binary(images, np.arange(4))
    for data, says in (
        (good[:-1], "no CIFAR-10 batch"),
        (binary(images, np.arange(4) + 7), "no CIFAR-10 batch"),
        (np.c_[np.zeros((4, 1), np.uint8), np.frombuffer(good, np.uint8).reshape(4, -1)].tobytes(), "CIFAR-100"),
    ):
        path.write_bytes(data)
        assert says in refused(find_images, "cifar10", str(tmp_path))


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_python_batches_of_the_usual_protocols_and_no_entry_that_is_not_used(protocol, tmp_path):
    images = RNG.integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)
    batch = {b"data": np.ascontiguousarray(images.transpose(0, 3, 1, 2).reshape(6, -1)), b"labels": list(range(6))}
    path = tmp_path / "data_batch_1"
    path.write_bytes(pickle.dumps(batch, protocol=protocol))
    np.testing.assert_array_equal(read_images(path).images, images / 255)
    path.write_bytes(gzip.compress(path.read_bytes()))
    np.testing.assert_array_equal(read_images(path).images, images / 255)
    path.write_bytes(pickle.dumps(batch | {b"weights": [1.0]}, protocol=protocol))
    assert "weights" in refused(read_images, path)


# --- the kind


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_pixels_and_labels_are_read_equal_or_refused(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    n, height, width = (data.draw(st.integers(2, 6)) for _ in range(3))
    channels = data.draw(st.sampled_from([0, 1, 3]))
    pixels = rng.integers(0, 256, (n, height, width, *((channels,) if channels else ())), dtype=np.uint8)
    pixels.flat[:2] = 0, 255
    stored = data.draw(st.sampled_from([pixels, pixels / 255, pixels.astype(np.int32), pixels.astype(np.float32)]))
    if channels and data.draw(st.booleans()):
        stored = np.moveaxis(stored, -1, 1)
    labels = rng.integers(0, 10, n)
    given_labels = data.draw(st.sampled_from([labels, labels[:, None], labels.astype(str), labels.astype(float)]))
    try:
        read = labelled_images(stored, given_labels, "drawn")
    except InputError as error:
        assert "channels are first or last" in str(error)  # noqa: PT017
        assert stored.shape[1] in (1, 3)
        assert stored.shape[3] in (1, 3)
        return
    np.testing.assert_allclose(read.images, (pixels[..., 0] if channels == 1 else pixels) / 255, atol=1e-15)
    np.testing.assert_array_equal(read.labels, labels)
