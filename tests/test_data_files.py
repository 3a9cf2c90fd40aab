"""Reading and writing data files: what is written reads back equal, and every bad file is one sentence."""

import io
import zipfile

import numpy as np
import pytest

from convex_core.data import load_dataset, read_dataset, read_npy, read_npz, save_dataset
from convex_core.errors import InputError

GOOD = {"X": np.arange(6.0).reshape(2, 3), "y": np.array([1.0, -1.0])}


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        read_dataset(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "got" in message
    assert "expected" in message
    assert str(path) in message
    return message


@pytest.mark.parametrize("name", ["talk", "planted", "motifs3", "digits"])
def test_a_saved_dataset_reads_back_equal(name, tmp_path):
    dataset = load_dataset(name, seed=1)
    path = save_dataset(dataset, tmp_path / "data")
    assert path.suffix == ".npz"
    back = read_dataset(path)
    for field in type(dataset).__dataclass_fields__:
        value = getattr(dataset, field)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(back, field), value)
        else:
            assert getattr(back, field) == value, field


def test_labels_that_are_no_names_are_refused(tmp_path):
    np.savez(tmp_path / "d.npz", **GOOD, labels=[3, 4, 5])
    assert "labels" in refused(tmp_path / "d.npz")


def test_names_that_do_not_fit_the_targets_are_refused(tmp_path):
    np.savez(tmp_path / "d.npz", **GOOD, labels=["a", "b", "c"])
    assert "y: got the target -1 with 3 names of classes, expected 0 to 2" in refused(tmp_path / "d.npz")


def test_saving_to_an_impossible_place_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="writable"):
        save_dataset(load_dataset("talk"), tmp_path / "no" / "such" / "folder.npz")


def test_images_keep_their_shape_and_values(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (4, 3, 2, 3), dtype=np.uint8)
    np.savez(tmp_path / "i.npz", images=images, y=[1, 2, 3, 4])
    dataset = read_dataset(tmp_path / "i.npz")
    assert dataset.input_shape == (3, 2, 3)
    np.testing.assert_array_equal(dataset.X, images.reshape(4, -1))
    assert dataset.y.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_constant_targets_are_read(tmp_path):
    np.savez(tmp_path / "c.npz", X=GOOD["X"], y=[2.0, 2.0])
    assert read_dataset(tmp_path / "c.npz").y.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_reads_what_numpy_wrote(order, tmp_path):
    array = np.asarray(np.random.default_rng(0).standard_normal((4, 3)), order=order)
    np.save(tmp_path / "rows.npy", array)
    np.testing.assert_array_equal(read_npy(tmp_path / "rows.npy"), array)
    np.savez_compressed(tmp_path / "rows.npz", a=array, b=np.float64(2.0), c=np.array("text"), d=np.empty((0, 3)))
    arrays = read_npz(tmp_path / "rows.npz")
    np.testing.assert_array_equal(arrays["a"], array)
    assert (float(arrays["b"]), str(arrays["c"]), arrays["d"].shape) == (2.0, "text", (0, 3))
    assert set(read_npz(tmp_path / "rows.npz", keys=("a", "z"))) == {"a"}


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"X": np.ones((2, 3))}, "got X, expected y and one of"),
        ({"y": np.ones(2)}, "got y, expected y and one of"),
        ({}, "got nothing"),
        (GOOD | {"images": np.ones((2, 2, 2))}, "expected y and one of"),
        (GOOD | {"X": np.ones(3)}, "1"),
        (GOOD | {"X": np.ones((2, 3, 1))}, "(2, 3, 1)"),
        ({"images": np.ones((2, 3)), "y": np.ones(2)}, "(2, 3)"),
        (GOOD | {"y": np.ones(3)}, "3 targets"),
        (GOOD | {"y": np.ones((2, 2))}, "(2, 2)"),
        (GOOD | {"X": np.full((2, 3), np.nan)}, "NaN"),
        (GOOD | {"X": np.array([[1, 2, np.inf], [3, 4, 5]])}, "1 NaN or infinite"),
        (GOOD | {"y": np.array([1.0, -np.inf])}, "1 NaN or infinite"),
        (GOOD | {"X": np.ones((0, 3)), "y": np.ones(0)}, "empty"),
        (GOOD | {"X": np.array([["a", "b"], ["c", "d"]])}, "dtype"),
        (GOOD | {"X": np.ones((2, 3), dtype=complex)}, "complex"),
        (GOOD | {"X": np.array([[{}, 1], [2, 3]], dtype=object)}, "pickled"),
        (GOOD | {"input_shape": np.array([2, 2])}, "input_shape"),
        (GOOD | {"input_shape": np.array([3.0])}, "input_shape"),
        (GOOD | {"default_beta": np.array([1.0])}, "default_beta"),
        (GOOD | {"X_test": np.ones((1, 3))}, "X_test"),
    ],
)
def test_bad_npz_content(arrays, says, tmp_path):
    np.savez(tmp_path / "bad.npz", **arrays)
    assert says in refused(tmp_path / "bad.npz")


def test_missing_file_directory_and_unknown_ending(tmp_path):
    assert "no such file" in refused(tmp_path / "nowhere.npz")
    assert "directory" in refused(tmp_path)
    (tmp_path / "data.parquet").write_text("1,2\n")
    assert ".npz or .csv" in refused(tmp_path / "data.parquet")
    with pytest.raises(InputError):
        read_dataset("a\0b.npz")


def test_empty_file_and_no_zip(tmp_path):
    for ending in ("npz", "csv"):
        (tmp_path / f"empty.{ending}").write_bytes(b"")
        assert "empty" in refused(tmp_path / f"empty.{ending}")
    (tmp_path / "text.npz").write_text("this is no archive")
    assert "NPZ" in refused(tmp_path / "text.npz")
    np.save(tmp_path / "plain.npy", np.ones(3))
    (tmp_path / "renamed.npz").write_bytes((tmp_path / "plain.npy").read_bytes())
    assert "NPZ" in refused(tmp_path / "renamed.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_truncation_of_an_npz_is_an_input_error(save, tmp_path):
    save(tmp_path / "whole.npz", **GOOD)
    whole = (tmp_path / "whole.npz").read_bytes()
    for size in range(1, len(whole), 7):
        (tmp_path / "part.npz").write_bytes(whole[:size])
        refused(tmp_path / "part.npz")


def test_damaged_bytes_never_escape_as_another_error(tmp_path):
    np.savez_compressed(tmp_path / "whole.npz", **GOOD)
    whole = bytearray((tmp_path / "whole.npz").read_bytes())
    outcomes = set()
    for at in range(0, len(whole), 3):
        damaged = whole.copy()
        damaged[at] ^= 0xFF
        (tmp_path / "damaged.npz").write_bytes(damaged)
        try:
            read_dataset(tmp_path / "damaged.npz")
            outcomes.add("read")  # a date or an attribute in the directory, for example
        except InputError:
            outcomes.add("refused")
    assert "refused" in outcomes


def forged(shape, data=b"\0" * 24, descr="<f8"):
    """An NPY stream whose header promises `shape`."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + data


@pytest.mark.parametrize("shape", [(10**13,), (4,), (10**6, 10**6), (-3,), (0, 10**30)])
def test_a_forged_header_allocates_nothing(shape, tmp_path):
    with zipfile.ZipFile(tmp_path / "forged.npz", "w") as archive:
        archive.writestr("X.npy", forged(shape))
        archive.writestr("y.npy", forged((3,)))
    refused(tmp_path / "forged.npz")
    (tmp_path / "forged.npy").write_bytes(forged(shape))
    with pytest.raises(InputError):
        read_npy(tmp_path / "forged.npy")


def test_zero_width_entries_cannot_promise_a_huge_array(tmp_path):
    (tmp_path / "forged.npy").write_bytes(forged((10**12,), descr="<U0"))
    with pytest.raises(InputError):
        read_npy(tmp_path / "forged.npy")


@pytest.mark.parametrize(
    "header", ["{[]: 1}", "(" * 5000, "{'descr'", "", "\0", "{'descr': '<f8', 'shape': 3}", "1L\n \n\t1", "'''"]
)
def test_a_header_that_is_no_header(header, tmp_path):
    data = header.encode()
    (tmp_path / "forged.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(data).to_bytes(2, "little") + data + b"\0" * 24)
    with pytest.raises(InputError, match="no NPY array"):
        read_npy(tmp_path / "forged.npy")


def test_size_guards_come_before_reading(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", X=np.zeros((1000, 100)), y=np.zeros(1000))
    size = (tmp_path / "bomb.npz").stat().st_size
    assert "at most 10" in refused(tmp_path / "bomb.npz", max_bytes=10)
    assert "unpacked" in refused(tmp_path / "bomb.npz", max_bytes=2 * size)
    (tmp_path / "big.csv").write_text("1,2\n" * 100)
    assert "at most 100" in refused(tmp_path / "big.csv", max_bytes=100)


def test_a_pickle_that_runs_code_is_not_run(tmp_path):
    class Malicious:
        def __reduce__(self):
            return (exec, (f"open({str(tmp_path / 'run')!r}, 'w')",))

    np.savez(tmp_path / "evil.npz", X=np.array([[Malicious()]], dtype=object), y=[1.0])
    assert "pickled" in refused(tmp_path / "evil.npz")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "text",
    [
        "1,2,3\n4,5,6\n",
        "a,b,target\n1,2,3\n4,5,6\n",
        "0,1,y\r\n1,2,3\r\n\r\n4,5,6",
        "\ufeffa,b,c\n1e0, 2 ,+3\n4,5,6\n",
        '"first, really",b,c\n"1","2","3"\n4,5,6\n',
    ],
)
def test_csv_with_and_without_a_header(text, tmp_path):
    (tmp_path / "d.csv").write_text(text, encoding="utf-8", newline="")
    dataset = read_dataset(tmp_path / "d.csv")
    assert dataset.X.tolist() == [[1, 2], [4, 5]]
    assert dataset.y.tolist() == [3, 6]
    assert (dataset.name, dataset.input_shape) == ("d", (2,))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b,c\n", "no samples"),
        ("\n\n", "no samples"),
        ("1\n2\n", "got 1"),
        ("1,2\n3,4,5\n", "line 2: got 3 columns, expected 2"),
        ("1,2\n3\n", "line 2: got 1 column, expected 2"),
        ("1,2\nx,4\n", "line 2, column 1: got 'x'"),
        ("1,2\n3,\n", "line 2, column 2: got an empty field"),
        ("1,,3\n", "line 1, column 2: got an empty field"),
        ("1\n", "got 1 column, expected at least"),
        ("1,nan\n", "NaN"),
        ("inf,1\n", "infinite"),
        ("1,2\n3,1e999\n", "infinite"),
        ("1,\x00\n", "got"),
    ],
)
def test_bad_csv(text, says, tmp_path):
    (tmp_path / "d.csv").write_text(text)
    assert says in refused(tmp_path / "d.csv")


def test_csv_that_is_not_text(tmp_path):
    (tmp_path / "d.csv").write_bytes(b"\xff\xfe\x00\x81" * 10)
    assert "UTF-8" in refused(tmp_path / "d.csv")
