"""Folders of pictures by class: the pictures with their names, or a refusal that names the file."""

import struct
import zlib

import numpy as np
import pytest
from image_cases import GRAY, LABELS, PLAIN, RGB, RNG, refused
from PIL import Image

from convex_core import load_dataset
from convex_core.data.formats import read_images
from convex_core.data.images import find_images, locate_images


def pictures(folder, images, labels, ending="png", mode=None, **options):
    for k, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(exist_ok=True, parents=True)
        picture = Image.fromarray(image)
        (picture if mode is None else picture.convert(mode)).save(folder / str(label) / f"{k:03d}.{ending}", **options)
    return str(folder)


@pytest.mark.parametrize(("images", "mode"), [(GRAY, None), (GRAY, "P"), (GRAY, "LA"), (RGB, None), (RGB, "RGBA")])
@pytest.mark.parametrize("ending", ["png", "bmp"])
def test_a_folder_of_pictures_by_class_is_the_pictures_with_their_names(images, mode, ending, tmp_path):
    if ending == "bmp" and mode in ("LA", "RGBA"):
        mode = None
    names = np.array(["dog", "cat"])[np.arange(24) % 2]
    source = read_images(pictures(tmp_path / "pets", images, names, ending, mode))
    assert source.names == ("cat", "dog")
    # in turn from the classes in alphabetical order
    order = [k + 1 if k % 2 == 0 else k - 1 for k in range(24)]
    np.testing.assert_array_equal(source.images, images[order] / 255)
    np.testing.assert_array_equal(source.labels, np.arange(24) % 2)
    dataset = load_dataset("mnist", path=str(tmp_path / "pets"), **PLAIN)
    assert dataset.labels == ("cat", "dog")
    assert dataset.y.tolist() == [-1, 1] * 5
    assert dataset.input_shape == images.shape[1:]
    assert dataset.description.startswith("pets (2 folders of pictures, taken in turn): 10 training and 5 test images")


def test_folders_named_by_numbers_are_labels_and_are_found_in_the_data_folder(tmp_path, monkeypatch):
    pictures(tmp_path, GRAY, LABELS)
    monkeypatch.setenv("CONVEX_CORE_DATA", str(tmp_path))
    source = find_images("mnist")
    assert source.names is None
    np.testing.assert_array_equal(source.labels, [*range(10), *range(10), *range(4)])
    np.testing.assert_array_equal(source.images, GRAY / 255)
    pictures(tmp_path / "cifar10", RGB, LABELS)
    assert locate_images("cifar10") == [tmp_path]
    assert locate_images("cifar10", str(tmp_path / "cifar10")) == [tmp_path / "cifar10"]


def test_deep_and_compressed_pictures(tmp_path):
    deep = GRAY.astype(np.uint16) * 257 - (GRAY > 7)
    np.testing.assert_array_equal(read_images(pictures(tmp_path / "deep", deep, LABELS)).images, deep / 65535)
    smooth = np.tile(np.linspace(40, 200, 16).astype(np.uint8), (24, 16, 1))
    jpeg = read_images(pictures(tmp_path / "jpeg", smooth, LABELS, "jpg", quality=95)).images
    assert jpeg.shape == (24, 16, 16)
    np.testing.assert_allclose(jpeg, smooth / 255, atol=0.02)


def test_a_camera_s_note_of_orientation_is_followed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the row of the file is the right side of the picture
    plain = read_images(pictures(tmp_path / "plain", GRAY, LABELS)).images
    turned = read_images(pictures(tmp_path / "turned", GRAY, LABELS, exif=exif)).images
    np.testing.assert_array_equal(turned, np.rot90(plain, -1, axes=(1, 2)))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda at: Image.fromarray(GRAY[0, :4]).save(at / "1" / "x.png"), "x.png: got a picture of 4 x 12"),
        (lambda at: Image.fromarray(RGB[0]).save(at / "1" / "x.png"), "got a gray picture, expected RGB as in x.png"),
        (
            lambda at: Image.fromarray(RGB[0]).convert("CMYK").save(at / "1" / "x.jpg"),
            "x.jpg: got pixels of the kind CMYK",
        ),
        (
            lambda at: (at / "1" / "x.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 40),
            "x.png: got no readable picture",
        ),
        (lambda at: (at / "1" / "notes.txt").write_text("hello"), "got notes.txt"),
        (lambda at: (at / "1" / "more").mkdir(), "got more"),
        (lambda at: (at / "empty").mkdir(), "empty: got nothing"),
        (lambda at: transparent().save(at / "1" / "x.png"), "x.png: got transparent pixels"),
        (lambda at: (at / "1" / "000.png").rename(at / "1" / "x.gif"), "got x.gif"),
    ],
)
def test_a_picture_that_does_not_fit_is_refused_by_name(spoil, says, tmp_path):
    pictures(tmp_path, GRAY[:6], np.arange(6) % 2)
    if (first := tmp_path / "1" / "000.png").exists() is False:
        (tmp_path / "1" / "001.png").rename(first)
    spoil(tmp_path)
    assert says in refused(read_images, tmp_path)


def transparent():
    picture = Image.fromarray(RGB[0]).convert("RGBA")
    picture.putpixel((2, 2), (1, 2, 3, 4))
    return picture


def test_colours_of_16_bits_are_not_cut_to_8(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + RNG.integers(0, 65536, 12 * 3).astype(">u2").tobytes() for _ in range(8))
    header = struct.pack(">IIBBBBB", 12, 8, 16, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.png").write_bytes(png)
    assert "16 bits in each of several channels" in refused(read_images, tmp_path)


def test_what_systems_leave_behind_and_one_class_alone(tmp_path):
    pictures(tmp_path, GRAY[:6], np.arange(6) % 2)
    (tmp_path / "1" / ".DS_Store").write_bytes(b"x")
    (tmp_path / "0" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    assert len(read_images(tmp_path).labels) == 6
    assert "more than" not in refused(read_images, tmp_path, max_bytes=1000)
    pictures(tmp_path / "one", GRAY[:2], [0, 0])
    assert "at least two classes" in refused(read_images, tmp_path / "one")
    assert "one picture" in refused(read_images, tmp_path / "1" / "001.png")


@pytest.mark.parametrize("ending", ["gif", "webp", "tif", "TIFF"])
@pytest.mark.parametrize("beside", [False, True])
def test_pictures_in_other_formats_are_named(ending, beside, tmp_path):
    folder = tmp_path / "pets"
    pictures(folder, GRAY, np.arange(24) % 2, ending)
    if beside:
        pictures(folder, GRAY, np.arange(24) % 2, "zz.png")
    message = refused(lambda: locate_images("mnist", str(folder)) and read_images(str(folder)))
    assert f"000.{ending}, a picture in the format {ending.upper()}, expected PNG, JPEG, BMP or PGM" in message
